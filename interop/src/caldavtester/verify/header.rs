//! Status codes and headers.

use super::{Arguments, Context};
use regex::Regex;

/// `statusCode`: one of the codes, `2xx` standing for all of its hundred; any 2xx if none is named.
pub(super) fn status_code(context: &Context<'_>, mut arguments: Arguments) -> Result<(), String> {
    let expected = arguments.take("status").unwrap_or_else(|| vec!["2xx".to_owned()]);
    arguments.end()?;
    let status = context.answer.status;
    for code in &expected {
        let matched = match code.trim().strip_suffix("xx") {
            Some(hundred) => hundred.parse() == Ok(status / 100),
            None => code.trim().parse::<u16>().map_err(|_| format!("`{code}` is no status code"))? == status,
        };
        if matched {
            return Ok(());
        }
    }
    Err(format!("the status is {status}, expected {}", expected.join(" or ")))
}

/// How often a header may be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Once,
    Never,
    OnceOrMore,
}

/// `header`: each value is `Name`, `Name$regex` (must match) or `Name!regex` (must not), before it `!` where the header must be
/// absent or `*` where it may be repeated.
pub(super) fn header(context: &Context<'_>, mut arguments: Arguments) -> Result<(), String> {
    for rule in arguments.list("header") {
        one(context, &rule)?;
    }
    // Some scripts give `content-location` as an argument's name, with a value that is right for one request of several. The original
    // passes over it, and so must this: the header itself is optional (RFC 7240 §4.2).
    arguments.take("content-location");
    arguments.end()
}

fn one(context: &Context<'_>, rule: &str) -> Result<(), String> {
    let (presence, rule) = match (rule.strip_prefix('!'), rule.strip_prefix('*')) {
        (Some(rest), _) => (Presence::Never, rest),
        (_, Some(rest)) => (Presence::OnceOrMore, rest),
        _ => (Presence::Once, rule),
    };
    let cut = |at: char| rule.split_once(at).map(|(name, value)| (name, Some(value), at == '$'));
    let (name, value, must_match) = cut('$').or_else(|| cut('!')).unwrap_or((rule, None, true));
    // Scripts write `!Name:` too.
    let name = name.trim().trim_end_matches(':');
    let found = context.answer.header(name);
    match (presence, found.len()) {
        (Presence::Never, 0) => return Ok(()),
        (Presence::Never, _) => return Err(format!("the header {name} is there: {found:?}")),
        (_, 0) => return Err(format!("the header {name} is missing")),
        // A list may stand on several lines (RFC 9110 §5.3).
        (Presence::Once, 2..) if !["allow", "dav", "vary", "link"].contains(&name.to_ascii_lowercase().as_str()) => {
            return Err(format!("the header {name} is there {} times", found.len()));
        }
        _ => {}
    }
    let Some(value) = value else { return Ok(()) };
    // White space never counts, as in the original.
    let pattern = value.replace(' ', "");
    let mut candidates: Vec<String> = found.iter().map(|value| (*value).to_owned()).collect();
    candidates.push(found.join(","));
    if name.eq_ignore_ascii_case("Location") {
        // A relative reference says the same as an absolute one (RFC 9110 §10.2.2).
        candidates.extend(found.iter().filter(|value| value.starts_with('/')).map(|value| format!("{}{value}", context.host)));
    }
    let matched = candidates.iter().map(|value| value.replace(' ', "")).any(|value| begins_with(&value, &pattern));
    if matched == must_match {
        return Ok(());
    }
    Err(format!("the header {name} is {found:?}, which {} {value:?}", if must_match { "does not match" } else { "matches" }))
}

/// Whether a text begins with what a pattern describes: as a regular expression, or letter by letter, since scripts put tags and
/// URLs there that no one has escaped.
fn begins_with(text: &str, pattern: &str) -> bool {
    text.starts_with(pattern) || Regex::new(&format!("^(?:{pattern})")).is_ok_and(|regex| regex.is_match(text))
}
