//! Who works on which part: while processes come and go, sleep and die.

use super::*;

#[tokio::test]
async fn processes_share_the_parts_of_a_handler_and_each_event_is_handled_once() {
    let rig = Rig::new();
    let one = rig.process("one");
    rig.open(0..40).await;
    rig.pass(1).await;
    assert_eq!(sizes(&[&one]), [8]);

    let two = rig.process("two");
    for _ in 0..5 {
        rig.deposit(0..40).await;
        rig.pass(2).await;
    }
    assert_eq!(sizes(&[&one, &two]), [4, 4]);
    let three = rig.process("three");
    for _ in 0..5 {
        rig.deposit(0..40).await;
        rig.pass(2).await;
    }
    let mut three_of = sizes(&[&one, &two, &three]);
    three_of.sort_unstable();
    assert_eq!(three_of, [2, 3, 3]);

    rig.each_once(40, 11);
    for process in ["one", "two", "three"] {
        assert!(rig.book().iter().any(|(by, ..)| *by == process), "{process} has done nothing");
    }
}

#[tokio::test]
async fn few_parts_move_when_a_process_joins_and_when_it_leaves() {
    let rig = Rig::new();
    let (one, two) = (rig.process("one"), rig.process("two"));
    rig.pass(10).await;
    let before = one.parts();
    assert_eq!(before.len(), 4);

    let three = rig.process("three");
    rig.pass(10).await;
    assert!(one.parts().is_subset(&before), "a part that stays in balance does not move");
    assert!(three.app.shutdown().await.is_orderly());
    rig.pass(10).await;

    assert_eq!(sizes(&[&one, &two]), [4, 4]);
}

#[tokio::test]
async fn a_process_that_is_stopped_hands_over_at_once_and_leaves_nothing_behind() {
    let rig = Rig::new();
    let (one, two) = (rig.process("one"), rig.process("two"));
    rig.open(0..40).await;
    rig.pass(10).await;

    assert!(one.app.shutdown().await.is_orderly());
    rig.deposit(0..40).await;
    rig.pass(5).await;

    rig.each_once(40, 2);
    assert_eq!(sizes(&[&two]), [8]);
    assert!(two.app.shutdown().await.is_orderly());
    assert_eq!(rig.store.leases("").await.unwrap(), []);
    assert_eq!(rig.members().await, 0);
}

#[tokio::test]
async fn the_parts_of_a_process_that_dies_go_to_the_others_when_its_leases_end() {
    let rig = Rig::new();
    let (one, two) = (rig.process("one"), rig.process("two"));
    rig.open(0..40).await;
    rig.pass(10).await;
    assert_eq!(sizes(&[&one, &two]), [4, 4]);

    one.cut_off();
    rig.deposit(0..40).await;
    rig.pass(5).await;
    assert!(rig.counts().len() < 80, "its leases last");
    rig.pass(15).await;

    assert_eq!(two.parts().len(), 8);
    assert_eq!(rig.counts().len(), 80, "nothing is left out");
    assert_eq!(rig.members().await, 1, "what is written of it is removed");
}

#[tokio::test]
async fn a_handler_that_takes_long_is_not_run_by_another_process_meanwhile() {
    let rig = Rig::new();
    let one = rig.process("one");
    one.desk.open.send_replace(false);
    rig.open(0..1).await;
    rig.pass(1).await;
    assert_eq!(rig.counts().len(), 1, "it has begun");

    let two = rig.process("two");
    rig.pass(120).await;
    assert_eq!(rig.counts().len(), 1);
    one.desk.open.send_replace(true);
    rig.deposit(0..1).await;
    rig.pass(10).await;

    rig.each_once(1, 2);
    assert_eq!(sizes(&[&one, &two]), [4, 4]);
}

#[tokio::test]
async fn a_process_that_slept_through_its_lease_ends_its_event_and_does_no_more() {
    let rig = Rig::new();
    rig.open(0..1).await;
    rig.deposit(0..1).await;
    let one = rig.process("one");
    one.desk.open.send_replace(false);
    rig.pass(1).await;
    let two = rig.process("two");
    // It handles on, but cannot renew.
    let gate = Gate::new();
    one.store.inject(Fault::stalled_lease(&gate).times(usize::MAX));
    rig.pass(30).await;
    let by: Vec<_> = rig.book().into_iter().filter(|(_, stream, _)| stream == "0").collect();
    assert_eq!(by.len(), 3, "the first has come again, to the other: {by:?}");

    one.desk.open.send_replace(true);
    rig.pass(10).await;

    assert_eq!(two.parts().len(), 8);
    assert_eq!(rig.counts()[&("0".to_owned(), 2)], ["two"]);
    let parts = (0..8).map(|part| format!("event handler mails/{part}of8"));
    let mut places = Vec::new();
    for part in parts {
        let found = rig.store.checkpoint(&CheckpointName::from(part)).await.unwrap();
        places.extend(found.and_then(|found| found.cursor).map(|cursor| cursor.position.get()));
    }
    assert_eq!(places.into_iter().max(), Some(2), "the place of the other stands");
}

#[tokio::test]
async fn who_is_stopped_while_it_waits_for_a_part_leaves_nothing_behind() {
    let rig = Rig::new();
    let one = rig.process("one");
    rig.pass(5).await;
    one.cut_off();
    let two = rig.process("two");
    rig.pass(2).await;

    assert!(two.app.shutdown().await.is_orderly());

    let held = rig.store.leases("").await.unwrap();
    assert_eq!(held.len(), 8 + 1 + 1, "those of the one that is cut off: {held:?}");
}

#[tokio::test]
async fn the_places_of_members_are_used_again() {
    let rig = Rig::new();
    for _ in 0..5 {
        let (one, two) = (rig.process("one"), rig.process("two"));
        rig.pass(3).await;
        let members: Vec<_> = rig.store.leases("event handlers/member/").await.unwrap();
        let mut names: Vec<_> = members.iter().map(|one| one.name().as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["event handlers/member/0", "event handlers/member/1"]);
        one.app.shutdown().await;
        two.app.shutdown().await;
    }
}
