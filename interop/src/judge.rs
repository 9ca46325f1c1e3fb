//! What was found against what was expected: a new failure fails the run, and so does a known failure that no longer fails.

use crate::script::{Outcome, Test};
use crate::suite::{ExpectedFailure, Suite};
use serde::Serialize;
use std::collections::BTreeMap;

/// A suite with its verdict.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Judged {
    pub(crate) suite: String,
    pub(crate) version: String,
    pub(crate) seconds: f64,
    pub(crate) passed: usize,
    /// Failed as `expected.toml` says.
    pub(crate) failed_with_reason: usize,
    /// The same by kind of reason, where `expected.toml` sorts them.
    pub(crate) failed_by_kind: BTreeMap<String, usize>,
    /// Not run, as `expected.toml` says, or against another server.
    pub(crate) skipped: usize,
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
    let find = |list: &[ExpectedFailure], name: &str| list.iter().any(|known| known.test == name);
    let (mut passed, mut failed_with_reason, mut skipped, mut surprises) = (0, 0, 0, Vec::new());
    for test in &outcome.tests {
        let (fails, skips) = (find(&suite.expected.failures, &test.name), find(&suite.expected.skips, &test.name));
        match (Ending::of(test), fails, skips) {
            (Ending::Passed, false, false) => passed += usize::from(!test.is_check),
            (Ending::Failed, true, _) => failed_with_reason += 1,
            (Ending::Skipped, _, true) => skipped += 1,
            (Ending::Failed | Ending::Skipped, ..) => surprises.push(test.clone()),
            (Ending::Passed, ..) => {
                let words = "passes, but is recorded as one that does not: take it out of expected.toml".to_owned();
                surprises.push(Test { words, ..test.clone() });
            }
        }
    }
    for known in suite.expected.failures.iter().chain(&suite.expected.skips) {
        if !outcome.tests.iter().any(|test| test.name == known.test) {
            surprises.push(Test::of(&known.test, Err("is recorded in expected.toml but was not there".to_owned())));
        }
    }
    let mut failed_by_kind = BTreeMap::new();
    for known in &suite.expected.failures {
        let fails = |test: &Test| test.name == known.test && Ending::of(test) == Ending::Failed;
        if let (Some(kind), true) = (&known.kind, outcome.tests.iter().any(fails)) {
            *failed_by_kind.entry(kind.clone()).or_default() += 1;
        }
    }
    Judged { passed, failed_with_reason, failed_by_kind, skipped, ..counted(suite, outcome, surprises) }
}

/// Only counts: nothing is known of the server, so nothing is excused.
pub(crate) fn count(suite: &Suite, outcome: Outcome) -> Judged {
    let number = |result| outcome.tests.iter().filter(|test| !test.is_check && Ending::of(test) == result).count();
    let (passed, skipped) = (number(Ending::Passed), number(Ending::Skipped));
    let failures = outcome.tests.iter().filter(|test| Ending::of(test) == Ending::Failed).cloned().collect();
    Judged { passed, skipped, ..counted(suite, outcome, failures) }
}

/// How one test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Passed,
    Failed,
    Skipped,
}

impl Ending {
    fn of(test: &Test) -> Self {
        match test {
            Test { ok: true, .. } => Self::Passed,
            Test { skipped: true, .. } => Self::Skipped,
            Test { .. } => Self::Failed,
        }
    }
}

/// A verdict without its counts.
fn counted(suite: &Suite, outcome: Outcome, surprises: Vec<Test>) -> Judged {
    Judged {
        suite: suite.name.clone(),
        version: outcome.version,
        seconds: outcome.seconds,
        passed: 0,
        failed_with_reason: 0,
        failed_by_kind: BTreeMap::new(),
        skipped: 0,
        failed: surprises.len(),
        surprises,
        tests: outcome.tests,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::{Expected, Language};
    use std::path::PathBuf;

    fn suite(failures: &[&str], skips: &[&str]) -> Suite {
        let known = |tests: &[&str]| {
            tests
                .iter()
                .map(|test| ExpectedFailure { test: (*test).to_owned(), kind: Some("odd".to_owned()), reason: "known".to_owned() })
                .collect()
        };
        Suite {
            name: "made-up".to_owned(),
            folder: PathBuf::new(),
            script: PathBuf::new(),
            language: Language::Bash,
            expected: Expected { tests_min: 1, seconds_max: 1, failures: known(failures), skips: known(skips), ..Expected::default() },
        }
    }

    const PASSED: (bool, bool) = (true, false);
    const FAILED: (bool, bool) = (false, false);
    const SKIPPED: (bool, bool) = (false, true);

    fn outcome(tests: &[(&str, (bool, bool))]) -> Outcome {
        let test = |(name, (ok, skipped)): &(&str, (bool, bool))| Test {
            name: (*name).to_owned(),
            ok: *ok,
            skipped: *skipped,
            words: String::new(),
            is_check: false,
        };
        Outcome { version: "1".to_owned(), tests: tests.iter().map(test).collect(), seconds: 0.0 }
    }

    fn counts(judged: &Judged) -> ([usize; 4], bool) {
        ([judged.passed, judged.failed_with_reason, judged.skipped, judged.failed], judged.as_expected())
    }

    fn judged(failures: &[&str], skips: &[&str], tests: &[(&str, (bool, bool))]) -> ([usize; 4], bool) {
        counts(&judge(&suite(failures, skips), outcome(tests)))
    }

    #[test]
    fn every_kind_of_surprise_fails() {
        assert_eq!(judged(&[], &[], &[("a", PASSED)]), ([1, 0, 0, 0], true));
        assert_eq!(judged(&["b"], &["c"], &[("a", PASSED), ("b", FAILED), ("c", SKIPPED)]), ([1, 1, 1, 0], true));
        assert_eq!(judged(&[], &[], &[("a", PASSED), ("b", FAILED)]), ([1, 0, 0, 1], false), "a new failure");
        assert_eq!(judged(&["a"], &[], &[("a", PASSED), ("b", PASSED)]), ([1, 0, 0, 1], false), "a new pass");
        assert_eq!(judged(&["c"], &[], &[("a", PASSED)]), ([1, 0, 0, 1], false), "a known failure that was not run");
        assert_eq!(judged(&[], &[], &[("a", PASSED), ("b", SKIPPED)]), ([1, 0, 0, 1], false), "a new skip");
        assert_eq!(judged(&["b"], &[], &[("a", PASSED), ("b", SKIPPED)]), ([1, 0, 0, 1], false), "a known failure that is skipped");
        assert_eq!(judged(&[], &["b"], &[("a", PASSED), ("b", FAILED)]), ([1, 0, 0, 1], false), "a known skip that fails");
        assert_eq!(judged(&[], &["a"], &[("a", PASSED)]), ([0, 0, 0, 1], false), "a known skip that passes");
        assert_eq!(judged(&[], &[], &[]), ([0, 0, 0, 0], false), "nothing was run");
    }

    #[test]
    fn what_the_runner_looks_at_itself_is_counted_only_where_it_fails() {
        let mut outcome = outcome(&[("a", PASSED)]);
        outcome.tests.push(Test::of("server: ends", Ok(())));
        assert_eq!(counts(&judge(&suite(&[], &[]), outcome.clone())), ([1, 0, 0, 0], true));
        outcome.tests.push(Test::of("store: is sound", Err("it is not".to_owned())));
        assert_eq!(counts(&judge(&suite(&[], &[]), outcome)), ([1, 0, 0, 1], false));
    }

    #[test]
    fn against_another_server_nothing_is_excused() {
        let outcome = outcome(&[("a", PASSED), ("b", FAILED), ("c", SKIPPED)]);
        assert_eq!(counts(&count(&suite(&["b"], &[]), outcome)), ([1, 0, 1, 1], false));
    }
}
