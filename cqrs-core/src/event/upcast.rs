//! From an old version of an event to the current one, step by step.
//!
//! A derive writes the steps of a chain one after the other; the compiler
//! takes the input of each from its function and compares it with what the
//! step before gives. An event of the current version never comes here.

use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::decode::read;
use super::{DecodeError, Decoded, Untyped};
use crate::aggregate::panic_message;
use crate::message::{Codec, CodecError, SchemaVersion};
use crate::schema::{Schema, Shape};
use crate::store::RecordedEvent;

/// A version that an event type had before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PastVersion {
    /// The version.
    pub version: SchemaVersion,
    /// The shape of the type that reads it, `None` when it is read untyped.
    pub shape: Option<&'static Shape>,
}

impl PastVersion {
    /// A version that is read without a type.
    ///
    /// # Panics
    ///
    /// Panics when `version` is 0.
    #[must_use]
    pub const fn untyped(version: u32) -> Self {
        Self { version: SchemaVersion::new(version), shape: None }
    }

    /// A version that is read as a type of this shape.
    ///
    /// # Panics
    ///
    /// Panics when `version` is 0.
    #[must_use]
    pub const fn typed(version: u32, shape: &'static Shape) -> Self {
        Self { version: SchemaVersion::new(version), shape: Some(shape) }
    }
}

/// What a step of a chain can take: the struct of an old shape, or
/// [`Untyped`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from an old event",
    label = "an upcaster takes the shape of an old version",
    note = "add `#[derive(Value)]` to the struct `{Self}`, or take `Untyped`"
)]
pub trait PastShape: Sized + 'static {
    #[doc(hidden)]
    const SHAPE: Option<&'static Shape>;

    #[doc(hidden)]
    fn read<C: Codec>(record: &RecordedEvent) -> Result<Self, CodecError>;
}

#[diagnostic::do_not_recommend]
impl<T: Schema + DeserializeOwned + 'static> PastShape for T {
    const SHAPE: Option<&'static Shape> = Some(T::SHAPE);

    fn read<C: Codec>(record: &RecordedEvent) -> Result<Self, CodecError> {
        read::<T, C>(record)
    }
}

impl PastShape for Untyped {
    const SHAPE: Option<&'static Shape> = None;

    fn read<C: Codec>(record: &RecordedEvent) -> Result<Self, CodecError> {
        read::<serde_json::Value, C>(record).map(Self::from)
    }
}

/// A function from an old shape to the next one: `fn(Old) -> Next`, or
/// `fn(Old, &RecordedEvent) -> Next` when it needs to know where, when and by
/// whom. `Next` may stand in a `Result`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no upcaster",
    label = "not a function from an old shape to the next",
    note = "write `fn(Old) -> Next` or `fn(Old, &RecordedEvent) -> Next`; `Old` derives `Value` or is `Untyped`"
)]
pub trait Upcaster<In, Out, Form> {
    #[doc(hidden)]
    fn run(&self, input: In, record: &RecordedEvent) -> Out;
}

impl<F: Fn(In) -> Out, In, Out> Upcaster<In, Out, fn(In)> for F {
    fn run(&self, input: In, _: &RecordedEvent) -> Out {
        self(input)
    }
}

impl<F, In, Out> Upcaster<In, Out, fn(In, &RecordedEvent)> for F
where
    F: Fn(In, &RecordedEvent) -> Out,
{
    fn run(&self, input: In, record: &RecordedEvent) -> Out {
        self(input, record)
    }
}

/// That what a step gives is what the next one takes, or the events `E` that
/// it has become.
#[diagnostic::on_unimplemented(
    message = "this upcaster gives `{Self}`, and the next step takes `{Next}`",
    label = "gives `{Self}`",
    note = "a step gives what the next one takes, `Untyped`, or the event or events of `{E}` that it has become; each may stand in a `Result`"
)]
pub trait FeedsInto<Next, E, Form> {
    #[doc(hidden)]
    fn feed(self) -> Result<Fed<Next, E>, String>;
}

/// Where an event is in its chain.
#[doc(hidden)]
#[derive(Debug)]
pub enum Fed<T, E> {
    /// At a later version; it has not been read yet.
    Ahead,
    /// At this version.
    At(T),
    /// At its end.
    Ended(Decoded<E>),
}

/// Content of the current version, which only an untyped value can become.
#[doc(hidden)]
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct TheCurrentVersion<T>(T);

/// What a retired type can become by itself: nothing.
#[doc(hidden)]
#[derive(Debug)]
pub enum Never {}

/// Marks of the forms that a result may have, so that each has its own impl.
#[doc(hidden)]
#[allow(unreachable_pub, reason = "marks in the impls of a public trait")]
pub mod form {
    #[derive(Debug)]
    pub enum Next {}
    #[derive(Debug)]
    pub enum Read {}
    #[derive(Debug)]
    pub enum Event {}
    #[derive(Debug)]
    pub enum Events {}
    #[derive(Debug)]
    pub struct Fallible<F>(F);
}

#[diagnostic::do_not_recommend]
impl<Next, E> FeedsInto<Next, E, form::Next> for Next {
    fn feed(self) -> Result<Fed<Next, E>, String> {
        Ok(Fed::At(self))
    }
}

#[diagnostic::do_not_recommend]
impl<Next: DeserializeOwned, E> FeedsInto<Next, E, form::Read> for Untyped {
    fn feed(self) -> Result<Fed<Next, E>, String> {
        self.into_type().map(Fed::At).map_err(|error| format!("gives no such value: {error}"))
    }
}

#[diagnostic::do_not_recommend]
impl<Next, E: super::Event> FeedsInto<Next, E, form::Event> for E {
    fn feed(self) -> Result<Fed<Next, E>, String> {
        Ok(Fed::Ended(Decoded::One(self)))
    }
}

macro_rules! events {
    ($([$($n:ident)?] $ty:ty;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<Next, E $(, const $n: usize)?> FeedsInto<Next, E, form::Events> for $ty {
            fn feed(self) -> Result<Fed<Next, E>, String> {
                Ok(Fed::Ended(Decoded::Many(self.into_iter().collect())))
            }
        }
    )*};
}

events! {
    [] Vec<E>;
    [] Option<E>;
    [N] [E; N];
}

#[diagnostic::do_not_recommend]
impl<Next, E> FeedsInto<Next, E, form::Events> for Decoded<E> {
    fn feed(self) -> Result<Fed<Next, E>, String> {
        Ok(Fed::Ended(self))
    }
}

#[diagnostic::do_not_recommend]
impl<Next, E> FeedsInto<Next, E, form::Events> for () {
    fn feed(self) -> Result<Fed<Next, E>, String> {
        Ok(Fed::Ended(Decoded::none()))
    }
}

#[diagnostic::do_not_recommend]
impl<T, X, Next, E, Form> FeedsInto<Next, E, form::Fallible<Form>> for Result<T, X>
where
    T: FeedsInto<Next, E, Form>,
    X: fmt::Display,
{
    fn feed(self) -> Result<Fed<Next, E>, String> {
        self.map_err(|error| format!("failed: {error}"))?.feed()
    }
}

/// That an old shape converts into the next one, as `upcast(1 as Old)` needs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not convert into `{Next}`",
    label = "the next step takes `{Next}`",
    note = "write `impl From<{Self}> for {Next}`, or `TryFrom`"
)]
pub trait UpcastsInto<Next> {
    #[doc(hidden)]
    fn upcast(self) -> Result<Next, String>;
}

#[diagnostic::do_not_recommend]
impl<T, Next> UpcastsInto<Next> for T
where
    T: TryInto<Next>,
    T::Error: fmt::Display,
{
    fn upcast(self) -> Result<Next, String> {
        self.try_into().map_err(|error| error.to_string())
    }
}

/// For derives: a past version that a function reads.
#[doc(hidden)]
#[must_use]
pub const fn past<F, In, Out, Form>(version: u32, _: &F) -> PastVersion
where
    F: Upcaster<In, Out, Form>,
    In: PastShape,
{
    PastVersion { version: SchemaVersion::new(version), shape: In::SHAPE }
}

/// For derives: a past version that is read as a type.
#[doc(hidden)]
#[must_use]
pub const fn past_as<T: PastShape>(version: u32) -> PastVersion {
    PastVersion { version: SchemaVersion::new(version), shape: T::SHAPE }
}

/// For derives: what a function takes.
#[doc(hidden)]
pub const fn input<F, In, Out, Form>(_: &F) -> PhantomData<In>
where
    F: Upcaster<In, Out, Form>,
    In: PastShape,
{
    PhantomData
}

/// For derives: one chain at work on one event.
#[doc(hidden)]
pub struct Chain<'a, C> {
    record: &'a RecordedEvent,
    codec: PhantomData<C>,
}

impl<C> fmt::Debug for Chain<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Chain").field(&self.record).finish()
    }
}

impl<'a, C: Codec> Chain<'a, C> {
    #[must_use]
    pub fn new(record: &'a RecordedEvent) -> Self {
        Self { record, codec: PhantomData }
    }

    /// Takes the event through a function, if it stands at its version.
    ///
    /// What the next step takes comes first: the compiler then compares what
    /// this one gives with it, and not the reverse.
    pub fn step<F, In, Out, A, Next, E, B>(
        &self,
        _: PhantomData<Next>,
        fed: Fed<In, E>,
        from: u32,
        function: &F,
    ) -> Result<Fed<Next, E>, DecodeError>
    where
        F: Upcaster<In, Out, A>,
        In: PastShape,
        Out: FeedsInto<Next, E, B>,
    {
        self.go(fed, from, |input| function.run(input, self.record).feed())
    }

    /// Takes the event through a conversion, if it stands at its version.
    pub fn convert<In, Next, E>(
        &self,
        _: PhantomData<Next>,
        fed: Fed<In, E>,
        from: u32,
    ) -> Result<Fed<Next, E>, DecodeError>
    where
        In: PastShape + UpcastsInto<Next>,
    {
        self.go(fed, from, |input| {
            input.upcast().map(Fed::At).map_err(|error| format!("failed: {error}"))
        })
    }

    /// Takes the event through the last conversion, into the event itself.
    pub fn convert_last<In, Next, E>(
        &self,
        fed: Fed<In, E>,
        from: u32,
    ) -> Result<Fed<Next, E>, DecodeError>
    where
        In: PastShape + UpcastsInto<E>,
    {
        self.go(fed, from, |input| {
            let event = input.upcast().map_err(|error| format!("failed: {error}"))?;
            Ok(Fed::Ended(Decoded::One(event)))
        })
    }

    fn go<In: PastShape, Next, E>(
        &self,
        fed: Fed<In, E>,
        from: u32,
        step: impl FnOnce(In) -> Result<Fed<Next, E>, String>,
    ) -> Result<Fed<Next, E>, DecodeError> {
        let stored = self.record.schema_version().get();
        let input = match fed {
            Fed::Ended(events) => return Ok(Fed::Ended(events)),
            Fed::At(input) => input,
            Fed::Ahead if stored > from => return Ok(Fed::Ahead),
            Fed::Ahead if stored < from => {
                let known = SchemaVersion::new(from);
                return Err(DecodeError::unknown_version(self.record, known));
            }
            Fed::Ahead => In::read::<C>(self.record)
                .map_err(|source| DecodeError::content(self.record, source))?,
        };
        let stepped = catch_unwind(AssertUnwindSafe(|| step(input)))
            .unwrap_or_else(|panic| Err(format!("panicked: {}", panic_message(&*panic))));
        stepped.map_err(|problem| DecodeError::Upcast {
            event: self.record.id(),
            event_type: self.record.event_type().as_str().to_owned(),
            version: self.record.schema_version(),
            from: SchemaVersion::new(from),
            problem,
        })
    }

    /// The end of the chain.
    pub fn finish<T, E>(
        &self,
        fed: Fed<TheCurrentVersion<T>, E>,
        known: u32,
        make: impl FnOnce(T) -> E,
    ) -> Result<Decoded<E>, DecodeError> {
        match fed {
            Fed::At(TheCurrentVersion(content)) => Ok(Decoded::One(make(content))),
            Fed::Ended(events) => Ok(events),
            Fed::Ahead => Err(DecodeError::unknown_version(self.record, SchemaVersion::new(known))),
        }
    }
}
