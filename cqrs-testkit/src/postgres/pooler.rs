//! A pooler before a server.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::{Server, as_user, log_of, url_of};
use crate::program::{installed, is_root, pause, run};

/// A connection pooler (PgBouncer) before a server, stopped when this is dropped.
#[derive(Debug)]
pub struct Pooler {
    folder: PathBuf,
    process: Child,
}

impl Pooler {
    /// Starts one in a mode, `session` or `transaction`.
    ///
    /// # Panics
    ///
    /// When it cannot be started; the message says what to install.
    #[must_use]
    pub fn start(server: &Server, mode: &str) -> Self {
        let program = installed("pgbouncer", "pgbouncer").unwrap_or_else(|| {
            panic!("`pgbouncer` is not there: install it (on Debian: apt-get install pgbouncer)")
        });
        let folder = server.folder.join(format!("pooler-{mode}"));
        fs::create_dir_all(&folder).expect("the folder can be written");
        let (socket, of_server) = (folder.display(), server.folder.display());
        let settings = format!(
            "[databases]\n* = host={of_server}\n[pgbouncer]\nlisten_addr =\nlisten_port = 5432\n\
             unix_socket_dir = {socket}\nauth_type = any\npool_mode = {mode}\n\
             ignore_startup_parameters = extra_float_digits,options\n\
             logfile = {socket}/log\npidfile = {socket}/pid\n"
        );
        let settings_file = folder.join("settings");
        // With any user let in, each is one of these.
        let settings = settings.replace("host=", "user=postgres host=");
        fs::write(&settings_file, settings).expect("the folder can be written");
        if is_root() {
            run(Command::new("chown").arg("-R").arg("postgres").arg(&folder), "giving away");
        }
        let mut command = as_user(&program);
        command.arg("-q").arg(&settings_file).stdin(Stdio::null()).stdout(Stdio::null());
        let process = command.stderr(Stdio::null()).spawn().expect("the program was found");
        let pooler = Self { folder, process };
        for _ in 0..100 {
            if pooler.folder.join(".s.PGSQL.5432").exists() {
                return pooler;
            }
            pause(50);
        }
        panic!("the pooler does not come up: {}", log_of(&pooler.folder));
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        url_of(&self.folder)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
