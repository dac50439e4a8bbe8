//! Standing under the table in force, and under the one before for leads that began with it.

use std::sync::Arc;

use jiff::Timestamp;

use super::Standing;
use crate::lead::RecipientKey;
use crate::store::{Hold, TakeTurn, TurnAt, Used};
use crate::table::Table;

/// The standings of a router. What happens to one happens to both.
pub struct Generations {
    current: Standing,
    former: Option<Standing>,
}

impl Generations {
    pub fn new(table: Arc<Table>, now: Timestamp) -> Self {
        Self { current: Standing::new(table, now), former: None }
    }

    /// The standing under a table. `in_force` is the newest one.
    pub fn under(&mut self, table: &Arc<Table>, in_force: &Arc<Table>, now: Timestamp) -> &mut Standing {
        if !self.current.is_under(table) && Arc::ptr_eq(table, in_force) {
            self.current.follow(table, now);
            self.former = None;
        }
        let standing = if self.current.is_under(table) {
            &mut self.current
        } else {
            let known = self.former.take().filter(|former| former.is_under(table));
            self.former.insert(known.unwrap_or_else(|| self.current.beside(table, now)))
        };
        standing.advance(now);
        standing
    }

    /// When the store was last asked.
    pub fn read_at(&self) -> Timestamp {
        self.current.read_at
    }

    pub fn refresh(&mut self, read_at: Timestamp, used: &[Used], turns: Vec<TurnAt>) {
        if let Some(former) = &mut self.former {
            former.refresh(read_at, used, turns.clone());
        }
        self.current.refresh(read_at, used, turns);
    }

    /// See [`Standing::assume`].
    pub fn assume(&mut self, recipient: &RecipientKey, holds: &[Hold], turn: Option<&TakeTurn>) {
        self.both(|standing| standing.assume(recipient, holds, turn));
    }

    /// See [`Standing::release`].
    pub fn release(&mut self, recipient: &RecipientKey, holds: &[Hold]) -> bool {
        if let Some(former) = &mut self.former {
            former.release(recipient, holds);
        }
        self.current.release(recipient, holds)
    }

    /// See [`Standing::full`].
    pub fn full(&mut self, recipient: &RecipientKey, window: &str, used: i64) {
        self.both(|standing| standing.full(recipient, window, used));
    }

    /// See [`Standing::never_mind`].
    pub fn never_mind(&mut self, recipient: &RecipientKey, holds: &[Hold], turn: Option<&TakeTurn>) {
        self.both(|standing| standing.never_mind(recipient, holds, turn));
    }

    /// See [`Standing::turned`].
    pub fn turned(&mut self, turns: &[TurnAt]) {
        self.both(|standing| standing.turned(turns.to_vec()));
    }

    fn both(&mut self, mut change: impl FnMut(&mut Standing)) {
        self.former.iter_mut().for_each(&mut change);
        change(&mut self.current);
    }
}
