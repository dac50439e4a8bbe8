//! Encrypts what is personal before it reaches a store, and hashes what must be looked up.
//!
//! Sealed bytes are, in this order: a format version (1), the key's id (8 bytes of the BLAKE3 of its entry's name), a nonce (12), the ciphertext of
//! AES-256-GCM-SIV with its tag (16). They open only for the lead and the purpose that they were sealed for, so none can be put in another's place.
//!
//! Keys are entries of one Secret. A new key is added under a name that sorts after the others; from then on it seals, and the older ones still open.
//! The entry `index` is for hashes and never changes: with another one, no duplicate would be known again.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::Sealed;
use crate::lead::LeadId;

/// The entry whose key is for hashes.
const INDEX: &str = "index";
const VERSION: u8 = 1;
const KEY_LEN: usize = 32;
const KEY_ID_LEN: usize = 8;
const HEAD_LEN: usize = 1 + KEY_ID_LEN;
const TAG_LEN: usize = 16;

type KeyId = [u8; KEY_ID_LEN];

/// Holds the keys of one Secret.
pub struct Sealer {
    index: Zeroizing<[u8; KEY_LEN]>,
    /// All keys that open.
    keys: Vec<(KeyId, RandomizedNonceKey)>,
    /// The id of the one that seals; it is the last of `keys`.
    current: KeyId,
}

/// What is wrong with the entries of an encryption Secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the encryption Secret has no entry `index`: add 32 random bytes in base64 under that name")]
    NoIndex,
    #[error("the encryption Secret has no entry beside `index`: add 32 random bytes in base64, such as under the name `key1`")]
    NoKey,
    #[error("entry `{entry}` of the encryption Secret is not base64: put 32 random bytes in base64 there")]
    NotBase64 { entry: String },
    #[error("entry `{entry}` of the encryption Secret holds {bytes} bytes once decoded: it needs 32")]
    WrongLength { entry: String, bytes: usize },
    #[error("entry `{entry}` of the encryption Secret can't be told from another one by its id: rename it")]
    SameId { entry: String },
    #[error("no random bytes could be had from the system")]
    NoRandom,
}

/// Why something could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("sealing failed: no random bytes could be had from the system")]
    NotSealed,
    #[error("sealed bytes are of an unknown format: they were written by a newer release, or are damaged")]
    UnknownFormat,
    #[error("sealed bytes name a key that the encryption Secret does not have: put the removed entry back")]
    UnknownKey,
    #[error("sealed bytes don't open: they are damaged, or were sealed for another lead or purpose, or an entry's key was changed")]
    NotOpened,
}

impl Sealer {
    /// Reads the entries of the encryption Secret: each 32 bytes in base64; space around it is forgiven. `index` is needed, and one more.
    pub fn new(entries: &BTreeMap<String, Zeroizing<Vec<u8>>>) -> Result<Self, KeyError> {
        let index = decode(INDEX, entries.get(INDEX).ok_or(KeyError::NoIndex)?)?;
        let mut keys: Vec<(KeyId, RandomizedNonceKey)> = Vec::new();
        for (name, text) in entries.iter().filter(|(name, _)| *name != INDEX) {
            let bytes = decode(name, text)?;
            let key = RandomizedNonceKey::new(&AES_256_GCM_SIV, bytes.as_slice())
                .map_err(|_| KeyError::WrongLength { entry: name.clone(), bytes: bytes.len() })?;
            let id = key_id(name);
            if keys.iter().any(|(known, _)| *known == id) {
                return Err(KeyError::SameId { entry: name.clone() });
            }
            keys.push((id, key));
        }
        let current = keys.last().ok_or(KeyError::NoKey)?.0;
        Ok(Self { index, keys, current })
    }

    /// Encrypts for one lead and purpose, such as `lead` or `request`.
    pub fn seal(&self, lead: LeadId, purpose: &'static str, plain: &[u8]) -> Result<Sealed, SealError> {
        let key = self.key(&self.current).ok_or(SealError::UnknownKey)?;
        let mut sealed = Vec::with_capacity(HEAD_LEN + NONCE_LEN + plain.len() + TAG_LEN);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.current);
        sealed.extend_from_slice(&[0; NONCE_LEN]);
        sealed.extend_from_slice(plain);
        let (head, body) = sealed.split_at_mut(HEAD_LEN + NONCE_LEN);
        let (nonce, tag) = key.seal_in_place_separate_tag(Aad::from(bound_to(lead, purpose)), body).map_err(|_| SealError::NotSealed)?;
        head[HEAD_LEN..].copy_from_slice(nonce.as_ref());
        sealed.extend_from_slice(tag.as_ref());
        Ok(Sealed(sealed))
    }

    /// Decrypts what was sealed for this lead and purpose.
    pub fn open(&self, lead: LeadId, purpose: &'static str, sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        let (version, rest) = sealed.0.split_first().ok_or(SealError::UnknownFormat)?;
        if *version != VERSION {
            return Err(SealError::UnknownFormat);
        }
        let (id, rest) = rest.split_first_chunk::<KEY_ID_LEN>().ok_or(SealError::UnknownFormat)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::UnknownFormat)?;
        let key = self.key(id).ok_or(SealError::UnknownKey)?;
        let mut body = ciphertext.to_vec();
        let length = key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(bound_to(lead, purpose)), &mut body)
            .map_err(|_| SealError::NotOpened)?
            .len();
        body.truncate(length);
        Ok(body)
    }

    /// A keyed hash by which equal things are found without being known. Parts are told apart by their lengths; hashes of different domains never meet.
    pub fn hash(&self, domain: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.index);
        for part in std::iter::once(domain.as_bytes()).chain(parts.iter().copied()) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }

    fn key(&self, id: &KeyId) -> Option<&RandomizedNonceKey> {
        self.keys.iter().find(|(known, _)| known == id).map(|(_, key)| key)
    }
}

/// Shows how many keys there are, and nothing of them.
impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({} keys)", self.keys.len())
    }
}

/// A fresh set of entries, each 32 random bytes in base64: for an installation that keeps its own keys.
pub fn fresh_keys() -> Result<BTreeMap<String, String>, KeyError> {
    [INDEX, "key1"]
        .into_iter()
        .map(|name| {
            let mut bytes = Zeroizing::new([0_u8; KEY_LEN]);
            aws_lc_rs::rand::fill(bytes.as_mut_slice()).map_err(|_| KeyError::NoRandom)?;
            Ok((name.to_owned(), STANDARD.encode(bytes.as_slice())))
        })
        .collect()
}

fn decode(entry: &str, text: &[u8]) -> Result<Zeroizing<[u8; KEY_LEN]>, KeyError> {
    let bytes = STANDARD.decode(text.trim_ascii()).map(Zeroizing::new).map_err(|_| KeyError::NotBase64 { entry: entry.to_owned() })?;
    let mut key = Zeroizing::new([0_u8; KEY_LEN]);
    if bytes.len() != KEY_LEN {
        return Err(KeyError::WrongLength { entry: entry.to_owned(), bytes: bytes.len() });
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

fn key_id(entry: &str) -> KeyId {
    let mut id = KeyId::default();
    id.copy_from_slice(&blake3::hash(entry.as_bytes()).as_bytes()[..KEY_ID_LEN]);
    id
}

/// What sealed bytes are bound to. The id has a fixed length, so no two pairs give the same bytes.
fn bound_to(lead: LeadId, purpose: &str) -> Vec<u8> {
    [lead.0.as_bytes(), purpose.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn entries(names: &[&str]) -> BTreeMap<String, Zeroizing<Vec<u8>>> {
        names.iter().map(|name| ((*name).to_owned(), entry(blake3::hash(name.as_bytes()).as_bytes()))).collect()
    }

    fn entry(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(STANDARD.encode(bytes).into_bytes())
    }

    fn lead(number: u128) -> LeadId {
        LeadId(Uuid::from_u128(number))
    }

    #[test]
    fn sealed_bytes_hold_nothing_of_the_plain_ones_and_open_to_them() {
        let sealer = Sealer::new(&entries(&["index", "a"])).unwrap();
        let plain = b"Jane Doe, jane.doe@example.com";
        let sealed = sealer.seal(lead(1), "lead", plain).unwrap();
        assert!(!sealed.0.windows(4).any(|part| plain.windows(4).any(|other| part == other)));
        assert_eq!(sealer.open(lead(1), "lead", &sealed).unwrap(), plain);
    }

    #[test]
    fn sealed_bytes_open_for_no_other_lead_and_no_other_purpose() {
        let sealer = Sealer::new(&entries(&["index", "a"])).unwrap();
        let sealed = sealer.seal(lead(1), "lead", b"x").unwrap();
        assert_eq!(sealer.open(lead(2), "lead", &sealed), Err(SealError::NotOpened));
        assert_eq!(sealer.open(lead(1), "request", &sealed), Err(SealError::NotOpened));
    }

    #[test]
    fn the_same_bytes_are_never_sealed_the_same_way_twice() {
        let sealer = Sealer::new(&entries(&["index", "a"])).unwrap();
        assert_ne!(sealer.seal(lead(1), "lead", b"x").unwrap(), sealer.seal(lead(1), "lead", b"x").unwrap());
    }

    #[test]
    fn the_last_key_by_name_seals_and_all_open() {
        let old = Sealer::new(&entries(&["index", "a"])).unwrap();
        let both = Sealer::new(&entries(&["index", "a", "b"])).unwrap();
        let new = Sealer::new(&entries(&["index", "b"])).unwrap();
        let by_old = old.seal(lead(1), "lead", b"x").unwrap();
        let by_both = both.seal(lead(1), "lead", b"y").unwrap();
        assert_eq!(both.open(lead(1), "lead", &by_old).unwrap(), b"x");
        assert_eq!(new.open(lead(1), "lead", &by_both).unwrap(), b"y");
        assert_eq!(old.open(lead(1), "lead", &by_both), Err(SealError::UnknownKey));
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let sealer = Sealer::new(&entries(&["index", "a"])).unwrap();
        let mut sealed = sealer.seal(lead(1), "lead", b"x").unwrap();
        sealed.0[0] = 2;
        assert_eq!(sealer.open(lead(1), "lead", &sealed), Err(SealError::UnknownFormat));
        assert_eq!(sealer.open(lead(1), "lead", &Sealed(Vec::new())), Err(SealError::UnknownFormat));
    }

    #[test]
    fn entries_that_are_missing_or_unfit_are_named() {
        assert_eq!(Sealer::new(&entries(&["a"])).unwrap_err(), KeyError::NoIndex);
        assert_eq!(Sealer::new(&entries(&["index"])).unwrap_err(), KeyError::NoKey);
        let mut short = entries(&["index"]);
        short.insert("a".into(), entry(&[7; 31]));
        assert_eq!(Sealer::new(&short).unwrap_err(), KeyError::WrongLength { entry: "a".into(), bytes: 31 });
        short.insert("a".into(), Zeroizing::new(b"not base64!".to_vec()));
        assert_eq!(Sealer::new(&short).unwrap_err(), KeyError::NotBase64 { entry: "a".into() });
    }

    #[test]
    fn space_around_an_entry_is_forgiven() {
        let mut spaced = entries(&["index", "a"]);
        for text in spaced.values_mut() {
            text.insert(0, b' ');
            text.push(b'\n');
        }
        let plain = Sealer::new(&entries(&["index", "a"])).unwrap();
        let sealed = plain.seal(lead(1), "lead", b"x").unwrap();
        assert_eq!(Sealer::new(&spaced).unwrap().open(lead(1), "lead", &sealed).unwrap(), b"x");
    }

    #[test]
    fn fresh_keys_are_entries_that_work_and_differ() {
        let fresh = fresh_keys().unwrap();
        let bytes = fresh.iter().map(|(name, text)| (name.clone(), Zeroizing::new(text.clone().into_bytes()))).collect();
        let sealer = Sealer::new(&bytes).unwrap();
        let sealed = sealer.seal(lead(1), "lead", b"x").unwrap();
        assert_eq!(sealer.open(lead(1), "lead", &sealed).unwrap(), b"x");
        assert_ne!(fresh, fresh_keys().unwrap());
    }

    #[test]
    fn hashes_depend_on_key_domain_and_where_parts_end() {
        let sealer = Sealer::new(&entries(&["index", "a"])).unwrap();
        let mut other = entries(&["index", "a"]);
        other.insert("index".into(), entry(&[9; 32]));
        let hash = sealer.hash("d", &[b"ab", b"c"]);
        assert_eq!(hash, sealer.hash("d", &[b"ab", b"c"]));
        assert_ne!(hash, sealer.hash("d", &[b"a", b"bc"]));
        assert_ne!(hash, sealer.hash("e", &[b"ab", b"c"]));
        assert_ne!(hash, Sealer::new(&other).unwrap().hash("d", &[b"ab", b"c"]));
    }

    #[test]
    fn debug_output_shows_no_key() {
        assert_eq!(format!("{:?}", Sealer::new(&entries(&["index", "a"])).unwrap()), "Sealer(1 keys)");
    }

    proptest! {
        #[test]
        fn whatever_is_changed_in_sealed_bytes_they_no_longer_open(plain in proptest::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let sealer = Sealer::new(&entries(&["index", "a"])).unwrap();
            let mut sealed = sealer.seal(lead(1), "lead", &plain).unwrap();
            prop_assert_eq!(sealer.open(lead(1), "lead", &sealed).unwrap(), plain);
            let at = at.index(sealed.0.len());
            sealed.0[at] ^= 1 << bit;
            prop_assert!(sealer.open(lead(1), "lead", &sealed).is_err());
        }
    }
}
