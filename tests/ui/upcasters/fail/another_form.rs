use cqrs_core::prelude::*;

#[derive(Event)]
#[event(retired(account.closed))]
enum AccountEvent {
    #[event(version = 2, upcast(1 -> same))]
    Deposited { cents: i64 },
    #[event(version = 2, upcast(1 => |event| event))]
    Withdrawn { cents: i64 },
    #[event(version = 2, upcast(one => same))]
    Moved { cents: i64 },
    #[event(version = 2, upcast = same)]
    Closed { cents: i64 },
    #[event(version = 2, first = 2, downcast(1 as Old))]
    Audited { cents: i64 },
    #[event(formerly(opened))]
    Opened { cents: i64 },
}

fn main() {}
