//! The index over all recipients: fields, in the order in which they are looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::field::Field;
use super::test::{FieldTest, Subject, Tests};
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
    /// Builds the index; a recipient's number is its place in `tests`.
    pub fn build(tests: &[Tests]) -> Self {
        let mut testing: BTreeMap<Subject, Vec<(u32, &FieldTest)>> = BTreeMap::new();
        for (number, tests) in (0..).zip(tests) {
            for (subject, test) in tests {
                testing.entry(*subject).or_default().push((number, test));
            }
        }
        let mut fields: Vec<_> =
            testing.into_iter().map(|(subject, testing)| (subject, Arc::new(Field::build(&testing, tests.len())))).collect();
        // What is decided by a look at the value comes before what compares.
        fields.sort_by_key(|(subject, field)| (field.has_ranges(), *subject));
        Self { size: tests.len(), fields }
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
