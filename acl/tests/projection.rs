//! Stories of single objects and what each viewer gets of them: `tests/projection/NAME.ics` is what alice stored,
//! `NAME.VIEWER.ics` what that viewer is served, `shown.txt` under which identity and with which rights.
//!
//! `SHOJI_WRITE_GOLDEN=1 cargo test -p acl --test projection` writes them anew; the difference is reviewed like code.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail by panicking and say what they compared")]

use acl::level::GrantPrivateEvents;
use acl::testing::{matrix, profile};
use acl::{CalendarPolicy, Level, ObjectId, Policy, StoredObject, ViewProfile, VisibleObject, project};
use ical::{CalendarObject, ParseLimits};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Recorded where nothing is shown.
const NOTHING: &str = "nothing is shown\r\n";
/// Recorded where the bytes are those that were stored, but for alice's personal items.
const AS_STORED: &str = "as stored\r\n";

fn viewers() -> Vec<(&'static str, ViewProfile)> {
    let mut places = matrix(Level::Titles, None);
    places.with_places = true;
    vec![
        ("free-busy", profile(matrix(Level::FreeBusy, None))),
        ("titles", profile(matrix(Level::Titles, None))),
        ("titles-with-places", profile(places)),
        ("titles-private-hidden", profile(matrix(Level::Titles, Some(GrantPrivateEvents::Hidden)))),
        ("details", profile(matrix(Level::Details, None))),
        ("details-private-hidden", profile(matrix(Level::Details, Some(GrantPrivateEvents::Hidden)))),
        ("editor", profile(matrix(Level::Edit, None))),
    ]
}

/// What is asked of every story; the others have a file only where they add something.
const ALWAYS: [&str; 4] = ["free-busy", "titles", "details", "editor"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projection")
}

fn stories() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".ics")?.to_owned()))
        .filter(|name| !name.contains('.'))
        .collect();
    names.sort();
    names
}

/// What is stored of a text that alice sent.
fn base_of(text: &str) -> String {
    acl::per_user::split(&CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap()).base
}

/// The projection of a text as alice would store it: personal items split off, privacy read from CLASS.
fn projected(text: &str, profile: &ViewProfile) -> Option<VisibleObject> {
    let limits = ParseLimits::default();
    let sent = CalendarObject::parse(text.as_bytes(), &limits).unwrap();
    let privacy = acl::write::record_for_new(&sent, &Policy::default(), &CalendarPolicy::default(), None);
    let base_text = base_of(text);
    let base = CalendarObject::parse(base_text.as_bytes(), &limits).unwrap();
    let object = StoredObject {
        id: ObjectId([9; 16]),
        name: "stored-name.ics",
        base_text: &base_text,
        base: Some(&base),
        base_version: 1,
        privacy: &privacy,
        created_by_viewer: false,
        foreign_attendees: &acl::ForeignAttendees::All,
        overlay: None,
        touch: 0,
        own: None,
        identity_taken: false,
    };
    project(&object, profile)
}

#[test]
fn each_story_is_told_to_each_viewer_as_recorded() {
    let write = std::env::var_os("SHOJI_WRITE_GOLDEN").is_some();
    let (mut table, mut compared, mut different) = (String::new(), 0, Vec::new());
    for story in stories() {
        let stored = std::fs::read_to_string(folder().join(format!("{story}.ics"))).unwrap();
        for (viewer, profile) in viewers() {
            let path = folder().join(format!("{story}.{viewer}.ics"));
            if !ALWAYS.contains(&viewer) && !path.exists() {
                continue;
            }
            let visible = projected(&stored, &profile);
            let text = visible.as_ref().map_or(NOTHING, |v| std::str::from_utf8(v.bytes()).unwrap());
            let text = if text == base_of(&stored) { AS_STORED } else { text };
            let row = visible.as_ref().map_or("nothing".to_owned(), |v| {
                format!("{:?}, {:?}, edit {}, delete {}", v.least_visibility(), v.identity(), v.rights().edit, v.rights().delete)
            });
            writeln!(table, "{story:36} {viewer:24} {row}").unwrap();
            if write {
                std::fs::write(&path, text).unwrap();
            } else if std::fs::read_to_string(&path).ok().as_deref() != Some(text) {
                different.push(format!("{story}.{viewer}.ics is now:\n{text}"));
            }
            compared += 1;
        }
    }
    let table_path = folder().join("shown.txt");
    if write {
        std::fs::write(&table_path, &table).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&table_path).unwrap(), table);
    assert!(different.is_empty(), "{}", different.join("\n"));
    println!("{} stories, {compared} views compared", stories().len());
    assert!(compared >= 100, "only {compared} views compared");
}

/// An event at ten in a zone that changed its rules more than once, with more lines and an override that is private.
fn in_casablanca(start: &str, lines: &str, private: Option<&str>) -> String {
    let event = |lines: &str, day: &str| {
        format!(
            "BEGIN:VEVENT\r\nUID:series\r\nDTSTAMP:20261101T080000Z\r\n{lines}DTSTART;TZID=Africa/Casablanca:{day}T100000\r\n\
             DTEND;TZID=Africa/Casablanca:{day}T110000\r\nSUMMARY:Walk\r\nEND:VEVENT\r\n"
        )
    };
    let private = private.map(|day| event(&format!("RECURRENCE-ID;TZID=Africa/Casablanca:{day}T100000\r\nCLASS:PRIVATE\r\n"), day));
    let master = event(lines, start);
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Client//EN\r\n{master}{}END:VCALENDAR\r\n", private.unwrap_or_default())
}

/// The zone of a single event, or the years that a zone's definition covers, told that a date was taken out of the series,
/// and about when it was.
#[test]
fn a_date_taken_out_of_a_series_leaves_no_trace() {
    let rdate = |day: &str| format!("RDATE;TZID=Africa/Casablanca:{day}T100000\r\n");
    let exdate = |day: &str| format!("EXDATE;TZID=Africa/Casablanca:{day}T100000\r\n");
    let weekly = "RRULE:FREQ=WEEKLY;UNTIL=20261201T100000Z\r\n";
    let two = rdate("20261109");
    let traces = [
        // One event, and one that once had a second date.
        ("20261102", String::new(), ("20261102", rdate("20350301"))),
        // Two dates, and two that once had a third.
        ("20261102", two.clone(), ("20261102", format!("{two}{}", rdate("20350301")))),
        // Two dates of a series that once began long before them.
        ("20261102", two.clone(), ("19990301", format!("{two}{}{}", rdate("20261102"), exdate("19990301")))),
        // A rule, with a date far from it.
        ("20261102", weekly.to_owned(), ("20261102", format!("{weekly}{}", rdate("20350301")))),
    ];
    let mut compared = 0;
    for (start, plain, (other_start, lines)) in &traces {
        let plain = in_casablanca(start, plain, None);
        let deleted = in_casablanca(other_start, &format!("{lines}{}", exdate("20350301")), None);
        let hidden = in_casablanca(other_start, lines, Some("20350301"));
        for (name, profile) in viewers() {
            let view = |text: &str| {
                let visible = projected(text, &profile).unwrap();
                String::from_utf8(visible.bytes().to_vec()).unwrap()
            };
            let [plain, deleted, hidden] = [&plain, &deleted, &hidden].map(|text| view(text));
            if !plain.contains("DTSTAMP:20000101T000000Z") {
                continue;
            }
            assert_eq!(plain, deleted, "{name}");
            compared += 1;
            if name.ends_with("private-hidden") {
                assert_eq!(plain, hidden, "{name}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 16, "only {compared} comparisons");
}

/// An hour on Monday mornings, one of which is private and written as nobody can read it.
#[test]
fn what_is_wrong_with_a_hidden_instance_does_not_show() {
    let event = |lines: &str| format!("BEGIN:VEVENT\r\nUID:series\r\nDTSTAMP:20261101T080000Z\r\n{lines}END:VEVENT\r\n");
    let weekly = event("DTSTART:20261102T100000Z\r\nDTEND:20261102T110000Z\r\nRRULE:FREQ=WEEKLY;COUNT=5\r\nSUMMARY:Walk\r\n");
    let private = |lines: &str| event(&format!("RECURRENCE-ID:20261109T100000Z\r\nCLASS:PRIVATE\r\n{lines}"));
    let text = |hidden: &str| format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Client//EN\r\n{weekly}{hidden}END:VCALENDAR\r\n");
    let sound = text(&private("DTSTART:20261109T120000Z\r\nDTEND:20261109T130000Z\r\n"));
    let odd = [
        "DTSTART;VALUE=DATE:20261109\r\nDTEND:20261109T130000Z\r\n",
        "DTSTART:20261109T120000Z\r\nDTEND:20261109T130000\r\n",
        "DTSTART:20261109T120000Z\r\nDURATION:about an hour\r\n",
        "DTSTART:20261109T120000Z\r\nDTEND:20261109T110000Z\r\n",
    ];
    let mut compared = 0;
    for lines in odd {
        let odd = text(&private(lines));
        if CalendarObject::parse(odd.as_bytes(), &ParseLimits::default()).is_err() {
            println!("refused: {lines}");
            continue;
        }
        for (name, profile) in viewers().iter().filter(|(name, _)| name.ends_with("private-hidden")) {
            let views = [&sound, &odd].map(|text| projected(text, profile).map(|visible| visible.bytes().to_vec()));
            assert_eq!(views[0], views[1], "{name}, {lines}");
            compared += 1;
        }
    }
    assert!(compared >= 2, "only {compared} comparisons");
}
