//! Variables of the environment as values of the configuration.
//!
//! `CQRS_COMMAND_BUS__TIMEOUT=5s` is `command_bus.timeout`: two underscores
//! stand for each dot, and capitals for small letters. So
//! `CQRS_HANDLERS__BANK__DEPOSIT__TIMEOUT` is `handlers.bank.deposit.timeout`.
//! A part that has small letters is taken as it stands, for wire names with
//! capitals: `CQRS_HANDLERS__Bank__Deposit__TIMEOUT`.
//!
//! Variables with the prefix and without a double underscore are of something
//! else and left alone, unless one is so near to a key that it is a slip.

use super::error::Mistake;
use super::found::Origin;
use super::hint;
use super::layer::Layer;
use super::settings::KEYS;

/// The environment of this process. Nothing else in the framework reads it.
///
/// What is no Unicode is replaced, and then found to be no value.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn process() -> Vec<(String, String)> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

/// The values that variables with a prefix stand for.
pub(super) fn read(prefix: &str, variables: &[(String, String)]) -> Layer {
    let mut layer = Layer::default();
    for (variable, value) in variables {
        let rest = variable.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
        let Some(rest) = rest else { continue };
        let origin = Origin::Environment { variable: variable.clone() };
        if rest.contains("__") {
            let path: Vec<_> = rest.split("__").map(part).collect();
            layer.add(path.join("."), value.clone().into(), origin);
        } else if let Some(meant) = slip(rest) {
            let meant = format!("did you mean {prefix}_{meant}?");
            let mistake = Mistake::unknown(variable.clone(), origin);
            layer.mistakes.push(mistake.hinted(Some(meant)));
        }
    }
    layer
}

fn part(part: &str) -> String {
    let is_upper = !part.contains(|c: char| c.is_ascii_lowercase());
    if is_upper { part.to_ascii_lowercase() } else { part.to_owned() }
}

/// The variable that was meant where one underscore stands for two.
fn slip(rest: &str) -> Option<String> {
    let plain = KEYS.iter().filter(|key| !key.path.contains('*'));
    let name = hint::nearest(rest, plain.clone().map(|key| key.path))?;
    Some(name.replace('.', "__").to_ascii_uppercase())
}
