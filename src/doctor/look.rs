//! The first look: is anything there, is it trusted, does it ask for a password and take it, and where do things stand. What
//! fails here fails for every client.

use super::client::{Door, everyone, those};
use super::findings::Findings;
use super::place::{Place, Scheme};
use super::problem::{Harm, Kind, Trouble};
use super::visit::{self, Listed, Request, Sender};
use super::wire::{Answer, Unreached, Wire, addresses, dial};
use chrono::{DateTime, Utc};
use std::io::ErrorKind;
use std::net::SocketAddr;
use webdav::client::Answered;

/// The path of RFC 6764 §5.
pub const WELL_KNOWN: &str = "/.well-known/caldav";
/// A clock that is further off is worth a remark, in seconds.
const SKEW_MAX: i64 = 300;
/// Calendars in which an event is looked for.
const CALENDARS_MAX: usize = 20;

/// Where things stand for the one who signed in.
#[derive(Clone, Debug)]
pub struct Map {
    /// Where the server was found.
    pub root: Place,
    /// His home.
    pub home: Place,
    /// A calendar, one he may write to if there is one.
    pub calendar: Option<Place>,
    /// An event in it, and its entity tag as the listing has it.
    pub event: Option<(Place, String)>,
    /// Bytes the calendar takes.
    pub max_resource_size: usize,
}

/// Looks at each address of the host.
///
/// # Errors
/// None of them answers.
pub async fn reach(place: &Place, findings: &mut Findings) -> Result<(), String> {
    let found = addresses(place).await.map_err(|unreached| match unreached {
        Unreached::NoAddress(words) => words,
        other => format!("{other:?}"),
    })?;
    let mut dead = Vec::new();
    for address in &found {
        if let Err(error) = dial(*address).await {
            dead.push((*address, error.kind()));
        }
    }
    if dead.len() == found.len() {
        let all: Vec<String> = dead.iter().map(|(address, kind)| format!("{address} ({kind})")).collect();
        return Err(format!("nothing answers at {}: {}", place.authority(), all.join(", ")));
    }
    some_are_dead(&dead, findings);
    Ok(())
}

/// Addresses that do not answer while another does. Of one that this machine has no way to, nothing is known.
fn some_are_dead(dead: &[(SocketAddr, ErrorKind)], findings: &mut Findings) {
    for (address, kind) in dead.iter().filter(|(address, _)| !address.ip().is_loopback()) {
        if matches!(kind, ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable) {
            findings.remark(format!("No way leads from this machine to {address}: that address was not examined."));
        } else {
            findings.add(&Trouble::new(Kind::AddressDead, format!("{address}: {kind}")), everyone(), Harm::Hampers);
        }
    }
}

/// Looks at the certificate, or at its absence.
///
/// # Errors
/// No connection that any client would use.
pub async fn security(wire: &Wire, place: &Place, findings: &mut Findings) -> Result<(), Trouble> {
    match place.scheme {
        Scheme::Https => {
            let soon = wire.certificate_ends_soon(place).await.map_err(|unreached| visit::trouble(&unreached, "GET", place))?;
            if soon {
                findings.remark("The certificate ends within two weeks.");
            }
        }
        Scheme::Http if place.is_loopback() => {
            findings.remark("This is http on this machine alone. Over a network it must be https; Apple Calendar wants it always.");
        }
        Scheme::Http => {
            let trouble = Trouble::new(Kind::Cleartext, place.to_string());
            findings.add(&trouble, everyone(), Harm::Hampers);
            findings.add(&trouble, those(|client| client.code.starts_with("apple")), Harm::Fails);
        }
    }
    Ok(())
}

/// Finds where the server answers: at the address as typed, or where the well-known one leads.
///
/// # Errors
/// With what stands in the way; it concerns every client.
pub async fn root(wire: &mut Wire, nobody: &Sender, typed: &Place, findings: &mut Findings) -> Result<(Place, Door), Trouble> {
    let at_typed = challenge(wire, nobody, typed, findings).await;
    let trouble = match at_typed {
        Ok(place) => return Ok((place, Door::Typed)),
        Err(trouble) => trouble,
    };
    let passing = matches!(trouble.kind, Kind::NotCalDav | Kind::MethodRefused);
    if !passing {
        return Err(trouble);
    }
    match challenge(wire, nobody, &typed.at(WELL_KNOWN), findings).await {
        Ok(place) => Ok((place, Door::WellKnown)),
        // Refused there as well: it is the method. Not there: the typed address is what people hold on to.
        Err(other) if other.kind == trouble.kind || trouble.kind == Kind::MethodRefused => Err(trouble),
        Err(other) if other.kind == Kind::NotCalDav => Err(trouble),
        Err(other) => Err(other),
    }
}

/// A PROPFIND without a password is answered with 401 and a challenge. Gives the place that answered so.
async fn challenge(wire: &mut Wire, nobody: &Sender, place: &Place, findings: &mut Findings) -> Result<Place, Trouble> {
    let body = nobody.spelling.propfind("D:current-user-principal D:resourcetype");
    let request = Request::propfind(place, "0", body);
    let answer = match visit::ask(wire, nobody, &request).await {
        Ok(answer) => answer,
        Err(trouble) => return Err(refused_or_absent(wire, nobody, place, trouble).await),
    };
    clock(&answer, findings);
    let seen = || visit::seen("PROPFIND", &answer);
    let kind = match answer.status.as_u16() {
        401 => {
            let asks = answer.headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok());
            let basic = asks.flat_map(|value| value.split(',')).any(|scheme| scheme.trim().to_ascii_lowercase().starts_with("basic"));
            if !basic {
                let trouble = Trouble::new(Kind::ChallengeMissing, format!("{} without `WWW-Authenticate: Basic`", seen()));
                findings.add(&trouble, those(|client| client.password == super::client::Password::WhenAsked), Harm::Fails);
            }
            return Ok(answer.place);
        }
        207 => {
            findings.add(&Trouble::new(Kind::NoPasswordAsked, seen()), everyone(), Harm::Hampers);
            return Ok(answer.place);
        }
        200 if answer.header("content-type").contains("html") => visit::page(&answer),
        200..=299 | 404 | 410 => Kind::NotCalDav,
        _ => Kind::Unexpected,
    };
    Err(Trouble::new(kind, seen()))
}

/// A refused PROPFIND means a server whose proxy refuses the method, if another method meets one; else something else.
/// A redirect to a page for browsers is told as that.
async fn refused_or_absent(wire: &mut Wire, nobody: &Sender, place: &Place, trouble: Trouble) -> Trouble {
    let get = visit::send(wire, nobody, &Request::new("GET", place)).await;
    match (trouble.kind, get) {
        (Kind::MethodRefused, Ok(answer)) if answer.status.as_u16() != 401 => {
            Trouble::new(Kind::NotCalDav, format!("{}; {}", trouble.seen, visit::seen("GET", &answer)))
        }
        (Kind::RedirectElsewhere, Ok(answer)) if visit::redirects(answer.status) && is_sign_in(answer.header("location")) => {
            Trouble::new(Kind::LoginPage, trouble.seen)
        }
        _ => trouble,
    }
}

/// Whether an address is where people sign in, by its words.
fn is_sign_in(location: &str) -> bool {
    let location = location.to_ascii_lowercase();
    ["login", "signin", "sign-in", "sso", "oauth", "auth.", "/auth"].iter().any(|word| location.contains(word))
}

fn clock(answer: &Answer, findings: &mut Findings) {
    if let Ok(date) = DateTime::parse_from_rfc2822(answer.header("date")) {
        let skew = (Utc::now() - date.to_utc()).num_seconds();
        if skew.abs() > SKEW_MAX {
            findings.remark(format!("The clocks of the server and of this machine differ by {} minutes.", skew.abs() / 60));
        }
    }
}

/// Signs in and finds home, calendar and event.
///
/// # Errors
/// With what stands in the way; it concerns every client.
pub async fn map(wire: &mut Wire, signed_in: &Sender, root: &Place) -> Result<Map, Trouble> {
    let properties = |words: &str| signed_in.spelling.propfind(words);
    let found = visit::list(wire, signed_in, &Request::propfind(root, "0", properties("D:current-user-principal"))).await?;
    let principal = first_link(&found, "D:current-user-principal")?;
    let found = visit::list(wire, signed_in, &Request::propfind(&principal, "0", properties("C:calendar-home-set"))).await?;
    let home = first_link(&found, "C:calendar-home-set")?;
    let words = "D:resourcetype D:current-user-privilege-set C:max-resource-size";
    let listed = visit::list(wire, signed_in, &Request::propfind(&home, "1", properties(words))).await?;
    let may_write =
        |answered: &Answered| answered.privileges().iter().any(|privilege| matches!(privilege.as_str(), "all" | "write" | "bind"));
    let mut calendars: Vec<&Answered> = listed.responses.iter().filter(|answered| answered.is_calendar()).collect();
    calendars.sort_by_key(|answered| !may_write(answered));
    let mut map = Map { root: root.clone(), home, calendar: None, event: None, max_resource_size: 1 << 20 };
    for chosen in calendars.into_iter().take(CALENDARS_MAX) {
        let calendar = visit::link(&listed.place, &chosen.href)?;
        let event = event_of(wire, signed_in, &calendar).await?;
        if map.calendar.is_none() || event.is_some() {
            map.max_resource_size = chosen.text("C:max-resource-size").and_then(|text| text.parse().ok()).unwrap_or(map.max_resource_size);
            (map.calendar, map.event) = (Some(calendar), event);
        }
        if map.event.is_some() {
            break;
        }
    }
    Ok(map)
}

/// The same from where the well-known address leads, if it leads to a server.
pub async fn behind_well_known(
    wire: &mut Wire,
    nobody: &Sender,
    signed_in: &Sender,
    typed: &Place,
    findings: &mut Findings,
) -> Option<(Place, Map)> {
    let root = challenge(wire, nobody, &typed.at(WELL_KNOWN), findings).await.ok()?;
    let found = map(wire, signed_in, &root).await.ok()?;
    Some((root, found))
}

/// An event of a calendar with its listed tag; one whose name needs encoding, if there is one, as it tells more.
async fn event_of(wire: &mut Wire, signed_in: &Sender, calendar: &Place) -> Result<Option<(Place, String)>, Trouble> {
    let body = signed_in.spelling.propfind("D:getetag D:resourcetype");
    let listed = visit::list(wire, signed_in, &Request::propfind(calendar, "1", body)).await?;
    let events = listed.responses.iter().filter(|answered| answered.has("D:getetag") && answered.href.ends_with(".ics"));
    match events.min_by_key(|answered| !answered.href.contains('%')) {
        None => Ok(None),
        Some(event) => Ok(Some((visit::link(&listed.place, &event.href)?, event.text("D:getetag").unwrap_or_default()))),
    }
}

/// The place a property of the first response links to.
///
/// # Errors
/// It has none.
pub fn first_link(listed: &Listed, property: &str) -> Result<Place, Trouble> {
    let local = property.split_once(':').map_or(property, |(_, local)| local);
    let lacks = || Trouble::new(Kind::ServerLacks, format!("PROPFIND {}: no {local}", listed.place));
    let href = listed.responses.first().and_then(|first| first.hrefs(property).into_iter().next()).ok_or_else(lacks)?;
    visit::link(&listed.place, &href)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::doctor::trust::Trust;
    use crate::doctor::wire::ANSWER_MAX;

    #[test]
    fn a_dead_address_beside_a_living_one_is_told_unless_no_way_leads_there() {
        let mut findings = Findings::default();
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        some_are_dead(&[(address("[::1]:443"), ErrorKind::ConnectionRefused)], &mut findings);
        some_are_dead(&[(address("[2001:db8::1]:443"), ErrorKind::NetworkUnreachable)], &mut findings);
        assert_eq!((findings.problems.len(), findings.remarks.len()), (0, 1));
        some_are_dead(&[(address("192.0.2.1:443"), ErrorKind::TimedOut)], &mut findings);
        assert_eq!(findings.problems.keys().copied().collect::<Vec<_>>(), [Kind::AddressDead]);
    }

    #[tokio::test]
    async fn http_is_a_problem_beyond_this_machine_alone() {
        let wire = Wire::new(Trust::new(None).unwrap(), ANSWER_MAX);
        for (typed, problems) in [("http://127.0.0.1:1/", &[][..]), ("http://cal.example.org/", &[Kind::Cleartext])] {
            let mut findings = Findings::default();
            security(&wire, &Place::typed(typed).unwrap(), &mut findings).await.unwrap();
            assert_eq!(findings.problems.keys().copied().collect::<Vec<_>>(), problems, "{typed}");
        }
    }
}
