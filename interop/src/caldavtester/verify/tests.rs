//! Every verifier, on made-up answers: some that pass, and for each some that must not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::layout::Layout;
use std::collections::BTreeSet;

/// What must become of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Must {
    Pass,
    Fail,
}
use Must::{Fail, Pass};

/// A verifier's name, its arguments (`name=value|value`), a status, headers, a body.
type Case<'a> = (&'a str, &'a [&'a str], u16, &'a [(&'a str, &'a str)], &'a str, Must);

const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:a\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
const BUSY: &str = "BEGIN:VCALENDAR\r\nBEGIN:VFREEBUSY\r\nFREEBUSY;FBTYPE=BUSY-TENTATIVE:20260102T100000Z/PT1H\r\nFREEBUSY:20260101T100000Z/PT1H,20260103T100000Z/PT1H\r\n\
    END:VFREEBUSY\r\nEND:VCALENDAR\r\n";
const PROPERTIES: &str = "<D:multistatus xmlns:D='DAV:'><D:response><D:href>http://h:1/c/</D:href><D:propstat><D:prop><D:displayname>Name</D:displayname>
    <D:resourcetype><C:calendar xmlns:C='urn:c'/><D:collection/></D:resourcetype><D:getcontenttype>text/calendar; charset=utf-8</D:getcontenttype></D:prop>
    <D:status>HTTP/1.1 200 OK</D:status></D:propstat><D:propstat><D:prop><D:quota/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>
    </D:response></D:multistatus>";
const RESOURCES: &str =
    "<multistatus xmlns='DAV:'><response><href>/c/</href><propstat><prop/><status>HTTP/1.1 200 OK</status></propstat></response>
    <response><href>/c/a%20b.ics</href><propstat><prop/><status>HTTP/1.1 404 Not Found</status></propstat></response>
    <response><href>/c/gone.ics</href><status>HTTP/1.1 404 Not Found</status></response></multistatus>";
const PRIVILEGES: &str = "<multistatus xmlns='DAV:'><response><href>/c/</href><propstat><prop><current-user-privilege-set><privilege><read/></privilege>
    <privilege><write/></privilege></current-user-privilege-set></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>";
const CONDITION: &str =
    "<D:error xmlns:D='DAV:'><C:valid-filter xmlns:C='urn:ietf:params:xml:ns:caldav'/><x:words xmlns:x='urn:x'>no</x:words></D:error>";
const JSON: &[(&str, &str)] = &[("content-type", "application/json; charset=utf-8")];

const CASES: &[Case<'_>] = &[
    ("statusCode", &[], 204, &[], "", Pass),
    ("statusCode", &[], 302, &[], "", Fail),
    ("statusCode", &["status=403|404"], 404, &[], "", Pass),
    ("statusCode", &["status=4xx"], 409, &[], "", Pass),
    ("statusCode", &["status=403|404"], 200, &[], "", Fail),
    ("statusCode", &["status=many"], 200, &[], "", Fail),
    ("header", &["header=ETag"], 200, &[("etag", "\"1\"")], "", Pass),
    ("header", &["header=ETag"], 200, &[], "", Fail),
    ("header", &["header=ETag"], 200, &[("etag", "\"1\""), ("etag", "\"2\"")], "", Fail),
    ("header", &["header=*X-Many"], 200, &[("x-many", "1"), ("x-many", "2")], "", Pass),
    ("header", &["header=!ETag"], 200, &[], "", Pass),
    ("header", &["header=!ETag:"], 200, &[("etag", "\"1\"")], "", Fail),
    ("header", &["header=ETag!\"1\""], 200, &[("etag", "\"2\"")], "", Pass),
    ("header", &["header=ETag!\"1\""], 200, &[("etag", "\"1\"")], "", Fail),
    ("header", &["header=DAV$.*b.*"], 200, &[("dav", "1, a"), ("dav", "b")], "", Pass),
    ("header", &["header=DAV$.*c.*"], 200, &[("dav", "1, a"), ("dav", "b")], "", Fail),
    ("header", &["header=Location$http://h:1/d"], 301, &[("location", "/d/")], "", Pass),
    ("header", &["header=Location$http://h:1/d"], 301, &[("location", "/e/")], "", Fail),
    ("header", &["header=Location$http://h:1/d"], 301, &[("location", "http://other/d/")], "", Fail),
    ("prepostcondition", &["error={urn:ietf:params:xml:ns:caldav}valid-filter"], 403, &[], CONDITION, Pass),
    ("prepostcondition", &["error={urn:ietf:params:xml:ns:caldav}valid-filter", "status=400"], 403, &[], CONDITION, Fail),
    ("prepostcondition", &["error={urn:ietf:params:xml:ns:caldav}other"], 403, &[], CONDITION, Fail),
    ("prepostcondition", &[], 403, &[], CONDITION, Fail),
    ("prepostcondition", &["ignoreextras="], 403, &[], CONDITION, Pass),
    ("prepostcondition", &["error={urn:ietf:params:xml:ns:caldav}valid-filter"], 201, &[], CONDITION, Fail),
    ("prepostcondition", &["error={urn:ietf:params:xml:ns:caldav}valid-filter"], 403, &[], "", Fail),
    ("prepostcondition", &["error={urn:ietf:params:xml:ns:caldav}valid-filter"], 403, &[], "<valid-filter/>", Fail),
    (
        "propfindItems",
        &["okprops={DAV:}displayname$Name|{DAV:}resourcetype$<collection xmlns='DAV:'/><calendar xmlns='urn:c'/>|{DAV:}getcontenttype$text/calendar;charset=utf-8", "badprops={DAV:}quota"],
        207,
        &[],
        PROPERTIES,
        Pass,
    ),
    ("propfindItems", &["okprops={DAV:}displayname|{DAV:}resourcetype$|{DAV:}getcontenttype!x", "badprops={DAV:}quota"], 207, &[], PROPERTIES, Pass),
    ("propfindItems", &["okprops={DAV:}displayname!Name|{DAV:}resourcetype|{DAV:}getcontenttype", "badprops={DAV:}quota"], 207, &[], PROPERTIES, Fail),
    ("propfindItems", &["okprops={DAV:}displayname$Other|{DAV:}resourcetype|{DAV:}getcontenttype", "badprops={DAV:}quota"], 207, &[], PROPERTIES, Fail),
    ("propfindItems", &["okprops={DAV:}displayname|{DAV:}resourcetype", "badprops={DAV:}quota"], 207, &[], PROPERTIES, Fail),
    ("propfindItems", &["okprops={DAV:}displayname|{DAV:}resourcetype|{DAV:}getcontenttype"], 207, &[], PROPERTIES, Fail),
    ("propfindItems", &["okprops={DAV:}displayname|{DAV:}resourcetype|{DAV:}getcontenttype|{DAV:}quota"], 207, &[], PROPERTIES, Fail),
    ("propfindItems", &["okprops={DAV:}displayname|{DAV:}resourcetype|{DAV:}getcontenttype", "badprops={DAV:}quota|{DAV:}acl"], 207, &[], PROPERTIES, Fail),
    ("propfindItems", &["okprops={DAV:}displayname", "ignore=/c/"], 207, &[], PROPERTIES, Pass),
    ("propfindItems", &["okprops={DAV:}displayname", "only=/other/"], 207, &[], PROPERTIES, Fail),
    ("propfindItems", &["count=1"], 207, &[], PROPERTIES, Pass),
    ("propfindItems", &["count=2"], 207, &[], PROPERTIES, Fail),
    ("propfindItems", &["count=1", "root-element={DAV:}other"], 207, &[], PROPERTIES, Fail),
    ("propfindItems", &["count=1", "status=200"], 207, &[], PROPERTIES, Fail),
    ("propfindItems", &["count=1"], 207, &[], "not XML", Fail),
    ("propfindValues", &["props={DAV:}displayname$Na.*"], 207, &[], PROPERTIES, Pass),
    ("propfindValues", &["okprops={DAV:}displayname$Nb.*"], 207, &[], PROPERTIES, Fail),
    ("propfindValues", &["props={DAV:}displayname!Na.*"], 207, &[], PROPERTIES, Fail),
    ("propfindValues", &["props={DAV:}resourcetype$.*<calendar xmlns=\"urn:c\"/>.*"], 207, &[], PROPERTIES, Pass),
    ("propfindValues", &["props={DAV:}quota$.*"], 207, &[], PROPERTIES, Fail),
    ("propfindValues", &["props={DAV:}displayname$.*", "only=/other/"], 207, &[], PROPERTIES, Fail),
    ("propfindValues", &["props={DAV:}displayname$.*"], 200, &[], PROPERTIES, Fail),
    ("aclItems", &["granted={DAV:}read|{DAV:}write", "denied={DAV:}all"], 207, &[], PRIVILEGES, Pass),
    ("aclItems", &["granted={DAV:}all"], 207, &[], PRIVILEGES, Fail),
    ("aclItems", &["denied={DAV:}write"], 207, &[], PRIVILEGES, Fail),
    ("aclItems", &["denied={DAV:}write"], 207, &[], "<multistatus xmlns='DAV:'/>", Fail),
    ("multistatusItems", &["okhrefs=|a b.ics", "badhrefs=gone.ics"], 207, &[], RESOURCES, Pass),
    ("multistatusItems", &["okhrefs=[-,a b.ics]", "badhrefs=[gone.ics]"], 207, &[], RESOURCES, Pass),
    ("multistatusItems", &["okhrefs=/c|/c/a b.ics", "badhrefs=/c/gone.ics", "prefix=-"], 207, &[], RESOURCES, Pass),
    ("multistatusItems", &["okhrefs=a b.ics", "badhrefs=gone.ics"], 207, &[], RESOURCES, Fail),
    ("multistatusItems", &["okhrefs=|a b.ics"], 207, &[], RESOURCES, Fail),
    ("multistatusItems", &["okhrefs=|a b.ics|c.ics", "badhrefs=gone.ics"], 207, &[], RESOURCES, Fail),
    ("multistatusItems", &["okhrefs=a b.ics", "ignoremissing="], 207, &[], RESOURCES, Pass),
    ("multistatusItems", &["nohrefs=gone.ics", "ignoremissing="], 207, &[], RESOURCES, Pass),
    ("multistatusItems", &["nohrefs=a b.ics", "ignoremissing="], 207, &[], RESOURCES, Fail),
    ("multistatusItems", &["count=1"], 207, &[], RESOURCES, Pass),
    ("multistatusItems", &["count=2"], 207, &[], RESOURCES, Fail),
    ("multistatusItems", &["totalcount=1|1"], 207, &[], RESOURCES, Pass),
    ("multistatusItems", &["totalcount=1+2"], 207, &[], RESOURCES, Fail),
    ("multistatusItems", &["responsecount=3"], 207, &[], RESOURCES, Pass),
    ("multistatusItems", &["responsecount=2"], 207, &[], RESOURCES, Fail),
    ("multistatusItems", &["404=gone.ics", "0=|a b.ics"], 207, &[], RESOURCES, Pass),
    ("multistatusItems", &["404=gone.ics"], 207, &[], RESOURCES, Fail),
    ("multistatusItems", &["403=gone.ics", "0=|a b.ics"], 207, &[], RESOURCES, Fail),
    ("multistatusItems", &["count=0"], 404, &[], "", Fail),
    ("multistatusItems", &[], 207, &[], "<multistatus xmlns='DAV:'/>", Pass),
    ("multistatusItems", &[], 207, &[], RESOURCES, Fail),
    ("dataMatch", &["filepath=event.ics"], 200, &[], EVENT, Pass),
    ("dataMatch", &["filepath=event.ics"], 200, &[], "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", Fail),
    ("dataMatch", &["filepath=some.xml"], 200, &[], "<x:a xmlns:x='urn:a'>  <x:b/></x:a>", Pass),
    ("dataMatch", &["filepath=some.xml"], 200, &[], "<a xmlns='urn:a'><c/></a>", Fail),
    ("dataMatch", &["filepath=absent.xml"], 200, &[], "<a/>", Fail),
    ("dataMatch", &["filepath=event.ics"], 201, &[], EVENT, Fail),
    ("dataMatch", &["filepath=event.ics"], 200, &[], "", Fail),
    ("dataString", &["contains=UID:1\nDTSTAMP", "notcontains=other"], 200, &[], EVENT, Pass),
    ("dataString", &["contains=a\nb"], 207, &[], "<x>a&#13;\nb</x>", Pass),
    ("dataString", &["contains=SUMMARY:b"], 200, &[], EVENT, Fail),
    ("dataString", &["notcontains=SUMMARY:a"], 200, &[], EVENT, Fail),
    ("dataString", &["contains=ab", "unwrap="], 200, &[], "a\r\n b", Pass),
    ("dataString", &["contains=ab"], 200, &[], "a\r\n b", Fail),
    ("dataString", &["equals=a"], 200, &[], "a", Pass),
    ("dataString", &["equals=a"], 200, &[], "ab", Fail),
    ("dataString", &["empty="], 204, &[], "", Pass),
    ("dataString", &["empty="], 200, &[], "a", Fail),
    ("dataString", &["notcontains=a"], 200, &[], "", Fail),
    ("xmlDataMatch", &["filepath=some.xml"], 207, &[], "<a xmlns='urn:a'><b/></a>", Pass),
    ("xmlDataMatch", &["filepath=some.xml"], 207, &[], "<a xmlns='urn:a'><b>1</b></a>", Fail),
    ("xmlDataMatch", &["filepath=some.xml", "filter={urn:a}b"], 207, &[], "<a xmlns='urn:a'><b>1</b></a>", Pass),
    ("xmlDataMatch", &["filepath=some.xml"], 404, &[], "<a xmlns='urn:a'><b/></a>", Fail),
    ("xmlElementMatch", &["exists=/{DAV:}multistatus/{DAV:}response/{DAV:}href[*/c/]|.//{DAV:}quota"], 207, &[], PROPERTIES, Pass),
    ("xmlElementMatch", &["exists=/{DAV:}other"], 207, &[], PROPERTIES, Fail),
    ("xmlElementMatch", &["exists=/{DAV:}multistatus/{DAV:}response/{DAV:}href[=/d/]"], 207, &[], PROPERTIES, Fail),
    ("xmlElementMatch", &["notexists=/{DAV:}multistatus/{DAV:}sync-token"], 207, &[], PROPERTIES, Pass),
    ("xmlElementMatch", &["notexists=/{DAV:}multistatus/{DAV:}response"], 207, &[], PROPERTIES, Fail),
    ("xmlElementMatch", &["parent=/{DAV:}multistatus/{DAV:}response", "exists={DAV:}response/{DAV:}propstat"], 207, &[], PROPERTIES, Pass),
    ("xmlElementMatch", &["parent=/{DAV:}multistatus/{DAV:}nobody", "exists={DAV:}nobody"], 207, &[], PROPERTIES, Fail),
    ("xmlElementMatch", &["exists=/{DAV:}multistatus[~x]"], 207, &[], PROPERTIES, Fail),
    ("xmlElementMatch", &["exists=/{DAV:}multistatus"], 403, &[], PROPERTIES, Fail),
    ("calendarDataMatch", &["filepath=event.ics"], 200, &[], EVENT, Pass),
    ("calendarDataMatch", &["data=BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nSUMMARY:a\nUID:1\nEND:VEVENT\nEND:VCALENDAR"], 201, &[], EVENT, Fail),
    (
        "calendarDataMatch",
        &["data=BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nSUMMARY:a\nUID:1\nEND:VEVENT\nEND:VCALENDAR", "filter=DTSTAMP"],
        201,
        &[],
        EVENT,
        Pass,
    ),
    ("calendarDataMatch", &["data=BEGIN:VCALENDAR\nEND:VCALENDAR"], 200, &[], EVENT, Fail),
    ("calendarDataMatch", &["filepath=event.ics"], 412, &[], EVENT, Fail),
    ("calendarDataMatch", &["filepath=event.ics", "status=412"], 412, &[], EVENT, Pass),
    ("calendarDataMatch", &["filepath=event.ics"], 200, &[], "nothing", Fail),
    ("calendarDataMatch", &["filepath=event.ics"], 200, &[], "", Fail),
    ("calendarDataMatch", &[], 200, &[], EVENT, Fail),
    ("calendarDataMatch", &["filepath=event.ics", "filter=!PRODID"], 200, &[], "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:y\nBEGIN:VEVENT\nUID:1\nDTSTAMP:20260101T000000Z\nSUMMARY:a\nEND:VEVENT\nEND:VCALENDAR", Fail),
    ("jcalDataMatch", &["filepath=event.json"], 200, &[], "[\"vcalendar\",[[\"version\",{},\"text\",\"2.0\"]],[]]", Pass),
    ("jcalDataMatch", &["filepath=event.json"], 200, &[], "[\"vcalendar\",[[\"version\",{},\"text\",\"3.0\"]],[]]", Fail),
    ("jcalDataMatch", &["filepath=event.json"], 200, &[], EVENT, Fail),
    ("freeBusy", &["busy=20260101T100000Z/20260101T110000Z|20260103T100000Z/PT1H", "tentative=20260102T100000Z/PT1H"], 200, &[], BUSY, Pass),
    ("freeBusy", &["busy=20260101T100000Z/20260101T110000Z|20260103T100000Z/PT1H"], 200, &[], BUSY, Fail),
    ("freeBusy", &["busy=20260101T100000Z/20260101T110000Z", "tentative=20260102T100000Z/PT1H", "duration="], 200, &[], BUSY, Fail),
    ("freeBusy", &[], 200, &[], EVENT, Fail),
    ("freeBusy", &[], 404, &[], "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nEND:VFREEBUSY\nEND:VCALENDAR", Fail),
    ("postFreeBusy", &["attendee=mailto:a", "busy=20260101T100000Z/PT1H"], 200, &[], "<C:schedule-response xmlns:C='urn:ietf:params:xml:ns:caldav'><C:response>
        <C:calendar-data>BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nATTENDEE:mailto:a\nFREEBUSY:20260101T100000Z/PT1H\nEND:VFREEBUSY\nEND:VCALENDAR</C:calendar-data></C:response></C:schedule-response>", Pass),
    ("postFreeBusy", &["attendee=mailto:a"], 200, &[], "<C:schedule-response xmlns:C='urn:ietf:params:xml:ns:caldav'><C:response>
        <C:calendar-data>BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nATTENDEE:mailto:a\nFREEBUSY:20260101T100000Z/PT1H\nEND:VFREEBUSY\nEND:VCALENDAR</C:calendar-data></C:response></C:schedule-response>", Fail),
    ("postFreeBusy", &["attendee=mailto:a"], 200, &[], "<C:schedule-response xmlns:C='urn:ietf:params:xml:ns:caldav'/>", Fail),
    ("postFreeBusy", &["attendee=mailto:a"], 403, &[], "", Fail),
    ("jsonPointerMatch", &["exists=/a/.~$2|/b~~", "notexists=/c"], 200, JSON, "{\"a\":[1,2],\"b\":null}", Pass),
    ("jsonPointerMatch", &["exists=/a/.~$3"], 200, JSON, "{\"a\":[1,2]}", Fail),
    ("jsonPointerMatch", &["exists=/c"], 200, JSON, "{\"a\":[1,2]}", Fail),
    ("jsonPointerMatch", &["notexists=/a"], 200, JSON, "{\"a\":[1,2]}", Fail),
    ("jsonPointerMatch", &["exists=/a"], 200, &[("content-type", "text/plain")], "{\"a\":[1,2]}", Fail),
    ("jsonPointerMatch", &["exists=/a"], 404, JSON, "{\"a\":1}", Fail),
    ("jsonPointerMatch", &["exists=/a", "status=404"], 404, JSON, "{\"a\":1}", Pass),
    ("jsonPointerMatch", &["exists=a"], 200, JSON, "{\"a\":1}", Fail),
];

fn look(data: &Path, (callback, arguments, status, headers, body, _): &Case<'_>) -> Result<(), String> {
    const INFO: &str = "<serverinfo><calendardatafilter>PRODID</calendardatafilter></serverinfo>";
    let server = ServerInfo::parse(INFO, &Layout::default()).unwrap();
    let variables = Variables::new(std::collections::BTreeMap::new(), chrono::NaiveDate::default());
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let answer = Answer { status: *status, headers, body: (*body).to_owned() };
    let arguments = arguments
        .iter()
        .map(|argument| {
            let (name, values) = argument.split_once('=').unwrap();
            (name.to_owned(), values.split('|').map(str::to_owned).collect())
        })
        .collect();
    let verifier = Verifier { callback: (*callback).to_owned(), arguments, ..Verifier::default() };
    let context = Context { answer: &answer, target: "/c/", host: "http://h:1", server: &server, variables: &variables, data };
    verify(&context, &verifier)
}

fn data() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("event.ics"), EVENT.replace('\r', "")).unwrap();
    std::fs::write(folder.path().join("event.json"), "[\"vcalendar\",[[\"version\",{},\"text\",\"2.0\"]],[]]").unwrap();
    std::fs::write(folder.path().join("some.xml"), "<?xml version='1.0'?>\n<a xmlns='urn:a'><b/></a>\n").unwrap();
    folder
}

#[test]
fn made_up_answers_pass_and_fail_as_they_must() {
    let data = data();
    for case in CASES {
        let verdict = look(data.path(), case);
        let found = if verdict.is_ok() { Pass } else { Fail };
        assert_eq!(found, case.5, "{} {:?} {}: {verdict:?}", case.0, case.1, case.4);
    }
}

#[test]
fn every_verifier_has_answers_that_pass_and_that_fail() {
    let source = include_str!("mod.rs");
    let known: BTreeSet<&str> =
        source.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" => ")).map(|(name, _)| name).collect();
    let known: BTreeSet<&str> = known.into_iter().filter(|name| !name.starts_with('{')).collect();
    assert!(known.len() >= 16, "{known:?}");
    for must in [Pass, Fail] {
        let shown: BTreeSet<&str> = CASES.iter().filter(|case| case.5 == must).map(|case| case.0).collect();
        assert_eq!(shown, known, "{must:?}");
    }
}

#[test]
fn what_is_not_known_fails() {
    let data = data();
    assert!(look(data.path(), &("noSuchVerifier", &[], 200, &[], "", Fail)).unwrap_err().contains("noSuchVerifier"));
    for callback in ["statusCode", "header", "propfindItems", "multistatusItems", "calendarDataMatch", "xmlElementMatch"] {
        let case: Case<'_> = (callback, &["colour=blue"], 207, &[], PROPERTIES, Fail);
        assert!(look(data.path(), &case).unwrap_err().contains("colour"), "{callback}");
    }
}
