//! What holds of reading requests whatever the bytes are: bodies of fuzz targets, which `cargo test` runs on kept inputs and
//! on mutations of them. Each takes any bytes and panics where something does not hold. Not for production: behind the
//! feature `testing`.
#![expect(clippy::unwrap_used, reason = "a property that does not hold is told by panicking")]

use crate::client;
use crate::dispatch::{Limits, Site};
use crate::filter::{self, Evaluation};
use crate::header::{self, Return, Root, ZoneDefinitions};
use crate::href::{Fixed, Hrefs, Path, Target, encode_segment};
use crate::link;
use crate::method::proppatch;
use crate::precondition;
use crate::xml::{Element, read};
use http::{HeaderMap, HeaderName, HeaderValue};
use ical::fuzz::EXPANSION;
use ical::{CalendarObject, ParseLimits, Zone};
use std::sync::LazyLock;

/// Bounds that inputs of some kilobytes can meet.
fn limits() -> Limits {
    Limits { xml_bytes_max: 64 << 10, xml_depth_max: 24, xml_elements_max: 500, ..Limits::default() }
}

/// An event of each sort that filters tell apart.
static OBJECTS: LazyLock<Vec<CalendarObject>> = LazyLock::new(|| {
    let event = "BEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20261101T000000Z\r\nDTSTART;TZID=Europe/Berlin:20261104T160000\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY\r\nSUMMARY;LANGUAGE=de:Straße\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\nEND:VEVENT\r\n";
    let task = "BEGIN:VTODO\r\nUID:two\r\nDTSTAMP:20261101T000000Z\r\nDUE;VALUE=DATE:20261106\r\nSUMMARY:Taxes\r\nEND:VTODO\r\n";
    let busy = "BEGIN:VFREEBUSY\r\nUID:three\r\nDTSTAMP:20261101T000000Z\r\nFREEBUSY:20261104T160000Z/PT1H\r\nEND:VFREEBUSY\r\n";
    let calendar = |body: &str| format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{body}END:VCALENDAR\r\n");
    [event, task, busy].iter().map(|body| CalendarObject::parse(calendar(body).as_bytes(), &ParseLimits::default()).unwrap()).collect()
});

/// A body is a bounded tree or refused; the tree is written so that it reads back; what listing rules out by a row alone does
/// not match when it is looked at.
pub fn xml(bytes: &[u8]) {
    let limits = limits();
    let Ok(root) = read::parse(bytes, &limits) else { return };
    let mut elements = 0;
    bounded(&root, 1, &limits, &mut elements);
    assert!(elements <= limits.xml_elements_max);
    let written = root.to_xml();
    // References make up to six bytes of one, names get their namespaces said again.
    assert!(written.len() <= bytes.len() * 8 + elements * 512, "{} of {}", written.len(), bytes.len());
    let generous = Limits { xml_bytes_max: 8 << 20, ..limits };
    assert_eq!(read::parse(written.as_bytes(), &generous).unwrap(), root);
    // A body of a 207 as `shoji doctor` reads it, from whatever server.
    assert!(client::multistatus(bytes).map_or(0, |answered| answered.len()) <= elements);
    drop(proppatch::instructions(&root, crate::resource::Kind::Calendar));
    filters(&root);
}

fn bounded(element: &Element, depth: usize, limits: &Limits, elements: &mut usize) {
    assert!(depth <= limits.xml_depth_max);
    *elements += 1;
    for child in element.children() {
        bounded(child, depth + 1, limits, elements);
    }
}

fn filters(root: &Element) {
    let found = root.children().find(|child| child.name.is_caldav("filter")).unwrap_or(root);
    let Ok(read) = filter::read::filter(found) else { return };
    let utc = Zone::utc();
    for object in OBJECTS.iter() {
        let matches = Evaluation::new(object, &utc, &EXPANSION).matches(&read);
        if matches == Ok(true) && has_no_alarm_range(&read) {
            assert!(read.may_match(Some(object.kind()), &object.span()), "{read:?}");
        }
        if read.matches_all_of(object.kind()) {
            assert_eq!(matches, Ok(true), "{read:?}");
        }
    }
}

/// Alarms may go off outside of an object's span; the row is asked about the times of components only.
fn has_no_alarm_range(filter: &filter::Filter) -> bool {
    !format!("{filter:?}").contains("VALARM")
}

/// Headers of a request, a line each, read or refused; a `Destination` of ours is a path in its one form.
pub fn headers(bytes: &[u8]) {
    let site = Site { base_path: "/cal".to_owned(), external_authority: Some("https://dav.example.org".to_owned()) };
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n').take(40) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    drop((header::depth(&headers), header::overwrite(&headers)));
    let (preferred, root) = (Return::read(&headers), Root::read(&headers));
    assert!(preferred == Return::Usual || headers.contains_key("prefer") || headers.contains_key("brief"));
    assert!(root == Root::Listed || headers.contains_key("prefer"));
    for (name, value) in &headers {
        if let (true, Ok(tag)) = (name.as_str().starts_with("if-"), value.to_str()) {
            let marked = ZoneDefinitions::read(&headers).tag(tag);
            assert!(marked.len() <= tag.len() + 3);
        }
    }
    assert!(!precondition::has_tag(&headers, "\"0123456789abcdef\"") || headers.contains_key("if-none-match"));
    for value in headers.get_all("if") {
        if let Ok(value) = value.to_str() {
            let lists = precondition::parse_if(value).unwrap_or_default();
            assert!(lists.iter().map(|list| list.conditions.len()).sum::<usize>() <= precondition::CONDITIONS_MAX);
            assert!(lists.iter().all(|list| !list.conditions.is_empty()));
        }
    }
    if let Ok(path) = header::destination(&headers, &site) {
        canonical(&path, &site);
    }
}

/// A path names what it names by one decoding: no segment goes up, holds a slash, or ends early; what it names is written in
/// one form, which is read as the same.
pub fn hrefs(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let site = Site { base_path: "/cal".to_owned(), external_authority: None };
    let hrefs = Hrefs::new(&site);
    for line in text.lines().take(40) {
        if let Ok(path) = Path::parse(line) {
            canonical(&path, &site);
        }
        if let Ok(Target::Path(path)) = hrefs.read(line, &["shoji.test", "[::1]:8008"]) {
            canonical(&path, &site);
        }
        if let Some(secret) = link::secret(line) {
            assert_eq!(link::secret(&format!("{}{}", link::PREFIX, secret.text())), Some(secret));
        }
        let segment = encode_segment(line);
        assert!(segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
    }
}

fn canonical(path: &Path, site: &Site) {
    let hrefs = Hrefs::new(site);
    let mut names: Vec<&String> = Vec::new();
    let written = match path {
        Path::Nothing => return,
        Path::Fixed(fixed) => hrefs.fixed(*fixed),
        Path::Principal(kind, name) => {
            names.push(name);
            hrefs.principal(*kind, name)
        }
        Path::FreeBusy(user) => {
            names.push(user);
            hrefs.free_busy(user)
        }
        Path::Home { owner, below } => {
            names.push(owner);
            names.extend(below);
            let below: Vec<String> = below.iter().map(|segment| encode_segment(segment)).collect();
            format!("{}{}", hrefs.home(owner), below.join("/"))
        }
    };
    for name in &names {
        assert!(!name.is_empty() && name.as_str() != "." && name.as_str() != "..");
        assert!(!name.contains(['/', '\\', '\0']) && name.len() <= 255);
    }
    assert!(written.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%/;".contains(&b)), "{written}");
    assert!(!written.contains("//"), "{written}");
    assert_eq!(hrefs.read(&written, &[]), Ok(Target::Path(path.clone())));
    assert!(names.is_empty() || path.parent().is_some_and(|parent| parent != *path));
    assert!(!matches!(path.parent(), Some(Path::Fixed(Fixed::Root))));
}
