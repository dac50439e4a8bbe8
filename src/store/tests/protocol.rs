//! Reserve, send, settle, close: two routers, two exclusive leads, two recipients with caps. Any step may come late or never, leases end at any
//! moment, routers forget what they had in hand. The store's part is what `places` and `ends` decide; the far side answers as it likes, and a request
//! that it knows as it did before.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use uuid::Uuid;

use super::reach::reach;
use crate::lead::{Delivery, LeadId, RecipientKey, UnmatchedReason};
use crate::store::places::{self, Books, Leased};
use crate::store::{DeliveryEnd, DeliveryState, Hold, Reservation, Reserved, Sealed, Settlement, Then, ends};

const ROUTERS: usize = 2;
const LEADS: usize = 2;
const RECIPIENTS: usize = 2;
/// Which routers take part in which lead: both are rivals for the first, and the second one's other lead is a rival for its places.
const ROUTERS_OF: [&[usize]; LEADS] = [&[0, 1], &[1]];

/// Only whether an epoch is the current one matters: the current one is this, all older ones are one less.
const EPOCH: i64 = 2;

/// Window, amount, limit, and whether it is kept, for a lead and a recipient.
type Caps = fn(usize, usize) -> &'static [(&'static str, i64, i64, bool)];

/// One place of the first recipient, and one of the second.
fn places_of_work(_: usize, recipient: usize) -> &'static [(&'static str, i64, i64, bool)] {
    [&[("day", 1, 2, false), ("open", 1, 1, false)][..], &[("open", 1, 1, false)]][recipient]
}

/// Both leads together cost too much for the first recipient, and just enough for the second.
fn money(lead: usize, recipient: usize) -> &'static [(&'static str, i64, i64, bool)] {
    match (lead, recipient) {
        (0, 0) => &[("day", 1, 2, false), ("day/spend", 60, 100, false)],
        (_, 0) => &[("day", 1, 2, false), ("day/spend", 41, 100, false)],
        _ => &[("total/spend", 40, 80, false)],
    }
}

/// The first recipient pays for what is sent, and has capacity for one heavy lead.
fn sent(_: usize, recipient: usize) -> &'static [(&'static str, i64, i64, bool)] {
    [&[("open/weight", 2, 3, false), ("day/sent", 1, 1, true)][..], &[("day", 1, 2, false)]][recipient]
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
struct Held {
    lead: usize,
    number: i32,
    recipient: usize,
    window: &'static str,
    amount: i64,
    keep: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Kept {
    recipient: usize,
    state: DeliveryState,
    /// Whether the far side took it; `None` while it knows nothing of it.
    taken: Option<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Stand {
    Due,
    /// The lease may be over at any time, so that the lead can be claimed.
    Leased,
    Unmatched,
    Delivered,
    Closed,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Lead {
    stand: Stand,
    deliveries: Vec<Kept>,
}

/// What a router has in hand of a lead.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct InHand {
    epoch: i64,
    last: i32,
    open: Option<i32>,
    /// Who is not asked (again): was asked, or was full.
    passed: [bool; RECIPIENTS],
    answer: Option<bool>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct State {
    leads: [Lead; LEADS],
    hands: [[Option<InHand>; LEADS]; ROUTERS],
    /// In order.
    holds: Vec<Held>,
    used: BTreeMap<(usize, &'static str), i64>,
}

fn first() -> State {
    let lead = || Lead { stand: Stand::Due, deliveries: Vec::new() };
    State { leads: [lead(), lead()], hands: [[None, None], [None, None]], holds: Vec::new(), used: BTreeMap::new() }
}

fn id(lead: usize) -> LeadId {
    LeadId(Uuid::from_u128(lead as u128))
}

fn key(recipient: usize) -> RecipientKey {
    RecipientKey::agent(["a", "b"][recipient])
}

impl State {
    fn open(&self, lead: usize) -> Option<i32> {
        let at = self.leads[lead].deliveries.iter().position(|kept| kept.state == DeliveryState::Open)?;
        Some(at as i32 + 1)
    }

    fn leased(&self) -> HashMap<LeadId, Leased> {
        (0..LEADS)
            .filter(|lead| self.leads[*lead].stand == Stand::Leased)
            .map(|lead| {
                let leased = Leased { epoch: EPOCH, open: self.open(lead), last: self.leads[lead].deliveries.len() as i32 };
                (id(lead), leased)
            })
            .collect()
    }

    fn give_back(&mut self, goes: impl Fn(&Held) -> bool) {
        let (gone, left) = self.holds.iter().copied().partition(goes);
        self.holds = left;
        let gone: Vec<Held> = gone;
        for hold in gone {
            *self.used.get_mut(&(hold.recipient, hold.window)).unwrap() -= hold.amount;
        }
    }

    fn next(&self, caps: Caps) -> Vec<State> {
        let mut all = Vec::new();
        for (lead, routers) in ROUTERS_OF.iter().enumerate() {
            all.extend(self.is_closed(lead));
            all.extend(self.is_woken(lead));
            for router in routers.iter().copied() {
                all.extend(self.is_claimed(router, lead));
                all.extend(self.is_forgotten(router, lead));
                all.extend((0..RECIPIENTS).filter_map(|recipient| self.is_reserved(caps, router, lead, recipient)));
                all.extend([true, false].into_iter().filter_map(|taken| self.is_sent(router, lead, taken)));
                all.extend(self.is_settled(router, lead).into_iter().flatten());
                all.extend(self.is_left(router, lead));
                all.extend(self.is_parked(router, lead));
            }
        }
        all
    }

    fn standing(&self, lead: usize, stand: Stand) -> State {
        let mut after = self.clone();
        after.leads[lead].stand = stand;
        after
    }

    fn is_closed(&self, lead: usize) -> Option<State> {
        (self.leads[lead].stand == Stand::Delivered).then(|| {
            let mut after = self.standing(lead, Stand::Closed);
            after.give_back(|hold| hold.lead == lead && hold.window.starts_with("open"));
            after
        })
    }

    fn is_woken(&self, lead: usize) -> Option<State> {
        (self.leads[lead].stand == Stand::Unmatched).then(|| self.standing(lead, Stand::Due))
    }

    fn is_claimed(&self, router: usize, lead: usize) -> Option<State> {
        matches!(self.leads[lead].stand, Stand::Due | Stand::Leased).then(|| {
            let mut after = self.standing(lead, Stand::Leased);
            for hand in &mut after.hands {
                hand[lead].iter_mut().for_each(|hand| hand.epoch = EPOCH - 1);
            }
            let deliveries = &self.leads[lead].deliveries;
            let passed = [0, 1].map(|recipient| deliveries.iter().any(|kept| kept.recipient == recipient));
            let last = deliveries.len() as i32;
            after.hands[router][lead] = Some(InHand { epoch: EPOCH, last, open: self.open(lead), passed, answer: None });
            after
        })
    }

    fn is_forgotten(&self, router: usize, lead: usize) -> Option<State> {
        let mut after = self.clone();
        after.hands[router][lead].take().map(|_| after)
    }

    /// Also while a delivery is open, which a router should not ask for.
    fn is_reserved(&self, caps: Caps, router: usize, lead: usize, recipient: usize) -> Option<State> {
        let hand = self.hands[router][lead].as_ref().filter(|hand| !hand.passed[recipient])?;
        let caps = caps(lead, recipient);
        let number = hand.last + 1;
        let asked = [reservation(hand.epoch, lead, number, recipient, caps)];
        let used = caps.iter().map(|(window, ..)| {
            let used = self.used.get(&(recipient, *window)).copied().unwrap_or_default();
            ((key(recipient), (*window).to_owned()), used)
        });
        let mut books = Books { leased: self.leased(), used: used.collect(), rotations: HashMap::new() };
        let answer = places::decide(&asked, &mut books).remove(0);
        let mut after = self.clone();
        for (window, ..) in caps {
            after.used.insert((recipient, window), books.used[&(key(recipient), (*window).to_owned())]);
        }
        let in_hand = after.hands[router][lead].as_mut()?;
        match answer {
            Reserved::Held { .. } => {
                in_hand.open = Some(number);
                in_hand.last = number;
                in_hand.passed[recipient] = true;
                after.leads[lead].deliveries.push(Kept { recipient, state: DeliveryState::Open, taken: None });
                let held =
                    caps.iter().map(|(window, amount, _, keep)| Held { lead, number, recipient, window, amount: *amount, keep: *keep });
                after.holds.extend(held);
                after.holds.sort_unstable();
            }
            Reserved::Full { .. } => in_hand.passed[recipient] = true,
            Reserved::Lost => after.hands[router][lead] = None,
            Reserved::Stale { .. } => panic!("no turns are taken here"),
        }
        Some(after)
    }

    /// The far side answers a request that it knows as it did before.
    fn is_sent(&self, router: usize, lead: usize, taken: bool) -> Option<State> {
        let hand = self.hands[router][lead].as_ref().filter(|hand| hand.answer.is_none())?;
        let at = hand.open? as usize - 1;
        let mut after = self.clone();
        let known = *after.leads[lead].deliveries[at].taken.get_or_insert(taken);
        after.hands[router][lead].as_mut()?.answer = Some(known);
        (known == taken).then_some(after)
    }

    /// The router may not hear that a refusal was settled, and ask again.
    fn is_settled(&self, router: usize, lead: usize) -> Option<Vec<State>> {
        let hand = self.hands[router][lead].as_ref()?;
        let (number, taken) = (hand.open?, hand.answer?);
        let (state, then) = if taken { (DeliveryState::Accepted, Then::Delivered) } else { (DeliveryState::Refused, Then::Continue) };
        let end = DeliveryEnd { number, state, record_id: None, owner_keys: Vec::new(), attempt: None };
        let mut after = self.settle(router, lead, Some(end), then.clone())?;
        if let Some(hand) = after.hands[router][lead].as_mut() {
            (hand.open, hand.answer) = (None, None);
        }
        if taken {
            return Some(vec![after]);
        }
        let mut unheard = after.clone();
        unheard.hands[router][lead].clone_from(&self.hands[router][lead]);
        Some(vec![after, unheard])
    }

    fn is_left(&self, router: usize, lead: usize) -> Option<State> {
        self.hands[router][lead].as_ref().filter(|hand| hand.open.is_none() && hand.passed == [true; RECIPIENTS])?;
        self.settle(router, lead, None, Then::Unmatched { reason: UnmatchedReason::CapsReached, rules: String::new(), retry_at: None })
    }

    fn is_parked(&self, router: usize, lead: usize) -> Option<State> {
        self.settle(router, lead, None, Then::Park { until: Timestamp::UNIX_EPOCH })
    }

    fn settle(&self, router: usize, lead: usize, delivery: Option<DeliveryEnd>, then: Then) -> Option<State> {
        let epoch = self.hands[router][lead].as_ref()?.epoch;
        let settlement =
            Settlement { lead: id(lead), epoch, now: Timestamp::UNIX_EPOCH, delivery, decisions: Vec::new(), then: then.clone() };
        let held = ends::decide(std::slice::from_ref(&settlement), &mut self.leased())[0];
        let mut after = self.clone();
        if let Some(end) = settlement.delivery.filter(|_| held) {
            assert_eq!(self.open(lead), Some(end.number), "a delivery ends twice: {self:?}");
            after.leads[lead].deliveries[end.number as usize - 1].state = end.state;
            if ends::gives_back(end.state) {
                after.give_back(|hold| hold.lead == lead && hold.number == end.number && !hold.keep);
            }
        }
        if !held || then != Then::Continue {
            after.hands[router][lead] = None;
        }
        if held {
            let stand = &mut after.leads[lead].stand;
            *stand = match then {
                Then::Continue => *stand,
                Then::Delivered => Stand::Delivered,
                Then::Unmatched { .. } => Stand::Unmatched,
                Then::Park { .. } => Stand::Due,
            };
        }
        Some(after)
    }

    fn check(&self, caps: Caps) {
        let mut counted = BTreeMap::new();
        for hold in &self.holds {
            *counted.entry((hold.recipient, hold.window)).or_insert(0) += hold.amount;
            let lead = &self.leads[hold.lead];
            let state = lead.deliveries[hold.number as usize - 1].state;
            assert!(hold.keep || !ends::gives_back(state), "a delivery that came to nothing holds a place: {self:?}");
            assert!(lead.stand != Stand::Closed || !hold.window.starts_with("open"), "a closed lead holds an open place: {self:?}");
        }
        for (place, used) in &self.used {
            assert_eq!(counted.get(place).copied().unwrap_or_default(), *used, "what is used is what is held: {self:?}");
        }
        for (lead, recipient) in (0..LEADS).flat_map(|lead| [(lead, 0), (lead, 1)]) {
            for (window, _, limit, _) in caps(lead, recipient) {
                assert!(self.used.get(&(recipient, *window)).is_none_or(|used| used <= limit), "beyond a limit: {self:?}");
            }
        }
        for (number, lead) in self.leads.iter().enumerate() {
            self.check_holder(caps, number);
            let count = |state| lead.deliveries.iter().filter(|kept| kept.state == state).count();
            let taken = lead.deliveries.iter().filter(|kept| kept.taken == Some(true)).count();
            assert!(taken <= 1 && count(DeliveryState::Accepted) <= taken, "taken by two: {self:?}");
            assert!(count(DeliveryState::Open) <= 1, "offered to two at once: {self:?}");
            let done = matches!(lead.stand, Stand::Delivered | Stand::Closed);
            assert_eq!(done, count(DeliveryState::Accepted) == 1, "done is what was accepted: {self:?}");
            assert!(!done && lead.stand != Stand::Unmatched || count(DeliveryState::Open) == 0, "left open: {self:?}");
        }
    }

    /// What is taken or under way holds all its places, until the lead is closed.
    fn check_holder(&self, caps: Caps, lead: usize) {
        let closed = self.leads[lead].stand == Stand::Closed;
        for (number, kept) in
            (1..).zip(&self.leads[lead].deliveries).filter(|(_, kept)| matches!(kept.state, DeliveryState::Open | DeliveryState::Accepted))
        {
            for (window, ..) in caps(lead, kept.recipient).iter().filter(|(window, ..)| !(closed && window.starts_with("open"))) {
                let held = self.holds.iter().any(|hold| (hold.lead, hold.number, hold.window) == (lead, number, *window));
                assert!(held, "{window} is not held: {self:?}");
            }
        }
    }

    fn all_ended(&self) -> bool {
        self.leads.iter().all(|lead| matches!(lead.stand, Stand::Closed | Stand::Unmatched))
    }
}

fn reservation(epoch: i64, lead: usize, number: i32, recipient: usize, caps: &[(&str, i64, i64, bool)]) -> Reservation {
    let hold = |(window, amount, limit, keep): &(&str, i64, i64, bool)| Hold {
        recipient: key(recipient),
        window: (*window).to_owned(),
        amount: *amount,
        limit: *limit,
        keep: *keep,
    };
    Reservation {
        epoch,
        delivery: Delivery {
            lead: id(lead),
            number,
            recipient: key(recipient),
            tier: String::new(),
            policy: String::new(),
            endpoint: String::new(),
            price: None,
            exclusive: true,
        },
        request: Sealed(Vec::new()),
        holds: caps.iter().map(hold).collect(),
        turn: None,
        decisions: Vec::new(),
        at: Timestamp::UNIX_EPOCH,
    }
}

/// Every state keeps to the laws, and from each one all leads can still come to an end.
fn holds_everywhere(caps: Caps, at_least: usize) {
    let reached = reach(first(), |state| state.check(caps), |state| state.next(caps));
    let stuck = reached.stuck(State::all_ended);
    assert!(stuck.is_empty(), "{} of {} states lead to no end, such as {:?}", stuck.len(), reached.states.len(), stuck[0]);
    assert!(reached.states.len() >= at_least, "only {} states", reached.states.len());
}

#[test]
fn places_of_work_are_kept_to_in_every_interleaving() {
    holds_everywhere(places_of_work, 120_000);
}

#[test]
fn budgets_are_kept_to_in_every_interleaving() {
    holds_everywhere(money, 95_000);
}

#[test]
fn what_is_sent_is_counted_in_every_interleaving() {
    holds_everywhere(sent, 45_000);
}
