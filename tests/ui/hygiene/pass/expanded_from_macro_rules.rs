#![deny(warnings)]
#![allow(dead_code)]

use cqrs_core::prelude::*;

macro_rules! messages {
    ($($(#[$meta:meta])* $name:ident { $($field:ident: $ty:ty = $limit:expr),* })*) => {$(
        #[derive(Command)]
        $(#[$meta])*
        struct $name {
            account: String,
            $(#[check(min = $limit)] $field: $ty),*
        }
    )*};
}

messages! {
    /// Puts money in.
    Deposit { cents: i64 = 1 }
    #[command(name = "Take")]
    Withdraw { cents: i64 = 1 + 1, fee: u8 = 0 }
}

macro_rules! aggregate {
    ($name:ident, $event:ident, $error:ty, $id:ty, { $($variant:ident($field:ident: $ty:ty)),* }) => {
        #[derive(Event)]
        enum $event {
            $($variant { #[event(tag)] $field: $ty, own: i64 }),*
        }

        #[derive(Aggregate, Default)]
        #[aggregate(id = $id, event = $event, error = $error, snapshot = SnapshotPolicy::every(10))]
        struct $name {
            total: i64,
        }

        #[apply]
        impl Apply for $name {
            fn apply(&mut self, event: &$event) {
                match event {
                    $($event::$variant { $field, own } => self.total += *$field + own),*
                }
            }
        }

        #[command_handlers]
        impl $name {
            fn deposit(&self, cmd: &Deposit, metadata: &Metadata) -> Result<Option<$event>, $error> {
                let _ = (cmd, metadata);
                Ok(None)
            }

            fn withdraw(&self, _: &Withdraw) -> Vec<$event> {
                Vec::new()
            }
        }
    };
}

aggregate!(Account, AccountEvent, std::fmt::Error, String, {
    Deposited(cents: i64),
    Withdrawn(cents: i64)
});

macro_rules! id {
    ($name:ident, $inner:ty) => {
        #[derive(Id)]
        struct $name($inner);
    };
}

id!(OrderId, u64);
id!(CustomerId, String);

macro_rules! projection {
    ($name:ident: $event:ty => $key:ty, $row:ty) => {
        #[derive(Projection, Default)]
        #[projection(event = $event, key = $key, row = $row)]
        struct $name;

        impl Project for $name {
            async fn project(
                &self,
                _: &Recorded<$event>,
                _: &mut Rows<'_, Self>,
            ) -> Result<(), ProjectionError> {
                Ok(())
            }
        }
    };
}

projection!(Balances: AccountEvent => OrderId, i64);

macro_rules! query {
    ($query:ident, $handler:ident, $output:ty, $error:ty) => {
        #[derive(Query)]
        #[query(output = $output)]
        struct $query {
            order: OrderId,
        }

        #[query_handler]
        async fn $handler(
            query: &$query,
            view: View<Balances>,
            bus: Bus,
            ctx: &Context,
            metadata: &Metadata,
            named: Option<Dep<CustomerId>>,
        ) -> Result<$output, $error> {
            let _ = (&query.order, view, bus, ctx, metadata, named);
            Ok(Default::default())
        }
    };
}

query!(GetBalance, balance, Option<i64>, QueryError);

macro_rules! service {
    ($service:ident, $command:ident, $method:ident) => {
        #[derive(Command)]
        struct $command {
            order: OrderId,
        }

        struct $service;

        #[handlers]
        impl $service {
            #[command_handler]
            async fn $method(&self, cmd: &$command, bus: Bus) -> Result<(), std::fmt::Error> {
                let _ = (&cmd.order, bus);
                Ok(())
            }
        }
    };
}

service!(Service, Close, close);

macro_rules! rejection {
    ($name:ident { $($(#[$meta:meta])* $variant:ident { $field:ident }),* }) => {
        #[derive(Rejection, Debug)]
        enum $name {
            $($(#[$meta])* $variant { $field: i64, own: i64 },)*
            /// Own is {own}.
            Own { own: i64 },
        }
    };
}

rejection!(Refused {
    /// Overdrawn by {by}.
    Overdrawn { by }
});

fn main() {
    assert_eq!(Withdraw::NAME, "Take");
    let bad = Withdraw { account: String::new(), cents: 1, fee: 0 };
    assert_eq!(bad.validate().unwrap_err().iter().count(), 1);
    assert_eq!(Refused::Overdrawn { by: 7, own: 1 }.to_string(), "Overdrawn by 7");
    assert_eq!(Refused::Own { own: 1 }.to_string(), "Own is 1");
    let _ = |app: App, order: OrderId| async move {
        let _ = app.execute(Deposit { account: String::new(), cents: 1 }).await;
        let _ = app.execute(Close { order }).await;
        let _ = app.query(GetBalance { order }).await;
    };
}
