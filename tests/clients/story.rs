//! What happens to a shared calendar, and what each person sees of it on the device after that: the owner on her second one,
//! a grantee of every level on his. The same stories for every client.

use super::Traits;
use super::device::{May, Program};
use super::stage::{ODD, PEOPLE, Plan, Stage, WORK, event, shown};
use acl::{Level, PrivateEvents};
use std::collections::BTreeMap;

pub fn first_look(stage: &mut Stage) {
    for seat in &stage.seats {
        let (device, who) = (&seat.device, format!("{} of {}", stage.program, seat.user));
        let work = device.work().expect("the calendar");
        let home = format!("/dav/calendars/{}/", seat.user);
        assert!(work.starts_with(&home), "{who}: everything stands in his one home");
        assert_eq!(device.account().shelves.len(), 2, "{who}");
        let name = &device.account().shelf(&work).name;
        let named = if matches!(seat.level, Some(Level::FreeBusy | Level::Titles)) { "Name of alice" } else { "work" };
        assert_eq!(name, named, "{who}");
        let may = match seat.level {
            None | Some(Level::EditDelete) => May::ALL,
            Some(Level::Edit) => stage.traits.edit,
            Some(_) => stage.traits.look,
        };
        assert_eq!(device.may(), may, "{who}");
    }
}

/// What was asked for, by method; whether events came down.
fn asked(device: &mut dyn Program) -> (BTreeMap<String, usize>, bool) {
    let mut methods = BTreeMap::new();
    let mut fetched = false;
    for (method, _, _, bodies) in device.take_asked() {
        *methods.entry(method).or_default() += 1;
        fetched |= bodies;
    }
    (methods, fetched)
}

pub fn polling(stage: &mut Stage) {
    stage.refresh();
    for seat in &mut stage.seats {
        asked(seat.device.as_mut());
    }
    stage.refresh();
    for seat in &mut stage.seats {
        let (methods, fetched) = asked(seat.device.as_mut());
        assert!(!fetched, "{} of {} fetched what it has", stage.program, seat.user);
        assert!(!methods.contains_key("PUT") && methods.values().sum::<usize>() <= 6, "{} of {}: {methods:?}", stage.program, seat.user);
    }
    // Words that only some may read, a title that others may read too, and an alarm, which is hers alone.
    let alarm = "DESCRIPTION:Agenda\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:Soon\r\nEND:VALARM\r\n";
    for (text, reached) in [
        (event("review", "Design review", 8, "DESCRIPTION:Agenda\r\n"), Some(Level::Details)),
        (event("review", "Planning", 8, "DESCRIPTION:Agenda\r\n"), Some(Level::Titles)),
        (event("review", "Planning", 8, alarm), None),
    ] {
        assert_eq!(stage.alice.put(&format!("{WORK}review.ics"), &text).status, 204);
        stage.refresh();
        for seat in &mut stage.seats {
            let expected = seat.level.is_none_or(|level| reached.is_some_and(|reached| level >= reached));
            assert_eq!(asked(seat.device.as_mut()).1, expected, "{} of {}", stage.program, seat.user);
        }
    }
    stage.plans.get_mut("review").unwrap().title = "Planning".into();
    stage.check("after words changed");
}

pub fn owner_writes(stage: &mut Stage) {
    stage.plans.insert(ODD, Plan { title: "Retrospective".into(), private: false, free: false, hour: 15 });
    stage.write(ODD);
    stage.plans.get_mut("review").unwrap().title = "Planning".into();
    stage.write("review");
    stage.refresh();
    stage.check("after one came and one changed");
    assert_eq!(stage.alice.delete(&format!("{WORK}{ODD}.ics")).status, 204);
    stage.plans.remove(ODD);
    stage.plans.get_mut("holiday").unwrap().free = false;
    stage.write("holiday");
    stage.refresh();
    stage.check("after one went and one became busy");
    // A dozen at once: more than some fetch in one go.
    for (number, name) in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"].into_iter().enumerate() {
        let hour = u32::try_from(number).unwrap();
        stage.plans.insert(name, Plan { title: format!("Slot {name}"), private: hour.is_multiple_of(2), free: false, hour });
        stage.write(name);
    }
    stage.refresh();
    stage.check("after twelve came");
}

pub fn everybody_writes(stage: &mut Stage) {
    for (number, (user, level)) in PEOPLE.iter().enumerate() {
        let who = format!("{} of {user}", stage.program);
        let device = stage.seats[number].device.as_mut();
        let (work, title) = (device.work().unwrap(), format!("By {user}"));
        let (href, text) = (format!("{work}{user}-1.ics"), event(&format!("{user}-1"), &title, 14, ""));
        device.take_asked();
        if level.is_some_and(|level| level < Level::Edit) {
            if device.may() == May::LOOK {
                assert!(
                    !device.retitle("Public holiday", "Mine") && !device.discard("Public holiday") && device.take_asked().is_empty(),
                    "{who}"
                );
            } else {
                // It looks at no privileges and finds out by asking.
                let says = |traits: &Traits| traits.says_refusals;
                refused(stage, user, "a new event", says, |device| {
                    device.save(&work, &href, &text);
                    true
                });
                refused(stage, user, "a new title", says, |device| device.retitle("Public holiday", "Mine"));
                refused(stage, user, "a deletion", says, |device| device.discard("Public holiday"));
            }
            continue;
        }
        device.save(&work, &href, &text);
        stage.plans.insert(user, Plan { title, private: false, free: false, hour: 14 });
        stage.refresh();
        stage.check(&format!("after {user} made one"));
        assert!(stage.stored().contains_key(&format!("{WORK}{user}-1.ics")), "{who}: under the name it gave");
        let (old, new) = (stage.plans["review"].title.clone(), format!("Review by {user}"));
        assert!(stage.seats[number].device.retitle(&old, &new), "{who}");
        stage.plans.get_mut("review").unwrap().title = new;
        stage.refresh();
        stage.check(&format!("after {user} changed one"));
        if *level != Some(Level::Edit) {
            assert!(stage.seats[number].device.discard(&format!("By {user}")), "{who}");
            stage.plans.remove(user);
            stage.refresh();
            stage.check(&format!("after {user} deleted one"));
        }
    }
}

/// What the owner has after somebody's program sent what he had no right to: the same bytes. And what he has himself, once his
/// program has looked again: what he had before, once.
fn refused(stage: &mut Stage, user: &str, what: &str, dialogs_of: impl Fn(&Traits) -> bool, act: impl FnOnce(&mut dyn Program) -> bool) {
    let before = stage.stored();
    let who = format!("{} of {user}: {what}", stage.program);
    let expects_dialog = dialogs_of(&stage.traits);
    let seat = stage.seats.iter_mut().find(|seat| seat.user == user).unwrap();
    seat.device.take_asked();
    let sent = act(seat.device.as_mut());
    let statuses: Vec<u16> = seat
        .device
        .take_asked()
        .iter()
        .filter(|(method, ..)| method == "PUT" || method == "DELETE")
        .map(|(_, _, status, _)| *status)
        .collect();
    assert_eq!(statuses.contains(&403), sent, "{who}: {statuses:?}");
    assert_eq!(!seat.device.take_dialogs().is_empty(), sent && expects_dialog, "{who}: dialogs");
    for _ in 0..2 {
        seat.device.refresh();
    }
    // What was said again while it tried again was said before.
    seat.device.take_dialogs();
    assert_eq!(before, stage.stored(), "{who}: the owner's bytes");
    stage.refresh();
    stage.check(&format!("after {what} by {user} was refused"));
    let seat = stage.seats.iter_mut().find(|seat| seat.user == user).unwrap();
    seat.device.take_asked();
    seat.device.refresh();
    let again = seat.device.take_asked();
    assert!(!again.iter().any(|(method, ..)| method == "PUT" || method == "DELETE"), "{who}: it goes on trying: {again:?}");
}

pub fn refused_writes(stage: &mut Stage) {
    let says = |traits: &Traits| traits.says_refusals;
    for user in ["edit", "edit-delete"] {
        // No client knows that one event in a calendar is not to be written.
        refused(stage, user, "a new title for a private event", says, |device| device.retitle("Private event", "Mine"));
        refused(stage, user, "a new title for a series with a private instance", says, |device| device.retitle("Stand-up", "Mine"));
        refused(stage, user, "the deletion of a private event", says, |device| device.discard("Private event"));
    }
    refused(stage, "edit", "the deletion of an event", says, |device| device.discard("Design review"));
    // The level falls while a program that read the privileges before has them still.
    stage.level("edit-delete", Level::Details);
    stage.level("edit", Level::Details);
    refused(stage, "edit-delete", "a new title after the level fell", says, |device| device.retitle("Design review", "Mine"));
    refused(stage, "edit", "a deletion after the level fell", says, |device| device.discard("Design review"));
}

pub fn unknown_tokens(stage: &mut Stage) {
    stage.plans.get_mut("review").unwrap().title = "Retitled".into();
    stage.write("review");
    assert_eq!(stage.alice.delete(&format!("{WORK}holiday.ics")).status, 204);
    stage.plans.remove("holiday");
    for seat in &mut stage.seats {
        let account = seat.device.account_mut();
        // From the other calendar: as good as any, and not of this one.
        let other = account.shelves.iter().find(|(href, _)| href.ends_with("/default/")).map(|(_, shelf)| shelf.state.clone()).unwrap();
        assert!(other.contains(':') || stage.traits.compares_tags, "{}: {other}", stage.program);
        for shelf in account.shelves.values_mut() {
            shelf.state.clone_from(&other);
        }
    }
    stage.refresh();
    stage.check("after tokens went bad");
}

pub fn levels(stage: &mut Stage) {
    use Level::{Details, Edit, EditDelete, FreeBusy, None, Titles};
    for levels in [
        [Titles, Details, Edit, EditDelete, FreeBusy],
        [FreeBusy, EditDelete, Titles, Details, Edit],
        [EditDelete, Titles, EditDelete, FreeBusy, Titles],
    ] {
        for ((user, _), level) in PEOPLE[1..].iter().zip(levels) {
            stage.level(user, level);
        }
        stage.refresh();
        stage.check(&format!("after levels became {levels:?}"));
        for seat in &mut stage.seats {
            seat.device.reopen();
        }
        stage.check(&format!("at the next start with {levels:?}"));
        for seat in stage.seats.iter().skip(1) {
            let may = seat.device.may();
            let writes = seat.level >= Some(Edit);
            // Thunderbird marks a calendar read-only and never again writable.
            assert!(if writes { may.edit || stage.traits.stays_read_only } else { may == stage.traits.look }, "{} {may:?}", stage.program);
        }
    }
    // Paused: the calendar is gone with everything in it. Then it is what it was.
    let before: Vec<_> = stage.seats.iter().map(|seat| (seat.level, seat.device.work())).collect();
    for (user, _) in &PEOPLE[1..] {
        stage.level(user, None);
    }
    stage.refresh();
    for seat in &mut stage.seats {
        seat.device.reopen();
        seat.device.take_dialogs();
        assert_eq!(seat.device.work().is_none(), seat.level.is_some(), "{} of {}", stage.program, seat.user);
    }
    for (number, (level, _)) in before.iter().enumerate().skip(1) {
        stage.level(PEOPLE[number].0, level.unwrap());
    }
    for seat in &mut stage.seats {
        seat.device.reopen();
    }
    stage.check("after the pause");
    assert_eq!(before, stage.seats.iter().map(|seat| (seat.level, seat.device.work())).collect::<Vec<_>>(), "under the same names");
}

pub fn privacy(stage: &mut Stage) {
    stage.plans.get_mut("review").unwrap().private = true;
    stage.write("review");
    stage.refresh();
    stage.check("after one became private");
    // Private events are nothing to anybody any more; then busy time again.
    stage.policy(PrivateEvents::Hidden);
    stage.refresh();
    for seat in &mut stage.seats {
        let mut expected = match seat.level {
            None => vec!["Dentist", "Design review", "Public holiday", "Stand-up", "Therapy"],
            Some(Level::FreeBusy) => vec!["Busy"],
            // Beside an instance that may be edited none is hidden: it would be written over.
            Some(Level::Edit | Level::EditDelete) => vec!["Private event", "Public holiday", "Stand-up"],
            Some(_) => vec!["Public holiday", "Stand-up"],
        };
        expected.sort_unstable();
        assert_eq!(seat.device.screen(), expected, "{} of {}", stage.program, seat.user);
    }
    stage.policy(PrivateEvents::Busy);
    stage.refresh();
    stage.check("after hidden ones became busy time again");
    // Opened again: on its own line, changing nothing else.
    let lowered = stage.text("review").replace("CLASS:PRIVATE", "CLASS:PUBLIC");
    assert_eq!(stage.alice.put(&format!("{WORK}review.ics"), &lowered).status, 204);
    stage.plans.get_mut("review").unwrap().private = false;
    stage.refresh();
    stage.check("after it was opened");
}

/// Everybody looks again, and whatever he was told on the way is taken as read.
fn settle(stage: &mut Stage, before: &BTreeMap<String, String>, when: &str) {
    assert_eq!(*before, stage.stored(), "{} {when}: the owner's bytes", stage.program);
    for _ in 0..2 {
        stage.refresh();
    }
    for seat in &mut stage.seats {
        seat.device.take_dialogs();
    }
    stage.check(when);
}

pub fn old_copies(stage: &mut Stage) {
    for number in [0, 4, 5] {
        let user = PEOPLE[number].0;
        let old = stage.plans["review"].title.clone();
        stage.plans.get_mut("review").unwrap().title = format!("Before {user}");
        stage.write("review");
        let before = stage.stored();
        assert!(stage.seats[number].device.retitle(&old, "Too late"));
        settle(stage, &before, &format!("after {user} changed what had changed"));
        stage.plans.get_mut("review").unwrap().title = format!("Again before {user}");
        stage.write("review");
        let before = stage.stored();
        stage.seats[number].device.discard(&format!("Before {user}"));
        settle(stage, &before, &format!("after {user} deleted what had changed"));
    }
    // It has become private, and bears another name for everyone else: the old one must not come back as something new.
    let old = stage.plans["review"].title.clone();
    stage.plans.get_mut("review").unwrap().private = true;
    stage.write("review");
    let before = stage.stored();
    assert!(stage.seats[4].device.retitle(&old, "Too late") && stage.seats[5].device.retitle(&old, "Too late"));
    settle(stage, &before, "after two changed what had become private");
    stage.seats[5].device.discard(&old);
    settle(stage, &before, "after one deleted what had become private");
}

pub fn no_word_for_privacy(stage: &mut Stage) {
    // On her other device the owner gives a private event another title; hers may leave out that it is private.
    assert!(stage.seats[0].device.retitle("Therapy", "Therapy, again"));
    stage.plans.get_mut("therapy").unwrap().title = "Therapy, again".into();
    stage.refresh();
    stage.check("after the owner changed a private event");
    assert!(stage.stored()[&format!("{WORK}therapy.ics")].contains("CLASS:PRIVATE"));
    // Somebody puts a private event of his own making there: it is his and hers.
    let device = stage.seats[4].device.as_mut();
    let work = device.work().unwrap();
    device.save(&work, &format!("{work}gift.ics"), &event("gift", "Gift", 18, "CLASS:PRIVATE\r\n"));
    let private = !stage.traits.drops_class;
    stage.refresh();
    for seat in &stage.seats {
        let mut expected = stage.expected(seat.level);
        expected.extend(if seat.user == "edit" { Some("Gift".into()) } else { shown(seat.level, "Gift", private, false) });
        expected.sort();
        assert_eq!(seat.device.screen(), expected, "{} of {}", stage.program, seat.user);
    }
}
