//! A PostgreSQL server for tests.
//!
//! [`url`] gives the server that the environment names in `CQRS_POSTGRES_URL`,
//! or starts a private one from the `initdb` and `postgres` of the folder that
//! `CQRS_POSTGRES_BIN` names, of the path or of Debian's folders: on a socket in a folder of its own, with its flushes on.
//! All test processes of a user share it, and it ends a minute after the last
//! of them. [`Server`] is one of one's own, to kill it.

mod pooler;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::program::{installed, is_root, lock, pause, run, user};

pub use pooler::Pooler;

/// Names the server to use.
pub const VARIABLE: &str = "CQRS_POSTGRES_URL";

/// The URL of the shared server.
///
/// # Panics
///
/// When there is neither a server nor the means to start one; the message says
/// what to install.
#[must_use]
pub fn url() -> String {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| std::env::var(VARIABLE).unwrap_or_else(|_| shared())).clone()
}

/// The URL of an empty database on the shared server.
///
/// # Panics
///
/// As [`url`], and when the database cannot be made.
#[must_use]
pub fn fresh_database() -> String {
    let (url, name) = (url(), schema());
    let mut psql = Command::new(program("psql"));
    psql.args(["-q", "-d", &url, "-c", &format!("CREATE DATABASE {name}")]);
    run(&mut psql, "psql");
    let (server, _) = url.rsplit_once('/').expect("a URL names a database");
    format!("{server}/{name}")
}

/// A name for a schema that no other test has.
#[must_use]
pub fn schema() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    format!("t{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed))
}

/// An address of this machine at which no other test's server listens.
#[must_use]
pub fn address() -> Ipv4Addr {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = (std::process::id() << 4) + MADE.fetch_add(1, Ordering::Relaxed);
    let [_, one, two, three] = number.to_be_bytes();
    Ipv4Addr::new(127, one | 0x80, two, three)
}

/// A private server, stopped and removed when this is dropped.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    settings: Vec<String>,
    process: Option<Child>,
}

impl Server {
    /// A server on its default settings.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A server with settings, such as `fsync=off`.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[must_use]
    pub fn with(settings: &[&str]) -> Self {
        let folder = folder();
        make(&folder);
        Self::on(folder, settings)
    }

    /// A server that listens at an address, and encrypts with a certificate and
    /// its key, both in PEM.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[must_use]
    pub fn encrypted(address: Ipv4Addr, certificate: &str, key: &str) -> Self {
        let folder = folder();
        make(&folder);
        for (name, content) in [("server.crt", certificate), ("server.key", key)] {
            let file = folder.join("data").join(name);
            fs::write(&file, content).expect("the folder can be written");
            run(Command::new("chmod").arg("600").arg(&file), "closing the file");
            if is_root() {
                run(Command::new("chown").arg("postgres").arg(&file), "giving the file away");
            }
        }
        Self::on(folder, &["ssl=on", &format!("listen_addresses={address}")])
    }

    /// A server on a folder that was made for it.
    fn on(folder: PathBuf, settings: &[&str]) -> Self {
        let settings = settings.iter().map(|&one| one.to_owned()).collect();
        let mut server = Self { folder, settings, process: None };
        server.restart();
        server
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        url_of(&self.folder)
    }

    /// Kills it with all its processes, as a power loss would.
    ///
    /// # Panics
    ///
    /// When the system does not let it be killed.
    pub fn kill(&mut self) {
        self.signal("KILL");
        if let Some(mut process) = self.process.take() {
            process.wait().expect("the server is a child of this process");
        }
    }

    /// Sends a signal to its first process.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn signal(&self, signal: &str) {
        let pid = fs::read_to_string(self.folder.join("data/postmaster.pid"));
        let pid = pid.expect("the server runs");
        let pid = pid.lines().next().unwrap_or_default().to_owned();
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(pid).status();
        assert!(sent.is_ok_and(|status| status.success()), "the server takes a signal");
    }

    /// Everything in its database, as `pg_dump` writes it.
    ///
    /// # Panics
    ///
    /// When `pg_dump` fails.
    #[must_use]
    pub fn dump(&self) -> Vec<u8> {
        let mut dump = Command::new(program("pg_dump"));
        let Output { status, stdout, stderr } =
            dump.arg("-d").arg(self.url()).output().expect("the program was found");
        assert!(status.success(), "pg_dump: {}", String::from_utf8_lossy(&stderr));
        stdout
    }

    /// Takes in what [`dump`](Self::dump) gave, as `psql` does.
    ///
    /// # Panics
    ///
    /// When `psql` fails.
    pub fn load(&self, dump: &[u8]) {
        let mut psql = Command::new(program("psql"));
        psql.args(["-q", "-v", "ON_ERROR_STOP=1", "-d", &self.url()]);
        let psql = psql.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut psql = psql.spawn().expect("the program was found");
        let mut input = psql.stdin.take().expect("it has an input");
        std::io::Write::write_all(&mut input, dump).expect("it reads its input");
        drop(input);
        let Output { status, stderr, .. } = psql.wait_with_output().expect("it ends");
        assert!(status.success(), "psql: {}", String::from_utf8_lossy(&stderr));
    }

    /// A standby of it, which follows until it is promoted; started with
    /// settings of its own.
    ///
    /// # Panics
    ///
    /// When it cannot be made or started.
    #[must_use]
    pub fn standby(&self, settings: &[&str]) -> Self {
        let folder = folder();
        fs::create_dir_all(&folder)
            .expect("the system's folder for temporary files can be written");
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&folder), "giving the folder away");
            run(Command::new("chmod").arg("777").arg(&folder), "opening the folder");
        }
        let mut copy = as_user(&program("pg_basebackup"));
        copy.args(["-U", "postgres", "-c", "fast", "-X", "stream", "-R", "-N"]);
        copy.arg("-h").arg(&self.folder).arg("-D").arg(folder.join("data"));
        run(&mut copy, "pg_basebackup");
        Self::on(folder, settings)
    }

    /// Makes a primary of a standby, and waits until it is one.
    ///
    /// # Panics
    ///
    /// When it is no standby, or stays one.
    pub fn promote(&self) {
        let mut psql = Command::new(program("psql"));
        psql.args(["-q", "-v", "ON_ERROR_STOP=1", "-d", &self.url()]);
        run(psql.args(["-c", "SELECT pg_promote()"]), "pg_promote");
    }

    /// Starts it again on what it had written.
    ///
    /// # Panics
    ///
    /// When it does not come up.
    pub fn restart(&mut self) {
        let mut command = server(&self.folder, &self.settings);
        // Processes of a killed server may hold its memory for a moment.
        for _ in 0..100 {
            let mut process = command.spawn().expect("the server's program was found");
            if comes_up(&self.folder, Some(&mut process)) {
                self.process = Some(process);
                return;
            }
            let _ = process.wait();
            pause(100);
        }
        panic!("the server does not come up: {}", log_of(&self.folder));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let pid = fs::read_to_string(self.folder.join("data/postmaster.pid"));
            if let Some(pid) = pid.ok().as_deref().and_then(|text| text.lines().next()) {
                let _ = Command::new("kill").arg("-QUIT").arg(pid).status();
            }
            let _ = process.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The server that all test processes share. Each has a folder of its own; a
/// file says which is the current one. Whoever looks or ends it holds a lock.
fn shared() -> String {
    let base = std::env::temp_dir().join(format!("cqrs-postgres-of-{}", user()));
    fs::create_dir_all(&base).expect("the system's folder for temporary files can be written");
    let guard = base.join("lock");
    let lock = lock(&guard);
    let current = fs::read_to_string(base.join("current")).unwrap_or_default();
    let mut folder = base.join(current);
    if !folder.join("used").exists() || !answers(&folder) {
        // What is left of one that has ended.
        if folder != base {
            let _ = fs::remove_dir_all(&folder);
        }
        folder = base.join(std::process::id().to_string());
        let _ = fs::remove_dir_all(&folder);
        make(&folder);
        fs::write(folder.join("used"), "").expect("the folder can be written");
        supervise(&folder, &guard);
        assert!(comes_up(&folder, None), "the server does not come up: {}", log_of(&folder));
        fs::write(base.join("current"), std::process::id().to_string())
            .expect("the folder can be written");
    }
    fs::write(folder.join("used"), "").expect("the folder can be written");
    keep(folder.join("used"));
    drop(lock);
    url_of(&folder)
}

/// Says again and again that the server is used, as long as this process lives.
fn keep(used: PathBuf) {
    std::thread::spawn(move || {
        while used.exists() && fs::write(&used, "").is_ok() {
            pause(5_000);
        }
    });
}

/// Starts the server under a shell that ends it when nobody has used it for a
/// minute. Looking and saying so is one step under the lock.
fn supervise(folder: &Path, guard: &Path) {
    let program = program("postgres");
    let script = "\"$1\" -D \"$2/data\" -k \"$2\" -c listen_addresses= -c max_connections=400 \
        >\"$2/log\" 2>&1 & server=$!
        while kill -0 $server 2>/dev/null
        do
            sleep 2
            flock \"$3\" sh -c '[ -n \"$(find \"$1/used\" -mmin +1)\" ] && rm \"$1/used\"' sh \"$2\" \
                && break
        done
        kill -QUIT $server; wait $server; rm -rf \"$2\"";
    let mut command = as_user(Path::new("sh"));
    command.arg("-c").arg(script).arg("sh").arg(program).arg(folder).arg(guard);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut shell = command.spawn().expect("a shell can be started");
    std::thread::spawn(move || shell.wait());
}

fn server(folder: &Path, settings: &[String]) -> Command {
    let mut command = as_user(&program("postgres"));
    command.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    command.args(["-c", "listen_addresses=", "-c", "max_connections=200"]);
    for setting in settings {
        command.arg("-c").arg(setting);
    }
    let log = fs::File::options().create(true).append(true).open(folder.join("log"));
    let log = log.expect("the folder can be written");
    command.stdout(log.try_clone().expect("a file can be opened twice")).stderr(log);
    command.stdin(Stdio::null());
    command
}

/// A folder for a server that no other one has.
fn folder() -> PathBuf {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("cqrs-postgres-{}-{number}", std::process::id()))
}

/// Makes the files of a server.
fn make(folder: &Path) {
    fs::create_dir_all(folder).expect("the system's folder for temporary files can be written");
    if is_root() {
        run(Command::new("chown").arg("postgres").arg(folder), "giving the folder away");
        run(Command::new("chmod").arg("777").arg(folder), "opening the folder");
    }
    let mut command = as_user(&program("initdb"));
    command.args(["-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "trust", "-N", "-D"]);
    run(command.arg(folder.join("data")), "initdb");
}

fn url_of(folder: &Path) -> String {
    let host = folder.display().to_string().replace('/', "%2F");
    format!("postgres://postgres@{host}/postgres")
}

/// Whether a server answers.
fn answers(folder: &Path) -> bool {
    let answer = Command::new(program("pg_isready")).arg("-q").arg("-h").arg(folder).status();
    answer.is_ok_and(|status| status.success())
}

/// Waits for a server to answer, for as long as it lives.
fn comes_up(folder: &Path, mut process: Option<&mut Child>) -> bool {
    (0..600).any(|_| {
        let is_dead = process.as_mut().is_some_and(|one| !matches!(one.try_wait(), Ok(None)));
        if !is_dead && !answers(folder) {
            pause(50);
            return false;
        }
        true
    }) && answers(folder)
}

fn log_of(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// A command as a user that the server accepts: it does not run as root.
fn as_user(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]);
        command.arg(program).current_dir("/");
        return command;
    }
    Command::new(program)
}

/// A program of the server, installed when that is possible.
fn program(name: &str) -> PathBuf {
    installed(name, "postgresql").unwrap_or_else(|| {
        panic!(
            "`{name}` is not there: install PostgreSQL (on Debian: apt-get install postgresql), or \
             name a server in {VARIABLE}, such as postgres://user@localhost/test"
        )
    })
}
