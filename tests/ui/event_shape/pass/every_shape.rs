use cqrs_core::prelude::*;

#[derive(Event)]
#[event(name = "account.deposited", version = 2, first = 2)]
struct Deposited {
    #[event(tag)]
    account: String,
    #[serde(default, rename = "amount")]
    cents: i64,
}

#[derive(Event)]
struct Nothing;

#[derive(Event)]
struct Empty {}

#[derive(Event)]
enum Never {}

#[derive(Event)]
#[event(prefix = "")]
enum Bare {
    Happened,
}

#[derive(Event)]
enum AccountEvent {
    Opened {
        #[event(tag = "person")]
        owner: String,
        #[event(tag)]
        branch: u32,
        #[serde(default)]
        note: Option<String>,
    },
    Deposited(Deposited),
    #[event(name = "account.gone", version = 3, first = 3)]
    Closed,
    Renamed {},
}

fn main() {
    let names = |types: &[cqrs_core::event::EventType]| {
        types.iter().map(|one| format!("{}@{}", one.name, one.version)).collect::<Vec<_>>()
    };
    assert_eq!(
        names(AccountEvent::TYPES),
        ["account.opened@1", "account.deposited@2", "account.gone@3", "account.renamed@1"]
    );
    assert_eq!(names(Bare::TYPES), ["happened@1"]);
    assert_eq!(names(Nothing::TYPES), ["nothing@1"]);
    assert_eq!(names(Empty::TYPES), ["empty@1"]);
    assert!(Never::TYPES.is_empty());
    let opened = AccountEvent::Opened { owner: "ada".into(), branch: 7, note: None };
    assert_eq!(opened.event_type().name, "account.opened");
    let mut payload = Vec::new();
    opened.encode(&mut payload).unwrap();
    assert_eq!(payload, br#"{"owner":"ada","branch":7,"note":null}"#);
    assert!(opened.tags().is_ok());
}
