//! `shoji export`: a directory that other programs read, and `apply` and `import` bring back. Whatever stood there before is
//! whole until what takes its place is on the disk.

use super::{Failure, IfAbsent, Session, progress};
use crate::cli::output;
use crate::command::Command;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use storage::administration::{ApplyFile, CalendarEntry, ExportedText};

/// The file beside the directories of owners.
const APPLY_FILE: &str = "shoji.toml";
/// Bytes of a calendar's name in the name of its file.
const NAME_BYTES_MAX: usize = 200;

impl Session {
    pub(super) fn export(&mut self, user: Option<String>, out: &Path) -> Result<(), Failure> {
        let value = self.command(Command::ExportApplyFile { user }, IfAbsent::Refuse)?;
        let file: ApplyFile = serde_json::from_value(value).map_err(|_| other_version())?;
        std::fs::create_dir_all(out).map_err(|error| at(out, &error))?;
        let bar = progress(file.calendars.len() as u64);
        let (mut objects, mut left_out) = (0, 0);
        for calendar in &file.calendars {
            let name = format!("{}/{}", calendar.owner, calendar.name);
            let value = self.command(Command::ExportCalendar { calendar: name }, IfAbsent::Refuse)?;
            let export: ExportedText = serde_json::from_value(value).map_err(|_| other_version())?;
            write_calendar(out, calendar, &export.text)?;
            objects += export.objects;
            left_out += export.unreadable;
            if export.unreadable > 0 && !self.json {
                output::remark(&format!("{}/{}: objects that cannot be read: {}", calendar.owner, calendar.name, export.unreadable));
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        write_apply_file(out, &file)?;
        let value = json!({
            "out": out.display().to_string(),
            "users": file.users.len(),
            "calendars": file.calendars.len(),
            "objects": objects,
            "left_out": left_out,
        });
        self.done(
            &value,
            &format!(
                "wrote {} calendars with {objects} objects, and {APPLY_FILE} for `shoji apply`, to {}",
                file.calendars.len(),
                out.display()
            ),
        )?;
        match left_out {
            0 => Ok(()),
            number => Err(Failure::refused(
                "left-out",
                format!("objects that cannot be read and are not in the export: {number}; `shoji check` names them"),
            )),
        }
    }
}

fn other_version() -> Failure {
    Failure::refused("internal", "the server is of another version")
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::refused("failed", format!("{}: {error}", path.display()))
}

/// Writes one calendar as `OWNER/NAME.ics`.
fn write_calendar(out: &Path, calendar: &CalendarEntry, text: &str) -> Result<(), Failure> {
    let directory = out.join(directory_name(&calendar.owner));
    match std::fs::symlink_metadata(&directory) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(Failure::refused("failed", format!("{} is in the way: it is no directory", directory.display()))),
        Err(_) => std::fs::create_dir_all(&directory).map_err(|error| at(&directory, &error))?,
    }
    write_private(&directory, &format!("{}.ics", file_name(&calendar.name)), text)
}

/// Writes `shoji.toml`, which says at its head where each calendar is.
fn write_apply_file(out: &Path, file: &ApplyFile) -> Result<(), Failure> {
    let entries = toml::to_string(file).map_err(|error| Failure::refused("internal", error.to_string()))?;
    let mut text = String::new();
    if !file.calendars.is_empty() {
        text.push_str("# Calendars and their files, for `shoji import CALENDAR FILE`:\n");
        for calendar in &file.calendars {
            let (name, path) = (format!("{}/{}", calendar.owner, calendar.name), path_of(calendar));
            text.push_str(&format!("# {} = {}\n", json!(name), json!(path)));
        }
        text.push('\n');
    }
    write_private(out, APPLY_FILE, &(text + &entries))
}

/// Where a calendar's file stands below the directory.
fn path_of(calendar: &CalendarEntry) -> String {
    format!("{}/{}.ics", directory_name(&calendar.owner), file_name(&calendar.name))
}

/// A user's directory: his name, which is a harmless path segment, unless a file has that name. No user's name has a `%`.
fn directory_name(owner: &str) -> String {
    if owner == APPLY_FILE { format!("%{owner}") } else { owner.to_owned() }
}

/// A name as one harmless path segment: what is not a letter, digit, `.`, `_`, `-` or `@` is percent-encoded, and a name that
/// would become too long stands as a hash. No two names become the same: `%` is followed by two upper-case digits or by `long`.
fn file_name(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
    let mut encoded: String =
        name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect();
    if encoded.starts_with('.') {
        encoded.replace_range(..1, "%2E");
    }
    if encoded.len() > NAME_BYTES_MAX {
        encoded = format!("%long-{}", blake3::hash(name.as_bytes()).to_hex());
    }
    encoded
}

/// Writes a file that its owner alone can read: beside its place first, and in its place when it is on the disk. A link that
/// stands there is replaced, and what it points to is left alone.
fn write_private(directory: &Path, name: &str, text: &str) -> Result<(), Failure> {
    // No user and no calendar is called so.
    let part = directory.join(format!(".{name}%part"));
    write_part(&part, text)
        .map_err(|error| at(&part, &error))
        .and_then(|()| {
            let path = directory.join(name);
            std::fs::rename(&part, &path).map_err(|error| at(&path, &error))?;
            File::open(directory).and_then(|directory| directory.sync_all()).map_err(|error| at(directory, &error))
        })
        .inspect_err(|_| drop(std::fs::remove_file(&part)))
}

fn write_part(part: &PathBuf, text: &str) -> std::io::Result<()> {
    // What an interrupted export left.
    match std::fs::remove_file(part) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::collections::BTreeSet;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn calendar(owner: &str, name: &str) -> CalendarEntry {
        CalendarEntry { owner: owner.into(), name: name.into(), ..CalendarEntry::default() }
    }

    #[test]
    fn leak_105_what_is_exported_is_for_its_owner_s_eyes() {
        let out = tempfile::tempdir().unwrap();
        let path = out.path().join("alice/work.ics");
        std::fs::create_dir(out.path().join("alice")).unwrap();
        std::fs::write(&path, "of an earlier export").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        write_calendar(out.path(), &calendar("alice", "work"), "BEGIN:VCALENDAR").unwrap();
        write_apply_file(out.path(), &ApplyFile::default()).unwrap();
        for path in [path, out.path().join("shoji.toml")] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    /// A disk that was full left an earlier export cut off: the file was emptied before the new text was on the disk.
    #[test]
    fn an_export_that_fails_leaves_the_earlier_one_and_says_where() {
        let out = tempfile::tempdir().unwrap();
        write_calendar(out.path(), &calendar("alice", "work"), "the earlier one").unwrap();
        let part = out.path().join("alice/.work.ics%part");
        // Cannot be removed, nor written.
        std::fs::create_dir_all(part.join("in the way")).unwrap();
        let failure = write_calendar(out.path(), &calendar("alice", "work"), "the new one").unwrap_err();
        assert!(failure.message.contains("alice/.work.ics%part"), "{}", failure.message);
        assert_eq!(std::fs::read_to_string(out.path().join("alice/work.ics")).unwrap(), "the earlier one");
        std::fs::remove_dir_all(&part).unwrap();
        std::fs::write(&part, "of an interrupted export").unwrap();
        write_calendar(out.path(), &calendar("alice", "work"), "the new one").unwrap();
        assert_eq!(std::fs::read_to_string(out.path().join("alice/work.ics")).unwrap(), "the new one");
        assert!(!part.exists());
    }

    #[test]
    fn links_are_not_written_through() {
        let (out, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let target = elsewhere.path().join("precious");
        std::fs::write(&target, "precious").unwrap();
        std::fs::create_dir(out.path().join("alice")).unwrap();
        symlink(&target, out.path().join("alice/work.ics")).unwrap();
        symlink(&target, out.path().join("alice/.work.ics%part")).unwrap();
        write_calendar(out.path(), &calendar("alice", "work"), "BEGIN:VCALENDAR").unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
        assert_eq!(std::fs::read_to_string(out.path().join("alice/work.ics")).unwrap(), "BEGIN:VCALENDAR");
        symlink(elsewhere.path(), out.path().join("bob")).unwrap();
        let failure = write_calendar(out.path(), &calendar("bob", "work"), "BEGIN:VCALENDAR").unwrap_err();
        assert!(failure.message.contains("bob is in the way"), "{}", failure.message);
        assert!(!elsewhere.path().join("work.ics").exists());
    }

    /// A calendar that was called as the hash of another's long name took its file.
    #[test]
    fn no_two_calendars_have_one_file() {
        let long = "x".repeat(201);
        let hash = blake3::hash(long.as_bytes()).to_hex().to_string();
        let escaped = [format!("%long-{hash}"), format!("%25long-{hash}")];
        let names = [&long, &hash, &escaped[0], &escaped[1], " lead", "%20lead", "lead", ".lead", "%2Elead", "%2elead", "ü", "%C3%BC"];
        let files: BTreeSet<String> = names.iter().map(|name| path_of(&calendar("alice", name))).collect();
        assert_eq!(files.len(), names.len(), "{files:?}");
        assert!(files.contains("alice/%20lead.ics") && files.iter().all(|file| file.len() <= 220), "{files:?}");
    }
}
