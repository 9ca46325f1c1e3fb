//! Time zones by reference (RFC 7809 §3.1.3): the text of an object without the definitions of zones that everyone knows by
//! their IANA ids, or with a definition of every zone it names.
//!
//! All other bytes are copied. A definition that is put in is the server's own; none that is there is changed.

use crate::calendar_object::{CalendarObject, names};
use crate::content_line::{Component, unescape_text};
use crate::date_time::TimeRange;
use crate::span;
use crate::time_zone::Zone;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The object without its definitions of IANA zones; those of other zones stay, since nobody else knows them.
pub fn without_standard_zones(object: &CalendarObject) -> Cow<'_, str> {
    let text = object.text();
    let mut out = String::new();
    let mut copied = 0;
    for zone in object.calendar().components.iter().filter(|component| is_standard(component)) {
        out.push_str(text.get(copied..zone.span.start).unwrap_or_default());
        copied = zone.span.end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// The object with a definition of every zone it names: those that are missing stand before its first component. A zone that
/// cannot be defined is left as it is.
pub fn with_every_zone(object: &CalendarObject) -> Cow<'_, str> {
    let text = object.text();
    let calendar = object.calendar();
    let range = TimeRange { start: span::used_range(calendar).start, end: None };
    let defines = |tzid: &str| {
        let defined = |component: &Component| component.line("TZID").is_some_and(|line| names(&line.value, tzid));
        calendar.components.iter().filter(|component| component.name == "VTIMEZONE").any(defined)
    };
    let missing = referenced(calendar).into_iter().filter(|tzid| !defines(tzid));
    let definitions: String = missing.filter_map(|tzid| object.zone(tzid)?.vtimezone_named(tzid, &range)).collect();
    match calendar.components.first() {
        Some(first) if !definitions.is_empty() => {
            let (before, after) = text.split_at_checked(first.span.start).unwrap_or((text, ""));
            Cow::Owned([before, &definitions, after].concat())
        }
        _ => Cow::Borrowed(text),
    }
}

fn is_standard(component: &Component) -> bool {
    let names_standard = |value: &str| Zone::iana(value.trim()).is_some() || Zone::iana(unescape_text(value).trim()).is_some();
    component.name == "VTIMEZONE" && component.line("TZID").is_some_and(|line| names_standard(&line.value))
}

/// Every TZID a component refers to, at any depth.
fn referenced(calendar: &Component) -> BTreeSet<&str> {
    let mut zones = BTreeSet::new();
    let mut open: Vec<&Component> = calendar.components.iter().filter(|component| component.name != "VTIMEZONE").collect();
    while let Some(component) = open.pop() {
        zones.extend(component.lines.iter().filter_map(|line| line.parameter("TZID")));
        open.extend(&component.components);
    }
    zones
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::content_line::ParseLimits;

    const OFFICE: &str = "BEGIN:VTIMEZONE\r\nTZID:Office\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n\
                          TZOFFSETFROM:+0117\r\nTZOFFSETTO:+0117\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";
    const BERLIN: &str = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:19700101T000000\n\
                          TZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n";

    fn object(zones: &str, start: &str, end: &str) -> CalendarObject {
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-KEPT:  as it is\r\n{zones}BEGIN:VEVENT\r\nUID:1\r\nDTSTART;{start}:20261103T090000\r\n\
             DTEND;{end}:20261103T100000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap()
    }

    fn zones(text: &str) -> Vec<String> {
        let object = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap();
        let zones = object.calendar().components.iter().filter(|component| component.name == "VTIMEZONE");
        zones.filter_map(|zone| Some(zone.line("TZID")?.value.clone())).collect()
    }

    #[test]
    fn definitions_of_known_ids_are_left_out_and_those_of_others_stay() {
        let both = object(&format!("{BERLIN}{OFFICE}{BERLIN}"), "TZID=Europe/Berlin", "TZID=Office");
        let without = without_standard_zones(&both);
        assert_eq!(without, object(OFFICE, "TZID=Europe/Berlin", "TZID=Office").text());
        let none = object(OFFICE, "TZID=Office", "TZID=Office");
        assert!(matches!(without_standard_zones(&none), Cow::Borrowed(text) if text == none.text()));
    }

    #[test]
    fn every_zone_named_is_defined_under_the_name_it_has() {
        let bare = object(OFFICE, "TZID=Europe/Berlin", "TZID=Office");
        let with = with_every_zone(&bare);
        assert_eq!(zones(&with), ["Europe/Berlin", "Office"]);
        assert_eq!(without_standard_zones(&parse(&with)), bare.text(), "and nothing else is changed");
        let windows = object("", "TZID=W. Europe Standard Time", "TZID=\"/example.org/Tz/America/New_York\"");
        let with = with_every_zone(&windows).into_owned();
        assert_eq!(zones(&with), ["/example.org/Tz/America/New_York", "W. Europe Standard Time"]);
        let whole = object(BERLIN, "TZID=Europe/Berlin", "TZID=Europe/Berlin");
        assert!(matches!(with_every_zone(&whole), Cow::Borrowed(_)), "a stored definition is as good as another");
    }

    fn parse(text: &str) -> CalendarObject {
        CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap()
    }

    #[test]
    fn the_definition_put_in_means_what_the_id_means() {
        let bare = object("", "TZID=Europe/Berlin", "TZID=Europe/Berlin");
        let with = parse(&with_every_zone(&bare));
        let zone = with.calendar().components.iter().find(|component| component.name == "VTIMEZONE").unwrap();
        let (stored, known) = (Zone::from_vtimezone(zone).unwrap(), Zone::iana("Europe/Berlin").unwrap());
        for day in ["20261103T090000", "20260703T090000", "20450703T090000"] {
            let local = crate::date_time::parse_local(day).unwrap();
            assert_eq!(stored.to_utc(local), known.to_utc(local), "{day}");
        }
    }
}
