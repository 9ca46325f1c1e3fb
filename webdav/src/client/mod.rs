//! The protocol from the client's side: requests as clients write them ([`Spelling`]), and answers read ([`multistatus`]).
//!
//! For whoever asks another CalDAV server. Knows no sockets, and nothing of this server's own resources: names and hrefs
//! are taken as they come, within the same bounds as requests.

pub mod answer;
pub mod request;

pub use answer::{Answered, Unreadable, is_error, multistatus};
pub use request::Spelling;

use crate::xml::Name;
use crate::xml::name::{APPLE, CALDAV, CALENDAR_SERVER, DAV};

/// A name by its short form: `D:` is `DAV:`, `C:` CalDAV, `CS:` Apple's calendar server, `A:` Apple's calendars. `None` for
/// any other prefix.
fn name(short: &str) -> Option<Name> {
    let (prefix, local) = short.split_once(':')?;
    let namespace = match prefix {
        "D" => DAV,
        "C" => CALDAV,
        "CS" => CALENDAR_SERVER,
        "A" => APPLE,
        _ => return None,
    };
    Some(Name::new(namespace, local))
}
