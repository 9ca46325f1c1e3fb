//! One connection, written and read by hand: tests say which bytes go out, and when.

use super::process::PATIENCE;
use base64::Engine;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// An HTTP/1.1 connection.
pub struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// As sent but for `Date`; names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// `Authorization` of HTTP Basic.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream, unread: Vec::new() }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Writes what the server is free not to read any more.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        drop(self.stream.write_all(bytes.as_ref()));
    }

    fn more(&mut self) -> bool {
        let mut buffer = [0; 16_384];
        // A socket with a timeout is interrupted when its process was stopped and goes on (signal(7)).
        let read = loop {
            match self.stream.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read.unwrap_or_else(|error| panic!("no answer: {error}")),
            }
        };
        self.unread.extend_from_slice(&buffer[..read]);
        read > 0
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Some(String::from_utf8(line).unwrap().trim_end().to_owned());
            }
            if !self.more() {
                return None;
            }
        }
    }

    fn exactly(&mut self, length: usize) -> Vec<u8> {
        while self.unread.len() < length {
            assert!(self.more(), "the connection ended within a body");
        }
        self.unread.drain(..length).collect()
    }

    /// The next answer; `head_only` says that none of its kind has a body.
    fn read(&mut self, head_only: bool) -> Reply {
        let first = self.line().expect("an answer");
        let status: u16 = first.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{first:?}"));
        let mut headers = Vec::new();
        loop {
            let line = self.line().expect("the end of a head");
            let Some((name, value)) = line.split_once(':') else { break };
            if !name.eq_ignore_ascii_case("date") {
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        let mut reply = Reply { status, headers, body: String::new() };
        if head_only || status == 204 || status == 304 || status < 200 {
            return reply;
        }
        let mut body = Vec::new();
        if reply.header("transfer-encoding") == Some("chunked") {
            loop {
                let length = usize::from_str_radix(self.line().unwrap().split(';').next().unwrap(), 16).unwrap();
                body.extend(self.exactly(length));
                self.line().unwrap();
                if length == 0 {
                    break;
                }
            }
        } else {
            let length: usize = reply.header("content-length").unwrap_or_else(|| panic!("no length: {reply:?}")).parse().unwrap();
            body = self.exactly(length);
        }
        reply.body = String::from_utf8(body).unwrap();
        reply
    }

    pub fn reply(&mut self) -> Reply {
        self.read(false)
    }

    /// One request and its answer. A body gets its length; `Host` is added.
    pub fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: shoji.test\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(body);
        self.send(text);
        self.read(method == "HEAD")
    }

    /// A request of somebody whose password is his name.
    pub fn request_as(&mut self, user: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let credentials = basic(user, user);
        let mut all = vec![("Authorization", credentials.as_str())];
        all.extend_from_slice(headers);
        self.request(method, path, &all, body)
    }

    /// Waits until the other side has closed, and gives what came before.
    pub fn closed(mut self) -> Vec<u8> {
        let mut buffer = [0; 16_384];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return self.unread,
                Ok(read) => self.unread.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return self.unread,
                Err(error) => panic!("the connection is still open: {error}"),
            }
        }
    }
}

/// A small event.
pub fn event(uid: &str, summary: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261104T160000Z\r\nDTEND:20261104T170000Z\r\nSUMMARY:{summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}
