//! One field's part of the index.

use rust_decimal::Decimal;

use super::listing::{self, Excluding, Lengths, Listing};
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

/// A field while it is built, recipient by recipient.
pub(super) struct Building {
    field: Field,
    listed: Option<listing::Building>,
    excluded: Option<listing::Building>,
    prefixed: Option<(Lengths, listing::Building)>,
    ranged: Vec<Range>,
}

impl Building {
    pub fn new(size: usize) -> Self {
        let field = Field { size, absent: Bits::all(size), refusing: None, listing: None, excluding: None, prefixes: None, ranges: None };
        Self { field, listed: None, excluded: None, prefixed: None, ranged: Vec::new() }
    }

    /// Adds a recipient that tests the field; they come by ascending number.
    pub fn add(&mut self, member: u32, test: &FieldTest) {
        self.field.absent.set(member, test.passes(None));
        let size = self.field.size;
        if test.exists == Some(false) {
            self.field.refusing.get_or_insert_with(|| Bits::none(size)).add(member);
        }
        for (list, part) in [(&test.any_of, &mut self.listed), (&test.none_of, &mut self.excluded)] {
            if let Some(list) = list {
                part.get_or_insert_with(|| listing::Building::new(size)).add(member, list);
            }
        }
        if let Some(list) = &test.starts_with {
            let (lengths, part) = self.prefixed.get_or_insert_with(|| (Lengths::default(), listing::Building::new(size)));
            lengths.count(list, 1);
            part.add(member, list);
        }
        self.ranged.extend(range(member, test));
    }

    pub fn finish(self) -> Field {
        let size = self.field.size;
        Field {
            listing: self.listed.map(listing::Building::listing),
            excluding: self.excluded.map(listing::Building::excluding),
            prefixes: self.prefixed.map(|(lengths, part)| (lengths, part.listing())),
            ranges: (!self.ranged.is_empty()).then(|| Ranges::build(&self.ranged, size)),
            ..self.field
        }
    }
}

impl Field {
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
