//! One field's part of the index.

use rust_decimal::Decimal;

use super::listing::{Excluding, Lengths, Listing};
use super::ranges::{Number, Range, Ranges};
use super::test::FieldTest;
use crate::lead::Value;
use crate::table::bits::Bits;

/// What all recipients ask of one field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    size: usize,
    /// Who passes without the field.
    absent: Bits,
    /// Who wants it to be absent.
    refusing: Option<Bits>,
    listing: Option<Listing>,
    excluding: Option<Excluding>,
    prefixes: Option<(Lengths, Listing)>,
    ranges: Option<Ranges>,
}

impl Field {
    /// Builds it of the recipients that test the field, by ascending number.
    pub fn build(testing: &[(u32, &FieldTest)], size: usize) -> Self {
        let mut absent = Bits::all(size);
        let mut refusing = None;
        let (mut listed, mut excluded, mut prefixed, mut ranged) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut lengths = Lengths::default();
        for (member, test) in testing {
            absent.set(*member, test.passes(None));
            if test.exists == Some(false) {
                refusing.get_or_insert_with(|| Bits::none(size)).add(*member);
            }
            listed.extend(test.any_of.as_deref().map(|list| (*member, list)));
            excluded.extend(test.none_of.as_deref().map(|list| (*member, list)));
            if let Some(list) = test.starts_with.as_deref() {
                lengths.count(list, 1);
                prefixed.push((*member, list));
            }
            ranged.extend(range(*member, test));
        }
        Self {
            size,
            absent,
            refusing,
            listing: Listing::build(&listed, size),
            excluding: Excluding::build(&excluded, size),
            prefixes: Listing::build(&prefixed, size).map(|listing| (lengths, listing)),
            ranges: (!ranged.is_empty()).then(|| Ranges::build(&ranged, size)),
        }
    }

    /// The field with one recipient's test changed; none when it must be built anew.
    pub fn changed(&self, member: u32, before: Option<&FieldTest>, after: Option<&FieldTest>) -> Option<Self> {
        fn part<T>(test: Option<&FieldTest>, part: impl Fn(&FieldTest) -> Option<T>) -> Option<T> {
            test.and_then(part)
        }
        let mut next = self.clone();
        next.absent.set(member, after.is_none_or(|test| test.passes(None)));
        let refuses = part(after, |test| test.exists) == Some(false);
        match &mut next.refusing {
            Some(refusing) => refusing.set(member, refuses),
            None if refuses => return None,
            None => {}
        }
        let of = |test: fn(&FieldTest) -> Option<&[String]>| (before.and_then(test), after.and_then(test));
        let (was, is) = of(|test| test.any_of.as_deref());
        match &mut next.listing {
            Some(listing) => listing.set(member, was, is, self.size),
            None if is.is_some() => return None,
            None => {}
        }
        let (was, is) = of(|test| test.none_of.as_deref());
        match &mut next.excluding {
            Some(excluding) => excluding.set(member, was, is, self.size),
            None if is.is_some() => return None,
            None => {}
        }
        let (was, is) = of(|test| test.starts_with.as_deref());
        match &mut next.prefixes {
            Some((lengths, listing)) => {
                lengths.count(was.unwrap_or_default(), -1);
                lengths.count(is.unwrap_or_default(), 1);
                listing.set(member, was, is, self.size);
            }
            None if is.is_some() => return None,
            None => {}
        }
        let (was, is) = (before.and_then(|test| range(member, test)), after.and_then(|test| range(member, test)));
        match &mut next.ranges {
            Some(ranges) => ranges.set(member, was.as_ref(), is.as_ref()),
            None if is.is_some() => return None,
            None => {}
        }
        Some(next)
    }

    /// Whether numbers are compared.
    pub fn has_ranges(&self) -> bool {
        self.ranges.is_some()
    }

    /// Keeps who takes the value.
    #[inline(always)]
    pub fn narrow(&self, value: Option<&Value>, left: &mut Bits) {
        let Some(value) = value else {
            left.and(&self.absent);
            return;
        };
        if let Some(refusing) = &self.refusing {
            left.and_not(refusing);
        }
        if self.listing.is_some() || self.excluding.is_some() || self.prefixes.is_some() {
            match value {
                Value::Text(text) => self.spelled(text, left),
                other => self.spelled(&other.to_string(), left),
            }
        }
        if let Some(ranges) = &self.ranges {
            ranges.keep(value.number().map(Number::of), left);
        }
    }

    /// Keeps who takes the value by its spelling.
    #[inline(always)]
    fn spelled(&self, text: &str, left: &mut Bits) {
        if let Some(listing) = &self.listing {
            listing.keep(text, left);
        }
        if let Some(excluding) = &self.excluding {
            excluding.keep(text, left);
        }
        if let Some((lengths, listing)) = &self.prefixes {
            listing.keep_prefixes(text, lengths.sorted(), left);
        }
    }
}

fn range(member: u32, test: &FieldTest) -> Option<Range> {
    let (at_least, below): (Option<Decimal>, Option<Decimal>) = (test.at_least, test.below);
    test.has_range().then_some(Range { member, at_least, below })
}
