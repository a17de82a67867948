//! Writing an archive.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cqrs_core::store::{EventStore, Position, ReadRequest, RecordedOperation};
use tokio::fs::File;
use tokio::io::{AsyncWrite, AsyncWriteExt, BufWriter};
use xxhash_rust::xxh3::Xxh3;

use crate::ArchiveError;
use crate::line::{End, Event, FORMAT, Header, Line, Manifest, Unit};
use crate::read::LONGEST;

/// Events and operations that are read at once.
const PAGE: usize = 1_000;
/// Files that backups which were cut short may have left beside a path.
const PARTS: u32 = 1_000;

/// Writes the log of a store, as far as it reaches now.
///
/// # Errors
///
/// When the log cannot be read or the archive not written;
/// [`ArchiveError::NotArchivable`] when the log has a gap, or holds an event
/// that needs a longer line than a reader takes.
///
/// # Cancel safety
///
/// Reads only; dropping the future leaves an archive without its end, which
/// every reader refuses.
pub async fn export<W: AsyncWrite + Unpin>(
    store: &impl EventStore,
    out: &mut W,
) -> Result<Manifest, ArchiveError> {
    let info = store.info().await?;
    let (log, head) = (info.log.as_uuid(), info.head.get());
    let mut writer = Writer { out, hash: Xxh3::new(), line: Vec::new() };
    writer.write(&Line::Archive(Header { format: FORMAT, log, head })).await?;
    let mut operations = Operations { store, waiting: VecDeque::new(), after: Position::NONE };
    let (mut events, mut units) = (0, 0);
    let until = ReadRequest::all().before(head.saturating_add(1)).limit(PAGE);
    let mut request = (head > 0).then_some(until);
    while let Some(next) = request {
        let page = store.read(next.clone()).await?;
        for event in page.events() {
            if let Some(operation) = operations.begun_at(event.position()).await? {
                writer.write(&Line::Unit(Unit::from(&operation))).await?;
                units += 1;
            }
            events += 1;
            let position = event.position().get();
            if position != events {
                return Err(gap(events, position));
            }
            writer.write(&Line::Event(Box::new(Event::of(&event)))).await?;
        }
        request = next.following(&page);
    }
    if events != head {
        return Err(gap(events + 1, head));
    }
    let xxh3 = format!("{:032x}", writer.hash.digest128());
    writer.write(&Line::End(End { events, units, xxh3: xxh3.clone() })).await?;
    writer.out.flush().await?;
    Ok(Manifest { log, events, units, xxh3 })
}

/// Writes the log of a store to a file, which is there only once it is whole
/// and flushed.
///
/// # Errors
///
/// As [`export`].
///
/// # Cancel safety
///
/// Dropping the future leaves at most a file with `.part` behind its name, which
/// is no other backup's.
pub async fn backup(
    store: &impl EventStore,
    path: impl AsRef<Path>,
) -> Result<Manifest, ArchiveError> {
    let path = path.as_ref();
    let (file, part) = part(path).await?;
    let written = write(store, file, &part, path).await;
    if written.is_err() {
        let _ = tokio::fs::remove_file(&part).await;
    }
    written
}

/// A new file beside the path: who writes a backup to the same path meanwhile
/// has another one.
async fn part(path: &Path) -> Result<(File, PathBuf), ArchiveError> {
    let mut number = 0_u32;
    loop {
        let mut part = path.as_os_str().to_owned();
        part.push(if number == 0 { ".part".to_owned() } else { format!(".{number}.part") });
        match File::create_new(&part).await {
            Ok(file) => return Ok((file, part.into())),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < PARTS => number += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

async fn write(
    store: &impl EventStore,
    file: File,
    part: &Path,
    path: &Path,
) -> Result<Manifest, ArchiveError> {
    let mut file = BufWriter::new(file);
    let manifest = export(store, &mut file).await?;
    file.into_inner().sync_all().await?;
    tokio::fs::rename(part, path).await?;
    // The name is as durable as the content.
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new("."))).await?.sync_all().await?;
    }
    Ok(manifest)
}

fn gap(expected: u64, found: u64) -> ArchiveError {
    let reason = format!("position {found} follows where {expected} is due; look what is missing");
    ArchiveError::NotArchivable { reason }
}

struct Writer<'w, W> {
    out: &'w mut W,
    hash: Xxh3,
    line: Vec<u8>,
}

impl<W: AsyncWrite + Unpin> Writer<'_, W> {
    async fn write(&mut self, line: &Line<'_>) -> Result<(), ArchiveError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line).map_err(std::io::Error::from)?;
        self.line.push(b'\n');
        if self.line.len() as u64 > LONGEST {
            let reason = match line {
                Line::Event(event) => format!("the event at position {}", event.position),
                _ => "the reply of an operation".to_owned(),
            };
            let reason = format!("{reason} needs {} bytes, a line has {LONGEST}", self.line.len());
            return Err(ArchiveError::NotArchivable { reason });
        }
        self.hash.update(&self.line);
        Ok(self.out.write_all(&self.line).await?)
    }
}

/// The operations of a log, a page at a time.
struct Operations<'s, S> {
    store: &'s S,
    waiting: VecDeque<RecordedOperation>,
    /// Where the last one of them begins.
    after: Position,
}

impl<S: EventStore> Operations<'_, S> {
    /// The operation whose first event stands at a position.
    async fn begun_at(
        &mut self,
        position: Position,
    ) -> Result<Option<RecordedOperation>, ArchiveError> {
        if self.waiting.is_empty() && self.after < position {
            self.waiting = self.store.operations(self.after, PAGE).await?.into();
            self.after = self.waiting.back().map_or(Position::MAX, |last| last.first);
        }
        Ok(self.waiting.pop_front_if(|operation| operation.first == position))
    }
}
