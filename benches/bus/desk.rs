//! Handlers that do next to nothing.

use cqrs_core::prelude::*;

cqrs_core::module!();

#[derive(Command)]
pub(crate) struct Ping {
    #[check(max = 4_000_000_000)]
    pub(crate) n: u32,
}

#[derive(Command)]
pub(crate) struct PingLater {
    #[check(max = 4_000_000_000)]
    pub(crate) n: u32,
}

#[derive(Query)]
#[query(output = u64, cache = "10m")]
pub(crate) struct Ask {
    pub(crate) n: u32,
}

#[derive(Event)]
pub(crate) enum DeskEvent {
    Rang { n: u32 },
}

#[derive(Rejection, Debug)]
pub(crate) enum Never {}

#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) more: u32,
}

#[command_handler]
fn ping(command: &Ping, desk: &Dep<Desk>) -> Result<u32, Never> {
    Ok(command.n.wrapping_add(desk.more))
}

#[command_handler]
async fn ping_later(command: &PingLater, desk: Dep<Desk>) -> Result<u32, Never> {
    Ok(command.n.wrapping_add(desk.more))
}

#[query_handler]
async fn ask(query: &Ask) -> Result<u64, QueryError> {
    Ok(u64::from(query.n))
}
