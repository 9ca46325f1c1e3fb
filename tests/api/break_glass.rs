//! An administrator's entry into a calendar over HTTP: an hour, a reason, and no way around it.

use super::policy::with_administrator;
use serde_json::json;

#[test]
fn administrators_cannot_open_calendars_to_themselves_by_the_policy() {
    let world = with_administrator();
    let dan = world.client("dan");
    for raised in [json!({"admin_content": "full"}), json!({"preset": "aspro"})] {
        assert_eq!(dan.api("PUT", "policy", &json!({"policy": raised}).to_string()).problem().1, "invalid", "{raised}");
    }
    let lowered = json!({"policy": {"preset": "aspro", "admin_content": "none"}});
    assert_eq!(dan.api("PUT", "policy", &lowered.to_string()).status, 200);
    assert_eq!(dan.api("PUT", "policy", "{\"policy\":{}}").problem().1, "invalid", "up again");
}

#[test]
fn an_administrator_opens_a_calendar_for_an_hour_and_its_owner_reads_why() {
    let mut world = with_administrator();
    let dan = world.client("dan");
    let path = "calendars/alice/default/break-glass";
    let home = "/dav/calendars/alice/default/";
    assert_eq!(dan.propfind(home, "0", "<D:displayname/>").status, 404);
    for nothing in ["calendars/alice/none/break-glass", "calendars/nobody/work/break-glass"] {
        assert_eq!(dan.api("POST", nothing, "{\"reason\":\"Handover\"}").problem().0, 404);
    }
    for nobody in ["alice", "bob", "carol"] {
        assert_eq!(world.client(nobody).api("POST", path, "{\"reason\":\"Handover\"}").problem().0, 403, "{nobody}");
    }
    assert_eq!(dan.api("POST", path, "{\"reason\":\" \"}").problem().1, "invalid");
    assert_eq!(dan.propfind(home, "0", "<D:displayname/>").status, 404);
    assert_eq!(dan.api("POST", path, "{\"reason\":\"Handover\"}").status, 200);
    assert_eq!(dan.propfind(home, "0", "<D:displayname/>").status, 207);
    let journal = world.client("alice").api("GET", "calendars/alice/default/journal", "").json();
    let uses: Vec<_> = journal["journal"].as_array().unwrap().iter().filter(|entry| entry["what"] == "break-glass").collect();
    assert_eq!(uses.len(), 1, "{journal}");
    assert_eq!((&uses[0]["user"], &uses[0]["reason"]), (&json!("dan"), &json!("Handover")));
    assert_eq!(dan.api("GET", "calendars/alice/default/grants", "").problem().0, 403, "sharing stays the owner's");
    world.pass(chrono::TimeDelta::minutes(59));
    assert_eq!(dan.propfind(home, "0", "<D:displayname/>").status, 207);
    world.pass(chrono::TimeDelta::minutes(1));
    assert_eq!(dan.propfind(home, "0", "<D:displayname/>").status, 404);
    assert_eq!(world.faults(), Vec::<String>::new());
}
