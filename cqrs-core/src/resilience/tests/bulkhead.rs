use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use proptest::prelude::*;

use super::{count, secs};
use crate::resilience::{Bulkhead, BulkheadPermit, Full};

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A call at the door.
struct Caller<'a> {
    entering: Pin<Box<dyn Future<Output = Result<BulkheadPermit<'a>, Full>> + Send + 'a>>,
    woken: Arc<Woken>,
}

impl<'a> Caller<'a> {
    fn new(bulkhead: &'a Bulkhead) -> Self {
        Self { entering: Box::pin(bulkhead.acquire()), woken: Arc::default() }
    }

    fn poll(&mut self) -> Poll<Result<BulkheadPermit<'a>, Full>> {
        let waker = Waker::from(Arc::clone(&self.woken));
        self.entering.as_mut().poll(&mut Context::from_waker(&waker))
    }

    fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::Relaxed) > 0
    }
}

fn enter(bulkhead: &Bulkhead) -> BulkheadPermit<'_> {
    match Caller::new(bulkhead).poll() {
        Poll::Ready(Ok(permit)) => permit,
        other => panic!("there is no room: {other:?}"),
    }
}

fn wait(bulkhead: &Bulkhead) -> Caller<'_> {
    let mut caller = Caller::new(bulkhead);
    assert!(caller.poll().is_pending());
    caller
}

#[test]
fn whoever_finds_the_queue_full_is_refused_at_once() {
    let bulkhead = Bulkhead::new(count(1), 1);
    let _inside = enter(&bulkhead);
    let _waiting = wait(&bulkhead);

    let refused = Caller::new(&bulkhead).poll();

    assert!(matches!(refused, Poll::Ready(Err(Full { limit: 1, queue: 1 }))));
    let seen = bulkhead.statistics();
    assert_eq!((seen.inside, seen.waiting, seen.refused), (1, 1, 1));
}

#[test]
fn turns_are_given_in_the_order_of_arrival_and_nobody_overtakes() {
    let bulkhead = Bulkhead::new(count(1), 5);
    let inside = enter(&bulkhead);
    let (mut first, mut second) = (wait(&bulkhead), wait(&bulkhead));

    drop(inside);

    assert!(first.is_woken() && !second.is_woken());
    let mut third = wait(&bulkhead);
    assert!(second.poll().is_pending() && third.poll().is_pending());
    assert!(first.poll().is_ready());
}

#[test]
fn a_waiter_that_is_dropped_leaves_its_place_in_the_queue() {
    let bulkhead = Bulkhead::new(count(1), 1);
    let inside = enter(&bulkhead);
    drop(wait(&bulkhead));
    let mut waiting = wait(&bulkhead);

    drop(inside);

    assert!(waiting.is_woken() && waiting.poll().is_ready());
}

#[test]
fn a_waiter_that_is_dropped_with_its_turn_hands_it_on() {
    let bulkhead = Bulkhead::new(count(1), 2);
    let inside = enter(&bulkhead);
    let (first, second) = (wait(&bulkhead), wait(&bulkhead));
    drop(inside);
    assert!(first.is_woken() && !second.is_woken());

    drop(first);

    assert!(second.is_woken());
    drop(second);
    assert_eq!(bulkhead.statistics().inside, 0);
}

#[test]
fn a_higher_limit_lets_waiters_in_and_a_lower_one_waits_until_enough_have_left() {
    let bulkhead = Bulkhead::new(count(1), 5);
    let first = enter(&bulkhead);
    let (mut second, mut third) = (wait(&bulkhead), wait(&bulkhead));

    bulkhead.set_limit(count(3));
    let (second, third) = (second.poll(), third.poll());
    assert!(second.is_ready() && third.is_ready());
    bulkhead.set_limit(count(1));
    let fourth = wait(&bulkhead);
    drop((first, second));
    assert!(!fourth.is_woken());
    drop(third);

    assert!(fourth.is_woken());
}

#[test]
fn a_task_that_dies_with_its_waker_may_hold_a_permit() {
    struct Holder(#[expect(dead_code, reason = "it is held")] BulkheadPermit<'static>);
    impl Wake for Holder {
        fn wake(self: Arc<Self>) {}
    }
    let bulkhead: &'static Bulkhead = Box::leak(Box::new(Bulkhead::new(count(1), 5)));
    let waker = Waker::from(Arc::new(Holder(enter(bulkhead))));
    let mut waiting = Box::pin(bulkhead.acquire());
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);

    drop(waiting);

    assert_eq!(bulkhead.statistics().inside, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn as_many_calls_overlap_as_the_limit_says() {
    let bulkhead = Arc::new(Bulkhead::new(count(4), 200));
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let four_are_here = Arc::new(tokio::sync::Barrier::new(4));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (bulkhead, inside, most) =
            (Arc::clone(&bulkhead), Arc::clone(&inside), Arc::clone(&most));
        let four_are_here = Arc::clone(&four_are_here);
        calls.spawn(async move {
            let _turn = bulkhead.acquire().await.expect("the queue holds all");
            most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            four_are_here.wait().await;
            inside.fetch_sub(1, Ordering::SeqCst);
        });
    }

    let ended = tokio::time::timeout(secs(60), calls.join_all()).await;

    assert!(ended.is_ok(), "fewer than four were inside");
    assert_eq!(most.load(Ordering::SeqCst), 4);
    assert_eq!(bulkhead.statistics().inside, 0);
}

#[derive(Clone, Debug)]
enum Step {
    Arrive,
    Leave(usize),
    GiveUp(usize),
    Poll(usize),
    Limit(u32),
    Queue(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        30 => Just(Step::Arrive),
        20 => (0..9_usize).prop_map(Step::Leave),
        8 => (0..9_usize).prop_map(Step::GiveUp),
        20 => (0..9_usize).prop_map(Step::Poll),
        4 => (1..5_u32).prop_map(Step::Limit),
        2 => (0..6_usize).prop_map(Step::Queue),
    ];
    prop::collection::vec(step, 1..200)
}

/// Numbers of callers, and nothing else.
struct Model {
    limit: usize,
    queue: usize,
    refused: u64,
    inside: Vec<usize>,
    waiting: VecDeque<usize>,
}

impl Model {
    fn arrive(&mut self, caller: usize) -> bool {
        if self.inside.len() >= self.limit && self.waiting.len() >= self.queue {
            self.refused += 1;
            return false;
        }
        self.waiting.push_back(caller);
        self.fill();
        true
    }

    fn fill(&mut self) {
        while self.inside.len() < self.limit
            && let Some(caller) = self.waiting.pop_front()
        {
            self.inside.push(caller);
        }
    }

    fn remove(&mut self, caller: usize) {
        self.inside.retain(|other| *other != caller);
        self.waiting.retain(|other| *other != caller);
        self.fill();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_bulkhead_does_what_its_model_does(limit in 1..4_u32, queue in 0..5_usize, steps in steps()) {
        let bulkhead = Bulkhead::new(count(limit), queue);
        let (inside, waiting) = (Vec::new(), VecDeque::new());
        let mut model = Model { limit: limit as usize, queue, refused: 0, inside, waiting };
        let mut permits: Vec<(usize, BulkheadPermit<'_>)> = Vec::new();
        let mut callers: Vec<(usize, Caller<'_>)> = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Arrive => {
                    let mut caller = Caller::new(&bulkhead);
                    let polled = caller.poll();
                    let is_in = model.arrive(number);
                    match polled {
                        Poll::Ready(Ok(permit)) => permits.push((number, permit)),
                        Poll::Pending => callers.push((number, caller)),
                        Poll::Ready(Err(_)) => prop_assert!(!is_in),
                    }
                }
                Step::Leave(index) if index < permits.len() => {
                    let (number, permit) = permits.remove(index);
                    drop(permit);
                    model.remove(number);
                }
                Step::GiveUp(index) if index < callers.len() => {
                    let (number, caller) = callers.remove(index);
                    drop(caller);
                    model.remove(number);
                }
                Step::Poll(index) if index < callers.len() => {
                    let (number, mut caller) = callers.remove(index);
                    match caller.poll() {
                        Poll::Ready(permit) => permits.push((number, permit.expect("it waited"))),
                        Poll::Pending => callers.push((number, caller)),
                    }
                }
                Step::Limit(limit) => {
                    bulkhead.set_limit(count(limit));
                    model.limit = limit as usize;
                    model.fill();
                }
                Step::Queue(queue) => {
                    bulkhead.set_queue(queue);
                    model.queue = queue;
                }
                Step::Leave(_) | Step::GiveUp(_) | Step::Poll(_) => {}
            }
            for (number, _) in &permits {
                prop_assert!(model.inside.contains(number), "{} overtook", number);
            }
            for (number, caller) in &callers {
                prop_assert_eq!(caller.is_woken(), model.inside.contains(number));
            }
            let seen = bulkhead.statistics();
            prop_assert_eq!(seen.inside as usize, model.inside.len());
            prop_assert_eq!(seen.waiting, model.waiting.len());
            prop_assert_eq!(seen.refused, model.refused);
        }
    }
}
