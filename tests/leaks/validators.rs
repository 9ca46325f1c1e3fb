//! Tags, tokens and counters: none can be computed from a guess at what is hidden, and none moves because it changed.

use super::{NOT_PRIVY, WORK, event, harvest, only, store, world_of};
use crate::harness::World;
use crate::harness::cast;

/// Tags and tokens that one person is shown.
fn validators(world: &World, name: &str) -> Vec<String> {
    let client = world.client(name);
    let asked = "<D:getetag/><CS:getctag/><D:sync-token/><C:schedule-tag/>";
    let all = client.propfind(WORK, "1", asked).multistatus();
    all.into_iter().flat_map(|(href, member)| std::iter::once(href).chain(member.properties.into_values())).collect()
}

#[test]
pub fn leak_22_a_tag_is_of_what_is_shown_and_cannot_be_computed_from_a_guess() {
    let with = |note: &str| event("u", &format!("SUMMARY:Talk\nDESCRIPTION:{note}"));
    let world = world_of(&[("u.ics", with("one"))]);
    let tags = |world: &World| ["busy", "titles", "details"].map(|name| world.client(name).etags(WORK).into_values().next().unwrap());
    let [busy, titles, details] = tags(&world);
    assert!(busy != titles && titles != details);
    store(&world, &[("u.ics", with("another"))]);
    let after = tags(&world);
    assert_eq!([&after[0], &after[1]], [&busy, &titles], "who sees no notes sees no change");
    assert_ne!(after[2], details);
    // The same bytes in another calendar and in another store have other tags: each is keyed.
    let other = cast::world().calendar("alice/second").share("alice/second", "details", acl::Level::Details);
    let second = "/dav/calendars/alice/second/";
    assert_eq!(other.client("alice").put(&format!("{second}u.ics"), &with("another")).status, 201);
    let elsewhere = other.client("details").etags(second).into_values().next().unwrap();
    assert_ne!(elsewhere, after[2]);
    let served = only(&world.client("details")).1;
    let digest = blake3::hash(served.as_bytes());
    assert!(!after[2].contains(&digest.to_hex().as_str()[..16]));
    let mut worlds = [0, 1].map(|number| World::with_keys(&format!("store {number}")).user("alice"));
    let tags = worlds.each_mut().map(|world| {
        world.step("put");
        let alice = world.client("alice");
        assert_eq!(alice.put("/dav/calendars/alice/default/u.ics", &with("one")).status, 201);
        alice.etags("/dav/calendars/alice/default/").into_values().next().unwrap()
    });
    assert_ne!(tags[0], tags[1]);
}

#[test]
pub fn leak_23_what_is_hidden_moves_no_tag_and_no_token() {
    let talk = || ("u.ics", event("u", "SUMMARY:Talk"));
    let secret = |note: &str| event("z", &format!("CLASS:PRIVATE\nTRANSP:TRANSPARENT\nSUMMARY:{note}"));
    let world = world_of(&[talk(), ("z.ics", secret("one"))]);
    let people = ["busy", "titles", "places", "details", "discreet", "assign", "edit"];
    let before = people.map(|name| validators(&world, name));
    let own = validators(&world, "alice");
    for note in ["two", "three", "four"] {
        store(&world, &[("z.ics", secret(note))]);
        assert_eq!(
            world.client("alice").put(&format!("{WORK}{note}.ics"), &secret(note).replace("UID:z", &format!("UID:{note}"))).status,
            201
        );
        assert_eq!(world.client("alice").delete(&format!("{WORK}{note}.ics")).status, 204);
    }
    // To an editor what is withheld beside what he may edit is a free block: that one moves nothing either.
    assert_eq!(before, people.map(|name| validators(&world, name)));
    assert_ne!(own, validators(&world, "alice"));
    // After a change that is shown, the token does not tell how many there were before it that are not.
    let quiet = world_of(&[talk(), ("z.ics", secret("one"))]);
    for world in [&world, &quiet] {
        store(world, &[("u.ics", event("u", "SUMMARY:Talk\nTRANSP:OPAQUE").replace("T100000Z", "T110000Z"))]);
    }
    let mut moved = 0;
    for (name, old) in people.iter().zip(&before) {
        let [loud, quiet] = [&world, &quiet].map(|world| validators(world, name));
        assert_eq!(loud, quiet, "{name}");
        moved += usize::from(loud != *old);
    }
    assert_eq!(moved, people.len());
    for name in NOT_PRIVY {
        assert!(!harvest(&world, name).contains("schedule-tag>\""), "{name}");
    }
}

#[test]
fn leak_23_tokens_tell_no_order_and_are_nobody_elses() {
    let world = world_of(&[]);
    let mut tokens = Vec::new();
    for number in 0..12 {
        store(&world, &[(&format!("{number}.ics"), event(&format!("u{number}"), "SUMMARY:Talk"))]);
        tokens.push(["busy", "details", "alice"].map(|name| world.client(name).sync_token(WORK)));
    }
    let all: std::collections::BTreeSet<&String> = tokens.iter().flatten().collect();
    assert_eq!(all.len(), 36, "each state of each view has a token of its own");
    for person in 0..3 {
        let of: Vec<&String> = tokens.iter().map(|all| &all[person]).collect();
        let rising = of.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((2..10).contains(&rising), "they do not count: {of:?}");
        let lengths: std::collections::BTreeSet<usize> = of.iter().map(|token| token.len()).collect();
        assert_eq!(lengths.len(), 1, "{of:?}");
        // No two share more than their form.
        let (one, other) = (of[0].as_bytes(), of[1].as_bytes());
        let same = one.iter().zip(other).skip(6).filter(|(one, other)| one == other).count();
        assert!(same * 3 < one.len(), "{of:?}");
    }
}
