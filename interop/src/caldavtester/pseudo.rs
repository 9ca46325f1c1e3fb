//! Methods that HTTP does not have: lists emptied, new resources found, counts waited for.

use crate::run::{Failure, Running};
use crate::script::Request;
use crate::send::Body;
use crate::variables::{decode, path_of};
use crate::xml;
use std::collections::BTreeSet;
use std::time::Duration;

/// What a `Depth: 1` PROPFIND lists.
struct Listed {
    /// As the server writes it, without scheme and host.
    href: String,
    /// Seconds since 1970, where told.
    modified: Option<i64>,
}

/// A request's method and target, if something is left to send.
type Left = Option<(String, String)>;

/// Registered for HTTP and its extensions; any other name is a pseudo-method.
const METHODS: [&str; 25] = [
    "ACL",
    "BIND",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LOCK",
    "MERGE",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "REBIND",
    "REPORT",
    "SEARCH",
    "TRACE",
    "UNBIND",
    "UNLOCK",
];

impl Running<'_> {
    /// Does what a pseudo-method stands for, and says what is to be sent then. Any other method is sent as it is.
    pub(crate) fn resolve(&mut self, request: &Request, count: u32) -> Result<Left, Failure> {
        let (method, argument) = request.method.split_once(' ').unwrap_or((&request.method, ""));
        let argument = argument.trim();
        let first = request.targets.first().map(String::as_str).unwrap_or_default();
        let get = |located: String| Some(("GET".to_owned(), located));
        match method {
            "DELETEALL" => {
                for target in &request.targets {
                    self.delete_all(request, &self.target(request, target, count), Refused::Fails)?;
                }
                Ok(None)
            }
            "DELAY" => {
                let seconds: f64 = first.parse().map_err(|_| Failure::of(format!("`{first}` is no number of seconds")))?;
                std::thread::sleep(Duration::from_secs_f64(seconds.clamp(0.0, 60.0)));
                Ok(None)
            }
            "WAITCOUNT" | "WAITDELETEALL" => {
                // One script leaves the number out: there is nothing to wait for then.
                let number = match argument {
                    "" => None,
                    text => Some(text.parse().map_err(|_| Failure::of(format!("`{text}` is no count")))?),
                };
                for target in &request.targets {
                    let target = self.target(request, target, count);
                    if let Some(number) = number {
                        self.wait_for_count(request, &target, number)?;
                    }
                    if method == "WAITDELETEALL" {
                        self.delete_all(request, &target, Refused::IsLeft)?;
                    }
                }
                Ok(None)
            }
            "GETNEW" | "FINDNEW" => {
                let located = self.newest(request, &self.target(request, first, count), None)?;
                self.locate(request, located.clone());
                Ok(if method == "GETNEW" { get(located) } else { None })
            }
            "GETOTHER" => {
                let known = self.target(request, first, count);
                let collection = format!("{}/", known.rsplit_once('/').map_or("", |(collection, _)| collection));
                let located = self.newest(request, &collection, Some(&known))?;
                self.locate(request, located.clone());
                Ok(get(located))
            }
            "GETCONTAINS" => {
                let located = self.containing(request, &self.target(request, first, count), &self.variables.fill(argument))?;
                self.locate(request, located.clone());
                Ok(get(located))
            }
            "GETCHANGED" => {
                let target = self.target(request, first, count);
                self.wait_for_change(request, &target)?;
                Ok(get(target))
            }
            method if METHODS.contains(&method) && argument.is_empty() => Ok(Some((method.to_owned(), self.target(request, first, count)))),
            _ => Err(Failure::of(format!("this runner does not know the method `{}`", request.method))),
        }
    }

    fn locate(&mut self, request: &Request, located: String) {
        self.found_before.insert(located.clone());
        self.located = located;
        if let Some(variable) = &request.keep_uri {
            self.variables.keep(variable, &self.located.clone());
        }
    }

    /// What a collection holds, itself left out.
    fn list(&self, request: &Request, target: &str) -> Result<Vec<Listed>, Failure> {
        const PROPERTIES: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:propfind xmlns:D=\"DAV:\"><D:prop><D:getetag/><D:getlastmodified/></D:prop></D:propfind>\n";
        let bare = Request { headers: vec![("Depth".to_owned(), "1".to_owned())], ..of_account(request) };
        let body = Body { content_type: "text/xml; charset=utf-8".to_owned(), text: PROPERTIES.to_owned() };
        let (sent, answer) = self.exchange(&bare, "PROPFIND", target, Some(body))?;
        if answer.status != 207 {
            let words = format!("PROPFIND {target} is answered with {}", answer.status);
            return Err(Failure { words, exchange: crate::send::written(&sent, Some(&answer)) });
        }
        let root = xml::parse(&answer.body).map_err(Failure::of)?;
        let mut listed = Vec::new();
        for response in root.named("{DAV:}response") {
            let href = path_of(response.child_text("{DAV:}href").unwrap_or_default()).to_owned();
            if same(&href, target) {
                continue;
            }
            let modified = response
                .descendants()
                .into_iter()
                .find(|element| element.name == "{DAV:}getlastmodified")
                .and_then(|element| chrono::DateTime::parse_from_rfc2822(element.text.trim()).ok())
                .map(|at| at.timestamp());
            listed.push(Listed { href, modified });
        }
        Ok(listed)
    }

    /// Deletes what a collection holds. A collection that is not there holds nothing.
    fn delete_all(&self, request: &Request, target: &str, refused: Refused) -> Result<(), Failure> {
        let Ok(listed) = self.list(request, target) else { return Ok(()) };
        for Listed { href, .. } in listed {
            let (sent, answer) = self.exchange(&of_account(request), "DELETE", &href, None)?;
            if answer.status / 100 != 2 && refused == Refused::Fails {
                let words = format!("DELETE {href} is answered with {}", answer.status);
                return Err(Failure { words, exchange: crate::send::written(&sent, Some(&answer)) });
            }
        }
        Ok(())
    }

    fn wait_for_count(&self, request: &Request, target: &str, number: usize) -> Result<(), Failure> {
        let waits = self.world.server.waits;
        let mut last = String::new();
        for attempt in 0..waits.count.max(1) {
            if attempt > 0 {
                std::thread::sleep(waits.delay);
            }
            match self.list(request, target) {
                Ok(listed) if listed.len() == number => return Ok(()),
                Ok(listed) => last = format!("{} resources", listed.len()),
                Err(failure) => last = failure.words,
            }
        }
        Err(Failure::of(format!("{} {target}: {last}, expected {number}", request.method)))
    }

    fn wait_for_change(&self, request: &Request, target: &str) -> Result<(), Failure> {
        let before = self.tags.get(target).cloned().ok_or_else(|| Failure::of(format!("no GET has shown {target} before")))?;
        let waits = self.world.server.waits;
        for attempt in 0..waits.count.max(1) {
            if attempt > 0 {
                std::thread::sleep(waits.delay);
            }
            let (_, answer) = self.exchange(&of_account(request), "HEAD", target, None)?;
            if answer.status / 100 != 2 {
                return Err(Failure::of(format!("HEAD {target} is answered with {}", answer.status)));
            }
            if answer.header("ETag").first().is_some_and(|tag| *tag != before) {
                return Ok(());
            }
        }
        Err(Failure::of(format!("{target} has not changed")))
    }

    /// The resource changed last; of several within one second, the one not found before.
    fn newest(&self, request: &Request, collection: &str, other_than: Option<&str>) -> Result<String, Failure> {
        let mut listed = self.list(request, collection)?;
        listed.retain(|one| other_than.is_none_or(|known| !same(&one.href, known)));
        let latest = listed.iter().filter_map(|one| one.modified).max();
        let candidates: BTreeSet<String> =
            listed.iter().filter(|one| one.modified.is_none() || one.modified == latest).map(|one| one.href.clone()).collect();
        let unseen: Vec<&String> = candidates.difference(&self.found_before).collect();
        match (candidates.iter().next(), unseen.as_slice()) {
            (Some(only), _) if candidates.len() == 1 => Ok(only.clone()),
            (_, [one]) => Ok((*one).clone()),
            _ => Err(Failure::of(format!("{} {collection}: {} resources could be the new one", request.method, candidates.len()))),
        }
    }

    fn containing(&self, request: &Request, collection: &str, text: &str) -> Result<String, Failure> {
        for Listed { href, .. } in self.list(request, collection)? {
            let (_, answer) = self.exchange(&of_account(request), "GET", &href, None)?;
            if answer.status / 100 == 2 && answer.body.contains(text) {
                return Ok(href);
            }
        }
        Err(Failure::of(format!("no resource of {collection} holds {text:?}")))
    }
}

/// What follows if a resource cannot be deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refused {
    Fails,
    IsLeft,
}

/// A request of the same account with nothing else in it.
fn of_account(request: &Request) -> Request {
    Request {
        user: request.user.clone(),
        password: request.password.clone(),
        authenticate: request.authenticate,
        second_host: request.second_host,
        ..Request::default()
    }
}

fn same(one: &str, other: &str) -> bool {
    let path = |url: &str| decode(path_of(url)).trim_end_matches('/').to_owned();
    path(one) == path(other)
}
