//! A trustee with two replicas: acts are brought to both; while one is there, inquiries are answered, whichever it is, and
//! everybody's records agree on it.

use std::time::Duration;

use musubi::keeping_command::{ReplayArgs, replay};
use protocol::audit::Reconciliation;
use protocol::desk::{Ask, INQUIRIES, Told};
use wire::CallError;
use words::{ActId, AffairId, Epoch, ItemId, PartyId, Reason};
use world::World;

use crate::ground::Ground;
use crate::ledgers::reconcile;
use crate::rotation::turn;

const REPLICAS: [&str; 2] = ["trustee", "trustee-2"];

/// How many acts of inquiries a room has brought to their end.
async fn brought(ground: &Ground, room: &str) -> usize {
    let summary = ground.house(room).road.summary().await.unwrap();
    let done = summary.iter().filter(|line| line.verb == "inquire" && line.state == "done");
    done.map(|line| usize::try_from(line.count).unwrap()).sum()
}

/// A clerk of the town asks the tax agency, so often; all must be answered.
async fn answered(ground: &Ground, times: usize) -> Vec<ActId> {
    let clerk = musubi::desk::client(ground.ready.stage.section("town").unwrap(), "clerk").unwrap();
    let [customer, _] = ground.two_at_town_and_tax();
    let mut ids = Vec::new();
    for _ in 0..times {
        let id = ActId::new(World::real().random());
        let ask = Ask {
            id: Some(id),
            customer: customer.clone(),
            affair: AffairId::parse("child-allowance").unwrap(),
            item: ItemId::parse("income").unwrap(),
            provider: PartyId::parse("tax").unwrap(),
        };
        let told: Result<Told, CallError> = clerk.post(INQUIRIES, &ask, Duration::from_secs(20)).await;
        told.unwrap_or_else(|error| panic!("not answered: {error:?}"));
        ids.push(id);
    }
    ids
}

async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..300 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{what} does not come to be");
}

async fn entered(ground: &Ground, acts: &[ActId]) {
    eventually("an entry in the person's index", async || {
        let mut all = true;
        for act in acts {
            let lines = ground.house("portal").road.lines_of(*act).await.unwrap();
            all &= lines.iter().filter(|line| line.verb == "index" && line.state == "done").count() == 1;
        }
        all
    })
    .await;
}

/// Oversight joins the records of all sides: every act agrees. It waits until the youngest has settled.
async fn all_agree(ground: &Ground) -> Reconciliation {
    tokio::time::sleep(Duration::from_secs(31)).await;
    let found = reconcile(ground).await;
    assert!(found.findings.is_empty(), "{:?}", found.findings);
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn either_replica_serves_while_the_other_is_lost_and_all_records_agree() {
    let mut ground = Ground::with_trustees(2, 200).await;
    let mut asked = answered(&ground, 24).await;
    let (first, second) = (brought(&ground, "trustee").await, brought(&ground, "trustee-2").await);
    assert!(first > 3 && second > 3 && first + second == 24, "spread over both: {first} and {second}");
    // Codes were given out by both, and each shows what it converted.
    let section = ground.ready.stage.section("oversight").unwrap();
    let officer = musubi::desk::client(section, "officer").unwrap();
    let mut shown_by = std::collections::BTreeSet::new();
    for act in &asked {
        let path = format!("/proofs/{act}");
        let proved: Vec<protocol::proof::Proved> =
            officer.post(&path, &serde_json::json!({}), Duration::from_secs(10)).await.unwrap();
        assert!(proved.len() == 4 && proved.iter().all(|one| one.holds), "{proved:?}");
        shown_by.extend(proved.into_iter().map(|one| one.party.to_string()));
    }
    assert!(REPLICAS.iter().all(|replica| shown_by.contains(*replica)), "{shown_by:?}");

    let config = ground.folder.path().join("musubi.toml");
    let args = |act: ActId| ReplayArgs { id: act.to_string(), config: config.clone() };
    for lost in REPLICAS {
        ground.ready.stage.stop_room(lost).await.unwrap();
        asked.extend(answered(&ground, 8).await);
        // A room that comes now gets its session from the replica that is there.
        ground.ready.stage.stop_room("tax").await.unwrap();
        ground.ready.stage.start_room("tax").await.unwrap();
        asked.extend(answered(&ground, 2).await);
        // Past decisions come out again at whoever is there.
        replay(&args(asked[0])).await.unwrap();
        assert!(replay(&args(ActId::new([9; 16]))).await.is_err(), "an act that never was");
        ground.ready.stage.start_room(lost).await.unwrap();
    }
    entered(&ground, &asked).await;

    // Without either: refused plainly, and the entry comes when one is back.
    for lost in REPLICAS {
        ground.ready.stage.stop_room(lost).await.unwrap();
    }
    let member = ground.member("town").await;
    let [number, _] = ground.two_at_town_and_tax();
    let tax = PartyId::parse("tax").unwrap();
    let composed = member.compose(&number, "child-allowance", "income", &tax).await;
    assert!(composed.is_err(), "a new session needs the trustee");
    ground.ready.stage.start_room("trustee-2").await.unwrap();
    let (inquiry, _) = member.compose(&number, "child-allowance", "income", &tax).await.unwrap();
    ground.ready.stage.stop_room("trustee-2").await.unwrap();
    let refused = member.send(&member.sign(&inquiry)).await;
    let Err(CallError::Problem(problem)) = refused else { panic!("answered without the trustee") };
    assert_eq!(problem.reason, Reason::Unavailable);
    ground.ready.stage.start_room("trustee").await.unwrap();
    entered(&ground, &[inquiry.id]).await;
    ground.ready.stage.start_room("trustee-2").await.unwrap();
    member.close().await;

    let found = all_agree(&ground).await;
    assert!(found.acts > 40 && found.agreed == found.acts, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_away_learns_of_sessions_and_epochs_and_serves_alone() {
    let mut ground = Ground::with_trustees(2, 150).await;
    answered(&ground, 2).await;
    ground.ready.stage.stop_room("trustee-2").await.unwrap();
    // Meanwhile the town's codes are replaced: an epoch and sessions that this replica never heard of.
    let done = turn(&ground, "town").await.unwrap();
    assert_eq!((done.epoch, done.left), (Epoch(1), 0));
    answered(&ground, 2).await;
    // It has lost its sessions too, as after a restore from an old backup.
    let file = ground.folder.path().join("trustee-2/trustee-2.db");
    rusqlite::Connection::open(file).unwrap().execute("DELETE FROM session", []).unwrap();
    ground.ready.stage.start_room("trustee-2").await.unwrap();
    let changed = async || {
        let summary = ground.house("trustee-2").road.summary().await.unwrap();
        summary.iter().filter(|line| line.verb == "change_epoch" && line.state == "done").count() > 0
    };
    eventually("the word of the epoch at the replica that was away", changed).await;
    ground.ready.stage.stop_room("trustee").await.unwrap();
    let alone = answered(&ground, 4).await;
    entered(&ground, &alone).await;
    assert!(brought(&ground, "trustee-2").await >= 4);
}

/// A country that began with one trustee is given another: a section more, and the ceremony once more.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_added_to_a_country_that_runs() {
    let mut ground = Ground::new(120).await;
    answered(&ground, 1).await;
    // Codes were replaced twice before it comes: it must learn of epochs that nobody tells it.
    assert_eq!(turn(&ground, "town").await.unwrap().epoch, Epoch(1));
    // The next one is refused while the old codes of this one are still taken.
    eventually("a second rotation", async || turn(&ground, "town").await.is_ok()).await;
    let config = ground.folder.path().join("musubi.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let (_, first) = text.split_once("\n[trustee]\n").unwrap();
    let first = first.split("\n[").next().unwrap();
    let section = &ground.ready.stage.section("trustee").unwrap().settings.common;
    let ports = musubi::demo_run::country::free_ports(2).unwrap();
    let second = first
        .replace(&section.outer.to_string(), &format!("127.0.0.1:{}", ports[0]))
        .replace(&section.inner.to_string(), &format!("127.0.0.1:{}", ports[1]))
        .replace("trustee/", "trustee-2/");
    std::fs::write(&config, format!("{text}\n[trustee-2]\nroom = \"trustee\"\n{second}")).unwrap();
    std::fs::create_dir_all(ground.folder.path().join("trustee-2")).unwrap();
    let mut told = Vec::new();
    let say = |line: &str| told.push(line.to_owned());
    musubi::ceremony::run(&config, None, None, &World::real(), say).await.unwrap();
    assert!(told.iter().any(|line| line.contains("new replicas")), "{told:?}");
    ground.ready.stage.file = musubi::config_file::ConfigFile::read(&config).unwrap();
    ground.ready.stage.start_room("trustee-2").await.unwrap();
    // From the first moment nobody is refused by a room that has not heard of it.
    let known =
        async |rooms: &[&str]| rooms.iter().all(|room| ground.house(room).trustees().unwrap().len() == 2);
    let mut brought_there = 0;
    for _ in 0..60 {
        answered(&ground, 2).await;
        brought_there = brought(&ground, "trustee-2").await;
        if brought_there > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(brought_there > 0, "it is never brought anything");
    eventually("everybody's knowledge of it", async || known(&["linkage", "tax", "town", "portal"]).await)
        .await;
    ground.ready.stage.stop_room("trustee").await.unwrap();
    answered(&ground, 3).await;
    assert!(brought(&ground, "trustee-2").await >= brought_there + 3);
}

/// The only trustee, put back from a backup that is older than a rotation: it knows neither the epoch nor the sessions.
#[tokio::test(flavor = "multi_thread")]
async fn a_trustee_that_lost_what_it_knew_of_epochs_learns_it_again() {
    let mut ground = Ground::new(120).await;
    assert_eq!(turn(&ground, "town").await.unwrap().epoch, Epoch(1));
    answered(&ground, 1).await;
    ground.ready.stage.stop_room("trustee").await.unwrap();
    let file = ground.folder.path().join("trustee/trustee.db");
    let database = rusqlite::Connection::open(file).unwrap();
    database.execute_batch("DELETE FROM session; DELETE FROM epoch;").unwrap();
    ground.ready.stage.start_room("trustee").await.unwrap();
    answered(&ground, 2).await;
    let known: i64 =
        database.query_row("SELECT current FROM epoch WHERE party = 'town'", [], |row| row.get(0)).unwrap();
    assert_eq!(known, 1);
}

/// What anybody else signed is no word of the trustee's, whoever brings it; and only the trustee asks linkage what it stated.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_speaks_for_the_trustee() {
    let ground = Ground::with_trustees(2, 120).await;
    let asked = answered(&ground, 1).await;
    let (replica, other) = (ground.house("trustee"), ground.house("trustee-2"));
    let hop = |id: ActId| protocol::index::IndexHop {
        id,
        batch: false,
        to_epoch: Epoch(0),
        to_session: words::SessionName::parse("sc/v1/portal/20261123/1").unwrap(),
        taken: words::B64::from([1; 32]),
        given: words::B64::from([2; 32]),
    };
    let id = asked[0];
    for (signer, is_trustee) in
        [(replica, true), (other, true), (ground.house("linkage"), false), (ground.house("tax"), false)]
    {
        let signed = signer.sign(&hop(id));
        let read = ground.house("portal").verify_trustee::<protocol::index::IndexHop>(&signed);
        assert_eq!(read.is_ok(), is_trustee, "{}", signer.id);
        if let Ok((_, by)) = read {
            assert_eq!(by.id, signer.id);
        }
    }
    let ask = serde_json::json!({ "session": "sc/v1/town/20261123/1" });
    for caller in ["tax", "portal"] {
        let path = protocol::session::STATEMENT;
        let told: Result<serde_json::Value, CallError> =
            ground.house(caller).post(&ground.entry("linkage"), path, &ask, Duration::from_secs(5)).await;
        let Err(CallError::Problem(problem)) = told else { panic!("{caller} was told") };
        assert_eq!(problem.reason, Reason::NotAllowed);
    }
}
