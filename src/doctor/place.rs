//! Addresses: what an administrator types, and where a `Location` or an href leads from there (RFC 3986 §5).

use http::Uri;

/// How the server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// In clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
    /// As in a URL.
    pub fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// One resource of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// How it is reached.
    pub scheme: Scheme,
    /// Name or address in lower case, an IPv6 address without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Begins with a slash; percent-encoded as it came.
    pub path: String,
}

/// What is no address of a CalDAV server; the text says why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoPlace(pub String);

impl Place {
    /// Reads what people type: without a scheme, `https` is meant.
    ///
    /// # Errors
    /// Not a URL of http or https, or one with a name and password in it.
    pub fn typed(text: &str) -> Result<Self, NoPlace> {
        let text = text.trim();
        let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        Self::absolute(&whole)
    }

    fn absolute(text: &str) -> Result<Self, NoPlace> {
        let text = text.split('#').next().unwrap_or_default();
        let uri: Uri = text.parse().map_err(|_| NoPlace("this is not a URL like https://cal.example.org/".into()))?;
        let scheme = match uri.scheme_str() {
            Some("https") => Scheme::Https,
            Some("http") => Scheme::Http,
            _ => return Err(NoPlace("only https:// and http:// can be examined".into())),
        };
        let authority = uri.authority().ok_or_else(|| NoPlace("the URL names no host".into()))?;
        if authority.as_str().contains('@') {
            return Err(NoPlace("leave the user name out of the URL: give it with --user".into()));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() {
            return Err(NoPlace("the URL names no host".into()));
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { scheme, host, port: authority.port_u16().unwrap_or_else(|| scheme.port()), path })
    }

    /// The same server, another path.
    pub fn at(&self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self.clone() }
    }

    /// Where a reference leads that was met in an answer from here.
    ///
    /// # Errors
    /// It is no reference to a web address.
    pub fn resolve(&self, reference: &str) -> Result<Self, NoPlace> {
        let reference = reference.trim().split('#').next().unwrap_or_default();
        if reference.starts_with("//") {
            return Self::absolute(&format!("{}:{reference}", self.scheme.word()));
        }
        if reference.starts_with('/') {
            return Ok(self.at(reference));
        }
        if reference.contains("://") {
            return Self::absolute(reference);
        }
        let directory = self.path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let mut segments: Vec<&str> = directory.split('/').skip(1).collect();
        let mut parts = reference.split('/').peekable();
        while let Some(part) = parts.next() {
            match part {
                "." | ".." => {
                    if part == ".." {
                        segments.pop();
                    }
                    if parts.peek().is_none() {
                        segments.push("");
                    }
                }
                part => segments.push(part),
            }
        }
        Ok(self.at(&format!("/{}", segments.join("/"))))
    }

    /// Whether a request there goes to the same server.
    pub fn same_origin(&self, other: &Self) -> bool {
        (self.scheme, &self.host, self.port) == (other.scheme, &other.host, other.port)
    }

    /// Host, and port where it is not the usual one.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == self.scheme.port() { host } else { format!("{host}:{}", self.port) }
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme.word(), self.authority(), self.path)
    }
}

/// Whether two paths name the same resource: percent-encoding and a final slash make no difference.
pub fn same_path(one: &str, other: &str) -> bool {
    plain(one) == plain(other)
}

/// A path decoded, without a final slash.
pub fn plain(path: &str) -> String {
    percent_encoding::percent_decode_str(path.trim_end_matches('/')).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn what_people_type_is_an_address() {
        let table = [
            ("cal.example.org", "https://cal.example.org/"),
            ("https://Cal.Example.org:8443/cal", "https://cal.example.org:8443/cal"),
            (" http://127.0.0.1:8008/dav/ ", "http://127.0.0.1:8008/dav/"),
            ("https://[::1]:443/", "https://[::1]/"),
        ];
        for (typed, address) in table {
            assert_eq!(Place::typed(typed).unwrap().to_string(), address, "{typed}");
        }
        for typed in ["", "ftp://x/", "https://", "https://alice:secret@x/", "https://a b/"] {
            let refusal = Place::typed(typed).unwrap_err();
            assert!(!refusal.0.contains("secret"), "{typed}: {refusal}");
        }
    }

    #[test]
    fn references_lead_where_rfc_3986_says() {
        let base = Place::typed("https://h:8443/a/b/c").unwrap();
        let table = [
            ("/dav/", "https://h:8443/dav/"),
            ("d", "https://h:8443/a/b/d"),
            ("./d/", "https://h:8443/a/b/d/"),
            ("../d", "https://h:8443/a/d"),
            ("..", "https://h:8443/a/"),
            ("../../../d", "https://h:8443/d"),
            ("//other/x", "https://other/x"),
            ("http://h/dav/#here", "http://h/dav/"),
        ];
        for (reference, place) in table {
            assert_eq!(base.resolve(reference).unwrap().to_string(), place, "{reference}");
        }
        assert!(base.resolve("mailto://x").is_err());
    }

    #[test]
    fn paths_are_compared_as_they_are_meant() {
        assert!(same_path("/dav/a%40b/", "/dav/a@b"));
        assert!(!same_path("/dav/a%2540b/", "/dav/a@b"));
    }
}
