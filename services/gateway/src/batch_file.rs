//! A clerk's file of many asks: CSV in UTF-8 with the columns `customer`, `affair`, `item`, `provider`, in any order. Read here
//! for the desk's page and for the command alike.

use protocol::desk::{AskRow, BATCH_ROWS};
use thiserror::Error;
use words::{ActId, AffairId, ItemId, PartyId};

/// A fault of a file; nothing of it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {what}")]
pub struct BadFile {
    /// In which line of the file, from 1.
    pub line: u64,
    /// What is wrong there; nothing of what the line says.
    pub what: String,
}

/// The batch of a file: from who sends it and what it holds, so that the same file again, by the page or by the command, is the
/// same batch. `anew` tells another sending of the same file apart.
pub fn id_of(institution: &PartyId, bytes: &[u8], anew: Option<&str>) -> ActId {
    let mut parts = vec![&b"musubi/batch/v1"[..], institution.as_str().as_bytes(), bytes];
    parts.extend(anew.map(str::as_bytes));
    let hash = seal::sha256_parts(&parts);
    ActId::batch(hash.first_chunk::<16>().copied().unwrap_or_default())
}

const COLUMNS: [&str; 4] = ["customer", "affair", "item", "provider"];

/// Reads a file; the first fault is named.
pub fn read(bytes: &[u8]) -> Result<Vec<AskRow>, BadFile> {
    let wrong = |line: u64, what: String| BadFile { line, what };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let head = reader.headers().map_err(|_| wrong(1, "the file is not CSV in UTF-8".into()))?.clone();
    let place = |name: &str| {
        let found = head.iter().position(|column| column == name);
        let columns = COLUMNS.join(", ");
        found.ok_or_else(|| wrong(1, format!("the column `{name}` is missing; the columns are {columns}")))
    };
    let places = [place("customer")?, place("affair")?, place("item")?, place("provider")?];
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            wrong(line, "another number of columns than line 1, or not UTF-8".into())
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let [customer, affair, item, provider] = places.map(|at| record.get(at).unwrap_or_default());
        let bad = |error: words::Malformed| wrong(line, error.to_string());
        if customer.is_empty() {
            return Err(wrong(line, "the customer number is empty".into()));
        }
        if rows.len() == BATCH_ROWS {
            return Err(wrong(line, format!("a batch has {BATCH_ROWS} rows at most: divide the file")));
        }
        rows.push(AskRow {
            customer: customer.to_owned(),
            affair: AffairId::parse(affair).map_err(bad)?,
            item: ItemId::parse(item).map_err(bad)?,
            provider: PartyId::parse(provider).map_err(bad)?,
        });
    }
    if rows.is_empty() { Err(wrong(1, "no row follows".into())) } else { Ok(rows) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_and_faults_have_their_line() {
        let good = "\u{feff}provider,customer,affair,item\r\ntax, 0012 ,child-allowance,income\r\n";
        let rows = read(good.as_bytes()).unwrap();
        assert_eq!((rows.len(), rows[0].customer.as_str(), rows[0].provider.as_str()), (1, "0012", "tax"));
        for (text, line, expected) in [
            ("customer,affair,item\n1,a,b\n", 1, "`provider` is missing"),
            ("customer,affair,item,provider\n1,a,b\n", 2, "number of columns"),
            ("customer,affair,item,provider\n1,child-allowance,income,tax\n,a,b,c\n", 3, "number is empty"),
            ("customer,affair,item,provider\n1,Secret Name,b,c\n", 2, ""),
            ("customer,affair,item,provider\n", 1, "no row"),
            ("\u{ff}", 1, "is missing"),
        ] {
            let fault = read(text.as_bytes()).unwrap_err();
            assert!(fault.line == line && fault.what.contains(expected), "{fault}");
            assert!(!fault.what.contains("Secret"), "{fault}");
        }
        let long = "1,child-allowance,income,tax\n".repeat(BATCH_ROWS + 1);
        let fault = read(format!("customer,affair,item,provider\n{long}").as_bytes()).unwrap_err();
        assert!(fault.what.contains("divide"), "{fault}");
    }
}
