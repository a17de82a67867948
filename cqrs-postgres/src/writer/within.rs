//! A unit of work within a transaction of somebody else's.

use cqrs_core::OperationId;
use cqrs_core::store::{Commit, CommitError, Limits, LogId, UnitOfWork};
use tokio::sync::oneshot;
use tokio_postgres::Transaction;

use super::Pending;
use super::beliefs::Beliefs;
use super::draft::{Draft, Known};
use super::group::Member;
use super::numbers::Numbers;
use super::statement::confirm;
use crate::fault::{Fault, Outcome};
use crate::identity;
use crate::names::Names;
use crate::reader;
use crate::session::{Session, Within};

/// Drafts that are made at most: the first one that fails holds the lock, so
/// that what it has found stays true.
const MOST_ROUNDS: u32 = 8;

/// How the transaction sees others; its commit is made as durable as the writer's.
const SETTINGS: &str = "SELECT current_setting('transaction_isolation'), \
    set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
        WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)";

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
    let unfit = |reason: String| {
        let reason = format!("{server}: {reason}").into();
        CommitError::Unavailable { reason, transient: false }
    };
    let operation = work.operation().id();
    match append_checked(transaction, beside, names, log, work).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(isolation)) => Err(unfit(format!(
            "the transaction is `{isolation}`, and sees less than what was committed before the \
             log's lock was its own; begin it as `read committed`"
        ))),
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
) -> Outcome<Result<Result<Commit, CommitError>, String>> {
    let settings = transaction.query_one(SETTINGS, &[]).await?;
    let isolation: String = settings.try_get(0)?;
    if isolation != "read committed" {
        return Ok(Err(isolation));
    }
    let within = Within { transaction, sql: &beside.sql };
    let numbers = [Some(Numbers::of(&work, beside, names).await?)];
    let (answer, _) = oneshot::channel();
    let fingerprint = work.fingerprint();
    let pending = Pending { work, fingerprint, weight: 0, answer };
    let members = [Member::Unit(Box::new(pending))];
    let lock = Some(identity::lock_key(log.as_uuid()));
    let (mut beliefs, mut known, mut head) = (Beliefs::default(), Known::default(), 0);
    for _ in 0..MOST_ROUNDS {
        let draft = Draft::of(&members, &numbers, &beliefs, &known, head);
        let statement = transaction.prepare(draft.statement(&beside.sql)).await?;
        let found = confirm(transaction, &statement, log.as_uuid(), lock, &draft).await?;
        head = found.head;
        if found.written {
            let before = (found.head, found.recorded);
            let mut outcomes = draft.outcomes(&members, log, before, &found.versions);
            let outcome = outcomes.pop();
            return outcome.map(Ok).ok_or_else(|| Fault::damaged("a unit without an outcome"));
        }
        for (stream, version) in draft.believed_streams.iter().zip(&found.versions) {
            beliefs.learn_head(*stream, *version);
        }
        beliefs.learn_epochs(&draft.believed_checkpoints, &found.epochs);
        known.learn(&draft, &found);
        for id in found.operations {
            let recorded = reader::operation(&within, names, log, OperationId::from_uuid(id));
            if let Some(commit) = recorded.await? {
                known.recorded.insert(id, commit);
            }
        }
    }
    Err(Fault::damaged("what was found under the lock did not stay true"))
}
