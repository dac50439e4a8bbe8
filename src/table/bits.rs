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
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine &= theirs;
        }
    }

    /// Keeps what is in `other`, or listed and in this set before.
    pub fn and_or_listed(&mut self, other: &Self, listed: &[u32]) {
        const FEW: usize = 64;
        if listed.len() <= FEW {
            let mut kept = [0u32; FEW];
            let mut count = 0;
            for member in listed.iter().filter(|member| self.has(**member)) {
                kept[count] = *member;
                count += 1;
            }
            self.and(other);
            kept[..count].iter().for_each(|member| self.add(*member));
        } else {
            let kept: Vec<u32> = listed.iter().copied().filter(|member| self.has(*member)).collect();
            self.and(other);
            kept.into_iter().for_each(|member| self.add(member));
        }
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| {
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
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn of(size: usize, members: &BTreeSet<u32>) -> Bits {
        let mut bits = Bits::none(size);
        members.iter().for_each(|member| bits.add(*member));
        bits
    }

    proptest! {
        #[test]
        fn bits_behave_like_a_set(a in prop::collection::btree_set(0u32..200, 0..80), b in prop::collection::btree_set(0u32..200, 0..80), listed in prop::collection::btree_set(0u32..200, 0..120)) {
            prop_assert_eq!(Bits::all(200).iter().collect::<Vec<_>>(), (0..200).collect::<Vec<_>>());
            let (left, right) = (of(200, &a), of(200, &b));
            prop_assert_eq!(left.iter().collect::<BTreeSet<_>>(), a.clone());
            prop_assert_eq!(left.count() as usize, a.len());
            let mut both = left.clone();
            both.and(&right);
            prop_assert_eq!(both.iter().collect::<BTreeSet<_>>(), a.intersection(&b).copied().collect());
            let listed: Vec<u32> = listed.into_iter().collect();
            let mut some = left;
            some.and_or_listed(&right, &listed);
            let wanted: BTreeSet<u32> = a.iter().copied().filter(|m| b.contains(m) || listed.contains(m)).collect();
            prop_assert_eq!(some.iter().collect::<BTreeSet<_>>(), wanted);
        }
    }
}
