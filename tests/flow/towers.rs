//! Layers of tower around handlers, and the application as a service of tower.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cqrs_core::bus::{Failure, Scope};
use cqrs_core::error::ErrorCode;
use cqrs_core::prelude::*;
use cqrs_core::tower::{Around, Commands, Queries};
use tower::limit::ConcurrencyLimitLayer;
use tower::timeout::TimeoutLayer;
use tower::timeout::error::Elapsed;
use tower::{Service, ServiceBuilder, ServiceExt};

use crate::policies::desk::{Count, Press, Work};
use crate::policies::rig;

const LONG: u64 = 900;

#[tokio::test]
async fn a_call_passes_through_layers_to_its_answer() {
    let layers = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .timeout(Duration::from_secs(5))
        .into_inner();
    let rig = rig(|builder| builder.middleware(Scope::All, Around::new(layers)));

    let pressed = rig.app.execute(Press { failures: 0 }).await.unwrap();
    let rejected = rig.app.execute(Work { millis: 13 }).await.unwrap_err();
    let count = rig.app.query(Count {}).await.unwrap();

    assert_eq!((pressed.value, count), (0, 2));
    assert!(matches!(rejected, CommandError::Rejected(_)), "with its type: {rejected:?}");
}

#[tokio::test]
async fn what_a_limit_sheds_never_reaches_its_handler() {
    let layers = ServiceBuilder::new().load_shed().concurrency_limit(1).into_inner();
    let rig = rig(|builder| builder.middleware(Scope::command::<Work>(), Around::new(layers)));
    let mut first = Box::pin(rig.app.execute(Work { millis: LONG }).into_future());
    assert!(futures_pending(&mut first).await);

    let second = rig.app.execute(Work { millis: 1 }).await.unwrap_err();

    assert_eq!(second.code().as_str(), "refused");
    assert_eq!(rig.desk.runs.load(Ordering::SeqCst), 1);
    rig.clock.advance(Duration::from_millis(LONG));
    first.await.unwrap();
}

#[tokio::test]
async fn a_limit_without_shedding_waits_and_is_shared_by_all_calls() {
    let rig =
        rig(|builder| builder.middleware(Scope::All, Around::new(ConcurrencyLimitLayer::new(1))));
    let mut first = Box::pin(rig.app.execute(Work { millis: LONG }).into_future());
    let mut second = Box::pin(rig.app.execute(Press { failures: 0 }).into_future());
    assert!(futures_pending(&mut first).await);

    assert!(futures_pending(&mut second).await, "all handlers of its scope share one layer");

    assert_eq!(rig.desk.runs.load(Ordering::SeqCst), 1);
    rig.clock.advance(Duration::from_millis(LONG));
    first.await.unwrap();
    second.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_timeout_drops_the_handler_and_is_said_as_the_application_wants() {
    let plain = Around::new(TimeoutLayer::new(Duration::from_millis(10)));
    let said = Around::new(TimeoutLayer::new(Duration::from_millis(10))).errors(|error| {
        if error.is::<Elapsed>() { Ok(Failure::refused("clock", "too late")) } else { Err(error) }
    });

    for (around, code) in [(plain, "cancelled"), (said, "refused")] {
        let rig = rig(|builder| builder.middleware(Scope::All, around));
        let error = rig.app.execute(Work { millis: LONG }).await.unwrap_err();
        assert_eq!(error.code().as_str(), code);
        assert_eq!(rig.desk.overlap.lock().unwrap().0, 0, "the handler is dropped");
        let next = rig.app.execute(Press { failures: 0 }).await;
        assert!(next.is_ok(), "the next call works");
    }
}

#[tokio::test]
async fn an_application_is_a_service_for_one_type_of_message() {
    let rig = rig(|builder| builder);
    let mut presses =
        ServiceBuilder::new().concurrency_limit(2).service(Commands::<Press>::of(&rig.app));
    let mut counts = Queries::<Count>::of(&rig.app);

    let pressed = ServiceExt::<Press>::ready(&mut presses)
        .await
        .unwrap()
        .call(Press { failures: 0 })
        .await
        .unwrap();
    let origin = Origin::new().actor("ada");
    let count = ServiceExt::<(Count, Origin)>::ready(&mut counts)
        .await
        .unwrap()
        .call((Count {}, origin))
        .await
        .unwrap();

    assert_eq!((pressed.value, count), (0, 1));
}

/// Polls once; whether it is still under way.
async fn futures_pending<F: Future + Unpin>(future: &mut F) -> bool {
    let once = std::future::poll_fn(|cx| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending())
    });
    once.await
}

#[allow(dead_code, reason = "a type, not a value, is checked: services can be handed to threads")]
fn can_be_sent(app: &App) -> Arc<dyn Send + Sync> {
    Arc::new(Commands::<Press>::of(app))
}
