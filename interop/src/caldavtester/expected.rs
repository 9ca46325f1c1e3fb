//! The file of known failures: read, compared with what was found, and written anew by `--update`.

use crate::run::{Outcome, Verdict};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Why a failure is right, or borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// The script expects what no RFC asks for.
    Apple,
    /// An RFC that the server does not claim.
    NotImplemented,
    /// What the server's rule of privacy forbids.
    Policy,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Apple, Self::NotImplemented, Self::Policy];

    /// As the file writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Apple => "apple",
            Self::NotImplemented => "not-implemented",
            Self::Policy => "policy",
        }
    }
}

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Expected {
    /// For the runner of all suites.
    tests_min: usize,
    /// Likewise.
    seconds_max: Option<u64>,
    /// Likewise.
    needs: Option<String>,
    #[serde(rename = "failure")]
    pub(crate) failures: Vec<Known>,
}

/// A known failure.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    /// `FILE:SUITE:TEST`
    pub(crate) test: String,
    /// Left out by `--update`, to be filled by people.
    pub(crate) kind: Option<Kind>,
    /// Words for the reader: the RFC's section, the rule.
    #[serde(default)]
    pub(crate) reason: String,
}

/// What differs from what is expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) new_failures: Vec<String>,
    /// Recorded as failures, and pass.
    pub(crate) new_passes: Vec<String>,
    /// Recorded as failures, and were not run.
    pub(crate) not_run: Vec<String>,
    /// Recorded without kind or words.
    pub(crate) without_reason: Vec<String>,
    /// Recorded twice.
    pub(crate) twice: Vec<String>,
    pub(crate) by_kind: BTreeMap<Kind, usize>,
}

impl Judgement {
    /// Whether all is as expected.
    pub(crate) fn holds(&self) -> bool {
        [&self.new_failures, &self.new_passes, &self.not_run, &self.without_reason, &self.twice].iter().all(|list| list.is_empty())
    }
}

impl Expected {
    /// Reads the file; what does not exist expects nothing.
    ///
    /// # Errors
    /// It is not understood.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        }
    }

    /// Compares. `in_question` tells of a recorded name whether this run should have met it.
    pub(crate) fn judge(&self, outcomes: &[&Outcome], in_question: impl Fn(&str) -> bool) -> Judgement {
        let mut judgement = Judgement::default();
        for outcome in outcomes {
            let known = self.failures.iter().find(|known| known.test == outcome.name);
            match (&outcome.verdict, known) {
                (Verdict::Failed(_), None) => judgement.new_failures.push(outcome.name.clone()),
                (Verdict::Failed(_), Some(Known { kind: Some(kind), .. })) => *judgement.by_kind.entry(*kind).or_default() += 1,
                (Verdict::Passed, Some(_)) => judgement.new_passes.push(outcome.name.clone()),
                _ => {}
            }
        }
        for (number, known) in self.failures.iter().enumerate().filter(|(_, known)| in_question(&known.test)) {
            let ran = |outcome: &&&Outcome| outcome.name == known.test && !matches!(outcome.verdict, Verdict::Ignored(_));
            if !outcomes.iter().any(|outcome| ran(&outcome)) {
                judgement.not_run.push(known.test.clone());
            }
            if known.kind.is_none() || known.reason.trim().is_empty() {
                judgement.without_reason.push(known.test.clone());
            }
            if self.failures.iter().take(number).any(|other| other.test == known.test) {
                judgement.twice.push(known.test.clone());
            }
        }
        judgement
    }

    /// The file's new text: the failures found, reasons kept, new ones without; what this run did not meet stays.
    pub(crate) fn updated(&self, head: &str, outcomes: &[&Outcome], in_question: impl Fn(&str) -> bool) -> String {
        let mut known: Vec<Known> = self.failures.iter().filter(|known| !in_question(&known.test)).cloned().collect();
        for outcome in outcomes.iter().filter(|outcome| matches!(outcome.verdict, Verdict::Failed(_))) {
            let before = self.failures.iter().find(|known| known.test == outcome.name).cloned();
            known.push(before.unwrap_or_else(|| Known { test: outcome.name.clone(), kind: None, reason: String::new() }));
        }
        let mut text = head.trim_end().to_owned();
        text.push('\n');
        for Known { test, kind, reason } in known {
            text.push_str(&format!("\n[[failure]]\ntest = {}\n", quoted(&test)));
            if let Some(kind) = kind {
                text.push_str(&format!("kind = \"{}\"\n", kind.word()));
            }
            text.push_str(&format!("reason = {}\n", quoted(&reason)));
        }
        text
    }
}

/// What stands before the list: comments and the keys of the suite.
pub(crate) fn head(text: &str) -> &str {
    text.find("[[failure]]").map_or(text, |at| text.get(..at).unwrap_or_default())
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const FILE: &str = "# words\ntests_min = 3\n\n[[failure]]\ntest = \"a.xml:s:1\"\nkind = \"apple\"\nreason = \"RFC 4918 §9.1\"\n";

    fn outcome(name: &str, verdict: Verdict) -> Outcome {
        Outcome { name: name.to_owned(), description: String::new(), verdict, exchange: String::new() }
    }

    fn failed() -> Verdict {
        Verdict::Failed("x".to_owned())
    }

    fn judged(file: &str, outcomes: &[(&str, Verdict)]) -> Judgement {
        let outcomes: Vec<Outcome> = outcomes.iter().map(|(name, verdict)| outcome(name, verdict.clone())).collect();
        toml::from_str::<Expected>(file).unwrap().judge(&outcomes.iter().collect::<Vec<_>>(), |_| true)
    }

    #[test]
    fn what_is_as_recorded_holds_and_is_counted() {
        let judgement = judged(FILE, &[("a.xml:s:1", failed()), ("a.xml:s:2", Verdict::Passed)]);
        assert!(judgement.holds());
        assert_eq!(judgement.by_kind.get(&Kind::Apple), Some(&1));
    }

    #[test]
    fn every_difference_is_told() {
        assert_eq!(judged(FILE, &[("a.xml:s:1", failed()), ("a.xml:s:2", failed())]).new_failures, ["a.xml:s:2"]);
        assert_eq!(judged(FILE, &[("a.xml:s:1", Verdict::Passed)]).new_passes, ["a.xml:s:1"]);
        assert_eq!(judged(FILE, &[]).not_run, ["a.xml:s:1"]);
        assert_eq!(judged(FILE, &[("a.xml:s:1", Verdict::Ignored(String::new()))]).not_run, ["a.xml:s:1"]);
        let silent = FILE.replace("RFC 4918 §9.1", " ");
        assert_eq!(judged(&silent, &[("a.xml:s:1", failed())]).without_reason, ["a.xml:s:1"]);
        let unsorted = FILE.replace("kind = \"apple\"\n", "");
        assert_eq!(judged(&unsorted, &[("a.xml:s:1", failed())]).without_reason, ["a.xml:s:1"]);
        let twice = format!("{FILE}[[failure]]\ntest = \"a.xml:s:1\"\nkind = \"apple\"\nreason = \"b\"\n");
        assert_eq!(judged(&twice, &[("a.xml:s:1", failed())]).twice, ["a.xml:s:1"]);
    }

    #[test]
    fn an_update_keeps_reasons_and_leaves_new_ones_empty() {
        let expected: Expected = toml::from_str(FILE).unwrap();
        let outcomes = [outcome("a.xml:s:1", failed()), outcome("a.xml:s:\"2\"", failed()), outcome("a.xml:s:3", Verdict::Passed)];
        let text = expected.updated(head(FILE), &outcomes.iter().collect::<Vec<_>>(), |_| true);
        assert!(text.starts_with(FILE.trim_end()), "{text}");
        let again: Expected = toml::from_str(&text).unwrap();
        assert_eq!(again.failures.get(1).unwrap().test, "a.xml:s:\"2\"");
        assert_eq!(again.judge(&outcomes.iter().collect::<Vec<_>>(), |_| true).without_reason, ["a.xml:s:\"2\""]);
        // What was not asked for stays.
        assert!(expected.updated("", &[], |name| name.starts_with("b.xml")).contains("a.xml:s:1"));
    }
}
