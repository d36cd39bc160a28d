//! Whole runs: on both databases, twice on one folder, and a room that is stopped and started again.

use musubi::demo_run::{ask_and_answer, build};
use musubi::verify_log::{VerifyLogArgs, verify};
use world::Stopwatch;

use crate::ground::args;

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_goes_on_with_its_country() {
    let folder = tempfile::tempdir().unwrap();
    let args = args(folder.path(), 300);
    let mut codes = Vec::new();
    for _ in 0..2 {
        let watch = Stopwatch::start();
        let ready = build(&args, &watch).await.unwrap();
        let (report, stage, _services) = ask_and_answer(ready, &args, &watch).await.unwrap();
        assert!(report.is_clean(), "{:?}", report.surprises);
        let answered = report.kinds.iter().filter(|kind| kind.answered > 0).count();
        assert!(answered >= 12 && report.reasons.len() >= 8 && report.not_answered.len() >= 3, "{report:?}");
        assert!(report.refused.contains_key("consent_required"), "{report:?}");
        assert!(
            report.families.families >= 2 && report.families.looked_into == report.families.members,
            "{:?}",
            report.families
        );
        // Row L8: who holds no Individual Number is asked and answers all the same.
        let without = |one: &demo::Institution| !one.profile().holds_number;
        assert!(report.kinds.iter().any(|kind| without(&kind.provider) && kind.answered > 0), "{report:?}");
        assert!(report.kinds.iter().any(|kind| without(&kind.inquirer) && kind.answered > 0), "{report:?}");
        assert!(report.ledgers.len() == 19 && report.ledgers.iter().all(|one| one.verified), "{report:?}");
        codes.push((report.codes_issued, report.in_review, report.not_found));
        stage.stop().await;
    }
    assert_eq!(codes[0], codes[1]);
    // Every member of a family has an entry of their own, and no act is in two people's indices.
    let portal = rusqlite::Connection::open(folder.path().join("portal/portal.db")).unwrap();
    let (acts, entries): (u32, u32) = portal
        .query_row("SELECT COUNT(DISTINCT act), COUNT(*) FROM entry", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert!(acts > 500 && acts == entries, "{acts} acts, {entries} entries");
}

/// A report does not say that a ledger verified when it did not.
#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_does_not_verify_stands_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let args = args(folder.path(), 150);
    let watch = Stopwatch::start();
    let ready = build(&args, &watch).await.unwrap();
    // What the tree has taken in already is changed, not what it is still to take in.
    let of_bank = VerifyLogArgs {
        source: "bank".into(),
        country: None,
        config: Some(folder.path().join("musubi.toml")),
        keep: None,
        json: false,
    };
    assert!(
        crate::ledgers::eventually(30, async || verify(&of_bank).await.is_ok_and(|seen| seen.size > 1)).await
    );
    let database = rusqlite::Connection::open(folder.path().join("bank/bank.db")).unwrap();
    let changed = database.execute("UPDATE leaf SET hash = zeroblob(32) WHERE seq = 1", []).unwrap();
    assert_eq!(changed, 1);
    let (report, stage, _services) = ask_and_answer(ready, &args, &watch).await.unwrap();
    let bank = report.ledgers.iter().find(|ledger| ledger.origin.contains("bank")).unwrap();
    assert!(!bank.verified && !report.is_clean(), "{report:?}");
    assert!(report.surprises.iter().any(|surprise| surprise.contains("the ledger of bank")));
    let others = report.ledgers.iter().filter(|ledger| ledger.verified).count();
    assert_eq!(others, report.ledgers.len() - 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_country_on_postgresql() {
    let Some(url) = store::testing::postgres_url() else { return };
    let folder = tempfile::tempdir().unwrap();
    let args = musubi::demo_run::DemoArgs { postgres: Some(url), ..args(folder.path(), 200) };
    let watch = Stopwatch::start();
    let ready = build(&args, &watch).await.unwrap();
    let (report, stage, _services) = ask_and_answer(ready, &args, &watch).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.surprises);
    stage.stop().await;
}
