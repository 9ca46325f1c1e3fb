//! Import, export, and both together into another store.

use super::*;

#[test]
fn import_goes_by_uid_and_a_second_import_changes_nothing() {
    let fixture = fixture();
    fixture.apply(&company());
    let first = event("one", "SUMMARY:First\r\n");
    let second = event("two@example.org/with a slash", "SUMMARY:Second\r\n");
    assert_eq!(imported(&fixture, &[first.clone(), second.clone()]), [Imported::Created, Imported::Created]);
    assert_eq!(imported(&fixture, &[first, second]), [Imported::Unchanged, Imported::Unchanged]);
    let changed = event("one", "SUMMARY:Changed\r\n");
    assert_eq!(imported(&fixture, &[changed]), [Imported::Replaced]);
    let files = fixture.administration.export("alice", "work").unwrap();
    assert_eq!(files.len(), 2);
    assert_eq!(files.last().unwrap().0, "one.ics");
    assert_eq!(fixture.faults(), Vec::<String>::new());
}

#[test]
fn an_object_that_is_refused_stops_no_other() {
    let fixture = fixture();
    fixture.apply(&company());
    let journal = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VJOURNAL\r\nUID:j\r\nDTSTAMP:20261101T000000Z\r\n\
                   END:VJOURNAL\r\nEND:VCALENDAR\r\n";
    let journal = CalendarObject::parse(journal.as_bytes(), &ParseLimits::default()).unwrap();
    let outcomes = fixture.administration.import("alice", "work", &[journal, event("one", "")]).unwrap();
    assert!(matches!(outcomes[0], Err(Error::ComponentNotSupported)));
    assert!(matches!(outcomes[1], Ok(Imported::Created)));
    assert_eq!(fixture.faults(), Vec::<String>::new());
}

#[test]
fn leak_92_private_events_stay_private_on_their_way_to_another_store() {
    let fixture = fixture();
    fixture.apply(&company());
    // The calendar's default is private.
    let bare = event("bare", "SUMMARY:No class\r\n");
    let open = event("open", "CLASS:PUBLIC\r\nSUMMARY:Public is standard here\r\n");
    let odd = event("odd", "CLASS:X-SECRET\r\nSUMMARY:Unknown is private\r\n");
    imported(&fixture, &[bare.clone(), open.clone(), odd.clone()]);
    let files = fixture.administration.export("alice", "work").unwrap();
    let text = |files: &[(String, Vec<u8>)], name: &str| {
        String::from_utf8(files.iter().find(|(found, _)| found == name).unwrap().1.clone()).unwrap()
    };
    // Where the bytes say it already they stay as they are.
    assert_eq!(text(&files, "bare.ics"), bare.text());
    assert_eq!(text(&files, "open.ics"), open.text());
    assert_eq!(text(&files, "odd.ics"), odd.text());
    // Later the default changes: what is stored keeps its privacy, and now the bytes have to say it.
    let default = CalendarEntry { default_privacy: Some(EventPrivacy::Standard), ..calendar("alice", "work") };
    fixture.apply(&ApplyFile { calendars: vec![default], ..ApplyFile::default() });
    let files = fixture.administration.export("alice", "work").unwrap();
    assert_eq!(text(&files, "bare.ics"), bare.text().replace("UID:bare", "CLASS:PRIVATE\r\nUID:bare"));
    assert_eq!(text(&files, "open.ics"), open.text());
}

#[test]
fn what_class_cannot_say_is_exported_stricter_never_wider() {
    let fixture = fixture();
    fixture.apply(&company());
    imported(&fixture, &[event("open", "CLASS:PUBLIC\r\n")]);
    // Now PUBLIC widens, and Standard in a calendar whose default is private cannot be said by CLASS.
    let widened = CalendarEntry { widen_public: Some(true), ..calendar("alice", "work") };
    fixture.apply(&ApplyFile { calendars: vec![widened], ..ApplyFile::default() });
    let files = fixture.administration.export("alice", "work").unwrap();
    let text = String::from_utf8(files[0].1.clone()).unwrap();
    assert!(!text.contains("CLASS:PUBLIC"), "{text}");
}

#[test]
fn apply_and_import_bring_an_exported_store_back() {
    let old = fixture();
    old.apply(&company());
    let series = "RRULE:FREQ=DAILY;COUNT=5\r\nSUMMARY:Series\r\nCLASS:CONFIDENTIAL\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\n\
                  DESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n";
    imported(&old, &[event("one", "SUMMARY:Bare\r\n"), event("two", series), event("three", "CLASS:PUBLIC\r\n")]);
    let file = old.administration.export_apply_file(None).unwrap();
    let files = old.administration.export("alice", "work").unwrap();

    let new = fixture();
    new.apply(&file);
    let objects: Vec<CalendarObject> =
        files.iter().map(|(_, bytes)| CalendarObject::parse(bytes, &ParseLimits::default()).unwrap()).collect();
    imported(&new, &objects);
    assert_eq!(new.administration.export_apply_file(None).unwrap(), file);
    assert_eq!(new.administration.export("alice", "work").unwrap(), files);
    assert_eq!(new.apply(&file), Vec::<String>::new());
    assert_eq!(new.faults(), Vec::<String>::new());
    assert_eq!(new.store.credential("erin").unwrap().unwrap().password_hash(), Some(HASH));
    let one = old.administration.export_apply_file(Some("alice")).unwrap();
    assert_eq!((one.users.len(), one.groups.len(), one.calendars.len(), one.grants.len()), (1, 0, 2, 3));
}

#[test]
fn the_privacy_of_a_uid_is_remembered_after_its_object_is_gone() {
    let fixture = fixture();
    fixture.apply(&company());
    imported(&fixture, &[event("secret", "CLASS:PRIVATE\r\n")]);
    fixture.administration.delete_calendar("alice", "work").unwrap();
    fixture.apply(&ApplyFile { calendars: vec![calendar("alice", "work")], ..ApplyFile::default() });
    // Back without CLASS, into a calendar whose default is standard.
    imported(&fixture, &[event("secret", "")]);
    let files = fixture.administration.export("alice", "work").unwrap();
    assert!(String::from_utf8(files[0].1.clone()).unwrap().contains("CLASS:PRIVATE"));
    assert_eq!(fixture.faults(), Vec::<String>::new());
}
