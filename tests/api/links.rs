//! Links over HTTP: made, listed and ended by the owner alone, and the address told once.

use super::world;
use crate::harness::api;

#[test]
fn the_owner_makes_a_link_lists_it_without_its_address_and_ends_it() {
    let world = world();
    let alice = world.client("alice");
    let body = "{\"calendar\":\"alice/work\",\"level\":\"free-busy\",\"note\":\"for the club\",\"until\":\"2027-01-01T00:00:00Z\"}";
    let made = alice.api("POST", "links", body);
    assert_eq!(made.status, 201, "{}", made.body);
    let json = made.json();
    let (id, url) = (json["id"].as_str().unwrap(), json["url"].as_str().unwrap());
    assert_eq!(made.header("location"), Some(format!("/api/v1/links/{id}").as_str()));
    assert_eq!(world.client("carol").get(url).status, 200);
    let listed = alice.api("GET", "links", "").json();
    assert_eq!(listed["link"][0]["id"], id);
    assert_eq!((listed["link"][0]["uses"].as_u64(), listed["link"][0]["last_used"].as_str()), (Some(1), Some("2026-11-02")));
    assert!(!listed.to_string().contains(&url[3..]), "{listed}");
    assert_eq!(alice.api("GET", &format!("links/{id}"), "").json(), listed["link"][0]);
    for other in ["bob", "carol"] {
        let client = world.client(other);
        assert_eq!(client.api("GET", "links", "").json()["link"].as_array().unwrap().len(), 0);
        for method in ["GET", "DELETE"] {
            let hidden = client.api(method, &format!("links/{id}"), "");
            assert_eq!(hidden, client.api(method, "links/00000000000000000000000000000000", ""), "{other} {method}");
            assert_eq!(hidden.problem().0, 404);
        }
    }
    assert_eq!(alice.api("DELETE", &format!("links/{id}"), "").status, 204);
    assert_eq!(world.client("carol").get(url).status, 404);
    assert_eq!(alice.api("DELETE", &format!("links/{id}"), "").problem().0, 404);
}

#[test]
fn nobody_else_makes_a_link_whatever_he_sees() {
    let world = world();
    let body = "{\"calendar\":\"alice/work\",\"level\":\"free-busy\"}";
    assert_eq!(world.client("bob").api("POST", "links", body).problem().0, 403);
    assert_eq!(world.client("carol").api("POST", "links", body).problem().0, 404);
    assert_eq!(world.store.administration().links(None).unwrap(), []);
    for (body, status) in [
        ("{\"calendar\":\"alice/work\"}", 422),
        ("{\"calendar\":\"alice/work\",\"level\":\"edit\"}", 422),
        ("{\"calendar\":\"alice/work\",\"level\":\"titles\",\"until\":\"2026-01-01T00:00:00Z\"}", 422),
        ("{\"calendar\":\"alice/work\",\"level\":\"titles\",\"note\":\"two\\nlines\"}", 422),
        ("{\"calendar\":\"alice/work/event.ics\",\"level\":\"titles\"}", 422),
        ("{\"calendar\":\"alice/work\",\"level\":\"secret\"}", 400),
        ("{\"calendar\":\"alice/work\",\"object\":\"nothing.ics\"}", 404),
    ] {
        let answer = world.client("alice").api("POST", "links", body);
        assert_eq!(answer.problem().0, status, "{body} {}", answer.body);
    }
    assert!(api::asks("alice", "work").iter().any(|ask| ask.path == "links"));
}
