//! Generic values and events, with their bounds.

use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;

use cqrs_core::prelude::*;
use cqrs_core::schema::{Scalar, Shape};

#[derive(Value, Clone, Debug)]
struct Page<T: Clone, const N: usize>
where
    T: Debug,
{
    items: Vec<T>,
    size: u8,
}

#[derive(Event)]
enum Listed<T: Clone + Debug> {
    Shown { page: Page<T, 3>, by: Arc<str>, note: Cow<'static, str> },
}

#[derive(Event)]
struct Picked<T> {
    item: T,
}

fn main() {
    let shape = |kind: &cqrs_core::event::EventType| kind.shape.as_fields().unwrap()[0].shape;
    let page = shape(&Listed::<u64>::TYPES[0]).as_fields().unwrap();
    assert_eq!(*page[0].shape, Shape::List(&Shape::Scalar(Scalar::U64)));
    assert_eq!(*shape(&Picked::<String>::TYPES[0]), Shape::Scalar(Scalar::Text));
}
