//! Where new leads go, and whether the spool can take them: without any files.

use jiff::{SignedDuration, Timestamp};

use super::super::state::{Mode, Place, State, TOGETHER};
use super::lead;

const ROOM: u64 = 64 << 20;

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

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

#[test]
fn writes_that_fail_leave_no_segments_behind() {
    let mut state = State::new(ROOM);
    for number in 1..=3 {
        let place = state.begin();
        assert_eq!(place, Place { number, at: 0, new: true });
        state.failed("as the test wished".to_owned(), now());
        assert!(state.segments.is_empty());
    }
    state.begin();
    state.written(&[lead(1)], 100);
    assert_eq!(state.begin(), Place { number: 4, at: 100, new: false });
    state.failed("as the test wished".to_owned(), now());
    assert_eq!(state.begin(), Place { number: 5, at: 0, new: true }, "nothing is written behind what may be torn");
    state.failed("as the test wished".to_owned(), now());
    assert_eq!((state.leads(), state.bytes(), state.segments.len()), (1, 100, 1));
}

#[test]
fn a_write_that_failed_is_a_problem_until_the_next_post_may_try_again() {
    let mut state = State::new(ROOM);
    assert_eq!(state.problem(now()), None);
    state.begin();
    state.failed("no space".to_owned(), now());
    let after = |seconds| now() + SignedDuration::from_secs(seconds);
    assert_eq!(state.problem(after(9)).as_deref(), Some("the spool can't be written: no space"));
    assert_eq!(state.problem(after(10)), None, "a pod that is not ready gets no post that could show that it can be written again");
    assert_eq!(state.problem(after(-3600)), None, "a clock that was set back prolongs nothing");
    state.begin();
    state.failed("no space".to_owned(), after(11));
    assert!(state.problem(after(12)).is_some());
    state.begin();
    state.written(&[lead(1)], 100);
    assert_eq!(state.problem(after(12)), None);
}
