//! Many calendar objects as one calendar, for people and programs that take a whole one: a download, an export.
//!
//! Components are copied from their original bytes. Properties of the single VCALENDARs are left out.

use crate::calendar_object::CalendarObject;
use crate::content_line::Component;
use std::collections::BTreeMap;

/// A calendar in the making.
#[derive(Debug, Default)]
pub struct Merge {
    zones: BTreeMap<String, String>,
    components: String,
    apart: Vec<String>,
}

impl Merge {
    /// Adds an object. One that calls another zone by a TZID that is taken is kept apart: its times would change.
    pub fn push(&mut self, object: &CalendarObject) {
        let piece = |component: &Component| object.text().get(component.span.clone()).unwrap_or_default();
        let zones: Vec<(&str, &str)> = object
            .calendar()
            .components
            .iter()
            .filter(|component| component.name == "VTIMEZONE")
            .filter_map(|zone| Some((zone.line("TZID")?.value.as_str(), piece(zone))))
            .collect();
        if zones.iter().any(|(id, zone)| self.zones.get(*id).is_some_and(|known| known != zone)) {
            self.apart.push(object.text().to_owned());
            return;
        }
        self.zones.extend(zones.into_iter().map(|(id, zone)| (id.to_owned(), zone.to_owned())));
        for component in object.components() {
            push_whole_lines(&mut self.components, piece(component));
        }
    }

    /// A stream (RFC 5545 §3.4): one VCALENDAR with everything whose zones agree, and after it one for each object kept apart.
    pub fn finish(self, prod_id: &str) -> Vec<String> {
        let mut first = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{prod_id}\r\nCALSCALE:GREGORIAN\r\n");
        for zone in self.zones.values() {
            push_whole_lines(&mut first, zone);
        }
        first.push_str(&self.components);
        first.push_str("END:VCALENDAR\r\n");
        let mut stream = vec![first];
        for object in self.apart {
            let mut whole = String::with_capacity(object.len() + 2);
            push_whole_lines(&mut whole, &object);
            stream.push(whole);
        }
        stream
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
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
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
        let mut merge = Merge::default();
        objects.iter().for_each(|object| merge.push(object));
        let stream = merge.finish("-//shoji//EN");
        assert_eq!(stream.len(), 2);
        let limits = ParseLimits::default();
        let read = CalendarStream::parse(stream[1].as_bytes(), &limits).unwrap();
        assert_eq!(read.len(), 1);
        let first = CalendarStream::parse(stream[0].as_bytes(), &limits).unwrap();
        let parts: Vec<_> = first.parts(&limits).map(|part| part.object.unwrap()).collect();
        assert_eq!(parts.iter().map(CalendarObject::uid).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(stream[0].matches("BEGIN:VTIMEZONE").count(), 1);
    }
}
