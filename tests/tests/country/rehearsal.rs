//! What rehearsals of faults stand on: a room that ends with whoever started it, and a clock that is set wrong in a demo alone.

use std::process::{Command, Stdio};
use std::time::Duration;

use musubi::config_file::{ConfigFile, check};
use protocol::audit::{FindingKind, RECONCILIATIONS, Reconcile, Reconciliation};
use protocol::desk::{Ask, HEALTH, Health, INQUIRIES, Told};
use words::{AffairId, ItemId, PartyId, Reason};

use crate::ground::Ground;

#[tokio::test(flavor = "multi_thread")]
async fn a_room_ends_when_whoever_started_it_is_gone() {
    let mut ground = Ground::new(100).await;
    ground.ready.stage.stop_room("clinic").await.unwrap();
    // Beside the tests' own folder, where cargo puts it.
    let program = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("musubi");
    let mut room = Command::new(program)
        .args(["gateway", "--institution", "clinic", "--until-stdin-closes", "--config"])
        .arg(ground.folder.path().join("musubi.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let operator = musubi::desk::client(ground.ready.stage.section("clinic").unwrap(), "operator").unwrap();
    let mut tries = 0;
    while operator.get::<Health>(HEALTH, Duration::from_secs(1)).await.is_err() {
        tries += 1;
        assert!(tries < 300 && room.try_wait().unwrap().is_none(), "the room did not come up");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What the system does with the pipe of a process that was killed.
    drop(room.stdin.take());
    let mut tries = 0;
    let status = loop {
        if let Some(status) = room.try_wait().unwrap() {
            break status;
        }
        tries += 1;
        assert!(tries < 100, "the room stays after 10 s");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(status.success(), "in order: {status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_is_set_wrong_in_a_demo_alone_and_then_refused_plainly() {
    let mut ground = Ground::new(100).await;
    let config = ground.folder.path().join("musubi.toml");
    let plain = std::fs::read_to_string(&config).unwrap();
    let wrong =
        |with: &str| plain.replace("\n[town]\n", &format!("\n[town]\n{with}clock_off_ms = -300000\n"));
    std::fs::write(&config, wrong("")).unwrap();
    let faults = check(&config).unwrap();
    assert!(faults.len() == 1 && faults[0].message.contains("demo = true"), "{faults:?}");
    assert!(faults[0].line.is_some());

    std::fs::write(&config, wrong("demo = true\n")).unwrap();
    ground.ready.stage.file = ConfigFile::read(&config).unwrap();
    let ask = async |ground: &Ground| {
        let [customer, _] = ground.two_at_town_and_tax();
        let clerk = musubi::desk::client(ground.ready.stage.section("town").unwrap(), "clerk").unwrap();
        let ask = Ask {
            id: None,
            customer,
            affair: AffairId::parse("child-allowance").unwrap(),
            item: ItemId::parse("income").unwrap(),
            provider: PartyId::parse("tax").unwrap(),
        };
        clerk.post::<Told>(INQUIRIES, &ask, Duration::from_secs(20)).await
    };
    ground.ready.stage.stop_room("town").await.unwrap();
    ground.ready.stage.start_room("town").await.unwrap();
    let Err(wire::CallError::Problem(problem)) = ask(&ground).await else {
        panic!("answered five minutes late")
    };
    assert_eq!(problem.reason, Reason::Expired);
    for _ in 0..3 {
        assert!(ask(&ground).await.is_err());
    }
    // Right again, well again.
    std::fs::write(&config, &plain).unwrap();
    ground.ready.stage.file = ConfigFile::read(&config).unwrap();
    ground.ready.stage.stop_room("town").await.unwrap();
    ground.ready.stage.start_room("town").await.unwrap();
    ask(&ground).await.unwrap();
    // Told once, however many records came under the wrong clock; its ledger is none the worse for it.
    let officer = musubi::desk::client(ground.ready.stage.section("oversight").unwrap(), "officer").unwrap();
    let report: Reconciliation =
        officer.post(RECONCILIATIONS, &Reconcile::default(), Duration::from_secs(60)).await.unwrap();
    let back = report.findings.iter().filter(|finding| finding.kind == FindingKind::ClockBack);
    assert_eq!(back.map(|finding| finding.party.as_str()).collect::<Vec<_>>(), ["town"], "{report:?}");
    assert!(report.ledgers.iter().all(|ledger| ledger.verified == Some(true)), "{report:?}");
}
