//! What holds of whole requests and of `apply` files whatever the bytes are: bodies of fuzz targets, which `cargo test` runs on
//! kept inputs and on mutations of them. Each takes any bytes and panics where something does not hold. Not for production:
//! behind the feature `testing`.
//!
//! They meet a small store of their own in memory, alike for every input: after a change it is made anew.
#![expect(clippy::unwrap_used, reason = "a property that does not hold is told by panicking")]

use crate::authenticate::basic;
use crate::cli::files::parse_apply_file;
use crate::router::forwarded_chain;
use crate::{api, limits::Limits};
use bytes::Bytes;
use chrono::{TimeZone, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, Uri};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use storage::administration::{ApplyFile, ApplyOptions};
use storage::{Environment, Options, Store};
use webdav::Body;

/// A word that stands in everything of Alice's that Bob is not shown, and in no input.
pub const SECRET: &str = "qzkanarievogel";

/// Who there is, and what Bob is shown: Alice's calendar as busy time.
const PEOPLE: &str = r#"
[[user]]
name = "alice"
display_name = "Alice"
emails = ["alice@example.org"]
[[user]]
name = "bob"
emails = ["bob@example.org"]
[[user]]
name = "erin"
[[group]]
name = "sales"
members = ["bob"]
[[calendar]]
owner = "alice"
name = "work"
[[calendar]]
owner = "alice"
name = "qzkanarievogel"
display_name = "qzkanarievogel"
[[grant]]
calendar = "alice/work"
user = "bob"
level = "free-busy"
"#;

/// One store with its people, and a little in their calendars.
struct World {
    store: Arc<Store>,
    // Removed with the world.
    _directory: tempfile::TempDir,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let drawn = AtomicU64::new(0);
        let environment = Environment {
            clock: Arc::new(|| Utc.with_ymd_and_hms(2026, 11, 2, 12, 0, 0).unwrap()),
            entropy: Arc::new(move |bytes: &mut [u8]| {
                let drawn = drawn.fetch_add(1, Ordering::Relaxed);
                blake3::Hasher::new().update(&drawn.to_le_bytes()).finalize_xof().fill(bytes);
            }),
        };
        let limits = storage::Limits { cache_bytes: 8 << 20, ..storage::Limits::default() };
        let options = Options { environment, limits, directory: storage::Directory::default(), engine: None };
        let store = Store::open(directory.path(), options).unwrap();
        let world = Self { store, _directory: directory };
        let file = parse_apply_file(PEOPLE, "people").unwrap().file;
        world.store.administration().apply(&file, ApplyOptions::default()).unwrap().unwrap();
        for (name, more) in [("one", ""), ("two", "RRULE:FREQ=WEEKLY;COUNT=5\r\n"), ("three", "CLASS:PRIVATE\r\n")] {
            let event = format!(
                "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{SECRET}-{name}\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261104T160000Z\r\nDTEND:20261104T170000Z\r\nSUMMARY:{SECRET}\r\nLOCATION:{SECRET}\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
            );
            let put = format!("PUT /dav/calendars/alice/work/{SECRET}-{name}.ics\nContent-Type: text/calendar\n\n{event}");
            assert_eq!(world.ask("alice", &Asked::read(put.as_bytes()).unwrap()).status(), 201);
        }
        world
    }

    fn ask(&self, user: &str, asked: &Asked) -> Response<Body> {
        let principal = self.store.credential(user).unwrap().unwrap().principal;
        let door = self.store.door(principal);
        let site = webdav::Site::default();
        let request = webdav::Request {
            method: &asked.method,
            path: asked.uri.path(),
            query: asked.uri.query().unwrap_or_default(),
            headers: &asked.headers,
            body: &asked.body,
        };
        if request.path.starts_with(webdav::link::PREFIX) {
            let door = webdav::link::secret(request.path).map(|secret| self.store.link_door(secret));
            return webdav::link::handle(&request, door.as_ref(), &webdav::Limits::default());
        }
        if api::is_api(request.path) {
            let context = api::Context { site: &site, store: &self.store, json_bytes_max: Limits::default().json_bytes_max };
            return api::handle(&request, &door, &context);
        }
        webdav::handle(&request, &door, &site, &webdav::Limits::default())
    }

    fn faults(&self) -> Vec<String> {
        self.store.administration().check(&mut |_, _| {}).unwrap().into_iter().map(|fault| fault.0).collect()
    }
}

/// Runs on a world that is as it was made; `body` tells whether it changed it.
fn with_world(body: impl FnOnce(&World) -> bool) {
    WORLD.with_borrow_mut(|slot| {
        // Taken out: one in which something panicked is not used again.
        let world = slot.take().unwrap_or_else(World::new);
        if !body(&world) {
            *slot = Some(world);
        }
    });
}

/// A request as it stands in an input: `METHOD /path?query`, headers, an empty line, the body.
struct Asked {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut line = || {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            line.strip_suffix(b"\r").unwrap_or(line)
        };
        let first = line();
        let space = first.iter().position(|byte| *byte == b' ')?;
        let (method, path) = first.split_at(space);
        let mut headers = HeaderMap::new();
        headers.insert(http::header::HOST, HeaderValue::from_static("shoji.test"));
        loop {
            let header = line();
            let Some(colon) = header.iter().position(|byte| *byte == b':').filter(|_| headers.len() < 40) else { break };
            let (name, value) = header.split_at(colon);
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            headers.append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
        }
        let uri = Uri::try_from(path.get(1..)?).ok().filter(|uri| uri.path().starts_with('/'))?;
        Some(Self { method: Method::from_bytes(method).ok()?, uri, headers, body: Bytes::copy_from_slice(rest) })
    }

    fn only_reads(&self) -> bool {
        ["GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"].contains(&self.method.as_str())
    }
}

/// Whatever is asked by whomever: an answer, no defect, a multistatus that reads back; to Bob nothing that he is not shown; what
/// is stored is served, and the store is sound.
pub fn requests(bytes: &[u8]) {
    // Whoever knows the word may say it, and hear it again.
    if bytes.len() > 64 << 10 || bytes.windows(SECRET.len()).any(|word| word.eq_ignore_ascii_case(SECRET.as_bytes())) {
        return;
    }
    let Some(asked) = Asked::read(bytes) else { return };
    for user in ["bob", "erin", "alice"] {
        with_world(|world| {
            let answer = world.ask(user, &asked);
            let changed = !asked.only_reads() && answer.status().is_success();
            is_sound(&answer, user != "alice");
            if asked.method == Method::PUT && changed && user == "alice" && !api::is_api(asked.uri.path()) {
                is_served(world, &asked);
            }
            if changed {
                assert_eq!(world.faults(), Vec::<String>::new());
            }
            // Reads leave sync states and lines of the journal; they are not told apart from none.
            changed
        });
    }
    credentials(&asked.headers);
}

fn is_sound(answer: &Response<Body>, is_foreign: bool) {
    assert!(answer.extensions().get::<webdav::Cause>().is_none(), "failed inside");
    let status = answer.status().as_u16();
    assert!(status < 500 || [501, 502, 507].contains(&status), "{status}");
    let body = answer.body().read().unwrap();
    assert!(body.len() < 4 << 20, "{}", body.len());
    if status == 207 {
        webdav::client::multistatus(&body).unwrap();
    }
    if let Some(length) = answer.headers().get(http::header::CONTENT_LENGTH).filter(|_| !body.is_empty()) {
        assert_eq!(length.to_str().unwrap(), body.len().to_string());
    }
    if is_foreign {
        let shown = String::from_utf8_lossy(&body).to_ascii_lowercase();
        assert!(!shown.contains(SECRET), "{shown}");
        for value in answer.headers().values() {
            assert!(!String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase().contains(SECRET));
        }
    }
}

fn is_served(world: &World, asked: &Asked) {
    let get = Asked { method: Method::GET, uri: asked.uri.clone(), headers: HeaderMap::new(), body: Bytes::new() };
    let answer = world.ask("alice", &get);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.body().read().unwrap(), asked.body);
}

/// `Authorization` and forwarding headers are read or refused.
fn credentials(headers: &HeaderMap) {
    for value in headers.values() {
        if let Some((user, password)) = basic(value.as_bytes()) {
            assert!(!user.contains(':'));
            assert!(user.len() + password.len() <= 2_048);
        }
    }
    let named = headers.get_all("x-forwarded-for").iter().chain(headers.get_all("forwarded").iter());
    let commas: usize = named.map(|value| 1 + value.as_bytes().iter().filter(|byte| **byte == b',').count()).sum();
    assert!(forwarded_chain(headers).len() <= commas);
}

/// An `apply` file is read whole or refused in one short line without any of its values; it applies whole or not at all, and
/// then the store is sound.
pub fn apply_files(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if text.len() > 16 << 10 {
        return;
    }
    let parsed = match parse_apply_file(text, "people.toml") {
        Ok(parsed) => parsed,
        Err(refused) => return is_discreet(text, &refused.message),
    };
    let written = toml::to_string(&parsed.file).unwrap();
    assert_eq!(parse_apply_file(&written, "again").unwrap().file, parsed.file);
    with_world(|world| {
        let administration = world.store.administration();
        let dry = administration.apply(&parsed.file, ApplyOptions { dry_run: true, ..ApplyOptions::default() });
        let applied = administration.apply(&parsed.file, ApplyOptions::default());
        assert_eq!(dry.is_ok(), applied.is_ok());
        match applied {
            Ok(changes) => {
                changes.unwrap();
                assert_eq!(world.faults(), Vec::<String>::new());
                again_changes_nothing(world, &parsed.file);
                true
            }
            Err(_) => false,
        }
    });
}

/// What stands once applied is what the file says.
fn again_changes_nothing(world: &World, file: &ApplyFile) {
    let again = world.store.administration().apply(file, ApplyOptions::default());
    let changes: Vec<String> = again.unwrap().unwrap().into_iter().map(|change| change.0).collect();
    // Hashes are salted: a password given in plain is a new hash each time.
    let changes: Vec<&String> = changes.iter().filter(|change| !change.contains("password")).collect();
    assert_eq!(changes, Vec::<&String>::new());
}

/// The message tells table and line, and no value: a password may stand anywhere.
fn is_discreet(text: &str, message: &str) {
    const PASSWORD: &str = "correct-horse";
    assert!(message.len() <= 64 + 2 * text.len().min(400) + 400, "{message}");
    let is_value_alone = text.matches(PASSWORD).count() == text.matches(&format!("= \"{PASSWORD}\"")).count();
    assert!(!is_value_alone || !message.contains(PASSWORD), "{message}");
}
