//! One log, written by three builds of a program, each with a newer version of
//! the same event.

use crate::workspace::{Workspace, says};

#[test]
fn a_stream_that_three_builds_have_written_loads_in_the_third() {
    let workspace = Workspace::new("three_builds", &["ledger"]);
    let tokio = "tokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }";
    workspace.package("ledger", &["cqrs-core", "cqrs-sqlite", tokio]);
    let log = workspace.path("ledger.db").display().to_string();
    let build = |source: &str| {
        workspace.write("ledger/src/main.rs", source);
        workspace.cargo_with("run -p ledger -q", "", &[&log]).succeeds()
    };
    says(&build(include_str!("evolution/v1.rs")), "6");
    says(&build(include_str!("evolution/v2.rs")), "36");
    says(
        &build(include_str!("evolution/v3.rs")),
        "snapshot at 4\n\
         sqlite: 36 at 5, Some(36) None\n\
         sqlite: 136 at 6, Some(36) Some(100)\n\
         versions [1, 1, 1, 2, 2, 3]\n\
         memory: 136 at 6, Some(36) Some(100)",
    );

    // While the third is being deployed, the first goes on: the state that the
    // third has stored is one that it knows.
    says(&build(include_str!("evolution/v1.rs")), "142");
}
