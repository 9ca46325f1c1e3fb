//! Paths of the interface as segments: split at `/` first, each decoded once. What would not survive this round names nothing.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986 §2.3 and the colon, which separates kind and name of a grantee.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');
/// Segments of a path.
const SEGMENTS_MAX: usize = 16;
/// Bytes of a decoded segment.
const SEGMENT_BYTES_MAX: usize = 255;

/// The segments below [`super::ROOT`]; none for the root itself. `None`: nothing can stand there.
pub(super) fn segments(path: &str) -> Option<Vec<String>> {
    let below = path.strip_prefix(super::ROOT)?;
    if below.is_empty() {
        return Some(Vec::new());
    }
    let raw: Vec<&str> = below.split('/').take(SEGMENTS_MAX + 1).collect();
    if raw.len() > SEGMENTS_MAX {
        return None;
    }
    raw.into_iter().map(decoded).collect()
}

fn decoded(raw: &str) -> Option<String> {
    let mut bytes = raw.bytes();
    let hex = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
    while let Some(byte) = bytes.next() {
        if byte == b'%' && !(hex(bytes.next()) && hex(bytes.next())) {
            return None;
        }
    }
    let segment = percent_decode_str(raw).decode_utf8().ok()?;
    let stands = !segment.is_empty() && segment != "." && segment != ".." && segment.len() <= SEGMENT_BYTES_MAX;
    (stands && !segment.contains(['/', '\\']) && !segment.chars().any(char::is_control)).then(|| segment.into_owned())
}

/// One segment as it stands in a path.
pub(super) fn encoded(segment: &str) -> String {
    utf8_percent_encode(segment, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_once_and_what_would_name_something_else_names_nothing() {
        let read = |path: &str| segments(path).map(|segments| segments.join("|"));
        assert_eq!(read("/api/v1/"), Some(String::new()));
        assert_eq!(read("/api/v1/calendars/alice/my%20work/grants").as_deref(), Some("calendars|alice|my work|grants"));
        assert_eq!(read("/api/v1/%2563").as_deref(), Some("%63"), "once");
        let too_long = format!("/api/v1/{}", "a".repeat(256));
        let too_deep = format!("/api/v1/{}", "a/".repeat(17));
        for wrong in [
            "/api/v1",
            "/api/v2/",
            "/api/v1//",
            "/api/v1/a/",
            "/api/v1/a//b",
            "/api/v1/../x",
            "/api/v1/%2e%2E/x",
            "/api/v1/a%2Fb",
            "/api/v1/%00",
            "/api/v1/%0d%0a",
            "/api/v1/%ff",
            "/api/v1/%4",
            "/api/v1/%zz",
            "/api/v1/a%5cb",
            &too_long,
            &too_deep,
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        for name in ["work", "a b", "ä", "user:bob", "100%", "a;b?c#d"] {
            assert_eq!(read(&format!("/api/v1/{}", encoded(name))).as_deref(), Some(name));
        }
    }
}
