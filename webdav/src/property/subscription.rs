//! What a subscription says of itself to its owner, who alone has it: where its calendar is, and what a client does with it.
//!
//! The address is kept and given back. Nothing here, nor anywhere in the server, ever goes there.

use super::{Presence, Subject};
use crate::error::Result;
use crate::xml::{Name, Writer};
use storage::authorized::PropertyKey;

type Value = Result<Presence>;

/// Schemes under which clients know calendars elsewhere.
const SCHEMES: [&str; 4] = ["http", "https", "webcal", "webcals"];
/// Bytes of an address.
const SOURCE_BYTES_MAX: usize = 4_096;

/// Whether a text can be the address of a subscription: an absolute URI of a scheme that means a calendar, without what a URI
/// has to encode.
pub(crate) fn is_source(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let known = SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let has_host = rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[');
    let plain =
        text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'));
    known && has_host && plain && text.len() <= SOURCE_BYTES_MAX
}

pub(super) fn source(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    match subject.stored()?.get(&PropertyKey::Source) {
        Some(source) => {
            writer.start(&Name::dav("href"));
            writer.text(source);
            writer.end(&Name::dav("href"));
            Ok(Presence::Present)
        }
        None => Ok(Presence::Absent),
    }
}

pub(super) fn refresh_rate(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    subject.stored_text(&PropertyKey::RefreshRate, writer)
}

pub(super) fn strip_alarms(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    subject.stored_text(&PropertyKey::StripAlarms, writer)
}

pub(super) fn strip_attachments(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    subject.stored_text(&PropertyKey::StripAttachments, writer)
}

pub(super) fn strip_to_dos(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    subject.stored_text(&PropertyKey::StripToDos, writer)
}

#[cfg(test)]
mod tests {
    use super::is_source;

    #[test]
    fn an_address_is_one_of_a_calendar_elsewhere() {
        for source in [
            "https://calendars.example/feed.ics?token=a%20b&x=1#y",
            "webcal://user:secret@calendars.example:8443/a/",
            "WEBCALS://[2001:db8::1]/feed",
            "http://10.0.0.1/feed.ics",
        ] {
            assert!(is_source(source), "{source}");
        }
        for text in [
            "",
            "https",
            "https:",
            "https://",
            "https:///feed.ics",
            "//calendars.example/feed.ics",
            "/feed.ics",
            "file:///etc/passwd",
            "javascript://alert(1)",
            "https://calendars.example/a b",
            "https://calendars.example/é",
            "https://calendars.example/\"",
            "https://calendars.example/\r\nX: y",
            &format!("https://calendars.example/{}", "x".repeat(4_096)),
        ] {
            assert!(!is_source(text), "{text}");
        }
    }
}
