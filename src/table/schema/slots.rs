//! Numbers for the fields of a schema.

use std::ops::Range;
use std::sync::Arc;

/// The canonical names in order; a field's slot is its place. Shared by the clones of a schema, which therefore know each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Slots(Arc<[Box<str>]>);

impl Slots {
    /// `names` come in order, each once. Those beyond the 65,535th get no slot; the CRD allows 200.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a String>) -> Self {
        Self(names.take(usize::from(u16::MAX)).map(|name| name.as_str().into()).collect())
    }

    pub(super) fn names(&self) -> &[Box<str>] {
        &self.0
    }

    pub(super) fn slot(&self, name: &str) -> Option<u16> {
        self.0.binary_search_by(|known| (**known).cmp(name)).ok().and_then(|at| u16::try_from(at).ok())
    }

    /// The slots of the fields within a group: of `a`, all that begin with `a.`. They are neighbours, as names are in order.
    pub(super) fn group(&self, name: &str) -> Range<u16> {
        let from = self.0.partition_point(|known| known.bytes().cmp(name.bytes().chain(*b".")).is_lt());
        let within = |known: &str| known.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        let count = self.0[from..].iter().take_while(|known| within(known)).count();
        let number = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        number(from)..number(from + count)
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
