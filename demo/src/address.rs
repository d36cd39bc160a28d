//! Addresses and the ways people write them.

use crate::{draw::Draw, tables::Town};

/// A house, perhaps a room in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// 都道府県
    pub prefecture: String,
    /// 市
    pub city: String,
    /// 町・大字
    pub town: String,
    /// 丁目, where the town has such.
    pub chome: Option<u32>,
    /// 番 (with 丁目) or 番地.
    pub block: u32,
    /// 号, or the branch number (枝番) of the 番地.
    pub house: u32,
    /// Building and room.
    pub room: Option<(String, u32)>,
}

/// Houses that residents live in have blocks up to this; those above stand empty and serve for addresses that no
/// resident has.
const MOST_BLOCKS: i32 = 40;

impl Address {
    pub(crate) fn in_town(town: &Town, draw: &mut Draw) -> Address {
        Address::of(town, draw, 1)
    }

    /// An address at which nobody in the register lives.
    pub(crate) fn nobodys(town: &Town, draw: &mut Draw) -> Address {
        Address::of(town, draw, MOST_BLOCKS + 1)
    }

    fn of(town: &Town, draw: &mut Draw, first_block: i32) -> Address {
        const BUILDINGS: [&str; 6] =
            ["メゾン桜", "コーポひかり", "若葉ハイツ", "サンライズ", "みどり荘", "グリーンコート"];
        let room = draw.chance(200).then(|| {
            let building = draw.pick(&BUILDINGS).copied().unwrap_or("みどり荘");
            let number = draw.between(1, 5) * 100 + draw.between(1, 8);
            (building.to_owned(), number.unsigned_abs())
        });
        let blocks = if town.has_chome { MOST_BLOCKS } else { MOST_BLOCKS * 50 };
        Address {
            prefecture: town.prefecture.clone(),
            city: town.city.clone(),
            town: town.name.clone(),
            chome: town.has_chome.then(|| draw.between(1, 4).unsigned_abs()),
            // Also without 丁目 the empty houses begin above the lived-in ones.
            block: if first_block == 1 {
                draw.between(1, blocks).unsigned_abs()
            } else {
                draw.between(blocks + 1, blocks + MOST_BLOCKS).unsigned_abs()
            },
            house: draw.between(1, 30).unsigned_abs(),
            room,
        }
    }

    /// As the register writes it: `神奈川県小田原市栄町二丁目５番１２号　メゾン桜２０３号`.
    pub fn official(&self) -> String {
        format!("{}{}", self.prefecture, self.without_prefecture())
    }

    /// `小田原市栄町二丁目５番１２号`
    pub(crate) fn without_prefecture(&self) -> String {
        let numbers = match self.chome {
            Some(chome) => format!("{}丁目{}番{}号", kanji(chome), wide(self.block), wide(self.house)),
            None => format!("{}番地{}", wide(self.block), wide(self.house)),
        };
        let room = self.room.as_ref().map(|(name, room)| format!("　{name}{}号", wide(*room)));
        format!("{}{}{numbers}{}", self.city, self.town, room.unwrap_or_default())
    }

    /// `小田原市栄町2-5-12 メゾン桜203号`
    pub(crate) fn with_dashes(&self) -> String {
        let chome = self.chome.map(|chome| format!("{chome}-")).unwrap_or_default();
        let room = self.room.as_ref().map(|(name, room)| format!(" {name}{room}号"));
        format!("{}{}{chome}{}-{}{}", self.city, self.town, self.block, self.house, room.unwrap_or_default())
    }

    /// `神奈川県小田原市栄町２丁目５－１２　メゾン桜２０３号`
    pub(crate) fn mixed(&self) -> String {
        let chome = self.chome.map(|chome| format!("{}丁目", wide(chome))).unwrap_or_default();
        let (block, house) = (wide(self.block), wide(self.house));
        let room = self.room.as_ref().map(|(name, room)| format!("　{name}{}号", wide(*room)));
        format!(
            "{}{}{}{chome}{block}－{house}{}",
            self.prefecture,
            self.city,
            self.town,
            room.unwrap_or_default()
        )
    }
}

/// Full-width digits.
fn wide(number: u32) -> String {
    number.to_string().chars().filter_map(|digit| char::from_u32(u32::from(digit) + 0xfee0)).collect()
}

/// 1 to 9 in kanji.
fn kanji(number: u32) -> char {
    "〇一二三四五六七八九".chars().nth(number as usize).unwrap_or('〇')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Address {
        Address {
            prefecture: "神奈川県".to_owned(),
            city: "小田原市".to_owned(),
            town: "栄町".to_owned(),
            chome: Some(2),
            block: 5,
            house: 12,
            room: Some(("メゾン桜".to_owned(), 203)),
        }
    }

    #[test]
    fn one_house_in_every_notation() {
        assert_eq!(example().official(), "神奈川県小田原市栄町二丁目５番１２号　メゾン桜２０３号");
        assert_eq!(example().with_dashes(), "小田原市栄町2-5-12 メゾン桜203号");
        assert_eq!(example().mixed(), "神奈川県小田原市栄町２丁目５－１２　メゾン桜２０３号");
        let old = Address { chome: None, room: None, ..example() };
        assert_eq!(old.official(), "神奈川県小田原市栄町５番地１２");
        assert_eq!(old.with_dashes(), "小田原市栄町5-12");
    }
}
