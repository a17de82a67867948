#![doc = include_str!("../../docs/configuration.md")]

mod setting;

mod choice;
mod duration;
mod limit;
mod rate;
mod warn_after;

mod declare;
mod key;
mod settings;

mod found;
mod json;
mod layer;
#[cfg(feature = "toml")]
mod toml;

pub mod environment;

mod hint;
mod lookup;

mod check;
mod encode;
mod error;
mod live;
mod loader;

pub use choice::{Eviction, Flavour, Jitter, Overflow};
pub use error::{ConfigError, Mistake, MistakeKind};
pub use found::Origin;
pub use key::{Change, Key};
pub use limit::Limit;
pub use live::{Changed, Changes, ConfigWatch, LiveConfig};
pub use loader::ConfigLoader;
pub use rate::{InvalidRate, Rate};
pub use settings::{
    Aggregates, Audit, Authorization, CircuitBreaker, CommandBus, Config, EventBus, EventHandlers,
    Handler, Logging, QueryBus, RateLimit, Retry, Shutdown, Subscription,
};
pub use warn_after::WarnAfter;
