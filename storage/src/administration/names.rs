//! Names and addresses as an administrator writes them.

use crate::authorized::is_mount_name;
use crate::error::{Error, Result};

/// Bytes of the name of a user or group.
const NAME_BYTES_MAX: usize = 64;
/// Bytes of an address (RFC 5321 §4.5.3.1.3, without the brackets).
const ADDRESS_BYTES_MAX: usize = 254;
/// Bytes of a display name.
const DISPLAY_NAME_BYTES_MAX: usize = 1_024;

/// A refusal in words for the administrator.
pub(super) fn invalid<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::Invalid(message.into()))
}

/// The name of a user or group: a path segment in lower case.
pub(super) fn check_principal_name(name: &str) -> Result<()> {
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && !is_dots(name);
    if fits && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-')) {
        return Ok(());
    }
    invalid(format!("the name {name:?} is not 1 to {NAME_BYTES_MAX} of the characters a-z 0-9 . _ -"))
}

/// The name of a calendar: any path segment, because clients that make calendars choose what they like.
pub(super) fn check_calendar_name(name: &str, bytes_max: usize) -> Result<()> {
    if name.is_empty() || name.len() > bytes_max || is_dots(name) || name.chars().any(|c| c == '/' || c.is_control()) {
        return invalid(format!("the calendar name {name:?} is not a path segment of 1 to {bytes_max} bytes"));
    }
    Ok(())
}

/// The name that a calendar is given now: none that the server could give a calendar shared with its owner.
pub(super) fn check_new_calendar_name(name: &str, bytes_max: usize) -> Result<()> {
    check_calendar_name(name, bytes_max)?;
    if is_mount_name(name) {
        return invalid(format!("the calendar name {name:?} has the form of those that the server gives: choose another"));
    }
    Ok(())
}

fn is_dots(name: &str) -> bool {
    matches!(name, "." | "..")
}

/// A display name: one line.
pub(super) fn check_display_name(name: &str) -> Result<()> {
    if name.len() > DISPLAY_NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return invalid(format!("a display name is one line of up to {DISPLAY_NAME_BYTES_MAX} bytes"));
    }
    Ok(())
}

/// An e-mail address as it is stored: lower case, without `mailto:`.
pub(super) fn address(given: &str) -> Result<String> {
    let address = given.strip_prefix("mailto:").unwrap_or(given).to_lowercase();
    let plain = address.len() <= ADDRESS_BYTES_MAX
        && !address.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"'));
    let halves = address.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !local.contains('@') && !domain.is_empty() && !domain.starts_with('.') && !domain.ends_with('.')
    });
    if plain && halves { Ok(address) } else { invalid(format!("{given:?} is not an e-mail address")) }
}

/// Addresses as they are stored, in their order, each once.
pub(super) fn addresses(given: &[String]) -> Result<Vec<String>> {
    let mut addresses: Vec<String> = Vec::with_capacity(given.len());
    for one in given {
        let one = address(one)?;
        if !addresses.contains(&one) {
            addresses.push(one);
        }
    }
    Ok(addresses)
}

/// A password as it is stored: argon2 in PHC form (the only one that sign-in verifies).
pub(super) fn check_password_hash(hash: &str) -> Result<()> {
    let plain = hash.len() <= 512 && hash.bytes().all(|b| b.is_ascii_graphic());
    if plain && hash.starts_with("$argon2") { Ok(()) } else { invalid("password_hash is not an argon2 PHC string ($argon2id$…)") }
}

/// `OWNER/NAME` of a calendar.
pub(super) fn calendar_path(path: &str) -> Result<(&str, &str)> {
    match path.split_once('/') {
        Some((owner, name)) if !owner.is_empty() && !name.is_empty() => Ok((owner, name)),
        _ => invalid(format!("{path:?} is not OWNER/NAME of a calendar")),
    }
}
