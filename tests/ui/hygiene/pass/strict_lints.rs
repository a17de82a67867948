//! What a careful library denies.
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    missing_copy_implementations,
    unreachable_pub,
    unused_qualifications,
    unused_lifetimes,
    unused_results,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unused_import_braces,
    variant_size_differences,
    non_local_definitions,
    let_underscore_drop,
    rust_2018_idioms,
    rust_2024_compatibility
)]
#![forbid(unsafe_code)]

/// A bank.
pub mod bank {
    use cqrs_core::prelude::*;

    /// An account.
    #[derive(Id)]
    pub struct AccountId(String);

    /// Puts money in.
    #[derive(Command, Debug)]
    pub struct Deposit {
        /// Where.
        pub account: AccountId,
        /// How much.
        #[check(min = 1)]
        pub cents: i64,
    }

    /// Opens.
    #[derive(Command, Debug)]
    pub struct Open {
        /// Which.
        pub account: AccountId,
    }

    /// Answered elsewhere.
    #[derive(Command, Debug)]
    #[command(output = i64, error = AccountError)]
    pub struct Elsewhere {
        /// Which.
        pub account: AccountId,
    }

    /// Money moved.
    #[derive(Event, Clone, Debug)]
    pub enum AccountEvent {
        /// In.
        Deposited {
            /// How much.
            cents: i64,
        },
        /// Noted.
        Noted(Noted),
    }

    /// A note.
    #[derive(Event, Clone, Debug)]
    pub struct Noted {
        /// Its text.
        pub note: String,
    }

    /// Why not.
    #[derive(Rejection, Clone, Copy, Debug)]
    pub enum AccountError {
        /// The account is closed.
        Closed,
    }

    /// The state.
    #[derive(Aggregate, Debug, Default, Clone, Copy)]
    #[aggregate(
        id = AccountId,
        event = AccountEvent,
        error = AccountError,
        snapshot = SnapshotPolicy::every(100)
    )]
    pub struct Account {
        cents: i64,
    }

    #[command_handlers]
    impl Account {
        fn deposit(&self, cmd: &Deposit) -> Result<AccountEvent, AccountError> {
            ensure!(self.cents >= 0, AccountError::Closed);
            Ok(AccountEvent::Deposited { cents: cmd.cents })
        }
    }

    #[apply]
    impl Apply for Account {
        fn apply(&mut self, event: &AccountEvent) {
            match event {
                AccountEvent::Deposited { cents } => self.cents += cents,
                AccountEvent::Noted(_) => {}
            }
        }
    }

    /// The balances.
    #[derive(Projection, Clone, Copy, Debug, Default)]
    #[projection(event = AccountEvent, key = AccountId, row = i64)]
    pub struct Balances;

    impl Project for Balances {
        async fn project(
            &self,
            _: &Recorded<AccountEvent>,
            _: &mut Rows<'_, Self>,
        ) -> Result<(), ProjectionError> {
            Ok(())
        }
    }

    /// Asks.
    #[derive(Query, Debug)]
    #[query(output = i64)]
    pub struct GetBalance {
        /// Whose.
        pub account: AccountId,
    }

    /// Answers.
    ///
    /// # Errors
    ///
    /// When the store fails.
    #[query_handler]
    pub async fn balance(query: &GetBalance, view: View<Balances>) -> Result<i64, QueryError> {
        Ok(view.get(&query.account).await?.unwrap_or(0))
    }

    /// Handles.
    #[derive(Clone, Copy, Debug)]
    pub struct Service;

    #[handlers]
    impl Service {
        /// Opens.
        ///
        /// # Errors
        ///
        /// Never.
        #[command_handler]
        pub async fn open(&self, _: &Open) -> Result<(), AccountError> {
            Ok(())
        }
    }

    module!();
}

fn main() {
    let modules = cqrs_core::modules![bank];
    assert!(modules[0].path().ends_with("bank"));
}
