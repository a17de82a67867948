//! The accounts' events, read back from the log.

use std::fmt;

use cqrs_core::prelude::*;
use cqrs_core::store::{EventStore, ReadRequest, Store, StreamId};

use super::account::{Account, AccountEvent, AccountId};

/// Reads what has been posted, oldest first, page by page.
pub struct Journal(Store);

impl Journal {
    /// Reads from a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self(store)
    }

    /// Shows all events of an account.
    ///
    /// # Errors
    ///
    /// [`QueryError`].
    pub async fn of_account(
        &self,
        account: &AccountId,
        mut show: impl FnMut(&AccountEvent),
    ) -> Result<(), QueryError> {
        // What cannot name a stream names no account either.
        let Ok(stream) = StreamId::new(Account::NAME, &*account.to_key()) else { return Ok(()) };
        self.read(ReadRequest::stream(stream), |event| show(event.data())).await
    }

    /// Shows all events of all accounts, each account's in its order.
    ///
    /// # Errors
    ///
    /// [`QueryError`].
    pub async fn of_all(
        &self,
        mut show: impl FnMut(AccountId, &AccountEvent),
    ) -> Result<(), QueryError> {
        let mut failed = None;
        let read =
            self.read(ReadRequest::category(Account::NAME), |event| match event.aggregate_id() {
                Ok(account) => show(account, event.data()),
                Err(error) => failed = Some(error),
            });
        read.await?;
        failed.map_or(Ok(()), |error| Err(QueryError::failed(error)))
    }

    async fn read(
        &self,
        request: ReadRequest,
        mut show: impl FnMut(&Recorded<AccountEvent>),
    ) -> Result<(), QueryError> {
        let mut next = Some(request);
        while let Some(request) = next {
            let page = self.0.read(request.clone()).await?;
            next = request.following(&page);
            for event in page.into_events() {
                let decoded = Recorded::decode(event).map_err(QueryError::failed)?;
                decoded.into_iter().for_each(|event| show(&event));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Journal")
    }
}
