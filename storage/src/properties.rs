//! Settable properties as records: one table for each holder and viewer. Decides nothing.

use crate::authorized::PropertyKey;
use crate::error::Result;
use crate::keys::{self, PropertyHolder};
use crate::read::{Read, Transaction, record};
use acl::PrincipalId;
use std::collections::BTreeMap;

/// What one viewer has set on one holder.
pub(crate) fn of(read: &dyn Read, holder: PropertyHolder, viewer: PrincipalId) -> Result<BTreeMap<PropertyKey, String>> {
    Ok(record(read, &keys::properties(holder, viewer))?.unwrap_or_default())
}

/// Sets a table whole; an empty one leaves nothing behind.
pub(crate) fn set(
    transaction: &mut Transaction<'_>,
    holder: PropertyHolder,
    viewer: PrincipalId,
    properties: &BTreeMap<PropertyKey, String>,
) -> Result<()> {
    let key = keys::properties(holder, viewer);
    if properties.is_empty() {
        transaction.delete(key);
        return Ok(());
    }
    transaction.put_record(key, properties)
}
