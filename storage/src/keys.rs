//! Where each record stands: the first byte names the table, ids follow at fixed widths, so that every range that is ever
//! listed or deleted is one prefix.
//!
//! `0xff` is the engine's.

use crate::engine::KeyRange;
use crate::journal::{Actor, Day};
use acl::{CalendarId, Grantee, LinkId, ObjectId, PrincipalId};
use serde::{Deserialize, Serialize};

/// The version of the format, alone readable by every version of this program.
pub(crate) const FORMAT: &[u8] = b"\x01format";
/// The database's secret.
pub(crate) const SECRET: &[u8] = b"\x01secret";
/// Where the policy stood until format 3.
pub(crate) const POLICY_UNTIL_3: &[u8] = b"\x01policy";
/// What was chosen of the organisation's policy.
pub(crate) const SETTINGS: &[u8] = b"\x01settings";
/// Exceptions between roles.
pub(crate) const ROLE_EXCEPTIONS: &[u8] = b"\x01exceptions";
/// How often what was counted for journals was written down.
pub(crate) const JOURNAL_WRITTEN: &[u8] = b"\x01journal";

/// Users, by id.
pub(crate) const USERS: u8 = b'u';
/// Groups, by id.
pub(crate) const GROUPS: u8 = b'g';
/// Names of users and groups, one space.
pub(crate) const PRINCIPAL_NAMES: u8 = b'n';
/// Calendar user addresses of users.
pub(crate) const ADDRESSES: u8 = b'a';
/// User: whether private items of his are synchronized.
pub(crate) const SYNCHRONIZATION: u8 = b's';
/// Group, member.
pub(crate) const MEMBERS: u8 = b'm';
/// Member, group.
pub(crate) const MEMBERSHIPS: u8 = b'M';
/// Calendars, by id.
pub(crate) const CALENDARS: u8 = b'c';
/// Owner, name: calendars of a home.
pub(crate) const HOME_CALENDARS: u8 = b'h';
/// Calendar, grantee.
pub(crate) const GRANTS: u8 = b'G';
/// Grantee, calendar.
pub(crate) const GRANTED: u8 = b'H';
/// Calendar, object: what is known of it without its body.
pub(crate) const OBJECTS: u8 = b'o';
/// Calendar, object: the body without anyone's personal items.
pub(crate) const BODIES: u8 = b'b';
/// Calendar, name, object.
pub(crate) const OBJECT_NAMES: u8 = b'N';
/// Calendar, UID, object.
pub(crate) const OBJECT_UIDS: u8 = b'U';
/// Calendar, object, viewer: personal parts.
pub(crate) const OVERLAYS: u8 = b'v';
/// Calendar, object: attendees who are no invitations of the owner's ([`acl::ForeignAttendees`]).
pub(crate) const FOREIGN_ATTENDEES: u8 = b'f';
/// Calendar, object, viewer: counts of refused writes.
pub(crate) const TOUCHES: u8 = b'k';
/// Calendar, sequence: the change log, one entry for each object that is there.
pub(crate) const CHANGES: u8 = b'l';
/// Calendar, sequence: the change log's entries of objects that are gone.
pub(crate) const REMOVALS: u8 = b't';
/// Owner, UID: the strictest privacy a confidential or private object with it has or had.
pub(crate) const PRIVATE_UIDS: u8 = b'y';
/// Resource, viewer: properties.
pub(crate) const PROPERTIES: u8 = b'q';
/// Viewer, calendar: what the viewer decided about a mount.
pub(crate) const MOUNTS: u8 = b'x';
/// Owner, parent, name: plain collections and files.
pub(crate) const PLAIN: u8 = b'p';
/// Owner, file: content.
pub(crate) const PLAIN_CONTENTS: u8 = b'P';
/// Users: what each takes up and may take up.
pub(crate) const USAGE: u8 = b'Q';
/// Calendar, viewer, …: states of a calendar's view.
pub(crate) const VIEWS: u8 = b'w';
/// Viewer, …: states of the view of one's home.
pub(crate) const HOME_VIEWS: u8 = b'W';
/// Calendar, link.
pub(crate) const LINKS: u8 = b'j';
/// Hash of a link's secret.
pub(crate) const LINK_SECRETS: u8 = b'i';

/// Calendar, day, kind, actor, hash: rows of a calendar's journal, after its head, which is the calendar alone.
pub(crate) const JOURNAL: u8 = b'J';
/// Roles, by id.
pub(crate) const ROLES: u8 = b'r';
/// Names of roles.
pub(crate) const ROLE_NAMES: u8 = b'I';
/// User: the role he has.
pub(crate) const ROLE_OF: u8 = b'R';
/// User or group: the place in the calendar module.
pub(crate) const MODULE_ROLES: u8 = b'd';
/// Object: its present version, and who wrote it.
pub(crate) const HISTORIES: u8 = b'V';
/// Object, number: an earlier version without its body.
pub(crate) const VERSIONS: u8 = b'e';
/// Object, number: the body of an earlier version, without anyone's personal items.
pub(crate) const VERSION_BODIES: u8 = b'E';
/// Calendar, object: deleted objects. Their bodies, personal parts and properties stay where they are.
pub(crate) const TRASH: u8 = b'T';
/// Owner, calendar: deleted calendars. All that hangs on their ids stays where it is.
pub(crate) const TRASHED_CALENDARS: u8 = b'C';
/// Owner, line, moment, id, number: what is kept although it was changed or deleted, of each line the oldest first.
pub(crate) const KEPT: u8 = b'X';
/// Owner: bytes of all that, hers and others'.
pub(crate) const KEPT_BYTES: u8 = b'Y';
/// Calendar, administrator: until when it is open to him.
pub(crate) const OPENED: u8 = b'O';

/// A UID as indexes hold it: 16 bytes of its hash, so that a UID of any length costs the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct UidHash(pub(crate) [u8; 16]);

impl UidHash {
    /// Of a UID as [`ical::CalendarObject::uid`] gives it.
    pub(crate) fn of(uid: &str) -> Self {
        let hash = blake3::hash(uid.as_bytes());
        Self(*hash.as_bytes().first_chunk::<16>().unwrap_or(&[0; 16]))
    }
}

/// A plain collection or file. Zero is the root: the home itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct PlainId(pub(crate) [u8; 16]);

impl PlainId {
    /// The home itself.
    pub(crate) const ROOT: Self = Self([0; 16]);
}

/// What properties hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum PropertyHolder {
    /// One's own principal.
    Principal(PrincipalId),
    /// A home.
    Home(PrincipalId),
    /// A calendar, under whichever name it is reached.
    Calendar(CalendarId),
    /// An object of a calendar.
    Object(CalendarId, ObjectId),
    /// A plain collection or file.
    Plain(PlainId),
}

fn key(table: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.push(table);
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

/// Length first, so that no name is the prefix of another. Names are shorter than 64 KiB; longer ones are cut, and never
/// get here.
fn name_part(name: &str) -> Vec<u8> {
    let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
    let mut part = length.to_be_bytes().to_vec();
    part.extend(name.bytes().take(usize::from(length)));
    part
}

fn grantee_part(grantee: Grantee) -> [u8; 17] {
    let (kind, id) = match grantee {
        Grantee::User(id) => (b'u', id.0),
        Grantee::Group(id) => (b'g', id.0),
        Grantee::Role(id) => (b'r', id.0),
        Grantee::Everyone => (b'e', [0; 16]),
    };
    let mut part = [0; 17];
    let (first, rest) = part.split_at_mut(1);
    first.copy_from_slice(&[kind]);
    rest.copy_from_slice(&id);
    part
}

/// The `index`-th 16 bytes after the table byte.
pub(crate) fn id_at(key: &[u8], index: usize) -> Option<[u8; 16]> {
    key.get(1 + index * 16..)?.first_chunk::<16>().copied()
}

/// The last 16 bytes.
pub(crate) fn last_id(key: &[u8]) -> Option<[u8; 16]> {
    key.last_chunk::<16>().copied()
}

/// The last 8 bytes as a sequence number.
pub(crate) fn last_sequence(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The grantee in a key of [`GRANTS`].
pub(crate) fn grantee_of(key: &[u8]) -> Option<Grantee> {
    read_grantee(key.last_chunk::<17>()?)
}

/// The grantee in a key of [`GRANTED`].
pub(crate) fn grantee_granted(key: &[u8]) -> Option<Grantee> {
    read_grantee(key.get(1..)?.first_chunk::<17>()?)
}

fn read_grantee(part: &[u8; 17]) -> Option<Grantee> {
    let (kind, id) = part.split_first()?;
    let id = PrincipalId(*id.first_chunk::<16>()?);
    match kind {
        b'u' => Some(Grantee::User(id)),
        b'g' => Some(Grantee::Group(id)),
        b'r' => Some(Grantee::Role(id)),
        b'e' => Some(Grantee::Everyone),
        _ => None,
    }
}

/// All of one table.
pub(crate) fn table(table: u8) -> KeyRange {
    KeyRange::prefix(&[table])
}
/// All of one table under one id.
pub(crate) fn table_of(table: u8, id: &[u8; 16]) -> KeyRange {
    KeyRange::prefix(&key(table, &[id]))
}
/// All of one table under a calendar and one of its objects.
pub(crate) fn table_of_object(table: u8, calendar: CalendarId, object: ObjectId) -> KeyRange {
    KeyRange::prefix(&key(table, &[&calendar.0, &object.0]))
}

pub(crate) fn user(id: PrincipalId) -> Vec<u8> {
    key(USERS, &[&id.0])
}
pub(crate) fn group(id: PrincipalId) -> Vec<u8> {
    key(GROUPS, &[&id.0])
}
pub(crate) fn usage(id: PrincipalId) -> Vec<u8> {
    key(USAGE, &[&id.0])
}
pub(crate) fn principal_name(name: &str) -> Vec<u8> {
    key(PRINCIPAL_NAMES, &[name.as_bytes()])
}
pub(crate) fn role(id: PrincipalId) -> Vec<u8> {
    key(ROLES, &[&id.0])
}
pub(crate) fn role_name(name: &str) -> Vec<u8> {
    key(ROLE_NAMES, &[name.as_bytes()])
}
pub(crate) fn role_of(user: PrincipalId) -> Vec<u8> {
    key(ROLE_OF, &[&user.0])
}
pub(crate) fn synchronization(user: PrincipalId) -> Vec<u8> {
    key(SYNCHRONIZATION, &[&user.0])
}
pub(crate) fn module_role(principal: PrincipalId) -> Vec<u8> {
    key(MODULE_ROLES, &[&principal.0])
}
pub(crate) fn opened(calendar: CalendarId, administrator: PrincipalId) -> Vec<u8> {
    key(OPENED, &[&calendar.0, &administrator.0])
}
pub(crate) fn address(address: &str) -> Vec<u8> {
    key(ADDRESSES, &[address.as_bytes()])
}
pub(crate) fn member(group: PrincipalId, member: PrincipalId) -> Vec<u8> {
    key(MEMBERS, &[&group.0, &member.0])
}
pub(crate) fn membership(member: PrincipalId, group: PrincipalId) -> Vec<u8> {
    key(MEMBERSHIPS, &[&member.0, &group.0])
}
pub(crate) fn calendar(id: CalendarId) -> Vec<u8> {
    key(CALENDARS, &[&id.0])
}
/// The name stands bare, so that a scan gives names in their order.
pub(crate) fn home_calendar(owner: PrincipalId, name: &str) -> Vec<u8> {
    key(HOME_CALENDARS, &[&owner.0, name.as_bytes()])
}
pub(crate) fn grant(calendar: CalendarId, grantee: Grantee) -> Vec<u8> {
    key(GRANTS, &[&calendar.0, &grantee_part(grantee)])
}
pub(crate) fn granted(grantee: Grantee, calendar: CalendarId) -> Vec<u8> {
    key(GRANTED, &[&grantee_part(grantee), &calendar.0])
}
/// All calendars granted to one grantee.
pub(crate) fn granted_to(grantee: Grantee) -> KeyRange {
    KeyRange::prefix(&key(GRANTED, &[&grantee_part(grantee)]))
}
pub(crate) fn object(calendar: CalendarId, object: ObjectId) -> Vec<u8> {
    key(OBJECTS, &[&calendar.0, &object.0])
}
pub(crate) fn body(calendar: CalendarId, object: ObjectId) -> Vec<u8> {
    key(BODIES, &[&calendar.0, &object.0])
}
pub(crate) fn foreign_attendees(calendar: CalendarId, object: ObjectId) -> Vec<u8> {
    key(FOREIGN_ATTENDEES, &[&calendar.0, &object.0])
}
pub(crate) fn object_name(calendar: CalendarId, name: &str, object: ObjectId) -> Vec<u8> {
    key(OBJECT_NAMES, &[&calendar.0, &name_part(name), &object.0])
}
/// All objects stored under one name.
pub(crate) fn objects_named(calendar: CalendarId, name: &str) -> KeyRange {
    KeyRange::prefix(&key(OBJECT_NAMES, &[&calendar.0, &name_part(name)]))
}
pub(crate) fn object_uid(calendar: CalendarId, uid: UidHash, object: ObjectId) -> Vec<u8> {
    key(OBJECT_UIDS, &[&calendar.0, &uid.0, &object.0])
}
/// All objects with one UID.
pub(crate) fn objects_with_uid(calendar: CalendarId, uid: UidHash) -> KeyRange {
    KeyRange::prefix(&key(OBJECT_UIDS, &[&calendar.0, &uid.0]))
}
pub(crate) fn overlay(calendar: CalendarId, object: ObjectId, viewer: PrincipalId) -> Vec<u8> {
    key(OVERLAYS, &[&calendar.0, &object.0, &viewer.0])
}
pub(crate) fn touch(calendar: CalendarId, object: ObjectId, viewer: PrincipalId) -> Vec<u8> {
    key(TOUCHES, &[&calendar.0, &object.0, &viewer.0])
}
pub(crate) fn change(calendar: CalendarId, sequence: u64) -> Vec<u8> {
    key(CHANGES, &[&calendar.0, &sequence.to_be_bytes()])
}
pub(crate) fn removal(calendar: CalendarId, sequence: u64) -> Vec<u8> {
    key(REMOVALS, &[&calendar.0, &sequence.to_be_bytes()])
}
/// Entries of [`CHANGES`] or [`REMOVALS`] later than `sequence`.
pub(crate) fn later_than(table: u8, calendar: CalendarId, sequence: u64) -> KeyRange {
    let start = key(table, &[&calendar.0, &sequence.saturating_add(1).to_be_bytes()]);
    KeyRange::prefix_from(&key(table, &[&calendar.0]), start)
}
pub(crate) fn private_uid(owner: PrincipalId, uid: UidHash) -> Vec<u8> {
    key(PRIVATE_UIDS, &[&owner.0, &uid.0])
}
pub(crate) fn properties(holder: PropertyHolder, viewer: PrincipalId) -> Vec<u8> {
    let mut key = properties_prefix(holder);
    if matches!(holder, PropertyHolder::Calendar(_)) {
        // Between a calendar and its viewers' ids, where its objects' keys bear `o`.
        key.push(b'v');
    }
    key.extend_from_slice(&viewer.0);
    key
}
/// Everyone's properties of one holder; for a calendar those of its objects too.
pub(crate) fn properties_of(holder: PropertyHolder) -> KeyRange {
    KeyRange::prefix(&properties_prefix(holder))
}
fn properties_prefix(holder: PropertyHolder) -> Vec<u8> {
    match holder {
        PropertyHolder::Principal(id) => key(PROPERTIES, &[b"u", &id.0]),
        PropertyHolder::Home(id) => key(PROPERTIES, &[b"h", &id.0]),
        PropertyHolder::Calendar(id) => key(PROPERTIES, &[b"c", &id.0]),
        PropertyHolder::Object(calendar, object) => key(PROPERTIES, &[b"c", &calendar.0, b"o", &object.0]),
        PropertyHolder::Plain(id) => key(PROPERTIES, &[b"p", &id.0]),
    }
}
pub(crate) fn mount(viewer: PrincipalId, calendar: CalendarId) -> Vec<u8> {
    key(MOUNTS, &[&viewer.0, &calendar.0])
}
pub(crate) fn plain(owner: PrincipalId, parent: PlainId, name: &str) -> Vec<u8> {
    key(PLAIN, &[&owner.0, &parent.0, name.as_bytes()])
}
/// Direct members of a plain collection in the order of their names.
pub(crate) fn plain_members(owner: PrincipalId, parent: PlainId) -> KeyRange {
    KeyRange::prefix(&key(PLAIN, &[&owner.0, &parent.0]))
}
pub(crate) fn plain_content(owner: PrincipalId, file: PlainId) -> Vec<u8> {
    key(PLAIN_CONTENTS, &[&owner.0, &file.0])
}
/// The name at the end of a key of [`PLAIN`] (after two ids) or [`HOME_CALENDARS`] (after one).
pub(crate) fn name_after(key: &[u8], ids: usize) -> Option<&str> {
    std::str::from_utf8(key.get(1 + ids * 16..)?).ok()
}
/// What is known of a calendar's journal as a whole.
pub(crate) fn journal_head(calendar: CalendarId) -> Vec<u8> {
    key(JOURNAL, &[&calendar.0])
}
pub(crate) fn journal(calendar: CalendarId, day: Day, kind: u8, actor: Actor, rest: [u8; 16]) -> Vec<u8> {
    key(JOURNAL, &[&calendar.0, &day.0.to_be_bytes(), &[kind], &actor_part(actor), &rest])
}
/// Rows of one kind about one actor's day.
pub(crate) fn journal_of_actor(calendar: CalendarId, day: Day, kind: u8, actor: Actor) -> KeyRange {
    KeyRange::prefix(&key(JOURNAL, &[&calendar.0, &day.0.to_be_bytes(), &[kind], &actor_part(actor)]))
}
/// A calendar's rows from a day on.
pub(crate) fn journal_from(calendar: CalendarId, day: Day) -> KeyRange {
    KeyRange::prefix_from(&journal_head(calendar), key(JOURNAL, &[&calendar.0, &day.0.to_be_bytes()]))
}
/// All rows of a calendar.
pub(crate) fn journal_rows(calendar: CalendarId) -> KeyRange {
    journal_from(calendar, Day(0))
}
/// A calendar's rows before a day.
pub(crate) fn journal_before(calendar: CalendarId, day: Day) -> KeyRange {
    KeyRange { end: Some(journal_from(calendar, day).start), ..journal_rows(calendar) }
}
fn actor_part(actor: Actor) -> [u8; 17] {
    match actor {
        Actor::User(id) => grantee_part(Grantee::User(id)),
        Actor::Command => [b'c'; 17],
        Actor::File => [b'f'; 17],
        Actor::Link(id) => {
            let mut part = [b'l'; 17];
            part.iter_mut().skip(1).zip(id.0).for_each(|(byte, of_id)| *byte = of_id);
            part
        }
    }
}
pub(crate) fn history(object: ObjectId) -> Vec<u8> {
    key(HISTORIES, &[&object.0])
}
pub(crate) fn version(object: ObjectId, number: u64) -> Vec<u8> {
    key(VERSIONS, &[&object.0, &number.to_be_bytes()])
}
pub(crate) fn version_body(object: ObjectId, number: u64) -> Vec<u8> {
    key(VERSION_BODIES, &[&object.0, &number.to_be_bytes()])
}
pub(crate) fn trashed(calendar: CalendarId, object: ObjectId) -> Vec<u8> {
    key(TRASH, &[&calendar.0, &object.0])
}
pub(crate) fn trashed_calendar(owner: PrincipalId, calendar: CalendarId) -> Vec<u8> {
    key(TRASHED_CALENDARS, &[&owner.0, &calendar.0])
}
pub(crate) fn kept(owner: PrincipalId, line: u8, moment: u64, id: &[u8; 16], number: u64) -> Vec<u8> {
    key(KEPT, &[&owner.0, &[line], &moment.to_be_bytes(), id, &number.to_be_bytes()])
}
/// All that is kept in one line for one owner.
pub(crate) fn kept_of(owner: PrincipalId, line: u8) -> KeyRange {
    KeyRange::prefix(&key(KEPT, &[&owner.0, &[line]]))
}
/// All that is kept for owners after one.
pub(crate) fn kept_after(owner: Option<PrincipalId>) -> KeyRange {
    match owner.map(|owner| KeyRange::prefix(&key(KEPT, &[&owner.0])).end) {
        Some(Some(start)) => KeyRange::prefix_from(&[KEPT], start),
        // No key is after the last there can be.
        Some(None) => KeyRange::prefix_from(&[KEPT], vec![KEPT + 1]),
        None => table(KEPT),
    }
}
/// The byte of the line in a key of [`KEPT`].
pub(crate) fn kept_line(key: &[u8]) -> Option<u8> {
    key.get(17).copied()
}
/// Moment, id and number in a key of [`KEPT`].
pub(crate) fn kept_parts(key: &[u8]) -> Option<(u64, [u8; 16], u64)> {
    let rest = key.get(18..)?;
    let moment = u64::from_be_bytes(*rest.first_chunk::<8>()?);
    Some((moment, *rest.get(8..)?.first_chunk::<16>()?, last_sequence(key)?))
}
pub(crate) fn kept_bytes(owner: PrincipalId) -> Vec<u8> {
    key(KEPT_BYTES, &[&owner.0])
}
/// The prefix of everything kept of one view of a calendar.
pub(crate) fn view_prefix(calendar: CalendarId, viewer: PrincipalId) -> Vec<u8> {
    key(VIEWS, &[&calendar.0, &viewer.0])
}
/// The prefix of everything kept of the view of one's home.
pub(crate) fn home_view_prefix(viewer: PrincipalId) -> Vec<u8> {
    key(HOME_VIEWS, &[&viewer.0])
}
pub(crate) fn link(calendar: CalendarId, link: LinkId) -> Vec<u8> {
    key(LINKS, &[&calendar.0, &link.0])
}
pub(crate) fn link_secret(hash: &[u8; 32]) -> Vec<u8> {
    key(LINK_SECRETS, &[hash])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// Two tables of one letter read each other's records as damage: it happened to roles and links.
    #[test]
    fn no_two_tables_share_a_letter() {
        let letters: Vec<&str> = include_str!("keys.rs")
            .lines()
            .filter(|line| line.starts_with("pub(crate) const"))
            .filter_map(|line| line.split_once(": u8 = "))
            .map(|(_, letter)| letter)
            .collect();
        assert!(letters.len() > 30, "{letters:?}");
        assert_eq!(letters.iter().collect::<BTreeSet<_>>().len(), letters.len(), "{letters:?}");
    }
}
