//! Calendar data cut to a time range: CALDAV:expand, CALDAV:limit-recurrence-set and CALDAV:limit-freebusy-set
//! (RFC 4791 §9.6.5 to §9.6.7).
//!
//! What is not a time of the recurrence set is copied from the original bytes. Knows no XML and no viewer: it is given
//! objects that are projected already.

use crate::calendar_object::{CalendarObject, ComponentKind};
use crate::content_line::ContentLine;
use crate::date_time::{DateOrTime, Duration, TimeRange, format_utc, parse_duration};
use crate::free_busy::parse_period;
use crate::recurrence::{self, ExpansionLimits, Instance, TooManyInstances};
use crate::time_zone::Zone;
use crate::write::push_line;
use std::collections::HashSet;
use std::ops::Range;

/// Bytes of one expanded object: a large attachment in a long series must not be multiplied without end.
pub(crate) const EXPANDED_BYTES_MAX: usize = 8 << 20;

/// Each instance that overlaps `range` as a component of its own, in order of start (RFC 4791 §9.6.5): times in UTC,
/// floating ones taken in `floating`, dates as dates; RECURRENCE-ID where the object recurs; no recurrence properties and
/// no VTIMEZONE. `None` if no instance overlaps. VAVAILABILITY, which the RFC does not know, is left as it is.
pub fn expand(
    object: &CalendarObject,
    range: &TimeRange,
    floating: &Zone,
    limits: &ExpansionLimits,
) -> Result<Option<String>, TooManyInstances> {
    let instances = recurrence::instances(object, range, floating, limits)?;
    if instances.is_empty() {
        return Ok(None);
    }
    if object.kind() == ComponentKind::Availability {
        return Ok(Some(object.text().to_owned()));
    }
    let mut out = String::new();
    push_line(&mut out, "BEGIN", "VCALENDAR");
    for line in &object.calendar().lines {
        push_original(&mut out, object, &line.span);
    }
    for instance in &instances {
        push_instance(&mut out, object, instance, floating);
        if out.len() > EXPANDED_BYTES_MAX {
            return Err(TooManyInstances);
        }
    }
    push_line(&mut out, "END", "VCALENDAR");
    Ok(Some(out))
}

/// The object without the overrides that have nothing to do with `range`: neither their instance nor the one they replace
/// overlaps it (RFC 4791 §9.6.6). The master stays, whatever its instances are.
pub fn limit_recurrence_set(object: &CalendarObject, range: &TimeRange, floating: &Zone) -> String {
    let kept: HashSet<usize> =
        recurrence::overrides_touching(object, range, floating).iter().map(|component| component.span.start).collect();
    let dropped = object.components().filter(|c| c.line("RECURRENCE-ID").is_some() && !kept.contains(&c.span.start));
    let edits: Vec<(Range<usize>, String)> = dropped.map(|component| (component.span.clone(), String::new())).collect();
    edited(object, &edits)
}

/// The object with those FREEBUSY periods only that overlap `range` (RFC 4791 §9.6.7); other kinds of component unchanged.
pub fn limit_freebusy_set(object: &CalendarObject, range: &TimeRange) -> String {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    if object.kind() == ComponentKind::FreeBusy {
        for line in object.components().flat_map(|component| component.lines_named("FREEBUSY")) {
            let periods: Vec<&str> = line.value.split(',').collect();
            let kept: Vec<&str> = periods.iter().copied().filter(|period| period_overlaps(period, range)).collect();
            if kept.len() < periods.len() {
                let mut replacement = String::new();
                if !kept.is_empty() {
                    push_line(&mut replacement, &head(line, &line.name, &[]), &kept.join(","));
                }
                edits.push((line.span.clone(), replacement));
            }
        }
    }
    edited(object, &edits)
}

/// What cannot be read is not known to lie outside.
fn period_overlaps(period: &str, range: &TimeRange) -> bool {
    parse_period(period).is_none_or(|(start, end)| range.starts_before(end) && range.ends_after(start))
}

/// The object's text with ranges replaced, which are given in order and do not overlap.
fn edited(object: &CalendarObject, edits: &[(Range<usize>, String)]) -> String {
    let text = object.text();
    let mut out = String::with_capacity(text.len());
    let mut at = object.calendar().span.start;
    for (span, replacement) in edits {
        out.push_str(text.get(at..span.start).unwrap_or_default());
        out.push_str(replacement);
        at = span.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

fn push_instance(out: &mut String, object: &CalendarObject, instance: &Instance<'_>, floating: &Zone) {
    let component = instance.component;
    push_line(out, "BEGIN", &component.name);
    let mut end_written = false;
    for line in &component.lines {
        match (line.name.as_str(), object.kind()) {
            (_, ComponentKind::FreeBusy) => push_original(out, object, &line.span),
            ("RRULE" | "RDATE" | "EXDATE" | "EXRULE" | "RECURRENCE-ID", _) => {}
            ("DTSTART", _) => {
                push_time(out, "DTSTART", instance.start.as_ref(), floating);
                push_time(out, "RECURRENCE-ID", instance.slot.as_ref(), floating);
            }
            ("DTEND", ComponentKind::Event) | ("DUE", ComponentKind::ToDo) => {
                push_time(out, &line.name, instance.end.as_ref(), floating);
                end_written = true;
            }
            ("DURATION", _) if duration_still_holds(line, instance) => {
                push_original(out, object, &line.span);
                end_written = true;
            }
            ("DURATION", _) => {}
            _ => push_other(out, object, line, floating),
        }
    }
    if component.line("DTSTART").is_none() {
        push_time(out, "RECURRENCE-ID", instance.slot.as_ref(), floating);
    }
    if !end_written && end_needs_writing(instance, object.kind()) {
        push_time(out, if object.kind() == ComponentKind::ToDo { "DUE" } else { "DTEND" }, instance.end.as_ref(), floating);
    }
    for inner in &component.components {
        push_original(out, object, &inner.span);
    }
    push_line(out, "END", &component.name);
}

/// Whether a DURATION means the same once the start is in UTC: nominal days do not where the clock changes meanwhile, and a
/// PERIOD of RDATE has its own end.
fn duration_still_holds(line: &ContentLine, instance: &Instance<'_>) -> bool {
    let (Some(start), Some(duration)) = (&instance.start, parse_duration(line.value.trim())) else { return true };
    let in_utc = match (start, instance.start_utc) {
        (DateOrTime::Date(_), _) | (_, None) => start.clone(),
        (_, Some(instant)) => DateOrTime::Utc(instant),
    };
    let end = recurrence::add(&in_utc, duration, &Zone::utc());
    match (&end, &instance.end) {
        (DateOrTime::Date(end), Some(DateOrTime::Date(other))) => end == other,
        (DateOrTime::Utc(end), _) => Some(*end) == instance.end_utc,
        _ => false,
    }
}

/// Whether the end of an instance is not the one it would have without any property that says so.
fn end_needs_writing(instance: &Instance<'_>, kind: ComponentKind) -> bool {
    let (Some(start), Some(end)) = (&instance.start, &instance.end) else { return false };
    let implied = match (kind, start) {
        (ComponentKind::Event, DateOrTime::Date(_)) => recurrence::add(start, Duration { days: 1, seconds: 0 }, &Zone::utc()),
        (ComponentKind::Event, _) => start.clone(),
        (ComponentKind::ToDo, _) => return true,
        _ => return false,
    };
    implied != *end
}

/// A time of the instance: a date as one, anything else in UTC.
fn push_time(out: &mut String, name: &str, value: Option<&DateOrTime>, floating: &Zone) {
    match value {
        Some(DateOrTime::Date(date)) => push_line(out, &format!("{name};VALUE=DATE"), &date.format("%Y%m%d").to_string()),
        Some(value) => push_line(out, name, &format_utc(value.to_utc(floating))),
        None => {}
    }
}

/// A line that says nothing about recurrence: copied, but for times that refer to a VTIMEZONE, which is not there any more.
fn push_other(out: &mut String, object: &CalendarObject, line: &ContentLine, floating: &Zone) {
    if line.parameter("TZID").is_some() {
        let times: Option<Vec<DateOrTime>> = line.value.split(',').map(|value| object.date_or_time_of(line, value)).collect();
        if let Some(times) = times.filter(|times| !times.iter().any(DateOrTime::is_date)) {
            let values: Vec<String> = times.iter().map(|time| format_utc(time.to_utc(floating))).collect();
            push_line(out, &head(line, &line.name, &["TZID"]), &values.join(","));
            return;
        }
    }
    push_original(out, object, &line.span);
}

/// Name and parameters of a line for re-printing, the parameters `without` left out (RFC 5545 §3.2, RFC 6868).
pub(crate) fn head(line: &ContentLine, name: &str, without: &[&str]) -> String {
    let mut head = name.to_owned();
    for parameter in line.parameters.iter().filter(|parameter| !without.contains(&parameter.name.as_str())) {
        head.push(';');
        head.push_str(&parameter.name);
        for (index, value) in parameter.values.iter().enumerate() {
            head.push(if index == 0 { '=' } else { ',' });
            let encoded = value.replace('^', "^^").replace('\n', "^n").replace('"', "^'");
            if encoded.contains([',', ';', ':']) {
                head.push_str(&format!("\"{encoded}\""));
            } else {
                head.push_str(&encoded);
            }
        }
    }
    head
}

/// Original bytes, folds included, with CRLF line ends and without empty lines.
pub(crate) fn push_original(out: &mut String, object: &CalendarObject, span: &Range<usize>) {
    for line in object.text().get(span.clone()).unwrap_or_default().lines().filter(|line| !line.is_empty()) {
        out.push_str(line);
        out.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::content_line::ParseLimits;
    use crate::date_time::parse_utc;

    fn object(components: &str) -> CalendarObject {
        let lines: String = components.lines().map(|line| format!("{}\r\n", line.trim())).collect();
        let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\n{lines}END:VCALENDAR\r\n");
        CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap()
    }

    fn range(start: &str, end: &str) -> TimeRange {
        TimeRange { start: parse_utc(start), end: parse_utc(end) }
    }

    fn november() -> TimeRange {
        range("20261101T000000Z", "20261201T000000Z")
    }

    /// The expanded components without what is the same in all.
    fn expanded(components: &str, range: &TimeRange) -> String {
        let object = object(components);
        let zone = Zone::iana("Europe/Berlin").unwrap();
        let text = expand(&object, range, &zone, &ExpansionLimits::default()).unwrap().unwrap_or_default();
        if !text.is_empty() {
            // Strict readers refuse two components of one UID and no master; ours takes it for overrides or one event.
            assert!(crate::content_line::parse(&text, &ParseLimits::default()).is_ok());
            assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
        }
        text.replace("\r\n", "\n").replace("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Test//EN\n", "").replace("END:VCALENDAR\n", "")
    }

    #[test]
    fn each_instance_becomes_a_component_in_utc() {
        let text = expanded(
            "BEGIN:VTIMEZONE
             TZID:Europe/Berlin
             BEGIN:STANDARD
             DTSTART:19701025T030000
             TZOFFSETFROM:+0200
             TZOFFSETTO:+0100
             END:STANDARD
             END:VTIMEZONE
             BEGIN:VEVENT
             UID:u
             DTSTART;TZID=Europe/Berlin:20261116T100000
             DTEND;TZID=Europe/Berlin:20261116T110000
             RRULE:FREQ=WEEKLY;COUNT=4
             EXDATE;TZID=Europe/Berlin:20261130T100000
             SUMMARY:A;B
             BEGIN:VALARM
             ACTION:AUDIO
             TRIGGER:-PT5M
             END:VALARM
             END:VEVENT
             BEGIN:VEVENT
             RECURRENCE-ID;TZID=Europe/Berlin:20261123T100000
             UID:u
             SUMMARY:Later
             DTSTART;TZID=Europe/Berlin:20261123T150000
             DURATION:PT1H
             END:VEVENT",
            &november(),
        );
        assert_eq!(
            text,
            "BEGIN:VEVENT\nUID:u\nDTSTART:20261116T090000Z\nRECURRENCE-ID:20261116T090000Z\nDTEND:20261116T100000Z\nSUMMARY:A;B\n\
             BEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT5M\nEND:VALARM\nEND:VEVENT\n\
             BEGIN:VEVENT\nUID:u\nSUMMARY:Later\nDTSTART:20261123T140000Z\nRECURRENCE-ID:20261123T090000Z\nDURATION:PT1H\nEND:VEVENT\n"
        );
    }

    #[test]
    fn a_single_event_is_turned_to_utc_and_has_no_recurrence_id() {
        let text = expanded("BEGIN:VEVENT\nUID:u\nDTSTART:20261116T100000\nDTEND:20261116T110000\nEND:VEVENT", &november());
        assert_eq!(text, "BEGIN:VEVENT\nUID:u\nDTSTART:20261116T090000Z\nDTEND:20261116T100000Z\nEND:VEVENT\n");
        assert_eq!(expanded("BEGIN:VEVENT\nUID:u\nDTSTART:20251116T100000Z\nEND:VEVENT", &november()), "");
    }

    #[test]
    fn dates_stay_dates() {
        let text =
            expanded("BEGIN:VEVENT\nUID:u\nDTSTART;VALUE=DATE:20261129\nDURATION:P1D\nRRULE:FREQ=DAILY;COUNT=2\nEND:VEVENT", &november());
        let day = |day: u8| {
            format!("BEGIN:VEVENT\nUID:u\nDTSTART;VALUE=DATE:202611{day}\nRECURRENCE-ID;VALUE=DATE:202611{day}\nDURATION:P1D\nEND:VEVENT\n")
        };
        assert_eq!(text, day(29) + &day(30));
    }

    #[test]
    fn a_nominal_day_over_a_clock_change_becomes_an_end() {
        let text = expanded(
            "BEGIN:VEVENT\nUID:u\nDTSTART;TZID=Europe/Berlin:20261024T120000\nDURATION:P1D\nRRULE:FREQ=WEEKLY;COUNT=2\nEND:VEVENT",
            &range("20261001T000000Z", "20261201T000000Z"),
        );
        assert_eq!(
            text,
            "BEGIN:VEVENT\nUID:u\nDTSTART:20261024T100000Z\nRECURRENCE-ID:20261024T100000Z\nDTEND:20261025T110000Z\nEND:VEVENT\n\
             BEGIN:VEVENT\nUID:u\nDTSTART:20261031T110000Z\nRECURRENCE-ID:20261031T110000Z\nDURATION:P1D\nEND:VEVENT\n"
        );
    }

    #[test]
    fn a_period_shows_its_own_end() {
        let text = expanded(
            "BEGIN:VEVENT\nUID:u\nDTSTART:20261110T100000Z\nRDATE;VALUE=PERIOD:20261111T100000Z/PT2H\nDURATION:PT1H\nEND:VEVENT",
            &november(),
        );
        assert!(text.contains("DTSTART:20261110T100000Z\nRECURRENCE-ID:20261110T100000Z\nDURATION:PT1H\n"));
        assert!(text.contains("DTSTART:20261111T100000Z\nRECURRENCE-ID:20261111T100000Z\nDTEND:20261111T120000Z\n"));
    }

    #[test]
    fn to_dos_and_journals_too() {
        let to_do = expanded("BEGIN:VTODO\nUID:u\nDUE;TZID=Europe/Berlin:20261110T100000\nEND:VTODO", &november());
        assert_eq!(to_do, "BEGIN:VTODO\nUID:u\nDUE:20261110T090000Z\nEND:VTODO\n");
        let undated = expanded("BEGIN:VTODO\nUID:u\nSUMMARY:Some day\nEND:VTODO", &november());
        assert_eq!(undated, "BEGIN:VTODO\nUID:u\nSUMMARY:Some day\nEND:VTODO\n");
        let journal = expanded("BEGIN:VJOURNAL\nUID:u\nDTSTART;TZID=Europe/Berlin:20261110T100000\nEND:VJOURNAL", &november());
        assert_eq!(journal, "BEGIN:VJOURNAL\nUID:u\nDTSTART:20261110T090000Z\nEND:VJOURNAL\n");
    }

    #[test]
    fn a_time_of_another_property_does_not_refer_to_a_zone_that_is_gone() {
        let text = expanded(
            "BEGIN:VEVENT\nUID:u\nDTSTART:20261110T100000Z\nX-SEEN;TZID=Europe/Berlin;X-BY=\"a,b\":20261109T100000\nEND:VEVENT",
            &november(),
        );
        assert!(text.contains("X-SEEN;X-BY=\"a,b\":20261109T090000Z\n"));
    }

    #[test]
    fn a_large_text_is_not_multiplied_without_end() {
        let object =
            object(&format!("BEGIN:VEVENT\nUID:u\nDTSTART:20261110T100000Z\nRRULE:FREQ=DAILY\nATTACH:{}\nEND:VEVENT", "x".repeat(1 << 20)));
        let century = range("20261101T000000Z", "21261101T000000Z");
        let limits = ExpansionLimits { instances_max: 100_000, steps_max: 1_000_000 };
        assert_eq!(expand(&object, &century, &Zone::utc(), &limits), Err(TooManyInstances));
    }

    #[test]
    fn limit_recurrence_set_drops_the_overrides_that_have_nothing_to_do_with_the_range() {
        let object = object(
            "BEGIN:VEVENT\nUID:u\nDTSTART:20261002T100000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY\nEND:VEVENT
             BEGIN:VEVENT\nUID:u\nRECURRENCE-ID:20261009T100000Z\nDTSTART:20261009T120000Z\nSUMMARY:October\nEND:VEVENT
             BEGIN:VEVENT\nUID:u\nRECURRENCE-ID:20261016T100000Z\nDTSTART:20261103T120000Z\nSUMMARY:Moved here\nEND:VEVENT
             BEGIN:VEVENT\nUID:u\nRECURRENCE-ID:20261106T100000Z\nDTSTART:20261225T120000Z\nSUMMARY:Moved away\nEND:VEVENT",
        );
        let text = limit_recurrence_set(&object, &november(), &Zone::utc());
        let expected: String = object.text().replace(
            "BEGIN:VEVENT\r\nUID:u\r\nRECURRENCE-ID:20261009T100000Z\r\nDTSTART:20261009T120000Z\r\nSUMMARY:October\r\nEND:VEVENT\r\n",
            "",
        );
        assert_eq!(text, expected);
        assert_eq!(limit_recurrence_set(&object, &TimeRange::default(), &Zone::utc()), object.text());
    }

    #[test]
    fn limit_freebusy_set_keeps_the_periods_of_the_range() {
        let object = object(
            "BEGIN:VFREEBUSY\nUID:u\nDTSTART:20261001T000000Z\nDTEND:20261231T000000Z
             FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261010T100000Z/PT1H,20261110T100000Z/PT1H
             FREEBUSY:20261011T100000Z/PT1H
             FREEBUSY:20261112T100000Z/20261112T110000Z\nEND:VFREEBUSY",
        );
        let text = limit_freebusy_set(&object, &november()).replace("\r\n", "\n");
        assert!(text.ends_with(
            "DTEND:20261231T000000Z\nFREEBUSY;FBTYPE=BUSY-TENTATIVE:20261110T100000Z/PT1H\n\
             FREEBUSY:20261112T100000Z/20261112T110000Z\nEND:VFREEBUSY\nEND:VCALENDAR\n"
        ));
    }
}
