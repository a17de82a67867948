//! A unit of work within a transaction of somebody else's.

use cqrs_core::OperationId;
use cqrs_core::store::{Commit, CommitError, Limits, LogId, UnitOfWork};
use tokio::sync::oneshot;
use tokio_postgres::Transaction;

use super::Pending;
use super::beliefs::Beliefs;
use super::draft::{Draft, Known, Numbers};
use super::group::{Group, Member};
use super::statement::confirm;
use crate::fault::{Fault, Outcome};
use crate::identity;
use crate::names::Names;
use crate::reader;
use crate::session::Session;

/// Drafts that are made at most: the first one that fails holds the lock, so
/// that what it has found stays true.
const MOST_ROUNDS: u32 = 8;

/// Writes a unit within a transaction; what is not the unit's is looked up
/// beside it.
pub(crate) async fn append(
    transaction: &Transaction<'_>,
    beside: &Session,
    names: &Names,
    (log, limits): (LogId, &Limits),
    work: UnitOfWork,
    server: &str,
) -> Result<Commit, CommitError> {
    limits.check(&work)?;
    let operation = work.operation().id();
    match append_checked(transaction, beside, names, log, work).await {
        Ok(outcome) => outcome,
        Err(fault) if fault.proves_no_commit() => Err(fault.to_commit_error(server)),
        // Its transaction was not asked to commit, so that nothing was.
        Err(fault) => {
            let reason = fault.reason(server);
            tracing::debug!(%operation, %reason, "the transaction around the unit is broken");
            Err(CommitError::Unavailable { reason, transient: fault.is_transient() })
        }
    }
}

async fn append_checked(
    transaction: &Transaction<'_>,
    beside: &Session,
    names: &Names,
    log: LogId,
    work: UnitOfWork,
) -> Outcome<Result<Commit, CommitError>> {
    let numbers = [Some(Numbers::of(&work, beside, names).await?)];
    let (answer, _) = oneshot::channel();
    let fingerprint = work.fingerprint();
    let pending = Pending { work, fingerprint, weight: 0, answer };
    let mut group = Group::default();
    group.members.push(Member::Unit(Box::new(pending)));
    let statement = transaction.prepare(&beside.sql.commit).await?;
    let lock = Some(identity::lock_key(log.as_uuid()));
    let (mut beliefs, mut known, mut head) = (Beliefs::default(), Known::default(), 0);
    for _ in 0..MOST_ROUNDS {
        let draft = Draft::of(&group, &numbers, &beliefs, &known, head);
        let found = confirm(transaction, &statement, log.as_uuid(), lock, &draft).await?;
        head = found.head;
        if found.written {
            let before = (found.head, found.recorded);
            let mut outcomes = draft.outcomes(&group, log, before, &found.versions);
            return outcomes.pop().ok_or_else(|| Fault::damaged("a unit without an outcome"));
        }
        for (stream, version) in draft.believed_streams.iter().zip(&found.versions) {
            beliefs.learn_head(*stream, *version);
        }
        beliefs.learn_epochs(&draft.believed_checkpoints, &found.epochs);
        for (guard, hit) in draft.guarded.iter().zip(&found.hits) {
            if let Some(hit) = hit {
                known.hits.insert(*guard, *hit);
            }
        }
        for id in found.operations {
            let recorded = reader::operation(beside, names, log, OperationId::from_uuid(id));
            if let Some(commit) = recorded.await? {
                known.recorded.insert(id, commit);
            }
        }
    }
    Err(Fault::damaged("what was found under the lock did not stay true"))
}
