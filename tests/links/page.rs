//! The page of a link and its feed, as answers: what they bear, what they take, and that nothing written into a calendar ever
//! becomes part of the page's markup.

use super::{RANDOM, event, get, link, world};
use crate::harness::{Front, basic};
use acl::Level;
use base64::Engine;
use std::collections::BTreeSet;
use tokio_rustls::rustls::SupportedCipherSuite;
use tokio_rustls::rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;

fn sha256(text: &str) -> String {
    let SupportedCipherSuite::Tls13(suite) = TLS13_AES_128_GCM_SHA256 else { panic!("a suite of TLS 1.3") };
    base64::engine::general_purpose::STANDARD.encode(suite.common.hash_provider.hash(text.as_bytes()))
}

#[test]
fn leak_90_every_answer_is_for_no_cache_no_index_no_frame_and_no_other_site() {
    let world = world();
    let front = Front::new(&world);
    let stranger = front.wire("nobody");
    let (page, _) = link(&world, "alice/work", Some(Level::Details));
    let wrong = basic("alice", "wrong");
    let mut statuses = BTreeSet::new();
    for path in [&page, &format!("{page}.ics"), &format!("{page}?from=nonsense"), &format!("{page}?zone=nowhere"), RANDOM, "/l/"] {
        for method in ["GET", "HEAD", "OPTIONS", "PUT", "PROPFIND", "DELETE", "REPORT"] {
            let known = basic("bob", "bob");
            let mut asked = vec![vec![], vec![("authorization", known.as_str())]];
            if method == "GET" {
                asked.push(vec![("authorization", wrong.as_str())]);
            }
            for headers in asked {
                let answer = stranger.ask_unknown(method, path, &headers, "");
                for (name, value) in [
                    ("cache-control", "private, no-store"),
                    ("referrer-policy", "no-referrer"),
                    ("x-robots-tag", "noindex"),
                    ("x-content-type-options", "nosniff"),
                ] {
                    assert_eq!(answer.header(name), Some(value), "{method} {path} {}", answer.status);
                }
                let policy = answer.header("content-security-policy").unwrap();
                assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
                assert!(!policy.contains("unsafe") && !policy.contains("script"), "{policy}");
                assert!(answer.header("set-cookie").is_none() && answer.header("last-modified").is_none());
                // What a link is asked is a function of the link alone: wrong credentials are refused as everywhere.
                let is_wrong = headers.iter().any(|(_, value)| *value == wrong);
                assert_eq!(answer.status == 401, is_wrong, "{method} {path} {}", answer.status);
                statuses.insert(answer.status);
            }
        }
    }
    assert_eq!(statuses, BTreeSet::from([200, 204, 400, 401, 404, 405]));
}

#[test]
fn the_only_style_a_browser_takes_is_that_of_the_page_and_there_is_no_script() {
    let world = world();
    let front = Front::new(&world);
    let (path, _) = link(&world, "alice/work", Some(Level::Details));
    let page = get(&front.wire("nobody"), &path);
    let style = page.body.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains(&format!("style-src 'sha256-{}'", sha256(style))), "{policy}\n{}", sha256(style));
    let lower = page.body.to_lowercase();
    for absent in ["<script", " on", "style=", "javascript:", "<img", "<link", "<iframe", "src="] {
        assert!(!lower.replace(" one", "").contains(absent) || absent == " on", "{absent}");
    }
    assert!(page.body.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
}

#[test]
fn a_page_shows_the_weeks_and_the_zone_that_are_asked_for() {
    let world = world();
    let front = Front::new(&world);
    let stranger = front.wire("nobody");
    let (path, _) = link(&world, "alice/work", Some(Level::Titles));
    let tokyo = get(&stranger, &format!("{path}?from=2026-11-04&zone=asia%2Ftokyo")).body;
    assert!(tokyo.contains("Times are in Asia/Tokyo") && tokyo.contains("Thursday, 5 November 2026"), "{tokyo}");
    assert!(tokyo.contains(">01:00</time>–") && !tokyo.contains("Budget"), "{tokyo}");
    assert!(tokyo.contains("href=\"?from=2026-12-30&amp;zone=Asia/Tokyo\""), "{tokyo}");
    let later = get(&stranger, &format!("{path}?from=2027-03-01")).body;
    assert!(later.contains("Nothing in this time."), "{later}");
    // What a form sends with empty fields, and what others put after an address.
    assert_eq!(get(&stranger, &format!("{path}?from=&zone=&utm_source=x")).body, get(&stranger, &path).body);
    for wrong in ["from=2026-13-01", "from=0001-01-01", "from=99999-01-01", "zone=Mars/Olympus", "zone=%ff", &"x&".repeat(40)] {
        let refused = get(&stranger, &format!("{path}?{wrong}"));
        assert_eq!((refused.status, refused.header("content-type")), (400, Some("text/plain; charset=utf-8")), "{wrong}");
        assert!(!refused.body.contains("Mars") && !refused.body.contains("13"), "{}", refused.body);
    }
}

#[test]
fn one_event_is_shown_in_full_whatever_its_privacy_and_without_its_neighbours() {
    let world = world();
    let front = Front::new(&world);
    let stranger = front.wire("nobody");
    let (visit, made) = link(&world, "alice/work/visit.ics", None);
    assert_eq!((made.object.as_deref(), made.level), (Some("visit.ics"), None));
    let page = get(&stranger, &visit).body;
    assert!(page.contains("<h1><bdi lang=\"\">Therapy</bdi></h1>") && page.contains("secret-words") && !page.contains("Budget"), "{page}");
    let (meeting, _) = link(&world, "alice/work/meeting.ics", None);
    let page = get(&stranger, &meeting).body;
    for shown in ["Room Elm", "Bring the figures", "Alice A", "guest@example.net", "href=\"https://example.org/plan?a=1&amp;b=2\""] {
        assert!(page.contains(shown), "{shown} {page}");
    }
    let feed = get(&stranger, &format!("{meeting}.ics"));
    assert!(feed.body.contains("UID:uid-meeting") && !feed.body.contains("VALARM") && !feed.body.contains("alarm-words"), "{}", feed.body);
    assert_eq!(feed.body.matches("BEGIN:VEVENT").count(), 1);
    let (series, _) = link(&world, "alice/work/series.ics", None);
    assert_eq!(get(&stranger, &series).body.matches("<li>").count(), 4);
    assert_eq!(get(&stranger, &format!("{series}?from=2026-11-12")).body.matches("<li>").count(), 2);
    // One that is once is shown whenever it is.
    assert_eq!(get(&stranger, &format!("{visit}?from=2030-01-01")).body.matches("<li>").count(), 1);
}

#[test]
fn leak_21_busy_time_comes_in_blocks_that_tell_no_events_apart() {
    let world = world();
    let front = Front::new(&world);
    let stranger = front.wire("nobody");
    let (path, _) = link(&world, "alice/work", Some(Level::FreeBusy));
    let feed = get(&stranger, &format!("{path}.ics")).body;
    assert!(feed.contains("FREEBUSY;FBTYPE=BUSY:20261103T090000Z/20261103T113000Z\r\n"), "{feed}");
    assert!(feed.contains("DTSTART:20261103T090000Z\r\nDTEND:20261103T113000Z\r\nSUMMARY:Busy\r\n"), "{feed}");
    assert_eq!((feed.matches("BEGIN:VEVENT").count(), feed.matches("BEGIN:VFREEBUSY").count()), (5, 1), "{feed}");
    let page = get(&stranger, &path).body;
    assert!(page.contains("<h1>Busy times</h1>") && page.matches(">Busy</bdi>").count() == 5, "{page}");
    for withheld in ["Private", "Budget", "Choir", "work", "alice", "RRULE"] {
        assert!(!page.contains(withheld) && !feed.contains(withheld), "{withheld}");
    }
}

#[test]
fn a_program_that_asks_again_is_told_in_a_few_bytes_that_nothing_it_is_shown_changed() {
    let world = world();
    let front = Front::new(&world);
    let stranger = front.wire("nobody");
    let alice = world.client("alice");
    for (hour, target, level) in
        [(2, "alice/work", Some(Level::FreeBusy)), (3, "alice/work", Some(Level::Titles)), (4, "alice/work/visit.ics", None)]
    {
        let (path, _) = link(&world, target, level);
        let path = format!("{path}.ics");
        let first = get(&stranger, &path);
        let etag = first.header("etag").unwrap().to_owned();
        let again = stranger.ask_unknown("GET", &path, &[("if-none-match", &format!("\"x\", W/{etag}"))], "");
        assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", Some(etag.as_str())), "{level:?}");
        let head = stranger.ask_unknown("HEAD", &path, &[], "");
        assert_eq!((head.status, head.header("content-length")), (200, Some(first.body.len().to_string().as_str())), "{level:?}");
        // A change of what the link does not show.
        let text = alice.get("/dav/calendars/alice/work/meeting.ics").body;
        let text = text.replace("Bring the figures", &format!("Bring more {level:?}"));
        assert_eq!(alice.put("/dav/calendars/alice/work/meeting.ics", &text).status, 204);
        assert_eq!(stranger.ask_unknown("GET", &path, &[("if-none-match", &etag)], "").status, 304, "{level:?}");
        // And one of what it does.
        let text = alice.get("/dav/calendars/alice/work/visit.ics").body;
        let end = text.lines().find(|line| line.starts_with("DTEND")).unwrap().to_owned();
        assert_eq!(
            alice.put("/dav/calendars/alice/work/visit.ics", &text.replace(&end, &format!("DTEND:20261103T1{hour}0000Z"))).status,
            204
        );
        assert_eq!(stranger.ask_unknown("GET", &path, &[("if-none-match", &etag)], "").status, 200, "{level:?}");
    }
}

/// Everything a person can write into an event, as whoever wants to run something on the reader's machine would write it.
#[test]
fn leak_93_what_is_written_into_an_event_never_becomes_markup() {
    let world = world();
    let alice = world.client("alice");
    let attack = "</bdi></title></style><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&lt;";
    let escaped = attack.replace('\\', "").replace(';', "\\;").replace(',', "\\,");
    for (number, url) in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "https://x\"onclick=alert(1)",
    ]
    .iter()
    .enumerate()
    {
        let lines = format!(
            "DTSTART:20261110T090000Z\nDTEND:20261110T100000Z\nSUMMARY:{escaped}\nDESCRIPTION:{escaped}\nLOCATION:{escaped}\nURL:{url}\n\
             ORGANIZER;CN=\"<script>alert(1)</script>\":mailto:a@example.org\nATTENDEE:mailto:<script>alert(1)</script>@example.org"
        );
        let answer = alice.put(&format!("/dav/calendars/alice/work/attack-{number}.ics"), &event(&format!("attack-{number}"), &lines));
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    let front = Front::new(&world);
    let stranger = front.wire("nobody");
    let targets = [("alice/work", Some(Level::Titles)), ("alice/work", Some(Level::Details))];
    let events: Vec<String> = (0..5).map(|number| format!("alice/work/attack-{number}.ics")).collect();
    let events = events.iter().map(|target| (target.as_str(), None));
    for (target, level) in targets.into_iter().chain(events) {
        let (path, _) = link(&world, target, level);
        let page = get(&stranger, &path).body;
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
        // Every tag there is, is one of the page's own.
        let tags: BTreeSet<&str> =
            page.split('<').skip(1).map(|piece| piece.split(['>', ' ']).next().unwrap().trim_start_matches('/')).collect();
        let own = [
            "!DOCTYPE", "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "form", "label", "input", "button",
            "section", "time", "ul", "li", "span", "strong", "em", "bdi", "details", "summary", "a", "nav",
        ];
        assert!(tags.iter().all(|tag| own.contains(tag)), "{tags:?}");
        let hrefs: Vec<&str> = page.split("href=\"").skip(1).map(|piece| piece.split('"').next().unwrap()).collect();
        assert!(
            hrefs.iter().all(|href| href.starts_with("?from=")
                || href.starts_with("https://example.org/plan?a=1&amp;b=2")
                || href.starts_with("https://x&quot;onclick")),
            "{hrefs:?}"
        );
        assert!(!page.contains("onerror=alert(1)>"), "{page}");
    }
}
