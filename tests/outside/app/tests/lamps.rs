//! The application runs, and a forgotten crate is found.

use app::{HowBright, Lamp, LampError, LampEvent, LampId, SwitchOn};
use cqrs_testkit::Scenario;
use framework::prelude::*;
use framework::registry::Problem;

#[tokio::test]
async fn it_runs() {
    let app = App::new(modules![app, named], MemoryStore::new()).unwrap();
    let lamp = LampId::from(7);
    let done = app.execute(SwitchOn { lamp, percent: 40 }).await.unwrap();
    let again = app.execute(SwitchOn { lamp, percent: 40 }).await.unwrap_err();
    assert_eq!(again.rejection(), Some(&LampError::AlreadyOn));
    let limit = std::time::Duration::from_secs(20);
    app.wait_for(done.receipt.token().unwrap(), limit).await.unwrap();
    assert_eq!(app.query(HowBright { lamp }).await.unwrap(), Some(40));
    assert_eq!(app.query(named::Twice { word: "na".into() }).await.unwrap(), "nana");
}

#[test]
fn a_behaviour_is_a_sentence() {
    let switch_on = SwitchOn { lamp: LampId::from(7), percent: 5 };
    Scenario::of::<Lamp>().when(switch_on).then_events([LampEvent::SwitchedOn { percent: 5 }]);
}

#[test]
fn an_expected_crate_that_is_not_linked_is_a_mistake() {
    let builder = App::builder().modules(modules![app, named]);
    let error = builder.expect_crates(["named", "unnamed"]).verify().unwrap_err();
    assert_eq!(error.problems(), [Problem::MissingCrate { package: "unnamed".into() }]);
}

#[test]
#[should_panic(expected = r#"have registered nothing: ["unnamed"]"#)]
fn the_wiring_test_finds_it_without_a_list() {
    cqrs_testkit::wiring::assert_all_linked(env!("CARGO_PKG_NAME"), &[]);
}
