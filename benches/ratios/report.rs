//! Rounds in turn, medians, and a table.

use std::time::{Duration, Instant};

/// One line of the table.
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    /// The aim for the ratio.
    pub(crate) aim: &'a str,
    /// What is counted.
    pub(crate) unit: &'a str,
    /// How many of it one round does.
    pub(crate) count: u64,
    pub(crate) rounds: usize,
}

pub(crate) struct Report {
    wanted: Vec<String>,
    header: bool,
}

impl Report {
    pub(crate) fn new(wanted: Vec<String>) -> Self {
        Self { wanted, header: false }
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|part| name.contains(part.as_str()))
    }

    /// Runs both in turn and prints the line. Each closure does one round and
    /// says how long its measured part took.
    pub(crate) fn compare(
        &mut self,
        line: &Line<'_>,
        mut ours: impl FnMut() -> Duration,
        mut by_hand: impl FnMut() -> Duration,
    ) {
        if !self.wants(line.name) {
            return;
        }
        ours();
        by_hand();
        let mut rounds: Vec<(Duration, Duration)> = Vec::new();
        for round in 0..line.rounds {
            // The order alternates, so that neither always runs second.
            let both = if round % 2 == 0 {
                let first = ours();
                (first, by_hand())
            } else {
                let first = by_hand();
                (ours(), first)
            };
            rounds.push(both);
        }
        let ratio =
            median(rounds.iter().map(|(ours, hand)| hand.as_secs_f64() / ours.as_secs_f64()));
        let rate = |times: Vec<Duration>| {
            line.count as f64 / median(times.iter().map(Duration::as_secs_f64))
        };
        let ours = rate(rounds.iter().map(|round| round.0).collect());
        let hand = rate(rounds.iter().map(|round| round.1).collect());
        self.print(line, ratio, ours, hand);
    }

    fn print(&mut self, line: &Line<'_>, ratio: f64, ours: f64, hand: f64) {
        if !self.header {
            println!("| Work | Ratio | Aim | Ours | By hand | |");
            println!("|---|---|---|---|---|---|");
            self.header = true;
        }
        let Line { name, aim, unit, .. } = line;
        println!("| {name} | {ratio:.2} | {aim} | {} | {} | {unit} |", short(ours), short(hand));
    }
}

/// How long a piece of work takes.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    std::hint::black_box(work());
    start.elapsed()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn short(rate: f64) -> String {
    match rate {
        r if r >= 1e6 => format!("{:.2} M/s", r / 1e6),
        r if r >= 1e4 => format!("{:.0} k/s", r / 1e3),
        r => format!("{r:.0} /s"),
    }
}
