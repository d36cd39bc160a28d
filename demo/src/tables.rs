//! The committed tables that names and places are drawn from. Sources and licences: `data/LICENSES.md`.

use crate::{draw::Draw, population::Sex};

pub(crate) struct Tables {
    pub(crate) surnames: Vec<Surname>,
    given: Vec<Given>,
    pub(crate) towns: Vec<Town>,
    /// Variant character, standard character.
    pub(crate) variants: Vec<(char, char)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Surname {
    pub(crate) text: String,
    pub(crate) kana: String,
    pub(crate) weight: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    sex: Sex,
    pub(crate) text: String,
    pub(crate) kana: String,
    weight: u32,
    from: i32,
    to: i32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Town {
    pub(crate) prefecture: String,
    pub(crate) city: String,
    pub(crate) name: String,
    pub(crate) has_chome: bool,
}

impl Tables {
    /// Reads the tables compiled into the crate. A test counts that no row was left out.
    pub(crate) fn embedded() -> Tables {
        Tables {
            surnames: rows(include_str!("../data/surnames.csv"), |row| {
                Some(Surname { text: text(row, 0)?, kana: text(row, 1)?, weight: number(row, 2)? })
            }),
            given: rows(include_str!("../data/given_names.csv"), |row| {
                Some(Given {
                    sex: if text(row, 0)? == "M" { Sex::Male } else { Sex::Female },
                    text: text(row, 1)?,
                    kana: text(row, 2)?,
                    weight: number(row, 3)?,
                    from: number(row, 4)?,
                    to: number(row, 5)?,
                })
            }),
            towns: rows(include_str!("../data/towns.csv"), |row| {
                Some(Town {
                    prefecture: text(row, 0)?,
                    city: text(row, 1)?,
                    name: text(row, 2)?,
                    has_chome: text(row, 3)? == "1",
                })
            }),
            variants: rows(include_str!("../data/kanji_variants.csv"), |row| {
                Some((text(row, 0)?.chars().next()?, text(row, 1)?.chars().next()?))
            }),
        }
    }

    pub(crate) fn surname(&self, draw: &mut Draw) -> Surname {
        let nobody = || Surname { text: "山田".to_owned(), kana: "ヤマダ".to_owned(), weight: 1 };
        draw.weighted(&self.surnames, |surname| surname.weight).cloned().unwrap_or_else(nobody)
    }

    /// A name that was given to children of this sex in about that year.
    pub(crate) fn given_name(&self, sex: Sex, year: i32, draw: &mut Draw) -> Given {
        let fits = |name: &Given| name.sex == sex && name.from <= year && year <= name.to;
        let weight = |name: &Given| if fits(name) { name.weight } else { 0 };
        let nobody = || Given {
            sex,
            text: "薫".to_owned(),
            kana: "カオル".to_owned(),
            weight: 1,
            from: 1900,
            to: 2026,
        };
        draw.weighted(&self.given, weight).cloned().unwrap_or_else(nobody)
    }
}

fn rows<T>(table: &str, read: impl Fn(&csv::StringRecord) -> Option<T>) -> Vec<T> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    reader.records().filter_map(|row| read(&row.ok()?)).collect()
}

fn text(row: &csv::StringRecord, column: usize) -> Option<String> {
    row.get(column).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn number<N: std::str::FromStr>(row: &csv::StringRecord, column: usize) -> Option<N> {
    row.get(column)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_every_table_is_read() {
        let tables = Tables::embedded();
        let lines = |table: &str| table.lines().count() - 1;
        assert_eq!(tables.surnames.len(), lines(include_str!("../data/surnames.csv")));
        assert_eq!(tables.given.len(), lines(include_str!("../data/given_names.csv")));
        assert_eq!(tables.towns.len(), lines(include_str!("../data/towns.csv")));
        assert_eq!(tables.variants.len(), lines(include_str!("../data/kanji_variants.csv")));
        assert!(tables.variants.iter().all(|(variant, standard)| variant != standard));
    }

    #[test]
    fn names_fit_sex_and_year() {
        let tables = Tables::embedded();
        let mut draw = Draw::named(1, "names");
        for year in [1925, 1950, 1980, 2010, 2025] {
            for sex in [Sex::Male, Sex::Female] {
                let name = tables.given_name(sex, year, &mut draw);
                assert!(name.sex == sex && (name.from..=name.to).contains(&year), "{name:?}");
            }
        }
    }
}
