//! Writing calendars of our own: canonical lines, folded at 75 octets, never inside a character (RFC 5545 §3.1).
//!
//! Nothing a client sent passes through here.

/// Octets of one physical line, its end not counted.
const LINE_BYTES_MAX: usize = 75;

/// Appends `head:value` folded, with CRLF. `head` is the name with its parameters, already well-formed, and `value` is
/// escaped already where its type is TEXT. Control characters other than tab are left out: no value can begin a line.
pub fn push_line(out: &mut String, head: &str, value: &str) {
    out.reserve(head.len() + value.len() + 3);
    let mut octets = 0;
    let characters = head.chars().chain(std::iter::once(':')).chain(value.chars());
    for character in characters.filter(|character| *character == '\t' || !character.is_control()) {
        if octets + character.len_utf8() > LINE_BYTES_MAX {
            out.push_str("\r\n ");
            octets = 1;
        }
        out.push(character);
        octets += character.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed parse is the failure of the test")]
    use super::*;
    use crate::content_line::{ParseLimits, escape_text, parse, unescape_text};
    use proptest::prelude::*;

    #[test]
    fn short_lines_stay_whole_and_long_ones_are_folded_between_characters() {
        let mut out = String::new();
        push_line(&mut out, "SUMMARY", "x");
        push_line(&mut out, "DESCRIPTION;LANGUAGE=de", &"ü€".repeat(40));
        assert!(out.starts_with("SUMMARY:x\r\nDESCRIPTION;LANGUAGE=de:ü€"));
        assert!(out.split("\r\n").all(|line| line.len() <= LINE_BYTES_MAX));
        assert_eq!(out.replace("\r\n ", "").lines().count(), 2);
    }

    #[test]
    fn a_value_cannot_begin_a_line_of_its_own() {
        let mut out = String::new();
        push_line(&mut out, "SUMMARY", "x\r\nCLASS:PUBLIC\0\u{85}");
        assert_eq!(out, "SUMMARY:xCLASS:PUBLIC\r\n");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(title in "\\PC{0,120}") {
            let mut out = String::from("BEGIN:VEVENT\r\n");
            push_line(&mut out, "SUMMARY", &escape_text(&title));
            out.push_str("END:VEVENT\r\n");
            let event = parse(&out, &ParseLimits::default()).unwrap();
            prop_assert_eq!(event.lines.len(), 1);
            let kept: String = title.chars().filter(|character| !character.is_control()).collect();
            prop_assert_eq!(unescape_text(&event.line("SUMMARY").unwrap().value), kept);
        }
    }
}
