//! What was probably meant.

/// Longer words are not compared: what they cost grows with the square.
const LONGEST: usize = 300;

/// The known word that is nearest, if one is near. Capitals, `_`, `-` and `.`
/// make no difference, so that `commandBus` finds `command_bus`.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let word = plain(word);
    known
        .map(|name| (distance(&word, &plain(name)), name))
        .filter(|(distance, name)| {
            *distance <= 2.max(name.len() / 8) && *distance * 2 <= name.len()
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn plain(word: &str) -> Vec<char> {
    let letters = word.chars().filter(|c| !matches!(c, '_' | '-' | '.'));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// Letters to be added, removed, changed, or swapped with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
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
