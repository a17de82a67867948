//! Laws of an aggregate over the histories that its commands can make.

use std::fmt::Write;

use cqrs_core::Timestamp;
use cqrs_core::aggregate::{Aggregate, Apply, Decider};
use cqrs_core::event::Event;
use cqrs_core::message::{MessageId, Metadata};
use cqrs_core::registry::{Body, Kind, linked};
use cqrs_core::schema::Shape;
use proptest::strategy::{BoxedStrategy, Strategy, Union};
use serde_json::Value;

use super::runner::{Verdict, hold};
use crate::values::values;

/// Commands that a history has at most.
const LONGEST: usize = 24;

/// One command: which, and its content.
type Sent = (usize, Value);

/// No history that commands can make brings `apply` or a decision down.
///
/// # Panics
///
/// Panics with the shortest history that does.
#[track_caller]
pub fn apply_is_total<A: Apply>() {
    over_histories::<A>("apply is total", |commands, sent| {
        replay(commands, sent, |_, _, _| Ok(())).map(drop)
    });
}

/// Every event that a command gives is read back as it was.
#[track_caller]
pub(super) fn decided_events_are_kept<A: Apply>(
    law: &str,
    kept: impl Fn(&A::Event) -> Result<(), Verdict>,
) {
    if commands::<A>().is_empty() {
        return;
    }
    over_histories::<A>(law, |commands, sent| {
        let look = |_: &A, _: &Sent, events: &Outcome<A>| match events {
            Ok(events) => events.iter().try_for_each(&kept),
            Err(_) => Ok(()),
        };
        replay(commands, sent, look).map(drop)
    });
}

/// A decision on the same state, command and metadata is the same again.
///
/// # Panics
///
/// Panics with the shortest history after which one is not.
#[track_caller]
pub fn decisions_are_deterministic<A: Apply>() {
    over_histories::<A>("decisions are deterministic", |commands, sent| {
        let again = |state: &A, (which, content): &Sent, events: &Outcome<A>| {
            let once = outcome::<A>(events);
            let bytes = content.to_string().into_bytes();
            let Some(second) = commands[*which].decider.decide(state, &bytes, &metadata()) else {
                return Err(Verdict::broken("it was a command, and is none the second time"));
            };
            let twice = outcome::<A>(&second);
            let bytes = |texts: &[String]| -> Vec<Vec<u8>> {
                texts.iter().map(|text| sorted(text.as_bytes())).collect()
            };
            if bytes(&once) == bytes(&twice) {
                return Ok(());
            }
            let (once, twice) = (once.join("; "), twice.join("; "));
            let name = commands[*which].decider.command();
            Err(Verdict::Broken(format!("`{name}` gives\n  {once}\nand then\n  {twice}")))
        };
        replay(commands, sent, again).map(drop)
    });
}

/// A stored state and the events behind it lead where all events lead. Holds
/// for an aggregate that stores no state.
///
/// # Panics
///
/// Panics with the shortest history for which that is not so.
#[track_caller]
pub fn snapshot_and_tail_equal_a_replay<A: Apply>() {
    let Some(codec) = A::STATE else { return };
    let stored = |state: &A| -> Result<Vec<u8>, Verdict> {
        let mut out = Vec::new();
        (codec.encode)(state, &mut out).map_err(Verdict::broken)?;
        Ok(out)
    };
    let content = |state: &A| -> Result<Value, Verdict> {
        serde_json::from_slice(&stored(state)?).map_err(Verdict::broken)
    };
    over_histories::<A>("snapshot and tail equal a replay", |commands, sent| {
        let events = replay(commands, sent, |_, _, _| Ok(()))?;
        for at in 0..=events.len() {
            let (before, behind) = events.split_at(at);
            let state = folded::<A>(A::default(), before);
            let bytes = stored(&state)?;
            let restored = (codec.decode)(&bytes).map_err(|error| {
                Verdict::Broken(format!("the state after {at} events cannot be read back: {error}"))
            })?;
            let (tail, full) = (folded(restored, behind), folded(state, behind));
            let (tail, full) = (content(&tail)?, content(&full)?);
            if tail != full {
                return Err(Verdict::Broken(format!(
                    "a snapshot after {at} of {} events leads to\n  {tail}\ninstead of\n  {full}",
                    events.len()
                )));
            }
        }
        Ok(())
    });
}

fn folded<A: Apply>(mut state: A, events: &[A::Event]) -> A {
    events.iter().for_each(|event| state.apply(event));
    state
}

type Outcome<A> = Result<Vec<<A as Aggregate>::Event>, <A as Aggregate>::Error>;

/// A command of the aggregate.
struct Sendable<A: Aggregate> {
    decider: Decider<A>,
    shape: &'static Shape,
}

/// What the registry knows of the aggregate's commands.
fn commands<A: Apply>() -> Vec<Sendable<A>> {
    let all = linked();
    let mut found = Vec::new();
    for one in all.iter().filter(|one| one.kind == Kind::CommandHandler) {
        let Body::Handler { message, aggregate: Some(name), decider: Some(decider), .. } = one.body
        else {
            continue;
        };
        if name != A::NAME {
            continue;
        }
        // Another aggregate of the same name may be linked into the test.
        let Ok(decider) = decider().downcast::<Decider<A>>() else { continue };
        let shape = all.iter().find_map(|other| match other.body {
            Body::Message { type_id, shape, .. } if type_id() == message() => shape,
            _ => None,
        });
        found.extend(shape.map(|shape| Sendable { decider: *decider, shape }));
    }
    found.sort_by_key(|one| one.decider.command());
    found
}

#[track_caller]
fn over_histories<A: Apply>(
    law: &str,
    check: impl Fn(&[Sendable<A>], &[Sent]) -> Result<(), Verdict>,
) {
    let commands = commands::<A>();
    assert!(
        !commands.is_empty(),
        "no command of aggregate `{}` is linked into this test: write its decisions below \
         `#[command_handlers]`",
        A::NAME
    );
    let each = commands.iter().enumerate().map(|(which, one)| {
        let values = values(one.shape).unwrap_or_else(|none| {
            panic!(
                "no command `{}` can be made up: add `sample = \"..\"` beside `opaque = \"{}\"`, \
                 with a value in JSON",
                one.decider.command(),
                none.description
            )
        });
        values.prop_map(move |content| (which, content)).boxed()
    });
    let each: Vec<BoxedStrategy<Sent>> = each.collect();
    let histories = proptest::collection::vec(Union::new(each), 0..=LONGEST);
    let show = |sent: &Vec<Sent>| {
        let mut text = String::from("after the commands");
        for (which, content) in sent {
            let name = commands[*which].decider.command();
            write!(text, "\n  {name} {content}").expect("a string takes everything");
        }
        text
    };
    let of = format!("aggregate `{}`", A::NAME);
    hold(law, &of, &histories, show, |sent| check(&commands, sent));
}

/// Sends commands to a new aggregate; gives the events. What is no command, or
/// is rejected, changes nothing.
fn replay<A: Apply>(
    commands: &[Sendable<A>],
    sent: &[Sent],
    mut look: impl FnMut(&A, &Sent, &Outcome<A>) -> Result<(), Verdict>,
) -> Result<Vec<A::Event>, Verdict> {
    let (mut state, mut history) = (A::default(), Vec::new());
    for one in sent {
        let (which, content) = one;
        let bytes = content.to_string().into_bytes();
        let Some(decided) = commands[*which].decider.decide(&state, &bytes, &metadata()) else {
            continue;
        };
        look(&state, one, &decided)?;
        for event in decided.into_iter().flatten() {
            state.apply(&event);
            history.push(event);
        }
    }
    Ok(history)
}

/// What a decision has led to, as texts.
fn outcome<A: Aggregate>(decided: &Outcome<A>) -> Vec<String> {
    let events = match decided {
        Err(rejection) => return vec![format!("rejected: {rejection}")],
        Ok(events) => events,
    };
    let text = |event: &A::Event| {
        let mut content = Vec::new();
        // What cannot be stored is refused by the store's own rules.
        let content = match event.encode(&mut content) {
            Ok(()) => String::from_utf8_lossy(&content).into_owned(),
            Err(error) => error.to_string(),
        };
        format!("{} {content}", event.event_type().name)
    };
    events.iter().map(text).collect()
}

/// Bytes in an order of their own: that of the entries of a hash map means
/// nothing.
pub(super) fn sorted(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.sort_unstable();
    bytes
}

fn metadata() -> Metadata {
    let id = MessageId::from_uuid(uuid::Uuid::from_u64_pair(0x7000, 0x8000_0000_0000_0003));
    Metadata::new(id, Timestamp::from_micros(1_767_225_600_000_000))
}
