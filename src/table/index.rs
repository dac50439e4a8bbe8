//! The filters of all recipients, turned around: from a field's value to the recipients that take it.
//!
//! A field that sets test maps each value to the recipients that list it, and keeps those that don't care apart. A field that ranges test is cut at
//! every bound into segments, each with its recipients; where there are too many bounds for that, the recipients still in are asked one by one. So a
//! lead costs a few AND operations a field, however many recipients there are.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;

use super::bits::Bits;
use crate::lead::Lead;
use crate::lead::Value;

/// Bounds of one field up to which it is cut into segments. Each segment costs one bit a recipient.
const MOST_BOUNDS: usize = 512;

/// What one recipient asks of one field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldTest {
    /// The value is one of these.
    pub any_of: Option<Vec<String>>,
    /// The value is this or more.
    pub at_least: Option<Decimal>,
    /// The value is less than this.
    pub below: Option<Decimal>,
}

impl FieldTest {
    /// Whether a value passes; the plain meaning that the index must agree with.
    pub fn passes(&self, value: Option<&Value>) -> bool {
        let Some(value) = value else { return false };
        let listed = self.any_of.as_ref().is_none_or(|list| {
            let text = value.to_string();
            list.contains(&text)
        });
        listed
            && (self.at_least.is_none() && self.below.is_none()
                || value.number().is_some_and(|number| in_range(number, self.at_least, self.below)))
    }

    /// Both tests at once.
    pub fn and(&mut self, other: Self) {
        self.any_of = match (self.any_of.take(), other.any_of) {
            (Some(mine), Some(theirs)) => Some(mine.into_iter().filter(|value| theirs.contains(value)).collect()),
            (mine, theirs) => mine.or(theirs),
        };
        self.at_least = self.at_least.max(other.at_least);
        self.below = match (self.below, other.below) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
    }
}

fn in_range(number: Decimal, at_least: Option<Decimal>, below: Option<Decimal>) -> bool {
    at_least.is_none_or(|bound| number >= bound) && below.is_none_or(|bound| number < bound)
}

/// The tests of each recipient, by field.
pub type Tests = BTreeMap<String, FieldTest>;

/// The index over all recipients.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    fields: Vec<FieldIndex>,
}

/// One field's part of the index.
#[derive(Clone, Debug, PartialEq)]
struct FieldIndex {
    field: String,
    /// The name of the stage in explanations.
    stage: String,
    sets: Option<Sets>,
    ranges: Option<Ranges>,
    /// Recipients without a test of this field.
    indifferent: Bits,
}

/// Recipients by value.
#[derive(Clone, Debug, PartialEq)]
struct Sets {
    /// Recipients without a set test of this field.
    indifferent: Bits,
    listing: HashMap<String, Vec<u32>>,
}

/// From a number on, and up to but not including another.
type Range = (Option<Decimal>, Option<Decimal>);

/// Recipients by range.
#[derive(Clone, Debug, PartialEq)]
enum Ranges {
    /// `recipients[i]` take values from `bounds[i - 1]` up to but not including `bounds[i]`; those without a range test are in each.
    Segments { bounds: Vec<Decimal>, recipients: Vec<Bits>, indifferent: Bits },
    /// The ranges themselves, by recipient.
    Each { ranges: Vec<Option<Range>> },
}

impl Index {
    /// Builds the index; the recipient's number is its place in `tests`.
    pub fn build(tests: &[Tests]) -> Self {
        let mut by_field: BTreeMap<&str, Vec<(u32, &FieldTest)>> = BTreeMap::new();
        for (number, tests) in tests.iter().enumerate() {
            for (field, test) in tests {
                by_field.entry(field).or_default().push((number as u32, test));
            }
        }
        let mut fields: Vec<_> = by_field.into_iter().map(|(field, testing)| FieldIndex::build(field, &testing, tests.len())).collect();
        // What asks recipients one by one comes last, when few are left.
        fields.sort_by_key(|field| matches!(field.ranges, Some(Ranges::Each { .. })));
        Self { fields }
    }

    /// Keeps of `left` who takes the lead, telling `removed` after each field how many went.
    pub fn narrow(&self, lead: &Lead, left: &mut Bits, mut removed: impl FnMut(&str, u32)) {
        let mut before = left.count();
        for field in &self.fields {
            if before == 0 {
                return;
            }
            field.narrow(lead.get(&field.field), left);
            let after = left.count();
            if after < before {
                removed(&field.stage, before - after);
            }
            before = after;
        }
    }
}

impl FieldIndex {
    fn build(field: &str, testing: &[(u32, &FieldTest)], size: usize) -> Self {
        let mut indifferent = Bits::all(size);
        testing.iter().for_each(|(number, _)| indifferent.take(*number));
        let listing: Vec<_> = testing.iter().filter_map(|(number, test)| Some((*number, test.any_of.as_ref()?))).collect();
        let ranged: Vec<_> =
            testing.iter().filter(|(_, test)| test.at_least.is_some() || test.below.is_some()).map(|(n, t)| (*n, *t)).collect();
        Self {
            field: field.to_owned(),
            stage: format!("accepts {field}"),
            sets: (!listing.is_empty()).then(|| Sets::build(&listing, size)),
            ranges: (!ranged.is_empty()).then(|| Ranges::build(&ranged, size)),
            indifferent,
        }
    }

    fn narrow(&self, value: Option<&Value>, left: &mut Bits) {
        let Some(value) = value else {
            left.and(&self.indifferent);
            return;
        };
        if let Some(sets) = &self.sets {
            match value {
                Value::Text(text) => sets.narrow(text, left),
                other => sets.narrow(&other.to_string(), left),
            }
        }
        if let Some(ranges) = &self.ranges {
            match value.number() {
                Some(number) => ranges.narrow(number, left),
                None => ranges.narrow_to_indifferent(left),
            }
        }
    }
}

impl Sets {
    fn build(listing: &[(u32, &Vec<String>)], size: usize) -> Self {
        let mut indifferent = Bits::all(size);
        let mut by_value: HashMap<String, Vec<u32>> = HashMap::new();
        for (number, values) in listing {
            indifferent.take(*number);
            for value in *values {
                let takers = by_value.entry(value.clone()).or_default();
                if takers.last() != Some(number) {
                    takers.push(*number);
                }
            }
        }
        Self { indifferent, listing: by_value }
    }

    fn narrow(&self, value: &str, left: &mut Bits) {
        match self.listing.get(value) {
            Some(takers) => left.and_or_listed(&self.indifferent, takers),
            None => left.and(&self.indifferent),
        }
    }
}

impl Ranges {
    fn build(ranged: &[(u32, &FieldTest)], size: usize) -> Self {
        let mut bounds: Vec<Decimal> = ranged.iter().flat_map(|(_, test)| [test.at_least, test.below]).flatten().collect();
        bounds.sort_unstable();
        bounds.dedup();
        if bounds.len() > MOST_BOUNDS {
            let mut ranges = vec![None; size];
            for (number, test) in ranged {
                if let Some(range) = ranges.get_mut(*number as usize) {
                    *range = Some((test.at_least, test.below));
                }
            }
            return Self::Each { ranges };
        }
        let mut indifferent = Bits::all(size);
        ranged.iter().for_each(|(number, _)| indifferent.take(*number));
        let mut recipients = vec![indifferent.clone(); bounds.len() + 1];
        for (number, test) in ranged {
            let first = test.at_least.map_or(0, |bound| bounds.partition_point(|b| *b < bound) + 1);
            let end = test.below.map_or(bounds.len() + 1, |bound| bounds.partition_point(|b| *b < bound) + 1);
            recipients.get_mut(first..end).into_iter().flatten().for_each(|segment| segment.add(*number));
        }
        Self::Segments { bounds, recipients, indifferent }
    }

    fn narrow(&self, number: Decimal, left: &mut Bits) {
        match self {
            Self::Segments { bounds, recipients, .. } => left.and(&recipients[bounds.partition_point(|bound| *bound <= number)]),
            Self::Each { ranges } => {
                let is_out = |member: &u32| ranges[*member as usize].is_some_and(|(low, high)| !in_range(number, low, high));
                let out: Vec<u32> = left.iter().filter(is_out).collect();
                out.into_iter().for_each(|member| left.take(member));
            }
        }
    }

    /// The value is no number: whoever tests a range is out.
    fn narrow_to_indifferent(&self, left: &mut Bits) {
        match self {
            Self::Segments { indifferent, .. } => left.and(indifferent),
            Self::Each { ranges } => {
                (0u32..).zip(ranges).filter(|(_, range)| range.is_some()).for_each(|(member, _)| left.take(member));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lead::LeadId;

    fn field_test() -> impl Strategy<Value = FieldTest> {
        let bound = || prop::option::of((0i64..60).prop_map(Decimal::from));
        (prop::option::of(prop::collection::vec("[a-d1-5]", 1..4)), bound(), bound()).prop_map(|(any_of, at_least, below)| FieldTest {
            any_of,
            at_least,
            below,
        })
    }

    fn tests_of_one() -> impl Strategy<Value = Tests> {
        prop::collection::btree_map("[xyz]", field_test().prop_filter("tests something", |t| *t != FieldTest::default()), 0..3)
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            "[a-e1-6]".prop_map(Value::Text),
            (0i64..70).prop_map(Value::Integer),
            (0i64..700).prop_map(|n| Value::Decimal(Decimal::new(n, 1)))
        ]
    }

    fn lead(fields: BTreeMap<String, Value>) -> Lead {
        Lead { id: LeadId(uuid::Uuid::nil()), source: "web".into(), arrived_at: jiff::Timestamp::UNIX_EPOCH, fields }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn the_index_agrees_with_asking_everybody(tests in prop::collection::vec(tests_of_one(), 0..90), fields in prop::collection::btree_map("[xyz]", value(), 0..4)) {
            let lead = lead(fields);
            let mut left = Bits::all(tests.len());
            let mut gone = 0;
            Index::build(&tests).narrow(&lead, &mut left, |_, removed| gone += removed);
            let asked: Vec<u32> = (0..tests.len() as u32).filter(|n| tests[*n as usize].iter().all(|(field, test)| test.passes(lead.get(field)))).collect();
            prop_assert_eq!(left.iter().collect::<Vec<_>>(), asked);
            prop_assert_eq!(left.count() + gone, tests.len() as u32);
        }
    }

    #[test]
    fn many_bounds_are_asked_one_by_one_and_agree() {
        let tests: Vec<Tests> = (0..700)
            .map(|n| {
                BTreeMap::from([(
                    "price".to_owned(),
                    FieldTest { at_least: Some(Decimal::from(n)), below: Some(Decimal::from(n + 50)), ..FieldTest::default() },
                )])
            })
            .collect();
        let index = Index::build(&tests);
        for price in [-1, 0, 49, 50, 333, 699, 748, 749, 1000] {
            let lead = lead(BTreeMap::from([("price".to_owned(), Value::Integer(price))]));
            let mut left = Bits::all(tests.len());
            index.narrow(&lead, &mut left, |_, _| ());
            let asked: Vec<u32> = (0..700u32).filter(|n| tests[*n as usize]["price"].passes(lead.get("price"))).collect();
            assert_eq!(left.iter().collect::<Vec<_>>(), asked, "at {price}");
        }
    }
}
