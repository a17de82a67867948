//! The service is told to end, or is killed, while calls are under way.

use super::program::Service;

const SLOW: &[(&str, &str)] = &[("PAYMENT_MILLIS", "3000"), ("ORDERS_SHUTDOWN__GRACE", "60s")];
const HANGS: &[(&str, &str)] = &[
    ("PAYMENT_MILLIS", "86400000"),
    ("ORDERS_SHUTDOWN__GRACE", "300ms"),
    ("ORDERS_COMMAND_BUS__TIMEOUT", "24h"),
];

fn place(order: &str) -> String {
    format!(r#"execute PlaceOrder {{"order":"{order}","cents":7}}"#)
}

fn answer(status: u32, order: &str) -> String {
    format!(r#"{status} {{"order":"{order}","cents":7}}"#)
}

/// An answer to what is asked behind a request says that the request has
/// reached the application.
fn reached(service: &mut Service) {
    service.ask("ready");
    service.says("ready");
    service.ask(r#"query Placed {"order":"nobody"}"#);
    service.says(r#"200 {"order":"nobody"}"#);
}

#[test]
fn told_to_end_it_takes_no_more_and_ends_what_it_has_begun() {
    let folder = tempfile::tempdir().expect("there is room");
    let database = folder.path().join("orders.db");
    let mut service = Service::start(&database, SLOW);
    for order in ["a", "b", "c"] {
        service.ask(&place(order));
    }
    reached(&mut service);

    service.signal("TERM");
    service.says("stopping");
    service.ask("ready");
    service.says("not ready");
    service.ask(&place("late"));
    let refused = service.says(&answer(503, "late"));
    let (code, rest) = service.ends();

    assert!(refused.contains("shutting_down"), "{refused}");
    assert_eq!(code, Some(0), "{rest:?}");
    for order in ["a", "b", "c"] {
        assert!(rest.iter().any(|line| line.starts_with(&answer(200, order))), "{order}: {rest:?}");
    }
    assert!(rest.contains(&"stopped, 0 calls and 0 tasks were given up".to_owned()), "{rest:?}");
}

#[test]
fn an_event_handler_goes_on_where_it_was_when_the_service_ended() {
    let folder = tempfile::tempdir().expect("there is room");
    let database = folder.path().join("orders.db");
    let mut first = Service::start(&database, &[]);
    for order in ["a", "b"] {
        first.ask(&place(order));
        first.says(&format!("invoice for {order}"));
    }
    first.signal("TERM");
    assert_eq!(first.ends().0, Some(0));

    let mut second = Service::start(&database, &[]);
    second.ask(&place("c"));
    second.says("invoice for c");
    second.signal("TERM");
    let (code, rest) = second.ends();

    assert_eq!(code, Some(0));
    assert!(!rest.iter().any(|line| line.starts_with("invoice")), "one came again: {rest:?}");
}

#[test]
fn a_handler_that_hangs_is_given_up_after_the_grace_period() {
    let folder = tempfile::tempdir().expect("there is room");
    let database = folder.path().join("orders.db");
    let mut service = Service::start(&database, HANGS);
    service.ask(&place("a"));
    reached(&mut service);
    service.signal("TERM");
    let (code, rest) = service.ends();

    assert_eq!(code, Some(1), "{rest:?}");
    assert!(rest.iter().any(|line| line.starts_with("stopped, 1 calls")), "{rest:?}");
    let mut again = Service::start(&database, &[]);
    again.ask(r#"query Placed {"order":"a"}"#);
    assert_eq!(again.says("200"), r#"200 {"order":"a"}: null"#, "nothing of it was stored");
    again.signal("TERM");
    assert_eq!(again.ends().0, Some(0));
}

#[test]
fn killed_it_has_lost_nothing_that_it_has_acknowledged() {
    let folder = tempfile::tempdir().expect("there is room");
    let database = folder.path().join("orders.db");
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let mut service = Service::start(&database, &[("PAYMENT_MILLIS", "1")]);
        for order in 0..40 {
            service.ask(&place(&format!("{round}-{order}")));
        }
        // The others are under way.
        for _ in 0..10 {
            acknowledged.push(service.says("200"));
        }
        service.signal("KILL");
        let (code, rest) = service.ends();
        assert_eq!(code, None, "it was killed");
        acknowledged.extend(rest.into_iter().filter(|line| line.starts_with("200 ")));
    }

    let mut service = Service::start(&database, &[]);
    for line in &acknowledged {
        let order = line.split('"').nth(3).expect("it names its order");
        service.ask(&format!(r#"query Placed {{"order":"{order}"}}"#));
        assert_eq!(service.says("200"), format!(r#"200 {{"order":"{order}"}}: 7"#));
    }
    service.ask(&place("last"));
    service.says("invoice for last");
    service.signal("TERM");
    assert_eq!(service.ends().0, Some(0));
}
