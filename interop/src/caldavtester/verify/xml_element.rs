//! Elements of an XML body, by paths with tests in brackets.

use super::{Arguments, Context};
use crate::xml::{Element, split_path};

/// `xmlElementMatch`: paths that lead to an element (`exists`) and that do not (`notexists`), from the root or from the one element
/// that `parent` leads to.
pub(super) fn matches(context: &Context<'_>, mut arguments: Arguments) -> Result<(), String> {
    let (parents, exists, absent) = (arguments.list("parent"), arguments.list("exists"), arguments.list("notexists"));
    arguments.end()?;
    context.expect_status(&[200, 207])?;
    let root = context.xml()?;
    let root = match parents.first() {
        None => &root,
        Some(path) => match find(&root, path)?.as_slice() {
            [one] => *one,
            several => return Err(format!("{} elements for the parent {path}", several.len())),
        },
    };
    let mut wrong = Vec::new();
    for path in &exists {
        if find(root, path)?.is_empty() {
            wrong.push(format!("there is no {path}"));
        }
    }
    for path in &absent {
        if !find(root, path)?.is_empty() {
            wrong.push(format!("there is {path}"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// A part of a path: steps, then tests, then more.
struct Part<'a> {
    steps: &'a str,
    tests: Vec<&'a str>,
}

/// The elements that a path with tests leads to. It begins with the root itself, or with `.` where its name does not matter. `..`
/// leads back to the parent. All tests of a step must hold of one element.
pub(crate) fn find<'a>(root: &'a Element, path: &str) -> Result<Vec<&'a Element>, String> {
    let parts = parts(path)?;
    // Each element with those above it.
    let mut here: Vec<Vec<&Element>> = vec![vec![root]];
    for (number, part) in parts.iter().enumerate() {
        let mut steps = split_path(part.steps);
        if number == 0 {
            if steps.first() == Some(&"") {
                steps.remove(0);
            }
            let name = if steps.is_empty() { "." } else { steps.remove(0) };
            if name != "." && name != root.name {
                return Ok(Vec::new());
            }
        } else if steps.first() == Some(&"") {
            steps.remove(0);
        }
        for step in steps {
            here = here.into_iter().flat_map(|trail| walk(trail, step)).collect();
        }
        here.retain(|trail| trail.last().is_some_and(|element| part.tests.iter().all(|test| holds(element, test))));
        if let Some(unknown) = part.tests.iter().find(|test| !known(test)) {
            return Err(format!("this runner does not know the test [{unknown}]"));
        }
    }
    Ok(here.iter().filter_map(|trail| trail.last().copied()).collect())
}

fn walk<'a>(mut trail: Vec<&'a Element>, step: &str) -> Vec<Vec<&'a Element>> {
    let Some(last) = trail.last().copied() else { return Vec::new() };
    match step {
        "." => vec![trail],
        ".." => {
            trail.pop();
            vec![trail]
        }
        // `a//b`: from every element below, as `a/*/b` at each depth.
        "" => below(&trail),
        _ => last
            .elements()
            .filter(|child| step == "*" || child.name == step)
            .map(|child| {
                let mut trail = trail.clone();
                trail.push(child);
                trail
            })
            .collect(),
    }
}

fn below<'a>(trail: &[&'a Element]) -> Vec<Vec<&'a Element>> {
    let mut found = vec![trail.to_vec()];
    for child in trail.last().into_iter().flat_map(|last| last.elements()) {
        let mut deeper = trail.to_vec();
        deeper.push(child);
        found.extend(below(&deeper));
    }
    found
}

fn parts(path: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let end = rest.find('[').unwrap_or(rest.len());
        let (steps, mut tail) = rest.split_at(end);
        let mut tests = Vec::new();
        while let Some(inner) = tail.strip_prefix('[') {
            // A test's value may hold a bracket of its own; the test ends where another test, a step or nothing follows.
            let close = inner
                .match_indices(']')
                .map(|(at, _)| at)
                .find(|at| inner.get(at + 1..).is_some_and(|after| after.is_empty() || after.starts_with(['[', '/'])))
                .ok_or_else(|| format!("`{path}` has a bracket too few"))?;
            tests.push(inner.get(..close).unwrap_or_default());
            tail = inner.get(close + 1..).unwrap_or_default();
        }
        parts.push(Part { steps, tests });
        rest = tail;
    }
    Ok(parts)
}

fn known(test: &str) -> bool {
    test.starts_with(['@', '=', '!', '*', '$', '+', '^', '|']) || test == "icalendar" || test == "json"
}

/// `[@a]`, `[@a="v"]` attribute; text `[=is]`, `[!is not]`, `[*has]`, `[$has not]`, `[+begins]`; `[^child]`, `[^child=text]`; `[|]` empty,
/// `[||]` not empty; `[icalendar]`, `[json]` can be read as that.
fn holds(element: &Element, test: &str) -> bool {
    let text = element.text.as_str();
    if let Some(rest) = test.strip_prefix('@') {
        return match rest.split_once('=') {
            Some((name, value)) => element.attribute(name) == Some(value.trim_matches(['"', '\''])),
            None => element.attribute(rest).is_some(),
        };
    }
    if let Some(rest) = test.strip_prefix('^') {
        // A namespace may hold `=`; a value follows the name's own end.
        let name_end = rest.find('}').unwrap_or(0);
        let cut = rest.get(name_end..).and_then(|name| name.find('=')).map(|at| name_end + at);
        let (name, value) = cut.map_or((rest, None), |at| (rest.get(..at).unwrap_or_default(), rest.get(at + 1..)));
        return element.named(name).any(|child| value.is_none_or(|value| child.text == value));
    }
    match test {
        "|" => element.is_empty(),
        "||" => !element.is_empty(),
        "icalendar" => crate::calendar::parse(text).is_ok(),
        "json" => serde_json::from_str::<serde_json::Value>(text).is_ok(),
        _ => {
            let rest = test.get(1..).unwrap_or_default();
            match test.chars().next() {
                Some('=') => text == rest || text.trim() == rest,
                Some('!') => text.trim() != rest,
                Some('*') => text.contains(rest),
                Some('$') => !text.is_empty() && !text.contains(rest),
                Some('+') => text.starts_with(rest),
                _ => false,
            }
        }
    }
}
