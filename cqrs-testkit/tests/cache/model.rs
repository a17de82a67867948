//! An answer is given exactly if the key is the same, its time has not passed,
//! nothing has voided it, and the stamp fits.

use std::collections::HashMap;
use std::time::Duration;

use cqrs_core::TenantId;
use cqrs_core::cache::{CacheOptions, Eviction, QueryCache, Stamp, Tag, Terms};
use cqrs_core::store::Position;
use cqrs_testkit::ManualClock;
use proptest::prelude::*;

use crate::{ask, key_in, now};

const TENANTS: [&str; 2] = ["", "acme"];

#[derive(Clone, Debug)]
enum Step {
    Ask { tenant: usize, id: u64, ttl: Option<u64>, stamp: Option<(u64, bool)> },
    Pass(u64),
    Void(Reach),
    Sweep,
}

#[derive(Clone, Debug)]
enum Reach {
    All,
    Query,
    Tenant(usize),
    Part(usize, u64),
    Other,
}

struct Kept {
    answer: u64,
    ends: u64,
    position: u64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let stamp = prop::option::of((0_u64..4, any::<bool>()));
    let ask = (0..2_usize, 0..3_u64, prop::option::of(0..5_u64), stamp)
        .prop_map(|(tenant, id, ttl, stamp)| Step::Ask { tenant, id, ttl, stamp });
    let reach = prop_oneof![
        Just(Reach::All),
        Just(Reach::Query),
        (0..2_usize).prop_map(Reach::Tenant),
        (0..2_usize, 0..3_u64).prop_map(|(tenant, id)| Reach::Part(tenant, id)),
        Just(Reach::Other),
    ];
    let step = prop_oneof![
        8 => ask,
        2 => (0..4_u64).prop_map(Step::Pass),
        2 => reach.prop_map(Step::Void),
        1 => Just(Step::Sweep),
    ];
    prop::collection::vec(step, 1..60)
}

fn tag(reach: &Reach) -> Tag {
    let tenant = |index: usize| TenantId::new(TENANTS[index]);
    match reach {
        Reach::All => Tag::all(),
        Reach::Query => Tag::query("GetUser"),
        Reach::Tenant(index) => Tag::in_tenant("GetUser", &tenant(*index)),
        Reach::Part(index, id) => Tag::part("GetUser", &tenant(*index), &id.to_string()),
        Reach::Other => Tag::query("GetUse"),
    }
}

fn is_within(reach: &Reach, (tenant, id): (usize, u64)) -> bool {
    match *reach {
        Reach::All | Reach::Query => true,
        Reach::Tenant(one) => one == tenant,
        Reach::Part(one, part) => (one, part) == (tenant, id),
        Reach::Other => false,
    }
}

async fn run(eviction: Eviction, steps: &[Step]) -> Result<(), TestCaseError> {
    let options = CacheOptions::new().eviction(eviction).ttl(Duration::from_secs(6));
    let (cache, clock) = (QueryCache::new(options), ManualClock::new());
    let (mut model, mut time) = (HashMap::<(usize, u64), Kept>::new(), 0);
    for (step, fresh) in steps.iter().zip(1..) {
        match step {
            &Step::Ask { tenant, id, ttl, stamp } => {
                let part = id.to_string();
                let parts = [part.as_str()];
                let mut terms = Terms::new().parts(&parts);
                if let Some(ttl) = ttl {
                    terms = terms.ttl(Duration::from_secs(ttl));
                }
                let (position, exact) = stamp.unwrap_or_default();
                if stamp.is_some() {
                    let position = Position::new(position);
                    let exactly = [Stamp::at_least, Stamp::exactly][usize::from(exact)];
                    terms = terms.stamp(exactly(position));
                }
                let fits = |kept: &&Kept| {
                    let fits =
                        if exact { kept.position == position } else { kept.position >= position };
                    time < kept.ends && fits
                };
                let expected = model.get(&(tenant, id)).filter(fits).map(|kept| kept.answer);

                let answer = ask(&cache, &clock, &key_in(TENANTS[tenant], id), terms, fresh).await;

                prop_assert_eq!(answer, expected.unwrap_or(fresh));
                let ends = time + ttl.unwrap_or(6);
                if expected.is_none() && ends > time {
                    model.insert((tenant, id), Kept { answer: fresh, ends, position });
                }
            }
            Step::Pass(seconds) => {
                time += seconds;
                clock.advance(Duration::from_secs(*seconds));
            }
            Step::Void(reach) => {
                model.retain(|&key, _| !is_within(reach, key));
                cache.invalidate(&tag(reach));
            }
            Step::Sweep => {
                model.retain(|_, kept| time < kept.ends);
                cache.sweep(now(&clock));
                prop_assert_eq!(cache.len(), model.len());
            }
        }
        prop_assert_eq!(cache.weight(), cache.len() as u64);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_those_of_the_model(steps in steps(), lru in any::<bool>()) {
        let eviction = if lru { Eviction::Lru } else { Eviction::Adaptive };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
        runtime.block_on(run(eviction, &steps))?;
    }
}
