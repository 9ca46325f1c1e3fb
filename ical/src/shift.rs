//! Moving a calendar of our own in time: the demonstration's month becomes the current one.

use crate::content_line::{ContentLine, ParseLimits, parse};
use crate::date_time::parse_date;
use chrono::TimeDelta;
use std::ops::Range;

/// Properties whose values are dates; TRIGGER and DURATION are relative and stay.
const DATES: [&str; 11] =
    ["DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "EXDATE", "RDATE", "DTSTAMP", "CREATED", "LAST-MODIFIED", "COMPLETED", "RRULE"];

/// The text with every date outside VTIMEZONE moved by `days`; as it is if it cannot be parsed.
pub fn shift_days(text: &str, days: i64) -> String {
    let Ok(calendar) = parse(text, &ParseLimits::default()) else { return text.to_owned() };
    let mut spans: Vec<Range<usize>> = Vec::new();
    for component in calendar.components.iter().filter(|component| component.name != "VTIMEZONE") {
        spans.extend(component.lines.iter().filter(|line| is_dated(line)).map(|line| line.span.clone()));
    }
    let mut shifted = String::with_capacity(text.len());
    let mut copied = 0;
    for span in spans {
        shifted.push_str(text.get(copied..span.start).unwrap_or_default());
        shifted.push_str(&shift_line(text.get(span.clone()).unwrap_or_default(), days));
        copied = span.end;
    }
    shifted.push_str(text.get(copied..).unwrap_or_default());
    shifted
}

fn is_dated(line: &ContentLine) -> bool {
    DATES.contains(&line.name.as_str())
}

/// Replaces each run of exactly eight digits that is a date.
fn shift_line(line: &str, days: i64) -> String {
    let mut shifted = String::with_capacity(line.len());
    let mut digits = String::new();
    for character in line.chars().chain(std::iter::once('\0')) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        let moved = parse_date(&digits).and_then(|date| date.checked_add_signed(TimeDelta::try_days(days)?));
        match moved {
            Some(date) if digits.len() == 8 => shifted.push_str(&date.format("%Y%m%d").to_string()),
            _ => shifted.push_str(&digits),
        }
        digits.clear();
        if character != '\0' {
            shifted.push(character);
        }
    }
    shifted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_date_moves_and_zones_stay() {
        let text = "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nDTSTART;TZID=Europe/Berlin:20260601T090000\r\nRRULE:FREQ=DAILY;UNTIL=20260630T220000Z\r\nEXDATE;VALUE=DATE:20260602,20260603\r\nSUMMARY:20260601\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let shifted = shift_days(text, 7);
        for part in ["19701025T030000", "Berlin:20260608T090000", "UNTIL=20260707T220000Z", "20260609,20260610", "SUMMARY:20260601"] {
            assert!(shifted.contains(part), "{part} in {shifted}");
        }
    }
}
