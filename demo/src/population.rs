//! The residents: fictitious people in households, as the register holds them.

use std::collections::HashSet;

use serde::Serialize;

use crate::{
    address::Address,
    date::{Date, TODAY},
    draw::Draw,
    tables::{Surname, Tables},
};

/// Sex as the register records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Sex {
    /// 男
    Male,
    /// 女
    Female,
}

/// Place in the household.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Relation {
    /// 世帯主
    Head,
    /// 妻 or 夫
    Spouse,
    /// 子
    Child,
    /// 父 or 母
    Parent,
}

/// A fictitious resident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resident {
    /// Position in the population, from 0.
    pub index: u32,
    /// 氏, in the characters of the register (髙橋).
    pub surname: String,
    /// 名
    pub given: String,
    /// Reading of the surname in katakana.
    pub surname_kana: String,
    /// Reading of the given name in katakana.
    pub given_kana: String,
    /// As registered.
    pub sex: Sex,
    /// As registered.
    pub birth: Date,
    /// Where the household lives.
    pub address: Address,
    /// 住民となった日
    pub since: Date,
    /// Who shares it, lives together.
    pub household: u32,
    /// Place in the household.
    pub relation: Relation,
    /// Protected person (支援措置, e.g. after domestic violence): where they live must not come out.
    pub shielded: bool,
}

impl Resident {
    /// `髙橋　花子`
    pub fn name(&self) -> String {
        format!("{}　{}", self.surname, self.given)
    }

    /// `タカハシ　ハナコ`
    pub fn kana(&self) -> String {
        format!("{}　{}", self.surname_kana, self.given_kana)
    }

    /// 続柄: `世帯主`, `妻`, `子` …
    pub fn relation_in_japanese(&self) -> &'static str {
        match (self.relation, self.sex) {
            (Relation::Head, _) => "世帯主",
            (Relation::Spouse, Sex::Female) => "妻",
            (Relation::Spouse, Sex::Male) => "夫",
            (Relation::Child, _) => "子",
            (Relation::Parent, Sex::Female) => "母",
            (Relation::Parent, Sex::Male) => "父",
        }
    }
}

/// All residents of the demo country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Population {
    /// What everything was made from.
    pub seed: u64,
    /// The city whose office is the institution `town`.
    pub city: String,
    /// In order of their index.
    pub residents: Vec<Resident>,
}

impl Population {
    /// Makes `residents` people from `seed`, the same each time.
    pub fn generate(seed: u64, residents: u32) -> Population {
        let mut maker = Maker {
            tables: Tables::embedded(),
            draw: Draw::named(seed, "population"),
            most: residents as usize,
            made: Vec::new(),
            taken: HashSet::new(),
        };
        let mut household = 0;
        while maker.made.len() < maker.most {
            maker.household(household);
            household += 1;
        }
        maker.namesakes(seed);
        maker.shields(seed, household);
        let city = maker.tables.towns.first().map(|town| town.city.clone()).unwrap_or_default();
        Population { seed, city, residents: maker.made }
    }
}

struct Maker {
    tables: Tables,
    draw: Draw,
    most: usize,
    made: Vec<Resident>,
    taken: HashSet<Address>,
}

impl Maker {
    fn household(&mut self, household: u32) {
        let address = self.address();
        let surname = self.surname();
        let since = self.draw.between(1990, 2025);
        let mut home = Home { household, address, surname, since };
        match self.draw.below(100) {
            0..35 => self.person(&home, Relation::Head, None, 20, 95),
            35..60 => {
                let year = self.person_born(&home, Relation::Head, None, 25, 90);
                self.partner(&home, year);
            }
            60..90 => {
                let year = self.person_born(&home, Relation::Head, None, 27, 58);
                self.partner(&home, year);
                self.children(&home, year);
            }
            _ => {
                let year = self.person_born(&home, Relation::Head, None, 35, 58);
                self.partner(&home, year);
                self.children(&home, year);
                home.since = home.since.min(2005);
                let age = TODAY.year - year;
                let sex = if self.draw.chance(650) { Sex::Female } else { Sex::Male };
                self.person(&home, Relation::Parent, Some(sex), age + 22, (age + 38).min(102));
            }
        }
    }

    /// Six in ten live in the city of the institution `town`, which stands first in the table.
    fn address(&mut self) -> Address {
        let city = self.tables.towns.first().map(|town| town.city.clone()).unwrap_or_default();
        let first = self.tables.towns.iter().filter(|town| town.city == city).count();
        loop {
            let at = if self.draw.chance(600) {
                self.draw.below(first)
            } else {
                first + self.draw.below(self.tables.towns.len() - first)
            };
            let Some(town) = self.tables.towns.get(at) else { continue };
            let address = Address::in_town(town, &mut self.draw);
            // No two households at one address, with or without the room: then they could not be told apart.
            let house = Address { room: None, ..address.clone() };
            if self.taken.insert(house) {
                return address;
            }
        }
    }

    /// One family in five writes a character of its name in a variant form.
    fn surname(&mut self) -> Surname {
        let surname = self.tables.surname(&mut self.draw);
        if self.draw.chance(800) {
            return surname;
        }
        let text = surname.text.chars().map(|character| {
            let forms: Vec<char> = self
                .tables
                .variants
                .iter()
                .filter(|(_, own)| *own == character)
                .map(|(form, _)| *form)
                .collect();
            self.draw.pick(&forms).copied().unwrap_or(character)
        });
        Surname { text: text.collect(), ..surname }
    }

    fn person(&mut self, home: &Home, relation: Relation, sex: Option<Sex>, youngest: i32, oldest: i32) {
        self.person_born(home, relation, sex, youngest, oldest);
    }

    /// Makes a person of that age and says the year of birth.
    fn person_born(
        &mut self,
        home: &Home,
        relation: Relation,
        sex: Option<Sex>,
        youngest: i32,
        oldest: i32,
    ) -> i32 {
        let year = TODAY.year - 1 - self.draw.between(youngest, oldest.max(youngest));
        let sex = sex.unwrap_or_else(|| if self.draw.chance(500) { Sex::Male } else { Sex::Female });
        let birth = Date::in_year(year, &mut self.draw);
        self.add(home, relation, sex, birth);
        year
    }

    fn partner(&mut self, home: &Home, head_born: i32) {
        let Some(head) = self.made.last().map(|head| head.sex) else { return };
        let sex = if head == Sex::Male { Sex::Female } else { Sex::Male };
        let age = TODAY.year - 1 - head_born;
        self.person(home, Relation::Spouse, Some(sex), (age - 5).max(20), age + 5);
    }

    fn children(&mut self, home: &Home, head_born: i32) {
        let earliest = head_born + 24;
        let latest = (head_born + 42).min(TODAY.year - 1);
        if earliest > latest {
            return;
        }
        let mut years: Vec<i32> =
            (0..self.draw.between(1, 3)).map(|_| self.draw.between(earliest, latest)).collect();
        years.sort_unstable();
        years.dedup();
        for year in years {
            let birth = Date::in_year(year, &mut self.draw);
            let births = if self.draw.chance(25) { 2 } else { 1 };
            for _ in 0..births {
                let sex = if self.draw.chance(512) { Sex::Male } else { Sex::Female };
                self.add(home, Relation::Child, sex, birth);
            }
        }
    }

    fn add(&mut self, home: &Home, relation: Relation, sex: Sex, birth: Date) {
        if self.made.len() >= self.most {
            return;
        }
        // Two of one household never share name and birth date: nobody could tell them apart.
        let name = loop {
            let name = self.tables.given_name(sex, birth.year, &mut self.draw);
            let mut family = self.made.iter().rev().take_while(|other| other.household == home.household);
            if family.all(|other| other.given != name.text && other.given_kana != name.kana) {
                break name;
            }
        };
        let since = Date::in_year(home.since.max(birth.year), &mut self.draw).max(birth);
        let Ok(index) = u32::try_from(self.made.len()) else { return };
        self.made.push(Resident {
            index,
            surname: home.surname.text.clone(),
            given: name.text,
            surname_kana: home.surname.kana.clone(),
            given_kana: name.kana,
            sex,
            birth,
            address: home.address.clone(),
            since,
            household: home.household,
            relation,
            shielded: false,
        });
    }

    /// One in five hundred who live alone bears another's whole name; every third of them the birth date too.
    fn namesakes(&mut self, seed: u64) {
        let mut draw = Draw::named(seed, "namesakes");
        let mut size = vec![0_u32; self.made.len()];
        for resident in &self.made {
            if let Some(size) = size.get_mut(resident.household as usize) {
                *size += 1;
            }
        }
        let mut alone: Vec<usize> = (0..self.made.len())
            .filter(|i| self.made.get(*i).is_some_and(|r| size.get(r.household as usize) == Some(&1)))
            .collect();
        draw.shuffle(&mut alone);
        let pairs = (self.made.len() / 500).max(2);
        for (place, pair) in alone.chunks_exact(2).take(pairs).enumerate() {
            let &[first, second] = pair else { continue };
            let Some(like) = self.made.get(first).cloned() else { continue };
            let Some(namesake) = self.made.get_mut(second) else { continue };
            namesake.surname = like.surname;
            namesake.surname_kana = like.surname_kana;
            namesake.given = like.given;
            namesake.given_kana = like.given_kana;
            namesake.sex = like.sex;
            if place % 3 == 0 {
                namesake.birth = like.birth;
                namesake.since = namesake.since.max(like.birth);
            }
        }
    }

    /// One household in two hundred is protected, at least one.
    fn shields(&mut self, seed: u64, households: u32) {
        let mut draw = Draw::named(seed, "shields");
        let mut all: Vec<u32> = (0..households).collect();
        draw.shuffle(&mut all);
        let shielded: HashSet<u32> = all.into_iter().take((households as usize / 200).max(1)).collect();
        for resident in &mut self.made {
            resident.shielded = shielded.contains(&resident.household);
        }
    }
}

struct Home {
    household: u32,
    address: Address,
    surname: Surname,
    /// Year the household came.
    since: i32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_seed_gives_one_population() {
        assert_eq!(Population::generate(1, 500), Population::generate(1, 500));
        assert_ne!(Population::generate(1, 500), Population::generate(2, 500));
    }

    #[test]
    fn people_are_spread_as_one_expects() {
        let people = Population::generate(3, 10_000);
        assert_eq!(people.residents.len(), 10_000);
        let share = |test: &dyn Fn(&Resident) -> bool| {
            people.residents.iter().filter(|resident| test(resident)).count() as f64 / 10_000.0
        };
        let city = people.city.clone();
        assert!((0.55..0.65).contains(&share(&|r| r.address.city == city)));
        assert!((0.45..0.55).contains(&share(&|r| r.sex == Sex::Male)));
        assert!((0.10..0.35).contains(&share(&|r| r.birth.age() < 18)));
        assert!((0.15..0.40).contains(&share(&|r| r.birth.age() >= 65)));
        assert!((0.001..0.02).contains(&share(&|r| r.shielded)));
        assert!(people.residents.iter().all(|r| r.birth < TODAY && r.birth <= r.since && r.since <= TODAY));
    }

    #[test]
    fn twins_namesakes_and_families_occur_and_all_can_be_told_apart() {
        let people = Population::generate(3, 10_000).residents;
        let mut seen = HashSet::new();
        assert!(people.iter().all(|r| seen.insert((r.name(), r.birth, r.address.clone()))));
        let twins = people
            .windows(2)
            .filter(|pair| pair[0].household == pair[1].household && pair[0].birth == pair[1].birth);
        assert!((10..200).contains(&twins.count()));
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for resident in &people {
            by_name.entry(resident.name()).or_default().push(resident.birth);
        }
        let same_birth = by_name.values().filter(|births| {
            let distinct: HashSet<_> = births.iter().collect();
            distinct.len() < births.len()
        });
        assert!((5..100).contains(&same_birth.count()));
        assert!(by_name.values().filter(|births| births.len() > 1).count() >= 20);
        let families = people.iter().map(|r| r.household).collect::<HashSet<_>>();
        assert!((3_000..6_000).contains(&families.len()));
    }
}
