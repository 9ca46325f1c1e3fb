//! Collations for text-match (RFC 4791 §7.5): substring search under `i;ascii-casemap`, `i;octet` (RFC 4790 §9.2, §9.3) and
//! `i;unicode-casemap` (RFC 5051).
//!
//! Pure. Both sides are brought into the collation's canonical form and compared octet by octet.

use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;

/// A collation this server supports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Collation {
    /// `i;ascii-casemap`, the default: ASCII letters of either case are equal, all else by octet.
    #[default]
    AsciiCasemap,
    /// `i;octet`
    Octet,
    /// `i;unicode-casemap`
    UnicodeCasemap,
}

impl Collation {
    /// All, in the order in which `CALDAV:supported-collation-set` lists them.
    pub const ALL: [Self; 3] = [Self::AsciiCasemap, Self::Octet, Self::UnicodeCasemap];

    /// Its identifier in the registry of RFC 4790.
    pub const fn identifier(self) -> &'static str {
        match self {
            Self::AsciiCasemap => "i;ascii-casemap",
            Self::Octet => "i;octet",
            Self::UnicodeCasemap => "i;unicode-casemap",
        }
    }

    /// The collation `identifier` names; `default` is `i;ascii-casemap` (RFC 4791 §7.5).
    pub fn from_identifier(identifier: &str) -> Option<Self> {
        if identifier == "default" {
            return Some(Self::default());
        }
        Self::ALL.into_iter().find(|collation| collation.identifier() == identifier)
    }

    /// Whether `needle` is a substring of `haystack`. The empty text is a substring of every text.
    pub fn contains(self, haystack: &str, needle: &str) -> bool {
        self.canonical(haystack).contains(self.canonical(needle).as_ref())
    }

    /// The form in which texts are compared by octet.
    pub(crate) fn canonical(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Octet => Cow::Borrowed(text),
            Self::AsciiCasemap => Cow::Owned(text.to_ascii_uppercase()),
            Self::UnicodeCasemap => Cow::Owned(text.chars().map(simple_titlecase).nfkd().collect()),
        }
    }
}

/// The simple titlecase mapping of UnicodeData.txt, which maps one character to one (RFC 5051 §2). Rust has the uppercase
/// mappings; they differ from it for digraphs, for Greek with iota subscript and for Georgian.
fn simple_titlecase(character: char) -> char {
    match character {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        // Georgian letters are their own titlecase; capitals exist for headlines only.
        '\u{10D0}'..='\u{10FA}' | '\u{10FD}'..='\u{10FF}' => character,
        '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => shifted(character, 8),
        '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => shifted(character, 9),
        _ => {
            let mut upper = character.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(single), None) => single,
                // A mapping to several characters is a full mapping; the simple one is the character itself.
                _ => character,
            }
        }
    }
}

fn shifted(character: char, by: u32) -> char {
    char::from_u32(u32::from(character) + by).unwrap_or(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Collation, text, what is looked for, whether it is found.
    const TABLE: &[(Collation, &str, &str, bool)] = &[
        (Collation::AsciiCasemap, "Board meeting", "MEETING", true),
        (Collation::AsciiCasemap, "Board meeting", "greeting", false),
        (Collation::AsciiCasemap, "Board meeting", "", true),
        (Collation::AsciiCasemap, "", "", true),
        (Collation::AsciiCasemap, "", "a", false),
        (Collation::AsciiCasemap, "Déjeuner", "déj", true),
        // É and é are not ASCII, so they differ.
        (Collation::AsciiCasemap, "DÉJEUNER", "déjeuner", false),
        (Collation::Octet, "Board meeting", "meeting", true),
        (Collation::Octet, "Board meeting", "Meeting", false),
        (Collation::Octet, "Déjeuner", "é", true),
        (Collation::UnicodeCasemap, "DÉJEUNER", "déjeuner", true),
        // Composed and decomposed forms meet in NFKD.
        (Collation::UnicodeCasemap, "de\u{301}jeuner", "DÉJ", true),
        // A base letter is found below its accents: decomposition puts the accent after it.
        (Collation::UnicodeCasemap, "café", "CAFE", true),
        (Collation::UnicodeCasemap, "cafe", "café", false),
        // Compatibility forms: ligature, full width, superscript.
        (Collation::UnicodeCasemap, "o\u{FB03}ce", "OFFICE", false),
        (Collation::UnicodeCasemap, "ｍｅｅｔｉｎｇ", "Meeting", true),
        (Collation::UnicodeCasemap, "ＭＥＥＴＩＮＧ", "MEETING", true),
        // All three forms of a digraph are one.
        (Collation::UnicodeCasemap, "\u{1C4}", "\u{1C6}", true),
        (Collation::UnicodeCasemap, "\u{1C5}", "\u{1C6}", true),
        (Collation::UnicodeCasemap, "\u{1F80}", "\u{1F88}", true),
        // The simple mapping leaves the sharp s alone.
        (Collation::UnicodeCasemap, "Straße", "STRASSE", false),
        (Collation::UnicodeCasemap, "Straße", "STRAßE", true),
        (Collation::UnicodeCasemap, "Ζωή", "ΖΩΉ", true),
        (Collation::UnicodeCasemap, "встреча", "ВСТР", true),
    ];

    #[test]
    fn each_collation_finds_what_its_definition_calls_equal() {
        for (collation, text, needle, found) in TABLE {
            assert_eq!(collation.contains(text, needle), *found, "{} {text:?} {needle:?}", collation.identifier());
        }
    }

    #[test]
    fn identifiers_are_exact_and_default_is_ascii_casemap() {
        for collation in Collation::ALL {
            assert_eq!(Collation::from_identifier(collation.identifier()), Some(collation));
        }
        assert_eq!(Collation::from_identifier("default"), Some(Collation::AsciiCasemap));
        for unknown in ["", "i;ascii-case", "i;*", "i;ascii-numeric", "I;OCTET"] {
            assert_eq!(Collation::from_identifier(unknown), None, "{unknown}");
        }
    }
}
