//! Files that commands read: iCalendar and `apply` files.

use super::output::Failure;
use std::io::Read;
use std::path::{Path, PathBuf};
use storage::administration::{
    ApplyFile, CalendarEntry, GrantEntry, GroupEntry, ModuleEntry, RoleEntry, RoleExceptionEntry, SubscriptionEntry, UserEntry,
};
use toml::Value;

/// The text of a file, or of standard input for `-`.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Result<String, Failure> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        bytes
    } else {
        std::fs::read(path).map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?
    };
    String::from_utf8(bytes).map_err(|_| Failure::refused("invalid", format!("{} is not UTF-8", path.display())))
}

/// The .ics files of a directory and those below it, sorted; a file by itself; `-` by itself.
///
/// # Errors
/// A directory that cannot be read, or holds none.
pub fn calendar_files(source: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !source.is_dir() {
        return Ok(vec![source.to_owned()]);
    }
    let mut files = Vec::new();
    let mut directories = vec![source.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let entry = entry?;
            let path = entry.path();
            // Links are not followed: a loop would never end.
            if entry.file_type()?.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ics")) {
                files.push(path);
            }
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Failure::usage(format!("{} holds no .ics file", source.display())));
    }
    Ok(files)
}

/// An `apply` file with the line each entry begins on.
#[derive(Debug)]
pub struct ParsedApplyFile {
    /// What it says.
    pub file: ApplyFile,
    lines: Vec<(&'static str, usize)>,
}

/// Tables of which there may be many.
const TABLES: [&str; 8] = ["user", "group", "calendar", "subscription", "role", "role_exception", "module", "grant"];
/// The one that stands once.
const POLICY: &str = "policy";

impl ParsedApplyFile {
    /// The line and the table of an entry, for people.
    pub fn place(&self, table: &str, index: usize) -> String {
        let line = self.line_of(table, index).map(|line| format!("line {line}, ")).unwrap_or_default();
        if table == POLICY { format!("{line}[{table}]") } else { format!("{line}[[{table}]] number {}", index + 1) }
    }
    /// Where the `index`th entry of `table` begins, from 1.
    pub fn line_of(&self, table: &str, index: usize) -> Option<usize> {
        self.lines.iter().filter(|(name, _)| *name == table).nth(index).map(|(_, line)| *line)
    }
}

/// Reads an `apply` file.
///
/// # Errors
/// Not TOML, an unknown table or key, a value of the wrong kind: with table and line.
pub fn parse_apply_file(text: &str, name: &str) -> Result<ParsedApplyFile, Failure> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| line_at(text, span.start));
        Failure::refused("invalid", format!("{name}, line {line}: {}", error.message()))
    })?;
    let lines = entry_lines(text);
    let mut parsed = ParsedApplyFile { file: ApplyFile::default(), lines };
    for (key, value) in table {
        if key == POLICY {
            parsed.file.policy = value.try_into().map_err(|_| {
                let line = key_line(text, POLICY);
                Failure::refused("invalid", format!("{name}, line {line}: write [{POLICY}], and below it keys with words, true or false"))
            })?;
            continue;
        }
        let Some(table) = TABLES.into_iter().find(|known| *known == key) else {
            return Err(Failure::refused(
                "invalid",
                format!(
                    "{name}, line {}: unknown table `{key}`; there are [{POLICY}], {}",
                    key_line(text, &key),
                    TABLES.map(|table| format!("[[{table}]]")).join(", ")
                ),
            ));
        };
        let Value::Array(entries) = value else {
            let line = key_line(text, table);
            return Err(Failure::refused("invalid", format!("{name}, line {line}: write [[{table}]], with two brackets")));
        };
        for (index, entry) in entries.into_iter().enumerate() {
            let entry = without_datetimes(entry);
            let read = match table {
                "user" => UserEntry::deserialize_into(entry, &mut parsed.file.users),
                "group" => GroupEntry::deserialize_into(entry, &mut parsed.file.groups),
                "calendar" => CalendarEntry::deserialize_into(entry, &mut parsed.file.calendars),
                "role" => RoleEntry::deserialize_into(entry, &mut parsed.file.roles),
                "role_exception" => RoleExceptionEntry::deserialize_into(entry, &mut parsed.file.role_exceptions),
                "module" => ModuleEntry::deserialize_into(entry, &mut parsed.file.modules),
                "subscription" => SubscriptionEntry::deserialize_into(entry, &mut parsed.file.subscriptions),
                _ => GrantEntry::deserialize_into(entry, &mut parsed.file.grants),
            };
            if let Err(error) = read {
                let line = parsed.line_of(table, index).unwrap_or(1);
                return Err(Failure::refused(
                    "invalid",
                    format!("{name}, line {line}, [[{table}]] number {}: {}", index + 1, without_value(&error)),
                ));
            }
        }
    }
    Ok(parsed)
}

trait DeserializeInto: serde::de::DeserializeOwned {
    fn deserialize_into(value: Value, entries: &mut Vec<Self>) -> Result<(), serde_path_to_error::Error<toml::de::Error>> {
        entries.push(serde_path_to_error::deserialize(value)?);
        Ok(())
    }
}

impl<T: serde::de::DeserializeOwned> DeserializeInto for T {}

/// What is wrong with an entry, without the value that is wrong: it may be a password that stands at the wrong key.
fn without_value(error: &serde_path_to_error::Error<toml::de::Error>) -> String {
    let message = error.inner().message();
    match message.split_once("expected ") {
        Some((before, expected)) if !before.starts_with("unknown field") => format!("`{}`: expected {expected}", error.path()),
        _ => message.to_owned(),
    }
}

/// TOML has a type for moments; entries have them as RFC 3339 text, as JSON does.
fn without_datetimes(value: Value) -> Value {
    match value {
        Value::Datetime(moment) => Value::String(moment.to_string()),
        Value::Table(table) => Value::Table(table.into_iter().map(|(key, value)| (key, without_datetimes(value))).collect()),
        other => other,
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The first line that begins with a key, in brackets or not; the first of all if it is written in some other way.
fn key_line(text: &str, key: &str) -> usize {
    let begins = |line: &str| {
        let rest = line.trim_start_matches(['[', ' ', '\t']).strip_prefix(key);
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_' || next == '-'))
    };
    text.lines().position(begins).map_or(1, |index| index + 1)
}

/// Where `[[table]]` headers stand. Headers inside multi-line strings would be counted too: only a line number is at stake.
fn entry_lines(text: &str) -> Vec<(&'static str, usize)> {
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let inner = line.trim().strip_prefix("[[").and_then(|rest| rest.split("]]").next());
        if let Some(table) = inner.and_then(|inner| TABLES.into_iter().find(|known| *known == inner.trim())) {
            lines.push((table, number + 1));
        }
        let single = line.trim().strip_prefix('[').and_then(|rest| rest.split(']').next());
        if single.is_some_and(|single| single.trim() == POLICY) {
            lines.push((POLICY, number + 1));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const FILE: &str = r#"
[[user]]
name = "alice"
emails = ["alice@example.org"]

[[user]]
name = "bob"

[[calendar]]
owner = "alice"
name = "work"
default_privacy = "private"

[[grant]]
calendar = "alice/work"
user = "bob"
level = "free-busy"
private_events = "as-policy"
create = "as-level"
until = 2027-01-01T00:00:00Z
"#;

    #[test]
    fn the_contract_s_keys_are_read() {
        let parsed = parse_apply_file(FILE, "shares.toml").unwrap();
        assert_eq!(parsed.file.users.len(), 2);
        let grant = parsed.file.grants.first().unwrap();
        assert_eq!(grant.level, Some(acl::Level::FreeBusy));
        assert_eq!(grant.until.unwrap().to_rfc3339(), "2027-01-01T00:00:00+00:00");
        assert_eq!(parsed.line_of("user", 1), Some(6));
    }

    #[test]
    fn errors_name_table_and_line() {
        let failure = parse_apply_file(&FILE.replace("name = \"bob\"", "nome = \"bob\""), "shares.toml").unwrap_err();
        assert!(failure.message.contains("line 6") && failure.message.contains("[[user]]"), "{}", failure.message);
        let failure = parse_apply_file("[[user]]\nname = \"bob\"\n[[users]]\n", "shares.toml").unwrap_err();
        assert!(failure.message.contains("line 3: unknown table `users`"), "{}", failure.message);
        let failure = parse_apply_file("\n[user]\n", "shares.toml").unwrap_err();
        assert!(failure.message.contains("line 2: write [[user]]"), "{}", failure.message);
        let failure = parse_apply_file("[[user]]\nname = \n", "shares.toml").unwrap_err();
        assert!(failure.message.contains("line 2"), "{}", failure.message);
    }

    /// A password written at the key of another value stood in the message, and so in whatever keeps what a terminal shows.
    #[test]
    fn a_value_at_the_wrong_key_is_not_told() {
        for (entry, told) in [
            ("emails = \"correct-horse\"", "`emails`: expected a sequence"),
            ("emails = [\"a@example.org\", { secret = \"correct-horse\" }]", "`emails[1]`: expected a string"),
            ("quota_bytes = \"correct-horse\"", "`quota_bytes`: expected a number of bytes"),
            ("correct_key = \"correct-horse\"", "unknown field `correct_key`, expected one of"),
        ] {
            let failure = parse_apply_file(&format!("[[user]]\nname = \"bob\"\n{entry}\n"), "people.toml").unwrap_err();
            assert!(failure.message.contains(told) && !failure.message.contains("correct-horse"), "{}", failure.message);
        }
        let grant = "[[grant]]\ncalendar = \"alice/work\"\nlevel = \"correct-horse\"\n";
        let failure = parse_apply_file(grant, "people.toml").unwrap_err();
        assert!(failure.message.contains("`level`: expected one of") && !failure.message.contains("correct-horse"), "{}", failure.message);
    }
}
