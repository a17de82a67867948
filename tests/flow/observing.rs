//! What is told about calls: spans, lines, and the trace through the policies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use cqrs_core::command::Violations;
use cqrs_core::policy::{Authenticate, Guard, NotAuthenticated, Principal};
use cqrs_core::prelude::*;
use cqrs_core::store::{EventStore, ReadRequest};
use cqrs_core::{CorrelationId, ErrorCode};
use support::bank::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event as Line, Level, Subscriber};

use crate::policies::{Book, rig};
use crate::stores::GUARD;

mod observed {
    //! A command and a query with every policy.

    use super::*;

    cqrs_core::module!();

    #[derive(Command)]
    #[command(
        timeout = "2s",
        retry = "1",
        rate_limit = "5/h",
        concurrency = 1,
        role = "clerk",
        breaker = "observed",
        audit
    )]
    pub struct Act {
        #[check(required)]
        pub what: String,
    }

    #[derive(Query)]
    #[query(output = u32, cache = "10m", shared, authenticated)]
    pub struct Look {}

    #[derive(Debug, Rejection)]
    pub enum No {
        /// Not so.
        NotSo,
    }

    #[derive(Default)]
    pub struct Runs(pub AtomicU32);

    #[command_handler]
    async fn act(command: &Act, runs: Dep<Runs>) -> Result<(), CommandError<No>> {
        let run = runs.0.fetch_add(1, Ordering::SeqCst);
        match command.what.as_str() {
            "panic" => panic!("on purpose"),
            "reject" => Err(CommandError::Rejected(No::NotSo)),
            "fail once" if run == 0 => {
                let retry_after = std::time::Duration::ZERO;
                Err(BusError::RateLimited { message: "elsewhere", retry_after }.into())
            }
            "hang" => std::future::pending().await,
            _ => Ok(()),
        }
    }

    #[query_handler]
    async fn look(_: &Look) -> Result<u32, QueryError> {
        Ok(1)
    }
}

use observed::{Act, Look, Runs};

/// Keeps everything that is told on this thread.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Log>>);

#[derive(Default)]
struct Log {
    spans: Vec<Entry>,
    lines: Vec<Entry>,
}

#[derive(Clone)]
struct Entry {
    name: &'static str,
    target: String,
    level: Level,
    declared: Vec<&'static str>,
    fields: BTreeMap<&'static str, String>,
}

impl Visit for Entry {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

impl Entry {
    fn of(metadata: &'static tracing::Metadata<'static>) -> Self {
        Self {
            name: metadata.name(),
            target: metadata.target().to_owned(),
            level: *metadata.level(),
            declared: metadata.fields().iter().map(|field| field.name()).collect(),
            fields: BTreeMap::new(),
        }
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

impl Subscriber for Told {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("cqrs::")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut log = self.0.lock().unwrap();
        let mut entry = Entry::of(span.metadata());
        span.record(&mut entry);
        log.spans.push(entry);
        Id::from_u64(log.spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let index = span.into_u64() as usize - 1;
        values.record(&mut self.0.lock().unwrap().spans[index]);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, line: &Line<'_>) {
        let mut entry = Entry::of(line.metadata());
        line.record(&mut entry);
        self.0.lock().unwrap().lines.push(entry);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Told {
    fn listen() -> (Self, tracing::subscriber::DefaultGuard) {
        let told = Self::default();
        let guard = tracing::subscriber::set_default(told.clone());
        (told, guard)
    }

    fn spans(&self) -> Vec<Entry> {
        self.0.lock().unwrap().spans.clone()
    }

    fn lines(&self) -> Vec<Entry> {
        self.0.lock().unwrap().lines.clone()
    }

    /// The stages that were passed since the last time.
    fn stages(&self) -> Vec<String> {
        let lines = std::mem::take(&mut self.0.lock().unwrap().lines);
        let of_policy = lines.into_iter().filter(|line| line.target == "cqrs::policy");
        of_policy.filter_map(|line| Some(line.field("stage")?.to_owned())).collect()
    }
}

#[tokio::test]
async fn a_call_has_one_span_with_its_name_its_ids_and_its_outcome() {
    use crate::policies::desk::{Count, Press, Work};
    let (told, _guard) = Told::listen();
    let rig = rig(|builder| builder);

    rig.app.execute(Press { failures: 0 }).actor("ada").tenant("north").await.unwrap();
    rig.app.execute(Work { millis: 13 }).await.unwrap_err();
    rig.app.execute(Work { millis: 0 }).await.unwrap_err();
    rig.app.query(Count {}).await.unwrap();

    let spans = told.spans();
    let seen: Vec<_> = spans
        .iter()
        .map(|span| {
            let field = |name| span.field(name);
            (span.name, field("message.name"), field("outcome"), field("error.code"))
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("command", Some("Press"), Some("done"), None),
            ("command", Some("Work"), Some("rejected"), Some("rejected")),
            ("command", Some("Work"), Some("failed"), Some("validation")),
            ("query", Some("Count"), Some("done"), None),
        ]
    );
    assert_eq!((spans[0].field("actor"), spans[0].field("tenant")), (Some("ada"), Some("north")));
    assert_eq!((spans[1].field("actor"), spans[1].field("tenant")), (None, None));
    let ids: BTreeSet<_> = spans.iter().filter_map(|span| span.field("message.id")).collect();
    assert_eq!(ids.len(), 4, "each has an id of its own");
    assert!(spans.iter().all(|span| span.field("correlation_id").is_some()));
}

mod greeter {
    //! Sends a command on when money comes in.

    use super::*;

    cqrs_core::module!();

    #[event_handler(name = "greeter")]
    async fn greet(event: &Recorded<AccountEvent>) -> Result<Option<Deposit>, HandlerError> {
        let account = event.aggregate_id::<AccountId>()?;
        let large = matches!(event.data(), AccountEvent::Deposited { cents: 1_000 });
        Ok(large.then_some(Deposit { account, cents: 1 }))
    }
}

#[tokio::test]
async fn one_correlation_runs_from_a_command_over_its_event_to_the_command_that_follows() {
    let (told, _guard) = Told::listen();
    let app = App::builder()
        .modules(cqrs_core::modules![support::bank, greeter])
        .store(MemoryStore::new())
        .build()
        .unwrap();
    crate::stores::open(&app, "a").await;
    let correlation = CorrelationId::from_uuid(uuid::Uuid::from_u128(7));
    let deposit = Deposit { account: "a".into(), cents: 1_000 };

    let done = app.execute(deposit).correlation(correlation).await.unwrap();
    app.wait_for_handlers(done.receipt.token().unwrap(), GUARD).await.unwrap();

    let wanted = correlation.to_string();
    let spans = told.spans();
    let chain: Vec<_> =
        spans.iter().filter(|span| span.field("correlation_id") == Some(&wanted)).collect();
    let seen: Vec<_> =
        chain.iter().map(|span| (span.name, span.field("message.name").unwrap())).collect();
    assert_eq!(seen[..3], [("command", "Deposit"), ("event", "greeter"), ("command", "Deposit")]);
    assert_eq!(chain[0].field("causation_id"), None);
    assert_eq!(chain[2].field("causation_id"), chain[1].field("message.id"));
    app.shutdown().await;
}

struct Hook;

struct Token(&'static str);

impl Authenticate for Hook {
    async fn authenticate(&self, ctx: &Context) -> Result<Option<Principal>, NotAuthenticated> {
        match ctx.extension::<Token>() {
            None => Ok(None),
            Some(Token("false")) => Err(NotAuthenticated::new("the token is not known")),
            Some(Token("south")) => Ok(Some(Principal::new("eve").role("clerk").tenant("south"))),
            Some(Token("visitor")) => Ok(Some(Principal::new("vic"))),
            Some(Token(name)) => Ok(Some(Principal::new(*name).role("clerk"))),
        }
    }
}

struct NoThirteen;

impl Guard<Act> for NoThirteen {
    async fn check(&self, command: &Act, _: &Context) -> Result<(), BusError> {
        if command.what != "13" {
            return Ok(());
        }
        let mut violations = Violations::new();
        violations.add("what", "thirteen", "must not be 13");
        Err(violations.into())
    }
}

/// An application in which every policy applies.
fn strict(book: &Book) -> App {
    App::builder()
        .modules(cqrs_core::modules![observed])
        .store(MemoryStore::new())
        .provide(Arc::new(Runs::default()))
        .authenticate(Hook)
        .guard(NoThirteen)
        .audit_or_refuse(book.clone())
        .build()
        .expect("everything is given")
}

/// A call, told as its stages and its end.
async fn told_of(told: &Told, app: &App, token: Option<&'static str>, what: &str) -> String {
    told.stages();
    let mut call = app.execute(Act { what: what.to_owned() });
    if let Some(token) = token {
        call = call.extension(Token(token));
    }
    let end = match call.await {
        Ok(_) => "done".to_owned(),
        Err(error) => error.code().as_str().to_owned(),
    };
    format!("{} => {end}", told.stages().join(", "))
}

#[tokio::test(start_paused = true)]
async fn the_trace_of_a_command_names_every_stage_that_it_has_passed() {
    let (told, _guard) = Told::listen();
    let mut text = String::new();
    let cases = [
        ("passes", Some("ada"), "work"),
        ("a false token", Some("false"), "work"),
        ("another tenant's", Some("south"), "work"),
        ("nobody", None, "work"),
        ("without the role", Some("visitor"), "work"),
        ("an empty field", Some("ada"), ""),
        ("a guard says no", Some("ada"), "13"),
        ("rejected", Some("ada"), "reject"),
        ("fails once", Some("ada"), "fail once"),
        ("panics", Some("ada"), "panic"),
        ("takes too long", Some("ada"), "hang"),
    ];
    for (title, token, what) in cases {
        let app = strict(&Book::default());
        writeln!(text, "{title}: {}", told_of(&told, &app, token, what).await).unwrap();
    }

    let app = strict(&Book::default());
    for _ in 0..5 {
        told_of(&told, &app, Some("ada"), "work").await;
    }
    writeln!(text, "too fast: {}", told_of(&told, &app, Some("ada"), "work").await).unwrap();
    app.breakers().get("observed").force_open();
    writeln!(text, "breaker open: {}", told_of(&told, &app, Some("bob"), "work").await).unwrap();
    let book = Book::default();
    book.close();
    let app = strict(&book);
    writeln!(text, "audit closed: {}", told_of(&told, &app, Some("ada"), "work").await).unwrap();
    for title in ["a first query", "the same query"] {
        let app = &app;
        told.stages();
        app.query(Look {}).extension(Token("ada")).await.unwrap();
        writeln!(text, "{title}: {} => done", told.stages().join(", ")).unwrap();
    }

    insta::assert_snapshot!("stages", text);
}

#[tokio::test]
async fn a_handler_that_panics_under_every_policy_is_an_error_and_the_next_call_works() {
    let app = strict(&Book::default());

    let panicked = app.execute(Act { what: "panic".into() }).extension(Token("ada")).await;
    let next = app.execute(Act { what: "work".into() }).extension(Token("ada")).await;

    assert_eq!(panicked.unwrap_err().code().as_str(), "panicked");
    assert!(next.is_ok(), "its turn and its breaker are free again: {next:?}");
}

/// Reads the metadata before anybody is known, as one that looks for a header.
struct Curious;

impl Authenticate for Curious {
    async fn authenticate(&self, ctx: &Context) -> Result<Option<Principal>, NotAuthenticated> {
        assert_eq!(ctx.metadata().actor, None);
        Ok(Some(Principal::new("ada")))
    }
}

#[tokio::test]
async fn who_was_established_is_stored_although_the_metadata_was_read_before() {
    let (told, _guard) = Told::listen();
    let builder = App::builder().modules(cqrs_core::modules![support::bank]);
    let app = builder.store(MemoryStore::new()).authenticate(Curious).build().unwrap();

    crate::stores::open(&app, "a").await;

    let page = app.store().read(ReadRequest::all()).await.unwrap();
    let metadata = page.events().next().unwrap().metadata().unwrap();
    assert_eq!(metadata.actor.as_ref().map(|actor| actor.as_str()), Some("ada"));
    let span = &told.spans()[0];
    assert_eq!(span.field("actor"), Some("ada"));
    assert_eq!(span.field("message.id"), metadata.causation_id.map(|id| id.to_string()).as_deref());
}

#[tokio::test]
async fn every_field_that_is_told_is_in_the_catalogue() {
    use crate::policies::desk::{Press, Work};
    let (told, _guard) = Told::listen();
    let rig = rig(|builder| builder);
    rig.app.execute(Press { failures: 0 }).await.unwrap();
    rig.app.execute(Work { millis: 13 }).await.unwrap_err();
    rig.app.execute(Work { millis: 0 }).await.unwrap_err();
    let strict = strict(&Book::default());
    let panics = Act { what: "panic".into() };
    strict.execute(panics).extension(Token("ada")).await.unwrap_err();

    let entries = told.spans().into_iter().map(|span| ("span", span.name.to_owned(), span));
    let lines = told
        .lines()
        .into_iter()
        .map(|line| ("line", line.field("message").unwrap_or_default().to_owned(), line));
    let catalogue: BTreeSet<String> = entries
        .chain(lines)
        .map(|(form, title, entry)| {
            let declared = entry.declared.iter().filter(|name| **name != "message");
            let fields: Vec<&str> = declared.copied().collect();
            format!("{form} {} {} {title}: {}", entry.target, entry.level, fields.join(", "))
        })
        .collect();

    let catalogue: Vec<String> = catalogue.into_iter().collect();
    insta::assert_snapshot!("catalogue", catalogue.join("\n"));
}
