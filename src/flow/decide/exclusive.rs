//! One exclusive sale, or several shared ones: whichever pays more.

use super::deciding::Deciding;
use super::left::Left;
use super::ranking::Placed;
use super::world::World;
use crate::lead::decision::TierTrace;
use crate::table::policy::Tier;
use crate::table::recipient::Terms;

/// How a tier sells the lead.
pub(super) enum Sold {
    /// As recipients ask for it.
    AsRanked,
    /// To one of these alone.
    Alone(Vec<u32>),
}

impl Sold {
    pub fn is_exclusive(&self, number: u32) -> bool {
        matches!(self, Self::Alone(alone) if alone.contains(&number))
    }
}

impl<W: World> Deciding<'_, '_, W> {
    /// In a tier that compares: leaves either those who pay most alone, best first, or those who share. An equal sum goes to the exclusive sale.
    pub(super) fn exclusive_or_shared(
        &mut self,
        tier: &Tier,
        wanted: usize,
        left: &Left,
        ranked: &mut Vec<Placed>,
        trace: &mut TierTrace,
    ) -> Sold {
        if !tier.compares || ranked.is_empty() {
            return Sold::AsRanked;
        }
        // A cap of money may have room for a shared lead's price and not for this one.
        let too_dear = self.no_room_at(left, |_| true);
        let alone_price = |placed: &Placed| {
            let recipient = self.recipient(placed.number);
            let offers = recipient.exclusive || recipient.price.as_ref().is_some_and(|price| price.exclusive.is_some());
            let offers = offers && too_dear.iter().all(|full| full.number != placed.number);
            let price = recipient.price_of(Terms { grade: self.grade, exclusive: true });
            price.filter(|_| offers).map(|price| price.minor)
        };
        let mut shared: Vec<i64> = ranked
            .iter()
            .map(|placed| self.recipient(placed.number))
            .filter(|recipient| !recipient.exclusive)
            .map(|recipient| recipient.price_of(Terms { grade: self.grade, exclusive: false }).map_or(0, |price| price.minor))
            .collect();
        shared.sort_unstable_by(|one, other| other.cmp(one));
        let together = shared.iter().take(wanted).sum();
        let best = if self.question.taken.is_empty() { ranked.iter().filter_map(alone_price).max() } else { None };
        trace.comparison = Some(crate::lead::decision::Comparison { exclusive: best, shared: together });
        if best.is_some_and(|best| best >= together) {
            ranked.retain(|placed| alone_price(placed).is_some_and(|price| price >= together));
            ranked.sort_by_key(|placed| std::cmp::Reverse(alone_price(placed)));
            return Sold::Alone(ranked.iter().map(|placed| placed.number).collect());
        }
        ranked.retain(|placed| !self.recipient(placed.number).exclusive);
        Sold::AsRanked
    }
}
