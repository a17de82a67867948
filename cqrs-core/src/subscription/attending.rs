//! What is wanted with dead letters, done between the events.

use super::dead_letter::{ParkedFor, Row, Wanted, key, letters_of, stream_text, wanted_of};
use super::deliver::{Delivered, stands_at};
use super::letters::wanted;
use super::runner::{Interruption, Runner};
use crate::store::{EventStore, Position, ReadRequest, RecordedEvent};

impl Runner {
    /// Does what is wanted with dead letters, and what follows from it.
    pub(super) async fn attend_to_letters(&mut self) -> Result<(), Interruption> {
        if self.letters.is_empty() {
            return Ok(());
        }
        let store = self.follower().store.clone();
        for (position, wanted) in wanted(&store, &self.subscription.name).await? {
            let discard = wanted == Wanted::Discard;
            if self.letters.is_first(position) {
                self.work_off(position, discard).await?;
            } else if discard {
                self.clear_letter(position, None, None).await?;
            } else {
                // It is not there, or waits for another.
                self.forget_wish(position).await?;
            }
            if !self.may_begin() {
                break;
            }
        }
        Ok(())
    }

    /// Tries a dead letter again, or discards it, and then tries those that
    /// wait behind it.
    async fn work_off(&mut self, first: Position, mut discard: bool) -> Result<(), Interruption> {
        let mut next = Some(first);
        while let Some(position) = next {
            if !self.may_begin() {
                return Ok(());
            }
            let Some(event) = self.event_at(position).await? else {
                return self.forget_wish(position).await;
            };
            let reason = if discard { None } else { self.again(&event).await? };
            discard = false;
            let row = reason.map(|reason| Row::of(&event, reason, self.follower().services.now()));
            next = match row {
                None => self.letters.behind(&stream_text(event.stream()), position),
                Some(_) => None,
            };
            self.clear_letter(position, row, next).await?;
        }
        Ok(())
    }

    /// Tries a parked event again; gives the reason if it stays.
    async fn again(&self, event: &RecordedEvent) -> Result<Option<ParkedFor>, Interruption> {
        match self.subscription.deliverer.deliver(event, true).await {
            Delivered::Done | Delivered::Skipped => Ok(None),
            Delivered::Parked(reason) => Ok(Some(reason)),
            Delivered::Stands(failure) => {
                Err(Interruption::Stands(stands_at(event.position(), &failure)))
            }
            Delivered::Interrupted => Err(Interruption::Stands("the application stops".to_owned())),
        }
    }

    /// Removes a dead letter, or writes why it stays. What was wanted with it is
    /// then wanted with the one behind it.
    async fn clear_letter(
        &mut self,
        position: Position,
        stays: Option<Row>,
        next: Option<Position>,
    ) -> Result<(), Interruption> {
        let (letters, wanted) =
            (letters_of(&self.subscription.name), wanted_of(&self.subscription.name));
        let mut work = match &stays {
            None => self.unit().delete(letters, key(position)),
            Some(row) => self.unit().put(letters, key(position), row.to_bytes()),
        };
        work = work.delete(wanted.clone(), key(position));
        if let Some(next) = next {
            work = work.put(wanted, key(next), Wanted::Retry.to_bytes());
        }
        self.follower().store.commit(self.fenced(work)).await?;
        if stays.is_none() {
            self.letters.remove(position);
        }
        self.set_parked();
        Ok(())
    }

    async fn forget_wish(&self, position: Position) -> Result<(), Interruption> {
        let work = self.unit().delete(wanted_of(&self.subscription.name), key(position));
        self.follower().store.commit(work).await?;
        Ok(())
    }

    pub(super) async fn event_at(
        &self,
        position: Position,
    ) -> Result<Option<RecordedEvent>, Interruption> {
        let (after, before) = (position.get().saturating_sub(1), position.get().saturating_add(1));
        let request = ReadRequest::all().after(after).before(before).limit(1);
        Ok(self.follower().store.read(request).await?.events().next())
    }
}
