//! Which reservations fit, given the leases and the places in use. Pure: each store loads (and locks) these, asks here, and writes the answer.

use std::collections::HashMap;

use super::{Hold, Reservation, Reserved, TakeTurn};
use crate::lead::decision::Turn;
use crate::lead::{LeadId, RecipientKey};

/// A recipient and a window.
pub(super) type Place = (RecipientKey, String);

/// A lead that is leased, as the store has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Leased {
    pub epoch: i64,
    /// The number of the delivery that is open.
    pub open: Option<i32>,
    /// The number of the last delivery; 0 for none.
    pub last: i32,
}

/// Decides reservations in the order given. `used` is counted up by those that are held. Turns are dealt afterwards, by [`turn_after`].
///
/// A reservation is lost too when its number is not the next one or when a delivery is open: what the caller knows of the lead is old then, and it
/// must be claimed again.
pub(super) fn decide(reservations: &[Reservation], leased: &mut HashMap<LeadId, Leased>, used: &mut HashMap<Place, i64>) -> Vec<Reserved> {
    reservations.iter().map(|reservation| decide_one(reservation, leased, used)).collect()
}

fn decide_one(reservation: &Reservation, leased: &mut HashMap<LeadId, Leased>, used: &mut HashMap<Place, i64>) -> Reserved {
    let number = reservation.delivery.number;
    let Some(lead) = leased.get_mut(&reservation.delivery.lead) else { return Reserved::Lost };
    if lead.epoch != reservation.epoch || lead.open.is_some() || number != lead.last + 1 {
        return Reserved::Lost;
    }
    for (taken, hold) in reservation.holds.iter().enumerate() {
        let count = used.entry(place(hold)).or_default();
        if *count >= hold.limit {
            let full = Reserved::Full { window: hold.window.clone(), used: *count };
            for hold in &reservation.holds[..taken] {
                *used.entry(place(hold)).or_default() -= 1;
            }
            return full;
        }
        *count += 1;
    }
    lead.open = Some(number);
    lead.last = number;
    Reserved::Held { turn: None }
}

pub(super) fn place(hold: &Hold) -> Place {
    (hold.recipient.clone(), hold.window.clone())
}

/// The turn after one is taken: `position` is where the recipient was, `last` the rotation's last sequence number.
pub(super) fn turn_after(position: i64, last: i64, take: &TakeTurn) -> Turn {
    Turn { position: position.max(take.floor).saturating_add(take.step), last: last.saturating_add(1) }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::lead::Delivery;
    use crate::store::Sealed;

    fn lead(number: u128) -> LeadId {
        LeadId(Uuid::from_u128(number))
    }

    fn reservation(lead: LeadId, number: i32, windows: &[(&str, i64)]) -> Reservation {
        let recipient = RecipientKey::agent("a");
        Reservation {
            epoch: 1,
            delivery: Delivery {
                lead,
                number,
                recipient: recipient.clone(),
                tier: "t".into(),
                policy: "p".into(),
                endpoint: "e".into(),
                price: None,
            },
            request: Sealed(Vec::new()),
            holds: windows
                .iter()
                .map(|(window, limit)| Hold { recipient: recipient.clone(), window: (*window).into(), limit: *limit })
                .collect(),
            turn: None,
            decision: None,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn what_one_full_window_denies_is_taken_from_no_other() {
        let mut leased =
            HashMap::from([(lead(1), Leased { epoch: 1, ..Leased::default() }), (lead(2), Leased { epoch: 1, ..Leased::default() })]);
        let mut used = HashMap::new();
        let asked = [reservation(lead(1), 1, &[("day", 5), ("open", 1)]), reservation(lead(2), 1, &[("day", 5), ("open", 1)])];
        let answers = decide(&asked, &mut leased, &mut used);
        assert_eq!(answers, [Reserved::Held { turn: None }, Reserved::Full { window: "open".into(), used: 1 }]);
        assert_eq!(used[&(RecipientKey::agent("a"), "day".to_owned())], 1);
    }

    #[test]
    fn a_lead_with_an_open_delivery_or_another_number_gets_no_second_one() {
        let mut leased = HashMap::from([(lead(1), Leased { epoch: 1, open: None, last: 1 })]);
        let asked =
            [reservation(lead(1), 1, &[]), reservation(lead(1), 2, &[]), reservation(lead(1), 3, &[]), reservation(lead(2), 1, &[])];
        let answers = decide(&asked, &mut leased, &mut HashMap::new());
        assert_eq!(answers, [Reserved::Lost, Reserved::Held { turn: None }, Reserved::Lost, Reserved::Lost]);
    }

    #[test]
    fn a_turn_starts_at_the_floor_or_where_the_recipient_was() {
        let take = TakeTurn { rotation: "p/t".into(), floor: 100, step: 7 };
        assert_eq!(turn_after(0, 4, &take), Turn { position: 107, last: 5 });
        assert_eq!(turn_after(200, 5, &take), Turn { position: 207, last: 6 });
    }
}
