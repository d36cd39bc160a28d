//! Words, configuration, tables, people: text that people write.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use fuzz::fuzz;
use gateway::batch_file;
use house::Room;
use matching::{Attributes, Register};
use musubi::config_file::ConfigFile;
use musubi::review_desk::{DeskArgs, SecondLook};
use musubi::whitelist_command::{ImportArgs, import};
use words::{ActId, AffairId, B64, Date, Kind, Moment, PartyId, Reason, SessionName};

#[test]
fn words_of_the_protocol() {
    fuzz("words", |bytes| {
        if let Ok(number) = <[u8; 8]>::try_from(bytes) {
            let moment = Moment(i64::from_le_bytes(number));
            let day = moment.date_in_japan();
            assert_eq!(Date::parse(&day.to_string()).as_ref(), Ok(&day));
            let _ = (moment.plus_ms(i64::MAX), moment.since_ms(Moment(i64::MIN)), day.in_japanese());
        }
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if let Ok(date) = Date::parse(text) {
            assert_eq!(date.to_string(), text);
            assert_eq!(Date::from_days(date.days()), date);
        }
        if let Ok(id) = PartyId::parse(text) {
            assert_eq!(id.as_str(), text);
            assert!(AffairId::parse(text).is_ok() && Kind::parse(text).is_ok());
            assert!(!text.contains(['/', '%', '\\', ' ']) && !text.contains(".."));
        }
        if let Ok(id) = ActId::parse(text) {
            assert_eq!(id.to_string(), text);
        }
        if let Ok(name) = SessionName::parse(text) {
            assert_eq!(name.as_str(), text);
            assert_eq!(SessionName::parse(&name.to_string()).as_ref(), Ok(&name));
        }
        if let Ok(bytes) = B64::parse(text) {
            assert_eq!(bytes.text(), text, "one byte string, one text");
        }
        if let Some(reason) = Reason::parse(text) {
            assert_eq!(reason.as_str(), text);
        }
        if let Ok(location @ store::Location::Postgres { .. }) = text.parse::<store::Location>() {
            let shown = format!("{location} {location:?}");
            for password in [":secret@", "password=secret"] {
                assert!(!shown.contains(password), "a password is shown: {shown}");
            }
        }
    });
}

#[test]
fn configuration() {
    let folder = tempfile::tempdir().unwrap();
    let csv = fuzz::corpus("table").into_iter().next().unwrap().1;
    std::fs::write(folder.path().join("customers.csv"), csv).unwrap();
    let file = folder.path().join("musubi.toml");
    fuzz("configuration", |bytes| {
        std::fs::write(&file, bytes).unwrap();
        let Ok((config, faults)) = ConfigFile::examine(&file) else {
            assert!(std::str::from_utf8(bytes).is_err(), "a text is examined, whatever it says");
            return;
        };
        let lines = bytes.split(|byte| *byte == b'\n').count();
        let further = config.check_rooms(&file).unwrap();
        for fault in faults.iter().chain(&further) {
            assert!(
                !fault.message.is_empty() && fault.line.is_none_or(|line| (1..=lines).contains(&line)),
                "{fault}"
            );
        }
        assert_eq!(ConfigFile::read(&file).is_ok(), faults.is_empty());
    });
}

/// A gateway's section of the corpus.
fn gateway_section(file: &str, id: &str, base: &std::path::Path) -> house::Settings {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/configuration");
    let sections: toml::Table = std::fs::read_to_string(folder.join(file)).unwrap().parse().unwrap();
    let mut section = sections[id].as_table().unwrap().clone();
    for key in ["room", "name", "name_en"] {
        section.remove(key);
    }
    house::Settings::read(id, section, base.to_owned()).unwrap()
}

/// What a connector made of bytes: every customer has a number, and an item nothing but the fields it was
/// configured with; what is wrong is told in few words that quote nothing.
fn reads_as_configured(read: Result<Vec<gateway::rehearsal::OwnCustomer>, String>) {
    match read {
        Ok(customers) => {
            for customer in customers {
                assert!(!customer.number.is_empty());
                for item in customer.items.values() {
                    let fields = item.as_object().unwrap();
                    assert!(fields.values().any(|value| !value.is_null()), "an empty item is held");
                }
            }
        }
        Err(what) => assert!(!what.is_empty() && what.len() < 120, "{what}"),
    }
}

/// A CSV file of customers: as a gateway looks at it before it starts, and its rows.
#[test]
fn table() {
    fuzz_table("table", "gateway.toml", "town");
}

/// The same in another vendor's encoding, with another separator.
#[test]
fn table_in_shift_jis() {
    fuzz_table("table_shift_jis", "shift_jis.toml", "neighbour");
}

fn fuzz_table(target: &str, file: &str, id: &str) {
    let folder = tempfile::tempdir().unwrap();
    let settings = gateway_section(file, id, folder.path());
    let system = gateway::rehearsal::OwnSystem::new(&settings).unwrap();
    let mut rows = 0;
    for (name, csv) in fuzz::corpus(target) {
        std::fs::write(folder.path().join("customers.csv"), &csv).unwrap();
        let checked = gateway::GatewayRoom.check(&settings);
        checked.unwrap_or_else(|error| panic!("corpus/{target}/{name}: {error}"));
        let read = system.customers(&csv);
        rows += read.unwrap_or_else(|error| panic!("corpus/{target}/{name}: {error}")).0.len();
    }
    assert!(rows > 0, "no file of corpus/{target} has a customer");
    fuzz(target, |bytes| {
        std::fs::write(folder.path().join("customers.csv"), bytes).unwrap();
        if let Err(error) = gateway::GatewayRoom.check(&settings) {
            assert!(error.to_string().contains("customers.csv"), "{error}");
        }
        reads_as_configured(system.customers(bytes).map(|(customers, _)| customers));
    });
}

/// What an institution's own HTTP service answers: a page of customers, one customer.
#[test]
fn service() {
    let settings = gateway_section("http.toml", "pension", std::path::Path::new("."));
    let system = gateway::rehearsal::OwnSystem::new(&settings).unwrap();
    for (name, body) in fuzz::corpus("service") {
        let page = system.customers(&body).is_ok_and(|(customers, _)| !customers.is_empty());
        let one = system.one(&body).is_ok_and(|one| one.is_some());
        assert!(page || one, "corpus/service/{name} is neither a page nor a customer");
    }
    fuzz("service", |bytes| {
        reads_as_configured(system.customers(bytes).map(|(customers, _)| customers));
        reads_as_configured(system.one(bytes).map(|one| one.into_iter().collect()));
    });
}

/// A file of decisions made elsewhere: all of it is entered, or it is refused by name.
#[test]
fn review_desk() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    let args = |state: &str| DeskArgs {
        state: folder.path().join(state),
        staff: vec!["Sato".into()],
        register: file(
            "register.csv",
            "person_id,name,birth_date,address\nP1,山田花子,1990-01-02,市川市湊1\n",
        ),
        history: None,
        queries: file("queries.csv", "query_id,name,birth,address\nQ1,山田花子,,\n"),
        review: file("review.csv", "query_id,person_id,score,why\nQ1,P1,9.0,Sex is missing.\n"),
        links: None,
        decisions: file("decisions.csv", ""),
        second_look: SecondLook::Links,
        listen: "127.0.0.1:0".parse().unwrap(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let decisions = folder.path().join("decisions.csv");
    // A file of its own each time: a desk that did not start gives its own up only a moment later.
    let nth = std::cell::Cell::new(0u32);
    fuzz("review_desk", |bytes| {
        nth.set(nth.get() + 1);
        let args = args(&format!("desk-{}.db", nth.get()));
        std::fs::write(&decisions, bytes).unwrap();
        let opened = runtime.block_on(async {
            let running = musubi::review_desk::start(&args, world::World::real(), drop).await?;
            running.stop().await;
            anyhow::Ok(())
        });
        if let Err(error) = opened {
            assert!(error.to_string().contains("decisions.csv"), "{error}");
        }
        for suffix in ["", "-wal", "-shm"] {
            std::fs::remove_file(format!("{}{suffix}", args.state.display())).ok();
        }
    });
}

/// `name|reading|address|birth|sex` against a small register, and as a resident of it.
#[test]
fn people() {
    let read = |text: &str| {
        let mut parts = text.split('|').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        let (name, kana, address, birth, sex) = (next(), next(), next(), next(), next());
        Attributes { name, kana: Some(kana).filter(|kana| !kana.is_empty()), address, birth, sex }
    };
    let good: Vec<_> =
        fuzz::corpus("people").iter().map(|(_, text)| read(std::str::from_utf8(text).unwrap())).collect();
    let residents = || (0u64..).zip(good.iter().cloned());
    fuzz("people", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let person = read(&text);
        if let Some((year, month, day)) = matching::normalise_birth(&person.birth) {
            let date = Date::new(i16::try_from(year).unwrap(), month, day);
            assert!(date.is_ok(), "{year}-{month}-{day} is no date");
        }
        let _ = matching::normalise_sex(&person.sex);
        let mut register = Register::new(residents());
        register.find(&person);
        let twice = register.find_all(&[person.clone(), person.clone()]);
        let linked = |answer: &matching::Answer| matches!(answer, matching::Answer::Link { .. });
        assert!(!twice.iter().all(linked), "two customers are one resident, and both got a code");
        register.insert(99, &person);
        register.find(&person);
        assert!(register.remove(99));
    });
}

/// A clerk's file is rows or a fault with a line of the file; what was read is read the same from what it would be written as.
#[test]
fn asks() {
    let good = fuzz::corpus("asks").iter().filter(|(_, bytes)| batch_file::read(bytes).is_ok()).count();
    assert!(good >= 2, "{good} files of corpus/asks can be read");
    fuzz("asks", |bytes| match batch_file::read(bytes) {
        Ok(rows) => {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["customer", "affair", "item", "provider"]).unwrap();
            for row in &rows {
                let (affair, item, provider) =
                    (row.affair.as_str(), row.item.as_str(), row.provider.as_str());
                writer.write_record([row.customer.as_str(), affair, item, provider]).unwrap();
            }
            assert_eq!(batch_file::read(&writer.into_inner().unwrap()), Ok(rows));
        }
        Err(fault) => {
            // A line ends with \n, \r or both.
            let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64 + 1;
            assert!(fault.line <= lines && !fault.what.is_empty(), "{fault}");
        }
    });
}

/// The law's table: rows that a list can be made of, or a fault that names the file.
#[test]
fn law() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("law.csv");
    let args = ImportArgs {
        law: file.clone(),
        entries: "命令第二条の表".into(),
        name: "law".into(),
        valid_from: "2026-06-26".into(),
        out: folder.path().join("rows.json"),
    };
    fuzz("law", |bytes| {
        std::fs::write(&file, bytes).unwrap();
        match import(&args) {
            Ok(rows) => {
                assert!(rows.iter().all(|row| row.entry.starts_with(&args.entries)));
                let day = Date::parse("2026-11-22").unwrap();
                let list = rules::Whitelist::new(1, rows.clone());
                for row in rows.iter().take(8) {
                    let (inquirer, provider) = (&row.inquirer_kind, &row.provider_kind);
                    assert!(list.find(&row.affair, &row.item, inquirer, provider, day).is_ok());
                }
            }
            Err(error) => assert!(format!("{error:#}").contains("law.csv"), "{error:#}"),
        }
    });
}
