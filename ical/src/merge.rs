//! Many calendar objects as one calendar, for people and programs that take a whole one: a download, an export. Written an object
//! at a time, so that whoever sends it need not have all of it in memory.
//!
//! Components are copied from their original bytes. Properties of the single VCALENDARs are left out. A zone stands before the
//! first component that names it (RFC 5545 §3.6: components are in any order).

use crate::calendar_object::CalendarObject;
use crate::content_line::Component;
use std::collections::BTreeMap;

/// Bytes of all zones that are remembered: an object with one more than that is kept apart.
const ZONES_BYTES_MAX: usize = 1 << 20;

/// A calendar in the making.
#[derive(Debug)]
pub struct Merge {
    zones: BTreeMap<String, String>,
    zones_bytes_left: usize,
}

/// Where an object goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an object kept apart is written behind the calendar"]
pub enum Place {
    /// It is written.
    Within,
    /// Nothing is written of it: it calls another zone by a TZID that is taken, and its times would change. It is to follow behind
    /// the calendar, through [`Merge::write_apart`].
    Apart,
}

impl Merge {
    /// Writes what a calendar begins with.
    pub fn begin(prod_id: &str, out: &mut String) -> Self {
        for line in ["BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:", prod_id, "\r\nCALSCALE:GREGORIAN\r\n"] {
            out.push_str(line);
        }
        Self { zones: BTreeMap::new(), zones_bytes_left: ZONES_BYTES_MAX }
    }

    /// Writes an object, after those of its zones that are new.
    pub fn push(&mut self, object: &CalendarObject, out: &mut String) -> Place {
        let piece = |component: &Component| object.text().get(component.span.clone()).unwrap_or_default();
        let zones = object.calendar().components.iter().filter(|component| component.name == "VTIMEZONE");
        let mut new: BTreeMap<&str, &str> = BTreeMap::new();
        for (id, zone) in zones.filter_map(|zone| Some((zone.line("TZID")?.value.as_str(), piece(zone)))) {
            match self.zones.get(id).map(String::as_str).or_else(|| new.get(id).copied()) {
                Some(known) if known == zone => {}
                Some(_) => return Place::Apart,
                None => drop(new.insert(id, zone)),
            }
        }
        let bytes = new.iter().map(|(id, zone)| id.len() + zone.len()).sum();
        let Some(left) = self.zones_bytes_left.checked_sub(bytes) else { return Place::Apart };
        self.zones_bytes_left = left;
        for (id, zone) in new {
            push_whole_lines(out, zone);
            self.zones.insert(id.to_owned(), zone.to_owned());
        }
        for component in object.components() {
            push_whole_lines(out, piece(component));
        }
        Place::Within
    }

    /// Writes what a calendar ends with.
    pub fn end(self, out: &mut String) {
        out.push_str("END:VCALENDAR\r\n");
    }

    /// Writes an object behind the calendar, as one of its own (RFC 5545 §3.4: a stream).
    pub fn write_apart(object: &CalendarObject, out: &mut String) {
        push_whole_lines(out, object.text());
    }

    /// All of it in one piece.
    pub fn of<'o>(prod_id: &str, objects: impl Iterator<Item = &'o CalendarObject>) -> String {
        let mut out = String::new();
        let mut merge = Self::begin(prod_id, &mut out);
        let apart: Vec<&CalendarObject> = objects.filter(|object| merge.push(object, &mut out) == Place::Apart).collect();
        merge.end(&mut out);
        apart.into_iter().for_each(|object| Self::write_apart(object, &mut out));
        out
    }
}

fn push_whole_lines(out: &mut String, lines: &str) {
    out.push_str(lines);
    if !lines.ends_with('\n') {
        out.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::content_line::ParseLimits;
    use crate::split::CalendarStream;

    fn object(uid: &str, offset: &str) -> CalendarObject {
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VTIMEZONE\r\nTZID:Office\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:{offset}\r\nTZOFFSETTO:{offset}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTART;TZID=Office:20261103T090000\r\nEND:VEVENT\r\nEND:VCALENDAR"
        );
        CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap()
    }

    #[test]
    fn a_zone_of_the_same_name_and_another_meaning_stays_with_its_object() {
        let objects = [object("a", "+0117"), object("b", "+0117"), object("c", "+0217")];
        let stream = Merge::of("-//shoji//EN", objects.iter());
        assert!(stream.find("BEGIN:VTIMEZONE") < stream.find("BEGIN:VEVENT"));
        let (first, second) = stream.split_at(stream.rfind("BEGIN:VCALENDAR").unwrap());
        let limits = ParseLimits::default();
        let read = CalendarStream::parse(second.as_bytes(), &limits).unwrap();
        assert_eq!(read.len(), 1);
        let read = CalendarStream::parse(first.as_bytes(), &limits).unwrap();
        let parts: Vec<_> = read.parts(&limits).map(|part| part.object.unwrap()).collect();
        assert_eq!(parts.iter().map(CalendarObject::uid).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(first.matches("BEGIN:VTIMEZONE").count(), 1);
    }

    #[test]
    fn objects_with_more_zones_than_are_remembered_are_kept_apart() {
        let filling = format!("X-FILL:{}\r\nBEGIN:STANDARD", "x".repeat(60 << 10));
        let large = |number: usize| {
            let text = object(&number.to_string(), "+0117").text().replace("Office", &format!("Office{number}"));
            CalendarObject::parse(text.replace("BEGIN:STANDARD", &filling).as_bytes(), &ParseLimits::default()).unwrap()
        };
        let objects: Vec<_> = (0..40).map(large).collect();
        let mut out = String::new();
        let mut merge = Merge::begin("-//shoji//EN", &mut out);
        let places: Vec<Place> = objects.iter().map(|object| merge.push(object, &mut out)).collect();
        assert!((10..30).contains(&places.iter().filter(|place| **place == Place::Within).count()), "{places:?}");
        assert!(merge.zones.values().map(String::len).sum::<usize>() <= ZONES_BYTES_MAX);
        let stream = Merge::of("-//shoji//EN", objects.iter());
        assert_eq!(stream.matches("BEGIN:VEVENT").count(), 40);
    }
}
