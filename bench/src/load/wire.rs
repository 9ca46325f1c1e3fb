//! One connection to a server, as bare as it can be: the generator shares the machine with what it measures, so each answer costs
//! it little. Requests are bytes made beforehand; answers are looked at where they were received.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Nobody is waited for longer.
const SECONDS_MAX: u64 = 300;
/// Read at a time.
const READ_BYTES: usize = 64 << 10;
/// A head that is longer is none.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// What a server said.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// A field of the head, by its name in lower case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| *key == name).map(|(_, value)| value.trim())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }
}

/// A connection that is opened when it is needed, and again when the server closed it.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    received: Vec<u8>,
    /// A body whose chunks were put together.
    joined: Vec<u8>,
}

/// Where the body of an answer lies.
struct Layout {
    status: u16,
    head: String,
    /// In what was received, or in the joined chunks.
    body: Option<std::ops::Range<usize>>,
    closes: bool,
}

impl Connection {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, received: Vec::new(), joined: Vec::new() }
    }

    /// Sends a request and waits for the answer. One that an idle connection was closed under is sent again.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        let was_open = self.stream.is_some();
        let mut outcome = self.attempt(request).await;
        if outcome.is_err() && was_open {
            self.stream = None;
            outcome = self.attempt(request).await;
        }
        let layout = match outcome {
            Ok(layout) => layout,
            Err(error) => {
                self.stream = None;
                return Err(error);
            }
        };
        if layout.closes {
            self.stream = None;
        }
        let body = match layout.body {
            Some(range) => self.received.get(range).unwrap_or_default(),
            None => &self.joined,
        };
        Ok(Answer { status: layout.status, head: layout.head, body })
    }

    async fn attempt(&mut self, request: &[u8]) -> io::Result<Layout> {
        let time = Duration::from_secs(SECONDS_MAX);
        tokio::time::timeout(time, self.exchange(request)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Layout> {
        self.received.clear();
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        if let Some(stream) = &mut self.stream {
            stream.write_all(request).await?;
        }
        loop {
            let body_at = self.until(0, b"\r\n\r\n", HEAD_BYTES_MAX).await? + 4;
            let layout = self.answer(body_at).await?;
            // 100 Continue and its kind come before the answer.
            if layout.status >= 200 {
                return Ok(layout);
            }
            self.received.drain(..body_at);
        }
    }

    async fn answer(&mut self, body_at: usize) -> io::Result<Layout> {
        let head = String::from_utf8_lossy(self.received.get(..body_at).unwrap_or_default()).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        let (mut length, mut is_chunked, mut closes) = (None, false, head.starts_with("http/1.0"));
        for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(':')) {
            match name {
                "content-length" => length = value.trim().parse::<usize>().ok(),
                "transfer-encoding" => is_chunked = value.contains("chunked"),
                "connection" => closes = value.contains("close") || (closes && !value.contains("keep-alive")),
                _ => {}
            }
        }
        let (body, end) = if status < 200 || status == 204 || status == 304 {
            (Some(body_at..body_at), body_at)
        } else if is_chunked {
            (None, self.chunks(body_at).await?)
        } else if let Some(length) = length {
            self.at_least(body_at + length).await?;
            (Some(body_at..body_at + length), body_at + length)
        } else {
            closes = true;
            while self.fill().await? > 0 {}
            (Some(body_at..self.received.len()), self.received.len())
        };
        if status >= 200 && self.received.len() > end {
            // Nothing was asked for that this could answer.
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Layout { status, head, body, closes })
    }

    /// Joins the chunks that begin at a position; where they end.
    async fn chunks(&mut self, start: usize) -> io::Result<usize> {
        self.joined.clear();
        let mut at = start;
        loop {
            let line_end = self.until(at, b"\r\n", HEAD_BYTES_MAX).await?;
            let line = self.received.get(at..line_end).and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
            let size = line.split(';').next().and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
            let size = size.ok_or(io::ErrorKind::InvalidData)?;
            at = line_end + 2;
            if size == 0 {
                return Ok(self.until(at, b"\r\n", HEAD_BYTES_MAX).await? + 2);
            }
            self.at_least(at + size + 2).await?;
            self.joined.extend_from_slice(self.received.get(at..at + size).unwrap_or_default());
            at += size + 2;
            if at > 4 * READ_BYTES {
                // What was joined is not kept twice.
                self.received.drain(..at);
                at = 0;
            }
        }
    }

    /// Where these bytes are, from a position on.
    async fn until(&mut self, from: usize, wanted: &[u8], bytes_max: usize) -> io::Result<usize> {
        let mut looked = from;
        loop {
            let unread = self.received.get(looked..).unwrap_or_default();
            if let Some(found) = unread.windows(wanted.len()).position(|bytes| bytes == wanted) {
                return Ok(looked + found);
            }
            if self.received.len() > from + bytes_max {
                return Err(io::ErrorKind::InvalidData.into());
            }
            looked = self.received.len().saturating_sub(wanted.len() - 1).max(from);
            self.more().await?;
        }
    }

    async fn at_least(&mut self, bytes: usize) -> io::Result<()> {
        while self.received.len() < bytes {
            self.more().await?;
        }
        Ok(())
    }

    async fn more(&mut self) -> io::Result<()> {
        if self.fill().await? == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.received.reserve(READ_BYTES);
        match &mut self.stream {
            Some(stream) => stream.read_buf(&mut self.received).await,
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}
