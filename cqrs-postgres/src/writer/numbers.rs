//! The numbers and ids that stand for the names in a unit.

use cqrs_core::store::UnitOfWork;
use uuid::Uuid;

use crate::fault::Outcome;
use crate::identity;
use crate::names::Names;
use crate::session::Session;

/// What stands for the names in a unit, in their order there.
pub(super) struct Numbers {
    /// Of each stream its id and its category.
    pub(super) streams: Vec<(Uuid, i32)>,
    /// Of each event its kind.
    pub(super) kinds: Vec<i32>,
    /// Of each change of rows its table.
    pub(super) tables: Vec<i32>,
    pub(super) snapshots: Vec<Uuid>,
}

impl Numbers {
    pub(super) async fn of(work: &UnitOfWork, session: &Session, names: &Names) -> Outcome<Self> {
        let (mut streams, mut kinds, mut tables) = (Vec::new(), Vec::new(), Vec::new());
        for append in work.streams() {
            let stream = append.stream();
            let id = identity::of_stream(stream);
            let category = match append.events() {
                [] => 0,
                _ => names.number_of_category(session, stream).await?,
            };
            names.learn_stream(id, stream);
            streams.push((id, category));
            for event in append.events() {
                kinds.push(names.number_of_kind(session, event).await?);
            }
        }
        for write in work.tables() {
            tables.push(names.number_of_table(session, write.table()).await?);
        }
        let snapshots = work.snapshots().iter().map(|one| identity::of_stream(one.stream()));
        Ok(Self { streams, kinds, tables, snapshots: snapshots.collect() })
    }
}
