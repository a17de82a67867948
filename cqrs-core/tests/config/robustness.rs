//! No text brings the loader down.

use cqrs_core::config::{Config, ConfigLoader, Rate};
use proptest::prelude::*;

/// Pieces that get past the first checks.
fn scrap() -> impl Strategy<Value = String> {
    let words = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        ".",
        "=",
        "\n",
        "_",
        "__",
        "-",
        " ",
        "/",
        "%",
        "command_bus",
        "handlers",
        "timeout",
        "retry",
        "rate_limit",
        "warn_after",
        "rate",
        "burst",
        "none",
        "true",
        "null",
        "30s",
        "1e999",
        "-1",
        "0",
        "1h 30m",
        "\u{0}",
        "é",
        "\\u0000",
    ];
    let word = prop_oneof![prop::sample::select(words.to_vec()).prop_map(str::to_owned), ".{0,6}"];
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

/// Values that a key may be given.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        scrap(),
        "-?[0-9]{1,25}(\\.[0-9]{1,9})?(ns|us|ms|s|m|h|d|%|/s|/m burst 3)?",
        "[0-9]{1,5}h [0-9]{1,5}m [0-9]{1,5}s",
    ]
}

fn path() -> impl Strategy<Value = String> {
    let paths: Vec<_> = Config::keys().iter().map(|key| key.path()).collect();
    let known = (prop::sample::select(paths), "[a-z.]{1,9}")
        .prop_map(|(path, name)| path.replace('*', &name));
    prop_oneof![4 => known, 1 => scrap()]
}

/// Either it is wrong in words, or it is valid and says the same once written.
fn is_sound(loader: ConfigLoader) -> Result<(), TestCaseError> {
    match loader.load() {
        Ok(config) => {
            config.validate().map_err(|error| TestCaseError::fail(error.to_string()))?;
            let text = serde_json::to_string(&config).expect("it can be written");
            let read: Config = serde_json::from_str(&text).expect("it can be read");
            prop_assert_eq!(read, config, "{}", text);
        }
        Err(error) => {
            prop_assert!(!error.mistakes().is_empty() && !error.to_string().is_empty());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in scrap()) {
        is_sound(ConfigLoader::new().json(&text))?;
        #[cfg(feature = "toml")]
        is_sound(ConfigLoader::new().toml(&text))?;
        let _ = text.parse::<Rate>();
    }

    #[test]
    fn any_value_of_any_key_is_read_or_refused(path in path(), value in value()) {
        is_sound(ConfigLoader::new().set(&path, &value))?;
        let text = serde_json::json!({ path.clone(): value }).to_string();
        is_sound(ConfigLoader::new().json(&text))?;
        #[cfg(feature = "toml")]
        is_sound(ConfigLoader::new().toml(&format!("{path} = {value}")))?;
    }

    #[test]
    fn any_variable_is_read_or_refused(name in scrap(), value in value()) {
        let variables = [(format!("CQRS_{name}"), value)];
        is_sound(ConfigLoader::new().environment("CQRS", variables))?;
    }
}

#[test]
fn deep_documents_are_refused() {
    for depth in [100, 127, 128, 100_000] {
        let json = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert_eq!(crate::mistakes(ConfigLoader::new().json(&json)).len(), 1);
        #[cfg(feature = "toml")]
        {
            let path = vec!["a"; depth].join(".");
            assert!(!crate::mistakes(ConfigLoader::new().toml(&format!("{path} = 1"))).is_empty());
            let inline = format!("a = {}1{}", "{a = ".repeat(depth), "}".repeat(depth));
            assert!(!crate::mistakes(ConfigLoader::new().toml(&inline)).is_empty());
        }
    }
}
