//! The programs as processes, and the service at the other end of a pipe.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

/// How long anything may take before a test gives it up.
const GUARD: Duration = Duration::from_secs(60);

/// A built example. It stands beside the folder of this test's binary, and is
/// built now where that binary was built alone.
pub(crate) fn program(name: &str) -> Command {
    static BUILDING: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);
    let test = std::env::current_exe().expect("a test runs from a file");
    let folder = test.ancestors().nth(2).expect("a test stands in target/<profile>/deps");
    let program: PathBuf = folder.join("examples").join(name);
    let built = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified()).ok();
    let _one = BUILDING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if built(&program) < built(&test) {
        build(name, folder);
    }
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn build(name: &str, folder: &Path) {
    let profile = folder.file_name().and_then(|name| name.to_str()).expect("a profile has a name");
    let profile = if profile == "debug" { "dev" } else { profile };
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--package", "examples", "--example", name, "--profile", profile]);
    cargo.arg("--target-dir").args(folder.parent());
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(cargo.status().expect("cargo runs").success(), "the example cannot be built");
}

/// What a program prints, with `[time]` for each duration.
pub(crate) fn transcript(name: &str, arguments: &[&str]) -> String {
    let output = program(name).args(arguments).output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("the program writes text");
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{out}{err}");
    without_times(&out)
}

/// Replaces what is a number with a unit of time.
pub(crate) fn without_times(text: &str) -> String {
    let is_time = |word: &str| {
        let number = word.trim_end_matches(|c: char| c.is_alphabetic());
        let unit = &word[number.len()..];
        number.parse::<f64>().is_ok() && ["ns", "µs", "ms", "s"].contains(&unit)
    };
    let part = |part: &str| {
        let word = part.trim_matches(|c| "[],;\n".contains(c));
        if is_time(word) { part.replace(word, "[time]") } else { part.to_owned() }
    };
    text.split_inclusive([' ', '\n'])
        .map(|one| {
            let (word, end) = one.split_at(one.trim_end().len());
            part(word) + end
        })
        .collect()
}

/// A service, which takes requests and answers them.
pub(crate) struct Service {
    child: Child,
    requests: ChildStdin,
    lines: Receiver<String>,
    /// Lines that came while another was waited for.
    others: VecDeque<String>,
}

impl Service {
    pub(crate) fn start(database: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = program("service");
        command.arg(database).envs(environment.iter().copied());
        Self::run(command)
    }

    /// Starts a program that says when it is ready.
    pub(crate) fn run(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the service starts");
        let (out, requests) = (child.stdout.take(), child.stdin.take());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(out.expect("it has an output")).lines();
            // The last line of one that is killed may be torn, which is no text.
            lines.map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        let requests = requests.expect("it has an input");
        let mut service = Self { child, requests, lines, others: VecDeque::new() };
        service.says("ready");
        service
    }

    pub(crate) fn ask(&mut self, request: &str) {
        writeln!(self.requests, "{request}").expect("it reads its requests");
    }

    pub(crate) fn signal(&self, signal: &str) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args([format!("-{signal}"), process]).status();
        assert!(sent.expect("a signal can be sent").success());
    }

    /// Waits for a line that begins like this; gives it.
    pub(crate) fn says(&mut self, start: &str) -> String {
        if let Some(place) = self.others.iter().position(|line| line.starts_with(start)) {
            return self.others.remove(place).expect("it was found");
        }
        loop {
            let line = self.lines.recv_timeout(GUARD);
            let line = line.unwrap_or_else(|_| panic!("no `{start}` after {:?}", self.others));
            if line.starts_with(start) {
                return line;
            }
            self.others.push_back(line);
        }
    }

    /// Ends its input and waits for its end: its code, and the lines that
    /// nobody waited for.
    pub(crate) fn ends(mut self) -> (Option<i32>, Vec<String>) {
        drop(self.requests);
        let mut rest: Vec<String> = self.others.drain(..).collect();
        // The pipe ends with the process.
        while let Ok(line) = self.lines.recv_timeout(GUARD) {
            rest.push(line);
        }
        let ended = self.child.try_wait().expect("it can be waited for");
        if ended.is_none() {
            self.child.kill().expect("it can be killed");
        }
        (self.child.wait().expect("it ends").code(), rest)
    }
}
