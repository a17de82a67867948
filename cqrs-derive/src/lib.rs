//! The derives and attributes of `cqrs-core`, which re-exports and documents
//! them together with the traits that they implement. Depend on `cqrs-core`.
//!
//! Each macro goes the same way: parse the item, collect every mistake in it,
//! and expand. After a mistake a stub is emitted, so that only our message
//! shows and completion stays alive.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod args;
mod case;
mod code;
mod ctxt;
mod distinct;
mod expand;
mod fields;
mod handler_fn;
mod krate;
mod lock;
mod policy;
mod serde_attr;
mod shadow;
mod shape;
mod steps;
mod tense;

use proc_macro::TokenStream;

macro_rules! derives {
    ($($(#[doc = $doc:expr])* $trait:ident, $function:ident, $($path:ident)::+, [$($attr:ident),*];)*) => {$(
        $(#[doc = $doc])*
        #[proc_macro_derive($trait, attributes($($attr),*))]
        pub fn $function(input: TokenStream) -> TokenStream {
            code::guarded(|| expand::$($path)::+(input.into())).into()
        }
    )*};
}

macro_rules! attributes {
    ($($(#[doc = $doc:expr])* $name:ident => $($path:ident)::+;)*) => {$(
        $(#[doc = $doc])*
        #[proc_macro_attribute]
        pub fn $name(args: TokenStream, item: TokenStream) -> TokenStream {
            let original = proc_macro2::TokenStream::from(item.clone());
            code::guarded_item(original, || expand::$($path)::+(args.into(), item.into())).into()
        }
    )*};
}

derives! {
    #[doc = include_str!("../docs/command.md")]
    #[doc = include_str!("../docs/policies.md")]
    Command, derive_command, command::derive, [command, check, id, schema, serde];
    #[doc = include_str!("../docs/query.md")]
    #[doc = include_str!("../docs/policies.md")]
    Query, derive_query, query::derive, [query, check, id, serde];
    #[doc = include_str!("../docs/event.md")]
    Event, derive_event, event::derive, [event, schema, serde];
    #[doc = include_str!("../docs/schema.md")]
    Schema, derive_schema, schema::derive, [schema, serde];
    #[doc = include_str!("../docs/value.md")]
    Value, derive_value, schema::derive_value, [schema, serde];
    #[doc = include_str!("../docs/aggregate.md")]
    Aggregate, derive_aggregate, aggregate::derive, [aggregate, schema, serde];
    #[doc = include_str!("../docs/id.md")]
    Id, derive_id, id::derive, [id];
    #[doc = include_str!("../docs/projection.md")]
    Projection, derive_projection, projection::derive, [projection];
    #[doc = include_str!("../docs/rejection.md")]
    Rejection, derive_rejection, rejection::derive, [];
}

attributes! {
    #[doc = include_str!("../docs/apply.md")]
    apply => apply::attribute;
    #[doc = include_str!("../docs/command_handlers.md")]
    command_handlers => decisions::attribute;
    #[doc = include_str!("../docs/command_handler.md")]
    #[doc = include_str!("../docs/policies.md")]
    command_handler => handler::command;
    #[doc = include_str!("../docs/query_handler.md")]
    #[doc = include_str!("../docs/policies.md")]
    query_handler => handler::query;
    #[doc = include_str!("../docs/handlers.md")]
    #[doc = include_str!("../docs/policies.md")]
    handlers => service::attribute;
    #[doc = include_str!("../docs/event_handler.md")]
    event_handler => event_handler::attribute;
    #[doc = include_str!("../docs/guard.md")]
    guard => guard::attribute;
}
