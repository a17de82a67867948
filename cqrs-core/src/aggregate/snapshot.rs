//! When a snapshot is taken, and how a state becomes one.
//!
//! A snapshot only ever saves time: one that cannot be read, has another
//! shape or lies ahead of its stream is ignored, and taking one never delays
//! or fails a command.

use std::time::Duration;

use bytes::Bytes;

use super::{Aggregate, Apply};
use crate::message::{Codec, CodecError, Encoding, Json, Timestamp};
use crate::schema::{Shape, fingerprint};
use crate::store::{Snapshot, StateShape, StreamId, StreamVersion};

/// When a snapshot is taken; the parts are alternatives.
///
/// ```
/// use cqrs_core::aggregate::SnapshotPolicy;
/// const POLICY: SnapshotPolicy = SnapshotPolicy::every(100).or_on(&["account.closed"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotPolicy {
    every: u64,
    on: &'static [&'static str],
    after: Option<Duration>,
}

impl SnapshotPolicy {
    /// No snapshots.
    #[must_use]
    pub const fn never() -> Self {
        Self { every: 0, on: &[], after: None }
    }

    /// Whenever the version passes a multiple of `events`; 0 means never.
    #[must_use]
    pub const fn every(events: u64) -> Self {
        Self { every: events, on: &[], after: None }
    }

    /// Also after an event of one of these types, by stored name.
    #[must_use]
    pub const fn or_on(self, types: &'static [&'static str]) -> Self {
        Self { on: types, ..self }
    }

    /// Also when the stream's last snapshot in this process is this old.
    #[must_use]
    pub const fn or_after(self, age: Duration) -> Self {
        Self { after: Some(age), ..self }
    }

    /// Whether any part can ever ask for a snapshot.
    #[must_use]
    pub const fn is_never(&self) -> bool {
        self.every == 0 && self.on.is_empty() && self.after.is_none()
    }

    /// Whether a commit from version `from` to `to` asks for one.
    pub(crate) fn is_due<'a>(
        &self,
        from: StreamVersion,
        to: StreamVersion,
        mut types: impl Iterator<Item = &'a str>,
        since_last: Duration,
    ) -> bool {
        let passed = self.every > 0 && from.get() / self.every != to.get() / self.every;
        passed
            || types.any(|name| self.on.contains(&name))
            || self.after.is_some_and(|age| since_last >= age)
    }
}

/// How a state is stored; written by the derive.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct StateCodec<A> {
    /// The fingerprint and version of the state's shape.
    pub shape: StateShape,
    /// The shape of the state, as deep as it goes.
    pub description: &'static Shape,
    /// Appends the encoded state.
    pub encode: fn(&A, &mut Vec<u8>) -> Result<(), CodecError>,
    /// Reads it back.
    pub decode: fn(&[u8]) -> Result<A, CodecError>,
}

impl<A> StateCodec<A> {
    /// A codec for a state of this shape.
    #[must_use]
    pub const fn new(
        version: u32,
        description: &'static Shape,
        encode: fn(&A, &mut Vec<u8>) -> Result<(), CodecError>,
        decode: fn(&[u8]) -> Result<A, CodecError>,
    ) -> Self {
        let shape = StateShape { version, fingerprint: fingerprint(description) };
        Self { shape, description, encode, decode }
    }
}

impl<A> std::fmt::Debug for StateCodec<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StateCodec").field("shape", &self.shape).finish_non_exhaustive()
    }
}

impl<A: Aggregate> StateCodec<A> {
    pub(crate) fn take(
        &self,
        state: &A,
        stream: &StreamId,
        version: StreamVersion,
        now: Timestamp,
    ) -> Result<Snapshot, CodecError> {
        let mut data = Vec::new();
        (self.encode)(state, &mut data)?;
        let data = Bytes::from(data);
        Ok(Snapshot::new(stream.clone(), version, self.shape, Json::ENCODING, data, now))
    }
}

/// The state in a snapshot, or why it is of no use.
pub(crate) fn restore<A: Apply>(snapshot: &Snapshot) -> Result<A, String> {
    let Some(codec) = A::STATE else { return Err("the aggregate keeps no snapshots".to_owned()) };
    if snapshot.shape() != codec.shape {
        return Err("its shape is not that of this build".to_owned());
    }
    if *snapshot.encoding() != Encoding::JSON {
        return Err(format!("its encoding `{}` is unknown", snapshot.encoding()));
    }
    let decode = || (codec.decode)(snapshot.data());
    std::panic::catch_unwind(decode)
        .map_err(|_| "reading it panicked".to_owned())?
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(policy: SnapshotPolicy, from: u64, to: u64, types: &[&str], age: u64) -> bool {
        let (from, to) = (StreamVersion::new(from), StreamVersion::new(to));
        policy.is_due(from, to, types.iter().copied(), Duration::from_secs(age))
    }

    #[test]
    fn every_n_is_due_when_a_multiple_is_passed() {
        let policy = SnapshotPolicy::every(10);
        assert!(!due(policy, 0, 9, &[], 0));
        assert!(due(policy, 9, 10, &[], 0));
        assert!(!due(policy, 10, 11, &[], 0));
        assert!(due(policy, 8, 25, &[], 0));
    }

    #[test]
    fn parts_are_alternatives() {
        let policy =
            SnapshotPolicy::every(10).or_on(&["a.closed"]).or_after(Duration::from_secs(60));
        assert!(due(policy, 1, 2, &["a.opened", "a.closed"], 0));
        assert!(due(policy, 1, 2, &["a.opened"], 60));
        assert!(!due(policy, 1, 2, &["a.opened"], 59));
        assert!(SnapshotPolicy::never().is_never() && !policy.is_never());
    }
}
