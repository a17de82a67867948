//! The test that compares what is linked with what is declared.
//!
//! A dependency that no code names is not linked, and what it would register
//! is missing without a word. The compiler cannot see that; cargo can.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cqrs_core::registry::linked;
use serde::Deserialize;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

/// Asserts that every dependency of the package under test which itself uses
/// `cqrs-core` has registered something in this test program.
///
/// Give `env!("CARGO_PKG_NAME")` as `package`, and in `silent` the packages
/// that use the framework without declaring anything: its own stores are left
/// out already.
///
/// # Panics
///
/// Panics with the names of the packages that are declared and not linked, and
/// when `cargo metadata` cannot be run.
///
/// ```no_run
/// # fn wiring() {
/// // `use billing as _;` or a listed module links the crate `billing`.
/// cqrs_testkit::wiring::assert_all_linked(env!("CARGO_PKG_NAME"), &[]);
/// # }
/// ```
#[track_caller]
pub fn assert_all_linked(package: &str, silent: &[&str]) {
    let graph = package_graph();
    let registered: BTreeSet<&str> = linked().iter().map(|one| one.package).collect();
    let missing = missing(&graph, package, &registered, silent);
    assert!(
        missing.is_empty(),
        "these dependencies of `{package}` use cqrs-core and have registered nothing: {missing:?}; \
         list their modules in `modules![..]`, or name the crate: `use the_crate as _;`"
    );
}

/// Packages by name with the names of their normal dependencies.
type Graph = BTreeMap<String, BTreeSet<String>>;

fn package_graph() -> Graph {
    // Packages of other platforms need not be at hand.
    let version = cargo(&["-vV"]);
    let version = String::from_utf8_lossy(&version).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.expect("cargo names its host");
    let args = ["metadata", "--format-version", "1", "--offline", "--filter-platform", host];
    let metadata: Metadata =
        serde_json::from_slice(&cargo(&args)).expect("cargo metadata has the documented form");
    let names: BTreeMap<&str, &str> =
        metadata.packages.iter().map(|one| (one.id.as_str(), one.name.as_str())).collect();
    let normal =
        |dependency: &&Dependency| dependency.dep_kinds.iter().any(|one| one.kind.is_none());
    metadata
        .resolve
        .nodes
        .iter()
        .map(|node| {
            let dependencies = node.deps.iter().filter(normal);
            let dependencies = dependencies.map(|one| names[one.pkg.as_str()].to_owned());
            (names[node.id.as_str()].to_owned(), dependencies.collect())
        })
        .collect()
}

fn cargo(args: &[&str]) -> Vec<u8> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(args).output().expect("cargo can be run from a test");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {args:?} failed: {text}");
    output.stdout
}

const FRAMEWORK: &[&str] = &["cqrs-core", "cqrs-derive", "cqrs-testkit", "cqrs-sqlite"];

fn missing(
    graph: &Graph,
    package: &str,
    registered: &BTreeSet<&str>,
    silent: &[&str],
) -> Vec<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![package];
    while let Some(name) = open.pop() {
        let Some(dependencies) = graph.get(name) else { continue };
        for dependency in dependencies {
            if reached.insert(dependency.as_str()) {
                open.push(dependency);
            }
        }
    }
    let uses_core = |name: &&&str| graph.get(**name).is_some_and(|deps| deps.contains("cqrs-core"));
    let expected = reached.iter().filter(uses_core);
    let expected = expected.filter(|name| !FRAMEWORK.contains(name) && !silent.contains(name));
    expected.filter(|name| !registered.contains(**name)).map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        edges.iter().map(|(name, to)| ((*name).to_owned(), own(to))).collect()
    }

    #[test]
    fn a_declared_crate_that_registers_nothing_is_found_however_deep() {
        let graph = graph(&[
            ("app", &["bank", "cqrs-core"]),
            ("bank", &["billing", "cqrs-core"]),
            ("billing", &["cqrs-core"]),
            ("elsewhere", &["cqrs-core"]),
        ]);
        let registered = BTreeSet::from(["app", "bank"]);
        assert_eq!(missing(&graph, "app", &registered, &[]), ["billing"]);
        assert!(missing(&graph, "app", &registered, &["billing"]).is_empty());
    }
}
