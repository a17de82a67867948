//! A list that mostly holds one item, which then needs no allocation.

use std::fmt;
use std::iter::Chain;
use std::ops::{Deref, DerefMut};

#[derive(Clone)]
pub(crate) enum Few<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> Few<T> {
    pub(crate) const fn new() -> Self {
        Self::Many(Vec::new())
    }

    #[inline]
    pub(crate) fn push(&mut self, item: T) {
        match self {
            Self::Many(items) if items.capacity() > 0 => items.push(item),
            Self::Many(_) => *self = Self::One(item),
            Self::One(_) => {
                let first = std::mem::replace(self, Self::Many(Vec::with_capacity(2)));
                let Self::Many(items) = self else { unreachable!("it was just put there") };
                items.extend(first.into_iter().chain([item]));
            }
        }
    }

    /// As an iterator does, without moving the one item into an iterator.
    #[inline]
    pub(crate) fn each(self, mut take: impl FnMut(T)) {
        match self {
            Self::One(item) => take(item),
            Self::Many(items) => items.into_iter().for_each(take),
        }
    }

    pub(crate) fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(item) => vec![item],
            Self::Many(items) => items,
        }
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(items: Vec<T>) -> Self {
        Self::Many(items)
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::One(item) => std::slice::from_ref(item),
            Self::Many(items) => items,
        }
    }
}

impl<T> DerefMut for Few<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::One(item) => std::slice::from_mut(item),
            Self::Many(items) => items,
        }
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = Chain<std::option::IntoIter<T>, std::vec::IntoIter<T>>;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        let (one, many) = match self {
            Self::One(item) => (Some(item), Vec::new()),
            Self::Many(items) => (None, items),
        };
        one.into_iter().chain(many)
    }
}

impl<T: PartialEq> PartialEq for Few<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Few<T> {}

impl<T: fmt::Debug> fmt::Debug for Few<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_keep_their_order_however_many_there_are() {
        let mut few = Few::new();
        assert!(few.is_empty());
        for n in 0..4 {
            few.push(n);
            assert_eq!(*few, *(0..=n).collect::<Vec<_>>());
        }
        assert_eq!(few.clone().into_iter().collect::<Vec<_>>(), few.into_vec());
        assert_eq!(Few::One(7), Few::from(vec![7]));
        assert_eq!(Few::One(7).into_iter().collect::<Vec<_>>(), [7]);
    }
}
