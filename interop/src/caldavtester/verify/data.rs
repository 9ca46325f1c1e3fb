//! Bodies as text, and as XML.

use super::{Arguments, Context, difference};
use crate::xml::{self, Element};

/// `dataMatch`: the body is a file's content, but for line ends, folds of iCalendar and the writing of XML.
pub(super) fn matches(context: &Context<'_>, mut arguments: Arguments) -> Result<(), String> {
    let files = arguments.list("filepath");
    arguments.end()?;
    context.expect_status(&[200, 207])?;
    if context.answer.body.is_empty() {
        return Err("there is no body".to_owned());
    }
    let expected = context.file(&files)?;
    let is = |ending: &str| files.iter().all(|name| name.ends_with(ending));
    let normal = |text: &str| -> Result<String, String> {
        let text = text.replace("\r\n", "\n");
        if is(".ics") {
            return Ok(text.replace("\n ", ""));
        }
        if is(".xml") {
            return xml::parse(&text).map(|root| root.canonical());
        }
        Ok(text)
    };
    compare(&normal(&expected)?, &normal(&context.answer.body)?)
}

/// `dataString`: the body is (`equals`), holds (`contains`) or does not hold (`notcontains`) texts, or is `empty`. Line ends do not
/// count, nor the reference by which XML writes a carriage return; with `unwrap` folds of iCalendar do not count either.
pub(super) fn string(context: &Context<'_>, mut arguments: Arguments) -> Result<(), String> {
    let (equals, contains, without) = (arguments.list("equals"), arguments.list("contains"), arguments.list("notcontains"));
    let (unwrap, empty) = (arguments.take("unwrap").is_some(), arguments.take("empty").is_some());
    arguments.end()?;
    if empty {
        return if context.answer.body.is_empty() { Ok(()) } else { Err("there is a body".to_owned()) };
    }
    if context.answer.body.is_empty() {
        return Err("there is no body".to_owned());
    }
    let plain = |text: &str| text.replace("&#13;", "").replace("&#xD;", "").replace("&#xd;", "").replace('\r', "");
    let body = plain(&context.answer.body);
    let body = if unwrap { body.replace("\n ", "") } else { body };
    for text in &equals {
        if body != plain(text) {
            return Err(format!("the body is not {text:?}"));
        }
    }
    for text in &contains {
        if !body.contains(&plain(text)) {
            return Err(format!("the body does not hold {text:?}"));
        }
    }
    for text in &without {
        if body.contains(&plain(text)) {
            return Err(format!("the body holds {text:?}"));
        }
    }
    Ok(())
}

/// `xmlDataMatch`: the body is a file's XML, but for what stands in the elements that `filter` names.
pub(super) fn xml_matches(context: &Context<'_>, mut arguments: Arguments) -> Result<(), String> {
    let (files, filters) = (arguments.list("filepath"), arguments.list("filter"));
    arguments.end()?;
    context.expect_status(&[200, 207])?;
    let mut expected = xml::parse(&context.file(&files)?).map_err(|words| format!("the file is not XML: {words}"))?;
    let mut found = context.xml()?;
    clear(&mut expected, &filters);
    clear(&mut found, &filters);
    compare(&expected.canonical(), &found.canonical())
}

fn clear(element: &mut Element, names: &[String]) {
    if names.contains(&element.name) {
        *element = Element { name: element.name.clone(), ..Element::default() };
    }
    for (child, _) in &mut element.children {
        clear(child, names);
    }
}

fn compare(expected: &str, found: &str) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    let lines = |text: &str| text.replace("><", ">\n<").lines().map(str::to_owned).collect::<Vec<_>>();
    Err(format!("the body differs from the file\n{}", difference(&lines(expected), &lines(found))))
}
