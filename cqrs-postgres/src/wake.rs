//! Telling other processes that something was committed.
//!
//! `NOTIFY` inside the transaction of an append would take a lock of the whole
//! server at its commit, so it has a transaction of its own, behind the append,
//! and at most one in so long. Readers poll as well: a message that is lost
//! costs time and nothing else.

use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::time::Duration;

use cqrs_core::store::{CommitSignal, Position};
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Config, Socket};

use crate::pool::Readers;

/// Between two messages.
const AT_MOST: Duration = Duration::from_millis(20);
/// Before a listener that lost its connection tries again.
const AGAIN: Duration = Duration::from_secs(1);

/// The channel of a log.
pub(crate) fn channel(log: uuid::Uuid) -> String {
    format!("cqrs_{}", log.simple())
}

/// Tells the channel where the head is, whenever something was committed;
/// until the store is gone.
pub(crate) async fn tell(
    readers: Readers,
    channel: String,
    committed: Arc<Notify>,
    signal: Weak<CommitSignal>,
) {
    loop {
        committed.notified().await;
        let Some(head) = signal.upgrade().map(|signal| signal.watch().head()) else { return };
        let told = async {
            let client = readers.connection().await.ok()?;
            let text = "SELECT pg_notify($1, $2)";
            let statement = client.prepare_cached(text).await.ok()?;
            client.query(&statement, &[&channel, &head.get().to_string()]).await.ok()
        };
        if told.await.is_none() {
            tracing::debug!("other processes were not woken, they find the events by polling");
        }
        sleep(AT_MOST).await;
    }
}

/// Raises the signal for what other processes have committed, until the store
/// is gone.
pub(crate) async fn listen<T>(config: Config, tls: T, channel: String, signal: Weak<CommitSignal>)
where
    T: MakeTlsConnect<Socket> + Clone,
{
    while signal.strong_count() > 0 {
        if let Ok((client, mut connection)) = config.connect(tls.clone()).await {
            let listen = format!("LISTEN {channel}");
            let mut listening = std::pin::pin!(client.batch_execute(&listen));
            let mut is_listening = false;
            loop {
                let message = poll_fn(|cx| {
                    if !is_listening && listening.as_mut().poll(cx).is_ready() {
                        is_listening = true;
                    }
                    connection.poll_message(cx)
                });
                match message.await {
                    Some(Ok(AsyncMessage::Notification(told))) => {
                        let Some(signal) = signal.upgrade() else { return };
                        if let Ok(head) = told.payload().parse() {
                            signal.raise(Position::new(head));
                        }
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break,
                }
            }
        }
        sleep(AGAIN).await;
    }
}
