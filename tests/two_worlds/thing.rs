//! Things: objects of the calendar, each with what it looks like in either world. What differs is what the rules withhold
//! from the viewer in every state he can be in, told from the model alone.

use crate::harness::dice::Dice;
use acl::testing::{ComponentModel, ObjectModel, RuleEnd, SECRETS_MAX, Style, TimeForm, expected, object, style};
use acl::{AccessMatrix, Visibility};
use ical::ComponentKind;

/// One of the two worlds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    A,
    B,
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::A, Self::B];
    pub fn index(self) -> usize {
        self as usize
    }
}

/// How one world has a thing.
#[derive(Clone, Debug)]
pub struct Look {
    pub name: String,
    pub uid: String,
    pub style: Style,
    /// One model a version.
    pub versions: Vec<ObjectModel>,
    /// The owner has an alarm of her own on it.
    pub alarm: bool,
}

impl Look {
    /// As the owner's client PUTs it.
    pub fn text(&self, version: usize) -> String {
        let text = self.versions[version].render(&self.style);
        let text = text.replace("canary-c-uid@example.org", &self.uid);
        if self.alarm { with_alarm(&text, self.style.salt) } else { text }
    }

    fn is_sound(&self) -> bool {
        let limits = ical::ParseLimits::default();
        (0..self.versions.len()).all(|version| ical::CalendarObject::parse(self.text(version).as_bytes(), &limits).is_ok())
    }
}

/// The same with an alarm in the last component: an alarm is nobody's but its writer's, at every level.
pub fn with_alarm(text: &str, minutes: u32) -> String {
    let Some(end) = ["vevent", "vtodo"].iter().find_map(|kind| text.to_lowercase().rfind(&format!("end:{kind}"))) else {
        return text.to_owned();
    };
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let alarm = ["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:canary-alarm", &format!("TRIGGER:-PT{minutes}M"), "END:VALARM", ""];
    format!("{}{}{}", &text[..end], alarm.join(line_end), &text[end..])
}

/// An object of the calendar.
#[derive(Clone, Debug)]
pub struct Thing {
    pub number: usize,
    /// `None`: not in that world.
    pub looks: [Option<Look>; 2],
    /// Nothing of it is ever shown to the viewer.
    pub hidden: bool,
    /// Some of it may be shown in full.
    pub full: bool,
    /// The script makes it; else it stands there from the beginning.
    pub later: bool,
}

/// What is shown at most of the components of a thing, whatever the viewer's state and the thing's version.
struct Reach {
    most: Vec<Visibility>,
    places: bool,
    /// Whom the owner invites is the viewer, and sees what he is invited to.
    takes_part: bool,
    /// Private and confidential ones are alike to him.
    one_kind: bool,
}

impl Reach {
    fn of(versions: &[ObjectModel], matrices: &[AccessMatrix], takes_part: bool) -> Self {
        let mut most = vec![Visibility::Hidden; versions[0].components().len()];
        for version in versions {
            for matrix in matrices {
                for (most, shown) in most.iter_mut().zip(expected(version, matrix)) {
                    *most = shown.max(*most);
                }
            }
            if takes_part && matrices.iter().any(AccessMatrix::reaches) {
                let invited = version.components().into_iter().map(|component| is_invited(&component.secrets));
                most.iter_mut().zip(invited).filter(|(_, invited)| *invited).for_each(|(most, _)| *most = Visibility::Full);
            }
        }
        let one_kind = matrices.iter().all(|matrix| matrix.cells[2] == matrix.cells[3]);
        Self { most, places: matrices.iter().any(|matrix| matrix.with_places), takes_part, one_kind }
    }
    fn has(&self, visibility: Visibility) -> bool {
        self.most.contains(&visibility)
    }
    fn is_hidden(&self) -> bool {
        self.most.iter().all(|most| *most == Visibility::Hidden)
    }
    fn of_component(&self, index: usize) -> Visibility {
        self.most[index]
    }
}

/// The number of the secret that is a LOCATION.
const PLACE: usize = 1;
/// The number of the secret that is an ORGANIZER who is not the owner.
const ORGANIZER: usize = 2;
/// The number of the secret that is the guest.
const GUEST: usize = 3;

/// Whether the owner invited the guest, in an event that is hers.
fn is_invited(secrets: &[usize]) -> bool {
    secrets.contains(&GUEST) && !secrets.contains(&ORGANIZER)
}

/// A thing of which the viewer may see something, or nothing, as it comes.
pub fn thing(dice: &mut Dice, number: usize, matrices: &[AccessMatrix], takes_part: bool, later: bool) -> Thing {
    loop {
        let versions = versions(dice);
        let reach = Reach::of(&versions, matrices, takes_part);
        let a = Look {
            name: format!("thing-{number}.ics"),
            uid: format!("uid-{number}@example.org"),
            style: a_style(dice),
            versions,
            alarm: dice.chance(30),
        };
        if !a.is_sound() {
            continue;
        }
        let looks = if reach.is_hidden() {
            hidden_looks(dice, number, &a, matrices, takes_part)
        } else {
            let b = other_look(dice, number, &a, &reach);
            [Some(a.clone()), Some(if b.is_sound() { b } else { a })]
        };
        return Thing { number, looks, hidden: reach.is_hidden(), full: reach.has(Visibility::Full), later };
    }
}

/// A thing of which the viewer never sees anything, in one of the worlds or different in both.
pub fn hidden_thing(dice: &mut Dice, number: usize, matrices: &[AccessMatrix], takes_part: bool, later: bool) -> Option<Thing> {
    (0..40).map(|_| thing(dice, number, matrices, takes_part, later)).find(|thing| thing.hidden)
}

fn a_style(dice: &mut Dice) -> Style {
    let sampled = dice.sample(&style());
    Style { fold: if sampled.fold == 0 { 0 } else { sampled.fold.max(50) }, ..sampled }
}

/// Versions of one object: as it is made, then another length, then made private. Overrides say their CLASS, so that what is
/// recorded of them does not hang on what their master's was before.
fn versions(dice: &mut Dice) -> Vec<ObjectModel> {
    let mut first = dice.sample(&object());
    let unsaid = first.master.class.or(Some("PUBLIC"));
    for o in &mut first.overrides {
        o.component.class = o.component.class.or(unsaid);
    }
    if dice.chance(35) {
        simplify(dice, &mut first);
    }
    let mut longer = first.clone();
    longer.master.length += 30;
    let mut private = longer.clone();
    private.master.class = Some(*dice.pick(&["PRIVATE", "CONFIDENTIAL", "private"]));
    vec![first, longer, private]
}

/// A plain single event, which is what most calendars are full of.
fn simplify(dice: &mut Dice, model: &mut ObjectModel) {
    model.kind = ComponentKind::Event;
    model.rule = None;
    model.dates.clear();
    model.excluded.clear();
    model.overrides.clear();
    model.start.0 = dice.within(0, 20);
    model.master.status = None;
    model.master.declined = false;
    model.master.length = dice.within(0, 3) * 45;
}

fn hidden_looks(dice: &mut Dice, number: usize, a: &Look, matrices: &[AccessMatrix], takes_part: bool) -> [Option<Look>; 2] {
    let a = Look { name: format!("therapy-{number}-a.ics"), uid: format!("hidden-{number}-a@example.org"), ..a.clone() };
    let b = (0..10).find_map(|_| {
        let versions = versions(dice);
        let look = Look {
            name: format!("divorce-{number}-b.ics"),
            uid: format!("hidden-{number}-b@example.org"),
            style: a_style(dice),
            versions,
            alarm: dice.chance(30),
        };
        (Reach::of(&look.versions, matrices, takes_part).is_hidden() && look.is_sound()).then_some(look)
    });
    match dice.below(4) {
        0 => [Some(a), None],
        1 => [None, b.or(Some(a))],
        _ => [Some(a), b],
    }
}

impl Thing {
    /// What one world has of it under the name and UID it has there, stored otherwise but the same to the viewer.
    pub fn restyled(&self, side: Side, dice: &mut Dice, matrices: &[AccessMatrix], takes_part: bool) -> Option<Look> {
        let [Some(original), Some(_)] = &self.looks else { return None };
        let Look { name, uid, .. } = self.looks[side.index()].clone()?;
        let reach = Reach::of(&original.versions, matrices, takes_part);
        let other = Look { name, uid, ..other_look(dice, self.number, original, &reach) };
        other.is_sound().then_some(other)
    }
}

/// The same thing to the viewer, and as different otherwise as may be.
fn other_look(dice: &mut Dice, number: usize, a: &Look, reach: &Reach) -> Look {
    let mut b = Look { alarm: dice.chance(50), ..a.clone() };
    let seed = dice.roll();
    for version in &mut b.versions {
        // Each version is changed alike.
        vary(&mut Dice::new(seed), version, reach);
    }
    if !reach.has(Visibility::Full) {
        b.name = format!("b-{number}-{}.ics", dice.below(1000));
        b.uid = format!("b-{number}-{}@example.net", dice.below(1000));
        let other = a_style(dice);
        let salt = if reach.places && reach.has(Visibility::Title) { a.style.salt } else { other.salt };
        let title_salt = if reach.has(Visibility::Title) { a.style.title_salt } else { other.title_salt };
        b.style = Style { salt, title_salt, ..other };
    }
    b
}

fn vary(dice: &mut Dice, model: &mut ObjectModel, reach: &Reach) {
    let all_reduced = !reach.has(Visibility::Full);
    let form = model.form;
    // Overrides that look as the master does show of it what they show of themselves.
    let of_master = |index: &usize| *index == 0 || model.overrides[index - 1].as_master;
    let most = (0..reach.most.len()).filter(of_master).map(|index| reach.of_component(index)).max().unwrap_or_default();
    vary_component(dice, &mut model.master, most, reach, form);
    for (index, o) in model.overrides.iter_mut().enumerate() {
        let most = reach.of_component(index + 1);
        if o.as_master {
            // It looks as the master does; only its secrets are its own.
            if most < Visibility::Full {
                o.component.secrets = secrets(dice, &o.component.secrets, reach);
            }
            continue;
        }
        vary_component(dice, &mut o.component, most, reach, form);
        if most == Visibility::Hidden {
            // Somewhere near, or in another year.
            o.moved += if dice.chance(70) { dice.within(-300, 300) } else { dice.within(-900_000, 900_000) };
        }
    }
    if all_reduced {
        vary_whole(dice, model, reach);
    }
}

fn vary_component(dice: &mut Dice, component: &mut ComponentModel, most: Visibility, reach: &Reach, form: TimeForm) {
    if most == Visibility::Full {
        return;
    }
    component.secrets = secrets(dice, &component.secrets, reach);
    if matches!(form, TimeForm::Utc | TimeForm::Floating | TimeForm::Date) && dice.chance(50) {
        component.by_duration = !component.by_duration;
    }
    // Where private and confidential ones are alike, the word says nothing; its case never does.
    component.class = match component.class {
        Some("PRIVATE" | "private" | "CONFIDENTIAL") if reach.one_kind => Some(*dice.pick(&["PRIVATE", "private", "CONFIDENTIAL"])),
        Some("PRIVATE" | "private") => Some(*dice.pick(&["PRIVATE", "private"])),
        class => class,
    };
    if most < Visibility::Title && component.status == Some("CONFIRMED") {
        component.status = None;
    }
    if most < Visibility::Title {
        component.titled = dice.chance(60);
    }
    // One that is hidden because it takes no time stays so.
    if most == Visibility::Hidden && component.length > 0 {
        component.length = dice.within(1, 500);
    }
}

/// Other secrets; where places are shown, the same LOCATION.
fn secrets(dice: &mut Dice, before: &[usize], reach: &Reach) -> Vec<usize> {
    if reach.places && reach.has(Visibility::Title) {
        return before.to_vec();
    }
    let mut secrets: Vec<usize> = (0..dice.below(6)).map(|_| dice.below(SECRETS_MAX)).collect();
    if dice.chance(30) {
        secrets.push(PLACE);
    }
    if reach.takes_part && is_invited(&secrets) {
        // Who is not invited in one world is not in the other.
        secrets.retain(|secret| *secret != GUEST);
    }
    secrets
}

/// What differs of an object of which nothing is ever shown in full.
fn vary_whole(dice: &mut Dice, model: &mut ObjectModel, reach: &Reach) {
    model.form = match model.form {
        TimeForm::Berlin | TimeForm::WindowsBerlin => *dice.pick(&[TimeForm::Berlin, TimeForm::WindowsBerlin]),
        form => form,
    };
    // An override that is hidden, or an instance that was deleted.
    if reach.of_component(0) > Visibility::Hidden && dice.chance(50) {
        let hidden: Vec<i64> = (0..model.overrides.len())
            .filter(|index| reach.of_component(index + 1) == Visibility::Hidden && !model.overrides[*index].for_later)
            .map(|index| model.overrides[index].slot)
            .collect();
        model.overrides.retain(|o| !hidden.contains(&o.slot));
        model.excluded.extend(hidden.iter().map(|slot| slot * 2));
    }
    // Dates that were taken out again, and exclusions of what never was.
    if dice.chance(50) {
        let gone: Vec<i64> = model.dates.iter().copied().filter(|date| model.excluded.contains(&(date * 2 + 1))).collect();
        model.dates.retain(|date| !gone.contains(date));
        model.excluded.retain(|excluded| !gone.contains(&((excluded - 1) / 2)) || excluded % 2 == 0);
    }
    if (model.rule.is_some() || !model.dates.is_empty()) && dice.chance(40) {
        let date = dice.within(20, 900);
        model.dates.push(date);
        model.excluded.push(date * 2 + 1);
        model.excluded.push((date + 1) * 2 + 1);
    }
    // A master that is hidden: how it goes on is nobody's business.
    if reach.of_component(0) == Visibility::Hidden
        && let Some(rule) = &mut model.rule
        && matches!(rule.end, RuleEnd::Endless)
    {
        rule.end = *dice.pick(&[RuleEnd::Endless, RuleEnd::Count(40), RuleEnd::Until(30)]);
    }
}
