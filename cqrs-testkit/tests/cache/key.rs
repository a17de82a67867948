//! Nobody is answered with another's row.

use cqrs_core::cache::{Audience, CacheOptions, KeyParts, QueryCache, Stamp, Terms};
use cqrs_core::message::SchemaVersion;
use cqrs_core::prelude::*;
use cqrs_core::{ActorId, TenantId};
use cqrs_testkit::ManualClock;
use proptest::prelude::*;

use crate::{ask, now};

#[derive(Query, Clone, Debug, PartialEq)]
#[query(output = String)]
struct Search {
    text: String,
    limit: Option<u32>,
    deep: bool,
}

#[derive(Query)]
#[query(output = u64)]
struct Near {
    latitude: f64,
}

type Asked = (String, u32, String, Option<Option<String>>, Search);

fn bytes((name, version, tenant, audience, search): &Asked) -> Vec<u8> {
    let (tenant, version) = (TenantId::new(tenant.as_str()), SchemaVersion::new(*version));
    let actor = audience.as_ref().map(|actor| actor.as_ref().map(|one| ActorId::new(one.as_str())));
    let audience = match &actor {
        None => Audience::Everybody,
        Some(actor) => Audience::Caller(actor.as_ref()),
    };
    let parts = KeyParts::named(name, version, &tenant, audience);
    parts.with(search, |key| key.as_bytes().to_vec()).expect("text is JSON")
}

/// Few letters, so that parts run into each other if they can.
fn asked() -> impl Strategy<Value = Asked> {
    let text = || "[1:,@*;a\"{-]{0,3}";
    let search = (text(), prop::option::of(0_u32..3), any::<bool>());
    let search = search.prop_map(|(text, limit, deep)| Search { text, limit, deep });
    (text(), 1_u32..12, text(), prop::option::of(prop::option::of(text())), search)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_keys_have_the_same_bytes_only_if_everything_is_the_same(a in asked(), b in asked()) {
        prop_assert_eq!(a == b, bytes(&a) == bytes(&b));
    }

    #[test]
    fn a_change_of_any_one_part_makes_another_key(a in asked(), b in asked(), part in 0_usize..5) {
        let mut changed = a.clone();
        match part {
            0 => changed.0 = b.0,
            1 => changed.1 = b.1,
            2 => changed.2 = b.2,
            3 => changed.3 = b.3,
            _ => changed.4 = b.4,
        }
        prop_assert_eq!(a == changed, bytes(&a) == bytes(&changed));
    }
}

#[test]
fn each_caller_and_tenant_gets_an_answer_of_its_own() {
    let (cache, clock) = (QueryCache::new(CacheOptions::new()), ManualClock::new());
    let search = Search { text: "mine".into(), limit: None, deep: false };
    let tenants = ["", "acme", "acm"].map(TenantId::new);
    let actors = [None, Some("ann"), Some("an")].map(|name| name.map(ActorId::new));
    let run = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");

    let mut keys = Vec::new();
    for tenant in &tenants {
        keys.push(KeyParts::of::<Search>(tenant, Audience::Everybody));
        for actor in &actors {
            keys.push(KeyParts::of::<Search>(tenant, Audience::Caller(actor.as_ref())));
        }
    }
    for (answer, parts) in (0..).zip(&keys) {
        let key = parts.with(&search, |key| key.to_key()).expect("text is JSON");
        assert_eq!(run.block_on(ask(&cache, &clock, &key, Terms::new(), answer)), answer);
    }

    for (answer, parts) in (0..).zip(&keys) {
        let found = parts.with(&search, |key| cache.get::<u64>(&key, Stamp::ANY, now(&clock)));
        assert_eq!(found.expect("text is JSON"), Some(answer));
    }
}

#[test]
fn a_query_that_json_cannot_hold_has_no_key() {
    let tenant = TenantId::default();
    let parts = KeyParts::of::<Near>(&tenant, Audience::Everybody);
    assert!(parts.with(&Near { latitude: f64::NAN }, |_| ()).is_err());
    assert!(parts.with(&Near { latitude: 1.5 }, |_| ()).is_ok());
}

#[test]
fn a_key_that_is_made_while_another_is_looked_at_leaves_it_alone() {
    let tenant = TenantId::default();
    let parts = KeyParts::of::<Near>(&tenant, Audience::Everybody);
    let near = |latitude| Near { latitude };
    let (outer, inner) = parts
        .with(&near(1.0), |outer| {
            let inner = parts.with(&near(2.0), |inner| inner.to_key()).expect("numbers are JSON");
            (outer.to_key(), inner)
        })
        .expect("numbers are JSON");
    assert!(outer.as_bytes().ends_with(b"1.0}"));
    assert!(inner.as_bytes().ends_with(b"2.0}"));
}

#[test]
fn a_key_shows_no_fields_when_it_is_printed() {
    let tenant = TenantId::default();
    let search = Search { text: "secret".into(), limit: None, deep: false };
    let parts = KeyParts::of::<Search>(&tenant, Audience::Everybody);
    let shown = parts.with(&search, |key| format!("{key:?} {:?}", key.to_key()));
    assert_eq!(shown.expect("text is JSON"), r#"KeyRef("6:Search,") CacheKey("6:Search,")"#);
}
