//! What is remembered of the UIDs of confidential and private objects, longer than these live.

use crate::error::{Error, Limit, Result};
use crate::keys::{self, UidHash};
use crate::limits::Limits;
use crate::read::{Read, Transaction, decode, record};
use crate::record::UserRecord;
use acl::privacy::PrivacyRecord;
use acl::{EventPrivacy, PrincipalId};

/// The strictest privacy that a confidential or private object with this UID has or had in a calendar of this owner.
pub(crate) fn known_uid_privacy(read: &dyn Read, owner: PrincipalId, uid: UidHash) -> Result<Option<EventPrivacy>> {
    record(read, &keys::private_uid(owner, uid))
}

/// Remembers a confidential or private UID for the calendar's owner, longer than the object lives. Where no more can be
/// remembered her own write is refused; another's goes on without, since a refusal would tell him how much she keeps private.
pub(crate) fn remember_privacy(
    transaction: &mut Transaction<'_>,
    owner: PrincipalId,
    uid: UidHash,
    privacy: &PrivacyRecord,
    writer: PrincipalId,
    limits: &Limits,
) -> Result<()> {
    let Some(strictest) = privacy.strictest().filter(|p| p.strictness() >= EventPrivacy::Confidential.strictness()) else {
        return Ok(());
    };
    let key = keys::private_uid(owner, uid);
    match transaction.get(&key)? {
        Some(known) if decode::<EventPrivacy>(&known)?.strictness() >= strictest.strictness() => return Ok(()),
        Some(_) => {}
        None => {
            let mut user: UserRecord = record(transaction, &keys::user(owner))?.ok_or(Error::Corrupted("a calendar without its owner"))?;
            if user.private_uids >= limits.private_uids_max {
                return if writer == owner { Err(Error::LimitExceeded(Limit::Space)) } else { Ok(()) };
            }
            user.private_uids += 1;
            transaction.put_record(keys::user(owner), &user)?;
        }
    }
    transaction.put_record(key, &strictest)
}
