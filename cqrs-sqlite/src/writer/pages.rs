//! How full the write-ahead log is.
//!
//! SQLite tells only while it does a checkpoint. So what is written is
//! counted roughly, and each checkpoint corrects the scale.

/// Pages that may stand in the write-ahead log before a checkpoint. Few: SQLite
/// writes over the same part of its file again and again then, and a flush is
/// cheaper while a file does not grow. Only a transaction that is larger than
/// this makes it longer.
const MANY: f64 = 1024.0;

/// Bytes of a page.
const PAGE: usize = 4096;

pub(super) struct Pages {
    counted: usize,
    /// Pages in the write-ahead log for each page counted.
    scale: f64,
}

impl Default for Pages {
    fn default() -> Self {
        Self { counted: 0, scale: 1.0 }
    }
}

impl Pages {
    /// Rows of so many bytes were appended.
    pub(super) fn filled(&mut self, bytes: usize) {
        self.counted += bytes;
    }

    /// Rows somewhere within the file were changed.
    pub(super) fn changed(&mut self, rows: u64) {
        self.counted += rows as usize * PAGE;
    }

    fn estimate(&self) -> f64 {
        (self.counted / PAGE) as f64 * self.scale
    }

    pub(super) fn are_many(&self) -> bool {
        self.estimate() >= MANY
    }

    /// Whether to use a time when nobody writes.
    pub(super) fn are_worth_a_checkpoint(&self) -> bool {
        self.estimate() >= MANY / 8.0
    }

    /// A checkpoint found so many pages.
    pub(super) fn written_back(&mut self, pages: i64) {
        let counted = self.counted / PAGE;
        if counted > 64 && pages > 0 {
            let scale = pages as f64 / counted as f64;
            self.scale = f64::midpoint(self.scale, scale).clamp(0.05, 4.0);
        }
        self.counted = 0;
    }
}
