//! The third build: the amount has a currency. It reads what the first two have
//! written, by the aggregate, by a projection, and from a store in memory.

use cqrs_core::OperationId;
use cqrs_core::prelude::*;
use cqrs_core::store::{
    EventStore, ExpectedVersion, NewEvent, Operation, ReadRequest, StreamId, UnitOfWork,
};
use cqrs_sqlite::SqliteStore;

cqrs_core::module!();

#[derive(Id)]
struct AccountId(u64);

#[derive(Command)]
struct Deposit {
    account: AccountId,
    amount: i64,
}

#[derive(Event)]
enum AccountEvent {
    #[event(version = 3, upcast(1 => deposited_from_1, 2 as DepositedV2))]
    Deposited { money: Money },
}

#[derive(Value)]
struct Money {
    cents: i64,
    currency: String,
}

#[derive(Value)]
struct DepositedV2 {
    cents: i64,
}

impl From<DepositedV2> for AccountEvent {
    fn from(old: DepositedV2) -> Self {
        Self::Deposited { money: Money { cents: old.cents, currency: "EUR".to_owned() } }
    }
}

/// `account.deposited`, from version 1 to version 2.
fn deposited_from_1(mut event: Untyped) -> Untyped {
    event.rename("amount", "cents");
    event
}

#[derive(Rejection, Debug)]
enum AccountError {}

#[derive(Aggregate, Default)]
#[aggregate(id = AccountId, event = AccountEvent, error = AccountError)]
#[aggregate(snapshot = SnapshotPolicy::every(2))]
struct Account {
    cents: i64,
}

#[command_handlers]
impl Account {
    fn deposit(&self, cmd: &Deposit) -> AccountEvent {
        let money = Money { cents: cmd.amount, currency: "USD".to_owned() };
        AccountEvent::Deposited { money }
    }
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited { money } => self.cents += money.cents,
        }
    }
}

#[derive(Projection, Default)]
#[projection(event = AccountEvent, key = String, row = i64)]
struct ByCurrency;

impl Project for ByCurrency {
    async fn project(
        &self,
        event: &Recorded<AccountEvent>,
        rows: &mut Rows<'_, Self>,
    ) -> Result<(), ProjectionError> {
        let AccountEvent::Deposited { money } = event.data();
        rows.update(money.currency.clone(), |sum| *sum += money.cents).await
    }
}

/// Everything that the application sees.
async fn seen(app: &App) -> Result<String, Box<dyn std::error::Error>> {
    app.catch_up(std::time::Duration::from_secs(30)).await?;
    let root = app.load::<Account>(&AccountId(1)).await?;
    let (euros, dollars) = ("EUR".to_owned(), "USD".to_owned());
    let rows = app.view::<ByCurrency>();
    let (euros, dollars) = (rows.get(&euros).await?, rows.get(&dollars).await?);
    let (cents, version) = (root.state().cents, root.version());
    Ok(format!("{cents} at {version}, {euros:?} {dollars:?}"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).expect("a path is given");
    let store = SqliteStore::open(path).await?;
    let app = App::new(cqrs_core::modules![crate], store.clone())?;
    let stream = StreamId::new("account", "1")?;
    let snapshot = store.snapshot(&stream).await?.ok_or("the second build took a snapshot")?;
    println!("snapshot at {}", snapshot.version());
    println!("sqlite: {}", seen(&app).await?);
    app.execute(Deposit { account: AccountId(1), amount: 100 }).await?;
    println!("sqlite: {}", seen(&app).await?);
    app.shutdown().await;

    // The same events in memory, and no snapshot with them.
    let memory = MemoryStore::new();
    let page = store.read(ReadRequest::stream(stream.clone())).await?;
    let mut versions = Vec::new();
    let mut events = Vec::new();
    for event in page.events() {
        versions.push(event.schema_version().get());
        events.push(
            NewEvent::new(
                event.id(),
                event.event_type().clone(),
                event.schema_version(),
                event.encoding().clone(),
                event.payload().to_vec(),
                event.occurred_at(),
            )
            .with_metadata(&event.metadata()?)?,
        );
    }
    println!("versions {versions:?}");
    let operation = Operation::fresh(OperationId::derived("copy", "1"));
    let work = UnitOfWork::new(operation, Timestamp::EPOCH);
    memory.commit(work.append(stream, ExpectedVersion::NoStream, events)).await?;
    let app = App::new(cqrs_core::modules![crate], memory)?;
    println!("memory: {}", seen(&app).await?);
    Ok(())
}
