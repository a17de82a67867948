//! Archives.

use std::path::{Path, PathBuf};

use cqrs_archive::Until;
use cqrs_core::store::Position;
use tokio::fs::File;
use tokio::io::{AsyncBufRead, BufReader, stdin, stdout};

use crate::command::{Backup, Export, Import, Outcome, Point, Restore, Verify};
use crate::error::CliError;
use crate::migrate;
use crate::place::Tables;
use crate::report::{Content, Report};

/// An archive that is read: a file, or the standard input.
type Input = Box<dyn AsyncBufRead + Unpin>;

pub(crate) async fn export(export: &Export) -> Outcome {
    if !is_standard(&export.out) && export.out.exists() && !export.yes {
        let (store, file) = (export.log.store.to_string(), name(&export.out));
        return Ok(Report::WouldReplace { store, file });
    }
    let store = export.log.store.open(&export.log.schema, Tables::Kept).await?;
    let failed = |source| CliError::Archive { place: name(&export.out), source };
    let manifest = if is_standard(&export.out) {
        cqrs_archive::export(&store, &mut stdout()).await.map_err(failed)?
    } else {
        cqrs_archive::backup(&store, &export.out).await.map_err(failed)?
    };
    let (store, file) = (export.log.store.to_string(), name(&export.out));
    Ok(Report::Export { store, file, content: Content::of(manifest) })
}

pub(crate) async fn backup(backup: &Backup) -> Outcome {
    let (place, file) = (backup.log.store.to_string(), name(&backup.file));
    if backup.file.exists() && !backup.yes {
        return Ok(Report::WouldReplace { store: place, file });
    }
    let store = backup.log.store.open(&backup.log.schema, Tables::Kept).await?;
    let written = cqrs_archive::backup(&store, &backup.file).await;
    let written = written.map_err(|source| CliError::Archive { place: file.clone(), source })?;
    Ok(Report::Backup { store: place, file, content: Content::of(written) })
}

pub(crate) async fn import(import: &Import) -> Outcome {
    let input = input(&import.file).await?;
    let store = import.log.store.open(&import.log.schema, Tables::Made).await?;
    let done = cqrs_archive::import(input, &store, until(&import.point)).await;
    let file = name(&import.file);
    let done = done.map_err(|source| CliError::Archive { place: file.clone(), source })?;
    Ok(Report::Import { store: import.log.store.to_string(), file, brought: done.into() })
}

pub(crate) async fn restore(restore: &Restore) -> Outcome {
    let (place, file) = (restore.log.store.to_string(), name(&restore.file));
    let failed = |source| CliError::Archive { place: file.clone(), source };
    // Before anything is made. It is read twice, so that it is a file.
    let opened = open(&restore.file).await?;
    let whole = cqrs_archive::verify(opened).await.map_err(failed)?;
    if !restore.yes {
        let present = migrate::events(&restore.log).await?;
        let content = Content::of(whole);
        return Ok(Report::WouldRestore { store: place, file, content, present });
    }
    let store = restore.log.store.open(&restore.log.schema, Tables::Made).await?;
    let done = cqrs_archive::restore(&restore.file, &store, until(&restore.point)).await;
    let done = done.map_err(failed)?;
    Ok(Report::Restore { store: place, file, brought: done.into() })
}

pub(crate) async fn verify(verify: &Verify) -> Outcome {
    let verified = cqrs_archive::verify(input(&verify.file).await?).await;
    let file = name(&verify.file);
    let content = verified.map_err(|source| CliError::Archive { place: file.clone(), source })?;
    Ok(Report::Verify { file, content: Content::of(content) })
}

async fn input(path: &Path) -> Result<Input, CliError> {
    if is_standard(path) {
        return Ok(Box::new(BufReader::new(stdin())));
    }
    Ok(Box::new(open(path).await?))
}

async fn open(path: &Path) -> Result<BufReader<File>, CliError> {
    let failed = |source| CliError::File { path: PathBuf::from(path), source };
    Ok(BufReader::new(File::open(path).await.map_err(failed)?))
}

fn until(point: &Point) -> Until {
    match point {
        Point { until_position: Some(position), .. } => Until::Position(Position::new(*position)),
        Point { until_time: Some(time), .. } => Until::Time(*time),
        _ => Until::End,
    }
}

fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
