use esrs::manager::AggregateManager;
use esrs::store::postgres::{PgStore, PgStoreBuilder};
use esrs::{Aggregate, AggregateState};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use crate::{Bank, NOTE};

struct Account;

#[derive(Clone, Serialize, Deserialize)]
enum AccountEvent {
    Deposited { cents: i64, note: String },
}

#[derive(Debug)]
struct Never;

impl std::fmt::Display for Never {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("never")
    }
}

impl std::error::Error for Never {}

#[derive(Default)]
struct State {
    cents: i64,
}

impl Aggregate for Account {
    const NAME: &'static str = "account";
    type State = State;
    type Command = i64;
    type Event = AccountEvent;
    type Error = Never;

    fn handle_command(state: &State, cents: i64) -> Result<Vec<AccountEvent>, Never> {
        if cents <= 0 || state.cents < 0 {
            return Err(Never);
        }
        Ok(vec![AccountEvent::Deposited { cents, note: NOTE.to_owned() }])
    }

    fn apply_event(state: State, AccountEvent::Deposited { cents, .. }: AccountEvent) -> State {
        State { cents: state.cents + cents }
    }
}

pub struct Esrs(AggregateManager<PgStore<Account>>);

impl Esrs {
    pub async fn open(url: &str) -> Self {
        let pool =
            PgPoolOptions::new().max_connections(16).connect(url).await.expect("it connects");
        let store = PgStoreBuilder::new(pool).try_build().await.expect("the table is made");
        Self(AggregateManager::new(store))
    }
}

#[async_trait::async_trait]
impl Bank for Esrs {
    fn name(&self) -> &'static str {
        "esrs 0.18"
    }

    async fn deposit(&self, account: u64) {
        let id = Uuid::from_u128(u128::from(account) + 1);
        loop {
            let state = self.0.load(id).await.expect("it can be read");
            let state = state.unwrap_or_else(|| AggregateState::with_id(id));
            // Its error is not told apart: another caller was faster.
            if let Ok(accepted) = self.0.handle_command(state, 5).await {
                accepted.expect("a deposit is accepted");
                return;
            }
        }
    }
}
