//! What of an answer is kept in variables.

use crate::calendar::{self, Component, Property};
use crate::http::Answer;
use crate::script::{Grab, Request};
use crate::variables::Variables;
use crate::verify;
use crate::xml::{self, Element};

/// Keeps all that a request wants of its answer.
///
/// # Errors
/// Something wanted is not there; in words.
pub(crate) fn keep(request: &Request, answer: &Answer, variables: &mut Variables) -> Result<(), String> {
    let mut missing = Vec::new();
    if let Some(variable) = &request.keep_count {
        match responses(answer).and_then(|number| number.checked_sub(1)) {
            Some(number) => variables.keep(&variables.fill_fixed(variable), &number.to_string()),
            None => missing.push("the number of responses cannot be kept".to_owned()),
        }
    }
    type Read = fn(&Grab, &Answer, &Variables) -> Result<Vec<String>, String>;
    let kinds: [(&[Grab], Read); 6] = [
        (&request.keep_headers, header),
        (&request.keep_properties, property),
        (&request.keep_elements, elements),
        (&request.keep_json, json),
        (&request.keep_calendar_properties, calendar_property),
        (&request.keep_calendar_parameters, calendar_parameter),
    ];
    for (grabs, read) in kinds {
        for grab in grabs {
            match read(grab, answer, variables) {
                Ok(values) if values.len() == grab.variables.len() => {
                    for (variable, value) in grab.variables.iter().zip(values) {
                        // A variable's own name must not be filled with an older value.
                        variables.keep(variable, &value);
                    }
                }
                Ok(values) => missing.push(format!("{}: {} values to keep, expected {}", grab.name, values.len(), grab.variables.len())),
                Err(words) => missing.push(format!("{}: {words}", grab.name)),
            }
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(missing.join("\n")) }
}

fn responses(answer: &Answer) -> Option<usize> {
    if answer.status != 207 {
        return None;
    }
    xml::parse(&answer.body).ok().map(|root| root.named("{DAV:}response").count())
}

fn header(grab: &Grab, answer: &Answer, _: &Variables) -> Result<Vec<String>, String> {
    answer.header(&grab.name).first().map(|value| vec![(*value).to_owned()]).ok_or_else(|| "no such header".to_owned())
}

/// The first value of a property that was found.
fn property(grab: &Grab, answer: &Answer, variables: &Variables) -> Result<Vec<String>, String> {
    if answer.status != 207 {
        return Err("the answer is no multistatus".to_owned());
    }
    let name = variables.fill(&grab.name);
    let root = xml::parse(&answer.body)?;
    let value = root
        .named("{DAV:}response")
        .flat_map(|response| response.named("{DAV:}propstat"))
        .filter(|propstat| propstat.child_text("{DAV:}status").is_some_and(|line| line.starts_with("HTTP/1.1 2")))
        .flat_map(|propstat| propstat.named("{DAV:}prop"))
        .find_map(|found| found.child(&name).map(Element::inner_markup));
    value.map(|value| vec![value]).ok_or_else(|| "no such property".to_owned())
}

/// The texts of the elements that a path leads to.
fn elements(grab: &Grab, answer: &Answer, variables: &Variables) -> Result<Vec<String>, String> {
    let root = xml::parse(&answer.body)?;
    let start = match &grab.parent {
        None => &root,
        Some(parent) => {
            let path = variables.fill(parent);
            *verify::find_elements(&root, &path)?.first().ok_or_else(|| format!("there is no {path}"))?
        }
    };
    let found = verify::find_elements(start, &variables.fill(&grab.name))?;
    Ok(found.iter().map(|element| element.text.trim().to_owned()).collect())
}

fn json(grab: &Grab, answer: &Answer, variables: &Variables) -> Result<Vec<String>, String> {
    let json: serde_json::Value = serde_json::from_str(&answer.body).map_err(|error| format!("not JSON: {error}"))?;
    let found = verify::find_json(&json, &variables.fill(&grab.name))?;
    Ok(found.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect())
}

fn calendar_property(grab: &Grab, answer: &Answer, variables: &Variables) -> Result<Vec<String>, String> {
    let calendar = calendar::parse(&answer.body)?;
    let path = variables.fill(&grab.name);
    let found = locate(&calendar, &path);
    found.map(|property| vec![property.value.clone()]).ok_or_else(|| "no such property".to_owned())
}

/// `VEVENT/ATTACH/SIZE`, or `VEVENT/ATTACH/SIZE$value` for the ATTACH with that value.
fn calendar_parameter(grab: &Grab, answer: &Answer, variables: &Variables) -> Result<Vec<String>, String> {
    let calendar = calendar::parse(&answer.body)?;
    let path = variables.fill(&grab.name);
    let (names, value) = path.split_once('$').map_or((path.as_str(), None), |(names, value)| (names, Some(value)));
    let (property, parameter) = names.rsplit_once('/').ok_or("no parameter is named")?;
    let path = value.map_or_else(|| property.to_owned(), |value| format!("{property}${value}"));
    let found = locate(&calendar, &path).and_then(|property| property.parameter(parameter));
    found.map(|value| vec![value.to_owned()]).ok_or_else(|| "no such parameter".to_owned())
}

/// `VEVENT/ATTACH`, or `VEVENT/ATTACH$value`.
fn locate<'a>(calendar: &'a Component, path: &'a str) -> Option<&'a Property> {
    let (names, value) = path.split_once('$').map_or((path, None), |(names, value)| (names, Some(value)));
    let mut names = names.split('/').collect::<Vec<_>>();
    let name = names.pop()?;
    let mut component = calendar;
    for step in names {
        component = component.named(step).next()?;
    }
    component.properties.iter().find(|property| property.name == name && value.is_none_or(|value| property.value == value))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn variables() -> Variables {
        Variables::new(std::collections::BTreeMap::new(), chrono::NaiveDate::default())
    }

    fn grab(name: &str, variable: &str) -> Vec<Grab> {
        vec![Grab { name: name.to_owned(), parent: None, variables: vec![variable.to_owned()] }]
    }

    #[test]
    fn what_is_there_is_kept() {
        let body = "<multistatus xmlns='DAV:'><response><href>/a/</href><propstat><prop><getetag>\"1\"</getetag></prop><status>HTTP/1.1 200 OK</status>
            </propstat></response><response><href>/a/b</href></response><sync-token>urn:1</sync-token></multistatus>";
        let answer = Answer { status: 207, headers: vec![("ETag".to_owned(), "\"2\"".to_owned())], body: body.to_owned() };
        let request = Request {
            keep_count: Some("$count:".to_owned()),
            keep_headers: grab("etag", "$header:"),
            keep_properties: grab("{DAV:}getetag", "$property:"),
            keep_elements: grab("/{DAV:}multistatus/{DAV:}sync-token", "$token:"),
            ..Request::default()
        };
        let mut variables = variables();
        keep(&request, &answer, &mut variables).unwrap();
        assert_eq!(variables.fill("$count:,$header:,$property:,$token:"), "1,\"2\",\"1\",urn:1");
    }

    #[test]
    fn what_of_a_calendar_is_there_is_kept() {
        let body = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nATTACH;SIZE=3:x\nATTACH;SIZE=4:y\nEND:VEVENT\nEND:VCALENDAR\n";
        let answer = Answer { status: 200, headers: Vec::new(), body: body.to_owned() };
        let request = Request {
            keep_calendar_properties: grab("VEVENT/ATTACH", "$first:"),
            keep_calendar_parameters: grab("VEVENT/ATTACH/SIZE$y", "$size:"),
            ..Request::default()
        };
        let mut variables = variables();
        keep(&request, &answer, &mut variables).unwrap();
        assert_eq!(variables.fill("$first:,$size:"), "x,4");
    }

    #[test]
    fn what_is_missing_fails() {
        let answer = Answer { status: 200, headers: Vec::new(), body: "<a/>".to_owned() };
        let requests = [
            Request { keep_count: Some("$x:".to_owned()), ..Request::default() },
            Request { keep_headers: grab("ETag", "$x:"), ..Request::default() },
            Request { keep_properties: grab("{DAV:}getetag", "$x:"), ..Request::default() },
            Request { keep_elements: grab("/b", "$x:"), ..Request::default() },
            Request { keep_json: grab("/b", "$x:"), ..Request::default() },
            Request { keep_calendar_properties: grab("VEVENT/UID", "$x:"), ..Request::default() },
            Request { keep_calendar_parameters: grab("VEVENT/UID/X", "$x:"), ..Request::default() },
        ];
        for request in requests {
            assert!(keep(&request, &answer, &mut variables()).is_err(), "{request:?}");
        }
    }
}
