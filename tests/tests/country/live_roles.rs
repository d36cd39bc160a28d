//! Every route of every running room, called by everybody: admitted are those of the table, and nobody else.

use std::time::Duration;

use musubi::rooms::ROOMS;
use protocol::desk::{SIGN_INS, SignIn};
use rules::Role;
use wire::{CallError, Caller, InnerClient, InnerKey, KnownParty, RouteLine, Side, Who};
use words::{Kind, PartyId, Reason};

use crate::ground::Ground;
use crate::http::send;

/// Roles that have keys; a person comes with an assertion.
const BY_KEY: &[Role] =
    &[Role::Operator, Role::Clerk, Role::Officer, Role::Registrar, Role::Keeper, Role::Researcher];

const WITHIN: Duration = Duration::from_secs(20);

fn turned_away(result: &Result<serde_json::Value, CallError>) -> bool {
    match result {
        Err(CallError::Problem(problem)) => {
            matches!(problem.reason, Reason::NotAllowed | Reason::Unauthenticated)
        }
        Err(CallError::Unreachable | CallError::TimedOut) => panic!("a room did not answer"),
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_running_rooms_admit_whom_their_tables_name() {
    let ground = Ground::new(100).await;
    let mut calls = 0;
    for section in &ground.ready.stage.file.sections {
        let id = section.settings.id.as_str();
        let room = ROOMS.iter().find(|room| room.name() == section.room.name()).unwrap();
        for line in room.table() {
            let path = line
                .path
                .replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA")
                .replace("{party}", "nobody")
                .replace("{name}", "nobody")
                .replace("{domain}", "none")
                .replace("{number}", "999")
                .replace("{ticket}", "none")
                .replace("{act}", "AAAAAAAAAAAAAAAAAAAAAA");
            let body = serde_json::json!({});
            if line.side == Side::Outer {
                for party in
                    ["authority", "oversight", "linkage", "trustee", "portal", "registry", "town", "tax"]
                {
                    let house = ground.house(party);
                    let kind = ground.entry(party).kind;
                    let caller = Caller::Party(KnownParty { id: PartyId::parse(party).unwrap(), kind });
                    let to = ground.entry(id);
                    let result = match line.method.as_str() {
                        "GET" => house.get(&to, &path, WITHIN).await,
                        _ => house.post(&to, &path, &body, WITHIN).await,
                    };
                    assert_eq!(
                        turned_away(&result),
                        line.who.admits(&caller).is_err(),
                        "{party} → {id} {} {path}",
                        line.method
                    );
                    calls += 1;
                }
            } else if line.side == Side::Public {
                // Its own tests ask there; whoever asks is nobody.
                assert_eq!(line.who, wire::Who::Anyone);
            } else if line.side == Side::Pages {
                calls += pages(&ground, id, &line, &path).await;
            } else {
                let keys = ground.folder.path().join(id).join("keys");
                let mut held: Vec<(Caller, InnerKey)> = Vec::new();
                for role in BY_KEY {
                    if let Ok(key) = InnerKey::read(&keys.join(format!("{}.key", role.as_str()))) {
                        held.push((Caller::Inner { name: role.as_str().into(), role: *role }, key));
                    }
                }
                // A key of another room opens nothing here.
                let foreign = if id == "town" { "tax" } else { "town" };
                let foreign =
                    InnerKey::read(&ground.folder.path().join(foreign).join("keys/operator.key")).unwrap();
                held.push((Caller::Nobody, foreign));
                for (caller, key) in held {
                    let client = InnerClient::new(ground.room(id).inner, &key);
                    let result: Result<serde_json::Value, _> = match line.method.as_str() {
                        "GET" => client.get(&path, WITHIN).await,
                        _ => client.post(&path, &body, WITHIN).await,
                    };
                    assert_eq!(
                        turned_away(&result),
                        line.who.admits(&caller).is_err(),
                        "{} → {id} {} {path}",
                        caller.label(),
                        line.method
                    );
                    calls += 1;
                }
            }
        }
    }
    assert!(calls > 200, "{calls}");
    assert_eq!(Kind::parse("gateway").unwrap().as_str(), "gateway");
}

/// A page, called by every role that has a key here and by nobody.
async fn pages(ground: &Ground, id: &str, line: &RouteLine, path: &str) -> usize {
    let section = ground.ready.stage.section(id).unwrap();
    let Some(pages) = &section.settings.common.pages else { return 0 };
    let address = pages.listen.to_string();
    let mut visitors = vec![(Caller::Nobody, String::new())];
    for role in BY_KEY {
        let Ok(client) = musubi::desk::client(section, role.as_str()) else { continue };
        let url: SignIn = client.post(SIGN_INS, &serde_json::json!({}), WITHIN).await.unwrap();
        let ticket = url.url.strip_prefix(&format!("http://{address}")).unwrap().to_owned();
        let entered = send(&address, "GET", &ticket, &[], "");
        let cookie = entered.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        visitors.push((Caller::Inner { name: role.as_str().into(), role: *role }, cookie));
    }
    let origin = format!("http://{address}");
    let count = visitors.len();
    for (caller, cookie) in visitors {
        let headers = [("Cookie", cookie.as_str()), ("Origin", origin.as_str())];
        let answer = send(&address, line.method.as_str(), path, &headers, "");
        let turned_away = (answer.status == 403 && answer.body.contains("not_allowed"))
            || (answer.status == 401 && line.who != Who::Anyone);
        assert_eq!(
            turned_away,
            line.who.admits(&caller).is_err(),
            "{caller:?} → {id} {} {path}: {}",
            line.method,
            answer.body
        );
    }
    count
}
