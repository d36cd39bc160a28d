//! Operators' cards and desks.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod support;

use card::host::{HostError, Terminal};
use card::operator::{NotAdmitted, Work, admit};
use card::personalise::personalise_operator;
use card::{Card, KeyId, Role, RsaKey, Status, layout};
use support::AUTHORITY;

const PIN: &[u8] = b"135790";

fn operators_card(kinds: &[Work]) -> Card {
    let mut card = Card::new(
        layout::operators(*b"900000000000001", AUTHORITY.anchor()),
        support::dice(),
        Box::new(support::Unkept),
    );
    let id = KeyId::new(13_221, Role::OPERATOR, 1, 7).unwrap();
    personalise_operator(
        &mut card,
        b"900000000000001",
        &AUTHORITY.counter,
        (&AUTHORITY.id, &AUTHORITY.key),
        &id,
        kinds,
        PIN,
    )
    .unwrap();
    card
}

#[test]
fn what_an_operator_may_do_follows_the_card() {
    let mut card = operators_card(&[Work::Change, Work::Read]);
    let desk = AUTHORITY.terminal(13_221, Role::DESK, 1);
    let admitted = admit(&mut card, &desk, &AUTHORITY.anchor(), PIN, [3; 32]).unwrap();
    assert_eq!(admitted.kinds(), [Work::Change, Work::Read]);
    assert!(admitted.may(Work::Read).is_ok());
    assert_eq!(admitted.may(Work::Issue), Err(NotAdmitted::OtherWork));
}

#[test]
fn each_side_must_prove_itself() {
    let mut card = operators_card(&[Work::Read]);
    let anchor = AUTHORITY.anchor();
    let desk = AUTHORITY.terminal(13_221, Role::DESK, 1);
    assert_eq!(
        admit(&mut card, &desk, &anchor, b"000000", [3; 32]),
        Err(NotAdmitted::Card(HostError::WrongPin { left: 2 }))
    );
    // A terminal that is no desk, a desk without its key: the card shows no work, and the PIN is not even asked for.
    let counter = AUTHORITY.terminal(13_221, Role::COUNTER, 1);
    let stolen = Terminal { certificate: desk.certificate.clone(), key: RsaKey::generate().unwrap() };
    for wrong in [&counter, &stolen] {
        let error = admit(&mut card, wrong, &anchor, PIN, [3; 32]).unwrap_err();
        assert!(
            matches!(error, NotAdmitted::Card(HostError::Refused { status: Status::SECURITY, .. })),
            "{error}"
        );
    }
    // A card of another authority, and a resident's card.
    let mut other = AUTHORITY.anchor();
    other.key = RsaKey::generate().unwrap().public().clone();
    assert!(matches!(admit(&mut card, &desk, &other, PIN, [3; 32]), Err(NotAdmitted::NotProved(_))));
    assert!(admit(&mut support::card(), &desk, &anchor, PIN, [3; 32]).is_err());
    // A lost operator's card ends when the desk has met two newer generations.
    let later = card::Anchor { newest: 3, ..AUTHORITY.anchor() };
    assert!(matches!(admit(&mut card, &desk, &later, PIN, [3; 32]), Err(NotAdmitted::NotProved(_))));
    assert!(admit(&mut card, &desk, &anchor, PIN, [3; 32]).is_ok());
}

#[test]
fn work_that_another_operator_was_given_does_not_count() {
    let mut card = operators_card(&[Work::Read]);
    // The issuer's counter writes another operator's work on this card.
    let other = KeyId::new(13_221, Role::OPERATOR, 1, 8).unwrap();
    let file = card::operator::work_file(&other, &[Work::Audit], &AUTHORITY.key).unwrap();
    {
        let mut host = support::host(&mut card);
        host.select(layout::OPERATOR).unwrap();
        host.authenticate(&AUTHORITY.counter.terminal, b"900000000000001").unwrap();
        host.write(layout::operator::WORK, &file).unwrap();
    }
    let desk = AUTHORITY.terminal(13_221, Role::DESK, 1);
    let admitted = admit(&mut card, &desk, &AUTHORITY.anchor(), PIN, [3; 32]);
    assert!(matches!(admitted, Err(NotAdmitted::NotProved(_))));
}
