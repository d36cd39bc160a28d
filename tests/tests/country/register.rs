//! The register's first form (rows N1-N4): changes with their kinds, numbers that change over an anchor that does
//! not, and the current number from a former one.

use std::time::Duration;

use protocol::issue::Attributes;
use protocol::register::*;
use rules::{Operation, Role, decide_operation};
use seal::{IndividualNumber, KeyFolder};
use wire::{CallError, InnerClient};
use words::{Date, Reason};

use crate::ground::Ground;

const WITHIN: Duration = Duration::from_secs(10);

async fn post<A: serde::de::DeserializeOwned>(
    client: &InnerClient,
    path: &str,
    message: &impl serde::Serialize,
) -> Result<A, Reason> {
    client.post(path, message, WITHIN).await.map_err(|error| match error {
        CallError::Problem(problem) => problem.reason,
        other => panic!("{other}"),
    })
}

/// All current numbers, read from the register's own database with its own key.
async fn numbers(ground: &Ground) -> Vec<String> {
    let house = ground.house("registry");
    let permit = decide_operation(Operation::FindNumber, Role::Registrar).unwrap();
    let rows = house
        .road
        .db()
        .read::<_, store::StoreError, _>("numbers", |read| {
            read.rows("SELECT anchor, number FROM resident ORDER BY anchor", &[])
        })
        .await
        .unwrap();
    let key = KeyFolder::new(ground.folder.path().join("registry/keys")).storage(&house.dice, false).unwrap();
    let number = |row: &store::Row| {
        IndividualNumber::open(&key, "resident", &row.bytes(0).unwrap(), &row.bytes(1).unwrap())
            .unwrap()
            .reveal(&permit)
    };
    rows.iter().map(number).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_unique_change_and_lead_from_the_former_to_the_current_one() {
    let ground = Ground::new(300).await;
    let registrar =
        musubi::desk::client(ground.ready.stage.section("registry").unwrap(), "registrar").unwrap();
    let before = numbers(&ground).await;
    assert_eq!(before.len(), 300);
    assert_eq!(before.iter().collect::<std::collections::BTreeSet<_>>().len(), 300, "no number twice");

    let day = |text| Date::parse(text).unwrap();
    let someone = |address: &str| Attributes {
        name: "試験　太郎".into(),
        kana: Some("シケン　タロウ".into()),
        address: address.into(),
        birth: "1990-01-01".into(),
        sex: "M".into(),
    };
    let resident = NewResident {
        entry: "test-1".into(),
        kind: ChangeKind::Birth,
        day: day("1990-01-01"),
        attributes: someone("東京都千代田区千代田1-1"),
    };
    let enter = EnterResidents { residents: vec![resident] };
    assert_eq!(
        post::<Entered>(&registrar, RESIDENTS, &enter).await.unwrap(),
        Entered { entered: 1, already: 0 }
    );
    assert_eq!(
        post::<Entered>(&registrar, RESIDENTS, &enter).await.unwrap(),
        Entered { entered: 0, already: 1 }
    );
    let first = numbers(&ground).await.into_iter().find(|number| !before.contains(number)).unwrap();

    let change = |kind, on, attributes, new_number| Change {
        entry: "test-1".into(),
        kind,
        day: day(on),
        attributes,
        new_number,
    };
    let moved = change(ChangeKind::Move, "2020-04-01", Some(someone("東京都千代田区千代田2-2")), false);
    assert_eq!(post::<ChangeDone>(&registrar, CHANGES, &moved).await.unwrap().sequence, 2);
    let renumbered = change(ChangeKind::CodeChangedOnRequest, "2024-07-01", None, true);
    assert_eq!(post::<ChangeDone>(&registrar, CHANGES, &renumbered).await.unwrap().sequence, 3);

    let find = |number: &str, on| FindNumber { number: number.into(), valid_on: day(on) };
    let found: FoundNumber = post(&registrar, FIND_NUMBER, &find(&first, "2024-06-30")).await.unwrap();
    assert_ne!(found.number, first);
    let again: FoundNumber = post(&registrar, FIND_NUMBER, &find(&found.number, "2024-07-01")).await.unwrap();
    assert_eq!((again.number, again.ended), (found.number.clone(), false));
    // The former number leads nowhere on a day on which it was no longer valid.
    assert_eq!(
        post::<FoundNumber>(&registrar, FIND_NUMBER, &find(&first, "2024-07-01")).await.err(),
        Some(Reason::NotFound)
    );
    assert_eq!(
        post::<FoundNumber>(&registrar, FIND_NUMBER, &find("123456789012", "2024-07-01")).await.err(),
        Some(Reason::Malformed)
    );

    // Kept after death (row N3); nothing more is entered then.
    let died = change(ChangeKind::Death, "2026-01-01", None, false);
    assert_eq!(post::<ChangeDone>(&registrar, CHANGES, &died).await.unwrap().sequence, 4);
    let found: FoundNumber = post(&registrar, FIND_NUMBER, &find(&first, "2000-01-01")).await.unwrap();
    assert!(found.ended);
    assert_eq!(post::<ChangeDone>(&registrar, CHANGES, &moved).await.err(), Some(Reason::Malformed));
}
