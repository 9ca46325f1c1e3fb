//! The presets as specifications: for each published product, every cell of its rules (level or mode, event privacy, relation
//! to the owner) as a text that people read and compare with what the product says of itself.
//! `SHOJI_WRITE_GOLDEN=1 cargo test -p acl` writes them anew; the difference is then reviewed like code.

use acl::access::{OwnerFacts, RoleException};
use acl::policy::{AdminContent, Mode, ModuleRole, Preset, RolePermission};
use acl::target::{Synchronization, Target};
use acl::write::{Put, plan_put, record_for_new};
use acl::{
    AccessMatrix, CalendarFacts, CalendarPolicy, Cell, EventPrivacy, ForeignAttendees, Grant, Grantee, Level, ObjectId, Policy,
    PrincipalId, StoredObject, ViewProfile, ViewerFacts, Visibility, access, project,
};
use chrono::{DateTime, Utc};
use ical::{CalendarObject, ExpansionLimits, ParseLimits};
use std::collections::BTreeSet;
use std::fmt::Write;

const OWNER: PrincipalId = PrincipalId([1; 16]);
const VIEWER: PrincipalId = PrincipalId([2; 16]);
/// The owner's role reports to this one.
const ABOVE: PrincipalId = PrincipalId([10; 16]);
const OWN_ROLE: PrincipalId = PrincipalId([11; 16]);
/// Reports to the owner's role.
const BELOW: PrincipalId = PrincipalId([12; 16]);
/// Stands beside, with an exception where a table says so.
const ELSEWHERE: PrincipalId = PrincipalId([13; 16]);

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()
}

/// Who looks. A new relation has no rows until it is named in [`Relation::all`], by a match that it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Owner,
    Administrator,
    AdministratorWithReason,
    Superior,
    SameRole,
    LowerRole,
    Exception(RolePermission),
    Grantee(Level),
    Delegate(Level),
    Participant(Level),
    Creator(Level),
    Stranger,
    Denied,
    DeniedGrantee,
}

impl Relation {
    fn all() -> Vec<Self> {
        let mut all = vec![Self::Owner, Self::Administrator, Self::AdministratorWithReason, Self::Superior, Self::SameRole];
        all.extend([Self::LowerRole, Self::Exception(RolePermission::Read), Self::Exception(RolePermission::ReadWrite)]);
        all.extend(Level::ALL.map(Self::Grantee));
        all.extend(Level::ALL.map(Self::Delegate));
        all.extend(Level::ALL.map(Self::Participant));
        all.extend(Level::ALL.map(Self::Creator));
        all.extend([Self::Stranger, Self::Denied, Self::DeniedGrantee]);
        all
    }
    fn words(self) -> String {
        match self {
            Self::Owner => "owner".into(),
            Self::Administrator => "administrator".into(),
            Self::AdministratorWithReason => "administrator, with a reason".into(),
            Self::Superior => "superior".into(),
            Self::SameRole => "same role".into(),
            Self::LowerRole => "lower role".into(),
            Self::Exception(permission) => format!("role exception, {}", permission.word()),
            Self::Grantee(level) => format!("grantee, {}", level.word()),
            Self::Delegate(level) => format!("grantee, {}, show", level.word()),
            Self::Participant(level) => format!("participant, {}", level.word()),
            Self::Creator(level) => format!("creator, {}", level.word()),
            Self::Stranger => "stranger".into(),
            Self::Denied => "denied".into(),
            Self::DeniedGrantee => "denied, edit-delete".into(),
        }
    }
    fn matrix(self, policy: &Policy) -> AccessMatrix {
        let role = match self {
            Self::Superior => Some(ABOVE),
            Self::SameRole => Some(OWN_ROLE),
            Self::LowerRole => Some(BELOW),
            Self::Exception(_) => Some(ELSEWHERE),
            _ => None,
        };
        let module = match self {
            Self::Administrator | Self::AdministratorWithReason => ModuleRole::Admin,
            Self::Denied | Self::DeniedGrantee => ModuleRole::Denied,
            _ => ModuleRole::Employee,
        };
        let of = |level| Grant::of_level(Grantee::User(VIEWER), level);
        let grants: Vec<Grant> = match self {
            Self::Grantee(level) | Self::Creator(level) | Self::Participant(level) => vec![of(level)],
            Self::Delegate(level) => vec![Grant { private_events: Some(acl::level::GrantPrivateEvents::Show), ..of(level) }],
            Self::DeniedGrantee => vec![of(Level::EditDelete)],
            _ => Vec::new(),
        };
        let exceptions: Vec<RoleException> = match self {
            Self::Exception(permission) => vec![RoleException { owner_role: OWN_ROLE, viewer_role: ELSEWHERE, permission }],
            _ => Vec::new(),
        };
        let groups = BTreeSet::new();
        let facts = CalendarFacts {
            owner: OwnerFacts { id: OWNER, groups: &groups, roles: &[OWN_ROLE, ABOVE] },
            policy: &CalendarPolicy::default(),
            grants: &grants,
            exceptions: &exceptions,
            opened_until: (self == Self::AdministratorWithReason).then(|| now() + chrono::TimeDelta::minutes(60)),
        };
        let id = if self == Self::Owner { OWNER } else { VIEWER };
        let matrix = access(&ViewerFacts { id, groups: &groups, role, module, target: None }, &facts, policy, now()).matrix;
        match self {
            Self::Creator(_) => matrix.for_creator(),
            Self::Participant(_) if policy.participants_see_full => matrix.for_participant(),
            _ => matrix,
        }
    }
}

fn cell(cell: Cell) -> String {
    let seen = match cell.visibility {
        Visibility::Hidden => "-",
        Visibility::FreeBusy => "busy",
        Visibility::Title => "title",
        Visibility::Full => "full",
    };
    format!("{seen}{}{}", if cell.edit { " edit" } else { "" }, if cell.delete { " delete" } else { "" })
}

fn rows(out: &mut String, title: &str, policy: &Policy) -> usize {
    let _ = writeln!(out, "\n{title}\n\n{:<29}{:<17}{:<17}{:<17}{:<17}new", "", "standard", "public", "confidential", "private");
    for relation in Relation::all() {
        let matrix = relation.matrix(policy);
        let _ = write!(out, "{:<29}", relation.words());
        for privacy in EventPrivacy::ALL {
            let _ = write!(out, "{:<17}", cell(matrix.cell(privacy)));
        }
        let _ = writeln!(out, "{}", if matrix.create { "create" } else { "-" });
    }
    Relation::all().len()
}

fn is_as_reviewed(name: &str, table: &str) -> std::io::Result<()> {
    let table: String = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("SHOJI_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &table)?;
    }
    let reviewed = std::fs::read_to_string(&path)?;
    let different = reviewed.lines().zip(table.lines()).find(|(reviewed, now)| reviewed != now);
    assert_eq!(different, None, "a row of {name} changed (reviewed, now)");
    assert_eq!(reviewed.lines().count(), table.lines().count(), "{name}");
    Ok(())
}

#[test]
fn aspro_is_as_reviewed() -> std::io::Result<()> {
    let mut table = String::from("Who sees and may do what under the preset aspro. Written by acl/tests/presets.rs.\n");
    let count = rows(&mut table, "As it comes.", &Preset::Aspro.policy());
    assert_eq!(count, 35);
    is_as_reviewed("preset_aspro.txt", &table)
}

#[test]
fn vtecrm_is_as_reviewed() -> std::io::Result<()> {
    let mut table = String::from("Who sees and may do what under the preset vtecrm, by mode. Written by acl/tests/presets.rs.\n");
    for mode in Mode::ALL {
        rows(&mut table, &format!("mode = \"{}\"", mode.word()), &Policy { mode: *mode, ..Preset::Vtecrm.policy() });
    }
    is_as_reviewed("preset_vtecrm.txt", &table)
}

/// Of which kind an item is that is synchronized.
const KINDS: [(&str, &str); 3] = [("appointment", "VEVENT"), ("task", "VTODO"), ("journal entry", "VJOURNAL")];

/// The target of somebody's calendars, by what an administrator and the user said.
fn target_of(user: PrincipalId, said: Synchronization, module: ModuleRole, policy: &Policy) -> ViewProfile {
    let groups = BTreeSet::new();
    let target = Some(Target { user, private_items: said.private_items() });
    let viewer = ViewerFacts { id: VIEWER, groups: &groups, role: None, module, target };
    let facts = CalendarFacts {
        owner: OwnerFacts { id: OWNER, groups: &groups, roles: &[OWN_ROLE, ABOVE] },
        policy: &CalendarPolicy::default(),
        grants: &[Grant::of_level(Grantee::Everyone, Level::EditDelete)],
        exceptions: &[],
        opened_until: None,
    };
    acl::testing::profile(access(&viewer, &facts, policy, now()).matrix)
}

/// What becomes of an item of one kind and privacy: what a target is shown of a stored one and may do with it, and whether a
/// new one that comes from there is stored, both asked of what decides it in the server.
fn synchronized(component: &str, class: &str, profile: &ViewProfile, policy: &Policy) -> String {
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:{component}\r\nUID:u\r\nDTSTAMP:20260101T000000Z\r\n\
         DTSTART:20261102T090000Z\r\nSUMMARY:Subject\r\n{class}END:{component}\r\nEND:VCALENDAR\r\n"
    );
    let Ok(item) = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()) else { return "unreadable".to_owned() };
    let calendar = CalendarPolicy { widen_public: Some(true), ..CalendarPolicy::default() };
    let privacy = record_for_new(&item, policy, &calendar, None);
    let stored = StoredObject {
        id: ObjectId([7; 16]),
        name: "stored.ics",
        base_text: &text,
        base: Some(&item),
        base_version: 1,
        privacy: &privacy,
        created_by_viewer: true,
        foreign_attendees: &ForeignAttendees::none(),
        overlay: None,
        touch: 0,
        own: None,
        identity_taken: false,
    };
    let seen = project(&stored, profile).map(|seen| {
        let rights = seen.rights();
        cell(Cell { visibility: seen.least_visibility(), edit: rights.edit, delete: rights.delete })
    });
    let new = Put {
        new: &item,
        existing: None,
        profile,
        policy,
        calendar_policy: &calendar,
        known_uid_privacy: None,
        limits: &ExpansionLimits::default(),
    };
    format!("{}{}", seen.unwrap_or_else(|| "-".to_owned()), if plan_put(&new).is_ok() { " new" } else { "" })
}

fn target_rows(out: &mut String, policy: &Policy) -> usize {
    let _ = writeln!(out, "\nThe synchronization target of a user, in his calendars.\n");
    let _ = writeln!(
        out,
        "{:<12}{:<19}{:<15}{:<21}{:<21}{:<21}private",
        "enabled", "switched on", "item", "standard", "public", "confidential"
    );
    let mut count = 0;
    for confidential_activities in [false, true] {
        for (private_events, private_tasks) in [(false, false), (true, false), (false, true), (true, true)] {
            let said = Synchronization { confidential_activities, private_events, private_tasks };
            let switches = [("events", private_events), ("tasks", private_tasks)];
            let on: Vec<&str> = switches.into_iter().filter(|(_, is_on)| *is_on).map(|(word, _)| word).collect();
            let enabled = if confidential_activities { "yes" } else { "no" };
            let on = if on.is_empty() { "-".to_owned() } else { on.join(", ") };
            target_row(out, &[enabled, &on], &target_of(OWNER, said, ModuleRole::Employee, policy), policy);
            count += 1;
        }
    }
    let all = Synchronization { confidential_activities: true, private_events: true, private_tasks: true };
    let _ = writeln!(
        out,
        "\nOf a user to whom the module is denied; and of a user in the calendars of others, whatever they share with him.\n"
    );
    target_row(out, &["denied", "events, tasks"], &target_of(OWNER, all, ModuleRole::Denied, policy), policy);
    target_row(out, &["other", "events, tasks"], &target_of(VIEWER, all, ModuleRole::Employee, policy), policy);
    count + 2
}

fn target_row(out: &mut String, who: &[&str; 2], profile: &ViewProfile, policy: &Policy) {
    let [enabled, on] = who;
    for (word, component) in KINDS {
        let _ = write!(out, "{enabled:<12}{on:<19}{word:<15}");
        for class in ["", "CLASS:PUBLIC\r\n", "CLASS:CONFIDENTIAL\r\n", "CLASS:PRIVATE\r\n"] {
            let _ = write!(out, "{:<21}", synchronized(component, class, profile, policy));
        }
        out.push('\n');
    }
}

#[test]
fn superoffice_is_as_reviewed() -> std::io::Result<()> {
    let mut table = String::from("Who sees and may do what under the preset superoffice. Written by acl/tests/presets.rs.\n");
    let policy = Preset::Superoffice.policy();
    rows(&mut table, "As it comes.", &policy);
    assert_eq!(target_rows(&mut table, &policy), 10);
    is_as_reviewed("preset_superoffice.txt", &table)
}

/// What is synchronized is the user's own affair and an administrator's: it is the same whatever shares and modes give others.
#[test]
fn a_target_is_the_same_under_every_preset_and_policy() {
    let told = |policy: &Policy| {
        let mut table = String::new();
        target_rows(&mut table, policy);
        table
    };
    let expected = told(&Preset::Superoffice.policy());
    for preset in Preset::ALL {
        for mode in Mode::ALL {
            for confidential in acl::policy::Confidential::ALL {
                let caps = acl::policy::Caps { everyone: Some(Level::None), group: Some(Level::None), outside_group: Some(Level::None) };
                let policy = Policy { mode: *mode, confidential: *confidential, caps, ..preset.policy() };
                assert_eq!(told(&policy), expected, "{preset:?} {mode:?} {confidential:?}");
            }
        }
    }
}

#[test]
fn without_a_preset_every_mode_and_administration_is_as_reviewed() -> std::io::Result<()> {
    let mut table = String::from("Who sees and may do what without a preset, by mode. Written by acl/tests/presets.rs.\n");
    for mode in Mode::ALL {
        rows(&mut table, &format!("mode = \"{}\"", mode.word()), &Policy { mode: *mode, ..Policy::default() });
    }
    for admin_content in AdminContent::ALL {
        let policy = Policy { admin_content: *admin_content, ..Policy::default() };
        rows(&mut table, &format!("admin_content = \"{}\"", admin_content.word()), &policy);
    }
    is_as_reviewed("preset_none.txt", &table)
}

/// Whoever the products' documentation speaks of has a row in every table, whatever the code that writes them lists.
#[test]
fn no_table_lacks_a_row() -> std::io::Result<()> {
    let mut rows: Vec<String> =
        ["owner", "administrator", "superior", "same role", "lower role", "stranger", "denied"].map(str::to_owned).to_vec();
    for relation in ["grantee", "participant", "creator"] {
        rows.extend(["none", "free-busy", "titles", "details", "edit", "edit-delete"].map(|level| format!("{relation}, {level}")));
    }
    for (name, tables) in [
        ("preset_aspro.txt", 1),
        ("preset_superoffice.txt", 1),
        ("preset_vtecrm.txt", Mode::ALL.len()),
        ("preset_none.txt", Mode::ALL.len() + 3),
    ] {
        let text = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name))?;
        let parts: Vec<&str> = text.split("private          new\n").skip(1).collect();
        assert_eq!(parts.len(), tables, "{name}");
        for part in parts.into_iter().filter_map(|part| part.split("\nThe synchronization target").next()) {
            for row in &rows {
                // Two spaces: no row's name is the beginning of another's.
                let found = part.lines().filter(|line| line.starts_with(&format!("{row}  "))).count();
                assert_eq!(found, 1, "{name}: {row}");
            }
        }
    }
    let text = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/preset_superoffice.txt"))?;
    for who in ["no          -", "no          events", "no          tasks", "no          events, tasks", "denied      events, tasks"]
        .into_iter()
        .chain(["yes         -", "yes         events", "yes         tasks", "yes         events, tasks", "other       events, tasks"])
    {
        for (item, _) in KINDS {
            let row = format!("{who:<31}{item}  ");
            assert_eq!(text.lines().filter(|line| line.starts_with(&row)).count(), 1, "{row}");
        }
    }
    Ok(())
}
