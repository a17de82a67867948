//! The lock file, as a user meets it: a type changes two levels below an
//! event, in another crate; the messages alone lead to a state that works.

use crate::workspace::{Workspace, says};

const TYPES: &str = "\
use cqrs_core::prelude::*;

pub type Amount = u32;

#[derive(Value, Clone, Debug, PartialEq)]
pub struct Money {
    pub amount: Amount,
}
";

const BANK: &str = "\
use cqrs_core::prelude::*;

#[derive(Value, Clone, Debug, PartialEq)]
pub struct Line {
    pub money: types::Money,
    pub note: Option<String>,
}

#[derive(Event, Clone, Debug, PartialEq)]
pub enum AccountEvent {
    Opened { owner: String },
    Deposited { lines: Vec<Line>, by: String },
}

#[cfg(test)]
mod tests {
    use super::*;
    use cqrs_core::registry::read_again;

    #[test]
    fn deposits_are_deposits() {
        assert_eq!(AccountEvent::TYPES[1].name, \"account.deposited\");
        let _ = read_again::<AccountEvent>;
    }
}
";

fn workspace(name: &str) -> Workspace {
    let workspace = Workspace::new(name, &["types", "bank"]);
    workspace.package("types", &["cqrs-core"]);
    workspace.write("types/src/lib.rs", TYPES);
    workspace.package("bank", &["cqrs-core", "cqrs-testkit", "types = { path = \"../types\" }"]);
    workspace.write("bank/src/lib.rs", BANK);
    workspace.write("bank/tests/schema.rs", "use bank as _;\n\ncqrs_testkit::schema_lock!();\n");
    workspace
}

const TEST: &str = "test -p bank --test schema";

#[test]
fn a_deep_change_does_not_compile_until_it_has_a_version_and_a_step() {
    let workspace = workspace("deep_change");

    // Nothing is recorded yet: everything compiles, and the test says so.
    let text = workspace.cargo(TEST, "").fails();
    says(
        &text,
        "package `bank` has no schema.lock yet\n\
         To accept this: CQRS_SCHEMA=accept cargo test schema_lock",
    );
    workspace.cargo(TEST, "accept").succeeds();
    let lock = "\
schema lock, format 1

# What this package stores: the shape of every version of every type. Commit this file.
# A test compares it with the code and says how to accept a change.

event account.deposited 1
  by: text
  lines: list of struct
    money: struct
      amount: u32
    note: optional text

event account.opened 1
  owner: text

end
";
    assert_eq!(workspace.read("bank/schema.lock"), lock);
    workspace.cargo(TEST, "").succeeds();

    // An alias of another crate, two levels below the event.
    workspace.replace("types/src/lib.rs", "Amount = u32", "Amount = u64");
    let text = workspace.cargo("check", "").fails();
    says(
        &text,
        "error[E0080]: evaluation panicked: the stored shape of event `account.deposited` version 1 \
         has changed: field `lines` was `list of struct` and is another inside\n\
         help: give it `version = 2` and `upcast(1 => function)`; `CQRS_SCHEMA=diff cargo test \
         schema_lock` says what breaks and writes the function\n\
         help: a change that old events survive needs no version: `CQRS_SCHEMA=accept cargo test \
         schema_lock` [CQ801]\n\
         --> bank/src/lib.rs:12:5\n\
         12 |     Deposited { lines: Vec<Line>, by: String },\n\
         |     ^^^^^^^^^ evaluation of `_::_` failed here",
    );
    assert_eq!(text.matches("error[").count(), 1, "{text}");

    // A wider number is one that old events survive.
    let text = workspace.cargo(TEST, "diff").succeeds();
    says(
        &text,
        "what package `bank` stores differs from its schema.lock\n\
         event `account.deposited` version 1 (bank/src/lib.rs:12) has another shape than recorded\n\
         - `lines.[].money.amount` was u32 and is u64\n\
         The change is compatible backwards: new code reads old data, not the reverse.\n\
         Old events are read as they are: the change needs no new version.",
    );

    // A text in its place is not.
    workspace.replace("types/src/lib.rs", "Amount = u64", "Amount = String");
    workspace.cargo("check", "").fails();
    let text = workspace.cargo(TEST, "accept").fails();
    says(
        &text,
        "this is not accepted, and nothing is written\n- `lines.[].money.amount` was u32 and is text: old data fails",
    );
    assert_eq!(workspace.read("bank/schema.lock"), lock);

    // A new field at the top, and no step.
    workspace.replace("types/src/lib.rs", "Amount = String", "Amount = u32");
    workspace.replace("bank/src/lib.rs", "by: String }", "by: String, currency: String }");
    let text = workspace.cargo("check", "").fails();
    says(
        &text,
        "error[E0080]: evaluation panicked: the stored shape of event `account.deposited` version 1 \
         has changed: field `currency` is new",
    );
    let text = workspace.cargo(TEST, "diff").succeeds();
    says(
        &text,
        "- `currency` is new, and old data does not have it: old data fails\n\
         The change is compatible forwards: old code reads new data, not the reverse.\n\
         #[event(version = 2, upcast(1 => account_deposited_from_1))]\n\
         /// `account.deposited`, from version 1 to version 2.\n\
         fn account_deposited_from_1(mut event: Untyped) -> Untyped {\n\
         event.set(\"currency\", compile_error!(\"currency: a value for old events\"));\n\
         event\n\
         }",
    );

    // The version without the step.
    workspace.replace(
        "bank/src/lib.rs",
        "    Deposited {",
        "    #[event(version = 2)]\n    Deposited {",
    );
    let text = workspace.cargo("check", "").fails();
    says(
        &text,
        "error: add `upcast(1 => function)`: `account.deposited` has no upcaster from version 1",
    );

    // Version 1 is recorded: that it was never stored is not believed.
    workspace.replace("bank/src/lib.rs", "(version = 2)", "(version = 2, first = 2)");
    let text = workspace.cargo("check", "").fails();
    says(
        &text,
        "error: add `upcast(1 => function)` instead: version 1 of `account.deposited` is recorded in \
         schema.lock, so that it may be stored [CQ303]\n\
         --> bank/src/lib.rs:12:34",
    );
    workspace.replace("bank/src/lib.rs", ", first = 2", "");

    // The printed step does not compile before the one value is written.
    let printed = [
        "/// `account.deposited`, from version 1 to version 2.",
        "fn account_deposited_from_1(mut event: Untyped) -> Untyped {",
        "    event.set(\"currency\", compile_error!(\"currency: a value for old events\"));",
        "    event",
        "}\n",
    ]
    .join("\n");
    let before = workspace.read("bank/src/lib.rs");
    workspace.replace(
        "bank/src/lib.rs",
        "#[event(version = 2)]",
        "#[event(version = 2, upcast(1 => account_deposited_from_1))]",
    );
    workspace.replace("bank/src/lib.rs", "#[cfg(test)]", &format!("{printed}\n#[cfg(test)]"));
    let text = workspace.cargo("check", "").fails();
    says(&text, "error: currency: a value for old events");
    assert!(text.contains("due to 1 previous error"), "{text}");
    workspace.write("bank/src/lib.rs", &before);

    // As the messages say, with the one value that nobody else can know.
    workspace.replace(
        "bank/src/lib.rs",
        "#[event(version = 2)]",
        "#[event(version = 2, upcast(1 => account_deposited_from_1))]",
    );
    workspace.replace(
        "bank/src/lib.rs",
        "#[cfg(test)]",
        "/// `account.deposited`, from version 1 to version 2.\n\
         fn account_deposited_from_1(mut event: Untyped) -> Untyped {\n    \
         event.set(\"currency\", \"EUR\");\n    event\n}\n\n#[cfg(test)]",
    );
    workspace.cargo("check", "").succeeds();
    let text = workspace.cargo(TEST, "").fails();
    says(&text, "event `account.deposited` version 2 (bank/src/lib.rs:13) is new");
    workspace.cargo(TEST, "accept").succeeds();
    workspace.cargo("test -p bank", "").succeeds();

    // The old sample is as it was, and is read as the new version.
    let samples = std::fs::read_dir(workspace.path("bank/schema.samples")).expect("it is there");
    let mut samples: Vec<String> = samples
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .collect();
    samples.sort();
    assert_eq!(samples.len(), 3, "{samples:?}");
    let old = workspace.read(&format!("bank/schema.samples/{}", samples[0]));
    assert!(samples[0].starts_with("account.deposited.1."), "{samples:?}");
    assert!(old.contains("\"currency\": \"EUR\""), "{old}");

    // A step that comes to mean something else is noticed.
    workspace.replace("bank/src/lib.rs", "\"EUR\"", "\"USD\"");
    let text = workspace.cargo(TEST, "").fails();
    assert!(text.contains("it is read as something else than before"), "{text}");
    assert!(
        text.contains("\"currency\":\"EUR\"") && text.contains("\"currency\":\"USD\""),
        "{text}"
    );
}

#[test]
fn an_old_type_stays_what_it_was_and_nothing_goes_backwards_or_missing() {
    let workspace = workspace("old_types");
    workspace.replace(
        "bank/src/lib.rs",
        "    Deposited {",
        "    #[event(version = 2, upcast(1 => from_1))]\n    Deposited {",
    );
    workspace.replace(
        "bank/src/lib.rs",
        "#[cfg(test)]",
        "#[derive(Value)]\npub struct DepositedV1 {\n    cents: u64,\n}\n\n\
         fn from_1(old: DepositedV1) -> AccountEvent {\n    \
         AccountEvent::Deposited { lines: vec![], by: old.cents.to_string() }\n}\n\n#[cfg(test)]",
    );
    workspace.cargo(TEST, "accept").succeeds();
    workspace.cargo(TEST, "").succeeds();

    workspace.replace("bank/src/lib.rs", "cents: u64", "cents: u32");
    let text = workspace.cargo("check", "").fails();
    says(
        &text,
        "error[E0080]: evaluation panicked: this is not what version 1 of event `account.deposited` \
         looked like: field `cents` was `u64` and is `u32`\n\
         help: the type for an old version stays as it was; what has changed since belongs into the \
         step to the next version [CQ802]\n\
         12 |     #[event(version = 2, upcast(1 => from_1))]\n\
         |                                      ^^^^^^ evaluation of `_::_` failed here",
    );
    workspace.replace("bank/src/lib.rs", "cents: u32", "cents: u64");

    // A version that goes back.
    workspace.replace("bank/src/lib.rs", "#[event(version = 2, upcast(1 => from_1))]", "");
    let text = workspace.cargo(TEST, "diff").succeeds();
    assert!(text.contains("is at version 1, and version 2 is recorded"), "{text}");
    workspace.cargo(TEST, "accept").fails();

    // A type that is gone, and one that says where it went.
    workspace.write("bank/src/lib.rs", BANK);
    workspace.replace("bank/src/lib.rs", "    Opened { owner: String },\n", "");
    let text = workspace.cargo(TEST, "diff").succeeds();
    says(
        &text,
        "event `account.opened` is recorded, and nothing reads it any more\n\
         Say `#[event(retired(\"account.opened\"))]` on the enum that it was in, or \
         `#[event(formerly(\"account.opened\"))]` on the type that it is now.",
    );
    workspace.replace(
        "bank/src/lib.rs",
        "pub enum AccountEvent {",
        "#[event(retired(\"account.opened\"))]\npub enum AccountEvent {",
    );
    let text = workspace.cargo(TEST, "diff").succeeds();
    assert!(!text.contains("nothing reads it any more"), "{text}");

    // Nothing of version 2 was ever stored after all.
    workspace.cargo(TEST, "replace").succeeds();
    workspace.cargo(TEST, "").succeeds();
    let lock = workspace.read("bank/schema.lock");
    assert!(!lock.contains("account.deposited 2"), "{lock}");
}

#[test]
fn a_lock_file_that_cannot_be_used_stops_the_build_and_says_why() {
    let workspace = workspace("damaged_lock");
    workspace.cargo(TEST, "accept").succeeds();
    workspace.cargo("check", "").succeeds();
    let lock = workspace.read("bank/schema.lock");
    for (damaged, message) in [
        (
            lock.replacen("format 1", "format 2", 1),
            "error: schema.lock has format 2, this version knows 1: use the version that wrote it, \
             or a newer one [CQ803]",
        ),
        (
            lock.replace("event account.opened", "<<<<<<< HEAD\nevent account.opened"),
            "error: schema.lock, line 13: a merge is not finished: keep the entries of both sides, \
             each once [CQ803]",
        ),
        (
            lock[..lock.len() / 2].to_owned(),
            "error: schema.lock ends before its last line `end`: take it from version control again \
             [CQ803]",
        ),
        (
            lock.replace("owner: text", "owner: tekst"),
            "error: schema.lock, line 14: `tekst` is no shape: take it from version control again \
             [CQ803]",
        ),
        (
            lock.replace("account.opened 1", "account.deposited 1"),
            "error: schema.lock, line 13: `event account.deposited 1` stands there twice: keep one \
             [CQ803]",
        ),
    ] {
        workspace.write("bank/schema.lock", &damaged);
        let text = workspace.cargo("check", "").fails();
        says(&text, message);
        assert_eq!(text.matches("error: schema.lock").count(), 1, "{text}");
        workspace.cargo(TEST, "accept").fails();
        assert_eq!(workspace.read("bank/schema.lock"), damaged, "it stays as it is");
    }
    // Edited by hand: what is recorded is what counts.
    workspace.write("bank/schema.lock", &lock.replace("owner: text", "owner: u8"));
    let text = workspace.cargo("check", "").fails();
    assert!(text.contains("field `owner` was `u8` and is `text`"), "{text}");
    // A package that comes without its lock file builds without one.
    std::fs::remove_file(workspace.path("bank/schema.lock")).expect("it was there");
    workspace.cargo("check", "").succeeds();
    let text = workspace.cargo(TEST, "nonsense").fails();
    assert!(text.contains("CQRS_SCHEMA is `nonsense`: it may be `check`, `diff`"), "{text}");
}

#[test]
fn nothing_is_written_where_something_is_not_accepted() {
    let workspace = workspace("all_or_nothing");
    workspace.replace(
        "bank/src/lib.rs",
        "by: String }",
        "by: String, #[schema(opaque = \"a day\")] day: std::time::SystemTime }",
    );
    let text = workspace.cargo(TEST, "accept").fails();
    says(&text, "this is not accepted, and nothing is written");
    let advice = "no value can be made up for \"a day\": add `sample = \"..\"` beside `opaque`";
    assert!(text.contains(advice), "{text}");
    assert!(!workspace.path("bank/schema.lock").exists());
    assert!(!workspace.path("bank/schema.samples").exists());

    let sample = r#""a day", sample = "{\"secs_since_epoch\":0,\"nanos_since_epoch\":0}""#;
    workspace.replace("bank/src/lib.rs", "\"a day\"", sample);
    workspace.cargo(TEST, "accept").succeeds();
    workspace.cargo(TEST, "").succeeds();

    // Only what `accept` can do is proposed.
    let folder = std::fs::read_dir(workspace.path("bank/schema.samples")).expect("it is there");
    let one =
        folder.map(|entry| entry.expect("it can be read").path()).min().expect("one is there");
    std::fs::write(&one, std::fs::read_to_string(&one).expect("text").replace("secs_", "days_"))
        .expect("it can be written");
    let text = workspace.cargo(TEST, "").fails();
    assert!(text.contains("does not have the expected content"), "{text}");
    assert!(!text.contains("To accept this"), "{text}");
}

#[test]
fn schemas_can_be_exported_for_others() {
    let workspace = workspace("export");
    workspace.cargo(TEST, "export").succeeds();
    let schema = workspace.read("bank/target/schema/event.account.deposited.1.json");
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("it is JSON");
    assert_eq!(schema["title"], "event account.deposited 1");
    let money = &schema["properties"]["lines"]["items"]["properties"]["money"];
    assert_eq!(money["properties"]["amount"]["maximum"], u32::MAX);
}
