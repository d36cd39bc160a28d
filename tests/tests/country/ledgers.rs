//! Ledgers of a running country: witnessed, verifiable from outside, and what tampering leads to.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ledger::{AddCheckpoint, Checkpoint, Note, sign};
use musubi::verify_log::{Verified, VerifyLogArgs, verify};
use protocol::audit::{FindingKind, RECONCILIATIONS, Reconcile, Reconciliation};
use protocol::desk::{Ask, Health, HealthState, INQUIRIES, Told, Trouble};
use protocol::oversight::{ALARMS, AlarmLine};
use road::LedgerFault;
use words::{PartyId, Reason};
use world::World;

use crate::ground::{Ground, town};

/// Every room that has something to record.
fn rooms() -> impl Iterator<Item = &'static str> {
    let institutions = demo::Institution::ALL.into_iter().filter(|one| one.takes_part());
    ["authority", "oversight", "linkage", "trustee", "registry", "portal", "research"]
        .into_iter()
        .chain(institutions.map(demo::Institution::as_str))
}

pub async fn eventually(seconds: u32, mut holds: impl AsyncFnMut() -> bool) -> bool {
    for _ in 0..seconds * 10 {
        if holds().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

fn arguments(ground: &Ground, source: &str, keep: Option<PathBuf>) -> VerifyLogArgs {
    let config = Some(ground.folder.path().join("musubi.toml"));
    VerifyLogArgs { source: source.into(), country: None, config, keep, json: false }
}

/// Waits until as many witnesses have seen a room's whole ledger.
async fn witnessed(ground: &Ground, room: &str, witnesses: usize) -> Verified {
    let mut last = None;
    let seen = eventually(20, async || {
        let now = verified(ground, room).await.unwrap();
        let written = ground.house(room).road.leaves(None).await.unwrap().len();
        let whole = now.size == u64::try_from(written).unwrap() && now.witnesses.len() >= witnesses;
        last = Some(now);
        whole
    })
    .await;
    assert!(seen, "{room}: not seen by {witnesses} witnesses within 20 s: {last:?}");
    last.unwrap()
}

async fn verified(ground: &Ground, source: &str) -> anyhow::Result<Verified> {
    verify(&arguments(ground, source, None)).await
}

/// Asks as the town's clerk about the first customer who will be answered.
async fn ask(ground: &Ground) -> Result<Told, wire::CallError> {
    let [customer, _] = ground.two_at_town_and_tax();
    let section = ground.ready.stage.section("town").unwrap();
    let clerk = musubi::desk::client(section, "clerk").unwrap();
    let ask = Ask {
        id: None,
        customer,
        affair: "child-allowance".parse_id(),
        item: "income".parse_id(),
        provider: PartyId::parse("tax").unwrap(),
    };
    clerk.post(INQUIRIES, &ask, Duration::from_secs(20)).await
}

trait ParseId<T> {
    fn parse_id(&self) -> T;
}

impl ParseId<words::AffairId> for str {
    fn parse_id(&self) -> words::AffairId {
        words::AffairId::parse(self).unwrap()
    }
}

impl ParseId<words::ItemId> for str {
    fn parse_id(&self) -> words::ItemId {
        words::ItemId::parse(self).unwrap()
    }
}

fn database(ground: &Ground, room: &str) -> rusqlite::Connection {
    let file = ground.folder.path().join(room).join(format!("{room}.db"));
    rusqlite::Connection::open(file).unwrap()
}

pub async fn reconcile(ground: &Ground) -> Reconciliation {
    let section = ground.ready.stage.section("oversight").unwrap();
    let officer = musubi::desk::client(section, "officer").unwrap();
    officer.post(RECONCILIATIONS, &Reconcile::default(), Duration::from_secs(60)).await.unwrap()
}

/// How a room says that it is.
async fn health(ground: &Ground, room: &str) -> (HealthState, Vec<Trouble>) {
    let client = musubi::desk::client(ground.ready.stage.section(room).unwrap(), "operator").unwrap();
    let health: Health = client.get("/health", Duration::from_secs(5)).await.unwrap();
    (health.state, health.why)
}

/// Without witnesses, and without the law, a room says so, answers nothing, and goes on by itself when they are back.
#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_nobody_sees_or_that_has_no_law_says_so_and_heals() {
    let mut ground = Ground::new(100).await;
    ask(&ground).await.unwrap();
    assert!(witnessed(&ground, "town", 4).await.size > 0);
    assert_eq!(health(&ground, "town").await.0, HealthState::Up);
    // All who witness the town's ledger are away for more than a minute.
    let around = ["oversight", "trustee", "linkage", "authority"];
    for room in around {
        ground.ready.stage.stop_room(room).await.unwrap();
    }
    let unseen = (HealthState::Degraded, vec![Trouble::Unwitnessed]);
    assert!(
        eventually(90, async || health(&ground, "town").await == unseen).await,
        "nobody misses the witnesses"
    );
    let Err(wire::CallError::Problem(problem)) = ask(&ground).await else { panic!("an unseen room asks") };
    assert_eq!(problem.reason, Reason::Unwitnessed);

    // Linkage comes back with no copy of the law, while oversight is still away.
    {
        let linkage = database(&ground, "linkage");
        linkage.execute("DELETE FROM document WHERE name IN ('accreditations', 'whitelist')", []).unwrap();
    }
    for room in ["authority", "linkage", "trustee"] {
        ground.ready.stage.start_room(room).await.unwrap();
    }
    assert!(
        eventually(30, async || health(&ground, "linkage").await.1.contains(&Trouble::LawTooOld)).await,
        "{:?}",
        health(&ground, "linkage").await
    );
    assert!(eventually(60, async || health(&ground, "town").await.0 == HealthState::Up).await);
    let Err(wire::CallError::Problem(problem)) = ask(&ground).await else { panic!("decided without a law") };
    assert_eq!(problem.reason, Reason::ListTooOld);

    ground.ready.stage.start_room("oversight").await.unwrap();
    assert!(eventually(60, async || health(&ground, "linkage").await.0 == HealthState::Up).await);
    assert!(eventually(60, async || ask(&ground).await.is_ok()).await, "it does not heal");
}

async fn alarmed(ground: &Ground, kind: FindingKind, party: &str, seconds: u32) -> bool {
    let section = ground.ready.stage.section("oversight").unwrap();
    let officer = musubi::desk::client(section, "officer").unwrap();
    eventually(seconds, async || {
        let alarms: Vec<AlarmLine> = officer.get(ALARMS, Duration::from_secs(5)).await.unwrap();
        alarms
            .iter()
            .any(|alarm| alarm.kind == kind && alarm.party.as_ref().is_some_and(|at| at.as_str() == party))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ledger_is_witnessed_and_verifies_from_outside_by_two_programs() {
    let ground = Ground::new(100).await;
    ask(&ground).await.unwrap();
    let kept = ground.folder.path().join("kept");
    for room in rooms() {
        let wanted = if ["authority", "oversight", "linkage", "trustee"].contains(&room) { 3 } else { 4 };
        let last = witnessed(&ground, room, wanted).await;
        assert_eq!(last.origin, format!("musubi/{room}"));

        // Kept in a folder, verified there, and by the other program.
        let folder = kept.join(room);
        let fetched = verify(&arguments(&ground, room, Some(folder.clone()))).await.unwrap();
        let again = verified(&ground, folder.to_str().unwrap()).await.unwrap();
        assert_eq!((again.size, again.goes_on_from), (fetched.size, vec![fetched.size]));
        let mut python = Command::new("python3");
        python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol/verify_log.py"));
        python.arg(&folder).args(["--key", &fetched.key]);
        for key in &fetched.witness_keys {
            python.args(["--witness", key]);
        }
        let output = python.output().expect("python3 is there");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        let names: Vec<_> = fetched.witnesses.iter().map(|(name, _)| name.as_str()).collect();
        assert!(said.contains(&format!("{} entries verified", fetched.size)), "{said}");
        assert!(names.iter().all(|name| said.contains(name)), "{said}");
    }
    // A byte of an entry changed: both programs say no.
    let folder = kept.join("linkage");
    let key = verified(&ground, folder.to_str().unwrap()).await.unwrap().key;
    let bundle = std::fs::read_dir(folder.join("tile/entries")).unwrap().next().unwrap().unwrap().path();
    let bundle = if bundle.is_dir() {
        std::fs::read_dir(bundle).unwrap().next().unwrap().unwrap().path()
    } else {
        bundle
    };
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[7] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let error = verified(&ground, folder.to_str().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("entries were changed"), "{error}");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol/verify_log.py");
    let output = Command::new("python3").arg(script).arg(&folder).args(["--key", &key]).output().unwrap();
    assert!(!output.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn records_agree_on_all_sides_and_a_side_that_is_missing_is_found() {
    let ground = Ground::new(300).await;
    ask(&ground).await.unwrap();
    // A member that asks and keeps no record of it.
    let member = ground.member("town").await;
    let [number, _] = ground.two_at_town_and_tax();
    let tax = PartyId::parse("tax").unwrap();
    let (unrecorded, _) = member.compose(&number, "child-allowance", "income", &tax).await.unwrap();
    member.send(&member.sign(&unrecorded)).await.unwrap();
    member.close().await;

    assert!(alarmed(&ground, FindingKind::MissingSide, "town", 60).await, "no alarm within a minute");
    let report = reconcile(&ground).await;
    // Oversight looks at every other room's.
    let others = ground.ready.stage.file.sections.len() - 1;
    assert!(
        report.ledgers.len() == others && report.ledgers.iter().all(|one| one.verified == Some(true)),
        "{report:?}"
    );
    assert!(report.agreed > 5, "{report:?}");
    let found: Vec<_> = report.findings.iter().map(|one| (one.kind, one.act, one.party.as_str())).collect();
    assert_eq!(found, [(FindingKind::MissingSide, Some(unrecorded.id), "town")], "{report:?}");
}

/// A row edited while the room runs: whoever verifies sees it at once, oversight's watch within a minute; the room itself at
/// its next start, and it answers nothing from then on.
#[tokio::test(flavor = "multi_thread")]
async fn an_edited_row_is_found_by_everybody() {
    let mut ground = Ground::new(100).await;
    ask(&ground).await.unwrap();
    assert!(witnessed(&ground, "trustee", 1).await.size > 0);
    database(&ground, "trustee").execute("UPDATE leaf SET hash = zeroblob(32) WHERE seq = 1", []).unwrap();
    let error = verified(&ground, "trustee").await.unwrap_err();
    assert!(error.to_string().contains("entries were changed"), "{error}");
    let report = reconcile(&ground).await;
    assert!(
        report
            .findings
            .iter()
            .any(|one| one.kind == FindingKind::LedgerBroken && one.party.as_str() == "trustee"),
        "{report:?}"
    );

    ground.ready.stage.stop_room("trustee").await.unwrap();
    ground.ready.stage.start_room("trustee").await.unwrap();
    assert!(matches!(ground.house("trustee").road.ledger_fault(), Some(LedgerFault::Changed { .. })));
    let Err(wire::CallError::Problem(problem)) = ask(&ground).await else { panic!("the trustee answers") };
    assert_eq!(problem.reason, Reason::LedgerBroken);
    assert!(ground.refusals("trustee", Reason::LedgerBroken).await > 0, "the refusal is not recorded");
    assert_eq!(health(&ground, "trustee").await, (HealthState::Degraded, vec![Trouble::LedgerBroken]));
}

/// The tail cut and the room's own checkpoints with it, or an old backup put in its place: its witnesses remember.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_tail_and_an_old_backup_are_found_by_the_witnesses() {
    let mut ground = Ground::new(100).await;
    ask(&ground).await.unwrap();
    assert!(witnessed(&ground, "tax", 4).await.size > 2);
    ground.ready.stage.stop_room("tax").await.unwrap();
    {
        let tax = database(&ground, "tax");
        tax.execute("DELETE FROM leaf WHERE seq > (SELECT MAX(seq) - 2 FROM leaf)", []).unwrap();
        tax.execute("DELETE FROM checkpoint", []).unwrap();
    }
    ground.ready.stage.start_room("tax").await.unwrap();
    let found = eventually(15, async || {
        matches!(ground.house("tax").road.ledger_fault(), Some(LedgerFault::Shorter { .. }))
    })
    .await;
    assert!(found, "nobody noticed within 15 s");
    assert!(ask(&ground).await.is_err());

    // The town: its database as it was, put back after it went on.
    let folder = ground.folder.path().join("town");
    ground.ready.stage.stop_room("town").await.unwrap();
    std::fs::copy(folder.join("town.db"), folder.join("old.db")).unwrap();
    ground.ready.stage.start_room("town").await.unwrap();
    let before = verified(&ground, "town").await.unwrap().size;
    // The tax agency is down, so this fails; the town records that all the same.
    assert!(ask(&ground).await.is_err());
    assert!(witnessed(&ground, "town", 1).await.size > before);
    ground.ready.stage.stop_room("town").await.unwrap();
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.join(format!("town.db{suffix}")));
    }
    std::fs::copy(folder.join("old.db"), folder.join("town.db")).unwrap();
    ground.ready.stage.start_room("town").await.unwrap();
    let found = eventually(15, async || {
        matches!(ground.house("town").road.ledger_fault(), Some(LedgerFault::Shorter { .. }))
    })
    .await;
    assert!(found, "an old backup went unnoticed for 15 s");
    let Err(wire::CallError::Problem(problem)) = ask(&ground).await else { panic!("the town asks") };
    assert_eq!(problem.reason, Reason::LedgerBroken);
}

/// A leaf dropped from the middle: the room's own checkpoints do not lead there.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_leaf_is_found_at_the_next_start_and_by_whoever_verifies() {
    let mut ground = Ground::new(100).await;
    ask(&ground).await.unwrap();
    assert!(witnessed(&ground, "linkage", 1).await.size > 2);
    ground.ready.stage.stop_room("linkage").await.unwrap();
    database(&ground, "linkage").execute("DELETE FROM leaf WHERE seq = 2", []).unwrap();
    ground.ready.stage.start_room("linkage").await.unwrap();
    assert!(ground.house("linkage").road.ledger_fault().is_some());
    assert!(ask(&ground).await.is_err());
}

/// Two different trees of one size, each signed, shown to two viewers: the witness that sees both says so.
#[tokio::test(flavor = "multi_thread")]
async fn two_histories_are_an_alarm() {
    let ground = Ground::new(100).await;
    ask(&ground).await.unwrap();
    assert!(witnessed(&ground, "town", 4).await.size > 0);
    let town = ground.house("town");
    let note = town.road.checkpoint().await.unwrap();
    let head = Checkpoint::parse(&note.text).unwrap();
    let other = Checkpoint { root: [9; 32], ..head.clone() };
    let text = other.text();
    let signatures = vec![sign(&other.origin, &town.signing, &text).unwrap()];
    let request = AddCheckpoint { old: head.size, proof: Vec::new(), checkpoint: Note { text, signatures } };
    let oversight = ground.entry("oversight");
    let (status, _) = town_post(&ground, &oversight, request.to_string()).await;
    assert_eq!(status, 409);
    assert!(alarmed(&ground, FindingKind::LedgerConflict, "town", 30).await, "no alarm within 30 s");
}

async fn town_post(ground: &Ground, to: &protocol::directory::Entry, text: String) -> (u16, String) {
    let pem = |file: &str| std::fs::read(ground.folder.path().join("town/keys").join(file)).unwrap();
    let root = ground.house("town").country.root_certificate.clone();
    let identity = wire::TlsIdentity::from_pem(&pem("tls.crt"), &pem("tls.key"), root.as_bytes()).unwrap();
    let path = protocol::ledger::ADD_CHECKPOINT;
    let peers = wire::Peers::new(identity);
    peers.post_text(&to.id, &to.address, path, text, Duration::from_secs(5)).await.unwrap()
}

/// A room whose clock goes back writes records that lie before those it wrote already.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_turned_back_is_an_alarm() {
    let mut ground = Ground::new(100).await;
    ask(&ground).await.unwrap();
    ground.ready.stage.stop_room("portal").await.unwrap();
    let section = ground.ready.stage.section("portal").unwrap();
    let earlier = World::real().now() - 600_000;
    let running = section.room.start(section.settings.clone(), World::simulated(7, earlier)).await.unwrap();
    // Something to record: a caller without a key.
    let (status, _) =
        wire::get_plain(&format!("http://{}/index/counts", running.inner), Duration::from_secs(5))
            .await
            .unwrap();
    assert_eq!(status, 401);
    assert!(alarmed(&ground, FindingKind::ClockBack, "portal", 60).await, "no alarm within a minute");
    running.stop().await;
}

/// Told in Japanese and English, each act with a proof that was checked here.
#[tokio::test(flavor = "multi_thread")]
async fn my_records_are_told_in_sentences_with_proofs_that_hold() {
    let ground = Ground::new(300).await;
    let told = ask(&ground).await.unwrap();
    let [number, _] = ground.two_at_town_and_tax();
    let row = ground.ready.truth.row(town(), &number).unwrap();
    let entry = format!("{:07}", row.resident.unwrap());
    let config = ground.folder.path().join("musubi.toml");
    let mut last = Vec::new();
    let holds = eventually(20, async || {
        let (directory, records) = musubi::picker::my_records(&config, &entry).await.unwrap();
        last = records
            .acts
            .iter()
            .map(|act| musubi::my_records_command::tell(act, &directory))
            .collect::<Vec<_>>();
        last.iter().any(|one| one.act == told.id.to_string())
            && last.iter().all(|one| {
                matches!(&one.checked, musubi::my_records_command::Checked::Holds { witnessed_by } if !witnessed_by.is_empty())
            })
    })
    .await;
    assert!(holds, "{last:#?}");
    let asked = last.iter().find(|one| one.act == told.id.to_string()).unwrap();
    assert!(
        asked.ja.contains("児童手当の支給のために") && asked.ja.contains("返事が届きました"),
        "{}",
        asked.ja
    );
    assert!(asked.en.contains("your income") && asked.en.contains("A reply was delivered"), "{}", asked.en);
    assert!(last.iter().any(|one| one.en.contains("link code")), "{last:#?}");

    // Another person's records are others: nobody reads this act there.
    let [_, other] = ground.two_at_town_and_tax();
    let row = ground.ready.truth.row(town(), &other).unwrap();
    let entry = format!("{:07}", row.resident.unwrap());
    let (_, records) = musubi::picker::my_records(&config, &entry).await.unwrap();
    assert!(records.acts.iter().all(|act| act.act != told.id));
    // Nothing of it is kept: neither linkage nor the portal can show later which acts were looked at together.
    for room in ["linkage", "portal"] {
        let kept: i64 = database(&ground, room)
            .query_row(
                "SELECT COUNT(*) FROM act WHERE verb IN ('own_records', 'my_records') AND reply IS NOT NULL",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(kept, 0, "{room} keeps what a person was shown");
    }
}

/// An administrator of linkage, with linkage's own keys, writes another item into a record of an inquiry, seals it and hashes it
/// anew: who verifies finds it, oversight finds it, and the person's own proof does not hold any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_rewritten_by_linkages_administrator_is_found_by_all_three() {
    use musubi::my_records_command::{Checked, tell};
    let ground = Ground::new(300).await;
    let told = ask(&ground).await.unwrap();
    let [number, _] = ground.two_at_town_and_tax();
    let entry = format!("{:07}", ground.ready.truth.row(town(), &number).unwrap().resident.unwrap());
    let config = ground.folder.path().join("musubi.toml");
    let proof_holds = async || {
        let Ok((directory, records)) = musubi::picker::my_records(&config, &entry).await else {
            return false;
        };
        let mine = records.acts.iter().map(|act| tell(act, &directory));
        mine.filter(|one| one.act == told.id.to_string())
            .any(|one| matches!(&one.checked, Checked::Holds { witnessed_by } if !witnessed_by.is_empty()))
    };
    assert!(eventually(20, proof_holds).await, "an honest record's proof holds");
    assert!(verified(&ground, "linkage").await.is_ok());

    let file = database(&ground, "linkage");
    let sql =
        "SELECT seq, salt, record, shelf FROM leaf WHERE act = ?1 AND verb = 'inquire' AND step = 'decision'";
    let (seq, salt, sealed, shelf): (i64, Vec<u8>, Vec<u8>, String) = file
        .query_row(sql, [told.id.bytes().as_slice()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    let linkage = ground.house("linkage");
    let key = linkage.keys.retention(&shelf, &linkage.dice, false).unwrap();
    let opened = key.open("leaf", &salt, "record", &sealed).unwrap();
    let mut record = road::Record::read(&opened).unwrap();
    assert_eq!(record.field("item").and_then(|item| item.as_str()), Some("income"));
    record.set("item", "wealth");
    let canonical = record.canonical();
    let hash = road::leaf_hash(salt.as_slice().try_into().unwrap(), &canonical);
    let sealed = key.seal("leaf", &salt, "record", &canonical);
    file.busy_timeout(Duration::from_secs(5)).unwrap();
    let sql = "UPDATE leaf SET record = ?2, hash = ?3 WHERE seq = ?1";
    assert_eq!(file.execute(sql, rusqlite::params![seq, sealed, hash.as_slice()]).unwrap(), 1);

    let error = verified(&ground, "linkage").await.unwrap_err();
    assert!(error.to_string().contains("entries were changed"), "{error}");
    let report = reconcile(&ground).await;
    let broken = |one: &protocol::audit::Finding| {
        one.kind == FindingKind::LedgerBroken && one.party.as_str() == "linkage"
    };
    assert!(report.findings.iter().any(broken), "{report:?}");
    assert!(!proof_holds().await, "the person's proof of a rewritten record holds");
}

/// A proof is of one record: a changed text, another's receipt, no witness are all seen.
#[tokio::test(flavor = "multi_thread")]
async fn assertions_and_proofs_that_do_not_hold_are_refused() {
    let ground = Ground::new(200).await;
    let told = ask(&ground).await.unwrap();
    let [number, _] = ground.two_at_town_and_tax();
    let row = ground.ready.truth.row(town(), &number).unwrap();
    let config = ground.folder.path().join("musubi.toml");
    let entry = format!("{:07}", row.resident.unwrap());
    let mut found = None;
    assert!(
        eventually(20, async || {
            let (directory, records) = musubi::picker::my_records(&config, &entry).await.unwrap();
            let act = records.acts.into_iter().find(|act| act.act == told.id);
            found = act.map(|act| (act, directory));
            found.as_ref().is_some_and(|(act, _)| {
                act.records.len() == 2 && act.records.iter().all(|one| one.receipt.is_some())
            })
        })
        .await
    );
    let (act, directory) = found.unwrap();
    use musubi::my_records_command::{Checked, tell};
    assert!(matches!(tell(&act, &directory).checked, Checked::Holds { .. }));
    let mut changed = act.clone();
    changed.records[0].text = changed.records[0].text.replace("income", "estate");
    assert_eq!(tell(&changed, &directory).checked, Checked::Broken);
    let mut moved = act.clone();
    moved.records[0].receipt = moved.records[1].receipt.clone();
    assert_eq!(tell(&moved, &directory).checked, Checked::Broken);

    let unknown = musubi::picker::my_records(&config, "9999999").await.unwrap_err();
    assert!(unknown.to_string().contains("not_found"), "{unknown}");
    // A room that is not configured for a demo takes no such assertion.
    let text = std::fs::read_to_string(&config).unwrap().replace("demo = true\n", "");
    std::fs::write(&config, text).unwrap();
    let mut ground = ground;
    for room in ["portal", "linkage", "registry"] {
        ground.ready.stage.stop_room(room).await.unwrap();
    }
    ground.ready.stage.file = musubi::config_file::ConfigFile::read(&config).unwrap();
    for room in ["registry", "linkage", "portal"] {
        ground.ready.stage.start_room(room).await.unwrap();
    }
    let refused = musubi::picker::my_records(&config, &entry).await.unwrap_err();
    assert!(refused.to_string().contains("unauthenticated"), "{refused}");
}

/// Decisions of both transcryptors come out again under the law of their day, whatever the law has become; erased ones are gone
/// from everybody's sight, and everything else still verifies.
#[tokio::test(flavor = "multi_thread")]
async fn past_decisions_are_decided_again_and_end_with_their_period() {
    use protocol::audit::{REPLAY, Replayed};
    use protocol::desk::{ERASURES, Erase, ErasedShelf};
    let ground = Ground::new(300).await;
    let told = ask(&ground).await.unwrap();
    let config = ground.folder.path().join("musubi.toml");
    // The law changes: the town is suspended.
    musubi::desk::change_standing(&config, "town", rules::Standing::Suspended, "a test").await.unwrap();
    let replayed = async |room: &str, act: words::ActId| -> Result<Replayed, wire::CallError> {
        let section = ground.ready.stage.section(room).unwrap();
        let operator = musubi::desk::client(section, "operator").unwrap();
        operator.get(&REPLAY.replace("{id}", &act.to_string()), Duration::from_secs(5)).await
    };
    let mut refused = None;
    assert!(
        eventually(20, async || {
            // Either transcryptor may hear of it first; the one looked at here is linkage.
            match ask(&ground).await {
                Err(wire::CallError::Problem(problem))
                    if problem.reason == Reason::AccreditationSuspended =>
                {
                    refused = problem.act;
                    let again = replayed("linkage", problem.act.unwrap()).await.unwrap();
                    again.recorded == "accreditation_suspended"
                }
                _ => false,
            }
        })
        .await
    );
    for room in ["linkage", "trustee"] {
        let again = replayed(room, told.id).await.unwrap();
        assert!(again.agrees && again.replayed == "permitted" && again.basis.is_some(), "{again:?}");
    }
    let again = replayed("linkage", refused.unwrap()).await.unwrap();
    assert!(again.agrees && again.replayed == "accreditation_suspended", "{again:?}");
    assert!(
        again.accreditations_version > replayed("linkage", told.id).await.unwrap().accreditations_version
    );

    let before = witnessed(&ground, "linkage", 1).await.size;
    let year = 2026 + 8 + 1;
    let as_of = words::Date::parse(&format!("{year}-01-01")).unwrap();
    for room in ["linkage", "portal"] {
        let section = ground.ready.stage.section(room).unwrap();
        let operator = musubi::desk::client(section, "operator").unwrap();
        let erased: Vec<ErasedShelf> =
            operator.post(ERASURES, &Erase { as_of }, Duration::from_secs(20)).await.unwrap();
        assert!(
            erased.iter().any(|one| one.shelf.starts_with("provision/") && one.records > 0),
            "{erased:?}"
        );
    }
    assert!(replayed("linkage", told.id).await.is_err(), "the decision is gone");
    // A room that is no demo's ends no period before its time.
    let town = musubi::desk::client(ground.ready.stage.section("town").unwrap(), "operator").unwrap();
    let early =
        town.post::<Vec<ErasedShelf>>(ERASURES, &Erase { as_of }, Duration::from_secs(20)).await.unwrap_err();
    assert_eq!(early.reason(), words::Reason::Malformed);
    // And one whose month was ended goes on recording.
    assert_eq!(ask(&ground).await.unwrap_err().reason(), words::Reason::AccreditationSuspended);
    let entries: i64 =
        database(&ground, "portal").query_row("SELECT COUNT(*) FROM entry", [], |row| row.get(0)).unwrap();
    assert_eq!(entries, 0, "the index is gone");
    assert!(witnessed(&ground, "linkage", 1).await.size > before, "the ledger goes on, and verifies whole");
}

/// A room that shows its ledger to nobody any more, whether it stands still or hides: oversight says so after a minute.
#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_not_shown_any_more_is_an_alarm_after_a_minute() {
    let mut ground = Ground::new(100).await;
    ask(&ground).await.unwrap();
    assert!(witnessed(&ground, "tax", 4).await.size > 0);
    ground.ready.stage.stop_room("tax").await.unwrap();
    assert!(!alarmed(&ground, FindingKind::LedgerSilent, "tax", 10).await, "a room may restart in peace");
    // A heartbeat every 20 s; silent after 60 s; a round of the watch every 5 s, and what it waits for rooms that are away.
    assert!(alarmed(&ground, FindingKind::LedgerSilent, "tax", 90).await, "nobody missed it");
    assert!(!alarmed(&ground, FindingKind::LedgerSilent, "town", 1).await, "the town shows its ledger");
}
