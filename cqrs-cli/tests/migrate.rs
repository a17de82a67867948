//! The tables of both stores go up and down by the command line, which says
//! what it did and how it ended.

mod support;

use cqrs_core::store::EventStore;
use support::{events, places, run, sqlite, unit};

#[tokio::test]
async fn up_down_and_up_again_on_each_store() {
    for place in places() {
        for _ in 0..2 {
            place.run("migrate up").ends(0);
            place.open().await.commit(unit(1)).await.expect("the tables are whole");
            place.run("migrate down --to 0 --yes").ends(3);
            place.run("migrate down --to 0 --yes --delete-events").ends(0);
            let status = place.run("migrate status --json").ends(0);
            assert!(status.out.contains(r#""current":0,"events":0"#), "{}", status.out);
        }
    }
}

#[tokio::test]
async fn going_up_or_down_twice_changes_nothing_more() {
    for place in places() {
        let first = place.run("migrate up --json").ends(0);
        place.filled(2).await;
        let again = place.run("migrate up --json").ends(0);
        assert!(!first.out.contains(r#""steps":[]"#) && again.out.contains(r#""steps":[]"#));
        assert_eq!(events(&place.open().await).await.len(), 2);
        place.run("migrate down --to 0 --yes --delete-events").ends(0);
        let again = place.run("migrate down --to 0 --yes --json").ends(0);
        assert!(again.out.contains(r#""steps":[]"#), "{}", again.out);
    }
}

#[tokio::test]
async fn without_leave_nothing_goes_down() {
    for place in places() {
        place.run("migrate up").ends(0);
        let before = place.run("migrate status").ends(0).out;
        place.run("migrate down --to 0").ends(5);
        place.run("migrate down").ends(5);
        assert_eq!(place.run("migrate status").ends(0).out, before);
        place.filled(1).await;
        // What would be refused is refused at once.
        place.run("migrate down --to 0").ends(3);
        place.run("migrate down --to 0 --delete-events").ends(5);
        assert_eq!(events(&place.open().await).await.len(), 1);
    }
}

#[tokio::test]
async fn one_step_is_taken_back_when_nothing_is_said() {
    for place in places() {
        place.run("migrate up").ends(0);
        place.filled(1).await;
        let json = place.run("migrate down --yes --json").ends(0).out;
        assert_eq!(json.matches(r#""number""#).count(), 1, "{json}");
        place.run("migrate up --to 1").ends(0);
        assert_eq!(events(&place.open().await).await.len(), 1);
    }
}

#[test]
fn what_the_command_line_says_is_what_it_said_before() {
    let place = sqlite();
    let mut said = String::new();
    for command in [
        "migrate status",
        "migrate up --json",
        "migrate up",
        "migrate down --to 0",
        "migrate down --to 0 --json",
        "migrate down --to 0 --yes",
        "migrate up",
        "migrate status --json",
        "migrate status",
        "migrate up --to 99",
        "migrate up --to 99 --json",
    ] {
        said += &format!("$ cqrs {command}\n{}\n", place.run(command).said());
    }
    insta::assert_snapshot!(said);
}

#[test]
fn the_script_is_printed_without_a_store() {
    let folder = tempfile::tempdir().expect("there is room");
    for (store, begins) in
        [("sqlite:log.db", "BEGIN IMMEDIATE;"), ("postgres://nowhere/db", "CREATE SCHEMA")]
    {
        let said = run(folder.path(), &["migrate", "script", "--store", store]).ends(0);
        assert!(said.out.trim_start().starts_with(begins), "{}", said.out);
        let json = run(folder.path(), &["migrate", "script", "--store", store, "--json"]).ends(0);
        assert!(json.out.starts_with(r#"{"did":"script","statements":""#), "{}", json.out);
    }
    assert!(!folder.path().join("log.db").exists());
}

#[tokio::test]
async fn a_log_of_somebody_else_or_of_a_later_release_is_refused() {
    let place = sqlite();
    let file = place.folder.path().join("log.db");
    std::fs::write(&file, "no database, but longer than the header of one is".repeat(99))
        .expect("it can be written");
    place.run("migrate up").ends(4);
    std::fs::remove_file(&file).expect("it can be removed");
    for command in ["export", "backup log.jsonl"] {
        place.run(command).ends(3);
        assert!(!file.exists(), "{command} makes no log");
    }
    let nowhere = ["migrate", "status", "--store", "postgres://127.0.0.1:1/db"];
    run(place.folder.path(), &nowhere).ends(1);
}

#[test]
fn a_command_line_that_is_not_understood_ends_with_2() {
    let folder = tempfile::tempdir().expect("there is room");
    for args in [
        "migrate",
        "migrate sideways --store sqlite:log.db",
        "migrate up",
        "migrate up --store log.db",
        "migrate up --store sqlite:log.db --to -1",
        "migrate status --store postgres:nonsense",
        "migrate status --store postgres://h/db --schema Not-A-Name",
        "migrate down --store sqlite:log.db --to 99 --yes",
        "import --store sqlite:log.db --until-time yesterday",
        "import --store sqlite:log.db --until-position 1 --until-time 2026-01-01T00:00:00Z",
    ] {
        let ran = run(folder.path(), &args.split(' ').collect::<Vec<_>>()).ends(2);
        assert!(ran.out.is_empty() && !ran.error.is_empty(), "{args}: {ran:?}");
    }
    run(folder.path(), &["--help"]).ends(0);
}

#[test]
fn a_password_is_never_written() {
    let folder = tempfile::tempdir().expect("there is room");
    for json in [&["--json"][..], &[]] {
        let store = ["migrate", "status", "--store", "postgres://u:hunter2@127.0.0.1:1/db"];
        let ran = run(folder.path(), &[&store, json].concat()).ends(1);
        assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");
    }
}
