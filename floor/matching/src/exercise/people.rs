//! The population of an exercise: households, twins, namesakes, a son with his father's name.

use super::Material;
use super::door::Door;
use super::random::Random;
use crate::{Attributes, History};

/// One person.
#[derive(Clone, Debug)]
pub(super) struct Resident {
    pub(super) surname: (String, String),
    pub(super) given: (String, String),
    pub(super) sex: char,
    /// Year, month, day.
    pub(super) birth: (i32, u32, u32),
    pub(super) door: Door,
    pub(super) former_surname: Option<(String, String)>,
    pub(super) former_door: Option<Door>,
    pub(super) common_name: Option<String>,
}

impl Resident {
    /// The rows of the register and of its history.
    pub(super) fn as_registered(&self) -> (Attributes, History) {
        let (year, month, day) = self.birth;
        let attributes = Attributes {
            name: format!("{}　{}", self.surname.0, self.given.0),
            kana: Some(format!("{}　{}", self.surname.1, self.given.1)),
            address: self.door.as_registered(),
            birth: format!("{year:04}-{month:02}-{day:02}"),
            sex: self.sex.to_string(),
        };
        let history = History {
            surnames: self
                .former_surname
                .iter()
                .map(|(written, read)| (written.clone(), Some(read.clone())))
                .collect(),
            addresses: self.former_door.iter().map(Door::as_registered).collect(),
            names: self.common_name.iter().map(|name| (name.clone(), None)).collect(),
        };
        (attributes, history)
    }
}

/// Lists to draw from, with cumulated weights.
pub(super) struct Lists<'a> {
    pub(super) material: &'a Material,
    surname_weights: Vec<f64>,
    given_weights: Vec<f64>,
    towns: Vec<usize>,
}

impl<'a> Lists<'a> {
    pub(super) fn new(material: &'a Material) -> Lists<'a> {
        let cumulated = |weights: &mut dyn Iterator<Item = f64>| {
            let mut sum = 0.0;
            weights
                .map(|weight| {
                    sum += weight;
                    sum
                })
                .collect::<Vec<f64>>()
        };
        Lists {
            material,
            surname_weights: cumulated(&mut material.surnames.iter().map(|(_, _, weight)| *weight)),
            given_weights: cumulated(&mut material.given_names.iter().map(|(_, _, _, weight)| *weight)),
            towns: (0..material.towns.len()).collect(),
        }
    }

    pub(super) fn enough(&self) -> bool {
        let both = ['M', 'F'].iter().all(|sex| self.material.given_names.iter().any(|(of, ..)| of == sex));
        !self.material.surnames.is_empty() && both && !self.towns.is_empty()
    }

    pub(super) fn surname(&self, random: &mut Random) -> (String, String) {
        let place = drawn(&self.surname_weights, random);
        self.material
            .surnames
            .get(place)
            .map(|(name, kana, _)| (name.clone(), kana.clone()))
            .unwrap_or_default()
    }

    pub(super) fn given(&self, sex: char, random: &mut Random) -> (String, String) {
        for _ in 0..200 {
            let place = drawn(&self.given_weights, random);
            if let Some((of, name, kana, _)) = self.material.given_names.get(place)
                && *of == sex
            {
                return (name.clone(), kana.clone());
            }
        }
        (String::from("一"), String::from("ハジメ"))
    }

    /// Another given name with the same reading.
    pub(super) fn homophone(&self, name: &str, kana: &str, random: &mut Random) -> Option<String> {
        let others: Vec<&String> = self
            .material
            .given_names
            .iter()
            .filter(|(_, other, read, _)| read == kana && other != name)
            .map(|(_, other, _, _)| other)
            .collect();
        random.one(&others).map(|other| (*other).clone())
    }

    pub(super) fn door(&self, random: &mut Random) -> Door {
        let empty = (String::new(), String::new(), String::new(), false);
        let place = random.one(&self.towns).copied().unwrap_or(0);
        let (prefecture, city, town, has_chome) = self.material.towns.get(place).unwrap_or(&empty);
        let chome = has_chome.then(|| random.range(1, 8));
        let (first, second) = if chome.is_some() {
            (random.range(1, 40), Some(random.range(1, 30)))
        } else {
            let branch = random.chance(0.45).then(|| random.range(1, 40));
            (random.range(1, 2500), branch)
        };
        Door {
            prefecture: prefecture.clone(),
            city: city.clone(),
            oaza: chome.is_none() && random.chance(0.45),
            town: town.clone(),
            chome,
            first,
            second,
            building: random.chance(0.3).then(|| building(random)),
        }
    }
}

fn drawn(cumulated: &[f64], random: &mut Random) -> usize {
    let wanted = random.share() * cumulated.last().copied().unwrap_or(0.0);
    cumulated.partition_point(|sum| *sum < wanted)
}

fn building(random: &mut Random) -> (String, u32) {
    const KINDS: [&str; 10] = [
        "メゾン",
        "コーポ",
        "ハイツ",
        "パークハイム",
        "レジデンス",
        "グランド",
        "第二",
        "サンライズ",
        "ヴィラ",
        "リバーサイド",
    ];
    const NAMES: [&str; 10] =
        ["ひかり", "みどり", "青葉", "若葉", "桜", "富士", "太陽", "山手", "本町", "南"];
    let name = format!("{}{}", random.one(&KINDS).unwrap_or(&""), random.one(&NAMES).unwrap_or(&""));
    let room = random.range(1, 12) * 100 + random.range(1, 12);
    (name, room)
}

fn birth(random: &mut Random, from: u32, to: u32) -> (i32, u32, u32) {
    let year = i32::try_from(random.range(from, to)).unwrap_or(1980);
    (year, random.range(1, 12), random.range(1, 28))
}

/// Residents of the register, and people who are not in it but resemble some who are.
pub(super) fn population(
    lists: &Lists<'_>,
    residents: usize,
    absent: usize,
    random: &mut Random,
) -> (Vec<Resident>, Vec<Resident>) {
    let mut people: Vec<Resident> = Vec::with_capacity(residents + 8);
    while people.len() < residents * 99 / 100 {
        household(lists, &mut people, random);
    }
    people.truncate(residents * 99 / 100);
    // One in a hundred shares name and birth date with another resident.
    while people.len() < residents {
        let Some(model) = random.one(&people).cloned() else { break };
        people.push(Resident { door: lists.door(random), former_door: None, ..model });
    }
    let mut strangers = Vec::with_capacity(absent);
    while strangers.len() < absent {
        strangers.push(stranger(lists, &people, random));
    }
    (people, strangers)
}

fn household(lists: &Lists<'_>, people: &mut Vec<Resident>, random: &mut Random) {
    let surname = lists.surname(random);
    let door = lists.door(random);
    let former_door = random.chance(0.28).then(|| lists.door(random));
    let size = [1, 1, 1, 1, 2, 2, 3, 3, 4, 5].get(random.below(10)).copied().unwrap_or(1);
    let person = |sex: char, birth: (i32, u32, u32), random: &mut Random| Resident {
        surname: surname.clone(),
        given: lists.given(sex, random),
        sex,
        birth,
        door: door.clone(),
        former_surname: None,
        former_door: former_door.clone(),
        common_name: None,
    };
    let head_born = birth(random, 1935, 2000);
    let head_sex = if size > 1 || random.chance(0.5) { 'M' } else { 'F' };
    let head = person(head_sex, head_born, random);
    let mut family = vec![head.clone()];
    if size >= 2 {
        let mut wife = person('F', birth(random, 1935, 2000), random);
        wife.former_surname = random.chance(0.5).then(|| lists.surname(random));
        family.push(wife);
    }
    for _ in 2..size {
        let sex = if random.chance(0.5) { 'M' } else { 'F' };
        let mut child = person(sex, birth(random, 1995, 2025), random);
        // A son with his father's name, written the same or read the same.
        if sex == 'M' && random.chance(0.004) {
            child.given = head.given.clone();
        }
        let twin = random
            .chance(0.02)
            .then(|| person(if random.chance(0.7) { sex } else { 'F' }, child.birth, random));
        family.push(child);
        family.extend(twin);
    }
    if size == 1 && random.chance(0.2) {
        family.iter_mut().for_each(|single| single.former_surname = Some(lists.surname(random)));
    }
    if random.chance(0.012) {
        family = vec![foreigner(lists, door.clone(), random)];
    }
    people.extend(family);
}

fn foreigner(lists: &Lists<'_>, door: Door, random: &mut Random) -> Resident {
    const SURNAMES: [(&str, &str); 10] = [
        ("NGUYEN", "グエン"),
        ("WANG", "ワン"),
        ("KIM", "キム"),
        ("SILVA", "シルヴァ"),
        ("JOHNSON", "ジョンソン"),
        ("GARCIA", "ガルシア"),
        ("MULLER", "ミュラー"),
        ("SHRESTHA", "シュレスタ"),
        ("SANTOS", "サントス"),
        ("LEE", "イ"),
    ];
    const GIVEN: [(&str, &str); 8] = [
        ("THI LAN", "ティ ラン"),
        ("FANG", "ファン"),
        ("JISOO", "ジス"),
        ("MARIA", "マリア"),
        ("JOHN", "ジョン"),
        ("TUAN", "トゥアン"),
        ("HUNG", "フン"),
        ("ANNA", "アンナ"),
    ];
    let own = |(written, read): &(&str, &str)| ((*written).to_owned(), (*read).to_owned());
    let sex = if random.chance(0.5) { 'M' } else { 'F' };
    let common =
        random.chance(0.4).then(|| format!("{}　{}", lists.surname(random).0, lists.given(sex, random).0));
    Resident {
        surname: random.one(&SURNAMES).map(own).unwrap_or_default(),
        given: random.one(&GIVEN).map(own).unwrap_or_default(),
        sex,
        birth: birth(random, 1960, 2010),
        door,
        former_surname: None,
        former_door: None,
        common_name: common,
    }
}

/// Someone who is not in the register: a stranger, or one who resembles a resident in the ways that mislead.
fn stranger(lists: &Lists<'_>, people: &[Resident], random: &mut Random) -> Resident {
    let fallback = || Resident {
        surname: (String::new(), String::new()),
        given: (String::new(), String::new()),
        sex: 'M',
        birth: (1980, 1, 1),
        door: Door {
            prefecture: String::new(),
            city: String::new(),
            oaza: false,
            town: String::new(),
            chome: None,
            first: 1,
            second: None,
            building: None,
        },
        former_surname: None,
        former_door: None,
        common_name: None,
    };
    let mut person = random.one(people).cloned().unwrap_or_else(fallback);
    person.former_door = None;
    person.former_surname = None;
    person.common_name = None;
    let sex = if random.chance(0.5) { 'M' } else { 'F' };
    match random.below(1000) {
        // Relatives at the same address: mostly another birth date, sometimes a twin or the father's name.
        0..=420 => {
            person.sex = sex;
            person.given = lists.given(sex, random);
            person.birth = birth(random, 1935, 2025);
        }
        421..=445 => {
            person.given = lists.given(person.sex, random);
        }
        446..=455 => person.birth.0 = person.birth.0.saturating_sub(28),
        // Namesakes born on the same day, by writing or by reading only.
        456..=475 => person.door = lists.door(random),
        476..=495 => {
            if let Some(other) = lists.homophone(&person.given.0, &person.given.1, random) {
                person.given.0 = other;
            }
            person.door = lists.door(random);
        }
        // Namesakes of another age.
        496..=520 => {
            person.birth = birth(random, 1935, 2025);
            person.door = lists.door(random);
        }
        _ => {
            person.surname = lists.surname(random);
            person.sex = sex;
            person.given = lists.given(sex, random);
            person.birth = birth(random, 1935, 2025);
            person.door = lists.door(random);
        }
    }
    person
}
