//! Whatever changes (levels, ends of grants, groups, policies, privacy, names of calendars, events themselves), a device that
//! synchronises with any token it was ever given comes to what a fresh device gets, by every way of synchronising; and what
//! did not change for a viewer moves nothing of his.

mod device;
mod scene;

use crate::harness::cast::{self, Item};
use device::{DEVICES, Device, Way};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use scene::{Content, Event, Place, SLOTS, Scene, USERS, event};
use std::cell::Cell;

#[derive(Default)]
struct Counts {
    syncs: Cell<usize>,
    objects: Cell<usize>,
    earlier: Cell<usize>,
    unmoved: Cell<usize>,
    gone: Cell<usize>,
    refused: Cell<usize>,
}

fn add(cell: &Cell<usize>, number: usize) {
    cell.set(cell.get() + number);
}

fn check(scene: &Scene, device: &Device, what: &str, counts: &Counts) -> Result<(), TestCaseError> {
    let fresh = scene.fresh(device.user, device.place);
    if fresh.is_none() {
        add(&counts.gone, 1);
    }
    let fresh = fresh.unwrap_or_default().0;
    add(&counts.syncs, 1);
    add(&counts.objects, fresh.len());
    prop_assert_eq!(&device.content, &fresh, "{} by {:?} at {:?}, {}", USERS[device.user], device.way, device.place, what);
    Ok(())
}

/// What moved for a viewer is what changed for him, and nothing else.
fn check_motion(
    before: &[Option<(Content, String)>],
    after: &[Option<(Content, String)>],
    event: &Event,
    counts: &Counts,
) -> Result<(), TestCaseError> {
    for (user, (before, after)) in before.iter().zip(after).enumerate() {
        let (Some((old, old_tag)), Some((new, new_tag))) = (before, after) else { continue };
        // A refused write marks the object for whoever tried.
        let wrote =
            matches!(event, Event::Put { user: by, .. } | Event::Delete { user: by, .. } | Event::Alarm { user: by, .. } if *by == user);
        for (name, (etag, body)) in new {
            if let Some((old_etag, old_body)) = old.get(name) {
                prop_assert!(wrote || (etag == old_etag) == (body == old_body), "{}: {name} {etag} {old_etag}\n{body}", USERS[user]);
                prop_assert!(body == old_body || etag != old_etag, "{}: {name} changed under one tag", USERS[user]);
            }
        }
        // A calendar that was away is another one to every token.
        let was_away = matches!(event, Event::DeleteCalendarAndRestore);
        prop_assert_eq!(old == new && !was_away, old_tag == new_tag, "{}: the tag of the calendar, {:?}", USERS[user], event);
        add(&counts.unmoved, usize::from(old == new));
    }
    Ok(())
}

fn run(items: &[Item], events: &[Event], counts: &Counts) -> Result<(), TestCaseError> {
    // A third of the histories happen where little is remembered: of old tokens, of removed names, of views.
    let defaults = storage::Limits::default();
    let limits = match events.len() % 3 {
        0 => storage::Limits { sync_states_max: 2, removed_names_max: 1, views_cached_max: 1, ..defaults },
        _ => defaults,
    };
    let mut scene = Scene::new(items, limits);
    let mut devices: Vec<Device> = (0..DEVICES).map(Device::new).collect();
    for slot in 0..SLOTS {
        scene.write(&Event::Put { user: 0, slot, text: slot * 4 + 1 });
    }
    let all = |scene: &Scene| (0..USERS.len()).map(|user| scene.fresh(user, Place::Owner)).collect::<Vec<_>>();
    // Views move on when they are looked at: half of the histories are left alone between a device's own looks.
    let watched = events.len().is_multiple_of(2);
    let mut before = if watched { all(&scene) } else { Vec::new() };
    for event in events {
        if let Event::Sync { device, old, limit } = event {
            let device = &mut devices[*device];
            device.sync(&scene, *limit);
            check(&scene, device, "now", counts)?;
            if let Some(old) = old.filter(|_| !device.earlier.is_empty()) {
                let mut restored = device.clone();
                (restored.token, restored.home_token, restored.content) = device.earlier[old % device.earlier.len()].clone();
                restored.sync(&scene, *limit);
                add(&counts.refused, restored.refused - device.refused);
                check(&scene, &restored, "from an earlier state", counts)?;
                add(&counts.earlier, 1);
            }
            continue;
        }
        let renamed = scene.renamed;
        scene.happen(event);
        if scene.renamed != renamed {
            // At the owner's path it is another collection now.
            for device in devices.iter_mut().filter(|device| device.place == Place::Owner || device.user == 0) {
                *device = Device {
                    content: Content::new(),
                    token: String::new(),
                    home_token: String::new(),
                    earlier: Vec::new(),
                    ..device.clone()
                };
            }
        }
        if watched {
            let after = all(&scene);
            check_motion(&before, &after, event, counts)?;
            before = after;
        }
    }
    for device in &mut devices {
        device.sync(&scene, None);
        add(&counts.refused, device.refused);
        check(&scene, device, "at last", counts)?;
    }
    // A token names nothing to another person, and nothing in another calendar.
    for device in devices.iter().filter(|device| device.way == Way::Tokens && !device.token.is_empty()) {
        for user in (0..USERS.len()).filter(|user| *user != device.user) {
            let foreign = scene.client(user).sync(&format!("/dav/calendars/{}/default/", USERS[user]), &device.token);
            prop_assert_eq!(foreign.map_err(|refused| refused.status).err(), Some(403));
            if let Some((fresh, _)) = scene.fresh(user, Place::Owner) {
                let mut borrowed = Device { user, place: Place::Owner, ..device.clone() };
                borrowed.by_tokens(&scene.client(user), &scene.path(user, Place::Owner), None);
                prop_assert_eq!(&borrowed.content, &fresh, "with another's token");
            }
        }
    }
    prop_assert_eq!(scene.world.faults(), Vec::<String>::new());
    Ok(())
}

#[test]
pub fn every_device_comes_to_what_a_fresh_one_gets_after_any_history() {
    let items = cast::items(3, 1, 40);
    let counts = Counts::default();
    // A history in which a saboteur was noticed need not be made smaller.
    let max_shrink_iters = if crate::harness::saboteur::is_present() { 0 } else { 300 };
    let config = Config { cases: 14, failure_persistence: None, max_shrink_iters, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]));
    let outcome = runner.run(&prop::collection::vec(event(), 40..80), |events| run(&items, &events, &counts));
    println!(
        "{} synchronisations by {DEVICES} devices compared {} objects; {} began at an earlier state, {} found nothing left, {} a token refused; {} views did not move",
        counts.syncs.get(),
        counts.objects.get(),
        counts.earlier.get(),
        counts.gone.get(),
        counts.refused.get(),
        counts.unmoved.get(),
    );
    outcome.unwrap();
    assert!(
        counts.syncs.get() > 300
            && counts.objects.get() > 700
            && counts.earlier.get() > 20
            && counts.unmoved.get() > 200
            && counts.gone.get() > 10
            && counts.refused.get() > 0
    );
}
