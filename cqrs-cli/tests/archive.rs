//! Logs go out and come in by the command line.

mod support;

use support::{events, places, sqlite, unit};

use cqrs_core::store::EventStore;

#[tokio::test]
async fn a_backup_is_restored_into_each_store_as_it_was() {
    for from in places() {
        from.filled(7).await;
        from.run("backup log.jsonl").ends(0);
        let written = from.folder.path().join("log.jsonl");
        for to in places() {
            std::fs::copy(&written, to.folder.path().join("log.jsonl")).expect("it is copied");
            to.run("verify log.jsonl --store x").ends(2);
            to.run("restore log.jsonl").ends(5);
            to.run("export").ends(3);
            to.run("restore log.jsonl --yes").ends(0);
            let (there, here) = (to.open().await, from.open().await);
            assert_eq!(events(&there).await, events(&here).await);
            // A request that is repeated takes effect once.
            assert!(there.commit(unit(3)).await.expect("it is known").is_repeated());
            // So does the restore.
            let again = to.run("restore log.jsonl --yes --json").ends(0);
            assert!(again.out.contains(r#""units":7,"repeated":7"#), "{}", again.out);
        }
    }
}

#[tokio::test]
async fn a_log_is_restored_to_a_position_or_a_time() {
    let from = sqlite();
    from.filled(7).await;
    from.run("backup log.jsonl").ends(0);
    let written = from.folder.path().join("log.jsonl");
    for (point, expected) in [
        ("--until-position 4", 4),
        ("--until-position 0", 0),
        ("--until-time 2023-11-14T22:13:23Z", 3),
        ("--until-time 2099-01-01T00:00:00Z", 7),
    ] {
        for command in ["restore log.jsonl --yes", "import log.jsonl"] {
            let to = sqlite();
            std::fs::copy(&written, to.folder.path().join("log.jsonl")).expect("it is copied");
            to.run(&format!("{command} {point}")).ends(0);
            assert_eq!(events(&to.open().await).await.len(), expected, "{command} {point}");
        }
    }
}

#[tokio::test]
async fn what_goes_to_the_standard_output_is_an_archive_and_nothing_else() {
    let from = sqlite();
    from.filled(3).await;
    let exported = from.run("export --json").ends(0);
    assert!(exported.error.contains(r#""did":"export""#), "{}", exported.error);
    let verified = cqrs_archive::verify(exported.out.as_bytes()).await.expect("it is whole");
    assert_eq!(verified.events, 3);
}

#[tokio::test]
async fn an_archive_comes_in_by_the_standard_input() {
    let from = sqlite();
    from.filled(3).await;
    let archive = from.run("export").ends(0).out;
    let to = sqlite();
    let on = |args: &str| {
        let args: Vec<_> = args.split_whitespace().collect();
        support::run_on(to.folder.path(), &args, archive.as_bytes())
    };
    for verify in ["verify", "verify -"] {
        let said = on(verify).ends(0).out;
        assert!(said.starts_with("-: is whole, 3 events in 3 units"), "{said}");
    }
    on("import --store sqlite:log.db").ends(0);
    assert_eq!(events(&to.open().await).await, events(&from.open().await).await);
    let cut = support::run_on(to.folder.path(), &["verify"], &archive.as_bytes()[..200]).ends(4);
    let said = "error: -: the archive ends after line 1 without its last line: it was cut off\n";
    assert_eq!(cut.error, said);
}

#[tokio::test]
async fn what_is_restored_and_what_is_a_backup_are_files_whatever_their_names() {
    let place = sqlite();
    place.filled(2).await;
    let refused = place.run("restore - --yes").ends(1);
    assert!(refused.error.starts_with("error: -: cannot be opened"), "{}", refused.error);
    place.run("backup -").ends(0);
    assert!(place.folder.path().join("-").exists());
    place.run("restore - --yes").ends(0);
    place.run("backup -").ends(5);
    // The standard output is no file that could be replaced.
    let exported = place.run("export").ends(0).out;
    assert!(exported.starts_with("{\"archive\":"), "{exported}");
    place.run("export --out ./-").ends(5);
    let verified = support::run(place.folder.path(), &["verify", "./-"]).ends(0);
    assert!(verified.out.starts_with("./-: is whole, 2 events"), "{}", verified.out);
}

#[tokio::test]
async fn damage_ends_with_4_and_brings_nothing_in() {
    let from = sqlite();
    from.filled(3).await;
    from.run("backup log.jsonl").ends(0);
    let file = from.folder.path().join("log.jsonl");
    let whole = std::fs::read_to_string(&file).expect("it can be read");
    let changed = whole.replacen("\\\"n\\\":2", "\\\"n\\\":5", 1);
    let cut = whole[..whole.len() - 9].to_owned();
    let newer = whole.replacen("\"format\":1", "\"format\":9", 1);
    for (text, code) in [(changed, 4), (cut, 4), ("no archive\n".to_owned(), 4), (newer, 3)] {
        assert_ne!(text, whole);
        let to = sqlite();
        std::fs::write(to.folder.path().join("log.jsonl"), text).expect("it can be written");
        support::run(to.folder.path(), &["verify", "log.jsonl"]).ends(code);
        to.run("restore log.jsonl --yes").ends(code);
        assert!(!to.folder.path().join("log.db").exists(), "it made a log");
    }
    from.run("restore missing.jsonl --yes").ends(1);
}

#[tokio::test]
async fn a_log_that_holds_something_else_is_refused() {
    let (from, to) = (sqlite(), sqlite());
    from.filled(3).await;
    from.run("backup log.jsonl").ends(0);
    std::fs::copy(from.folder.path().join("log.jsonl"), to.folder.path().join("log.jsonl"))
        .expect("it is copied");
    // Other events in the same streams.
    let store = to.open().await;
    for n in 10..13 {
        store.commit(unit(n)).await.expect("it commits");
    }
    drop(store);
    to.run("restore log.jsonl --yes").ends(3);
    assert_eq!(events(&to.open().await).await.len(), 3);
}

#[tokio::test]
async fn a_backup_replaces_a_file_only_with_leave() {
    let place = sqlite();
    place.filled(1).await;
    let file = place.folder.path().join("log.jsonl");
    std::fs::write(&file, "precious").expect("it can be written");
    place.run("backup log.jsonl").ends(5);
    place.run("export --out log.jsonl").ends(5);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "precious");
    place.run("backup log.jsonl --yes").ends(0);
    assert!(std::fs::read_to_string(&file).expect("it is there").contains("\"archive\""));
    std::fs::write(&file, "precious").expect("it can be written");
    place.run("export --out log.jsonl --yes").ends(0);
    assert!(std::fs::read_to_string(&file).expect("it is there").contains("\"archive\""));
}

#[tokio::test]
async fn what_the_command_line_says_is_what_it_said_before() {
    let place = sqlite();
    place.filled(2).await;
    let mut said = String::new();
    for command in [
        "backup log.jsonl --json",
        "backup log.jsonl",
        "export --out other.jsonl",
        "restore log.jsonl",
        "restore log.jsonl --json",
        "restore log.jsonl --yes",
        "import log.jsonl --until-position 1 --json",
        "import missing.jsonl",
        "import missing.jsonl --json",
    ] {
        said += &format!("$ cqrs {command}\n{}\n", place.run(command).said());
    }
    let verified = support::run(place.folder.path(), &["verify", "log.jsonl", "--json"]);
    said += &format!("$ cqrs verify log.jsonl --json\n{}\n", verified.said());
    insta::assert_snapshot!(said);
}
