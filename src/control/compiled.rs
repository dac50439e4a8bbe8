//! What the operator needs to know of compiled rules.

use crate::table::{self, Objects, Rejected};

/// What became of a set of objects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compiled {
    /// The same for the same rules, in every process.
    pub digest: String,
    /// What is wrong with objects; one may have several entries.
    pub rejected: Vec<Rejected>,
}

/// The one compile function, which routers run too. Pure.
pub type Compile = fn(&Objects) -> Compiled;

/// What routers make of the objects.
pub fn compile(objects: &Objects) -> Compiled {
    let (table, rejected) = table::compile(objects);
    Compiled { digest: table.digest, rejected }
}
