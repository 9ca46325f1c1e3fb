//! A script's request made into one that can be sent: account, target, headers, body.

use crate::http::{Answer, Sent};
use crate::layout::Authentication;
use crate::run::{Failure, Running};
use crate::script::Request;
use crate::variables::{path_of, uuid};
use base64::Engine;
use std::path::PathBuf;

/// How much of a body is shown.
const SHOWN_MAX: usize = 4000;

/// A body to be sent, with its media type.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) content_type: String,
    pub(crate) text: String,
}

impl Running<'_> {
    /// Sends one request and waits for its answer.
    pub(crate) fn exchange(&self, request: &Request, method: &str, target: &str, body: Option<Body>) -> Result<(Sent, Answer), Failure> {
        let mut headers: Vec<(String, String)> = Vec::new();
        let mut set = |name: &str, value: String| {
            headers.retain(|(other, _): &(String, String)| !other.eq_ignore_ascii_case(name));
            headers.push((name.to_owned(), value));
        };
        set("User-Agent", "caldavtester".to_owned());
        for (name, value) in &request.headers {
            set(name, self.variables.fill(value));
        }
        if let Some(body) = &body {
            set("Content-Type", body.content_type.clone());
        }
        if request.authenticate && self.world.authentication == Authentication::Basic {
            let (user, password) = self.account(request);
            let token = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
            set("Authorization", format!("Basic {token}"));
        }
        if request.second_host {
            return Err(Failure::of("the script wants a second host, which no layout has"));
        }
        let has_body = body.is_some();
        let text = body.map(|body| body.text).unwrap_or_default();
        let sent = Sent { method: method.to_owned(), target: path_of(target).to_owned(), headers, body: text, has_body };
        match self.world.client.send(&self.world.address, &sent) {
            Ok(answer) => Ok((sent, answer)),
            Err(words) => Err(Failure { words: format!("{method} {target}: {words}"), exchange: written(&sent, None) }),
        }
    }

    /// Who asks: each part that the script leaves out is the default account's.
    fn account(&self, request: &Request) -> (String, String) {
        let (user, password) = self.world.server.default_account();
        let or = |given: &str, default: String| self.variables.fill(if given.is_empty() { &default } else { given });
        (or(&request.user, user), or(&request.password, password))
    }

    /// A target as it is sent: `**` becomes unique, `##` the number of the repetition, each only before the query. Scripts put a
    /// slash behind variables that end with one; two slashes are never meant.
    pub(crate) fn target(&self, request: &Request, written: &str, count: u32) -> String {
        if written == "$" {
            return self.located.clone();
        }
        let target = self.variables.fill_target(written, request.quote);
        let (path, query) = target.split_once('?').map_or((target.as_str(), None), |(path, query)| (path, Some(query)));
        let path = if path.contains("**") {
            path.replace("**", &uuid())
        } else {
            path.replace("##", &count.to_string()).replace("%23%23", &count.to_string())
        };
        let mut path = path_of(&path).to_owned();
        while path.contains("//") {
            path = path.replace("//", "/");
        }
        query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"))
    }

    /// A request's body.
    pub(crate) fn body(&mut self, request: &Request, count: u32, file: Option<&PathBuf>) -> Result<Option<Body>, Failure> {
        let Some(data) = &request.data else { return Ok(None) };
        if let Some(generator) = &data.generator {
            return Err(Failure::of(format!("this runner does not know the generator `{generator}`")));
        }
        let path = file.cloned().unwrap_or_else(|| self.world.data.join(&data.file));
        let mut text = String::new();
        if !data.file.is_empty() {
            let bytes = std::fs::read(&path).map_err(|error| Failure::of(format!("cannot read {}: {error}", path.display())))?;
            text = String::from_utf8_lossy(&bytes).into_owned();
        }
        self.variables.keep("$request_count:", &count.to_string());
        if data.fill {
            text = self.variables.fill(&text);
        }
        for (name, value) in &data.substitutes {
            text = text.replace(name, &self.variables.fill(value));
        }
        if data.generate && data.content_type.starts_with("text/calendar") {
            text = generated(&text, count, self.world.today);
        }
        Ok(Some(Body { content_type: data.content_type.clone(), text }))
    }
}

/// `generate`: a UID of its own, a numbered summary, and zoned starts and ends on the day of the run.
fn generated(text: &str, count: u32, today: chrono::NaiveDate) -> String {
    let uid = uuid();
    let day = today.format("%Y%m%d").to_string();
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\r', '\n']);
        let end = line.get(bare.len()..).unwrap_or_default();
        let replaced = if bare.starts_with("UID:") {
            format!("UID:{uid}")
        } else if bare.starts_with("SUMMARY:") {
            format!("{bare} #{count}")
        } else if bare.starts_with("DTSTART;") || bare.starts_with("DTEND;") {
            match bare.split_once(':') {
                Some((head, value)) if value.len() >= 8 => format!("{head}:{day}{}", value.get(8..).unwrap_or_default()),
                _ => bare.to_owned(),
            }
        } else {
            bare.to_owned()
        };
        out.push_str(&replaced);
        out.push_str(end);
    }
    out
}

/// An exchange for people to read.
pub(crate) fn written(sent: &Sent, answer: Option<&Answer>) -> String {
    let head = |headers: &[(String, String)]| {
        let lines = headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("user-agent"));
        lines.map(|(name, value)| format!("{name}: {}\n", readable(name, value))).collect::<String>()
    };
    let mut text = format!("{} {}\n{}", sent.method, sent.target, head(&sent.headers));
    if sent.has_body {
        text.push_str(&format!("\n{}\n", shown(&sent.body)));
    }
    if let Some(answer) = answer {
        text.push_str(&format!("\nHTTP {}\n{}\n{}\n", answer.status, head(&answer.headers), shown(&answer.body)));
    }
    text
}

/// A test account's name instead of its token.
fn readable(name: &str, value: &str) -> String {
    let token = value.strip_prefix("Basic ").filter(|_| name == "Authorization");
    let decoded = token.and_then(|token| base64::engine::general_purpose::STANDARD.decode(token).ok());
    decoded.map_or_else(|| value.to_owned(), |bytes| format!("Basic ({})", String::from_utf8_lossy(&bytes)))
}

fn shown(body: &str) -> String {
    let body = body.replace('\r', "");
    match body.char_indices().nth(SHOWN_MAX) {
        Some((at, _)) => format!("{}…\n({} bytes in all)", body.get(..at).unwrap_or_default(), body.len()),
        None => body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_calendars_are_new_and_of_today() {
        let text = "UID:1\r\nSUMMARY:a\r\nDTSTART;TZID=X:20060101T100000\r\nDTSTART:20060101T100000Z\r\n";
        let made = generated(text, 3, chrono::NaiveDate::default());
        assert!(made.starts_with("UID:") && !made.starts_with("UID:1\r"));
        assert!(made.ends_with("\r\nSUMMARY:a #3\r\nDTSTART;TZID=X:19700101T100000\r\nDTSTART:20060101T100000Z\r\n"), "{made}");
    }

    #[test]
    fn what_is_shown_has_an_end() {
        assert!(shown(&"é".repeat(SHOWN_MAX + 1)).ends_with("(8002 bytes in all)"));
        assert_eq!(shown("a\r\nb"), "a\nb");
    }
}
