//! What follows the log: places in it that are kept, and event handlers.
//!
//! An event handler gets every event that it takes, in the order of the log and
//! at least once: its place is stored when it is done with what stands before
//! it. Where a process stops in between, the last events come again. What a
//! handler does outside of the store has to bear that; commands that it
//! *returns* are sent with operations that follow from the event, so that each
//! takes effect once.
//!
//! An event whose handler fails is tried again; what then becomes of it says a
//! table by the kind of its error ([`Recovery`]). An event that is parked is
//! kept as a [`DeadLetter`], in the same unit as the place behind it, and the
//! later events of its stream are parked behind it, while other streams go
//! on.
//!
//! Rejected: a handler per message queue. A queue that events are copied into is
//! a second log that can lose or double them; the log itself is the queue.

mod follower;
mod group;
mod lookout;

mod cascade;
mod error;
mod handler;
mod recovery;
mod rows;

mod attending;
mod chunk;
mod control;
mod dead_letter;
mod deliver;
mod lanes;
mod layout;
mod letters;
mod pace;
mod parts;
mod runner;
mod status;

pub use cascade::{Cascade, Sender};
pub(crate) use control::SubscriptionHandle;
pub use dead_letter::{DeadLetter, DeadLetterError, DeadLetters, ParkedFor};
pub(crate) use deliver::Deliverer;
pub use error::HandlerError;
pub(crate) use follower::{BACK_OFF, BACKSTOP, Claimed, Follower, Place, first, stored_names};
pub(crate) use group::Group;
pub use handler::{EventCall, EventHandlerSettings, Fails, Start, failing, handled};
pub(crate) use handler::{EventHandler, Typed};
pub(crate) use lookout::Lookout;
pub(crate) use pace::{Pace, Steps};
pub(crate) use parts::{checkpoint_of, part_names};
pub use recovery::{Recovery, RecoveryTable};
pub(crate) use runner::Subscription;
pub use status::{SubscriptionState, SubscriptionStatus};

use crate::projection::Delivery;
