//! The ways in which institutions can be given their codes: five published in 2011 (004, "3. 情報連携 (1)"), and the blind
//! one.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Malformed;

/// A way of giving institutions their codes. Its number is that of the proposal (案).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// 1: the Individual Number itself.
    Number,
    /// 2: two kinds of internal code; an institution's is made from the person's by reversible encryption.
    Reversible,
    /// 3: two kinds of internal code, joined by a conversion table.
    Table,
    /// 4: a conversion table with two codes for each person; an institution holds one of the two by whether it holds the
    /// Individual Number.
    TableOfTwo,
    /// 5: one internal code, kept as such by every institution.
    Single,
    /// 6: blind conversion by two bodies.
    #[default]
    Blind,
}

impl Scheme {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::Number, Self::Reversible, Self::Table, Self::TableOfTwo, Self::Single, Self::Blind];

    /// The number of the proposal.
    pub const fn number(self) -> u8 {
        match self {
            Self::Number => 1,
            Self::Reversible => 2,
            Self::Table => 3,
            Self::TableOfTwo => 4,
            Self::Single => 5,
            Self::Blind => 6,
        }
    }

    /// The scheme of that number.
    pub fn of(number: u8) -> Result<Self, Malformed> {
        let found = Self::ALL.into_iter().find(|scheme| scheme.number() == number);
        found.ok_or(Malformed::new(
            "scheme",
            "1 the number itself, 2 reversible encryption, 3 table, 4 table with one of two, 5 one code, 6 blind",
        ))
    }

    /// What people call it, in Japanese.
    pub const fn in_japanese(self) -> &'static str {
        match self {
            Self::Number => "「番号」そのもの",
            Self::Reversible => "2種類の符号・可逆暗号方式",
            Self::Table => "2種類の符号・コード変換テーブル方式",
            Self::TableOfTwo => "番号保有の有無により2種類の一つ・テーブル方式",
            Self::Single => "1種類の符号",
            Self::Blind => "目隠し変換",
        }
    }

    /// What people call it, in English.
    pub const fn in_english(self) -> &'static str {
        match self {
            Self::Number => "the number itself",
            Self::Reversible => "two kinds, reversible encryption",
            Self::Table => "two kinds, conversion table",
            Self::TableOfTwo => "table, one of two by whether the number is held",
            Self::Single => "one code for all",
            Self::Blind => "blind conversion",
        }
    }

    /// Whether two bodies convert, each its half, and neither sees a code.
    pub const fn is_blind(self) -> bool {
        matches!(self, Self::Blind)
    }

    /// Whether one institution's codes can be replaced without touching another's.
    pub const fn rotates(self) -> bool {
        matches!(self, Self::Reversible | Self::Table | Self::Blind)
    }
}

impl Serialize for Scheme {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for Scheme {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(u8::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_and_others_are_refused() {
        for scheme in Scheme::ALL {
            assert_eq!(Scheme::of(scheme.number()), Ok(scheme));
            assert_eq!(serde_json::to_string(&scheme).unwrap(), scheme.number().to_string());
        }
        assert!(Scheme::of(0).is_err() && Scheme::of(7).is_err());
        assert_eq!(Scheme::default(), Scheme::Blind);
    }
}
