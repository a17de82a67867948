//! A lease has one holder at a time, and what rests on a lost one is refused.
//! Where a case needs a lease that has ended, it is given or renewed for no time
//! at all.

use std::time::Duration;

use cqrs_core::store::{
    CommitError, EventStore, ExpectedVersion, Holder, Lease, LeaseError, LeaseName, LeaseToken,
    Lineage, Operation, TableName, UnitOfWork,
};

use super::bench::{Bench, NOW, stream};

const JOB: LeaseName = LeaseName::named("job");
const ADA: Holder = Holder::named("ada");
const BOB: Holder = Holder::named("bob");
const LONG: Duration = Duration::from_secs(3_600);
const NONE: Duration = Duration::ZERO;

impl Bench {
    async fn asked(&self, name: &LeaseName, holder: &Holder, ttl: Duration) -> Option<Lease> {
        let answer = self.store().acquire_lease(name, holder, ttl).await;
        self.answered("a lease must be given or not", answer)
    }

    pub(super) async fn lease(&self, name: &LeaseName, holder: &Holder, ttl: Duration) -> Lease {
        let given = self.asked(name, holder, ttl).await;
        given.unwrap_or_else(|| panic!("leases: {name} is free and must be given to {holder}"))
    }

    async fn renewed(&self, lease: &Lease, ttl: Duration) -> Lease {
        let answer = self.store().renew_lease(lease, ttl).await;
        self.answered("a lease that is held must be renewed", answer)
    }

    async fn released(&self, lease: &Lease) {
        let answer = self.store().release_lease(lease).await;
        self.answered("a lease must be released", answer);
    }

    async fn held(&self, prefix: &str) -> Vec<Lease> {
        self.answered("leases must be listed", self.store().leases(prefix).await)
    }

    async fn lost(&self, lease: &Lease, actual: LeaseToken, why: &str) {
        match self.store().renew_lease(lease, LONG).await {
            Err(LeaseError::Lost { lease: name, held, actual: found }) => {
                let found = (name, held, found);
                let expected = (lease.name().clone(), lease.token(), actual);
                assert_eq!(found, expected, "leases: {why}");
            }
            other => panic!("leases: {why}: the lease is lost, the store says {other:?}"),
        }
    }
}

pub(super) async fn a_free_one_is_given(bench: Bench) {
    let lease = bench.lease(&JOB, &ADA, LONG).await;
    let found = (lease.name(), lease.holder());
    assert_eq!(found, (&JOB, &ADA), "leases: it must say what was given to whom");
    assert!(lease.token() > LeaseToken::default(), "leases: a token must be greater than 0");
    assert_eq!(bench.held("").await, [lease], "leases: what is given must be kept");
}

pub(super) async fn nobody_else_gets_one_that_is_held(bench: Bench) {
    let lease = bench.lease(&JOB, &ADA, LONG).await;
    for _ in 0..2 {
        assert_eq!(bench.asked(&JOB, &BOB, LONG).await, None, "leases: it was given twice");
        assert_eq!(
            bench.held("").await,
            std::slice::from_ref(&lease),
            "leases: asking must change nothing"
        );
    }
    bench.renewed(&lease, LONG).await;
}

pub(super) async fn its_holder_gets_it_anew_with_a_greater_token(bench: Bench) {
    let first = bench.lease(&JOB, &ADA, LONG).await;
    let second = bench.lease(&JOB, &ADA, LONG).await;
    assert!(second.token() > first.token(), "leases: each time the token must be greater");
    bench.lost(&first, second.token(), "its holder has got it anew").await;
    bench.renewed(&second, LONG).await;
}

pub(super) async fn one_that_has_ended_is_given_with_a_greater_token(bench: Bench) {
    let mut token = LeaseToken::default();
    for holder in [ADA, BOB, BOB, ADA] {
        let lease = bench.lease(&JOB, &holder, NONE).await;
        assert!(lease.token() > token, "leases: each time the token must be greater");
        token = lease.token();
        assert_eq!(bench.held("").await, [], "leases: what has ended is not held");
    }
}

pub(super) async fn a_renewal_keeps_the_token_and_moves_the_end(bench: Bench) {
    let lease = bench.lease(&JOB, &ADA, LONG).await;
    let later = bench.renewed(&lease, 2 * LONG).await;
    let same = Lease::new(JOB, ADA, lease.token(), later.until());
    assert_eq!(later, same, "leases: a renewal moves the end alone");
    assert!(later.until() > lease.until(), "leases: a renewal must move the end");
    assert_eq!(
        bench.held("").await,
        std::slice::from_ref(&later),
        "leases: a renewal must be kept"
    );
    let sooner = bench.renewed(&later, LONG).await;
    assert!(sooner.until() < later.until(), "leases: a renewal may move the end back");
}

pub(super) async fn one_that_has_ended_is_not_renewed(bench: Bench) {
    let lease = bench.lease(&JOB, &ADA, LONG).await;
    bench.renewed(&lease, NONE).await;
    bench.lost(&lease, lease.token(), "it has ended").await;
}

pub(super) async fn one_that_somebody_took_over_is_not_renewed(bench: Bench) {
    let first = bench.lease(&JOB, &ADA, NONE).await;
    let second = bench.lease(&JOB, &BOB, LONG).await;
    bench.lost(&first, second.token(), "somebody took it over").await;
    bench.renewed(&second, LONG).await;
}

pub(super) async fn one_that_nobody_ever_had_is_not_renewed(bench: Bench) {
    let invented = Lease::new(JOB, ADA, LeaseToken::new(1), NOW);
    bench.lost(&invented, LeaseToken::default(), "nobody ever had it").await;
}

pub(super) async fn a_released_one_is_free_at_once(bench: Bench) {
    let first = bench.lease(&JOB, &ADA, LONG).await;
    bench.released(&first).await;
    assert_eq!(bench.held("").await, [], "leases: what was released is not held");
    bench.lost(&first, first.token(), "it was released").await;
    let second = bench.lease(&JOB, &BOB, LONG).await;
    assert!(second.token() > first.token(), "leases: each time the token must be greater");
}

pub(super) async fn releasing_a_lost_one_leaves_it_to_who_has_it(bench: Bench) {
    let first = bench.lease(&JOB, &ADA, NONE).await;
    let second = bench.lease(&JOB, &BOB, LONG).await;
    bench.released(&first).await;
    assert_eq!(bench.held("").await, std::slice::from_ref(&second), "leases: it was another one's");
    bench.renewed(&second, LONG).await;
}

pub(super) async fn they_are_listed_by_the_beginnings_of_their_names(bench: Bench) {
    for name in ["b/2", "a", "b/1", "b", "B/1", "b%"] {
        bench.lease(&LeaseName::named(name), &ADA, LONG).await;
    }
    bench.lease(&LeaseName::named("b/3"), &ADA, NONE).await;
    let of = [
        ("", &["B/1", "a", "b", "b%", "b/1", "b/2"][..]),
        ("b/", &["b/1", "b/2"]),
        ("b%", &["b%"]),
        ("c", &[]),
    ];
    for (prefix, expected) in of {
        let held = bench.held(prefix).await;
        let names: Vec<_> = held.iter().map(|lease| lease.name().as_str()).collect();
        assert_eq!(names, expected, "leases: those that begin with {prefix:?}");
    }
}

pub(super) async fn their_names_are_kept_apart(bench: Bench) {
    let names = ["job", "Job", "job ", "j\u{f6}b", "j%b", "jo_"].map(LeaseName::named);
    for name in &names {
        bench.lease(name, &ADA, LONG).await;
    }
    assert_eq!(bench.held("").await.len(), names.len(), "leases: one has the name of another");
}

pub(super) async fn ill_formed_names_are_refused(bench: Bench) {
    for text in [String::new(), "a\nb".to_owned(), "x".repeat(256)] {
        let (name, holder) = (LeaseName::from(text.clone()), Holder::from(text.clone()));
        for (name, holder) in [(&name, &ADA), (&JOB, &holder)] {
            let answer = bench.store().acquire_lease(name, holder, LONG).await;
            let refused = matches!(answer, Err(LeaseError::Invalid(_)));
            assert!(refused, "leases: {text:?} is no name: {answer:?}");
        }
    }
}

pub(super) async fn one_may_last_for_ever(bench: Bench) {
    let lease = bench.lease(&JOB, &ADA, Duration::MAX).await;
    assert_eq!(bench.asked(&JOB, &BOB, LONG).await, None, "leases: for ever is not over yet");
    let lease = bench.renewed(&lease, Duration::MAX).await;
    bench.commit(everything(&bench).fenced_by(&lease)).await;
}

/// A unit of events and rows.
fn everything(bench: &Bench) -> UnitOfWork {
    let work = bench.unit().append(stream("a"), ExpectedVersion::Any, bench.events(1));
    work.put(TableName::named("rows"), "k", "v")
}

async fn refused_whole(bench: &Bench, lease: &Lease, actual: LeaseToken, why: &str) {
    let (name, held) = (lease.name().clone(), lease.token());
    let lost = CommitError::LeaseLost { lease: name, held, actual };
    for work in [
        everything(bench),
        bench.unit().put(TableName::named("rows"), "k", "v"),
        bench.unit().append(stream("a"), ExpectedVersion::NoStream, Vec::new()),
    ] {
        bench.refuse(work.fenced_by(lease), lost.clone(), why).await;
    }
    let row = bench.row(&TableName::named("rows"), b"k").await;
    assert_eq!(row, None, "{why}: a fenced unit left a row");
    assert_eq!(bench.length(&stream("a")).await, 0, "{why}: a fenced unit left events");
}

pub(super) async fn a_fenced_unit_commits_while_its_lease_is_held(bench: Bench) {
    let lease = bench.lease(&JOB, &ADA, LONG).await;
    for round in 1..4 {
        bench.commit(everything(&bench).fenced_by(&lease)).await;
        assert_eq!(bench.length(&stream("a")).await, round, "leases: a unit was not written");
        bench.renewed(&lease, LONG).await;
        // It fences whose unit it is, and nobody else's.
        let row = bench.unit().put(TableName::named("rows"), "other", "v");
        bench.commit(row.fenced_by(&lease)).await;
        bench.commit(bench.unit().put(TableName::named("rows"), "free", "v")).await;
    }
}

pub(super) async fn a_unit_of_an_ended_lease_is_refused_whole(bench: Bench) {
    let lease = bench.lease(&JOB, &ADA, LONG).await;
    let lease = bench.renewed(&lease, NONE).await;
    let why = "leases: a unit whose lease has ended";
    refused_whole(&bench, &lease, lease.token(), why).await;
}

pub(super) async fn a_unit_of_another_ones_lease_is_refused_whole(bench: Bench) {
    let lease = bench.lease(&JOB, &ADA, NONE).await;
    let next = bench.lease(&JOB, &BOB, LONG).await;
    let why = "leases: a unit whose lease somebody took over";
    refused_whole(&bench, &lease, next.token(), why).await;
    let invented = Lease::new(JOB, ADA, LeaseToken::new(next.token().get() + 1), NOW);
    let why = "leases: a unit whose token nobody was given";
    refused_whole(&bench, &invented, next.token(), why).await;
    bench.commit(everything(&bench).fenced_by(&next)).await;
}

pub(super) async fn a_repeat_is_known_whatever_became_of_its_lease(bench: Bench) {
    let lease = bench.lease(&JOB, &ADA, LONG).await;
    let given = Operation::given(bench.operation_id());
    let events = bench.events(1);
    let work = || {
        let work = UnitOfWork::new(given, NOW);
        work.append(stream("a"), ExpectedVersion::Any, events.clone()).fenced_by(&lease)
    };
    bench.commit(work()).await;
    bench.released(&lease).await;
    let again = bench.commit(work()).await;
    assert!(again.is_repeated(), "leases: what has committed stays known");
}

pub(super) async fn units_behind_one_of_a_lost_lease_are_superseded(bench: Bench) {
    let lease = bench.lease(&JOB, &ADA, NONE).await;
    let lineage = Lineage::new();
    let first =
        bench.store().commit(everything(&bench).in_lineage(lineage.clone()).fenced_by(&lease));
    let second = bench.store().commit(everything(&bench).in_lineage(lineage));
    let lost = matches!(first.await, Err(CommitError::LeaseLost { .. }));
    assert!(lost, "leases: the first unit is refused by its lease");
    let superseded = matches!(second.await, Err(CommitError::Superseded));
    assert!(superseded, "leases: the second one builds on the first");
}

pub(super) async fn each_has_one_holder_among_many(bench: Bench) {
    for round in 0..10 {
        let name = LeaseName::from(format!("job/{round}"));
        let asked = bench.race(8, move |n, bench| {
            let name = name.clone();
            async move { bench.asked(&name, &Holder::from(n.to_string()), LONG).await }
        });
        let given: Vec<_> = asked.await.into_iter().flatten().collect();
        assert_eq!(given.len(), 1, "leases: exactly one of eight gets it: {given:?}");
    }
}

pub(super) async fn each_token_is_given_once(bench: Bench) {
    let asked = bench.race(8, |n, bench| async move {
        let mut tokens = Vec::new();
        for _ in 0..10 {
            let given = bench.asked(&JOB, &Holder::from(n.to_string()), NONE).await;
            tokens.extend(given.map(|lease| lease.token()));
        }
        tokens
    });
    let mut tokens: Vec<_> = asked.await.into_iter().flatten().collect();
    let given = tokens.len();
    assert_eq!(given, 80, "leases: each time it had ended and is given");
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), given, "leases: a token was given twice");
}

pub(super) async fn a_reopened_log_has_its_leases(bench: Bench) {
    let lease = bench.lease(&JOB, &ADA, LONG).await;
    let other = LeaseName::named("other");
    let ended = bench.lease(&other, &ADA, NONE).await;
    let Some(bench) = bench.reopened().await else { return };
    assert_eq!(
        bench.held("").await,
        std::slice::from_ref(&lease),
        "leases: one was lost over a restart"
    );
    assert_eq!(bench.asked(&JOB, &BOB, LONG).await, None, "leases: it is held over a restart");
    bench.commit(everything(&bench).fenced_by(&lease)).await;
    let next = bench.lease(&other, &BOB, LONG).await;
    assert!(next.token() > ended.token(), "leases: a token was given twice over a restart");
}
