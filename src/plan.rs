//! The plan as written: text → [`Node`](node::Node) → [`Plan`](model::Plan), every problem at once.
//! Must not resolve names, compile expressions or touch the network; that is [`crate::compile`].

#[macro_use]
mod decode;
pub mod bounds;
pub mod codes;
pub mod load;
pub mod model;
pub mod node;
pub mod parse;
pub mod root;
pub mod schema;
pub mod trust;

#[cfg(test)]
mod tests;
