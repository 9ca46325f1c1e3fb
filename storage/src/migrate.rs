//! Bringing a store of an older format to the present one, when it is opened: all in one commit, or not at all.

use crate::engine::Engine;
use crate::error::Result;
use crate::history::kept;
use crate::keys;
use crate::objects;
use crate::read::Transaction;
use crate::record::FORMAT_VERSION;
use crate::usage;

/// Migrates from `format`, which is no newer than the present one.
pub(crate) fn to_present(engine: &dyn Engine, format: u32) -> Result<()> {
    if format >= FORMAT_VERSION {
        return Ok(());
    }
    let mut transaction = Transaction::new(engine);
    if format < 3 {
        // Formats 1 and 2 are read as they stand, but did not count what users take up.
        for (user, home_bytes) in usage::count(&transaction)? {
            usage::in_home(&mut transaction, user, 0, home_bytes)?;
        }
    }
    if format < 4 {
        // Journals and histories begin, empty so far, and so do records of who put an attendee on an event.
        objects::doubt_attendees(&mut transaction)?;
        // Until then the policy stood there with its default values, which nobody could change. What was never chosen is left
        // to the program's defaults, and those are still the same.
        transaction.delete(keys::POLICY_UNTIL_3.to_vec());
    }
    if format < 5 {
        kept::migrate(&mut transaction)?;
    }
    transaction.put(keys::FORMAT.to_vec(), FORMAT_VERSION.to_be_bytes().to_vec());
    engine.commit(transaction.into_batch())?;
    // Into the engine's own file, where programs that know of nothing beside it see that this is nothing for them.
    engine.close()
}
