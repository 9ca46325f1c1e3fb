//! Conversations as the specifications show them, found by their ending in `tests/rfc`: `>>> METHOD path`, headers, an empty
//! line, a body; `<<< status`, then what the answer says of each href: `href status names…`, or `error name`.

use crate::harness::{Answer, World};
use std::path::Path;

/// Line ends of bodies are CRLF, as iCalendar has them and XML does not mind.
struct Turn {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
    expected: String,
}

fn turns(text: &str) -> Vec<Turn> {
    text.split("\n>>> ")
        .skip(1)
        .map(|turn| {
            let (request, expected) = turn.split_once("\n<<< ").expect("each request has its answer");
            let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
            let mut lines = head.lines();
            let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
            let headers = lines.map(|line| line.split_once(": ").unwrap()).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
            let body = body.lines().map(|line| format!("{line}\r\n")).collect();
            Turn { method: method.to_owned(), path: path.to_owned(), headers, body, expected: expected.trim_end().to_owned() }
        })
        .collect()
}

fn told(answer: &Answer) -> String {
    let mut lines = vec![answer.status.to_string()];
    let is_xml = answer.header("content-type").starts_with("application/xml");
    if answer.status == 207 {
        for (href, properties) in answer.responses() {
            let mut by_status = std::collections::BTreeMap::<u16, Vec<String>>::new();
            for (status, property) in properties.into_values() {
                by_status.entry(status).or_default().push(format!("{{{}}}{}", property.name.namespace, property.name.local));
            }
            for (status, mut names) in by_status {
                names.sort();
                lines.push(format!("{href} {status} {}", names.join(" ")));
            }
        }
    } else if is_xml && answer.xml().name.is_dav("error") {
        let root = answer.xml();
        lines.extend(root.children().map(|condition| format!("error {{{}}}{}", condition.name.namespace, condition.name.local)));
    }
    lines.join("\n")
}

#[test]
fn the_conversations_of_the_specifications_go_as_they_are_written() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rfc");
    let mut talked = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let world = World::new();
        let alice = world.client("alice");
        for turn in turns(&std::fs::read_to_string(&path).unwrap()) {
            let headers: Vec<(&str, &str)> = turn.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let answer = alice.send(&turn.method, &turn.path, &headers, &turn.body);
            assert_eq!(told(&answer), turn.expected, "{}: {} {}\n{}", path.display(), turn.method, turn.path, answer.body);
            talked += 1;
        }
    }
    assert!(talked >= 30, "only {talked} requests were sent");
}
