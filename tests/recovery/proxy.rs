//! A way to the server on which an answer can be lost: the statement has run,
//! and nobody learns of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cqrs_testkit::postgres::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;

pub(crate) struct Proxy {
    folder: tempfile::TempDir,
    control: Arc<Control>,
}

/// What the proxy is told to do.
#[derive(Default)]
struct Control {
    /// Answers that are still to be lost, each with its connection.
    lose: AtomicU32,
    /// Statements that are still to be held back; their client's connection
    /// breaks, the server's stays.
    hold: AtomicU32,
    /// Lets go what is held.
    release: Notify,
    /// What was held and has reached the server, or found nobody there.
    released: AtomicU32,
    /// Breaks every connection.
    cut: Notify,
}

impl Proxy {
    pub(crate) fn start(server: &Server) -> Self {
        let folder = tempfile::tempdir().expect("there is room");
        let socket = folder.path().join(".s.PGSQL.5432");
        let listener = UnixListener::bind(socket).expect("a socket can be made");
        let url = server.url().replace("%2F", "/");
        let (_, place) = url.split_once('@').expect("a URL names a host");
        let place = place.strip_suffix("/postgres").expect("a server has this database");
        let target = PathBuf::from(place).join(".s.PGSQL.5432");
        let control = Arc::new(Control::default());
        let controlled = Arc::clone(&control);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, control) = (target.clone(), Arc::clone(&controlled));
                tokio::spawn(async move {
                    if let Ok(server) = UnixStream::connect(target).await {
                        tokio::select! {
                            () = control.cut.notified() => {}
                            () = forward(client, server, &control) => {}
                        }
                    }
                });
            }
        });
        Self { folder, control }
    }

    pub(crate) fn url(&self) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}/postgres")
    }

    /// Loses the next answers to something that writes.
    pub(crate) fn lose(&self, answers: u32) {
        self.control.lose.store(answers, Ordering::SeqCst);
    }

    pub(crate) fn is_done(&self) -> bool {
        self.control.lose.load(Ordering::SeqCst) == 0
    }

    /// Breaks every connection.
    pub(crate) fn cut(&self) {
        self.control.cut.notify_waiters();
    }

    /// Holds the next statement back that writes, and breaks its client's
    /// connection.
    pub(crate) fn hold(&self) {
        self.control.hold.store(1, Ordering::SeqCst);
    }

    /// Hands over what was held, and waits for what comes of it.
    pub(crate) async fn release(&self) {
        assert_eq!(self.control.hold.load(Ordering::SeqCst), 0, "something is held");
        self.control.release.notify_one();
        while self.control.released.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Hands on what both sides say until one of them ends, or an answer is lost.
async fn forward(mut client: UnixStream, mut server: UnixStream, control: &Control) {
    let less = |count: u32| count.checked_sub(1);
    let order = Ordering::SeqCst;
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    // Whether what was asked last carries an event of the ledger.
    let mut writes = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(1..) => {
                    let bytes = &asked[..read.unwrap_or_default()];
                    writes = bytes.windows(8).any(|part| part == b"{\"unit\":");
                    if writes && control.hold.fetch_update(order, order, less).is_ok() {
                        drop(client);
                        control.release.notified().await;
                        let _ = server.write_all(bytes).await;
                        // An answer, or the end.
                        let _ = server.read(&mut answered).await;
                        control.released.fetch_add(1, order);
                        return;
                    }
                    if server.write_all(bytes).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            read = server.read(&mut answered) => match read {
                Ok(1..) => {
                    if writes && control.lose.fetch_update(order, order, less).is_ok() {
                        return;
                    }
                    let bytes = &answered[..read.unwrap_or_default()];
                    if client.write_all(bytes).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
        }
    }
}
