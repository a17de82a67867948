//! The codes of errors: unique, documented, stable.

use std::collections::BTreeSet;
use std::path::Path;

use cqrs_core::error::{Category, Code};

#[test]
fn codes_are_unique_and_stable() {
    let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    let list: Vec<String> =
        Code::ALL.iter().map(|code| format!("{code} {:?}", code.category())).collect();
    insta::assert_snapshot!("codes", list.join("\n"));
}

#[test]
fn every_code_has_a_page() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cqrs-core/docs/errors");
    let pages: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|page| !page.starts_with("CQ"))
        .collect();
    let codes: BTreeSet<String> = Code::ALL.iter().map(|code| code.to_string()).collect();
    assert_eq!(pages, codes);
    for code in codes {
        let text = std::fs::read_to_string(folder.join(format!("{code}.md"))).unwrap();
        assert!(text.starts_with(&format!("# {code}: ")), "{code}");
        assert!(text.contains("**What to do.** "), "{code}");
    }
}

#[test]
fn a_code_of_ones_own_has_a_category_too() {
    const CODE: Code = Code::new("too_late", Category::Domain);
    assert_eq!((CODE.as_str(), CODE.category()), ("too_late", Category::Domain));
    assert_eq!(serde_json::to_string(&CODE).unwrap(), "\"too_late\"");
}
