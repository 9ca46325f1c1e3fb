//! Hidden is absent: whatever a viewer sends to what he may not see is answered as on a name that never existed.

use crate::harness::{Answer, Client, WORK, World, document, event};

const METHODS: [&str; 15] = [
    "OPTIONS",
    "GET",
    "HEAD",
    "PUT",
    "DELETE",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "MKCALENDAR",
    "COPY",
    "MOVE",
    "ACL",
    "REPORT",
    "LOCK",
    "POST",
];

/// One request of each method, in some variants.
fn requests(method: &str) -> Vec<(Vec<(&'static str, String)>, String)> {
    let plain = |body: String| vec![(vec![("depth", "0".to_owned())], body)];
    match method {
        "PUT" => ["*", "\"x\""]
            .iter()
            .flat_map(|tag| [("if-match", (*tag).to_owned()), ("if-none-match", (*tag).to_owned())])
            .chain([("prefer", "return=representation".to_owned())])
            .map(|header| (vec![header], event("9", "SUMMARY:x")))
            .collect(),
        "POST" => vec![(vec![], event("9", "SUMMARY:x")), (vec![("prefer", "return=representation".to_owned())], "rubbish".to_owned())],
        "GET" | "DELETE" => vec![(vec![], String::new()), (vec![("if-match", "*".to_owned())], String::new())],
        "PROPFIND" => plain(document("D:propfind", "<D:prop><D:getetag/><D:displayname/></D:prop>")),
        "PROPPATCH" => plain(document("D:propertyupdate", "<D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>")),
        "COPY" | "MOVE" => ["T", "F"]
            .iter()
            .map(|o| {
                (vec![("destination", "/dav/calendars/mallory/default/9.ics".to_owned()), ("overwrite", (*o).to_owned())], String::new())
            })
            .collect(),
        "ACL" => plain(document("D:acl", "")),
        "REPORT" => [
            document("C:calendar-query", "<D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name='VCALENDAR'/></C:filter>"),
            document("D:sync-collection", "<D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>"),
            document("C:free-busy-query", "<C:time-range start='20261101T000000Z' end='20261201T000000Z'/>"),
        ]
        .into_iter()
        .map(|body| (vec![("depth", "0".to_owned())], body))
        .collect(),
        _ => plain(String::new()),
    }
}

/// The answers to every method, the path they were sent to taken out.
fn answers(client: &Client, path: &str) -> Vec<(String, Answer)> {
    let mut all = Vec::new();
    for method in METHODS {
        for (headers, body) in requests(method) {
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            // New members are handed in below a collection.
            let to = if method == "POST" { format!("{path};add-member") } else { path.to_owned() };
            let mut answer = client.send(method, &to, &headers, &body);
            answer.body = answer.body.replace(path, "PATH");
            answer.headers.remove("content-length");
            all.push((format!("{method} {headers:?}"), answer));
        }
    }
    all
}

fn assert_alike(client: &Client, hidden: &str, absent: &str) -> usize {
    let (hidden_answers, absent_answers) = (answers(client, hidden), answers(client, absent));
    for ((request, hidden_answer), (_, absent_answer)) in hidden_answers.iter().zip(&absent_answers) {
        assert_eq!(hidden_answer, absent_answer, "{} {request} on {hidden} and {absent}", client.user);
    }
    hidden_answers.len()
}

#[test]
#[expect(clippy::print_stdout, reason = "a property says how much it compared")]
fn every_method_on_what_is_hidden_answers_as_on_what_is_absent() {
    let world = World::new();
    let alice = world.client("alice");
    alice.put(&format!("{WORK}secret.ics"), &event("secret", "SUMMARY:Canary\nCLASS:PRIVATE"));
    alice.send("MKCOL", "/dav/calendars/alice/files/", &[], "");
    alice.send("PUT", "/dav/calendars/alice/files/f.txt", &[], "Canary");
    let mut compared = 0;
    let mallory = world.client("mallory");
    for (hidden, absent) in [
        ("/dav/calendars/alice/", "/dav/calendars/nobody/"),
        (WORK, "/dav/calendars/nobody/work/"),
        (WORK, "/dav/calendars/alice/none/"),
        ("/dav/calendars/alice/work/secret.ics", "/dav/calendars/nobody/work/secret.ics"),
        ("/dav/calendars/alice/files/", "/dav/calendars/alice/none/"),
        ("/dav/calendars/alice/files/f.txt", "/dav/calendars/alice/none/f.txt"),
        ("/dav/principals/users/alice/", "/dav/principals/users/nobody/"),
        ("/dav/principals/groups/team/", "/dav/principals/groups/nobody/"),
    ] {
        compared += assert_alike(&mallory, hidden, absent);
    }
    // bob knows the calendar, but not her other calendar, her files, or the name she gave an event.
    let bob = world.client("bob");
    for (hidden, absent) in [
        ("/dav/calendars/alice/default/", "/dav/calendars/alice/none/"),
        ("/dav/calendars/alice/files/", "/dav/calendars/alice/none/"),
        ("/dav/calendars/alice/files/f.txt", "/dav/calendars/alice/none/f.txt"),
        ("/dav/calendars/alice/work/secret.ics", "/dav/calendars/alice/work/none.ics"),
    ] {
        compared += assert_alike(&bob, hidden, absent);
    }
    println!("{compared} pairs of answers compared");
    assert!(compared > 200, "{compared} compared");
}

#[test]
fn leak_48_a_destination_that_is_hidden_is_a_free_name() {
    let world = World::new();
    let alice = world.client("alice");
    alice.put(&format!("{WORK}secret.ics"), &event("secret", "CLASS:PRIVATE"));
    let erin = world.client("erin");
    erin.put("/dav/calendars/erin/default/1.ics", &event("1", ""));
    // erin may create; the private event bears a pseudonym for her, so its real name is free to her.
    let headers = [("destination", "/dav/calendars/alice/work/secret.ics"), ("overwrite", "F")];
    assert_eq!(erin.send("COPY", "/dav/calendars/erin/default/1.ics", &headers, "").status, 201);
    assert_eq!(alice.get(&format!("{WORK}secret.ics")).body, event("secret", "CLASS:PRIVATE"));
    assert_eq!(alice.members(WORK).len(), 2);
}
