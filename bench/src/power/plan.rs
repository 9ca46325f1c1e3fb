//! What the writers write: known beforehand to the machine, which does it, and to the judge, who was only told how far they got.
//! Everything follows from life, writer and number.

use bench::chance::Chance;
use chrono::{DateTime, TimeDelta, Utc};

/// Connections that write at a time.
pub(crate) const WRITERS: usize = 16;
/// Objects of each.
pub(crate) const SLOTS: usize = 5;
/// Steps of one writer in one life: more than any machine gets to.
pub(crate) const STEPS_MAX: u64 = 4_096;
/// Those who are shown the calendar, with their levels. The last one writes as well.
pub(crate) const VIEWERS: [(&str, &str); 4] = [("bob", "free-busy"), ("carol", "titles"), ("dan", "details"), ("erin", "edit-delete")];
/// Whose calendars these are.
pub(crate) const OWNER: &str = "alice";
/// Everybody's password.
pub(crate) const PASSWORD: &str = "power";
/// Objects of the calendar that nobody changes.
pub(crate) const STILL: usize = 6;

/// Its argon2 is as cheap as it can be: an emulated machine takes seconds for a real one.
const PASSWORD_HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$YSBzYWx0IG9mIHBvd2Vy$Y485bIO1xc0GtZ7kak6y9g";

/// One write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Which of the writer's objects.
    pub(crate) slot: usize,
    /// The version that stands there afterwards; `None` where the object is deleted.
    pub(crate) leaves: Option<u64>,
}

/// What a writer does at this point of this life.
pub(crate) fn step(life: u64, writer: usize, number: u64) -> Step {
    let mut chance = Chance::new(life, &format!("{writer} {number}"));
    let slot = chance.below(SLOTS as u64) as usize;
    let version = (life * WRITERS as u64 + writer as u64) * STEPS_MAX + number;
    Step { slot, leaves: (!chance.percent(15)).then_some(version) }
}

/// Who writes.
pub(crate) fn user_of(writer: usize) -> &'static str {
    if writer % 4 == 3 { "erin" } else { OWNER }
}

/// The last segment of an object's address.
pub(crate) fn object_name(writer: usize, slot: usize) -> String {
    format!("{writer}-{slot}.ics")
}

/// Writer and slot of such a name.
pub(crate) fn object_of(name: &str) -> Option<(usize, usize)> {
    let (writer, slot) = name.strip_suffix(".ics")?.split_once('-')?;
    let (writer, slot) = (writer.parse().ok()?, slot.parse().ok()?);
    (writer < WRITERS && slot < SLOTS).then_some((writer, slot))
}

/// When a version takes place: its number, told in seconds, so that everybody who sees that there is something sees which.
pub(crate) fn start_of(version: u64) -> String {
    let begin = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_454);
    let start = i64::try_from(version).ok().and_then(TimeDelta::try_seconds).and_then(|since| begin.checked_add_signed(since));
    start.unwrap_or(begin).format("%Y%m%dT%H%M%SZ").to_string()
}

/// The version that takes place then.
pub(crate) fn version_at(start: &str) -> Option<u64> {
    let time = chrono::NaiveDateTime::parse_from_str(start, "%Y%m%dT%H%M%SZ").ok()?.and_utc();
    let begin = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_454);
    u64::try_from((time - begin).num_seconds()).ok()
}

/// One version of one object. Some are large, some have alarms, some are private.
pub(crate) fn text(writer: usize, slot: usize, version: u64) -> String {
    let mut chance = Chance::new(version, "text");
    let filler = "A line of a long description, folded by nobody. ".repeat(if chance.percent(20) { 400 } else { 4 });
    // One CLASS for all of an object's versions: a PUT that changes more would not lower it.
    let class = if slot.is_multiple_of(2) && user_of(writer) == OWNER { "CLASS:PRIVATE\r\n" } else { "" };
    let has_alarm = chance.percent(25) && user_of(writer) == OWNER;
    let alarm = if has_alarm { "BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n" } else { "" };
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//shoji//power//EN\r\nBEGIN:VEVENT\r\nUID:{writer}-{slot}\r\n\
         DTSTAMP:20261101T000000Z\r\nDTSTART:{}\r\nDURATION:PT1H\r\n{class}SUMMARY:version {version}\r\nDESCRIPTION:{filler}\r\n\
         {alarm}END:VEVENT\r\nEND:VCALENDAR\r\n",
        start_of(version)
    )
}

/// One object of the calendar that nobody changes.
pub(crate) fn still_text(number: usize) -> String {
    let class = if number.is_multiple_of(3) { "CLASS:CONFIDENTIAL\r\n" } else { "" };
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//shoji//power//EN\r\nBEGIN:VEVENT\r\nUID:still-{number}\r\n\
         DTSTAMP:20261101T000000Z\r\nDTSTART:2026112{number}T100000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY;COUNT=9\r\n{class}\
         SUMMARY:still {number}\r\nLOCATION:Room {number}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// Users, calendars and shares, as `shoji apply` takes them.
pub(crate) fn people() -> String {
    let names = VIEWERS.iter().map(|(name, _)| *name).chain([OWNER]);
    let users: String = names.map(|name| format!("[[user]]\nname = \"{name}\"\npassword_hash = \"{PASSWORD_HASH}\"\n")).collect();
    let calendar = |name: &str| {
        let shares = VIEWERS
            .iter()
            .map(|(viewer, level)| format!("[[grant]]\ncalendar = \"{OWNER}/{name}\"\nuser = \"{viewer}\"\nlevel = \"{level}\"\n"));
        format!("[[calendar]]\nowner = \"{OWNER}\"\nname = \"{name}\"\n{}", shares.collect::<String>())
    };
    format!("{users}{}{}", calendar("work"), calendar("still"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_has_a_time_of_its_own_and_is_known_by_it() {
        let mut seen = std::collections::BTreeSet::new();
        for life in [0, 1, 200, 10_000] {
            for writer in 0..WRITERS {
                for version in (0..50).filter_map(|number| step(life, writer, number).leaves) {
                    assert_eq!(version_at(&start_of(version)), Some(version));
                    assert!(seen.insert(start_of(version)));
                }
            }
        }
    }

    #[test]
    fn steps_put_and_delete_and_follow_from_where_they_stand() {
        let steps: Vec<Step> = (0..100).map(|number| step(3, 5, number)).collect();
        assert_eq!(steps, (0..100).map(|number| step(3, 5, number)).collect::<Vec<_>>());
        let deletions = steps.iter().filter(|step| step.leaves.is_none()).count();
        assert!((5..30).contains(&deletions), "{deletions}");
        assert!((0..SLOTS).all(|slot| steps.iter().any(|step| step.slot == slot)));
        assert_eq!(object_of(&object_name(15, 4)), Some((15, 4)));
        assert_eq!([object_of("16-0.ics"), object_of("0-5.ics"), object_of("x.ics"), object_of("1-1")], [None; 4]);
    }

    #[test]
    fn texts_are_of_several_kinds() {
        let texts: Vec<String> = (0..60).map(|number| text(0, number % SLOTS, number as u64)).collect();
        for word in ["VALARM", "CLASS:PRIVATE"] {
            let with = texts.iter().filter(|text| text.contains(word)).count();
            assert!(with > 5 && with < 55, "{word}: {with}");
        }
        assert!(texts.iter().any(|text| text.len() > 16_000) && texts.iter().any(|text| text.len() < 1_000));
        assert!(people().lines().filter(|line| line.starts_with("level")).count() == 2 * VIEWERS.len());
    }
}
