//! Policy, roles, exceptions and the module: applied, taken away again, refused, damaged.

use super::*;
use crate::administration::{ModuleEntry, PolicyEntry, PolicyValue, RestoreCalendar, RoleEntry, RoleExceptionEntry};
use crate::keys;
use crate::read::{Read, keys as keys_of};
use acl::PolicyKey;
use acl::policy::{Caps, GrantsShow, Mode};

fn policy(pairs: &[(&str, &str)]) -> PolicyEntry {
    let value = |word: &str| if let Ok(truth) = word.parse() { PolicyValue::Truth(truth) } else { PolicyValue::Word(word.into()) };
    PolicyEntry(pairs.iter().map(|(key, word)| ((*key).to_owned(), value(word))).collect())
}

fn role(name: &str, above: Option<&str>, members: &[&str]) -> RoleEntry {
    RoleEntry { name: name.into(), reports_to: above.map(Into::into), members: members.iter().map(|name| (*name).into()).collect() }
}

fn exception(owner: &str, viewer: &str, permission: &str) -> RoleExceptionEntry {
    RoleExceptionEntry { owner_role: owner.into(), viewer_role: viewer.into(), permission: permission.into() }
}

fn module(user: Option<&str>, group: Option<&str>, role: &str) -> ModuleEntry {
    ModuleEntry { user: user.map(Into::into), group: group.map(Into::into), role: role.into() }
}

/// The company with a hierarchy, and something of all else.
fn organisation() -> ApplyFile {
    ApplyFile {
        policy: policy(&[("preset", "vtecrm"), ("mode", "public-read"), ("participants_see_full", "true"), ("busy_text", "Away")]),
        // One above the other in no order: what a role reports to may stand below it in the file.
        roles: vec![role("sales", Some("lead"), &["alice"]), role("lead", Some("board"), &["bob"]), role("board", None, &[])],
        role_exceptions: vec![exception("sales", "board", "read"), exception("board", "sales", "read-write")],
        modules: vec![module(Some("erin"), None, "denied"), module(None, Some("all"), "admin")],
        grants: vec![GrantEntry { user: None, role: Some("lead".into()), ..grant("alice/default", "", Level::Edit) }],
        ..company()
    }
}

#[test]
fn an_organisation_goes_out_and_comes_back_whole() {
    let old = fixture();
    assert!(old.apply(&organisation()).len() > 20);
    assert_eq!(old.apply(&organisation()), Vec::<String>::new());
    let file = old.administration.export_apply_file(None).unwrap();
    assert_eq!(file.policy, organisation().policy);
    assert_eq!((file.roles.len(), file.role_exceptions.len(), file.modules.len()), (3, 2, 2));
    let new = fixture();
    new.apply(&file);
    assert_eq!(new.administration.export_apply_file(None).unwrap(), file);
    assert_eq!(new.apply(&file), Vec::<String>::new());
    assert_eq!(new.faults(), Vec::<String>::new());
    let holds = new.administration.policy().unwrap();
    assert_eq!((holds.mode, holds.words.busy.as_str(), holds.words.private.as_str()), (Mode::PublicRead, "Away", "Private event"));
    assert!(holds.participants_see_full, "chosen against the preset");
    assert_eq!(holds.grants_show, GrantsShow::Refused, "left to the preset");
}

#[test]
fn every_key_of_the_policy_can_be_chosen_and_left_to_the_preset_again() {
    let fixture = fixture();
    let default = fixture.administration.policy().unwrap();
    for key in PolicyKey::ALL {
        let words = if key.words().is_empty() { vec!["Gone fishing"] } else { key.words() };
        for word in &words {
            fixture.administration.set_policy(&policy(&[(key.word(), word)])).unwrap();
            let holds = fixture.administration.policy().unwrap();
            assert!(key.get(&holds).is_none_or(|value| value == *word), "{} = {word}", key.word());
        }
        let refused = fixture.administration.set_policy(&policy(&[(key.word(), "\n")])).unwrap_err().to_string();
        assert!(words.len() == 1 || words.iter().all(|word| refused.contains(word)), "what it takes is told: {refused}");
        fixture.administration.set_policy(&policy(&[(key.word(), "as-preset")])).unwrap();
        assert_eq!(fixture.administration.policy().unwrap(), default);
    }
    assert!(fixture.administration.policy_settings().unwrap().is_empty());
    assert_eq!(default.caps, Caps::default());
}

#[test]
fn what_cannot_be_is_refused_with_words_and_changes_nothing() {
    let fixture = fixture();
    fixture.apply(&organisation());
    let before = fixture.administration.export_apply_file(None).unwrap();
    let file = |change: &dyn Fn(&mut ApplyFile)| {
        let mut file = organisation();
        change(&mut file);
        file
    };
    let cases = [
        (file(&|f| f.policy = policy(&[("preset", "sap")])), "policy[0]: preset is one of: none, aspro, vtecrm, superoffice"),
        (
            file(&|f| f.policy = policy(&[("mode", "open")])),
            "policy[0]: mode is one of: off, private, public-read, public-edit, public-edit-delete",
        ),
        (file(&|f| f.roles[2].reports_to = Some("sales".into())), "role[2]: board cannot report to sales: that is below it"),
        (file(&|f| f.roles[2].reports_to = Some("board".into())), "role[2]: board cannot report to board: that is below it"),
        (file(&|f| f.roles[2].reports_to = Some("moon".into())), "role[2]: there is no role \"moon\""),
        (file(&|f| f.roles[2].members = vec!["bob".into()]), "role[2]: bob has the role lead already, and one is the most"),
        (file(&|f| f.roles[2].members = vec!["all".into()]), "role[2]: there is no user \"all\""),
        (file(&|f| f.roles[2].name = "The Board".into()), "role[2]: the name \"The Board\" is not 1 to 64 of the characters a-z 0-9 . _ -"),
        (file(&|f| f.role_exceptions[1].viewer_role = "moon".into()), "role_exception[1]: there is no role \"moon\""),
        (file(&|f| f.role_exceptions[0].permission = "write".into()), "role_exception[0]: permission is one of: read, read-write, none"),
        (file(&|f| f.modules[0].role = "guest".into()), "module[0]: role is one of: admin, employee, denied, inherit"),
        (file(&|f| f.modules[0].group = Some("all".into())), "module[0]: a place in the module is for exactly one of user, group"),
    ];
    for (file, message) in &cases {
        assert_eq!(&fixture.refused(file), message);
        assert_eq!(fixture.administration.export_apply_file(None).unwrap(), before, "{message}");
    }
    let shows = GrantEntry { private_events: Some(acl::level::GrantPrivateEvents::Show), ..grant("alice/work", "bob", Level::Edit) };
    let refused = fixture.administration.set_grant(&shows).unwrap_err().to_string();
    assert!(refused.contains("grants_show"), "{refused}");
}

#[test]
fn a_role_that_goes_takes_its_grants_and_exceptions_along() {
    let fixture = fixture();
    fixture.apply(&organisation());
    fixture.administration.remove_role("lead").unwrap();
    let file = fixture.administration.export_apply_file(None).unwrap();
    assert!(file.grants.iter().all(|grant| grant.role.is_none()));
    assert_eq!(file.roles, [role("board", None, &[]), role("sales", None, &["alice"])]);
    assert_eq!(file.role_exceptions.len(), 2, "of the two that stay");
    fixture.administration.remove_role("board").unwrap();
    assert_eq!(fixture.administration.export_apply_file(None).unwrap().role_exceptions, []);
    fixture.apply(&ApplyFile { modules: vec![module(Some("erin"), None, "inherit")], ..ApplyFile::default() });
    fixture.administration.remove_group("all").unwrap();
    fixture.administration.remove_user("alice").unwrap();
    let file = fixture.administration.export_apply_file(None).unwrap();
    assert_eq!((file.modules, file.roles), (vec![], vec![role("sales", None, &[])]));
    assert_eq!(fixture.faults(), Vec::<String>::new());
}

#[test]
fn a_grant_without_a_level_gets_the_policy_s() {
    let fixture = fixture();
    fixture.apply(&company());
    let bare = || GrantEntry { level: None, ..grant("alice/default", "erin", Level::None) };
    assert_eq!(fixture.administration.set_grant(&bare()).unwrap().level, Some(Level::FreeBusy));
    fixture.administration.set_policy(&policy(&[("default_level", "titles")])).unwrap();
    assert_eq!(fixture.administration.set_grant(&bare()).unwrap().level, Some(Level::Titles));
}

#[test]
fn check_finds_what_is_wrong_with_the_organisation() {
    let fixture = fixture();
    fixture.apply(&organisation());
    assert_eq!(fixture.faults(), Vec::<String>::new());
    let write = |key: Vec<u8>, value: Option<Vec<u8>>| {
        let written = fixture.store.write(|snapshot| {
            let mut transaction = snapshot.begin();
            match &value {
                Some(value) => transaction.put(key.clone(), value.clone()),
                None => transaction.delete(key.clone()),
            }
            snapshot.commit(transaction)
        });
        written.unwrap();
    };
    for (table, is_indexed) in [(keys::ROLES, true), (keys::ROLE_NAMES, true), (keys::ROLE_OF, false), (keys::MODULE_ROLES, false)] {
        let there = fixture.store.read(|snapshot| keys_of(snapshot, &keys::table(table))).unwrap();
        assert!(there.len() >= 2, "table {}", char::from(table));
        for key in there {
            let value = fixture.store.read(|snapshot| snapshot.get(&key)).unwrap().unwrap();
            if is_indexed {
                write(key.clone(), None);
                assert!(!fixture.faults().is_empty(), "a lost entry of table {}", char::from(table));
            }
            write(key.clone(), Some(vec![0xee; value.len()]));
            assert!(!fixture.faults().is_empty(), "an overwritten entry of table {}", char::from(table));
            write(key, Some(value));
        }
        let stray = [&[table][..], &[7; 16]].concat();
        let of_another = keys_of_first(&fixture, table);
        write(stray.clone(), Some(of_another));
        assert!(!fixture.faults().is_empty(), "a stray entry of table {}", char::from(table));
        write(stray, None);
    }
    for key in [keys::SETTINGS, keys::ROLE_EXCEPTIONS] {
        let value = fixture.store.read(|snapshot| snapshot.get(key)).unwrap().unwrap();
        write(key.to_vec(), Some(vec![0xee; value.len()]));
        assert!(!fixture.faults().is_empty());
        write(key.to_vec(), Some(value));
    }
    assert_eq!(fixture.faults(), Vec::<String>::new());
}

fn keys_of_first(fixture: &Fixture, table: u8) -> Vec<u8> {
    let key = fixture.store.read(|snapshot| keys_of(snapshot, &keys::table(table))).unwrap().remove(0);
    fixture.store.read(|snapshot| snapshot.get(&key)).unwrap().unwrap()
}

fn chain(roles: usize) -> ApplyFile {
    let above = |number: usize| (number + 1 < roles).then(|| format!("r{}", number + 1));
    ApplyFile {
        roles: (0..roles).map(|number| role(&format!("r{number}"), above(number).as_deref(), &[])).collect(),
        ..ApplyFile::default()
    }
}

#[test]
fn a_chain_of_roles_has_one_limit_from_whichever_end_it_grows() {
    let fixture = fixture();
    for mut file in [chain(41), chain(34)] {
        for _ in 0..2 {
            assert!(fixture.refused(&file).ends_with("more than 32 roles above one another"));
            file.roles.reverse();
        }
    }
    fixture.apply(&chain(33));
    let refused = fixture.administration.add_role("lowest", Some("r0")).unwrap_err().to_string();
    assert!(refused.contains("more than 32"), "{refused}");
    // A role on top of all: the chain below it is what is too long.
    fixture.administration.add_role("highest", None).unwrap();
    assert!(fixture.administration.set_reports_to("r32", Some("highest")).is_err());
    let file = fixture.administration.export_apply_file(None).unwrap();
    assert_eq!(self::fixture().apply(&file).len(), 34 + 32, "what one server took another takes");
}

#[test]
fn two_roles_change_places_in_either_order() {
    for turned in [false, true] {
        let fixture = fixture();
        fixture.apply(&ApplyFile { roles: vec![role("a", None, &[]), role("b", Some("a"), &[])], ..ApplyFile::default() });
        let mut roles = vec![role("a", Some("b"), &[]), role("b", None, &[])];
        if turned {
            roles.reverse();
        }
        let file = ApplyFile { roles, ..ApplyFile::default() };
        assert_eq!(fixture.apply(&file).len(), 2);
        assert_eq!(fixture.apply(&file), Vec::<String>::new());
    }
}

#[test]
fn a_grant_ends_in_years_that_can_be_read_again() {
    // Each is a moment as RFC 3339 has it, whose year in UTC has no four digits or none that anybody means.
    let read = |until: &'static str| {
        use serde::Deserialize;
        let pairs = [("calendar", "alice/work"), ("until", until)];
        let map = serde::de::value::MapDeserializer::<_, serde::de::value::Error>::new(pairs.into_iter());
        GrantEntry::deserialize(map).map(|read| GrantEntry { until: read.until, ..grant("alice/work", "bob", Level::Titles) })
    };
    for until in ["9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+23:59", "1969-12-31T23:59:59Z"] {
        assert!(read(until).unwrap_err().to_string().contains("1970 to 9999"), "{until}");
    }
    let fixture = fixture();
    fixture.apply(&company());
    for until in ["9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59+00:01"] {
        fixture.administration.set_grant(&read(until).unwrap()).unwrap();
    }
    let late = GrantEntry { until: Some(DateTime::<Utc>::MAX_UTC), ..grant("alice/work", "bob", Level::Edit) };
    assert!(fixture.administration.set_grant(&late).unwrap_err().to_string().contains("1970 to 9999"));
}

#[test]
fn no_calendar_is_given_a_name_of_those_that_the_server_gives() {
    let fixture = fixture();
    fixture.apply(&company());
    let name = "abcdefghijklmnopqrstuvwxyz";
    assert!(fixture.administration.create_calendar(&calendar("alice", name)).unwrap_err().to_string().contains("choose another"));
    fixture.administration.delete_calendar("alice", "work").unwrap();
    let restore = |name: &str| {
        let restore = RestoreCalendar { owner: "alice".into(), calendar: "work".into(), name: Some(name.into()), to: None };
        fixture.administration.restore_calendar(&restore)
    };
    assert!(restore(name).unwrap_err().to_string().contains("choose another"));
    assert_eq!(restore("abcdefghijklmnopqrstuvwxy").unwrap(), "abcdefghijklmnopqrstuvwxy");
}
