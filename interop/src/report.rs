//! The table for people and the JSON value for programs.

use crate::judge::Judged;
use serde_json::json;

/// The table, every surprise in words, and the closing line.
pub(crate) fn table(judged: &[Judged]) -> String {
    let mut text = String::new();
    for suite in judged {
        for surprise in &suite.surprises {
            let word = if surprise.ok { "unexpected pass" } else { "FAILED" };
            text.push_str(&format!("{word}  {}  {}\n", suite.suite, surprise.name));
            for line in surprise.words.lines() {
                text.push_str(&format!("    {line}\n"));
            }
        }
    }
    let headings = ["SUITE", "CLIENT", "PASSED", "FAILED WITH REASON", "FAILED", "SECONDS"].map(str::to_owned);
    let mut rows = vec![headings];
    for suite in judged {
        rows.push([
            suite.suite.clone(),
            suite.version.clone(),
            suite.passed.to_string(),
            suite.failed_with_reason.to_string(),
            suite.failed.to_string(),
            format!("{:.0}", suite.seconds),
        ]);
    }
    let mut widths = [0; 6];
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
    text.push_str(&format!("\n{} passed, {} failed\n", passed(judged), failed(judged)));
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
    use crate::script::Test;

    #[test]
    fn the_closing_line_counts_all_suites_and_surprises_are_told() {
        let surprise = Test { name: "sees titles".to_owned(), ok: false, words: "saw Busy".to_owned() };
        let suite = |name: &str, surprises: Vec<Test>| Judged {
            suite: name.to_owned(),
            version: format!("{name} 1"),
            seconds: 1.0,
            passed: 2,
            failed_with_reason: 1,
            failed: surprises.len(),
            surprises,
            tests: Vec::new(),
        };
        let judged = [suite("curl", Vec::new()), suite("khal", vec![surprise])];
        let text = table(&judged);
        assert!(text.ends_with("\n4 passed, 1 failed\n"), "{text}");
        assert!(text.contains("FAILED  khal  sees titles\n    saw Busy\n"), "{text}");
        assert!(json(&judged).contains("\"failed\":1"));
    }
}
