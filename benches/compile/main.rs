//! What the macros cost while compiling, against the same types with serde's
//! derives alone: `cargo bench -p benches --bench compile`.
//!
//! Packages of 100 and 1,000 types are written and checked; the time is that of
//! the processor, the least of some runs.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark measures time")]

mod package;
mod source;

use package::Packages;
use source::Kind;

const COUNTS: [usize; 2] = [100, 1_000];
const ROUNDS: usize = 3;

/// A line: ours, what it is compared with, and the aims.
const LINES: [(&str, Kind, Kind, &str, &str); 6] = [
    ("event struct, serde's derives", Kind::EventStruct, Kind::SerdeStruct, "≤ 1", "≤ 1.3"),
    ("locked event struct, serde's derives", Kind::LockedStruct, Kind::SerdeStruct, "≤ 1", "≤ 1.3"),
    ("event of an enum of ten, serde's derives", Kind::EventEnum, Kind::SerdeEnum, "≤ 1", "≤ 1.3"),
    ("value, serde's derives", Kind::Value, Kind::SerdeStruct, "≤ 1", "≤ 1.3"),
    ("command handler, its command alone", Kind::Handler, Kind::Command, "≤ 5", ""),
    ("decision, its command alone", Kind::Decision, Kind::Command, "≤ 5", ""),
];

fn main() {
    let packages = Packages::new();
    println!("| Ours, the counterpart | Types | ms a type beyond it | Aim | Ratio | Aim |");
    println!("|---|---|---|---|---|---|");
    for count in COUNTS {
        let least = packages.check(&Kind::ALL, count, ROUNDS);
        let of = |kind: Kind| least[kind as usize];
        for (name, ours, other, aim, most) in LINES {
            let beyond = (of(ours) - of(other)) * 1_000.0 / count as f64;
            let nothing = of(Kind::Plain);
            let ratio = (of(ours) - nothing) / (of(other) - nothing);
            println!("| {name} | {count} | {beyond:.2} | {aim} | {ratio:.2} | {most} |");
        }
    }
}
