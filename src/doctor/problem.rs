//! The problems the doctor knows: for each a word for programs, what it is, and how it is mended.

/// Characters of what was seen that are told.
const SEEN_CHARACTERS_MAX: usize = 400;

macro_rules! problems {
    ($($(#[$doc:meta])* $kind:ident, $code:literal, $summary:literal, $mend:literal;)*) => {
        /// A problem, by its root.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// All of them, in the order in which they are told.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];
            /// A word for programs.
            pub fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)* }
            }
            /// What it is, for people.
            pub fn summary(self) -> &'static str {
                match self { $(Self::$kind => $summary,)* }
            }
            /// How it is mended.
            pub fn mend(self) -> &'static str {
                match self { $(Self::$kind => $mend,)* }
            }
        }
    };
}

problems! {
    /// One of several addresses is dead.
    AddressDead, "address-dead",
        "The name of the host leads to several addresses, and one of them does not answer.",
        "Take the dead address out of the DNS (often an AAAA record of a machine without IPv6), or serve on it: some clients try it first and wait.";
    /// The certificate's time is over.
    CertificateExpired, "certificate-expired",
        "The certificate has expired.",
        "Renew it, and have the proxy read it again. Where it renews itself, its log says why it did not.";
    /// The certificate's time has not come.
    CertificateNotYetValid, "certificate-not-yet-valid",
        "The certificate is not valid yet.",
        "Set the clock of this machine and of the one that made the certificate.";
    /// The certificate is another's.
    CertificateName, "certificate-name",
        "The certificate is for another host name.",
        "Use a certificate that names this host. Behind a proxy with several sites, this name has no site of its own yet and is answered by the first.";
    /// Nobody vouches for the certificate.
    CertificateUntrusted, "certificate-untrusted",
        "The certificate is not trusted.",
        "Serve the whole chain (`fullchain.pem`, not `cert.pem`) of a public authority. If your devices trust an authority of your own, name it with --ca FILE.";
    /// TLS does not come about.
    TlsBroken, "tls-broken",
        "No TLS connection comes about.",
        "Let the proxy speak TLS 1.2 or 1.3 on this port, with a certificate of version 3; or the port is one that speaks plain HTTP.";
    /// Passwords in clear.
    Cleartext, "cleartext",
        "The address is http: passwords and calendars cross the network in clear, and Apple Calendar keeps its password to itself.",
        "Serve over TLS, by the reverse proxy or by tls.cert and tls.key, and give clients the https address.";
    /// Plain HTTP leads to TLS.
    TypeHttps, "type-https",
        "The http address leads to https.",
        "Give clients the https address at once (a password sent to http has crossed the network before it is redirected), and examine that one.";
    /// The way is closed by a dead proxy.
    ServerSilent, "server-silent",
        "The proxy answers in the server's place: it cannot reach the server behind it.",
        "See that shoji runs and that the proxy names the address of `listen`. A proxy on another machine needs shoji to listen beyond loopback, with the proxy in trusted_proxies.";
    /// No answer.
    NoAnswer, "no-answer",
        "A request gets no answer in time.",
        "See what the proxy's log says of it: often it waits for a server that does not listen where it thinks.";
    /// Half an answer.
    AnswerCut, "answer-cut",
        "An answer breaks off.",
        "See the proxy's error log: full disks and unwritable buffer directories cut long answers, and so does a firewall that looks into them.";
    /// Something else answers.
    NotCalDav, "not-caldav",
        "Something other than a CalDAV server answers at this address.",
        "Pass `/dav/`, or all of the host, to shoji, and give clients that address; and pass `/.well-known/caldav`, so that the host name is enough.";
    /// A page to sign in.
    LoginPage, "login-page",
        "A page for browsers stands before the server: calendar clients cannot sign in there.",
        "Take the proxy's own sign-in (single sign-on, forward auth) away from these paths: shoji asks for name and password itself.";
    /// Open to all.
    NoPasswordAsked, "no-password-asked",
        "The server answers without a password.",
        "If the proxy adds an Authorization header of its own, everybody is that person: let it pass on what the client sends.";
    /// 401 without a challenge.
    ChallengeMissing, "challenge-missing",
        "The refusal (401) does not say how to sign in: `WWW-Authenticate: Basic` is missing.",
        "Let the proxy pass the header WWW-Authenticate and not put a page of its own in the place of 401 answers. Many clients send no password before they are asked.";
    /// The password does not arrive.
    AuthorizationStripped, "authorization-stripped",
        "The password does not arrive: something before the server takes the header Authorization away.",
        "Let the proxy pass Authorization. nginx: no `proxy_set_header Authorization`. Apache: `RequestHeader unset Authorization` and its own `AuthType` take it.";
    /// Wrong name or password.
    SignInRefused, "sign-in-refused",
        "The server refuses this name and password.",
        "Try the password, or set one: `shoji user passwd NAME`. If it is right, something before the server takes or replaces the header Authorization.";
    /// Too many failures.
    TooManyRequests, "too-many-requests",
        "The server, or something before it, wants fewer requests.",
        "Wait a minute and try again. If it stays so, loosen the proxy's rate limit: a client that sets up sends dozens of requests at once. Behind a proxy, set trusted_proxies, else all people count as one address.";
    /// The well-known address is not there.
    WellKnownMissing, "well-known-missing",
        "`/.well-known/caldav` leads nowhere: the host name alone is not enough to set up a client.",
        "Pass `/.well-known/caldav` to shoji, at the root of the host also where base_path is set.";
    /// It asks for a password.
    WellKnownAsksPassword, "well-known-asks-password",
        "`/.well-known/caldav` asks for a password before it says where the calendars are.",
        "Pass it to shoji, which redirects everybody, and take the proxy's own sign-in away from it.";
    /// It answers some methods only.
    WellKnownOneMethod, "well-known-one-method",
        "`/.well-known/caldav` redirects one method and not the other.",
        "Pass it to shoji with every method: clients ask it with PROPFIND and with GET.";
    /// It leads to the wrong place.
    WellKnownTarget, "well-known-target",
        "`/.well-known/caldav` leads to a place where no CalDAV server answers.",
        "Pass it to shoji rather than redirect in the proxy. If what stands before `/dav/` outside is not known to shoji, set base_path to it.";
    /// https to http.
    RedirectToHttp, "redirect-to-http",
        "A redirect leads from https to http: no client follows it with a password.",
        "Let shoji redirect (its Location has no scheme), or write a Location without scheme and host in the proxy: nginx `absolute_redirect off`, Apache `ServerName https://HOST`.";
    /// Without the port.
    RedirectLosesPort, "redirect-loses-port",
        "A redirect loses the port.",
        "Let shoji redirect (its Location has no host), or write a Location without scheme and host: nginx `absolute_redirect off`, `$http_host` where it says `$host`.";
    /// To another host.
    RedirectElsewhere, "redirect-elsewhere",
        "A redirect leads to another host.",
        "If that is meant, give clients that address and examine it; the password was not sent there. If not, the proxy makes Location out of the address behind it: pass Host, or write a Location without scheme and host.";
    /// In a circle.
    RedirectBroken, "redirect-broken",
        "A redirect leads round in circles, or nowhere.",
        "Take the proxy's own redirects away from these paths.";
    /// For want of a slash.
    SlashRedirect, "slash-redirect",
        "A redirect adds or takes a final slash.",
        "Pass such requests to shoji, which knows collections by both names: Apache `DirectorySlash Off`, nginx a location that ends without a slash.";
    /// The path before /dav/.
    BasePath, "base-path",
        "What stands before `/dav/` outside and what shoji writes in its links differ.",
        "Set base_path in shoji's configuration to just what clients see before `/dav/`, like `/cal`, and have the proxy pass that path.";
    /// Links to another host.
    LinkElsewhere, "link-elsewhere",
        "Links in the answers lead to another host or scheme.",
        "Links of shoji bear no host: something rewrites its answers. Take that away; for another server, pass it Host and X-Forwarded-Proto.";
    /// The path is encoded anew.
    PathMangled, "path-mangled",
        "The proxy decodes or encodes the path anew, and names with special characters are not found.",
        "Pass the path as it came. nginx: `proxy_pass` without a path behind the port. Apache: `nocanon` and `AllowEncodedSlashes NoDecode`.";
    /// A method is refused.
    MethodRefused, "method-refused",
        "Methods are refused, by something before the server or by a server that does not know them.",
        "Let all methods through. nginx: no `limit_except`, no `dav_methods`. Apache: no `<Limit>` or `<LimitExcept>`. Application firewalls allow only GET and POST until told otherwise.";
    /// A client is refused.
    AgentRefused, "agent-refused",
        "Requests are refused by the name of the client (User-Agent).",
        "Take rules about User-Agent away from these paths; bot filters know browsers and not calendar programs.";
    /// OPTIONS is answered by something else.
    DavHeaderMissing, "dav-header-missing",
        "The answer to OPTIONS does not say that this is a CalDAV server (header DAV with calendar-access).",
        "Pass OPTIONS to shoji, and the header DAV of its answer. Often the proxy answers OPTIONS itself, for CORS.";
    /// OPTIONS has another status.
    OptionsStatus, "options-status",
        "OPTIONS is not answered with 200.",
        "Pass OPTIONS to shoji, also when it is signed in.";
    /// No XML.
    AnswerUnreadable, "answer-unreadable",
        "An answer to PROPFIND or REPORT is not what WebDAV wants (207 with XML).",
        "Something rewrites answers or puts pages of its own in their place (`proxy_intercept_errors`, `ProxyErrorOverride`): take it away from these paths.";
    /// The server lacks something.
    ServerLacks, "server-lacks",
        "The server's answers lack what clients need.",
        "No proxy does this as a rule: it is the server's to mend. Of shoji, please report it as a defect.";
    /// Conditions are lost.
    ConditionsStripped, "conditions-stripped",
        "Conditions do not arrive (If-Match, If-None-Match): two people who change one event would overwrite each other.",
        "Let the proxy pass these headers; take a cache away from these paths.";
    /// Bytes are changed on the way.
    Compression, "compression",
        "The proxy compresses events: entity tags are changed on the way or stand for other bytes, and clients load events again and again.",
        "No compression here. nginx: `gzip off;`. Apache: `SetEnv no-gzip 1`. Caddy: no `encode` for these paths.";
    /// Compressed though nobody asked.
    EncodingForced, "encoding-forced",
        "Answers are compressed though the client did not ask for it.",
        "No compression here; a cache must keep compressed answers apart from others (`Vary: Accept-Encoding`).";
    /// No tag.
    TagMissing, "tag-missing",
        "An event comes without its entity tag (ETag).",
        "Let the proxy pass ETag: filters that change bodies take it away.";
    /// From a cache.
    Cached, "cached",
        "An answer comes from a cache.",
        "No caching here (nginx `proxy_cache off`, Varnish `pass`): what one person sees is not what another may see.";
    /// Large bodies.
    BodyLimit, "body-limit",
        "The proxy refuses bodies that the server takes.",
        "Raise its limit to 5 MB: nginx `client_max_body_size 5m`, Caddy `request_body max_size`, ModSecurity `SecRequestBodyLimit`.";
    /// Chunked bodies.
    ChunkedRefused, "chunked-refused",
        "Bodies without a length told beforehand (chunked) are refused; Apple's programs and curl send such.",
        "Let the proxy accept `Transfer-Encoding: chunked`.";
    /// Expect.
    ExpectRefused, "expect-refused",
        "`Expect: 100-continue` is refused.",
        "Let the proxy answer it or pass it on; old proxies and some firewalls do neither.";
    /// Destination.
    DestinationRefused, "destination-refused",
        "Moving and copying is refused: the server does not know itself by the name that stands in Destination.",
        "Pass the name clients use: nginx `proxy_set_header Host $http_host`, Apache `ProxyPreserveHost On`; or set external_url in shoji's configuration.";
    /// HTTP/2.
    Http2Broken, "http2-broken",
        "Over HTTP/2 a request fails that HTTP/1.1 answers.",
        "Update the proxy, or switch HTTP/2 off for this host.";
    /// A write is not done.
    WriteFailed, "write-failed",
        "Writing a calendar of its own failed.",
        "See what was answered; `shoji check` looks at the store, and the log says what failed inside.";
    /// Anything else.
    Unexpected, "unexpected",
        "An answer is not what any client expects.",
        "See the logs of the proxy and of shoji for this request.";
}

/// A problem met, with what was seen of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What it is.
    pub kind: Kind,
    /// The request and what came back.
    pub seen: String,
}

impl Trouble {
    /// A problem met. What a server says at length is cut short.
    pub fn new(kind: Kind, seen: impl AsRef<str>) -> Self {
        Self { kind, seen: told(seen.as_ref()) }
    }
}

/// What a server wrote may hold anything, megabytes of it: nothing reaches the reader's terminal that moves, hides or turns
/// round other text, and not more than can be read.
pub(super) fn told(text: &str) -> String {
    let hides = |c: char| {
        let formats = matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        c.is_control() || formats
    };
    let mut chars = text.chars().map(|c| if hides(c) { '?' } else { c });
    let mut told: String = chars.by_ref().take(SEEN_CHARACTERS_MAX).collect();
    if chars.next().is_some() {
        told.push('…');
    }
    told
}

/// How much it matters to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// Set-up goes through; something does not work.
    Hampers,
    /// It cannot be set up, or synchronizes nothing.
    Fails,
}

#[cfg(test)]
mod tests {
    use super::Kind;
    use std::collections::BTreeSet;

    #[test]
    fn every_problem_has_a_word_of_its_own_and_whole_sentences() {
        let codes: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert!(kind.code().bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{kind:?}");
            assert!(kind.summary().ends_with('.') && kind.mend().ends_with('.'), "{kind:?}");
        }
    }
}
