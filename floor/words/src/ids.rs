//! Identifiers. Each is its own type, so that no `String` is really an id.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{B64, Malformed};

/// Text ids share one alphabet: `a-z 0-9 - .`, 1 to 48 characters, starting with a letter or digit. It is
/// safe in paths, file names and log lines, and never needs escaping.
fn valid(text: &str) -> bool {
    (1..=48).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.contains("..")
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Parses the id; `a-z 0-9 - .`, 1 to 48 characters.
            pub fn parse(text: &str) -> Result<Self, Malformed> {
                valid(text)
                    .then(|| Self(text.into()))
                    .ok_or(Malformed::new($what, "1 to 48 characters of a-z, 0-9, '-' and '.', starting with a letter or digit"))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        $crate::text_schema!($name, "1 to 48 characters of a-z, 0-9, '-' and '.', starting with a letter or digit.", "^[a-z0-9][a-z0-9.-]{0,47}$");

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Malformed;
            fn from_str(text: &str) -> Result<Self, Malformed> {
                Self::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
    };
}

text_id!(
    /// A party with a certificate of its own: a room (`linkage`) or an institution's gateway (`tax-agency`).
    PartyId,
    "party"
);
text_id!(
    /// What kind of party: a room's name, or the kind of institution the whitelist speaks of (`municipality`).
    Kind,
    "kind"
);
text_id!(
    /// An affair (事務) for which an inquirer may ask.
    AffairId,
    "affair"
);
text_id!(
    /// A specific personal information item (特定個人情報の種類).
    ItemId,
    "item"
);
text_id!(
    /// A person on duty, by an opaque id that only the own institution can resolve.
    StaffId,
    "staff"
);
text_id!(
    /// A data domain (000): people's data of one field, under keys of its own, e.g. `medical`.
    DataDomain,
    "data domain"
);

/// The id of one act: 128 random bits, chosen by whoever starts it. Row `i` of a batch is `batch ‖ try ‖ i + 1`, the try one
/// byte, the row three.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActId([u8; 16]);

impl ActId {
    /// An id from 16 random bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Row `row`, below 2^24 - 1, of the batch `self`, its first try: the first 12 bytes of the batch, then the row's number
    /// from 1, big endian. A batch id therefore ends in four zero bytes that `batch` clears.
    pub fn row(&self, row: u32) -> Self {
        let mut bytes = self.0;
        for (slot, byte) in bytes.iter_mut().skip(12).zip(row.wrapping_add(1).to_be_bytes()) {
            *slot = byte;
        }
        Self(bytes)
    }

    /// How often a row was tried before: 0 for the first try.
    pub fn tries(&self) -> u8 {
        let [.., tries, _, _, _] = self.0;
        tries
    }

    /// The same row's next try, an act of its own; `None` after 255.
    pub fn next_try(&self) -> Option<Self> {
        let mut bytes = self.0;
        let [.., tries, _, _, _] = &mut bytes;
        *tries = tries.checked_add(1)?;
        Some(Self(bytes))
    }

    /// A batch id from random bytes: the last four bytes are zero and belong to the rows.
    pub fn batch(mut bytes: [u8; 16]) -> Self {
        bytes.iter_mut().skip(12).for_each(|byte| *byte = 0);
        Self(bytes)
    }

    /// Whether the last four bytes are free for rows.
    pub fn is_batch(&self) -> bool {
        self.0.iter().skip(12).all(|byte| *byte == 0)
    }

    /// Parses the text form: 22 characters of base64url.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        const EXPECTED: Malformed = Malformed::new("act id", "16 bytes in base64url (22 characters)");
        let bytes = B64::parse(text).map_err(|_| EXPECTED)?;
        bytes.0.as_slice().try_into().map(Self).map_err(|_| EXPECTED)
    }
}

crate::text_schema!(ActId, "The id of one act: 128 bits in base64url.", "^[A-Za-z0-9_-]{21}[AQgw]$");

impl std::fmt::Display for ActId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&B64::from(self.0).text())
    }
}

impl std::fmt::Debug for ActId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl std::str::FromStr for ActId {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::parse(text)
    }
}

impl Serialize for ActId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ActId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_refuse_paths_and_upper_case() {
        for bad in ["", "..", "a/b", "A", "-a", ".a", "a..b", "a b", "町", &"a".repeat(49)] {
            assert!(PartyId::parse(bad).is_err(), "{bad:?} must be refused");
        }
        assert_eq!(PartyId::parse("tax-agency").unwrap().as_str(), "tax-agency");
    }

    #[test]
    fn rows_of_a_batch_differ_from_one_another_and_from_the_batch() {
        let batch = ActId::batch([7; 16]);
        assert!(batch.is_batch());
        assert_ne!(batch.row(0), batch);
        assert_ne!(batch.row(0), batch.row(1));
        assert!(!batch.row(0).is_batch());
        let again = batch.row(7).next_try().unwrap();
        assert_eq!((batch.row(7).tries(), again.tries()), (0, 1));
        assert!(again != batch.row(7) && !again.is_batch());
    }

    proptest::proptest! {
        #[test]
        fn act_ids_survive_their_text(bytes: [u8; 16]) {
            let id = ActId::new(bytes);
            proptest::prop_assert_eq!(ActId::parse(&id.to_string()).unwrap(), id);
        }
    }
}
