//! Writing calendars of our own: canonical lines, folded at 75 octets, never inside a character (RFC 5545 §3.1).

/// Appends `name;params:value` folded, with CRLF. `head` is the name with its parameters, already well-formed.
pub fn push_line(out: &mut String, head: &str, value: &str) {
    let _ = (out, head, value);
    todo!()
}
