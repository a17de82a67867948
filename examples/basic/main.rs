//! The smallest whole: a command, a query, a middleware of ten lines, and
//! every kind of error as its caller meets it.
//! `cargo run -p examples --example basic`
#![expect(clippy::print_stdout, reason = "it is what the program is for")]

use cqrs_core::bus::{Call, Middleware, Next, Outcome, Scope};
use cqrs_core::prelude::*;

#[derive(Id)]
struct BookId(String);

#[derive(Command)]
struct Acquire {
    book: BookId,
    #[check(required)]
    title: String,
}

#[derive(Command)]
struct Lend {
    book: BookId,
    #[check(required)]
    reader: String,
    #[check(min = 1, max = 30)]
    days: u32,
}

#[derive(Query)]
#[query(output = Option<String>)]
struct Reader {
    book: BookId,
}

#[derive(Event)]
enum BookEvent {
    Acquired { title: String },
    Lent { reader: String, days: u32 },
}

#[derive(Rejection, Debug, PartialEq)]
enum BookError {
    /// The library has no such book.
    Unknown,
    /// The library has it already.
    Known,
    /// It is lent to {reader}.
    Lent { reader: String },
}

#[derive(Aggregate, Default)]
#[aggregate(id = BookId, event = BookEvent, error = BookError)]
struct Book {
    exists: bool,
    reader: Option<String>,
}

#[command_handlers]
impl Book {
    fn acquire(&self, command: &Acquire) -> Result<BookEvent, BookError> {
        ensure!(!self.exists, BookError::Known);
        Ok(BookEvent::Acquired { title: command.title.clone() })
    }

    fn lend(&self, command: &Lend) -> Result<BookEvent, BookError> {
        ensure!(self.exists, BookError::Unknown);
        if let Some(reader) = self.reader.clone() {
            return Err(BookError::Lent { reader });
        }
        Ok(BookEvent::Lent { reader: command.reader.clone(), days: command.days })
    }
}

#[apply]
impl Apply for Book {
    fn apply(&mut self, event: &BookEvent) {
        match event {
            BookEvent::Acquired { .. } => self.exists = true,
            BookEvent::Lent { reader, .. } => self.reader = Some(reader.clone()),
        }
    }
}

#[query_handler]
async fn reader(query: &Reader, books: Repository<Book>) -> Result<Option<String>, QueryError> {
    let book = books.load(&query.book).await?;
    if !book.exists() {
        return Err(QueryError::failed(format!("there is no book {}", query.book)));
    }
    Ok(book.state().reader.clone())
}

module!();

/// Says what comes and how it ends.
struct Journal;

impl Middleware for Journal {
    async fn call(&self, call: &Call<'_>, mut next: Next<'_>) -> Outcome {
        let outcome = next.run().await;
        let end = outcome.as_ref().map_or_else(|failure| failure.code().as_str(), |_| "done");
        println!("[{} {}: {end}]", call.target().kind.as_str(), call.name());
        outcome
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = App::builder()
        .modules(modules![crate])
        .store(MemoryStore::new())
        .middleware(Scope::All, Journal)
        .build()?;

    let receipt = app.execute(Acquire { book: "emma".into(), title: "Emma".into() }).await?.receipt;
    for (stream, version) in receipt.streams() {
        println!("{stream} is at version {version}");
    }
    lend(&app, "emma", "Ada", 14).await;
    lend(&app, "emma", "Ben", 14).await;
    lend(&app, "emma", " ", 90).await;
    lend(&app, "ulysses", "Ada", 14).await;

    println!(
        "emma is with {}",
        app.query(Reader { book: "emma".into() }).await?.unwrap_or_default()
    );
    if let Err(error) = app.query(Reader { book: "ulysses".into() }).await {
        println!("no answer: {error}");
    }
    Ok(())
}

/// Lends a book, and tells whoever stands at the desk how that went.
async fn lend(app: &App, book: &str, reader: &str, days: u32) {
    let command = Lend { book: book.into(), reader: reader.into(), days };
    match app.execute(command).await {
        Ok(_) => println!("{reader} has {book} for {days} days"),
        // The domain's own answers come with their type.
        Err(CommandError::Rejected(BookError::Lent { reader })) => {
            println!("please wait until {reader} brings {book} back");
        }
        Err(CommandError::Rejected(no)) => println!("no: {no}"),
        Err(CommandError::Bus(BusError::Validation(violations))) => {
            for violation in violations.iter() {
                println!("please correct `{}`: {}", violation.field, violation.message);
            }
        }
        Err(other) => println!("{} ({:?}): {other}", other.code(), other.code().category()),
    }
}
