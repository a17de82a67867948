//! The account that all lines share, with a payload of about 200 bytes.

use cqrs_core::message::{Codec, EventId, Json, SchemaVersion};
use cqrs_core::prelude::*;
use cqrs_core::store::{ExpectedVersion, NewEvent, Operation, StreamId, UnitOfWork};

cqrs_core::module!();

#[derive(Id)]
pub(crate) struct AccountId(u64);

#[derive(Command)]
pub(crate) struct Deposit {
    pub(crate) account: AccountId,
    pub(crate) cents: i64,
}

#[derive(Event, Clone, Debug, PartialEq)]
pub(crate) enum AccountEvent {
    Deposited { cents: i64, reference: String, note: String },
}

#[derive(Rejection, Debug, PartialEq)]
pub(crate) enum AccountError {
    NotPositive,
}

#[derive(Aggregate, Default)]
#[aggregate(id = AccountId, event = AccountEvent, error = AccountError)]
pub(crate) struct Account {
    pub(crate) cents: i64,
}

pub(crate) fn deposited(cents: i64) -> AccountEvent {
    AccountEvent::Deposited {
        cents,
        reference: "RF18 5390 0754 7034 0000 2026 1121 0001".to_owned(),
        note: "standing order of the first working day of the month, as agreed with the branch, \
               for the account that is named in the contract of the household"
            .to_owned(),
    }
}

#[command_handlers]
impl Account {
    fn deposit(&self, cmd: &Deposit) -> Result<AccountEvent, AccountError> {
        ensure!(cmd.cents > 0, AccountError::NotPositive);
        Ok(deposited(cmd.cents))
    }
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited { cents, .. } => self.cents += cents,
        }
    }
}

#[derive(Projection, Default)]
#[projection(event = AccountEvent, key = AccountId, row = i64)]
pub(crate) struct Balances;

impl Project for Balances {
    async fn project(
        &self,
        event: &Recorded<AccountEvent>,
        rows: &mut Rows<'_, Self>,
    ) -> Result<(), ProjectionError> {
        let AccountEvent::Deposited { cents, .. } = event.data();
        rows.update(event.aggregate_id::<AccountId>()?, |balance| *balance += cents).await
    }
}

/// The encoded content of one event.
pub(crate) fn payload() -> Vec<u8> {
    let mut out = Vec::new();
    deposited(500).encode(&mut out).expect("a deposit can be encoded");
    out
}

/// 150 bytes of metadata, as a trace and an actor make them.
pub(crate) const DETAILS: &[u8] = br#"{"actor":"teller-17@branch.example","trace":{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},"headers":{"channel":"branch"}}"#;

/// Numbers events and operations of one benchmark.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    fn id(&mut self) -> uuid::Uuid {
        self.0 += 1;
        uuid::Uuid::from_u64_pair((self.0 << 16) | 0x7000, (1 << 63) | self.0)
    }

    pub(crate) fn event(&mut self, payload: &[u8]) -> NewEvent {
        let id = EventId::from_uuid(self.id());
        let (version, encoding) = (SchemaVersion::FIRST, Json::ENCODING);
        let payload = payload.to_vec();
        NewEvent::new(id, "account.deposited", version, encoding, payload, Timestamp::EPOCH)
            .with_details(DETAILS)
    }

    /// A unit that appends events to an account at any version.
    pub(crate) fn unit(&mut self, account: u64, events: usize, payload: &[u8]) -> UnitOfWork {
        let events = (0..events).map(|_| self.event(payload)).collect();
        let stream = StreamId::new("account", account.to_string()).expect("a number is a key");
        UnitOfWork::new(Operation::fresh(self.id().into()), Timestamp::EPOCH).append(
            stream,
            ExpectedVersion::Any,
            events,
        )
    }
}
