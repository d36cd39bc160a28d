//! How each institution writes the same person.

use crate::{
    address::Address,
    date::Date,
    draw::Draw,
    kana::half_width,
    population::{Resident, Sex},
    tables::Tables,
};

/// The notation of one row, drawn once, so that a later change of the row keeps it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notation {
    /// Dates.
    pub(crate) date: fn(Date) -> String,
    /// Which forms of characters.
    pub(crate) characters: Characters,
    /// Addresses.
    pub(crate) address: fn(&Address) -> String,
    /// What stands between surname and given name.
    pub(crate) between: &'static str,
    /// Readings.
    pub(crate) kana: fn(&Resident) -> String,
    /// Male, female, not known.
    pub(crate) sexes: [&'static str; 3],
}

/// Variant characters: as in the register, all in standard form, or more of them than in the register.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Characters {
    Register,
    Standard,
    Variant,
}

impl Notation {
    pub(crate) fn name(self, person: &Resident, tables: &Tables, draw: &mut Draw) -> String {
        let mut write = |text: &str| -> String {
            text.chars()
                .map(|character| match self.characters {
                    Characters::Register => character,
                    Characters::Standard => standard(character, tables),
                    Characters::Variant => variant(character, tables, draw),
                })
                .collect()
        };
        let (surname, given) = (write(&person.surname), write(&person.given));
        format!("{surname}{}{given}", self.between)
    }

    pub(crate) fn sex(self, sex: Sex) -> &'static str {
        let [male, female, _] = self.sexes;
        if sex == Sex::Male { male } else { female }
    }

    /// What the institution writes where it does not know the sex.
    pub(crate) fn sex_unknown(self) -> &'static str {
        let [_, _, unknown] = self.sexes;
        unknown
    }
}

/// `ﾔﾏﾀﾞ ﾊﾅｺ`
pub(crate) fn half_spaced(person: &Resident) -> String {
    half_width(&person.kana())
}

/// `ﾔﾏﾀﾞﾊﾅｺ`
pub(crate) fn half_joined(person: &Resident) -> String {
    half_width(&format!("{}{}", person.surname_kana, person.given_kana))
}

fn standard(character: char, tables: &Tables) -> char {
    tables
        .variants
        .iter()
        .find(|(variant, _)| *variant == character)
        .map_or(character, |(_, standard)| *standard)
}

fn variant(character: char, tables: &Tables, draw: &mut Draw) -> char {
    let own = standard(character, tables);
    let forms: Vec<char> = tables
        .variants
        .iter()
        .filter(|(_, standard)| *standard == own)
        .map(|(variant, _)| *variant)
        .collect();
    draw.pick(&forms).copied().unwrap_or(character)
}
