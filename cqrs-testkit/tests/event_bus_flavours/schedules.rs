//! Both flavours under arbitrary schedules: the tasks of a bus, those who
//! publish and those who come and go run on one thread, in an order that is
//! drawn, one poll after the other. Whatever the order, nothing hangs, nothing
//! is lost or doubled, and the events of a key keep their order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use cqrs_core::event_bus::{
    AsyncBus, EventBus, HandlerError, HandlerResult, Overflow, PublishError, Subscriber, SyncBus,
};
use cqrs_core::runtime::{BoxFuture, Services, Spawner, TaskHandle};
use cqrs_testkit::ManualClock;
use proptest::prelude::*;

use super::{Log, Tick, add, all, tick, waiting, writer};

/// A task, and whether it wants to be polled.
struct Task {
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    ready: AtomicBool,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.ready.store(true, Ordering::SeqCst);
    }
}

/// Polls tasks in an order that is given.
#[derive(Clone, Default)]
struct Schedule(Arc<Mutex<Vec<Arc<Task>>>>);

impl Spawner for Schedule {
    fn spawn(&self, _: &'static str, future: BoxFuture<'static, ()>) -> TaskHandle {
        let task = Arc::new(Task { future: Mutex::new(Some(future)), ready: true.into() });
        self.0.lock().unwrap().push(Arc::clone(&task));
        TaskHandle::new(move || drop(task.future.lock().unwrap().take()))
    }
}

impl Schedule {
    fn start(&self, future: impl Future<Output = ()> + Send + 'static) {
        let _ = self.spawn("test", Box::pin(future));
    }

    /// Polls until nobody wants to be. The drawn numbers say who is next; when
    /// they are used up, all take their turns.
    fn run(&self, choices: &[u8]) {
        let mut choices = choices.iter().map(|choice| usize::from(*choice));
        for turn in 0.. {
            assert!(turn < 100_000, "it goes on for ever");
            let ready: Vec<_> = {
                let mut tasks = self.0.lock().unwrap();
                tasks.retain(|task| task.future.lock().unwrap().is_some());
                tasks.iter().filter(|task| task.ready.load(Ordering::SeqCst)).cloned().collect()
            };
            if ready.is_empty() {
                return;
            }
            let task = &ready[choices.next().unwrap_or(turn) % ready.len()];
            task.ready.store(false, Ordering::SeqCst);
            let waker = Waker::from(Arc::clone(task));
            // Taken out, since a poll may look at the tasks.
            let Some(mut future) = task.future.lock().unwrap().take() else { continue };
            if future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                *task.future.lock().unwrap() = Some(future);
            }
        }
    }
}

/// Gives way so often.
async fn give_way(times: u64) {
    for _ in 0..times {
        let mut given = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut given, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

#[derive(Clone, Debug)]
struct Plan {
    queued: bool,
    workers: usize,
    capacity: usize,
    lanes: usize,
    publishers: u64,
    each: u64,
    /// Whether the subscriber that waits is asked before the other one.
    waits_first: bool,
    /// When somebody stops the bus, in turns of its own.
    stop: Option<u64>,
    choices: Vec<u8>,
}

fn plans() -> impl Strategy<Value = Plan> {
    let bus = (any::<bool>(), 1_usize..4, 1_usize..4, 1_usize..3, any::<bool>());
    let load = (1_u64..4, 1_u64..6, prop::option::of(0_u64..20));
    (bus, load, prop::collection::vec(any::<u8>(), 0..300)).prop_map(
        |((queued, workers, capacity, lanes, waits_first), (publishers, each, stop), choices)| {
            Plan { queued, workers, capacity, lanes, waits_first, publishers, each, stop, choices }
        },
    )
}

/// What has become of the calls.
#[derive(Default)]
struct Ended {
    taken: Log<u64>,
    refused: Log<u64>,
    calls: AtomicUsize,
}

/// Whether who publishes an event waits until it is handled.
fn is_awaited(n: u64) -> bool {
    n.is_multiple_of(2)
}

/// Whether the handler that waits fails at an event.
fn waits_fails(n: u64) -> bool {
    n % 5 == 4
}

/// Whether the one that does not wait fails.
fn at_once_fails(n: u64) -> bool {
    n % 7 == 6
}

fn done(fails: bool) -> HandlerResult {
    if fails { Err(HandlerError::permanent("on purpose")) } else { Ok(()) }
}

const KEYS: [&str; 4] = ["a", "b", "c", "d"];

fn bus(plan: &Plan, schedule: &Schedule) -> (Arc<dyn EventBus>, Option<Arc<AsyncBus>>) {
    let mut services = Services::default();
    services.clock = Arc::new(ManualClock::new());
    services.spawner = Arc::new(schedule.clone());
    if plan.queued {
        let bus = AsyncBus::builder().services(services).workers(plan.workers);
        let bus = Arc::new(bus.overflow(Overflow::Wait).build());
        (Arc::clone(&bus) as _, Some(bus))
    } else {
        (Arc::new(SyncBus::builder().services(services).build()), None)
    }
}

fn holds(plan: &Plan) {
    let schedule = Schedule::default();
    let (bus, queued) = bus(plan, &schedule);
    let (inside, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let seen: [Log<u64>; 2] = Default::default();
    let waits = {
        let (seen, inside, most) = (Arc::clone(&seen[0]), Arc::clone(&inside), Arc::clone(&most));
        waiting("waits", move |n| {
            let (seen, inside, most) = (Arc::clone(&seen), Arc::clone(&inside), Arc::clone(&most));
            async move {
                most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                give_way(n % 3).await;
                inside.fetch_sub(1, Ordering::SeqCst);
                add(&seen, n);
                done(waits_fails(n))
            }
        })
    };
    let at_once = {
        let seen = Arc::clone(&seen[1]);
        Subscriber::on("at once", move |Tick::Made { n }: &Tick, _| {
            add(&seen, *n);
            done(at_once_fails(*n))
        })
    };
    let waits = waits.capacity(plan.capacity).lanes(plan.lanes);
    let at_once = at_once.capacity(plan.capacity);
    for one in if plan.waits_first { [waits, at_once] } else { [at_once, waits] } {
        bus.subscribe(one);
    }
    bus.start().expect("a fresh bus starts");

    let ended = Arc::new(Ended::default());
    for publisher in 0..plan.publishers {
        let (bus, ended, each) = (Arc::clone(&bus), Arc::clone(&ended), plan.each);
        let seen = seen.clone();
        schedule.start(async move {
            for n in publisher * each..(publisher + 1) * each {
                let event = tick(KEYS[publisher as usize], n);
                let waits = is_awaited(n);
                let answer = match waits {
                    true => bus.publish_and_wait(event).await,
                    false => bus.publish(event).await,
                };
                match answer {
                    Ok(()) | Err(PublishError::Handlers(_)) => {
                        let handled = || seen.iter().all(|log| all(log).contains(&n));
                        assert!(!waits || handled(), "{n} is handled when the call returns");
                        add(&ended.taken, n);
                    }
                    Err(PublishError::Stopped) => add(&ended.refused, n),
                    Err(error) => panic!("{n}: {error}"),
                }
            }
            ended.calls.fetch_add(1, Ordering::SeqCst);
        });
    }
    let (coming, going) = (Arc::clone(&bus), Arc::clone(&ended));
    schedule.start(async move {
        for _ in 0..3 {
            let subscription = coming.subscribe(writer("comes and goes", &Log::default()));
            give_way(2).await;
            subscription.unsubscribe();
        }
        going.calls.fetch_add(1, Ordering::SeqCst);
    });
    if let Some(turns) = plan.stop {
        let (bus, ended) = (Arc::clone(&bus), Arc::clone(&ended));
        schedule.start(async move {
            give_way(turns).await;
            let given_up = bus.stop(Duration::from_secs(3600)).await;
            assert_eq!(given_up, 0, "nothing hangs, so nothing is given up");
            ended.calls.fetch_add(1, Ordering::SeqCst);
        });
    }
    schedule.run(&plan.choices);

    let calls = plan.publishers as usize + 1 + usize::from(plan.stop.is_some());
    assert_eq!(ended.calls.load(Ordering::SeqCst), calls, "every call has ended");
    let mut taken = all(&ended.taken);
    taken.sort_unstable();
    let refused = all(&ended.refused).len();
    assert_eq!((taken.len() + refused) as u64, plan.publishers * plan.each, "nothing is forgotten");
    assert!(refused == 0 || plan.stop.is_some(), "only a bus that was stopped refuses");
    // A bus that does not queue asks nobody behind a failure, unless told to wait.
    let asked = |n: &u64, is_first: bool, other_fails: fn(u64) -> bool| {
        plan.queued || is_awaited(*n) || is_first || !other_fails(*n)
    };
    let of = |is_first: bool, other_fails: fn(u64) -> bool| -> Vec<u64> {
        taken.iter().copied().filter(|n| asked(n, is_first, other_fails)).collect()
    };
    let expected = [of(plan.waits_first, at_once_fails), of(!plan.waits_first, waits_fails)];
    for (log, expected) in seen.iter().zip(&expected) {
        let mut handled = all(log);
        handled.sort_unstable();
        assert_eq!(&handled, expected, "what was taken is handled, once");
        let mut last = BTreeMap::new();
        for n in all(log) {
            let before = last.insert(n / plan.each, n);
            assert!(before.is_none_or(|before| before < n), "{n} comes after {before:?}");
        }
    }
    let failed = expected[0].iter().filter(|n| waits_fails(**n)).count()
        + expected[1].iter().filter(|n| at_once_fails(**n)).count();
    assert_eq!(bus.errors().counts().total, failed as u64, "each failure is counted once");
    if let Some(bus) = queued {
        assert!(most.load(Ordering::SeqCst) <= plan.workers, "no more run than there are workers");
        assert_eq!(bus.in_flight(), 0);
        assert_eq!(bus.running_workers() == 0, plan.stop.is_some(), "a stop ends the workers");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_the_schedule_nothing_hangs_and_nothing_is_lost(plan in plans()) {
        holds(&plan);
    }
}
