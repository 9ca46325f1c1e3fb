//! What comes back from a calendar elsewhere: it may do what its user may, lowers no privacy, and brings nothing private unless
//! private items are synchronized.

use super::*;
use crate::privacy::EventPrivacy::{Private, Standard};
use crate::target::PrivateItems;

fn target(items: PrivateItems) -> Scene {
    let full = Cell { visibility: Visibility::Full, edit: true, delete: true };
    let private = if items == PrivateItems::None { Cell::default() } else { full };
    let relation = Relation::Target(items);
    Scene::new(AccessMatrix { relation, cells: [full, full, private, private], create: true, with_places: false }, EDIT_DELETE)
}

const REFUSED_NEW: Refusal = Refusal::Denied(Privilege::Bind);
const REFUSED: Refusal = Refusal::Denied(Privilege::WriteContent);

#[test]
fn a_private_appointment_made_elsewhere_comes_in_private_or_not_at_all() {
    let private = event("CLASS:PRIVATE\r\nSUMMARY:Therapy\r\n");
    let stored = target(PrivateItems::Events).put_new(&private).unwrap();
    assert_eq!(stored.privacy.of(None), Private);
    for items in [PrivateItems::None, PrivateItems::Tasks] {
        assert_eq!(target(items).put_new(&private), Err(REFUSED_NEW), "{items:?}");
        assert!(target(items).put_new(&event("SUMMARY:Lunch\r\n")).is_ok(), "{items:?}");
    }
    // One instance of a series is enough, and so is a calendar of which everything is private.
    let one = series("SUMMARY:Stand-up\r\n", "CLASS:X-SECRET\r\n");
    assert_eq!(target(PrivateItems::Tasks).put_new(&one), Err(REFUSED_NEW));
    let mut private_calendar = target(PrivateItems::None);
    private_calendar.calendar_policy.default_privacy = Private;
    assert_eq!(private_calendar.put_new(&event("SUMMARY:Lunch\r\n")), Err(REFUSED_NEW));
}

#[test]
fn what_becomes_private_elsewhere_becomes_private_here_where_that_is_synchronized() {
    let (stored, sent) = (event("SUMMARY:Talk\r\n"), event("CLASS:PRIVATE\r\nSUMMARY:Talk\r\n"));
    let plan = |items| target(items).recorded(&[(None, Standard)]).put_over(&stored, &sent);
    assert_eq!(plan(PrivateItems::Events).unwrap().privacy.of(None), Private);
    assert_eq!(plan(PrivateItems::None), Err(REFUSED));
    assert_eq!(plan(PrivateItems::Tasks), Err(REFUSED));
}

#[test]
fn nothing_elsewhere_makes_a_private_appointment_less_private() {
    let stored = event("CLASS:PRIVATE\r\nSUMMARY:Therapy\r\n");
    for (sent, is_kept) in [("CLASS:PUBLIC\r\n", true), ("CLASS:CONFIDENTIAL\r\n", true), ("", false)] {
        let mut scene = target(PrivateItems::EventsAndTasks).recorded(&[(None, Private)]);
        scene.policy.class_public_lowers = ClassPublicLowers::Any;
        // Changed or not: a program elsewhere may know no such mark.
        for text in ["Therapy", "Therapy, moved"] {
            let plan = scene.put_over(&stored, &event(&format!("{sent}SUMMARY:{text}\r\n"))).unwrap();
            assert_eq!((plan.privacy.of(None), plan.privacy_kept), (Private, is_kept), "{sent} {text}");
            assert!(plan.base.unwrap_or_else(|| stored.clone()).contains("CLASS:PRIVATE"), "{sent} {text}");
        }
    }
}

#[test]
fn a_known_uid_counts_only_where_its_event_is_synchronized() {
    // It was deleted here and comes back without its mark.
    let come_back = |items| {
        let mut scene = target(items);
        scene.known = Some(Private);
        scene.put_new(&event("SUMMARY:Therapy\r\n")).unwrap().privacy.of(None)
    };
    assert_eq!(come_back(PrivateItems::Events), Private);
    // Where it was never there, that somebody else had such a UID is not to be found out.
    assert_eq!(come_back(PrivateItems::None), Standard);
    assert_eq!(come_back(PrivateItems::Tasks), Standard);
}

#[test]
fn whoever_is_invited_elsewhere_is_no_guest_here() {
    let plan = target(PrivateItems::None).put_new(&event("ATTENDEE:mailto:bob@example.org\r\n")).unwrap();
    assert_eq!(plan.foreign_attendees, ForeignAttendees::All);
}
