//! Addresses of the exercise, and the many ways to write one.

use super::random::Random;
use crate::numerals::{by_figures, with_units as kanji};

/// A door in Japan.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Door {
    pub(super) prefecture: String,
    pub(super) city: String,
    pub(super) oaza: bool,
    pub(super) town: String,
    /// 丁目 where the town has them.
    pub(super) chome: Option<u32>,
    /// 番 and 号, or 番地 and branch.
    pub(super) first: u32,
    pub(super) second: Option<u32>,
    pub(super) building: Option<(String, u32)>,
}

/// How an institution writes it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    pub(super) no_prefecture: bool,
    pub(super) no_city: bool,
    pub(super) no_oaza: bool,
    pub(super) no_building: bool,
    pub(super) no_numbers: bool,
    pub(super) room_only: bool,
}

impl Door {
    /// As the resident register writes it.
    pub(super) fn as_registered(&self) -> String {
        let oaza = if self.oaza { "大字" } else { "" };
        let mut out = format!("{}{}{}{}", self.prefecture, self.city, oaza, self.town);
        match (self.chome, self.second) {
            (Some(chome), second) => {
                out += &format!("{}丁目{}番{}号", kanji(chome), wide(self.first), wide(second.unwrap_or(1)));
            }
            (None, Some(second)) => out += &format!("{}番地{}", wide(self.first), wide(second)),
            (None, None) => out += &format!("{}番地", wide(self.first)),
        }
        if let Some((building, room)) = &self.building {
            out += &format!("　{building}{}号", wide(*room));
        }
        out
    }

    /// As an institution writes it.
    pub(super) fn written(&self, style: Style, random: &mut Random) -> String {
        let mut out = String::new();
        if !style.no_prefecture {
            out += &self.prefecture;
        }
        if !style.no_city {
            out += &self.city;
        }
        if self.oaza && !style.no_oaza {
            out += "大字";
        }
        out += &self.town;
        if style.no_numbers {
            return out;
        }
        let mut numbers: Vec<u32> = Vec::new();
        numbers.extend(self.chome);
        numbers.push(self.first);
        numbers.extend(self.second);
        let room = self.building.as_ref().map(|(_, room)| *room);
        if style.room_only && numbers.len() >= 2 {
            numbers.extend(room);
        }
        out += &join(&numbers, self.chome.is_some(), random);
        match &self.building {
            Some((building, room)) if !style.no_building && !style.room_only => {
                out += &self.building_as(building, *room, random)
            }
            _ => {}
        }
        out
    }

    fn building_as(&self, building: &str, room: u32, random: &mut Random) -> String {
        let gap = ["　", " ", "", "　"].get(random.below(4)).copied().unwrap_or("");
        let end = ["号", "号室", ""].get(random.below(3)).copied().unwrap_or("");
        format!("{gap}{building}{room}{end}")
    }
}

fn join(numbers: &[u32], chome: bool, random: &mut Random) -> String {
    const DASHES: [&str; 8] = ["-", "－", "ー", "−", "‐", "の", "-", "-"];
    let style = random.below(9);
    let text = |number: u32| match style {
        0 | 1 => wide(number),
        2 => kanji(number),
        _ => number.to_string(),
    };
    let dash = random.one(&DASHES).copied().unwrap_or("-");
    match (numbers, style) {
        ([chome_number, rest @ ..], 0 | 2 | 3 | 4) if chome => {
            let mut out = format!("{}丁目", text(*chome_number));
            match rest {
                [first, second] if style != 4 => out += &format!("{}番{}号", text(*first), text(*second)),
                rest => out += &rest.iter().map(|number| text(*number)).collect::<Vec<_>>().join(dash),
            }
            out
        }
        ([first, second], 0 | 3) => format!("{}番地{}", text(*first), text(*second)),
        ([first, second], 1) => format!("{}番地の{}", text(*first), text(*second)),
        ([first], 0 | 2 | 3) => format!("{}番地", text(*first)),
        ([first], 1) => format!("{}番", text(*first)),
        // Positional figures as on old door plates: 一二〇五.
        (numbers, 5) => numbers.iter().map(|number| by_figures(*number)).collect::<Vec<_>>().join("－"),
        // Old door plates again, without anything between: 三五十.
        (numbers, 8) if numbers.len() >= 2 && random.chance(0.1) => {
            numbers.iter().map(|number| kanji(*number)).collect()
        }
        (numbers, _) => numbers.iter().map(|number| text(*number)).collect::<Vec<_>>().join(dash),
    }
}

pub(super) fn wide(number: u32) -> String {
    number
        .to_string()
        .chars()
        .map(|digit| char::from_u32(u32::from(digit) + 0xfee0).unwrap_or(digit))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Address, Places};
    use crate::compare::AddressLevel;

    fn door(random: &mut Random) -> Door {
        const TOWNS: [(&str, &str, &str); 8] = [
            ("埼玉県", "川口市", "幸町"),
            ("宮城県", "仙台市若林区", "六丁の目南町"),
            ("北海道", "岩内町", "宮園"),
            ("北海道", "美唄市", "東二条北"),
            ("大分県", "大分市", "三ケ田町"),
            ("広島県", "福山市", "神辺町十九軒屋"),
            ("千葉県", "成田市", "十余三"),
            ("兵庫県", "姫路市", "網干区網干浜"),
        ];
        let (prefecture, city, town) = random.one(&TOWNS).copied().unwrap_or_default();
        let chome = random.chance(0.5).then(|| random.range(1, 9));
        Door {
            prefecture: prefecture.into(),
            city: city.into(),
            oaza: random.chance(0.3),
            town: town.into(),
            chome,
            first: random.range(1, 2_500),
            second: (chome.is_some() || random.chance(0.5)).then(|| random.range(1, 60)),
            building: random.chance(0.4).then(|| ("コーポひかり".into(), random.range(101, 1_212))),
        }
    }

    #[test]
    fn every_way_to_write_a_door_leads_to_it() {
        let places = Places::default();
        let mut random = Random::new(11);
        for _ in 0..5_000 {
            let door = door(&mut random);
            let style = Style {
                no_prefecture: random.chance(0.3),
                no_oaza: random.chance(0.5),
                no_building: random.chance(0.3),
                room_only: random.chance(0.2),
                ..Style::default()
            };
            let (registered, written) = (door.as_registered(), door.written(style, &mut random));
            let level =
                AddressLevel::of(&Address::read(&registered, &places), &Address::read(&written, &places));
            assert_eq!(
                level,
                AddressLevel::Same,
                "{registered} written {written}: {:?}",
                Address::read(&written, &places)
            );
        }
    }

    #[test]
    fn another_door_of_the_town_is_not_the_same() {
        let places = Places::default();
        let mut random = Random::new(12);
        for _ in 0..2_000 {
            let one = door(&mut random);
            let other = Door { first: one.first + 100 + random.range(0, 700), ..one.clone() };
            let written = other.written(Style::default(), &mut random);
            let level = AddressLevel::of(
                &Address::read(&one.as_registered(), &places),
                &Address::read(&written, &places),
            );
            assert!(level < AddressLevel::OtherRoom, "{} is not {written}", one.as_registered());
        }
    }
}
