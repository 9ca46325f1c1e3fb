//! Which program a request comes from, as it says itself: a word for the owner's history and journal, believed by nothing
//! that decides.

use serde::{Deserialize, Serialize};

/// A client's name is cut at so many bytes.
const CLIENT_BYTES_MAX: usize = 64;

/// A client's own name: one line of at most 64 printable ASCII characters, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClientName(String);

impl ClientName {
    /// The command line of the machine itself.
    pub fn command_line() -> Self {
        Self("shoji".to_owned())
    }
    /// Stands for all further clients where too many different ones are told apart.
    pub(crate) fn others() -> Self {
        Self("others".to_owned())
    }
    /// From a `User-Agent` header (RFC 9110 §10.1.5): what cannot be printed is left out, what is too long cut.
    pub fn from_user_agent(value: &[u8]) -> Self {
        let printable = value.iter().copied().filter(|byte| byte.is_ascii_graphic() || *byte == b' ').map(char::from);
        Self(printable.take(CLIENT_BYTES_MAX).collect::<String>().trim().to_owned())
    }
    /// Empty where the client said nothing.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_short_printable_line_whatever_is_sent() {
        assert_eq!(ClientName::from_user_agent(b"DAVx5/4.4 (dav4jvm)").as_str(), "DAVx5/4.4 (dav4jvm)");
        assert_eq!(ClientName::from_user_agent(b"\tkhal\r\nX: y\xff\x1b[0m").as_str(), "khalX: y[0m");
        assert_eq!(ClientName::from_user_agent(&[b'a'; 5000]).as_str().len(), CLIENT_BYTES_MAX);
        assert_eq!(ClientName::from_user_agent(b" \x00 "), ClientName::default());
    }
}
