//! The documentation's table of keys.

use cqrs_core::config::{Change, Config, Key};

const PAGE: &str = include_str!("../../docs/configuration.md");

fn row(key: &Key) -> String {
    let default = key.default().map_or_else(|| "as for all".to_owned(), |text| format!("`{text}`"));
    let change = match key.change() {
        Change::Live => "live",
        _ => "fixed",
    };
    let (path, doc, expected, unit) = (key.path(), key.doc(), key.expected(), key.unit());
    format!("| `{path}` | {default} | {doc} | {expected} | {unit} | {change} |")
}

fn table() -> String {
    let head = "| Key | Default | What | Values | Unit | Change |\n|---|---|---|---|---|---|";
    let rows = Config::keys().iter().map(row);
    std::iter::once(head.to_owned()).chain(rows).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_page_lists_every_key_as_it_is() {
    let (_, rest) = PAGE.split_once("<!-- keys -->\n").expect("the page has a table");
    let (listed, _) = rest.split_once("<!-- end of keys -->").expect("the table ends");
    assert!(listed.trim() == table(), "write into docs/configuration.md:\n\n{}\n", table());
}

#[test]
fn every_key_says_what_it_is_for() {
    for key in Config::keys() {
        let doc = key.doc();
        assert!(doc.len() > 15 && doc.ends_with('.'), "{}: {doc:?}", key.path());
        assert!(!key.unit().is_empty() && !key.expected().is_empty(), "{}", key.path());
    }
}

#[test]
fn a_path_is_a_section_and_a_name_once() {
    let mut paths: Vec<_> = Config::keys().iter().map(Key::path).collect();
    for key in Config::keys() {
        assert!(key.path().starts_with(&format!("{}.", key.section())), "{}", key.path());
    }
    paths.sort_unstable();
    let count = paths.len();
    paths.dedup();
    assert_eq!(paths.len(), count);
}

#[cfg(feature = "toml")]
#[test]
fn the_sample_file_of_the_page_loads() {
    let (_, rest) = PAGE.split_once("```toml\n").expect("the page has a sample");
    let (sample, _) = rest.split_once("```").expect("the sample ends");
    let config = crate::loaded(cqrs_core::config::ConfigLoader::new().toml(sample));
    assert_eq!(config.handlers["bank.deposit"].rate_limit, Some(cqrs_core::config::Limit::None));
    assert_eq!(config.subscriptions["balances"].max_attempts, Some(20));
}
