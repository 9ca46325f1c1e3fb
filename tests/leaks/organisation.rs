//! What the organisation gives: roles, modes, administrators, the calendar module, history. Each as far as policy says, from
//! the next request on, and no further.

use super::synchronizing::Device;
use super::{NOT_PRIVY, PEOPLE, WORK, bodies, cast, event, harvest, plain, store, whole, world_of};
use crate::harness::World;
use std::collections::BTreeMap;
use storage::administration::ApplyFile;
use storage::administration::entry::{ModuleEntry, PolicyEntry, PolicyValue, RoleEntry, RoleExceptionEntry};

fn policy(settings: &[(&str, &str)]) -> ApplyFile {
    let value = |word: &str| match word {
        "true" => PolicyValue::Truth(true),
        "false" => PolicyValue::Truth(false),
        word => PolicyValue::Word(word.to_owned()),
    };
    let settings: BTreeMap<_, _> = settings.iter().map(|(key, word)| ((*key).to_owned(), value(word))).collect();
    ApplyFile { policy: PolicyEntry(settings), ..ApplyFile::default() }
}

fn module(user: &str, role: &str) -> ApplyFile {
    let entry = ModuleEntry { user: Some(user.into()), role: role.into(), ..ModuleEntry::default() };
    ApplyFile { modules: vec![entry], ..ApplyFile::default() }
}

/// alice is a clerk, whose superior is the chief; each role with these members besides.
fn roles(chief: &[&str], clerks: &[&str], interns: &[&str]) -> ApplyFile {
    let role = |name: &str, above: Option<&str>, members: &[&str]| RoleEntry {
        name: name.into(),
        reports_to: above.map(str::to_owned),
        members: members.iter().map(|name| (*name).to_owned()).collect(),
    };
    let clerks: Vec<&str> = clerks.iter().copied().chain(["alice"]).collect();
    let roles = vec![role("chief", None, chief), role("clerk", Some("chief"), &clerks), role("intern", Some("clerk"), interns)];
    ApplyFile { roles, ..ApplyFile::default() }
}

fn events() -> [(&'static str, String); 2] {
    [("u.ics", event("u", "SUMMARY:open-106\nDESCRIPTION:open-106")), ("p.ics", event("p", "SUMMARY:private-106\nCLASS:PRIVATE"))]
}

fn sees(world: &World, name: &str) -> [bool; 2] {
    let all = plain(&harvest(world, name));
    ["open-106", "private-106"].map(|word| all.contains(word))
}

#[test]
fn leak_106_an_administrator_reads_what_policy_gives_him_and_sets_no_shares() {
    let mut world = world_of(&events());
    world.organise(&module("stranger", "admin"));
    let stranger = world.client("stranger");
    for (content, expected) in [("none", [false, false]), ("break-glass", [false, false]), ("full", [true, true]), ("none", [false, false])]
    {
        world.organise(&policy(&[("admin_content", content)]));
        assert_eq!(sees(&world, "stranger"), expected, "{content}");
        let reached = content == "full";
        for (method, path, body) in [
            ("ACL", WORK.to_owned(), "<D:acl xmlns:D=\"DAV:\"/>"),
            ("DELETE", WORK.to_owned(), ""),
            ("GET", "/api/v1/calendars/alice/canary-k-work/grants".to_owned(), ""),
            ("PUT", "/api/v1/calendars/alice/canary-k-work/grants/everyone".to_owned(), "{\"level\":\"details\"}"),
            ("GET", "/api/v1/calendars/alice/canary-k-work/journal".to_owned(), ""),
            ("POST", "/api/v1/links".to_owned(), "{\"calendar\":\"alice/canary-k-work\",\"level\":\"details\"}"),
        ] {
            let answer = stranger.send(method, &path, &[("content-type", "application/json")], body);
            assert!([403, 404].contains(&answer.status), "{content} {method} {path}: {}", answer.status);
            assert!(reached || answer.status == 404, "{content} {method} {path}: {}", answer.status);
        }
        assert_eq!(sees(&world, "busy"), [false, false], "to others nothing changed");
    }
    // With a reason he sees one calendar for an hour, and its owner reads the reason.
    world.organise(&policy(&[("admin_content", "break-glass")]));
    let administration = |world: &World| world.store.administration();
    administration(&world).break_glass("alice", "canary-k-work", "stranger", "reason-106").unwrap();
    assert_eq!(sees(&world, "stranger"), [true, true]);
    assert_eq!(stranger.get("/dav/calendars/alice/default/").status, 404, "no other calendar");
    let journal = world.client("alice").api("GET", "calendars/alice/canary-k-work/journal", "").body;
    assert!(journal.contains("reason-106") && !harvest(&world, "details").contains("reason-106"), "{journal}");
    world.pass(chrono::TimeDelta::minutes(60));
    assert_eq!(sees(&world, "stranger"), [false, false]);
    for name in ["busy", "edit", "delegate", "alice"] {
        assert!(administration(&world).break_glass("alice", "canary-k-work", name, "reason").is_err(), "{name}");
    }
    world.organise(&policy(&[("admin_content", "none")]));
    assert!(administration(&world).break_glass("alice", "canary-k-work", "stranger", "reason").is_err());
    // A place in the module is nothing that one gives oneself.
    for person in PEOPLE.iter().filter(|person| person.name != "stranger") {
        let answer = world.client(person.name).api("PUT", "policy", "{\"policy\":{\"mode\":\"public-edit\"}}");
        assert!([403, 404].contains(&answer.status), "{}: {}", person.name, answer.status);
    }
    assert_eq!(sees(&world, "stranger"), [false, false]);
}

#[test]
fn leak_106_to_whom_the_module_is_denied_there_is_none() {
    let mut world = world_of(&events());
    for name in ["details", "delegate", "edit-delete"] {
        let before = harvest(&world, name);
        assert!(before.contains("open-106"));
        world.organise(&module(name, "denied"));
        let client = world.client(name);
        let denied = harvest(&world, name);
        assert!(!denied.contains("-106") && !denied.replace(WORK, "").contains("alice"), "{name}: {denied}");
        for path in [WORK, "/dav/calendars/alice/", &format!("{WORK}u.ics"), "/dav/freebusy/alice", "/dav/principals/users/alice/"] {
            let (there, absent) = (client.get(path), client.get(&path.replace("alice", "alicf")));
            assert_eq!(whole(&there).replace("alice", "x"), whole(&absent).replace("alicf", "x"), "{name} {path}");
        }
        world.organise(&module(name, "inherit"));
        assert_eq!(harvest(&world, name), before, "{name}: all is back");
    }
}

#[test]
fn leak_31_what_the_organisation_no_longer_gives_is_taken_back() {
    let exception = |permission: &str| ApplyFile {
        role_exceptions: vec![RoleExceptionEntry {
            owner_role: "clerk".into(),
            viewer_role: "intern".into(),
            permission: permission.into(),
        }],
        ..ApplyFile::default()
    };
    // What gives, what takes it away again, and to whom.
    let cases: [(&str, Vec<ApplyFile>, ApplyFile); 7] = [
        ("stranger", vec![policy(&[("mode", "public-read")])], policy(&[("mode", "off")])),
        ("stranger", vec![policy(&[("mode", "private")]), roles(&["stranger"], &[], &[])], roles(&[], &[], &["stranger"])),
        ("stranger", vec![policy(&[("mode", "private")]), roles(&["stranger"], &[], &[])], policy(&[("mode", "off")])),
        ("stranger", vec![policy(&[("mode", "private")]), roles(&[], &[], &["stranger"]), exception("read")], exception("none")),
        ("stranger", vec![module("stranger", "admin"), policy(&[("admin_content", "full")])], policy(&[("admin_content", "none")])),
        ("details", vec![], policy(&[("cap_outside_group", "titles")])),
        ("member", vec![], policy(&[("cap_group", "free-busy")])),
    ];
    for (name, gives, takes) in cases {
        let mut world = world_of(&events());
        gives.iter().for_each(|file| world.organise(file));
        let client = world.client(name);
        let mut device = Device::default();
        device.sync(&client);
        assert!(device.holds("DESCRIPTION:open-106"), "{name} {gives:?}");
        world.organise(&takes);
        device.sync(&client);
        assert!(!device.holds("DESCRIPTION:open-106"), "{name} {takes:?}: the copy stayed");
        let mut fresh = Device::default();
        fresh.sync(&client);
        assert_eq!(device.kept, fresh.kept, "{name} {takes:?}");
    }
}

#[test]
fn leak_31_whom_the_owner_no_longer_invites_has_no_copy_left() {
    let world = cast::world();
    let with = |attendee: &str| event("u", &format!("SUMMARY:Talk\nDESCRIPTION:notes-31{attendee}"));
    let put = |text: &str| assert!([201, 204].contains(&world.client("alice").put(&format!("{WORK}u.ics"), text).status));
    put(&with("\nATTENDEE:mailto:busy@example.org"));
    let client = world.client("busy");
    let mut device = Device::default();
    device.sync(&client);
    assert!(device.holds("notes-31"), "{:?}", device.kept);
    put(&with(""));
    device.sync(&client);
    assert!(!device.holds("notes-31") && device.kept.len() == 1, "{:?}", device.kept);
}

/// An invitation by whomever: by the owner it shows one event to one guest, by anybody else nothing to anybody.
#[test]
fn leak_62_only_the_owners_own_hand_invites() {
    for (writer, shows) in [("alice", true), ("edit", false), ("edit-delete", false), ("delegate", false)] {
        let world = world_of(&[("u.ics", event("u", "SUMMARY:Talk\nDESCRIPTION:notes-62"))]);
        let client = world.client(writer);
        for address in ["busy@example.org", "BUSY@Example.Org", "stranger@example.org", "busy@example.org.evil.example"] {
            let attendee = format!("\nATTENDEE;PARTSTAT=ACCEPTED:MAILTO:{address}");
            let path = format!("{WORK}u.ics");
            assert_eq!(client.put(&path, &event("u", &format!("SUMMARY:Talk\nDESCRIPTION:notes-62{attendee}"))).status, 204);
            let invited = address.eq_ignore_ascii_case("busy@example.org") && shows;
            assert_eq!(harvest(&world, "busy").contains("notes-62"), invited, "{writer} {address}");
            for name in ["stranger", "paused", "titles"] {
                assert!(!harvest(&world, name).contains("notes-62"), "{writer} {address} {name}");
            }
        }
    }
}

#[test]
fn leak_83_the_hierarchy_of_roles_is_told_to_nobody() {
    let ask = |world: &World, name: &str| {
        let client = world.client(name);
        let all: String = ["chief", "clerk", "intern", "nothing"]
            .iter()
            .flat_map(|role| {
                let path = format!("/dav/principals/roles/{role}/");
                let asked = "<D:group-member-set/><D:group-membership/><D:displayname/><D:principal-URL/>";
                [
                    client.propfind(&path, "0", asked),
                    client.send("REPORT", &path, &[("depth", "0")], "<D:expand-property xmlns:D=\"DAV:\"/>"),
                ]
            })
            .map(|answer| whole(&answer))
            .collect();
        all + &whole(&client.propfind("/dav/principals/", "1", "<D:displayname/>")) + &harvest(world, name)
    };
    for mode in ["off", "private"] {
        let worlds = [roles(&["delegate"], &["edit"], &["busy"]), roles(&["edit"], &["delegate"], &["busy"])].map(|roles| {
            let mut world = world_of(&events());
            world.organise(&policy(&[("mode", mode)]));
            world.organise(&roles);
            world
        });
        for name in ["busy", "titles", "details", "stranger", "paused"] {
            let [one, other] = worlds.each_ref().map(|world| ask(world, name));
            assert_eq!(one, other, "{name} in mode {mode}");
            for known in ["delegate", "edit"] {
                let told = one.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == known);
                assert!(!told, "{name} is told of {known} in mode {mode}");
            }
        }
    }
}

/// What was is nothing to anybody but the owner, whose history and trash nobody else can ask for.
#[test]
fn leak_94_what_was_written_before_is_the_owners_to_know() {
    let before = ("u.ics", event("u", "SUMMARY:secret-94\nDESCRIPTION:secret-94"));
    let after = || ("u.ics", event("u", "SUMMARY:Talk"));
    let gone = ("z.ics", event("z", "SUMMARY:secret-94"));
    let loud = world_of(&[before, gone.clone()]);
    store(&loud, &[after()]);
    assert_eq!(loud.client("alice").delete(&format!("{WORK}z.ics")).status, 204);
    let quiet = world_of(&[after()]);
    for name in NOT_PRIVY {
        let (one, other) = (harvest(&loud, name), harvest(&quiet, name));
        // Tokens name states, and there were others: nothing else is different.
        let still = |text: &str| text.lines().filter(|line| !line.contains("data:,")).map(str::to_owned).collect::<Vec<_>>();
        assert!(!one.contains("secret-94") && bodies_alike(&loud, &quiet, name), "{name}");
        assert_eq!(still(&one).len(), still(&other).len(), "{name}");
    }
    let versions = loud.store.administration().object_history("alice", "canary-k-work", "u.ics").unwrap();
    assert!(format!("{versions:?}").contains("alice"), "there is something to be kept from others");
    for person in PEOPLE.iter().skip(1) {
        let client = loud.client(person.name);
        for path in ["history", "history/u.ics", "trash", "journal", "journal?since=2026-01-01"] {
            let answer = client.api("GET", &format!("calendars/alice/canary-k-work/{path}"), "");
            // Who has the calendar is told that this is not his; to others there is nothing.
            assert!(answer.status == 404 || (answer.status == 403 && person.reaches()), "{} {path}: {}", person.name, answer.status);
            let quietly = quiet.client(person.name).api("GET", &format!("calendars/alice/canary-k-work/{path}"), "");
            assert_eq!(answer, quietly, "{} {path}", person.name);
        }
        for path in
            [format!("{WORK}u.ics?version=1"), format!("{WORK}.trash/"), format!("{WORK}z.ics"), "/dav/calendars/alice/.trash/".into()]
        {
            assert!(!client.get(&path).body.contains("secret-94"), "{} {path}", person.name);
        }
    }
    // What comes back comes back as private as it was.
    let alice = loud.client("alice");
    assert_eq!(alice.put(&format!("{WORK}p.ics"), &event("p", "SUMMARY:private-94\nCLASS:PRIVATE")).status, 201);
    assert_eq!(alice.delete(&format!("{WORK}p.ics")).status, 204);
    loud.store.administration().restore_object("alice", "canary-k-work", "p.ics", None).unwrap();
    for name in NOT_PRIVY {
        assert!(!harvest(&loud, name).contains("private-94"), "{name}");
    }
    assert!(harvest(&loud, "alice").contains("private-94"));
}

fn bodies_alike(one: &World, other: &World, name: &str) -> bool {
    let all = |world: &World| {
        let client = world.client(name);
        if client.get(WORK).status == 200 { bodies(&client, WORK) } else { BTreeMap::new() }
    };
    all(one) == all(other)
}
