//! Whom a calendar is shared with: for its owner alone, whoever else reaches it, administrators included.

use super::call::{Answer, Call};
use super::problem::{Kind, Problem};
use serde::Deserialize;
use serde_json::{Value, json};
use storage::AuthorizedStore;
use storage::administration::GrantEntry;
use storage::authorized::Calendar;

/// The grants of a calendar, as in an `apply` file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grants {
    grant: Vec<GrantEntry>,
}

/// Whom the last segment of the path names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Grantee {
    user: Option<String>,
    group: Option<String>,
    role: Option<String>,
    everyone: Option<bool>,
}

impl Grantee {
    /// `user:NAME`, `group:NAME`, `role:NAME` or `everyone`.
    fn read(segment: &str) -> Result<Self, Problem> {
        let none = Self { user: None, group: None, role: None, everyone: None };
        match segment.split_once(':') {
            Some(("user", name)) => Ok(Self { user: Some(name.to_owned()), ..none }),
            Some(("group", name)) => Ok(Self { group: Some(name.to_owned()), ..none }),
            Some(("role", name)) => Ok(Self { role: Some(name.to_owned()), ..none }),
            None if segment == "everyone" => Ok(Self { everyone: Some(true), ..none }),
            _ => Err(Problem::not_found()),
        }
    }
    fn of(entry: &GrantEntry) -> Self {
        Self {
            user: entry.user.clone(),
            group: entry.group.clone(),
            role: entry.role.clone(),
            everyone: entry.everyone.filter(|everyone| *everyone),
        }
    }
    fn is_none(&self) -> bool {
        *self == Self { user: None, group: None, role: None, everyone: None }
    }
    /// An entry for it in one's own words.
    fn put_into(self, entry: GrantEntry) -> GrantEntry {
        GrantEntry { user: self.user, group: self.group, role: self.role, everyone: self.everyone, ..entry }
    }
}

fn own_calendar(call: &Call<'_>, store: &AuthorizedStore<'_>) -> Result<Calendar, Problem> {
    Ok(store.own_calendar(call.parameter("owner"), call.parameter("name"))?)
}

/// What GET shows and PUT answers.
fn all(store: &AuthorizedStore<'_>, calendar: &Calendar) -> Result<Value, Problem> {
    Ok(json!({ "grant": store.grant_entries(calendar)? }))
}

fn one(store: &AuthorizedStore<'_>, calendar: &Calendar, grantee: &Grantee) -> Result<Option<Value>, Problem> {
    let entries = store.grant_entries(calendar)?;
    Ok(entries.into_iter().find(|entry| Grantee::of(entry) == *grantee).map(|entry| json!(entry)))
}

/// A body may name the calendar as `apply` files do, but no other.
fn check_calendar(call: &Call<'_>, entry: &GrantEntry, key: &str) -> Result<(), Problem> {
    let path = format!("{}/{}", call.parameter("owner"), call.parameter("name"));
    if entry.calendar.is_empty() || entry.calendar == path {
        return Ok(());
    }
    Err(Problem::new(Kind::Invalid).with_detail("The body names another calendar than the path.").with_key(key))
}

/// `GET …/grants`
pub(super) fn list(call: &Call<'_>) -> Result<Answer, Problem> {
    call.door.read(|store| {
        let calendar = own_calendar(call, store)?;
        Ok(Answer::ok(all(store, &calendar)?))
    })
}

/// `PUT …/grants`
pub(super) fn replace(call: &Call<'_>) -> Result<Answer, Problem> {
    let Grants { grant: entries } = call.body()?;
    for (index, entry) in entries.iter().enumerate() {
        check_calendar(call, entry, &format!("grant[{index}].calendar"))?;
    }
    call.door.write(|store| {
        let calendar = own_calendar(call, store)?;
        call.precondition(Some(&all(store, &calendar)?))?;
        store.replace_grants(&calendar, &entries)?;
        Ok(Answer::ok(all(store, &calendar)?))
    })
}

/// `GET …/grants/{grantee}`
pub(super) fn get(call: &Call<'_>) -> Result<Answer, Problem> {
    let grantee = Grantee::read(call.parameter("grantee"))?;
    call.door.read(|store| {
        let calendar = own_calendar(call, store)?;
        Ok(Answer::ok(one(store, &calendar, &grantee)?.ok_or(Problem::not_found())?))
    })
}

/// `PUT …/grants/{grantee}`
pub(super) fn set(call: &Call<'_>) -> Result<Answer, Problem> {
    let entry: GrantEntry = call.body()?;
    let grantee = Grantee::read(call.parameter("grantee"))?;
    check_calendar(call, &entry, "calendar")?;
    let said = Grantee::of(&entry);
    if !said.is_none() && said != grantee {
        return Err(Problem::new(Kind::Invalid).with_detail("The body names another grantee than the path."));
    }
    let entry = grantee.clone().put_into(entry);
    call.door.write(|store| {
        let calendar = own_calendar(call, store)?;
        let before = one(store, &calendar, &grantee)?;
        call.precondition(before.as_ref())?;
        store.set_grant(&calendar, &entry)?;
        let after = one(store, &calendar, &grantee)?.ok_or(Problem::not_found())?;
        let href = call.href(&["calendars", call.parameter("owner"), call.parameter("name"), "grants", call.parameter("grantee")]);
        Ok(if before.is_some() { Answer::ok(after) } else { Answer::created(after, href) })
    })
}

/// `DELETE …/grants/{grantee}`
pub(super) fn remove(call: &Call<'_>) -> Result<Answer, Problem> {
    let grantee = Grantee::read(call.parameter("grantee"))?;
    call.door.write(|store| {
        let calendar = own_calendar(call, store)?;
        let before = one(store, &calendar, &grantee)?.ok_or(Problem::not_found())?;
        call.precondition(Some(&before))?;
        store.remove_grant(&calendar, &grantee.put_into(GrantEntry::default()))?;
        Ok(Answer::done())
    })
}
