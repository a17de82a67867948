#![deny(warnings)]

use cqrs_core::prelude::*;

#[derive(Command)]
struct Unit;

#[derive(Command)]
struct Empty {}

#[derive(Command)]
struct EmptyTuple();

#[derive(Command)]
struct Tuple(#[check(required)] String, i64);

#[derive(Query)]
#[query(output = ())]
struct Ping;

#[derive(Query)]
#[query(output = Vec<(String, Option<i64>)>)]
struct All {}

#[derive(Event)]
enum Nothing {}

#[derive(Event)]
enum One {
    Happened,
}

#[derive(Aggregate, Default)]
#[aggregate(id = u64, event = Nothing, error = std::convert::Infallible, snapshot = SnapshotPolicy::every(1))]
struct Still;

#[apply]
impl Apply for Still {
    fn apply(&mut self, event: &Nothing) {
        match *event {}
    }
}

#[derive(Aggregate, Default)]
#[aggregate(id = u64, event = One, error = std::convert::Infallible, snapshot = SnapshotPolicy::every(1))]
struct Tally(i64, #[serde(default)] Vec<i64>);

#[apply]
impl Apply for Tally {
    fn apply(&mut self, event: &One) {
        match event {
            One::Happened => self.0 += 1,
        }
    }
}

#[query_handler]
fn ping(_: &Ping) -> Result<(), QueryError> {
    Ok(())
}

#[query_handler]
fn all(_: &All) -> Result<Vec<(String, Option<i64>)>, QueryError> {
    Ok(Vec::new())
}

fn main() {
    let json = |command: Result<Vec<u8>, _>| String::from_utf8(command.unwrap()).unwrap();
    let mut out = Vec::new();
    let encode = |event: &One| {
        let mut out = Vec::new();
        event.encode(&mut out).map(|()| out)
    };
    assert_eq!(json(encode(&One::Happened)), "{}");
    let state = Still::STATE.unwrap();
    (state.encode)(&Still, &mut out).unwrap();
    assert!((state.decode)(&out).is_ok());
    let tuple = Tuple(String::new(), 1);
    let bad = tuple.validate().unwrap_err();
    assert_eq!(bad.iter().next().unwrap().field, "0");
    let _ = (Unit, Empty {}, EmptyTuple(), tuple.1, Ping, All {}, Tally::default().1);
}
