//! The values that filters of a field list, numbered.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

/// Value → number. Only rules put values in; leads merely look them up.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Dictionary {
    numbers: HashMap<Box<str>, u32, FxBuildHasher>,
}

impl Dictionary {
    /// The number of a value, a new one when it is new.
    pub fn number(&mut self, value: &str) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = self.numbers.len() as u32;
        self.numbers.insert(value.into(), number);
        number
    }

    pub fn get(&self, value: &str) -> Option<u32> {
        self.numbers.get(value).copied()
    }
}
