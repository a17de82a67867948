//! A list that grows without moving what is in it: a large log is never
//! copied, and its memory is taken in pieces that the allocator reuses.

const CHUNK: usize = 256;

pub(super) struct Chunks<T> {
    chunks: Vec<Vec<T>>,
    len: usize,
}

impl<T> Chunks<T> {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, item: T) {
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let last = self.chunks.last_mut().expect("a chunk with room was made above");
        last.push(item);
        self.len += 1;
    }

    pub(super) fn last(&self) -> Option<&T> {
        self.chunks.last()?.last()
    }

    /// How many items, which must be at the front, the test holds for.
    pub(super) fn partition_point(&self, test: impl Fn(&T) -> bool) -> usize {
        let whole = self.chunks.partition_point(|chunk| chunk.last().is_some_and(&test));
        let rest = self.chunks.get(whole).map_or(0, |chunk| chunk.partition_point(&test));
        (whole * CHUNK + rest).min(self.len)
    }

    /// The items from an index on.
    pub(super) fn from(&self, index: usize) -> impl Iterator<Item = &T> {
        (index..self.len).map(|index| self.at(index))
    }

    pub(super) fn at(&self, index: usize) -> &T {
        &self.chunks[index / CHUNK][index % CHUNK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_found_across_chunks() {
        let mut items = Chunks::new();
        (0..1_000).for_each(|n| items.push(n));
        assert_eq!(
            (items.len(), *items.at(0), *items.at(255), *items.at(256)),
            (1_000, 0, 255, 256)
        );
        assert_eq!(items.from(998).copied().collect::<Vec<_>>(), [998, 999]);
        assert_eq!(items.from(1_000).count(), 0);
        assert_eq!(items.last(), Some(&999));
        for n in [0, 1, 255, 256, 257, 999, 1_000, 2_000] {
            assert_eq!(items.partition_point(|item| *item < n), n.min(1_000));
        }
    }
}
