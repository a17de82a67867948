use cqrs_core::prelude::*;

#[derive(Event)]
enum AccountEvent {
    Deposited { cents: i64 },
}

#[derive(Default)]
struct Cache;

#[derive(Aggregate, Default)]
#[aggregate(
    id = String,
    event = AccountEvent,
    error = std::fmt::Error,
    snapshot = SnapshotPolicy::every(10).or_on(&["account.deposited"]),
    snapshot_version = 2,
    stale_rejections,
    state_stored,
)]
struct Account {
    cents: i64,
    #[serde(skip)]
    cache: Cache,
}

#[apply]
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited { cents } => self.cents += cents,
        }
    }
}

fn main() {
    assert!(Account::STATE.is_some() && Account::STATE_STORED && Account::STALE_REJECTIONS);
    let _ = Account::default().cache;
}
