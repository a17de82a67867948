//! What a group would write if all that is believed of the log were true.
//!
//! Each unit is checked against what the units before it would write. The
//! server confirms the beliefs and writes all of it, or says what is true
//! instead and writes nothing; then a new draft is made.

use std::collections::{BTreeMap, HashMap};

use cqrs_core::store::{
    Commit, CommitError, Epoch, ExpectedVersion, LeaseToken, Lineage, LogId, NewEvent, Position,
    Snapshot, StreamVersion, UnitOfWork,
};
use uuid::Uuid;

use super::beliefs::Beliefs;
use super::group::Member;
use super::guards;
use super::numbers::Numbers;
use super::statement::Found;
use super::verdict::{Verdict, again, unknown};
use crate::identity;
use crate::reader;
use crate::sql::Sql;

/// What earlier rounds have found out about the units of a group.
#[derive(Default)]
pub(super) struct Known {
    pub(super) recorded: HashMap<Uuid, Commit>,
    /// Of a unit's guard the position that it hits.
    pub(super) hits: HashMap<(usize, usize), i64>,
    /// Of a lease its token, negative if it has ended.
    pub(super) tokens: HashMap<String, i64>,
    /// Whether an earlier round may have committed unseen.
    pub(super) in_doubt: bool,
}

impl Known {
    /// Takes in what was found instead of what a draft believed.
    pub(super) fn learn(&mut self, draft: &Draft<'_>, found: &Found) {
        for (guard, hit) in draft.guarded.iter().zip(&found.hits) {
            if let Some(hit) = hit {
                self.hits.insert(*guard, *hit);
            }
        }
        for (lease, token) in draft.believed_leases.iter().zip(&found.tokens) {
            self.tokens.insert((*lease).to_owned(), *token);
        }
    }
}

/// A stream as the units so far would leave it.
struct Head {
    place: usize,
    /// Its version before the group, as far as is believed.
    base: i64,
    /// Events that the group adds.
    added: i64,
}

#[derive(Default)]
pub(super) struct Events<'g> {
    pub(super) places: Vec<i32>,
    /// The versions, counted from the stream's before the group, and as far as
    /// is believed.
    pub(super) distances: Vec<i64>,
    pub(super) versions: Vec<i64>,
    pub(super) occurred: Vec<i64>,
    pub(super) recorded: Vec<i64>,
    pub(super) kinds: Vec<i32>,
    pub(super) categories: Vec<i32>,
    pub(super) streams: Vec<Uuid>,
    pub(super) ids: Vec<Uuid>,
    pub(super) correlations: Vec<Uuid>,
    pub(super) causations: Vec<Option<Uuid>>,
    pub(super) operations: Vec<Option<Uuid>>,
    pub(super) units: Vec<Option<Vec<u8>>>,
    pub(super) tags: Vec<Option<&'g str>>,
    pub(super) details: Vec<Option<&'g [u8]>>,
    pub(super) payloads: Vec<&'g [u8]>,
}

/// Columns of what is to be believed and written.
#[derive(Default)]
pub(super) struct Draft<'g> {
    /// The newest position, when it makes a difference which one it is.
    pub(super) believed_head: Option<i64>,
    pub(super) believed_streams: Vec<Uuid>,
    pub(super) believed_versions: Vec<Option<i64>>,
    pub(super) absent_operations: Vec<Uuid>,
    pub(super) believed_checkpoints: Vec<&'g str>,
    pub(super) believed_epochs: Vec<i64>,
    pub(super) believed_leases: Vec<&'g str>,
    pub(super) believed_tokens: Vec<i64>,
    /// The guards as JSON, and whose they are.
    pub(super) guards: Vec<serde_json::Value>,
    pub(super) guarded: Vec<(usize, usize)>,
    pub(super) events: Events<'g>,
    pub(super) new_streams: (Vec<Uuid>, Vec<i32>, Vec<&'g str>),
    pub(super) tags: (Vec<Uuid>, Vec<i64>),
    pub(super) operations: (Vec<Uuid>, Vec<i64>, Vec<Vec<u8>>),
    pub(super) snapshots: BTreeMap<Uuid, &'g Snapshot>,
    pub(super) cleared: Vec<i32>,
    pub(super) rows: BTreeMap<(i32, &'g [u8]), Option<&'g [u8]>>,
    pub(super) checkpoints: BTreeMap<&'g str, (Option<Uuid>, Option<i64>)>,
    heads: HashMap<Uuid, Head>,
    /// Whether the version of every stream is known.
    knows_streams: bool,
    epochs: HashMap<&'g str, i64>,
    tokens: HashMap<&'g str, i64>,
    broken: Vec<&'g Lineage>,
    /// The events so far, if a guard may look at them.
    seen: Vec<&'g NewEvent>,
    recorded_at: i64,
    verdicts: Vec<Verdict>,
}

impl<'g> Draft<'g> {
    pub(super) fn of(
        members: &'g [Member],
        numbers: &[Option<Numbers>],
        beliefs: &Beliefs,
        known: &Known,
        head: i64,
    ) -> Self {
        let mut draft = Self { recorded_at: i64::MIN, knows_streams: true, ..Self::default() };
        let is_guarded = members.iter().any(|member| !member.work().guards().is_empty());
        for (index, (member, numbers)) in members.iter().zip(numbers).enumerate() {
            let (work, verdict) = match (member, numbers) {
                (Member::Unit(pending), Some(numbers)) => {
                    let work = &pending.work;
                    let verdict = draft.verdict(index, work, numbers, beliefs, known, head);
                    let verdict = verdict.unwrap_or_else(|| {
                        if is_guarded {
                            let events = work.streams().iter().flat_map(|one| one.events());
                            draft.seen.extend(events);
                        }
                        draft.take(work, numbers, pending.fingerprint)
                    });
                    (work, verdict)
                }
                (Member::Unit(pending), None) => {
                    let error = CommitError::Superseded;
                    (&pending.work, Verdict::Refused(error))
                }
                (Member::Refused(refused), _) => {
                    (&refused.work, Verdict::Refused(refused.error.clone()))
                }
            };
            let fails = matches!(verdict, Verdict::Refused(_) | Verdict::Hits { .. });
            let verdict = match member {
                // It may have committed in an earlier round, and what refuses it
                // now may have come behind it.
                Member::Unit(_) if fails && known.in_doubt && !is_recorded(work) => {
                    Verdict::Refused(unknown(work))
                }
                _ => verdict,
            };
            if let (true, Some(lineage)) = (fails, work.lineage()) {
                draft.broken.push(lineage);
            }
            draft.verdicts.push(verdict);
        }
        draft
    }

    /// Why a unit writes nothing, `None` if it does.
    fn verdict(
        &mut self,
        index: usize,
        work: &'g UnitOfWork,
        numbers: &Numbers,
        beliefs: &Beliefs,
        known: &Known,
        head: i64,
    ) -> Option<Verdict> {
        let operation = work.operation();
        if !operation.is_fresh() || (known.in_doubt && is_recorded(work)) {
            let id = *operation.id().as_uuid();
            if let Some(commit) = known.recorded.get(&id) {
                return Some(again(work, commit));
            }
            self.absent_operations.push(id);
        }
        let broken = |lineage: &Lineage| self.broken.iter().any(|one| one.is(lineage));
        if work.is_superseded() || work.lineage().is_some_and(broken) {
            return Some(Verdict::Refused(CommitError::Superseded));
        }
        for (append, (id, _)) in work.streams().iter().zip(&numbers.streams) {
            let expected = append.expected();
            let actual = self.head(*id, expected, beliefs);
            if !expected.is_met_by(actual) {
                let stream = append.stream().clone();
                let error = CommitError::Conflict { stream, expected, actual };
                return Some(Verdict::Refused(error));
            }
        }
        for (number, guard) in work.guards().iter().enumerate() {
            let read_to = guard.after();
            if let Some(hit) = known.hits.get(&(index, number)) {
                let at = Position::new(hit.cast_unsigned());
                return Some(Verdict::Refused(CommitError::QueryConflict { at, read_to }));
            }
            let mut matching = self.seen.iter().zip(1..).filter(|(event, _)| {
                guard.query().matches(event.event_type().as_str(), event.tags())
            });
            let hit = matching.find(|(_, place)| {
                let is_hit = (head + place).cast_unsigned() > read_to.get();
                if !is_hit {
                    // It is one behind a head that is further on.
                    self.believed_head = Some(head);
                }
                is_hit
            });
            if let Some((_, place)) = hit {
                return Some(Verdict::Hits { place, read_to });
            }
            self.guards.push(guards::as_json(guard));
            self.guarded.push((index, number));
        }
        let fenced = self.overtaken(work, beliefs).or_else(|| self.lost(work, known));
        fenced.map(Verdict::Refused)
    }

    /// Whether the checkpoint that a unit moves was claimed by somebody else.
    fn overtaken(&mut self, work: &'g UnitOfWork, beliefs: &Beliefs) -> Option<CommitError> {
        let advance = work.advance()?;
        let (name, held) = (advance.name().as_str(), advance.epoch().get().cast_signed());
        let actual = *self.epochs.entry(name).or_insert_with(|| {
            // Nobody holds epoch 0: what is true has to be found out.
            let hoped = if held == 0 { -1 } else { held };
            let believed = beliefs.epoch(advance.name(), hoped);
            self.believed_checkpoints.push(name);
            self.believed_epochs.push(believed);
            believed
        });
        (actual != held || held == 0).then(|| CommitError::Fenced {
            checkpoint: advance.name().clone(),
            held: advance.epoch(),
            actual: Epoch::new(actual.max(0).cast_unsigned()),
        })
    }

    /// Whether the lease that fences a unit is lost.
    fn lost(&mut self, work: &'g UnitOfWork, known: &Known) -> Option<CommitError> {
        let fence = work.fence()?;
        let (name, held) = (fence.name().as_str(), fence.token().get().cast_signed());
        let actual = *self.tokens.entry(name).or_insert_with(|| {
            // Nobody holds token 0: what is true has to be found out.
            let hoped = if held == 0 { i64::MIN } else { held };
            let believed = known.tokens.get(name).copied().unwrap_or(hoped);
            self.believed_leases.push(name);
            self.believed_tokens.push(believed);
            believed
        });
        (actual != held || held == 0).then(|| CommitError::LeaseLost {
            lease: fence.name().clone(),
            held: fence.token(),
            actual: LeaseToken::new(actual.unsigned_abs()),
        })
    }

    /// The version of a stream, believed unless any will do.
    fn head(&mut self, id: Uuid, expected: ExpectedVersion, beliefs: &Beliefs) -> StreamVersion {
        let known = beliefs.head(id);
        let hoped = || known.unwrap_or_else(|| Beliefs::hope(expected));
        let head = self.heads.entry(id).or_insert_with(|| {
            self.knows_streams &= known.is_some();
            self.believed_streams.push(id);
            self.believed_versions.push(None);
            Head { place: self.believed_streams.len() - 1, base: hoped(), added: 0 }
        });
        let believed = &mut self.believed_versions[head.place];
        if expected != ExpectedVersion::Any && believed.is_none() {
            if known.is_none() {
                head.base = (hoped() - head.added).max(0);
            }
            *believed = Some(head.base);
        }
        StreamVersion::new((head.base + head.added).cast_unsigned())
    }

    /// Takes in what a unit writes.
    fn take(&mut self, work: &'g UnitOfWork, numbers: &Numbers, fingerprint: u128) -> Verdict {
        let recorded_at = self.recorded_at.max(work.recorded_at().as_micros());
        let total: usize = work.streams().iter().map(|append| append.events().len()).sum();
        let id = *work.operation().id().as_uuid();
        let mut record = is_recorded(work).then(|| reader::unit(total, fingerprint, work.reply()));
        if total > 0 {
            self.recorded_at = recorded_at;
        } else if let Some(record) = record.take() {
            self.operations.0.push(id);
            self.operations.1.push(recorded_at);
            self.operations.2.push(record);
        }
        let mut kinds = numbers.kinds.iter();
        let mut streams = Vec::new();
        for (append, (stream, category)) in work.streams().iter().zip(&numbers.streams) {
            if append.events().is_empty() {
                continue;
            }
            let Some(head) = self.heads.get_mut(stream) else { continue };
            let (place, base, before) = (head.place, head.base, head.added);
            head.added += append.events().len() as i64;
            if base + before == 0 {
                self.new_streams.0.push(*stream);
                self.new_streams.1.push(*category);
                self.new_streams.2.push(append.stream().key());
            }
            let events = append.events().iter().zip(&mut kinds);
            for ((event, kind), distance) in events.zip(before + 1..) {
                let record = record.take();
                self.events.places.push(place as i32 + 1);
                self.events.distances.push(distance);
                self.events.versions.push(base + distance);
                let rest = (*stream, *category, *kind, recorded_at);
                self.event(event, rest, record.map(|record| (id, record)));
            }
            streams.push((append.stream().clone(), place, before + append.events().len() as i64));
        }
        self.state(work, numbers);
        Verdict::Commits { streams, place: self.events.ids.len() as i64, recorded_at }
    }

    fn event(
        &mut self,
        event: &'g NewEvent,
        (stream, category, kind, recorded_at): (Uuid, i32, i32, i64),
        record: Option<(Uuid, Vec<u8>)>,
    ) {
        let events = &mut self.events;
        let (operation, unit) = record.unzip();
        events.occurred.push(event.occurred_at().as_micros());
        events.recorded.push(recorded_at);
        events.kinds.push(kind);
        events.categories.push(category);
        events.streams.push(stream);
        events.ids.push(*event.id().as_uuid());
        events.correlations.push(*event.correlation_id().as_uuid());
        events.causations.push(event.causation_id().map(|id| *id.as_uuid()));
        events.operations.push(operation);
        events.units.push(unit);
        let lines = event.tags().as_lines();
        events.tags.push((!lines.is_empty()).then_some(lines));
        events.details.push((!event.details().is_empty()).then_some(event.details()));
        events.payloads.push(event.payload());
        let place = events.ids.len() as i64;
        for tag in event.tags().iter() {
            self.tags.0.push(identity::of_tag(tag));
            self.tags.1.push(place);
        }
    }

    /// What is not the log.
    fn state(&mut self, work: &'g UnitOfWork, numbers: &Numbers) {
        for (snapshot, stream) in work.snapshots().iter().zip(&numbers.snapshots) {
            let kept = self.snapshots.entry(*stream).or_insert(snapshot);
            if kept.shape() != snapshot.shape() || kept.version() <= snapshot.version() {
                *kept = snapshot;
            }
        }
        for (write, table) in work.tables().iter().zip(&numbers.tables) {
            match write.key() {
                None => {
                    self.rows.retain(|(other, _), _| other != table);
                    self.cleared.push(*table);
                }
                Some(key) => {
                    self.rows.insert((*table, key), write.value().map(|value| &value[..]));
                }
            }
        }
        if let Some(advance) = work.advance() {
            let to = advance.to().map(|to| (to.log.as_uuid(), to.position.get().cast_signed()));
            self.checkpoints.insert(advance.name().as_str(), to.unzip());
        }
    }

    /// The versions of the streams behind the group, by those before it.
    pub(super) fn newest_versions(&self, before: &[i64]) -> impl Iterator<Item = (Uuid, i64)> {
        self.heads.iter().filter_map(|(stream, head)| {
            Some((*stream, before.get(head.place).copied()? + head.added))
        })
    }

    /// The versions of the streams before the group, as far as is believed.
    pub(super) fn bases(&self) -> Vec<i64> {
        let mut bases = vec![0; self.heads.len()];
        for head in self.heads.values() {
            bases[head.place] = head.base;
        }
        bases
    }

    /// Whether the group is events of known streams and nothing else, and so
    /// commits if nothing was written behind what is known.
    pub(super) fn is_plain(&self) -> bool {
        self.knows_streams
            && self.len() > 0
            && self.new_streams.0.is_empty()
            && self.absent_operations.is_empty()
            && self.believed_checkpoints.is_empty()
            && self.believed_leases.is_empty()
            && self.guards.is_empty()
            && self.operations.0.is_empty()
            && self.snapshots.is_empty()
            && self.cleared.is_empty()
            && self.rows.is_empty()
    }

    /// The statement that confirms and writes it.
    pub(super) fn statement<'s>(&self, sql: &'s Sql) -> &'s str {
        if self.believed_leases.is_empty() { &sql.commit } else { &sql.commit_fenced }
    }

    /// When its newest event was recorded, unless an older one was later.
    pub(super) fn recorded_at(&self) -> i64 {
        self.recorded_at
    }

    /// How many events it has.
    pub(super) fn len(&self) -> i64 {
        self.events.ids.len() as i64
    }

    /// The outcomes once the draft is confirmed, by what the log was before.
    pub(super) fn outcomes(
        self,
        members: &[Member],
        log: LogId,
        before: (i64, i64),
        versions: &[i64],
    ) -> Vec<Result<Commit, CommitError>> {
        let operations = members.iter().map(|member| member.work().operation().id());
        self.verdicts
            .into_iter()
            .zip(operations)
            .map(|(verdict, operation)| verdict.outcome(operation, log, before, versions))
            .collect()
    }
}

/// Whether a unit's operation is recorded.
fn is_recorded(work: &UnitOfWork) -> bool {
    !work.operation().is_fresh() || work.streams().iter().any(|one| !one.events().is_empty())
}
