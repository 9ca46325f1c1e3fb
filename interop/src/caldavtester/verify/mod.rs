//! What scripts expect of an answer: one function for each verifier of the scripts, and a failure for any other.
//!
//! Where the scripts' DTD leaves open what a verifier means, it means here what a server that follows the RFCs passes; each such
//! choice is told where it is made.

mod calendar_data;
mod data;
mod free_busy;
mod header;
mod json;
mod multistatus;
mod properties;
mod xml_element;

pub(crate) use json::find as find_json;
pub(crate) use xml_element::find as find_elements;

use crate::http::Answer;
use crate::script::Verifier;
use crate::serverinfo::ServerInfo;
use crate::variables::{Variables, decode, path_of};
use crate::xml::{self, Element};
use std::path::Path;

/// What a verifier can look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) answer: &'a Answer,
    /// The request's target as it was sent.
    pub(crate) target: &'a str,
    /// The server's URL without a path.
    pub(crate) host: &'a str,
    pub(crate) server: &'a ServerInfo,
    pub(crate) variables: &'a Variables,
    /// The folder that the scripts' file names start from.
    pub(crate) data: &'a Path,
}

/// A verifier's arguments, variables replaced. What is not taken is not known.
#[derive(Clone, Debug)]
pub(crate) struct Arguments(Vec<(String, Vec<String>)>);

impl Arguments {
    fn of(verifier: &Verifier, variables: &Variables) -> Self {
        let filled = |values: &[String]| values.iter().map(|value| variables.fill(value)).collect();
        Self(verifier.arguments.iter().map(|(name, values)| (name.clone(), filled(values))).collect())
    }
    /// The values of an argument, if it is there.
    fn take(&mut self, name: &str) -> Option<Vec<String>> {
        let at = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.swap_remove(at).1)
    }
    /// The same, nothing if it is not there.
    fn list(&mut self, name: &str) -> Vec<String> {
        self.take(name).unwrap_or_default()
    }
    /// An argument with one value, a sum of numbers.
    fn number(&mut self, name: &str) -> Result<Option<i64>, String> {
        match self.take(name).as_deref() {
            None | Some([]) => Ok(None),
            Some([value]) => sum(value).map(Some),
            Some(_) => Err(format!("the argument {name} has several values")),
        }
    }
    /// Whatever was not taken.
    fn end(self) -> Result<(), String> {
        match self.0.first() {
            Some((name, _)) => Err(format!("this runner does not know the argument `{name}`")),
            None => Ok(()),
        }
    }
}

/// Looks at an answer with a verifier.
///
/// # Errors
/// What is wrong with it, in words; also where the verifier is not known.
pub(crate) fn verify(context: &Context<'_>, verifier: &Verifier) -> Result<(), String> {
    let arguments = Arguments::of(verifier, context.variables);
    match verifier.callback.as_str() {
        "statusCode" => header::status_code(context, arguments),
        "header" => header::header(context, arguments),
        "prepostcondition" => properties::condition(context, arguments),
        "propfindItems" => properties::items(context, arguments),
        "propfindValues" => properties::values(context, arguments),
        "aclItems" => properties::privileges(context, arguments),
        "multistatusItems" => multistatus::items(context, arguments),
        "dataMatch" => data::matches(context, arguments),
        "dataString" => data::string(context, arguments),
        "xmlDataMatch" => data::xml_matches(context, arguments),
        "xmlElementMatch" => xml_element::matches(context, arguments),
        "calendarDataMatch" => calendar_data::matches(context, arguments, calendar_data::Format::Text),
        "jcalDataMatch" => calendar_data::matches(context, arguments, calendar_data::Format::Json),
        "freeBusy" => free_busy::report(context, arguments),
        "postFreeBusy" => free_busy::scheduled(context, arguments),
        "jsonPointerMatch" => json::matches(context, arguments),
        other => Err(format!("this runner does not know the verifier `{other}`")),
    }
}

impl Context<'_> {
    /// Refuses any status but these.
    fn expect_status(&self, expected: &[u16]) -> Result<(), String> {
        if expected.contains(&self.answer.status) {
            return Ok(());
        }
        let expected: Vec<String> = expected.iter().map(u16::to_string).collect();
        Err(format!("the status is {}, expected {}", self.answer.status, expected.join(" or ")))
    }
    /// The body as XML.
    fn xml(&self) -> Result<Element, String> {
        if self.answer.body.is_empty() {
            return Err("there is no body".to_owned());
        }
        xml::parse(&self.answer.body).map_err(|words| format!("the body is not XML: {words}"))
    }
    /// The body as a multistatus.
    fn multistatus(&self) -> Result<Element, String> {
        self.expect_status(&[207])?;
        let root = self.xml()?;
        match root.name.as_str() {
            "{DAV:}multistatus" => Ok(root),
            other => Err(format!("the body is no multistatus but {other}")),
        }
    }
    /// The one file that an argument names, variables replaced.
    fn file(&self, names: &[String]) -> Result<String, String> {
        let [name] = names else { return Err("there is not one file to compare with".to_owned()) };
        let text = std::fs::read_to_string(self.data.join(name)).map_err(|error| format!("cannot read {name}: {error}"))?;
        Ok(self.variables.fill(&text))
    }
}

/// Reads status codes.
fn codes(values: &[String]) -> Result<Vec<u16>, String> {
    values.iter().map(|value| value.trim().parse().map_err(|_| format!("`{value}` is no status code"))).collect()
}

/// The sum of `3+1` and the like.
fn sum(text: &str) -> Result<i64, String> {
    text.split('+').map(|part| part.trim().parse::<i64>().map_err(|_| format!("`{text}` is no number"))).sum()
}

/// A URL as a decoded path: what hrefs are compared by (RFC 4918 §8.3: absolute URLs and paths name the same).
fn href(url: &str) -> String {
    decode(path_of(url.trim()))
}

/// A propstat's or response's status; 0 where there is none.
fn status(element: &Element) -> u16 {
    let line = element.child_text("{DAV:}status").unwrap_or_default();
    line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// The first line of difference between two texts, for people.
fn difference(expected: &[String], found: &[String]) -> String {
    let mut words = Vec::new();
    for line in expected.iter().filter(|line| !found.contains(line)).take(12) {
        words.push(format!("missing  {line}"));
    }
    for line in found.iter().filter(|line| !expected.contains(line)).take(12) {
        words.push(format!("surplus  {line}"));
    }
    if words.is_empty() {
        words.push("the same lines, in another order or number".to_owned());
    }
    words.join("\n")
}

#[cfg(test)]
mod tests;
