//! Leases, given and taken within the transactions of the writing thread.

use std::sync::Arc;
use std::time::Duration;

use cqrs_core::message::Timestamp;
use cqrs_core::store::{CommitError, Holder, Lease, LeaseError, LeaseName, LeaseToken, UnitOfWork};
use rusqlite::Connection;

use super::log::Log;
use crate::fault::Outcome;
use crate::reader;
use crate::sql;

/// What is asked of a lease.
pub(super) enum LeaseRequest {
    Acquire(LeaseName, Holder, Duration),
    Renew(Lease, Duration),
    Release(Lease),
}

/// What was made of it: the lease, if it is held now.
pub(crate) type LeaseAnswer = Result<Option<Lease>, LeaseError>;

impl Log {
    pub(super) fn lease(&mut self, request: &LeaseRequest) -> Outcome<LeaseAnswer> {
        let (connection, now) = (&self.session.connection, self.clock.now());
        match request {
            LeaseRequest::Acquire(name, holder, ttl) => {
                let last = reader::lease(connection, name)?;
                let token = last.as_ref().map_or(0, |last| last.token().get()) + 1;
                if last.is_some_and(|last| last.until() > now && last.holder() != holder) {
                    return Ok(Ok(None));
                }
                let (name, token) = (name.clone(), LeaseToken::new(token));
                let lease = Lease::new(name, holder.clone(), token, now.plus(*ttl));
                put(connection, lease).map(|lease| Ok(Some(lease)))
            }
            LeaseRequest::Renew(lease, ttl) => renew(connection, lease, now, now.plus(*ttl)),
            LeaseRequest::Release(lease) => {
                // One that is lost is left to who has it.
                renew(connection, lease, now, now).map(|_| Ok(None))
            }
        }
    }

    /// Whether the lease that fences a unit is held.
    pub(super) fn check_lease(&mut self, work: &UnitOfWork) -> Outcome<Result<(), CommitError>> {
        let Some(fence) = work.fence() else { return Ok(Ok(())) };
        let (connection, now) = (&self.session.connection, self.clock.now());
        let found = held(connection, fence.name(), fence.token(), now)?;
        Ok(found.map_err(|actual| {
            let (lease, held) = (fence.name().clone(), fence.token());
            CommitError::LeaseLost { lease, held, actual }
        }))
    }
}

/// What is told of a lease whose transaction did not commit, or nobody knows.
pub(super) fn failed(reason: &Arc<str>, transient: bool) -> LeaseAnswer {
    Err(LeaseError::Unavailable { reason: Arc::clone(reason), transient })
}

fn renew(
    connection: &Connection,
    lease: &Lease,
    now: Timestamp,
    until: Timestamp,
) -> Outcome<LeaseAnswer> {
    let (name, token) = (lease.name().clone(), lease.token());
    if let Err(actual) = held(connection, &name, token, now)? {
        return Ok(Err(LeaseError::Lost { lease: name, held: token, actual }));
    }
    put(connection, Lease::new(name, lease.holder().clone(), token, until)).map(|one| Ok(Some(one)))
}

/// Whether a lease is held with a token; the newest token if it is not.
fn held(
    connection: &Connection,
    name: &LeaseName,
    token: LeaseToken,
    now: Timestamp,
) -> Outcome<Result<(), LeaseToken>> {
    Ok(match reader::lease(connection, name)? {
        Some(last) if last.token() == token && last.until() > now => Ok(()),
        last => Err(last.map_or(LeaseToken::default(), |last| last.token())),
    })
}

fn put(connection: &Connection, lease: Lease) -> Outcome<Lease> {
    connection.prepare_cached(sql::SET_LEASE)?.execute((
        lease.name().as_str(),
        lease.token().get().cast_signed(),
        lease.holder().as_str(),
        lease.until().as_micros(),
    ))?;
    Ok(lease)
}
