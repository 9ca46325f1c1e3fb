//! Calendars and grants: making, changing, removing, listing.

use super::edit::{Changed, Edit, quoted};
use super::entry::{CalendarEntry, CreateWord, GrantEntry};
use super::names::{calendar_path, check_display_name, check_new_calendar_name, invalid};
use super::people::name_of;
use crate::authorized::PropertyKey;
use crate::calendars::{self, NewCalendar, stored_kinds};
use crate::error::{Error, Limit, Result};
use crate::keys::{self, PropertyHolder};
use crate::read::{Read, records};
use crate::record::{CalendarRecord, StoredCalendar};
use crate::{grants, principals, properties, roles, trash};
use acl::level::GrantPrivateEvents;
use acl::policy::GrantsShow;
use acl::{CalendarId, CalendarPolicy, EventPrivacy, Grant, Grantee, Level, PrincipalId, PrivateEvents, Rights, Visibility};
use ical::ComponentKind;

/// All calendars by owner's name and name.
pub(super) fn all_calendars(read: &dyn Read) -> Result<Vec<(String, StoredCalendar)>> {
    let mut calendars = Vec::new();
    for (key, record) in records::<CalendarRecord>(read, &keys::table(keys::CALENDARS))? {
        let id = keys::last_id(&key).map(CalendarId).ok_or(Error::Corrupted("a calendar's key"))?;
        calendars.push((name_of(read, record.owner)?, StoredCalendar { id, record }));
    }
    calendars.sort_by(|(a, x), (b, y)| (a, &x.record.name).cmp(&(b, &y.record.name)));
    Ok(calendars)
}

/// A calendar as an entry, every key filled in but those that follow the organisation.
pub(super) fn calendar_entry(read: &dyn Read, owner: &str, calendar: &StoredCalendar) -> Result<CalendarEntry> {
    let record = &calendar.record;
    let mut properties = properties::of(read, PropertyHolder::Calendar(calendar.id), record.owner)?;
    Ok(CalendarEntry {
        owner: owner.to_owned(),
        name: record.name.clone(),
        display_name: properties.remove(&PropertyKey::DisplayName),
        components: Some(record.kinds().into_iter().map(|kind| kind.name().to_owned()).collect()),
        default_privacy: Some(record.policy.default_privacy),
        private_events: record.policy.private_events,
        widen_public: record.policy.widen_public,
    })
}

fn role_name(read: &dyn Read, id: PrincipalId) -> Result<String> {
    roles::role(read, id)?.map(|role| role.name).ok_or(Error::Corrupted("a grant to a role that is not there"))
}

/// A grant as an entry.
pub(super) fn grant_entry(read: &dyn Read, calendar: &str, grant: &Grant) -> Result<GrantEntry> {
    let mut entry = GrantEntry { calendar: calendar.to_owned(), ..GrantEntry::default() };
    match grant.grantee {
        Grantee::User(id) => entry.user = Some(name_of(read, id)?),
        Grantee::Group(id) => entry.group = Some(name_of(read, id)?),
        Grantee::Role(id) => entry.role = Some(role_name(read, id)?),
        Grantee::Everyone => entry.everyone = Some(true),
    }
    match Level::from_parts(grant.visibility, grant.rights) {
        Some(level) => entry.level = Some(level),
        None => entry.custom = Some(custom_text(grant.visibility, grant.rights)),
    }
    entry.private_events = grant.private_events;
    entry.create = grant.create_always.then_some(CreateWord::Yes);
    entry.with_places = grant.with_places.then_some(true);
    entry.until = grant.until.map(grants::written_end);
    Ok(entry)
}

const VISIBILITIES: [(Visibility, &str); 4] =
    [(Visibility::Hidden, "hidden"), (Visibility::FreeBusy, "free-busy"), (Visibility::Title, "title"), (Visibility::Full, "full")];

fn custom_text(visibility: Visibility, rights: Rights) -> String {
    let seen = VISIBILITIES.iter().find(|(v, _)| *v == visibility).map_or("hidden", |(_, word)| word);
    let rights = [(rights.create, "create"), (rights.edit, "edit"), (rights.delete, "delete")];
    let rights = rights.iter().filter(|(held, _)| *held).map(|(_, word)| *word);
    std::iter::once(seen).chain(rights).collect::<Vec<_>>().join(",")
}

fn custom_parts(text: &str) -> Result<(Visibility, Rights)> {
    let mut words = text.split(',').map(str::trim);
    let seen = words.next().unwrap_or_default();
    let Some((visibility, _)) = VISIBILITIES.iter().find(|(_, word)| *word == seen) else {
        return invalid("custom begins with hidden, free-busy, title or full");
    };
    let mut rights = Rights::default();
    for word in words {
        match word {
            "create" => rights.create = true,
            "edit" => rights.edit = true,
            "delete" => rights.delete = true,
            _ => return invalid("custom goes on with create, edit, delete"),
        }
    }
    if *visibility != Visibility::Full && (rights.edit || rights.delete) {
        return invalid("custom gives edit or delete only with full");
    }
    Ok((*visibility, rights))
}

fn components(words: &[String]) -> Result<Vec<ComponentKind>> {
    words
        .iter()
        .map(|word| match ComponentKind::from_name(word) {
            Some(kind) => Ok(kind),
            None => invalid(format!("{word:?} is not one of VEVENT, VTODO, VJOURNAL, VFREEBUSY, VAVAILABILITY")),
        })
        .collect()
}

impl Edit<'_> {
    /// Makes a calendar; refuses a taken name.
    pub(super) fn add_calendar(&mut self, entry: &CalendarEntry) -> Result<()> {
        let limits = self.snapshot.limits();
        check_new_calendar_name(&entry.name, limits.name_bytes_max)?;
        let (owner, _) = self.user_named(&entry.owner)?;
        let new = NewCalendar {
            id: CalendarId(self.snapshot.random_id()),
            owner,
            name: &entry.name,
            components: &[],
            policy: CalendarPolicy::default(),
        };
        let calendar = match calendars::create(&mut self.transaction, new, self.snapshot.now(), limits) {
            Err(Error::Exists) => return invalid(format!("{}/{} is there already", entry.owner, entry.name)),
            Err(Error::LimitExceeded(Limit::Space)) => {
                return invalid(format!("{} has {} calendars, the most there may be", entry.owner, limits.calendars_per_user_max));
            }
            other => other?,
        };
        self.say(&format!("calendar {}/{}", entry.owner, entry.name), "added");
        let told = self.changes.len();
        self.change_calendar(calendar, entry)?;
        self.changes.truncate(told);
        Ok(())
    }

    /// Makes a calendar or changes it to what the entry says.
    pub(super) fn set_calendar(&mut self, entry: &CalendarEntry) -> Result<()> {
        let (owner, _) = self.user_named(&entry.owner)?;
        match calendars::named(&self.transaction, owner, &entry.name)? {
            Some(calendar) => self.change_calendar(calendar, entry),
            None => self.add_calendar(entry),
        }
    }

    fn change_calendar(&mut self, mut calendar: StoredCalendar, entry: &CalendarEntry) -> Result<()> {
        let subject = format!("calendar {}/{}", entry.owner, entry.name);
        let record = &mut calendar.record;
        let mut changed = Changed::No;
        if let Some(words) = &entry.components {
            let stored = stored_kinds(&components(words)?);
            // All of them and none named are the same; the former is how it is shown.
            let names = |record: &CalendarRecord| record.kinds().iter().map(|kind| kind.name()).collect::<Vec<_>>();
            let old = names(record);
            record.components = stored;
            changed |= self.say_value(&subject, "components", &old, &names(record), |list| list.join(", "));
        }
        let policy = &mut record.policy;
        if let Some(privacy) = entry.default_privacy {
            if privacy == EventPrivacy::Public {
                return invalid("default_privacy is one of standard, private, confidential");
            }
            changed |= self.say_value(&subject, "default privacy", &policy.default_privacy, &privacy, |p| p.word().to_owned());
            policy.default_privacy = privacy;
        }
        if entry.private_events.is_some() {
            changed |= self.say_value(&subject, "private events", &policy.private_events, &entry.private_events, |p| {
                p.map_or("as policy", PrivateEvents::word).to_owned()
            });
            policy.private_events = entry.private_events;
        }
        if entry.widen_public.is_some() {
            changed |= self.say_value(&subject, "widen public", &policy.widen_public, &entry.widen_public, |w| {
                w.map_or("as policy".to_owned(), |w| w.to_string())
            });
            policy.widen_public = entry.widen_public;
        }
        if changed == Changed::Yes {
            calendars::save(&mut self.transaction, &calendar)?;
        }
        match &entry.display_name {
            Some(name) => self.set_display_name(&subject, &calendar, name),
            None => Ok(()),
        }
    }

    fn set_display_name(&mut self, subject: &str, calendar: &StoredCalendar, name: &str) -> Result<()> {
        check_display_name(name)?;
        let holder = PropertyHolder::Calendar(calendar.id);
        let mut all = properties::of(&self.transaction, holder, calendar.record.owner)?;
        let old = all.get(&PropertyKey::DisplayName).cloned();
        let new = Some(name.to_owned()).filter(|name| !name.is_empty());
        if self.say_value(subject, "display name", &old, &new, quoted) == Changed::Yes {
            match new {
                Some(new) => all.insert(PropertyKey::DisplayName, new),
                None => all.remove(&PropertyKey::DisplayName),
            };
            properties::set(&mut self.transaction, holder, calendar.record.owner, &all)?;
        }
        Ok(())
    }

    /// Puts a calendar with all that hangs on it into the trash.
    pub(super) fn remove_calendar(&mut self, owner: &str, name: &str) -> Result<()> {
        let calendar = self.calendar_named(owner, name)?;
        let stamp = self.stamp()?;
        trash::put_calendar(&mut self.transaction, &calendar, owner, &stamp, self.snapshot.limits())?;
        self.say(&format!("calendar {owner}/{name}"), "removed");
        Ok(())
    }

    /// The calendar of a grant's entry, whom it is for, and how that is said.
    pub(crate) fn grant_place(&self, entry: &GrantEntry) -> Result<GrantPlace> {
        if entry.calendar.is_empty() {
            return invalid("calendar is missing");
        }
        let (owner, name) = calendar_path(&entry.calendar)?;
        let calendar = self.calendar_named(owner, name)?;
        let (grantee, whom) = match (&entry.user, &entry.group, &entry.role, entry.everyone.unwrap_or(false)) {
            (Some(user), None, None, false) => (Grantee::User(self.user_named(user)?.0), format!("user {user}")),
            (None, Some(group), None, false) => (Grantee::Group(self.group_named(group)?.0), format!("group {group}")),
            (None, None, Some(role), false) => (Grantee::Role(self.role_named(role)?.0), format!("role {role}")),
            (None, None, None, true) => (Grantee::Everyone, "everyone".to_owned()),
            _ => return invalid("a grant is for exactly one of user, group, role, everyone"),
        };
        if grantee == Grantee::User(calendar.record.owner) {
            return invalid("the owner of a calendar needs no grant");
        }
        Ok(GrantPlace { subject: format!("grant {} {whom}", entry.calendar), calendar: calendar.id, grantee })
    }

    /// Sets a grant whole: what the entry does not say is as in a new grant.
    pub(crate) fn set_grant(&mut self, entry: &GrantEntry) -> Result<()> {
        let place = self.grant_place(entry)?;
        if entry.until.is_some_and(|until| !grants::is_end(until)) {
            return invalid("until is a moment of the years 1970 to 9999 in UTC");
        }
        let (visibility, rights) = match (entry.level, &entry.custom) {
            (Some(level), None) => level.parts(),
            (None, Some(custom)) => custom_parts(custom)?,
            (None, None) => roles::policy(&self.transaction)?.default_level.parts(),
            (Some(_), Some(_)) => return invalid("a grant has a level or is custom, not both"),
        };
        let new = Grant {
            grantee: place.grantee,
            visibility,
            rights,
            private_events: entry.private_events,
            create_always: entry.create == Some(CreateWord::Yes),
            with_places: entry.with_places.unwrap_or(false),
            until: entry.until,
        };
        match grants::of_grantee(&self.transaction, place.calendar, place.grantee)? {
            None => self.say(&place.subject, format_args!("added, {}", level_text(&new))),
            Some(old) => {
                if old == new {
                    return Ok(());
                }
                self.say_grant(&place.subject, &old, &new);
            }
        }
        grants::set(&mut self.transaction, place.calendar, &new, &self.author, self.snapshot.limits())
    }

    /// What stands for the place of an entry.
    pub(super) fn stored_grant(&self, entry: &GrantEntry) -> Result<GrantEntry> {
        let place = self.grant_place(entry)?;
        let grant = grants::of_grantee(&self.transaction, place.calendar, place.grantee)?.ok_or(Error::NotFound)?;
        grant_entry(&self.transaction, &entry.calendar, &grant)
    }

    /// A file may bring such a grant, from a time of another policy; who makes one by hand shall hear that it does nothing.
    pub(crate) fn refuse_what_has_no_effect(&self, entry: &GrantEntry) -> Result<()> {
        let shows = entry.private_events == Some(GrantPrivateEvents::Show);
        if shows && roles::policy(&self.transaction)?.grants_show == GrantsShow::Refused {
            return invalid("the policy lets no share show private events: grants_show is refused");
        }
        Ok(())
    }

    fn say_grant(&mut self, subject: &str, old: &Grant, new: &Grant) {
        self.say_value(subject, "level", &level_text(old), &level_text(new), String::clone);
        self.say_value(subject, "private events", &old.private_events, &new.private_events, |p| {
            p.map_or(GrantPrivateEvents::AS_POLICY, GrantPrivateEvents::word).to_owned()
        });
        self.say_value(subject, "create", &old.create_always, &new.create_always, |yes| if *yes { "yes" } else { "as-level" }.into());
        self.say_value(subject, "with places", &old.with_places, &new.with_places, bool::to_string);
        self.say_value(subject, "until", &old.until, &new.until, |until| until.map_or("open".to_owned(), |until| until.to_rfc3339()));
    }

    /// Removes a grant.
    pub(crate) fn remove_grant(&mut self, entry: &GrantEntry) -> Result<()> {
        let place = self.grant_place(entry)?;
        if grants::of_grantee(&self.transaction, place.calendar, place.grantee)?.is_none() {
            return invalid(format!("there is no {}", place.subject));
        }
        grants::remove(&mut self.transaction, place.calendar, place.grantee, &self.author, self.snapshot.limits())?;
        self.say(&place.subject, "removed");
        Ok(())
    }

    /// Removes the grants of a calendar that are for none of `kept`.
    pub(super) fn prune_grants(&mut self, path: &str, calendar: CalendarId, kept: &[Grantee]) -> Result<()> {
        let mut removed = Vec::new();
        for grant in grants::of_calendar(&self.transaction, calendar)? {
            if kept.contains(&grant.grantee) {
                continue;
            }
            removed.push(match grant.grantee {
                Grantee::User(id) => format!("user {}", name_of(&self.transaction, id)?),
                Grantee::Group(id) => format!("group {}", name_of(&self.transaction, id)?),
                Grantee::Role(id) => format!("role {}", role_name(&self.transaction, id)?),
                Grantee::Everyone => "everyone".to_owned(),
            });
            grants::remove(&mut self.transaction, calendar, grant.grantee, &self.author, self.snapshot.limits())?;
        }
        // Grants are kept in the order of random ids; people read names.
        removed.sort();
        for whom in removed {
            self.say(&format!("grant {path} {whom}"), "removed");
        }
        Ok(())
    }
}

/// Where a grant stands.
pub(crate) struct GrantPlace {
    pub(crate) subject: String,
    pub(crate) calendar: CalendarId,
    pub(crate) grantee: Grantee,
}

fn level_text(grant: &Grant) -> String {
    match Level::from_parts(grant.visibility, grant.rights) {
        Some(level) => level.word().to_owned(),
        None => format!("custom {}", custom_text(grant.visibility, grant.rights)),
    }
}

/// All grants of one calendar, or of all, as entries.
pub(crate) fn grant_entries(read: &dyn Read, calendars: &[(String, StoredCalendar)]) -> Result<Vec<GrantEntry>> {
    let mut entries = Vec::new();
    for (owner, calendar) in calendars {
        let path = format!("{owner}/{}", calendar.record.name);
        let mut of_one = Vec::new();
        for grant in grants::of_calendar(read, calendar.id)? {
            of_one.push(grant_entry(read, &path, &grant)?);
        }
        of_one.sort_by(|a, b| (a.everyone, &a.role, &a.group, &a.user).cmp(&(b.everyone, &b.role, &b.group, &b.user)));
        entries.extend(of_one);
    }
    Ok(entries)
}

/// One owner's calendars or one calendar; an unknown owner or calendar is said.
pub(super) fn calendars_of(read: &dyn Read, owner: &str) -> Result<Vec<(String, StoredCalendar)>> {
    let Some((id, _)) = principals::user_named(read, owner)? else {
        return invalid(format!("there is no user {owner:?}"));
    };
    Ok(calendars::of_owner(read, id)?.into_iter().map(|calendar| (owner.to_owned(), calendar)).collect())
}
