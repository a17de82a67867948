//! Subscribers that are broken on the way to the sound bus.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cqrs_core::event_bus::{
    BusEvent, DeliveryError, ErrorStream, Failure, Handler, Interest, Order, Subscriber,
};
use cqrs_core::runtime::Services;

use crate::bus::Shared;
use crate::fault::Fault;

/// The subscriber as the sound bus gets it.
pub(crate) fn wrapped(
    fault: Fault,
    subscriber: Subscriber,
    shared: &Arc<Shared>,
    services: &Arc<Services>,
    errors: ErrorStream,
) -> Subscriber {
    let topics = ["order.unheard", "unheard", "account.unheard"];
    let has_topics = topics.iter().any(|name| subscriber.interest().wants(name));
    let interest = match fault {
        Fault::IgnoresInterests => Interest::everything(),
        Fault::BringsEveryTopic if has_topics => Interest::everything(),
        _ => subscriber.interest().clone(),
    };
    let delivery = subscriber.delivery().clone();
    let order = match fault {
        Fault::TakesTotalOrderForOrderByKey => Order::PerKey,
        Fault::RunsAKeyAtOnce => {
            let next = AtomicU64::new(0);
            Order::PerPartition(Arc::new(move |_| next.fetch_add(1, Ordering::SeqCst)))
        }
        _ => delivery.order,
    };
    let name = Arc::clone(subscriber.name());
    let handler = handler(fault, subscriber, Arc::clone(shared), Arc::clone(services), errors);
    let mut wrapped = Subscriber::new(name, interest, handler).order(order).lanes(delivery.lanes);
    if let Some(capacity) = delivery.capacity {
        wrapped = wrapped.capacity(capacity);
    }
    if let Some(overflow) = delivery.overflow {
        wrapped = wrapped.overflow(overflow);
    }
    wrapped
}

fn handler(
    fault: Fault,
    subscriber: Subscriber,
    shared: Arc<Shared>,
    services: Arc<Services>,
    errors: ErrorStream,
) -> Handler {
    Handler::waiting(move |event: &BusEvent| {
        let (subscriber, event) = (subscriber.clone(), event.clone());
        let (shared, services, errors) =
            (Arc::clone(&shared), Arc::clone(&services), errors.clone());
        async move {
            if shared.dead.load(Ordering::SeqCst) {
                return Ok(());
            }
            let locked = match fault {
                Fault::LocksWhileHandling => Some(shared.lock.lock().await),
                _ => None,
            };
            shared.inside.store(true, Ordering::SeqCst);
            let mut handled = subscriber.handler().handle(&services, &event).await;
            if fault == Fault::DeliversTwice {
                handled = subscriber.handler().handle(&services, &event).await;
            }
            shared.inside.store(false, Ordering::SeqCst);
            drop(locked);
            match handled {
                Ok(()) => Ok(()),
                Err(DeliveryError::OtherType { .. }) if fault == Fault::PassesOverOtherTypes => {
                    Ok(())
                }
                Err(error) => {
                    let panicked = matches!(error, DeliveryError::Panicked { .. });
                    if fault == Fault::DiesOfAPanic && panicked {
                        shared.dead.store(true, Ordering::SeqCst);
                    }
                    if fault == Fault::CountsFailuresTwice {
                        let name = Arc::clone(subscriber.name());
                        errors.report(Failure::new(event, name, DeliveryError::Stopped));
                    }
                    Err(error.into())
                }
            }
        }
    })
}
