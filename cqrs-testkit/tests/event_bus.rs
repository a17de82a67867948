//! Both flavours pass the suite for event buses.

mod synchronous {
    use std::sync::Arc;

    use cqrs_core::event_bus::SyncBus;
    use cqrs_testkit::event_bus::Wanted;

    cqrs_testkit::event_bus_conformance!(|wanted: Wanted| {
        let builder = SyncBus::builder().services(wanted.services());
        Arc::new(if wanted.is_strict() { builder.strict().build() } else { builder.build() })
    });
}

mod asynchronous {
    use std::sync::Arc;

    use cqrs_core::event_bus::AsyncBus;
    use cqrs_testkit::event_bus::Wanted;

    fn bus(wanted: &Wanted, workers: usize) -> Arc<AsyncBus> {
        let builder = AsyncBus::builder().services(wanted.services()).workers(workers);
        Arc::new(if wanted.is_strict() { builder.strict().build() } else { builder.build() })
    }

    mod with_many_workers {
        use cqrs_testkit::event_bus::Wanted;

        cqrs_testkit::event_bus_conformance!(|wanted: Wanted| super::bus(&wanted, 8));
    }

    mod with_one_worker {
        use cqrs_testkit::event_bus::Wanted;

        cqrs_testkit::event_bus_conformance!(|wanted: Wanted| super::bus(&wanted, 1));
    }
}
