//! Licences, duplicates and weight of what the crates depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Licences that a user of either of ours can live with.
const ALLOWED: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
    "BSL-1.0",
    "CC0-1.0",
    "0BSD",
    "MIT-0",
];

fn cargo(args: &[&str]) -> Vec<u8> {
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let output = output.expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The packages of this platform; those of others need not be at hand.
fn metadata() -> Value {
    let version = String::from_utf8_lossy(&cargo(&["-vV"])).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.expect("cargo names its host");
    let platform = ["--filter-platform", host];
    let args = [&["metadata", "--format-version", "1", "--offline"], &platform[..]].concat();
    serde_json::from_slice(&cargo(&args)).expect("cargo metadata is JSON")
}

/// Whether one of the alternatives of a licence expression consists of
/// allowed licences alone.
fn is_allowed(expression: &str) -> bool {
    let words = |text: &str| text.replace(['(', ')'], " ");
    let expression = expression.replace('/', " OR ");
    words(&expression).split(" OR ").any(|choice| {
        choice.split(" AND ").all(|licence| {
            let licence = licence.trim().split(" WITH ").next().unwrap_or_default();
            ALLOWED.contains(&licence)
        })
    })
}

#[test]
fn every_dependency_has_a_licence_that_users_can_live_with() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages are listed");
    let refused: Vec<_> = packages
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(is_allowed))
        .map(|package| format!("{} {}", package["name"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
    assert!(packages.len() > 30);
    assert!(
        !is_allowed("GPL-3.0-only")
            && !is_allowed("MIT AND GPL-2.0")
            && is_allowed("GPL-2.0 OR MIT")
    );
}

/// The normal dependencies of a package, all the way down, with the features
/// that the workspace gives it by default.
fn tree(package: &str) -> BTreeSet<String> {
    let what = ["tree", "--offline", "-p", package, "-e", "normal"];
    let form = ["--prefix", "none", "--format", "{p}"];
    let text = String::from_utf8_lossy(&cargo(&[&what[..], &form].concat())).into_owned();
    let name = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    text.lines().map(name).filter(|line| !line.is_empty()).collect()
}

#[test]
fn core_with_its_derives_stays_light() {
    let mut tree = tree("cqrs-core");
    tree.retain(|line| !line.starts_with("cqrs-"));
    assert!(tree.len() <= 30, "{} crates: {tree:#?}", tree.len());
}

#[test]
fn no_crate_of_ours_brings_a_library_twice() {
    for package in ["cqrs-core", "cqrs-sqlite", "cqrs-testkit"] {
        let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for line in tree(package) {
            let (name, version) = line.split_once(' ').unwrap_or((&line, ""));
            versions.entry(name.to_owned()).or_default().insert(version.to_owned());
        }
        let twice: Vec<_> = versions.iter().filter(|(_, versions)| versions.len() > 1).collect();
        assert!(twice.is_empty(), "{package}: {twice:?}");
    }
}
