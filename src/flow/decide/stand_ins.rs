//! Who is asked in the place of somebody who is off or at a cap.
//!
//! A stand-in gets the lead whatever its own tests say; its hours, caps and capacity hold. When it can't be asked either, its own stand-in is looked for, but
//! not for ever.

use super::deciding::Deciding;
use super::world::World;
use crate::calendar::{AwayWhy, Presence};
use crate::lead::decision::StandIn;
use crate::lead::{Candidate, RecipientKey};
use crate::table::bits::Bits;
use crate::table::recipient::Reached;

/// How many stand-ins are looked for, one in the place of the other.
const DEEPEST: usize = 3;

impl<W: World> Deciding<'_, '_, W> {
    /// Adds the stand-ins of those who are absent.
    pub(super) fn stand_ins(&mut self, absent: &[u32], left: &mut Bits, before: &[Candidate], stand_ins: &mut Vec<StandIn>) {
        for number in absent {
            let mut named = self.named_by(*number);
            for _ in 0..DEEPEST {
                let Some(key) = named.take() else { break };
                let Some(stand_in) = self.question.table.numbers.get(&key).copied() else { break };
                if left.has(stand_in) {
                    break;
                }
                if self.can_stand_in(stand_in, &key, before) {
                    left.add(stand_in);
                    stand_ins.push(StandIn { absent: self.recipient(*number).key.clone(), stands_in: key });
                    break;
                }
                named = self.named_by(stand_in);
            }
        }
    }

    /// Whom a recipient that is off, or else at a cap, names.
    fn named_by(&self, number: u32) -> Option<RecipientKey> {
        let recipient = self.recipient(number);
        match recipient.availability.at(self.question.now) {
            Presence::Away { why: AwayWhy::TimeOff { cover }, .. } => cover.map(RecipientKey),
            Presence::Away { .. } => None,
            Presence::Here { .. } => recipient.limits.iter().find_map(|limit| match &limit.reached {
                Reached::Fallback(key) => Some(key.clone()),
                Reached::NextCandidate | Reached::Queue => None,
            }),
        }
    }

    fn can_stand_in(&mut self, number: u32, key: &RecipientKey, before: &[Candidate]) -> bool {
        let table = self.question.table;
        let alone = self.question.taken.is_empty() && before.iter().all(|candidate| candidate.exclusive);
        if self.question.tried.contains(key)
            || before.iter().any(|candidate| candidate.recipient == *key)
            || (table.traits.exclusive.has(number) && !alone)
            || (self.quiet_until.is_some() && table.traits.callers.has(number))
        {
            return false;
        }
        let mut one = Bits::none(table.recipients.len());
        one.add(number);
        self.world.away(&one).is_empty() && self.no_room(&one).is_empty()
    }
}
