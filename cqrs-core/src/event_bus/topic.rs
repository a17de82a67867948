//! Patterns over the names of event types.

use std::fmt;
use std::str::FromStr;

/// A pattern over event type names, part by part between the dots: `*` stands
/// for exactly one part, `**` for any number of them, also none.
///
/// ```
/// use cqrs_core::event_bus::Topic;
///
/// let topic: Topic = "order.*".parse()?;
/// assert!(topic.matches("order.paid"));
/// assert!(!topic.matches("order.item.added"));
/// assert!("order.**".parse::<Topic>()?.matches("order.item.added"));
/// # Ok::<(), cqrs_core::event_bus::InvalidTopic>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Topic(Box<str>);

/// A text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no topic: write names between dots, with `*` for one part and `**` for any number"
)]
pub struct InvalidTopic {
    text: Box<str>,
}

impl Topic {
    /// Whether the pattern stands for a name.
    ///
    /// Goes back to the last `**` alone, so that the time grows with the
    /// product of both lengths at most.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut rest) = (self.0.split('.'), name.split('.'));
        let mut retry = None;
        loop {
            let mut ahead = pattern.clone();
            let part = ahead.next();
            if part == Some("**") {
                pattern = ahead;
                retry = Some((pattern.clone(), rest.clone()));
                continue;
            }
            let mut behind = rest.clone();
            match (part, behind.next()) {
                (None, None) => return true,
                (Some(part), Some(found)) if part == "*" || part == found => {
                    (pattern, rest) = (ahead, behind);
                }
                _ => {
                    let Some((after, from)) = &mut retry else { return false };
                    if from.next().is_none() {
                        return false;
                    }
                    (pattern, rest) = (after.clone(), from.clone());
                }
            }
        }
    }

    /// The pattern as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Topic {
    type Err = InvalidTopic;

    fn from_str(text: &str) -> Result<Self, InvalidTopic> {
        let fits = |part: &str| match part {
            "*" | "**" => true,
            part => !part.is_empty() && !part.contains('*'),
        };
        if text.split('.').all(fits) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidTopic { text: text.chars().take(64).collect::<String>().into() })
        }
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_exactly_the_names_it_describes() {
        let cases = [
            ("order.paid", "order.paid", true),
            ("order.paid", "order.paid.late", false),
            ("order.*", "order.paid", true),
            ("order.*", "order", false),
            ("order.*", "order.item.added", false),
            ("*.paid", "order.paid", true),
            ("*", "order.paid", false),
            ("**", "order.paid", true),
            ("order.**", "order", true),
            ("order.**", "order.item.added", true),
            ("**.added", "order.item.added", true),
            ("a.**.b.**.c", "a.x.b.b.y.c", true),
            ("a.**.b.**.c", "a.x.y.c", false),
            ("**.a.**.a", "a.a", true),
            ("**.a.**.a", "a", false),
        ];
        for (topic, name, expected) in cases {
            let topic: Topic = topic.parse().expect("it is a topic");
            assert_eq!(topic.matches(name), expected, "{topic:?} on {name}");
        }
    }

    #[test]
    fn a_text_that_is_no_pattern_is_refused() {
        for text in ["", "order.", ".paid", "ord*", "order.***", "a..b"] {
            assert!(text.parse::<Topic>().is_err(), "{text}");
        }
    }
}
