//! How each institution writes the same person.

use crate::{
    address::Address,
    customers::Institution,
    date::Date,
    draw::Draw,
    kana::half_width,
    population::{Resident, Sex},
    tables::Tables,
};

/// The notation of one row, drawn once, so that a later change of the row keeps it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notation {
    institution: Institution,
    birth: fn(Date) -> String,
    /// Variant characters: as in the register, all in standard form, or more of them than in the register.
    characters: Characters,
    address: fn(&Address) -> String,
}

#[derive(Debug, Clone, Copy)]
enum Characters {
    Register,
    Standard,
    Variant,
}

impl Notation {
    pub(crate) fn drawn(institution: Institution, draw: &mut Draw) -> Notation {
        let iso = |date: Date| date.to_string();
        match institution {
            Institution::Town => Notation {
                institution,
                birth: if draw.chance(800) { iso } else { Date::slashed },
                characters: Characters::Register,
                address: Address::without_prefecture,
            },
            Institution::Tax => Notation {
                institution,
                birth: if draw.chance(600) { Date::era_short } else { iso },
                characters: if draw.chance(700) { Characters::Standard } else { Characters::Register },
                address: Address::with_dashes,
            },
            Institution::Pension => Notation {
                institution,
                birth: if draw.chance(850) { Date::era_digits } else { Date::era_long },
                characters: match draw.below(10) {
                    0 => Characters::Variant,
                    1..6 => Characters::Standard,
                    _ => Characters::Register,
                },
                address: if draw.chance(700) { Address::mixed } else { Address::with_dashes },
            },
        }
    }

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
        match self.institution {
            Institution::Town => format!("{surname}　{given}"),
            Institution::Tax => format!("{surname}{given}"),
            Institution::Pension => format!("{surname} {given}"),
        }
    }

    pub(crate) fn kana(self, person: &Resident) -> String {
        match self.institution {
            Institution::Town => person.kana(),
            Institution::Tax => half_width(&format!("{}{}", person.surname_kana, person.given_kana)),
            Institution::Pension => half_width(&person.kana()),
        }
    }

    pub(crate) fn sex(self, sex: Sex) -> &'static str {
        match (self.institution, sex) {
            (Institution::Town, Sex::Male) => "男",
            (Institution::Town, Sex::Female) => "女",
            (Institution::Tax, Sex::Male) => "1",
            (Institution::Tax, Sex::Female) => "2",
            (Institution::Pension, Sex::Male) => "M",
            (Institution::Pension, Sex::Female) => "F",
        }
    }

    /// What the institution writes where it does not know the sex.
    pub(crate) fn sex_unknown(self) -> &'static str {
        match self.institution {
            Institution::Town => "",
            Institution::Tax => "9",
            Institution::Pension => "不明",
        }
    }

    pub(crate) fn birth(self, birth: Date) -> String {
        (self.birth)(birth)
    }

    pub(crate) fn address(self, address: &Address) -> String {
        (self.address)(address)
    }
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
