//! Durations, written with their unit: `30s`, `1.5s`, `200ms`, `10m`, `1h 30m`.
//!
//! The notation is the friendly one of jiff. A number without a unit is
//! refused, since nobody who reads a file could tell seconds from
//! milliseconds.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::fmt::friendly::{SpanParser, SpanPrinter};
use serde_json::Value;

use super::setting::{Input, Refused, Setting};

static PARSER: SpanParser = SpanParser::new();
static PRINTER: SpanPrinter = SpanPrinter::new();

impl Setting for Duration {
    type Bounds = RangeInclusive<Self>;

    fn read(input: Input<'_>) -> Result<Self, Refused> {
        if let Some(text) = input.text() {
            return parse(text).ok_or_else(|| Refused(bare(text)));
        }
        Err(Refused(input.value.as_number().and_then(|number| bare(&number.to_string()))))
    }

    fn show(&self) -> Value {
        Value::String(print(*self))
    }

    fn is_within(&self, bounds: &Self::Bounds) -> bool {
        bounds.contains(self)
    }

    fn expected(bounds: &Self::Bounds) -> String {
        let (from, to) = (print(*bounds.start()), print(*bounds.end()));
        format!("a duration from {from} to {to}, such as \"30s\"")
    }
}

pub(super) fn parse(text: &str) -> Option<Duration> {
    PARSER.parse_unsigned_duration(text).ok()
}

pub(super) fn print(duration: Duration) -> String {
    PRINTER.unsigned_duration_to_string(&duration)
}

/// A number that lacks its unit.
fn bare(number: &str) -> Option<String> {
    let seconds = number.parse::<f64>().ok().filter(|seconds| *seconds > 0.0)?;
    Some(format!("a unit is missing: for seconds write \"{seconds}s\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_with_its_unit_alone() {
        let cases = [
            ("30s", Some(30_000)),
            ("1.5s", Some(1_500)),
            ("200ms", Some(200)),
            ("10m", Some(600_000)),
            ("2h", Some(7_200_000)),
            ("1h 30m", Some(5_400_000)),
            ("0s", Some(0)),
            ("30", None),
            ("-5s", None),
            ("5s ago", None),
            ("s", None),
            ("", None),
            ("1d", None),
            ("5 parsecs", None),
        ];
        for (text, millis) in cases {
            assert_eq!(parse(text), millis.map(Duration::from_millis), "{text:?}");
        }
    }

    #[test]
    fn what_is_printed_is_read_again() {
        for nanos in [0, 1, 999, 1_500, 200_000_000, 1_500_000_000, 90 * 60_000_000_000, u64::MAX] {
            let duration = Duration::from_nanos(nanos);
            assert_eq!(parse(&print(duration)), Some(duration), "{}", print(duration));
        }
        assert_eq!(print(Duration::from_secs(600)), "10m");
    }
}
