//! A quota as an argument.

use storage::administration::QuotaEntry;
use storage::administration::entry::QuotaWord;

/// A quota: bytes with a unit of 1024 or none, or a word.
pub(super) fn quota(argument: &str) -> Result<QuotaEntry, String> {
    let units = [('K', 1_u64 << 10), ('M', 1 << 20), ('G', 1 << 30), ('T', 1 << 40)];
    let unit = units.into_iter().find(|(unit, _)| argument.ends_with([*unit, unit.to_ascii_lowercase()]));
    let digits = argument.get(..argument.len().saturating_sub(usize::from(unit.is_some())));
    match argument {
        "default" => Ok(QuotaEntry::Word(QuotaWord::Default)),
        "unlimited" => Ok(QuotaEntry::Word(QuotaWord::Unlimited)),
        _ => digits
            .and_then(|digits| digits.parse::<u64>().ok())
            .and_then(|number| number.checked_mul(unit.map_or(1, |(_, bytes)| bytes)))
            .map(QuotaEntry::Bytes)
            .ok_or_else(|| "a number of bytes, like 500M or 2G, or `default` or `unlimited`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_bytes_with_or_without_a_unit_or_a_word() {
        for (argument, read) in [
            ("0", Some(QuotaEntry::Bytes(0))),
            ("1500", Some(QuotaEntry::Bytes(1_500))),
            ("500M", Some(QuotaEntry::Bytes(500 << 20))),
            ("2g", Some(QuotaEntry::Bytes(2 << 30))),
            ("default", Some(QuotaEntry::Word(QuotaWord::Default))),
            ("unlimited", Some(QuotaEntry::Word(QuotaWord::Unlimited))),
            ("", None),
            ("M", None),
            ("-1", None),
            ("1.5G", None),
            ("20000000T", None),
            ("9é", None),
        ] {
            assert_eq!(quota(argument).ok(), read, "{argument}");
        }
    }
}
