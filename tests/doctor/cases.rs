//! Each problem that the doctor knows, with a proxy that makes it.

use super::proxy::{After, Before, Certificate, Cut, Silence, page};
use super::{Case, HEALTHY, https};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response};
use shoji::doctor::Writing;
use std::time::Duration;

/// Problems of connections.
pub fn connections() -> Vec<(&'static str, Case)> {
    let certificate = |certificate| Case { certificate, ..HEALTHY };
    vec![
        ("certificate-expired", certificate(Certificate::Expired)),
        ("certificate-not-yet-valid", certificate(Certificate::NotYetValid)),
        ("certificate-name", certificate(Certificate::OtherName)),
        ("certificate-untrusted", Case { trusted: false, ..HEALTHY }),
        ("tls-broken", certificate(Certificate::Absent)),
        (
            "type-https",
            Case {
                certificate: Certificate::Absent,
                typed: |proxy| format!("http://{}/", proxy.address),
                before: |_| page(301, &[("location", "https://127.0.0.1/dav/")], ""),
                ..HEALTHY
            },
        ),
        ("server-silent", Case { before: |_| page(502, &[("server", "nginx")], "Bad Gateway"), ..HEALTHY }),
        (
            "no-answer",
            Case {
                patience: Duration::from_secs(2),
                after: |asked, response| {
                    if is(asked, "OPTIONS", "") && asked.headers["user-agent"] == "Evolution/3.52.3" {
                        response.extensions_mut().insert(Silence);
                    }
                },
                ..HEALTHY
            },
        ),
        (
            "answer-cut",
            Case {
                after: |asked, response| {
                    if is(asked, "REPORT", "") {
                        response.extensions_mut().insert(Cut);
                    }
                },
                ..HEALTHY
            },
        ),
        ("too-many-requests", Case { before: |asked| if is(asked, "OPTIONS", "") { page(429, &[], "") } else { None }, ..HEALTHY }),
        (
            "http2-broken",
            Case { before: |asked| if asked.version == http::Version::HTTP_2 { page(421, &[], "") } else { None }, ..HEALTHY },
        ),
    ]
}

fn is(asked: &Parts, method: &str, path: &str) -> bool {
    asked.method.as_str() == method && asked.uri.path().contains(path)
}

fn well_known(asked: &Parts) -> bool {
    asked.uri.path() == "/.well-known/caldav"
}

fn before(before: Before) -> Case {
    Case { before, ..HEALTHY }
}

fn after(after: After) -> Case {
    Case { after, ..HEALTHY }
}

/// Problems of discovery.
pub fn discovery() -> Vec<(&'static str, Case)> {
    vec![
        ("not-caldav", before(|_| page(200, &[("content-type", "text/html")], "<p>It works!</p>"))),
        ("not-caldav", before(|asked| if asked.method == "GET" { page(200, &[], "It works!") } else { page(405, &[], "") })),
        ("login-page", before(|_| page(200, &[("content-type", "text/html")], "<input type=\"password\">"))),
        ("login-page", before(|_| page(302, &[("location", "https://auth.example.org/?rd=x")], ""))),
        (
            "no-password-asked",
            before(|asked| {
                asked.headers.insert("authorization", HeaderValue::from_static("Basic YWxpY2U6YWxpY2U="));
                None
            }),
        ),
        ("challenge-missing", after(|_, response| drop(response.headers_mut().remove("www-authenticate")))),
        (
            "authorization-stripped",
            before(|asked| {
                asked.headers.remove("authorization");
                None
            }),
        ),
        ("sign-in-refused", Case { password: Some("wrong"), ..HEALTHY }),
        ("well-known-missing", before(|asked| if well_known(asked) { page(404, &[], "") } else { None })),
        (
            "well-known-asks-password",
            before(|asked| if well_known(asked) { page(401, &[("www-authenticate", "Basic realm=x")], "") } else { None }),
        ),
        ("well-known-one-method", before(|asked| if well_known(asked) && asked.method != "GET" { page(405, &[], "") } else { None })),
        ("well-known-target", before(|asked| if well_known(asked) { page(301, &[("location", "/elsewhere/")], "") } else { None })),
        (
            "redirect-to-http",
            before(|asked| {
                let location = format!("http://{}/dav/", asked.headers["host"].to_str().unwrap());
                if well_known(asked) { page(301, &[("location", &location)], "") } else { None }
            }),
        ),
        (
            "redirect-loses-port",
            before(|asked| if well_known(asked) { page(301, &[("location", "https://127.0.0.1/dav/")], "") } else { None }),
        ),
        (
            "redirect-elsewhere",
            before(|asked| if well_known(asked) { page(308, &[("location", "https://127.0.0.2:8008/dav/")], "") } else { None }),
        ),
        ("redirect-broken", before(|_| page(301, &[("location", "/again/")], ""))),
        ("redirect-broken", before(|asked| if well_known(asked) { page(301, &[], "") } else { None })),
        (
            "slash-redirect",
            before(|asked| {
                let path = format!("{}/", asked.uri.path());
                let bare = is(asked, "PROPFIND", "/default") && !asked.uri.path().ends_with('/');
                if bare { page(301, &[("location", &path)], "") } else { None }
            }),
        ),
        (
            "base-path",
            Case {
                typed: |proxy| format!("{}cal/", https(proxy)),
                before: |asked| match asked.uri.path().strip_prefix("/cal") {
                    Some(rest) => {
                        asked.uri = rest.parse().unwrap();
                        None
                    }
                    None => page(404, &[], ""),
                },
                ..HEALTHY
            },
        ),
        ("link-elsewhere", after(|_, response| replace(response, "<D:href>/", "<D:href>http://127.0.0.1:8008/"))),
        (
            "options-status",
            after(|asked, response| {
                if is(asked, "OPTIONS", "") {
                    *response.status_mut() = http::StatusCode::NO_CONTENT
                }
            }),
        ),
        ("dav-header-missing", after(|_, response| drop(response.headers_mut().remove("dav")))),
        (
            "dav-header-missing",
            before(|asked| if is(asked, "OPTIONS", "") { page(204, &[("access-control-allow-origin", "*")], "") } else { None }),
        ),
        (
            "server-lacks",
            after(|asked, response| {
                if asked.uri.path().ends_with("/alice/") {
                    replace(response, "<D:sync-collection/>", "")
                }
            }),
        ),
        ("server-lacks", after(|_, response| replace(response, "calendar-home-set", "home"))),
    ]
}

/// Problems of traffic.
pub fn traffic() -> Vec<(&'static str, Case)> {
    vec![
        (
            "path-mangled",
            before(|asked| {
                asked.uri = asked.uri.to_string().replace('%', "%25").parse().unwrap();
                None
            }),
        ),
        ("method-refused", before(|asked| if is(asked, "REPORT", "") { page(405, &[("server", "nginx")], "") } else { None })),
        ("method-refused", before(|asked| if is(asked, "PROPFIND", "") { page(403, &[("server", "nginx")], "") } else { None })),
        (
            "method-refused",
            before(|asked| {
                let allowed = ["GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "PUT", "DELETE"].contains(&asked.method.as_str());
                if allowed { None } else { page(403, &[], "<h1>Forbidden</h1>") }
            }),
        ),
        (
            "agent-refused",
            before(|asked| if asked.headers["user-agent"].to_str().unwrap().contains("dataaccessd") { page(403, &[], "") } else { None }),
        ),
        (
            "answer-unreadable",
            after(|asked, response| {
                if is(asked, "REPORT", "") {
                    replace(response, "multistatus", "multi")
                }
            }),
        ),
        (
            "answer-unreadable",
            after(|asked, response| {
                if is(asked, "REPORT", "") {
                    *response.status_mut() = http::StatusCode::OK
                }
            }),
        ),
        (
            "conditions-stripped",
            before(|asked| {
                asked.headers.remove("if-match");
                asked.headers.remove("if-none-match");
                None
            }),
        ),
        (
            "compression",
            after(|asked, response| {
                if takes_gzip(asked) && asked.method == "GET" && response.headers().contains_key("etag") {
                    let weak = format!("W/{}", response.headers()["etag"].to_str().unwrap());
                    response.headers_mut().insert("etag", HeaderValue::from_str(&weak).unwrap());
                    response.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
                }
            }),
        ),
        (
            "compression",
            after(|asked, response| {
                if takes_gzip(asked) && !response.body().is_empty() {
                    // A proxy that compresses everything it may, and leaves tags alone.
                    response.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
                    *response.body_mut() = Bytes::from_static(b"\x1f\x8b");
                }
            }),
        ),
        ("encoding-forced", after(|_, response| drop(response.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"))))),
        ("tag-missing", after(|_, response| drop(response.headers_mut().remove("etag")))),
        (
            "cached",
            after(|asked, response| {
                if asked.method == "GET" {
                    drop(response.headers_mut().insert("age", HeaderValue::from_static("12")))
                }
            }),
        ),
        (
            "body-limit",
            before(|asked| {
                let length = asked.headers.get("content-length").and_then(|value| value.to_str().unwrap().parse::<usize>().ok());
                if length > Some(100_000) { page(413, &[], "Request Entity Too Large") } else { None }
            }),
        ),
        ("chunked-refused", before(|asked| if asked.headers.contains_key("transfer-encoding") { page(411, &[], "") } else { None })),
        ("expect-refused", before(|asked| if asked.headers.contains_key("expect") { page(417, &[], "") } else { None })),
        (
            "destination-refused",
            before(|asked| {
                asked.headers.insert("host", HeaderValue::from_static("127.0.0.1:8008"));
                None
            }),
        ),
        (
            "write-failed",
            Case {
                writing: Writing::OwnCalendar,
                before: |asked| {
                    if is(asked, "PROPPATCH", "") && !asked.headers.contains_key("if-match") { page(507, &[], "") } else { None }
                },
                ..HEALTHY
            },
        ),
        ("unexpected", before(|asked| if is(asked, "REPORT", "") { page(418, &[], "") } else { None })),
    ]
}

fn takes_gzip(asked: &Parts) -> bool {
    asked.headers.get("accept-encoding").is_some_and(|value| value.to_str().unwrap().contains("gzip"))
}

fn replace(response: &mut Response<Bytes>, old: &str, new: &str) {
    let text = String::from_utf8(response.body().to_vec()).unwrap_or_default();
    *response.body_mut() = Bytes::from(text.replace(old, new));
}
