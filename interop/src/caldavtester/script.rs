//! A test script as it is written: suites of tests, each a list of requests with what is expected of the answers.
//!
//! Nothing is decided here. An element that is not known is kept by name, so that the request that holds it fails.

use crate::xml::{self, Element};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// On what something depends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Features {
    required: Vec<String>,
    excluded: Vec<String>,
}

impl Features {
    /// Why it does not apply to a server with these features; nothing if it does.
    pub(crate) fn hindrance(&self, offered: &BTreeSet<String>) -> Option<String> {
        let missing: Vec<&str> = self.required.iter().filter(|feature| !offered.contains(*feature)).map(String::as_str).collect();
        let present: Vec<&str> = self.excluded.iter().filter(|feature| offered.contains(*feature)).map(String::as_str).collect();
        if !missing.is_empty() {
            Some(format!("not offered: {}", missing.join(", ")))
        } else if !present.is_empty() {
            Some(format!("only without: {}", present.join(", ")))
        } else {
            None
        }
    }

    fn of(element: &Element) -> Self {
        let list = |name: &str| -> Vec<String> {
            element.named(name).flat_map(|list| list.named("feature")).map(|feature| feature.text.trim().to_owned()).collect()
        };
        Self { required: list("require-feature"), excluded: list("exclude-feature") }
    }
}

/// One file.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// The file's name.
    pub(crate) name: String,
    pub(crate) features: Features,
    pub(crate) start: Vec<Request>,
    pub(crate) suites: Vec<Suite>,
    pub(crate) end: Vec<Request>,
}

/// Tests that belong together.
#[derive(Clone, Debug)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) features: Features,
    pub(crate) ignore: bool,
    pub(crate) only: bool,
    /// Whether it wants UIDs of its own.
    pub(crate) change_uid: bool,
    pub(crate) tests: Vec<Test>,
}

/// One test.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) features: Features,
    pub(crate) ignore: bool,
    pub(crate) only: bool,
    pub(crate) count: u32,
    pub(crate) requests: Vec<Request>,
}

/// One request, or a pseudo-method that stands for several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) features: Features,
    pub(crate) method: String,
    pub(crate) targets: Vec<String>,
    /// Whether targets are to be percent-encoded.
    pub(crate) quote: bool,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) data: Option<Data>,
    pub(crate) verifiers: Vec<Verifier>,
    pub(crate) authenticate: bool,
    /// Whether it goes to the second host.
    pub(crate) second_host: bool,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) end_delete: bool,
    pub(crate) iterate_data: bool,
    pub(crate) wait_for_success: bool,
    pub(crate) keep_uri: Option<String>,
    pub(crate) keep_count: Option<String>,
    pub(crate) keep_headers: Vec<Grab>,
    pub(crate) keep_properties: Vec<Grab>,
    pub(crate) keep_elements: Vec<Grab>,
    pub(crate) keep_json: Vec<Grab>,
    pub(crate) keep_calendar_properties: Vec<Grab>,
    pub(crate) keep_calendar_parameters: Vec<Grab>,
    /// Elements this runner does not know.
    pub(crate) unknown: Vec<String>,
}

/// What of an answer goes into which variables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grab {
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
    pub(crate) variables: Vec<String>,
}

/// A request's body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Data {
    pub(crate) content_type: String,
    pub(crate) file: String,
    /// Whether variables in the file are replaced.
    pub(crate) fill: bool,
    /// Whether UID, summary and dates are made new.
    pub(crate) generate: bool,
    pub(crate) substitutes: Vec<(String, String)>,
    /// A generator's name.
    pub(crate) generator: Option<String>,
}

/// What is expected of an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verifier {
    pub(crate) features: Features,
    pub(crate) callback: String,
    pub(crate) arguments: Vec<(String, Vec<String>)>,
}

/// Reads a script.
///
/// # Errors
/// It cannot be read or is no script.
pub(crate) fn read(path: &Path) -> Result<Script, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let name = path.file_name().map(PathBuf::from).unwrap_or_default().display().to_string();
    parse(&name, &text).map_err(|words| format!("{}: {words}", path.display()))
}

/// Reads a script's text.
///
/// # Errors
/// It is no script.
pub(crate) fn parse(name: &str, text: &str) -> Result<Script, String> {
    let root = xml::parse(text)?;
    if root.name != "caldavtest" {
        return Err(format!("a script begins with `caldavtest`, not with `{}`", root.name));
    }
    let list = |name: &str| root.child(name).map(requests).unwrap_or_default();
    Ok(Script {
        name: name.to_owned(),
        features: Features::of(&root),
        start: list("start"),
        suites: root.named("test-suite").map(suite).collect(),
        end: list("end"),
    })
}

fn suite(element: &Element) -> Suite {
    Suite {
        name: element.attribute("name").unwrap_or_default().to_owned(),
        features: Features::of(element),
        ignore: yes(element, "ignore"),
        only: yes(element, "only"),
        change_uid: yes(element, "change-uid"),
        tests: element.named("test").map(test).collect(),
    }
}

fn test(element: &Element) -> Test {
    Test {
        name: element.attribute("name").unwrap_or_default().to_owned(),
        description: element.child_text("description").unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "),
        features: Features::of(element),
        ignore: yes(element, "ignore"),
        only: yes(element, "only"),
        count: element.attribute("count").and_then(|count| count.parse().ok()).unwrap_or(1),
        requests: requests(element),
    }
}

/// The requests of a test. `pause` waits for a key in the original; nobody is there to press one.
fn requests(element: &Element) -> Vec<Request> {
    element.named("request").map(request).collect()
}

fn request(element: &Element) -> Request {
    let text = |name: &str| element.child(name).map(|child| child.text.clone());
    let mut request = Request {
        features: Features::of(element),
        authenticate: element.attribute("auth") != Some("no"),
        second_host: yes(element, "host2"),
        user: element.attribute("user").unwrap_or_default().to_owned(),
        password: element.attribute("pswd").unwrap_or_default().to_owned(),
        end_delete: yes(element, "end-delete"),
        iterate_data: yes(element, "iterate-data"),
        wait_for_success: yes(element, "wait-for-success"),
        quote: true,
        method: text("method").unwrap_or_default(),
        keep_uri: text("graburi"),
        keep_count: text("grabcount"),
        ..Request::default()
    };
    if element.attribute("cert").is_some_and(|cert| !cert.is_empty()) {
        request.unknown.push("cert (a client's certificate)".to_owned());
    }
    for child in element.elements() {
        match child.name.as_str() {
            "require-feature" | "exclude-feature" | "method" | "graburi" | "grabcount" => {}
            "ruri" => {
                request.targets.push(child.text.trim().to_owned());
                request.quote = child.attribute("quote") != Some("no");
            }
            "header" => {
                let part = |name: &str| child.child(name).map(|part| part.text.clone()).unwrap_or_default();
                request.headers.push((part("name"), part("value")));
            }
            "data" => request.data = Some(data(child)),
            "verify" => request.verifiers.push(verifier(child)),
            "grabheader" => request.keep_headers.push(grab(child)),
            "grabproperty" => request.keep_properties.push(grab(child)),
            "grabelement" => request.keep_elements.push(grab(child)),
            "grabjson" => request.keep_json.push(grab(child)),
            "grabcalproperty" => request.keep_calendar_properties.push(grab(child)),
            "grabcalparameter" => request.keep_calendar_parameters.push(grab(child)),
            other => request.unknown.push(other.to_owned()),
        }
    }
    request
}

fn data(element: &Element) -> Data {
    let text = |name: &str| element.child_text(name).unwrap_or_default().to_owned();
    Data {
        content_type: text("content-type"),
        file: text("filepath"),
        fill: element.attribute("substitutions") != Some("no"),
        generate: yes(element, "generate"),
        substitutes: element
            .named("substitute")
            .map(|one| {
                let part = |name: &str| one.child(name).map(|part| part.text.clone()).unwrap_or_default();
                (part("name"), part("value"))
            })
            .collect(),
        generator: element.child("generator").map(|one| one.child_text("callback").unwrap_or_default().to_owned()),
    }
}

fn verifier(element: &Element) -> Verifier {
    let mut arguments: Vec<(String, Vec<String>)> = Vec::new();
    for argument in element.named("arg") {
        let name = argument.child_text("name").unwrap_or_default().to_owned();
        let values = argument.named("value").map(|value| value.text.clone()).collect();
        // Of two arguments with one name the later counts.
        arguments.retain(|(other, _)| *other != name);
        arguments.push((name, values));
    }
    Verifier { features: Features::of(element), callback: element.child_text("callback").unwrap_or_default().to_owned(), arguments }
}

fn grab(element: &Element) -> Grab {
    let text = |name: &str| element.child(name).map(|child| child.text.trim().to_owned());
    Grab {
        name: text("name").or_else(|| text("property")).or_else(|| text("pointer")).unwrap_or_default(),
        parent: text("parent"),
        variables: element.named("variable").map(|variable| variable.text.trim().to_owned()).collect(),
    }
}

fn yes(element: &Element, attribute: &str) -> bool {
    element.attribute(attribute) == Some("yes")
}
