//! `shoji link`, as a person types it, and what it leads to on the running server.

use crate::harness::{Shoji, event};

#[test]
fn a_link_made_on_the_command_line_is_read_listed_and_ended() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("external_url = \"https://cal.example.org\"\nbase_path = \"/cal\"\n");
    let file = shoji.file("meeting.ics", &event("meeting", "Budget"));
    assert_eq!(shoji.run(&["import", "alice/default", file.to_str().unwrap()]).exit, Some(0));
    let config = shoji.path("shoji.toml");
    let config = config.to_str().unwrap();
    let done = shoji.run(&["--config", config, "link", "add", "alice/default", "--level", "titles", "--note", "for the club"]);
    assert_eq!(done.exit, Some(0), "{done:?}");
    let address = done.out.lines().next().unwrap().split(' ').next().unwrap().to_owned();
    let secret = address.strip_prefix("https://cal.example.org/cal/l/").unwrap();
    assert_eq!(secret.len(), 32, "{}", done.out);
    assert!(done.out.contains(&format!("{address}.ics")) && done.err.contains("not shown again"), "{done:?}");
    let path = format!("/cal/l/{secret}.ics");
    assert_eq!(server.connect().request("GET", &path, &[], "").status, 200);
    let listed = shoji.json(&["link", "list", "alice/default"]);
    let entry = &listed[0];
    assert_eq!((entry["note"].as_str(), entry["level"].as_str(), entry["uses"].as_u64()), (Some("for the club"), Some("titles"), Some(1)));
    assert!(!listed.to_string().contains(secret), "a list holds no secret");
    let table = shoji.run(&["link", "list"]);
    assert!(table.out.contains("for the club") && !table.out.contains(secret), "{}", table.out);
    let id = entry["id"].as_str().unwrap();
    assert_eq!(shoji.run(&["link", "remove", id]).out, format!("ended link {id}\n"));
    assert_eq!(server.connect().request("GET", &path, &[], "").status, 404);
    assert_eq!(shoji.refusal(&["link", "remove", id]).1, "not-found");
    let journal = shoji.run(&["journal", "alice/default"]).out;
    for told in [format!("made link {id} (titles)"), format!("ended alice's link {id} (titles)"), format!("whoever has link {id}")] {
        assert!(journal.contains(&told), "{journal}");
    }
    assert!(!journal.contains(secret), "{journal}");
    for (arguments, words) in [
        (vec!["link", "add", "alice/default"], "needs a level"),
        (vec!["link", "add", "alice/default/nothing.ics"], "no event"),
        (vec!["link", "add", "alice/nothing", "--level", "titles"], "no calendar"),
        (vec!["link", "add", "alice/default", "--level", "titles", "--until", "2020-01-01T00:00:00Z"], "passed already"),
    ] {
        let (exit, code, message) = shoji.refusal(&arguments);
        assert_eq!((exit, code.as_str()), (Some(1), "invalid"), "{arguments:?} {message}");
        assert!(message.contains(words), "{message}");
    }
    server.stop();
    assert_eq!(shoji.run(&["check"]).exit, Some(0));
}
