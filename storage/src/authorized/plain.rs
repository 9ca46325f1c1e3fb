//! Plain collections in one's own home: files of any type, for the owner alone.

use super::{AuthorizedStore, AuthorizedWriter, Home, PropertyUpdate};
use crate::error::Result;
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
}

impl AuthorizedStore<'_> {
    /// Direct members of a plain collection by name.
    pub fn plain_members(&self, collection: &Plain) -> Result<Vec<Plain>> {
        let _ = collection;
        todo!()
    }
    /// The content of a file.
    pub fn file_content(&self, file: &Plain) -> Result<Vec<u8>> {
        let _ = file;
        todo!()
    }
}

impl AuthorizedWriter<'_> {
    /// MKCOL below the viewer's home. `NoParent`, `Exists`; in another's home as [`AuthorizedWriter::create_calendar`].
    pub fn create_collection(&mut self, owner: &str, path: &[&str], properties: &[PropertyUpdate]) -> Result<()> {
        let _ = (owner, path, properties);
        todo!()
    }
    /// PUT of a file into a plain collection. `Ok((created, etag))`.
    pub fn put_file(&mut self, owner: &str, path: &[&str], content_type: &str, content: &[u8]) -> Result<(bool, String)> {
        let _ = (owner, path, content_type, content);
        todo!()
    }
    /// Deletes a plain file, or a plain collection with all below.
    pub fn delete_plain(&mut self, plain: &Plain) -> Result<()> {
        let _ = plain;
        todo!()
    }
    /// Copies a plain resource with dead properties; members too if `depth` is infinite. What stands at the destination is
    /// replaced. `Ok(true)`: nothing stood there.
    pub fn copy_plain(&mut self, from: &Plain, to: &[&str], depth: CopyDepth) -> Result<bool> {
        let _ = (from, to, depth);
        todo!()
    }
    /// Moves a plain resource with everything below.
    pub fn move_plain(&mut self, from: &Plain, to: &[&str]) -> Result<bool> {
        let _ = (from, to);
        todo!()
    }
    /// Renames one's own calendar within one's own home; grants, mounts, tokens stay.
    pub fn rename_calendar(&mut self, calendar: &super::Calendar, home: &Home, name: &str) -> Result<()> {
        let _ = (calendar, home, name);
        todo!()
    }
}

/// How deep COPY goes (RFC 4918 §9.8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyDepth {
    /// The collection without members.
    Zero,
    /// With everything below.
    Infinity,
}
