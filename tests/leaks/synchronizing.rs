//! What synchronising could tell: names of what is hidden, copies that stay after access ended, counts, tokens that open
//! another's view.

use super::{FULL, NOT_PRIVY, WORK, event, person, share, store, sync_body, world_of};
use crate::harness::cast::{self, PEOPLE, WORK as NAME};
use crate::harness::client::NAMESPACES;
use crate::harness::{Client, World};
use acl::Level;
use acl::level::GrantPrivateEvents::{Busy, Hidden, Show};
use std::collections::BTreeMap;
use storage::administration::{CalendarEntry, GrantEntry};

fn private(uid: &str) -> String {
    event(uid, &format!("CLASS:PRIVATE\nTRANSP:TRANSPARENT\nSUMMARY:secret {uid}"))
}

/// A device that keeps what it was told: bodies by href, and its token.
#[derive(Default)]
pub struct Device {
    pub kept: BTreeMap<String, String>,
    token: String,
}

impl Device {
    /// Asks with its token; begins anew if that is refused. Gives what was reported as gone.
    pub fn sync(&mut self, client: &Client) -> Vec<String> {
        let mut answer = client.send("REPORT", WORK, &[("depth", "0")], &sync_body(&self.token, None));
        if answer.status == 404 {
            // The calendar itself is gone.
            return std::mem::take(&mut self.kept).into_keys().collect();
        }
        let mut gone = Vec::new();
        if answer.status == 403 {
            assert!(answer.body.contains("valid-sync-token"), "{}", answer.body);
            gone = std::mem::take(&mut self.kept).into_keys().collect();
            answer = client.send("REPORT", WORK, &[("depth", "0")], &sync_body("", None));
        }
        assert_eq!(answer.status, 207, "{}", answer.body);
        let data = client.data(&answer);
        for (href, member) in answer.multistatus() {
            if member.status == Some(404) {
                self.kept.remove(&href);
                gone.push(href);
            }
        }
        self.kept.extend(data);
        self.token = crate::harness::client::inner(&answer.body, "sync-token").unwrap();
        gone
    }
    pub fn holds(&self, word: &str) -> bool {
        self.kept.values().any(|text| text.contains(word))
    }
}

#[test]
pub fn leak_30_a_hidden_object_is_never_a_member_that_came_changed_or_went() {
    let mut world = world_of(&[("u.ics", event("u", "SUMMARY:Talk"))]);
    share(&mut world, "titles", Level::Titles, Hidden);
    let people = ["titles", "discreet", "busy", "details"];
    let mut devices = people.map(|_| Device::default());
    let mut sync = |world: &World| {
        people
            .map(|name| name)
            .iter()
            .zip(&mut devices)
            .map(|(name, device)| (device.sync(&world.client(name)), device.token.clone()))
            .collect::<Vec<_>>()
    };
    let first = sync(&world);
    let alice = world.client("alice");
    let path = format!("{WORK}hidden-30.ics");
    for deed in ["make", "change", "delete", "make again"] {
        match deed {
            "delete" => assert_eq!(alice.delete(&path).status, 204),
            _ => assert!(
                [201, 204]
                    .contains(&alice.put(&path, &private(if deed == "make again" { "v" } else { "w" }).replace("secret", deed)).status)
            ),
        }
        let now = sync(&world);
        for ((name, (gone, token)), (_, before)) in people.iter().zip(&now).zip(&first) {
            assert!(gone.is_empty(), "{name} is told of {gone:?} after {deed}");
            assert_eq!(token, before, "{name} after {deed}");
        }
        for name in people {
            let text = world.client(name).send("REPORT", WORK, &[("depth", "0")], &sync_body("", None)).body;
            assert!(!text.contains("hidden-30") && text.matches("<D:response>").count() == 1, "{name}: {text}");
        }
    }
}

/// The same word for every way in which access ends.
fn ends(name: &str, cause: &str, world: &mut World) {
    let alice = world.client("alice");
    let grant = |level| GrantEntry { calendar: NAME.into(), level: Some(level), ..GrantEntry::default() };
    let user = |level| GrantEntry { user: Some(name.into()), ..grant(level) };
    match cause {
        "class" => assert_eq!(
            alice.put(&format!("{WORK}u.ics"), &event("u", "SUMMARY:secret-31\nDESCRIPTION:secret-31\nCLASS:PRIVATE")).status,
            204
        ),
        "paused" => world.grant(user(Level::None)),
        "free-busy" => world.grant(user(Level::FreeBusy)),
        "titles" => world.grant(user(Level::Titles)),
        "an end" => {
            let until = Some(world.now() + chrono::TimeDelta::hours(1));
            world.grant(GrantEntry { until, ..user(Level::Details) });
            world.pass(chrono::TimeDelta::hours(1));
        }
        "deleted" => assert_eq!(alice.delete(&format!("{WORK}u.ics")).status, 204),
        "acl" => {
            let body = "<D:acl xmlns:D=\"DAV:\"/>";
            assert_eq!(alice.send("ACL", WORK, &[], body).status, 200);
        }
        _ => panic!("{cause}"),
    }
}

#[test]
pub fn leak_31_whatever_ends_access_takes_the_copy_back() {
    let causes = ["class", "paused", "free-busy", "titles", "an end", "deleted", "acl"];
    for cause in causes {
        let mut world = world_of(&[("u.ics", event("u", "SUMMARY:Talk\nDESCRIPTION:secret-31"))]);
        let client = world.client("details");
        let mut device = Device::default();
        device.sync(&client);
        assert!(device.holds("secret-31"));
        ends("details", cause, &mut world);
        let gone = device.sync(&client);
        assert!(!device.holds("secret-31"), "{cause}: the copy stayed");
        assert_eq!(gone, [format!("{WORK}u.ics")], "{cause}");
        let mut fresh = Device::default();
        fresh.sync(&client);
        assert_eq!(device.kept, fresh.kept, "{cause}");
    }
    // A group that is left, and a policy that changed.
    let mut world = world_of(&[("u.ics", event("u", "SUMMARY:Talk\nDESCRIPTION:secret-31"))]);
    let mut device = Device::default();
    let client = world.client("member");
    device.sync(&client);
    assert!(device.holds("secret-31"));
    world = world.group("staff", &[]);
    device.sync(&client);
    assert!(device.kept.is_empty());
    let entry = |private_events| CalendarEntry {
        owner: "alice".into(),
        name: "canary-k-work".into(),
        private_events: Some(private_events),
        ..CalendarEntry::default()
    };
    store(&world, &[("v.ics", event("v", "SUMMARY:secret-31\nCLASS:PRIVATE"))]);
    world.set_calendar(entry(acl::PrivateEvents::Editors));
    let editor = world.client("edit");
    let mut device = Device::default();
    device.sync(&editor);
    assert!(device.holds("SUMMARY:secret-31"));
    world.set_calendar(entry(acl::PrivateEvents::Busy));
    device.sync(&editor);
    assert!(!device.holds("SUMMARY:secret-31"));
}

#[test]
fn leak_32_whatever_opens_access_brings_what_was_there_already() {
    let mut world = world_of(&[
        ("u.ics", event("u", "SUMMARY:news-32\nDESCRIPTION:notes-32")),
        ("p.ics", event("p", "SUMMARY:private-32\nCLASS:PRIVATE")),
    ]);
    let client = world.client("paused");
    let mut device = Device::default();
    device.sync(&client);
    assert!(device.kept.is_empty());
    let steps: [(Level, _, [bool; 3]); 5] = [
        (Level::FreeBusy, Busy, [false, false, false]),
        (Level::Titles, Busy, [true, false, false]),
        (Level::Details, Busy, [true, true, false]),
        (Level::Details, Show, [true, true, true]),
        (Level::FreeBusy, Hidden, [false, false, false]),
    ];
    for (level, private_events, expected) in steps {
        share(&mut world, "paused", level, private_events);
        device.sync(&client);
        let held = ["news-32", "notes-32", "private-32"].map(|word| device.holds(word));
        assert_eq!(held, expected, "{level:?} {private_events:?}");
        let mut fresh = Device::default();
        fresh.sync(&client);
        assert_eq!(device.kept, fresh.kept);
    }
}

#[test]
fn leak_33_pages_and_limits_count_what_is_shown() {
    let few: Vec<(String, String)> = (0..5).map(|n| (format!("u{n}.ics"), event(&format!("u{n}"), "SUMMARY:Talk"))).collect();
    let many: Vec<(String, String)> = (0..120).map(|n| (format!("z{n}.ics"), private(&format!("z{n}")))).collect();
    let mut worlds = [&few[..], &[few.as_slice(), many.as_slice()].concat()].map(|objects| {
        let objects: Vec<(&str, String)> = objects.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
        world_of(&objects)
    });
    let tight = webdav::Limits { responses_max: 5, multistatus_bytes_max: 6_000, ..webdav::Limits::default() };
    let mut pages = 0;
    for name in ["busy", "titles", "details", "discreet"] {
        let ask = |world: &mut World| {
            let client = world.client(name).with_limits(tight);
            let mut answers = Vec::new();
            let mut token = String::new();
            for page in 0..4 {
                world.step(&format!("page {page}"));
                let answer = client.send("REPORT", WORK, &[("depth", "0")], &sync_body(&token, Some(2)));
                token = crate::harness::client::inner(&answer.body, "sync-token").unwrap();
                answers.push(answer);
            }
            answers.push(client.send("REPORT", WORK, &[("depth", "1")], &super::query_body("", "")));
            answers.push(client.propfind(WORK, "1", "<D:getetag/>"));
            let limited = super::query_body("", "")
                .replace("</C:calendar-query>", "<C:limit><C:nresults>2</C:nresults></C:limit></C:calendar-query>");
            answers.push(client.send("REPORT", WORK, &[("depth", "1")], &limited));
            answers
        };
        let [few, many] = &mut worlds;
        let (few, many) = (ask(few), ask(many));
        assert_eq!(few, many, "{name}");
        pages += few.iter().filter(|answer| answer.body.contains("507")).count();
    }
    assert!(pages >= 8, "{pages} pages were cut");
}

#[test]
fn leak_34_a_token_is_of_one_viewer_and_one_calendar() {
    let mut world = world_of(&[("u.ics", event("u", "SUMMARY:Talk\nDESCRIPTION:secret-34"))]).calendar("alice/second");
    for person in PEOPLE.iter().filter(|person| person.reaches() && !person.is_owner()) {
        world = world.share("alice/second", person.name, Level::Details);
    }
    let second = "/dav/calendars/alice/second/";
    let people: Vec<&str> = PEOPLE.iter().filter(|person| person.reaches()).map(|person| person.name).collect();
    let token = |name: &str, path: &str| world.client(name).sync_token(path);
    let tokens: Vec<(&str, &str, String)> =
        people.iter().flat_map(|name| [WORK, second].map(|path| (*name, path, token(name, path)))).collect();
    store(&world, &[("u.ics", event("u", "SUMMARY:Talk\nDESCRIPTION:secret-34 more"))]);
    let (mut refused, mut taken) = (0, 0);
    for name in &people {
        let client = world.client(name);
        for (of, calendar, token) in &tokens {
            for path in [WORK, second] {
                let answer = client.send("REPORT", path, &[("depth", "0")], &sync_body(token, None));
                if of == name && *calendar == path {
                    assert_eq!(answer.status, 207);
                    taken += 1;
                } else {
                    assert!(
                        answer.status == 403 && answer.body.contains("valid-sync-token"),
                        "{name} with {of}'s of {calendar} on {path}: {}",
                        answer.status
                    );
                    refused += 1;
                }
            }
        }
    }
    assert_eq!((taken, refused), (people.len() * 2, people.len() * people.len() * 4 - people.len() * 2));
    // A share that ended and began again is another view unless nothing of it changed.
    let mut device = Device::default();
    let client = world.client("details");
    device.sync(&client);
    share(&mut world, "details", Level::None, Busy);
    store(&world, &[("u.ics", event("u", "SUMMARY:Talk\nDESCRIPTION:meanwhile-34"))]);
    share(&mut world, "details", Level::FreeBusy, Busy);
    device.sync(&client);
    assert!(!device.holds("secret-34") && !device.holds("meanwhile-34") && device.kept.len() == 1);
}

#[test]
pub fn leak_35_a_list_of_guesses_finds_nothing_and_a_token_in_a_condition_tells_nothing() {
    let world = world_of(&[("known.ics", event("known", "SUMMARY:Talk")), ("p.ics", event("p", "SUMMARY:Therapy\nCLASS:PRIVATE"))]);
    let alice = world.client("alice");
    let pseudonyms = world.client("titles").members(WORK);
    for name in NOT_PRIVY.into_iter().filter(|name| person(name).reaches()) {
        let client = world.client(name);
        let shown = client.members(WORK);
        let mut guesses = vec![format!("{WORK}p.ics"), format!("{WORK}absent.ics")];
        if !FULL.contains(&name) {
            guesses.push(format!("{WORK}known.ics"));
        }
        guesses.extend(pseudonyms.iter().filter(|href| !shown.contains(href)).cloned());
        let answer = client.multiget(WORK, &guesses);
        let found = answer.multistatus();
        assert_eq!(found.len(), guesses.len(), "{name}");
        let responses: std::collections::BTreeSet<String> = crate::harness::client::elements(&answer.body, "response")
            .into_iter()
            .map(|response| guesses.iter().fold(response, |text, guess| text.replace(guess, "x")))
            .collect();
        assert_eq!(responses.len(), 1, "{name}: absent and hidden alike: {responses:?}");
        assert!(found.values().all(|member| member.status == Some(404)), "{name}");
        // The owner's tokens and tags hold for nobody else.
        for condition in [
            format!("<{WORK}> (<{}>)", alice.sync_token(WORK)),
            format!("<{WORK}p.ics> ([{}])", alice.etags(WORK)[&format!("{WORK}p.ics")]),
        ] {
            let of_hers = client.send("PROPFIND", WORK, &[("depth", "0"), ("if", &condition)], "").status;
            let of_nobody = client.send("PROPFIND", WORK, &[("depth", "0"), ("if", &format!("<{WORK}> (<data:,x>)"))], "").status;
            assert_eq!((of_hers, of_nobody), (412, 412), "{name}");
        }
    }
    let body = format!(
        "<C:calendar-multiget {NAMESPACES}><D:prop><C:calendar-data/></D:prop><D:href>{WORK}known.ics</D:href></C:calendar-multiget>"
    );
    assert_eq!(world.client("paused").send("REPORT", WORK, &[], &body).status, 404);
    assert_eq!(cast::world().client("stranger").send("REPORT", WORK, &[], &body).status, 404);
}
