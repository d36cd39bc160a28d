//! Codes that were asked for and refused: each person's own records say so.

use std::time::Duration;

use musubi::my_records_command::{Checked, tell};
use protocol::desk::{ISSUE, Issued};
use words::Reason;

use crate::ground::{Ground, town};

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_that_linkage_refuses_stands_in_each_persons_records() {
    let mut ground = Ground::new(120).await;
    let [number, _] = ground.two_at_town_and_tax();
    let row = ground.ready.truth.row(town(), &number).unwrap();
    let entry = format!("{:07}", row.resident.unwrap());
    let config = ground.folder.path().join("musubi.toml");

    // The town asks anew for all its customers, and the register does not hear of its suspension before linkage does.
    for room in ["town", "registry"] {
        ground.ready.stage.stop_room(room).await.unwrap();
    }
    let database = |room: &str| {
        rusqlite::Connection::open(ground.folder.path().join(room).join(format!("{room}.db"))).unwrap()
    };
    database("town").execute("DELETE FROM customer", []).unwrap();
    database("registry").execute("DELETE FROM issued WHERE party = 'town'", []).unwrap();
    let text = std::fs::read_to_string(&config).unwrap();
    let (before, section) = text.split_once("[registry]").unwrap();
    let slow = section.replacen("poll_ms = 1000", "poll_ms = 3600000", 1);
    assert_ne!(slow, section);
    std::fs::write(&config, format!("{before}[registry]{slow}")).unwrap();
    ground.ready.stage.file = musubi::config_file::ConfigFile::read(&config).unwrap();
    for room in ["registry", "town"] {
        ground.ready.stage.start_room(room).await.unwrap();
    }
    musubi::desk::change_standing(&config, "town", rules::Standing::Suspended, "a test").await.unwrap();
    let suspended = async |room: &str| {
        let law = ground.house(room).law().unwrap();
        let town = words::PartyId::parse("town").unwrap();
        law.accreditation(&town).unwrap().standing == rules::Standing::Suspended
    };
    for _ in 0..100 {
        if suspended("linkage").await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(suspended("linkage").await && !suspended("registry").await);

    let section = ground.ready.stage.section("town").unwrap();
    let operator = musubi::desk::client(section, "operator").unwrap();
    let issued: Issued = operator.post(ISSUE, &serde_json::json!({}), Duration::from_secs(30)).await.unwrap();
    assert_eq!((issued.linked, issued.reason), (0, Some(Reason::AccreditationSuspended)), "{issued:?}");
    assert_eq!(ground.refusals("linkage", Reason::AccreditationSuspended).await, 1);

    let mut last = Vec::new();
    let mut found = async || {
        let (directory, records) = musubi::picker::my_records(&config, &entry).await.unwrap();
        last = records.acts.iter().map(|act| tell(act, &directory)).collect();
        last.iter().any(|one| {
            one.en.contains("asked for a link code for you")
                && one.en.contains("not given")
                && matches!(&one.checked, Checked::Holds { witnessed_by } if !witnessed_by.is_empty())
        })
    };
    let mut holds = false;
    for _ in 0..200 {
        holds = found().await;
        if holds {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(holds, "{last:#?}");
    // The first issue, which was given, stands beside it.
    assert!(last.iter().any(|one| one.en.contains("link code") && one.en.contains("It was given")));
}
