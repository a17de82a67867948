use cqrs_core::prelude::*;

#[derive(Command)]
struct Deposit {
    account: String,
    cents: i64,
}

#[derive(Query)]
#[query(output = i64)]
struct GetBalance {
    account: String,
}

#[derive(Event)]
enum AccountEvent {
    Deposited { cents: i64 },
}

#[derive(Aggregate, Default)]
#[aggregate(id = String, event = AccountEvent, error = std::fmt::Error)]
struct Account {
    cents: i64,
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited { cents } => self.cents += cents,
        }
    }
}

#[derive(Projection, Default)]
#[projection(event = AccountEvent, key = String, row = i64)]
struct Balances;

impl Project for Balances {
    async fn project(
        &self,
        event: &Recorded<AccountEvent>,
        rows: &mut Rows<'_, Self>,
    ) -> Result<(), ProjectionError> {
        let AccountEvent::Deposited { cents } = event.data();
        rows.update(event.stream().key().to_owned(), |balance| *balance += cents).await
    }
}

#[derive(Command)]
struct Sweep {
    account: String,
}

#[derive(Command)]
struct Close {
    account: String,
}

#[derive(Command)]
struct Count {
    account: String,
}

#[derive(Debug)]
struct Refused;

impl From<Refused> for std::fmt::Error {
    fn from(_: Refused) -> Self {
        Self
    }
}

#[command_handlers]
impl Account {
    fn deposit(&self, cmd: &Deposit) -> Result<Vec<AccountEvent>, Refused> {
        if cmd.cents > 0 {
            Ok(vec![AccountEvent::Deposited { cents: cmd.cents }])
        } else {
            Err(Refused)
        }
    }

    fn sweep(&self, _: &Sweep, metadata: &Metadata) -> Option<AccountEvent> {
        metadata.actor.as_ref().map(|_| AccountEvent::Deposited { cents: -self.cents })
    }

    fn close(&self, _: &Close) {}

    fn count(
        &self,
        _: &Count,
    ) -> Result<cqrs_core::aggregate::Returning<[AccountEvent; 1], i64>, Refused> {
        Ok(returning([AccountEvent::Deposited { cents: 0 }], self.cents))
    }
}

trait Mailer: Send + Sync {}

#[query_handler]
async fn balance(
    query: &GetBalance,
    view: View<Balances>,
    accounts: Repository<Account>,
    _mailer: Dep<dyn Mailer>,
    _maybe: Option<Dep<String>>,
    _bus: Bus,
    _ctx: &Context,
    _metadata: &Metadata,
) -> Result<i64, QueryError> {
    let _ = &accounts;
    Ok(view.get(&query.account).await?.unwrap_or(0))
}

fn main() {}
