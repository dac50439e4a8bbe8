//! A long list that is shared, stretch by stretch, between a table and the next.

use std::ops::Index;
use std::sync::Arc;

/// Items of a stretch.
pub const STRETCH: usize = 256;

/// A list of shared items. Where two rows agree on a whole stretch they can have it in common, so that a row with one item changed costs one stretch.
#[derive(Debug)]
pub struct Row<T> {
    stretches: Vec<Arc<[Arc<T>]>>,
    len: usize,
}

impl<T> Row<T> {
    /// A row of these items, which has in common with `before` what it can.
    pub fn sharing<'a>(before: &Self, items: impl IntoIterator<Item = &'a Arc<T>>) -> Self
    where
        T: 'a,
    {
        let mut items = items.into_iter();
        let mut row = Self::default();
        let mut stretch: Vec<&Arc<T>> = Vec::with_capacity(STRETCH);
        loop {
            stretch.clear();
            stretch.extend(items.by_ref().take(STRETCH));
            if stretch.is_empty() {
                return row;
            }
            let known = before
                .stretches
                .get(row.stretches.len())
                .filter(|known| known.len() == stretch.len() && known.iter().zip(&stretch).all(|(known, item)| Arc::ptr_eq(known, item)));
            row.len += stretch.len();
            row.stretches.push(known.map_or_else(|| stretch.iter().map(|item| Arc::clone(item)).collect(), Arc::clone));
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn get(&self, at: usize) -> Option<&Arc<T>> {
        self.stretches.get(at / STRETCH)?.get(at % STRETCH)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.stretches.iter().flat_map(|stretch| stretch.iter())
    }

    /// The stretches, each with whether `before` has the very same in its place.
    pub fn stretches<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = (&'a [Arc<T>], bool)> {
        self.stretches.iter().enumerate().map(|(at, stretch)| {
            let same = before.stretches.get(at).is_some_and(|known| Arc::ptr_eq(known, stretch));
            (stretch.as_ref(), same)
        })
    }

    /// Places at which two rows of one length differ in identity.
    pub fn different(&self, other: &Self) -> Vec<u32> {
        let mut different = Vec::new();
        for (at, (mine, theirs)) in
            self.stretches.iter().zip(&other.stretches).enumerate().filter(|(_, (mine, theirs))| !Arc::ptr_eq(mine, theirs))
        {
            let places = mine.iter().zip(theirs.iter()).enumerate().filter(|(_, (mine, theirs))| !Arc::ptr_eq(mine, theirs));
            different.extend(places.map(|(place, _)| (at * STRETCH + place) as u32));
        }
        different
    }
}

impl<T> Default for Row<T> {
    fn default() -> Self {
        Self { stretches: Vec::new(), len: 0 }
    }
}

impl<T> Clone for Row<T> {
    fn clone(&self) -> Self {
        Self { stretches: self.stretches.clone(), len: self.len }
    }
}

impl<T: PartialEq> PartialEq for Row<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().zip(other.iter()).all(|(mine, theirs)| Arc::ptr_eq(mine, theirs) || mine == theirs)
    }
}

impl<T> FromIterator<Arc<T>> for Row<T> {
    fn from_iter<I: IntoIterator<Item = Arc<T>>>(items: I) -> Self {
        let items: Vec<Arc<T>> = items.into_iter().collect();
        Self::sharing(&Self::default(), &items)
    }
}

impl<T> Index<usize> for Row<T> {
    type Output = Arc<T>;

    fn index(&self, at: usize) -> &Arc<T> {
        &self.stretches[at / STRETCH][at % STRETCH]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_list_that_shares_what_did_not_change() {
        let mut items: Vec<Arc<usize>> = (0..1000).map(Arc::new).collect();
        let before: Row<usize> = items.iter().cloned().collect();
        assert_eq!((before.len(), *before[999], before.get(1000)), (1000, 999, None));
        items[300] = Arc::new(7);
        let after = Row::sharing(&before, &items);
        assert!(after.iter().zip(&items).all(|(mine, theirs)| Arc::ptr_eq(mine, theirs)));
        assert_eq!(after.stretches(&before).map(|(_, same)| same).collect::<Vec<_>>(), [true, false, true, true]);
        assert_eq!(after.different(&before), [300]);
        assert_ne!(after, before);
        items.truncate(900);
        assert_eq!(Row::sharing(&after, &items).iter().count(), 900);
    }
}
