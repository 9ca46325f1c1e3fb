//! Plain collections in one's own home: files of any type, for the owner alone.

use super::plain_tree::{self, Node};
use super::property::stage_updates;
use super::{AuthorizedStore, AuthorizedWriter, Calendar, Home, PropertyUpdate, denied};
use crate::calendars;
use crate::error::{Error, Result};
use crate::keys::{self, PlainId, PropertyHolder};
use crate::read::Transaction;
use crate::record::{PlainContent, PlainRecord};
use crate::usage::Given;
use acl::Privilege;
use chrono::{DateTime, Utc};

/// Collection or file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlainKind {
    /// Made by MKCOL.
    Collection,
    /// Made by PUT.
    File {
        /// Strong, quotes included.
        etag: String,
        /// As sent.
        content_type: String,
        /// Bytes.
        content_length: u64,
    },
    /// A subscription to a calendar elsewhere: of its properties one says where ([`super::PropertyKey::Source`]). It has no
    /// members, and nothing here ever fetches anything.
    Subscription,
}

/// A plain resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plain {
    /// Whose home (path segment); the viewer's own.
    pub owner: String,
    /// Segments below the home.
    pub path: Vec<String>,
    /// Collection or file.
    pub kind: PlainKind,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When its content last changed.
    pub modified: DateTime<Utc>,
    pub(super) id: PlainId,
}

/// How deep COPY goes (RFC 4918 §9.8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyDepth {
    /// The collection without members.
    Zero,
    /// With everything below.
    Infinity,
}

impl AuthorizedStore<'_> {
    /// A node as its owner sees it.
    pub(super) fn plain(&self, owner: &str, path: &[&str], node: Node) -> Plain {
        let PlainRecord { id, content, created, modified } = node.record;
        let kind = match content {
            PlainContent::Collection => PlainKind::Collection,
            PlainContent::Subscription => PlainKind::Subscription,
            PlainContent::File { content_type, content_bytes, hash } => PlainKind::File {
                etag: self.snapshot.key().etag(&[b"file", &id.0, content_type.as_bytes(), &hash]),
                content_type,
                content_length: content_bytes,
            },
        };
        let path = path.iter().map(|segment| (*segment).to_owned()).collect();
        Plain { owner: owner.to_owned(), path, kind, created, modified, id }
    }

    /// Direct members of a plain collection by name.
    pub fn plain_members(&self, collection: &Plain) -> Result<Vec<Plain>> {
        let members = plain_tree::members(self.snapshot, self.viewer, collection.id)?;
        let shown = members.into_iter().map(|(name, record)| {
            let mut path: Vec<&str> = collection.path.iter().map(String::as_str).collect();
            path.push(&name);
            self.plain(&collection.owner, &path, Node::of(collection.id, &name, record))
        });
        Ok(shown.collect())
    }

    /// The content of a file.
    pub fn file_content(&self, file: &Plain) -> Result<Vec<u8>> {
        use crate::read::Read;
        self.snapshot.get(&keys::plain_content(self.viewer, file.id))?.ok_or(Error::NotFound)
    }

    fn node(&self, plain: &Plain) -> Result<Node> {
        let path: Vec<&str> = plain.path.iter().map(String::as_str).collect();
        let node = plain_tree::find(self.snapshot, self.viewer, &path)?.filter(|node| node.record.id == plain.id);
        node.ok_or(Error::NotFound)
    }
}

/// Where something is to be made: below which collection, under which name, and what stands there.
struct Destination<'p> {
    parent: PlainId,
    name: &'p str,
    standing: Option<Node>,
}

impl AuthorizedWriter<'_> {
    /// MKCOL below the viewer's home. `NoParent`, `Exists`; in another's home as [`AuthorizedWriter::create_calendar`].
    pub fn create_collection(&mut self, owner: &str, path: &[&str], properties: &[PropertyUpdate]) -> Result<()> {
        self.own_home_for(owner)?;
        let destination = self.destination(path)?;
        if destination.standing.is_some() {
            return Err(Error::Exists);
        }
        self.create_plain(&destination, PlainContent::Collection, properties)
    }

    /// Makes a subscription directly in the viewer's home. Refusals as of [`AuthorizedWriter::create_collection`].
    pub fn create_subscription(&mut self, owner: &str, name: &str, properties: &[PropertyUpdate]) -> Result<()> {
        self.own_home_for(owner)?;
        let destination = self.destination(&[name])?;
        if destination.standing.is_some() {
            return Err(Error::Exists);
        }
        self.create_plain(&destination, PlainContent::Subscription, properties)
    }

    fn create_plain(&self, destination: &Destination<'_>, content: PlainContent, properties: &[PropertyUpdate]) -> Result<()> {
        let record = self.new_record(content);
        let id = record.id;
        let mut transaction = self.snapshot.begin();
        plain_tree::put(&mut transaction, self.viewer, &Node::of(destination.parent, destination.name, record))?;
        stage_updates(&mut transaction, PropertyHolder::Plain(id), self.viewer, properties, self.limits())?;
        self.commit_plain(transaction)
    }

    /// PUT of a file into a plain collection or the home itself. `Ok((created, etag))`.
    pub fn put_file(&mut self, owner: &str, path: &[&str], content_type: &str, content: &[u8]) -> Result<(bool, String)> {
        let home = self.own_home_for(owner)?;
        let destination = self.destination(path)?;
        if content.len() > self.limits().file_bytes_max || content_type.len() > self.limits().name_bytes_max {
            return super::home::out_of_space();
        }
        let stored = PlainContent::File {
            content_type: content_type.to_owned(),
            content_bytes: content.len() as u64,
            hash: *blake3::hash(content).as_bytes(),
        };
        let created = destination.standing.is_none();
        let record = match destination.standing {
            Some(standing) if !standing.is_file() => return Err(Error::Exists),
            Some(standing) => PlainRecord { content: stored, modified: self.now(), ..standing.record },
            None => self.new_record(stored),
        };
        let node = Node::of(destination.parent, destination.name, record);
        let mut transaction = self.snapshot.begin();
        plain_tree::put(&mut transaction, self.viewer, &node)?;
        transaction.put(keys::plain_content(self.viewer, node.record.id), content.to_vec());
        self.commit_plain(transaction)?;
        match self.plain(&home.owner, path, node).kind {
            PlainKind::File { etag, .. } => Ok((created, etag)),
            PlainKind::Collection | PlainKind::Subscription => Err(Error::Corrupted("a file just stored")),
        }
    }

    /// Stores a new file in a plain collection under a name of the server's choice (RFC 5995). `Ok((name, etag))`.
    pub fn add_file(&mut self, collection: &Plain, content_type: &str, content: &[u8]) -> Result<(String, String)> {
        let name = self.new_name();
        let path: Vec<&str> = collection.path.iter().map(String::as_str).chain([name.as_str()]).collect();
        let (_, etag) = self.put_file(&collection.owner, &path, content_type, content)?;
        Ok((name, etag))
    }

    /// Deletes a plain file, or a plain collection with all below.
    pub fn delete_plain(&mut self, plain: &Plain) -> Result<()> {
        let node = self.node(plain)?;
        let mut transaction = self.snapshot.begin();
        plain_tree::remove(&mut transaction, self.viewer, node)?;
        self.snapshot.commit(transaction)
    }

    /// Copies a plain resource with dead properties; members too if `depth` is infinite. What stands at the destination is
    /// replaced. `Ok(true)`: nothing stood there.
    pub fn copy_plain(&mut self, from: &Plain, to: &[&str], depth: CopyDepth) -> Result<bool> {
        let source = self.node(from)?;
        let (destination, created) = self.cleared_destination(from, to)?;
        let nodes = match depth {
            CopyDepth::Zero => vec![source],
            CopyDepth::Infinity => plain_tree::branch(self.snapshot, self.viewer, source)?,
        };
        let mut transaction = destination.1;
        let mut copied = std::collections::HashMap::new();
        for (index, node) in nodes.into_iter().enumerate() {
            let from_id = node.record.id;
            let id = PlainId(self.snapshot.random_id());
            copied.insert(from_id, id);
            let copy = match index {
                0 => Node::of(destination.0.parent, destination.0.name, node.record),
                _ => Node { parent: copied.get(&node.parent).copied().unwrap_or(PlainId::ROOT), ..node },
            };
            let record = PlainRecord { id, created: self.now(), ..copy.record };
            plain_tree::put(&mut transaction, self.viewer, &Node { record, ..copy })?;
            self.copy_contents(&mut transaction, from_id, id)?;
        }
        self.commit_plain(transaction)?;
        Ok(created)
    }

    /// Moves a plain resource with everything below.
    pub fn move_plain(&mut self, from: &Plain, to: &[&str]) -> Result<bool> {
        let source = self.node(from)?;
        let ((destination, mut transaction), created) = self.cleared_destination(from, to)?;
        plain_tree::take(&mut transaction, self.viewer, source.parent, &source.name)?;
        plain_tree::put(&mut transaction, self.viewer, &Node::of(destination.parent, destination.name, source.record))?;
        self.commit_plain(transaction)?;
        Ok(created)
    }

    /// Renames one's own calendar within one's own home; grants, mounts, tokens stay.
    pub fn rename_calendar(&mut self, calendar: &Calendar, home: &Home, name: &str) -> Result<()> {
        if !calendar.own() {
            return denied(Privilege::Unbind);
        }
        self.own_home_for(&home.owner)?;
        self.check_member_name(name)?;
        let mut stored = self.stored_calendar(calendar)?;
        let mut transaction = self.snapshot.begin();
        calendars::rename(&mut transaction, &mut stored, name)?;
        self.snapshot.commit(transaction)
    }

    /// The place at a path below the viewer's own home, within which no calendar may stand.
    fn destination<'p>(&self, path: &[&'p str]) -> Result<Destination<'p>> {
        let Some((name, parents)) = path.split_last() else { return Err(Error::Exists) };
        if path.len() > self.limits().path_segments_max {
            return super::home::out_of_space();
        }
        let parent = match parents.split_first() {
            None => {
                self.check_member_name(name)?;
                if calendars::named(self.snapshot, self.viewer, name)?.is_some() {
                    return Err(Error::Exists);
                }
                PlainId::ROOT
            }
            Some((first, _)) => {
                plain_tree::check_name(name, self.limits())?;
                self.parent_collection(first, parents)?
            }
        };
        let standing = plain_tree::find(self.snapshot, self.viewer, path)?;
        Ok(Destination { parent, name, standing })
    }

    fn parent_collection(&self, first: &str, parents: &[&str]) -> Result<PlainId> {
        let own = calendars::named(self.snapshot, self.viewer, first)?.is_some();
        if own || self.mount_named(first)?.is_some() {
            // RFC 4791 §4.2: a calendar collection holds calendar objects only.
            return denied(Privilege::Bind);
        }
        let parent = plain_tree::find(self.snapshot, self.viewer, parents)?.filter(Node::is_collection);
        Ok(parent.ok_or(Error::NoParent)?.record.id)
    }

    /// Makes room for a copy or a move: what stands there goes, unless one of both is inside the other.
    fn cleared_destination<'p>(&self, from: &Plain, to: &[&'p str]) -> Result<((Destination<'p>, Transaction<'_>), bool)> {
        let inside = from.path.iter().zip(to).all(|(from, to)| from == to);
        if inside || (from.kind == PlainKind::Subscription && to.len() > 1) {
            return denied(Privilege::Bind);
        }
        let mut destination = self.destination(to)?;
        let mut transaction = self.snapshot.begin();
        let standing = destination.standing.take();
        let created = standing.is_none();
        if let Some(standing) = standing {
            plain_tree::remove(&mut transaction, self.viewer, standing)?;
        }
        Ok(((destination, transaction), created))
    }

    fn copy_contents(&self, transaction: &mut Transaction<'_>, from: PlainId, to: PlainId) -> Result<()> {
        use crate::read::Read;
        if let Some(content) = transaction.get(&keys::plain_content(self.viewer, from))? {
            transaction.put(keys::plain_content(self.viewer, to), content);
        }
        if let Some(properties) = transaction.get(&keys::properties(PropertyHolder::Plain(from), self.viewer))? {
            transaction.put(keys::properties(PropertyHolder::Plain(to), self.viewer), properties);
        }
        Ok(())
    }

    fn commit_plain(&self, transaction: Transaction<'_>) -> Result<()> {
        plain_tree::check_number(&transaction, self.viewer, self.limits())?;
        self.commit_charged(transaction, Given::default())
    }

    fn new_record(&self, content: PlainContent) -> PlainRecord {
        let now = self.now();
        PlainRecord { id: PlainId(self.snapshot.random_id()), content, created: now, modified: now }
    }
}
