//! A way to the server on which an answer can be lost: the statement has run,
//! and nobody learns of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cqrs_testkit::postgres::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

pub(crate) struct Proxy {
    folder: tempfile::TempDir,
    /// Answers that are still to be lost, each with its connection.
    lose: Arc<AtomicU32>,
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
        let lose = Arc::new(AtomicU32::new(0));
        let losing = Arc::clone(&lose);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, lose) = (target.clone(), Arc::clone(&losing));
                tokio::spawn(async move {
                    if let Ok(server) = UnixStream::connect(target).await {
                        forward(client, server, &lose).await;
                    }
                });
            }
        });
        Self { folder, lose }
    }

    pub(crate) fn url(&self) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}/postgres")
    }

    /// Loses the next answers to something that writes.
    pub(crate) fn lose(&self, answers: u32) {
        self.lose.store(answers, Ordering::SeqCst);
    }

    pub(crate) fn is_done(&self) -> bool {
        self.lose.load(Ordering::SeqCst) == 0
    }
}

/// Hands on what both sides say until one of them ends, or an answer is lost.
async fn forward(mut client: UnixStream, mut server: UnixStream, lose: &AtomicU32) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    // Whether what was asked last carries an event of the ledger.
    let mut writes = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(1..) => {
                    let bytes = &asked[..read.unwrap_or_default()];
                    writes = bytes.windows(8).any(|part| part == b"{\"unit\":");
                    if server.write_all(bytes).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            read = server.read(&mut answered) => match read {
                Ok(1..) => {
                    let less = |count: u32| count.checked_sub(1);
                    let order = Ordering::SeqCst;
                    if writes && lose.fetch_update(order, order, less).is_ok() {
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
