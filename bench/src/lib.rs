//! What the long runs share.

pub mod chance;
