//! What is wanted with dead letters, done between the events.

use super::Place;
use super::dead_letter::ParkedFor;
use super::dead_letter::{Row, Wanted, key, letters_of, stream_text, wanted_of};
use super::deliver::{Delivered, stands_at};
use super::follower::Claimed;
use super::letters::wanted;
use super::runner::{Interruption, Runner};
use crate::store::{EventStore, Position, ReadRequest, RecordedEvent};

impl Runner {
    /// Does what is wanted with dead letters, and what follows from it.
    pub(super) async fn attend_to_letters(
        &mut self,
        place: &mut Place,
    ) -> Result<(), Interruption> {
        if self.letters.is_empty() {
            return Ok(());
        }
        let store = self.follower().store.clone();
        for (position, wanted) in wanted(&store, &self.subscription.name).await? {
            match self.follower().claim::<Interruption>(place).await? {
                Claimed::Ours(_) => {}
                Claimed::Moved => return Ok(()),
            }
            let mut next = self.letters.is_first(position).then_some(position);
            let mut discard = wanted == Wanted::Discard;
            if next.is_none() && discard {
                self.clear_letter(place, position, None).await?;
            }
            while let Some(position) = next {
                let Some(event) = self.event_at(position).await? else { break };
                let reason = if discard { None } else { self.again(&event).await? };
                discard = false;
                let row =
                    reason.map(|reason| Row::of(&event, reason, self.follower().services.now()));
                let stays = row.is_some();
                self.clear_letter(place, position, row).await?;
                if stays {
                    break;
                }
                next = self.letters.next_behind(&stream_text(event.stream()));
            }
            self.forget_wish(position).await?;
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

    /// Removes a dead letter, or writes why it stays.
    async fn clear_letter(
        &mut self,
        place: &mut Place,
        position: Position,
        stays: Option<Row>,
    ) -> Result<(), Interruption> {
        let table = letters_of(&self.subscription.name);
        let work = match &stays {
            None => self.unit().delete(table, key(position)),
            Some(row) => self.unit().put(table, key(position), row.to_bytes()),
        };
        let work = work.delete(wanted_of(&self.subscription.name), key(position));
        let epoch = place.epoch.expect("the place is claimed before letters are attended to");
        let cursor = place.cursor(place.stored);
        let work = work.advance_checkpoint(self.follower().checkpoint.clone(), epoch, Some(cursor));
        self.follower().store.commit(work).await?;
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
