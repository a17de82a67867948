//! Four processes with four callers each on one log.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use cqrs_postgres::PostgresStore;

use crate::account::{self, Numbers};
use crate::by_hand::Hand;
use crate::report::{Line, Report};
use crate::{Rig, append, runtime};

pub(crate) const WORD: &str = "a-process-of-the-benchmark";
const PROCESSES: u64 = 4;
const CALLERS: u64 = 4;
const APPENDS: u64 = 400;

/// A process that does one round for each line it is sent.
struct Process {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<std::process::ChildStdout>,
}

impl Process {
    fn start(url: &str, how: &str, number: u64) -> Self {
        let program = std::env::current_exe().expect("a program knows where it is");
        let mut child = Command::new(program)
            .args([WORD, url, how, &number.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let orders = child.stdin.take().expect("it has an input");
        let answers = BufReader::new(child.stdout.take().expect("it has an output"));
        let mut process = Self { child, orders, answers };
        process.answer();
        process
    }

    fn order(&mut self) {
        writeln!(self.orders, "go").expect("the process listens");
    }

    fn answer(&mut self) {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the process answers");
        assert_eq!(line, "done\n");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn run(report: &mut Report, rig: &Rig) {
    const NAME: &str = "append, 4 processes of 4 callers";
    if !report.wants(NAME) {
        return;
    }
    drop(rig.store("processes"));
    let start = |how: &str| -> Vec<Process> {
        (0..PROCESSES).map(|number| Process::start(&rig.url, how, number)).collect()
    };
    let (mut ours, mut hands) = (start("ours"), start("by-hand"));
    let round = |processes: &mut [Process]| -> Duration {
        let start = Instant::now();
        processes.iter_mut().for_each(Process::order);
        processes.iter_mut().for_each(Process::answer);
        start.elapsed()
    };
    let count = PROCESSES * CALLERS * APPENDS;
    let line = Line { name: NAME, aim: "≥ 0.75", unit: "events", count, rounds: 9 };
    report.compare(&line, || round(&mut ours), || round(&mut hands));
}

/// The life of such a process.
pub(crate) fn child(arguments: &[String]) {
    let [url, how, number] = arguments else { panic!("a process is told what to do") };
    let number: u64 = number.parse().expect("processes are numbered");
    let (runtime, payload) = (runtime(), account::payload());
    let mut numbers = Numbers((number + 1) << 36);
    let store = (how == "ours").then(|| {
        let options = PostgresStore::options(url).schema("processes");
        runtime.block_on(options.open()).expect("the server keeps its promises")
    });
    let mut hands = Vec::new();
    if store.is_none() {
        for _ in 0..CALLERS {
            hands.push(runtime.block_on(Hand::new(url)));
        }
    }
    println!("done");
    for _ in std::io::stdin().lines() {
        match &store {
            Some(store) => {
                runtime.block_on(append::ours(store, CALLERS, APPENDS, &mut numbers, &payload))
            }
            None => runtime.block_on(append::by_hand(&hands, APPENDS, &payload)),
        };
        println!("done");
    }
}
