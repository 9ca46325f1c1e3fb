//! The commands in README.md that make the server share as other products do: they are run as they stand there, and people
//! then see and may do over HTTP what those products' documentation says of the same example.

use crate::harness::process::Server;
use crate::harness::{Shoji, event};

const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dan", "erin"];
const WORK: &str = "/dav/calendars/alice/work/";
const ICALENDAR: (&str, &str) = ("content-type", "text/calendar");

/// An event of alice's, in an hour of its own.
#[derive(Clone, Copy)]
struct Event {
    name: &'static str,
    hour: &'static str,
    class: &'static str,
}

/// An ordinary event, a public one and a private one.
const EVENTS: [Event; 3] = [
    Event { name: "standup", hour: "09", class: "" },
    Event { name: "party", hour: "11", class: "CLASS:PUBLIC\r\n" },
    Event { name: "salary", hour: "13", class: "CLASS:PRIVATE\r\n" },
];

impl Event {
    fn path(self) -> String {
        format!("{WORK}{}.ics", self.name)
    }
    fn text(self) -> String {
        let times = event(self.name, self.name)
            .replace("T160000Z", &format!("T{}0000Z", self.hour))
            .replace("T170000Z", &format!("T{}3000Z", self.hour));
        times.replace("END:VEVENT", &format!("{}END:VEVENT", self.class))
    }
    fn query(self) -> String {
        format!(
            r#"<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20261104T{0}0000Z" end="20261104T{0}3000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"#,
            self.hour
        )
    }
}

/// What one person has of one of alice's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Has {
    Nothing,
    Busy,
    PrivateEvent,
    Reads,
    Edits,
    Deletes,
}
use Has::{Busy, Deletes, Edits, Nothing, PrivateEvent, Reads};

/// The commands of README's section, block by block.
fn blocks() -> Vec<Vec<&'static str>> {
    let readme = include_str!("../README.md");
    let section = readme.split("### As other products share").nth(1).unwrap().split("\n### ").next().unwrap();
    let shown = |block: &'static str| block.split("\n```").next().unwrap().lines().filter(|line| !line.is_empty()).collect();
    section.split("```sh\n").skip(1).map(shown).collect()
}

struct Office {
    shoji: Shoji,
    server: Server,
}

impl Office {
    /// alice with a calendar `work`, and four colleagues, of whom carol is in sales.
    fn new() -> Self {
        let shoji = Shoji::new();
        let mut file = String::new();
        for name in PEOPLE {
            file += &format!("[[user]]\nname = \"{name}\"\npassword = \"{name}\"\n");
        }
        file += "[[group]]\nname = \"sales\"\nmembers = [\"carol\"]\n[[calendar]]\nowner = \"alice\"\nname = \"work\"\n";
        assert_eq!(shoji.run_with_input(&["apply", "-"], &file).exit, Some(0));
        let server = shoji.serve("");
        Self { shoji, server }
    }

    fn command(&self, command: &str) -> String {
        let mut words = command.split_whitespace();
        assert_eq!(words.next(), Some("shoji"), "{command}");
        let done = self.shoji.run(&words.collect::<Vec<_>>());
        assert_eq!(done.exit, Some(0), "{command}: {done:?}");
        done.out
    }

    fn ask(&self, user: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let reply = self.server.connect().request_as(user, method, path, headers, body);
        (reply.status, reply.body)
    }

    fn store_events(&self) {
        for event in EVENTS {
            assert_eq!(self.ask("alice", "PUT", &event.path(), &[ICALENDAR], &event.text()).0, 201);
        }
    }

    /// What somebody has of an event, found by trying; afterwards it is as it was.
    fn has(&self, user: &str, event: Event) -> Has {
        let (status, text) = self.ask(user, "GET", &event.path(), &[], "");
        if status != 200 {
            let (_, listed) = self.ask(user, "REPORT", WORK, &[("depth", "1"), ("content-type", "application/xml")], &event.query());
            return match listed {
                listed if listed.contains("SUMMARY:Private event") => PrivateEvent,
                listed if listed.contains("SUMMARY:Busy") => Busy,
                listed => {
                    assert!(!listed.contains("SUMMARY"), "{listed}");
                    Nothing
                }
            };
        }
        assert!(text.contains(&format!("SUMMARY:{}", event.name)), "{text}");
        let changed = text.replace("SUMMARY:", &format!("SUMMARY:{user} says "));
        if self.ask(user, "PUT", &event.path(), &[ICALENDAR], &changed).0 != 204 {
            assert_eq!(self.ask(user, "DELETE", &event.path(), &[], "").0, 403, "whoever deletes edits");
            return Reads;
        }
        let deleted = self.ask(user, "DELETE", &event.path(), &[], "").0 == 204;
        assert_eq!(self.ask("alice", "PUT", &event.path(), &[ICALENDAR], &text).0, if deleted { 201 } else { 204 });
        if deleted { Deletes } else { Edits }
    }

    fn see(&self, expected: &[(&str, [Has; 3])]) {
        for (user, expected) in expected {
            assert_eq!(EVENTS.map(|event| self.has(user, event)), *expected, "{user}: standup, party, salary");
        }
    }

    /// Of the people, those who can put an event into alice's calendar.
    fn assigners(&self) -> Vec<&'static str> {
        let assigns = |user: &&str| {
            let path = format!("{WORK}for-alice-by-{user}.ics");
            let status = self.ask(user, "PUT", &path, &[ICALENDAR], &event(&path, "Please")).0;
            assert!([201, 403, 404].contains(&status), "{user}: {status}");
            status == 201 && self.ask("alice", "DELETE", &path, &[], "").0 == 204
        };
        PEOPLE.into_iter().skip(1).filter(assigns).collect()
    }
}

#[test]
fn aspro_shares_as_its_documentation_says() {
    let office = Office::new();
    let blocks = blocks();
    assert_eq!(blocks.len(), 4, "README shows four blocks of commands");
    for command in &blocks[0] {
        office.command(command);
    }
    office.store_events();
    office.see(&[
        ("bob", [Busy, Reads, Nothing]),
        ("carol", [Edits, Edits, Edits]),
        ("dan", [Deletes, Deletes, Deletes]),
        ("erin", [Nothing, Nothing, Nothing]),
    ]);
    assert_eq!(office.assigners(), ["carol", "dan"]);
    // Overridden per user, and at once.
    office.command("shoji module set --user erin employee");
    office.see(&[("erin", [Reads, Reads, Nothing])]);
    office.command("shoji module set --user dan inherit");
    office.see(&[("dan", [Nothing, Nothing, Nothing])]);
}

#[test]
fn vtecrm_shares_as_its_documentation_says() {
    let office = Office::new();
    let blocks = blocks();
    for command in &blocks[1] {
        office.command(command);
    }
    office.store_events();
    office.see(&[
        ("bob", [Nothing, Nothing, Nothing]),
        ("carol", [Nothing, Reads, Busy]),
        ("dan", [Deletes, Deletes, PrivateEvent]),
        ("erin", [Nothing, Nothing, Nothing]),
    ]);
    assert_eq!(office.assigners(), ["carol", "dan"]);
    let modes: [&[(&str, [Has; 3])]; 2] = [
        &[
            ("bob", [Reads, Deletes, Nothing]),
            ("carol", [Reads, Deletes, PrivateEvent]),
            ("dan", [Deletes, Deletes, PrivateEvent]),
            ("erin", [Reads, Deletes, Nothing]),
        ],
        &[
            ("bob", [Edits, Edits, PrivateEvent]),
            ("carol", [Edits, Edits, PrivateEvent]),
            ("dan", [Deletes, Deletes, PrivateEvent]),
            ("erin", [Edits, Edits, PrivateEvent]),
        ],
    ];
    assert_eq!(blocks[2].len(), modes.len());
    let assigners = [&["carol", "dan"][..], &["bob", "carol", "dan", "erin"]];
    for ((command, expected), assigners) in blocks[2].iter().zip(modes).zip(assigners) {
        office.command(command);
        office.see(expected);
        assert_eq!(office.assigners(), assigners);
    }
    // What an administrator of the module sees does not hang on mode and role.
    office.command("shoji module set --user erin admin");
    office.see(&[("erin", [Deletes, Deletes, Deletes])]);
}

#[test]
fn superoffice_synchronizes_as_its_documentation_says() {
    let office = Office::new();
    office.store_events();
    let task = EVENTS[2].text().replace("VEVENT", "VTODO").replace("DTEND", "DUE").replace("salary", "raise");
    assert_eq!(office.ask("alice", "PUT", &format!("{WORK}raise.ics"), &[ICALENDAR], &task).0, 201);
    let blocks = blocks();
    let mut said = Vec::new();
    for command in &blocks[3] {
        said.push(office.command(command));
    }
    office.see(&[("bob", [Busy, Busy, Busy]), ("carol", [Nothing, Nothing, Nothing]), ("dan", [Nothing, Nothing, Nothing])]);
    let goes = |text: &str| ["standup", "party", "salary", "raise"].map(|title| text.contains(&format!("SUMMARY:{title}")));
    let carried = said.last().unwrap();
    assert_eq!(goes(carried), [true, true, true, false], "{carried}");
    assert!(carried.contains("CLASS:PRIVATE"), "private there too: {carried}");
    let why = office.command("shoji explain --target alice/work alice salary.ics");
    assert!(why.starts_with("what alice synchronizes with sees of alice/work:\n"), "{why}");
    for line in [
        "  of confidential and private ones, appointments alone\n",
        "an administrator has enabled them for confidential activities, and they switched on private appointments.\n",
        "  the event is private: everything, as of private events\n  they may change and delete it\n",
    ] {
        assert!(why.contains(line), "{line} in {why}");
    }
    // Of others' calendars nothing, and of bob's own nothing private: nobody enabled him.
    assert_eq!(office.command("shoji view-as --target bob alice/work"), "");
    assert!(office.command("shoji explain --target alice/work bob").contains("alice/work does not exist for what bob synchronizes with."));
    // Switched off, it is gone, and the switch is her own.
    let switches = "{\"private_events\":false,\"private_tasks\":true}";
    assert_eq!(office.ask("alice", "PUT", "/api/v1/synchronization", &[("content-type", "application/json")], switches).0, 200);
    assert_eq!(goes(&office.command("shoji view-as --target alice alice/work")), [true, true, false, true]);
    office.command("shoji user synchronization alice --confidential-activities off");
    assert_eq!(goes(&office.command("shoji view-as --target alice alice/work")), [true, true, false, false]);
}

#[test]
fn an_administrator_without_a_preset_needs_a_reason_and_its_owner_reads_it() {
    let office = Office::new();
    office.store_events();
    office.command("shoji module set --user dan admin");
    office.see(&[("dan", [Nothing, Nothing, Nothing])]);
    let said = office.command("shoji break-glass alice/work --admin dan --reason Handover");
    assert!(said.starts_with("alice/work is open to dan until "), "{said}");
    office.see(&[("dan", [Deletes, Deletes, Deletes]), ("bob", [Nothing, Nothing, Nothing])]);
    let journal = office.command("shoji journal alice/work");
    let line = journal.lines().find(|line| line.contains("opened the calendar until")).unwrap_or_else(|| panic!("{journal}"));
    assert!(line.contains("dan") && line.contains("with this reason: Handover"), "{line}");
    let (status, own) = office.ask("alice", "GET", "/api/v1/calendars/alice/work/journal", &[], "");
    assert!(status == 200 && own.contains("\"reason\":\"Handover\"") && own.contains("\"what\":\"break-glass\""), "{own}");
    // Sharing stays the owner's, and what he sees elsewhere.
    let acl = "<D:acl xmlns:D=\"DAV:\"/>";
    assert_eq!(office.ask("dan", "ACL", WORK, &[("content-type", "application/xml")], acl).0, 403);
    assert_eq!(office.ask("dan", "GET", "/api/v1/calendars/alice/work/journal", &[], "").0, 403);
    assert_eq!(office.ask("dan", "PROPFIND", "/dav/calendars/alice/default/", &[("depth", "0")], "").0, 404);
    office.command("shoji policy set admin_content none");
    office.see(&[("dan", [Nothing, Nothing, Nothing])]);
}
