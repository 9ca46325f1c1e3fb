//! A world (a store with its people and calendars), clients whose answers tests compare, and a cast of viewers of generated
//! objects.

pub mod cast;
pub mod client;
pub mod world;

pub use client::{Answer, Client};
pub use world::World;
