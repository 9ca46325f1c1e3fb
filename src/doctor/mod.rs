//! `shoji doctor`: plays each client's discovery against a running server, as that client, and says what would fail and how
//! to mend it. Of use above all for a server behind a reverse proxy.
//!
//! It asks as [`client`] describes each, judges what comes back ([`visit`]), and names the root of each problem once
//! ([`problem`]). The password goes to the examined server alone, and nothing is written unless asked for ([`write`]).
//! Knows no XML: bodies are written and read by `webdav::client`.

pub mod client;
pub mod findings;
pub mod look;
pub mod place;
pub mod probe;
pub mod problem;
pub mod report;
pub mod tour;
pub mod trust;
pub mod visit;
pub mod well_known;
pub mod wire;
pub mod write;

use base64::Engine;
use client::{Door, everyone};
use findings::Findings;
use http::HeaderValue;
use place::Place;
use problem::{Harm, Kind, Trouble};
use report::Report;
use std::time::Duration;
use trust::Trust;
use visit::own;
use wire::Wire;

/// Answers that are waited for to the last moment; a server that takes longer altogether is not examined to the end.
const LATE_ANSWERS_MAX: u32 = 20;

/// Whether the doctor may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Nothing.
    Never,
    /// A calendar of its own, which it deletes.
    OwnCalendar,
}

/// What to examine.
#[derive(Clone, Debug)]
pub struct Patient {
    /// The address that people type.
    pub typed: Place,
    /// Name and password.
    pub account: Option<(String, String)>,
    /// Authorities.
    pub trust: Trust,
    /// Whether to write.
    pub writing: Writing,
    /// How long an answer is waited for; [`wire::ANSWER_MAX`] as a rule.
    pub answer_max: Duration,
}

/// Nothing answers there: no examination. The text says what was tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Absent(pub String);

/// Examines a server.
///
/// # Errors
/// Nothing answers at the address.
pub async fn examine(patient: &Patient) -> Result<Report, Absent> {
    let mut findings = Findings::default();
    look::reach(&patient.typed, &mut findings).await.map_err(Absent)?;
    let whole_max = patient.answer_max.saturating_mul(LATE_ANSWERS_MAX);
    match tokio::time::timeout(whole_max, examine_reached(patient, &mut findings)).await {
        Ok(Ok(())) => {}
        Ok(Err(trouble)) => findings.add(&trouble, everyone(), Harm::Fails),
        Err(_) => {
            let words = format!("{} answers so slowly that not all was asked within {} seconds", patient.typed, whole_max.as_secs());
            findings.add(&Trouble::new(Kind::NoAnswer, words), everyone(), Harm::Hampers);
        }
    }
    let user = patient.account.as_ref().map(|(user, _)| user.clone());
    Ok(Report { url: patient.typed.to_string(), user, findings })
}

/// # Errors
/// What concerns every client, and ends the examination.
async fn examine_reached(patient: &Patient, findings: &mut Findings) -> Result<(), Trouble> {
    let mut wire = Wire::new(patient.trust.clone(), patient.answer_max);
    look::security(&wire, &patient.typed, findings).await?;
    let nobody = own(None);
    let (root, door) = look::root(&mut wire, &nobody, &patient.typed, findings).await?;
    let Some((user, password)) = &patient.account else {
        well_known::look(&mut wire, &nobody, &nobody, &patient.typed, findings).await;
        findings.remark("Without --user it can only be seen whether the server is found and asks for a password.");
        return Ok(());
    };
    let credentials = basic(user, password);
    let me = own(Some(credentials.clone()));
    let (map, door) = match look::map(&mut wire, &me, &root).await {
        // A server may ask anybody for a password and only then say that nothing stands at the path that was typed.
        Err(trouble) if trouble.kind == Kind::NotCalDav && door == Door::Typed => {
            let (root, map) = look::behind_well_known(&mut wire, &nobody, &me, &patient.typed, findings).await.ok_or(trouble)?;
            findings.remark(format!("Nothing stands at {}; programs that ask the well-known address find {root}.", patient.typed));
            (map, Door::WellKnown)
        }
        map => (map?, door),
    };
    well_known::look(&mut wire, &nobody, &me, &patient.typed, findings).await;
    if map.calendar.is_none() {
        findings.remark(format!("{user} has no calendar: reports were not looked at. Try as someone who has one."));
    }
    if map.event.is_none() && patient.writing == Writing::Never {
        findings.remark("No event was there to read: compression and entity tags were not looked at. Try with --write.");
    }
    tour::all(&mut wire, &credentials, (&patient.typed, door), &map, findings).await;
    let name = unused_name();
    probe::Probe { wire: &mut wire, sender: &me, map: &map, name: &name, findings }.all().await;
    if patient.writing == Writing::OwnCalendar {
        write::all(&mut wire, &me, &map, &name, findings).await;
    }
    Ok(())
}

/// `Authorization` (RFC 7617), hidden from whatever prints headers.
fn basic(user: &str, password: &str) -> HeaderValue {
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    // Base64 is always a header's value; an empty one would be refused by the server and told.
    let mut value = HeaderValue::from_str(&format!("Basic {encoded}")).unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// A name nothing has. Without randomness it is a fixed one, which nothing has either.
fn unused_name() -> String {
    format!("shoji-doctor-{:016x}", getrandom::u64().unwrap_or_default())
}
