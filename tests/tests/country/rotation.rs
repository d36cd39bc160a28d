//! An institution's codes are replaced while it asks and is asked: nothing fails, and afterwards the old ones are refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use musubi::rotate_command::{RotateArgs, rotate};
use protocol::desk::{Ask, INQUIRIES, ISSUE, Issued, Told};
use protocol::rotation::{Rotation, ToLinkage};
use seal::{Dice, KeyFolder};
use wire::CallError;
use words::{AffairId, Epoch, ItemId, PartyId, Reason};
use world::World;

use crate::ground::Ground;

const WITHIN: Duration = Duration::from_secs(20);
const GRACE: u32 = 3;

fn args(ground: &Ground, institution: &str) -> RotateArgs {
    RotateArgs {
        config: ground.folder.path().join("musubi.toml"),
        institution: institution.into(),
        grace: GRACE,
    }
}

pub async fn turn(ground: &Ground, institution: &str) -> anyhow::Result<Rotation> {
    rotate(&args(ground, institution), |_| {}).await
}

/// Clerks of the town ask the tax agency about two people, until they are told to stop; how many were answered.
fn asking(ground: &Ground, stop: &Arc<AtomicBool>) -> tokio::task::JoinHandle<usize> {
    let clerk = musubi::desk::client(ground.ready.stage.section("town").unwrap(), "clerk").unwrap();
    let people = ground.two_at_town_and_tax();
    let stop = Arc::clone(stop);
    tokio::spawn(async move {
        let mut answered = 0;
        while !stop.load(Ordering::Relaxed) {
            let asks = people.iter().map(|customer| {
                let ask = Ask {
                    id: None,
                    customer: customer.clone(),
                    affair: AffairId::parse("child-allowance").unwrap(),
                    item: ItemId::parse("income").unwrap(),
                    provider: PartyId::parse("tax").unwrap(),
                };
                let clerk = &clerk;
                async move { clerk.post::<Told>(INQUIRIES, &ask, WITHIN).await }
            });
            for told in futures_util::future::join_all(asks).await {
                told.unwrap_or_else(|error| panic!("failed after {answered}: {error:?}"));
                answered += 1;
            }
        }
        answered
    })
}

/// The codes in a gateway's own database, opened with its key.
fn codes(ground: &Ground, id: &str) -> Vec<Vec<u8>> {
    let dice = Dice::new(|buffer| World::real().fill(buffer));
    let key = KeyFolder::new(ground.folder.path().join(id).join("keys")).storage(&dice, false).unwrap();
    let database = rusqlite::Connection::open(ground.folder.path().join(format!("{id}/{id}.db"))).unwrap();
    let sql = "SELECT customer_index, code, next_code FROM customer WHERE code IS NOT NULL ORDER BY 1";
    let mut select = database.prepare(sql).unwrap();
    select
        .query_map([], |row| {
            let (index, code): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
            assert!(row.get::<_, Option<Vec<u8>>>(2)?.is_none(), "the next codes took their place");
            Ok(key.open("customer", &index, "code", &code).unwrap())
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn reason(result: Result<protocol::inquiry::Reply, CallError>) -> Reason {
    match result {
        Err(CallError::Problem(problem)) => problem.reason,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("answered"),
    }
}

async fn rotates_under_way(scheme: u8) {
    let ground = Ground::under(scheme, if scheme == 6 { 300 } else { 150 }).await;
    let before = (codes(&ground, "town"), codes(&ground, "tax"));
    let member = ground.member("town").await;
    let [number, _] = ground.two_at_town_and_tax();
    let tax = PartyId::parse("tax").unwrap();
    let (old, _) = member.compose(&number, "child-allowance", "income", &tax).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let clerks = asking(&ground, &stop);
    tokio::time::sleep(Duration::from_millis(500)).await;
    // First who asks, then who is asked.
    for institution in ["town", "tax"] {
        let done = turn(&ground, institution).await.unwrap();
        assert_eq!((done.epoch, done.left), (Epoch(1), 0));
        assert!(done.taken > 10 && done.old_until.is_some(), "{done:?}");
    }
    // An old code that arrives within the time is taken: both hold.
    let early = member.send(&member.sign(&old)).await;
    assert!(early.is_ok(), "scheme {scheme}: {early:?}");
    let (late, _) = member.compose(&number, "child-allowance", "income", &tax).await.unwrap();
    assert_eq!(late.subject.epoch, Epoch(0), "the member knows nothing of the switch");
    tokio::time::sleep(Duration::from_millis(u64::from(GRACE) * 1000 + 2500)).await;
    stop.store(true, Ordering::Relaxed);
    let answered = clerks.await.unwrap();
    assert!(answered > 10, "scheme {scheme}: {answered} were answered meanwhile, and none failed");

    // The time is over: the old code is refused, and told why; so is one that calls itself new.
    assert_eq!(reason(member.send(&member.sign(&late)).await), Reason::OldCode, "scheme {scheme}");
    let fresh = ground.member("town").await;
    let (mut posing, _) = fresh.compose(&number, "child-allowance", "income", &tax).await.unwrap();
    assert_eq!(posing.subject.epoch, Epoch(1));
    posing.subject.epoch = Epoch(0);
    assert_eq!(reason(fresh.send(&fresh.sign(&posing)).await), Reason::OldCode, "scheme {scheme}");
    // Every code is another, and there are as many.
    let after = (codes(&ground, "town"), codes(&ground, "tax"));
    for (before, after) in [(&before.0, &after.0), (&before.1, &after.1)] {
        assert_eq!(before.len(), after.len());
        assert!(after.iter().all(|code| !before.contains(code)), "scheme {scheme}");
    }
    // It stands in the records of all three, and no alarm was raised.
    for (room, verb) in [("linkage", "rotate"), ("trustee", "change_epoch"), ("town", "take_over_codes")] {
        let leaves = ground.house(room).road.leaves(None).await.unwrap();
        let count = leaves
            .iter()
            .filter(|leaf| leaf.record.field("verb").and_then(|value| value.as_str()) == Some(verb))
            .count();
        assert!(count >= 2, "{room} has no record of {verb}");
    }
    member.close().await;
    fresh.close().await;
    ground.ready.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_replaced_under_way_and_old_ones_stop_blind() {
    rotates_under_way(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_replaced_under_way_and_old_ones_stop_by_table() {
    rotates_under_way(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_replaced_under_way_and_old_ones_stop_by_encryption() {
    rotates_under_way(2).await;
}

/// Where a code is shared, or is a number, one institution's cannot be replaced; nor can the portal's.
#[tokio::test(flavor = "multi_thread")]
async fn a_shared_code_is_not_replaced_for_one() {
    let ground = Ground::under(5, 100).await;
    let error = turn(&ground, "town").await.unwrap_err().to_string();
    assert!(error.contains("[cannot_rotate]") && error.contains("この方式では"), "{error}");
    let ground = Ground::new(100).await;
    assert!(turn(&ground, "portal").await.unwrap_err().to_string().contains("[cannot_rotate]"));
    assert!(turn(&ground, "nobody").await.unwrap_err().to_string().contains("[unknown_party]"));
}

/// A rotation that is broken off anywhere loses nothing: the old codes go on, and the next call finishes it.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_broken_off_is_gone_on_with() {
    let mut ground = Ground::new(300).await;
    let answered = async |ground: &Ground| {
        let stop = Arc::new(AtomicBool::new(false));
        let clerks = asking(ground, &stop);
        tokio::time::sleep(Duration::from_millis(100)).await;
        stop.store(true, Ordering::Relaxed);
        clerks.await.unwrap()
    };
    // The institution is away.
    ground.ready.stage.stop_room("town").await.unwrap();
    assert!(turn(&ground, "town").await.is_err());
    ground.ready.stage.start_room("town").await.unwrap();
    assert!(answered(&ground).await > 0);
    // Linkage and the trustee start again and know what was opened.
    for room in ["linkage", "trustee"] {
        ground.ready.stage.stop_room(room).await.unwrap();
        ground.ready.stage.start_room(room).await.unwrap();
    }
    assert!(answered(&ground).await > 0);
    let done = turn(&ground, "town").await.unwrap();
    assert_eq!((done.epoch, done.left), (Epoch(1), 0));
    assert!(answered(&ground).await > 0);
    // Everybody starts again after the switch, before the old codes have ended.
    for room in ["town", "linkage", "trustee"] {
        ground.ready.stage.stop_room(room).await.unwrap();
        ground.ready.stage.start_room(room).await.unwrap();
    }
    assert!(answered(&ground).await > 0);
    tokio::time::sleep(Duration::from_millis(u64::from(GRACE) * 1000 + 1500)).await;
    assert!(answered(&ground).await > 0);
    // And codes are fetched again, in the new epoch.
    let operator = musubi::desk::client(ground.ready.stage.section("town").unwrap(), "operator").unwrap();
    let issued: Issued = operator.post(ISSUE, &serde_json::json!({}), WITHIN).await.unwrap();
    assert_eq!((issued.left, issued.reason), (0, None));
    ground.ready.stage.stop().await;
}

/// Rows that nobody opened a rotation for, or that are signed by another, turn nothing.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_turns_codes_without_an_open_rotation() {
    let ground = Ground::new(100).await;
    let member = ground.member("town").await;
    let [number, _] = ground.two_at_town_and_tax();
    let tax = PartyId::parse("tax").unwrap();
    let (inquiry, _) = member.compose(&number, "child-allowance", "income", &tax).await.unwrap();
    let codes = vec![inquiry.subject.code];
    let rows = |to_epoch| protocol::rotation::RotationRows {
        id: words::ActId::batch(World::real().random()),
        from: PartyId::parse("town").unwrap(),
        epoch: Epoch(0),
        to_epoch: Epoch(to_epoch),
        session: inquiry.subject.session.clone(),
        rows: 1,
        codes: protocol::index::hash_of(&codes),
        at: member.house().now(),
    };
    let send = async |signer: &str, rows: &protocol::rotation::RotationRows| {
        let message = ToLinkage { rows: ground.house(signer).sign(rows), codes: codes.clone() };
        let sent = ground
            .house(signer)
            .post::<protocol::issue::Stored>(
                &ground.entry("linkage"),
                protocol::rotation::ROWS,
                &message,
                WITHIN,
            )
            .await;
        let Err(CallError::Problem(problem)) = sent else { panic!("{sent:?}") };
        problem.reason
    };
    for to_epoch in [0, 1, 2] {
        assert_eq!(send("town", &rows(to_epoch)).await, Reason::OldCode);
    }
    assert_eq!(send("tax", &rows(1)).await, Reason::WrongCaller);
    let other = protocol::rotation::RotationRows { codes: protocol::index::hash_of(&[]), ..rows(1) };
    assert_eq!(send("town", &other).await, Reason::HopMismatch);
    member.close().await;
}
