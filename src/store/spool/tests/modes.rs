//! Where new leads go, and whether the spool can take them: without any files.

use super::super::state::{Mode, State, TOGETHER};
use super::lead;

const ROOM: u64 = 64 << 20;

fn wrote(state: &mut State, numbers: std::ops::Range<u64>) {
    let leads: Vec<_> = numbers.map(lead).collect();
    leads.iter().for_each(|_| state.enter());
    state.begin();
    state.written(&leads, leads.len() as u64 * 100);
    state.entering -= leads.len();
}

#[test]
fn leads_are_not_held_back_for_a_last_batch_that_others_outran() {
    let together = TOGETHER as u64;
    let mut state = State::new(ROOM);
    wrote(&mut state, 0..together);
    assert_eq!(state.mode, Mode::Spooling, "the store is away");
    state.away = false;
    assert!(!state.settle());
    assert_eq!(state.mode, Mode::HandingOver);

    wrote(&mut state, together..2 * together);
    state.settle();
    assert_eq!(state.mode, Mode::Spooling, "there is more than one batch again");

    let drained: Vec<_> = (0..together).map(lead).collect();
    state.advance(&drained, together * 100);
    state.settle();
    assert_eq!(state.mode, Mode::HandingOver);
    let drained: Vec<_> = (together..2 * together).map(lead).collect();
    state.advance(&drained, 2 * together * 100);
    assert!(state.settle(), "all of it is in the store");
    assert_eq!(state.mode, Mode::Direct);
}
