//! What was found, for people and for programs.

use crate::expected::{Judgement, Kind};
use crate::run::{Outcome, SET_UP_FAILED, Verdict};
use serde_json::{Value, json};

/// A script's outcomes.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    /// Reported, but not judged.
    pub(crate) apart: bool,
    pub(crate) outcomes: Vec<Outcome>,
}

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: usize,
}

/// Counts outcomes.
pub(crate) fn counts<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Counts {
    let mut counts = Counts::default();
    for outcome in outcomes {
        match outcome.verdict {
            Verdict::Passed => counts.passed += 1,
            Verdict::Failed(_) => counts.failed += 1,
            Verdict::Ignored(_) => counts.ignored += 1,
        }
    }
    counts
}

/// The failures of a script, each in words; with their exchanges where that is wanted.
pub(crate) fn failures(file: &File, verbose: bool) -> String {
    let mut text = String::new();
    let mut set_up_told = false;
    for outcome in &file.outcomes {
        let Verdict::Failed(words) = &outcome.verdict else { continue };
        text.push_str(&format!("FAILED  {}  {}\n", outcome.name, outcome.description));
        let set_up = words.starts_with(SET_UP_FAILED);
        // A failed set-up is told once.
        if !set_up || !set_up_told {
            text.push_str(&indented(words, "        "));
            if verbose {
                text.push_str(&indented(&outcome.exchange, "      | "));
            }
        }
        set_up_told |= set_up;
    }
    text
}

fn indented(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}\n")).collect()
}

/// The table of scripts.
pub(crate) fn table(files: &[File]) -> String {
    let width = files.iter().map(|file| file.name.chars().count()).max().unwrap_or(4).max(5);
    let mut text = format!("\n{:width$}  PASSED  FAILED  IGNORED\n", "FILE");
    let row = |name: &str, counts: Counts| format!("{name:width$}  {:6}  {:6}  {:7}\n", counts.passed, counts.failed, counts.ignored);
    let total = |apart: bool| counts(files.iter().filter(|file| file.apart == apart).flat_map(|file| &file.outcomes));
    for file in files.iter().filter(|file| !file.apart) {
        text.push_str(&row(&file.name, counts(&file.outcomes)));
    }
    text.push_str(&row("total", total(false)));
    if files.iter().any(|file| file.apart) {
        text.push_str("\nreported apart, not judged\n");
        for file in files.iter().filter(|file| file.apart) {
            text.push_str(&row(&file.name, counts(&file.outcomes)));
        }
    }
    text
}

/// What differs from what is expected, and how many known failures there are of each kind.
pub(crate) fn judgement(judgement: &Judgement) -> String {
    let mut text = String::from("\n");
    let lists = [
        ("new failure", &judgement.new_failures),
        ("passes, but is recorded as a failure", &judgement.new_passes),
        ("is recorded as a failure, but was not run", &judgement.not_run),
        ("is recorded without kind or reason", &judgement.without_reason),
        ("is recorded twice", &judgement.twice),
    ];
    for (words, names) in lists {
        for name in names {
            text.push_str(&format!("{words}: {name}\n"));
        }
    }
    let kinds: Vec<String> =
        Kind::ALL.iter().map(|kind| format!("{} {}", judgement.by_kind.get(kind).copied().unwrap_or_default(), kind.word())).collect();
    text.push_str(&format!("known failures: {}\n", kinds.join(", ")));
    text
}

/// Everything, as one JSON value.
pub(crate) fn json(files: &[File], version: &str) -> String {
    let tests = |file: &File| -> Vec<Value> {
        file.outcomes
            .iter()
            .map(|outcome| {
                let (verdict, words) = match &outcome.verdict {
                    Verdict::Passed => ("passed", ""),
                    Verdict::Failed(words) => ("failed", words.as_str()),
                    Verdict::Ignored(words) => ("ignored", words.as_str()),
                };
                json!({ "name": outcome.name, "description": outcome.description, "verdict": verdict, "words": words })
            })
            .collect()
    };
    let files: Vec<Value> = files
        .iter()
        .map(|file| {
            let counts = counts(&file.outcomes);
            json!({ "file": file.name, "apart": file.apart, "passed": counts.passed, "failed": counts.failed, "ignored": counts.ignored,
                "tests": tests(file) })
        })
        .collect();
    let mut text = json!({ "version": version, "files": files }).to_string();
    text.push('\n');
    text
}
