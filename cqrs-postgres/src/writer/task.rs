//! The life of the writing task.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cqrs_core::OperationId;
use cqrs_core::store::{
    Checkpoint, CheckpointName, Commit, CommitError, CommitSignal, LogId, Position, ReadError,
};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Job;
use super::beliefs::Beliefs;
use super::draft::{Draft, Known, Numbers};
use super::group::{Group, Member};
use crate::fault::{Fault, Outcome};
use crate::identity;
use crate::migrations::ORIGIN;
use crate::names::Names;
use crate::reader;
use crate::server::Server;
use crate::session::Session;
use crate::sql::Sql;

/// How long a group may wait for callers that were just answered: less than the
/// flush that it saves.
const PATIENCE: Duration = Duration::from_micros(100);
/// How often a group is drafted anew. Each time another process has made
/// progress meanwhile.
const MOST_ROUNDS: u32 = 1_000;
/// How often a group is repeated that the server has rolled back for no fault
/// of its own.
const MOST_REPEATS: u32 = 5;
/// How many groups are written under the log's lock after another process has
/// written: who waits for a lock is served in turn, who collides is not.
const CONTENDED: u32 = 64;
/// Between two tries to reach the server.
const PAUSE: Duration = Duration::from_millis(50);

/// What the task works with.
pub(crate) struct Parts {
    pub(crate) server: Server,
    pub(crate) sql: Arc<Sql>,
    pub(crate) log: LogId,
    pub(crate) names: Arc<Names>,
    pub(crate) signal: Arc<CommitSignal>,
    /// Told after each commit, to wake other processes.
    pub(crate) committed: Arc<Notify>,
    pub(crate) session: Session,
    /// How long a group waits for a connection that lets it be settled.
    pub(crate) patience: Duration,
}

struct Task {
    server: Server,
    sql: Arc<Sql>,
    log: LogId,
    names: Arc<Names>,
    signal: Arc<CommitSignal>,
    committed: Arc<Notify>,
    patience: Duration,
    session: Option<Session>,
    /// The server's process whose connection broke, until it has ended.
    lost: Option<i32>,
    beliefs: Beliefs,
    /// The newest position that is known, and when it was recorded.
    head: i64,
    recorded: i64,
    /// Groups that are still written under the lock, because another process
    /// writes too.
    contended: u32,
    queue: mpsc::UnboundedReceiver<Job>,
    waiting: Arc<AtomicUsize>,
    /// How many were answered last time.
    answered: usize,
}

/// Writes until the last handle is gone and nothing waits.
pub(super) async fn run(
    parts: Parts,
    queue: mpsc::UnboundedReceiver<Job>,
    waiting: Arc<AtomicUsize>,
) {
    let Parts { server, sql, log, names, signal, committed, session, patience } = parts;
    let (session, beliefs) = (Some(session), Beliefs::default());
    let mut task = Task {
        server,
        sql,
        log,
        names,
        signal,
        committed,
        patience,
        session,
        lost: None,
        beliefs,
        head: 0,
        recorded: i64::MIN,
        contended: 0,
        queue,
        waiting,
        answered: 0,
    };
    task.serve().await;
}

/// What a caller learns whose answer will not come.
pub(crate) fn gone(operation: OperationId) -> CommitError {
    CommitError::Unknown { operation, reason: "the runtime of the store has ended".into() }
}

impl Task {
    async fn serve(&mut self) {
        let mut next = None;
        loop {
            let mut found_idle = false;
            let job = match next.take().or_else(|| self.queue.try_recv().ok()) {
                Some(job) => Some(job),
                None => {
                    found_idle = true;
                    self.queue.recv().await
                }
            };
            match job {
                None => return,
                Some(Job::Claim(name, answer)) => drop(answer.send(self.claim(&name).await)),
                Some(Job::Resolve(id, answer)) => drop(answer.send(self.resolve(id).await)),
                Some(job) => next = self.commit(job, found_idle).await,
            }
        }
    }

    /// Commits the job and what has gathered behind it. Returns a job that
    /// had to wait for the group's end.
    async fn commit(&mut self, first: Job, found_idle: bool) -> Option<Job> {
        let mut group = Group::default();
        let mut rest = group.take(first);
        while rest.is_none() && !group.is_full() {
            match self.queue.try_recv() {
                Ok(job) => rest = group.take(job),
                Err(_) => break,
            }
        }
        if rest.is_none() {
            rest = self.gather(&mut group, found_idle).await;
        }
        let (weight, len) = (group.weight(), group.len());
        let outcomes = self.write(&group).await;
        self.answered = len;
        self.waiting.fetch_sub(weight, Ordering::Relaxed);
        group.answer(outcomes);
        rest
    }

    /// Those who were answered together tend to come back together, just too
    /// late for a flush that starts at once. A moment's patience puts them
    /// into one group with those who came meanwhile. One caller alone is never
    /// waited for.
    async fn gather(&mut self, group: &mut Group, found_idle: bool) -> Option<Job> {
        // Who comes after a moment without anybody is one of them.
        let others = if found_idle { 0 } else { group.len() };
        let expected = self.answered + others;
        let deadline = Instant::now() + PATIENCE;
        while group.len() < expected && !group.is_full() && Instant::now() < deadline {
            match self.queue.try_recv() {
                Ok(job) => {
                    if let Some(rest) = group.take(job) {
                        return Some(rest);
                    }
                }
                Err(mpsc::error::TryRecvError::Empty) => tokio::task::yield_now().await,
                Err(mpsc::error::TryRecvError::Disconnected) => return None,
            }
        }
        None
    }

    /// Writes a group, whatever happens to the connection meanwhile.
    async fn write(&mut self, group: &Group) -> Vec<Result<Commit, CommitError>> {
        let mut known = Known::default();
        let begin = Instant::now();
        let (mut rounds, mut repeats) = (0, 0);
        loop {
            let (fault, sent) = match self.round(group, &mut known).await {
                Ok(Some(outcomes)) => return outcomes,
                Ok(None) => {
                    rounds += 1;
                    if rounds < MOST_ROUNDS {
                        continue;
                    }
                    let reason = "other processes write the same streams all the time".into();
                    let error = CommitError::Unavailable { reason, transient: true };
                    return self.all(group, &known, &error);
                }
                Err(failed) => failed,
            };
            tracing::warn!(%fault, server = self.server.label(), "a group did not commit");
            if fault.proves_no_commit() {
                repeats += 1;
                if fault.is_chance() && repeats <= MOST_REPEATS {
                    continue;
                }
                return self.all(group, &known, &fault.to_commit_error(self.server.label()));
            }
            known.in_doubt |= sent;
            self.lose();
            if begin.elapsed() >= self.patience {
                return self.all(group, &known, &fault.to_commit_error(self.server.label()));
            }
            sleep(PAUSE).await;
        }
    }

    /// The same outcome for every unit; nobody knows it for those that may
    /// have been written.
    fn all(
        &mut self,
        group: &Group,
        known: &Known,
        error: &CommitError,
    ) -> Vec<Result<Commit, CommitError>> {
        self.beliefs.forget();
        let reason: Arc<str> = error.to_string().into();
        group
            .members
            .iter()
            .map(|member| {
                Err(match member {
                    Member::Refused(refused) => refused.error.clone(),
                    Member::Unit(pending) if known.in_doubt => CommitError::Unknown {
                        operation: pending.work.operation().id(),
                        reason: Arc::clone(&reason),
                    },
                    Member::Unit(_) => error.clone(),
                })
            })
            .collect()
    }

    fn lose(&mut self) {
        if let Some(session) = self.session.take() {
            self.lost = Some(session.backend());
        }
        self.beliefs.forget();
    }

    /// The connection, or a new one, once the process behind the one that
    /// broke has ended.
    async fn session(&mut self) -> Outcome<&Session> {
        if self.session.as_ref().is_some_and(|session| session.client().is_closed()) {
            self.lose();
        }
        let session = match self.session.take() {
            Some(session) => session,
            None => {
                let session = Session::own(self.server.connect().await?, Arc::clone(&self.sql));
                let log = format!("SELECT id FROM @schema@.log WHERE origin = {ORIGIN}");
                let log = self.sql.of(&log);
                let found = session.query(&log, &[]).await?;
                let found: Option<Uuid> = found.first().map(|row| row.try_get(0)).transpose()?;
                if found != Some(self.log.as_uuid()) {
                    return Err(Fault::damaged(
                        "another log is there than when the store was opened; open it again",
                    ));
                }
                session
            }
        };
        if let Some(lost) = self.lost {
            while is_at_work(&session, lost).await? {
                sleep(PAUSE).await;
            }
            self.lost = None;
        }
        Ok(self.session.insert(session))
    }

    /// Drafts a group and has it confirmed. `None` when something else is true
    /// than was believed. With a fault comes whether anything was sent.
    async fn round(
        &mut self,
        group: &Group,
        known: &mut Known,
    ) -> Result<Option<Vec<Result<Commit, CommitError>>>, (Fault, bool)> {
        let (names, log, head) = (Arc::clone(&self.names), self.log, self.head);
        let before = |fault| (fault, false);
        self.session().await.map_err(before)?;
        let session = self.session.as_ref().ok_or((Fault::Exhausted, false))?;
        let mut numbers = Vec::with_capacity(group.len());
        for member in &group.members {
            numbers.push(match member {
                Member::Unit(pending) => {
                    Some(Numbers::of(&pending.work, session, &names).await.map_err(before)?)
                }
                Member::Refused(_) => None,
            });
        }
        let draft = Draft::of(group, &numbers, &self.beliefs, known, head);
        if self.contended == 0 && !known.in_doubt && draft.is_plain() {
            return self.at_once(group, draft).await;
        }
        self.contended = self.contended.saturating_sub(1);
        let lock = group.concerns_log().then(|| identity::lock_key(log.as_uuid()));
        let found =
            confirm(session, log.as_uuid(), lock, &draft).await.map_err(|fault| (fault, true))?;
        if found.head != self.head {
            self.beliefs.forget_heads();
            (self.head, self.recorded) = (found.head, found.recorded);
        }
        for (stream, version) in draft.believed_streams.iter().zip(&found.versions) {
            self.beliefs.learn_head(*stream, *version);
        }
        if found.written {
            self.written(&draft, &found.versions);
            let before = (found.head, found.recorded);
            return Ok(Some(draft.outcomes(group, log, before, &found.versions)));
        }
        for (name, epoch) in group.works().filter_map(|work| work.advance()).filter_map(|advance| {
            let place = draft
                .believed_checkpoints
                .iter()
                .position(|one| *one == advance.name().as_str())?;
            Some((advance.name(), *found.epochs.get(place)?))
        }) {
            self.beliefs.learn_epoch(name, epoch);
        }
        for (guard, hit) in draft.guarded.iter().zip(&found.hits) {
            if let Some(hit) = hit {
                known.hits.insert(*guard, *hit);
            }
        }
        for id in found.operations {
            let recorded = reader::operation(session, &names, log, OperationId::from_uuid(id));
            if let Some(commit) = recorded.await.map_err(before)? {
                known.recorded.insert(id, commit);
            }
        }
        Ok(None)
    }

    /// Learns what a draft has written.
    fn written(&mut self, draft: &Draft<'_>, versions: &[i64]) {
        for (stream, version) in draft.newest_versions(versions) {
            self.beliefs.learn_head(stream, version);
        }
        if draft.len() > 0 {
            self.head += draft.len();
            self.recorded = self.recorded.max(draft.recorded_at());
            self.signal.raise(Position::new(self.head.cast_unsigned()));
            self.committed.notify_one();
        }
    }

    /// Writes events right behind the newest one that is known, unless another
    /// process holds the lock. If that place is still free, nobody has written
    /// since, and all that is believed is true; if it is not, the key of the log
    /// refuses the statement.
    async fn at_once(
        &mut self,
        group: &Group,
        draft: Draft<'_>,
    ) -> Result<Option<Vec<Result<Commit, CommitError>>>, (Fault, bool)> {
        let session = self.session.as_ref().ok_or((Fault::Exhausted, false))?;
        let before = (self.head, self.recorded);
        match append(session, self.log.as_uuid(), &draft, before).await {
            Ok(true) => {
                let versions = draft.bases();
                self.written(&draft, &versions);
                Ok(Some(draft.outcomes(group, self.log, before, &versions)))
            }
            Err(fault) if !fault.is_taken() => Err((fault, true)),
            _ => {
                self.beliefs.forget_heads();
                self.contended = CONTENDED;
                Ok(None)
            }
        }
    }

    async fn claim(&mut self, name: &CheckpointName) -> Result<Checkpoint, CommitError> {
        let text = self.sql.claim.clone();
        let claimed = async {
            let session = self.session().await?;
            let rows = session.query(&text, &[&name.as_str()]).await?;
            let row = rows.first().ok_or_else(|| Fault::damaged("a claim gave no row"))?;
            reader::checkpoint_in(name, row)
        };
        match claimed.await {
            Ok(checkpoint) => {
                let epoch = checkpoint.epoch.get().cast_signed();
                self.beliefs.learn_epoch(name, epoch);
                Ok(checkpoint)
            }
            // A claim has no operation to resolve; claiming again settles it.
            Err(fault) => {
                let reason = format!("{}; claim again", fault.reason(self.server.label())).into();
                Err(CommitError::Unavailable { reason, transient: fault.is_transient() })
            }
        }
    }

    /// What became of an operation. Whoever holds the log's lock has ended by
    /// then.
    async fn resolve(&mut self, id: OperationId) -> Result<Option<Commit>, ReadError> {
        let (names, log) = (Arc::clone(&self.names), self.log);
        let resolved = async {
            let session = self.session().await?;
            let lock = identity::lock_key(log.as_uuid());
            session.query("SELECT pg_advisory_xact_lock($1)", &[&lock]).await?;
            reader::operation(session, &names, log, id).await
        };
        resolved.await.map_err(|fault| fault.into_read_error(self.server.label()))
    }
}

/// Whether a process of the server still works on a statement of ours.
async fn is_at_work(session: &Session, backend: i32) -> Outcome<bool> {
    let text = "SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' \
                AND query LIKE '%commit_group%' AND pid <> pg_backend_pid()";
    Ok(!session.query(text, &[&backend]).await?.is_empty())
}

/// What the server found.
struct Found {
    written: bool,
    head: i64,
    recorded: i64,
    versions: Vec<i64>,
    operations: Vec<Uuid>,
    epochs: Vec<i64>,
    hits: Vec<Option<i64>>,
}

/// One column of an argument, NULL when there is nothing in it.
fn some<T>(values: &[T]) -> Option<&[T]> {
    (!values.is_empty()).then_some(values)
}

/// Writes the events of a draft right behind a position, unless another
/// process holds the lock.
async fn append(
    session: &Session,
    log: Uuid,
    draft: &Draft<'_>,
    (head, recorded): (i64, i64),
) -> Outcome<bool> {
    let events = &draft.events;
    let positions: Vec<i64> = (head + 1..=head + draft.len()).collect();
    let recorded: Vec<i64> = events.recorded.iter().map(|at| recorded.max(*at)).collect();
    let (tags, places) = &draft.tags;
    let lock = identity::lock_key(log);
    if draft.len() == 1 && tags.is_empty() {
        let arguments: [&(dyn ToSql + Sync); 17] = [
            &positions[0],
            &events.versions[0],
            &events.occurred[0],
            &recorded[0],
            &events.kinds[0],
            &events.categories[0],
            &events.streams[0],
            &events.ids[0],
            &events.correlations[0],
            &events.causations[0],
            &events.operations[0],
            &events.units[0],
            &events.tags[0],
            &events.details[0],
            &events.payloads[0],
            &lock,
            &log,
        ];
        let statement = session.prepared(&session.sql.append_one).await?;
        return Ok(session.client().execute(&statement, &arguments).await? == 1);
    }
    let places: Vec<i64> = places.iter().map(|place| head + place).collect();
    let mut arguments: Vec<&(dyn ToSql + Sync)> = vec![
        &positions,
        &events.versions,
        &events.occurred,
        &recorded,
        &events.kinds,
        &events.categories,
        &events.streams,
        &events.ids,
        &events.correlations,
        &events.causations,
        &events.operations,
        &events.units,
        &events.tags,
        &events.details,
        &events.payloads,
        &lock,
        &log,
    ];
    let text = if tags.is_empty() {
        &session.sql.append_many
    } else {
        arguments.extend::<[&(dyn ToSql + Sync); 2]>([tags, &places]);
        &session.sql.append_tagged
    };
    let statement = session.prepared(text).await?;
    Ok(session.client().execute(&statement, &arguments).await? == draft.len().cast_unsigned())
}

/// The one statement that writes under the lock.
async fn confirm(
    session: &Session,
    log: Uuid,
    lock: Option<i64>,
    draft: &Draft<'_>,
) -> Outcome<Found> {
    let statement = session.prepared(&session.sql.commit).await?;
    let guards = (!draft.guards.is_empty())
        .then(|| serde_json::Value::from(draft.guards.clone()).to_string());
    let events = &draft.events;
    let (new_ids, new_categories, new_keys) = &draft.new_streams;
    let (tags, tag_places) = &draft.tags;
    let (operations, operation_times, operation_units) = &draft.operations;
    let snapshots = || draft.snapshots.values();
    let snapshot_streams: Vec<_> = draft.snapshots.keys().copied().collect();
    let snapshot_versions: Vec<_> =
        snapshots().map(|one| one.version().get().cast_signed()).collect();
    let shapes: Vec<_> = snapshots().map(|one| i64::from(one.shape().version)).collect();
    let fingerprints: Vec<_> =
        snapshots().map(|one| one.shape().fingerprint.cast_signed()).collect();
    let encodings: Vec<_> = snapshots().map(|one| one.encoding().as_str()).collect();
    let taken: Vec<_> = snapshots().map(|one| one.taken_at().as_micros()).collect();
    let data: Vec<&[u8]> = snapshots().map(|one| &one.data()[..]).collect();
    let (mut gone_tables, mut gone_keys) = (Vec::new(), Vec::new());
    let (mut tables, mut keys, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for ((table, key), value) in &draft.rows {
        match value {
            None => {
                gone_tables.push(*table);
                gone_keys.push(*key);
            }
            Some(value) => {
                tables.push(*table);
                keys.push(*key);
                values.push(*value);
            }
        }
    }
    let names: Vec<_> = draft.checkpoints.keys().copied().collect();
    let (logs, positions): (Vec<_>, Vec<_>) = draft.checkpoints.values().copied().unzip();
    let arguments: [&(dyn ToSql + Sync); 46] = [
        &log,
        &lock,
        &some(&draft.believed_streams),
        &some(&draft.believed_versions),
        &some(&draft.absent_operations),
        &some(&draft.believed_checkpoints),
        &some(&draft.believed_epochs),
        &guards,
        &some(&events.places),
        &some(&events.distances),
        &some(&events.occurred),
        &some(&events.recorded),
        &some(&events.kinds),
        &some(&events.categories),
        &some(&events.ids),
        &some(&events.correlations),
        &some(&events.causations),
        &some(&events.operations),
        &some(&events.units),
        &some(&events.tags),
        &some(&events.details),
        &some(&events.payloads),
        &some(new_ids),
        &some(new_categories),
        &some(new_keys),
        &some(tags),
        &some(tag_places),
        &some(operations),
        &some(operation_times),
        &some(operation_units),
        &some(&snapshot_streams),
        &some(&snapshot_versions),
        &some(&shapes),
        &some(&fingerprints),
        &some(&encodings),
        &some(&taken),
        &some(&data),
        &some(&draft.cleared),
        &some(&gone_tables),
        &some(&gone_keys),
        &some(&tables),
        &some(&keys),
        &some(&values),
        &some(&names),
        &some(&logs),
        &some(&positions),
    ];
    let row = session.client().query_one(&statement, &arguments).await?;
    Ok(Found {
        written: row.try_get(0)?,
        head: row.try_get(1)?,
        recorded: row.try_get(2)?,
        versions: row.try_get::<_, Option<_>>(3)?.unwrap_or_default(),
        operations: row.try_get::<_, Option<_>>(4)?.unwrap_or_default(),
        epochs: row.try_get::<_, Option<_>>(5)?.unwrap_or_default(),
        hits: row.try_get::<_, Option<_>>(6)?.unwrap_or_default(),
    })
}
