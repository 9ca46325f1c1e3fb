//! What the disk can do: writers append to one file, and whoever waits shares one fdatasync with all others that wait.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// A disk that takes longer has failed.
const WAIT: Duration = Duration::from_secs(10);

/// Appends a second of so many bytes each, by so many writers, each durable before its writer goes on.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn appends_per_second(path: &Path, bytes: usize, writers: usize, time: Duration) -> Result<f64, String> {
    let mut file = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (sender, receiver) = channel::<Sender<()>>();
    let record = vec![b'x'; bytes];
    let started = Instant::now();
    let count = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..writers)
            .map(|_| {
                let sender = sender.clone();
                scope.spawn(move || appended(&sender, started, time))
            })
            .collect();
        drop(sender);
        let committed = commit(&receiver, &mut file, &record);
        let count: u64 = writers.into_iter().map(|writer| writer.join().unwrap_or_default()).sum();
        committed.map(|()| count)
    });
    let seconds = started.elapsed().as_secs_f64();
    drop(std::fs::remove_file(path));
    count.map(|count| count as f64 / seconds).map_err(|error| error.to_string())
}

/// One writer: how many of its records got durable.
fn appended(committer: &Sender<Sender<()>>, started: Instant, time: Duration) -> u64 {
    let (done, told) = channel();
    let mut count = 0;
    while started.elapsed() < time {
        if committer.send(done.clone()).is_err() || told.recv_timeout(WAIT).is_err() {
            break;
        }
        count += 1;
    }
    count
}

fn commit(waiting: &Receiver<Sender<()>>, file: &mut File, record: &[u8]) -> std::io::Result<()> {
    while let Ok(first) = waiting.recv() {
        let all: Vec<Sender<()>> = std::iter::once(first).chain(waiting.try_iter()).collect();
        let records: Vec<u8> = all.iter().flat_map(|_| record.iter().copied()).collect();
        file.write_all(&records)?;
        file.sync_data()?;
        for writer in all {
            // A writer whose time is over does not wait.
            let _gone = writer.send(());
        }
    }
    Ok(())
}
