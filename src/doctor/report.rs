//! What is told: for people a line a client and then each problem once, for programs one JSON value.

use super::client::CLIENTS;
use super::findings::{Finding, Findings};
use super::problem::{Harm, Kind};
use serde_json::{Value, json};

/// Columns of text for people.
const WIDTH: usize = 100;

/// The outcome of an examination.
#[derive(Clone, Debug)]
pub struct Report {
    /// The address examined.
    pub url: String,
    /// Who signed in.
    pub user: Option<String>,
    /// What was found.
    pub findings: Findings,
}

impl Report {
    /// Problems found.
    pub fn problems(&self) -> usize {
        self.findings.problems.len()
    }

    fn verdict(&self, client: usize) -> (&'static str, &'static str) {
        match (self.findings.harm(client), &self.user) {
            (Some(Harm::Fails), _) => ("fails", "would fail"),
            (Some(Harm::Hampers), _) => ("in-part", "works in part"),
            (None, Some(_)) => ("works", "works"),
            (None, None) => ("unknown", "not signed in: not played"),
        }
    }

    /// One JSON value.
    pub fn json(&self) -> Value {
        let codes = |client: usize| -> Vec<&str> {
            let concerned = self.findings.problems.iter().filter(|(_, finding)| finding.clients.contains_key(&client));
            concerned.map(|(kind, _)| kind.code()).collect()
        };
        let clients: Vec<Value> = CLIENTS
            .iter()
            .enumerate()
            .map(|(index, client)| json!({ "client": client.code, "name": client.name, "verdict": self.verdict(index).0, "problems": codes(index) }))
            .collect();
        let problems: Vec<Value> = self
            .findings
            .problems
            .iter()
            .map(|(kind, finding)| {
                let names = |harm: Harm| -> Vec<&str> {
                    let those = finding.clients.iter().filter(|(_, found)| **found == harm);
                    those.filter_map(|(index, _)| CLIENTS.get(*index).map(|client| client.code)).collect()
                };
                json!({
                    "problem": kind.code(), "summary": kind.summary(), "mend": kind.mend(), "seen": finding.seen,
                    "fails": names(Harm::Fails), "in_part": names(Harm::Hampers),
                })
            })
            .collect();
        json!({
            "url": self.url, "user": self.user, "well": problems.is_empty(),
            "clients": clients, "problems": problems, "remarks": self.findings.remarks,
        })
    }

    /// Lines for people.
    pub fn lines(&self) -> Vec<String> {
        let who = self.user.as_deref().map_or("without signing in".to_owned(), |user| format!("as {user}"));
        let count = match self.problems() {
            0 => "no problem found".to_owned(),
            1 => "1 problem".to_owned(),
            number => format!("{number} problems"),
        };
        let mut lines = vec![format!("{} {who}: {count}", self.url), String::new()];
        let numbers = |client: usize| -> String {
            let concerned = self.findings.problems.values().enumerate().filter(|(_, finding)| finding.clients.contains_key(&client));
            concerned.map(|(index, _)| format!(" [{}]", index + 1)).collect()
        };
        let width = CLIENTS.iter().map(|client| client.name.chars().count()).max().unwrap_or_default();
        for (index, client) in CLIENTS.iter().enumerate() {
            lines.push(format!("  {:width$}  {}{}", client.name, self.verdict(index).1, numbers(index)));
        }
        for (index, (kind, finding)) in self.findings.problems.iter().enumerate() {
            lines.push(String::new());
            lines.extend(problem(index + 1, *kind, finding));
        }
        if !self.findings.remarks.is_empty() {
            lines.push(String::new());
        }
        for remark in &self.findings.remarks {
            lines.extend(wrapped("Note: ", remark));
        }
        lines
    }
}

fn problem(number: usize, kind: Kind, finding: &Finding) -> Vec<String> {
    let mut lines = wrapped(&format!("[{number}] "), kind.summary());
    for seen in &finding.seen {
        lines.extend(wrapped("    Seen: ", seen));
    }
    if finding.more > 0 {
        lines.push(format!("    Seen: {} more of the kind", finding.more));
    }
    lines.extend(wrapped("    Mend: ", kind.mend()));
    lines
}

/// Words in lines of bounded width, those after the first as far in as the words of the first.
fn wrapped(head: &str, text: &str) -> Vec<String> {
    let indent = " ".repeat(head.chars().count());
    let mut lines = Vec::new();
    let mut line = head.to_owned();
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, indent.clone()));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]
    use super::*;
    use crate::doctor::problem::Trouble;

    fn report() -> Report {
        let mut findings = Findings::default();
        for number in 0..6 {
            findings.add(&Trouble::new(Kind::MethodRefused, format!("M{number} answers 405")), [1], Harm::Hampers);
        }
        let hostile = format!("OPTIONS\u{1b}[2J \u{9b}31m \u{202e}{}", "h".repeat(3 << 20));
        findings.add(&Trouble::new(Kind::DavHeaderMissing, hostile), [0, 1], Harm::Fails);
        findings.remark("A remark.");
        Report { url: "https://cal.example.org/".into(), user: Some("alice".into()), findings }
    }

    #[test]
    fn each_client_has_a_line_and_each_problem_stands_once() {
        let text = report().lines().join("\n");
        assert!(text.starts_with("https://cal.example.org/ as alice: 2 problems\n\n"), "{text}");
        assert!(text.contains("Apple Calendar, macOS           would fail [2]\n"), "{text}");
        assert!(text.contains("Apple Calendar, iOS             would fail [1] [2]\n"), "{text}");
        assert!(text.contains("Thunderbird                     works\n"), "{text}");
        assert_eq!(text.matches(Kind::MethodRefused.summary()).count(), 1);
        assert!(text.contains("2 more of the kind") && text.ends_with("Note: A remark."), "{text}");
    }

    /// A link of three megabytes, with characters that turn text round, was printed as it stood.
    #[test]
    fn what_a_server_wrote_is_cut_and_commands_no_terminal() {
        for text in [report().lines().join(""), report().json().to_string()] {
            assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']) && text.contains("OPTIONS?[2J"), "{text:?}");
            assert!(text.len() < 32 << 10, "{}", text.len());
        }
    }

    #[test]
    fn programs_read_the_same() {
        let value = report().json();
        assert_eq!(value["well"], false);
        assert_eq!(value["clients"][1]["problems"], json!(["method-refused", "dav-header-missing"]));
        assert_eq!(value["problems"][1]["fails"], json!(["apple-macos", "apple-ios"]));
        let well = Report { findings: Findings::default(), ..report() };
        assert_eq!(well.json()["clients"][0]["verdict"], "works");
        assert_eq!(well.lines().first().map(String::as_str), Some("https://cal.example.org/ as alice: no problem found"));
    }
}
