use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use uuid::Uuid;

use super::super::{frame, record};
use super::lead;
use crate::lead::LeadId;
use crate::store::{Fingerprint, Idempotency, NewLead, Sealed};

fn time() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond()).prop_map(|nanos| Timestamp::from_nanosecond(nanos).unwrap())
}

fn any_lead() -> impl Strategy<Value = NewLead> {
    let print = (any::<[u8; 32]>(), of(time())).prop_map(|(hash, remembered_since)| Fingerprint { hash, remembered_since });
    let key = of((any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(key, body)| Idempotency { key, body }));
    (any::<u128>(), "\\PC{0,40}", time(), vec(any::<u8>(), 0..200), vec(print, 0..4), key).prop_map(
        |(id, source, arrived_at, sealed, fingerprints, idempotency)| NewLead {
            id: LeadId(Uuid::from_u128(id)),
            source,
            arrived_at,
            sealed: Sealed(sealed),
            fingerprints,
            idempotency,
        },
    )
}

/// A segment of these leads, and where each frame ends.
fn segment(number: u64, leads: &[NewLead]) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    for lead in leads {
        frame::put(number, bytes.len() as u64, &record::encode(lead), &mut bytes);
        ends.push(bytes.len());
    }
    (bytes, ends)
}

fn ids(reading: &frame::Reading) -> Vec<LeadId> {
    reading.leads.iter().map(|(lead, _)| lead.id).collect()
}

proptest! {
    #[test]
    fn a_lead_comes_back_as_it_was_written(lead in any_lead()) {
        let back = record::decode(&record::encode(&lead)).unwrap();
        prop_assert_eq!(format!("{back:?}"), format!("{lead:?}"));
    }

    #[test]
    fn strange_bytes_are_no_lead_and_no_panic(bytes in vec(any::<u8>(), 0..300), at in any::<u32>()) {
        let _ = record::decode(&bytes);
        let reading = frame::read(1, u64::from(at), &bytes, usize::MAX);
        prop_assert!(reading.leads.is_empty());
        prop_assert_eq!(reading.tail, !bytes.is_empty());
    }

    #[test]
    fn whatever_is_torn_off_the_end_the_frames_before_it_are_read(leads in vec(any_lead(), 1..8), torn in any::<prop::sample::Index>(), garbage in vec(any::<u8>(), 0..60)) {
        let (mut bytes, ends) = segment(7, &leads);
        let cut = torn.index(bytes.len() + 1);
        bytes.truncate(cut);
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let end = whole.checked_sub(1).map_or(0, |last| ends[last]);
        if cut == end {
            bytes.extend_from_slice(&garbage);
        }
        let reading = frame::read(7, 0, &bytes, usize::MAX);
        prop_assert_eq!(ids(&reading), leads[..whole].iter().map(|lead| lead.id).collect::<Vec<_>>());
        prop_assert_eq!((reading.end, reading.tail, reading.damaged.len()), (end as u64, bytes.len() > end, 0));
    }

    #[test]
    fn a_changed_byte_costs_its_own_frame_only(leads in vec(any_lead(), 1..8), at in any::<prop::sample::Index>(), change in 1_u8..) {
        let (mut bytes, ends) = segment(7, &leads);
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let hit = ends.iter().filter(|end| **end <= at).count();
        let reading = frame::read(7, 0, &bytes, usize::MAX);
        let others: Vec<_> = leads.iter().enumerate().filter(|(number, _)| *number != hit).map(|(_, lead)| lead.id).collect();
        prop_assert_eq!(ids(&reading), others);
        let start = hit.checked_sub(1).map_or(0, |before| ends[before]) as u64;
        let last = hit + 1 == leads.len();
        prop_assert_eq!(reading.tail, last);
        prop_assert_eq!(reading.damaged, if last { vec![] } else { vec![(start, ends[hit] as u64)] });
    }

    #[test]
    fn a_frame_that_was_begun_is_torn_and_one_that_was_whole_is_not(lead in any_lead(), cut in any::<prop::sample::Index>(), change in 1_u8..) {
        let (whole, _) = segment(7, &[lead]);
        let cut = cut.index(whole.len());
        prop_assert!(frame::is_torn(&whole[..cut]));
        // A record's length that is more than there is can't be told from the beginning of a longer one.
        if !(4..8).contains(&cut) {
            let mut changed = whole;
            changed[cut] ^= change;
            prop_assert!(!frame::is_torn(&changed));
        }
    }

    #[test]
    fn reading_in_steps_comes_to_the_same(leads in vec(any_lead(), 1..12), most in 1_usize..5) {
        let (bytes, _) = segment(3, &leads);
        let (mut at, mut read) = (0, Vec::new());
        while at < bytes.len() {
            let reading = frame::read(3, at as u64, &bytes[at..], most);
            prop_assert!(reading.leads.len() <= most);
            read.extend(ids(&reading));
            at = reading.end as usize;
        }
        prop_assert_eq!(read, leads.iter().map(|lead| lead.id).collect::<Vec<_>>());
    }
}

#[test]
fn a_frame_of_another_segment_or_place_is_none() {
    let (bytes, ends) = segment(7, &[lead(1), lead(2)]);
    assert!(frame::read(8, 0, &bytes, usize::MAX).leads.is_empty());
    assert!(frame::read(7, 1, &bytes, usize::MAX).leads.is_empty());
    assert_eq!(frame::read(7, ends[0] as u64, &bytes[ends[0]..], usize::MAX).leads.len(), 1);
}

#[test]
fn a_record_of_a_newer_release_is_damage_and_not_a_lead() {
    let mut newer = record::encode(&lead(1));
    newer[0] = 2;
    let mut bytes = Vec::new();
    frame::put(1, 0, &newer, &mut bytes);
    let reading = frame::read(1, 0, &bytes, usize::MAX);
    assert_eq!((reading.leads.len(), reading.damaged), (0, vec![(0, bytes.len() as u64)]));
}
