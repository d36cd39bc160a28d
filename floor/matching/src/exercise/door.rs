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
