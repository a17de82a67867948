//! Figures for an exporter, through the `metrics` facade.

use metrics::{counter, gauge};

use crate::PostgresStore;

impl PostgresStore {
    /// Sets the figures of the pool to what is now the case; call it where the
    /// recorder is scraped. Their names stand under
    /// [`Figures`](https://docs.rs/cqrs-core/latest/cqrs_core/policy/struct.Figures.html),
    /// their label is the schema of the log.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), cqrs_postgres::OpenError> {
    /// # let store = cqrs_postgres::PostgresStore::open("postgres://bank@db.example/bank").await?;
    /// store.record_pool();
    /// # Ok(())
    /// # }
    /// ```
    pub fn record_pool(&self) {
        let (status, schema) = (self.pool_status(), self.schema().to_owned());
        gauge!("cqrs_pool_most", "schema" => schema.clone()).set(status.most as f64);
        gauge!("cqrs_pool_open", "schema" => schema.clone()).set(status.open as f64);
        gauge!("cqrs_pool_idle", "schema" => schema.clone()).set(status.idle as f64);
        gauge!("cqrs_pool_waiting", "schema" => schema.clone()).set(status.waiting as f64);
        counter!("cqrs_pool_timeouts_total", "schema" => schema).absolute(status.timed_out);
    }
}
