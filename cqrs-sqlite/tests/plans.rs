//! The statements that are shipped use the keys that they were written for.

use cqrs_sqlite::MIGRATIONS;
use rusqlite::Connection;

/// What may be walked whole: tables of one row.
const ONE_ROW: [&str; 2] = ["SCAN indexed", "SCAN log"];

#[test]
fn no_statement_walks_a_table_or_sorts() {
    let database = Connection::open_in_memory().expect("a database");
    for migration in MIGRATIONS {
        database.execute_batch(migration.up).expect("the tables are made");
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sql/read");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).expect("the statements") {
        let path = file.expect("a statement").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let statement = std::fs::read_to_string(&path).expect("its text");
        let plan = plan(&database, &statement);
        for step in plan.iter().filter(|step| !ONE_ROW.contains(&step.as_str())) {
            // The newest event and the head are read off the end of the log,
            // a subquery of one row is walked.
            let walks = step.starts_with("SCAN")
                && !matches!(name.as_str(), "last_recorded" | "head" | "place")
                && !step.contains("CONSTANT ROW")
                && !step.contains("(subquery-");
            assert!(!walks, "{name}: {step}");
            assert!(!step.contains("TEMP B-TREE"), "{name}: {step}");
        }
        seen += 1;
    }
    assert!(seen > 30);
}

#[test]
fn reads_by_stream_and_by_list_search_their_key_and_the_log_by_position() {
    let database = Connection::open_in_memory().expect("a database");
    for migration in MIGRATIONS {
        database.execute_batch(migration.up).expect("the tables are made");
    }
    let steps = plan(&database, include_str!("../sql/read/stream_forward.sql")).join("\n");
    assert!(
        steps.contains("SEARCH s USING PRIMARY KEY (stream=? AND version>? AND version<?)"),
        "{steps}"
    );
    assert!(steps.contains("SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"), "{steps}");
    let steps = plan(&database, include_str!("../sql/read/runs_by_tag_backward.sql")).join("\n");
    assert!(
        steps.contains("SEARCH by_tag USING PRIMARY KEY (tag=? AND first>? AND first<?)"),
        "{steps}"
    );
}

fn plan(database: &Connection, statement: &str) -> Vec<String> {
    let mut explain =
        database.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).expect("it prepares");
    let count = explain.parameter_count();
    let nothing = rusqlite::params_from_iter(std::iter::repeat_n(rusqlite::types::Null, count));
    let steps = explain.query_map(nothing, |row| row.get(3)).expect("a plan");
    steps.collect::<Result<_, _>>().expect("its steps")
}
