//! Leads under one set of rules, in the order of time: each is decided by the very code that a router decides by, and whoever is asked takes it.
//!
//! What becomes of a lead changes what the next ones find: turns, caps, open leads, known owners. An agent's lead stays open for a given time. Who gets nobody is
//! decided again when its reason may be over, as a router would, until a day after the last lead came.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::count::{Outcome, Sale};
use super::roster::Roster;
use super::watched::Watched;
use crate::flow::decide::{Question, decide};
use crate::flow::owners;
use crate::flow::standing::Standing;
use crate::lead::decision::{KnownOwner, TakenIn};
use crate::lead::{Candidate, Decision, Lead, RecipientKey, UnmatchedReason};
use crate::store::{Hold, Owner};
use crate::table::Table;
use crate::table::recipient::{Terms, What};

/// How long after the last lead others are still waited for.
const AFTERWARDS: SignedDuration = SignedDuration::from_hours(24);
/// How often one lead is decided again.
const MOST_RUNS: u8 = 20;
/// How many leads are looked at again when a place has become free; as many as a router does.
const WOKEN: usize = 32;

/// What became of one lead.
#[derive(Clone, Debug, Default)]
pub struct End {
    pub sales: Vec<Sale>,
    pub unmatched: Option<UnmatchedReason>,
    pub capped: Vec<u32>,
}

impl End {
    pub fn outcome(&self) -> Outcome<'_> {
        Outcome { sales: &self.sales, unmatched: self.unmatched, capped: &self.capped }
    }
}

/// Something that happens at a time; of one time, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The agent is done with a lead, by its place among those given out.
    Closed(usize),
    /// The lead is decided again.
    Again(usize),
}

/// One side's run.
struct Side<'a> {
    table: &'a Arc<Table>,
    leads: &'a [Lead],
    open_for: SignedDuration,
    standing: Standing,
    /// Number in the roster, by number in the table.
    numbers: Vec<u32>,
    currencies: Vec<u16>,
    /// Number in the roster, by policy and tier.
    tiers: &'a HashMap<String, HashMap<String, u32>>,
    events: BinaryHeap<Reverse<(Timestamp, Event)>>,
    until: Timestamp,
    given_out: Vec<(RecipientKey, Vec<Hold>)>,
    /// Leads that wait for a place.
    waiting: VecDeque<usize>,
    owners: HashMap<[u8; 32], (RecipientKey, Timestamp)>,
    ends: Vec<End>,
    runs: Vec<u8>,
}

/// Runs all leads, which are in order of their arrival. `tiers` are the roster's numbers of tiers, none for a side of which tiers are not counted.
pub fn run(
    table: &Arc<Table>,
    leads: &[Lead],
    roster: &mut Roster,
    tiers: &HashMap<String, HashMap<String, u32>>,
    open_for: SignedDuration,
) -> Vec<End> {
    let start = leads.first().map_or(Timestamp::UNIX_EPOCH, |lead| lead.arrived_at);
    let last = leads.last().map_or(start, |lead| lead.arrived_at);
    let currency = |roster: &mut Roster, code: Option<&String>| code.map_or(0, |code| roster.currency(code));
    let side = Side {
        table,
        leads,
        open_for,
        standing: Standing::new(Arc::clone(table), start),
        numbers: table.recipients.iter().map(|recipient| roster.recipient(&recipient.key)).collect(),
        currencies: table
            .recipients
            .iter()
            .map(|recipient| currency(roster, recipient.price.as_ref().map(|price| &price.currency)))
            .collect(),
        tiers,
        events: BinaryHeap::new(),
        until: last.saturating_add(AFTERWARDS).unwrap_or(last),
        given_out: Vec::new(),
        waiting: VecDeque::new(),
        owners: HashMap::new(),
        ends: vec![End::default(); leads.len()],
        runs: vec![0; leads.len()],
    };
    side.all()
}

impl Side<'_> {
    fn all(mut self) -> Vec<End> {
        for at in 0..self.leads.len() {
            let now = self.leads[at].arrived_at;
            self.events_until(now);
            self.decide(at, now);
        }
        self.events_until(self.until);
        self.ends
    }

    fn events_until(&mut self, until: Timestamp) {
        while let Some(Reverse((at, event))) = self.events.peek().copied().filter(|Reverse((at, _))| *at <= until) {
            self.events.pop();
            match event {
                Event::Closed(place) => self.closed(place, at),
                Event::Again(lead) => self.decide(lead, at),
            }
        }
    }

    /// Gives an open lead's place back; who waits for one is looked at again when it was the last.
    fn closed(&mut self, place: usize, now: Timestamp) {
        let Some((recipient, holds)) = self.given_out.get(place) else { return };
        if self.standing.release(recipient, holds) {
            let woken: Vec<_> = self.waiting.drain(..self.waiting.len().min(WOKEN)).collect();
            woken.into_iter().for_each(|lead| self.events.push(Reverse((now, Event::Again(lead)))));
        }
    }

    /// Brings a lead to its end, or leaves it until later.
    fn decide(&mut self, at: usize, now: Timestamp) {
        let (table, lead) = (self.table, &self.leads[at]);
        if !self.ends[at].sales.is_empty() {
            return;
        }
        self.standing.advance(now);
        let (keys, known) = self.known_owners(lead);
        let (mut end, mut tried, mut taken, mut later) = (End::default(), Vec::new(), Vec::new(), None);
        let unavailable = BTreeMap::new();
        loop {
            let question = Question { table, lead, now, tried: &tried, taken: &taken, owners: &known, unavailable: &unavailable };
            let decision = decide(&question, &mut Watched { standing: &mut self.standing, table, capped: &mut end.capped });
            let most = decision.policy.as_deref().and_then(|name| table.policy(name)).map_or(0, |policy| policy.max_recipients as usize);
            let Some(candidate) = decision.candidates.first() else {
                if end.sales.is_empty() {
                    (end.unmatched, later) = (decision.unmatched.or(Some(UnmatchedReason::NobodyMatches)), decision.retry_at);
                }
                break;
            };
            let Some(sale) = self.take(&decision, candidate, now) else { break };
            end.sales.push(sale);
            taken.push(TakenIn { tier: candidate.tier.clone(), exclusive: candidate.exclusive });
            tried.push(candidate.recipient.clone());
            keys.iter().for_each(|key| drop(self.owners.insert(*key, (candidate.recipient.clone(), now))));
            if candidate.exclusive || taken.len() >= most {
                break;
            }
        }
        end.capped.sort_unstable();
        end.capped.dedup();
        end.capped.iter_mut().for_each(|number| *number = self.numbers[*number as usize]);
        self.runs[at] = self.runs[at].saturating_add(1);
        if end.unmatched.is_some() && self.runs[at] < MOST_RUNS {
            self.leave(at, end.unmatched, later, now);
        }
        self.ends[at] = end;
    }

    fn leave(&mut self, at: usize, reason: Option<UnmatchedReason>, later: Option<Timestamp>, now: Timestamp) {
        if matches!(reason, Some(UnmatchedReason::CapsReached | UnmatchedReason::Queued)) {
            self.waiting.push_back(at);
        }
        if let Some(later) = later.filter(|later| *later > now && *later <= self.until) {
            self.events.push(Reverse((later, Event::Again(at))));
        }
    }

    /// The candidate takes the lead: its places and turn are used up.
    fn take(&mut self, decision: &Decision, candidate: &Candidate, now: Timestamp) -> Option<Sale> {
        let number = *self.table.numbers.get(&candidate.recipient)?;
        let recipient = self.table.recipients.get(number as usize)?;
        let policy = decision.policy.as_deref()?;
        let tier = self.table.policy(policy)?.tier(&candidate.tier)?;
        let grade = decision.score.as_ref().and_then(|score| score.grade.as_deref());
        let holds = recipient.holds(now, Terms { grade, exclusive: candidate.exclusive });
        let turn = self.standing.turn_for(tier, number);
        self.standing.assume(&recipient.key, &holds, Some(&turn));
        let limits = holds.into_iter().zip(&recipient.limits);
        let open: Vec<_> = limits.filter(|(_, limit)| matches!(limit.what, What::Open | What::OpenWeight)).map(|(hold, _)| hold).collect();
        if !open.is_empty() {
            let done = now.saturating_add(self.open_for).unwrap_or(Timestamp::MAX);
            self.events.push(Reverse((done, Event::Closed(self.given_out.len()))));
            self.given_out.push((recipient.key.clone(), open));
        }
        Some(Sale {
            recipient: self.numbers[number as usize],
            tier: self.tiers.get(policy).and_then(|tiers| tiers.get(&candidate.tier)).copied().unwrap_or(0),
            minor: candidate.price.as_ref().map_or(0, |price| price.minor),
            currency: self.currencies[number as usize],
        })
    }

    /// The lead's keys, and who is known by them.
    fn known_owners(&self, lead: &Lead) -> (Vec<[u8; 32]>, Vec<KnownOwner>) {
        let keys = owners::keys(lead, self.table, &|purpose, parts| {
            let mut hasher = blake3::Hasher::new_derive_key(purpose);
            for part in parts {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
            }
            *hasher.finalize().as_bytes()
        });
        let known = keys.iter().filter_map(|(_, key)| {
            let (recipient, at) = self.owners.get(key)?;
            Some(Owner { key: *key, recipient: recipient.clone(), at: *at })
        });
        let known = owners::known(&keys, known.collect());
        (keys.into_iter().map(|(_, key)| key).collect(), known)
    }
}
