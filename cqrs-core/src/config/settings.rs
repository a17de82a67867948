//! Every key of the framework: type, default, bounds, unit, and whether it may
//! change while the application runs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::declare::settings;
use super::key::{Change, Key};
use super::setting::{ANY, Setting};
use super::{Eviction, Flavour, Jitter, Limit, Overflow, Rate, WarnAfter};

const MILLISECOND: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

settings! {
    /// The configuration of an application. [`Default`] is the documented
    /// default of every key; a [`ConfigLoader`](super::ConfigLoader) lays
    /// files, the environment and code over it.
    ///
    /// In serde it has the form of the files, and reading it reports every
    /// mistake in one message.
    Config {
        /// How commands are dispatched.
        command_bus: CommandBus {
            /// Handlers that room is made for. Accepted and without effect: the
            /// table of handlers is filled once and has its exact size.
            initial_capacity: usize = 256, in 0..=1_000_000, Fixed "handlers";
            /// Whether calls are counted and timed.
            enable_metrics: bool = true, in ANY, Fixed "switch";
            /// How long a command may take, its retries included.
            timeout: Duration = seconds(30), in MILLISECOND..=DAY, Live "duration";
            /// How long a command may take before a warning is logged; at most
            /// the time limit.
            warn_after: WarnAfter = WarnAfter::Fraction(0.8), in ANY, Live "part or duration";
            /// Commands that run at once.
            concurrency: Limit<usize> = Limit::None, in 1..=1_000_000, Live "calls";
            /// Commands that wait for their turn; one more is refused as
            /// overloaded.
            queue: usize = 1_024, in 0..=10_000_000, Live "calls";
            /// How deep commands may be nested that handlers send on.
            max_depth: u32 = 16, in 1..=1_000, Live "commands";
        }

        /// How queries are answered.
        query_bus: QueryBus {
            /// Handlers that room is made for. Accepted and without effect: the
            /// table of handlers is filled once and has its exact size.
            initial_capacity: usize = 256, in 0..=1_000_000, Fixed "handlers";
            /// Whether calls are counted and timed.
            enable_metrics: bool = true, in ANY, Fixed "switch";
            /// How long a query may take, its retries included.
            timeout: Duration = seconds(30), in MILLISECOND..=DAY, Live "duration";
            /// Queries that run at once.
            concurrency: Limit<usize> = Limit::None, in 1..=1_000_000, Live "calls";
            /// Queries that wait for their turn; one more is refused as
            /// overloaded.
            queue: usize = 1_024, in 0..=10_000_000, Live "calls";
            /// How long an answer of a cached query stays valid.
            cache_ttl: Duration = seconds(600), in MILLISECOND..=DAY * 30, Live "duration";
            /// Answers that are kept.
            cache_capacity: usize = 10_000, in 1..=100_000_000, Fixed "answers";
            /// Which answer a full cache gives up.
            cache_eviction: Eviction = Eviction::Lru, in ANY, Fixed "policy";
            /// How often a query is asked again after it failed for a passing
            /// reason.
            max_retries: u32 = 3, in 0..=100, Live "retries";
        }

        /// When calls are no longer tried, because they fail.
        circuit_breaker: CircuitBreaker {
            /// Failures within the window that open the breaker.
            failure_threshold: u32 = 10, in 1..=1_000_000, Live "failures";
            /// How long an open breaker refuses calls before it lets probes
            /// through.
            timeout: Duration = seconds(30), in MILLISECOND..=DAY, Live "duration";
            /// How far back failures count.
            window: Duration = seconds(60), in MILLISECOND..=DAY, Live "duration";
            /// Calls that are let through to find out whether it works again;
            /// when all succeed the breaker closes.
            probes: u32 = 1, in 1..=1_000, Live "calls";
        }

        /// How what failed for a passing reason is tried again.
        retry: Retry {
            /// The delay before the first retry.
            base: Duration = Duration::from_millis(50), in MILLISECOND..=DAY, Live "duration";
            /// By what each further delay is multiplied.
            factor: u32 = 2, in 1..=100, Live "factor";
            /// The longest delay; not below the first one.
            cap: Duration = seconds(5), in MILLISECOND..=DAY, Live "duration";
            /// How much of a delay is left to chance.
            jitter: Jitter = Jitter::Full, in ANY, Live "kind";
            /// Retries for 100 calls, so that they cannot multiply the load of
            /// what is failing.
            budget: u32 = 20, in 0..=100, Live "retries";
            /// How often a command is decided again after other writers were
            /// faster.
            conflicts: u32 = 10, in 0..=1_000, Live "retries";
        }

        /// How many calls a caller may make.
        rate_limit: RateLimit {
            /// Calls of one message by one caller.
            rate: Limit<Rate> = Limit::None, in ANY, Live "rate";
            /// Callers that are told apart; the one that was not seen the longest
            /// is forgotten.
            keys: usize = 65_536, in 1..=100_000_000, Fixed "callers";
        }

        /// How events go to those who listen in this process.
        event_bus: EventBus {
            /// Whether a publisher waits for the handlers.
            flavour: Flavour = Flavour::Async, in ANY, Fixed "kind";
            /// Events that wait for a handler.
            queue: usize = 10_000, in 1..=100_000_000, Fixed "events";
            /// What happens to an event that meets a full queue.
            overflow: Overflow = Overflow::Wait, in ANY, Live "policy";
            /// Handlers that run at once.
            concurrency: Limit<usize> = Limit::None, in 1..=1_000_000, Live "handlers";
            /// Errors that are kept for those who listen to them; further ones
            /// are counted.
            error_buffer: usize = 100, in 1..=1_000_000, Fixed "errors";
            /// Whether an event that nobody listens to is an error.
            strict: bool = false, in ANY, Live "switch";
        }

        /// How subscriptions take in events.
        event_handlers: EventHandlers {
            /// How often an event is tried before it is a dead letter.
            max_attempts: u32 = 5, in 1..=10_000, Live "attempts";
            /// The delay before the second attempt.
            base: Duration = Duration::from_millis(100), in MILLISECOND..=DAY, Live "duration";
            /// The longest delay; not below the first one.
            cap: Duration = seconds(30), in MILLISECOND..=DAY, Live "duration";
            /// Events that are read and committed together.
            batch: usize = 256, in 1..=100_000, Live "events";
            /// How long a process that runs handlers may be silent before
            /// others go on with them.
            lease: Duration = seconds(10), in Duration::from_millis(100)..=DAY, Fixed "duration";
        }

        /// What is logged of calls.
        logging: Logging {
            /// Whether calls are logged.
            enabled: bool = true, in ANY, Live "switch";
            /// Whether the content of messages is logged, which may hold
            /// secrets.
            arguments: bool = false, in ANY, Live "switch";
            /// Whether the time that a call took is logged.
            timing: bool = true, in ANY, Live "switch";
            /// The part of the calls that is logged; failed ones always are.
            sampling: f64 = 1.0, in 0.0..=1.0, Live "part";
        }

        /// Who may send what.
        authorization: Authorization {
            /// Whether a message without a rule is refused.
            deny_by_default: bool = false, in ANY, Fixed "switch";
        }

        /// What is written down of who did what.
        audit: Audit {
            /// Whether calls are recorded.
            enabled: bool = false, in ANY, Fixed "switch";
            /// Whether a call that cannot be recorded is refused.
            fail_closed: bool = false, in ANY, Fixed "switch";
        }

        /// How an application ends.
        shutdown: Shutdown {
            /// How long what is under way may take to end; what remains is
            /// stopped.
            grace: Duration = seconds(10), in Duration::ZERO..=DAY, Live "duration";
        }

        /// What is remembered of aggregates.
        aggregates: Aggregates {
            /// Aggregates of one type whose state stays loaded.
            cached: usize = 10_000, in 0..=100_000_000, Fixed "aggregates";
        }
    }
    named {
        /// What differs for one command or query, by its wire name.
        handlers: Handler {
            /// How long a call may take, its retries included.
            timeout: Duration, in MILLISECOND..=DAY, Live "duration";
            /// Calls that run at once.
            concurrency: Limit<usize>, in 1..=1_000_000, Live "calls";
            /// Calls by one caller.
            rate_limit: Limit<Rate>, in ANY, Live "rate";
            /// How often a call is made again after it failed for a passing
            /// reason.
            retry: u32, in 0..=100, Live "retries";
            /// How long an answer stays valid; of no effect for a command.
            cache_ttl: Duration, in MILLISECOND..=DAY * 30, Live "duration";
            /// Whether the message has a circuit breaker.
            breaker: bool, in ANY, Live "switch";
        }

        /// What differs for one subscription, by its name.
        subscriptions: Subscription {
            /// How often an event is tried before it is a dead letter.
            max_attempts: u32, in 1..=10_000, Live "attempts";
            /// The delay before the second attempt.
            base: Duration, in MILLISECOND..=DAY, Live "duration";
            /// The longest delay; not below the first one.
            cap: Duration, in MILLISECOND..=DAY, Live "duration";
        }
    }
}
