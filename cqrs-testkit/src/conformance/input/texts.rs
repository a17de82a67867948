//! Borderline texts, each by its class.

/// Texts that every name may be. Each is another one, however alike they
/// look, sort or compare elsewhere.
pub(super) const ACCEPTED: &[(&str, &str)] = &[
    ("one letter", "a"),
    ("the letter in upper case", "A"),
    ("two words", "a b"),
    ("a leading space", " a"),
    ("a trailing space", "a "),
    ("a space alone", " "),
    ("a digit", "1"),
    ("a leading zero", "01"),
    ("a decimal", "1.0"),
    ("an exponent", "1e0"),
    ("a sign", "-1"),
    ("hexadecimal", "0x1"),
    ("a single quote", "a'b"),
    ("a double quote", "a\"b"),
    ("a back quote", "a`b"),
    ("a backslash", "a\\b"),
    ("an escape", "a\\u0000b"),
    ("SQL that ends a statement", "'; DROP TABLE events; --"),
    ("SQL that is true", "' OR '1'='1"),
    ("a wildcard for any text", "%"),
    ("a wildcard for one letter", "_"),
    ("a glob", "*"),
    ("a placeholder", "$1"),
    ("a named placeholder", ":a"),
    ("a question mark", "?"),
    ("null", "NULL"),
    ("true", "true"),
    ("a reserved name", "$all"),
    ("a slash", "a/b"),
    ("a slash at the end", "a/"),
    ("a slash at the beginning", "/a"),
    ("the parent", ".."),
    ("a path", "../../etc"),
    ("a colon", "a:b"),
    ("a bar", "a|b"),
    ("a comma", "a,b"),
    ("a hyphen", "a-b"),
    ("a hash", "a#b"),
    ("braces", "{\"a\":1}"),
    ("brackets", "[a]"),
    ("e acute, composed", "\u{e9}"),
    ("e acute, decomposed", "e\u{301}"),
    ("e acute, in upper case", "\u{c9}"),
    ("sharp s", "stra\u{df}e"),
    ("what sharp s folds to", "strasse"),
    ("a dotless i", "\u{131}"),
    ("a ligature", "\u{fb01}"),
    ("what the ligature stands for", "fi"),
    ("a wide letter", "\u{ff41}"),
    ("a Cyrillic letter that looks Latin", "\u{430}"),
    ("right to left", "\u{5d0}\u{5d1}"),
    ("an override of direction", "a\u{202e}b"),
    ("an emoji", "\u{1f600}"),
    ("an emoji of several parts", "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}"),
    ("a joiner of no width", "a\u{200d}b"),
    ("a space of no width", "a\u{200b}b"),
    ("a space that does not break", "a\u{a0}b"),
    ("a byte order mark", "\u{feff}a"),
    ("a line separator", "a\u{2028}b"),
    ("a control of the second block", "a\u{85}b"),
    ("a character that is none", "a\u{ffff}b"),
    ("a private character", "\u{e000}"),
    ("the last character", "\u{10ffff}"),
    ("the replacement character", "\u{fffd}"),
    ("a soft hyphen", "a\u{ad}b"),
];

/// Texts that no name may be.
pub(super) const REFUSED: &[(&str, &str)] = &[
    ("nothing", ""),
    ("the null character", "a\0b"),
    ("the null character at the end", "a\0"),
    ("a line end", "a\nb"),
    ("a carriage return", "a\rb"),
    ("a tabulator", "a\tb"),
    ("an escape character", "\u{1b}[31m"),
    ("the last control character", "a\u{1f}b"),
    ("delete", "a\u{7f}b"),
];

/// Bytes that a name may have.
pub(super) const MOST: usize = 255;

/// The accepted texts, and two of the largest length.
pub(super) fn accepted() -> Vec<(&'static str, String)> {
    let mut texts: Vec<_> =
        ACCEPTED.iter().map(|(class, text)| (*class, (*text).to_owned())).collect();
    texts.push(("the largest length", "x".repeat(MOST)));
    texts.push(("the largest length in wide characters", "\u{20ac}".repeat(MOST / 3)));
    texts
}

/// The refused texts that are too long, with their number of bytes.
pub(super) fn too_long() -> Vec<(&'static str, String)> {
    vec![
        ("one byte too many", "x".repeat(MOST + 1)),
        ("one byte too many in wide characters", format!("x{}", "\u{20ac}".repeat(MOST / 3))),
        ("far too many bytes", "x".repeat(10 * 1024)),
    ]
}
