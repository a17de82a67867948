use cqrs_core::prelude::*;

mod foreign {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub struct Money(i64);
}

#[derive(Value)]
struct Page<T> {
    items: Vec<T>,
}

#[derive(Event)]
enum AccountEvent {
    Opened { page: Option<Page<foreign::Money>> },
}

fn main() {}
