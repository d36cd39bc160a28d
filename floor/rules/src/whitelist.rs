//! The whitelist: who may ask whom for what, as data (row L2; DESIGN §4).

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use words::{AffairId, Date, ItemId, Kind, Reason};

/// One row of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The affair (事務).
    pub affair: AffairId,
    /// The affair's name as the law writes it.
    pub affair_name: String,
    /// The same in English, for pages; empty where nobody wrote one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub affair_name_en: String,
    /// The specific personal information item.
    pub item: ItemId,
    /// The item's name as the law writes it.
    pub item_name: String,
    /// The same in English.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub item_name_en: String,
    /// The kind of institution that may ask.
    pub inquirer_kind: Kind,
    /// The kind of institution that answers.
    pub provider_kind: Kind,
    /// Whether the person's consent is needed by law.
    pub needs_consent: bool,
    /// The law, e.g. `番号法第十九条第八号・令和六年デジタル庁・総務省令第九号`.
    pub law: String,
    /// The entry in it, e.g. `第二条の表 141項`.
    pub entry: String,
    /// First day on which it holds.
    pub valid_from: Date,
    /// Last day on which it holds; `None` for no end.
    pub valid_to: Option<Date>,
    /// Whether it was compared with the law's text. Never `true` by default.
    pub checked: bool,
}

impl Row {
    fn holds_on(&self, day: Date) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|last| day <= last)
    }
}

/// A version of the list, indexed for decisions.
#[derive(Clone, Debug)]
pub struct Whitelist {
    version: u32,
    rows: Vec<Row>,
    by_pair: HashMap<(AffairId, Kind, Kind), Vec<usize>>,
}

impl Whitelist {
    /// Indexes the rows of one version.
    pub fn new(version: u32, rows: Vec<Row>) -> Self {
        let mut by_pair: HashMap<_, Vec<usize>> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            let key = (row.affair.clone(), row.inquirer_kind.clone(), row.provider_kind.clone());
            by_pair.entry(key).or_default().push(at);
        }
        Self { version, rows, by_pair }
    }

    /// The list's version.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// All rows, as published.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Whether anybody may ask a provider of that kind for the item on `day`.
    pub fn is_asked_of(&self, item: &ItemId, provider: &Kind, day: Date) -> bool {
        self.rows.iter().any(|row| row.item == *item && row.provider_kind == *provider && row.holds_on(day))
    }

    /// The items, each once, that anybody may ask a provider of that kind for on `day`, in the list's order.
    pub fn items_asked_of(&self, provider: &Kind, day: Date) -> Vec<&Row> {
        let mut found: Vec<&Row> = Vec::new();
        for row in self.rows.iter().filter(|row| row.provider_kind == *provider && row.holds_on(day)) {
            if found.iter().all(|known| known.item != row.item) {
                found.push(row);
            }
        }
        found
    }

    /// The row that lets `inquirer` ask `provider` for `item` in `affair` on `day`.
    ///
    /// `NotOnList` if no row in force joins the three for any item, `ItemNotCovered` if some do, but none for
    /// this item.
    pub fn find(
        &self,
        affair: &AffairId,
        item: &ItemId,
        inquirer: &Kind,
        provider: &Kind,
        day: Date,
    ) -> Result<&Row, Reason> {
        let key = (affair.clone(), inquirer.clone(), provider.clone());
        let mut in_force = self
            .by_pair
            .get(&key)
            .into_iter()
            .flatten()
            .filter_map(|at| self.rows.get(*at))
            .filter(|row| row.holds_on(day))
            .peekable();
        if in_force.peek().is_none() {
            return Err(Reason::NotOnList);
        }
        in_force.find(|row| row.item == *item).ok_or(Reason::ItemNotCovered)
    }
}
