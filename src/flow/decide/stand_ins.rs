//! Who is asked in the place of somebody who is off or at a cap.
//!
//! A stand-in gets the lead whatever its own tests say; its hours, caps and capacity hold. When it can't be asked either, its own stand-in is looked for, but
//! not for ever.

use super::deciding::Deciding;
use super::left::Left;
use super::world::World;
use crate::lead::decision::StandIn;
use crate::lead::{Candidate, RecipientKey};
use crate::table::recipient::Reached;

/// How many stand-ins are looked for, one in the place of the other.
const DEEPEST: usize = 3;

/// Somebody who can't be asked, and who is to stand in.
pub(super) struct Absent {
    pub number: u32,
    pub named: RecipientKey,
}

impl<W: World> Deciding<'_, '_, W> {
    /// Adds the stand-ins of those who are absent.
    pub(super) fn stand_ins(&mut self, absent: Vec<Absent>, left: &mut Left, before: &[Candidate], stand_ins: &mut Vec<StandIn>) {
        for Absent { number, named } in absent {
            let mut named = Some(named);
            for _ in 0..DEEPEST {
                let Some(key) = named.take() else { break };
                let Some(stand_in) = self.question.table.numbers.get(&key).copied().filter(|stand_in| !left.has(*stand_in)) else { break };
                if !self.may_stand_in(stand_in, &key, before) {
                    break;
                }
                match self.is_there(stand_in) {
                    Ok(()) => {
                        left.add(stand_in);
                        stand_ins.push(StandIn { absent: self.recipient(number).key.clone(), stands_in: key });
                    }
                    Err(next) => named = next,
                }
            }
        }
    }

    /// Somebody who is on time off, with the one who covers.
    pub(super) fn covered(&self, number: u32) -> Option<Absent> {
        let cover = self.recipient(number).availability.cover(self.question.now)?;
        Some(Absent { number, named: RecipientKey(cover.clone()) })
    }

    fn may_stand_in(&self, number: u32, key: &RecipientKey, before: &[Candidate]) -> bool {
        let traits = &self.question.table.traits;
        let alone = self.question.taken.is_empty() && before.iter().all(|candidate| candidate.exclusive);
        !self.question.tried.contains(key)
            && before.iter().all(|candidate| candidate.recipient != *key)
            && (alone || !traits.exclusive.has(number))
            && (self.quiet_until.is_none() || !traits.callers.has(number))
    }

    /// Whether a stand-in can be asked now; if not, who stands in for it.
    fn is_there(&mut self, number: u32) -> Result<(), Option<RecipientKey>> {
        let one = Left::one(number);
        if !self.world.away(&one).is_empty() {
            return Err(self.covered(number).map(|absent| absent.named));
        }
        let full = self.no_room(&one);
        let Some(full) = full.first() else { return Ok(()) };
        Err(self.recipient(number).limits.get(full.limit).and_then(|limit| match &limit.reached {
            Reached::Fallback(named) => Some(named.clone()),
            Reached::NextCandidate | Reached::Queue => None,
        }))
    }
}
