//! Names in other cases, and the nearest of several names.

/// `MoneyDeposited` as `money_deposited`.
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let chars: Vec<char> = name.chars().collect();
    for (index, &c) in chars.iter().enumerate() {
        let after_lower = index > 0 && !chars.get(index - 1).is_some_and(|p| p.is_uppercase());
        let before_lower = chars.get(index + 1).is_some_and(|next| next.is_lowercase());
        let boundary = c.is_uppercase() && index > 0 && (after_lower || before_lower);
        if boundary && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// An identifier without its `r#`.
pub(crate) fn unraw(ident: &proc_macro2::Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map_or(text.clone(), str::to_owned)
}

/// The known name that was probably meant: at most two edits away
/// (Damerau-Levenshtein, adjacent transpositions), and not most of the word.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (distance(word, name), name))
        .filter(|(distance, name)| *distance <= 2 && *distance * 2 <= name.len())
        .min()
        .map(|(_, name)| name)
}

fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = usize::from(a[i - 1] != b[j - 1]);
                let mut best =
                    (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + change);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_capitals() {
        for (name, expected) in [
            ("MoneyDeposited", "money_deposited"),
            ("Opened", "opened"),
            ("HTTPServerStarted", "http_server_started"),
            ("already_snake", "already_snake"),
            ("V2Ready", "v2_ready"),
        ] {
            assert_eq!(snake(name), expected);
        }
    }

    #[test]
    fn the_nearest_name_is_found_and_far_ones_are_not() {
        let known = ["version", "name", "tag", "crate"];
        assert_eq!(nearest("verison", known.into_iter()), Some("version"));
        assert_eq!(nearest("nmae", known.into_iter()), Some("name"));
        assert_eq!(nearest("colour", known.into_iter()), None);
        assert_eq!(nearest("xyz", known.into_iter()), None);
    }
}
