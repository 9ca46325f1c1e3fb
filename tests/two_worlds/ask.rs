//! What the viewer asks: any request a person could make who knows the protocol, what he was answered so far, and some good
//! guesses at what is kept from him. A request follows from a seed and from what he knows.

use super::knowledge::Knowledge;
use super::wording::{Wording, event, filter, property_list, range, selection};
use crate::harness::api;
use crate::harness::client::NAMESPACES;
use crate::harness::dice::Dice;

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    fn new(method: &str, path: String) -> Self {
        Self { method: method.to_owned(), path, ..Self::default() }
    }
    fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
    fn body(mut self, body: String) -> Self {
        self.body = body;
        self
    }
}

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} {}", self.method, self.path)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        write!(f, "\n{}", self.body)
    }
}

/// The request that follows from a seed.
pub fn request(seed: u64, known: &Knowledge) -> Request {
    let mut dice = Dice::new(seed);
    let dice = &mut dice;
    if let (Some(address), true) = (dice.pick_any(&known.links), dice.chance(if known.calendars.is_empty() { 60 } else { 20 })) {
        let request = through_link(dice, address);
        return with_conditions(dice, known, request);
    }
    let request = match dice.below(100) {
        0..7 => Request::new(if dice.chance(70) { "GET" } else { "HEAD" }, path(dice, known)),
        7..17 => propfind(dice, known),
        17..30 => calendar_query(dice, known),
        30..36 => multiget(dice, known),
        36..46 => sync(dice, known),
        46..50 => free_busy(dice, known),
        50..54 => expand_property(dice, known),
        54..58 => principals(dice, known),
        58..66 => put_new(dice, known),
        66..68 => post(dice, known),
        68..76 => put_over(dice, known),
        76..80 => Request::new("DELETE", if dice.chance(80) { object_path(dice, known) } else { path(dice, known) }),
        80..85 => proppatch(dice, known),
        85..91 => transfer(dice, known),
        91..94 => make(dice, known),
        94..96 => access_control(dice, known),
        96..98 => program(dice, known),
        _ => odd(dice, known),
    };
    let request = with_conditions(dice, known, request);
    if dice.chance(12) { request.header("caldav-timezones", *dice.pick(&["T", "F"])) } else { request }
}

/// What is asked at the beginning and at the end, whatever else is: everything there is to see.
pub fn crawl(known: &Knowledge) -> Vec<Request> {
    let all = "<D:resourcetype/><D:displayname/><D:getetag/><D:getcontentlength/><D:getcontenttype/><D:getlastmodified/><D:creationdate/>\
               <D:owner/><D:sync-token/><CS:getctag/><D:current-user-privilege-set/><D:supported-report-set/><D:acl/><D:quota-used-bytes/><D:quota-available-bytes/>\
               <C:calendar-description/><C:calendar-timezone/><C:calendar-timezone-id/><C:calendar-availability/><CS:calendar-availability/><A:calendar-color/><A:calendar-order/><C:supported-calendar-component-set/>\
               <D:group-membership/><D:group-member-set/><D:principal-URL/><CS:invite/><D:resource-id/><D:lockdiscovery/>";
    let mut requests = Vec::new();
    let fixed = ["/dav/calendars/bob/", "/dav/calendars/alice/", "/dav/principals/users/", "/dav/principals/groups/", "/dav/calendars/"];
    for path in fixed.iter().map(|path| (*path).to_owned()).chain(known.calendars.iter().cloned()) {
        let body = format!("<D:propfind {NAMESPACES}><D:prop>{all}</D:prop></D:propfind>");
        requests.push(Request::new("PROPFIND", path.clone()).header("depth", "1").body(body));
        requests.push(Request::new("PROPFIND", path.clone()).header("depth", "1"));
    }
    for path in &known.calendars {
        requests.push(Request::new("GET", path.clone()));
        requests.push(sync_from(path, None, None));
        let query = "<D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter>";
        let body = format!("<C:calendar-query {NAMESPACES}>{query}</C:calendar-query>");
        let query = Request::new("REPORT", path.clone()).header("depth", "1").body(body);
        requests.push(query.clone());
        requests.extend(["T", "F"].map(|word| query.clone().header("caldav-timezones", word)));
        requests.extend(["T", "F"].map(|word| Request::new("GET", path.clone()).header("caldav-timezones", word)));
        let window = r#"<C:time-range start="20261001T000000Z" end="20270801T000000Z"/>"#;
        let body = format!("<C:free-busy-query {NAMESPACES}>{window}</C:free-busy-query>");
        requests.push(Request::new("REPORT", path.clone()).header("depth", "1").body(body));
        for token in &known.tokens {
            requests.push(sync_from(path, Some(token), None));
        }
    }
    for who in ["alice", "bob", "carol", "xena", "yuri", "nobody"] {
        let url = format!("/dav/freebusy/{who}");
        requests.push(Request::new("GET", format!("{url}?start=20261001T000000Z&end=20270801T000000Z")));
        requests.push(Request::new("GET", url.clone()));
        let body = format!("<D:propfind {NAMESPACES}><D:prop>{all}</D:prop></D:propfind>");
        requests.push(Request::new("PROPFIND", url).header("depth", "0").body(body));
    }
    requests.extend(known.tokens.iter().map(|token| sync_from("/dav/calendars/bob/", Some(token), None)));
    // One stands for all: there are many of these.
    let calendars = known.calendars.iter().take(1).filter_map(|path| api::calendar_of(path));
    let mut asks: Vec<api::Ask> = calendars.flat_map(|(owner, name)| api::asks(owner, name)).filter(|ask| ask.method == "GET").collect();
    asks.sort_by(|a, b| a.path.cmp(&b.path));
    asks.dedup();
    requests.extend(asks.iter().map(of_program));
    for address in &known.links {
        let pages = ["", ".ics", "?from=2026-12-20", "?from=2027-02-14&zone=Asia/Tokyo", "?from=2026-10-28&zone=America%2FNew_York"];
        requests.extend(pages.map(|end| Request::new("GET", format!("{address}{end}"))));
    }
    requests
}

/// What can be asked of a link.
fn through_link(dice: &mut Dice, address: &str) -> Request {
    let method = *dice.pick(&["GET", "GET", "GET", "HEAD", "OPTIONS", "PUT", "PROPFIND", "DELETE"]);
    let day = chrono::NaiveDate::from_ymd_opt(2026, 10, 28).unwrap() + chrono::TimeDelta::days(dice.within(0, 220));
    let zone = *dice.pick(&["", "UTC", "Asia/Tokyo", "Pacific/Apia", "nowhere"]);
    let end = match dice.below(4) {
        0 => String::new(),
        1 => format!("?from={day}&zone={zone}"),
        _ => ".ics".to_owned(),
    };
    Request::new(method, format!("{address}{end}"))
}

/// A path: mostly one that was seen, else a guess.
fn path(dice: &mut Dice, known: &Knowledge) -> String {
    match dice.below(100) {
        0..45 => dice.pick_any(&known.hrefs).cloned().unwrap_or_else(|| "/dav/".to_owned()),
        45..60 => calendar_path(dice, known),
        60..80 => object_path(dice, known),
        _ => dice.pick(&known.guessed_paths).clone(),
    }
}

fn calendar_path(dice: &mut Dice, known: &Knowledge) -> String {
    dice.pick_any(&known.calendars).cloned().unwrap_or_else(|| dice.pick(&known.guessed_paths).clone())
}

/// An object that was seen, or a guess at one.
fn object_path(dice: &mut Dice, known: &Knowledge) -> String {
    if dice.chance(65)
        && let Some(href) = dice.pick_any(&known.objects)
    {
        return href.clone();
    }
    format!("{}{}", calendar_path(dice, known), known.guessed_name(dice))
}

fn with_conditions(dice: &mut Dice, known: &Knowledge, request: Request) -> Request {
    if !dice.chance(25) {
        return request;
    }
    let tag = dice.pick_any(&known.etags).cloned().unwrap_or_else(|| "\"guess\"".to_owned());
    let token = dice.pick_any(&known.tokens).cloned().unwrap_or_else(|| "data:,guess".to_owned());
    match dice.below(10) {
        0 => request.header("if-match", "*"),
        1 => request.header("if-match", tag),
        2 => request.header("if-none-match", "*"),
        3 => request.header("if-none-match", tag),
        4 => request.header("if", format!("([{tag}])")),
        5 => request.header("if", format!("(<{token}>)")),
        6 => {
            let tagged = path(dice, known);
            request.header("if", format!("<{tagged}> (Not [{tag}] <{token}>) (Not <DAV:no-lock>)"))
        }
        7 => request.header("if-unmodified-since", "Mon, 02 Nov 2026 09:00:00 GMT"),
        8 => request.header("if-modified-since", "Mon, 02 Nov 2026 09:00:00 GMT"),
        _ => {
            let preference = *dice.pick(&["return=minimal", "return=representation", "depth-noroot"]);
            request.header("prefer", preference)
        }
    }
}

fn propfind(dice: &mut Dice, known: &Knowledge) -> Request {
    let inside = match dice.below(5) {
        0 => "<D:allprop/>".to_owned(),
        1 => "<D:propname/>".to_owned(),
        2 => "<D:allprop/><D:include><D:sync-token/><D:owner/><C:calendar-timezone/></D:include>".to_owned(),
        _ => format!("<D:prop>{}</D:prop>", property_list(dice)),
    };
    let path = path(dice, known);
    let depth = *dice.pick(&["0", "1", "1", "infinity"]);
    Request::new("PROPFIND", path).header("depth", depth).body(format!("<D:propfind {NAMESPACES}>{inside}</D:propfind>"))
}

fn calendar_query(dice: &mut Dice, known: &Knowledge) -> Request {
    let wording = Wording::of(known);
    let data = if dice.chance(60) { format!("<C:calendar-data>{}</C:calendar-data>", selection(dice)) } else { String::new() };
    let zone = if dice.chance(15) { "<C:timezone-id>Asia/Tokyo</C:timezone-id>" } else { "" };
    let filter = filter(dice, &wording);
    let body = format!(
        "<C:calendar-query {NAMESPACES}><D:prop><D:getetag/>{data}</D:prop><C:filter><C:comp-filter name=\"VCALENDAR\">{filter}</C:comp-filter></C:filter>{zone}</C:calendar-query>"
    );
    let path = match dice.below(10) {
        0..8 => calendar_path(dice, known),
        8 => object_path(dice, known),
        _ => (*dice.pick(&["/dav/calendars/bob/", "/dav/calendars/alice/"])).to_owned(),
    };
    let depth = if path.matches('/').count() == 4 { "infinity" } else { "1" };
    Request::new("REPORT", path).header("depth", depth).body(body)
}

fn multiget(dice: &mut Dice, known: &Knowledge) -> Request {
    let hrefs: String = (0..dice.below(7) + 1).map(|_| format!("<D:href>{}</D:href>", object_path(dice, known))).collect();
    let data = selection(dice);
    let body = format!(
        "<C:calendar-multiget {NAMESPACES}><D:prop><D:getetag/><C:calendar-data>{data}</C:calendar-data></D:prop>{hrefs}</C:calendar-multiget>"
    );
    let path = if dice.chance(85) { calendar_path(dice, known) } else { "/dav/calendars/bob/".to_owned() };
    Request::new("REPORT", path).header("depth", "1").body(body)
}

fn sync_from(path: &str, token: Option<&str>, limit: Option<usize>) -> Request {
    let limit = limit.map(|limit| format!("<D:limit><D:nresults>{limit}</D:nresults></D:limit>")).unwrap_or_default();
    let token = token.unwrap_or_default();
    let body = format!(
        "<D:sync-collection {NAMESPACES}><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>{limit}<D:prop><D:getetag/></D:prop></D:sync-collection>"
    );
    Request::new("REPORT", path.to_owned()).header("depth", "0").body(body)
}

fn sync(dice: &mut Dice, known: &Knowledge) -> Request {
    let token = if dice.chance(80) { dice.pick_any(&known.tokens).cloned() } else { None };
    let limit = dice.chance(40).then(|| dice.below(4) + 1);
    let path = if dice.chance(75) { calendar_path(dice, known) } else { "/dav/calendars/bob/".to_owned() };
    sync_from(&path, token.as_deref(), limit)
}

fn free_busy(dice: &mut Dice, known: &Knowledge) -> Request {
    if dice.chance(35) {
        let who = dice.pick(&known.people).replace(' ', "%20");
        let range = range(dice).replace('"', "").replace(' ', "&");
        let query = *dice.pick(&["", "?period=P30D", "?start=2026-11-09T08:00:00%2B01:00&period=PT9H", "?start=2026-11-09", "RANGE"]);
        let query = if query == "RANGE" { format!("?{range}") } else { query.to_owned() };
        let method: &&str = dice.pick(&["GET", "GET", "HEAD"]);
        return Request::new(method, format!("/dav/freebusy/{who}{query}"));
    }
    let body = format!("<C:free-busy-query {NAMESPACES}><C:time-range {}/></C:free-busy-query>", range(dice));
    let path = if dice.chance(80) {
        calendar_path(dice, known)
    } else {
        (*dice.pick(&["/dav/calendars/alice/", "/dav/calendars/bob/"])).to_owned()
    };
    Request::new("REPORT", path).header("depth", *dice.pick(&["0", "1", "infinity"])).body(body)
}

fn expand_property(dice: &mut Dice, known: &Knowledge) -> Request {
    let inner = r#"<D:property name="displayname"/><D:property name="calendar-home-set" namespace="urn:ietf:params:xml:ns:caldav"/>
        <D:property name="group-membership"><D:property name="displayname"/></D:property>
        <D:property name="calendar-user-address-set" namespace="urn:ietf:params:xml:ns:caldav"/>"#;
    let names = ["owner", "current-user-principal", "group-membership", "principal-collection-set", "group-member-set", "acl"];
    let outer: String = names.iter().map(|name| format!(r#"<D:property name="{name}">{inner}</D:property>"#)).collect();
    let body = format!("<D:expand-property {NAMESPACES}>{outer}</D:expand-property>");
    Request::new("REPORT", path(dice, known)).header("depth", *dice.pick(&["0", "1", "infinity"])).body(body)
}

fn principals(dice: &mut Dice, known: &Knowledge) -> Request {
    let text = dice.pick(&known.people).clone();
    let text: String = text.chars().take(dice.below(4) + 1).collect();
    let prop = "<D:prop><D:displayname/><D:group-membership/><C:calendar-home-set/><C:calendar-user-address-set/></D:prop>";
    let body = match dice.below(6) {
        0 => format!("<D:principal-match {NAMESPACES}><D:self/>{prop}</D:principal-match>"),
        1 => format!("<D:principal-search-property-set {NAMESPACES}/>"),
        2 => format!("<D:acl-principal-prop-set {NAMESPACES}>{prop}</D:acl-principal-prop-set>"),
        3 => {
            let property = *dice.pick(&["<D:owner/>", "<D:acl/>", "<D:principal-URL/>", "<D:current-user-principal/>", "<CS:source/>"]);
            let wanted = "<D:prop><D:displayname/><D:getetag/></D:prop>";
            format!("<D:principal-match {NAMESPACES}><D:principal-property>{property}</D:principal-property>{wanted}</D:principal-match>")
        }
        _ => {
            let property = *dice.pick(&["<D:displayname/>", "<C:calendar-user-address-set/>", "<CS:email-address-set/>"]);
            let how = *dice.pick(&["", " match-type=\"starts-with\"", " match-type=\"equals\"", " caseless=\"no\""]);
            let search = format!("<D:property-search><D:prop>{property}</D:prop><D:match{how}>{text}</D:match></D:property-search>");
            let apply = if dice.chance(50) { "<D:apply-to-principal-collection-set/>" } else { "" };
            let test = *dice.pick(&["", " test=\"anyof\""]);
            format!("<D:principal-property-search {NAMESPACES}{test}>{search}{search}{prop}{apply}</D:principal-property-search>")
        }
    };
    // These reports are answered on every kind of resource.
    let path = match dice.below(5) {
        0 => calendar_path(dice, known),
        1 => path(dice, known),
        2 => (*dice.pick(&["/", "/dav/", "/dav/calendars/", "/dav/calendars/alice/", "/dav/calendars/bob/"])).to_owned(),
        _ => (*dice.pick(&["/dav/principals/", "/dav/principals/users/", "/dav/principals/groups/"])).to_owned(),
    };
    Request::new("REPORT", path).header("depth", "0").body(body)
}

fn put_new(dice: &mut Dice, known: &Knowledge) -> Request {
    // A name that may be taken, or a UID that may be: not both, since which of two hidden things it is about is no matter.
    let guesses_name = dice.chance(50);
    let name = if guesses_name { known.guessed_name(dice) } else { format!("bobs-{}.ics", dice.below(6)) };
    let uid = match dice.below(3) {
        0 if !guesses_name => known.guessed_uid(dice),
        1 if !guesses_name => known.seen_uid(dice),
        _ => format!("bobs-{}@example.org", dice.below(40)),
    };
    let body = event(dice, &uid);
    Request::new("PUT", format!("{}{name}", calendar_path(dice, known))).header("content-type", "text/calendar").body(body)
}

/// A new object whose name the server chooses; seldom anything else, or elsewhere.
fn post(dice: &mut Dice, known: &Knowledge) -> Request {
    let uid = match dice.below(3) {
        0 => known.guessed_uid(dice),
        1 => known.seen_uid(dice),
        _ => format!("bobs-{}@example.org", dice.below(40)),
    };
    let body = if dice.chance(90) { event(dice, &uid) } else { "rubbish".to_owned() };
    let collection = if dice.chance(85) { calendar_path(dice, known) } else { path(dice, known) };
    Request::new("POST", format!("{collection};add-member")).header("content-type", "text/calendar").body(body)
}

/// What was served, changed a little and sent back.
fn put_over(dice: &mut Dice, known: &Knowledge) -> Request {
    let Some((path, body)) = dice.pick_any(&known.bodies) else { return put_new(dice, known) };
    let end = if body.contains("END:VTODO") { "END:VTODO" } else { "END:VEVENT" };
    let add = |line: &str| body.replacen(end, &format!("{line}\r\n{end}"), 1);
    let without = |name: &str| body.split_inclusive("\r\n").filter(|line| !line.starts_with(name)).collect::<String>();
    let body = match dice.below(16) {
        0 => body.clone(),
        1 => add("BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:bobs\r\nTRIGGER:-PT5M\r\nEND:VALARM"),
        2 => add("STATUS:CANCELLED"),
        3 => add("CLASS:PUBLIC"),
        4 => add("CLASS:PRIVATE"),
        5 => add("X-BOB:1"),
        6 => add("X-MOZ-LASTACK:20261102T100000Z"),
        7 => without("RRULE"),
        8 => without("CLASS"),
        9 => without("EXDATE"),
        10 => without("SUMMARY").replacen(end, &format!("SUMMARY:bobs title\r\n{end}"), 1),
        11 => body.replacen("UID:", "UID:x", 9),
        12 => add("LAST-MODIFIED:20261102T100000Z"),
        13 => body.replacen("RECURRENCE-ID", "RECURRENCE-ID;RANGE=THISANDFUTURE", 1),
        14 => body.replacen(";RANGE=THISANDFUTURE", "", 1),
        _ => add("EXDATE:20261104T090000Z"),
    };
    Request::new("PUT", path.clone()).header("content-type", "text/calendar").body(body)
}

fn proppatch(dice: &mut Dice, known: &Knowledge) -> Request {
    let words = ["bobs", "", "#00FF00FF", "7"];
    let word = *dice.pick(&words);
    let property = *dice.pick(&["D:displayname", "A:calendar-color", "A:calendar-order", "C:calendar-description", "CS:source", "X:note"]);
    let inside = match dice.below(4) {
        0 => format!("<D:remove><D:prop><{property}/></D:prop></D:remove>"),
        1 => format!("<D:set><D:prop><D:getetag>\"x\"</D:getetag><{property}>{word}</{property}></D:prop></D:set>"),
        _ => format!("<D:set><D:prop><{property}>{word}</{property}></D:prop></D:set>"),
    };
    let body = format!("<D:propertyupdate {NAMESPACES} xmlns:X=\"urn:bob\">{inside}</D:propertyupdate>");
    Request::new("PROPPATCH", if dice.chance(50) { calendar_path(dice, known) } else { path(dice, known) }).body(body)
}

fn transfer(dice: &mut Dice, known: &Knowledge) -> Request {
    let method = *dice.pick(&["COPY", "MOVE"]);
    let source = if dice.chance(85) { object_path(dice, known) } else { path(dice, known) };
    let destination = match dice.below(6) {
        0 | 1 => format!("/dav/calendars/bob/default/copied-{}.ics", dice.below(4)),
        2 | 3 => object_path(dice, known),
        4 => format!("{}bobs-{}.ics", calendar_path(dice, known), dice.below(6)),
        _ => path(dice, known),
    };
    let request = Request::new(method, source).header("destination", destination);
    if dice.chance(40) { request.header("overwrite", *dice.pick(&["T", "F"])) } else { request }
}

fn make(dice: &mut Dice, known: &Knowledge) -> Request {
    let path = if dice.chance(40) { format!("/dav/calendars/bob/made-{}", dice.below(3)) } else { path(dice, known) };
    match dice.below(6) {
        0..3 => Request::new("MKCALENDAR", path),
        3 => {
            let kind = "<D:resourcetype><D:collection/><CS:subscribed/></D:resourcetype>";
            let source = format!("<CS:source><D:href>https://elsewhere.example/{}.ics</D:href></CS:source>", dice.below(3));
            Request::new("MKCOL", path)
                .header("content-type", "application/xml")
                .body(format!("<D:mkcol {NAMESPACES}><D:set><D:prop>{kind}{source}</D:prop></D:set></D:mkcol>"))
        }
        _ => Request::new("MKCOL", path),
    }
}

fn access_control(dice: &mut Dice, known: &Knowledge) -> Request {
    let who = dice.pick(&known.people).clone();
    let principal = match dice.below(3) {
        0 => "<D:authenticated/>".to_owned(),
        1 => format!("<D:href>/dav/principals/groups/{who}/</D:href>"),
        _ => format!("<D:href>/dav/principals/users/{who}/</D:href>"),
    };
    let kind = *dice.pick(&["grant", "grant", "deny"]);
    let privilege = *dice.pick(&["<D:read/>", "<C:read-free-busy/>", "<D:all/>", "<D:read-current-user-privilege-set/>"]);
    let ace = format!("<D:ace><D:principal>{principal}</D:principal><D:{kind}><D:privilege>{privilege}</D:privilege></D:{kind}></D:ace>");
    let path = if dice.chance(50) { "/dav/calendars/bob/default/".to_owned() } else { path(dice, known) };
    Request::new("ACL", path).body(format!("<D:acl {NAMESPACES}>{ace}</D:acl>"))
}

fn of_program(ask: &api::Ask) -> Request {
    let request = Request::new(ask.method, format!("{}{}", shoji::api::ROOT, ask.path));
    if ask.body.is_empty() { request } else { request.header("content-type", "application/json").body(ask.body.clone()) }
}

/// Something of the interface for programs, about any calendar.
fn program(dice: &mut Dice, known: &Knowledge) -> Request {
    let path = if dice.chance(70) { calendar_path(dice, known) } else { path(dice, known) };
    let (owner, name) = api::calendar_of(&path).unwrap_or(("bob", "default"));
    let mut asks = api::asks(owner, name);
    asks.retain(|ask| !known.administers || ask.method == "GET" || !(ask.path == "policy" || ask.path.ends_with("/break-glass")));
    of_program(dice.pick(&asks))
}

fn odd(dice: &mut Dice, known: &Knowledge) -> Request {
    let method = *dice.pick(&["OPTIONS", "OPTIONS", "LOCK", "UNLOCK", "POST", "PATCH", "SEARCH", "BREW"]);
    let path = path(dice, known);
    let path = match dice.below(6) {
        0 => path.trim_end_matches('/').to_owned(),
        1 => path.replacen("calendars", "c%61lendars", 1),
        2 => format!("{path}/"),
        _ => path,
    };
    Request::new(method, path)
}
