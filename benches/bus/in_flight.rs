//! What ten thousand calls at once hold in memory.

use std::sync::Arc;

use cqrs_core::prelude::*;

use crate::desk::Desk;

mod waiting {
    use std::time::Duration;

    use cqrs_core::prelude::*;

    use crate::desk::Never;

    cqrs_core::module!();

    #[derive(Command)]
    pub(crate) struct Wait {
        pub(crate) millis: u64,
    }

    #[command_handler]
    async fn wait(command: &Wait) -> Result<(), Never> {
        tokio::time::sleep(Duration::from_millis(command.millis)).await;
        Ok(())
    }
}

const CALLS: usize = 10_000;

pub(crate) fn run(runtime: &tokio::runtime::Runtime) {
    let builder = App::builder().modules(modules![waiting]).store(MemoryStore::new());
    let app = builder.provide(Arc::new(Desk::default())).build().expect("it is complete");
    let hold = |calls: usize| {
        // On this thread alone, so that its allocations are all of them.
        let local = tokio::task::LocalSet::new();
        allocation_counter::measure(|| {
            runtime.block_on(local.run_until(async {
                let calls: Vec<_> = (0..calls)
                    .map(|_| {
                        let app = app.clone();
                        tokio::task::spawn_local(async move {
                            app.execute(waiting::Wait { millis: 50 }).await.expect("it ends");
                        })
                    })
                    .collect();
                for call in calls {
                    call.await.expect("it ends");
                }
            }));
        })
    };
    hold(100);
    let held = hold(CALLS);
    println!(
        "| 10,000 calls at once through the default stack | {:.0} bytes a call | stated | | |",
        held.bytes_max as f64 / CALLS as f64
    );
}
