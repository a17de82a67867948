//! An import on the screen while it runs.

use std::fmt;
use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::imported::{Observer, Refusal};
use super::output::complain;

/// Rows between two lines of progress when nobody looks at a terminal.
const LINE_EVERY: u64 = 8_192;

/// Shows an import while it runs: a bar on a terminal, lines elsewhere.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let bar = stderr().is_terminal().then(|| {
            let style = "{elapsed_precise} {wide_bar} {bytes}/{total_bytes} {msg}";
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            bar.with_style(
                ProgressStyle::with_template(style).expect("the template is well-formed"),
            )
        });
        Self { bar }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Observer for Progress {
    fn progress(&mut self, rows: u64, (read, total): (u64, Option<u64>)) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(total.unwrap_or(read));
                bar.set_position(read);
                bar.set_message(format!("{rows} rows"));
            }
            None if rows.is_multiple_of(LINE_EVERY) => {
                let share = total.map(|total| format!(", {} %", read * 100 / total.max(1)));
                complain(format_args!("{rows} rows read{}", share.unwrap_or_default()));
            }
            None => {}
        }
    }

    fn rejected(&mut self, file: &str, refusal: &Refusal) {
        let say = || complain(At { file, refusal });
        match &self.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }
}

/// A rejection with its place, as `file:line: field: reason`.
struct At<'a> {
    file: &'a str,
    refusal: &'a Refusal,
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file;
        match self.refusal {
            Refusal::Row(error) => {
                let field = error.field.map(|field| format!("{field}: ")).unwrap_or_default();
                write!(f, "{file}:{}: {field}{}", error.line, error.problem)
            }
            Refusal::Command { line, field, reason, .. } => {
                write!(f, "{file}:{line}: {field}: {reason}")
            }
        }
    }
}
