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
    /// Places of those that were compiled when last followed, when all names stayed.
    changed: Vec<usize>,
}

/// What one object came to.
#[derive(Debug)]
pub(super) struct Piece<O, T> {
    pub name: Arc<str>,
    pub object: Arc<O>,
    pub rule: Arc<RuleObject>,
    pub outcome: Result<T, Problem>,
    /// The piece before, when this one took its place.
    pub before: Option<Box<Before<O, T>>>,
}

type Before<O, T> = (Arc<O>, Result<T, Problem>);

impl<O, T> Default for Pieces<O, T> {
    fn default() -> Self {
        Self { list: Vec::new(), changed: Vec::new() }
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
        for at in std::mem::take(&mut self.changed) {
            self.list[at].before = None;
        }
        if let Some(changed) = self.changed_in_place(objects, afresh) {
            for (at, object) in &changed {
                let piece = &mut self.list[*at];
                if !Arc::ptr_eq(&piece.object, object) {
                    piece.rule = Arc::new(rule(object));
                }
                let before =
                    (std::mem::replace(&mut piece.object, Arc::clone(object)), std::mem::replace(&mut piece.outcome, compile(object)));
                piece.before = Some(Box::new(before));
            }
            self.changed = changed.into_iter().map(|(at, _)| at).collect();
            return true;
        }
        let mut known = std::mem::take(&mut self.list).into_iter().peekable();
        let pieces = objects.iter().map(|(name, object)| {
            while known.next_if(|piece| *piece.name < **name).is_some() {}
            let before = known.next_if(|piece| *piece.name == **name && Arc::ptr_eq(&piece.object, object));
            match before {
                Some(piece) if !afresh => piece,
                before => Piece {
                    name: name.as_str().into(),
                    object: Arc::clone(object),
                    rule: before.map_or_else(|| Arc::new(rule(object)), |piece| piece.rule),
                    outcome: compile(object),
                    before: None,
                },
            }
        });
        self.list = pieces.collect();
        false
    }

    /// Who changed, when the names are those of before. Where objects are the same their names are not even looked at.
    fn changed_in_place<'o>(&self, objects: &'o BTreeMap<String, Arc<O>>, afresh: bool) -> Option<Vec<(usize, &'o Arc<O>)>> {
        if self.list.len() != objects.len() {
            return None;
        }
        let mut changed = Vec::new();
        for (at, (piece, (name, object))) in self.list.iter().zip(objects).enumerate() {
            if !Arc::ptr_eq(&piece.object, object) {
                if *piece.name != **name {
                    return None;
                }
                changed.push((at, object));
            } else if afresh {
                changed.push((at, object));
            }
        }
        Some(changed)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Piece<O, T>> {
        self.list.iter()
    }

    /// The objects that were compiled when last followed, when all names stayed.
    pub fn changed(&self) -> impl Iterator<Item = &Piece<O, T>> {
        self.changed.iter().map(|at| &self.list[*at])
    }

    /// What valid objects came to.
    pub fn outcomes(&mut self) -> impl Iterator<Item = &mut T> {
        self.list.iter_mut().filter_map(|piece| piece.outcome.as_mut().ok())
    }

    /// The objects that are valid, by name.
    pub fn valid(&self) -> impl Iterator<Item = (String, T)>
    where
        T: Clone,
    {
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
    pub fn rules(&self) -> impl Iterator<Item = &Arc<RuleObject>> + '_ {
        self.list.iter().map(|piece| &piece.rule)
    }
}
