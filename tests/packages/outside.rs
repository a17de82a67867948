//! A user's own workspace, built with cargo as the user would.

use std::path::Path;
use std::process::Command;

#[test]
fn a_users_workspace_builds_runs_and_finds_a_forgotten_crate() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above");
    let outside = root.join("tests/outside");
    // The versions that the framework itself was built with; all are at hand.
    std::fs::copy(root.join("Cargo.lock"), outside.join("Cargo.lock")).expect("it can be copied");
    let output = Command::new(env!("CARGO"))
        .args(["test", "--offline", "--workspace"])
        .env("CARGO_TARGET_DIR", root.join("target/outside"))
        .env_remove("RUSTFLAGS")
        .current_dir(&outside)
        .output()
        .expect("cargo runs");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("test it_runs ... ok"), "{out}\n{err}");
    assert!(
        out.contains("test the_wiring_test_finds_it_without_a_list - should panic ... ok"),
        "{out}"
    );
}
