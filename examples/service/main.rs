//! A service as it runs in production: its configuration in layers, a store in
//! a file, errors told apart by their codes, logs, figures, an orderly end.
//!
//! `cargo run -p examples --example service -- orders.db [config.toml]`
//!
//! Requests are lines of standard input, in the place of a network:
//! `execute PlaceOrder {"order":"a","cents":100}`, `query Placed {"order":"a"}`
//! or `ready`. SIGTERM ends the service, with 0 if nothing had to be given up.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

mod order;

use std::io::{BufRead, stdin};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cqrs_core::ErrorCategory;
use cqrs_core::bus::DispatchError;
use cqrs_core::config::{Config, ConfigError, ConfigLoader, environment};
use cqrs_core::prelude::*;
use cqrs_sqlite::SqliteStore;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

type AnyError = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(database) = arguments.next() else {
        eprintln!("usage: service DATABASE [CONFIG]");
        return ExitCode::from(2);
    };
    let config = match configuration(arguments.next()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("the configuration has {} mistakes:\n{error}", error.mistakes().len());
            return ExitCode::from(2);
        }
    };
    let runtime = Runtime::new().expect("a runtime starts");
    let ended = runtime.block_on(run(database, config));
    // A handler that never yields must not keep the process.
    runtime.shutdown_background();
    ended.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

/// Defaults below a file below the environment below code.
fn configuration(file: Option<PathBuf>) -> Result<Config, ConfigError> {
    let loader = ConfigLoader::new().toml(include_str!("service.toml"));
    let loader = file.into_iter().fold(loader, ConfigLoader::file);
    loader
        .environment("ORDERS", environment::process())
        .code(|config| config.logging.arguments = false)
        .load()
}

async fn run(database: PathBuf, config: Config) -> Result<ExitCode, AnyError> {
    let mut terminated = signal(SignalKind::terminate())?;
    let payments = std::env::var("PAYMENT_MILLIS").ok().and_then(|millis| millis.parse().ok());
    let app = App::builder()
        .modules(modules![order])
        .store(SqliteStore::open(database).await?)
        .config(config)
        .provide(Arc::new(order::Payments(Duration::from_millis(payments.unwrap_or(0)))))
        .build()?;
    let mut requests = requests();
    let mut calls = JoinSet::new();
    println!("ready");
    loop {
        tokio::select! {
            _ = terminated.recv() => break,
            Some(line) = requests.recv() => drop(calls.spawn(answer(app.clone(), line))),
            Some(_) = calls.join_next() => {}
        }
    }
    println!("stopping");
    let stopping = app.clone();
    let mut ended = std::pin::pin!(stopping.shutdown());
    // Whoever still asks is told to ask elsewhere.
    let left = loop {
        tokio::select! {
            left = &mut ended => break left,
            Some(line) = requests.recv() => drop(calls.spawn(answer(app.clone(), line))),
            Some(_) = calls.join_next() => {}
        }
    };
    // What has ended has its answer; what was given up will not get one.
    if left.is_orderly() {
        while calls.join_next().await.is_some() {}
    }
    report(&app);
    println!("stopped, {} calls and {} tasks were given up", left.calls, left.tasks);
    Ok(if left.is_orderly() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The lines of standard input. They are read by a thread that nobody waits
/// for, since reading cannot be cancelled.
fn requests() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        let mut lines = stdin().lock().lines().map_while(Result::ok);
        lines.all(|line| sender.blocking_send(line).is_ok())
    });
    receiver
}

async fn answer(app: App, line: String) {
    let mut words = line.splitn(3, ' ');
    let (verb, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let payload = words.next().unwrap_or("{}");
    let answer = match verb {
        "execute" => app.execute_json(name, payload.as_bytes(), Origin::new()).await,
        "query" => app.query_json(name, payload.as_bytes(), Origin::new()).await,
        "ready" => return println!("{}", if app.is_ready() { "ready" } else { "not ready" }),
        _ => return println!("400 {line}: a request begins with execute, query or ready"),
    };
    match answer {
        Ok(json) => println!("200 {payload}: {}", String::from_utf8_lossy(&json)),
        Err(error) => println!("{} {payload}: {}: {error}", status(&error), error.code()),
    }
}

/// What an error is in HTTP: by its code where it matters, else by whose
/// affair it is.
fn status(error: &DispatchError) -> u16 {
    match (error.code().as_str(), error.code().category()) {
        ("unauthenticated", _) => 401,
        ("forbidden", _) => 403,
        ("handler_not_found", _) => 404,
        ("rate_limited", _) => 429,
        ("timeout", _) => 504,
        (_, ErrorCategory::Caller) => 400,
        (_, ErrorCategory::Conflict) => 409,
        (_, ErrorCategory::Domain) => 422,
        (_, ErrorCategory::Transient) => 503,
        _ => 500,
    }
}

/// What the handlers have done.
fn report(app: &App) {
    for one in app.metrics() {
        let (kind, name) = (one.target.kind.as_str(), one.target.name);
        let of = one.event_type.map(|event| format!(" of {event}")).unwrap_or_default();
        println!(
            "{kind} {name}{of}: {} calls, {} rejected, {} failed, 99 % within {:.1?}",
            one.executions, one.rejected, one.failures, one.p99
        );
    }
}
