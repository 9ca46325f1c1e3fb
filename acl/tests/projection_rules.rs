//! The rules of the projection beside its allow-lists: whose bytes, under which name, with which rights, with whose alarms;
//! and the awkward series that must leave no ghost.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use acl::per_user::{Overlay, PersonalItem};
use acl::project::Identity;
use acl::testing::{matrix, profile};
use acl::{
    AccessMatrix, CalendarId, CalendarPolicy, DatabaseKey, Level, ObjectId, ObjectRights, Policy, PrincipalId, PrivacyRecord, StoredObject,
    ViewProfile, Visibility, VisibleObject, project,
};
use ical::{CalendarObject, ParseLimits};

const PRIVATE_OVERRIDE: &str = include_str!("projection/private-override.ics");
const MEETING: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Client//EN\r\nBEGIN:VEVENT\r\nUID:meeting-1@example.org\r\n\
    DTSTAMP:20261101T080000Z\r\nDTSTART:20261124T100000Z\r\nDTEND:20261124T110000Z\r\nSUMMARY:Budget\r\nCLASS:PRIVATE\r\n\
    END:VEVENT\r\nEND:VCALENDAR\r\n";
const ALARM: &str = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:mine\r\nEND:VALARM\r\n";

struct World {
    text: String,
    base: Option<CalendarObject>,
    privacy: PrivacyRecord,
}

impl World {
    fn of(text: &str) -> Self {
        let base = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap();
        let privacy = acl::write::record_for_new(&base, &Policy::default(), &CalendarPolicy::default(), None);
        Self { text: text.to_owned(), base: Some(base), privacy }
    }
    fn object(&self) -> StoredObject<'_> {
        StoredObject {
            id: ObjectId([9; 16]),
            name: "meeting-1.ics",
            base_text: &self.text,
            base: self.base.as_ref(),
            base_version: 3,
            privacy: &self.privacy,
            created_by_viewer: false,
            foreign_attendees: &acl::ForeignAttendees::All,
            overlay: None,
            touch: 0,
            own: None,
            identity_taken: false,
        }
    }
}

fn text(visible: &VisibleObject) -> &str {
    std::str::from_utf8(visible.bytes()).unwrap()
}

fn owner() -> ViewProfile {
    profile(AccessMatrix::owner())
}

fn series(lines: &str, overrides: &str) -> String {
    let component = |lines: &str| {
        format!("BEGIN:VEVENT\r\nUID:s@example.org\r\nDTSTAMP:20261101T080000Z\r\n{}\r\nEND:VEVENT\r\n", lines.replace('\n', "\r\n"))
    };
    let overrides = if overrides.is_empty() { String::new() } else { component(overrides) };
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Client//EN\r\n{}{overrides}END:VCALENDAR\r\n", component(lines))
}

/// The time lines at titles.
fn shown_at_titles(text: &str) -> Vec<String> {
    let world = World::of(text);
    let visible = project(&world.object(), &profile(matrix(Level::Titles, None))).unwrap();
    let shown = std::str::from_utf8(visible.bytes()).unwrap().replace("\r\n ", "");
    let is_time = |line: &&str| ["DTSTART", "DTEND", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"].iter().any(|name| line.starts_with(name));
    let events = shown.split_once("BEGIN:VEVENT").unwrap().1;
    events.lines().filter(is_time).map(str::to_owned).collect()
}

#[test]
fn the_owner_gets_her_bytes_even_where_nobody_can_read_them() {
    let world = World { text: "BEGIN:VCALENDAR\r\nnot a line\r\n".into(), base: None, privacy: PrivacyRecord::default() };
    let visible = project(&world.object(), &owner()).unwrap();
    assert_eq!(text(&visible), world.text);
    assert!(visible.calendar().is_none());
    assert_eq!(visible.rights(), ObjectRights { edit: true, delete: true });
    assert_eq!(visible.name(), "meeting-1.ics");
    for level in Level::ALL {
        assert!(project(&world.object(), &profile(matrix(level, None))).is_none(), "{level:?}");
    }
}

#[test]
fn each_person_gets_his_own_alarms_and_his_own_bytes_while_nobody_else_wrote() {
    let world = World::of(MEETING);
    let item = PersonalItem { recurrence_id: None, text: ALARM.into() };
    let mut overlay = Overlay { base_version: 3, verbatim: None, items: vec![item] };
    let with = |overlay: &Overlay| project(&StoredObject { overlay: Some(overlay), ..world.object() }, &owner()).unwrap();
    let merged = with(&overlay);
    assert_eq!(text(&merged), MEETING.replace("END:VEVENT", &format!("{ALARM}END:VEVENT")));
    assert!(merged.is_verbatim());
    let own = text(&merged).replace("SUMMARY:Budget", "SUMMARY:Bud\r\n get");
    overlay.verbatim = Some(own.clone());
    assert_eq!(text(&with(&overlay)), own);
    assert!(with(&overlay).is_verbatim());
    overlay.base_version = 2;
    let stale = with(&overlay);
    assert_eq!(text(&stale), text(&merged));
    assert!(!stale.is_verbatim());
    assert_ne!(stale.etag(), project(&world.object(), &owner()).unwrap().etag());
}

#[test]
fn alarms_stand_beside_what_is_shown_in_full_and_nowhere_else() {
    let world = World::of(PRIVATE_OVERRIDE);
    let of = |recurrence_id: Option<&str>, word: &str| PersonalItem {
        recurrence_id: recurrence_id.map(str::to_owned),
        text: ALARM.replace("mine", word),
    };
    let overlay = Overlay {
        base_version: 3,
        verbatim: Some(PRIVATE_OVERRIDE.replace("Choir", "Choir with what was private")),
        items: vec![of(None, "for-the-series"), of(Some("20261110T140000Z"), "for-the-interview")],
    };
    let object = StoredObject { overlay: Some(&overlay), ..world.object() };
    let editor = project(&object, &profile(matrix(Level::Edit, None))).unwrap();
    assert!(text(&editor).contains("DESCRIPTION:for-the-series"));
    assert!(!text(&editor).contains("for-the-interview"), "{}", text(&editor));
    assert!(!text(&editor).contains("what was private"));
    assert_eq!(editor.rights(), ObjectRights::default());
    let titles = project(&object, &profile(matrix(Level::Titles, None))).unwrap();
    assert!(!text(&titles).contains("VALARM"));
}

#[test]
fn what_a_viewer_created_is_his_to_see_and_edit_while_he_reaches_the_calendar() {
    let world = World::of(MEETING);
    let own = StoredObject { created_by_viewer: true, ..world.object() };
    let by_level = |level| project(&own, &profile(matrix(level, None)));
    assert!(by_level(Level::None).is_none());
    let visible = by_level(Level::FreeBusy).unwrap();
    assert_eq!((visible.name(), text(&visible)), ("meeting-1.ics", MEETING));
    assert_eq!(visible.rights(), ObjectRights { edit: true, delete: false });
    assert_eq!(by_level(Level::EditDelete).unwrap().rights(), ObjectRights { edit: true, delete: true });
}

#[test]
fn an_object_whose_name_is_taken_bears_its_pseudonyms_even_for_the_owner() {
    let world = World::of(MEETING);
    let taken = project(&StoredObject { identity_taken: true, ..world.object() }, &owner()).unwrap();
    assert_eq!(taken.identity(), Identity::Pseudonym);
    assert_ne!(taken.name(), "meeting-1.ics");
    let uid = taken.calendar().unwrap().uid();
    assert_eq!(text(&taken), MEETING.replace("meeting-1@example.org", uid));
    assert_eq!(taken.rights(), ObjectRights { edit: true, delete: true });
    assert!(!taken.is_verbatim());
}

#[test]
fn leak_17_the_same_meeting_in_two_calendars_has_nothing_in_common_but_what_every_object_has() {
    let world = World::of(MEETING);
    let seen_in = |calendar: u8, object: u8, key: u8| {
        let profile = ViewProfile {
            calendar: CalendarId([calendar; 16]),
            key: DatabaseKey::new([key; 32]),
            ..profile(matrix(Level::FreeBusy, None))
        };
        project(&StoredObject { id: ObjectId([object; 16]), ..world.object() }, &profile).unwrap()
    };
    let one = seen_in(1, 5, 7);
    for other in [seen_in(2, 5, 7), seen_in(1, 6, 7), seen_in(1, 5, 8)] {
        assert_ne!(one.name(), other.name());
        assert_ne!(one.calendar().unwrap().uid(), other.calendar().unwrap().uid());
        assert_ne!(one.etag(), other.etag());
    }
    let tokens = |visible: &VisibleObject| {
        let parts = [visible.name().trim_end_matches(".ics"), visible.etag().trim_matches('"'), visible.calendar().unwrap().uid()];
        let windows = parts.iter().flat_map(|part| part.as_bytes().windows(6).map(<[u8]>::to_vec));
        windows.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(tokens(&one).intersection(&tokens(&seen_in(2, 6, 7))).count(), 0);
    // Object ids are never reused, so that FreeBusy and Title share the name: an update in place.
    let titles = project(&World::of(MEETING).object(), &profile(matrix(Level::Titles, None))).unwrap();
    let free_busy = project(&World::of(MEETING).object(), &profile(matrix(Level::FreeBusy, None))).unwrap();
    assert_eq!(titles.name(), free_busy.name());
}

#[test]
fn leak_22_validators_are_of_their_key_their_bytes_and_the_touch_mark() {
    let world = World::of(MEETING);
    let details = profile(matrix(Level::Details, Some(acl::level::GrantPrivateEvents::Show)));
    let visible = project(&world.object(), &details).unwrap();
    assert_eq!(text(&visible), MEETING);
    let other_key = ViewProfile { key: DatabaseKey::new([1; 32]), ..details.clone() };
    assert_ne!(project(&world.object(), &other_key).unwrap().etag(), visible.etag());
    assert_ne!(project(&StoredObject { touch: 1, ..world.object() }, &details).unwrap().etag(), visible.etag());
    let tag = visible.etag().trim_matches('"');
    assert_eq!(visible.etag().len(), 24);
    assert!(tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
}

#[test]
fn a_profile_is_told_by_all_a_projection_depends_on_and_nothing_else() {
    let base = profile(matrix(Level::Titles, None));
    let print = |change: &dyn Fn(&mut ViewProfile)| {
        let mut changed = base.clone();
        change(&mut changed);
        changed.fingerprint()
    };
    let same = print(&|_| ());
    assert_eq!(print(&|p| p.owner_addresses.push(acl::testing::OWNER_ADDRESS.into())), same);
    assert_eq!(print(&|p| p.key = DatabaseKey::new([1; 32])), same, "the key is no part of what is compared");
    assert_eq!(print(&|p| p.matrix.create = true), same, "the right to create shows in no object");
    let different: Vec<Vec<u8>> = vec![
        same,
        print(&|p| p.viewer = PrincipalId([4; 16])),
        print(&|p| p.calendar = CalendarId([4; 16])),
        print(&|p| p.matrix = matrix(Level::FreeBusy, None)),
        print(&|p| p.matrix = matrix(Level::Details, None)),
        print(&|p| p.matrix = matrix(Level::Edit, None)),
        print(&|p| p.matrix = matrix(Level::EditDelete, None)),
        print(&|p| p.matrix = AccessMatrix::owner()),
        print(&|p| p.matrix = matrix(Level::Titles, Some(acl::level::GrantPrivateEvents::Hidden))),
        print(&|p| p.matrix.with_places = true),
        print(&|p| p.words.busy = "Besetzt".into()),
        print(&|p| p.words.private = "Privat".into()),
        print(&|p| p.owner_addresses.push("alice@example.com".into())),
        print(&|p| p.owner_addresses.clear()),
        print(&|p| p.participant_addresses.push("alice@example.com".into())),
        print(&|p| p.participant_addresses.append(&mut p.owner_addresses)),
    ];
    for (index, one) in different.iter().enumerate() {
        assert!(different.iter().skip(index + 1).all(|other| other != one), "profile {index}");
    }
}

#[test]
fn whoever_may_delete_one_component_is_shown_that_there_is_another() {
    let mut matrix = matrix(Level::Details, Some(acl::level::GrantPrivateEvents::Hidden));
    let world = World::of(PRIVATE_OVERRIDE);
    assert_eq!(project(&world.object(), &profile(matrix.clone())).unwrap().least_visibility(), Visibility::Full);
    for cell in matrix.cells.iter_mut().filter(|cell| cell.visibility == Visibility::Full) {
        cell.delete = true;
    }
    let visible = project(&world.object(), &profile(matrix)).unwrap();
    assert_eq!(visible.least_visibility(), Visibility::FreeBusy);
    assert_eq!(visible.rights(), ObjectRights::default());
}

#[test]
fn until_is_written_as_dtstart_asks() {
    let until = |start: &str, until: &str| {
        let lines = shown_at_titles(&series(&format!("{start}\nRRULE:FREQ=DAILY;UNTIL={until}"), ""));
        let line = lines.iter().find(|line| line.starts_with("RRULE")).unwrap().clone();
        line.split_once("UNTIL=").unwrap().1.to_owned()
    };
    assert_eq!(until("DTSTART;VALUE=DATE:20261101", "20261105T230000Z"), "20261105");
    assert_eq!(until("DTSTART:20261101T100000\nDTEND:20261101T110000", "20261105"), "20261105T235959");
    assert_eq!(until("DTSTART:20261101T100000Z\nDTEND:20261101T110000Z", "20261105"), "20261105T235959Z");
    assert_eq!(until("DTSTART;TZID=Europe/Berlin:20261101T100000\nDURATION:PT1H", "20261105T100000"), "20261105T090000Z");
    assert_eq!(until("DTSTART;TZID=Europe/Berlin:20261101T100000\nDURATION:PT1H", "20261105"), "20261105T225959Z");
}

#[test]
fn an_exclusion_that_hits_nothing_is_not_shown_and_one_by_date_takes_the_whole_day() {
    let lines = shown_at_titles(&series(
        "DTSTART;TZID=Europe/Berlin:20261101T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5;BYHOUR=10,14\n\
         EXDATE;VALUE=DATE:20261102\nEXDATE:20261103T090000Z\nEXDATE:20261103T091500Z",
        "",
    ));
    let exclusions: Vec<_> = lines.iter().filter(|line| line.starts_with("EXDATE")).collect();
    assert_eq!(exclusions, ["EXDATE;TZID=Europe/Berlin:20261102T100000,20261102T140000,20261103T100000"]);
}

#[test]
fn a_hidden_instance_in_the_hour_that_the_clocks_skip_leaves_no_ghost() {
    let shown = shown_at_titles(&series(
        "DTSTART;TZID=Europe/Berlin:20270326T023000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5",
        "RECURRENCE-ID;TZID=Europe/Berlin:20270328T023000\nDTSTART:20270330T100000Z\nDURATION:PT1H\nCLASS:PRIVATE\nTRANSP:TRANSPARENT",
    ));
    assert!(shown.contains(&"EXDATE;TZID=Europe/Berlin:20270328T023000".to_owned()), "{shown:?}");
}

/// At the end of the others, whenever it is, it would tell itself from instances that were deleted.
#[test]
fn a_hidden_instance_is_excluded_among_the_deleted_ones_where_it_belongs() {
    let hidden = "RECURRENCE-ID:20261106T093000Z\nDTSTART:20261106T100000Z\nDURATION:PT1H\nCLASS:PRIVATE\nTRANSP:TRANSPARENT";
    let shown = |deleted: &str| {
        let world = World::of(&series(&format!("DTSTART:20261102T093000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=9\n{deleted}"), hidden));
        let visible = project(&world.object(), &profile(matrix(Level::Details, Some(acl::level::GrantPrivateEvents::Hidden)))).unwrap();
        text(&visible).lines().filter(|line| line.starts_with("EXDATE")).collect::<Vec<_>>().join(" ")
    };
    let [early, late] = ["EXDATE:20261104T093000Z", "EXDATE:20261108T093000Z"];
    assert_eq!(shown(&format!("{early}\n{late}\nSUMMARY:Course")), format!("{early} EXDATE:20261106T093000Z {late}"));
    assert_eq!(shown(late), format!("EXDATE:20261106T093000Z {late}"));
    assert_eq!(shown(early), format!("{early} EXDATE:20261106T093000Z"));
    assert_eq!(shown("SUMMARY:Course"), "EXDATE:20261106T093000Z");
}

#[test]
fn many_exclusions_are_shown_as_few_are() {
    let days: Vec<String> = (1..=28).map(|day| format!("202702{day:02}T090000Z")).collect();
    let all = format!("EXDATE:{}\nEXDATE:20270210T091500Z,20280101T090000Z", days.join(","));
    let shown = shown_at_titles(&series(&format!("DTSTART:20270128T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=60\n{all}"), ""));
    assert!(shown.contains(&format!("EXDATE:{}", days.join(","))), "{shown:?}");
}

#[test]
fn a_thousand_exclusions_of_a_long_counted_series_are_quick() {
    let started = std::time::Instant::now();
    let day =
        |n: i64| (chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::TimeDelta::days(n)).format("%Y%m%dT090000Z").to_string();
    let excluded: Vec<_> = (0..1000).map(|n| day(n * 7)).collect();
    let text = format!("DTSTART:20260101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=9000\nEXDATE:{}", excluded.join(","));
    assert!(shown_at_titles(&series(&text, "")).len() >= 4);
    assert!(started.elapsed() < std::time::Duration::from_secs(60), "took {:?}", started.elapsed());
}

#[test]
fn a_series_in_no_known_zone_is_written_out_over_a_window_of_its_own() {
    let zone = "BEGIN:VTIMEZONE\r\nTZID:Odd\r\nBEGIN:STANDARD\r\nTZOFFSETFROM:+0123\r\nTZOFFSETTO:+0123\r\nDTSTART:19700101T000000\r\n\
                END:STANDARD\r\nEND:VTIMEZONE\r\n";
    let text = series("DTSTART;TZID=Odd:20261101T100000\nDURATION:PT1H\nRRULE:FREQ=MONTHLY", "").replacen(
        "BEGIN:VEVENT",
        &format!("{zone}BEGIN:VEVENT"),
        1,
    );
    let shown = shown_at_titles(&text);
    assert!(shown.iter().all(|line| !line.contains("Odd") && !line.starts_with("RRULE")), "{shown:?}");
    let dates = shown.iter().find(|line| line.starts_with("RDATE")).unwrap();
    assert_eq!(dates.split(',').count(), 20 * 12, "twenty years, the first instance being DTSTART");
    assert!(shown.contains(&"DTSTART:20261101T083700Z".to_owned()));
}

const ENDLESS: &str = "DTSTART:20261102T093000Z\nDTEND:20261102T100000Z\nRRULE:FREQ=DAILY\nSUMMARY:Stand-up";

/// What is shown of an endless series with an override for this and future instances.
fn endless(change: &str, profile: &ViewProfile) -> Option<String> {
    let world = World::of(&series(ENDLESS, &format!("RECURRENCE-ID;RANGE=THISANDFUTURE:20261110T093000Z\n{change}")));
    project(&world.object(), profile).map(|visible| text(&visible).to_owned())
}

#[test]
fn nothing_tells_of_a_change_of_all_that_follows_if_what_was_changed_is_not_shown() {
    let unchanged = World::of(&series(ENDLESS, ""));
    for level in [Level::FreeBusy, Level::Titles] {
        let profile = profile(matrix(level, None));
        let expected = project(&unchanged.object(), &profile).unwrap();
        let place = "DTSTART:20261110T093000Z\nDTEND:20261110T100000Z\nSUMMARY:Stand-up\nLOCATION:Room Elm";
        assert_eq!(endless(place, &profile).as_deref(), Some(text(&expected)), "{level:?}");
    }
}

#[test]
fn an_endless_series_of_which_all_that_follows_is_withheld_is_not_shown() {
    let hidden = profile(matrix(Level::Details, Some(acl::level::GrantPrivateEvents::Hidden)));
    assert_eq!(endless("DTSTART:20261110T123000Z\nSUMMARY:Stand-up\nCLASS:PRIVATE", &hidden), None);
    // Where it counts as busy it is shown as that, instance by instance.
    let busy =
        endless("DTSTART:20261110T123000Z\nDTEND:20261110T130000Z\nSUMMARY:Secret\nCLASS:PRIVATE", &profile(matrix(Level::Details, None)));
    let busy = busy.unwrap();
    assert!(busy.contains("RECURRENCE-ID:20270501T093000Z\r\nDTSTART:20270501T123000Z\r\n") && !busy.contains("Secret"), "{busy}");
}

/// A description of eleven thousand bytes, told a thousand times over, was more than a calendar may hold, and the whole series
/// was gone from every view below all details: whether it was there told how long the description is.
#[test]
fn how_much_is_withheld_of_all_that_follows_decides_nothing_about_the_rest() {
    let change = "DTSTART:20261110T123000Z\nDTEND:20261110T130000Z\nSUMMARY:Review";
    let long = "x".repeat(20_000);
    let alarm = "BEGIN:X-PART\nX-WHY:none\nEND:X-PART\n".repeat(40);
    let hidden = |level| profile(matrix(level, Some(acl::level::GrantPrivateEvents::Hidden)));
    let shown = |rule: &str, change: &str, profile: &ViewProfile| {
        let master = format!("DTSTART:20261102T093000Z\nDTEND:20261102T100000Z\nRRULE:FREQ=DAILY{rule}\nSUMMARY:Stand-up");
        let world = World::of(&series(&master, &format!("RECURRENCE-ID;RANGE=THISANDFUTURE:20261110T093000Z\n{change}")));
        project(&world.object(), profile).map(|visible| text(&visible).to_owned())
    };
    for (rule, class, profile) in [
        ("", "", profile(matrix(Level::FreeBusy, None))),
        ("", "", profile(matrix(Level::Titles, None))),
        ("", "\nCLASS:PRIVATE", profile(matrix(Level::Details, None))),
        (";COUNT=900", "\nCLASS:PRIVATE", hidden(Level::Details)),
        (";COUNT=900", "\nCLASS:PRIVATE", hidden(Level::FreeBusy)),
    ] {
        let expected = shown(rule, &format!("{change}{class}"), &profile);
        assert!(expected.is_some(), "{rule} {class}");
        for more in [format!("\nDESCRIPTION:{long}"), format!("\nLOCATION:{long}"), format!("\nX-A;X-B={long}:c\n{}", alarm.trim_end())] {
            assert_eq!(shown(rule, &format!("{change}{class}{more}"), &profile), expected, "{rule} {class} {:.20}", more.trim());
        }
    }
}

#[test]
fn a_change_of_all_that_follows_that_is_withheld_looks_as_if_each_instance_were_gone() {
    let master = "DTSTART:20261102T093000Z\nDTEND:20261102T100000Z\nRRULE:FREQ=DAILY;COUNT=5\nSUMMARY:Stand-up";
    let component = |lines: &str| format!("BEGIN:VEVENT\nUID:s@example.org\nDTSTAMP:20261101T080000Z\n{lines}\nEND:VEVENT\n");
    // Line ends and lines behind the components are the client's own.
    let object = |overrides: &str| {
        let text =
            format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Client//EN\n{}{overrides}X-LAST:kept\nEND:VCALENDAR\n", component(master));
        World::of(&text)
    };
    let private = "\nDTSTART:20261210T123000Z\nSUMMARY:Secret\nCLASS:PRIVATE";
    let one_for_all = object(&component(&format!("RECURRENCE-ID;RANGE=THISANDFUTURE:20261104T093000Z{private}")));
    let moved_otherwise = object(&component(
        "RECURRENCE-ID;RANGE=THISANDFUTURE:20261104T093000Z\nDTSTART;VALUE=DATE:20270101\nDURATION:P3D\nTRANSP:TRANSPARENT\nCLASS:PRIVATE",
    ));
    let each: String = (4..=6).map(|day| component(&format!("RECURRENCE-ID:202611{day:02}T093000Z{private}"))).collect();
    let each = object(&each);
    for level in [Level::FreeBusy, Level::Titles, Level::Details] {
        let profile = profile(matrix(level, Some(acl::level::GrantPrivateEvents::Hidden)));
        let shown = |world: &World| project(&world.object(), &profile).map(|visible| text(&visible).to_owned());
        let expected = shown(&each);
        assert!(expected.as_ref().is_some_and(|text| text.contains("EXDATE:20261104T093000Z")), "{expected:?}");
        for world in [&one_for_all, &moved_otherwise] {
            assert_eq!(shown(world), expected, "{level:?}");
        }
    }
}

/// One cancelled day took a series without end, once it was moved for good, out of everybody's free/busy.
#[test]
fn an_instance_that_is_gone_takes_nothing_of_an_endless_series_with_it() {
    let component = |lines: &str| {
        format!("BEGIN:VEVENT\r\nUID:s@example.org\r\nDTSTAMP:20261101T080000Z\r\n{}\r\nEND:VEVENT\r\n", lines.replace('\n', "\r\n"))
    };
    let later = "RECURRENCE-ID;RANGE=THISANDFUTURE:20261110T093000Z\nDTSTART:20261110T123000Z\nDTEND:20261110T130000Z";
    let text_of = series(ENDLESS, later).replace(
        "END:VCALENDAR",
        &format!("{}END:VCALENDAR", component("RECURRENCE-ID:20261112T093000Z\nDTSTART:20261112T093000Z\nSTATUS:CANCELLED")),
    );
    let world = World::of(&text_of);
    for level in [Level::FreeBusy, Level::Titles, Level::Details] {
        let busy = acl::project_free_busy(&world.object(), &profile(matrix(level, None))).unwrap();
        assert!(text(&busy).contains("DTSTART:20261113T123000Z") && !text(&busy).contains("20261112T123000Z"), "{level:?}");
        assert!(text(&busy).contains("EXDATE:20261112T093000Z"), "{level:?}");
    }
}
