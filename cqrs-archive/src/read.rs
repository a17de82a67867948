//! Reading an archive, and finding out whether it is whole.

use std::path::Path;

use tokio::fs::File;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};
use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3;

use crate::ArchiveError;
use crate::line::{End, Event, FORMAT, Header, Line, Manifest, Unit};

/// Bytes that a line may have: more than any event within the limits by
/// default. What would need more is not archived.
pub(crate) const LONGEST: u64 = 64 << 20;

/// Reads an archive to its end and checks that it is what was written.
///
/// # Errors
///
/// [`ArchiveError`] says where it is not.
///
/// # Cancel safety
///
/// Reads only.
pub async fn verify<R: AsyncBufRead + Unpin>(input: R) -> Result<Manifest, ArchiveError> {
    let mut lines = Lines::open(input).await?;
    loop {
        let line = lines.number + 1;
        let Some(part) = lines.next().await? else { break };
        if let Part::Event(event) = part {
            let checked = event.stream().map(drop).and_then(|()| event.into_new().map(drop));
            checked.map_err(|reason| ArchiveError::Malformed { line, reason })?;
        }
    }
    lines.manifest()
}

/// As [`verify`], of a file.
///
/// # Errors
///
/// As [`verify`].
///
/// # Cancel safety
///
/// Reads only.
pub async fn verify_file(path: impl AsRef<Path>) -> Result<Manifest, ArchiveError> {
    verify(BufReader::new(File::open(path).await?)).await
}

/// What stands between the first line and the last.
pub(crate) enum Part<'a> {
    Unit(Unit),
    Event(Box<Event<'a>>),
}

/// The lines of an archive, checked against its last one.
pub(crate) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    hash: Xxh3,
    log: Uuid,
    events: u64,
    units: u64,
    /// Events of the current unit that are still to come.
    due: u64,
    pub(crate) number: u64,
    end: Option<End>,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(crate) async fn open(input: R) -> Result<Self, ArchiveError> {
        let mut lines = Self {
            input,
            buffer: Vec::new(),
            hash: Xxh3::new(),
            log: Uuid::nil(),
            events: 0,
            units: 0,
            due: 0,
            number: 0,
            end: None,
        };
        lines.fill().await?;
        #[derive(serde::Deserialize)]
        struct First {
            archive: Header,
        }
        let first: First = serde_json::from_slice(&lines.buffer)
            .map_err(|error| lines.malformed(format!("this is no archive: {error}")))?;
        let Header { format, log, .. } = first.archive;
        if format > FORMAT || format == 0 {
            return Err(ArchiveError::NewerFormat { found: format, known: FORMAT });
        }
        lines.log = log;
        lines.hash.update(&lines.buffer);
        Ok(lines)
    }

    fn malformed(&self, reason: impl Into<String>) -> ArchiveError {
        ArchiveError::Malformed { line: self.number, reason: reason.into() }
    }

    /// Reads the next line, which has to be there.
    async fn fill(&mut self) -> Result<(), ArchiveError> {
        self.buffer.clear();
        let mut input = (&mut self.input).take(LONGEST);
        input.read_until(b'\n', &mut self.buffer).await?;
        if self.buffer.last() != Some(&b'\n') {
            if self.buffer.len() as u64 >= LONGEST {
                self.number += 1;
                return Err(self.malformed("it is longer than any line of an archive"));
            }
            return Err(ArchiveError::CutOff { line: self.number });
        }
        self.number += 1;
        Ok(())
    }

    /// The next part, `None` at the last line.
    pub(crate) async fn next(&mut self) -> Result<Option<Part<'_>>, ArchiveError> {
        self.fill().await?;
        let line = self.number;
        let malformed = |reason: String| ArchiveError::Malformed { line, reason };
        let parsed = serde_json::from_slice(&self.buffer);
        match parsed.map_err(|error| malformed(error.to_string()))? {
            Line::Archive(_) => Err(malformed("a second first line".to_owned())),
            Line::Unit(_) if self.due > 0 => {
                Err(malformed(format!("{} events of the unit before are missing", self.due)))
            }
            Line::Unit(unit) => {
                self.hash.update(&self.buffer);
                self.units += 1;
                self.due = unit.events;
                Ok(Some(Part::Unit(unit)))
            }
            Line::Event(event) => {
                self.hash.update(&self.buffer);
                self.events += 1;
                if event.position != self.events {
                    let reason =
                        format!("position {} where {} is due", event.position, self.events);
                    return Err(malformed(reason));
                }
                self.due = self.due.saturating_sub(1);
                Ok(Some(Part::Event(event)))
            }
            Line::End(end) => {
                self.end = Some(end);
                Ok(None)
            }
        }
    }

    /// What the archive holds, once its last line was reached.
    pub(crate) fn manifest(self) -> Result<Manifest, ArchiveError> {
        let Self { log, events, units, hash, number, .. } = self;
        let end = self.end.ok_or(ArchiveError::CutOff { line: number })?;
        let xxh3 = format!("{:032x}", hash.digest128());
        let differs =
            |what, found: String, said: String| Err(ArchiveError::Damaged { what, found, said });
        if end.xxh3 != xxh3 {
            return differs("checksum", xxh3, end.xxh3);
        }
        if (end.events, end.units) != (events, units) {
            let found = format!("{events} of {units}");
            return differs(
                "count of events and units",
                found,
                format!("{} of {}", end.events, end.units),
            );
        }
        Ok(Manifest { log, events, units, xxh3 })
    }
}
