//! What two people open together and nobody alone, the room that keeps it included: sealed under a key that is split
//! among them, each share sealed to a key that only its holder can make.

use serde::{Deserialize, Serialize};
use words::B64;
use zeroize::Zeroizing;

use crate::at_rest::StorageKey;
use crate::hash::hmac256;
use crate::hpke_seal::{SealingKey, SealingPublic, Suite};
use crate::secret::Secret;
use crate::shares::{KeyShare, combine, split};
use crate::{Dice, SealError, sha256};

/// How many open it.
const NEEDED: u8 = 2;

/// A person's opening key. It follows from the person's own key to the room, of which the room keeps a hash alone: it exists
/// while the person acts.
pub struct OpeningKey(SealingKey);

impl OpeningKey {
    /// The opening key of whoever holds `key` at the room `room`.
    pub fn of(key: &str, room: &str) -> Self {
        let seed = hmac256(&sha256(key.as_bytes()), &[b"musubi/opening/v1", room.as_bytes(), key.as_bytes()]);
        Self(SealingKey::from_seed(Suite::default(), Secret::new(seed)))
    }

    /// What shares for this person are sealed to.
    pub fn public(&self) -> SealingPublic {
        self.0.public()
    }

    /// Opens this person's share of what is called `what`.
    ///
    /// # Errors
    /// The share is another person's, or of something else.
    pub fn share(&self, what: &[u8], sealed: &B64) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.0.open(SHARE, what, &sealed.0).map(|opened| Zeroizing::new(opened.plaintext))
    }
}

const SHARE: &[u8] = b"musubi/two-people/share/v1";

/// Something locked.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// The content, sealed.
    pub content: B64,
    /// A share for each person, in the order they were given, sealed to that person.
    pub shares: Vec<B64>,
}

/// Locks `content`, called `what`, so that any two of these people open it.
///
/// # Errors
/// Fewer than two people, or a key that is none.
pub fn lock(what: &[u8], content: &[u8], people: &[SealingPublic], dice: &Dice) -> Result<Locked, SealError> {
    let key = Zeroizing::new(dice.bytes::<32>());
    let count = u8::try_from(people.len()).map_err(|_| SealError::BadKey)?;
    let shares = split("two-people", key.as_slice(), NEEDED, count, dice).map_err(|_| SealError::BadKey)?;
    let seal = |(share, person): (&KeyShare, &SealingPublic)| {
        let text = Zeroizing::new(serde_json::to_vec(share).map_err(|_| SealError::BadKey)?);
        person.seal(SHARE, what, &text, dice).map(|sealed| B64::from(sealed.bytes))
    };
    let shares = shares.iter().zip(people).map(seal).collect::<Result<_, _>>()?;
    let content =
        StorageKey::from_bytes(Secret::new(*key), dice.clone()).seal("two-people", what, "content", content);
    Ok(Locked { content: B64::from(content), shares })
}

/// Opens what was locked as `what`, with shares that two people opened.
///
/// # Errors
/// Shares of one person alone, or of something else.
pub fn unlock(
    what: &[u8],
    locked: &Locked,
    shares: &[Zeroizing<Vec<u8>>],
    dice: &Dice,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let read = |share: &Zeroizing<Vec<u8>>| serde_json::from_slice(share).map_err(|_| SealError::DoesNotOpen);
    let shares: Vec<KeyShare> = shares.iter().map(read).collect::<Result<_, _>>()?;
    let combined = combine(&shares).map_err(|_| SealError::DoesNotOpen)?;
    let key: [u8; 32] = combined.secret.as_slice().try_into().map_err(|_| SealError::DoesNotOpen)?;
    let opened = StorageKey::from_bytes(Secret::new(key), dice.clone()).open(
        "two-people",
        what,
        "content",
        &locked.content.0,
    );
    opened.map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dice() -> Dice {
        let turn = std::sync::atomic::AtomicU64::new(7);
        Dice::new(move |buffer| {
            for chunk in buffer.chunks_mut(32) {
                let turn = turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                chunk.copy_from_slice(&sha256(&turn.to_be_bytes())[..chunk.len()]);
            }
        })
    }

    #[test]
    fn any_two_open_it_and_nobody_alone_or_under_another_name() {
        let dice = dice();
        let people = ["first key", "second key", "third key"].map(|key| OpeningKey::of(key, "research"));
        let locked =
            lock(b"set 1", b"who is who", &people.each_ref().map(OpeningKey::public), &dice).unwrap();
        let share = |place: usize| people[place].share(b"set 1", &locked.shares[place]).unwrap();
        for (one, other) in [(0, 1), (1, 2), (2, 0)] {
            let opened = unlock(b"set 1", &locked, &[share(one), share(other)], &dice).unwrap();
            assert_eq!(opened.as_slice(), b"who is who");
        }
        for (alone, person) in people.iter().enumerate() {
            assert!(unlock(b"set 1", &locked, &[share(alone)], &dice).is_err());
            assert!(unlock(b"set 1", &locked, &[share(alone), share(alone)], &dice).is_err());
            assert!(person.share(b"set 1", &locked.shares[(alone + 1) % 3]).is_err(), "another's share");
            assert!(person.share(b"set 2", &locked.shares[alone]).is_err(), "of another set");
        }
        assert!(unlock(b"set 2", &locked, &[share(0), share(1)], &dice).is_err());
        assert!(OpeningKey::of("first key", "elsewhere").share(b"set 1", &locked.shares[0]).is_err());
        let other = lock(b"set 1", b"else", &people.each_ref().map(OpeningKey::public), &dice).unwrap();
        assert!(unlock(b"set 1", &other, &[share(0), share(1)], &dice).is_err(), "shares of another lock");
        assert!(lock(b"x", b"y", &[people[0].public()], &dice).is_err(), "one person alone");
    }
}
