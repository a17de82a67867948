//! What can be wrong with an application before it has run.

use std::fmt;

use crate::message::{SchemaVersion, SourceLocation};
use crate::policy::Missing;

/// An application that cannot be built: everything that is wrong with it.
///
/// Its [`Debug`](fmt::Debug) form is the same text as its
/// [`Display`](fmt::Display) form, which a `main` that returns it prints.
#[derive(Clone)]
pub struct BuildError {
    problems: Vec<Problem>,
}

/// One mistake in how an application is put together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Problem {
    /// Nothing is registered at all.
    Empty,
    /// A listed module holds nothing.
    EmptyModule {
        /// The module's path.
        module: &'static str,
        /// Where it was declared.
        location: SourceLocation,
    },
    /// A crate was expected and has contributed nothing.
    MissingCrate {
        /// The package's name.
        package: String,
    },
    /// A command or query has no handler.
    MissingHandler {
        /// Its wire name.
        name: &'static str,
        /// Where it is declared.
        location: SourceLocation,
    },
    /// A command or query has two handlers.
    DuplicateHandler {
        /// Its wire name.
        name: &'static str,
        /// One of them.
        first: SourceLocation,
        /// The other.
        second: SourceLocation,
    },
    /// The configuration is not valid.
    Configuration {
        /// The mistake.
        mistake: String,
    },
    /// Something is said about a handler that does not exist.
    UnknownHandler {
        /// The name that was given.
        name: String,
        /// The name that was probably meant.
        nearest: Option<&'static str>,
    },
    /// A handler's policy needs something that nobody has given.
    Unguarded {
        /// The handler.
        handler: &'static str,
        /// Where it stands.
        location: SourceLocation,
        /// What is missing.
        missing: Missing,
    },
    /// Two things of one kind share a name.
    DuplicateName {
        /// What they are.
        kind: &'static str,
        /// The name.
        name: &'static str,
        /// One of them.
        first: SourceLocation,
        /// The other.
        second: SourceLocation,
    },
    /// An event type cannot be read from one of its versions.
    BrokenChain {
        /// Its stored name.
        name: &'static str,
        /// The version that no upcaster starts from.
        version: SchemaVersion,
        /// Where it is declared.
        location: SourceLocation,
    },
    /// Something takes an event at a version that is not the current one.
    StaleVersion {
        /// The event type's stored name.
        name: &'static str,
        /// The version that it is taken at.
        version: SchemaVersion,
        /// Where that is declared.
        location: SourceLocation,
        /// The current version.
        current: SchemaVersion,
        /// Where the current version is declared.
        current_location: SourceLocation,
    },
    /// The events of an aggregate hold one that is the framework's own.
    ReservedEvent {
        /// The event type's stored name.
        name: &'static str,
        /// The aggregate.
        aggregate: &'static str,
        /// Where that is declared.
        location: SourceLocation,
    },
    /// A handler asks for something that was not provided.
    MissingDependency {
        /// The type that is asked for.
        dependency: &'static str,
        /// What asks for it.
        handler: &'static str,
        /// Where that stands.
        location: SourceLocation,
    },
}

impl BuildError {
    pub(crate) fn unless_empty(mut problems: Vec<Problem>) -> Result<(), Self> {
        problems.sort();
        problems.dedup();
        if problems.is_empty() { Ok(()) } else { Err(Self { problems }) }
    }

    /// Everything that is wrong, in a stable order.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(f, "the application has {count} {noun}:")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n- {problem}"))
    }
}

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for BuildError {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str(
                "nothing is registered: list the modules, `App::builder().modules(modules![..])`",
            ),
            Self::EmptyModule { module, location } => write!(
                f,
                "module `{module}` ({location}) is listed and holds nothing: no derive and no \
                 handler stands in it"
            ),
            Self::MissingCrate { package } => write!(
                f,
                "crate `{package}` was expected and has contributed nothing: a dependency that no \
                 code names is not linked; list its module in `modules![..]`"
            ),
            Self::MissingHandler { name, location } => write!(
                f,
                "`{name}` ({location}) has no handler in the listed modules: write one, or list \
                 the module that holds it"
            ),
            Self::DuplicateHandler { name, first, second } => {
                write!(f, "`{name}` has two handlers: {first} and {second}; remove one")
            }
            Self::Configuration { mistake } => write!(f, "the configuration: {mistake}"),
            Self::UnknownHandler { name, nearest } => {
                write!(f, "something is said about `{name}`, which nothing handles")?;
                nearest.map_or(Ok(()), |nearest| write!(f, "; did you mean `{nearest}`?"))
            }
            Self::Unguarded { handler, location, missing } => {
                write!(f, "`{handler}` ({location}) needs {missing}")
            }
            Self::DuplicateName { kind, name, first, second } => write!(
                f,
                "two {kind} are named `{name}`: {first} and {second}; give one of them another \
                 name by its attribute"
            ),
            Self::BrokenChain { name, version, location } => write!(
                f,
                "event `{name}` ({location}) has no upcaster from version {version}: add \
                 `upcast({version} => function)`"
            ),
            Self::StaleVersion { name, version, location, current, current_location } => write!(
                f,
                "event `{name}` is taken at version {version} ({location}), and is at version \
                 {current} now ({current_location}): take that one"
            ),
            Self::ReservedEvent { name, aggregate, location } => write!(
                f,
                "the events of aggregate `{aggregate}` ({location}) hold `{name}`, which the \
                 framework itself records in its stream: remove it there"
            ),
            Self::MissingDependency { dependency, handler, location } => write!(
                f,
                "`{handler}` ({location}) needs `{dependency}`, which was not provided: \
                 `.provide::<{dependency}>(..)`"
            ),
        }
    }
}
