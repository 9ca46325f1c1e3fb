//! The table for people, the same for README, and the JSON value for programs.

use crate::judge::Judged;
use crate::script::Test;
use chrono::NaiveDate;
use serde_json::json;

/// Every surprise in words.
pub(crate) fn surprises(judged: &[Judged]) -> String {
    let mut text = String::new();
    for suite in judged {
        for surprise in &suite.surprises {
            let word = match surprise {
                Test { ok: true, .. } => "unexpected pass",
                Test { skipped: true, .. } => "SKIPPED",
                Test { .. } => "FAILED",
            };
            text.push_str(&format!("{word}  {}  {}\n", suite.suite, surprise.name));
            for line in surprise.words.lines() {
                text.push_str(&format!("    {line}\n"));
            }
        }
    }
    text
}

/// Every surprise, the table and the closing line.
pub(crate) fn table(judged: &[Judged]) -> String {
    let mut text = surprises(judged);
    let headings = ["SUITE", "VERSION", "PASSED", "FAILED WITH REASON", "SKIPPED WITH REASON", "FAILED", "MINUTES"].map(str::to_owned);
    let mut rows = vec![headings];
    for suite in judged {
        rows.push([
            suite.suite.clone(),
            suite.version.clone(),
            suite.passed.to_string(),
            suite.failed_with_reason.to_string(),
            suite.skipped.to_string(),
            suite.failed.to_string(),
            minutes(suite.seconds),
        ]);
    }
    let mut widths = [0; 7];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    text.push('\n');
    for row in &rows {
        let padded: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(&format!("{}\n", padded.join("  ").trim_end()));
    }
    text.push_str(&reasons(judged));
    text.push_str(&format!("\n{} passed, {} failed\n", passed(judged), failed(judged)));
    text
}

/// A line for each suite whose reasons are of several kinds.
fn reasons(judged: &[Judged]) -> String {
    let several = judged.iter().filter(|suite| !suite.failed_by_kind.is_empty());
    let line = |suite: &Judged| {
        let kinds: Vec<String> = suite.failed_by_kind.iter().map(|(kind, number)| format!("{number} {kind}")).collect();
        format!("\n{}, failed with reason: {}\n", suite.suite, kinds.join(", "))
    };
    several.map(line).collect()
}

/// Minutes and seconds, as a clock shows them.
fn minutes(seconds: f64) -> String {
    format!("{:.0}:{:02.0}", (seconds.round() / 60.0).floor(), seconds.round() % 60.0)
}

/// The table as README carries it, in Markdown, with the day.
pub(crate) fn markdown(judged: &[Judged], day: NaiveDate) -> String {
    let mut text = format!("On {}:\n\n", day.format("%-d %B %Y"));
    text.push_str("| Suite | Version | Passed | Failed, with reason | Skipped, with reason | Failed |\n|---|---|---|---|---|---|\n");
    for suite in judged {
        let Judged { suite, version, passed, failed_with_reason, skipped, failed, .. } = suite;
        text.push_str(&format!("| {suite} | {version} | {passed} | {failed_with_reason} | {skipped} | {failed} |\n"));
    }
    text.push_str(&reasons(judged));
    text
}

/// One JSON value.
pub(crate) fn json(judged: &[Judged]) -> String {
    let mut text = json!({ "suites": judged, "passed": passed(judged), "failed": failed(judged) }).to_string();
    text.push('\n');
    text
}

fn passed(judged: &[Judged]) -> usize {
    judged.iter().map(|suite| suite.passed).sum()
}

fn failed(judged: &[Judged]) -> usize {
    judged.iter().map(|suite| suite.failed).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_counts_all_suites_and_surprises_are_told() {
        let surprise = Test::of("sees titles", Err("saw Busy".to_owned()));
        let suite = |name: &str, surprises: Vec<Test>| Judged {
            suite: name.to_owned(),
            version: format!("{name} 1"),
            seconds: 1.0,
            passed: 2,
            failed_with_reason: 1,
            failed_by_kind: [("odd".to_owned(), 1)].into(),
            skipped: 0,
            failed: surprises.len(),
            surprises,
            tests: Vec::new(),
        };
        let judged = [suite("curl", Vec::new()), suite("khal", vec![surprise])];
        let text = table(&judged);
        assert!(text.ends_with("\n4 passed, 1 failed\n"), "{text}");
        assert!(text.contains("\ncurl, failed with reason: 1 odd\n"), "{text}");
        assert!(text.contains("FAILED  khal  sees titles\n    saw Busy\n"), "{text}");
        assert!(json(&judged).contains("\"failed\":1"));
        let readme = markdown(&judged, NaiveDate::default());
        assert!(
            readme.starts_with("On 1 January 1970:\n") && readme.contains("| khal | khal 1 | 2 | 1 | 0 | 1 |\n\ncurl, failed"),
            "{readme}"
        );
    }

    #[test]
    fn a_minute_is_never_sixty_seconds() {
        assert_eq!([0.4, 59.4, 59.6, 125.0].map(minutes), ["0:00", "0:59", "1:00", "2:05"]);
    }
}
