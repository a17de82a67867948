//! The same application as a target of load.

use std::time::Duration;

use cqrs_core::config::{Config, Limit};
use cqrs_core::policy::Principal;
use cqrs_core::prelude::*;
use cqrs_core::runtime::Clock;
use tokio::task::JoinSet;

use super::shipping::{Ship, Track};
use super::{AnyError, Desk, say};

const CALLERS: u64 = 64;

/// Makes so many calls, a command to three queries, and says how that went.
pub(crate) async fn run(mut config: Config, count: u64) -> Result<(), AnyError> {
    config.handlers.entry("Track".to_owned()).or_default().rate_limit = Some(Limit::None);
    let Desk { app, clock, .. } = Desk::open(config)?;
    let start = clock.monotonic();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS.min(count) {
        let (app, clock) = (app.clone(), clock.clone());
        callers.spawn(async move {
            let mut times = Vec::new();
            for call in (caller..count).step_by(CALLERS as usize) {
                let before = clock.monotonic();
                one(&app, call).await?;
                times.push(clock.monotonic() - before);
            }
            Ok::<_, AnyError>(times)
        });
    }
    let mut times = Vec::new();
    while let Some(caller) = callers.join_next().await {
        times.extend(caller??);
    }
    let took = (clock.monotonic() - start).as_secs_f64();
    times.sort_unstable();
    let at = |part: f64| {
        let place = (times.len() as f64 * part) as usize;
        times.get(place.min(times.len().saturating_sub(1))).copied().unwrap_or_default()
    };
    let kept = app.cache_statistics().hits;
    say(format!(
        "{} calls in {took:.2} s: {:.0}/s, {kept} answers were kept ones",
        times.len(),
        times.len() as f64 / took
    ));
    let [p50, p99, p999]: [Duration; 3] = [at(0.5), at(0.99), at(0.999)];
    say(format!("50 % within {p50:.1?}, 99 % within {p99:.1?}, 99.9 % within {p999:.1?}"));
    for one in app.metrics() {
        say(format!("{}: {} calls, 99 % within {:.1?}", one.target.name, one.executions, one.p99));
    }
    if app.shutdown().await.is_orderly() { Ok(()) } else { Err("something was given up".into()) }
}

async fn one(app: &App, call: u64) -> Result<(), AnyError> {
    let parcel = format!("p{}", call / 4);
    if call.is_multiple_of(4) {
        let clerk = Origin::new().principal(Principal::new("carl").role("clerk"));
        app.execute(Ship { parcel: parcel.into() }).from(clerk).await?;
    } else {
        app.query(Track { parcel: parcel.into() }).await?;
    }
    Ok(())
}
