//! Applications on the framework, each a module with a command line of its
//! own in the folder of the same name.

#![deny(missing_docs)]

pub mod bank;
