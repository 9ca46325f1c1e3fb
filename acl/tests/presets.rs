//! The presets as specifications: for each published product, every cell of its rules (level or mode, event privacy, relation
//! to the owner) as a text that people read and compare with what the product says of itself.
//! `SHOJI_WRITE_GOLDEN=1 cargo test -p acl` writes them anew; the difference is then reviewed like code.

use acl::access::{OwnerFacts, RoleException};
use acl::policy::{AdminContent, Mode, ModuleRole, Preset, RolePermission};
use acl::{
    AccessMatrix, CalendarFacts, CalendarPolicy, Cell, EventPrivacy, Grant, Grantee, Level, Policy, PrincipalId, ViewerFacts, Visibility,
    access,
};
use chrono::{DateTime, Utc};
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
        let matrix = access(&ViewerFacts { id, groups: &groups, role, module }, &facts, policy, now()).matrix;
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
    for (name, tables) in [("preset_aspro.txt", 1), ("preset_vtecrm.txt", Mode::ALL.len()), ("preset_none.txt", Mode::ALL.len() + 3)] {
        let text = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name))?;
        let parts: Vec<&str> = text.split("new\n").skip(1).collect();
        assert_eq!(parts.len(), tables, "{name}");
        for part in parts {
            for row in &rows {
                // Two spaces: no row's name is the beginning of another's.
                let found = part.lines().filter(|line| line.starts_with(&format!("{row}  "))).count();
                assert_eq!(found, 1, "{name}: {row}");
            }
        }
    }
    Ok(())
}
