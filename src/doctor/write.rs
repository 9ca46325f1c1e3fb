//! `--write`: a calendar of its own is made, written to, and deleted again, whatever happens between.

use super::client::{everyone, those};
use super::findings::Findings;
use super::look::Map;
use super::place::Place;
use super::probe::same_bytes;
use super::problem::{Harm, Kind, Trouble};
use super::visit::{self, Request, Sender};
use super::wire::{Answer, Wire};

/// The event that is written.
const EVENT: &str = include_str!("event.ics");
/// A name with what names in the wild have.
const NAME: &str = "doctor%20a%2Bb%40c%C3%A9.ics";

/// Makes a calendar named `name` in the home, tries it, deletes it.
pub async fn all(wire: &mut Wire, sender: &Sender, map: &Map, name: &str, findings: &mut Findings) {
    let calendar = map.home.at(&format!("{}/{name}/", map.home.path.trim_end_matches('/')));
    let made = Request::new("MKCALENDAR", &calendar).with_body(sender.spelling.mkcalendar("shoji doctor"));
    if let Err(trouble) = expect(wire, sender, &made, &[201]).await {
        findings.add(&trouble, those(|client| client.writes.contains(&"MKCALENDAR")), Harm::Hampers);
        return;
    }
    if let Err(trouble) = try_out(wire, sender, &calendar).await {
        findings.add(&trouble, everyone(), Harm::Hampers);
    }
    if let Err(trouble) = expect(wire, sender, &Request::new("DELETE", &calendar), &[200, 204]).await {
        findings.add(&trouble, everyone(), Harm::Hampers);
        findings.remark(format!("{calendar} is left behind: delete it."));
    }
}

async fn expect(wire: &mut Wire, sender: &Sender, request: &Request, statuses: &[u16]) -> Result<Answer, Trouble> {
    let answer = visit::ask(wire, sender, request).await?;
    if statuses.contains(&answer.status.as_u16()) { Ok(answer) } else { Err(failed(request.method, &answer)) }
}

fn failed(method: &str, answer: &Answer) -> Trouble {
    Trouble::new(Kind::WriteFailed, visit::seen(method, answer))
}

async fn try_out(wire: &mut Wire, sender: &Sender, calendar: &Place) -> Result<(), Trouble> {
    let at = |name: &str| calendar.at(&format!("{}{name}", calendar.path));
    let renamed = Request::new("PROPPATCH", calendar).with_body(sender.spelling.proppatch("shoji doctor, renamed"));
    expect(wire, sender, &renamed, &[207]).await?;
    let event = at(NAME);
    let put = Request::new("PUT", &event).with("content-type", "text/calendar; charset=utf-8").with_body(EVENT.replace('\n', "\r\n"));
    let answer = expect(wire, sender, &put.clone().with("if-none-match", "*"), &[201]).await?;
    if answer.header("etag").is_empty() {
        return Err(Trouble::new(Kind::TagMissing, visit::seen("PUT", &answer)));
    }
    let again = visit::ask(wire, sender, &put.with("if-none-match", "*")).await?;
    if again.status.as_u16() != 412 {
        let words = format!("{} where `If-None-Match: *` wants 412", visit::seen("PUT", &again));
        return Err(Trouble::new(Kind::ConditionsStripped, words));
    }
    let request = Request::propfind(calendar, "1", sender.spelling.propfind("D:getetag D:resourcetype"));
    let listed = visit::list(wire, sender, &request).await?;
    // The calendar is in its own listing, and may have a tag as well.
    let row = listed.responses.iter().find(|answered| answered.has("D:getetag") && !answered.is_calendar());
    let row = row.ok_or_else(|| Trouble::new(Kind::WriteFailed, format!("PROPFIND {calendar}: the event is not listed")))?;
    let place = visit::link(&listed.place, &row.href)?;
    if !super::place::same_path(&place.path, &event.path) {
        return Err(Trouble::new(Kind::PathMangled, format!("{} was stored as {}", event.path, place.path)));
    }
    same_bytes(wire, sender, &place, &row.text("D:getetag").unwrap_or_default()).await?;
    let moved = at("moved.ics");
    let request = Request::new("MOVE", &place).with("destination", moved.to_string()).with("overwrite", "F");
    match expect(wire, sender, &request, &[201]).await {
        Err(trouble) if trouble.seen.contains(" 502") => return Err(Trouble::new(Kind::DestinationRefused, trouble.seen)),
        answer => answer?,
    };
    expect(wire, sender, &Request::new("DELETE", &moved), &[200, 204]).await?;
    Ok(())
}
