//! Over a real connection: signing in, refusals that are made before the interface, and the examples of the README.

use crate::harness::{Connection, Reply, Shoji, basic};
use serde_json::Value;

const GRANTS: &str = "/api/v1/calendars/alice/default/grants";

fn problem(reply: &Reply) -> (u16, String) {
    assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{reply:?}");
    assert_eq!(reply.header("cache-control"), Some("private, no-store"));
    let json: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(json["status"], reply.status);
    assert_eq!(json["type"], format!("/api/v1/problems/{}", json["code"].as_str().unwrap()));
    (reply.status, json["code"].as_str().unwrap().to_owned())
}

#[test]
fn whoever_does_not_sign_in_is_told_how_in_the_interface_s_own_form() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("[limits]\nbody_bytes_max = 5000\nbody_seconds = 1\n");
    let mut connection = server.connect();
    let none = connection.request("GET", GRANTS, &[], "");
    assert_eq!(problem(&none), (401, "unauthorized".to_owned()));
    assert!(none.header("www-authenticate").unwrap().starts_with("Basic realm="), "{none:?}");
    let wrong = connection.request("GET", GRANTS, &[("Authorization", &basic("alice", "wrong"))], "");
    assert_eq!(connection.request("GET", GRANTS, &[("Authorization", &basic("nobody", "wrong"))], ""), wrong);
    assert_eq!(connection.request("GET", "/api/v1/nothing", &[("Authorization", &basic("alice", "wrong"))], ""), wrong, "401 first");
    let json = ("Content-Type", "application/json");
    let large = connection.request_as("alice", "PUT", GRANTS, &[json], &" ".repeat(5_001));
    assert_eq!(problem(&large), (413, "too-large".to_owned()));
    let head = connection.request_as("alice", "HEAD", GRANTS, &[], "");
    let get = connection.request_as("alice", "GET", GRANTS, &[], "");
    assert_eq!((head.status, &head.headers), (200, &get.headers));
    let mut late = server.connect();
    late.send(format!("PUT {GRANTS} HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Length: 9\r\n\r\n{{", basic("alice", "alice")));
    assert_eq!(problem(&late.reply()), (408, "timeout".to_owned()));
    server.stop();
}

#[test]
fn below_a_base_path_every_address_bears_it() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("base_path = \"/cal\"\n");
    let mut connection = server.connect();
    let json = ("Content-Type", "application/json");
    let made = connection.request_as("alice", "PUT", &format!("/cal{GRANTS}/everyone"), &[json], "{\"level\":\"details\"}");
    assert_eq!((made.status, made.header("location")), (201, Some("/cal/api/v1/calendars/alice/default/grants/everyone")));
    let refused: Value = serde_json::from_str(&connection.request_as("alice", "GET", "/cal/api/v1/x", &[], "").body).unwrap();
    assert_eq!(refused["type"], "/cal/api/v1/problems/not-found");
    let available = connection.request_as("bob", "GET", "/cal/api/v1/available", &[], "");
    assert!(available.body.contains("\"owner_path\":\"/cal/dav/calendars/alice/default/\""), "{}", available.body);
    server.stop();
}

/// One example as curl would send it.
fn as_curl_does(connection: &mut Connection, command: &str) -> Reply {
    let command = command.replace("\\\n", " ");
    let mut words: Vec<String> = Vec::new();
    for (number, piece) in command.split('\'').enumerate() {
        match number % 2 {
            0 => words.extend(piece.split_whitespace().map(str::to_owned)),
            _ => words.push(piece.to_owned()),
        }
    }
    let mut words = words.into_iter();
    assert_eq!(words.next().as_deref(), Some("curl"));
    let (mut user, mut method, mut headers, mut body, mut url) =
        (String::new(), "GET".to_owned(), Vec::new(), String::new(), String::new());
    while let Some(word) = words.next() {
        let mut value = || words.next().expect("an option has its value");
        match word.as_str() {
            "-u" => user = value(),
            "-X" => method = value(),
            "-H" => headers.push(value()),
            "-d" => body = value(),
            _ => url = word,
        }
    }
    let path = url.strip_prefix("http://127.0.0.1:8008").expect("the address of a server that was just started");
    let (name, password) = user.split_once(':').unwrap();
    let credentials = basic(name, password);
    let mut all = vec![("Authorization", credentials.as_str())];
    all.extend(headers.iter().map(|header| header.split_once(": ").unwrap()));
    connection.request(&method, path, &all, &body)
}

#[test]
fn the_examples_of_the_readme_do_what_it_says() {
    let readme = include_str!("../../README.md");
    let section = readme.split("### HTTP for programs").nth(1).unwrap();
    let examples = section.split("```sh\n").nth(1).unwrap().split("\n```").next().unwrap();
    let shoji = Shoji::with_people();
    let server = shoji.serve("");
    let mut connection = server.connect();
    let mut sent = 0;
    for example in examples.replace("\\\n", " ").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let reply = as_curl_does(&mut connection, example);
        assert!((200..300).contains(&reply.status), "{example}: {reply:?}");
        sent += 1;
    }
    assert!(sent >= 3, "{sent}");
    let grants = shoji.json(&["share", "list", "alice/default"]);
    assert!(grants.as_array().unwrap().iter().any(|grant| grant["everyone"] == true), "{grants}");
    server.stop();
}
