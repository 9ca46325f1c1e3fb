//! What was found against what was expected: a new failure fails the run, and so does a known failure that no longer fails.

use crate::script::{Outcome, Test};
use crate::suite::Suite;
use serde::Serialize;

/// A suite with its verdict.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Judged {
    pub(crate) suite: String,
    pub(crate) version: String,
    pub(crate) seconds: f64,
    pub(crate) passed: usize,
    /// Failed as `expected.toml` says.
    pub(crate) failed_with_reason: usize,
    /// Failed unexpectedly, or passed where a failure is recorded.
    pub(crate) failed: usize,
    /// Every unexpected thing, with words.
    pub(crate) surprises: Vec<Test>,
    /// Every test.
    pub(crate) tests: Vec<Test>,
}

impl Judged {
    /// Whether nothing surprised.
    pub(crate) fn as_expected(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }
}

/// Compares an outcome with `expected.toml`.
pub(crate) fn judge(suite: &Suite, outcome: Outcome) -> Judged {
    let reason = |name: &str| suite.expected.failures.iter().find(|failure| failure.test == name).map(|failure| &failure.reason);
    let (mut passed, mut failed_with_reason, mut surprises) = (0, 0, Vec::new());
    for test in &outcome.tests {
        match (test.ok, reason(&test.name)) {
            (true, None) => passed += 1,
            (false, Some(_)) => failed_with_reason += 1,
            (false, None) => surprises.push(test.clone()),
            (true, Some(reason)) => {
                let words = format!("passes, but is recorded as a failure ({reason}): take it out of expected.toml");
                surprises.push(Test { name: test.name.clone(), ok: true, words });
            }
        }
    }
    for failure in &suite.expected.failures {
        if !outcome.tests.iter().any(|test| test.name == failure.test) {
            let words = "is recorded as a failure but was not run".to_owned();
            surprises.push(Test { name: failure.test.clone(), ok: false, words });
        }
    }
    Judged {
        suite: suite.name.clone(),
        version: outcome.version,
        seconds: outcome.seconds,
        passed,
        failed_with_reason,
        failed: surprises.len(),
        surprises,
        tests: outcome.tests,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{Expected, ExpectedFailure, Language};
    use std::path::PathBuf;

    fn suite(failures: &[&str]) -> Suite {
        let failures = failures.iter().map(|test| ExpectedFailure { test: (*test).to_owned(), reason: "known".to_owned() }).collect();
        Suite {
            name: "made-up".to_owned(),
            folder: PathBuf::new(),
            script: PathBuf::new(),
            language: Language::Bash,
            expected: Expected { tests_min: 1, seconds_max: 1, debian: Vec::new(), failures },
        }
    }

    fn outcome(tests: &[(&str, bool)]) -> Outcome {
        let tests = tests.iter().map(|(name, ok)| Test { name: (*name).to_owned(), ok: *ok, words: String::new() }).collect();
        Outcome { version: "1".to_owned(), tests, seconds: 0.0 }
    }

    fn counts(failures: &[&str], tests: &[(&str, bool)]) -> (usize, usize, usize, bool) {
        let judged = judge(&suite(failures), outcome(tests));
        (judged.passed, judged.failed_with_reason, judged.failed, judged.as_expected())
    }

    #[test]
    fn every_kind_of_surprise_fails() {
        assert_eq!(counts(&[], &[("a", true)]), (1, 0, 0, true));
        assert_eq!(counts(&["b"], &[("a", true), ("b", false)]), (1, 1, 0, true));
        assert_eq!(counts(&[], &[("a", true), ("b", false)]), (1, 0, 1, false), "a new failure");
        assert_eq!(counts(&["a"], &[("a", true), ("b", true)]), (1, 0, 1, false), "a new pass");
        assert_eq!(counts(&["c"], &[("a", true)]), (1, 0, 1, false), "a known failure that was not run");
        assert_eq!(counts(&[], &[]), (0, 0, 0, false), "nothing was run");
    }
}
