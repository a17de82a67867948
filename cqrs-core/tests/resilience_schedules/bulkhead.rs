use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use shuttle::future::block_on;
use shuttle::sync::atomic::{AtomicUsize, Ordering};

use super::resilience::bulkhead::Bulkhead;
use super::{SCHEDULES, count, together};

struct House {
    bulkhead: Bulkhead,
    inside: AtomicUsize,
    most: AtomicUsize,
}

impl House {
    fn new(limit: u32, queue: usize) -> Arc<Self> {
        let bulkhead = Bulkhead::new(count(limit), queue);
        Arc::new(Self { bulkhead, inside: AtomicUsize::new(0), most: AtomicUsize::new(0) })
    }

    fn is_empty(&self) -> bool {
        let seen = self.bulkhead.statistics();
        seen.inside == 0 && seen.waiting == 0
    }
}

fn visit(house: &House) -> bool {
    block_on(async {
        let Ok(_turn) = house.bulkhead.acquire().await else { return false };
        let inside = house.inside.fetch_add(1, Ordering::SeqCst) + 1;
        house.most.fetch_max(inside, Ordering::SeqCst);
        shuttle::thread::yield_now();
        house.inside.fetch_sub(1, Ordering::SeqCst);
        true
    })
}

/// Waits for a moment and goes away, perhaps with the turn just given.
fn give_up(house: &House) -> bool {
    let mut entering = pin!(house.bulkhead.acquire());
    let polled = entering.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    shuttle::thread::yield_now();
    matches!(polled, Poll::Ready(Ok(_)))
}

#[test]
fn everybody_gets_a_turn_and_no_more_than_the_limit_overlap() {
    let test = || {
        let house = House::new(2, 4);
        let visits = together(&house, [visit, visit, visit, visit]);
        assert!(visits.into_iter().all(|inside| inside));
        assert!(house.most.load(Ordering::SeqCst) <= 2);
        assert!(house.is_empty());
    };
    shuttle::check_random(test, SCHEDULES);
}

#[test]
fn whoever_gives_up_takes_nobodys_turn_away() {
    let test = || {
        let house = House::new(1, 4);
        let visits = together(&house, [visit, give_up, give_up, visit]);
        assert!(visits[0] && visits[3]);
        assert_eq!(house.most.load(Ordering::SeqCst), 1);
        assert!(house.is_empty());
    };
    shuttle::check_random(test, SCHEDULES);
}

#[test]
fn a_limit_that_changes_meanwhile_loses_no_turn() {
    let test = || {
        let house = House::new(1, 4);
        let change = |house: &House| {
            house.bulkhead.set_limit(count(2));
            house.bulkhead.set_limit(count(1));
            true
        };
        let visits = together(&house, [visit, change, visit, visit]);
        assert!(visits.into_iter().all(|inside| inside));
        assert!(house.most.load(Ordering::SeqCst) <= 2);
        assert!(house.is_empty());
    };
    shuttle::check_random(test, SCHEDULES);
}

#[test]
fn a_full_queue_refuses_and_never_hangs() {
    let test = || {
        let house = House::new(1, 1);
        let visits = together(&house, [visit, visit, visit]);
        let refused = visits.into_iter().filter(|inside| !inside).count();
        assert_eq!(house.bulkhead.statistics().refused, refused as u64);
        assert!(refused <= 1 && house.is_empty());
    };
    shuttle::check_random(test, SCHEDULES);
}
