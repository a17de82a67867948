//! The examples that are one program each, run as processes.

mod program;
mod services;
mod shutdown;
mod transcripts;
