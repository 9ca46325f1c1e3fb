//! Writing: rights, UIDs, CLASS, personal items. What `edit` without `delete` refuses is in `guard/tests.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own fixture shall fail")]

mod generated;
mod target;

use super::*;
use crate::access::{AccessMatrix, Cell};
use crate::policy::{ClassPublicLowers, Words};
use crate::principal::{CalendarId, ObjectId, PrincipalId};
use crate::pseudonym::DatabaseKey;
use ical::{ParseLimits, RecurrenceId};

pub(super) const EDIT: ObjectRights = ObjectRights { edit: true, delete: false };
pub(super) const EDIT_DELETE: ObjectRights = ObjectRights { edit: true, delete: true };
const ALARM: &str = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nDESCRIPTION:Reminder\r\nEND:VALARM\r\n";

pub(super) fn read(text: &str) -> CalendarObject {
    CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap()
}

pub(super) fn calendar(body: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{body}END:VCALENDAR\r\n")
}

fn event(lines: &str) -> String {
    calendar(&component("", lines))
}

fn component(recurrence_id: &str, lines: &str) -> String {
    format!("BEGIN:VEVENT\r\nUID:1@example.org\r\n{recurrence_id}DTSTART:20261123T090000Z\r\n{lines}END:VEVENT\r\n")
}

/// A daily series with one override, on the 24th.
fn series(master: &str, override_lines: &str) -> String {
    let master = component("", &format!("RRULE:FREQ=DAILY;COUNT=5\r\n{master}"));
    calendar(&(master + &component("RECURRENCE-ID:20261124T090000Z\r\n", override_lines)))
}

/// A writer, a calendar and an object stored in it.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) profile: ViewProfile,
    pub(super) policy: Policy,
    pub(super) calendar_policy: CalendarPolicy,
    pub(super) record: PrivacyRecord,
    pub(super) rights: ObjectRights,
    pub(super) identity: Identity,
    pub(super) known: Option<EventPrivacy>,
    pub(super) limits: ExpansionLimits,
}

impl Scene {
    fn new(matrix: AccessMatrix, rights: ObjectRights) -> Self {
        let profile = ViewProfile {
            viewer: PrincipalId([2; 16]),
            calendar: CalendarId([5; 16]),
            matrix,
            words: Words::default(),
            owner_addresses: Vec::new(),
            participant_addresses: Vec::new(),
            key: DatabaseKey::new([7; 32]),
        };
        Self {
            profile,
            policy: Policy::default(),
            calendar_policy: CalendarPolicy::default(),
            record: PrivacyRecord::default(),
            rights,
            identity: Identity::Real,
            known: None,
            limits: ExpansionLimits { instances_max: 200, steps_max: 10_000 },
        }
    }
    pub(super) fn owner() -> Self {
        Self::new(AccessMatrix::owner(), EDIT_DELETE)
    }
    pub(super) fn editor(rights: ObjectRights) -> Self {
        let cell = Cell { visibility: Visibility::Full, edit: rights.edit, delete: rights.delete };
        Self::new(AccessMatrix { cells: [cell; 4], create: true, ..AccessMatrix::default() }, rights)
    }
    pub(super) fn recorded(mut self, components: &[(Option<&str>, EventPrivacy)]) -> Self {
        let id = |text: &str| RecurrenceId(text.to_owned());
        self.record = PrivacyRecord::new(components.iter().map(|(key, privacy)| (key.map(id), *privacy)));
        self
    }
    fn widening(mut self) -> Self {
        self.policy.widen_public = true;
        self
    }
    fn put_new(&self, text: &str) -> Result<PutPlan, Refusal> {
        plan_put(&self.put(&read(text)))
    }
    pub(super) fn put_over(&self, stored: &str, sent: &str) -> Result<PutPlan, Refusal> {
        let base = read(stored);
        self.put_over_base(Some(&base), sent)
    }
    fn put_over_base(&self, base: Option<&CalendarObject>, sent: &str) -> Result<PutPlan, Refusal> {
        let new = read(sent);
        let stored = StoredObject {
            id: ObjectId([6; 16]),
            name: "1.ics",
            base_text: base.map(CalendarObject::text).unwrap_or_default(),
            base,
            base_version: 1,
            privacy: &self.record,
            created_by_viewer: false,
            foreign_attendees: &ForeignAttendees::All,
            overlay: None,
            touch: 0,
            own: None,
            identity_taken: self.identity == Identity::Pseudonym,
        };
        plan_change(&self.put(&new), &stored, self.rights, self.identity)
    }
    fn put<'a>(&'a self, new: &'a CalendarObject) -> Put<'a> {
        Put {
            new,
            existing: None,
            profile: &self.profile,
            policy: &self.policy,
            calendar_policy: &self.calendar_policy,
            known_uid_privacy: self.known,
            limits: &self.limits,
        }
    }
}

/// Privacy after an owner's PUT over an event: recorded, stored CLASS, sent CLASS, other change.
fn after(recorded: EventPrivacy, stored: &str, sent: &str) -> (EventPrivacy, Option<String>, bool) {
    let plan = Scene::owner().recorded(&[(None, recorded)]).put_over(stored, sent).unwrap();
    (plan.privacy.of(None), plan.base, plan.privacy_kept)
}

#[test]
fn nobody_writes_without_the_right() {
    let text = event("SUMMARY:Talk\r\n");
    let mut reader = Scene::editor(ObjectRights::default()).recorded(&[(None, EventPrivacy::Standard)]);
    reader.profile.matrix.create = false;
    assert_eq!(reader.put_over(&text, &text), Err(Refusal::Denied(Privilege::WriteContent)));
    assert_eq!(reader.put_new(&text), Err(Refusal::Denied(Privilege::Bind)));
}

#[test]
fn an_object_keeps_its_uid_whoever_writes() {
    let stored = event("SUMMARY:Talk\r\n");
    let sent = stored.replace("1@example.org", "2@example.org");
    for scene in [Scene::owner(), Scene::editor(EDIT_DELETE)] {
        assert_eq!(scene.recorded(&[(None, EventPrivacy::Standard)]).put_over(&stored, &sent), Err(Refusal::UidChanged));
    }
}

#[test]
fn a_pseudonym_is_mapped_back() {
    let stored = event("SUMMARY:Talk\r\n").replace("UID:1@example.org", "UID:1@exa\r\n mple.org");
    let mut owner = Scene::owner().recorded(&[(None, EventPrivacy::Standard)]);
    owner.identity = Identity::Pseudonym;
    let pseudonym = owner.profile.key.object_uid(owner.profile.calendar, ObjectId([6; 16]));
    let shown = stored.replace("1@exa\r\n mple.org", &pseudonym);
    assert_eq!(owner.put_over(&stored, &shown).unwrap().base, None, "what she is shown is what is stored");
    let sent = shown.replace("Talk", "Walk").replace("END:VEVENT", "X-MOZ-LASTACK:1\r\nDESCRIPTION:\r\nEND:VEVENT");
    let plan = owner.put_over(&stored, &sent).unwrap();
    assert_eq!(plan.base, Some(stored.replace("Talk", "Walk").replace("END:VEVENT", "DESCRIPTION:\r\nEND:VEVENT")));
    assert_eq!(plan.overlay.unwrap().verbatim, None);
    assert_eq!(owner.put_over(&stored, &stored), Err(Refusal::UidChanged), "the stored UID is not hers to know");
}

#[test]
fn a_new_object_is_recorded_by_class_calendar_and_what_is_known_of_its_uid() {
    use EventPrivacy::{Confidential, Private, Public, Standard};
    let table = [
        ("", None, Standard),
        ("CLASS:PUBLIC\r\n", None, Standard),
        ("CLASS:CONFIDENTIAL\r\n", None, Confidential),
        ("CLASS:PRIVATE\r\n", None, Private),
        ("CLASS:PUBLIC\r\nCLASS:PUBLIC\r\n", None, Private),
        ("", Some(Private), Private),
        ("", Some(Standard), Standard),
        ("CLASS:PUBLIC\r\n", Some(Private), Standard),
    ];
    for (class, known, privacy) in table {
        let mut owner = Scene::owner();
        owner.known = known;
        let plan = owner.put_new(&event(class)).unwrap();
        assert_eq!(plan.privacy.of(None), privacy, "{class:?} {known:?}");
        assert_eq!((plan.base, plan.overlay), (Some(event(class)), None));
    }
    assert_eq!(Scene::owner().widening().put_new(&event("CLASS:PUBLIC\r\n")).unwrap().privacy.of(None), Public);
    let mut careful = Scene::owner();
    careful.calendar_policy.default_privacy = Private;
    assert_eq!(careful.put_new(&event("")).unwrap().privacy.of(None), Private);
    // What the owner has is nothing to whoever creates an event in her calendar.
    let mut editor = Scene::editor(EDIT);
    editor.known = Some(Private);
    assert_eq!(editor.put_new(&event("")).unwrap().privacy.of(None), Standard);
    assert_eq!(editor.put_new(&event("CLASS:PRIVATE\r\n")).unwrap().privacy.of(None), Private);
}

#[test]
fn an_override_without_class_inherits_its_masters() {
    use EventPrivacy::{Confidential, Private, Standard};
    let id = RecurrenceId("20261124T090000Z".into());
    let table = [
        ("CLASS:PRIVATE\r\n", "", Private, Private),
        ("CLASS:PRIVATE\r\n", "CLASS:PUBLIC\r\n", Private, Standard),
        ("", "CLASS:CONFIDENTIAL\r\n", Standard, Confidential),
        ("", "CLASS:nonsense\r\n", Standard, Private),
    ];
    for (master, overridden, of_master, of_override) in table {
        let record = Scene::owner().put_new(&series(master, overridden)).unwrap().privacy;
        assert_eq!((record.of(None), record.of(Some(&id))), (of_master, of_override));
    }
    let orphan = calendar(&component("RECURRENCE-ID:20261124T090000Z\r\n", ""));
    assert_eq!(Scene::owner().put_new(&orphan).unwrap().privacy.of(Some(&id)), Standard);
}

#[test]
fn leaving_class_out_keeps_a_private_event_private_and_puts_the_line_back() {
    let stored = event("SUMMARY:Talk\r\nCLASS:PRIVATE\r\n");
    let sent = event("SUMMARY:Walk\r\n");
    let (privacy, base, kept) = after(EventPrivacy::Private, &stored, &sent);
    assert_eq!(privacy, EventPrivacy::Private);
    assert_eq!(
        base,
        Some(
            sent.replace("DTSTART", "CLASS:PRIVATE\r\nDTSTART")
                .replace("UID:1@example.org\r\nCLASS:PRIVATE\r\n", "CLASS:PRIVATE\r\nUID:1@example.org\r\n")
        )
    );
    assert!(!kept, "the client said nothing against it");
    // Nothing else changed either: then nothing changes at all.
    assert_eq!(after(EventPrivacy::Private, &stored, &event("SUMMARY:Talk\r\n")).1, None);
}

#[test]
fn a_default_that_was_never_a_line_adds_none() {
    let (privacy, base, _) = after(EventPrivacy::Private, &event("SUMMARY:Talk\r\n"), &event("SUMMARY:Walk\r\n"));
    assert_eq!((privacy, base), (EventPrivacy::Private, Some(event("SUMMARY:Walk\r\n"))));
}

#[test]
fn the_owner_raises_privacy_with_any_change_beside() {
    use EventPrivacy::{Confidential, Private, Public, Standard};
    for recorded in [Public, Standard, Confidential, Private] {
        for class in ["PRIVATE", "X-UNKNOWN"] {
            let sent = event(&format!("SUMMARY:Walk\r\nCLASS:{class}\r\n"));
            assert_eq!(after(recorded, &event("SUMMARY:Talk\r\n"), &sent), (Private, Some(sent.clone()), false));
        }
    }
}

#[test]
fn class_lowers_privacy_only_alone() {
    use EventPrivacy::{Confidential, Private, Standard};
    let stored = event("SUMMARY:Talk\r\nSEQUENCE:1\r\nCLASS:PRIVATE\r\n");
    for (class, privacy) in [("PUBLIC", Standard), ("CONFIDENTIAL", Confidential)] {
        let alone = event(&format!(
            "CLASS:{class}\r\nSUMMARY:Talk\r\nSEQUENCE:2\r\nLAST-MODIFIED:20261101T000000Z\r\nX-MOZ-GENERATION:2\r\n{ALARM}"
        ));
        let (now, base, kept) = after(Private, &stored, &alone);
        assert_eq!((now, kept), (privacy, false));
        assert!(base.unwrap().contains(class), "the line is part of the base");
        let besides = event(&format!("SUMMARY:Walk\r\nCLASS:{class}\r\n"));
        let kept_text = event("SUMMARY:Walk\r\nCLASS:PRIVATE\r\n");
        assert_eq!(after(Private, &stored, &besides), (Private, Some(kept_text), true));
        let mut any = Scene::owner().recorded(&[(None, Private)]);
        any.policy.class_public_lowers = ClassPublicLowers::Any;
        let plan = any.put_over(&stored, &besides).unwrap();
        assert_eq!((plan.privacy.of(None), plan.base, plan.privacy_kept), (privacy, Some(besides), false));
    }
}

#[test]
fn class_that_says_what_it_said_before_asks_for_nothing() {
    use EventPrivacy::{Private, Standard};
    // Made private through the page, or recorded before widening was switched on: a dismissed alarm publishes nothing.
    let stored = event("SUMMARY:Talk\r\nCLASS:PUBLIC\r\n");
    let sent = event(&format!("SUMMARY:Talk\r\nCLASS:PUBLIC\r\nX-MOZ-LASTACK:20261101T000000Z\r\n{ALARM}"));
    assert_eq!(after(Private, &stored, &sent), (Private, None, false));
    let widened = Scene::owner().widening().recorded(&[(None, Standard)]);
    let plan = widened.put_over(&stored, &sent).unwrap();
    assert_eq!((plan.privacy.of(None), plan.base), (Standard, None));
}

#[test]
fn with_widening_an_event_becomes_public_only_on_purpose() {
    use EventPrivacy::{Public, Standard};
    let owner = Scene::owner().widening().recorded(&[(None, Standard)]);
    let stored = event("SUMMARY:Talk\r\n");
    let besides = owner.put_over(&stored, &event("SUMMARY:Walk\r\nCLASS:PUBLIC\r\n")).unwrap();
    assert_eq!((besides.privacy.of(None), besides.base, besides.privacy_kept), (Standard, Some(event("SUMMARY:Walk\r\n")), true));
    let alone = owner.put_over(&stored, &event("SUMMARY:Talk\r\nCLASS:PUBLIC\r\n")).unwrap();
    assert_eq!(alone.privacy.of(None), Public);
}

#[test]
fn whoever_is_not_the_owner_leaves_class_as_it_was() {
    use EventPrivacy::{Confidential, Private, Public, Standard};
    for recorded in [Public, Standard, Confidential, Private] {
        let editor = || Scene::editor(EDIT_DELETE).widening().recorded(&[(None, recorded)]);
        for stored_class in ["", "CLASS:CONFIDENTIAL\r\n", "CLASS:PU\r\n BLIC\r\n"] {
            let stored = event(&format!("SUMMARY:Talk\r\n{stored_class}"));
            for sent_class in ["", "CLASS:PUBLIC\r\n", "CLASS:PRIVATE\r\n", "CLASS:PRIVATE\r\nCLASS:PUBLIC\r\n"] {
                let plan = editor().put_over(&stored, &event(&format!("SUMMARY:Walk\r\n{sent_class}"))).unwrap();
                assert_eq!(plan.privacy.of(None), recorded);
                let base = read(plan.base.as_deref().unwrap());
                let classes: Vec<_> = base.master().unwrap().lines_named("CLASS").map(|line| line.value.as_str()).collect();
                let before = read(&stored);
                let stored_classes: Vec<_> = before.master().unwrap().lines_named("CLASS").map(|line| line.value.as_str()).collect();
                assert_eq!(classes, stored_classes);
                // CLASS alone is no change at all.
                let alone = editor().put_over(&stored, &event(&format!("SUMMARY:Talk\r\n{sent_class}"))).unwrap();
                assert_eq!((alone.base, alone.privacy.of(None)), (None, recorded));
            }
        }
    }
}

#[test]
fn a_new_override_of_another_takes_its_masters_privacy() {
    let id = RecurrenceId("20261124T090000Z".into());
    let stored = calendar(&component("", "RRULE:FREQ=DAILY;COUNT=5\r\nCLASS:CONFIDENTIAL\r\n"));
    for class in ["", "CLASS:PUBLIC\r\n", "CLASS:PRIVATE\r\n", "CLASS:CONFIDENTIAL\r\n"] {
        let editor = Scene::editor(EDIT_DELETE).recorded(&[(None, EventPrivacy::Confidential)]);
        let plan = editor.put_over(&stored, &series("CLASS:CONFIDENTIAL\r\n", class)).unwrap();
        assert_eq!(plan.privacy.of(Some(&id)), EventPrivacy::Confidential);
        let base = read(plan.base.as_deref().unwrap());
        let overridden = base.components().find(|component| component.line("RECURRENCE-ID").is_some()).unwrap();
        assert!(matches!(Class::of(overridden), Class::Absent | Class::Confidential), "{class:?}");
    }
}

#[test]
fn a_new_override_of_the_owner_is_not_less_private_than_the_instance_was() {
    let id = RecurrenceId("20261124T090000Z".into());
    let stored = calendar(&component("", "RRULE:FREQ=DAILY;COUNT=5\r\nCLASS:PRIVATE\r\n"));
    let owner = Scene::owner().recorded(&[(None, EventPrivacy::Private)]);
    for (class, kept) in [("", false), ("CLASS:PUBLIC\r\n", true), ("CLASS:PRIVATE\r\n", false)] {
        let plan = owner.put_over(&stored, &series("CLASS:PRIVATE\r\n", class)).unwrap();
        assert_eq!((plan.privacy.of(Some(&id)), plan.privacy_kept), (EventPrivacy::Private, kept), "{class:?}");
    }
}

/// From the 24th on it is private. A program that knows no CLASS changes the 25th, and leaves CLASS out.
#[test]
fn a_new_override_among_private_ones_is_private() {
    let later = component("RECURRENCE-ID;RANGE=THISANDFUTURE:20261124T090000Z\r\n", "CLASS:PRIVATE\r\n");
    let stored = component("", "RRULE:FREQ=DAILY;COUNT=5\r\n") + &later;
    let change = |day: u8, lines: &str| component(&format!("RECURRENCE-ID:202611{day}T090000Z\r\n"), lines);
    let (before, among) = ("20261123T090000Z", "20261125T090000Z");
    let known = [(None, EventPrivacy::Standard), (Some("20261124T090000Z"), EventPrivacy::Private)];
    for writer in [Scene::owner(), Scene::editor(EDIT)] {
        for lines in ["", "CLASS:PUBLIC\r\n"] {
            let sent = calendar(&(stored.clone() + &change(23, lines) + &change(25, lines)));
            let plan = writer.clone().recorded(&known).put_over(&calendar(&stored), &sent).unwrap();
            let id = |text: &str| Some(RecurrenceId(text.to_owned()));
            assert_eq!(plan.privacy.of(id(among).as_ref()), EventPrivacy::Private, "{lines}");
            assert_eq!(plan.privacy.of(id(before).as_ref()), EventPrivacy::Standard, "{lines}");
        }
    }
}

#[test]
fn an_override_without_class_follows_its_master_up_and_not_down() {
    use EventPrivacy::{Private, Standard};
    let id = RecurrenceId("20261124T090000Z".into());
    let key = Some("20261124T090000Z");
    let up = Scene::owner().recorded(&[(None, Standard), (key, Standard)]);
    let plan = up.put_over(&series("", ""), &series("CLASS:PRIVATE\r\n", "")).unwrap();
    assert_eq!((plan.privacy.of(None), plan.privacy.of(Some(&id))), (Private, Private));
    let down = Scene::owner().recorded(&[(None, Private), (key, Private)]);
    let plan = down.put_over(&series("CLASS:PRIVATE\r\n", ""), &series("CLASS:PUBLIC\r\n", "")).unwrap();
    assert_eq!((plan.privacy.of(None), plan.privacy.of(Some(&id))), (Standard, Private));
    let base = read(plan.base.as_deref().unwrap());
    let overridden = base.components().find(|component| component.line("RECURRENCE-ID").is_some()).unwrap();
    assert_eq!(Class::of(overridden), Class::Private, "and she is shown that it stayed private");
}

#[test]
fn an_override_that_moves_with_its_series_keeps_its_privacy() {
    let stored = series("", "CLASS:PRIVATE\r\n");
    let sent = series("", "").replace("T090000Z", "T110000Z");
    let owner = Scene::owner().recorded(&[(None, EventPrivacy::Standard), (Some("20261124T090000Z"), EventPrivacy::Private)]);
    let plan = owner.put_over(&stored, &sent).unwrap();
    assert_eq!(plan.privacy.of(Some(&RecurrenceId("20261124T110000Z".into()))), EventPrivacy::Private);
    assert_eq!(plan.privacy.components.len(), 2);
}

#[test]
fn an_object_that_cannot_be_read_keeps_its_record_under_a_readable_one() {
    let owner = Scene::owner().recorded(&[(None, EventPrivacy::Private)]);
    for class in ["", "CLASS:PUBLIC\r\n"] {
        let plan = owner.put_over_base(None, &event(class)).unwrap();
        assert_eq!(plan.privacy.of(None), EventPrivacy::Private);
        assert!(plan.base.is_some());
    }
}

#[test]
fn a_put_that_differs_in_personal_items_and_stamps_leaves_the_base() {
    let stored = event("SUMMARY:Talk\r\nDTSTAMP:20260101T000000Z\r\n");
    for scene in [Scene::owner(), Scene::editor(EDIT_DELETE)] {
        let scene = scene.recorded(&[(None, EventPrivacy::Standard)]);
        assert_eq!(scene.put_over(&stored, &stored).unwrap().overlay, None);
        let with_alarm = stored.replace("END:VEVENT", &format!("{ALARM}END:VEVENT"));
        let overlay = scene.put_over(&stored, &with_alarm).unwrap().overlay.unwrap();
        assert_eq!((overlay.verbatim, overlay.items.len()), (None, 1), "base and item give his bytes");
        let stamped = with_alarm.replace("20260101T000000Z", "20260202T000000Z");
        let plan = scene.put_over(&stored, &stamped).unwrap();
        assert_eq!(plan.base, None);
        assert_eq!(plan.overlay.unwrap().verbatim, Some(stamped));
    }
}

#[test]
fn personal_items_never_reach_the_base() {
    let stored = event("SUMMARY:Talk\r\n");
    let editor = Scene::editor(EDIT_DELETE).recorded(&[(None, EventPrivacy::Standard)]);
    let sent = event(&format!("X-MOZ-LASTACK:20261101T000000Z\r\nSUMMARY:Walk\r\n{ALARM}"));
    let plan = editor.put_over(&stored, &sent).unwrap();
    assert_eq!(plan.base, Some(event("SUMMARY:Walk\r\n")));
    let overlay = plan.overlay.unwrap();
    assert_eq!((overlay.items.len(), overlay.verbatim), (2, Some(sent.clone())));
    let plan = editor.put_new(&sent).unwrap();
    assert_eq!((plan.base, plan.overlay), (Some(event("SUMMARY:Walk\r\n")), Some(overlay_of(&sent))));
}

fn overlay_of(text: &str) -> Overlay {
    Overlay { base_version: 0, verbatim: Some(text.to_owned()), items: per_user::split(&read(text)).items }
}
