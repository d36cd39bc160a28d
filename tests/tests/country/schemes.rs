//! The whole main job under each of the published schemes, what a thief then finds, and what does not start.

use musubi::attack::steal;
use musubi::config_file::{ConfigFile, check};
use musubi::demo_run::{DemoArgs, ask_and_answer, build};
use world::Stopwatch;

use crate::ground::{Ground, args};

/// Runs the main job, then steals from every pair of institutions; gives how many people were linked, and could have been.
async fn main_job(scheme: u8) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let args = DemoArgs { scheme, lab: scheme == 1, ..args(folder.path(), 150) };
    let watch = Stopwatch::start();
    let ready = build(&args, &watch).await.unwrap();
    let (report, stage, _services) = ask_and_answer(ready, &args, &watch).await.unwrap();
    assert!(report.is_clean(), "scheme {scheme}: {:?}", report.surprises);
    let answered = report.kinds.iter().filter(|kind| kind.answered > 0).count();
    assert!(answered >= 10 && report.not_answered.len() >= 2, "scheme {scheme}: {report:?}");
    assert!(report.ledgers.iter().all(|one| one.verified));
    stage.stop().await;
    // The person's own index was written under this scheme too.
    let portal = rusqlite::Connection::open(folder.path().join("portal/portal.db")).unwrap();
    let entries: u32 = portal.query_row("SELECT COUNT(*) FROM entry", [], |row| row.get(0)).unwrap();
    assert!(entries > 300, "{entries}");
    let found = steal(folder.path()).await.unwrap();
    let institution = |id: &String| demo::Institution::named(id).is_some();
    let pairs = found.pairs.iter().filter(|one| one.stolen.iter().all(institution));
    pairs.fold((0, 0), |(linked, possible), one| (linked + one.linked, possible + one.possible))
}

#[tokio::test(flavor = "multi_thread")]
async fn under_the_number_itself_two_thieves_link_everybody() {
    let (linked, possible) = main_job(1).await;
    assert!(possible > 100 && linked * 10 > possible * 9, "{linked} of {possible}");
}

#[tokio::test(flavor = "multi_thread")]
async fn under_reversible_encryption_two_institutions_link_nobody() {
    let (linked, possible) = main_job(2).await;
    assert!(possible > 100 && linked == 0, "{linked} of {possible}");
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_table_two_institutions_link_nobody() {
    let (linked, possible) = main_job(3).await;
    assert!(possible > 100 && linked == 0, "{linked} of {possible}");
}

#[tokio::test(flavor = "multi_thread")]
async fn under_one_of_two_codes_those_of_one_kind_link_one_another() {
    let (linked, possible) = main_job(4).await;
    assert!(possible > 100 && linked > 0 && linked < possible, "{linked} of {possible}");
}

#[tokio::test(flavor = "multi_thread")]
async fn under_one_code_two_thieves_link_everybody() {
    let (linked, possible) = main_job(5).await;
    assert!(possible > 100 && linked * 10 > possible * 9, "{linked} of {possible}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_itself_is_for_a_laboratory_alone() {
    let folder = tempfile::tempdir().unwrap();
    let refused = build(&DemoArgs { scheme: 1, ..args(folder.path(), 100) }, &Stopwatch::start()).await;
    let why = refused.err().unwrap().to_string();
    assert!(why.contains("lab = true") && why.contains("実験") && why.contains("laboratory"), "{why}");

    let ground = Ground::new(100).await;
    let config = ground.folder.path().join("musubi.toml");
    let plain = std::fs::read_to_string(&config).unwrap();
    let with = |lines: &str| plain.replace("\n[linkage]\n", &format!("\n[linkage]\n{lines}"));
    std::fs::write(&config, with("scheme = 1\n")).unwrap();
    let faults = check(&config).unwrap();
    assert!(faults.len() == 1 && faults[0].line.is_some(), "{faults:?}");
    assert!(faults[0].message.contains("lab = true"), "{faults:?}");
    std::fs::write(&config, with("scheme = 7\n")).unwrap();
    assert!(check(&config).unwrap()[0].message.contains("scheme"));
    std::fs::write(&config, with("scheme = 1\nlab = true\n")).unwrap();
    assert!(check(&config).unwrap().is_empty());
}

/// Why a room does not start, in both languages.
async fn refusal(ground: &mut Ground, room: &str) -> String {
    let started = ground.ready.stage.start_room(room).await;
    format!("{:#}", started.unwrap_err())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_transcryptor_alone_does_not_start() {
    let mut ground = Ground::new(100).await;
    let keys = |id: &str| ground.folder.path().join(id).join("keys");
    let (linkage, trustee) = (keys("linkage"), keys("trustee"));
    let config = ground.folder.path().join("musubi.toml");
    // Both halves in one hand.
    ground.ready.stage.stop_room("linkage").await.unwrap();
    std::fs::copy(trustee.join("transcryptor.key"), linkage.join("second-transcryptor.key")).unwrap();
    let why = refusal(&mut ground, "linkage").await;
    assert!(why.contains("two bodies") && why.contains("二つの機関"), "{why}");
    std::fs::remove_file(linkage.join("second-transcryptor.key")).unwrap();
    // Another scheme than the country's ceremony was held for.
    let plain = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, plain.replace("\n[linkage]\n", "\n[linkage]\nscheme = 2\n")).unwrap();
    ground.ready.stage.file = ConfigFile::read(&config).unwrap();
    let why = refusal(&mut ground, "linkage").await;
    assert!(why.contains("ceremony") && why.contains("儀式"), "{why}");
    std::fs::write(&config, &plain).unwrap();
    ground.ready.stage.file = ConfigFile::read(&config).unwrap();
    ground.ready.stage.start_room("linkage").await.unwrap();
    // No other one in the directory.
    let operator =
        musubi::desk::client(ground.ready.stage.section("authority").unwrap(), "operator").unwrap();
    let within = std::time::Duration::from_secs(10);
    let _: serde_json::Value =
        operator.post("/parties/trustee/revoke", &serde_json::json!({}), within).await.unwrap();
    ground.ready.stage.stop_room("linkage").await.unwrap();
    let why = refusal(&mut ground, "linkage").await;
    assert!(why.contains("one transcryptor alone") && why.contains("一つだけでは"), "{why}");
}
