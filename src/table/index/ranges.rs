//! Ranges of numbers, cut into segments.
//!
//! The bounds of all recipients cut the numbers into segments. Up to a number of bounds each segment is exact: it has the recipients whose range
//! covers it. Beyond, segments hold several bounds each; a segment then has who surely passes, and beside them those whose own bound lies within, who are
//! compared one by one.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use smallvec::SmallVec;

use super::test::in_range;
use crate::table::bits::Bits;

/// The most segments that a field is cut into. Each costs one bit a recipient.
const MOST: usize = 512;

/// Whole numbers up to here are doubles, exactly.
const WHOLE: u128 = 1 << 53;

/// A number, with its nearest double for a quick search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number {
    exact: Decimal,
    near: f64,
    /// The double is the very number.
    whole: bool,
}

impl Number {
    pub fn of(exact: Decimal) -> Self {
        const POWERS: [f64; 20] =
            [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19];
        match (i64::try_from(exact.mantissa()), POWERS.get(exact.scale() as usize)) {
            (Ok(mantissa), Some(power)) => {
                Self { exact, near: mantissa as f64 / power, whole: exact.scale() == 0 && u128::from(mantissa.unsigned_abs()) <= WHOLE }
            }
            _ => Self { exact, near: exact.to_f64().unwrap_or(0.0), whole: false },
        }
    }
}

/// One recipient's range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    pub member: u32,
    pub at_least: Option<Decimal>,
    pub below: Option<Decimal>,
}

/// The ranges of all recipients for one field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ranges {
    /// Recipients without a range.
    indifferent: Bits,
    /// Where segments begin, all but the first; ascending.
    starts: Vec<Decimal>,
    /// The same, for a quick search.
    near: Vec<f64>,
    /// Whether the doubles are the very starts.
    whole: bool,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq)]
struct Segment {
    /// Who passes everywhere in the segment, those without a range too.
    surely: Bits,
    /// Who is compared one by one.
    compared: Vec<Range>,
}

/// Which segments a range covers wholly, and in which it must be compared.
struct Cover {
    surely: std::ops::Range<usize>,
    compared: SmallVec<[usize; 2]>,
}

impl Ranges {
    pub fn build(ranges: &[Range], size: usize) -> Self {
        let mut bounds: Vec<Decimal> = ranges.iter().flat_map(|range| [range.at_least, range.below]).flatten().collect();
        bounds.sort_unstable();
        bounds.dedup();
        let step = bounds.len().div_ceil(MOST).max(1);
        let starts: Vec<Decimal> = bounds.iter().step_by(step).copied().collect();
        let mut indifferent = Bits::all(size);
        ranges.iter().for_each(|range| indifferent.take(range.member));
        let segment = Segment { surely: indifferent.clone(), compared: Vec::new() };
        let numbers: Vec<Number> = starts.iter().copied().map(Number::of).collect();
        let near = numbers.iter().map(|number| number.near).collect();
        let whole = numbers.iter().all(|number| number.whole);
        let mut built = Self { indifferent, segments: vec![segment; starts.len() + 1], starts, near, whole };
        ranges.iter().for_each(|range| built.put(range));
        built
    }

    pub fn set(&mut self, member: u32, before: Option<&Range>, after: Option<&Range>) {
        if before == after {
            return;
        }
        if let Some(range) = before {
            let cover = self.cover(range);
            self.segments[cover.surely].iter_mut().for_each(|segment| segment.surely.take(member));
            cover.compared.iter().for_each(|at| self.segments[*at].compared.retain(|other| other.member != member));
        }
        if before.is_none() || after.is_none() {
            let indifferent = after.is_none();
            self.segments.iter_mut().for_each(|segment| segment.surely.set(member, indifferent));
            self.indifferent.set(member, indifferent);
        }
        if let Some(range) = after {
            self.put(range);
        }
    }

    fn put(&mut self, range: &Range) {
        let cover = self.cover(range);
        self.segments[cover.surely].iter_mut().for_each(|segment| segment.surely.add(range.member));
        cover.compared.iter().for_each(|at| self.segments[*at].compared.push(*range));
    }

    fn cover(&self, range: &Range) -> Cover {
        // The segment that a number lies in, and whether it is that segment's very start.
        let place = |number: Decimal| {
            let at = self.starts.partition_point(|start| *start <= number);
            (at, at > 0 && self.starts[at - 1] == number)
        };
        let (first, whole_first) = range.at_least.map_or((0, true), place);
        // A range that ends at a segment's start has nothing of it; one without an end has all of the last.
        let (last, ends_at_start) = range.below.map_or((self.segments.len(), true), place);
        let from = if whole_first { first } else { first + 1 };
        let mut compared = SmallVec::new();
        if !whole_first {
            compared.push(first);
        }
        if !ends_at_start && (whole_first || last != first) {
            compared.push(last);
        }
        Cover { surely: from..last.max(from), compared }
    }

    /// Keeps who takes the number; nobody with a range when there is none.
    #[inline(always)]
    pub fn keep(&self, number: Option<Number>, left: &mut Bits) {
        let Some(number) = number else {
            left.and(&self.indifferent);
            return;
        };
        let segment = &self.segments[self.place(number)];
        let passing: SmallVec<[u32; 32]> = (segment.compared.iter())
            .filter(|range| left.has(range.member) && in_range(number.exact, range.at_least, range.below))
            .map(|range| range.member)
            .collect();
        left.and(&segment.surely);
        passing.into_iter().for_each(|member| left.add(member));
    }

    /// The segment of a number: searched by doubles, then set right by the exact numbers beside.
    fn place(&self, number: Number) -> usize {
        let mut at = self.near.partition_point(|start| *start <= number.near);
        if self.whole && number.whole {
            return at;
        }
        while at > 0 && self.starts[at - 1] > number.exact {
            at -= 1;
        }
        while at < self.starts.len() && self.starts[at] <= number.exact {
            at += 1;
        }
        at
    }
}
