//! Records and their leaves (DESIGN §5): `SHA-256(tag ‖ salt ‖ canonical record)` and nothing else.

use seal::Sha256;
use serde::Serialize;
use serde_json::{Map, Value};

/// The tag under which a leaf is hashed. Another layout of records gets another tag.
const TAG: &[u8] = b"musubi/leaf/v1";

/// What a room writes down of one step. Canonical form: JSON with keys in byte order and no white space, which
/// is what `serde_json` writes for its sorted map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record(Map<String, Value>);

impl Record {
    /// An empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one field; what cannot be written as JSON is written as null.
    pub fn set(&mut self, name: &str, value: impl Serialize) -> &mut Self {
        self.0.insert(name.into(), serde_json::to_value(value).unwrap_or(Value::Null));
        self
    }

    /// Takes over all fields of `other`.
    pub fn merge(&mut self, other: Self) -> &mut Self {
        self.0.extend(other.0);
        self
    }

    /// One field.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The canonical bytes.
    pub fn canonical(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).unwrap_or_default()
    }

    /// Reads canonical bytes.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(Self)
    }
}

/// The leaf of a record.
pub fn leaf_hash(salt: &[u8; 32], canonical: &[u8]) -> Sha256 {
    // Tag and salt have fixed lengths, so plain concatenation is unambiguous.
    seal::sha256(&[TAG, salt, canonical].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_bytes_do_not_depend_on_the_order_of_setting() {
        let mut a = Record::new();
        a.set("b", 1).set("a", "x");
        let mut b = Record::new();
        b.set("a", "x").set("b", 1);
        assert_eq!(a.canonical(), br#"{"a":"x","b":1}"#);
        assert_eq!(a.canonical(), b.canonical());
        assert_eq!(Record::read(&a.canonical()).unwrap(), a);
        assert_ne!(leaf_hash(&[0; 32], &a.canonical()), leaf_hash(&[1; 32], &a.canonical()));
    }
}
