//! The life of the writing task.

use std::sync::Arc;
use std::time::Duration;

use cqrs_core::OperationId;
use cqrs_core::store::{
    Admission, Checkpoint, CheckpointName, Commit, CommitError, CommitSignal, LogId, Position,
    ReadError,
};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep};

use super::Job;
use super::beliefs::Beliefs;
use super::draft::{Draft, Known};
use super::group::{Group, Member};
use super::link::Link;
use super::numbers::Numbers;
use super::statement::{append, confirm};
use crate::fault::{Fault, Outcome};
use crate::identity;
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

/// The outcome of each unit of a group.
type Outcomes = Vec<Result<Commit, CommitError>>;

struct Task {
    link: Link,
    log: LogId,
    names: Arc<Names>,
    signal: Arc<CommitSignal>,
    committed: Arc<Notify>,
    patience: Duration,
    beliefs: Beliefs,
    /// The newest position that is known, and when it was recorded.
    head: i64,
    recorded: i64,
    /// Groups that are still written under the lock, because another process
    /// writes too.
    contended: u32,
    queue: mpsc::UnboundedReceiver<Job>,
    admission: Arc<Admission>,
    /// How many were answered last time.
    answered: usize,
}

/// Writes until the last handle is gone and nothing waits.
pub(super) async fn run(
    parts: Parts,
    queue: mpsc::UnboundedReceiver<Job>,
    admission: Arc<Admission>,
) {
    let Parts { server, sql, log, names, signal, committed, session, patience } = parts;
    let mut task = Task {
        link: Link::new(server, sql, log, session),
        log,
        names,
        signal,
        committed,
        patience,
        beliefs: Beliefs::default(),
        head: 0,
        recorded: i64::MIN,
        contended: 0,
        queue,
        admission,
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
                Some(Job::Claim(name, asked)) if asked.is_wanted() => {
                    asked.answer(self.claim(&name).await);
                }
                Some(Job::Resolve(id, asked)) if asked.is_wanted() => {
                    asked.answer(self.resolve(id).await);
                }
                Some(Job::Claim(..) | Job::Resolve(..)) => {}
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
        self.admission.leave(weight);
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

    /// Writes a group. When the server refuses what is in it, its units are
    /// written one by one, so that only the one is refused that it is about.
    async fn write(&mut self, group: &Group) -> Outcomes {
        let mut known = Known::default();
        let of_log = group.concerns_log();
        let fault = match self.write_together(&group.members, of_log, &mut known).await {
            Ok(outcomes) => return outcomes,
            Err(fault) => fault,
        };
        let label = self.link.label().to_owned();
        if let [_] = group.members[..] {
            return self.all(&group.members, &known, &fault.to_commit_error(&label));
        }
        let mut outcomes = Outcomes::with_capacity(group.len());
        for member in &group.members {
            let member = std::slice::from_ref(member);
            let mut known = Known { in_doubt: known.in_doubt, ..Known::default() };
            let outcome = match self.write_together(member, of_log, &mut known).await {
                Ok(outcome) => outcome,
                Err(fault) => self.all(member, &known, &fault.to_commit_error(&label)),
            };
            if let [Err(_)] = outcome[..] {
                member[0].work().sever_lineage();
            }
            outcomes.extend(outcome);
        }
        outcomes
    }

    /// Writes units as one transaction, whatever happens to the connection
    /// meanwhile. Fails with what the server says about their content.
    async fn write_together(
        &mut self,
        members: &[Member],
        of_log: bool,
        known: &mut Known,
    ) -> Result<Outcomes, Fault> {
        let begin = Instant::now();
        let (mut rounds, mut repeats) = (0, 0);
        loop {
            let (fault, sent) = match self.round(members, of_log, known).await {
                Ok(Some(outcomes)) => return Ok(outcomes),
                Ok(None) => {
                    rounds += 1;
                    if rounds < MOST_ROUNDS {
                        continue;
                    }
                    let reason = "other processes write the same streams all the time".into();
                    let error = CommitError::Unavailable { reason, transient: true };
                    return Ok(self.all(members, known, &error));
                }
                Err(failed) => failed,
            };
            let label = self.link.label().to_owned();
            tracing::warn!(%fault, server = label, "a group did not commit");
            let is_over = if fault.proves_no_commit() {
                repeats += 1;
                if fault.is_chance() && repeats <= MOST_REPEATS {
                    continue;
                }
                if fault.is_about_content() {
                    return Err(fault);
                }
                true
            } else {
                known.in_doubt |= sent;
                if !matches!(fault, Fault::Unsettled) {
                    self.lose();
                }
                begin.elapsed() >= self.patience
            };
            if is_over {
                return Ok(self.all(members, known, &fault.to_commit_error(&label)));
            }
            sleep(PAUSE).await;
        }
    }

    /// The same outcome for every unit; nobody knows it for those that may
    /// have been written.
    fn all(&mut self, members: &[Member], known: &Known, error: &CommitError) -> Outcomes {
        self.beliefs.forget();
        let reason: Arc<str> = error.to_string().into();
        members
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
        self.link.lose();
        self.beliefs.forget();
    }

    /// A connection behind which nothing else is at work.
    async fn session(&mut self) -> Outcome<&Session> {
        if self.link.is_closed() {
            self.lose();
        }
        self.link.open().await
    }

    /// Drafts a group and has it confirmed. `None` when something else is true
    /// than was believed. With a fault comes whether anything was sent.
    async fn round(
        &mut self,
        members: &[Member],
        of_log: bool,
        known: &mut Known,
    ) -> Result<Option<Outcomes>, (Fault, bool)> {
        let (names, log, head) = (Arc::clone(&self.names), self.log, self.head);
        let before = |fault| (fault, false);
        self.session().await.map_err(before)?;
        let session = self.link.session().map_err(before)?;
        let mut numbers = Vec::with_capacity(members.len());
        for member in members {
            numbers.push(match member {
                Member::Unit(pending) => {
                    Some(Numbers::of(&pending.work, session, &names).await.map_err(before)?)
                }
                Member::Refused(_) => None,
            });
        }
        let draft = Draft::of(members, &numbers, &self.beliefs, known, head);
        if self.contended == 0 && !known.in_doubt && draft.is_plain() {
            return self.at_once(members, draft).await;
        }
        self.contended = self.contended.saturating_sub(1);
        let lock = of_log.then(|| identity::lock_key(log.as_uuid()));
        let statement = session.prepared(draft.statement(&session.sql)).await.map_err(before)?;
        let client: &tokio_postgres::Client = session.client();
        let found = confirm(client, &statement, log.as_uuid(), lock, &draft)
            .await
            .map_err(|fault| (fault, true))?;
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
            return Ok(Some(draft.outcomes(members, log, before, &found.versions)));
        }
        self.beliefs.learn_epochs(&draft.believed_checkpoints, &found.epochs);
        known.learn(&draft, &found);
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
        members: &[Member],
        draft: Draft<'_>,
    ) -> Result<Option<Outcomes>, (Fault, bool)> {
        let session = self.link.session().map_err(|fault| (fault, false))?;
        let before = (self.head, self.recorded);
        match append(session, self.log.as_uuid(), &draft, before).await {
            Ok(true) => {
                let versions = draft.bases();
                self.written(&draft, &versions);
                Ok(Some(draft.outcomes(members, self.log, before, &versions)))
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
        let claimed = async {
            let session = self.session().await?;
            let rows = session.query(&session.sql.claim, &[&name.as_str()]).await?;
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
                let reason = format!("{}; claim again", fault.reason(self.link.label())).into();
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
        resolved.await.map_err(|fault| fault.into_read_error(self.link.label()))
    }
}
