//! Writers that race: each condition admits exactly one winner.

use std::collections::HashSet;
use std::ops::Bound;

use cqrs_core::store::{
    CheckpointName, Commit, CommitError, Direction, EventQuery, EventStore, ExpectedVersion,
    Operation, Position, QueryItem, RecordedEvent, StreamId, TableName, UnitOfWork,
};

use super::bench::{Bench, NOW, at, stream, tag};

const ROWS: TableName = TableName::named("rows");

/// Appends one event at the stream's head, again until nobody was faster.
async fn append_at_head(bench: &Bench, stream: &StreamId, most_tries: usize) -> Commit {
    for _ in 0..most_tries {
        let head = bench.version(stream).await;
        let exact = ExpectedVersion::Exact(head);
        let work = bench.unit().append(stream.clone(), exact, bench.events(1));
        match bench.store().commit(work).await {
            Ok(commit) => return commit,
            Err(CommitError::Conflict { actual, expected, .. }) => {
                assert_eq!(expected, exact, "race: a conflict names what the unit expected");
                assert!(actual > head, "race: a conflict at {actual} although {exact} was met");
            }
            Err(other) => panic!("race: a writer can only lose by a conflict: {other}"),
        }
        tokio::task::yield_now().await;
    }
    panic!("race: {most_tries} tries, more than there are commits to lose against");
}

fn distinct<T: std::hash::Hash + Eq>(all: impl IntoIterator<Item = T>) -> usize {
    all.into_iter().collect::<HashSet<_>>().len()
}

pub(super) async fn each_version_of_a_stream_has_one_winner(bench: Bench) {
    const TASKS: usize = 6;
    const EACH: usize = 15;
    let won = bench.race(TASKS, |_, bench| async move {
        let mut won = Vec::new();
        for _ in 0..EACH {
            let commit = append_at_head(&bench, &stream("a"), TASKS * EACH + 1).await;
            won.push(commit.streams().to_vec());
        }
        won
    });
    let won: Vec<_> = won.await.into_iter().flatten().collect();
    assert_eq!(bench.length(&stream("a")).await, TASKS * EACH, "race: one event for each winner");
    assert_eq!(distinct(won), TASKS * EACH, "race: two writers won the same version");
}

/// Tasks commit alike units at once, round by round; one of each round wins.
async fn one_winner_each_round(
    bench: &Bench,
    unit: impl Fn(&Bench, u64) -> UnitOfWork + Copy + Send + Sync + 'static,
    what: &str,
) {
    const ROUNDS: u64 = 10;
    for round in 0..ROUNDS {
        let answers = bench.race(8, move |_, bench| async move {
            bench.store().commit(unit(&bench, round)).await
        });
        let answers = answers.await;
        let won = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(won, 1, "race: {what}: exactly one of eight must win: {answers:?}");
        for lost in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert!(lost.is_conflict(), "race: {what}: the others lose by a conflict: {lost}");
        }
    }
    let head = bench.head().await.get();
    assert_eq!(head, ROUNDS, "race: {what}: only the winners' events are in the log");
}

pub(super) async fn a_storm_on_one_version_has_one_winner(bench: Bench) {
    let unit = |bench: &Bench, round| {
        let exact = ExpectedVersion::Exact(at(round));
        bench.unit().append(stream("a"), exact, bench.events(1))
    };
    one_winner_each_round(&bench, unit, "the same exact version").await;
}

pub(super) async fn a_storm_on_new_streams_has_one_winner(bench: Bench) {
    let unit = |bench: &Bench, round| {
        let key = stream(&format!("s{round}"));
        bench.unit().append(key, ExpectedVersion::NoStream, bench.events(1))
    };
    one_winner_each_round(&bench, unit, "the same new stream").await;
}

pub(super) async fn a_storm_on_a_guard_has_one_winner(bench: Bench) {
    let unit = |bench: &Bench, round| {
        let own = stream(bench.operation_id().to_string().as_str());
        let event = bench.event("reserved").with_tags([tag("seat:1")].into_iter().collect());
        let query = EventQuery::all().or(QueryItem::types(["reserved"]).tag(tag("seat:1")));
        let work = bench.unit().append(own, ExpectedVersion::NoStream, vec![event]);
        work.unless_matched(query, Position::new(round))
    };
    one_winner_each_round(&bench, unit, "the same guard").await;
}

pub(super) async fn writers_of_separate_streams_do_not_conflict(bench: Bench) {
    let made = bench.race(6, |n, bench| async move {
        let own = stream(&format!("own-{n}"));
        for version in 0..15 {
            let exact = ExpectedVersion::Exact(at(version));
            let work = bench.unit().append(own.clone(), exact, bench.events(1));
            let work = work.append(stream("shared"), ExpectedVersion::Any, bench.events(1));
            bench.commit(work).await;
        }
        own
    });
    for own in made.await {
        assert_eq!(bench.length(&own).await, 15, "race: {own} must have its writer's events");
    }
    assert_eq!(bench.length(&stream("shared")).await, 90, "race: a shared stream lost events");
    let log = bench.log().await;
    let positions: Vec<u64> = log.iter().map(|event| event.position().get()).collect();
    assert_eq!(positions, (1..=180).collect::<Vec<_>>(), "race: positions must have no gap");
    assert_eq!(distinct(log.iter().map(RecordedEvent::id)), 180, "race: an event stands twice");
}

pub(super) async fn one_operation_sent_by_many_takes_effect_once(bench: Bench) {
    for round in 0..10 {
        let given = Operation::given(bench.operation_id());
        let answers = bench.race(8, move |_, bench| async move {
            let event = bench.event_with("deposited", round.to_string().into_bytes());
            let work = UnitOfWork::new(given, NOW);
            bench.commit(work.append(stream("a"), ExpectedVersion::Any, vec![event])).await
        });
        let answers = answers.await;
        let first = answers.iter().filter(|commit| !commit.is_repeated()).count();
        assert_eq!(first, 1, "race: one of eight equal operations is the first");
        let outcomes = distinct(answers.iter().map(|commit| commit.streams().to_vec()));
        assert_eq!(outcomes, 1, "race: equal operations have one outcome");
    }
    assert_eq!(bench.length(&stream("a")).await, 10, "race: an operation took effect twice");
}

pub(super) async fn each_claim_of_a_checkpoint_has_an_epoch_of_its_own(bench: Bench) {
    let name = CheckpointName::named("reader");
    let epochs = bench.race(8, |_, bench| async move {
        let name = CheckpointName::named("reader");
        let epoch = bench.claim(&name).await.epoch;
        let work = bench.unit().advance_checkpoint(name, epoch, None);
        let answer = bench.store().commit(work).await;
        let fenced = matches!(answer, Err(CommitError::Fenced { .. }));
        assert!(answer.is_ok() || fenced, "race: a claim is lost to a later one: {answer:?}");
        epoch
    });
    let epochs = epochs.await;
    assert_eq!(distinct(epochs.iter().copied()), 8, "race: two claims share an epoch");
    let kept = bench.checkpoint(&name).await;
    let kept = kept.map(|checkpoint| checkpoint.epoch);
    assert_eq!(kept, epochs.iter().copied().max(), "race: the last claim holds the checkpoint");
}

pub(super) async fn rows_of_racing_units_are_those_of_the_last_one(bench: Bench) {
    let units = bench.race(6, |n, bench| async move {
        for round in 0..10 {
            let value = format!("{n}-{round}");
            let event = bench.event_with("written", value.clone().into_bytes());
            let work = bench.unit().put(ROWS, "x", value.clone()).put(ROWS, "y", value);
            bench.commit(work.append(stream("a"), ExpectedVersion::Any, vec![event])).await;
            rows_agree(&bench).await;
        }
    });
    units.await;
    let last = bench.stream(&stream("a")).await.last().map(|event| event.payload().to_vec());
    let row = rows_agree(&bench).await;
    assert_eq!(
        row.map(Vec::from),
        last,
        "race: the rows must be those of the unit that committed last"
    );
}

/// Both rows are written by every unit, so one scan must find them equal.
async fn rows_agree(bench: &Bench) -> Option<bytes::Bytes> {
    let whole = (Bound::Unbounded, Bound::Unbounded);
    let rows = bench.store().rows(&ROWS, whole, Direction::Forward, 9).await;
    let rows = rows.expect("race: rows can be read while others write");
    let [(_, x), (_, y)] = &rows[..] else { panic!("race: both rows must be there: {rows:?}") };
    assert_eq!(x, y, "race: a reader saw a unit of work half done");
    Some(x.clone())
}
