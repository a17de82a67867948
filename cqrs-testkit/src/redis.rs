//! A Redis server for tests.
//!
//! [`Server::given`] is the server that the environment names in
//! `CQRS_REDIS_URL`, or a private one from the `redis-server` of the path, on a
//! socket in a folder of its own. [`Server::start`] is a private one in any
//! case, to kill it.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::program::{installed, pause};

/// Names the server to use.
pub const VARIABLE: &str = "CQRS_REDIS_URL";

/// A server. A private one is stopped and removed when this is dropped.
#[derive(Debug)]
pub struct Server {
    url: String,
    private: Option<Private>,
}

#[derive(Debug)]
struct Private {
    folder: PathBuf,
    process: Option<Child>,
}

impl Server {
    /// The server that the environment names, otherwise a private one. Others
    /// may use it too: keep to a prefix of your own.
    ///
    /// # Panics
    ///
    /// When there is neither a server nor the means to start one; the message
    /// says what to install.
    #[must_use]
    pub fn given() -> Self {
        match std::env::var(VARIABLE) {
            Ok(url) => Self { url, private: None },
            Err(_) => Self::start(),
        }
    }

    /// A private server, empty, which writes nothing to a disk.
    ///
    /// # Panics
    ///
    /// When it cannot be started; the message says what to install.
    #[must_use]
    pub fn start() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("cqrs-redis-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)
            .expect("the system's folder for temporary files can be written");
        let url = format!("redis+unix://{}", socket(&folder).display());
        let mut server = Self { url, private: Some(Private { folder, process: None }) };
        server.restart();
        server
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Kills it; what it held is gone.
    ///
    /// # Panics
    ///
    /// When it is not a private one that runs.
    pub fn kill(&mut self) {
        let mut process = self.private().process.take().expect("the server runs");
        process.kill().expect("the server is a child of this process");
        process.wait().expect("the server is a child of this process");
    }

    /// Sends a signal, such as `STOP` to have it stand still and `CONT`.
    ///
    /// # Panics
    ///
    /// When it is not a private one that runs.
    pub fn signal(&mut self, signal: &str) {
        let pid = self.private().process.as_ref().expect("the server runs").id().to_string();
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(pid).status();
        assert!(sent.is_ok_and(|status| status.success()), "the server takes a signal");
    }

    /// Starts it again, empty.
    ///
    /// # Panics
    ///
    /// When it is not a private one, or does not come up.
    pub fn restart(&mut self) {
        let private = self.private();
        let socket = socket(&private.folder);
        let _ = fs::remove_file(&socket);
        let mut command = Command::new(program());
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]);
        command.arg(&socket).arg("--dir").arg(&private.folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        private.process = Some(command.spawn().expect("the program was found"));
        for _ in 0..200 {
            if answers(&socket) {
                return;
            }
            pause(25);
        }
        panic!("the server does not come up at {}", socket.display());
    }

    fn private(&mut self) -> &mut Private {
        self.private.as_mut().expect("the server is a private one")
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("socket")
}

/// Whether a server answers.
fn answers(socket: &Path) -> bool {
    let ping = || {
        let mut stream = UnixStream::connect(socket)?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok::<_, std::io::Error>(&answer == b"+PONG")
    };
    ping().unwrap_or(false)
}

fn program() -> PathBuf {
    installed("redis-server", "redis-server").unwrap_or_else(|| {
        panic!(
            "`redis-server` is not there: install Redis (on Debian: apt-get install redis-server), \
             or name a server in {VARIABLE}, such as redis://localhost"
        )
    })
}
