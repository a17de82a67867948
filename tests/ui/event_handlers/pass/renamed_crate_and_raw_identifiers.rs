#![deny(warnings)]
#![allow(non_camel_case_types)]

use elsewhere::cqrs;

mod elsewhere {
    pub extern crate cqrs_core as cqrs;
}

// The crate's own name means nothing here, as where it is renamed in the manifest.
mod cqrs_core {}

mod r#mod {
    use super::elsewhere::cqrs;
    use cqrs::prelude::*;

    #[derive(Event)]
    #[event(crate = cqrs)]
    pub enum r#enum {
        r#match,
    }

    #[derive(Command)]
    #[command(crate = cqrs, error = std::fmt::Error, timeout = "2s", role = "a", audit)]
    pub struct r#move {
        pub r#type: String,
    }

    #[derive(Query)]
    #[query(crate = cqrs, output = i64, cache = "1m", concurrency = 2, breaker = "b")]
    pub struct r#in;

    #[event_handler(crate = cqrs, attempts = 2)]
    pub async fn r#fn(r#ref: &r#enum, r#dyn: Bus) -> Result<Option<r#move>, HandlerError> {
        let _ = (r#ref, r#dyn);
        Ok(None)
    }

    pub struct r#struct;

    #[handlers(crate = super::elsewhere::cqrs)]
    impl r#struct {
        #[event_handler]
        async fn r#for(&self, _: &Recorded<r#enum>) -> Result<(), HandlerError> {
            Ok(())
        }

        #[query_handler(retry = "2", rate_limit = "1/s")]
        async fn r#loop(&self, _: &r#in) -> Result<i64, QueryError> {
            Ok(1)
        }
    }

    cqrs::module!();
}

fn main() {
    let modules = cqrs::modules![r#mod];
    assert_eq!(modules.len(), 1);
}
