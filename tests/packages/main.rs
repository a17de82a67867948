//! What can only be seen from outside a package: a user's workspace, the
//! licences and weight of the dependencies.

mod dependencies;
mod outside;
mod readme;
