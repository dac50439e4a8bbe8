//! From values to recipients.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use super::dictionary::Dictionary;
use crate::table::bits::Bits;

/// Some recipients. A list is kept while it is quicker to go through than all recipients' bits.
#[derive(Clone, Debug, PartialEq)]
enum Members {
    /// Sorted.
    Few(Vec<u32>),
    Many(Bits),
}

impl Members {
    /// How long a list may be among so many recipients.
    fn few(size: usize) -> usize {
        size / 256
    }

    fn of(list: Vec<u32>, size: usize) -> Self {
        if list.len() <= Self::few(size) {
            return Self::Few(list);
        }
        let mut bits = Bits::none(size);
        list.iter().for_each(|member| bits.add(*member));
        Self::Many(bits)
    }

    fn set(&mut self, member: u32, belongs: bool, size: usize) {
        match self {
            Self::Many(bits) => bits.set(member, belongs),
            Self::Few(list) => {
                match (list.binary_search(&member), belongs) {
                    (Err(place), true) => list.insert(place, member),
                    (Ok(place), false) => drop(list.remove(place)),
                    _ => {}
                }
                if list.len() > Self::few(size) {
                    *self = Self::of(std::mem::take(list), size);
                }
            }
        }
    }
}

/// From values to recipients that name them.
#[derive(Clone, Debug, Default, PartialEq)]
struct ByValue {
    dictionary: Dictionary,
    members: Vec<Members>,
}

impl ByValue {
    fn get(&self, value: &str) -> Option<&Members> {
        self.members.get(self.dictionary.get(value)? as usize)
    }

    fn set(&mut self, member: u32, values: &[String], belongs: bool, size: usize) {
        for value in values {
            let number = self.dictionary.number(value) as usize;
            if number == self.members.len() {
                self.members.push(Members::Few(Vec::new()));
            }
            self.members[number].set(member, belongs, size);
        }
    }
}

/// Values and who names them, while they are gathered.
pub(super) struct Building {
    size: usize,
    dictionary: Dictionary,
    members: Vec<Vec<u32>>,
    indifferent: Bits,
}

impl Building {
    pub fn new(size: usize) -> Self {
        Self { size, dictionary: Dictionary::default(), members: Vec::new(), indifferent: Bits::all(size) }
    }

    /// Adds a recipient that names these values; they come by ascending number.
    pub fn add(&mut self, member: u32, values: &[String]) {
        self.indifferent.take(member);
        for value in values {
            let number = self.dictionary.number(value) as usize;
            if number == self.members.len() {
                self.members.push(Vec::new());
            }
            self.members[number].push(member);
        }
    }

    pub fn listing(self) -> Listing {
        let Self { size, dictionary, members, indifferent } = self;
        let members = members.into_iter().map(|list| Members::of(list, size)).collect();
        Listing { indifferent, by_value: ByValue { dictionary, members } }
    }

    pub fn excluding(self) -> Excluding {
        Excluding { by_value: self.listing().by_value }
    }
}

/// Who lists which values. Those without such a test pass whatever the value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Listing {
    /// Recipients without such a test.
    indifferent: Bits,
    by_value: ByValue,
}

impl Listing {
    pub fn set(&mut self, member: u32, before: Option<&[String]>, after: Option<&[String]>, size: usize) {
        self.by_value.set(member, before.unwrap_or_default(), false, size);
        self.by_value.set(member, after.unwrap_or_default(), true, size);
        self.indifferent.set(member, after.is_none());
    }

    /// Keeps who lists the value, and who is indifferent.
    #[inline(always)]
    pub fn keep(&self, value: &str, left: &mut Bits) {
        match self.by_value.get(value) {
            None => left.and(&self.indifferent),
            Some(Members::Many(listed)) => left.and_either(&self.indifferent, listed),
            Some(Members::Few(list)) => {
                let kept: SmallVec<[u32; 64]> = list.iter().copied().filter(|member| left.has(*member)).collect();
                left.and(&self.indifferent);
                kept.into_iter().for_each(|member| left.add(member));
            }
        }
    }

    /// Keeps who lists a beginning of the value of one of these lengths, and who is indifferent.
    pub fn keep_prefixes(&self, value: &str, lengths: &[usize], left: &mut Bits) {
        let mut passing = self.indifferent.clone();
        for members in lengths.iter().filter_map(|length| self.by_value.get(value.get(..*length)?)) {
            match members {
                Members::Few(list) => list.iter().for_each(|member| passing.add(*member)),
                Members::Many(listed) => passing.or(listed),
            }
        }
        left.and(&passing);
    }
}

/// Who refuses which values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Excluding {
    by_value: ByValue,
}

impl Excluding {
    pub fn set(&mut self, member: u32, before: Option<&[String]>, after: Option<&[String]>, size: usize) {
        self.by_value.set(member, before.unwrap_or_default(), false, size);
        self.by_value.set(member, after.unwrap_or_default(), true, size);
    }

    /// Takes out who refuses the value.
    pub fn keep(&self, value: &str, left: &mut Bits) {
        match self.by_value.get(value) {
            None => {}
            Some(Members::Few(list)) => list.iter().for_each(|member| left.take(*member)),
            Some(Members::Many(listed)) => left.and_not(listed),
        }
    }
}

/// Lengths of prefixes, with how many recipients' tests have each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lengths {
    counts: HashMap<usize, u32, FxBuildHasher>,
    sorted: Vec<usize>,
}

impl Lengths {
    pub fn count(&mut self, prefixes: &[String], by: i32) {
        for prefix in prefixes {
            let count = self.counts.entry(prefix.len()).or_default();
            *count = count.saturating_add_signed(by);
        }
        self.counts.retain(|_, count| *count > 0);
        self.sorted = self.counts.keys().copied().collect();
        self.sorted.sort_unstable();
    }

    pub fn sorted(&self) -> &[usize] {
        &self.sorted
    }
}
