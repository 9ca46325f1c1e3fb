//! Default alarms: `CALDAV:default-alarm-vevent-datetime` and its three siblings (draft-daboo-valarm-extensions, as Apple's
//! clients use them), which each person keeps on his home and on calendars. They are stored as dead properties, so as personal
//! as those: nobody else, the owner of the calendar included, is shown them. They differ in that their value is checked, and
//! that allprop leaves them out.

use crate::resource::Kind;
use crate::xml::name::CALDAV;
use ical::ParseLimits;
use ical::content_line::{Component, parse_stream};

const NAMES: [&str; 4] =
    ["default-alarm-vevent-datetime", "default-alarm-vevent-date", "default-alarm-vtodo-datetime", "default-alarm-vtodo-date"];

/// Whether a property is one of them.
pub(crate) fn is_default_alarm(namespace: &str, name: &str) -> bool {
    namespace == CALDAV && NAMES.contains(&name)
}

/// Where they mean something.
pub(crate) fn is_kept_on(kind: Kind) -> bool {
    matches!(kind, Kind::Home | Kind::Calendar)
}

/// Whether a value is one: nothing, which says that there is no default alarm, or whole VALARM components and nothing beside
/// them (RFC 5545 §3.6.6: each with one ACTION and one TRIGGER).
pub(crate) fn is_valid(text: &str) -> bool {
    let once = |alarm: &Component, name: &str| alarm.lines_named(name).count() == 1;
    let is_alarm = |alarm: &Component| alarm.name == "VALARM" && once(alarm, "ACTION") && once(alarm, "TRIGGER");
    text.trim().is_empty() || parse_stream(text.trim_start(), &ParseLimits::default()).is_ok_and(|alarms| alarms.iter().all(is_alarm))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALARM: &str =
        "BEGIN:VALARM\r\nX-WR-ALARMUID:1\r\nUID:1\r\nTRIGGER:-PT15H\r\nATTACH;VALUE=URI:Basso\r\nACTION:AUDIO\r\nEND:VALARM\r\n";

    #[test]
    fn a_default_alarm_is_whole_alarms_or_nothing() {
        for valid in ["", " \n", ALARM, &ALARM.replace("\r\n", "\n"), &ALARM.repeat(2), &format!("\n{ALARM}"), ALARM.trim_end()] {
            assert!(is_valid(valid), "{valid:?}");
        }
        let deep = "BEGIN:VALARM\r\n".repeat(10_000);
        for invalid in [
            "text",
            "BEGIN:VALARM\r\nTRIGGER:-PT15H\r\nACTION:AUDIO\r\n",
            "BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\n",
            &format!("{ALARM}SUMMARY:beside\r\n"),
            &format!("{ALARM}END:VEVENT\r\nBEGIN:VEVENT\r\n{ALARM}"),
            &format!("BEGIN:VCALENDAR\r\n{ALARM}END:VCALENDAR\r\n"),
            &ALARM.replace("TRIGGER:-PT15H\r\n", ""),
            &ALARM.replace("ACTION:AUDIO\r\n", "ACTION:AUDIO\r\nACTION:DISPLAY\r\n"),
            &deep,
        ] {
            assert!(!is_valid(invalid), "{invalid:.60}");
        }
    }
}
