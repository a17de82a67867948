//! What the examples print is what they are known to print.

use super::program::{Service, program, transcript, without_times};

#[test]
fn the_basic_example_prints_its_transcript() {
    insta::assert_snapshot!(transcript("basic", &[]));
}

#[test]
fn the_improved_example_prints_its_transcript() {
    insta::assert_snapshot!(transcript("improved", &[]));
}

#[test]
fn the_resilient_example_prints_its_transcript() {
    insta::assert_snapshot!(transcript("resilient", &[]));
}

#[test]
fn the_resilient_example_is_a_target_of_load() {
    let text = transcript("resilient", &["--load", "400"]);

    assert!(text.starts_with("400 calls in [time]") || text.starts_with("400 calls in "), "{text}");
    assert!(text.contains("Ship: 100 calls") && text.contains("Track: 300 calls"), "{text}");
}

#[test]
fn the_service_prints_its_transcript() {
    let folder = tempfile::tempdir().expect("there is room");
    let mut service = Service::start(&folder.path().join("orders.db"), &[]);
    let mut lines = Vec::new();
    for (request, answer) in [
        ("ready", "ready"),
        (r#"execute PlaceOrder {"order":"a","cents":100}"#, "200"),
        (r#"execute PlaceOrder {"order":"a","cents":100}"#, "422"),
        (r#"execute PlaceOrder {"order":"b","cents":0}"#, "400"),
        (r#"execute PlaceOrder {"order":"b"}"#, "400"),
        (r#"execute Cancel {"order":"b"}"#, "422"),
        (r#"execute Burn {"order":"b"}"#, "404"),
        (r#"query Placed {"order":"a"}"#, "200"),
        ("tell me", "400"),
    ] {
        service.ask(request);
        lines.push(format!("> {request}\n{}", service.says(answer)));
    }
    lines.push(service.says("invoice"));
    service.signal("TERM");
    let (code, rest) = service.ends();

    assert_eq!(code, Some(0));
    lines.extend(rest);
    insta::assert_snapshot!(without_times(&lines.join("\n")));
}

#[test]
fn the_service_prints_all_mistakes_of_its_configuration_at_once() {
    let folder = tempfile::tempdir().expect("there is room");
    let file = folder.path().join("wrong.toml");
    let text = "[command_bus]\ntimeout = 5\nqueue_size = 9\n\n[retry]\njitter = \"some\"\n";
    std::fs::write(&file, text).expect("there is room");
    let mut service = program("service");
    service.args([folder.path().join("orders.db"), file.clone()]);
    service.env("ORDERS_QUERY_BUS__TIMEOUT", "soon").env("ORDERS_RATE_LIMIT__RATE", "100");
    let output = service.output().expect("the program runs");

    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).expect("it writes text");
    insta::assert_snapshot!(said.replace(&file.display().to_string(), "wrong.toml"));
}
