//! What the room of research reads: its domains' tables, and what researchers, officers and keepers ask of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use fuzz::fuzz;
use protocol::research::{AskSet, Count, EndSet, Judge, OpenDomain, ReportFinding};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn domain() -> OpenDomain {
    let text = fuzz::corpus("research").into_iter().find(|(name, _)| name == "open_domain.json").unwrap().1;
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn table() {
    let about = domain();
    fuzz("research_table", |bytes| match research::check_table(&about, bytes) {
        Ok(read) => {
            assert!(read.rows > 0 && read.new_people == read.rows, "one row a person");
            // A row more of somebody who is there already is refused, whoever it is.
            let mut twice = bytes.to_vec();
            if let Some(last) = bytes.trim_ascii_end().rsplit(|byte| *byte == b'\n').next() {
                twice.extend_from_slice(b"\n");
                twice.extend_from_slice(last);
            }
            // (A line break in quotes can make the last line another row.)
            if !bytes.contains(&b'"') && !bytes.contains(&b'\r') && bytes.is_ascii() {
                assert!(research::check_table(&about, &twice).is_err());
            }
        }
        Err(fault) => {
            assert!(fault.starts_with("line ") || fault == "the table has no rows", "{fault}");
        }
    });
}

/// What is read is written, and read again the same.
fn again<M: Serialize + DeserializeOwned>(bytes: &[u8]) {
    if let Ok(message) = serde_json::from_slice::<M>(bytes) {
        let text = serde_json::to_vec(&message).unwrap();
        let same: M = serde_json::from_slice(&text).unwrap();
        assert_eq!(serde_json::to_vec(&same).unwrap(), text);
    }
}

#[test]
fn messages() {
    fuzz("research", |bytes| {
        again::<OpenDomain>(bytes);
        again::<AskSet>(bytes);
        again::<Count>(bytes);
        again::<Judge>(bytes);
        again::<EndSet>(bytes);
        again::<ReportFinding>(bytes);
    });
}
