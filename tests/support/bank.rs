//! Accounts with every feature that a suite wants to look at: snapshots,
//! decisions that read metadata, several events, no event, an answer.

use cqrs_core::aggregate::returning;
use cqrs_core::prelude::*;

cqrs_core::module!();

#[derive(Id)]
pub struct AccountId(String);

#[derive(Command)]
pub struct Open {
    pub account: AccountId,
    #[check(required, length(max = 40))]
    pub owner: String,
}

#[derive(Command)]
pub struct Deposit {
    pub account: AccountId,
    #[check(min = 1)]
    pub cents: i64,
}

#[derive(Command)]
pub struct Withdraw {
    pub account: AccountId,
    #[check(min = 1)]
    pub cents: i64,
}

/// Deposits each amount on its own; none is no event.
#[derive(Command)]
pub struct DepositAll {
    pub account: AccountId,
    pub amounts: Vec<i64>,
}

/// Answers with the new balance.
#[derive(Command)]
pub struct Bonus {
    pub account: AccountId,
    pub percent: i64,
}

/// Records who asked and when.
#[derive(Command)]
pub struct Audit {
    pub account: AccountId,
}

/// Panics in the decision.
#[derive(Command)]
pub struct Explode {
    pub account: AccountId,
}

/// Records an event that no store can keep.
#[derive(Command)]
pub struct Corrupt {
    pub account: AccountId,
    pub deep: u32,
}

#[derive(Event, Clone, Debug, PartialEq)]
pub enum AccountEvent {
    Opened {
        #[event(tag)]
        owner: String,
    },
    Deposited {
        cents: i64,
    },
    Withdrawn {
        cents: i64,
    },
    Audited {
        by: Option<String>,
        at: Timestamp,
    },
    Measured {
        value: f64,
    },
    Closed,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AccountError {
    AlreadyOpen,
    NotOpen,
    Overdrawn { by: i64 },
}

impl std::fmt::Display for AccountError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AlreadyOpen => f.write_str("the account is open already"),
            Self::NotOpen => f.write_str("the account is not open"),
            Self::Overdrawn { by } => write!(f, "overdrawn by {by}"),
        }
    }
}

impl std::error::Error for AccountError {}

#[derive(Aggregate, Clone, Debug, Default, PartialEq)]
#[aggregate(
    id = AccountId,
    event = AccountEvent,
    error = AccountError,
    snapshot = SnapshotPolicy::every(10).or_on(&["account.closed"])
)]
pub struct Account {
    pub open: bool,
    pub cents: i64,
    pub audits: u32,
}

#[command_handlers]
impl Account {
    fn open(&self, cmd: &Open) -> Result<AccountEvent, AccountError> {
        ensure!(!self.open, AccountError::AlreadyOpen);
        Ok(AccountEvent::Opened { owner: cmd.owner.clone() })
    }

    fn deposit(&self, cmd: &Deposit) -> Result<AccountEvent, AccountError> {
        ensure!(self.open, AccountError::NotOpen);
        Ok(AccountEvent::Deposited { cents: cmd.cents })
    }

    fn withdraw(&self, cmd: &Withdraw) -> Result<AccountEvent, AccountError> {
        ensure!(self.open, AccountError::NotOpen);
        ensure!(self.cents >= cmd.cents, AccountError::Overdrawn { by: cmd.cents - self.cents });
        Ok(AccountEvent::Withdrawn { cents: cmd.cents })
    }

    fn deposit_all(&self, cmd: &DepositAll) -> Vec<AccountEvent> {
        cmd.amounts.iter().map(|&cents| AccountEvent::Deposited { cents }).collect()
    }

    fn bonus(
        &self,
        cmd: &Bonus,
    ) -> Result<cqrs_core::aggregate::Returning<Option<AccountEvent>, i64>, AccountError> {
        ensure!(self.open, AccountError::NotOpen);
        let cents = self.cents * cmd.percent / 100;
        let event = (cents > 0).then_some(AccountEvent::Deposited { cents });
        Ok(returning(event, self.cents + cents))
    }

    fn audit(&self, _cmd: &Audit, metadata: &Metadata) -> AccountEvent {
        let by = metadata.actor.as_ref().map(ToString::to_string);
        AccountEvent::Audited { by, at: metadata.timestamp }
    }

    fn explode(&self, _cmd: &Explode) -> Option<AccountEvent> {
        panic!("boom")
    }

    fn corrupt(&self, _cmd: &Corrupt) -> AccountEvent {
        AccountEvent::Measured { value: f64::NAN }
    }
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { .. } => self.open = true,
            AccountEvent::Deposited { cents } => self.cents += cents,
            AccountEvent::Withdrawn { cents } => self.cents -= cents,
            AccountEvent::Audited { .. } => self.audits += 1,
            AccountEvent::Measured { .. } => {}
            AccountEvent::Closed => self.open = false,
        }
    }
}

#[derive(Projection, Default)]
#[projection(event = AccountEvent, key = AccountId, row = i64)]
pub struct Balances;

impl Project for Balances {
    async fn project(
        &self,
        event: &Recorded<AccountEvent>,
        rows: &mut Rows<'_, Self>,
    ) -> Result<(), ProjectionError> {
        let cents = match event.data() {
            AccountEvent::Deposited { cents } => *cents,
            AccountEvent::Withdrawn { cents } => -cents,
            AccountEvent::Opened { .. } => 0,
            _ => return Ok(()),
        };
        rows.update(event.aggregate_id::<AccountId>()?, |balance| *balance += cents).await
    }
}

#[derive(Query)]
#[query(output = Option<i64>)]
pub struct BalanceOf {
    pub account: AccountId,
}

#[query_handler]
pub async fn balance_of(
    query: &BalanceOf,
    balances: View<Balances>,
) -> Result<Option<i64>, QueryError> {
    Ok(balances.get(&query.account).await?)
}

/// Moves money between two accounts in one unit of work.
#[derive(Command)]
pub struct Transfer {
    #[id]
    pub from: AccountId,
    pub to: AccountId,
    #[check(min = 1)]
    pub cents: i64,
}

#[command_handler]
pub async fn transfer(
    cmd: &Transfer,
    accounts: Repository<Account>,
) -> Result<(), CommandError<AccountError>> {
    let mut from = accounts.load(&cmd.from).await?;
    let mut to = accounts.load(&cmd.to).await?;
    let withdraw = Withdraw { account: cmd.from.clone(), cents: cmd.cents };
    let deposit = Deposit { account: cmd.to.clone(), cents: cmd.cents };
    from.decide(|account| account.withdraw(&withdraw)).map_err(CommandError::Rejected)?;
    to.decide(|account| account.deposit(&deposit)).map_err(CommandError::Rejected)?;
    accounts.save_all(&mut [&mut from, &mut to]).await?;
    Ok(())
}

/// Sends two commands on, to show what they inherit.
#[derive(Command)]
pub struct AuditTwice {
    pub account: AccountId,
}

#[command_handler]
pub async fn audit_twice(cmd: &AuditTwice, bus: Bus) -> Result<(), CommandError<AccountError>> {
    bus.execute(Audit { account: cmd.account.clone() }).await?;
    bus.execute(Audit { account: cmd.account.clone() }).await?;
    Ok(())
}
