//! Many objects as one calendar on its way: each is loaded when its turn comes, and what is written of it waits in the store's
//! spool, so that a calendar of any size takes the memory of one object.

use crate::body::Body;
use crate::error::{Error, Result};
use crate::multistatus::no_room;
use http::StatusCode;
use ical::CalendarObject;
use ical::merge::{Merge, Place};
use std::sync::Arc;
use storage::authorized::Row;
use storage::spool::{Pending, Spool};

/// Bytes that are handed on together, about.
const CHUNK_BYTES: usize = 64 << 10;

/// A calendar being written.
struct Whole {
    pending: Pending,
    text: String,
    bytes: usize,
    bytes_max: usize,
}

impl Whole {
    /// Hands on what was written. 507: it is more than one answer may be.
    fn hand_on(&mut self) -> Result<()> {
        self.bytes = self.bytes.saturating_add(self.text.len());
        if self.bytes > self.bytes_max {
            return Err(Error::Status(StatusCode::INSUFFICIENT_STORAGE));
        }
        self.pending.push(std::mem::take(&mut self.text).into_bytes()).map_err(|error| no_room(&error))
    }

    fn hand_on_if_enough(&mut self) -> Result<()> {
        if self.text.len() < CHUNK_BYTES { Ok(()) } else { self.hand_on() }
    }
}

/// Writes the objects of these rows, as `load` shows them, as a stream of VCALENDARs (RFC 5545 §3.4): one with everything whose
/// time zones agree, and after it one for each object that calls another zone by the same TZID. What `load` shows nothing of is
/// left out.
///
/// # Errors
/// 507: more than `bytes_max`. What `load` says. No room for an answer to wait.
pub(crate) fn write<'r>(
    spool: &Arc<Spool>,
    bytes_max: usize,
    rows: impl Iterator<Item = &'r Arc<Row>>,
    load: impl Fn(&Row, &mut dyn FnMut(&CalendarObject)) -> Result<()>,
) -> Result<Body> {
    let mut whole = Whole { pending: spool.begin(), text: String::new(), bytes: 0, bytes_max };
    let mut merge = Merge::begin(acl::project::PROD_ID, &mut whole.text);
    let mut apart = Vec::new();
    for row in rows {
        load(row, &mut |object| {
            if merge.push(object, &mut whole.text) == Place::Apart {
                apart.push(row);
            }
        })?;
        whole.hand_on_if_enough()?;
    }
    merge.end(&mut whole.text);
    for row in apart {
        load(row, &mut |object| Merge::write_apart(object, &mut whole.text))?;
        whole.hand_on_if_enough()?;
    }
    whole.hand_on()?;
    Ok(whole.pending.finish().into())
}
