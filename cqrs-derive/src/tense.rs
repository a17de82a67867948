//! Whether a name says that something has happened.

use proc_macro2::Ident;

use crate::case::{snake, unraw};
use crate::code::Code;
use crate::ctxt::Ctxt;

/// Past participles that do not end in `ed`.
const IRREGULAR: &[&str] = &[
    "agreed",
    "been",
    "begun",
    "bent",
    "bid",
    "born",
    "bought",
    "bound",
    "broken",
    "brought",
    "built",
    "cast",
    "caught",
    "chosen",
    "cut",
    "dealt",
    "done",
    "drawn",
    "driven",
    "fallen",
    "fed",
    "felt",
    "fit",
    "forbidden",
    "forgiven",
    "forgotten",
    "fought",
    "found",
    "freed",
    "frozen",
    "given",
    "gone",
    "got",
    "guaranteed",
    "grown",
    "heard",
    "held",
    "hidden",
    "hit",
    "hurt",
    "kept",
    "known",
    "laid",
    "led",
    "left",
    "lent",
    "let",
    "lit",
    "lost",
    "made",
    "meant",
    "met",
    "overdrawn",
    "overridden",
    "overrun",
    "paid",
    "proven",
    "put",
    "read",
    "rebuilt",
    "redone",
    "repaid",
    "rerun",
    "resent",
    "reset",
    "rewritten",
    "risen",
    "run",
    "said",
    "seen",
    "sent",
    "set",
    "shed",
    "shown",
    "shut",
    "sold",
    "sought",
    "spent",
    "split",
    "spread",
    "stolen",
    "struck",
    "sunk",
    "sworn",
    "taken",
    "thrown",
    "told",
    "torn",
    "understood",
    "undone",
    "upset",
    "withdrawn",
    "withheld",
    "won",
    "worn",
    "wound",
    "written",
];

/// Refuses the name of an event in which no word is a past participle.
pub(crate) fn check(name: &Ident, ctxt: &mut Ctxt) {
    let words = snake(&unraw(name));
    let regular = |word: &str| word.len() > 3 && word.ends_with("ed") && !word.ends_with("eed");
    let past = |word: &str| regular(word) || IRREGULAR.contains(&word);
    if !words.split('_').any(past) {
        let message = format!(
            "say what has happened: no word of `{name}` is a past participle\nhelp: an event is a \
             fact, such as `Opened` or `PaymentReceived`; what is still to be done is a command"
        );
        ctxt.error(name, Code::TENSE, message);
    }
}
