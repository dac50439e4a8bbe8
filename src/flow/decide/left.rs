//! Who is still in, once the filters have left few of many: their numbers, ascending.

use crate::table::bits::Bits;

/// Recipients who are still in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    numbers: Vec<u32>,
}

impl Left {
    pub fn of(bits: &Bits) -> Self {
        Self { numbers: bits.iter().collect() }
    }

    /// One alone.
    pub fn one(number: u32) -> Self {
        Self { numbers: vec![number] }
    }

    pub fn count(&self) -> u32 {
        self.numbers.len() as u32
    }

    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    pub fn has(&self, number: u32) -> bool {
        self.numbers.binary_search(&number).is_ok()
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.numbers.iter().copied()
    }

    pub fn add(&mut self, number: u32) {
        if let Err(place) = self.numbers.binary_search(&number) {
            self.numbers.insert(place, number);
        }
    }

    /// Keeps those of whom this is true.
    pub fn retain(&mut self, mut stays: impl FnMut(u32) -> bool) {
        self.numbers.retain(|number| stays(*number));
    }

    /// Takes these out; they are in ascending order.
    pub fn take_all(&mut self, going: impl IntoIterator<Item = u32>) {
        let mut going = going.into_iter().peekable();
        self.numbers.retain(|number| {
            while going.next_if(|gone| gone < number).is_some() {}
            going.peek() != Some(number)
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set_of_numbers(mine in prop::collection::btree_set(0u32..300, 0..50), other in prop::collection::btree_set(0u32..300, 0..50)) {
            let mut bits = Bits::none(300);
            mine.iter().for_each(|number| bits.add(*number));
            let left = Left::of(&bits);
            prop_assert_eq!(left.iter().collect::<BTreeSet<_>>(), mine.clone());
            prop_assert!(other.iter().all(|number| left.has(*number) == mine.contains(number)));
            let mut fewer = left.clone();
            fewer.take_all(other.iter().copied());
            prop_assert_eq!(fewer.iter().collect::<BTreeSet<_>>(), &mine - &other);
            other.iter().for_each(|number| fewer.add(*number));
            prop_assert_eq!(fewer.iter().collect::<Vec<_>>(), (&mine | &other).into_iter().collect::<Vec<_>>());
        }
    }
}
