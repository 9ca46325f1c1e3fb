//! Documentation alone: the channels by which servers of this kind have leaked, and what stands against each.
#![cfg_attr(doc, doc = include_str!("../leaks.md"))]
