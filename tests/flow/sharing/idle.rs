//! What a process does that has nothing to do, and how it finds what others
//! have committed.

use super::*;
use cqrs_core::projection::ProjectionState;

/// Handlers and read models over a store that hears of no commit.
fn unaware(rig: &Rig, handlers: bool) -> Process {
    let store = FaultyStore::new(rig.store.clone()).unaware();
    let (open, book) = (watch::Sender::new(true), Arc::clone(&rig.book));
    let desk = Arc::new(Desk { process: "ada", book, open, fails: Mutex::default() });
    let app = App::builder()
        .modules(cqrs_core::modules![shift, support::bank])
        .store(store.clone())
        .clock(rig.clock.clone())
        .provide(Arc::clone(&desk));
    let app = if handlers { app } else { app.without_event_handlers() };
    let app = app.build().expect("it is complete");
    Process { app, desk, store }
}

#[tokio::test]
async fn a_process_that_has_nothing_to_do_reads_little() {
    let rig = Rig::new();
    rig.open(0..4).await;
    let ada = unaware(&rig, true);
    rig.pass(20).await;
    let (parts, views) = (ada.app.subscriptions().len(), ada.app.projections().len());
    let before = ada.store.reads();
    rig.pass(100).await;
    let reads = ada.store.reads() - before;
    // The head of the log five times a second; in two seconds a page for each
    // part and view, and for each part whether it was set elsewhere; the group.
    let expected = 100 * 5 + 50 * (3 * parts + views) as u64 + 100;
    assert!(reads <= expected, "{parts} parts and {views} views: {reads} reads");
}

#[tokio::test]
async fn what_others_commit_is_found_by_one_look_for_all() {
    let rig = Rig::new();
    rig.open(0..4).await;
    for handlers in [true, false] {
        let ada = unaware(&rig, handlers);
        // What each reads anyway is not due now.
        rig.pass(21).await;
        let deposit = Deposit { account: "0".into(), cents: 1 };
        let done = rig.clerk.execute(deposit).await.expect("it commits");
        let token = done.receipt.token().expect("it was stored").clone();
        let (_, version) = done.receipt.streams().next().expect("it has a stream").clone();
        rig.moments(3).await;
        let position = rig.store.position_of(&token).await.expect("it reads").expect("committed");
        for view in ada.app.projections() {
            assert_eq!(view.position, position, "{}", view.name);
        }
        let of = (String::from("0"), version.get());
        assert_eq!(rig.counts().contains_key(&of), handlers);
    }
}

#[tokio::test]
async fn a_subscriber_of_the_bus_gets_what_others_commit_as_soon() {
    use cqrs_core::event_bus::Subscriber;
    let rig = Rig::new();
    rig.open(0..1).await;
    let ada = unaware(&rig, false);
    let seen = Arc::new(Mutex::new(0));
    let notes = Arc::clone(&seen);
    ada.app.events().subscribe(Subscriber::on("seen", move |_: &AccountEvent, _| {
        *notes.lock().unwrap() += 1;
        Ok(())
    }));
    rig.pass(21).await;
    for cents in 1..=3 {
        rig.deposit(0..1).await;
        rig.moments(3).await;
        assert_eq!(*seen.lock().unwrap(), cents);
    }
}

#[tokio::test]
async fn parts_without_events_move_to_a_new_process_as_fast_as_it_is_noticed() {
    let rig = Rig::new();
    let one = unaware(&rig, true);
    rig.pass(21).await;
    let two = unaware(&rig, true);
    let mut moments = 0;
    while [one.parts().len(), two.parts().len()] != [4, 4] {
        rig.moments(1).await;
        moments += 1;
        assert!(moments < 100, "{:?} {:?}", one.parts(), two.parts());
    }
    assert!(moments <= 40, "it took {moments} tenths of a second");
}

#[tokio::test]
async fn what_another_process_wants_with_a_dead_letter_is_done_soon() {
    let rig = Rig::new();
    let one = rig.later("one");
    rig.open(0..1).await;
    rig.pass(2).await;
    one.desk.fails.lock().unwrap().insert("0".to_owned());
    rig.deposit(0..1).await;
    rig.pass(21).await;
    one.desk.fails.lock().unwrap().clear();
    let part = one.app.subscriptions().into_iter().find(|one| one.parked == 1).expect("parked");
    let letters = rig.clerk.dead_letters();
    let parked = letters.list(&part.name, Position::NONE, 1).await.unwrap()[0].position;
    letters.retry(&part.name, parked).await.expect("it is there");
    rig.moments(3).await;
    assert_eq!(rig.counts_of("sums").len(), 2);
}

#[tokio::test]
async fn a_read_model_that_another_process_makes_is_watched_and_taken_over() {
    let rig = Rig::new();
    let processes = [unaware(&rig, false), unaware(&rig, false)];
    let is_behind = |process: &Process| {
        process.app.projections().iter().any(|view| view.state == ProjectionState::Standby)
    };
    rig.open(0..50).await;
    let mut rounds = 0;
    while !processes.iter().any(is_behind) {
        rig.deposit(0..50).await;
        rig.moments(1).await;
        rounds += 1;
        assert!(rounds < 100, "both work");
    }
    rig.pass(21).await;
    let [one, two] = processes;
    let (works, watches) = if is_behind(&one) { (two, one) } else { (one, two) };
    let head = || async { rig.store.info().await.unwrap().head };
    let at = |process: &Process| process.app.projections()[0].position;

    rig.deposit(0..1).await;
    rig.moments(5).await;
    assert_eq!([at(&works), at(&watches)], [head().await; 2], "it is watched");

    drop(works);
    rig.pass(21).await;
    rig.deposit(0..1).await;
    rig.moments(15).await;
    assert!(at(&watches) < head().await, "the other one is given its time");
    rig.moments(15).await;
    assert_eq!(at(&watches), head().await, "then it is taken over");
}
