//! A ledger's row: from fields of text to a command.

use std::str::FromStr;

use csv::ByteRecord;

use super::account::{AccountId, Entry, Kind, Post};
use super::day::{Day, DayError};
use super::ledger::LedgerError;
use super::money::{Cents, MoneyError};

/// The columns of a ledger. They may stand in any order, and others beside
/// them.
pub(super) const COLUMNS: [&str; 8] =
    ["transaction_id", "account_id", "date", "kind", "operation", "purpose", "amount", "balance"];

/// Bytes that an identifier may have.
const ID_BYTES: usize = 255;

/// A row and its place.
#[derive(Clone, Debug)]
pub struct Row {
    /// The line, counted from 1.
    pub line: u64,
    /// What it asks for.
    pub post: Post,
}

/// What is wrong with a row, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The line, counted from 1.
    pub line: u64,
    /// The column, `None` for the line as a whole.
    pub field: Option<&'static str>,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a row or one of its fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Too few or too many fields.
    #[error("has {actual} fields, the header has {expected}")]
    FieldCount {
        /// As the header says.
        expected: usize,
        /// As the row has.
        actual: usize,
    },
    /// A quote that does not close.
    #[error("has a quote that does not close on the same line")]
    OpenQuote,
    /// A line beyond reason.
    #[error("is longer than {limit} bytes")]
    LongLine {
        /// The limit.
        limit: u64,
    },
    /// Bytes that are no text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// Nothing where something must stand.
    #[error("is empty")]
    Missing,
    /// An identifier beyond reason.
    #[error("is longer than {ID_BYTES} bytes or holds a control character")]
    Identifier,
    /// Neither credit nor debit.
    #[error("`{0}` is neither `credit` nor `debit`")]
    UnknownKind(String),
    /// No amount.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// No day.
    #[error(transparent)]
    Day(#[from] DayError),
}

impl Problem {
    /// A name for the kind of mistake.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::FieldCount { .. } => "field_count",
            Self::OpenQuote => "open_quote",
            Self::LongLine { .. } => "long_line",
            Self::NotUtf8 => "not_utf8",
            Self::Missing => "missing_field",
            Self::Identifier => "invalid_identifier",
            Self::UnknownKind(_) => "unknown_kind",
            Self::Money(error) => error.code(),
            Self::Day(error) => error.code(),
        }
    }
}

/// Where the header has put the columns.
pub(super) struct Columns {
    places: [usize; COLUMNS.len()],
    fields: usize,
}

impl Columns {
    pub(super) fn of(header: &ByteRecord, file: &str) -> Result<Self, LedgerError> {
        let mut places = [0; COLUMNS.len()];
        for (place, column) in places.iter_mut().zip(COLUMNS) {
            let file = || file.to_owned();
            let mut found =
                header.iter().enumerate().filter(|(_, name)| *name == column.as_bytes());
            let (at, _) =
                found.next().ok_or_else(|| LedgerError::MissingColumn { file: file(), column })?;
            if found.next().is_some() {
                return Err(LedgerError::ColumnTwice { file: file(), column });
            }
            *place = at;
        }
        Ok(Self { places, fields: header.len() })
    }

    /// The row in the fields of a line.
    pub(super) fn row(&self, record: &ByteRecord, line: u64) -> Result<Row, RowError> {
        let (expected, actual) = (self.fields, record.len());
        if expected != actual {
            let problem = Problem::FieldCount { expected, actual };
            return Err(RowError { line, field: None, problem });
        }
        let fields = Fields { columns: self, record, line };
        let entry = Entry {
            transaction: fields.read(0, identifier)?.to_owned(),
            date: fields.read(2, |text| Ok(Day::from_str(text)?))?,
            operation: fields.read(4, |text| Ok(text.to_owned()))?,
            purpose: fields.read(5, |text| Ok(text.to_owned()))?,
            amount: fields.read(6, |text| Ok(Cents::parse_unsigned(text)?))?,
            stated: fields.read(7, |text| Ok(Cents::from_str(text)?))?,
        };
        let account = AccountId::from(fields.read(1, identifier)?);
        let kind = fields.read(3, kind)?;
        Ok(Row { line, post: Post { account, kind, entry } })
    }
}

struct Fields<'a> {
    columns: &'a Columns,
    record: &'a ByteRecord,
    line: u64,
}

impl<'a> Fields<'a> {
    /// Reads one column.
    fn read<T>(
        &self,
        column: usize,
        read: impl FnOnce(&'a str) -> Result<T, Problem>,
    ) -> Result<T, RowError> {
        let bytes = &self.record[self.columns.places[column]];
        let text = std::str::from_utf8(bytes).map_err(|_| Problem::NotUtf8);
        text.and_then(read).map_err(|problem| RowError {
            line: self.line,
            field: Some(COLUMNS[column]),
            problem,
        })
    }
}

fn identifier(text: &str) -> Result<&str, Problem> {
    if text.is_empty() {
        Err(Problem::Missing)
    } else if text.len() > ID_BYTES || text.contains(char::is_control) {
        Err(Problem::Identifier)
    } else {
        Ok(text)
    }
}

fn kind(text: &str) -> Result<Kind, Problem> {
    match text {
        "credit" => Ok(Kind::Credit),
        "debit" => Ok(Kind::Debit),
        "" => Err(Problem::Missing),
        other => Err(Problem::UnknownKind(other.chars().take(64).collect())),
    }
}
