//! The policy table: for every source of access, level, policy of private events and event privacy, what is seen and what
//! may be done, as a text that people read. `SHOJI_WRITE_GOLDEN=1 cargo test -p acl` writes it anew; the difference is then
//! reviewed like code. A new variant of any of the enumerations has no row until it is named here: the test does not compile.

use acl::access::{OwnerFacts, Reason};
use acl::level::GrantPrivateEvents;
use acl::policy::ModuleRole;

use acl::{
    AccessMatrix, CalendarFacts, CalendarPolicy, Cell, EventPrivacy, Grant, Grantee, Level, Policy, PrincipalId, PrivateEvents, Rights,
    ViewerFacts, Visibility, access,
};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use std::fmt::Write;

/// All variants, by a match that a new one breaks.
macro_rules! every {
    ($type:ident { $($variant:ident),+ }) => {{
        let _named = |value: $type| match value {
            $($type::$variant => (),)+
        };
        [$($type::$variant),+]
    }};
}

const OWNER: PrincipalId = PrincipalId([1; 16]);
const VIEWER: PrincipalId = PrincipalId([2; 16]);
const GROUP: PrincipalId = PrincipalId([3; 16]);
const ROLE: PrincipalId = PrincipalId([4; 16]);

fn levels() -> [Level; 6] {
    every!(Level { None, FreeBusy, Titles, Details, Edit, EditDelete })
}

fn policies() -> [PrivateEvents; 3] {
    every!(PrivateEvents { Busy, Hidden, Editors })
}

fn modifiers() -> [Option<GrantPrivateEvents>; 4] {
    let [busy, hidden, show] = every!(GrantPrivateEvents { Busy, Hidden, Show });
    [None, Some(busy), Some(hidden), Some(show)]
}

fn privacies() -> [EventPrivacy; 4] {
    every!(EventPrivacy { Standard, Public, Confidential, Private })
}

/// One grantee of each kind, all of which are the viewer.
fn grantees() -> [(&'static str, Grantee); 4] {
    let _named = |grantee: Grantee| match grantee {
        Grantee::User(_) | Grantee::Group(_) | Grantee::Role(_) | Grantee::Everyone => (),
    };
    [("user", Grantee::User(VIEWER)), ("group", Grantee::Group(GROUP)), ("role", Grantee::Role(ROLE)), ("everyone", Grantee::Everyone)]
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()
}

fn word(modifier: Option<GrantPrivateEvents>) -> &'static str {
    modifier.map_or(GrantPrivateEvents::AS_POLICY, GrantPrivateEvents::word)
}

fn cell(cell: Cell) -> String {
    let mut text = match cell.visibility {
        Visibility::Hidden => "hidden",
        Visibility::FreeBusy => "free-busy",
        Visibility::Title => "title",
        Visibility::Full => "full",
    }
    .to_owned();
    text.push_str(if cell.edit { "+edit" } else { "" });
    text.push_str(if cell.delete { "+delete" } else { "" });
    text
}

fn cells(matrix: &AccessMatrix) -> String {
    let mut text = String::new();
    for privacy in privacies() {
        let _ = write!(text, "{:<17} ", cell(matrix.cell(privacy)));
    }
    text + if matrix.create { "create" } else { "-" }
}

fn decide(grants: &[Grant], policy: &Policy, calendar: &CalendarPolicy) -> acl::Access {
    let groups = BTreeSet::from([GROUP]);
    let owner = OwnerFacts { id: OWNER, groups: &groups, roles: &[] };
    let facts = CalendarFacts { owner, policy: calendar, grants, exceptions: &[], opened_until: None };
    access(
        &ViewerFacts { id: VIEWER, groups: &groups, role: Some(ROLE), module: ModuleRole::Employee, target: None },
        &facts,
        policy,
        now(),
    )
}

/// The table shows calendars that widen public events; what they are in others is a part of its own.
fn widening() -> CalendarPolicy {
    CalendarPolicy { widen_public: Some(true), ..CalendarPolicy::default() }
}

fn under(private_events: PrivateEvents) -> CalendarPolicy {
    CalendarPolicy { private_events: Some(private_events), ..widening() }
}

fn heading(out: &mut String, title: &str, columns: &str) {
    let _ = writeln!(out, "\n{title}\n{columns} standard          public            confidential      private           new\n");
}

fn owner_rows(out: &mut String) {
    heading(out, "The owner, whatever the policy.", "source  ");
    let groups = BTreeSet::new();
    let calendar = CalendarPolicy::default();
    let owner = OwnerFacts { id: OWNER, groups: &groups, roles: &[] };
    let facts = CalendarFacts { owner, policy: &calendar, grants: &[], exceptions: &[], opened_until: None };
    let viewer = ViewerFacts { id: OWNER, groups: &groups, role: None, module: ModuleRole::Employee, target: None };
    let access = access(&viewer, &facts, &Policy::default(), now());
    assert_eq!(access.reasons().collect::<Vec<_>>(), [Reason::Owner]);
    let _ = writeln!(out, "owner    {}", cells(&access.matrix));
}

fn grant_rows(out: &mut String) {
    heading(out, "Grants, by what the calendar's policy and the grant say of private events.", "source   level       policy  grant    ");
    for (source, grantee) in grantees() {
        for level in levels() {
            for policy in policies() {
                for private_events in modifiers() {
                    let grant = Grant { private_events, ..Grant::of_level(grantee, level) };
                    let matrix = decide(&[grant], &Policy::default(), &under(policy)).matrix;
                    let (level, policy, modifier) = (level.word(), policy.word(), word(private_events));
                    let _ = writeln!(out, "{source:<8} {level:<11} {policy:<7} {modifier:<9} {}", cells(&matrix));
                }
            }
        }
    }
}

fn creator_rows(out: &mut String) {
    heading(out, "What the viewer created himself and nobody else wrote since, by his grant.", "source   level       policy  grant    ");
    for level in levels() {
        for policy in policies() {
            for private_events in modifiers() {
                let grant = Grant { private_events, ..Grant::of_level(Grantee::User(VIEWER), level) };
                let matrix = decide(&[grant], &Policy::default(), &under(policy)).matrix.for_creator();
                let (level, policy, modifier) = (level.word(), policy.word(), word(private_events));
                let _ = writeln!(out, "creator  {level:<11} {policy:<7} {modifier:<9} {}", cells(&matrix));
            }
        }
    }
}

fn other_grant_rows(out: &mut String) {
    heading(out, "Grants with create = yes, and those that only ACL makes.", "grant                 ");
    for level in levels() {
        let grant = Grant { create_always: true, ..Grant::of_level(Grantee::User(VIEWER), level) };
        let name = format!("{}, create", level.word());
        let _ = writeln!(out, "{name:<22} {}", cells(&decide(&[grant], &Policy::default(), &widening()).matrix));
    }
    let custom = [
        ("bind", Visibility::Hidden, Rights { create: true, edit: false, delete: false }),
        ("free-busy+bind", Visibility::FreeBusy, Rights { create: true, edit: false, delete: false }),
        ("read+write-content", Visibility::Full, Rights { create: false, edit: true, delete: false }),
        ("read+unbind", Visibility::Full, Rights { create: false, edit: false, delete: true }),
    ];
    for (name, visibility, rights) in custom {
        let grant = Grant { visibility, rights, ..Grant::of_level(Grantee::User(VIEWER), Level::None) };
        let _ = writeln!(out, "{name:<22} {}", cells(&decide(&[grant], &Policy::default(), &widening()).matrix));
    }
}

fn precedence_rows(out: &mut String) {
    heading(
        out,
        "Several grants: the most specific kind that has one decides, an expired one as none.",
        "user          group         everyone     ",
    );
    let past = Some(now());
    let of = |grantee, level, until| Some(Grant { until, ..Grant::of_level(grantee, level) });
    let [user, group, _, everyone] = grantees().map(|(_, grantee)| grantee);
    let users = [
        ("-", None),
        ("expired edit", of(user, Level::Edit, past)),
        ("none", of(user, Level::None, None)),
        ("free-busy", of(user, Level::FreeBusy, None)),
    ];
    let groups = [("-", None), ("expired edit", of(group, Level::Edit, past)), ("details", of(group, Level::Details, None))];
    let all = [("-", None), ("titles", of(everyone, Level::Titles, None))];
    for (user, user_grant) in &users {
        for (group, group_grant) in &groups {
            for (everyone, everyone_grant) in &all {
                let grants: Vec<Grant> = [user_grant, group_grant, everyone_grant].into_iter().flatten().cloned().collect();
                let matrix = decide(&grants, &Policy::default(), &widening()).matrix;
                let _ = writeln!(out, "{user:<13} {group:<13} {everyone:<12}  {}", cells(&matrix));
            }
        }
    }
}

fn unwidened_rows(out: &mut String) {
    heading(out, "Where public events are not widened, those recorded while they were count as standard ones.", "level      ");
    for level in levels() {
        let grant = Grant::of_level(Grantee::User(VIEWER), level);
        let _ = writeln!(out, "{:<11} {}", level.word(), cells(&decide(&[grant], &Policy::default(), &CalendarPolicy::default()).matrix));
    }
}

#[test]
fn the_policy_table_is_as_reviewed() -> std::io::Result<()> {
    let mut table = String::from("Who sees and may do what. Written by acl/tests/policy_table.rs.\n");
    owner_rows(&mut table);
    grant_rows(&mut table);
    creator_rows(&mut table);
    other_grant_rows(&mut table);
    precedence_rows(&mut table);
    unwidened_rows(&mut table);
    let table: String = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/policy_table.txt");
    if std::env::var_os("SHOJI_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &table)?;
    }
    let reviewed = std::fs::read_to_string(&path)?;
    let different = reviewed.lines().zip(table.lines()).find(|(reviewed, now)| reviewed != now);
    assert_eq!(different, None, "a row changed (reviewed, now)");
    assert_eq!(reviewed.lines().count(), table.lines().count());
    assert!(table.lines().count() > 300, "rows are missing");
    Ok(())
}

#[test]
fn the_lists_of_variants_are_whole() {
    assert_eq!(Level::ALL, levels());
    assert_eq!(PrivateEvents::ALL, policies());
    assert_eq!(EventPrivacy::ALL, privacies());
    assert_eq!(GrantPrivateEvents::ALL.map(Some).as_slice(), modifiers().get(1..).unwrap_or_default());
    assert!(Level::ALL.into_iter().all(|level| Level::from_word(level.word()) == Some(level)));
    assert!(PrivateEvents::ALL.into_iter().all(|policy| PrivateEvents::from_word(policy.word()) == Some(policy)));
    assert!(EventPrivacy::ALL.into_iter().all(|privacy| EventPrivacy::from_word(privacy.word()) == Some(privacy)));
    assert!(modifiers().into_iter().all(|modifier| GrantPrivateEvents::from_word(word(modifier)) == Some(modifier)));
}

#[test]
fn the_organisations_policy_holds_where_the_calendar_says_nothing() {
    for organisation in policies() {
        let policy = Policy { private_events: organisation, widen_public: true, ..Policy::default() };
        for level in levels() {
            let grants = [Grant::of_level(Grantee::Everyone, level)];
            let silent = decide(&grants, &policy, &CalendarPolicy::default());
            assert_eq!(silent, decide(&grants, &Policy::default(), &under(organisation)));
            for calendar in policies() {
                assert_eq!(decide(&grants, &policy, &under(calendar)), decide(&grants, &Policy::default(), &under(calendar)));
            }
        }
    }
}
