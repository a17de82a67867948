//! A handler is divided into another number of parts.

use super::*;

#[tokio::test]
async fn a_handler_that_is_divided_anew_handles_nothing_twice_and_leaves_nothing_out() {
    let rig = Rig::new();
    let one = rig.uneven("one").await;
    let parked = |process: &Process| -> u64 {
        let all = process.app.subscriptions().into_iter();
        all.filter(|one| one.name.starts_with("sums")).map(|one| one.parked).sum()
    };
    assert_eq!(parked(&one), 2);

    // The next build comes while the last one still runs, and waits for it.
    let two = rig.later("two");
    rig.deposit(20..40).await;
    rig.pass(10).await;
    assert!(rig.book().iter().all(|(by, ..)| *by == "one"));
    let waits = two.app.subscriptions().into_iter().find(|one| &*one.name == "sums/0of3");
    let SubscriptionState::Failing(reason) = waits.expect("it runs").state else {
        panic!("it cannot go on")
    };
    assert!(reason.contains("a process still works on `sums/0of8`"), "{reason}");
    one.app.shutdown().await;
    rig.pass(20).await;
    rig.deposit(0..40).await;
    rig.pass(10).await;

    assert!(rig.book().iter().any(|(by, ..)| *by == "two"));
    assert_eq!(rig.counts_of("strict").len(), 40 + 40 + 20 + 40);
    let twice = |kind| rig.counts_of(kind).into_values().filter(|by| by.len() > 1).count();
    assert_eq!((twice("strict"), twice("sums")), (0, 0));
    // What is parked has come along, and holds up its streams.
    assert_eq!(parked(&two), 4);
    assert_eq!(rig.counts_of("sums").len(), 140 - 4);
    let letters = two.app.dead_letters();
    for part in (0..8).map(|part| format!("sums/{part}of8")) {
        assert_eq!(letters.list(&part, Position::NONE, 10).await.unwrap(), [], "{part}");
    }
    for part in ["sums/0of3", "sums/1of3", "sums/2of3"] {
        for letter in letters.list(part, Position::NONE, 10).await.expect("they can be read") {
            letters.retry(part, letter.position).await.expect("it is there");
        }
    }
    rig.pass(10).await;
    assert_eq!((parked(&two), rig.counts_of("sums").len(), twice("sums")), (0, 140, 0));
}

#[tokio::test]
async fn a_handler_is_divided_back_again_while_it_still_catches_up() {
    let rig = Rig::new();
    let one = rig.uneven("one").await;
    one.app.shutdown().await;
    let two = rig.later("two");
    two.desk.fails.lock().unwrap().extend(["7".to_owned()]);
    rig.pass(20).await;
    let done = rig.counts_of("strict").len();
    assert!(done < 80, "it stands still at the second");
    two.app.shutdown().await;

    let three = rig.earlier("three");
    rig.pass(20).await;
    assert_eq!(rig.counts_of("strict").len(), 80);
    assert!(rig.counts_of("strict").into_values().all(|by| by.len() == 1));

    // Whoever sets the place wants everything again.
    assert!(three.app.reset_handler("strict", Start::Beginning).await.expect("it can be set"));
    rig.pass(5).await;
    assert!(rig.counts_of("strict").into_values().all(|by| by.len() == 2));
}

#[tokio::test]
async fn a_build_that_waits_for_another_one_sets_no_place() {
    let rig = Rig::new();
    let one = rig.earlier("one");
    rig.open(0..10).await;
    rig.pass(5).await;
    let two = rig.later("two");
    rig.pass(5).await;

    let refused = two.app.reset_handler("sums", Start::Beginning).await.expect_err("not its own");

    assert!(refused.to_string().contains("set its place there"), "{refused}");
    rig.pass(10).await;
    assert_eq!(rig.counts_of("sums").len(), 10);
    assert!(rig.counts_of("sums").values().all(|by| by[..] == ["one"]));
    drop(one);
}

#[tokio::test]
async fn builds_that_divide_a_new_handler_otherwise_do_not_both_work() {
    let rig = Rig::new();
    let one = rig.earlier("one");
    let two = rig.later("two");
    rig.open(0..40).await;
    rig.pass(20).await;

    for kind in ["sums", "strict"] {
        let counts = rig.counts_of(kind);
        assert_eq!(counts.len(), 40);
        let first = counts.values().next().unwrap().clone();
        assert!(counts.values().all(|by| *by == first && by.len() == 1), "{counts:?}");
    }
    drop((one, two));
}
