//! What a careful library denies.
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications,
    unused_results,
    elided_lifetimes_in_paths,
    single_use_lifetimes,
    trivial_casts,
    let_underscore_drop,
    rust_2018_idioms,
    rust_2024_compatibility
)]
#![forbid(unsafe_code)]

/// Listens.
pub mod listening {
    use cqrs_core::prelude::*;

    /// Money moved.
    #[derive(Event, Clone, Debug)]
    pub enum AccountEvent {
        /// Begun.
        Opened,
    }

    /// Asks.
    #[derive(Query, Debug)]
    #[query(output = i64, cache = "10m", shared, role = "clerk", rate_limit = "5/s")]
    pub struct GetBalance {
        /// Whose.
        pub account: String,
    }

    /// Greets.
    ///
    /// # Errors
    ///
    /// Never.
    #[event_handler(start = "now", timeout = "2s")]
    pub async fn welcome(_: &AccountEvent) -> Result<(), HandlerError> {
        Ok(())
    }

    /// Listens.
    #[derive(Clone, Copy, Debug)]
    pub struct Service;

    #[handlers]
    impl Service {
        /// Greets again.
        ///
        /// # Errors
        ///
        /// Never.
        #[event_handler]
        pub async fn again(&self, _: &Recorded<AccountEvent>) -> Result<(), HandlerError> {
            Ok(())
        }
    }
}

fn main() {}
