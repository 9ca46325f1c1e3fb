//! Conditional headers: `If-Match` and `If-None-Match` (RFC 9110 §13.1), `If` (RFC 4918 §10.4), `If-Schedule-Tag-Match`
//! (RFC 6638 §8.3), and dates where a resource has one.
//!
//! Everything is compared with what this viewer is shown, so a condition tells him nothing that GET would not. Methods
//! look at rights first (RFC 9110 §13.2.1).

use crate::error::{Error, Result};
use crate::header::ZoneDefinitions;
use crate::href::{Path, Target};
use crate::method::get::COLLECTION_TAG;
use crate::resource::{Resource, View};
use chrono::{DateTime, NaiveDateTime, Utc};
use http::{HeaderMap, StatusCode};
use storage::authorized::{self, Calendar, PlainKind};

/// Conditions of one `If` header, of all its lists.
pub(crate) const CONDITIONS_MAX: usize = 64;

/// What the request's resource is to its conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Current {
    /// Whether something stands there.
    pub stands: bool,
    /// Its entity tag, quotes included.
    pub etag: Option<String>,
    /// When it last changed, for what has such a date.
    pub modified: Option<DateTime<Utc>>,
}

impl Current {
    /// Of a resource, or of a path where nothing stands.
    pub fn of(view: &View<'_, '_>, resource: Option<&Resource>) -> Result<Self> {
        let Some(resource) = resource else { return Ok(Self::default()) };
        let (etag, modified) = match resource {
            Resource::Stored(authorized::Resource::Calendar(calendar)) => (Some(calendar_tag(view, calendar)?), None),
            Resource::Stored(authorized::Resource::Object(_, row)) => (Some(row.etag().to_owned()), None),
            Resource::Stored(authorized::Resource::Plain(plain)) => match &plain.kind {
                PlainKind::File { etag, .. } => (Some(etag.clone()), Some(plain.modified)),
                PlainKind::Collection | PlainKind::Subscription => (None, None),
            },
            Resource::Fixed(_) => (Some(COLLECTION_TAG.to_owned()), None),
            _ => (None, None),
        };
        Ok(Self { stands: true, etag, modified })
    }
}

/// The tag of a calendar as one file: all of it is a function of what its sync token names.
pub(crate) fn calendar_tag(view: &View<'_, '_>, calendar: &Calendar) -> Result<String> {
    let token = view.store.sync_token(calendar)?;
    Ok(format!("\"{}\"", token.strip_prefix("data:,").unwrap_or(&token)))
}

/// Whether a request has conditional headers at all: most have none, and need no tag to be looked up.
pub(crate) fn is_conditional(headers: &HeaderMap) -> bool {
    const CONDITIONAL: [&str; 6] = ["if-match", "if-none-match", "if-unmodified-since", "if-modified-since", "if-schedule-tag-match", "if"];
    CONDITIONAL.iter().any(|name| headers.contains_key(*name))
}

/// What the conditions say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Proceed,
    /// 412
    Failed,
    /// 304, for GET and HEAD.
    NotModified,
}

impl Verdict {
    /// The error of a verdict that stops a method other than GET and HEAD.
    pub fn error(self) -> Option<Error> {
        match self {
            Self::Proceed => None,
            Self::Failed | Self::NotModified => Some(Error::Unmet),
        }
    }
}

/// Whether the method only reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// GET, HEAD
    Read,
    /// All others.
    Write,
}

/// Evaluates every conditional header of a request (in the order of RFC 9110 §13.2.2). `authorities` are those under which
/// the `If` header may name this server.
pub fn evaluate(
    headers: &HeaderMap,
    authorities: &[&str],
    view: &View<'_, '_>,
    path: &Path,
    current: &Current,
    purpose: Purpose,
) -> Result<Verdict> {
    if let Some(list) = joined(headers, "if-match")? {
        if !(current.stands && names_tag(&list, current, purpose)) {
            return Ok(Verdict::Failed);
        }
    } else if unmodified_since_fails(headers, current) {
        return Ok(Verdict::Failed);
    }
    if let Some(list) = joined(headers, "if-none-match")? {
        if current.stands && names_tag(&list, current, purpose) {
            return Ok(if purpose == Purpose::Read { Verdict::NotModified } else { Verdict::Failed });
        }
    } else if purpose == Purpose::Read && not_modified_since(headers, current) {
        return Ok(Verdict::NotModified);
    }
    if let Some(tag) = joined(headers, "if-schedule-tag-match")? {
        // No resource has a schedule tag here: an empty value means just that.
        if !tag.trim().is_empty() {
            return Ok(Verdict::Failed);
        }
    }
    match joined(headers, "if")? {
        Some(header) if !if_header(&header, authorities, view, path, current)? => Ok(Verdict::Failed),
        _ => Ok(Verdict::Proceed),
    }
}

/// Whether `If-None-Match` names this tag of something that is read (RFC 9110 §13.1.2). What cannot be read names nothing.
pub(crate) fn has_tag(headers: &HeaderMap, etag: &str) -> bool {
    let list = joined(headers, "if-none-match").ok().flatten();
    list.is_some_and(|list| list.trim() == "*" || list.split(',').any(|tag| same_tag(tag, etag)))
}

fn joined(headers: &HeaderMap, name: &str) -> Result<Option<String>> {
    let mut all: Option<String> = None;
    for value in headers.get_all(name) {
        let value = value.to_str().map_err(|_| Error::BadRequest("a conditional header is malformed"))?;
        match &mut all {
            Some(all) => {
                all.push(',');
                all.push_str(value);
            }
            None => all = Some(value.to_owned()),
        }
    }
    Ok(all)
}

fn names_tag(list: &str, current: &Current, purpose: Purpose) -> bool {
    let same = match purpose {
        Purpose::Read => same_tag,
        Purpose::Write => same_state,
    };
    list.trim() == "*" || current.etag.as_deref().is_some_and(|etag| list.split(',').any(|tag| same(tag, etag)))
}

/// Whether a tag sent back names the state that `etag` names, in whichever form of it the client has seen: a write overwrites
/// the state, not one of its representations.
fn same_state(sent: &str, etag: &str) -> bool {
    let sent = opaque(sent);
    let sent = sent.strip_suffix("-gzip").unwrap_or(&sent);
    same_tag(sent, etag) || ZoneDefinitions::unmarked(sent) == ZoneDefinitions::unmarked(&opaque(etag))
}

/// Whether a tag sent back is `etag`. Proxies weaken tags when they compress (`W/`, `-gzip`), and a client escapes the
/// quotes (`\"…\"`, seen from Evolution): tags name one representation here, so what is left of them decides.
fn same_tag(sent: &str, etag: &str) -> bool {
    let (sent, etag) = (opaque(sent), opaque(etag));
    sent == etag || sent.strip_suffix("-gzip") == Some(etag.as_str())
}

/// What stands between the quotes of a tag.
fn opaque(tag: &str) -> String {
    let tag = tag.trim();
    let tag = tag.strip_prefix("W/").or_else(|| tag.strip_prefix("w/")).unwrap_or(tag);
    tag.replace("\\\"", "\"").trim_matches('"').to_owned()
}

fn header_date(headers: &HeaderMap, name: &str) -> Option<DateTime<Utc>> {
    let value = headers.get(name)?.to_str().ok()?;
    NaiveDateTime::parse_from_str(value.trim(), "%a, %d %b %Y %H:%M:%S GMT").ok().map(|date| date.and_utc())
}

fn unmodified_since_fails(headers: &HeaderMap, current: &Current) -> bool {
    match (header_date(headers, "if-unmodified-since"), current.modified) {
        (Some(since), Some(modified)) => modified.timestamp() > since.timestamp(),
        _ => false,
    }
}

fn not_modified_since(headers: &HeaderMap, current: &Current) -> bool {
    match (header_date(headers, "if-modified-since"), current.modified) {
        (Some(since), Some(modified)) => modified.timestamp() <= since.timestamp(),
        _ => false,
    }
}

/// One condition of an `If` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IfCondition {
    negated: bool,
    what: IfState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IfState {
    Token(String),
    Tag(String),
}

/// One list of an `If` header with the resource it is about; `None` is the request's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IfList {
    resource: Option<String>,
    /// All of them hold, or the list does not.
    pub(crate) conditions: Vec<IfCondition>,
}

fn if_header(header: &str, authorities: &[&str], view: &View<'_, '_>, path: &Path, current: &Current) -> Result<bool> {
    for list in parse_if(header)? {
        let holds = match &list.resource {
            None => list_holds(&list, view, path, current)?,
            Some(href) => match view.hrefs.read(href, authorities)? {
                Target::OtherServer => false,
                Target::Path(tagged) => {
                    let resource = match view.locate(&tagged) {
                        Ok(resource) => Some(resource),
                        Err(Error::Status(StatusCode::NOT_FOUND)) => None,
                        Err(error) => return Err(error),
                    };
                    list_holds(&list, view, &tagged, &Current::of(view, resource.as_ref())?)?
                }
            },
        };
        if holds {
            return Ok(true);
        }
    }
    Ok(false)
}

fn list_holds(list: &IfList, view: &View<'_, '_>, path: &Path, current: &Current) -> Result<bool> {
    for condition in &list.conditions {
        let matches = match &condition.what {
            IfState::Tag(tag) => current.etag.as_deref().is_some_and(|etag| same_state(tag, etag)),
            IfState::Token(token) => is_sync_token(token, view, path)?,
        };
        if matches == condition.negated {
            return Ok(false);
        }
    }
    Ok(true)
}

/// There are no locks, so the only state tokens are the sync tokens of collections (RFC 6578 §5). `DAV:no-lock` and all
/// others match nothing.
fn is_sync_token(token: &str, view: &View<'_, '_>, path: &Path) -> Result<bool> {
    if !token.starts_with("data:,") {
        return Ok(false);
    }
    match view.locate(path) {
        Ok(Resource::Stored(authorized::Resource::Calendar(calendar))) => Ok(view.store.sync_token(&calendar)? == token),
        Ok(Resource::Stored(authorized::Resource::Home(home))) if home.own => Ok(view.store.home_sync_token(&home)? == token),
        Ok(_) | Err(Error::Status(StatusCode::NOT_FOUND)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The lists of an `If` header, bounded.
pub(crate) fn parse_if(header: &str) -> Result<Vec<IfList>> {
    let malformed = || Error::BadRequest("If is malformed");
    let mut lists = Vec::new();
    let mut resource: Option<String> = None;
    let mut conditions = 0;
    // Several If headers were joined by commas; between lists a comma means nothing.
    let skip = |text: &str| -> usize { text.len() - text.trim_start_matches([' ', '\t', ',']).len() };
    let mut rest = header;
    loop {
        rest = rest.get(skip(rest)..).ok_or_else(malformed)?;
        if rest.is_empty() {
            break;
        } else if let Some(after) = rest.strip_prefix('<') {
            let (href, after) = after.split_once('>').ok_or_else(malformed)?;
            // A tag with no list behind it, or one behind untagged lists, is no If header.
            if lists.last().is_some_and(|list: &IfList| list.resource.is_none()) || !after.trim_start().starts_with('(') {
                return Err(malformed());
            }
            resource = Some(href.to_owned());
            rest = after;
        } else if let Some(after) = rest.strip_prefix('(') {
            let (list, after) = parse_list(after)?;
            conditions += list.len();
            if list.is_empty() || conditions > CONDITIONS_MAX {
                return Err(malformed());
            }
            lists.push(IfList { resource: resource.clone(), conditions: list });
            rest = after;
        } else {
            return Err(malformed());
        }
    }
    if lists.is_empty() { Err(malformed()) } else { Ok(lists) }
}

fn parse_list(text: &str) -> Result<(Vec<IfCondition>, &str)> {
    let malformed = || Error::BadRequest("If is malformed");
    let mut conditions = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(')') {
            return Ok((conditions, after));
        }
        let negated = match rest.get(..3) {
            Some(not) if not.eq_ignore_ascii_case("not") => {
                rest = rest.get(3..).unwrap_or_default().trim_start();
                true
            }
            _ => false,
        };
        let (what, after) = if let Some(after) = rest.strip_prefix('<') {
            let (token, after) = after.split_once('>').ok_or_else(malformed)?;
            (IfState::Token(token.to_owned()), after)
        } else if let Some(after) = rest.strip_prefix('[') {
            let (tag, after) = after.split_once(']').ok_or_else(malformed)?;
            (IfState::Tag(tag.to_owned()), after)
        } else {
            return Err(malformed());
        };
        if conditions.len() >= CONDITIONS_MAX {
            return Err(malformed());
        }
        conditions.push(IfCondition { negated, what });
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::{IfState, parse_if, same_state, same_tag};
    use proptest::prelude::*;

    const ETAG: &str = "\"abcdefghijklmnopqrstuv\"";

    #[test]
    fn tags_that_proxies_and_clients_bent_are_still_the_tag() {
        for sent in [
            "\"abcdefghijklmnopqrstuv\"",
            " W/\"abcdefghijklmnopqrstuv\" ",
            "\"abcdefghijklmnopqrstuv-gzip\"",
            "W/\"abcdefghijklmnopqrstuv-gzip\"",
            "\\\"abcdefghijklmnopqrstuv\\\"",
            "abcdefghijklmnopqrstuv",
        ] {
            assert!(same_tag(sent, ETAG), "{sent}");
        }
        for sent in ["", "\"\"", "*", "\"abc\"", "\"Abcdefghijklmnopqrstuv\"", "-gzip"] {
            assert!(!same_tag(sent, ETAG), "{sent}");
        }
    }

    #[test]
    fn a_write_may_name_any_form_of_the_state_it_overwrites_and_a_read_only_its_own() {
        for sent in ["\"abcdefghijklmnopqrstuv.F\"", "W/\"abcdefghijklmnopqrstuv.T-gzip\"", ETAG] {
            assert!(same_state(sent, ETAG), "{sent}");
        }
        for sent in ["\"abcdefghijklmnopqrstu.F\"", "\".F\"", "\"\"", "\"abcdefghijklmnopqrstuv.X\""] {
            assert!(!same_state(sent, ETAG), "{sent}");
        }
        assert!(!same_tag("\"abcdefghijklmnopqrstuv.F\"", ETAG));
        assert!(same_tag("\"abcdefghijklmnopqrstuv.F\"", "\"abcdefghijklmnopqrstuv.F\""));
    }

    fn written(header: &str) -> String {
        let mut out = String::new();
        for list in parse_if(header).unwrap() {
            out.push_str(list.resource.as_deref().unwrap_or("-"));
            for condition in list.conditions {
                out.push_str(if condition.negated { " not " } else { " " });
                match condition.what {
                    IfState::Token(token) => out.push_str(&format!("<{token}>")),
                    IfState::Tag(tag) => out.push_str(&format!("[{tag}]")),
                }
            }
            out.push(';');
        }
        out
    }

    #[test]
    fn the_examples_of_rfc_4918_section_10_4_are_understood() {
        let token = "urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2";
        assert_eq!(
            written(&format!("(<{token}> [\"I am an ETag\"])\r\n ([\"I am another ETag\"])").replace("\r\n", "")),
            format!("- <{token}> [\"I am an ETag\"];- [\"I am another ETag\"];")
        );
        assert_eq!(written(&format!("(Not <{token}> <urn:x>)")), format!("- not <{token}> <urn:x>;"));
        assert_eq!(written(&format!("(<{token}>) (Not <DAV:no-lock>)")), format!("- <{token}>;- not <DAV:no-lock>;"));
        assert_eq!(
            written(&format!("</resource1> (<{token}> [W/\"A weak ETag\"]) ([\"strong ETag\"])")),
            format!("/resource1 <{token}> [W/\"A weak ETag\"];/resource1 [\"strong ETag\"];")
        );
        assert_eq!(written("</specs/> (<urn:x>), </other> ([\"4217\"])"), "/specs/ <urn:x>;/other [\"4217\"];");
    }

    #[test]
    fn what_is_no_if_header_is_refused() {
        for header in [
            "",
            " ",
            "()",
            "(",
            "<urn:x>",
            "(<urn:x>) </r> (<urn:y>)",
            "(foo)",
            "(<urn:x)",
            "([\"e\")",
            "(Not)",
            "</r> </s> ([\"e\"])",
            "x",
        ] {
            assert!(parse_if(header).is_err(), "{header}");
        }
        assert!(parse_if(&"([\"e\"])".repeat(65)).is_err());
    }

    proptest! {
        #[test]
        fn any_if_header_is_read_without_a_panic(header in "[<>()\\[\\]\" NotTéx,/]{0,60}") {
            let _ = parse_if(&header);
        }
    }
}
