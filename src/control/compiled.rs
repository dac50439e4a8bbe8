//! What the operator needs to know of compiled rules.

use crate::api::condition::Reason;
use crate::table::{self, ObjectRef, Objects, Problem};

/// What became of a set of objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compiled {
    /// The same for the same rules, in every process.
    pub digest: String,
    /// What is wrong with objects; one may have several entries.
    pub rejected: Vec<(ObjectRef, Problem, Reason)>,
}

/// The one compile function, which routers run too. Pure.
pub type Compile = fn(&Objects) -> Compiled;

/// What routers make of the objects.
pub fn compile(objects: &Objects) -> Compiled {
    let (table, rejected) = table::compile(objects);
    let rejected = rejected.into_iter().map(|rejected| (rejected.object, rejected.problem, rejected.reason)).collect();
    Compiled { digest: table.digest, rejected }
}
