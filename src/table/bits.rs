//! A set of small numbers as bits: which recipients are still in.

/// A set of recipient numbers below a fixed size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// No members, room for `size`.
    pub fn none(size: usize) -> Self {
        Self { words: vec![0; size.div_ceil(64)] }
    }

    /// Every number below `size`.
    pub fn all(size: usize) -> Self {
        let mut words = vec![u64::MAX; size.div_ceil(64)];
        if let Some(last) = words.last_mut()
            && !size.is_multiple_of(64)
        {
            *last = (1 << (size % 64)) - 1;
        }
        Self { words }
    }

    /// Adds a member.
    pub fn add(&mut self, member: u32) {
        if let Some(word) = self.words.get_mut(member as usize / 64) {
            *word |= 1 << (member % 64);
        }
    }

    /// Takes a member out.
    pub fn take(&mut self, member: u32) {
        if let Some(word) = self.words.get_mut(member as usize / 64) {
            *word &= !(1 << (member % 64));
        }
    }

    /// Adds a member or takes it out.
    pub fn set(&mut self, member: u32, belongs: bool) {
        if belongs { self.add(member) } else { self.take(member) }
    }

    pub fn has(&self, member: u32) -> bool {
        self.words.get(member as usize / 64).is_some_and(|word| word & (1 << (member % 64)) != 0)
    }

    /// How many members there are.
    pub fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Keeps what is also in `other`.
    pub fn and(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(mine, theirs)| *mine &= theirs);
    }

    /// Takes out what is in `other`.
    pub fn and_not(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(mine, theirs)| *mine &= !theirs);
    }

    /// Adds what is in `other`.
    pub fn or(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// Keeps what is in one of the two.
    pub fn and_either(&mut self, one: &Self, other: &Self) {
        self.words.iter_mut().zip(one.words.iter().zip(&other.words)).for_each(|(mine, (one, other))| *mine &= one | other);
    }

    /// What is in both.
    pub fn both(&self, other: &Self) -> Self {
        Self { words: self.words.iter().zip(&other.words).map(|(mine, theirs)| mine & theirs).collect() }
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        members(&self.words)
    }
}

/// The places of the bits that are set, ascending.
fn members(words: &[u64]) -> impl Iterator<Item = u32> + '_ {
    words.iter().enumerate().flat_map(|(at, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let bit = left.trailing_zeros();
            left &= left - 1;
            Some(at as u32 * 64 + bit)
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const SIZE: usize = 200;

    fn bits(set: &BTreeSet<u32>) -> Bits {
        let mut bits = Bits::none(SIZE);
        set.iter().for_each(|member| bits.add(*member));
        bits
    }

    fn sets() -> impl Strategy<Value = BTreeSet<u32>> {
        proptest::collection::btree_set(0..SIZE as u32, 0..60)
    }

    proptest! {
        #[test]
        fn bits_are_sets_of_numbers(one in sets(), other in sets()) {
            let (mine, theirs) = (bits(&one), bits(&other));
            let list = |bits: &Bits| bits.iter().collect::<BTreeSet<_>>();
            prop_assert_eq!(list(&mine), one.clone());
            prop_assert_eq!(mine.count() as usize, one.len());
            prop_assert_eq!(mine.is_empty(), one.is_empty());
            prop_assert_eq!(list(&mine.both(&theirs)), &one & &other);
            let mut changed = mine.clone();
            changed.and(&theirs);
            prop_assert_eq!(list(&changed), &one & &other);
            changed = mine.clone();
            changed.and_not(&theirs);
            prop_assert_eq!(list(&changed), &one - &other);
            changed = mine.clone();
            changed.or(&theirs);
            prop_assert_eq!(list(&changed), &one | &other);
            for member in &other {
                changed.take(*member);
            }
            prop_assert_eq!(list(&changed), &one - &other);
        }
    }

    #[test]
    fn all_ends_at_the_size() {
        for size in [0, 1, 63, 64, 65, 200] {
            assert_eq!(Bits::all(size).count() as usize, size);
        }
    }
}
