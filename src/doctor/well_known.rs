//! The well-known address (RFC 6764 §5): by it the name of the host is enough. Looked at once for all clients that ask it.

use super::client::{Door, Redirects, those};
use super::findings::Findings;
use super::look::WELL_KNOWN;
use super::place::Place;
use super::problem::{Harm, Kind, Trouble};
use super::visit::{self, Request, Sender};
use super::wire::Wire;

/// Asks it with PROPFIND and GET, both without a password, and then as `sender` the place it leads to.
pub async fn look(wire: &mut Wire, nobody: &Sender, sender: &Sender, typed: &Place, findings: &mut Findings) {
    let place = typed.at(WELL_KNOWN);
    let mut targets: Vec<Place> = Vec::new();
    let mut troubles: Vec<Trouble> = Vec::new();
    for method in ["PROPFIND", "GET"] {
        match one(wire, nobody, method, &place).await {
            Ok(target) => targets.push(target),
            Err(trouble) => troubles.push(trouble),
        }
    }
    // What reads the Location puts scheme and port right by itself.
    let concerned = |kind: Kind| {
        those(|client| {
            let asks = client.doors.contains(&Door::WellKnown);
            asks && (client.redirects == Redirects::Follows || !matches!(kind, Kind::RedirectToHttp | Kind::RedirectLosesPort))
        })
    };
    let trouble = match (targets.first(), troubles.first()) {
        (Some(_), Some(trouble)) => Some(Trouble::new(Kind::WellKnownOneMethod, trouble.seen.clone())),
        (None, Some(trouble)) => Some(trouble.clone()),
        (Some(target), None) => answers(wire, sender, target).await.err(),
        (None, None) => None,
    };
    if let Some(trouble) = trouble {
        findings.add(&trouble, concerned(trouble.kind), Harm::Hampers);
    }
}

async fn one(wire: &mut Wire, nobody: &Sender, method: &'static str, place: &Place) -> Result<Place, Trouble> {
    let mut request = Request::new(method, place);
    if method == "PROPFIND" {
        request = Request::propfind(place, "0", nobody.spelling.propfind("D:current-user-principal"));
    }
    let answer = visit::send(wire, nobody, &request).await?;
    let kind = match answer.status.as_u16() {
        _ if visit::redirects(answer.status) => return visit::target(method, &answer),
        // A server may stand there itself.
        207 => return Ok(place.clone()),
        401 => Kind::WellKnownAsksPassword,
        502..=504 => Kind::ServerSilent,
        _ => Kind::WellKnownMissing,
    };
    Err(Trouble::new(kind, visit::seen(method, &answer)))
}

/// Where the address leads a CalDAV server answers: with a listing, or to nobody in particular with 401, as to any path.
async fn answers(wire: &mut Wire, sender: &Sender, target: &Place) -> Result<(), Trouble> {
    let request = Request::propfind(target, "0", sender.spelling.propfind("D:current-user-principal"));
    let answer = match visit::ask(wire, sender, &request).await {
        Err(trouble) if trouble.kind == Kind::MethodRefused => {
            return Err(Trouble::new(Kind::WellKnownTarget, format!("it leads to {target}; {}", trouble.seen)));
        }
        answer => answer?,
    };
    match answer.status.as_u16() {
        401 | 207 => Ok(()),
        _ => Err(Trouble::new(Kind::WellKnownTarget, format!("it leads to {target}; {}", visit::seen("PROPFIND", &answer)))),
    }
}
