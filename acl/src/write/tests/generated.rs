//! Writing, over generated objects and writers.

#![expect(clippy::print_stdout, reason = "a property says how much it compared")]

use super::*;
use proptest::prelude::*;
use std::cell::Cell as Counter;

/// What someone is shown, sent back as it is.
fn put_back(scene: &Scene, stored: &StoredObject<'_>) -> Option<(String, Result<PutPlan, Refusal>)> {
    let visible = crate::project::project(stored, &scene.profile)?;
    let shown = visible.calendar()?;
    let put = Put { existing: Some((stored, &visible)), ..scene.put(shown) };
    Some((shown.text().to_owned(), plan_put(&put)))
}

#[derive(Clone, Debug)]
struct Stored {
    text: String,
    classes: Vec<EventPrivacy>,
    overlay: Option<String>,
}

fn an_object() -> impl Strategy<Value = Stored> {
    let lines = proptest::collection::vec(
        proptest::sample::select(vec![
            "SUMMARY:Talk\r\n",
            "CLASS:PRIVATE\r\n",
            "CLASS:PUBLIC\r\n",
            "CLASS:CON\r\n FIDENTIAL\r\n",
            "DTSTAMP:20260101T000000Z\r\n",
            "DESCRIPTION:Fol\r\n ded\r\n",
            "TRANSP:TRANSPARENT\r\n",
            "STATUS:CANCELLED\r\n",
            "X-OTHER;X-P=\"a:b\":c\n",
        ]),
        0..5,
    );
    let privacy = || proptest::sample::select(EventPrivacy::ALL.to_vec());
    let overlay = proptest::option::of(Just(ALARM.to_owned()));
    (lines.clone(), lines, any::<bool>(), privacy(), privacy(), overlay).prop_map(
        |(master, other, has_override, first, second, overlay)| {
            let text = if has_override { series(&master.concat(), &other.concat()) } else { event(&master.concat()) };
            Stored { text, classes: vec![first, second], overlay }
        },
    )
}

fn a_scene() -> impl Strategy<Value = Scene> {
    let cell = (0..4u8, any::<bool>(), any::<bool>()).prop_map(|(visibility, edit, delete)| {
        let visibility = match visibility {
            0 => Visibility::Hidden,
            1 => Visibility::FreeBusy,
            2 => Visibility::Title,
            _ => Visibility::Full,
        };
        let full = visibility == Visibility::Full;
        Cell { visibility, edit: full && edit, delete: full && delete }
    });
    let full = Cell { visibility: Visibility::Full, edit: true, delete: false };
    let cells = prop_oneof![1 => prop::array::uniform4(cell), 1 => Just([full; 4])];
    (cells, proptest::bool::weighted(0.2), any::<bool>(), any::<bool>()).prop_map(|(cells, owner, widening, pseudonym)| {
        let mut scene = if owner { Scene::owner() } else { Scene::editor(EDIT) };
        if !owner {
            scene.profile.matrix.cells = cells;
        }
        scene.policy.widen_public = widening;
        scene.identity = if pseudonym { Identity::Pseudonym } else { Identity::Real };
        scene
    })
}

#[test]
fn sending_back_what_is_shown_changes_nothing() {
    let (unchanged, denied) = (Counter::new(0u32), Counter::new(0u32));
    proptest!(ProptestConfig::with_cases(768), |(object in an_object(), scene in a_scene())| {
        let base = read(&object.text);
        // Recorded is at least what CLASS says, as a server that raises and keeps leaves it.
        let public = scene.calendar_policy.public_means(&scene.policy);
        let recorded = |component, known: EventPrivacy| Class::of(component).privacy(public).map_or(known, |said| said.stricter(known));
        let components = base.components().zip(&object.classes);
        let record = PrivacyRecord::new(components.map(|(component, known)| (base.recurrence_id(component), recorded(component, *known))));
        let item = |text: String| Overlay { base_version: 1, verbatim: None, items: vec![PersonalItem { recurrence_id: None, text }] };
        let overlay = object.overlay.clone().map(item);
        let stored = StoredObject {
            id: ObjectId([6; 16]),
            name: "1.ics",
            base_text: base.text(),
            base: Some(&base),
            base_version: 1,
            privacy: &record,
            created_by_viewer: false,
            foreign_attendees: &ForeignAttendees::All,
            overlay: overlay.as_ref(),
            touch: 0,
            own: None,
            identity_taken: scene.identity == Identity::Pseudonym,
        };
        match put_back(&scene, &stored) {
            Some((_, Ok(plan))) => {
                prop_assert_eq!((plan.base, &plan.privacy, plan.privacy_kept), (None, &record, false));
                prop_assert_eq!(plan.overlay.map(|overlay| overlay.items), overlay.map(|overlay| overlay.items));
                unchanged.set(unchanged.get() + 1);
            }
            Some((_, Err(refusal))) => {
                prop_assert_eq!(refusal, Refusal::Denied(Privilege::WriteContent));
                prop_assert!(scene.profile.matrix.relation == Relation::Other);
                denied.set(denied.get() + 1);
            }
            None => {}
        }
    });
    println!("{} unchanged, {} denied", unchanged.get(), denied.get());
    assert!(unchanged.get() >= 100 && denied.get() >= 50);
}

#[test]
fn whatever_others_send_no_privacy_changes() {
    let compared = Counter::new(0u32);
    proptest!(ProptestConfig::with_cases(512), |(old in an_object(), new in an_object(), widening: bool)| {
        let base = read(&old.text);
        let keys: Vec<_> = base.components().map(|component| base.recurrence_id(component)).collect();
        let mut editor = Scene::editor(EDIT_DELETE);
        editor.policy.widen_public = widening;
        editor.record = PrivacyRecord::new(keys.iter().cloned().zip(old.classes.iter().copied()));
        let plan = editor.put_over_base(Some(&base), &new.text).unwrap();
        let sent = read(&new.text);
        prop_assert_eq!(plan.privacy.components.len(), sent.components().count());
        for component in sent.components() {
            let id = sent.recurrence_id(component);
            let known = if keys.contains(&id) { id.as_ref() } else { None };
            prop_assert_eq!(plan.privacy.of(id.as_ref()), editor.record.of(known));
            compared.set(compared.get() + 1);
        }
    });
    println!("compared {} components", compared.get());
    assert!(compared.get() >= 512);
}
