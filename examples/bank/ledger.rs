//! A ledger's file: its header, its lines, and where in it we are.
//!
//! A row is one line. A quoted field may hold commas and quotes but no line
//! break: otherwise one stray quote would swallow all rows behind it, and
//! here it costs the row that it stands in.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use csv::ByteRecord;

use super::row::{COLUMNS, Columns, Problem, Row, RowError};

/// The ledger that comes with the program: two invented people.
const BUILT_IN: &[u8] = include_bytes!("ledger.csv");

/// Bytes that a line may have. A file without line breaks must not end up in
/// memory as a whole.
const LINE_BYTES: u64 = 64 << 10;

/// A file is no ledger, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It cannot be opened or read.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is a directory.
    #[error("{file}: is a directory, not a ledger")]
    Directory {
        /// The directory.
        file: String,
    },
    /// There is nothing in its first line.
    #[error("{file}:1: there is no header; it must name {}", COLUMNS.join(","))]
    Empty {
        /// The file.
        file: String,
    },
    /// The header lacks a column.
    #[error("{file}:1: {column}: the header has no such column; it needs {}", COLUMNS.join(","))]
    MissingColumn {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
    },
    /// The header names a column twice.
    #[error("{file}:1: {column}: the header names this column twice")]
    ColumnTwice {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
    },
    /// The header is no line of CSV.
    #[error("{file}:1: the header {problem}")]
    Header {
        /// The file.
        file: String,
        /// What is wrong.
        problem: Problem,
    },
}

/// A ledger that is being read.
pub struct Ledger {
    lines: Lines,
    columns: Columns,
    record: ByteRecord,
}

struct Lines {
    file: String,
    input: Box<dyn BufRead>,
    line: Vec<u8>,
    number: u64,
    read: u64,
    bytes: Option<u64>,
}

impl Ledger {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let file = path.display().to_string();
        let failed = |source| LedgerError::Read { file: file.clone(), source };
        let input = File::open(path).map_err(failed)?;
        let metadata = input.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(LedgerError::Directory { file });
        }
        let bytes = metadata.is_file().then_some(metadata.len());
        Self::read(file, Box::new(BufReader::with_capacity(1 << 16, input)), bytes)
    }

    /// The small ledger that comes with the program.
    ///
    /// # Errors
    ///
    /// None, unless the program was built with a broken one.
    pub fn built_in() -> Result<Self, LedgerError> {
        Self::read("ledger.csv".to_owned(), Box::new(BUILT_IN), Some(BUILT_IN.len() as u64))
    }

    fn read(
        file: String,
        input: Box<dyn BufRead>,
        bytes: Option<u64>,
    ) -> Result<Self, LedgerError> {
        let mut lines = Lines { file, input, line: Vec::new(), number: 0, read: 0, bytes };
        let mut record = ByteRecord::new();
        let complete = lines.next()?.unwrap_or(true);
        lines.strip_byte_order_mark();
        if lines.line.is_empty() {
            return Err(LedgerError::Empty { file: lines.file });
        }
        let header = lines.split(complete, &mut record);
        header.map_err(|problem| LedgerError::Header { file: lines.file.clone(), problem })?;
        let columns = Columns::of(&record, &lines.file)?;
        Ok(Self { lines, columns, record })
    }

    /// The file's name.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.lines.file
    }

    /// Bytes read so far, and of the whole file if that is known.
    #[must_use]
    pub fn progress(&self) -> (u64, Option<u64>) {
        (self.lines.read, self.lines.bytes)
    }

    /// The next row, or what is wrong with it; `None` at the end. Lines
    /// without any text are passed over.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Read`] when the rest of the file cannot be read.
    pub fn next_row(&mut self) -> Result<Option<Result<Row, RowError>>, LedgerError> {
        loop {
            let Some(complete) = self.lines.next()? else { return Ok(None) };
            if complete && self.lines.line.is_empty() {
                continue;
            }
            let line = self.lines.number;
            let row = self
                .lines
                .split(complete, &mut self.record)
                .map_err(|problem| RowError { line, field: None, problem })
                .and_then(|()| self.columns.row(&self.record, line));
            return Ok(Some(row));
        }
    }
}

impl Lines {
    /// Reads one line, without its end; whether it was within the limit, and
    /// `None` at the end of the file.
    fn next(&mut self) -> Result<Option<bool>, LedgerError> {
        self.line.clear();
        let mut read = self.take_line()?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let complete = read <= LINE_BYTES;
        while read > LINE_BYTES {
            self.line.clear();
            read = self.take_line()?;
        }
        let ends = [b"\r\n".as_slice(), b"\n"];
        if let Some(rest) = ends.iter().find_map(|end| self.line.strip_suffix(*end)) {
            self.line.truncate(rest.len());
        }
        Ok(Some(complete))
    }

    fn take_line(&mut self) -> Result<u64, LedgerError> {
        let mut piece = self.input.by_ref().take(LINE_BYTES + 1);
        let read = piece.read_until(b'\n', &mut self.line);
        let failed = |source| LedgerError::Read { file: self.file.clone(), source };
        let read = read.map_err(failed)? as u64;
        self.read += read;
        Ok(read)
    }

    fn split(&self, complete: bool, record: &mut ByteRecord) -> Result<(), Problem> {
        if complete {
            split(&self.line, record)
        } else {
            Err(Problem::LongLine { limit: LINE_BYTES })
        }
    }

    fn strip_byte_order_mark(&mut self) {
        if self.line.starts_with("\u{feff}".as_bytes()) {
            self.line.drain(..3);
        }
    }
}

/// Takes a line of CSV apart.
fn split(line: &[u8], record: &mut ByteRecord) -> Result<(), Problem> {
    record.clear();
    let quotes = line.iter().filter(|byte| **byte == b'"').count();
    if quotes == 0 {
        line.split(|byte| *byte == b',').for_each(|field| record.push_field(field));
        return Ok(());
    }
    if quotes % 2 == 1 {
        return Err(Problem::OpenQuote);
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line);
    reader.read_byte_record(record).map_err(|_| Problem::OpenQuote)?;
    Ok(())
}
