//! What of CBOR (RFC 8949) authenticators write: definite lengths, integers, bytes, texts, lists, maps (CTAP2 canonical form).

use super::WebauthnError;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(Value, Value)>),
    /// `true`, `false`, `null`.
    Simple(u8),
}

/// How deep lists and maps may lie in one another (CTAP2 §6: four).
const DEEPEST: u8 = 4;

impl Value {
    /// Reads one value; gives the rest.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, &[u8]), WebauthnError> {
        Self::within(bytes, DEEPEST)
    }

    fn within(bytes: &[u8], deep: u8) -> Result<(Self, &[u8]), WebauthnError> {
        let (first, rest) = bytes.split_first().ok_or(WebauthnError::NotRead)?;
        let (kind, short) = (first >> 5, first & 0x1F);
        if kind == 7 {
            return match short {
                20..=22 => Ok((Self::Simple(short), rest)),
                _ => Err(WebauthnError::NotRead),
            };
        }
        let (argument, rest) = argument(short, rest)?;
        // Whatever a length says, there are no more parts than bytes.
        let length = usize::try_from(argument).map_err(|_| WebauthnError::NotRead);
        let below = || deep.checked_sub(1).ok_or(WebauthnError::NotRead);
        match kind {
            0 => Ok((Self::Int(i64::try_from(argument).map_err(|_| WebauthnError::NotRead)?), rest)),
            1 => Ok((Self::Int(-1 - i64::try_from(argument).map_err(|_| WebauthnError::NotRead)?), rest)),
            2 | 3 => {
                let (content, rest) = rest.split_at_checked(length?).ok_or(WebauthnError::NotRead)?;
                let value = match kind {
                    2 => Self::Bytes(content.to_vec()),
                    _ => Self::Text(
                        std::str::from_utf8(content).map_err(|_| WebauthnError::NotRead)?.to_owned(),
                    ),
                };
                Ok((value, rest))
            }
            4 => {
                let (length, deep, mut rest, mut all) = (length?, below()?, rest, Vec::new());
                for _ in 0..length {
                    let (one, after) = Self::within(rest, deep)?;
                    all.push(one);
                    rest = after;
                }
                Ok((Self::List(all), rest))
            }
            5 => {
                let (length, deep, mut rest) = (length?, below()?, rest);
                let mut all: Vec<(Self, Self)> = Vec::new();
                for _ in 0..length {
                    let (key, after) = Self::within(rest, deep)?;
                    let (value, after) = Self::within(after, deep)?;
                    if all.iter().any(|(other, _)| *other == key) {
                        return Err(WebauthnError::NotRead);
                    }
                    all.push((key, value));
                    rest = after;
                }
                Ok((Self::Map(all), rest))
            }
            // Tags: no authenticator writes any here.
            _ => Err(WebauthnError::NotRead),
        }
    }

    /// The value under a key of a map.
    pub(super) fn at(&self, key: &Self) -> Option<&Self> {
        match self {
            Self::Map(all) => all.iter().find(|(known, _)| known == key).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// The argument of a head, as short as it can be (canonical form), never of indefinite length.
fn argument(short: u8, rest: &[u8]) -> Result<(u64, &[u8]), WebauthnError> {
    let (length, least) = match short {
        0..=23 => return Ok((u64::from(short), rest)),
        24 => (1, 24),
        25 => (2, 1 << 8),
        26 => (4, 1 << 16),
        27 => (8, 1 << 32),
        _ => return Err(WebauthnError::NotRead),
    };
    let (bytes, rest) = rest.split_at_checked(length).ok_or(WebauthnError::NotRead)?;
    let value = bytes.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    if value < least { Err(WebauthnError::NotRead) } else { Ok((value, rest)) }
}
