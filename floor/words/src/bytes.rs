//! Byte strings on the wire: base64url without padding (RFC 4648 §5), as in JWS.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Malformed;

/// Bytes that travel as base64url text. For public values only: secrets live in `seal`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct B64(pub Vec<u8>);

impl B64 {
    /// The text form.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }

    /// Reads the text form; refuses padding, other alphabets and stray bits.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        URL_SAFE_NO_PAD
            .decode(text)
            .map(Self)
            .map_err(|_| Malformed::new("base64url", "base64url without padding (RFC 4648 §5)"))
    }

    /// Exactly `N` bytes, or an error that names `what`.
    pub fn fixed<const N: usize>(&self, what: &'static str) -> Result<[u8; N], Malformed> {
        self.0.as_slice().try_into().map_err(|_| Malformed::new(what, "of another length"))
    }
}

crate::text_schema!(B64, "Bytes in base64url without padding (RFC 4648 §5).", "^[A-Za-z0-9_-]*$");

impl std::fmt::Debug for B64 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "B64({} bytes)", self.0.len())
    }
}

impl<T: AsRef<[u8]>> From<T> for B64 {
    fn from(bytes: T) -> Self {
        Self(bytes.as_ref().to_vec())
    }
}

impl Serialize for B64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for B64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Lower-case hexadecimal, for fingerprints and file names.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
