//! What was probably meant.

/// The known name that was probably meant: at most two edits away
/// (Damerau-Levenshtein, adjacent transpositions), and not most of the word.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (distance(word, name), name))
        .filter(|(distance, name)| *distance <= 2 && *distance * 2 <= name.len())
        .min()
        .map(|(_, name)| name)
}

/// Letters to be added, removed, changed, or swapped with their neighbour.
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let change = at(&above, j) + usize::from(x != y);
            let mut best = (at(&above, j + 1) + 1).min(at(&row, j) + 1).min(change);
            if i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x) {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_far_ones_are_not() {
        let known = ["version", "name", "tag", "crate"];
        assert_eq!(nearest("verison", known.into_iter()), Some("version"));
        assert_eq!(nearest("nmae", known.into_iter()), Some("name"));
        assert_eq!(nearest("colour", known.into_iter()), None);
        assert_eq!(nearest("xyz", known.into_iter()), None);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("ca", "abc"), 3);
        assert_eq!(distance("crate", "crtae"), 1);
    }
}
