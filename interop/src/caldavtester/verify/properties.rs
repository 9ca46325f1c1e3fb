//! Properties of a multistatus, privileges, and the conditions of `DAV:error`.

use super::{Arguments, Context, codes, href, status};
use crate::xml::{self, Element};
use regex::RegexBuilder;

/// What a script expects of a property's value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    Anything,
    Value(String),
    OtherThan(String),
}

/// A property of an answer.
struct Found {
    name: String,
    value: String,
    ok: bool,
}

/// `propfindItems`: of each response, the properties found (`okprops`) and not found (`badprops`) are just these; or just the
/// number of responses (`count`).
pub(super) fn items(context: &Context<'_>, mut arguments: Arguments) -> Result<(), String> {
    let (ignored, only) = (hrefs(&arguments.list("ignore")), hrefs(&arguments.list("only")));
    let count = arguments.number("count")?;
    let root_name = arguments.take("root-element").and_then(|names| names.into_iter().next());
    let statuses = codes(&arguments.list("status"))?;
    let ok = arguments.list("okprops").iter().map(|rule| expectation(rule)).collect::<Result<Vec<_>, _>>()?;
    let bad = arguments.list("badprops").iter().map(|rule| expectation(rule)).collect::<Result<Vec<_>, _>>()?;
    arguments.end()?;
    context.expect_status(if statuses.is_empty() { &[207] } else { &statuses })?;
    let root = context.xml()?;
    let root_name = root_name.unwrap_or_else(|| "{DAV:}multistatus".to_owned());
    if root.name != root_name {
        return Err(format!("the body begins with {}, expected {root_name}", root.name));
    }
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for response in root.named("{DAV:}response") {
        let here = response_href(response)?;
        if ignored.iter().any(|other| same(other, &here)) || (!only.is_empty() && !only.iter().any(|other| same(other, &here))) {
            continue;
        }
        looked_at += 1;
        if count.is_none() {
            let found = found(response);
            wrong.extend(compare(&found, &ok, true).into_iter().map(|words| format!("{here}: {words}")));
            wrong.extend(compare(&found, &bad, false).into_iter().map(|words| format!("{here}: {words}")));
        }
    }
    match count {
        Some(count) if count != looked_at => wrong.push(format!("{looked_at} responses, expected {count}")),
        None if !only.is_empty() && looked_at == 0 => wrong.push(format!("there is no response for {}", only.join(", "))),
        _ => {}
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// `propfindValues`: the values of properties found match regular expressions (`Name$regex`), or do not (`Name!regex`).
pub(super) fn values(context: &Context<'_>, mut arguments: Arguments) -> Result<(), String> {
    let (ignored, only) = (hrefs(&arguments.list("ignore")), hrefs(&arguments.list("only")));
    let mut rules = arguments.list("props");
    // Some scripts call them `okprops`, which the original passes over without a look.
    rules.extend(arguments.list("okprops"));
    arguments.end()?;
    let root = context.multistatus()?;
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for response in root.named("{DAV:}response") {
        let here = response_href(response)?;
        if ignored.iter().any(|other| same(other, &here)) || (!only.is_empty() && !only.iter().any(|other| same(other, &here))) {
            continue;
        }
        looked_at += 1;
        for rule in &rules {
            let cut = |at: char| rule.split_once(at).map(|(name, pattern)| (name, pattern, at == '$'));
            let (name, pattern, must_match) = cut('$').or_else(|| cut('!')).ok_or_else(|| format!("`{rule}` expects nothing"))?;
            match propstats(response).find(|(element, ok)| *ok && element.name == name) {
                None => wrong.push(format!("{here}: {name} was not found")),
                Some((element, _)) if matches(&element.inner_markup(), pattern)? != must_match => {
                    let words = if must_match { "does not match" } else { "matches" };
                    wrong.push(format!("{here}: {name} {words} {pattern}: {}", element.inner_markup()));
                }
                Some(_) => {}
            }
        }
    }
    if looked_at == 0 {
        wrong.push("there is no response to look at".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Whether a value begins with what a pattern describes. Scripts forget to escape (`Etc/GMT+1`), so the parts between `.*` may also
/// stand there letter by letter.
fn matches(value: &str, pattern: &str) -> Result<bool, String> {
    let build = |pattern: &str| RegexBuilder::new(&format!("^(?:{pattern})")).dot_matches_new_line(true).build();
    let regex = build(pattern).map_err(|error| format!("`{pattern}` is no regular expression: {error}"))?;
    let literal = pattern.split(".*").map(regex::escape).collect::<Vec<_>>().join(".*");
    Ok(regex.is_match(value) || build(&literal).is_ok_and(|regex| regex.is_match(value)))
}

/// `aclItems`: what `current-user-privilege-set` grants and does not.
pub(super) fn privileges(context: &Context<'_>, mut arguments: Arguments) -> Result<(), String> {
    let (granted, denied) = (arguments.list("granted"), arguments.list("denied"));
    arguments.end()?;
    let root = context.multistatus()?;
    let mut wrong = Vec::new();
    for response in root.named("{DAV:}response") {
        let here = response_href(response)?;
        let sets = response.descendants().into_iter().filter(|element| element.name == "{DAV:}current-user-privilege-set");
        let there: Vec<&str> = sets
            .flat_map(|set| set.named("{DAV:}privilege"))
            .flat_map(Element::elements)
            .map(|privilege| privilege.name.as_str())
            .collect();
        for privilege in granted.iter().filter(|privilege| !there.contains(&privilege.as_str())) {
            wrong.push(format!("{here}: {privilege} is not granted"));
        }
        for privilege in denied.iter().filter(|privilege| there.contains(&privilege.as_str())) {
            wrong.push(format!("{here}: {privilege} is granted"));
        }
    }
    if root.child("{DAV:}response").is_none() {
        wrong.push("there is no response to look at".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// `prepostcondition`: a `DAV:error` with just these elements in it.
pub(super) fn condition(context: &Context<'_>, mut arguments: Arguments) -> Result<(), String> {
    let expected = arguments.list("error");
    let statuses = arguments.take("status").map_or_else(|| Ok(vec![403, 409, 507]), |codes_given| codes(&codes_given))?;
    let more_may_be_there = arguments.take("ignoreextras").is_some();
    arguments.end()?;
    context.expect_status(&statuses)?;
    let root = context.xml()?;
    if root.name != "{DAV:}error" {
        return Err(format!("the body is no DAV:error but {}", root.name));
    }
    // Servers add words for people, each in a namespace of its own: clients pass over elements that they do not know
    // (RFC 4918 §17).
    let counts = |name: &str| NAMESPACES.iter().any(|namespace| name.starts_with(namespace)) || expected.iter().any(|other| other == name);
    let found: Vec<&str> = root.elements().map(|element| element.name.as_str()).filter(|name| counts(name)).collect();
    let mut wrong: Vec<String> =
        expected.iter().filter(|name| !found.contains(&name.as_str())).map(|name| format!("the condition {name} is missing")).collect();
    if !more_may_be_there {
        wrong.extend(
            found.iter().filter(|name| !expected.iter().any(|other| other == *name)).map(|name| format!("the condition is {name}")),
        );
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Where the conditions are defined that scripts expect.
const NAMESPACES: [&str; 3] = ["{DAV:}", "{urn:ietf:params:xml:ns:", "{http://calendarserver.org/ns/}"];

fn hrefs(urls: &[String]) -> Vec<String> {
    urls.iter().map(|url| href(url)).collect()
}

/// Collections are named with and without their slash (RFC 4918 §5.2).
fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

fn response_href(response: &Element) -> Result<String, String> {
    response.child_text("{DAV:}href").map(href).ok_or_else(|| "a response has no href".to_owned())
}

/// Each property with whether its status is a success.
fn propstats(response: &Element) -> impl Iterator<Item = (&Element, bool)> {
    response.named("{DAV:}propstat").flat_map(|propstat| {
        let ok = status(propstat) / 100 == 2;
        propstat.named("{DAV:}prop").flat_map(Element::elements).map(move |property| (property, ok))
    })
}

fn found(response: &Element) -> Vec<Found> {
    propstats(response).map(|(property, ok)| Found { name: property.name.clone(), value: value(property), ok }).collect()
}

/// A property's value: text, or its elements, of which the order says nothing.
fn value(property: &Element) -> String {
    if property.children.is_empty() {
        return property.text.clone();
    }
    let mut parts: Vec<String> = property.elements().map(Element::canonical).collect();
    parts.sort();
    parts.concat()
}

/// `Name`, `Name$value`, `Name!value`; a value in angle brackets is XML.
fn expectation(rule: &str) -> Result<(String, Expected), String> {
    let read = |text: &str| match text.trim_start().starts_with('<') {
        true => xml::parse_fragment(text).map(|fragment| value(&fragment)).map_err(|words| format!("`{text}` is not XML: {words}")),
        false => Ok(text.to_owned()),
    };
    if let Some((name, text)) = rule.split_once('$') {
        let expected = if text.is_empty() { Expected::Anything } else { Expected::Value(read(text)?) };
        return Ok((name.to_owned(), expected));
    }
    if let Some((name, text)) = rule.split_once('!') {
        return Ok((name.to_owned(), Expected::OtherThan(read(text)?)));
    }
    Ok((rule.to_owned(), Expected::Anything))
}

/// Compares the properties of one kind of status with what is expected of them: none missing, none more.
fn compare(found: &[Found], expected: &[(String, Expected)], ok: bool) -> Vec<String> {
    let word = if ok { "found" } else { "refused" };
    let there: Vec<&Found> = found.iter().filter(|property| property.ok == ok).collect();
    let mut wrong = Vec::new();
    for (name, expected) in expected {
        let named = there.iter().filter(|property| property.name == *name).map(|property| property.value.as_str());
        let values: Vec<&str> = named.collect();
        match expected {
            Expected::Anything if values.is_empty() => wrong.push(format!("{name} was not {word}")),
            Expected::Value(value) if !values.iter().any(|other| equal(other, value)) => {
                wrong.push(format!("{name} is {values:?}, expected {value:?}"));
            }
            Expected::OtherThan(value) if values.contains(&value.as_str()) => wrong.push(format!("{name} is still {value:?}")),
            _ => {}
        }
    }
    for property in there.iter().filter(|property| !expected.iter().any(|(name, _)| *name == property.name)) {
        wrong.push(format!("{} was {word}", property.name));
    }
    wrong
}

/// White space around a value says nothing; in a media type's parameters neither (RFC 9110 §5.6.6).
fn equal(one: &str, other: &str) -> bool {
    one.trim() == other.trim()
        || (one.contains('/') && one.contains(';') && one.replace(' ', "").eq_ignore_ascii_case(&other.replace(' ', "")))
}
