//! A server of the Network Block Device protocol for one client and one disk, over a unix socket: the fixed newstyle handshake,
//! simple replies, reading, writing, flushing, writing through. Must answer a flush only when the disk has done it.
//!
//! The protocol's own numbers stand under the names that its document gives them.

use crate::disk::{Disk, Refusal};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

const NBDMAGIC: u64 = 0x4e42_444d_4147_4943;
const IHAVEOPT: u64 = 0x4948_4156_454f_5054;
const OPTION_REPLY_MAGIC: u64 = 0x0003_e889_0455_65a9;
const REQUEST_MAGIC: u32 = 0x2560_9513;
const SIMPLE_REPLY_MAGIC: u32 = 0x6744_6698;

const NBD_FLAG_FIXED_NEWSTYLE: u16 = 1;
const NBD_FLAG_NO_ZEROES: u16 = 2;
/// Has flags, takes FLUSH, takes FUA.
const TRANSMISSION_FLAGS: u16 = 1 | 1 << 2 | 1 << 3;

const NBD_OPT_EXPORT_NAME: u32 = 1;
const NBD_OPT_ABORT: u32 = 2;
const NBD_OPT_INFO: u32 = 6;
const NBD_OPT_GO: u32 = 7;
const NBD_REP_ACK: u32 = 1;
const NBD_REP_INFO: u32 = 3;
const NBD_REP_ERR_UNSUP: u32 = 0x8000_0001;
const NBD_INFO_EXPORT: u16 = 0;

const NBD_CMD_READ: u16 = 0;
const NBD_CMD_WRITE: u16 = 1;
const NBD_CMD_DISC: u16 = 2;
const NBD_CMD_FLUSH: u16 = 3;
const NBD_CMD_FLAG_FUA: u16 = 1;
const NBD_EINVAL: u32 = 22;

/// Bytes of one option, and options of one handshake.
const OPTION_BYTES_MAX: u32 = 4 << 10;
const OPTIONS_MAX: usize = 64;
/// Bytes of one request; clients split at 32 MiB.
const REQUEST_BYTES_MAX: u32 = 32 << 20;

/// A disk that is served and can be cut.
pub(crate) type Shared = Arc<Mutex<Disk>>;

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client took its leave.
    Left,
    /// There is no power.
    Off,
}

/// Serves the disk until the client leaves or there is no power.
///
/// # Errors
/// The client does not speak the protocol, or went away in the middle of it.
pub(crate) fn serve(stream: &mut UnixStream, disk: &Shared) -> io::Result<End> {
    let size = disk.lock().unwrap_or_else(PoisonError::into_inner).size();
    if !shake_hands(stream, size)? {
        return Ok(End::Left);
    }
    loop {
        if let Some(end) = answer(stream, disk)? {
            return Ok(end);
        }
    }
}

/// Without power: takes what still comes and answers nothing. An answer, or an end of the connection, would tell the machine
/// that its disk fails, before it is gone itself.
pub(crate) fn fall_silent(stream: &mut UnixStream) {
    // It ends with an error when the client is killed.
    drop(io::copy(stream, &mut io::sink()));
}

/// Whether transmission begins.
fn shake_hands(stream: &mut UnixStream, size: u64) -> io::Result<bool> {
    let greeting = [&NBDMAGIC.to_be_bytes()[..], &IHAVEOPT.to_be_bytes(), &(NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES).to_be_bytes()];
    stream.write_all(&greeting.concat())?;
    let no_zeroes = read_u32(stream)? & u32::from(NBD_FLAG_NO_ZEROES) != 0;
    for _ in 0..OPTIONS_MAX {
        if read_u64(stream)? != IHAVEOPT {
            return Err(invalid("not an option"));
        }
        let option = read_u32(stream)?;
        let length = read_u32(stream)?;
        if length > OPTION_BYTES_MAX {
            return Err(invalid("an option too long"));
        }
        read_bytes(stream, length)?;
        let export = [&size.to_be_bytes()[..], &TRANSMISSION_FLAGS.to_be_bytes()].concat();
        match option {
            NBD_OPT_EXPORT_NAME => {
                stream.write_all(&export)?;
                stream.write_all(&vec![0; if no_zeroes { 0 } else { 124 }])?;
                return Ok(true);
            }
            NBD_OPT_GO | NBD_OPT_INFO => {
                let info = [&NBD_INFO_EXPORT.to_be_bytes()[..], &export].concat();
                reply_option(stream, option, NBD_REP_INFO, &info)?;
                reply_option(stream, option, NBD_REP_ACK, &[])?;
                if option == NBD_OPT_GO {
                    return Ok(true);
                }
            }
            NBD_OPT_ABORT => {
                reply_option(stream, option, NBD_REP_ACK, &[])?;
                return Ok(false);
            }
            _ => reply_option(stream, option, NBD_REP_ERR_UNSUP, &[])?,
        }
    }
    Err(invalid("too many options"))
}

fn reply_option(stream: &mut UnixStream, option: u32, kind: u32, data: &[u8]) -> io::Result<()> {
    let length = u32::try_from(data.len()).map_err(|_| invalid("a reply too long"))?;
    let head = [&OPTION_REPLY_MAGIC.to_be_bytes()[..], &option.to_be_bytes(), &kind.to_be_bytes(), &length.to_be_bytes()];
    stream.write_all(&[&head.concat(), data].concat())
}

/// Answers one request; whether that was the end.
fn answer(stream: &mut UnixStream, disk: &Shared) -> io::Result<Option<End>> {
    if read_u32(stream)? != REQUEST_MAGIC {
        return Err(invalid("not a request"));
    }
    let flags = read_u16(stream)?;
    let command = read_u16(stream)?;
    let cookie = read_u64(stream)?;
    let offset = read_u64(stream)?;
    let length = read_u32(stream)?;
    if length > REQUEST_BYTES_MAX {
        return Err(invalid("a request too long"));
    }
    let data = if command == NBD_CMD_WRITE { read_bytes(stream, length)? } else { Vec::new() };
    let outcome = {
        let mut disk = disk.lock().unwrap_or_else(PoisonError::into_inner);
        match command {
            NBD_CMD_READ => disk.read(offset, length as usize),
            NBD_CMD_WRITE if flags & NBD_CMD_FLAG_FUA != 0 => disk.write_through(offset, &data).map(|()| Vec::new()),
            NBD_CMD_WRITE => disk.write(offset, &data).map(|()| Vec::new()),
            NBD_CMD_FLUSH => disk.flush().map(|()| Vec::new()),
            NBD_CMD_DISC => return Ok(Some(End::Left)),
            _ => Err(Refusal::OutOfRange),
        }
    };
    let (error, data) = match outcome {
        Ok(data) => (0, data),
        Err(Refusal::OutOfRange) => (NBD_EINVAL, Vec::new()),
        Err(Refusal::Off) => return Ok(Some(End::Off)),
    };
    let head = [&SIMPLE_REPLY_MAGIC.to_be_bytes()[..], &error.to_be_bytes(), &cookie.to_be_bytes()].concat();
    stream.write_all(&[head, data].concat())?;
    Ok(None)
}

fn read_bytes(stream: &mut UnixStream, length: u32) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length as usize];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_array<const N: usize>(stream: &mut UnixStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_u16(stream: &mut UnixStream) -> io::Result<u16> {
    Ok(u16::from_be_bytes(read_array(stream)?))
}

fn read_u32(stream: &mut UnixStream) -> io::Result<u32> {
    Ok(u32::from_be_bytes(read_array(stream)?))
}

fn read_u64(stream: &mut UnixStream) -> io::Result<u64> {
    Ok(u64::from_be_bytes(read_array(stream)?))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::disk::Loss;
    use bench::chance::Chance;

    fn request(stream: &mut UnixStream, flags: u16, command: u16, offset: u64, length: u32, data: &[u8]) {
        let head = [&REQUEST_MAGIC.to_be_bytes()[..], &flags.to_be_bytes(), &command.to_be_bytes(), &7u64.to_be_bytes()].concat();
        stream.write_all(&[&head, &offset.to_be_bytes()[..], &length.to_be_bytes(), data].concat()).unwrap();
    }

    /// The error of a simple reply.
    fn reply(stream: &mut UnixStream) -> u32 {
        assert_eq!(read_u32(stream).unwrap(), SIMPLE_REPLY_MAGIC);
        let error = read_u32(stream).unwrap();
        assert_eq!(read_u64(stream).unwrap(), 7);
        error
    }

    fn connect() -> (UnixStream, Shared, std::thread::JoinHandle<io::Result<End>>) {
        let disk: Shared = Arc::new(Mutex::new(Disk::new(vec![0; 8_192])));
        let (mut client, mut server) = UnixStream::pair().unwrap();
        let served = disk.clone();
        let serving = std::thread::spawn(move || serve(&mut server, &served));
        assert_eq!(read_u64(&mut client).unwrap(), NBDMAGIC);
        assert_eq!(read_u64(&mut client).unwrap(), IHAVEOPT);
        assert_eq!(read_u16(&mut client).unwrap(), NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
        client.write_all(&3u32.to_be_bytes()).unwrap();
        // An option that is not offered (structured replies), then the one that begins.
        for (option, kinds) in [(8u32, &[NBD_REP_ERR_UNSUP][..]), (NBD_OPT_GO, &[NBD_REP_INFO, NBD_REP_ACK])] {
            client.write_all(&[&IHAVEOPT.to_be_bytes()[..], &option.to_be_bytes(), &0u32.to_be_bytes()].concat()).unwrap();
            for kind in kinds {
                assert_eq!(read_u64(&mut client).unwrap(), OPTION_REPLY_MAGIC);
                assert_eq!((read_u32(&mut client).unwrap(), read_u32(&mut client).unwrap()), (option, *kind));
                let length = read_u32(&mut client).unwrap();
                let info = read_bytes(&mut client, length).unwrap();
                if *kind == NBD_REP_INFO {
                    assert_eq!(info, [&[0, 0][..], &8_192u64.to_be_bytes(), &TRANSMISSION_FLAGS.to_be_bytes()].concat());
                }
            }
        }
        (client, disk, serving)
    }

    #[test]
    fn only_what_was_flushed_or_written_through_outlives_the_cut() {
        let (mut client, disk, serving) = connect();
        for (flags, command, offset, byte) in
            [(0, NBD_CMD_WRITE, 0, 1), (0, NBD_CMD_FLUSH, 0, 0), (0, NBD_CMD_WRITE, 512, 2), (NBD_CMD_FLAG_FUA, NBD_CMD_WRITE, 1_024, 3)]
        {
            let data = if command == NBD_CMD_WRITE { vec![byte; 512] } else { Vec::new() };
            request(&mut client, flags, command, offset, data.len() as u32, &data);
            assert_eq!(reply(&mut client), 0);
        }
        request(&mut client, 0, NBD_CMD_READ, 0, 1_536, &[]);
        assert_eq!(reply(&mut client), 0);
        assert_eq!(read_bytes(&mut client, 1_536).unwrap(), [[1; 512], [2; 512], [3; 512]].concat());
        request(&mut client, 0, NBD_CMD_READ, 8_192, 512, &[]);
        assert_eq!(reply(&mut client), NBD_EINVAL);
        disk.lock().unwrap().cut(Loss::All, &mut Chance::new(1, "cut"));
        request(&mut client, 0, NBD_CMD_FLUSH, 0, 0, &[]);
        assert!(read_u32(&mut client).is_err(), "a flush is answered without power");
        assert_eq!(serving.join().unwrap().unwrap(), End::Off);
        assert_eq!(disk.lock().unwrap().left().get(..2_048).unwrap(), [[1; 512], [0; 512], [3; 512], [0; 512]].concat());
    }

    #[test]
    fn what_is_not_the_protocol_ends_the_connection() {
        let (mut client, _, serving) = connect();
        client.write_all(&[0xff; 28]).unwrap();
        assert!(serving.join().unwrap().is_err());
        let (mut client, _, serving) = connect();
        request(&mut client, 0, NBD_CMD_WRITE, 0, u32::MAX, &[]);
        assert!(serving.join().unwrap().is_err());
    }
}
