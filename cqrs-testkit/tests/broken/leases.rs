//! Faults in leases.

use std::time::Duration;

use cqrs_core::store::{
    CommitError, EventStore, Holder, Lease, LeaseError, LeaseName, LeaseToken, ReadError,
    UnitOfWork,
};
use tokio::task::yield_now;

use crate::fault::Fault;
use crate::now;
use crate::parts::Unit;
use crate::store::Broken;

const LONG: Duration = Duration::from_secs(3_600);

pub(crate) async fn acquire(
    store: &Broken,
    name: &LeaseName,
    holder: &Holder,
    ttl: Duration,
) -> Result<Option<Lease>, LeaseError> {
    let (fault, inner) = (store.fault, &store.inner);
    let name = &folded(fault, name);
    if fault == Fault::FailsOnHugeNumbers && ttl > LONG * 1_000_000 {
        return Err(LeaseError::Unavailable { reason: "out of range".into(), transient: false });
    }
    let last = current(store, name);
    if fault == Fault::KeepsLeasesFromTheirHolders && last.is_some() {
        return Ok(None);
    }
    if fault == Fault::ChecksFirstAndWritesLater && last.is_none() {
        yield_now().await;
        yield_now().await;
        end(store, name);
    }
    if fault == Fault::GivesLeasesTwice {
        end(store, name);
    }
    let ttl = if fault == Fault::NeverEndsLeases { ttl.max(LONG) } else { ttl };
    match (fault, inner.acquire_lease(name, holder, ttl).await) {
        (Fault::AcceptsIllFormedNames, Err(LeaseError::Invalid(_))) => Ok(None),
        (Fault::KeepsTokens, Ok(Some(lease))) => Ok(Some(with(&lease, 1, lease.until()))),
        (_, answer) => answer,
    }
}

pub(crate) async fn renew(
    store: &Broken,
    lease: &Lease,
    ttl: Duration,
) -> Result<Lease, LeaseError> {
    let own = Lease::new(
        folded(store.fault, lease.name()),
        lease.holder().clone(),
        lease.token(),
        lease.until(),
    );
    match (store.fault, store.inner.renew_lease(&own, ttl).await) {
        (Fault::RenewsWhatHasEnded, Err(LeaseError::Lost { held, actual, .. }))
            if held == actual =>
        {
            Ok(own)
        }
        (Fault::RenewsForAnybody, Err(LeaseError::Lost { .. })) => Ok(own),
        (Fault::ForgetsRenewals, Ok(_)) => Ok(own),
        (Fault::RaisesTokensWithRenewals, Ok(renewed)) => {
            Ok(with(&renewed, renewed.token().get() + 1, renewed.until()))
        }
        (_, answer) => answer,
    }
}

pub(crate) async fn release(store: &Broken, lease: &Lease) -> Result<(), LeaseError> {
    match store.fault {
        Fault::ForgetsReleases => Ok(()),
        Fault::ReleasesForAnybody => {
            end(store, lease.name());
            Ok(())
        }
        _ => store.inner.release_lease(lease).await,
    }
}

pub(crate) async fn leases(store: &Broken, prefix: &str) -> Result<Vec<Lease>, ReadError> {
    let asked = if store.fault == Fault::IgnoresThePrefix { "" } else { prefix };
    let mut found = store.inner.leases(asked).await?;
    match store.fault {
        Fault::ListsLeasesBackwards => found.reverse(),
        Fault::ListsNoLeases => found.clear(),
        _ => {}
    }
    Ok(found)
}

/// The error of a store that refuses a unit of which it likes the lease not.
pub(crate) fn refusal(store: &Broken, work: &UnitOfWork) -> Option<CommitError> {
    let fence = work.fence()?;
    let (lease, held) = (fence.name().clone(), fence.token());
    let is_held = current(store, &lease).is_some_and(|one| one.token() == held);
    (store.fault == Fault::RefusesFencedUnits || !is_held).then_some(CommitError::LeaseLost {
        lease,
        held,
        actual: held,
    })
}

/// Takes a fence away by a fault.
pub(crate) fn change(store: &Broken, unit: &mut Unit) {
    let Some(lease) = &unit.fence else { return };
    let newest = || {
        // What the store says of a token that nobody has.
        let invented = with(lease, u64::MAX >> 1, lease.until());
        match now(store.inner.renew_lease(&invented, LONG)) {
            Err(LeaseError::Lost { actual, .. }) => actual,
            _ => LeaseToken::default(),
        }
    };
    match store.fault {
        Fault::IgnoresFences => unit.fence = None,
        Fault::FencesByTheTokenAlone if newest() == lease.token() => unit.fence = None,
        Fault::FencesByTheTimeAlone if current(store, lease.name()).is_some() => unit.fence = None,
        _ => {}
    }
}

fn current(store: &Broken, name: &LeaseName) -> Option<Lease> {
    let held = now(store.inner.leases(name.as_str())).expect("memory can be read");
    held.into_iter().find(|lease| lease.name() == name)
}

fn end(store: &Broken, name: &LeaseName) {
    if let Some(lease) = current(store, name) {
        now(store.inner.release_lease(&lease)).expect("memory can be written");
    }
}

fn with(lease: &Lease, token: u64, until: cqrs_core::Timestamp) -> Lease {
    Lease::new(lease.name().clone(), lease.holder().clone(), LeaseToken::new(token), until)
}

fn folded(fault: Fault, name: &LeaseName) -> LeaseName {
    match fault {
        Fault::FoldsNamesOfLeases => name.as_str().to_lowercase().into(),
        _ => name.clone(),
    }
}
