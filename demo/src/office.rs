//! How the rows of an institution come about: who is kept, how they are spelled, and which defects they get.

use std::collections::{HashMap, HashSet};

use crate::{
    address::Address,
    customers::{Customer, Institution, Link, Records},
    date::{Date, TODAY},
    draw::Draw,
    population::{Population, Relation, Resident, Sex},
    spelling::Notation,
    tables::Tables,
};

/// The rows of one institution, in the order they were made.
pub(crate) fn rows(institution: Institution, population: &Population, tables: &Tables) -> Vec<Customer> {
    let draw = Draw::named(population.seed, institution.as_str());
    let mut office =
        Office { institution, population, tables, draw, numbers: HashSet::new(), rows: Vec::new() };
    office.fill();
    office.rows
}

/// Rows in a thousand with each defect; at least one each.
const DEFECTS: [(Defect, usize); 7] = [
    (Defect::OtherBirth, 10),
    (Defect::MovedAndNoBirth, 5),
    (Defect::MovedAndMarried, 5),
    (Defect::TypoInName, 6),
    (Defect::WrongSex, 3),
    (Defect::NoSex, 3),
    (Defect::Slip, 5),
];
/// Residents in a thousand whom an institution has under two numbers.
const TWICE: usize = 3;
/// Rows in a thousand for people who are in no register.
const NOBODIES: usize = 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Defect {
    OtherBirth,
    MovedAndNoBirth,
    MovedAndMarried,
    TypoInName,
    WrongSex,
    NoSex,
    Slip,
}

struct Office<'a> {
    institution: Institution,
    population: &'a Population,
    tables: &'a Tables,
    draw: Draw,
    numbers: HashSet<String>,
    rows: Vec<Customer>,
}

impl Office<'_> {
    fn fill(&mut self) {
        let residents = &self.population.residents;
        let mut kept: Vec<&Resident> = residents.iter().filter(|resident| self.keeps(resident)).collect();
        self.draw.shuffle(&mut kept);
        let quota = |permille: usize| (kept.len() * permille / 1000).max(1);
        let defects = DEFECTS
            .iter()
            .flat_map(|(defect, permille)| std::iter::repeat_n(Some(*defect), quota(*permille)));
        let defects: Vec<Option<Defect>> = defects.chain(std::iter::repeat_n(None, kept.len())).collect();
        let children = claimants(self.population);
        for (resident, defect) in kept.iter().zip(defects) {
            let row = self.row(resident, defect, children.get(&resident.index));
            self.rows.push(row);
        }
        // The last in the shuffled order are plain rows.
        for resident in kept.iter().rev().take(quota(TWICE)) {
            let mut again = self.row(resident, None, None);
            again.made = "twice";
            again.expected = Link::Review;
            self.rows.push(again);
            if let Some(first) = self.rows.iter_mut().find(|row| row.resident == Some(resident.index)) {
                first.made = "twice";
                first.expected = Link::Review;
            }
        }
        for _ in 0..quota(NOBODIES) {
            let row = self.nobody();
            self.rows.push(row);
        }
    }

    fn keeps(&self, resident: &Resident) -> bool {
        // Spread by index, so that who is kept does not hang on the order of draws.
        let spread = resident.index.wrapping_mul(2_654_435_761) >> 16;
        match self.institution {
            Institution::Town => resident.address.city == self.population.city,
            Institution::Tax => resident.birth.age() >= 18 && spread % 100 < 88,
            Institution::Pension => resident.birth.age() >= 20 && spread % 97 < 93,
        }
    }

    fn row(&mut self, resident: &Resident, defect: Option<Defect>, children: Option<&i64>) -> Customer {
        let notation = Notation::drawn(self.institution, &mut self.draw);
        let mut shown = resident.clone();
        let (mut expected, mut made) = (Link::Linked, "plain");
        let mut kana = true;
        match defect {
            Some(Defect::OtherBirth) => {
                shown.birth = self.far_from(resident.birth);
                (expected, made) = (Link::Review, "other_birth");
            }
            Some(Defect::MovedAndNoBirth) => {
                shown.address = self.elsewhere();
                (expected, made) = (Link::None, "moved_and_no_birth");
            }
            Some(Defect::MovedAndMarried) => {
                let surname = loop {
                    let surname = self.tables.surname(&mut self.draw);
                    if surname.kana != resident.surname_kana {
                        break surname;
                    }
                };
                (shown.surname, shown.surname_kana) = (surname.text, surname.kana);
                shown.address = self.elsewhere();
                (expected, made) = (Link::None, "moved_and_married");
            }
            Some(Defect::TypoInName) => {
                // A character that stands in none of the given names.
                shown.given.pop();
                shown.given.push('鷺');
                kana = false;
                (expected, made) = (Link::Review, "typo_in_name");
            }
            Some(Defect::WrongSex) => {
                shown.sex = if resident.sex == Sex::Male { Sex::Female } else { Sex::Male };
                (expected, made) = (Link::Review, "wrong_sex");
            }
            Some(Defect::NoSex) => made = "no_sex",
            Some(Defect::Slip) => made = "slip",
            None => (),
        }
        let slip = (defect == Some(Defect::Slip)).then(|| self.far_from(resident.birth));
        let birth =
            if defect == Some(Defect::MovedAndNoBirth) { String::new() } else { notation.birth(shown.birth) };
        Customer {
            institution: self.institution,
            number: self.number(),
            resident: Some(resident.index),
            name: notation.name(&shown, self.tables, &mut self.draw),
            kana: kana.then(|| notation.kana(&shown)),
            sex: match defect {
                Some(Defect::NoSex) => notation.sex_unknown().to_owned(),
                _ => notation.sex(shown.sex).to_owned(),
            },
            birth,
            address: notation.address(&shown.address),
            shielded: resident.shielded,
            records: self.records(resident, children.copied()),
            expected,
            made,
            birth_after_slip: slip.map(|birth| notation.birth(birth)),
            holds_sex: defect != Some(Defect::NoSex),
        }
    }

    /// Somebody who is in no register, at an address where no resident lives.
    fn nobody(&mut self) -> Customer {
        let sex = if self.draw.chance(500) { Sex::Male } else { Sex::Female };
        let year = self.draw.between(1940, 2004);
        let birth = Date::in_year(year, &mut self.draw);
        let (surname, given) = loop {
            let surname = self.tables.surname(&mut self.draw);
            let given = self.tables.given_name(sex, birth.year, &mut self.draw);
            let known =
                |other: &Resident| other.surname_kana == surname.kana && other.given_kana == given.kana;
            if !self.population.residents.iter().any(known) {
                break (surname, given);
            }
        };
        let address = self.elsewhere();
        let stranger = Resident {
            index: 0,
            surname: surname.text,
            given: given.text,
            surname_kana: surname.kana,
            given_kana: given.kana,
            sex,
            birth,
            address,
            since: Date { year: 2020, month: 4, day: 1 },
            household: 0,
            relation: Relation::Head,
            shielded: false,
        };
        let row = self.row(&stranger, None, None);
        Customer { resident: None, expected: Link::None, made: "nobody", ..row }
    }

    fn elsewhere(&mut self) -> Address {
        loop {
            if let Some(town) = self.draw.pick(&self.tables.towns) {
                return Address::nobodys(town, &mut self.draw);
            }
        }
    }

    /// A date that no slip of the pen makes of this one.
    fn far_from(&mut self, birth: Date) -> Date {
        loop {
            let year = birth.year - self.draw.between(3, 12);
            let other = Date::in_year(year, &mut self.draw);
            if other.month != birth.month && other.day != birth.day {
                return other;
            }
        }
    }

    /// A number of the institution's own form, without order.
    fn number(&mut self) -> String {
        loop {
            let digits = self.draw.below(100_000_000);
            let number = match self.institution {
                Institution::Town => format!("20{digits:08}"),
                Institution::Tax => format!("T{digits:08}"),
                Institution::Pension => {
                    format!("{:04}-{:06}", self.draw.between(1000, 9999), digits % 1_000_000)
                }
            };
            if self.numbers.insert(number.clone()) {
                return number;
            }
        }
    }

    fn records(&mut self, resident: &Resident, children: Option<i64>) -> Records {
        let last = TODAY.year - 1;
        match self.institution {
            Institution::Town => Records::Town {
                household: 100_000 + resident.household,
                relation: resident.relation_in_japanese(),
                since: resident.since,
                allowance: children.map(|children| {
                    let month = self.draw.between(1, 12);
                    let since =
                        Date { year: self.draw.between(last - 5, last), month, day: 1 }.max(resident.since);
                    (since, children, children * 10_000 + (children - 2).max(0) * 20_000)
                }),
            },
            Institution::Tax => {
                // One in ten has declared nothing yet.
                let years = if self.draw.chance(100) { 0 } else { self.draw.between(1, 3) };
                let yearly = i64::from(self.draw.between(800, 9000)) * 1000;
                Records::Tax(
                    (last + 1 - years..=last)
                        .map(|year| {
                            let amount = yearly + i64::from(self.draw.between(-200, 200)) * 1000;
                            (year, amount, amount / 100 * 7)
                        })
                        .collect(),
                )
            }
            Institution::Pension => {
                let from = resident.birth.year + 65;
                let yearly = i64::from(self.draw.between(600, 2400)) * 1000;
                Records::Pension((from.max(last - 2)..=last).map(|year| (year, yearly)).collect())
            }
        }
    }
}

/// Heads of households with children under 18, and how many.
fn claimants(population: &Population) -> HashMap<u32, i64> {
    let mut children: HashMap<u32, i64> = HashMap::new();
    for resident in &population.residents {
        if resident.relation == Relation::Child && resident.birth.age() < 18 {
            *children.entry(resident.household).or_default() += 1;
        }
    }
    let heads = population.residents.iter().filter(|resident| resident.relation == Relation::Head);
    heads.filter_map(|head| Some((head.index, *children.get(&head.household)?))).collect()
}
