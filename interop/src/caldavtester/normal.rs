//! When two calendars are equal: order, folding, quoting, default `VALUE`s and the split into several properties do not count,
//! an end and the duration it makes are the same, and a stored override that says no more than its master does not count.

use crate::calendar::{Component, Property, default_type};
use chrono::{NaiveDate, NaiveDateTime};

/// What is left out of a comparison.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// `NAME`, `NAME=VALUE` or `NAME:PARAMETER`.
    pub(crate) leave_out: Vec<String>,
    /// Whether time zones count. Their rules never do: a server may know a newer version of them (RFC 7809 §3.1.1).
    pub(crate) time_zones: bool,
}

/// The lines of a calendar's normal form, nested components indented.
pub(crate) fn lines(calendar: &Component, filter: &Filter) -> Vec<String> {
    let mut prepared = prepare(calendar, filter);
    leave_out_derived(&mut prepared);
    let mut lines = Vec::new();
    write(&prepared, 0, &mut lines);
    lines
}

/// The properties and components that count, each value in its normal form.
fn prepare(component: &Component, filter: &Filter) -> Component {
    let mut properties: Vec<Property> = component
        .properties
        .iter()
        .filter(|property| !filter.leave_out.iter().any(|rule| left_out(property, rule)))
        .flat_map(|property| normal_properties(property, filter))
        .collect();
    if component.name == "VEVENT" {
        end_as_duration(&mut properties);
    }
    let components = component
        .components
        .iter()
        .filter(|child| child.name != "VTIMEZONE" || filter.time_zones)
        .map(|child| match child.name.as_str() {
            "VTIMEZONE" => Component { name: child.name.clone(), properties: zone_name(child), components: Vec::new() },
            _ => prepare(child, filter),
        })
        .collect();
    properties.sort_by_key(line);
    Component { name: component.name.clone(), properties, components }
}

fn zone_name(zone: &Component) -> Vec<Property> {
    zone.property("TZID").cloned().into_iter().collect()
}

fn left_out(property: &Property, rule: &str) -> bool {
    match rule.split_once('=') {
        Some((name, value)) => property.name == name && property.value == value,
        None => property.name == rule,
    }
}

fn normal_properties(property: &Property, filter: &Filter) -> Vec<Property> {
    let mut parameters: Vec<(String, Vec<String>)> = property
        .parameters
        .iter()
        .filter(|(key, _)| !filter.leave_out.iter().any(|rule| rule.split_once(':') == Some((property.name.as_str(), key.as_str()))))
        .filter(|(key, values)| {
            key != "VALUE" || values.first().is_some_and(|value| !value.eq_ignore_ascii_case(default_type(&property.name)))
        })
        .map(|(key, values)| {
            let mut values: Vec<String> = values.iter().map(|value| normal_parameter(key, value)).collect();
            values.sort();
            (key.clone(), values)
        })
        .collect();
    parameters.sort();
    let kind = property.value_type();
    let values: Vec<&str> = match property.name.as_str() {
        "EXDATE" | "RDATE" | "FREEBUSY" => property.value.split(',').collect(),
        "CATEGORIES" | "RESOURCES" => split_unescaped(&property.value, ','),
        _ => vec![property.value.as_str()],
    };
    values
        .into_iter()
        .map(|value| Property { name: property.name.clone(), parameters: parameters.clone(), value: normal_value(&kind, value) })
        .collect()
}

/// Enumerations are case-insensitive (RFC 5545 §2).
fn normal_parameter(key: &str, value: &str) -> String {
    match key {
        "CUTYPE" | "ENCODING" | "FBTYPE" | "PARTSTAT" | "RANGE" | "RELATED" | "RELTYPE" | "ROLE" | "RSVP" | "SCHEDULE-AGENT" | "VALUE" => {
            value.to_ascii_uppercase()
        }
        _ => value.to_owned(),
    }
}

fn normal_value(kind: &str, value: &str) -> String {
    match kind {
        // Clients escape commas in URIs as they do in text, and servers take that back or leave it: RFC 5545 §3.3.13 has no escapes.
        "TEXT" | "URI" => unescape(value),
        "RECUR" => {
            let parts = value.to_ascii_uppercase();
            let mut parts: Vec<String> =
                parts.split(';').filter(|part| !["INTERVAL=1", "WKST=MO"].contains(part)).map(sorted_list).collect();
            parts.sort();
            parts.join(";")
        }
        "DURATION" => seconds(value).map_or_else(|| value.to_owned(), |seconds| format!("{seconds} seconds")),
        "PERIOD" => period(value).map_or_else(|| value.to_owned(), |(start, end)| format!("{start}/{end}")),
        "DATE" | "DATE-TIME" | "TIME" => value.trim().to_ascii_uppercase(),
        "CAL-ADDRESS" => match value.split_once(':') {
            // Apple's two spellings of one address.
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("urn") => format!("urn:{}", rest.replacen("x-uid:", "uuid:", 1)),
            Some((scheme, rest)) => format!("{}:{rest}", scheme.to_ascii_lowercase()),
            None => value.to_owned(),
        },
        _ => value.to_owned(),
    }
}

/// `BYDAY=TU,MO` is `BYDAY=MO,TU`.
fn sorted_list(part: &str) -> String {
    match part.split_once('=') {
        Some((key, list)) => {
            let mut items: Vec<&str> = list.split(',').collect();
            items.sort_unstable();
            format!("{key}={}", items.join(","))
        }
        None => part.to_owned(),
    }
}

fn split_unescaped(text: &str, separator: char) -> Vec<&str> {
    let mut escaped = false;
    text.split(|c| {
        let found = c == separator && !escaped;
        escaped = c == '\\' && !escaped;
        found
    })
    .collect()
}

/// RFC 5545 §3.3.11.
fn unescape(text: &str) -> String {
    let mut unescaped = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('n' | 'N') => unescaped.push('\n'),
                Some(other @ ('\\' | ';' | ',')) => unescaped.push(other),
                Some(other) => unescaped.extend(['\\', other]),
                None => unescaped.push('\\'),
            },
            _ => unescaped.push(c),
        }
    }
    unescaped
}

/// The length of a duration: `-P1DT2H` and the like.
pub(crate) fn seconds(duration: &str) -> Option<i64> {
    let (sign, rest) = match duration.trim().strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, duration.trim().trim_start_matches('+')),
    };
    let (mut total, mut number, mut any) = (0_i64, String::new(), false);
    for c in rest.strip_prefix('P')?.chars() {
        let unit = match c {
            '0'..='9' => {
                number.push(c);
                continue;
            }
            'T' if number.is_empty() => continue,
            'W' => 604_800,
            'D' => 86_400,
            'H' => 3_600,
            'M' => 60,
            'S' => 1,
            _ => return None,
        };
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(unit)?)?;
        number.clear();
        any = true;
    }
    (any && number.is_empty()).then(|| total * sign)
}

/// Start and end of a period, however its end is written.
pub(crate) fn period(text: &str) -> Option<(String, String)> {
    let (start, end) = text.trim().split_once('/')?;
    let from = moment(start)?;
    let to = match moment(end) {
        Some(to) => to,
        None => from.checked_add_signed(chrono::Duration::try_seconds(seconds(end)?)?)?,
    };
    let zulu = if start.ends_with(['Z', 'z']) { "Z" } else { "" };
    let written = |at: NaiveDateTime| format!("{}{zulu}", at.format("%Y%m%dT%H%M%S"));
    Some((written(from), written(to)))
}

fn moment(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim().trim_end_matches(['Z', 'z']);
    NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S")
        .ok()
        .or_else(|| NaiveDate::parse_from_str(text, "%Y%m%d").ok()?.and_hms_opt(0, 0, 0))
}

/// An event's end becomes its duration, if both ends are told by the same clock.
fn end_as_duration(properties: &mut Vec<Property>) {
    let find = |name: &str| properties.iter().find(|property| property.name == name);
    let (Some(start), Some(end)) = (find("DTSTART"), find("DTEND")) else { return };
    let same_clock = start.parameter("TZID") == end.parameter("TZID") && start.value.ends_with('Z') == end.value.ends_with('Z');
    let (Some(from), Some(to)) = (moment(&start.value), moment(&end.value)) else { return };
    if !same_clock {
        return;
    }
    let length = Property { name: "DURATION".to_owned(), parameters: Vec::new(), value: format!("{} seconds", (to - from).num_seconds()) };
    properties.retain(|property| property.name != "DTEND");
    properties.push(length);
}

/// Takes out overrides that are just what their master makes of that day: a server may keep them or not.
fn leave_out_derived(calendar: &mut Component) {
    let uid = |component: &Component| component.property("UID").map(|uid| uid.value.clone());
    let masters: Vec<Component> = calendar
        .components
        .iter()
        .filter(|child| child.property("RRULE").is_some() || child.property("RDATE").is_some())
        .cloned()
        .collect();
    calendar.components.retain(|child| {
        let Some(day) = child.property("RECURRENCE-ID") else { return true };
        !masters
            .iter()
            .any(|master| master.property("RECURRENCE-ID").is_none() && uid(master) == uid(child) && derived(master, day) == *child)
    });
}

fn derived(master: &Component, day: &Property) -> Component {
    let mut derived = master.clone();
    derived.properties.retain(|property| !["RRULE", "RDATE", "EXRULE", "EXDATE", "DTSTART"].contains(&property.name.as_str()));
    derived.properties.push(day.clone());
    derived.properties.push(Property { name: "DTSTART".to_owned(), ..day.clone() });
    derived.properties.sort_by_key(line);
    derived
}

fn line(property: &Property) -> String {
    let parameters: Vec<String> = property.parameters.iter().map(|(key, values)| format!(";{key}={}", values.join(","))).collect();
    format!("{}{}:{:?}", property.name, parameters.concat(), property.value)
}

fn write(component: &Component, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    lines.push(format!("{indent}{}", component.name));
    lines.extend(component.properties.iter().map(|property| format!("{indent}  {}", line(property))));
    let mut children: Vec<Vec<String>> = component
        .components
        .iter()
        .map(|child| {
            let mut lines = Vec::new();
            write(child, depth + 1, &mut lines);
            lines
        })
        .collect();
    children.sort();
    lines.extend(children.concat());
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::calendar::parse;

    fn calendar(lines: &[&str]) -> String {
        format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n{}\nEND:VEVENT\nEND:VCALENDAR\n", lines.join("\n"))
    }

    fn form(text: &str, rules: &[&str]) -> Vec<String> {
        let filter = Filter { leave_out: rules.iter().map(|rule| (*rule).to_owned()).collect(), time_zones: false };
        lines(&parse(text).unwrap(), &filter)
    }

    fn equal(one: &[&str], other: &[&str], rules: &[&str]) -> bool {
        form(&calendar(one), rules) == form(&calendar(other), rules)
    }

    #[test]
    fn what_means_the_same_is_equal() {
        let same: [(&[&str], &[&str]); 8] = [
            (&["A:1", "B:2"], &["B:2", "A:1"]),
            (&["DTSTART;VALUE=DATE-TIME:20260101T100000Z", "DTEND:20260101T110000Z"], &["DTSTART:20260101T100000Z", "DURATION:PT60M"]),
            (&["ATTENDEE;CN=\"A\";RSVP=true:MAILTO:a@x"], &["ATTENDEE;RSVP=TRUE;CN=A:mailto:a@x"]),
            (&["EXDATE:20260101T100000Z,20260102T100000Z"], &["EXDATE:20260102T100000Z", "EXDATE:20260101T100000Z"]),
            (&["RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU,MO"], &["RRULE:BYDAY=MO,TU;FREQ=WEEKLY"]),
            (&["CATEGORIES:a\\,b,c"], &["CATEGORIES:c", "CATEGORIES:a\\,b"]),
            (&["SUMMARY:a\\Nb", "URL:x\\,y"], &["SUMMARY:a\\nb", "URL:x,y"]),
            (&["TRIGGER:-P1W"], &["TRIGGER:-P7D"]),
        ];
        for (one, other) in same {
            assert!(equal(one, other, &[]), "{one:?} {other:?}");
        }
    }

    #[test]
    fn what_differs_is_not_equal() {
        let different: [(&[&str], &[&str]); 8] = [
            (&["SUMMARY:a"], &["SUMMARY:b"]),
            (&["SUMMARY:a"], &["SUMMARY:a", "LOCATION:x"]),
            (&["SUMMARY:a"], &["SUMMARY:a", "SUMMARY:a"]),
            (&["SUMMARY:a"], &["SUMMARY;LANGUAGE=de:a"]),
            (&["DTSTART;VALUE=DATE:20260101"], &["DTSTART:20260101T000000"]),
            (&["DTSTART;TZID=A:20260101T000000"], &["DTSTART;TZID=B:20260101T000000"]),
            (&["RRULE:FREQ=DAILY;COUNT=2"], &["RRULE:FREQ=DAILY;COUNT=3"]),
            (&["CATEGORIES:a\\,b"], &["CATEGORIES:a,b"]),
        ];
        for (one, other) in different {
            assert!(!equal(one, other, &[]), "{one:?} {other:?}");
        }
    }

    #[test]
    fn what_is_left_out_does_not_count() {
        assert!(equal(&["DTSTAMP:1", "A:1"], &["A:1"], &["DTSTAMP"]));
        assert!(equal(&["SEQUENCE:0", "A:1"], &["A:1"], &["SEQUENCE=0"]));
        assert!(!equal(&["SEQUENCE:1", "A:1"], &["A:1"], &["SEQUENCE=0"]));
        assert!(equal(&["ATTENDEE;EMAIL=x:mailto:a"], &["ATTENDEE:mailto:a"], &["ATTENDEE:EMAIL"]));
        assert!(!equal(&["ORGANIZER;EMAIL=x:mailto:a"], &["ORGANIZER:mailto:a"], &["ATTENDEE:EMAIL"]));
    }

    #[test]
    fn an_override_that_says_nothing_new_does_not_count() {
        let master =
            "BEGIN:VEVENT\nUID:1\nDTSTART;TZID=A:20260101T100000\nDTEND;TZID=A:20260101T110000\nRRULE:FREQ=DAILY\nSUMMARY:a\nEND:VEVENT\n";
        let of = |summary: &str| {
            format!(
                "BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;TZID=A:20260102T100000\nDTSTART;TZID=A:20260102T100000\nDURATION:PT1H\nSUMMARY:{summary}\nEND:VEVENT\n"
            )
        };
        let whole = |inner: String| form(&format!("BEGIN:VCALENDAR\n{inner}END:VCALENDAR\n"), &[]);
        assert_eq!(whole(master.to_owned()), whole(format!("{master}{}", of("a"))));
        assert_ne!(whole(master.to_owned()), whole(format!("{master}{}", of("b"))));
    }

    #[test]
    fn zones_count_by_name_where_they_count() {
        let zone = |name: &str, rule: &str| {
            parse(&format!("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:{name}\nX:{rule}\nEND:VTIMEZONE\nEND:VCALENDAR\n")).unwrap()
        };
        let form = |calendar: &Component, time_zones: bool| lines(calendar, &Filter { leave_out: Vec::new(), time_zones });
        assert_eq!(form(&zone("A", "1"), true), form(&zone("A", "2"), true));
        assert_ne!(form(&zone("A", "1"), true), form(&zone("B", "1"), true));
        assert_eq!(form(&zone("A", "1"), false), form(&zone("B", "1"), false));
    }

    #[test]
    fn durations_and_periods() {
        assert_eq!(seconds("-P1DT1H1M1S"), Some(-90_061));
        assert_eq!((seconds("P"), seconds("PT1"), seconds("1H"), seconds("PT1X")), (None, None, None, None));
        let period = |text| period(text).map(|(start, end)| format!("{start}-{end}"));
        assert_eq!(period("20260101T100000Z/PT1H"), period("20260101T100000Z/20260101T110000Z"));
        assert_eq!(period("20260101T100000Z"), None);
    }
}
