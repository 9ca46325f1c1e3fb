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
