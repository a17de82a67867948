//! The README's pieces, put together, are a program that compiles and runs.

use std::path::Path;

/// The code blocks with this label, in order.
fn blocks(readme: &str, label: &str) -> Vec<String> {
    let start = format!("```{label}\n");
    let parts = readme.split(&start).skip(1);
    parts.map(|part| part.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn its_pieces_fit_together() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("there is a README");
    let program = blocks(&readme, "rust,standalone_crate").remove(0);
    let pieces = blocks(&readme, "rs");
    let [in_a_file, on_a_server, test, read_model, handler, guard, policies] = &pieces[..] else {
        panic!("{} pieces", pieces.len())
    };
    let in_memory = "let app = App::new(modules![crate], MemoryStore::new())?;";
    assert!(program.contains(in_memory));
    std::fs::create_dir_all(root.join("target")).expect("a folder can be made");
    let cases = trybuild::TestCases::new();
    for (name, piece, place, own) in [
        ("readme_file", in_a_file, "\"bank.db\"", IN_A_FILE),
        ("readme_server", on_a_server, "\"postgres://bank@db.example/bank\"", ON_A_SERVER),
    ] {
        // The one changed line, on a database that goes away again.
        assert!(piece.starts_with("let app = ") && piece.contains(place), "{piece}");
        let changed = piece.trim().replace(place, "database()");
        let program = program.replace(in_memory, &changed);
        // The test runs as a part of the program.
        let (main, end) = program.split_at(program.rfind("    Ok(())").expect("main ends in Ok"));
        let test = test.replace("#[test]\n", "");
        // In a module that is not listed: what they lead to would change what
        // the program asserts.
        let declared = [handler, guard, policies].map(String::as_str).concat();
        let declared = format!("mod declared {{ use super::*; module!(); {declared} }}");
        let whole =
            [main, "    an_overdraft_is_refused();\n", end, own, &test, read_model, &declared]
                .concat();
        let path = root.join("target").join(name).with_extension("rs");
        std::fs::write(&path, whole).expect("the target folder takes a file");
        cases.pass(path);
    }
}

const IN_A_FILE: &str = r#"
use cqrs_sqlite::SqliteStore;

fn database() -> std::path::PathBuf {
    let folder = tempfile::tempdir().expect("a folder can be made");
    folder.keep().join("bank.db")
}
"#;

const ON_A_SERVER: &str = r#"
use cqrs_postgres::PostgresStore;

fn database() -> String {
    cqrs_testkit::postgres::fresh_database()
}
"#;

#[test]
fn its_event_changes_as_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("there is a README");
    let program = blocks(&readme, "rust,standalone_crate").remove(0);
    let change = blocks(&readme, "rs,evolution").remove(0);
    let lines = blocks(&readme, "rs,tests").remove(0);
    let (variant, step) = change.split_once("\n\n").expect("the step stands behind the variant");
    let swap = |text: String, from: &str, to: &str| {
        assert!(text.contains(from), "the program has no `{from}`");
        text.replace(from, to)
    };
    let program = swap(
        program,
        "    Opened,\n    Deposited { cents: i64 },",
        &format!("    Opened,\n{variant}"),
    );
    let decided = "AccountEvent::Deposited { cents: cmd.cents }";
    let with_currency = "AccountEvent::Deposited { cents: cmd.cents, currency: \"EUR\".into() }";
    let program = swap(program, decided, with_currency);
    let applied = "AccountEvent::Deposited { cents } =>";
    let program = swap(program, applied, "AccountEvent::Deposited { cents, .. } =>");
    // The lines are tests; that they are well-formed is all that is seen here.
    let whole = [program, step.to_owned(), lines].join("\n");
    let path = root.join("target/readme_evolution.rs");
    std::fs::write(&path, whole).expect("the target folder takes a file");
    trybuild::TestCases::new().pass(path);
}

#[test]
fn the_first_program_is_the_example_and_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above");
    let read = |path| std::fs::read_to_string(root.join(path)).expect("it can be read");
    let (readme, example) = (read("README.md"), read("examples/quickstart/main.rs"));
    assert_eq!(blocks(&readme, "rust,standalone_crate"), std::slice::from_ref(&example));
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    assert!(example.lines().filter(is_code).count() <= 75);
    let start = readme.lines().position(|line| line.starts_with("```rust"));
    assert!(start.is_some_and(|line| line < 20));
}
