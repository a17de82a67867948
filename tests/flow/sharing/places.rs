//! Places in the log: set from elsewhere, kept through failures, waited for.

use super::*;

#[tokio::test]
async fn a_place_that_another_process_sets_is_noticed_without_a_new_event() {
    let rig = Rig::new();
    let (one, two) = (rig.process("one"), rig.process("two"));
    rig.open(0..20).await;
    rig.pass(10).await;
    rig.each_once(20, 1);
    assert_eq!(sizes(&[&one, &two]), [4, 4]);

    assert!(two.app.reset_handler("mails", Start::Beginning).await.expect("the store does it"));
    rig.pass(10).await;

    assert!(rig.counts().values().all(|by| by.len() == 2), "{:?}", rig.counts());
}

#[tokio::test]
async fn a_new_handler_that_begins_now_does_so_although_its_first_commit_fails() {
    let rig = Rig::new();
    rig.open(0..3).await;
    let store = FaultyStore::new(rig.store.clone());
    store.inject(Fault::unavailable().of_checkpoint("event handler fresh").times(8));
    let _one = rig.process_over(cqrs_core::modules![shift].to_vec(), "one", store);
    rig.pass(20).await;
    rig.deposit(0..1).await;
    rig.pass(5).await;

    let fresh: Vec<_> =
        rig.book().into_iter().filter(|(_, stream, _)| stream.starts_with("fresh")).collect();
    assert_eq!(fresh, [("one", "fresh 0".to_owned(), 2)]);
}

#[tokio::test]
async fn an_event_does_not_come_again_because_its_place_could_not_be_stored() {
    let rig = Rig::new();
    let one = rig.process("one");
    rig.open(0..1).await;
    rig.pass(1).await;
    one.desk.open.send_replace(false);
    rig.deposit(0..1).await;
    rig.pass(1).await;
    for part in 0..8 {
        let place = format!("event handler mails/{part}of8");
        one.store.inject(Fault::unavailable().of_checkpoint(place).times(6));
    }
    one.desk.open.send_replace(true);
    rig.pass(1).await;
    let states: Vec<_> = one.app.subscriptions().into_iter().map(|one| one.state).collect();
    let fails = |state: &SubscriptionState| matches!(state, SubscriptionState::Failing(_));
    assert!(states.iter().any(fails), "{states:?}");

    rig.pass(30).await;
    one.app.shutdown().await;
    let two = rig.process("two");
    rig.deposit(0..1).await;
    rig.pass(10).await;

    rig.each_once(1, 3);
    drop(two);
}

#[tokio::test]
async fn a_place_that_another_process_sets_while_the_handler_stands_still_is_not_lost() {
    let rig = Rig::new();
    let one = rig.later("one");
    rig.open(0..20).await;
    rig.pass(5).await;
    one.desk.fails.lock().unwrap().insert("9".to_owned());
    rig.deposit(0..20).await;
    rig.pass(5).await;
    let stands = one.app.subscriptions().into_iter().find(|one| &*one.name == "strict").unwrap();
    assert!(matches!(stands.state, SubscriptionState::Failing(_)), "{stands:?}");

    let two = rig.later("two");
    assert!(two.app.reset_handler("strict", Start::Beginning).await.expect("it can be set"));
    rig.pass(10).await;
    one.desk.fails.lock().unwrap().clear();
    two.desk.fails.lock().unwrap().clear();
    rig.pass(10).await;

    let counts = rig.counts_of("strict");
    assert_eq!(counts.len(), 40);
    let first = counts.iter().filter(|((_, version), _)| *version == 1);
    for (event, by) in first {
        assert_eq!(by.len(), 2, "{event:?} was to come again");
    }
}

#[tokio::test]
async fn a_place_that_another_process_sets_holds_when_a_paused_handler_goes_on() {
    let rig = Rig::new();
    let one = rig.process("one");
    rig.open(0..5).await;
    rig.pass(5).await;
    assert!(one.app.pause_handler("mails"));
    rig.pass(1).await;
    rig.deposit(0..5).await;

    let two = rig.process("two");
    assert!(two.app.reset_handler("mails", Start::Now).await.expect("it can be set"));
    assert!(one.app.resume_handler("mails"));
    rig.pass(10).await;
    rig.deposit(0..5).await;
    rig.pass(10).await;

    let left_out = rig.counts().into_keys().filter(|(_, version)| *version == 2);
    assert_eq!(left_out.collect::<Vec<_>>(), [], "they were to be left out");
    assert_eq!(rig.counts().len(), 10);
}

#[tokio::test]
async fn a_handler_that_begins_now_on_an_empty_log_begins_there_for_ever() {
    let rig = Rig::new();
    let one = rig.process("one");
    rig.pass(1).await;
    one.desk.fails.lock().unwrap().insert("0".to_owned());
    one.cut_off();
    rig.pass(20).await;
    rig.open(0..3).await;

    let _next = rig.process("next");
    rig.pass(20).await;

    let fresh = rig.book().into_iter().filter(|(_, stream, _)| stream.starts_with("fresh"));
    assert_eq!(fresh.count(), 3, "they came behind its birth");
}

#[tokio::test]
async fn whoever_waits_for_handlers_waits_for_those_of_other_processes_too() {
    let rig = Rig::new();
    let (one, two) = (rig.process("one"), rig.process("two"));
    rig.pass(10).await;
    assert_eq!(sizes(&[&one, &two]), [4, 4]);
    rig.open(0..1).await;
    let done = rig.clerk.execute(Deposit { account: "0".into(), cents: 1 }).await.unwrap();
    let token = done.receipt.token().expect("it has stored an event").clone();

    for process in [&one, &two] {
        let app = process.app.clone();
        let token = token.clone();
        let waits =
            tokio::spawn(
                async move { app.wait_for_handlers(&token, Duration::from_secs(8)).await },
            );
        rig.pass(10).await;
        waits.await.unwrap().expect("all are done");
    }
}

#[tokio::test]
async fn what_waits_behind_a_dead_letter_is_not_worked_off_while_the_application_stops() {
    let rig = Rig::new();
    let one = rig.later("one");
    rig.open(0..1).await;
    rig.pass(2).await;
    one.desk.fails.lock().unwrap().insert("0".to_owned());
    for _ in 0..3 {
        rig.deposit(0..1).await;
    }
    rig.pass(2).await;
    one.desk.fails.lock().unwrap().clear();
    one.desk.open.send_replace(false);
    let part = one.app.subscriptions().into_iter().find(|one| one.parked == 3).expect("parked");
    let letters = one.app.dead_letters();
    let first = letters.list(&part.name, Position::NONE, 1).await.unwrap()[0].position;
    letters.retry(&part.name, first).await.expect("it is there");
    rig.pass(2).await;

    let app = one.app.clone();
    let stops = tokio::spawn(async move { app.shutdown().await });
    rig.pass(1).await;
    one.desk.open.send_replace(true);
    rig.pass(1).await;
    assert!(stops.await.unwrap().is_orderly());
    assert_eq!(rig.counts_of("sums").len(), 2, "only what had begun");

    let _two = rig.later("two");
    rig.pass(5).await;
    assert_eq!(rig.counts_of("sums").len(), 4, "the wish goes on");
    assert!(rig.counts_of("sums").values().all(|by| by.len() == 1));
}
