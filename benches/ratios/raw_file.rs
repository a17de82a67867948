//! The counterpart of a durable append: a file, one write and one fdatasync
//! for what has gathered.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use tokio::sync::{mpsc, oneshot};

/// A file that records go into, with group commit on a thread of its own.
pub(crate) struct RawFile {
    sender: mpsc::UnboundedSender<(Vec<u8>, oneshot::Sender<()>)>,
}

impl RawFile {
    pub(crate) fn create(path: &Path) -> Self {
        let mut file = File::create(path).expect("the file can be created");
        let (sender, mut receiver) = mpsc::unbounded_channel::<(Vec<u8>, oneshot::Sender<()>)>();
        std::thread::spawn(move || {
            let mut buffer = Vec::new();
            let mut waiting = Vec::new();
            while let Some((record, answer)) = receiver.blocking_recv() {
                buffer.extend(record);
                waiting.push(answer);
                while let Ok((record, answer)) = receiver.try_recv() {
                    buffer.extend(record);
                    waiting.push(answer);
                }
                file.write_all(&buffer).expect("the file can be written");
                file.sync_data().expect("the file can be synced");
                buffer.clear();
                for answer in waiting.drain(..) {
                    let _ = answer.send(());
                }
            }
        });
        Self { sender }
    }

    /// Returns when the record is durable.
    pub(crate) async fn append(&self, record: Vec<u8>) {
        let (answer, done) = oneshot::channel();
        self.sender.send((record, answer)).expect("the writer lives");
        done.await.expect("the writer answers");
    }
}
