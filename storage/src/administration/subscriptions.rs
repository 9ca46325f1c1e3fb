//! Subscriptions to calendars elsewhere, as an administrator's file has them: adding, changing, listing.
//!
//! What is said of a change never holds the address: it may be a secret of its owner's.

use super::edit::{Changed, Edit, quoted};
use super::entry::SubscriptionEntry;
use super::names::{check_display_name, check_new_calendar_name, invalid};
use crate::authorized::PropertyKey;
use crate::calendars;
use crate::error::Result;
use crate::keys::{self, PlainId, PropertyHolder};
use crate::properties;
use crate::read::{Read, record, records};
use crate::record::{PlainContent, PlainRecord, UserRecord};
use acl::PrincipalId;
use std::collections::BTreeMap;

/// Bytes of an address, and of any other value.
const VALUE_BYTES_MAX: usize = 4_096;

/// A subscription by its name in its owner's home.
pub(super) fn named(read: &dyn Read, owner: PrincipalId, name: &str) -> Result<Option<PlainRecord>> {
    let found: Option<PlainRecord> = record(read, &keys::plain(owner, PlainId::ROOT, name))?;
    Ok(found.filter(|record| record.content == PlainContent::Subscription))
}

/// Those of one user or of all, by owner and name.
pub(super) fn entries(read: &dyn Read, user: Option<&str>) -> Result<Vec<SubscriptionEntry>> {
    let mut entries = Vec::new();
    for (key, owner) in records::<UserRecord>(read, &keys::table(keys::USERS))? {
        let Some(id) = keys::last_id(&key).map(PrincipalId).filter(|_| user.is_none_or(|user| owner.name == user)) else { continue };
        for (key, record) in records::<PlainRecord>(read, &keys::plain_members(id, PlainId::ROOT))? {
            if record.content != PlainContent::Subscription {
                continue;
            }
            let name = keys::name_after(&key, 2).unwrap_or_default().to_owned();
            let properties = properties::of(read, PropertyHolder::Plain(record.id), id)?;
            entries.push(entry(&owner.name, name, &properties));
        }
    }
    entries.sort_by(|a, b| (&a.owner, &a.name).cmp(&(&b.owner, &b.name)));
    Ok(entries)
}

fn entry(owner: &str, name: String, properties: &BTreeMap<PropertyKey, String>) -> SubscriptionEntry {
    let text = |key: PropertyKey| properties.get(&key).cloned();
    let flag = |key: PropertyKey| properties.contains_key(&key).then_some(true);
    SubscriptionEntry {
        owner: owner.to_owned(),
        name,
        source: text(PropertyKey::Source),
        display_name: text(PropertyKey::DisplayName),
        color: text(PropertyKey::Color),
        refresh_rate: text(PropertyKey::RefreshRate),
        strip_alarms: flag(PropertyKey::StripAlarms),
        strip_attachments: flag(PropertyKey::StripAttachments),
        strip_todos: flag(PropertyKey::StripToDos),
    }
}

impl Edit<'_> {
    /// Makes a subscription or changes it to what the entry says.
    pub(super) fn set_subscription(&mut self, entry: &SubscriptionEntry) -> Result<()> {
        let subject = format!("subscription {}/{}", entry.owner, entry.name);
        let (owner, _) = self.user_named(&entry.owner)?;
        let new = match named(&self.transaction, owner, &entry.name)? {
            Some(record) => return self.change_subscription(&subject, owner, &record, entry).map(drop),
            None => self.new_subscription(owner, entry)?,
        };
        self.transaction.put_record(keys::plain(owner, PlainId::ROOT, &entry.name), &new)?;
        self.say(&subject, "added");
        let told = self.changes.len();
        self.change_subscription(&subject, owner, &new, entry)?;
        self.changes.truncate(told);
        Ok(())
    }

    fn new_subscription(&self, owner: PrincipalId, entry: &SubscriptionEntry) -> Result<PlainRecord> {
        check_new_calendar_name(&entry.name, self.snapshot.limits().name_bytes_max)?;
        if calendars::name_taken(&self.transaction, owner, &entry.name)? {
            return invalid(format!("{}/{} is there already, and no subscription", entry.owner, entry.name));
        }
        if entry.source.is_none() {
            return invalid("source is missing");
        }
        let now = self.snapshot.now();
        Ok(PlainRecord { id: PlainId(self.snapshot.random_id()), content: PlainContent::Subscription, created: now, modified: now })
    }

    fn change_subscription(
        &mut self,
        subject: &str,
        owner: PrincipalId,
        record: &PlainRecord,
        entry: &SubscriptionEntry,
    ) -> Result<Changed> {
        let holder = PropertyHolder::Plain(record.id);
        let mut all = properties::of(&self.transaction, holder, owner)?;
        let mut changed = Changed::No;
        if let Some(source) = &entry.source {
            check_source(source)?;
            if all.insert(PropertyKey::Source, source.clone()).as_ref() != Some(source) {
                self.say(subject, "source changed");
                changed = Changed::Yes;
            }
        }
        let texts = [
            (&entry.display_name, PropertyKey::DisplayName, "display name"),
            (&entry.color, PropertyKey::Color, "color"),
            (&entry.refresh_rate, PropertyKey::RefreshRate, "refresh rate"),
        ];
        for (value, key, what) in texts {
            let Some(value) = value else { continue };
            check_display_name(value)?;
            let new = Some(value.clone()).filter(|value| !value.is_empty());
            changed |= self.say_value(subject, what, &all.get(&key).cloned(), &new, quoted);
            set(&mut all, key, new);
        }
        let flags = [
            (entry.strip_alarms, PropertyKey::StripAlarms, "strip alarms"),
            (entry.strip_attachments, PropertyKey::StripAttachments, "strip attachments"),
            (entry.strip_todos, PropertyKey::StripToDos, "strip to-dos"),
        ];
        for (value, key, what) in flags {
            let Some(value) = value else { continue };
            changed |= self.say_value(subject, what, &all.contains_key(&key), &value, bool::to_string);
            set(&mut all, key, value.then(String::new));
        }
        if changed == Changed::Yes {
            properties::set(&mut self.transaction, holder, owner, &all)?;
        }
        Ok(changed)
    }
}

fn set(all: &mut BTreeMap<PropertyKey, String>, key: PropertyKey, value: Option<String>) {
    match value {
        Some(value) => all.insert(key, value),
        None => all.remove(&key),
    };
}

/// What a client would be given to go to. The protocol checks what clients send; here nothing more than the form.
fn check_source(source: &str) -> Result<()> {
    let schemes = ["http://", "https://", "webcal://", "webcals://"];
    let known = schemes.iter().any(|scheme| source.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    if known && source.len() <= VALUE_BYTES_MAX && source.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    invalid("source is an address that begins with https://, http://, webcal:// or webcals://")
}
