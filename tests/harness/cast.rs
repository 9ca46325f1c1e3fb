//! A cast: one calendar's owner, a viewer of every kind, and generated objects in which every text says where it stood, so
//! that any text met anywhere tells whether whoever met it may. What each may see stands here once more, in the plainest
//! words, apart from the code that decides it.

use super::World;
use acl::testing::{ObjectModel, SECRETS_MAX, Style, object, style};
use acl::{Level, Visibility};
use ical::ComponentKind;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeSet;
use storage::administration::{GrantEntry, entry::CreateWord};

/// The calendar all is about. Its path segment is a word too: who sees it below `details` is told it by nobody.
pub const WORK: &str = "alice/canary-k-work";

/// One viewer of [`WORK`].
#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub name: &'static str,
    /// What he sees of Standard components.
    pub standard: Visibility,
    /// What he sees of private and confidential ones.
    pub private: Visibility,
    pub create: bool,
    pub edit: bool,
    pub delete: bool,
}

const fn person(name: &'static str, standard: Visibility, private: Visibility, rights: &'static str) -> Person {
    let rights = rights.as_bytes();
    let (create, edit, delete) = match rights.len() {
        0 => (false, false, false),
        1 => (true, false, false),
        2 => (true, true, false),
        _ => (true, true, true),
    };
    Person { name, standard, private, create, edit, delete }
}

use Visibility::{FreeBusy, Full, Hidden, Title};

/// Everybody, the owner first.
pub const PEOPLE: [Person; 13] = [
    person("alice", Full, Full, "ced"),
    person("busy", FreeBusy, FreeBusy, ""),
    person("titles", Title, FreeBusy, ""),
    person("places", Title, FreeBusy, ""),
    person("details", Full, FreeBusy, ""),
    person("discreet", Full, Hidden, ""),
    person("edit", Full, FreeBusy, "ce"),
    person("edit-delete", Full, FreeBusy, "ced"),
    person("delegate", Full, Full, "ced"),
    person("assign", FreeBusy, FreeBusy, "c"),
    person("member", Full, FreeBusy, ""),
    person("paused", Hidden, Hidden, ""),
    person("stranger", Hidden, Hidden, ""),
];

impl Person {
    pub fn reaches(&self) -> bool {
        self.standard > Hidden
    }
    pub fn is_owner(&self) -> bool {
        self.name == "alice"
    }
}

/// One generated object.
#[derive(Clone, Debug)]
pub struct Item {
    pub number: u32,
    pub model: ObjectModel,
    /// As the owner PUTs it.
    pub text: String,
    /// The last segment of its path.
    pub name: String,
}

/// Objects by a fixed seed, numbered from `first`; the words in each bear its number.
pub fn items(seed: u8, first: u32, count: u32) -> Vec<Item> {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]));
    let mut sample = || (object().new_tree(&mut runner).unwrap().current(), style().new_tree(&mut runner).unwrap().current());
    let mut found = Vec::new();
    while found.len() < count as usize {
        let number = first + u32::try_from(found.len()).unwrap();
        let (mut model, style) = sample();
        if number.is_multiple_of(3) {
            // The owner's alarm.
            model.master.secrets.push(ALARM);
        }
        let item = Item::new(number, model, &style);
        if ical::CalendarObject::parse(item.text.as_bytes(), &ical::ParseLimits::default()).is_ok() {
            found.push(item);
        }
    }
    found
}

/// The number of the secret that is an alarm.
pub const ALARM: usize = SECRETS_MAX - 5;

/// The number of the secret that is a LOCATION.
const PLACE: usize = 1;

impl Item {
    pub fn new(number: u32, model: ObjectModel, style: &Style) -> Self {
        let fold = if style.fold == 0 { 0 } else { style.fold.max(50) };
        let style = Style { salt: number, title_salt: number, fold, ..style.clone() };
        let text = model.render(&style).replace("canary-c-uid@", &format!("canary-u-{number}@"));
        Self { number, model, text, name: format!("canary-f-{number}.ics") }
    }

    pub fn path(&self) -> String {
        format!("/dav/calendars/{WORK}/{}", self.name)
    }

    /// Whether each component is private, with its number, in stored order.
    fn privacy(&self) -> Vec<(i64, bool)> {
        let components = self.model.components();
        let master = components[0].class;
        let is_private = |class: Option<&str>| class.is_some_and(|class| !class.eq_ignore_ascii_case("PUBLIC"));
        let privacy = components.iter().map(|component| is_private(component.class.or(master)));
        self.model.numbers().into_iter().zip(privacy).collect()
    }

    /// What a viewer sees at most of the component of this number.
    fn visibility(&self, person: &Person, number: i64) -> Visibility {
        let privacy = self.privacy().into_iter().find(|(known, _)| *known == number);
        match privacy {
            Some((_, true)) => person.private,
            Some((_, false)) => person.standard,
            None => Hidden,
        }
    }

    /// Whether all of it is Full for him, whatever its components are.
    pub fn is_full(&self, person: &Person) -> bool {
        self.privacy().iter().all(|(_, private)| if *private { person.private } else { person.standard } == Full)
    }

    /// Whether some component is Full for him.
    fn has_full(&self, person: &Person) -> bool {
        self.privacy().iter().any(|(_, private)| if *private { person.private } else { person.standard } == Full)
    }
}

/// Every text of ours in an answer: in lower case, unfolded (in JSON too), from `canary` or `title-c` to the last letter, digit or
/// hyphen.
pub fn words(text: &str) -> BTreeSet<String> {
    let flat = text.to_ascii_lowercase().replace("&#13;", "").replace('\r', "").replace("\n ", "").replace("\n\t", "");
    let flat = flat.replace("\\r", "").replace("\\n ", "").replace("\\n\\t", "");
    let mut found = BTreeSet::new();
    for start in ["canary", "title-c"] {
        for (at, _) in flat.match_indices(start) {
            let word = flat[at..].split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap();
            found.insert(word.to_owned());
        }
    }
    found
}

/// Why this viewer may not meet this word; `None`: he may.
pub fn forbidden(person: &Person, word: &str, items: &[Item]) -> Option<String> {
    let refuse = |why: &str| Some(format!("{} met {word:?}: {why}", person.name));
    let parts: Vec<&str> = word.split('-').collect();
    let number_of = |part: Option<&&str>| part.and_then(|part| part.parse::<u32>().ok());
    let item = |number: Option<u32>| items.iter().find(|item| Some(item.number) == number);
    let component = |part: &str| part[1..].parse::<i64>().ok();
    let full_somewhere = person.standard == Full;
    match parts.as_slice() {
        // What is personal bears the name of its person.
        ["canary", "own", rest @ ..] => (rest.join("-") != person.name).then(|| format!("{} met {word:?}", person.name)),
        // The owner's alone: other calendars, plain files, order, time zone, dead properties.
        ["canary", "only", ..] => {
            if person.is_owner() {
                None
            } else {
                refuse("the owner's alone")
            }
        }
        // The calendar's own name and what it says of itself.
        ["canary", "k", "work"] | ["canary", "p", ..] => {
            if full_somewhere {
                None
            } else {
                refuse("of the calendar, for details and above")
            }
        }
        ["canary", "f" | "u", number] | ["canary", "v", number] | ["canary", "v", "name", number] => match item(number.parse().ok()) {
            // Where only some components are Full the name may be real if the others are not listed at all.
            Some(item) if item.is_full(person) || (item.has_full(person) && parts[1] != "v") => None,
            Some(item) if item.has_full(person) => None,
            _ => refuse("a name or calendar property of an object not shown in full"),
        },
        ["canary", "v" | "t"] => {
            if full_somewhere {
                None
            } else {
                refuse("a parameter")
            }
        }
        ["canary", "z", "name" | "headquarters"] => {
            if full_somewhere {
                None
            } else {
                refuse("of a zone's definition")
            }
        }
        ["canary", "z", number] => match item(number.parse().ok()) {
            Some(item) if item.has_full(person) => None,
            _ => refuse("of a zone's definition"),
        },
        ["canary", which, "me"] if which.starts_with('c') => {
            if full_somewhere {
                None
            } else {
                refuse("an attendee")
            }
        }
        ["canary", which, second, rest @ ..] if which.starts_with('c') => {
            let number = second.strip_prefix('p').map_or_else(|| number_of(rest.first()), |number| number.parse().ok());
            let (Some(item), Some(component)) = (item(number), component(which)) else { return refuse("an unknown word") };
            let place = second.parse::<usize>().ok();
            let at = item.model.numbers().iter().position(|known| *known == component);
            let secrets = at.map(|at| item.model.components()[at].secrets.clone()).unwrap_or_default();
            let secret = place.and_then(|place| secrets.get(place).copied());
            match item.visibility(person, component) {
                Full if secret == Some(ALARM) && !person.is_owner() => refuse("the owner's alarm"),
                Full => None,
                Title if secret == Some(PLACE) && person.name == "places" && item.model.kind == ComponentKind::Event => None,
                _ => refuse("of a component that is not shown in full"),
            }
        }
        ["title", which, number] => {
            let (Some(item), Some(titled_as)) = (item(number.parse().ok()), component(which)) else { return refuse("an unknown title") };
            let as_master = item.model.overrides.iter().filter(|o| o.as_master && titled_as == 0).map(|o| o.slot + 1);
            let best = as_master.chain([titled_as]).map(|number| item.visibility(person, number)).max();
            if best >= Some(Title) { None } else { refuse("a title") }
        }
        _ => refuse("an unknown word"),
    }
}

/// [`PEOPLE`] and the calendar [`WORK`], empty, shared with each as he is described.
pub fn world() -> World {
    let mut world = PEOPLE.iter().fold(World::new(), |world, person| world.user(person.name));
    world = world.group("staff", &["member"]).group("team", &["staff"]).calendar(WORK);
    let grant = |level| GrantEntry { calendar: WORK.into(), level: Some(level), ..GrantEntry::default() };
    let user = |name: &str, level| GrantEntry { user: Some(name.into()), ..grant(level) };
    for (name, level) in [
        ("busy", Level::FreeBusy),
        ("titles", Level::Titles),
        ("details", Level::Details),
        ("edit", Level::Edit),
        ("edit-delete", Level::EditDelete),
        ("paused", Level::None),
    ] {
        world.grant(user(name, level));
    }
    world.grant(GrantEntry { with_places: Some(true), ..user("places", Level::Titles) });
    let hidden = acl::level::GrantPrivateEvents::Hidden;
    world.grant(GrantEntry { private_events: Some(hidden), ..user("discreet", Level::Details) });
    let show = acl::level::GrantPrivateEvents::Show;
    world.grant(GrantEntry { private_events: Some(show), ..user("delegate", Level::EditDelete) });
    world.grant(GrantEntry { create: Some(CreateWord::Yes), ..user("assign", Level::FreeBusy) });
    world.grant(GrantEntry { group: Some("team".into()), ..grant(Level::Details) });
    world
}

/// The same with the owner's objects in it.
pub fn world_with(items: &[Item]) -> World {
    let world = world();
    let alice = world.client("alice");
    for item in items {
        let answer = alice.put(&item.path(), &item.text);
        assert_eq!(answer.status, 201, "{}\n{}", answer.body, item.text);
    }
    world
}

/// The href of [`WORK`] in a viewer's own home, if it is there.
pub fn mount(world: &World, person: &Person) -> Option<String> {
    if person.is_owner() {
        return Some(format!("/dav/calendars/{WORK}/"));
    }
    let home = format!("/dav/calendars/{}/", person.name);
    let mut mounts = world.client(person.name).propfind(&home, "1", "<D:owner/>").multistatus();
    mounts.retain(|_, member| member.properties.get("owner").is_some_and(|owner| owner.contains("/alice/")));
    mounts.into_keys().next()
}
