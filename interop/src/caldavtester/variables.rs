//! The `$name:` variables of scripts: those of the server's description, those found in answers while a script runs, and the
//! computed ones (`$now.…:`, `$uidrandom:`).

use chrono::{Datelike, Days, Months, NaiveDate};
use std::collections::BTreeMap;

/// Variables may hold variables, but not for ever.
const ROUNDS_MAX: usize = 32;
/// `$uid1:` … `$uid20:`.
const UIDS: usize = 20;

/// What stands for each variable.
#[derive(Clone, Debug)]
pub(crate) struct Variables {
    fixed: BTreeMap<String, String>,
    found: BTreeMap<String, String>,
    /// One day for a whole run: it may pass midnight.
    today: NaiveDate,
}

impl Variables {
    /// Those of the server's description.
    pub(crate) fn new(fixed: BTreeMap<String, String>, today: NaiveDate) -> Self {
        Self { fixed, found: BTreeMap::new(), today }
    }

    /// Gives `$uid1:` … new values: for each file, and for each suite that asks.
    pub(crate) fn renew_uids(&mut self) {
        for number in 1..=UIDS {
            self.fixed.insert(format!("$uid{number}:"), uuid());
        }
    }

    /// Keeps what an answer held. `basename($x:)` keeps the last segment of a URL, `urlpath($x:)` its path.
    pub(crate) fn keep(&mut self, variable: &str, value: &str) {
        let function = |name: &str| variable.strip_prefix(name).and_then(|rest| rest.strip_suffix(')'));
        let (variable, value) = if let Some(inner) = function("basename(") {
            (inner, value.trim_end_matches('/').rsplit('/').next().unwrap_or_default())
        } else if let Some(inner) = function("urlpath(") {
            (inner, path_of(value))
        } else {
            (variable, value)
        };
        self.found.insert(variable.to_owned(), value.to_owned());
    }

    /// The text with every known variable replaced; others stay as they are.
    pub(crate) fn fill(&self, text: &str) -> String {
        let filled = self.fill_fixed(text);
        repeat(filled, |text| replace(text, |name| self.found.get(name).cloned()))
    }

    /// The same, without what was found in answers.
    pub(crate) fn fill_fixed(&self, text: &str) -> String {
        // One for a whole text: components of one object share it.
        let text = text.replace("$uidrandom:", &uuid());
        repeat(text, |text| replace(text, |name| self.computed(name).or_else(|| self.fixed.get(name).cloned())))
    }

    /// The same for a request's target: what the script writes is encoded where `quote` says so; what a server has given is a
    /// URL already, and goes out as it came.
    pub(crate) fn fill_target(&self, text: &str, quote: bool) -> String {
        let mut target = String::new();
        let mut in_query = false;
        for piece in pieces(&self.fill_fixed(text)) {
            match piece {
                Piece::Variable(name) => match self.found.get(name) {
                    Some(value) => target.push_str(value),
                    None => target.push_str(name),
                },
                Piece::Text(text) if !quote || in_query => target.push_str(text),
                Piece::Text(text) => match text.split_once('?') {
                    Some((path, query)) => {
                        in_query = true;
                        target.push_str(&encode(path));
                        target.push('?');
                        target.push_str(query);
                    }
                    None => target.push_str(&encode(text)),
                },
            }
        }
        target
    }

    /// The first variable that a text still has after all known ones were replaced.
    pub(crate) fn left_over(text: &str) -> Option<&str> {
        pieces(text).into_iter().find_map(|piece| match piece {
            Piece::Variable(name) => Some(name),
            Piece::Text(_) => None,
        })
    }

    fn computed(&self, name: &str) -> Option<String> {
        let rest = name.strip_prefix("$now.")?.strip_suffix(':')?;
        if let Some(years) = rest.strip_prefix("year.") {
            return Some((i64::from(self.today.year()) + years.parse::<i64>().ok()?).to_string());
        }
        if let Some(months) = rest.strip_prefix("month.") {
            let first = self.today.with_day(1)?;
            let offset: i32 = months.parse().ok()?;
            let months = Months::new(offset.unsigned_abs());
            let month = if offset < 0 { first.checked_sub_months(months) } else { first.checked_add_months(months) };
            return month.map(|month| month.format("%Y%m").to_string());
        }
        let (number, days_each) = match rest.strip_prefix("week.") {
            Some(weeks) => (weeks, 7),
            None => (rest, 1),
        };
        let offset = number.parse::<i64>().ok()?.checked_mul(days_each)?;
        let days = Days::new(offset.unsigned_abs());
        let day = if offset < 0 { self.today.checked_sub_days(days) } else { self.today.checked_add_days(days) };
        day.map(|day| day.format("%Y%m%d").to_string())
    }
}

/// A URL's path (and query), with scheme and host taken off.
pub(crate) fn path_of(url: &str) -> &str {
    let Some((scheme, rest)) = url.split_once("://") else { return url };
    if scheme.is_empty() || !scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) {
        return url;
    }
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

/// Text with all encoded that cannot stand in a path.
pub(crate) fn encode(text: &str) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const OTHERS: &AsciiSet =
        &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'[').add(b'\\').add(b']').add(b'^').add(b'`');
    const ENCODED: &AsciiSet = &OTHERS.add(b'{').add(b'|').add(b'}');
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Text with `%xx` decoded.
pub(crate) fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A random UUID.
pub(crate) fn uuid() -> String {
    let mut bytes = [0_u8; 16];
    // Only uniqueness within a run matters: should the machine have no randomness, the counter is enough.
    static COUNTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    if getrandom::fill(&mut bytes).is_err() {
        let number = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        bytes = (u128::from(number) | (u128::from(std::process::id()) << 64)).to_be_bytes();
    }
    let number = (u128::from_be_bytes(bytes) & !(0xF000 << 64) & !(0xC000 << 48)) | (0x4000 << 64) | (0x8000 << 48);
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// Cuts text into variables and what stands between them.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut plain_from, mut at) = (0, 0);
    while let Some(dollar) = text.get(at..).and_then(|rest| rest.find('$')).map(|offset| at + offset) {
        match variable(text.get(dollar..).unwrap_or_default()) {
            Some(name) => {
                pieces.push(Piece::Text(text.get(plain_from..dollar).unwrap_or_default()));
                pieces.push(Piece::Variable(name));
                plain_from = dollar + name.len();
                at = plain_from;
            }
            None => at = dollar + 1,
        }
    }
    pieces.push(Piece::Text(text.get(plain_from..).unwrap_or_default()));
    pieces
}

/// The variable at the beginning of a text.
fn variable(text: &str) -> Option<&str> {
    let name = text.get(..=text.find(':')?)?;
    let inner = name.strip_prefix('$')?.strip_suffix(':')?;
    let letters = inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && inner.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-' || (c == '.' && inner.starts_with("now.")));
    letters.then_some(name)
}

fn replace(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Variable(name) => value(name).unwrap_or_else(|| name.to_owned()),
        })
        .collect()
}

fn repeat(mut text: String, round: impl Fn(&str) -> String) -> String {
    for _ in 0..ROUNDS_MAX {
        if !text.contains('$') {
            break;
        }
        let next = round(&text);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn variables() -> Variables {
        let fixed = [("$root:", "/"), ("$home:", "$root:home/$user-1:"), ("$user-1:", "a b")];
        let fixed = fixed.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Variables::new(fixed, NaiveDate::from_ymd_opt(2026, 1, 31).unwrap())
    }

    #[test]
    fn variables_hold_variables_and_unknown_ones_stay() {
        assert_eq!(variables().fill("x$home:/$other:$"), "x/home/a b/$other:$");
        assert_eq!(variables().fill("$$home:"), "$/home/a b");
    }

    #[test]
    fn days_are_counted_from_one_day() {
        let filled = variables().fill("$now.year.1:|$now.month.1:|$now.month.-1:|$now.week.1:|$now.1:|$now.-31:|$now.year.-1:0102T");
        assert_eq!(filled, "2027|202602|202512|20260207|20260201|20251231|20250102T");
    }

    #[test]
    fn what_a_script_writes_is_encoded_and_what_a_server_gave_is_not() {
        let mut variables = variables();
        variables.keep("urlpath($new:)", "http://127.0.0.1:80/c/a%20b.ics");
        variables.keep("basename($name:)", "/x/y/");
        assert_eq!(variables.fill_target("$new:", true), "/c/a%20b.ics");
        assert_eq!(variables.fill_target("$home:/50%;x?a=b c&d=$name:", true), "/home/a%20b/50%25;x?a=b c&d=y");
        assert_eq!(variables.fill_target("$root:a%2Fb", false), "/a%2Fb");
    }

    #[test]
    fn uids_are_unique_and_change_when_asked() {
        let mut variables = variables();
        variables.renew_uids();
        let first = variables.fill("$uid1:");
        assert_eq!(first.len(), 36);
        assert_eq!(variables.fill("$uid1:"), first);
        assert_ne!(variables.fill("$uid2:"), first);
        variables.renew_uids();
        assert_ne!(variables.fill("$uid1:"), first);
        assert_ne!(variables.fill("$uidrandom:"), variables.fill("$uidrandom:"));
        let twice = variables.fill("$uidrandom: $uidrandom:");
        assert!(twice.split_once(' ').is_some_and(|(first, second)| first == second), "{twice}");
    }
}
