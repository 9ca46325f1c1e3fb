//! XML as WebDAV uses it: names, reading into a small bounded tree, writing.
//!
//! Reading refuses document types and so every entity but the predefined ones; writing escapes all that needs it.

pub mod name;
pub mod read;
pub mod write;

#[cfg(test)]
mod tests;

pub use name::Name;
pub use read::{Attribute, Element, Node};
pub use write::{Tags, Writer};
