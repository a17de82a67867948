//! What the compiler catches, a folder for each kind of mistake: programs that
//! must fail with exactly the message beside them, and programs next to them
//! that must compile and run.
//!
//! `TRYBUILD=overwrite` writes the messages anew; read them before they are
//! kept.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn mistakes_have_their_message_and_their_neighbours_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/*/fail/*.rs");
    cases.pass("ui/*/pass/*.rs");
}

#[test]
fn every_code_has_a_page_and_a_case() {
    let declared = codes_in(&read("../cqrs-derive/src/code.rs"), " = ", ";");
    assert!(declared.len() > 20, "the codes are declared elsewhere now: {declared:?}");

    let pages: BTreeSet<String> = files_in("../cqrs-core/docs/errors")
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|page| page.starts_with("CQ"))
        .collect();
    assert_eq!(pages, declared, "pages and codes differ");
    for page in &pages {
        let text = read(&format!("../cqrs-core/docs/errors/{page}.md"));
        assert!(text.starts_with(&format!("# {page}: ")), "{page} has another title");
    }

    // Nothing is known that brings the macros down. What has to do with a lock
    // file needs a package around it, in the suite `packages`.
    let mut cased: BTreeSet<String> = messages().iter().flat_map(|(_, text)| codes(text)).collect();
    cased.extend(codes(&read("packages/schema.rs")));
    let expected: BTreeSet<String> =
        declared.iter().filter(|code| *code != "CQ999").cloned().collect();
    assert_eq!(cased, expected);
}

#[test]
fn every_kind_of_mistake_has_cases() {
    for kind in files_in("ui").iter().filter(|path| path.is_dir()) {
        let fails = kind.join("fail");
        let passes = kind.join("pass");
        assert!(fails.is_dir() || passes.is_dir(), "{} holds no case", kind.display());
    }
}

#[test]
fn our_own_messages_stand_alone() {
    for (path, text) in messages() {
        let ours = text.lines().filter(|line| line.starts_with("error: ")).count();
        let theirs = text.lines().filter(|line| line.starts_with("error[")).count();
        let coded = codes(&text).len();
        // The compiler's own view of a future that is not `Send` has no code.
        if coded > 0 {
            assert_eq!(theirs, 0, "{}: {ours} of ours and more", path.display());
        }
    }
}

/// Each expected message with its file.
fn messages() -> Vec<(PathBuf, String)> {
    let kinds =
        files_in("ui").into_iter().map(|kind| kind.join("fail")).filter(|fail| fail.is_dir());
    let files = kinds.flat_map(|fail| files_in(fail.to_str().expect("paths here are UTF-8")));
    let messages = files.filter(|path| path.extension().is_some_and(|end| end == "stderr"));
    messages
        .map(|path| (path.clone(), read(path.to_str().expect("paths here are UTF-8"))))
        .collect()
}

/// `CQ101` and the like, from their brackets.
fn codes(text: &str) -> BTreeSet<String> {
    let parts = text.split("[CQ").skip(1);
    parts.filter_map(|part| Some(format!("CQ{}", part.split_once(']')?.0))).collect()
}

/// The numbers between two marks, as codes.
fn codes_in(source: &str, before: &str, after: &str) -> BTreeSet<String> {
    let lines = source.lines().filter_map(|line| line.trim().strip_suffix(after));
    let numbers = lines.filter_map(|line| line.rsplit_once(before)?.1.parse::<u16>().ok());
    numbers.map(|number| format!("CQ{number:03}")).collect()
}

fn files_in(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
    let entries = entries.unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    files
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
