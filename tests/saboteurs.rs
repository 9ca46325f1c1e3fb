//! A proof is worth what it notices: saboteurs that know all that the owner knows spoil the server's answers, each in one of
//! the ways in which servers have leaked, and each is caught by the property meant for it.

use crate::harness::client::{elements, inner};
use crate::harness::saboteur::{self, Asked, Saboteur};
use crate::harness::{Answer, Client};
use crate::{agreement, api, canary, flip, hidden_is_absent, history, leaks, links, no_write, two_worlds};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An object as the owner has it.
struct Stored {
    href: String,
    text: String,
}

impl Stored {
    fn name(&self) -> &str {
        self.href.rsplit('/').next().unwrap_or_default()
    }
    /// The value of the first line of this name.
    fn value(&self, name: &str) -> Option<String> {
        let text = self.text.replace("\r\n ", "").replace("\n ", "");
        let mut lines = text.lines();
        lines.find_map(|line| {
            let (head, value) = line.split_once(':')?;
            let own = head.split(';').next().unwrap_or_default().eq_ignore_ascii_case(name);
            own.then(|| value.trim_end().to_owned())
        })
    }
}

/// Hrefs of the owner's objects, one after the other.
fn stored_hrefs(owner: &Client) -> impl Iterator<Item = String> + '_ {
    owner.members("/dav/calendars/alice/").into_iter().flat_map(|calendar| {
        let answer = owner.propfind(&calendar, "1", "<D:getetag/>");
        let members = if answer.status == 207 { answer.multistatus().into_keys().collect() } else { Vec::new() };
        members.into_iter().filter(move |href| *href != calendar)
    })
}

/// The owner's objects, each fetched when it is come to.
fn each_stored(owner: &Client) -> impl Iterator<Item = Stored> + '_ {
    stored_hrefs(owner).map(|href| Stored { text: owner.get(&href).body, href })
}

fn stored(owner: &Client) -> Vec<Stored> {
    each_stored(owner).collect()
}

/// The stored object that begins when a served one does.
fn behind<'s>(served: &str, all: &'s [Stored]) -> Option<&'s Stored> {
    let start = served.lines().find(|line| line.starts_with("DTSTART"))?.rsplit(':').next()?.trim_end().to_owned();
    all.iter().find(|stored| stored.value("DTSTART").as_deref() == Some(&start))
}

fn is_report(asked: &Asked<'_>, name: &str) -> bool {
    asked.method == "REPORT" && asked.body.contains(&format!("{name} "))
}

fn serves_objects(answer: &Answer) -> bool {
    answer.body.contains("DTSTAMP:20000101T000000Z")
}

fn keeps_the_description(_: &Asked<'_>, _: &Client, owner: &Client, mut answer: Answer) -> Answer {
    if serves_objects(&answer) {
        let all = stored(owner);
        let pieces = answer.body.split_inclusive("DTSTAMP:20000101T000000Z").map(str::to_owned).collect::<Vec<_>>();
        let mut body = String::new();
        for (index, piece) in pieces.iter().enumerate() {
            body.push_str(piece);
            let description = pieces.get(index + 1).and_then(|next| behind(next, &all)).and_then(|stored| stored.value("DESCRIPTION"));
            if let Some(description) = description.filter(|_| piece.ends_with("000000Z")) {
                body.push_str(&format!("\r\nDESCRIPTION:{description}"));
            }
        }
        answer.body = body;
    }
    answer
}

fn keeps_it_in_reports_alone(asked: &Asked<'_>, _: &Client, _: &Client, answer: Answer) -> Answer {
    if asked.method == "REPORT" && serves_objects(&answer) {
        return Answer {
            body: answer.body.replace("DTSTAMP:20000101T000000Z", "DTSTAMP:20000101T000000Z&#13;\nDESCRIPTION:more"),
            ..answer
        };
    }
    answer
}

fn tags_what_is_stored(asked: &Asked<'_>, _: &Client, owner: &Client, mut answer: Answer) -> Answer {
    if asked.method == "GET" && serves_objects(&answer) && asked.path.ends_with(".ics") {
        let all = stored(owner);
        if let Some(stored) = behind(&answer.body, &all) {
            let tag = format!("\"{}\"", &blake3::hash(stored.text.as_bytes()).to_hex().as_str()[..22]);
            answer.headers.iter_mut().filter(|(name, _)| name == "etag").for_each(|(_, value)| value.clone_from(&tag));
        }
    }
    answer
}

fn filters_what_is_stored(asked: &Asked<'_>, viewer: &Client, owner: &Client, answer: Answer) -> Answer {
    if is_report(asked, "calendar-query") && answer.status == 207 && !answer.body.contains("<D:response>") {
        let depth = [("depth", "1")];
        let calendars = owner.members("/dav/calendars/alice/");
        let found = calendars.iter().any(|calendar| owner.send("REPORT", calendar, &depth, asked.body).body.contains("<D:response>"));
        if let (true, Some(start), Some(end)) = (found, asked.body.find("<C:filter>"), asked.body.find("</C:filter>")) {
            let anything = format!("{}<C:filter><C:comp-filter name=\"VCALENDAR\"/>{}", &asked.body[..start], &asked.body[end..]);
            return viewer.send("REPORT", asked.path, &depth, &anything);
        }
    }
    answer
}

fn syncs_hidden_names(asked: &Asked<'_>, _: &Client, owner: &Client, mut answer: Answer) -> Answer {
    if is_report(asked, "sync-collection") && answer.status == 207 && !asked.path.ends_with("/bob/") {
        let honest = answer.body.clone();
        for stored in stored(owner).iter().filter(|stored| !honest.contains(stored.name())) {
            let gone = format!(
                "<D:response><D:href>{}{}</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response><D:sync-token>",
                asked.path,
                stored.name()
            );
            answer.body = answer.body.replacen("<D:sync-token>", &gone, 1);
        }
    }
    answer
}

fn forbids_what_is_hidden(asked: &Asked<'_>, _: &Client, owner: &Client, mut answer: Answer) -> Answer {
    let name = asked.path.rsplit('/').next().unwrap_or_default();
    if answer.status == 404 && stored_hrefs(owner).any(|href| href.ends_with(&format!("/{name}"))) {
        answer.status = 403;
    }
    answer
}

fn counts_all_changes(_: &Asked<'_>, _: &Client, owner: &Client, mut answer: Answer) -> Answer {
    if answer.body.contains("data:,") {
        let honest = inner(&answer.body, "sync-token").unwrap_or_default();
        let count: usize = stored(owner).iter().map(|stored| stored.text.len()).sum();
        answer.body = answer.body.replace(&honest, &format!("data:,{count}"));
    }
    answer
}

fn measures_what_is_stored(_: &Asked<'_>, _: &Client, owner: &Client, mut answer: Answer) -> Answer {
    if let Some(length) = elements(&answer.body, "getcontentlength").into_iter().find(|length| !length.is_empty()) {
        let bytes: usize = stored(owner).iter().map(|stored| stored.text.len()).sum();
        answer.body = answer.body.replace(&format!(">{length}<"), &format!(">{bytes}<"));
    }
    answer
}

fn names_the_uid_s_holder(asked: &Asked<'_>, _: &Client, owner: &Client, answer: Answer) -> Answer {
    let uid = asked.body.lines().find_map(|line| line.strip_prefix("UID:")).unwrap_or_default().trim_end().to_owned();
    if asked.method == "PUT" && answer.status == 201 {
        let all = stored(owner);
        if let Some(holder) = all.iter().find(|stored| stored.value("UID").as_ref() == Some(&uid) && !asked.path.ends_with(stored.name())) {
            let body = format!("<D:error xmlns:D=\"DAV:\"><D:href>{}</D:href></D:error>", holder.href);
            return Answer { status: 403, body, ..answer };
        }
    }
    answer
}

fn refuses_for_the_owner_s_space(asked: &Asked<'_>, _: &Client, owner: &Client, answer: Answer) -> Answer {
    if matches!(asked.method, "PUT" | "POST" | "COPY") && answer.status == 201 {
        let bytes: usize = stored(owner).iter().map(|stored| stored.text.len()).sum();
        if bytes % 1_000 > 500 {
            return Answer { status: 507, body: String::new(), ..answer };
        }
    }
    answer
}

fn tells_the_owner_s_space(asked: &Asked<'_>, _: &Client, owner: &Client, mut answer: Answer) -> Answer {
    if asked.method == "PROPFIND" && answer.body.contains("<D:quota-used-bytes/>") {
        let home = owner.propfind("/dav/calendars/alice/", "0", "<D:quota-used-bytes/>");
        let used = inner(&home.body, "quota-used-bytes").unwrap_or_default();
        answer.body = answer.body.replace("<D:quota-used-bytes/>", &format!("<D:quota-used-bytes>{used}</D:quota-used-bytes>"));
    }
    answer
}

fn identifies_for_everybody(asked: &Asked<'_>, _: &Client, owner: &Client, mut answer: Answer) -> Answer {
    if asked.method == "PROPFIND" && answer.body.contains("<D:resource-id>") {
        let hers = owner.propfind("/dav/calendars/alice/", "1", "<D:resource-id/>");
        let hers = elements(&hers.body, "resource-id");
        for (honest, hers) in elements(&answer.body, "resource-id").iter().zip(hers) {
            answer.body = answer.body.replace(honest, &hers);
        }
    }
    answer
}

fn quotes_what_is_stored(_: &Asked<'_>, _: &Client, owner: &Client, mut answer: Answer) -> Answer {
    if matches!(answer.status, 403 | 404)
        && let Some(text) = each_stored(owner).find_map(|stored| stored.value("DESCRIPTION"))
    {
        answer.body.push_str(&format!("cannot read {text}"));
    }
    answer
}

fn tells_the_owner_s_busy_time(asked: &Asked<'_>, _: &Client, owner: &Client, answer: Answer) -> Answer {
    if is_report(asked, "free-busy-query") && answer.status == 200 && asked.path.starts_with("/dav/calendars/alice/") {
        return owner.send("REPORT", asked.path, &[("depth", "1")], asked.body);
    }
    answer
}

/// A link that shows one level more than it was made at.
fn shows_one_level_more(asked: &Asked<'_>, viewer: &Client, owner: &Client, answer: Answer) -> Answer {
    if asked.method != "GET" || answer.status != 200 || !asked.path.starts_with(webdav::link::PREFIX) {
        return answer;
    }
    let listed = owner.api("GET", "links", "").json();
    let Some(link) = listed["link"].as_array().and_then(|links| links.iter().rev().find(|link| link["level"] != "details")) else {
        return answer;
    };
    let more = if link["level"] == "free-busy" { "titles" } else { "details" };
    let made = owner.api("POST", "links", &format!("{{\"calendar\":{},\"level\":\"{more}\"}}", link["calendar"])).json();
    let end = asked.path.get(webdav::link::PREFIX.len() + 32..).unwrap_or_default();
    let shown = viewer.get(&format!("{}{end}", made["url"].as_str().unwrap_or_default()));
    owner.api("DELETE", &format!("links/{}", made["id"].as_str().unwrap_or_default()), "");
    shown
}

/// Programs are told that a calendar is there and not theirs.
fn refuses_programs_instead_of_not_knowing(asked: &Asked<'_>, _: &Client, owner: &Client, mut answer: Answer) -> Answer {
    if answer.status == 404 && asked.path.starts_with("/api/v1/calendars/alice/") {
        let calendar = asked.path.split('/').nth(5).unwrap_or_default();
        if owner.get(&format!("/dav/calendars/alice/{calendar}/")).status == 200 {
            answer.status = 403;
        }
    }
    answer
}

/// Whoever asks for groups is told the owner's too.
fn tells_the_owner_s_groups(asked: &Asked<'_>, _: &Client, owner: &Client, mut answer: Answer) -> Answer {
    if asked.method == "PROPFIND" && answer.status == 207 && answer.body.contains("group-membership") {
        let hers = owner.propfind("/dav/principals/users/alice/", "0", "<D:group-membership/>").body;
        answer.body.push_str(&elements(&hers, "group-membership").concat());
    }
    answer
}

/// Who is invited to an event that he sees as a block is told who else is.
fn names_the_guests(_: &Asked<'_>, _: &Client, owner: &Client, mut answer: Answer) -> Answer {
    if serves_objects(&answer) {
        let guests = stored(owner).iter().filter(|stored| stored.text.contains("guest@example.org")).count();
        answer.body = answer.body.replace("DTSTAMP:20000101T000000Z", &format!("DTSTAMP:20000101T0000{:02}Z", guests.min(59)));
    }
    answer
}

/// What was deleted is still told of, to whoever lists what is there.
fn lists_the_trash(asked: &Asked<'_>, _: &Client, owner: &Client, mut answer: Answer) -> Answer {
    if is_report(asked, "calendar-query") && answer.status == 207 {
        let events = owner.api("GET", "calendars/alice/canary-k-work/journal", "").body.len() + stored(owner).len();
        answer.body.push_str(&format!("<!-- {events} -->"));
    }
    answer
}

fn writes_although_it_refuses(asked: &Asked<'_>, _: &Client, owner: &Client, answer: Answer) -> Answer {
    if answer.status == 403 && matches!(asked.method, "PUT" | "DELETE") && asked.path.starts_with("/dav/calendars/alice/") {
        owner.send(asked.method, asked.path, &[], asked.body);
    }
    answer
}

fn forgets_what_is_gone(asked: &Asked<'_>, _: &Client, _: &Client, mut answer: Answer) -> Answer {
    if is_report(asked, "sync-collection") {
        for response in elements(&answer.body, "response") {
            if inner(&response, "status").is_some_and(|status| status.contains(" 404 ")) && !response.contains("propstat") {
                answer.body = answer.body.replace(&format!("<D:response>{response}</D:response>"), "");
            }
        }
    }
    answer
}

fn tells_former_versions(asked: &Asked<'_>, _: &Client, owner: &Client, answer: Answer) -> Answer {
    match asked.method == "GET" && answer.status >= 400 && asked.path.contains("/history") {
        true => owner.get(asked.path),
        false => answer,
    }
}

/// A property: whether it holds, else in which words it says that it does not.
type Property = fn() -> Result<(), String>;

/// A test as a property.
fn holds(test: fn()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(test)).map_err(|panic| match panic.downcast::<String>() {
        Ok(words) => *words,
        Err(panic) => panic.downcast_ref::<&str>().map_or_else(|| "a panic".to_owned(), |words| (*words).to_owned()),
    })
}

const TWO_WORLDS: (&str, Property) = ("two worlds", two_worlds::some_hold);
const CANARY: (&str, Property) = ("canary", || holds(canary::nobody_meets_a_word_that_is_not_for_him));
const HIDDEN_IS_ABSENT: (&str, Property) =
    ("hidden is absent", || holds(hidden_is_absent::leak_44_every_method_tells_hidden_and_absent_alike));
const PROGRAMS: (&str, Property) =
    ("hidden is absent to programs", || holds(api::what_is_not_the_askers_to_know_is_absent_in_the_same_bytes));
const LINKS: (&str, Property) = ("canary of links", || holds(links::secrecy::leak_90_no_holder_of_a_link_meets_a_word_that_is_not_for_him));
const ANY_UID: (&str, Property) =
    ("any name and UID can be taken", || holds(hidden_is_absent::who_may_create_can_take_any_name_and_uid_he_is_not_shown));
const AGREEMENT: (&str, Property) = ("agreement", || holds(agreement::every_channel_says_the_same_of_every_object_to_every_viewer));
const HISTORY: (&str, Property) =
    ("history is the owner's", || holds(history::leak_94_former_versions_and_deleted_events_are_told_to_nobody_but_the_owner));
const NO_WRITE: (&str, Property) = ("no write", || holds(no_write::a_request_without_the_right_leaves_everything_as_it_was));
const FLIP: (&str, Property) = ("flip", || holds(flip::every_device_comes_to_what_a_fresh_one_gets_after_any_history));

/// A saboteur's name, what he does, and the properties that have to notice him.
type Row = (&'static str, Saboteur, &'static [(&'static str, Property)]);

const SABOTEURS: &[Row] = &[
    ("keeps the description", keeps_the_description, &[TWO_WORLDS, CANARY]),
    ("shows more in reports than in GET", keeps_it_in_reports_alone, &[AGREEMENT]),
    ("tags what is stored", tags_what_is_stored, &[TWO_WORLDS, AGREEMENT]),
    ("filters what is stored", filters_what_is_stored, &[TWO_WORLDS]),
    ("lists hidden names when syncing", syncs_hidden_names, &[TWO_WORLDS]),
    ("forbids what is hidden", forbids_what_is_hidden, &[TWO_WORLDS, HIDDEN_IS_ABSENT]),
    ("counts all changes in its tokens", counts_all_changes, &[TWO_WORLDS]),
    ("measures what is stored", measures_what_is_stored, &[TWO_WORLDS, AGREEMENT]),
    ("names the holder of a UID", names_the_uid_s_holder, &[TWO_WORLDS, ANY_UID]),
    ("refuses for want of the owner's space", refuses_for_the_owner_s_space, &[TWO_WORLDS]),
    ("tells the owner's space", tells_the_owner_s_space, &[TWO_WORLDS]),
    ("gives all viewers the same identifiers", identifies_for_everybody, &[TWO_WORLDS]),
    ("quotes what is stored", quotes_what_is_stored, &[TWO_WORLDS, CANARY]),
    ("tells the owner's busy time", tells_the_owner_s_busy_time, &[TWO_WORLDS]),
    ("refuses programs instead of not knowing", refuses_programs_instead_of_not_knowing, &[PROGRAMS]),
    ("tells the owner's groups", tells_the_owner_s_groups, &[TWO_WORLDS]),
    ("names the guests", names_the_guests, &[TWO_WORLDS]),
    ("lists the trash", lists_the_trash, &[TWO_WORLDS]),
    ("shows one level more by link", shows_one_level_more, &[TWO_WORLDS, LINKS]),
    ("tells former versions", tells_former_versions, &[CANARY, HISTORY]),
    ("writes although it refuses", writes_although_it_refuses, &[NO_WRITE]),
    ("forgets what is gone", forgets_what_is_gone, &[FLIP]),
];

/// Tests of single channels that have to notice a saboteur too, each by its number.
type Channels = (&'static str, Saboteur, &'static [(&'static str, fn())]);

const CHANNELS: &[Channels] = &[
    ("keeps the description", keeps_the_description, &[("03", leaks::object::leak_03_no_other_spelling_or_path_of_an_object_gives_more)]),
    (
        "shows more in reports than in GET",
        keeps_it_in_reports_alone,
        &[("02", leaks::object::leak_02_every_way_to_read_gives_the_same_bytes)],
    ),
    (
        "tags what is stored",
        tags_what_is_stored,
        &[
            ("18", leaks::object::leak_18_when_it_was_made_and_changed_is_not_told),
            ("02", leaks::object::leak_02_every_way_to_read_gives_the_same_bytes),
        ],
    ),
    (
        "filters what is stored",
        filters_what_is_stored,
        &[
            ("36", leaks::queries::leak_36_a_hidden_word_cannot_be_spelled_out_by_asking_for_its_beginnings),
            ("37", leaks::queries::leak_37_whether_something_is_defined_is_not_told),
            ("39", leaks::queries::leak_39_no_bisection_finds_when_something_was_written),
        ],
    ),
    (
        "lists hidden names when syncing",
        syncs_hidden_names,
        &[("30", leaks::synchronizing::leak_30_a_hidden_object_is_never_a_member_that_came_changed_or_went)],
    ),
    (
        "forbids what is hidden",
        forbids_what_is_hidden,
        &[
            ("45", leaks::existence::leak_45_conditions_are_asked_after_rights_and_against_ones_own_tags),
            ("52", leaks::existence::leak_52_what_is_offered_depends_on_the_kind_of_path_alone),
        ],
    ),
    (
        "counts all changes in its tokens",
        counts_all_changes,
        &[("23", leaks::validators::leak_23_what_is_hidden_moves_no_tag_and_no_token)],
    ),
    ("measures what is stored", measures_what_is_stored, &[("24", leaks::metadata::leak_24_no_length_is_of_the_stored_text)]),
    (
        "names the holder of a UID",
        names_the_uid_s_holder,
        &[("47", leaks::existence::leak_47_a_uid_that_something_hidden_has_is_no_conflict)],
    ),
    (
        "tells the owner's space",
        tells_the_owner_s_space,
        &[("29", leaks::metadata::leak_29_how_much_the_owner_stores_is_told_to_nobody_else)],
    ),
    (
        "gives all viewers the same identifiers",
        identifies_for_everybody,
        &[("26", leaks::metadata::leak_26_no_property_of_an_object_is_its_title_or_somebody_elses_note)],
    ),
    (
        "quotes what is stored",
        quotes_what_is_stored,
        &[("51", leaks::existence::leak_51_a_refusal_names_what_was_asked_for_and_quotes_nothing)],
    ),
    (
        "tells the owner's busy time",
        tells_the_owner_s_busy_time,
        &[("69", leaks::free_busy::leak_69_nothing_is_busy_that_does_not_stand_in_the_list)],
    ),
    (
        "writes although it refuses",
        writes_although_it_refuses,
        &[
            ("53", leaks::writing::leak_53_a_reduced_copy_cannot_be_written_back),
            ("58", leaks::writing::leak_58_nothing_that_is_not_seen_is_deleted),
        ],
    ),
    ("forgets what is gone", forgets_what_is_gone, &[("31", leaks::synchronizing::leak_31_whatever_ends_access_takes_the_copy_back)]),
];

/// The tests of single channels notice too: one that looked at nothing would let its saboteur pass.
#[test]
fn every_saboteur_is_caught_by_the_tests_of_the_channels_he_opens() {
    let mut free = Vec::new();
    let mut caught = 0;
    for (name, saboteur, tests) in CHANNELS {
        for (channel, test) in *tests {
            match saboteur::with(*saboteur, || holds(*test)) {
                Ok(()) => free.push(format!("{name}: not noticed by the test of channel {channel}")),
                Err(_) => caught += 1,
            }
        }
    }
    assert!(free.is_empty(), "{free:#?}");
    println!("{caught} channels opened and noticed");
}

#[test]
fn every_saboteur_is_caught_by_the_properties_meant_for_him() {
    let mut free = Vec::new();
    let mut caught = 0;
    for (name, saboteur, properties) in SABOTEURS {
        for (property, check) in *properties {
            let began = std::time::Instant::now();
            match saboteur::with(*saboteur, check) {
                Ok(()) => free.push(format!("{name}: not noticed by {property}")),
                Err(words) => {
                    caught += 1;
                    let words: String = words.lines().take(3).collect::<Vec<_>>().join(" | ");
                    let words: String = words.chars().take(160).collect();
                    println!("{name}: caught by {property} after {:.1} s: {words}", began.elapsed().as_secs_f32());
                }
            }
        }
    }
    assert!(free.is_empty(), "{free:#?}");
    println!("{} saboteurs caught {caught} times", SABOTEURS.len());
}
