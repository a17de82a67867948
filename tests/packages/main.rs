//! What can only be seen from outside a package: a user's workspace, the
//! licences and weight of the dependencies.

mod dependencies;
mod evolution;
mod outside;
mod readme;
mod schema;
mod workspace;
