//! Which commits change what access depends on. A table that is not named here changes everything: nothing that was forgotten
//! can let an old right live on.

use crate::engine::Batch;
use crate::keys;
use crate::read::{Read, decode};
use crate::record::{CalendarRecord, UserRecord};
use acl::{CalendarId, Grantee, PrincipalId};
use std::sync::Arc;

/// What a commit leaves nothing true of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// All that is known.
    Everything,
    /// A user whose record says the same of him as before, but for what was counted.
    User(PrincipalId, Arc<UserRecord>),
    /// A calendar, its grants, who opened it.
    Calendar(CalendarId),
    /// A calendar that is only further on than before.
    CalendarMoved(CalendarId, CalendarRecord),
    /// Names of one home's calendars.
    Home(PrincipalId),
    /// Calendars granted to one grantee.
    Granted(Grantee),
    /// What one viewer decided about mounts.
    Mounts(PrincipalId),
}

/// Tables that nothing here is made of.
const UNRELATED: [u8; 27] = [
    keys::SYNCHRONIZATION,
    keys::OBJECTS,
    keys::BODIES,
    keys::OBJECT_NAMES,
    keys::OBJECT_UIDS,
    keys::OVERLAYS,
    keys::FOREIGN_ATTENDEES,
    keys::TOUCHES,
    keys::CHANGES,
    keys::REMOVALS,
    keys::PRIVATE_UIDS,
    keys::PROPERTIES,
    keys::PLAIN,
    keys::PLAIN_CONTENTS,
    keys::USAGE,
    keys::VIEWS,
    keys::HOME_VIEWS,
    keys::LINKS,
    keys::LINK_SECRETS,
    keys::JOURNAL,
    keys::HISTORIES,
    keys::VERSIONS,
    keys::VERSION_BODIES,
    keys::TRASH,
    keys::TRASHED_CALENDARS,
    keys::KEPT,
    keys::KEPT_BYTES,
];

impl Change {
    /// What a batch changes over the state before it.
    pub(crate) fn of(before: &dyn Read, batch: &Batch) -> Vec<Self> {
        let mut changes = Vec::new();
        for (key, value) in &batch.writes {
            match Self::of_write(before, key, value.as_deref()) {
                Some(Self::Everything) => return vec![Self::Everything],
                // Grants of one calendar stand beside each other.
                change if changes.last() != change.as_ref() => changes.extend(change),
                _ => {}
            }
        }
        changes
    }

    fn of_write(before: &dyn Read, key: &[u8], value: Option<&[u8]>) -> Option<Self> {
        let table = *key.first()?;
        if UNRELATED.contains(&table) || key == keys::JOURNAL_WRITTEN {
            return None;
        }
        let id = |index| keys::id_at(key, index);
        let change = match table {
            keys::USERS => id(0).and_then(|id| user(before, key, PrincipalId(id), value)),
            keys::CALENDARS => id(0).map(|id| calendar(before, key, CalendarId(id), value)),
            keys::GRANTS | keys::OPENED => id(0).map(|id| Self::Calendar(CalendarId(id))),
            keys::HOME_CALENDARS => id(0).map(|id| Self::Home(PrincipalId(id))),
            keys::GRANTED => keys::grantee_granted(key).map(Self::Granted),
            keys::MOUNTS => id(0).map(|id| Self::Mounts(PrincipalId(id))),
            _ => None,
        };
        Some(change.unwrap_or(Self::Everything))
    }
}

/// A record before and after, where both can be read.
fn both<T: serde::de::DeserializeOwned>(before: &dyn Read, key: &[u8], value: Option<&[u8]>) -> Option<(T, T)> {
    let before = before.get(key).ok()??;
    Some((decode(&before).ok()?, decode(value?).ok()?))
}

fn user(before: &dyn Read, key: &[u8], id: PrincipalId, value: Option<&[u8]>) -> Option<Change> {
    let (before, now) = both::<UserRecord>(before, key, value)?;
    let counted = UserRecord { private_uids: now.private_uids, ..before };
    (counted == now).then(|| Change::User(id, Arc::new(now)))
}

fn calendar(before: &dyn Read, key: &[u8], id: CalendarId, value: Option<&[u8]>) -> Change {
    let Some((before, now)) = both::<CalendarRecord>(before, key, value) else { return Change::Calendar(id) };
    let moved = CalendarRecord { head: now.head, floor: now.floor, objects: now.objects, removals: now.removals, ..before };
    if moved == now { Change::CalendarMoved(id, now) } else { Change::Calendar(id) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::engine::Engine;
    use crate::engine::memory::MemoryEngine;
    use crate::read::{Transaction, encode};
    use acl::CalendarPolicy;
    use chrono::DateTime;
    use std::collections::{BTreeMap, BTreeSet};

    const ID: [u8; 16] = [7; 16];

    /// The tables that `keys` says there are, by name.
    fn tables() -> BTreeMap<&'static str, u8> {
        let tables = include_str!("../keys.rs").lines().filter_map(|line| {
            let (name, letter) = line.strip_prefix("pub(crate) const ")?.split_once(": u8 = b'")?;
            Some((name, *letter.as_bytes().first()?))
        });
        tables.collect()
    }

    fn of_key(key: &[u8]) -> Vec<Change> {
        let engine = MemoryEngine::default();
        let batch = Batch { writes: vec![(key.to_vec(), Some(vec![1, 2, 3]))] };
        Change::of(&Transaction::new(&engine), &batch)
    }

    #[test]
    fn whatever_is_written_to_a_table_that_nothing_is_known_of_drops_everything() {
        let owner_and_calendar = |table: u8| [&[table][..], &ID, &ID, &ID].concat();
        let tables = tables();
        assert!(tables.len() > 40, "{tables:?}");
        let of = |table: u8| of_key(&owner_and_calendar(table));
        let own: BTreeMap<u8, Change> = [
            (keys::CALENDARS, Change::Calendar(CalendarId(ID))),
            (keys::GRANTS, Change::Calendar(CalendarId(ID))),
            (keys::OPENED, Change::Calendar(CalendarId(ID))),
            (keys::HOME_CALENDARS, Change::Home(PrincipalId(ID))),
            (keys::MOUNTS, Change::Mounts(PrincipalId(ID))),
        ]
        .into();
        let mut dropping = BTreeSet::new();
        for (name, table) in tables {
            match own.get(&table) {
                Some(change) => assert_eq!(of(table), std::slice::from_ref(change), "{name}"),
                None if UNRELATED.contains(&table) => assert_eq!(of(table), [], "{name}"),
                None => {
                    assert_eq!(of(table), [Change::Everything], "{name}");
                    dropping.insert(name);
                }
            }
        }
        // What is neither one calendar's nor one home's, and `GRANTED`, whose key here names no grantee.
        let expected = "ADDRESSES GRANTED GROUPS MEMBERS MEMBERSHIPS MODULE_ROLES PRINCIPAL_NAMES ROLES ROLE_NAMES ROLE_OF USERS";
        assert_eq!(dropping.into_iter().collect::<Vec<_>>().join(" "), expected);
        assert_eq!(
            of_key(&keys::granted(Grantee::Group(PrincipalId(ID)), CalendarId(ID))),
            [Change::Granted(Grantee::Group(PrincipalId(ID)))]
        );
        for key in [keys::FORMAT, keys::SECRET, keys::SETTINGS, keys::ROLE_EXCEPTIONS, keys::POLICY_UNTIL_3, b"\x01new", b"Z"] {
            assert_eq!(of_key(key), [Change::Everything], "{key:?}");
        }
        assert_eq!(of_key(keys::JOURNAL_WRITTEN), []);
    }

    #[test]
    fn counting_a_write_on_changes_nothing_that_is_said_of_a_user_or_a_calendar() {
        let engine = MemoryEngine::default();
        let created = DateTime::UNIX_EPOCH;
        let user =
            UserRecord { name: "alice".into(), display_name: None, addresses: Vec::new(), password_hash: None, created, private_uids: 1 };
        let calendar = CalendarRecord {
            owner: PrincipalId(ID),
            name: "work".into(),
            components: Vec::new(),
            policy: CalendarPolicy::default(),
            created,
            head: 3,
            floor: 0,
            objects: 1,
            removals: 0,
        };
        let (user_key, calendar_key) = (keys::user(PrincipalId(ID)), keys::calendar(CalendarId(ID)));
        let stored = [(user_key.clone(), Some(encode(&user).unwrap())), (calendar_key.clone(), Some(encode(&calendar).unwrap()))];
        engine.commit(Batch { writes: stored.into() }).unwrap();
        let of =
            |key: &[u8], value: Option<Vec<u8>>| Change::of(&Transaction::new(&engine), &Batch { writes: vec![(key.to_vec(), value)] });

        let counted = UserRecord { private_uids: 2, ..user.clone() };
        assert_eq!(of(&user_key, Some(encode(&counted).unwrap())), [Change::User(PrincipalId(ID), Arc::new(counted.clone()))]);
        let renewed = UserRecord { password_hash: Some("another".into()), ..counted };
        assert_eq!(of(&user_key, Some(encode(&renewed).unwrap())), [Change::Everything]);
        assert_eq!(of(&user_key, None), [Change::Everything]);

        let further = CalendarRecord { head: 4, objects: 2, ..calendar.clone() };
        assert_eq!(of(&calendar_key, Some(encode(&further).unwrap())), [Change::CalendarMoved(CalendarId(ID), further.clone())]);
        let renamed = CalendarRecord { name: "home".into(), ..further };
        assert_eq!(of(&calendar_key, Some(encode(&renamed).unwrap())), [Change::Calendar(CalendarId(ID))]);
        assert_eq!(of(&calendar_key, None), [Change::Calendar(CalendarId(ID))]);
    }
}
