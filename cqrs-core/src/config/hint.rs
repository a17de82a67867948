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
        .map(|name| (cqrs_schema::distance(&word, &plain(name)), name))
        .filter(|(distance, name)| {
            *distance <= 2.max(name.len() / 8) && *distance * 2 <= name.len()
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn plain(word: &str) -> String {
    let letters = word.chars().filter(|c| !matches!(c, '_' | '-' | '.'));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}
