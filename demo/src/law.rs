//! The demo's whitelist, as facts: `data/whitelist.csv`.
//!
//! Rows that are marked as checked stand so in the table of article 2 of the order of 2024 (令和六年デジタル庁・総務省令第九号);
//! the others are samples and say so. Whether a person's consent is needed does not stand in that table: it is a setting
//! of the demo's, row by row.

/// One row: who may ask whom for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LawRow {
    /// Id of the affair.
    pub affair: String,
    /// Kind of the institution that asks.
    pub inquirer_kind: String,
    /// Who asks, as the law writes it.
    pub inquirer: String,
    /// The affair, as the law writes it.
    pub affair_name: String,
    /// Kind of the institution that answers.
    pub provider_kind: String,
    /// Who answers, as the law writes it.
    pub provider: String,
    /// Id of the item.
    pub item: String,
    /// The item, as the law writes it.
    pub item_name: String,
    /// Whether the demo needs the person's consent for it.
    pub consent: bool,
    /// The entry of the table, or what a sample rests on.
    pub entry: String,
    /// Whether the table's text stands so.
    pub checked: bool,
    /// What a reader must know of the row.
    pub note: String,
}

/// Every row.
pub fn whitelist() -> Vec<LawRow> {
    let mut reader = csv::Reader::from_reader(include_str!("../data/whitelist.csv").as_bytes());
    let row = |record: csv::StringRecord| {
        let text = |column| record.get(column).map(str::to_owned);
        Some(LawRow {
            affair: text(0)?,
            inquirer_kind: text(1)?,
            inquirer: text(2)?,
            affair_name: text(3)?,
            provider_kind: text(4)?,
            provider: text(5)?,
            item: text(6)?,
            item_name: text(7)?,
            consent: record.get(8)? == "yes",
            entry: text(9)?,
            checked: record.get(10)? == "true",
            note: text(11)?,
        })
    };
    reader.records().filter_map(|record| row(record.ok()?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Institution, Kind};
    use std::collections::HashSet;

    #[test]
    fn every_row_is_read_and_says_what_it_rests_on() {
        let rows = whitelist();
        assert_eq!(rows.len(), include_str!("../data/whitelist.csv").lines().count() - 1);
        assert!(rows.iter().filter(|row| row.checked).count() >= 40);
        for row in &rows {
            assert_eq!(row.checked, row.entry.starts_with("命令第二条の表 "), "{row:?}");
            assert_eq!(!row.checked, row.note.contains("見本") && row.entry.contains("見本"), "{row:?}");
            assert!(!row.consent || row.item_name == "地方税関係情報", "{row:?}");
        }
        let keys: HashSet<_> =
            rows.iter().map(|row| (&row.affair, &row.inquirer_kind, &row.provider_kind, &row.item)).collect();
        assert_eq!(keys.len(), rows.len(), "no row twice");
    }

    #[test]
    fn every_kind_of_inquiry_stands_on_a_row_and_every_row_has_its_parties() {
        let rows = whitelist();
        for kind in Kind::ALL {
            assert!(kind.row(&rows).is_some(), "{}", kind.id());
        }
        let kinds: HashSet<_> = Institution::ALL.iter().map(|one| one.profile().kind).collect();
        for row in &rows {
            assert!(kinds.contains(row.inquirer_kind.as_str()) && kinds.contains(row.provider_kind.as_str()));
        }
    }
}
