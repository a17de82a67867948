//! One of several leads; whoever cannot renew its lease stops in time.

use std::time::Duration;

use cqrs_core::runtime::{Clock, Services};
use cqrs_core::store::memory::MemoryStore;
use cqrs_core::store::{EventStore, Holder, Leader, LeaseName, Store};
use cqrs_testkit::fault::Gate;
use cqrs_testkit::{Fault, FaultyStore, ManualClock};

const TTL: Duration = Duration::from_secs(15);
const MARGIN: Duration = Duration::from_secs(3);
const JOB: LeaseName = LeaseName::named("job");

struct Rig {
    clock: ManualClock,
    store: FaultyStore,
    services: Services,
}

fn rig() -> Rig {
    let clock = ManualClock::new();
    let store = FaultyStore::new(MemoryStore::with_clock(clock.clone()));
    let mut services = Services::default();
    services.clock = std::sync::Arc::new(clock.clone());
    Rig { clock, store, services }
}

impl Rig {
    fn leader(&self, holder: &'static str) -> Leader {
        let options = Leader::options(JOB, holder).ttl(TTL).margin(MARGIN);
        options.start(&Store::new(self.store.clone()), &self.services)
    }

    /// Lets time pass in steps in which every task gets its turn.
    async fn pass(&self, time: Duration) {
        let end = self.clock.monotonic() + time;
        while self.clock.monotonic() < end {
            self.clock.advance(Duration::from_millis(500));
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
    }
}

#[tokio::test]
async fn one_of_two_leads_for_as_long_as_it_lives_and_the_other_follows_it() {
    let rig = rig();
    let ada = rig.leader("ada");
    let first = ada.watch().elected().await.expect("nobody else stands for it");
    let bob = rig.leader("bob");
    for _ in 0..10 {
        rig.pass(TTL).await;
        let lease = ada.lease().expect("it is renewed");
        assert_eq!((lease.token(), bob.lease()), (first.token(), None));
    }

    ada.stop().await;
    assert_eq!(ada.lease(), None);
    assert_eq!(rig.store.leases("").await.unwrap(), [], "it was given back");
    rig.pass(TTL / 3).await;

    let second = bob.lease().expect("it need not wait for the end of a lease");
    assert!(second.token() > first.token());
    assert_eq!(ada.watch().elected().await, None, "who was stopped is never elected");
}

#[tokio::test]
async fn a_leader_that_cannot_renew_stops_a_margin_before_its_lease_ends() {
    let rig = rig();
    let ada = rig.leader("ada");
    let lease = ada.watch().elected().await.expect("nobody else stands for it");
    rig.store.inject(Fault::unleasable().times(usize::MAX));

    rig.pass(TTL - MARGIN - Duration::from_millis(500)).await;
    assert_eq!(ada.lease().map(|one| one.token()), Some(lease.token()));
    rig.pass(Duration::from_millis(500)).await;

    assert_eq!(ada.lease(), None);
    ada.watch().lost(&lease).await;
    assert_eq!(rig.store.leases("").await.unwrap_or_default().len(), 1, "the store still has it");

    rig.store.recover();
    rig.pass(Duration::from_secs(2)).await;
    let again = ada.lease().expect("it stands for it again");
    assert!(again.token() > lease.token());
}

#[tokio::test]
async fn a_renewal_that_gets_no_answer_does_not_keep_a_leader_in_office() {
    let (rig, gate) = (rig(), Gate::new());
    let ada = rig.leader("ada");
    let lease = ada.watch().elected().await.expect("nobody else stands for it");
    rig.store.inject(Fault::stalled_lease(&gate).times(usize::MAX));

    rig.pass(TTL - MARGIN).await;

    assert_eq!(ada.lease(), None);
    ada.watch().lost(&lease).await;
}

#[tokio::test]
async fn a_leader_whose_task_slept_through_its_term_says_so_at_once() {
    let rig = rig();
    let ada = rig.leader("ada");
    ada.watch().elected().await.expect("nobody else stands for it");
    // Nothing gets its turn in between.
    rig.clock.advance(TTL - MARGIN);
    assert_eq!(ada.lease(), None);
}

#[tokio::test]
async fn a_leader_whose_lease_was_taken_over_stops_at_its_next_renewal() {
    let rig = rig();
    let ada = rig.leader("ada");
    let lease = ada.watch().elected().await.expect("nobody else stands for it");
    rig.store.release_lease(&lease).await.unwrap();
    let bob = Holder::named("bob");
    rig.store.acquire_lease(&JOB, &bob, 10 * TTL).await.unwrap().expect("it is free");

    rig.pass(TTL / 3).await;

    assert_eq!(ada.lease(), None);
    ada.watch().lost(&lease).await;
}

#[tokio::test]
async fn a_leader_that_is_dropped_gives_its_lease_back() {
    let rig = rig();
    let ada = rig.leader("ada");
    ada.watch().elected().await.expect("nobody else stands for it");
    drop(ada);
    rig.pass(Duration::from_millis(500)).await;
    assert_eq!(rig.store.leases("").await.unwrap(), []);
}

#[tokio::test]
async fn a_lease_that_is_given_while_the_leader_stops_is_given_back() {
    let (rig, gate) = (rig(), Gate::new());
    rig.store.inject(Fault::late_lease(&gate));
    let ada = rig.leader("ada");
    rig.pass(Duration::from_millis(500)).await;

    let (stop, open) = (ada.stop(), async {
        rig.pass(Duration::from_millis(500)).await;
        gate.release();
    });
    tokio::join!(stop, open);

    assert_eq!(rig.store.leases("").await.unwrap(), []);
}
