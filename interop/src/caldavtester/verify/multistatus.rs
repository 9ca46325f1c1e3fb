//! Which resources a multistatus names, and with which status.

use super::{Arguments, Context, href, status, sum};
use std::collections::{BTreeMap, BTreeSet};

/// `multistatusItems`: the hrefs that succeed (`okhrefs`), fail (`badhrefs`), do not succeed (`nohrefs`) or have a certain status
/// (an argument that is a number); or how many there are: without the collection asked (`count`), all that succeed
/// (`totalcount`), all (`responsecount`).
pub(super) fn items(context: &Context<'_>, mut arguments: Arguments) -> Result<(), String> {
    let prefix = match arguments.take("prefix").and_then(|prefixes| prefixes.into_iter().next()) {
        Some(prefix) if prefix == "-" => String::new(),
        Some(prefix) => href(&prefix),
        None => href(context.target),
    };
    let mut expected = |name: &str| arguments.take(name).map(|hrefs| written_out(&hrefs, &prefix));
    let (ok, no, bad) = (expected("okhrefs"), expected("nohrefs"), expected("badhrefs"));
    let (count, response_count) = (arguments.number("count")?, arguments.number("responsecount")?);
    let total: Option<i64> = arguments.take("totalcount").map(|parts| parts.iter().map(|part| sum(part)).sum()).transpose()?;
    let more_may_be_there = arguments.take("ignoremissing").is_some();
    let mut by_code: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    arguments.0.retain(|(name, hrefs)| match name.parse() {
        Ok(code) => by_code.insert(code, hrefs.clone()).is_some(),
        Err(_) => true,
    });
    arguments.end()?;
    let found = read(context)?;

    let (good, failed) = (found.ok.len() as i64, found.bad.len() as i64);
    let counts = [(count.map(|count| count + 1), good), (total, good), (response_count, good + failed)];
    if let Some((expected, number)) = counts.iter().find_map(|(expected, number)| expected.map(|expected| (expected, *number))) {
        return if expected == number { Ok(()) } else { Err(format!("{number} resources, expected {expected}: {}", list(&found.ok))) };
    }
    let mut wrong = Vec::new();
    if ok.is_some() || no.is_some() || bad.is_some() {
        let (ok, no, bad) = (ok.unwrap_or_default(), no.unwrap_or_default(), bad.unwrap_or_default());
        report(&mut wrong, "missing", ok.difference(&found.ok));
        report(&mut wrong, "missing among those refused", bad.difference(&found.bad));
        report(&mut wrong, "there, but should not be", found.ok.intersection(&no));
        if !more_may_be_there {
            report(&mut wrong, "not expected", found.ok.difference(&ok));
            report(&mut wrong, "not expected among those refused", found.bad.difference(&bad));
        }
    } else {
        for (code, hrefs) in &by_code {
            let there = found.by_code.get(code).cloned().unwrap_or_default();
            // The original takes these as they are; scripts write them with and without the prefix.
            let as_written: BTreeSet<String> = hrefs.iter().map(|url| href(url).trim_end_matches('/').to_owned()).collect();
            let expected = if as_written.iter().any(|url| there.contains(url)) { as_written } else { written_out(hrefs, &prefix) };
            report(&mut wrong, &format!("missing with {code}"), expected.difference(&there));
            report(&mut wrong, &format!("not expected with {code}"), there.difference(&expected));
        }
        for (code, hrefs) in found.by_code.iter().filter(|(code, _)| !by_code.contains_key(code)) {
            report(&mut wrong, &format!("not expected with {code}"), hrefs.iter());
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

#[derive(Default)]
struct Found {
    ok: BTreeSet<String>,
    bad: BTreeSet<String>,
    /// 0 for a response with properties.
    by_code: BTreeMap<u16, BTreeSet<String>>,
}

fn read(context: &Context<'_>) -> Result<Found, String> {
    let root = context.multistatus()?;
    let mut found = Found::default();
    for response in root.named("{DAV:}response") {
        let code = status(response);
        let has_status = response.child("{DAV:}status").is_some();
        let ok = if has_status { code / 100 == 2 } else { response.child("{DAV:}propstat").is_some() };
        let hrefs: Vec<String> = response.named("{DAV:}href").map(|element| href(&element.text).trim_end_matches('/').to_owned()).collect();
        // Several hrefs may share a status, not properties (RFC 4918 §14.24).
        if hrefs.is_empty() || (hrefs.len() > 1 && !has_status) {
            return Err(format!("a response has {} hrefs", hrefs.len()));
        }
        for href in hrefs {
            if ok { &mut found.ok } else { &mut found.bad }.insert(href.clone());
            found.by_code.entry(code).or_default().insert(href);
        }
    }
    Ok(found)
}

/// Each href behind its prefix; `[a,b,-]` is a list, in which `-` is nothing.
fn written_out(hrefs: &[String], prefix: &str) -> BTreeSet<String> {
    let of = |part: &str| format!("{prefix}{}", super::decode(part)).trim_end_matches('/').to_owned();
    hrefs
        .iter()
        .flat_map(|written| match written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(list) => list.split(',').filter(|part| !part.is_empty()).map(|part| of(if part == "-" { "" } else { part })).collect(),
            None => vec![of(written)],
        })
        .collect()
}

fn report<'a>(wrong: &mut Vec<String>, word: &str, hrefs: impl Iterator<Item = &'a String>) {
    let hrefs: Vec<&str> = hrefs.map(String::as_str).collect();
    if !hrefs.is_empty() {
        wrong.push(format!("{word}: {}", hrefs.join(" ")));
    }
}

fn list(hrefs: &BTreeSet<String>) -> String {
    hrefs.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}
