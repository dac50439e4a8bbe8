//! The index over all recipients: fields, in the order in which they are looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::field::{Building, Field};
use super::test::{Subject, Tests};
use crate::lead::Value;
use crate::table::bits::Bits;

/// How many recipients went at each field of the index, in its order.
pub type Removed = SmallVec<[u32; 16]>;

/// The index over all recipients.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    size: usize,
    fields: Vec<(Subject, Arc<Field>)>,
}

impl Index {
    /// Builds the index over recipients 0 to `size`, of the tests of each, one after another.
    pub fn build(size: usize, tests: impl IntoIterator<Item = Tests>) -> Self {
        let mut building: BTreeMap<Subject, Building> = BTreeMap::new();
        for (number, tests) in (0..).zip(tests) {
            for (subject, test) in tests {
                building.entry(subject).or_insert_with(|| Building::new(size)).add(number, &test);
            }
        }
        let mut fields: Vec<_> = building.into_iter().map(|(subject, building)| (subject, Arc::new(building.finish()))).collect();
        // What is decided by a look at the value comes before what compares.
        fields.sort_by_key(|(subject, field)| (field.has_ranges(), *subject));
        Self { size, fields }
    }

    /// The index with one recipient's tests changed. None when it has to be built anew: when a field is tested as nobody has tested it before.
    pub fn changed(&self, number: u32, before: &Tests, after: &Tests) -> Option<Self> {
        let of = |tests: &Tests, subject: Subject| tests.iter().position(|(known, _)| *known == subject);
        if after.iter().any(|(subject, _)| self.fields.iter().all(|(known, _)| known != subject)) {
            return None;
        }
        let mut next = self.clone();
        for (subject, field) in &mut next.fields {
            let was = of(before, *subject).map(|at| &before[at].1);
            let is = of(after, *subject).map(|at| &after[at].1);
            if was != is {
                *field = Arc::new(field.changed(number, was, is)?);
            }
        }
        Some(next)
    }

    /// What fields test, in the order of [`Removed`].
    pub fn subjects(&self) -> impl Iterator<Item = Subject> + '_ {
        self.fields.iter().map(|(subject, _)| *subject)
    }

    /// Keeps of `left` who takes a lead with these values, and tells how many went at each field.
    pub fn narrow<'v>(&self, mut value: impl FnMut(Subject) -> Option<&'v Value>, left: &mut Bits) -> Removed {
        let mut before = left.count();
        self.fields
            .iter()
            .map(|(subject, field)| {
                if before == 0 {
                    return 0;
                }
                field.narrow(value(*subject), left);
                let after = left.count();
                std::mem::replace(&mut before, after) - after
            })
            .collect()
    }

    /// Keeps of `left` who takes a lead with these values.
    pub fn keep<'v>(&self, mut value: impl FnMut(Subject) -> Option<&'v Value>, left: &mut Bits) {
        for (subject, field) in &self.fields {
            field.narrow(value(*subject), left);
        }
    }
}
