//! How the rows of an institution come about: who is kept, how they are spelled, and which defects they get.

use std::collections::{HashMap, HashSet};

use crate::{
    address::Address,
    customers::{Customer, Link},
    date::Date,
    draw::Draw,
    institution::{About, Institution},
    population::{Population, Relation, Resident, Sex},
    tables::Tables,
};

/// The rows of one institution, in the order they were made.
pub(crate) fn rows(
    institution: Institution,
    population: &Population,
    tables: &Tables,
    households: &Households<'_>,
) -> Vec<Customer> {
    let draw = Draw::named(population.seed, institution.as_str());
    let mut office = Office {
        institution,
        population,
        tables,
        households,
        draw,
        numbers: HashSet::new(),
        rows: Vec::new(),
    };
    office.fill();
    office.rows
}

/// Rows in a thousand with each defect; at least one each at an institution of some size.
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
/// From how many customers on an institution has every defect.
const OF_SOME_SIZE: usize = 200;

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
    households: &'a Households<'a>,
    draw: Draw,
    numbers: HashSet<String>,
    rows: Vec<Customer>,
}

impl Office<'_> {
    fn fill(&mut self) {
        let mut kept = self.institution.kept(self.population);
        self.draw.shuffle(&mut kept);
        let least = usize::from(kept.len() >= OF_SOME_SIZE);
        let quota = |permille: usize| (kept.len() * permille / 1000).max(least);
        let defects = DEFECTS
            .iter()
            .flat_map(|(defect, permille)| std::iter::repeat_n(Some(*defect), quota(*permille)));
        let defects: Vec<Option<Defect>> = defects.chain(std::iter::repeat_n(None, kept.len())).collect();
        for (resident, defect) in kept.iter().zip(defects) {
            let row = self.row(resident, defect);
            self.rows.push(row);
        }
        // The last in the shuffled order are plain rows.
        for resident in kept.iter().rev().take(quota(TWICE)) {
            let mut again = self.row(resident, None);
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

    fn row(&mut self, resident: &Resident, defect: Option<Defect>) -> Customer {
        let profile = self.institution.profile();
        let notation = (profile.notation)(&mut self.draw);
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
        let birth = if defect == Some(Defect::MovedAndNoBirth) {
            String::new()
        } else {
            (notation.date)(shown.birth)
        };
        let head = self.households.head(resident).unwrap_or(resident);
        let head = notation.name(head, self.tables, &mut self.draw);
        let records = (profile.records)(&mut About {
            draw: &mut self.draw,
            population: self.population,
            resident,
            head,
            children: self.households.children(resident),
        });
        Customer {
            institution: self.institution,
            number: self.number(),
            resident: Some(resident.index),
            name: notation.name(&shown, self.tables, &mut self.draw),
            kana: kana.then(|| (notation.kana)(&shown)),
            sex: match defect {
                Some(Defect::NoSex) => notation.sex_unknown().to_owned(),
                _ => notation.sex(shown.sex).to_owned(),
            },
            birth,
            address: (notation.address)(&shown.address),
            shielded: resident.shielded,
            records,
            expected,
            made,
            birth_after_slip: slip.map(notation.date),
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
            // Of no household in the register.
            index: u32::MAX,
            surname: surname.text,
            given: given.text,
            surname_kana: surname.kana,
            given_kana: given.kana,
            sex,
            birth,
            address,
            since: Date { year: 2020, month: 4, day: 1 },
            household: u32::MAX,
            relation: Relation::Head,
            shielded: false,
        };
        let row = self.row(&stranger, None);
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
            let number = (self.institution.profile().number)(&mut self.draw);
            if self.numbers.insert(number.clone()) {
                return number;
            }
        }
    }
}

/// Who belongs together.
pub(crate) struct Households<'a> {
    heads: HashMap<u32, &'a Resident>,
    /// Children under 18 by the head of the household, who claims the allowance for them.
    children: HashMap<u32, i64>,
}

impl<'a> Households<'a> {
    pub(crate) fn of(population: &'a Population) -> Households<'a> {
        let residents = || population.residents.iter();
        let heads = residents().filter(|resident| resident.relation == Relation::Head);
        let heads: HashMap<u32, &Resident> = heads.map(|head| (head.household, head)).collect();
        let mut children: HashMap<u32, i64> = HashMap::new();
        for child in residents().filter(|one| one.relation == Relation::Child && one.birth.age() < 18) {
            if let Some(head) = heads.get(&child.household) {
                *children.entry(head.index).or_default() += 1;
            }
        }
        Households { heads, children }
    }

    fn head(&self, resident: &Resident) -> Option<&'a Resident> {
        self.heads.get(&resident.household).copied()
    }

    fn children(&self, resident: &Resident) -> Option<i64> {
        self.children.get(&resident.index).copied()
    }
}
