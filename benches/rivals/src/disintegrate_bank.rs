use disintegrate::serde::json::Json;
use disintegrate::{Decision, Event, NoSnapshot, StateMutate, StateQuery};
use disintegrate_postgres::{PgDecisionMaker, PgEventStore};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPoolOptions;

use crate::{Bank, NOTE};

#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[stream(AccountEvent, [Deposited])]
enum DomainEvent {
    Deposited {
        #[id]
        account: String,
        cents: i64,
        note: String,
    },
}

#[derive(Default, StateQuery, Clone, Serialize, Deserialize)]
#[state_query(AccountEvent)]
struct Account {
    #[id]
    account: String,
    cents: i64,
}

impl StateMutate for Account {
    fn mutate(&mut self, event: Self::Event) {
        let AccountEvent::Deposited { cents, .. } = event;
        self.cents += cents;
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

struct Deposit {
    account: String,
}

impl Decision for Deposit {
    type Event = DomainEvent;
    type StateQuery = Account;
    type Error = Never;

    fn state_query(&self) -> Account {
        Account { account: self.account.clone(), cents: 0 }
    }

    fn process(&self, state: &Account) -> Result<Vec<DomainEvent>, Never> {
        if state.cents < 0 {
            return Err(Never);
        }
        let (account, note) = (self.account.clone(), NOTE.to_owned());
        Ok(vec![DomainEvent::Deposited { account, cents: 5, note }])
    }
}

pub struct Disintegrate(PgDecisionMaker<DomainEvent, Json<DomainEvent>, NoSnapshot>);

impl Disintegrate {
    /// `None` on a server before PostgreSQL 16, which its statements need.
    pub async fn open(url: &str) -> Option<Self> {
        let pool = PgPoolOptions::new().max_connections(16);
        // Its tables have the names of another's.
        let options = url.parse::<sqlx::postgres::PgConnectOptions>().expect("it is a URL");
        let options = options.options([("search_path", "disintegrate")]);
        let pool = pool.connect_with(options).await.expect("it connects");
        sqlx::query("CREATE SCHEMA disintegrate").execute(&pool).await.expect("it may");
        let store = PgEventStore::try_new(pool, Json::<DomainEvent>::default());
        let store = store.await.ok()?;
        Some(Self(disintegrate_postgres::decision_maker(store, NoSnapshot)))
    }
}

#[async_trait::async_trait]
impl Bank for Disintegrate {
    fn name(&self) -> &'static str {
        "disintegrate-postgres 4.0"
    }

    async fn deposit(&self, account: u64) {
        // Its error is not told apart: another caller was faster.
        while self.0.make(Deposit { account: account.to_string() }).await.is_err() {}
    }
}
