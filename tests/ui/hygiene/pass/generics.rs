#![deny(warnings)]

use std::marker::PhantomData;

use cqrs_core::prelude::*;

#[derive(Command)]
struct Import<T> {
    batch: String,
    rows: Vec<T>,
}

#[derive(Command)]
struct Bounded<T: Clone, const N: usize>
where
    T: Default,
{
    #[id]
    batch: String,
    #[serde(skip)]
    kind: PhantomData<[T; N]>,
}

#[derive(Query)]
#[query(output = Vec<T>)]
struct Find<T> {
    like: T,
}

#[derive(Event, Debug, PartialEq)]
enum StockEvent<T> {
    Counted { item: T },
    Moved { from: T, to: Option<T> },
    Closed,
}

#[derive(Event)]
struct Seen<T> {
    item: T,
}

#[derive(Command)]
struct Pair<T: Clone = i64>(String, T)
where
    T: Default;

#[derive(Rejection, Debug)]
enum StockError<T: std::fmt::Debug + std::fmt::Display> {
    /// No {0}.
    Unknown(T),
}

fn is_command<C: Command>() {}
fn is_query<Q: Query>() {}

fn main() {
    is_command::<Import<i64>>();
    is_command::<Pair>();
    is_command::<Bounded<String, 2>>();
    is_query::<Find<String>>();
    let event = StockEvent::Moved { from: 1, to: None };
    let mut json = Vec::new();
    event.encode(&mut json).unwrap();
    assert_eq!(json, br#"{"from":1,"to":null}"#);
    assert_eq!(StockEvent::Counted { item: 1 }.event_type().name, "stock.counted");
    assert_eq!(StockEvent::<u8>::Closed.event_type().name, "stock.closed");
    assert_eq!(Seen { item: 1 }.event_type().name, "seen");
    assert_eq!(StockError::Unknown("x").to_string(), "No x");
    let import = Import { batch: "a".to_owned(), rows: vec![1] };
    let bounded = Bounded::<String, 2> { batch: "b".to_owned(), kind: PhantomData };
    let pair = Pair(String::new(), 1);
    let _ = (
        pair.0,
        pair.1,
        import.batch,
        import.rows,
        bounded.batch,
        bounded.kind,
        Find { like: 1 }.like,
    );
}
