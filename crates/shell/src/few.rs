//! A list that mostly has one element, which then needs no memory of its own.

use std::ops::Deref;

/// Elements in order: a word has one part, and a pipeline one command, nine times out of ten.
#[derive(Debug, Clone)]
pub enum Few<T> {
    /// One.
    One(T),
    /// None, or several.
    Many(Vec<T>),
}

impl<T> Few<T> {
    /// None.
    pub const fn new() -> Self {
        Self::Many(Vec::new())
    }

    /// The elements.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(it) => std::slice::from_ref(it),
            Self::Many(all) => all,
        }
    }

    /// Append an element.
    pub fn push(&mut self, last: T) {
        match self {
            Self::Many(all) if all.is_empty() => *self = Self::One(last),
            Self::Many(all) => all.push(last),
            Self::One(_) => {
                if let Self::One(first) = std::mem::take(self) {
                    *self = Self::Many(vec![first, last]);
                }
            }
        }
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: PartialEq> PartialEq for Few<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T: Eq> Eq for Few<T> {}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.as_slice().iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stay_in_order() {
        let mut few = Few::new();
        assert!(few.is_empty());
        for number in 0..4 {
            few.push(number);
            assert_eq!(few.as_slice(), (0..=number).collect::<Vec<_>>());
        }
        assert_eq!(Few::One(1), Few::Many(vec![1]));
    }
}
