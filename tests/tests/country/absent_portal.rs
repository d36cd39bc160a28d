//! Index entries while the portal is away, and while the trustee is away too: kept, and entered when they are back.

use std::time::Duration;

use words::{ActId, Moment, PartyId, Reason};

use crate::ground::Ground;

/// Two hours ago: ended, and no longer held for acts either.
fn long_ended() -> i64 {
    let now = Moment(world::World::real().now());
    now.plus_ms(-2 * 3_600_000).0
}

fn end_portal_sessions(ground: &Ground, room: &str) {
    let file = ground.folder.path().join(room).join(format!("{room}.db"));
    let database = rusqlite::Connection::open(file).unwrap();
    let ended =
        database.execute("UPDATE session SET ends_at = ?1 WHERE party = 'portal'", [long_ended()]).unwrap();
    assert!(ended > 0, "{room} knows no session of the portal");
}

async fn entered(ground: &Ground, act: ActId) -> bool {
    for _ in 0..400 {
        let lines = ground.house("portal").road.lines_of(act).await.unwrap();
        if lines.iter().any(|line| line.verb == "index" && line.state == "done") {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_wait_for_a_portal_that_is_away_longer_than_its_sessions_live() {
    let mut ground = Ground::new(200).await;
    let member = ground.member("town").await;
    let [number, _] = ground.two_at_town_and_tax();
    let tax = PartyId::parse("tax").unwrap();
    // The town's own session is open before anybody goes.
    member.compose(&number, "child-allowance", "income", &tax).await.unwrap();
    for room in ["portal", "linkage", "trustee"] {
        ground.ready.stage.stop_room(room).await.unwrap();
    }
    for room in ["linkage", "trustee"] {
        end_portal_sessions(&ground, room);
    }

    // Neither portal nor trustee is there: refused plainly, and the entry kept for the session that ended.
    ground.ready.stage.start_room("linkage").await.unwrap();
    let (lost, _) = member.compose(&number, "child-allowance", "income", &tax).await.unwrap();
    let refused = member.send(&member.sign(&lost)).await;
    let Err(wire::CallError::Problem(problem)) = refused else { panic!("answered without the trustee") };
    assert_eq!(problem.reason, Reason::Unavailable);

    // The trustee is back: the inquiry is answered, its entry goes to a session opened in the portal's name.
    ground.ready.stage.start_room("trustee").await.unwrap();
    let (answered, key) = member.compose(&number, "child-allowance", "income", &tax).await.unwrap();
    let jws = member.sign(&answered);
    let reply = member.send(&jws).await.unwrap();
    assert!(member.open_reply(&answered, &jws, &key, &reply).is_ok());

    ground.ready.stage.start_room("portal").await.unwrap();
    assert!(entered(&ground, lost.id).await, "the act that failed has no entry");
    assert!(entered(&ground, answered.id).await, "the answered act has no entry");
    let portal = rusqlite::Connection::open(ground.folder.path().join("portal/portal.db")).unwrap();
    let people: i64 = portal
        .query_row(
            "SELECT COUNT(DISTINCT code_index) FROM entry WHERE act IN (?1, ?2)",
            [lost.id.bytes().as_slice(), answered.id.bytes().as_slice()],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(people, 1, "both acts were about the same person");
    member.close().await;
}
