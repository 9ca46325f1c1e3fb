//! An answer on its way: in pieces, each of which tells when it has left, so that an answer that is not taken can be cut.
//!
//! A client of HTTP/2 says how much it takes, and can say: nothing. Nothing is then written, so that no write can be late; the
//! answer lies in memory while the connection looks alive. What counts is whether pieces leave.

use crate::turns::Delivery;
use bytes::{Buf, Bytes};
use hyper::body::{Body, Frame, SizeHint};
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use storage::spool::Remainder;
use tokio::task::JoinHandle;

/// Bytes of one piece. As much has to be taken within `limits.write_seconds`.
const PIECE_BYTES: usize = 32 << 10;

/// Bytes that are read from a file at once, by a thread that may wait for the disk.
const READ_BYTES: usize = 64 << 10;

/// An answer's body: chunks that are all there, then what waits in a file.
#[derive(Debug, Default)]
pub struct Chunks {
    chunks: VecDeque<Bytes>,
    file: Option<Unread>,
    left: u64,
    /// Sent as it comes, its length not told.
    unmeasured: bool,
    /// Whose answer it is, in his count, until it is under way.
    delivery: Option<Delivery>,
    underway: Option<Arc<Underway>>,
}

impl Chunks {
    pub(super) fn new(body: impl Into<webdav::Body>) -> Self {
        let body = body.into();
        let left = body.len();
        let (chunks, remainder) = body.into_parts();
        let chunks = chunks.into_iter().filter(|chunk| !chunk.is_empty()).collect();
        Self { chunks, left, file: remainder.map(Unread::new), ..Self::default() }
    }

    fn is_over(&self) -> bool {
        self.chunks.is_empty() && self.file.is_none()
    }

    pub(super) fn delivered_as(self, delivery: Delivery) -> Self {
        Self { delivery: Some(delivery), ..self }
    }

    pub(super) fn without_length(self) -> Self {
        Self { unmeasured: true, ..self }
    }

    /// The same as an answer of this connection.
    #[must_use]
    pub fn sent_by(mut self, answers: &Arc<Answers>) -> Self {
        if !self.is_over() {
            self.underway = Some(answers.begin(self.delivery.take()));
        }
        self
    }
}

impl Body for Chunks {
    type Data = Piece;
    /// What is on the disk cannot be read: the connection is cut, so that nobody takes a part for the whole.
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Piece>>>> {
        if self.chunks.is_empty()
            && let Some(file) = &mut self.file
        {
            let read = std::task::ready!(file.poll_read(context))?;
            if file.is_read() {
                self.file = None;
            }
            self.chunks.push_back(read);
        }
        let Some(chunk) = self.chunks.front_mut() else { return Poll::Ready(None) };
        let bytes = chunk.split_to(chunk.len().min(PIECE_BYTES));
        if chunk.is_empty() {
            self.chunks.pop_front();
        }
        self.left = self.left.saturating_sub(bytes.len() as u64);
        let piece = Piece { bytes, underway: self.underway.clone() };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        if self.unmeasured { SizeHint::default() } else { SizeHint::with_exact(self.left) }
    }
}

/// The part of an answer that waits in a file, one read at a time.
#[derive(Debug)]
struct Unread {
    remainder: Arc<Remainder>,
    offset: u64,
    reading: Option<JoinHandle<io::Result<Vec<u8>>>>,
}

impl Unread {
    fn new(remainder: Remainder) -> Self {
        Self { remainder: Arc::new(remainder), offset: 0, reading: None }
    }
    fn is_read(&self) -> bool {
        self.offset >= self.remainder.len()
    }
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let (remainder, offset) = (&self.remainder, self.offset);
        let reading = self.reading.get_or_insert_with(|| {
            let remainder = remainder.clone();
            tokio::task::spawn_blocking(move || remainder.read(offset, READ_BYTES))
        });
        let read = std::task::ready!(Pin::new(reading).poll(context));
        self.reading = None;
        let bytes = read.map_err(io::Error::other)??;
        if bytes.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        self.offset = self.offset.saturating_add(bytes.len() as u64);
        Poll::Ready(Ok(bytes.into()))
    }
}

/// Some bytes of an answer. Gone when they are written.
#[derive(Debug)]
pub struct Piece {
    bytes: Bytes,
    underway: Option<Arc<Underway>>,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }
    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }
    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(underway) = &self.underway {
            underway.goes_on();
        }
    }
}

/// What one connection is asked, and its answers that are not taken yet.
#[derive(Debug, Default)]
pub struct Answers {
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    begun: u64,
    /// When each answer went on last.
    last: HashMap<u64, Instant>,
    /// Requests that are not answered yet.
    asked: usize,
    /// When there was something to do last.
    busy: Instant,
}

impl Default for Open {
    fn default() -> Self {
        Self { begun: 0, last: HashMap::new(), asked: 0, busy: Instant::now() }
    }
}

/// A request that is not answered yet.
#[derive(Debug)]
pub struct Asked(Arc<Answers>);

impl Drop for Asked {
    fn drop(&mut self) {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.asked = open.asked.saturating_sub(1);
        open.busy = Instant::now();
    }
}

impl Answers {
    /// Counts a request until what is returned is dropped.
    pub fn ask(self: &Arc<Self>) -> Asked {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).asked += 1;
        Asked(self.clone())
    }

    /// Ends when nothing was asked or under way for so long.
    pub async fn idle(&self, patience: Duration) {
        loop {
            let left = {
                let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
                let is_busy = open.asked > 0 || !open.last.is_empty();
                if is_busy { Some(patience) } else { patience.checked_sub(open.busy.elapsed()) }
            };
            match left.filter(|left| !left.is_zero()) {
                Some(left) => tokio::time::sleep(left).await,
                None => return,
            }
        }
    }

    fn begin(self: &Arc<Self>, delivery: Option<Delivery>) -> Arc<Underway> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.begun += 1;
        let number = open.begun;
        open.last.insert(number, Instant::now());
        Arc::new(Underway { answers: self.clone(), number, _delivery: delivery })
    }

    /// Ends when an answer has not gone on for so long.
    pub async fn late(&self, patience: Duration) {
        loop {
            let oldest = self.open.lock().unwrap_or_else(PoisonError::into_inner).last.values().min().copied();
            let waited = oldest.map_or(Duration::ZERO, |since| since.elapsed());
            match patience.checked_sub(waited).filter(|left| !left.is_zero()) {
                Some(left) => tokio::time::sleep(left).await,
                None => return,
            }
        }
    }
}

/// One answer on its way. Done when the body and all pieces of it are gone.
#[derive(Debug)]
struct Underway {
    answers: Arc<Answers>,
    number: u64,
    /// Whose it is, in his count.
    _delivery: Option<Delivery>,
}

impl Underway {
    fn goes_on(&self) {
        if let Some(last) = self.answers.open.lock().unwrap_or_else(PoisonError::into_inner).last.get_mut(&self.number) {
            *last = Instant::now();
        }
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let mut open = self.answers.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.last.remove(&self.number);
        open.busy = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn an_answer_is_under_way_until_its_last_piece_is_gone() {
        let answers = Arc::new(Answers::default());
        let count = || answers.open.lock().unwrap().last.len();
        let mut body = Chunks::new(vec![Bytes::new(), Bytes::from(vec![1; PIECE_BYTES + 1])]).sent_by(&answers);
        assert_eq!((count(), body.size_hint().exact()), (1, Some(PIECE_BYTES as u64 + 1)));
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let last = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!((first.remaining(), last.remaining()), (PIECE_BYTES, 1));
        assert!(body.is_end_stream() && body.frame().await.is_none());
        drop((body, first));
        assert_eq!(count(), 1, "the last piece is not written yet");
        answers.late(Duration::from_millis(20)).await;
        drop(last);
        assert_eq!(count(), 0);
        drop(Chunks::default().sent_by(&answers));
        assert_eq!(answers.open.lock().unwrap().begun, 1, "nothing is not waited for");
    }
}
