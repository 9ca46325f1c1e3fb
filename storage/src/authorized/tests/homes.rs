//! Homes: what is mounted, listed and found where, leaving, home sync, principals and ACL.

use super::world::{World, event, members, mounts, outcome};
use crate::Directory;
use crate::administration::UserEntry;
use crate::authorized::home::NewCalendar;
use crate::authorized::property::PropertyTarget;
use crate::authorized::{AceSubject, Identified, PrincipalKind, PropertyKey, Resource};
use crate::error::Error;
use crate::store::Door;
use acl::ace::{Ace, AceError, AcePrincipal};
use acl::{Grantee, Level, Privilege};

fn home_token(door: &Door, who: &str) -> String {
    door.read(|store| match store.resolve(who, &[])? {
        Resource::Home(home) => store.home_sync_token(&home),
        _ => Err(Error::NotFound),
    })
    .unwrap()
}

fn home_since(door: &Door, who: &str, token: &str) -> (Vec<String>, Vec<String>) {
    door.read(|store| match store.resolve(who, &[])? {
        Resource::Home(home) => {
            let changes = store.home_changes(&home, Some(token), None)?;
            Ok((changes.changed, changes.removed))
        }
        _ => Err(Error::NotFound),
    })
    .unwrap()
}

#[test]
fn shares_with_a_person_or_a_group_are_mounted_and_shares_with_everyone_are_not() {
    let world = World::new().users(&["alice", "bob", "carol", "dan"]);
    world.group("inner", &["carol"]);
    world.group("team", &["inner"]);
    world.share("alice/work", "bob", Level::FreeBusy);
    world.share("alice/work", "team", Level::FreeBusy);
    world.grant("alice/work", Grantee::Everyone, Level::FreeBusy, |_| ());
    for (who, mounted) in [("bob", 1), ("carol", 1), ("dan", 0)] {
        assert_eq!(mounts(&world.door(who), who).len(), mounted, "{who}");
        assert!(world.at(who, "alice/work").rows().is_ok());
    }
    // Below details another's home lists nothing, though the exact path answers.
    assert!(members(&world.door("dan"), "dan", "alice").is_empty());
    world.share("alice/work", "bob", Level::Details);
    assert_eq!(members(&world.door("bob"), "bob", "alice"), ["work"]);
}

#[test]
fn a_mount_keeps_its_name_and_leaving_hides_it_and_changes_no_grant() {
    let world = World::new().users(&["alice", "bob"]);
    world.share("alice/work", "bob", Level::FreeBusy);
    let bob = world.at_mount("bob");
    world.share("alice/work", "bob", Level::EditDelete);
    assert_eq!(world.at_mount("bob").calendar, bob.calendar);
    bob.write(|store, calendar| store.delete_calendar(calendar)).unwrap();
    assert!(mounts(&bob.door, "bob").is_empty());
    assert_eq!(outcome(&bob.rows()), "NotFound");
    let path = world.at("bob", "alice/work");
    assert!(path.rows().is_ok());
    assert!(matches!(path.write(|store, calendar| store.delete_calendar(calendar)), Err(Error::Denied { .. })));
    assert!(world.at("alice", "alice/work").rows().is_ok());
    // A share that is ended and made anew is a new one.
    world.unshare("alice/work", "bob");
    world.share("alice/work", "bob", Level::Details);
    assert_eq!(world.at_mount("bob").calendar, bob.calendar);
    bob.write(|store, calendar| store.delete_calendar(calendar)).unwrap();
    // The name he once saw is nobody's to take.
    let taken = bob.door.write(|store| store.create_calendar("bob", &bob.calendar, &NewCalendar::default()));
    assert!(matches!(taken, Err(Error::Denied { .. })));
}

#[test]
fn deleting_one_s_own_calendar_ends_everything_and_a_new_one_of_its_name_inherits_nothing() {
    let world = World::new().users(&["alice", "bob"]);
    world.share("alice/work", "bob", Level::Details);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    alice.put("a.ics", &event("a", 9, "A", &[])).unwrap();
    let token = alice.token();
    alice.write(|store, calendar| store.delete_calendar(calendar)).unwrap();
    assert_eq!(outcome(&alice.rows()), "NotFound");
    world.step("again");
    alice.door.write(|store| store.create_calendar("alice", "work", &NewCalendar::default())).unwrap();
    assert!(alice.names().is_empty());
    assert!(matches!(alice.changes(Some(&token), None), Err(Error::InvalidSyncToken)));
    assert_eq!(outcome(&bob.rows()), "NotFound");
    assert!(matches!(alice.door.write(|store| store.create_calendar("alice", "work", &NewCalendar::default())), Err(Error::Exists)));
}

#[test]
fn the_home_s_token_moves_with_what_is_shown_of_its_members_and_with_nothing_else() {
    let world = World::new().users(&["alice", "bob"]);
    let bob = world.door("bob");
    let empty = home_token(&bob, "bob");
    world.share("alice/work", "bob", Level::FreeBusy);
    let mount = world.at_mount("bob").calendar;
    assert_eq!(home_since(&bob, "bob", &empty), (vec![mount.clone()], vec![]));
    let shared = home_token(&bob, "bob");
    let alice = world.at("alice", "alice/work");
    alice.put("a.ics", &event("a", 9, "A", &["TRANSP:TRANSPARENT"])).unwrap();
    assert_eq!(home_token(&bob, "bob"), shared);
    alice.put("b.ics", &event("b", 9, "B", &[])).unwrap();
    assert_eq!(home_since(&bob, "bob", &shared), (vec![mount.clone()], vec![]));
    let now = home_token(&bob, "bob");
    world.unshare("alice/work", "bob");
    assert_eq!(home_since(&bob, "bob", &now), (vec![], vec![mount]));
    assert_eq!(home_token(&bob, "bob"), empty);
    let alices = home_token(&world.door("alice"), "alice");
    let colour = [(PropertyKey::Color, Some("#112233FF".to_owned()))];
    alice
        .write(|store, calendar| {
            let resource = Resource::Calendar(calendar.clone());
            store.update_properties(&PropertyTarget::Resource(&resource), &colour)
        })
        .unwrap();
    assert_eq!(home_since(&world.door("alice"), "alice", &alices), (vec!["work".to_owned()], vec![]));
}

#[test]
fn a_renamed_calendar_keeps_grants_mounts_and_tokens() {
    let world = World::new().users(&["alice", "bob"]);
    world.share("alice/work", "bob", Level::Details);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at_mount("bob"));
    alice.put("a.ics", &event("a", 9, "A", &[])).unwrap();
    let token = bob.token();
    alice
        .write(|store, calendar| match store.resolve("alice", &[])? {
            Resource::Home(home) => store.rename_calendar(calendar, &home, "office"),
            _ => Err(Error::NotFound),
        })
        .unwrap();
    assert_eq!(outcome(&alice.rows()), "NotFound");
    assert_eq!(world.at("alice", "alice/office").names(), ["a.ics"]);
    assert_eq!(bob.token(), token);
}

#[test]
fn people_exist_for_whom_they_share_something_with() {
    let world = World::new().users(&["alice", "bob", "carol", "dan"]);
    world.group("team", &["carol", "bob"]);
    world.share("alice/work", "bob", Level::FreeBusy);
    let visible = |who: &str| {
        let shown = world.door(who).read(|store| store.principals()).unwrap();
        shown.into_iter().map(|principal| principal.name).collect::<Vec<_>>()
    };
    assert_eq!(visible("alice"), ["alice", "bob"]);
    assert_eq!(visible("bob"), ["alice", "bob", "carol", "team"]);
    assert_eq!(visible("carol"), ["bob", "carol", "team"]);
    assert_eq!(visible("dan"), ["dan"]);
    let dan = world.door("dan");
    for name in ["alice", "nobody", "team"] {
        assert!(matches!(dan.read(|store| store.principal(PrincipalKind::User, name)), Err(Error::NotFound)));
        assert_eq!(dan.read(|store| store.ace_principal(PrincipalKind::Group, name)).unwrap(), AcePrincipal::Unknown);
    }
    let bob = world.door("bob").read(|store| store.viewer()).unwrap();
    assert_eq!((bob.addresses, bob.memberships), (vec!["bob@example.org".to_owned()], vec![(PrincipalKind::Group, "team".to_owned())]));
    let alice = world.door("bob").read(|store| store.principal(PrincipalKind::User, "alice")).unwrap();
    assert!(alice.addresses.is_empty() && alice.memberships.is_empty() && !alice.is_viewer);
}

#[test]
fn an_open_directory_shows_everyone() {
    let world = World::with(crate::Limits::default(), Directory::Everyone).users(&["alice", "bob"]);
    world.group("team", &[]);
    let shown = world.door("bob").read(|store| store.principals()).unwrap();
    assert_eq!(shown.len(), 3);
    let alice = world.door("bob").read(|store| store.ace_principal(PrincipalKind::User, "alice")).unwrap();
    assert_eq!(alice, AcePrincipal::Grantee(world.grantee("alice")));
}

#[test]
fn the_acl_method_sets_grants_for_the_owner_alone() {
    let world = World::with(crate::Limits::default(), Directory::Everyone).users(&["alice", "bob", "carol"]);
    world.share("alice/work", "carol", Level::Details);
    let (alice, carol) = (world.at("alice", "alice/work"), world.at("carol", "alice/work"));
    assert!(matches!(carol.read(|store, calendar| store.acl(calendar)), Err(Error::Denied { privilege: Privilege::ReadAcl })));
    assert!(matches!(carol.write(|store, calendar| store.set_acl(calendar, &[])), Err(Error::Denied { privilege: Privilege::WriteAcl })));
    let ace = |name: &str, privilege| Ace {
        principal: AcePrincipal::Grantee(world.grantee(name)),
        privileges: vec![Some(privilege)],
        deny: false,
        protected: false,
    };
    let for_bob = [ace("bob", Privilege::ReadFreeBusy)];
    alice.write(|store, calendar| store.set_acl(calendar, &for_bob)).unwrap();
    assert_eq!(outcome(&carol.rows()), "NotFound");
    assert!(world.at("bob", "alice/work").rows().is_ok());
    let shown = alice.read(|store, calendar| store.acl(calendar)).unwrap();
    assert_eq!(shown[0].subject, AceSubject::Owner);
    assert!(shown[1].is_protected() && !shown[2].is_protected());
    assert_eq!(shown[2].subject, AceSubject::Principal(PrincipalKind::User, "bob".to_owned()));
    assert_eq!(shown[2].privileges, [Privilege::ReadFreeBusy]);
    let unknown = Ace { principal: AcePrincipal::Unknown, ..ace("bob", Privilege::Read) };
    let aces = [unknown];
    let refused = alice.write(|store, calendar| store.set_acl(calendar, &aces));
    assert!(matches!(refused, Err(Error::Ace(AceError::RecognizedPrincipal))));
}

/// The identifier of a home was made of its owner's name, so that whoever came later under that name had it again.
#[test]
fn who_comes_later_under_a_name_has_another_identifier() {
    let world = World::new().users(&["alice", "bob"]);
    let home_id = |world: &World| {
        world.share("alice/work", "bob", Level::Details);
        let read = world.door("bob").read(|store| store.resource_id(Identified::Resource(&store.resolve("alice", &[])?)));
        read.unwrap()
    };
    let first = home_id(&world);
    world.store.administration().remove_user("alice").unwrap();
    world.step("another alice");
    world.store.administration().add_user(&UserEntry { name: "alice".to_owned(), ..UserEntry::default() }).unwrap();
    world.calendar("alice/work");
    assert_ne!(home_id(&world), first);
}
