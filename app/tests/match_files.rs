//! `musubi match` on files as people make them: every fault is told with file and line, and nothing is written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const HEAD: &str = "person_id,name,kana,sex,birth_date,address\n";
const QUERIES: &str = "query_id,name,kana,sex,birth,address
Q1,高橋誠,ﾀｶﾊｼﾏｺﾄ,男,昭和58年5月18日,川口市幸町2-3-4
Q2,高橋花子,タカハシハナコ,女,1990-01-02,市川市湊1-2
";

fn run(folder: &Path, threads: &str) -> Output {
    let file = |name: &str| folder.join(name);
    Command::new(env!("CARGO_BIN_EXE_musubi"))
        .args(["match", "--quiet", "--threads", threads, "--register"])
        .arg(file("register.csv"))
        .arg("--history")
        .arg(file("history.csv"))
        .arg("--queries")
        .arg(file("queries.csv"))
        .arg("--out")
        .arg(file("links.csv"))
        .arg("--review")
        .arg(file("review.csv"))
        .arg("--packs")
        .arg(folder)
        .output()
        .unwrap()
}

fn refused(register: &[u8], history: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("register.csv"), register).unwrap();
    fs::write(folder.path().join("history.csv"), history).unwrap();
    fs::write(folder.path().join("queries.csv"), QUERIES).unwrap();
    let output = run(folder.path(), "2");
    assert!(!output.status.success());
    assert!(!folder.path().join("links.csv").exists(), "nothing is half done");
    String::from_utf8(output.stderr).unwrap()
}

const HISTORY: &str = "person_id,kind,value,kana\n";
const ROW: &str = "P1,高橋　誠,タカハシ　マコト,M,1983-05-18,埼玉県川口市幸町二丁目３番４号\n";

#[test]
fn every_fault_has_its_line() {
    let register = |rows: &str| format!("{HEAD}{ROW}{rows}").into_bytes();
    let mut not_utf8 = register("P2,x,,,,");
    not_utf8.extend([0x82, 0xa0, b'\n']);
    let long = |last: &str| {
        // Far beyond the first portion.
        let rows: String = (2..6_000).map(|number| ROW.replace("P1", &format!("P{number}"))).collect();
        register(&format!("{rows}{last}"))
    };
    for (bytes, history, told) in [
        (b"name,kana\n".to_vec(), HISTORY, "line 1: the column 'person_id' is missing"),
        (register(",x,,,,\n"), HISTORY, "register.csv, line 3: person_id is empty"),
        (register("P2,x\n"), HISTORY, "register.csv, line 3: 2 fields where the first line has 6"),
        (long(" ,x,,,,\n"), HISTORY, "register.csv, line 6001: person_id is empty"),
        (long("P2,x,,,,,,\n"), HISTORY, "register.csv, line 6001: 8 fields"),
        (long("P77,x,,,,\n"), HISTORY, "person_id P77 stands there twice"),
        (not_utf8, HISTORY, "register.csv, line 3: not UTF-8"),
        (
            register(""),
            "person_id,kind,value\nP1,former_surname,佐藤\nP1,alias,x\n",
            "history.csv, line 3: kind is 'alias'",
        ),
        (
            register(""),
            "person_id,kind,value\nP9,former_surname,佐藤\nP8,former_name,x\n",
            "the history names person_id P8",
        ),
    ] {
        let why = refused(&bytes, history);
        assert!(why.contains(told), "{told}: {why}");
        assert!(!why.contains("高橋"), "no personal data: {why}");
    }
}

#[test]
fn quotes_line_feeds_and_marks_of_editors_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("queries.csv", QUERIES);
    write("history.csv", "person_id,kind,value,kana\nP9999,former_surname,高橋,タカハシ\n");
    let mut expected = None;
    for quoted in [false, true] {
        let mut register =
            format!("\u{feff}{}", if quoted { HEAD.replace('\n', "\r\n") } else { HEAD.to_owned() });
        register += ROW;
        for number in 2..9_999 {
            let note = if quoted { "\"川越市\n\"\"1\"\"番\"" } else { "川越市 1番" };
            register += &format!("P{number},人{number},,M,1950-01-01,{note}\n");
        }
        register += "P9999,鈴木　花子,スズキ　ハナコ,F,1990-01-02,千葉県市川市湊１番２号\n";
        write("register.csv", &register);
        for threads in ["1", "2", "5"] {
            let output = run(folder.path(), threads);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let links = fs::read_to_string(folder.path().join("links.csv")).unwrap();
            assert!(links.contains("Q1,P1,") && links.contains("Q2,P9999,"), "{links}");
            assert_eq!(*expected.get_or_insert(links.clone()), links, "{threads} threads, quoted: {quoted}");
        }
    }
}
