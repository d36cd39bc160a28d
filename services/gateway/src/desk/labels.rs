//! Names of affairs, items and parties as clerks read them.

use house::House;
use pages::Language;
use words::{AffairId, ItemId, PartyId};

/// Names from the whitelist and the directory; ids where neither knows one.
pub(super) struct Names<'a> {
    house: &'a House,
    language: Language,
}

impl<'a> Names<'a> {
    pub(super) const fn new(house: &'a House, language: Language) -> Self {
        Self { house, language }
    }

    fn of_row(&self, find: impl Fn(&rules::Row) -> Option<[String; 2]>) -> Option<String> {
        let law = self.house.law()?;
        let [ja, en] = law.whitelist.rows().iter().find_map(find)?;
        Some(if en.is_empty() { ja } else { self.language.say(&ja, &en).to_owned() })
    }

    pub(super) fn affair(&self, affair: &AffairId) -> String {
        let name = |row: &rules::Row| {
            (row.affair == *affair).then(|| [row.affair_name.clone(), row.affair_name_en.clone()])
        };
        self.of_row(name).unwrap_or_else(|| affair.to_string())
    }

    pub(super) fn item(&self, item: &ItemId) -> String {
        let name =
            |row: &rules::Row| (row.item == *item).then(|| [row.item_name.clone(), row.item_name_en.clone()]);
        self.of_row(name).unwrap_or_else(|| item.to_string())
    }

    pub(super) fn party(&self, party: &PartyId) -> String {
        match self.house.party(party) {
            Ok(entry) => self.language.say(&entry.name, &entry.name_en).to_owned(),
            Err(_) => party.to_string(),
        }
    }
}
