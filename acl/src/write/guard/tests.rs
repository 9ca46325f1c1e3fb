//! What someone who may edit and not delete can and cannot do to a series.

#![expect(clippy::print_stdout, reason = "a property says how much it compared")]
#![expect(clippy::unwrap_used, reason = "a test that cannot read its own fixture shall fail")]

use crate::privacy::EventPrivacy;
use crate::privilege::Privilege;
use crate::write::Refusal;
use crate::write::tests::{EDIT, EDIT_DELETE, Scene, calendar};
use chrono::{DateTime, TimeDelta, Utc};
use ical::date_time::format_utc;
use proptest::prelude::*;
use std::cell::Cell as Counter;
use std::collections::BTreeSet;

const STORED: &str = "BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261123T090000Z\r\nDTEND:20261123T100000Z\r\nRRULE:FREQ=DAILY;COUNT=5\r\n\
    SUMMARY:Talk\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID:20261125T090000Z\r\nDTSTART:20261125T150000Z\r\n\
    DTEND:20261125T160000Z\r\nSUMMARY:Talk\r\nEND:VEVENT\r\n";

/// Without the override.
fn master_only(stored: &str) -> String {
    stored.split_inclusive("END:VEVENT\r\n").next().unwrap().to_owned()
}

fn put(rights: crate::project::ObjectRights, stored: &str, sent: &str) -> Result<(), Refusal> {
    let editor = Scene::editor(rights).recorded(&[(None, EventPrivacy::Standard), (Some("20261125T090000Z"), EventPrivacy::Standard)]);
    editor.put_over(&calendar(stored), &calendar(sent)).map(|_| ())
}

#[test]
fn editing_is_allowed() {
    let moved_series = STORED.replace("T10", "T12").replace("T09", "T11").replace("T16", "T18").replace("T15", "T17");
    let accepted = [
        ("another title", STORED.replace("Talk", "Walk")),
        ("an empty title", STORED.replace("SUMMARY:Talk\r\n", "")),
        ("an instance moved on", STORED.replace("20261125T15", "20261126T07").replace("20261125T16", "20261126T08")),
        ("the override given up, its instance back in its slot", master_only(STORED)),
        (
            "another instance with a change of its own",
            STORED.to_owned() + "BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID:20261124T090000Z\r\nDTSTART:20261124T090000Z\r\nEND:VEVENT\r\n",
        ),
        ("the whole series moved, its override with it", moved_series.clone()),
        ("the whole series moved, its override given up", master_only(&moved_series)),
        ("the series moved to another day", STORED.replace("20261123", "20261122").replace("20261125", "20261124")),
        ("more instances", STORED.replace("COUNT=5", "COUNT=6")),
        ("without end", STORED.replace(";COUNT=5", "")),
        ("free time", STORED.replace("SUMMARY", "TRANSP:TRANSPARENT\r\nSUMMARY")),
        ("an instance exchanged for a further one", STORED.replace("COUNT=5", "COUNT=6\r\nEXDATE:20261124T090000Z")),
    ];
    for (what, sent) in accepted {
        assert_eq!(put(EDIT, STORED, &sent), Ok(()), "{what}");
    }
}

/// The cancelled override stays what it was, but for one parameter.
#[test]
fn a_cancelled_instance_takes_no_others_with_it() {
    let over = |id: &str, lines: &str| {
        format!("BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID{id}\r\nDTSTART{id}\r\n{lines}END:VEVENT\r\n")
            .replace("DTSTART;RANGE=THISANDFUTURE", "DTSTART")
    };
    let master = master_only(STORED);
    let one = over(":20261124T090000Z", "STATUS:CANCELLED\r\n");
    let all = over(";RANGE=THISANDFUTURE:20261124T090000Z", "STATUS:CANCELLED\r\n");
    let single = over(":20261125T090000Z", "SUMMARY:On\r\n");
    let on = over(";RANGE=THISANDFUTURE:20261125T090000Z", "SUMMARY:On\r\n");
    let none = over(":20261126T090000Z", "STATUS:CANCELLED\r\n");
    let renamed = on.replace("On", "Onward");
    let cancelled_master = master.replace("SUMMARY", "STATUS:CANCELLED\r\nSUMMARY");
    let refused = [
        ("this one, then all that follow", [&*master, &one].concat(), [&*master, &all].concat()),
        ("an override among the cancelled given up", [&*master, &all, &single].concat(), [&*master, &all].concat()),
        ("the one from which it goes on given up", [&*master, &all, &on].concat(), [&*master, &all].concat()),
        ("the same, kept for one instance", [&*master, &all, &on].concat(), [&*master, &all, &single].concat()),
        ("one that went on, cancelled as its series is", [&*cancelled_master, &on].concat(), [&*cancelled_master, &on, &none].concat()),
        ("all that went on, as its series", [&*cancelled_master, &on].concat(), cancelled_master.clone()),
    ];
    for (what, stored, sent) in refused {
        assert_eq!(put(EDIT, &stored, &sent), Err(Refusal::Denied(Privilege::Unbind)), "{what}");
        assert_eq!(put(EDIT_DELETE, &stored, &sent), Ok(()), "{what}");
    }
    let accepted = [
        ("as it was", [&*master, &all, &on].concat(), [&*master, &all, &renamed].concat()),
        ("going on", [&*master, &all].concat(), [&*master, &all, &on].concat()),
        ("going on instead", [&*master, &all].concat(), [&*master, &one].concat()),
        ("all moved", [&*master, &all, &on].concat(), [&*master, &all, &on].concat().replace("T09", "T11").replace("T10", "T12")),
        ("among the cancelled one more", [&*master, &all].concat(), [&*master, &all, &none].concat()),
        ("all that follow, another title", master.clone(), [&*master, &on].concat()),
    ];
    for (what, stored, sent) in accepted {
        assert_eq!(put(EDIT, &stored, &sent), Ok(()), "{what}");
    }
}

#[test]
fn deleting_by_other_names_is_refused_without_the_right() {
    let cancelled =
        "BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID:20261124T090000Z\r\nDTSTART:20261124T090000Z\r\nSTATUS:CANCELLED\r\nEND:VEVENT\r\n";
    let refused = [
        ("cancelled", STORED.replace("SUMMARY", "STATUS:CANCELLED\r\nSUMMARY")),
        ("cancelled in small letters", STORED.replace("SUMMARY", "status:cancelled\r\nSUMMARY")),
        ("cancelled and confirmed at once", STORED.replace("SUMMARY", "STATUS:CONFIRMED\r\nSTATUS:CANCELLED\r\nSUMMARY")),
        ("an instance cancelled by a new override", STORED.to_owned() + cancelled),
        ("fewer instances", STORED.replace("COUNT=5", "COUNT=4")),
        ("an end before the last instance", STORED.replace("COUNT=5", "UNTIL=20261125T090000Z")),
        ("an instance excluded", STORED.replace("COUNT=5", "COUNT=5\r\nEXDATE:20261124T090000Z")),
        ("no rule any more", master_only(STORED).replace("RRULE:FREQ=DAILY;COUNT=5\r\n", "")),
        (
            "the override and its instance gone, another in their place",
            master_only(STORED).replace("COUNT=5", "COUNT=6\r\nEXDATE:20261125T090000Z"),
        ),
        ("a series of other days that has no slot for the override", master_only(STORED).replace("FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO")),
        ("a to-do instead", "BEGIN:VTODO\r\nUID:1\r\nDTSTART:20261123T090000Z\r\nRRULE:FREQ=DAILY;COUNT=5\r\nEND:VTODO\r\n".to_owned()),
    ];
    for (what, sent) in refused {
        assert_eq!(put(EDIT, STORED, &sent), Err(Refusal::Denied(Privilege::Unbind)), "{what}");
        assert_eq!(put(EDIT_DELETE, STORED, &sent), Ok(()), "{what}");
    }
}

#[test]
fn what_is_cancelled_already_can_be_edited() {
    let stored = STORED.replace("SUMMARY", "STATUS:CANCELLED\r\nSUMMARY");
    assert_eq!(put(EDIT, &stored, &stored.replace("Talk", "Walk")), Ok(()));
    let one = STORED.replace("DTEND:20261125T160000Z\r\n", "STATUS:CANCELLED\r\n");
    assert_eq!(put(EDIT, &one, &one.replace("Talk", "Walk")), Ok(()));
    assert_eq!(put(EDIT, STORED, &one), Err(Refusal::Denied(Privilege::Unbind)));
}

#[test]
fn a_series_without_end_keeps_its_instances_too() {
    let zone = "DTSTART;TZID=Europe/Berlin:20261123T090000\r\n";
    for start in ["DTSTART:20261123T090000Z\r\n", "DTSTART:20261123T090000\r\n", "DTSTART;VALUE=DATE:20261123\r\n", zone] {
        let endless = |rule: &str| format!("BEGIN:VEVENT\r\nUID:1\r\n{start}RRULE:{rule}\r\nEND:VEVENT\r\n");
        let (daily, weekly) = (endless("FREQ=DAILY"), endless("FREQ=WEEKLY;BYDAY=MO"));
        let head = start.split_once(':').unwrap().0.replace("DTSTART", "EXDATE");
        let value = start.trim_end().split_once(':').unwrap().1.replace("1123", "1130");
        let accepted = [
            (&weekly, weekly.replace("1123", "1124").replace("=MO", "=TU")),
            (&weekly, weekly.replace("1123", "1130")),
            (&weekly, weekly.replace("=MO", "=MO,FR")),
            (&weekly, weekly.replace("END:", "SUMMARY:Talk\r\nEND:")),
            (&weekly, daily.clone()),
        ];
        for (stored, sent) in accepted {
            assert_eq!(put(EDIT, stored, &sent), Ok(()), "{stored} {sent}");
        }
        let refused = [
            (&weekly, weekly.replace("END:", &format!("{head}:{value}\r\nEND:"))),
            (&daily, daily.replace("END:", &format!("{head}:{value}\r\nEND:"))),
            (&daily, weekly.clone()),
            (&weekly, weekly.replace("WEEKLY", "WEEKLY;INTERVAL=2")),
            (&weekly, weekly.replace("BYDAY=MO", "COUNT=150")),
        ];
        for (stored, sent) in refused {
            assert_eq!(put(EDIT, stored, &sent), Err(Refusal::Denied(Privilege::Unbind)), "{stored} {sent}");
        }
    }
}

/// Instances further from the first one than anybody counts were there to be taken away: a birthday of 1960, a note of every
/// day since 1999.
#[test]
fn a_series_keeps_what_is_too_far_from_its_start_to_be_counted() {
    let series = |start: &str, rule: &str| format!("BEGIN:VEVENT\r\nUID:1\r\nDTSTART{start}\r\nRRULE:{rule}\r\nEND:VEVENT\r\n");
    let with = |text: &str, line: &str| text.replace("END:VEVENT", &format!("{line}\r\nEND:VEVENT"));
    let birthday = series(";VALUE=DATE:19601201", "FREQ=YEARLY");
    let daily = series(":19990101T090000Z", "FREQ=DAILY");
    let excluded = with(&daily, "EXDATE:20261201T090000Z");
    let refused = [
        (&birthday, with(&birthday, "EXDATE;VALUE=DATE:20261201")),
        (&birthday, birthday.replace("YEARLY", "YEARLY;UNTIL=20200101")),
        (&daily, excluded.clone()),
        (&daily, daily.replace("DAILY", "DAILY;COUNT=10500")),
        (&excluded, with(&daily, "EXDATE:20261201T090000Z,20261202T090000Z")),
        (&with(&daily, "RDATE:20701201T120000Z"), daily.clone()),
    ];
    for (stored, sent) in refused {
        assert_eq!(put(EDIT, stored, &sent), Err(Refusal::Denied(Privilege::Unbind)), "{stored} {sent}");
    }
    let accepted = [
        (&birthday, with(&birthday, "SUMMARY:Birthday")),
        (&excluded, with(&excluded, "SUMMARY:Note")),
        (&excluded, excluded.replace("T090000Z", "T100000Z")),
        (&excluded, daily),
    ];
    for (stored, sent) in accepted {
        assert_eq!(put(EDIT, stored, &sent), Ok(()), "{stored} {sent}");
    }
}

/// A daily series as a test can count it.
#[derive(Clone, Debug)]
struct Series {
    start: i64,
    /// `None`: one event.
    count: Option<i64>,
    excluded: BTreeSet<i64>,
    /// Day and shift in hours.
    overrides: BTreeSet<(i64, i64)>,
    cancelled: Option<i64>,
}

fn at(day: i64, hour: i64) -> String {
    let epoch: DateTime<Utc> = DateTime::from_timestamp(1_795_424_400, 0).unwrap();
    format_utc(epoch + TimeDelta::days(day) + TimeDelta::hours(hour))
}

impl Series {
    fn slots(&self) -> BTreeSet<i64> {
        let count = self.count.unwrap_or(1);
        (self.start..self.start + count).filter(|day| !self.excluded.contains(day)).collect()
    }
    fn text(&self) -> String {
        let mut text = format!("BEGIN:VEVENT\r\nUID:1\r\nDTSTART:{}\r\nDURATION:PT1H\r\n", at(self.start, 0));
        if let Some(count) = self.count {
            text += &format!("RRULE:FREQ=DAILY;COUNT={count}\r\n");
            text.extend(self.excluded.iter().map(|day| format!("EXDATE:{}\r\n", at(*day, 0))));
        }
        text += "END:VEVENT\r\n";
        for (day, shift) in &self.overrides {
            let status = if self.cancelled == Some(*day) { "STATUS:CANCELLED\r\n" } else { "" };
            text += &format!(
                "BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID:{}\r\nDTSTART:{}\r\n{status}END:VEVENT\r\n",
                at(*day, 0),
                at(*day, *shift)
            );
        }
        text
    }
}

fn a_series() -> impl Strategy<Value = Series> {
    let count = proptest::option::weighted(0.9, 2i64..8);
    let days = || proptest::collection::btree_set(0i64..10, 0..3);
    let cancelled = proptest::option::weighted(0.1, 0i64..8);
    (0i64..3, count, days(), days(), -3i64..4, cancelled).prop_map(|(start, count, excluded, overrides, shift, cancelled)| {
        let mut series = Series { start, count, excluded, overrides: BTreeSet::new(), cancelled };
        if series.count.is_none() {
            series.excluded.clear();
        } else {
            let slots = series.slots();
            series.overrides = overrides.into_iter().filter(|day| slots.contains(day)).map(|day| (day, shift)).collect();
        }
        series
    })
}

#[test]
fn an_accepted_edit_keeps_every_instance() {
    let (accepted, refused) = (Counter::new(0u32), Counter::new(0u32));
    proptest!(ProptestConfig::with_cases(1024), |(old in a_series(), new in a_series())| {
        if old.slots().is_empty() || new.slots().is_empty() {
            return Ok(());
        }
        let moved = new.start - old.start;
        let slots = new.slots();
        let keeps_overrides = old.overrides.iter().all(|(day, _)| slots.contains(day) || slots.contains(&(day + moved)));
        let keeps_number = slots.len() >= old.slots().len();
        let was_cancelled = |day: i64| old.cancelled == Some(day) && old.overrides.iter().any(|(known, _)| *known == day);
        let cancels = new.overrides.iter().any(|(day, _)| new.cancelled == Some(*day) && !was_cancelled(*day) && !was_cancelled(day - moved));
        match put(EDIT, &old.text(), &new.text()) {
            Ok(()) => {
                prop_assert!(keeps_overrides && keeps_number && !cancels);
                accepted.set(accepted.get() + 1);
            }
            Err(refusal) => {
                prop_assert_eq!(refusal, Refusal::Denied(Privilege::Unbind));
                prop_assert!(!keeps_overrides || !keeps_number || cancels || new.count.is_none() != old.count.is_none());
                refused.set(refused.get() + 1);
            }
        }
        prop_assert_eq!(put(EDIT_DELETE, &old.text(), &new.text()), Ok(()));
    });
    println!("{} edits accepted, {} refused", accepted.get(), refused.get());
    assert!(accepted.get() >= 100 && refused.get() >= 100);
}
