//! A world (a store with its people and calendars), clients whose answers tests compare, and a cast of viewers of generated
//! objects; the real binary, and connections to it.

pub mod api;
pub mod cast;
pub mod client;
pub mod connection;
pub mod dice;
pub mod pipe;
pub mod process;
pub mod saboteur;
pub mod world;

pub use client::{Answer, Client};
pub use connection::{Connection, Reply, basic, event};
pub use pipe::{Front, Wire};
pub use process::{Done, Server, Shoji};
pub use world::World;
