//! One client set up and synchronizing: its own requests in its own order.

use super::client::{Ask, CLIENTS, Client, Door, OptionsAt, Password, Redirects};
use super::findings::Findings;
use super::look::{Map, WELL_KNOWN, first_link};
use super::place::Place;
use super::problem::{Harm, Kind, Trouble};
use super::visit::{self, Listed, Request, Sender};
use super::wire::{Answer, Wire};
use http::HeaderValue;
use std::time::Duration;

/// What DAVx5 looks back, and Apple's programs about as far.
const RECENT: Duration = Duration::from_secs(90 * 86_400);

/// One client on its way.
struct Tour<'a> {
    wire: &'a mut Wire,
    findings: &'a mut Findings,
    index: usize,
    client: &'a Client,
    sender: Sender,
    typed: Place,
    map: &'a Map,
}

/// Plays every client. `door` is the one behind which the server was found from the address as typed.
pub async fn all(wire: &mut Wire, credentials: &HeaderValue, (typed, door): (&Place, Door), map: &Map, findings: &mut Findings) {
    for (index, client) in CLIENTS.iter().enumerate() {
        let sender =
            Sender { agent: client.agent, encodings: client.encodings, spelling: client.spelling, credentials: Some(credentials.clone()) };
        let mut typed = typed.clone();
        if door == Door::WellKnown && !client.doors.contains(&door) {
            findings.remark(format!("{} does not ask the well-known address: give it {}", client.name, map.root));
            typed = map.root.clone();
        }
        let mut tour = Tour { wire, findings, index, client, sender, typed, map };
        if let Err(trouble) = tour.play().await {
            tour.note(&trouble, Harm::Fails);
        }
    }
}

impl Tour<'_> {
    fn note(&mut self, trouble: &Trouble, harm: Harm) {
        self.findings.add(trouble, [self.index], harm);
    }

    fn lacks(&mut self, words: String, harm: Harm) {
        self.note(&Trouble::new(Kind::ServerLacks, words), harm);
    }

    async fn ask(&mut self, request: &Request) -> Result<Answer, Trouble> {
        visit::ask(self.wire, &self.sender, request).await
    }

    async fn list(&mut self, request: &Request) -> Result<Listed, Trouble> {
        visit::list(self.wire, &self.sender, request).await
    }

    async fn play(&mut self) -> Result<(), Trouble> {
        let found = self.find().await?;
        let principal = first_link(&found, "D:current-user-principal")?;
        let spelling = self.sender.spelling;
        let found_principal = self.list(&Request::propfind(&principal, "0", spelling.propfind(self.client.principal))).await?;
        let home = first_link(&found_principal, "C:calendar-home-set")?;
        let homes = found_principal.responses.first().map_or(0, |first| first.hrefs("C:calendar-home-set").len());
        if homes > 1 {
            self.lacks(format!("{homes} calendar homes, of which most clients take one"), Harm::Hampers);
        }
        let listed = self.list(&Request::propfind(&home, "1", spelling.propfind(self.client.home))).await?;
        if listed.responses.iter().any(|answered| !answered.has("D:resourcetype")) {
            self.lacks(format!("PROPFIND {home}, Depth 1: a resource without resourcetype"), Harm::Fails);
        }
        let own = listed.responses.iter().find(|answered| super::place::same_path(&answered.href, &home.path));
        if self.client.asks.contains(&Ask::SyncHome)
            && own.is_some_and(|own| !own.reports().iter().any(|report| report == "sync-collection"))
        {
            self.lacks(format!("{home} does not list sync-collection among its reports"), Harm::Hampers);
        }
        let collections = found_principal.responses.first().map(|first| first.hrefs("D:principal-collection-set")).unwrap_or_default();
        let collection = match collections.first() {
            Some(href) => visit::link(&found_principal.place, href)?,
            None => principal.clone(),
        };
        self.options(&found.place, &principal, &home).await;
        for ask in self.client.asks {
            let above = if *ask == Ask::SearchProperties { &collection } else { &principal };
            self.one(*ask, above, &home).await;
        }
        Ok(())
    }

    /// The principal, behind the first door that leads to it.
    async fn find(&mut self) -> Result<Listed, Trouble> {
        let mut troubles: Vec<(Door, Trouble)> = Vec::new();
        for door in self.client.doors {
            match self.behind(*door).await {
                Ok(listed) => {
                    // Behind the host's other doors may be a web site; the well-known address is looked at apart.
                    let passing = [Kind::NotCalDav, Kind::MethodRefused, Kind::WellKnownMissing, Kind::ServerLacks];
                    for (door, trouble) in troubles {
                        if door == Door::Typed && !passing.contains(&trouble.kind) {
                            self.note(&trouble, Harm::Hampers);
                        }
                    }
                    return Ok(listed);
                }
                Err(trouble) => troubles.push((*door, trouble)),
            }
        }
        let of = |wanted: Door| troubles.iter().find(|(door, _)| *door == wanted).map(|(_, trouble)| trouble);
        let trouble = match (of(Door::Typed), of(Door::WellKnown)) {
            (Some(typed), Some(known)) if typed.kind == Kind::NotCalDav => known,
            (Some(typed), _) => typed,
            (None, Some(known)) => known,
            (None, None) => return Err(Trouble::new(Kind::NotCalDav, self.typed.to_string())),
        };
        Err(trouble.clone())
    }

    async fn behind(&mut self, door: Door) -> Result<Listed, Trouble> {
        let mut place = match door {
            Door::Typed => self.typed.clone(),
            Door::WellKnown => self.typed.at(WELL_KNOWN),
            Door::Root => self.typed.at("/"),
            Door::Principals => self.typed.at("/principals/"),
        };
        if door == Door::WellKnown && self.client.redirects == Redirects::Reads {
            place = self.read_location(&place).await?;
        }
        let request = Request::propfind(&place, "0", self.sender.spelling.propfind(self.client.discovery));
        if self.client.password == Password::WhenAsked {
            let nobody = Sender { credentials: None, ..self.sender.clone() };
            let answer = visit::ask(self.wire, &nobody, &request).await?;
            match answer.status.as_u16() {
                401 if answer.header("www-authenticate").is_empty() => {
                    return Err(Trouble::new(Kind::ChallengeMissing, visit::seen("PROPFIND", &answer)));
                }
                401 | 207 => {}
                404 if door == Door::WellKnown => return Err(Trouble::new(Kind::WellKnownMissing, visit::seen("PROPFIND", &answer))),
                _ => return Err(Trouble::new(Kind::NotCalDav, visit::seen("PROPFIND", &answer))),
            }
        }
        let listed = match self.list(&request).await {
            Err(trouble) if trouble.kind == Kind::NotCalDav && door == Door::WellKnown => {
                return Err(Trouble::new(Kind::WellKnownMissing, trouble.seen));
            }
            listed => listed?,
        };
        first_link(&listed, "D:current-user-principal")?;
        Ok(listed)
    }

    /// The root that a redirect names, scheme and port put right as tsdav does; else the place itself is asked.
    async fn read_location(&mut self, place: &Place) -> Result<Place, Trouble> {
        for method in ["PROPFIND", "GET"] {
            let answer = visit::send(self.wire, &self.sender, &Request::new(method, place)).await?;
            let location = answer.header("location");
            if visit::redirects(answer.status) && !location.is_empty() {
                let broken = || Trouble::new(Kind::RedirectBroken, format!("{method} {place}: `Location: {location}`"));
                let mut to = place.resolve(location).map_err(|_| broken())?;
                if to.host == place.host {
                    (to.scheme, to.port) = (place.scheme, place.port);
                }
                return visit::link(place, &to.to_string());
            }
        }
        Err(Trouble::new(Kind::WellKnownMissing, format!("GET {place} does not redirect")))
    }

    async fn options(&mut self, found: &Place, principal: &Place, home: &Place) {
        let place = match (self.client.options, &self.map.calendar) {
            (OptionsAt::Principal, _) => principal,
            (OptionsAt::Found, _) => found,
            (OptionsAt::Home, _) => home,
            (OptionsAt::Calendar, Some(calendar)) => calendar,
            (OptionsAt::Calendar, None) | (OptionsAt::Nowhere, _) => return,
        };
        let plain = Sender { encodings: "identity", ..self.sender.clone() };
        let answer = match visit::ask(self.wire, &plain, &Request::new("OPTIONS", place)).await {
            Ok(answer) => answer,
            Err(trouble) => return self.note(&trouble, Harm::Fails),
        };
        let classes = answer.headers.get_all("dav").iter().filter_map(|value| value.to_str().ok());
        let calendars = classes.flat_map(|value| value.split(',')).any(|class| class.trim().eq_ignore_ascii_case("calendar-access"));
        let seen = format!("OPTIONS answers {}{}", answer.status.as_u16(), visit::signature(&answer));
        // Thunderbird looks there for scheduling alone.
        let harm = if self.client.options == OptionsAt::Home { Harm::Hampers } else { Harm::Fails };
        if !calendars {
            self.note(&Trouble::new(Kind::DavHeaderMissing, format!("{seen} without `DAV: …, calendar-access`")), harm);
        } else if answer.status.as_u16() != 200 {
            self.note(&Trouble::new(Kind::OptionsStatus, seen), Harm::Hampers);
        }
    }

    async fn one(&mut self, ask: Ask, principal: &Place, home: &Place) {
        let done = match ask {
            Ask::SyncHome | Ask::Proxies | Ask::SearchProperties => self.ask_above(ask, principal, home).await,
            _ => self.ask_calendar(ask).await,
        };
        if let Err(trouble) = done {
            let harm = match ask {
                Ask::Head | Ask::Get | Ask::Proxies | Ask::SearchProperties | Ask::SyncHome => Harm::Hampers,
                _ => Harm::Fails,
            };
            self.note(&trouble, harm);
        }
    }

    async fn ask_above(&mut self, ask: Ask, principal: &Place, home: &Place) -> Result<(), Trouble> {
        let spelling = self.sender.spelling;
        let request = match ask {
            Ask::Proxies => Request::report(principal, "0", spelling.expand_proxies()),
            Ask::SearchProperties => Request::report(principal, "0", spelling.principal_search_property_set()),
            _ => {
                let body = spelling.sync_collection("D:getetag D:resourcetype D:displayname CS:getctag D:sync-token");
                self.list(&Request::report(home, "1", body)).await?;
                return Ok(());
            }
        };
        // The answer is of no matter, and the method itself is asked for elsewhere.
        match self.ask(&request).await {
            Err(trouble) if trouble.kind == Kind::MethodRefused => Ok(()),
            answered => answered.map(|_| ()),
        }
    }

    async fn ask_calendar(&mut self, ask: Ask) -> Result<(), Trouble> {
        let Some(calendar) = &self.map.calendar else { return Ok(()) };
        let spelling = self.sender.spelling;
        let tags = "D:getetag D:getcontenttype";
        let request = match ask {
            Ask::QueryAll => Request::report(calendar, "1", spelling.calendar_query(tags, "VEVENT", None)),
            Ask::QueryRecent => {
                let start = (chrono::Utc::now() - RECENT).format("%Y%m%dT000000Z").to_string();
                Request::report(calendar, "1", spelling.calendar_query(tags, "VEVENT", Some(&start)))
            }
            Ask::Sync => Request::report(calendar, "0", spelling.sync_collection(tags)),
            Ask::List => Request::propfind(calendar, "1", spelling.propfind("D:resourcetype D:getcontenttype D:getetag")),
            Ask::Poll => Request::propfind(calendar, "0", spelling.propfind("CS:getctag D:sync-token D:supported-report-set")),
            Ask::Multiget => {
                let Some((event, _)) = &self.map.event else { return Ok(()) };
                let hrefs = [event.path.clone()];
                Request::report(calendar, "1", spelling.calendar_multiget("D:getetag C:calendar-data", &hrefs))
            }
            Ask::Get | Ask::Head => return self.read(if ask == Ask::Get { "GET" } else { "HEAD" }).await,
            Ask::SyncHome | Ask::Proxies | Ask::SearchProperties => return Ok(()),
        };
        let listed = self.list(&request).await?;
        if ask == Ask::Multiget && !listed.responses.iter().any(|answered| answered.has("C:calendar-data")) {
            return Err(Trouble::new(Kind::ServerLacks, format!("REPORT {calendar}: no calendar-data of an event that is there")));
        }
        Ok(())
    }

    async fn read(&mut self, method: &'static str) -> Result<(), Trouble> {
        let Some((event, _)) = &self.map.event else { return Ok(()) };
        let answer = self.ask(&Request::new(method, event)).await?;
        match answer.status.as_u16() {
            200 if answer.header("etag").is_empty() => Err(Trouble::new(Kind::TagMissing, visit::seen(method, &answer))),
            200 => Ok(()),
            404 if event.path.contains('%') => Err(Trouble::new(Kind::PathMangled, visit::seen(method, &answer))),
            _ => Err(Trouble::new(Kind::Unexpected, visit::seen(method, &answer))),
        }
    }
}
