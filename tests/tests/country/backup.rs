//! Backups of rooms that run: put back, a room goes on; put back too old, it notices; damaged or foreign ones change nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use musubi::backup_command::{BackupArgs, BackupKeyArgs, RestoreArgs, backup, make_key, restore};
use musubi::verify_log::{VerifyLogArgs, verify};
use protocol::desk::{Ask, INQUIRIES, Told};
use road::LedgerFault;
use words::{AffairId, ItemId, PartyId, Reason};

use crate::ground::Ground;

async fn ask(ground: &Ground) -> Result<Told, wire::CallError> {
    let [customer, _] = ground.two_at_town_and_tax();
    let clerk = musubi::desk::client(ground.ready.stage.section("town").unwrap(), "clerk").unwrap();
    let ask = Ask {
        id: None,
        customer,
        affair: AffairId::parse("child-allowance").unwrap(),
        item: ItemId::parse("income").unwrap(),
        provider: PartyId::parse("tax").unwrap(),
    };
    clerk.post(INQUIRIES, &ask, Duration::from_secs(20)).await
}

struct Safe<'a> {
    ground: &'a Ground,
    key: PathBuf,
}

impl<'a> Safe<'a> {
    fn new(ground: &'a Ground) -> Self {
        let key = ground.folder.path().join("backup-key");
        make_key(&BackupKeyArgs { folder: key.clone() }).unwrap();
        assert!(make_key(&BackupKeyArgs { folder: key.clone() }).is_err(), "a key is not made twice");
        Self { ground, key }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.ground.folder.path().join(name)
    }

    async fn take(&self, party: &str, name: &str) -> PathBuf {
        let out = self.file(name);
        let (config, to) = (self.file("musubi.toml"), self.key.join("backup.pub"));
        backup(&BackupArgs { config, party: party.into(), to, out: out.clone() }).await.unwrap();
        out
    }
}

fn wanted(folder: &Path, party: &str, from: &Path, entries: Option<PathBuf>) -> RestoreArgs {
    RestoreArgs {
        config: folder.join("musubi.toml"),
        party: party.into(),
        key: folder.join("backup-key"),
        from: from.to_owned(),
        entries,
    }
}

/// Takes a room's database from its place: its file, or all of its schema.
async fn move_away(ground: &Ground, party: &str, to: &str) {
    match &ground.ready.stage.section(party).unwrap().settings.common.database {
        store::Location::Sqlite(_) => {
            let folder = ground.folder.path().join(party);
            std::fs::rename(folder.join(format!("{party}.db")), folder.join(to)).unwrap();
        }
        store::Location::Postgres { url, schema } => {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            let gone = to.replace(['-', '.'], "_");
            let sql = format!("ALTER SCHEMA {schema} RENAME TO {schema}_{gone}");
            client.batch_execute(&sql).await.unwrap();
        }
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn eventually(seconds: u32, mut holds: impl AsyncFnMut() -> bool) -> bool {
    for _ in 0..seconds * 10 {
        if holds().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

/// Both ways a room comes back: whole, and behind its witnesses; the latter filled up from a kept copy of its ledger.
#[tokio::test(flavor = "multi_thread")]
async fn a_room_goes_on_from_its_backup_and_notices_one_that_is_too_old() {
    goes_on_and_notices(Ground::new(100).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_on_postgresql_goes_on_from_its_backup_too() {
    let Some(url) = store::testing::postgres_url() else { return };
    goes_on_and_notices(Ground::on_postgres(100, url).await).await;
}

async fn goes_on_and_notices(mut ground: Ground) {
    let folder = ground.folder.path().to_owned();
    ask(&ground).await.unwrap();
    // While it runs and answers: what was told before is in it, each record whole.
    let (old, kept) = {
        let safe = Safe::new(&ground);
        let (asked, old) = tokio::join!(
            async {
                for _ in 0..5 {
                    ask(&ground).await.unwrap();
                }
            },
            safe.take("tax", "old.backup")
        );
        let () = asked;
        (old, folder.join("kept"))
    };
    let told = ask(&ground).await.unwrap();
    // Kept by whoever verifies, when all of it has been seen.
    let keep = VerifyLogArgs {
        source: "tax".into(),
        country: None,
        config: Some(folder.join("musubi.toml")),
        keep: Some(kept.clone()),
        json: false,
    };
    let whole = eventually(20, async || {
        let written = ground.house("tax").road.leaves(None).await.unwrap().len();
        verify(&keep).await.is_ok_and(|seen| seen.size == written as u64)
    });
    assert!(whole.await);
    ground.ready.stage.stop_room("tax").await.unwrap();
    let newest = Safe { ground: &ground, key: folder.join("backup-key") }.take("tax", "newest.backup").await;

    // The newest one: as if nothing had been.
    move_away(&ground, "tax", "lost.db").await;
    restore(&wanted(&folder, "tax", &newest, None)).await.unwrap();
    ground.ready.stage.start_room("tax").await.unwrap();
    ask(&ground).await.unwrap();
    let lines = ground.house("tax").road.lines_of(told.id).await.unwrap();
    assert!(lines.iter().any(|line| line.verb == "answer" && line.state == "done"), "{lines:?}");
    assert!(
        eventually(20, async || verify(&keep).await.is_ok_and(|seen| !seen.goes_on_from.is_empty())).await
    );
    ground.ready.stage.stop_room("tax").await.unwrap();

    // An old one: the room notices before it answers anything, and says so in its log and to whoever asks.
    move_away(&ground, "tax", "lost-again.db").await;
    restore(&wanted(&folder, "tax", &old, None)).await.unwrap();
    ground.ready.stage.start_room("tax").await.unwrap();
    let Err(wire::CallError::Problem(problem)) = ask(&ground).await else { panic!("the tax agency answers") };
    assert_eq!(problem.reason, Reason::LedgerBroken);
    let fault = ground.house("tax").road.ledger_fault().unwrap();
    assert!(matches!(fault, LedgerFault::Shorter { .. }), "{fault}");
    assert!(fault.to_string().contains("musubi restore --entries"), "{fault}");
    ground.ready.stage.stop_room("tax").await.unwrap();

    // Filled up from the copy: it lacks what came after the copy was kept, so the room still says no.
    move_away(&ground, "tax", "old.db").await;
    restore(&wanted(&folder, "tax", &old, Some(kept.clone()))).await.unwrap();
    ground.ready.stage.start_room("tax").await.unwrap();
    let again = ask(&ground).await;
    let filled = ground.house("tax").road.leaves(None).await.unwrap();
    assert!(filled.iter().any(|leaf| leaf.verb == "restore"), "the restore is on record");
    // The copy was kept again after the newest backup was restored: it had all of it by then.
    assert!(again.is_ok(), "{again:?}");
    assert_eq!(ground.house("tax").road.ledger_fault(), None);
    assert!(
        eventually(20, async || verify(&keep).await.is_ok_and(|seen| !seen.goes_on_from.is_empty())).await
    );
    // What came after the backup is an entry and no more; what came before is as it was.
    let lost = filled.iter().filter(|leaf| leaf.verb == "lost").count();
    assert!(lost >= 2, "{lost}");
    assert!(filled.iter().filter(|leaf| leaf.verb == "answer").count() >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_restored_changes_nothing() {
    let mut ground = Ground::new(100).await;
    let folder = ground.folder.path().to_owned();
    ask(&ground).await.unwrap();
    let (of_tax, of_town) = {
        let safe = Safe::new(&ground);
        let config = safe.file("musubi.toml");
        let file = safe.take("tax", "tax.backup").await;
        let again =
            BackupArgs { config, party: "tax".into(), to: safe.key.join("backup.pub"), out: file.clone() };
        assert!(backup(&again).await.is_err(), "a file that is there is not overwritten");
        (file, safe.take("town", "town.backup").await)
    };
    let text = std::fs::read(&of_tax).unwrap();
    for word in ["SQLite format", "CREATE TABLE", "answer"] {
        assert!(!text.windows(word.len()).any(|part| part == word.as_bytes()), "{word} shows");
    }

    let running = restore(&wanted(&folder, "tax", &of_tax, None)).await.unwrap_err().to_string();
    assert!(running.contains("is running") && running.contains("動いています"), "{running}");
    ground.ready.stage.stop_room("tax").await.unwrap();
    let there = restore(&wanted(&folder, "tax", &of_tax, None)).await.unwrap_err().to_string();
    assert!(there.contains("move it away"), "{there}");
    move_away(&ground, "tax", "lost.db").await;
    let before = files(&folder.join("tax"));

    let said = async |from: &Path, key: &Path| {
        let args = RestoreArgs { key: key.to_owned(), ..wanted(&folder, "tax", from, None) };
        let error = format!("{:#}", restore(&args).await.unwrap_err());
        assert_eq!(files(&folder.join("tax")), before, "half of it stays: {error}");
        error
    };
    let key = folder.join("backup-key");
    let other = said(&of_town, &key).await;
    assert!(other.contains("town"), "{other}");
    for place in [3, 40, text.len() / 2, text.len() - 3] {
        let mut damaged = text.clone();
        damaged[place] ^= 4;
        let file = folder.join("damaged.backup");
        std::fs::write(&file, damaged).unwrap();
        let error = said(&file, &key).await;
        assert!(error.contains("damaged") && error.contains("壊れて"), "{error}");
    }
    std::fs::write(folder.join("cut.backup"), &text[..text.len() - 2000]).unwrap();
    assert!(said(&folder.join("cut.backup"), &key).await.contains("damaged"));
    let wrong = folder.join("another-key");
    make_key(&BackupKeyArgs { folder: wrong.clone() }).unwrap();
    let error = said(&of_tax, &wrong).await;
    assert!(error.contains("does not open with this key") && error.contains("開きません"), "{error}");
    // And then the right one, as if none of that had been.
    restore(&wanted(&folder, "tax", &of_tax, None)).await.unwrap();
    ground.ready.stage.start_room("tax").await.unwrap();
    ask(&ground).await.unwrap();
}
