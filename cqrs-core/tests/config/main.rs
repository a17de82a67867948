//! The configuration at its boundary: defaults, layers, mistakes, updates.

mod defaults;
mod environment;
mod formats;
mod layers;
mod live;
mod mistakes;
mod robustness;
mod table;

use cqrs_core::config::{Config, ConfigLoader, Mistake};

/// Loads what must be right.
#[track_caller]
fn loaded(loader: ConfigLoader) -> Config {
    loader.load().unwrap_or_else(|error| panic!("{error}"))
}

/// The mistakes of what must be wrong.
#[track_caller]
fn mistakes(loader: ConfigLoader) -> Vec<Mistake> {
    loader.load().expect_err("it is wrong").mistakes().to_vec()
}

/// The one mistake of what must be wrong in one way.
#[track_caller]
fn mistake(loader: ConfigLoader) -> Mistake {
    match <[Mistake; 1]>::try_from(mistakes(loader)) {
        Ok([mistake]) => mistake,
        Err(mistakes) => panic!("not one mistake: {mistakes:#?}"),
    }
}

/// Variables of an environment.
fn variables<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}
