//! The tree of one user's plain collections and files, by ids: a member is found from its parent, so that a whole branch
//! moves by one record. Not recursive; depth and number are limited.

use super::home::out_of_space;
use super::{ADD_MEMBER, denied};
use crate::error::{Error, Result};
use crate::keys::{self, PlainId, PropertyHolder};
use crate::limits::Limits;
use crate::read::{Read, Transaction, keys as keys_of, record, records};
use crate::record::{PlainContent, PlainRecord};
use crate::usage;
use acl::{PrincipalId, Privilege};

/// A node with its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) parent: PlainId,
    pub(super) name: String,
    pub(super) record: PlainRecord,
}

impl Node {
    pub(super) fn of(parent: PlainId, name: &str, record: PlainRecord) -> Self {
        Self { parent, name: name.to_owned(), record }
    }
    pub(super) fn is_collection(&self) -> bool {
        self.record.content == PlainContent::Collection
    }
    pub(super) fn is_file(&self) -> bool {
        matches!(self.record.content, PlainContent::File { .. })
    }
}

/// Direct members in the order of their names.
pub(super) fn members(read: &dyn Read, owner: PrincipalId, parent: PlainId) -> Result<Vec<(String, PlainRecord)>> {
    let stored = records::<PlainRecord>(read, &keys::plain_members(owner, parent))?;
    let name = |key: &[u8]| keys::name_after(key, 2).map(str::to_owned).ok_or(Error::Corrupted("a plain resource's key"));
    stored.into_iter().map(|(key, record)| Ok((name(&key)?, record))).collect()
}

/// The node at a path.
pub(super) fn find(read: &dyn Read, owner: PrincipalId, path: &[&str]) -> Result<Option<Node>> {
    let mut parent = PlainId::ROOT;
    let mut found = None;
    for name in path {
        let Some(record) = record::<PlainRecord>(read, &keys::plain(owner, parent, name))? else {
            return Ok(None);
        };
        let id = record.id;
        found = Some(Node::of(parent, name, record));
        parent = id;
    }
    Ok(found)
}

/// A node and all below, parents before their members.
pub(super) fn branch(read: &dyn Read, owner: PrincipalId, top: Node) -> Result<Vec<Node>> {
    let mut nodes = vec![top];
    let mut next = 0;
    while let Some(node) = nodes.get(next) {
        let id = node.record.id;
        if node.is_collection() {
            nodes.extend(members(read, owner, id)?.into_iter().map(|(name, record)| Node::of(id, &name, record)));
        }
        next = next.saturating_add(1);
    }
    Ok(nodes)
}

/// Stages the removal of a node and all below, with content and dead properties.
pub(super) fn remove(transaction: &mut Transaction<'_>, owner: PrincipalId, top: Node) -> Result<()> {
    for node in branch(transaction, owner, top)? {
        take(transaction, owner, node.parent, &node.name)?;
        transaction.delete(keys::plain_content(owner, node.record.id));
        transaction.delete_range(&keys::properties_of(PropertyHolder::Plain(node.record.id)))?;
    }
    Ok(())
}

/// Stages a node; what stood in its place is no more.
pub(super) fn put(transaction: &mut Transaction<'_>, owner: PrincipalId, node: &Node) -> Result<()> {
    take(transaction, owner, node.parent, &node.name)?;
    usage::in_home(transaction, owner, 0, content_bytes(&node.record))?;
    transaction.put_record(keys::plain(owner, node.parent, &node.name), &node.record)
}

/// Stages that nothing stands in a place; its content and what is below it stay.
pub(super) fn take(transaction: &mut Transaction<'_>, owner: PrincipalId, parent: PlainId, name: &str) -> Result<()> {
    let key = keys::plain(owner, parent, name);
    if let Some(record) = record::<PlainRecord>(transaction, &key)? {
        usage::in_home(transaction, owner, content_bytes(&record), 0)?;
        transaction.delete(key);
    }
    Ok(())
}

fn content_bytes(record: &PlainRecord) -> u64 {
    match &record.content {
        PlainContent::Collection | PlainContent::Subscription => 0,
        PlainContent::File { content_bytes, .. } => *content_bytes,
    }
}

/// Whether what is staged is no more than may be.
pub(super) fn check_number(read: &dyn Read, owner: PrincipalId, limits: &Limits) -> Result<()> {
    let number = keys_of(read, &keys::table_of(keys::PLAIN, &owner.0))?.len();
    if number > limits.files_per_user_max { out_of_space() } else { Ok(()) }
}

/// Whether a new collection or file may bear this name: as an object, and nothing that would upset a list for people.
pub(super) fn check_name(name: &str, limits: &Limits) -> Result<()> {
    if name.chars().any(char::is_control) { denied(Privilege::Bind) } else { check_object_name(name, limits) }
}

/// Whether a new calendar object may bear this name: one path segment, without what would not survive in a path, and not the
/// place where new members are handed in. Clients take a UID for it, whatever it holds; no list for people shows it.
pub(super) fn check_object_name(name: &str, limits: &Limits) -> Result<()> {
    if matches!(name, "" | "." | ".." | ADD_MEMBER) || name.contains(['/', '\0']) {
        return denied(Privilege::Bind);
    }
    if name.len() > limits.name_bytes_max { out_of_space() } else { Ok(()) }
}
