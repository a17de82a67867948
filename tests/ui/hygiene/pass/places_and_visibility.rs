#![deny(warnings)]
#![allow(dead_code)]

pub mod outer {
    pub(crate) mod inner {
        use cqrs_core::prelude::*;

        #[derive(Command)]
        pub(in crate::outer) struct Move {
            pub(super) account: super::AccountId,
        }

        #[command_handler]
        pub(super) async fn moved(_: &self::Move) -> Result<(), std::fmt::Error> {
            Ok(())
        }

        #[derive(Query)]
        #[query(output = crate::outer::Answer)]
        pub struct Ask(pub i64, pub(crate) String);
    }

    #[derive(cqrs_core::Id)]
    pub struct AccountId(u64);

    #[derive(Debug)]
    pub struct Answer(pub(crate) i64);

    impl cqrs_core::__private::serde::Serialize for Answer {
        fn serialize<S: cqrs_core::__private::serde::Serializer>(
            &self,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            serializer.serialize_i64(self.0)
        }
    }

    #[cqrs_core::query_handler]
    fn ask(query: &inner::Ask) -> Result<Answer, cqrs_core::QueryError> {
        Ok(Answer(query.0))
    }

    fn send(app: &cqrs_core::App) {
        let _ = app.execute(inner::Move { account: AccountId(1) });
        let _ = app.query(inner::Ask(1, String::new()));
    }
}

fn inside_a_function() {
    use cqrs_core::prelude::*;

    #[derive(Id)]
    struct AccountId(String);

    #[derive(Command)]
    struct Deposit {
        account: AccountId,
        #[check(min = 1)]
        cents: i64,
    }

    #[derive(Event)]
    enum AccountEvent {
        Deposited { cents: i64 },
    }

    #[derive(Aggregate, Default)]
    #[aggregate(id = AccountId, event = AccountEvent, error = std::fmt::Error, snapshot = SnapshotPolicy::every(1))]
    struct Account {
        cents: i64,
    }

    #[command_handlers]
    impl Account {
        fn deposit(&self, cmd: &Deposit) -> AccountEvent {
            AccountEvent::Deposited { cents: cmd.cents }
        }
    }

    #[apply]
    impl Apply for Account {
        fn apply(&mut self, event: &AccountEvent) {
            match event {
                AccountEvent::Deposited { cents } => self.cents += cents,
            }
        }
    }

    #[derive(Query)]
    #[query(output = i64)]
    struct Count;

    #[query_handler]
    async fn count(_: &Count) -> Result<i64, QueryError> {
        Ok(1)
    }

    let _ = (Deposit::NAME, Account::NAME, Count);
}

fn main() {
    inside_a_function();
}
