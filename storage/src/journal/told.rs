//! The journal as its owner reads it: names instead of ids, words instead of variants.

use super::{Actor, Attempt, Day, Lacked, LinkChange, LinkFacts, Row, Seen, What, rows};
use crate::administration::entry::CreateWord;
use crate::error::Result;
use crate::links;
use crate::principals;
use crate::read::Read;
use crate::roles;
use crate::store::Snapshot;
use acl::level::GrantPrivateEvents;
use acl::{CalendarId, Grant, Grantee, Level};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// One row of a calendar's journal: what happened on a day, how often, first and last when.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JournalEntry {
    /// In UTC.
    pub day: NaiveDate,
    /// The first time.
    pub first: DateTime<Utc>,
    /// The last time.
    pub last: DateTime<Utc>,
    /// How often.
    pub count: u64,
    /// The user who did it; `None` if he was removed since, or if it was an administrator on the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What, if not a signed-in user: `command` or `apply`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub administrator: Option<&'static str>,
    /// What, if not a signed-in user: whoever holds the link of this id, which may be over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The program, as it calls itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client: String,
    /// What happened.
    #[serde(flatten)]
    pub what: Told,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Told {
    /// Rows or bodies of the calendar's objects, or its free/busy, were given out.
    Read {
        /// How much of them at most: `own-entries`, `free-busy`, `titles` or `details`.
        level: &'static str,
    },
    /// A write was refused.
    Refused {
        /// What was tried: `create`, `change`, `delete`, `copy`, `move`, `replace`, `share` or `properties`.
        attempt: &'static str,
        /// The right that was missing: `read`, `create`, `edit`, `delete`, `share`, `properties`; or `same-uid`.
        lacked: &'static str,
        /// The owner's name of the object.
        #[serde(skip_serializing_if = "Option::is_none")]
        object: Option<String>,
    },
    /// A program's CLASS asked for less privacy than is recorded, which was kept.
    PrivacyKept {
        /// The owner's name of the object.
        #[serde(skip_serializing_if = "Option::is_none")]
        object: Option<String>,
    },
    /// A grant was made, changed or removed.
    Grant(Change),
    /// An administrator opened the calendar to himself.
    BreakGlass {
        /// Why, in his words.
        reason: String,
        /// Exclusive end.
        until: DateTime<Utc>,
    },
    /// A link was made.
    LinkMade(LinkTold),
    /// A link was ended, or what it showed is gone.
    LinkEnded(LinkTold),
}

/// A link that was made or ended; nothing of it where there were too many of one person's day to tell apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LinkTold {
    /// As it is listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who made it; `None` if he was removed since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
    /// What it shows of the calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<&'static str>,
    /// The object that it shows, by the owner's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Exclusive end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

/// A grant that was made, changed or removed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// For whom, as `for_user`, `for_group`, `for_role` or `for_everyone`; `None` where that is somebody removed since.
    #[serde(flatten, serialize_with = "for_whom")]
    pub grantee: Option<GranteeTold>,
    /// `None`: it was new.
    pub before: Option<Terms>,
    /// `None`: it was removed.
    pub now: Option<Terms>,
}

/// Whom a grant is for, by the keys of an `apply` file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GranteeTold {
    /// By name.
    User(String),
    /// By name.
    Group(String),
    /// By name.
    Role(String),
    /// `true`
    Everyone(bool),
}

impl GranteeTold {
    /// `None`: it is not there any more.
    pub(crate) fn of(read: &dyn Read, grantee: Grantee) -> Result<Option<Self>> {
        Ok(match grantee {
            Grantee::User(id) => principals::user(read, id)?.map(|user| Self::User(user.name)),
            Grantee::Group(id) => principals::group(read, id)?.map(|group| Self::Group(group.name)),
            Grantee::Role(id) => roles::role(read, id)?.map(|role| Self::Role(role.name)),
            Grantee::Everyone => Some(Self::Everyone(true)),
        })
    }
}

/// `user` stands in a row of the journal for who did it.
fn for_whom<S: Serializer>(grantee: &Option<GranteeTold>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    match grantee {
        None => {}
        Some(GranteeTold::User(name)) => map.serialize_entry("for_user", name)?,
        Some(GranteeTold::Group(name)) => map.serialize_entry("for_group", name)?,
        Some(GranteeTold::Role(name)) => map.serialize_entry("for_role", name)?,
        Some(GranteeTold::Everyone(everyone)) => map.serialize_entry("for_everyone", everyone)?,
    }
    map.end()
}

/// What a grant says, by the keys of an `apply` file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Terms {
    /// `custom` where its parts have no level.
    pub level: &'static str,
    /// Its own word for private events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_events: Option<GrantPrivateEvents>,
    /// Whether events may be put in whatever the level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create: Option<CreateWord>,
    /// LOCATION at Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_places: Option<bool>,
    /// Exclusive end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

impl From<&Grant> for Terms {
    fn from(grant: &Grant) -> Self {
        Self {
            level: grant.level().map_or("custom", Level::word),
            private_events: grant.private_events,
            create: grant.create_always.then_some(CreateWord::Yes),
            with_places: grant.with_places.then_some(true),
            until: grant.until,
        }
    }
}

/// A calendar's journal from a day on, in order, with what was only counted so far.
pub(crate) fn entries(snapshot: &Snapshot<'_>, calendar: CalendarId, since: Option<NaiveDate>) -> Result<Vec<JournalEntry>> {
    let asked = since.map_or(Day(0), |day| Day::of(day.and_time(NaiveTime::MIN).and_utc()));
    let first = asked.max(Day::oldest(snapshot.now(), snapshot.limits()));
    let mut rows = rows(snapshot, calendar, first)?;
    for (fact, tally) in snapshot.journal().of_calendar(calendar, first) {
        // Changes of grants, of which each has a row of its own, are never only counted.
        let same_day = |row: &&mut Row| row.fact == fact && Day::of(row.tally.first) == Day::of(tally.first);
        match rows.iter_mut().find(same_day) {
            Some(row) => row.tally = row.tally.plus(tally),
            None => rows.push(Row { fact, tally }),
        }
    }
    let mut entries = Vec::new();
    for row in rows {
        entries.push(entry(snapshot, row)?);
    }
    entries.sort_by_key(|entry| (entry.day, entry.last));
    Ok(entries)
}

fn entry(read: &dyn Read, row: Row) -> Result<JournalEntry> {
    let (user, administrator, link) = match row.fact.actor {
        Actor::User(id) => (principals::user(read, id)?.map(|user| user.name), None, None),
        Actor::Command => (None, Some("command"), None),
        Actor::File => (None, Some("apply"), None),
        Actor::Link(id) => (None, None, Some(links::id_text(id))),
    };
    Ok(JournalEntry {
        day: row.tally.first.date_naive(),
        first: row.tally.first,
        last: row.tally.last,
        count: row.tally.count,
        user,
        administrator,
        link,
        client: row.fact.client.as_str().to_owned(),
        what: told(read, row.fact.what)?,
    })
}

fn told(read: &dyn Read, what: What) -> Result<Told> {
    Ok(match what {
        What::Read { seen } => Told::Read { level: seen.word() },
        What::Refused { attempt, lacked, object } => Told::Refused { attempt: attempt.word(), lacked: lacked.word(), object },
        What::PrivacyKept { object } => Told::PrivacyKept { object },
        What::Grant { grantee, before, now } => {
            let grantee = GranteeTold::of(read, grantee)?;
            Told::Grant(Change { grantee, before: before.as_ref().map(Terms::from), now: now.as_ref().map(Terms::from) })
        }
        What::BreakGlass { reason, until } => Told::BreakGlass { reason, until },
        What::Link { change, link } => {
            let told = link.map(|link| link_told(read, link)).transpose()?.unwrap_or_default();
            match change {
                LinkChange::Made => Told::LinkMade(told),
                LinkChange::Ended => Told::LinkEnded(told),
            }
        }
    })
}

fn link_told(read: &dyn Read, link: LinkFacts) -> Result<LinkTold> {
    Ok(LinkTold {
        id: Some(links::id_text(link.id)),
        made_by: principals::user(read, link.maker)?.map(|user| user.name),
        level: link.level.map(Level::word),
        object: link.object,
        until: link.until,
    })
}

impl Seen {
    fn word(self) -> &'static str {
        match self {
            Self::OwnEntries => "own-entries",
            Self::FreeBusy => "free-busy",
            Self::Titles => "titles",
            Self::Details => "details",
        }
    }
}

impl Attempt {
    fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
            Self::CopyOut => "copy",
            Self::MoveAway => "move",
            Self::Replace => "replace",
            Self::Share => "share",
            Self::SetProperties => "properties",
        }
    }
}

impl Lacked {
    fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::Share => "share",
            Self::Properties => "properties",
            Self::SameUid => "same-uid",
        }
    }
}
