//! What a report does for each of its rows: asking a filter, and writing. `cargo bench -p webdav`.
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use criterion::Criterion;
use ical::{CalendarObject, ExpansionLimits, ParseLimits, Zone};
use std::hint::black_box;
use webdav::filter::{Evaluation, read};
use webdav::multistatus::{Missing, MultiStatus, PropStats};
use webdav::xml::{self, Name};

const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//shoji//bench//EN\r\nBEGIN:VEVENT\r\nUID:hot@example.org\r\n\
    DTSTAMP:20260101T000000Z\r\nDTSTART:20260526T100000Z\r\nDTEND:20260526T110000Z\r\nSUMMARY:Planning\r\nLOCATION:Room\r\n\
    END:VEVENT\r\nEND:VCALENDAR\r\n";

fn filters(criterion: &mut Criterion) {
    let object = CalendarObject::parse(EVENT.as_bytes(), &ParseLimits::default()).unwrap();
    let (floating, limits) = (Zone::utc(), ExpansionLimits::default());
    let conditions = [
        ("time-range", "<C:time-range start=\"20260525T000000Z\" end=\"20260601T000000Z\"/>"),
        ("text", "<C:prop-filter name=\"SUMMARY\"><C:text-match>plan</C:text-match></C:prop-filter>"),
    ];
    for (name, condition) in conditions {
        let text = format!(
            "<C:filter xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\">{condition}\
             </C:comp-filter></C:comp-filter></C:filter>"
        );
        let element = xml::read::parse(text.as_bytes(), &webdav::Limits::default()).unwrap();
        let filter = read::filter(&element).unwrap();
        criterion.bench_function(&format!("filter/{name}"), |bencher| {
            bencher.iter(|| Evaluation::new(black_box(&object), &floating, &limits).matches(&filter).unwrap());
        });
    }
}

fn rows(criterion: &mut Criterion) {
    let (limits, spool) = (webdav::Limits::default(), storage::spool::Spool::in_memory());
    let found = format!("<D:getetag>{}</D:getetag>", "\"dCp4dRm3ad9lXUVWxh6f7g\"");
    let propstats = PropStats { found, missing: vec![Name::dav("getcontentlanguage")], forbidden: Vec::new() };
    criterion.bench_function("multistatus/1000 rows", |bencher| {
        bencher.iter(|| {
            let mut multistatus = MultiStatus::new(&spool, &limits, Missing::LeftOut);
            for number in 0..1_000 {
                multistatus.properties(&format!("/dav/calendars/alice/work/event-{number}.ics"), black_box(&propstats)).unwrap();
            }
            multistatus.finish().unwrap()
        });
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    filters(&mut criterion);
    rows(&mut criterion);
    criterion.final_summary();
}
