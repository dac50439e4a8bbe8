//! The index against the plain meaning of the tests.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::Index;
use super::test::{FieldTest, Subject, Tests};
use crate::lead::Value;
use crate::table::bits::Bits;

type Values = BTreeMap<Subject, Value>;

const SUBJECTS: [Subject; 4] = [Subject::Field(0), Subject::Field(1), Subject::Grade, Subject::Score];

fn taken(index: &Index, size: usize, values: &Values) -> Vec<u32> {
    let mut left = Bits::all(size);
    let removed = index.narrow(|subject| values.get(&subject), &mut left);
    assert_eq!(removed.iter().sum::<u32>(), size as u32 - left.count(), "each that went is counted once");
    let mut kept = Bits::all(size);
    index.keep(|subject| values.get(&subject), &mut kept);
    assert_eq!(kept, left, "counting changes nothing");
    left.iter().collect()
}

fn takes(tests: &Tests, values: &Values) -> bool {
    tests.iter().all(|(subject, test)| test.passes(values.get(subject)))
}

fn naive(tests: &[Tests], values: &Values) -> Vec<u32> {
    (0..).zip(tests).filter(|(_, tests)| takes(tests, values)).map(|(number, _)| number).collect()
}

/// A fixed sequence of numbers that look random; quicker than proptest's by far.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn word(&mut self) -> String {
        let letters = self.below(3) + 1;
        (0..letters).map(|_| char::from(b'a' + self.below(3) as u8)).collect()
    }

    fn words(&mut self) -> Vec<String> {
        let mut words: Vec<String> = (0..=self.below(3)).map(|_| self.word()).collect();
        words.sort();
        words.dedup();
        words
    }

    fn decimal(&mut self) -> Decimal {
        Decimal::new(self.below(120) as i64 - 20, 1)
    }

    fn test(&mut self) -> FieldTest {
        let mut test = FieldTest::default();
        match self.below(8) {
            0 => test.exists = Some(self.below(2) == 0),
            1 => test.none_of = Some(self.words()),
            2 => test.starts_with = Some(self.words()),
            3 => test.at_least = Some(self.decimal()),
            4 => test.below = Some(self.decimal()),
            5 => (test.at_least, test.below) = (Some(self.decimal()), Some(self.decimal())),
            _ => test.any_of = Some(self.words()),
        }
        if self.below(4) == 0 {
            let other = self.test();
            test.and(other);
        }
        test
    }

    fn tests(&mut self) -> Tests {
        SUBJECTS.into_iter().flat_map(|subject| if self.below(3) == 0 { Some((subject, self.test())) } else { None }).collect()
    }

    fn values(&mut self) -> Values {
        let value = |numbers: &mut Self| match numbers.below(4) {
            0 => Value::Integer(numbers.below(12) as i64 - 2),
            1 => Value::Decimal(numbers.decimal()),
            _ => Value::Text(numbers.word()),
        };
        SUBJECTS.into_iter().flat_map(|subject| if self.below(5) > 0 { Some((subject, value(self))) } else { None }).collect()
    }
}

#[test]
fn the_index_agrees_with_the_plain_meaning_on_a_million_pairs_of_table_and_lead() {
    let mut numbers = Numbers(3);
    let mut passing = 0;
    for _ in 0..10_000 {
        let tests: Vec<Tests> = (0..numbers.below(12) + 1).map(|_| numbers.tests()).collect();
        let index = Index::build(tests.len(), tests.iter().cloned());
        for _ in 0..100 {
            let values = numbers.values();
            let taken = taken(&index, tests.len(), &values);
            passing += taken.len();
            assert_eq!(taken, naive(&tests, &values), "{tests:?} {values:?}");
        }
    }
    assert!(passing > 100_000, "some must pass for this to say anything: {passing}");
}

#[test]
fn large_tables_with_many_bounds_and_values_agree_too() {
    let mut numbers = Numbers(5);
    for size in [4095, 4096, 4097, 9000] {
        let tests: Vec<Tests> = (0..size)
            .map(|_| {
                let low = Decimal::new(numbers.below(1_000_000) as i64, 2);
                let range = FieldTest {
                    at_least: Some(low),
                    below: Some(low + Decimal::new(numbers.below(500_000) as i64, 2)),
                    ..FieldTest::default()
                };
                let zips = (0..20).map(|_| format!("{:03}", numbers.below(300))).collect::<std::collections::BTreeSet<_>>();
                let listing = FieldTest { any_of: Some(zips.into_iter().collect()), ..FieldTest::default() };
                vec![(Subject::Field(0), range), (Subject::Field(1), listing)]
            })
            .collect();
        let index = Index::build(tests.len(), tests.iter().cloned());
        for _ in 0..60 {
            // A bound itself now and then: there it matters on which side a segment takes it.
            let price = if numbers.below(2) == 0 {
                tests[numbers.below(size) as usize][0].1.at_least.unwrap()
            } else {
                Decimal::new(numbers.below(1_500_000) as i64, 2)
            };
            let values = Values::from([
                (Subject::Field(0), Value::Decimal(price)),
                (Subject::Field(1), Value::Text(format!("{:03}", numbers.below(300)))),
            ]);
            assert_eq!(taken(&index, tests.len(), &values), naive(&tests, &values));
        }
    }
}

#[test]
fn an_index_with_some_recipients_changed_agrees_with_one_built_anew() {
    let mut numbers = Numbers(9);
    for _ in 0..200 {
        let mut tests: Vec<Tests> = (0..numbers.below(200) + 1).map(|_| numbers.tests()).collect();
        let before = Index::build(tests.len(), tests.iter().cloned());
        let changed = numbers.below(tests.len() as u64) as usize;
        let was = std::mem::replace(&mut tests[changed], numbers.tests());
        let Some(after) = before.changed(changed as u32, &was, &tests[changed]) else { continue };
        for _ in 0..50 {
            let values = numbers.values();
            assert_eq!(taken(&after, tests.len(), &values), naive(&tests, &values), "{tests:?} {values:?}");
        }
    }
}

fn any_test() -> impl Strategy<Value = FieldTest> {
    any::<u64>().prop_map(|seed| Numbers(seed).test())
}

proptest! {
    #[test]
    fn two_tests_together_pass_what_passes_both(one in any_test(), other in any_test(), seed in any::<u64>()) {
        let mut both = one.clone();
        both.and(other.clone());
        let mut numbers = Numbers(seed);
        for _ in 0..20 {
            let values = numbers.values();
            let value = values.values().next();
            prop_assert_eq!(both.passes(value), one.passes(value) && other.passes(value), "{:?} {:?}", both, value);
        }
    }
}
