//! What both programs take from standard input, in the place of a site:
//! `execute PURCHASE COMMAND JSON` and `trace PURCHASE`, where a purchase is the
//! UUID that all its messages share, in both services. They end with the input.

use std::io::{BufRead, Write, stdin};

use cqrs_core::CorrelationId;
use cqrs_core::prelude::*;
use cqrs_core::store::{EventStore, ReadRequest};
use tokio::sync::mpsc;

pub(crate) type AnyError = Box<dyn std::error::Error + Send + Sync>;

pub(crate) fn arguments(usage: &str) -> Result<[String; 2], AnyError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    arguments.try_into().map_err(|_| format!("usage: {usage}").into())
}

pub(crate) async fn serve(app: &App) -> Result<(), AnyError> {
    let (sender, mut requests) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut lines = stdin().lock().lines().map_while(Result::ok);
        lines.all(|line| sender.blocking_send(line).is_ok())
    });
    say("ready");
    while let Some(request) = requests.recv().await {
        if let Err(error) = answer(app, &request).await {
            say(error);
        }
    }
    app.shutdown().await;
    Ok(())
}

async fn answer(app: &App, request: &str) -> Result<(), AnyError> {
    let words: Vec<&str> = request.splitn(4, ' ').collect();
    match words[..] {
        ["execute", purchase, command, json] => {
            let origin = Origin::new().correlation(purchase.parse()?);
            app.execute_json(command, json.as_bytes(), origin).await?;
            say("done");
        }
        ["trace", purchase] => {
            let purchase: CorrelationId = purchase.parse()?;
            for event in app.store().read(ReadRequest::all().correlated(purchase)).await?.events() {
                let content = String::from_utf8_lossy(event.payload()).into_owned();
                say(format!("{} of {}: {content}", event.event_type(), event.stream()));
            }
        }
        _ => return Err("execute PURCHASE COMMAND JSON, or trace PURCHASE".into()),
    }
    Ok(())
}

/// Writes a line. A reader that has gone away is no error.
pub(crate) fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
