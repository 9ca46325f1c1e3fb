//! A world (a store with its people and calendars), and clients whose answers tests compare.

pub mod client;
pub mod world;

pub use client::{Answer, Client};
pub use world::World;
