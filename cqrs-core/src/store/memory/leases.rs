//! Who holds what, and until when.

use std::collections::BTreeMap;

use crate::message::Timestamp;
use crate::store::{CommitError, Holder, Lease, LeaseError, LeaseName, LeaseToken, UnitOfWork};

/// Every lease that was ever given: its token must grow for ever.
#[derive(Default)]
pub(super) struct Leases(BTreeMap<LeaseName, Lease>);

impl Leases {
    pub(super) fn acquire(
        &mut self,
        name: &LeaseName,
        holder: &Holder,
        until: Timestamp,
        now: Timestamp,
    ) -> Option<Lease> {
        let last = self.0.get(name);
        if last.is_some_and(|last| last.until() > now && last.holder() != holder) {
            return None;
        }
        let token = LeaseToken::new(last.map_or(0, |last| last.token().get()) + 1);
        Some(self.put(Lease::new(name.clone(), holder.clone(), token, until)))
    }

    pub(super) fn renew(
        &mut self,
        lease: &Lease,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Lease, LeaseError> {
        self.held(lease.name(), lease.token(), now).map_err(|actual| LeaseError::Lost {
            lease: lease.name().clone(),
            held: lease.token(),
            actual,
        })?;
        let holder = lease.holder().clone();
        Ok(self.put(Lease::new(lease.name().clone(), holder, lease.token(), until)))
    }

    pub(super) fn release(&mut self, lease: &Lease, now: Timestamp) {
        let _ = self.renew(lease, now, now);
    }

    pub(super) fn beginning_with(&self, prefix: &str, now: Timestamp) -> Vec<Lease> {
        let held = self.0.values().filter(|lease| lease.until() > now);
        held.filter(|lease| lease.name().as_str().starts_with(prefix)).cloned().collect()
    }

    /// Whether the lease that fences a unit is held.
    pub(super) fn check(&self, work: &UnitOfWork, now: Timestamp) -> Result<(), CommitError> {
        let Some(fence) = work.fence() else { return Ok(()) };
        self.held(fence.name(), fence.token(), now).map_err(|actual| CommitError::LeaseLost {
            lease: fence.name().clone(),
            held: fence.token(),
            actual,
        })
    }

    /// Whether a lease is held with a token; the newest token if it is not.
    fn held(&self, name: &LeaseName, token: LeaseToken, now: Timestamp) -> Result<(), LeaseToken> {
        match self.0.get(name) {
            Some(last) if last.token() == token && last.until() > now => Ok(()),
            last => Err(last.map_or(LeaseToken::default(), Lease::token)),
        }
    }

    fn put(&mut self, lease: Lease) -> Lease {
        self.0.insert(lease.name().clone(), lease.clone());
        lease
    }
}
