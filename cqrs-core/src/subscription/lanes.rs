//! The events at hand, handled lane by lane.

use std::collections::HashMap;

use super::dead_letter::{ParkedFor, Row};
use super::deliver::{Delivered, stands_at};
use super::runner::{Interruption, Runner};
use crate::store::{Position, RecordedEvent, StreamId};

/// How far a lane has come.
struct LaneEnded {
    done: Vec<(usize, Option<(Position, Row)>)>,
    stands: Option<String>,
}

impl Runner {
    /// Handles what is open and stores the place behind it.
    pub(super) async fn handle(&mut self) -> Result<(), Interruption> {
        let stands = self.lanes().await;
        let Some(chunk) = &self.chunk else { return Ok(()) };
        let to = chunk.place(self.place().position);
        let (is_done, worked) = (chunk.is_done(), !chunk.is_empty());
        // Kept until the place is stored: what is done is not done again
        // because the store could not be reached.
        self.move_place(to, worked).await?;
        if is_done {
            self.chunk = None;
        }
        match stands {
            Some(reason) => Err(Interruption::Stands(reason)),
            None => Ok(()),
        }
    }

    /// Handles the open events of a chunk, lane by lane side by side; gives
    /// the reason if one of them stands still.
    async fn lanes(&mut self) -> Option<String> {
        let mut chunk = self.chunk.take()?;
        let lanes = chunk.lanes(self.subscription.lanes);
        let this = &*self;
        let runs = lanes.into_iter().map(|lane| Box::pin(this.lane(lane)));
        let mut stands = None;
        let mut parked = Vec::new();
        for ended in crate::runtime::join_all(runs.collect()).await {
            for (index, letter) in ended.done {
                chunk.done(index);
                parked.extend(letter);
            }
            stands = stands.or(ended.stands);
        }
        for (position, row) in parked {
            self.letters.add(row.stream.clone(), position);
            self.parked.insert(position, row);
        }
        self.chunk = Some(chunk);
        stands
    }

    async fn lane(&self, lane: Vec<(usize, RecordedEvent)>) -> LaneEnded {
        let place = self.place();
        let mut ended = LaneEnded { done: Vec::with_capacity(lane.len()), stands: None };
        let mut blocked: HashMap<StreamId, Position> = HashMap::new();
        let services = &self.follower().services;
        for (index, event) in lane {
            if !self.may_begin() {
                break;
            }
            let position = event.position();
            let is_done = position <= place.position
                || self.letters.holds(position)
                || self.layout.has_done(place.log, &event);
            if is_done {
                ended.done.push((index, None));
                continue;
            }
            let stream = event.stream();
            let behind = self.letters.blocks(stream).or_else(|| blocked.get(stream).copied());
            let reason = match behind {
                Some(position) => ParkedFor::Behind { position: position.get() },
                None => {
                    let is_replay = position <= self.subscription.head_at_build;
                    match self.subscription.deliverer.deliver(&event, is_replay).await {
                        Delivered::Parked(reason) if !self.is_volatile() => reason,
                        Delivered::Done | Delivered::Skipped | Delivered::Parked(_) => {
                            ended.done.push((index, None));
                            continue;
                        }
                        Delivered::Interrupted => break,
                        Delivered::Stands(failure) => {
                            ended.stands = Some(stands_at(position, &failure));
                            break;
                        }
                    }
                }
            };
            tracing::error!(target: "cqrs::event", handler = &*self.subscription.name, %position, ?reason, "event parked");
            blocked.entry(stream.clone()).or_insert(position);
            ended.done.push((index, Some((position, Row::of(&event, reason, services.now())))));
        }
        ended
    }
}
