//! Keys with a few named values.

use serde_json::Value;

use super::hint;
use super::setting::{Input, Refused, Setting};

macro_rules! choices {
    ($($(#[doc = $doc:literal])* $choice:ident {
        $($(#[doc = $about:literal])* $variant:ident = $word:literal,)*
    })*) => {
        $($(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $choice {
            $($(#[doc = $about])* #[doc = concat!("\n\nWritten `\"", $word, "\"`.")] $variant,)*
        }

        impl $choice {
            const WORDS: &[&str] = &[$($word),*];

            /// The word that stands for it in a file.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl Setting for $choice {
            type Bounds = ();

            fn read(input: Input<'_>) -> Result<Self, Refused> {
                match input.text() {
                    $(Some($word) => Ok(Self::$variant),)*
                    Some(other) => Err(Refused(meant(other, Self::WORDS))),
                    None => Err(Refused(None)),
                }
            }

            fn show(&self) -> Value {
                self.as_str().into()
            }

            fn is_within(&self, (): &()) -> bool {
                true
            }

            fn expected((): &()) -> String {
                one_of(Self::WORDS)
            }
        })*
    };
}

choices! {
    /// How much of a delay before a retry is left to chance.
    Jitter {
        /// Anything from nothing to the whole delay.
        Full = "full",
        /// Nothing: the delay as it is.
        None = "none",
        /// Half of the delay, and anything up to as much again.
        Equal = "equal",
    }

    /// Which answer a full cache gives up.
    Eviction {
        /// The one that was not asked for the longest.
        Lru = "lru",
        /// One that was asked for seldom and not lately; hits on several threads
        /// do not wait for each other.
        Adaptive = "adaptive",
        /// As `adaptive`, with half of the room for what is new.
        Recent = "recent",
    }

    /// When the handlers of an event run.
    Flavour {
        /// Behind the commit: the publisher does not wait for them.
        Async = "async",
        /// Before the publisher goes on.
        Sync = "sync",
    }

    /// What happens to an event that meets the full queue of a subscriber.
    Overflow {
        /// The publisher waits for room, first come, first served. Inside a
        /// handler of the same bus it gets the error instead.
        Wait = "wait",
        /// This subscriber misses the event, which is counted and reported as
        /// a failure.
        Shed = "shed",
        /// The event is refused for everybody, with an error to the publisher.
        Refuse = "refuse",
    }
}

impl Default for Overflow {
    /// Publishers wait.
    fn default() -> Self {
        Self::Wait
    }
}

fn meant(word: &str, words: &[&'static str]) -> Option<String> {
    let near = hint::nearest(word, words.iter().copied())?;
    Some(format!("did you mean \"{near}\"?"))
}

fn one_of(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => String::new(),
    }
}
