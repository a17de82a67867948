use std::sync::Arc;

use super::{count, secs};
use crate::resilience::{BreakerSettings, BreakerState, Breakers};

fn threshold(failures: u32) -> BreakerSettings {
    BreakerSettings { failure_threshold: count(failures), ..BreakerSettings::default() }
}

#[test]
fn an_open_breaker_leaves_those_of_other_dependencies_closed() {
    let breakers = Breakers::new(threshold(1));
    let now = secs(1);

    breakers.get("ledger").try_acquire(now).expect("closed").failed(now);

    assert_eq!(breakers.get("ledger").state(now), BreakerState::Open);
    assert_eq!(breakers.get("mail").state(now), BreakerState::Closed);
}

#[test]
fn a_name_leads_to_one_breaker() {
    let breakers = Breakers::default();

    let (first, second) = (breakers.get("ledger"), breakers.get("ledger"));

    assert!(Arc::ptr_eq(&first, &second));
    assert!(breakers.find("mail").is_none());
}

#[test]
fn all_breakers_are_listed_by_name() {
    let breakers = Breakers::default();
    let made = ["mail", "ledger", "rates"].map(|name| (name, breakers.get(name)));

    let listed = breakers.list();

    let names: Vec<_> = listed.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["ledger", "mail", "rates"]);
    for (name, breaker) in made {
        assert!(listed.iter().any(|(other, same)| &**other == name && Arc::ptr_eq(&breaker, same)));
    }
}

#[test]
fn settings_for_all_leave_those_of_their_own_alone() {
    let breakers = Breakers::new(threshold(1));
    let ledger = breakers.get("ledger");
    breakers.configure("mail", threshold(2));

    breakers.configure_all(threshold(3));

    assert_eq!(ledger.settings(), threshold(3));
    assert_eq!(breakers.get("mail").settings(), threshold(2));
    assert_eq!(breakers.get("new").settings(), threshold(3));
}
