//! The life of a bus: open, closed, cut; and what is in flight meanwhile.
//!
//! Whoever publishes counts itself in before it looks whether the bus is
//! open. So when the bus was closed and nothing is in flight, nothing comes
//! any more.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::PublishError;

const OPEN: u8 = 0;
const CLOSED: u8 = 1;
const CUT: u8 = 2;

pub(super) struct Life {
    /// Tells this bus from others, see [`Life::is_nested`].
    number: u64,
    phase: AtomicU8,
    in_flight: AtomicUsize,
    /// Of the phase alone: a bus that is idle wakes no handler.
    moved: Notify,
    /// Of anything.
    changed: Notify,
    /// Those who wait for anything: where there is none, nobody is told.
    listeners: AtomicUsize,
}

/// Somebody who publishes, counted.
pub(super) struct Flight<'a>(&'a Life);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.leave(1);
    }
}

/// Somebody who waits for anything, counted.
struct Listening<'a>(&'a Life);

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.0.listeners.fetch_sub(1, Ordering::SeqCst);
    }
}

thread_local! {
    /// The buses whose handlers are being polled on this thread.
    static INSIDE: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

struct Inside;

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.with_borrow_mut(Vec::pop);
    }
}

impl Life {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (phase, in_flight) = (AtomicU8::new(OPEN), AtomicUsize::new(0));
        let (moved, changed) = (Notify::new(), Notify::new());
        Self { number, phase, in_flight, moved, changed, listeners: AtomicUsize::new(0) }
    }

    #[inline]
    pub(super) fn enter(&self) -> Result<Flight<'_>, PublishError> {
        self.join(1);
        let flight = Flight(self);
        if self.is_closed() { Err(PublishError::Stopped) } else { Ok(flight) }
    }

    pub(super) fn join(&self, count: usize) {
        self.in_flight.fetch_add(count, Ordering::SeqCst);
    }

    pub(super) fn leave(&self, count: usize) {
        // Whoever listens has counted itself before it looked.
        let idle = self.in_flight.fetch_sub(count, Ordering::SeqCst) == count;
        if idle && self.listeners.load(Ordering::SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.phase.load(Ordering::SeqCst) != OPEN
    }

    pub(super) fn is_cut(&self) -> bool {
        self.phase.load(Ordering::SeqCst) == CUT
    }

    pub(super) fn close(&self) {
        self.move_to(CLOSED);
    }

    pub(super) fn cut(&self) {
        self.move_to(CUT);
    }

    fn move_to(&self, phase: u8) {
        if self.phase.fetch_max(phase, Ordering::SeqCst) < phase {
            self.moved.notify_waiters();
            self.tell();
        }
    }

    /// Has everybody who waits look again.
    pub(super) fn tell(&self) {
        self.changed.notify_waiters();
    }

    /// Returns when something holds.
    pub(super) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        self.listeners.fetch_add(1, Ordering::SeqCst);
        let _listening = Listening(self);
        self.listen(&self.changed, holds).await;
    }

    /// Returns when something holds that only the phase decides.
    pub(super) async fn moved_until(&self, holds: impl Fn(&Self) -> bool) {
        self.listen(&self.moved, holds).await;
    }

    async fn listen(&self, to: &Notify, holds: impl Fn(&Self) -> bool) {
        loop {
            let changed = to.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if holds(self) {
                return;
            }
            changed.await;
        }
    }

    /// Whether the caller is a handler of this bus, in its own task.
    pub(super) fn is_nested(&self) -> bool {
        INSIDE.with_borrow(|inside| inside.contains(&self.number))
    }

    /// Does something as a handler of this bus.
    pub(super) fn inside<T>(&self, body: impl FnOnce() -> T) -> T {
        INSIDE.with_borrow_mut(|inside| inside.push(self.number));
        let _inside = Inside;
        body()
    }

    /// Polls a handler's future to its end, as a handler of this bus; `None`
    /// when the bus is cut first.
    pub(super) async fn handling<T>(&self, handler: impl Future<Output = T>) -> Option<T> {
        let cut = self.moved_until(Self::is_cut);
        tokio::pin!(handler, cut);
        std::future::poll_fn(|cx| {
            if let std::task::Poll::Ready(ended) = self.inside(|| handler.as_mut().poll(cx)) {
                return std::task::Poll::Ready(Some(ended));
            }
            cut.as_mut().poll(cx).map(|()| None)
        })
        .await
    }
}

/// Ends with the first of two futures.
pub(super) async fn first(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    tokio::pin!(one, other);
    std::future::poll_fn(|cx| {
        if one.as_mut().poll(cx).is_ready() || other.as_mut().poll(cx).is_ready() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
