use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, AggregateError, DomainEvent};
use postgres_es::{PostgresCqrs, postgres_cqrs};
use serde::{Deserialize, Serialize};
use sqlx::Executor;
use sqlx::postgres::PgPoolOptions;

use crate::{Bank, NOTE};

#[derive(Default, Serialize, Deserialize)]
struct Account {
    cents: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum AccountEvent {
    Deposited { cents: i64, note: String },
}

impl DomainEvent for AccountEvent {
    fn event_type(&self) -> String {
        "Deposited".to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

#[derive(Debug)]
struct Never;

impl std::fmt::Display for Never {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("never")
    }
}

impl std::error::Error for Never {}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = i64;
    type Event = AccountEvent;
    type Error = Never;
    type Services = ();

    async fn handle(&mut self, cents: i64, (): &(), sink: &EventSink<Self>) -> Result<(), Never> {
        if cents <= 0 || self.cents < 0 {
            return Err(Never);
        }
        sink.write(AccountEvent::Deposited { cents, note: NOTE.to_owned() }, self).await;
        Ok(())
    }

    fn apply(&mut self, event: AccountEvent) {
        let AccountEvent::Deposited { cents, .. } = event;
        self.cents += cents;
    }
}

pub struct CqrsEs(PostgresCqrs<Account>);

const TABLE: &str = "
CREATE TABLE events (
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    sequence bigint CHECK (sequence >= 0) NOT NULL,
    event_type text NOT NULL,
    event_version text NOT NULL,
    payload json NOT NULL,
    metadata json NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
)";

impl CqrsEs {
    pub async fn open(url: &str) -> Self {
        let pool =
            PgPoolOptions::new().max_connections(16).connect(url).await.expect("it connects");
        pool.execute(TABLE).await.expect("the table is made");
        Self(postgres_cqrs(pool, Vec::new(), ()))
    }
}

#[async_trait::async_trait]
impl Bank for CqrsEs {
    fn name(&self) -> &'static str {
        "cqrs-es 0.5, postgres-es 0.5"
    }

    async fn deposit(&self, account: u64) {
        loop {
            match self.0.execute(&account.to_string(), 5).await {
                Ok(()) => return,
                Err(AggregateError::AggregateConflict) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}
