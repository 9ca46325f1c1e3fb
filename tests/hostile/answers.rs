//! Answers that are larger than the memory there is for them: they wait in files, and are the same.

use super::{ends_well, server};
use crate::harness::{Reply, Server, Shoji, event};
use std::collections::BTreeSet;

const CALENDAR: &str = "/dav/calendars/alice/default/";
const QUERY: &str = "<C:calendar-query xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><D:getetag/><C:calendar-data/></D:prop>\
                     <C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter></C:calendar-query>";

fn ask(server: &Server) -> Reply {
    server.connect().request_as("alice", "REPORT", CALENDAR, &[("Content-Type", "application/xml"), ("Depth", "1")], QUERY)
}

fn files(shoji: &Shoji) -> BTreeSet<String> {
    std::fs::read_dir(shoji.data()).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Sixteen first synchronizations at a time took a gigabyte of memory, in another server.
#[test]
fn what_waits_in_a_file_is_what_waits_in_memory_and_no_file_is_left() {
    let shoji = Shoji::with_people();
    let roomy = server(&shoji, "");
    for number in 0..12 {
        let large = event(&format!("large-{number}"), &"x".repeat(60_000 + number));
        let path = format!("{CALENDAR}large-{number}.ics");
        assert_eq!(roomy.connect().request_as("alice", "PUT", &path, &[], &large).status, 201);
    }
    let expected = ask(&roomy);
    assert_eq!((expected.status, expected.body.matches("<D:response>").count()), (207, 13));
    let there = files(&shoji);
    ends_well(roomy);

    for limits in ["answers_memory_bytes_max = 0\n", "answers_memory_bytes_max = 300000\n"] {
        let tight = shoji.serve(&format!("[limits]\n{limits}"));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let answer = ask(&tight);
                    assert!(answer.status == 207 && answer.body == expected.body, "{limits}");
                    assert_eq!(answer.header("content-length"), Some(expected.body.len().to_string().as_str()));
                });
            }
        });
        assert_eq!(files(&shoji), there);
        ends_well(tight);
    }

    let full = shoji.serve("[limits]\nanswers_memory_bytes_max = 0\nanswers_file_bytes_max = 200000\n");
    let refused = ask(&full);
    assert_eq!((refused.status, refused.header("retry-after"), refused.body.as_str()), (503, Some("30"), ""));
    ends_well(full);
}
