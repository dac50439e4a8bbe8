//! Objects of one kind, compiled one by one, and kept: what did not change is not compiled again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compiler::refused;
use super::{Kind, Problem, Rejected};
use crate::api::condition::Reason;
use crate::store::RuleObject;

/// What each object of a kind came to, in the order of names.
#[derive(Debug)]
pub(super) struct Pieces<O, T> {
    list: Vec<Piece<O, T>>,
}

/// What one object came to.
#[derive(Debug)]
pub(super) struct Piece<O, T> {
    pub name: Arc<str>,
    pub object: Arc<O>,
    pub rule: Arc<RuleObject>,
    pub outcome: Result<T, Problem>,
    /// The piece before, when this one took its place.
    pub before: Option<(Arc<O>, Result<T, Problem>)>,
}

impl<O, T> Default for Pieces<O, T> {
    fn default() -> Self {
        Self { list: Vec::new() }
    }
}

impl<O, T> Pieces<O, T> {
    /// Follows the objects: compiles those that are new or changed, all of them with `afresh`. Returns whether the names are those of before.
    pub fn follow(
        &mut self,
        objects: &BTreeMap<String, Arc<O>>,
        afresh: bool,
        rule: impl Fn(&O) -> RuleObject,
        mut compile: impl FnMut(&O) -> Result<T, Problem>,
    ) -> bool {
        let mut same = self.list.len() == objects.len();
        let mut known = std::mem::take(&mut self.list).into_iter().peekable();
        self.list = objects
            .iter()
            .map(|(name, object)| {
                while known.next_if(|piece| *piece.name < **name).is_some() {}
                let before = known.next_if(|piece| *piece.name == **name);
                match before {
                    Some(piece) if !afresh && Arc::ptr_eq(&piece.object, object) => Piece { before: None, ..piece },
                    before => {
                        same &= before.is_some();
                        let known_rule =
                            before.as_ref().filter(|piece| Arc::ptr_eq(&piece.object, object)).map(|piece| Arc::clone(&piece.rule));
                        Piece {
                            name: before.as_ref().map_or_else(|| name.as_str().into(), |piece| Arc::clone(&piece.name)),
                            object: Arc::clone(object),
                            rule: known_rule.unwrap_or_else(|| Arc::new(rule(object))),
                            outcome: compile(object),
                            before: before.map(|piece| (piece.object, piece.outcome)),
                        }
                    }
                }
            })
            .collect();
        same
    }

    pub fn iter(&self) -> impl Iterator<Item = &Piece<O, T>> {
        self.list.iter()
    }

    /// The objects that were compiled when last followed.
    pub fn changed(&self) -> impl Iterator<Item = &Piece<O, T>> {
        self.list.iter().filter(|piece| piece.before.is_some())
    }

    /// The objects that are valid, by name; the others are added to `rejected`.
    pub fn valid<'p>(&'p self, kind: Kind, rejected: &mut Vec<Rejected>) -> impl Iterator<Item = (String, T)> + use<'p, O, T>
    where
        T: Clone,
    {
        rejected.extend(self.refused(kind));
        self.list.iter().filter_map(|piece| Some((piece.name.to_string(), piece.outcome.as_ref().ok()?.clone())))
    }

    /// The objects that are not valid.
    pub fn refused(&self, kind: Kind) -> impl Iterator<Item = Rejected> + '_ {
        self.list.iter().filter_map(move |piece| {
            let problem = piece.outcome.as_ref().err()?;
            Some(refused(kind, &piece.name, problem.clone(), Reason::Invalid))
        })
    }

    /// The objects as they are recorded.
    pub fn rules(&self) -> impl Iterator<Item = Arc<RuleObject>> + '_ {
        self.list.iter().map(|piece| Arc::clone(&piece.rule))
    }
}
