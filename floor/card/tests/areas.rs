//! Areas of municipalities.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod support;

use card::host::{HostError, Terminal};
use card::{
    Card, Credential, Image, ImageKey, KeyId, NewArea, NewBody, NewFile, Role, RsaKey, Rule, Status,
    area_aid, layout,
};
use support::{AUTHORITY, SERIAL};

fn refused(result: Result<impl std::fmt::Debug, HostError>) -> Status {
    match result {
        Err(HostError::Refused { status, .. }) => status,
        other => panic!("{other:?}"),
    }
}

/// A municipality's keys for its area.
struct Town {
    manager: Terminal,
    anchor: (KeyId, RsaKey),
    owner: Terminal,
    code: u32,
}

impl Town {
    fn new(code: u32) -> Self {
        let anchor = (KeyId::new(code, Role(0), 1, 1).unwrap(), RsaKey::generate().unwrap());
        let key = RsaKey::generate().unwrap();
        let id = KeyId::new(code, Role::OWNER, 1, 1).unwrap();
        let certificate = card::Certificate::issue(&anchor.0, &anchor.1, &id, key.public()).unwrap();
        let manager = AUTHORITY.terminal(code, Role::AREAS, 1);
        Self { manager, anchor, owner: Terminal { certificate, key }, code }
    }

    fn digits(&self) -> [u8; 7] {
        format!("{:07}", self.code).into_bytes().try_into().unwrap()
    }

    fn area(&self, number: u8) -> NewArea {
        NewArea { number, room: 2_000, anchor_id: self.anchor.0, anchor: self.anchor.1.public().clone() }
    }

    fn install(&self, card: &mut Card, number: u8) -> Result<Vec<u8>, HostError> {
        let mut host = support::host(card);
        host.select(layout::MANAGER)?;
        host.authenticate(&self.manager, SERIAL)?;
        host.ask("install an area", [0x80, 0xE6, 0, 0], &self.area(number).data(), None)
    }

    fn delete(&self, card: &mut Card, aid: &[u8]) -> Result<Vec<u8>, HostError> {
        let mut host = support::host(card);
        host.select(layout::MANAGER)?;
        host.authenticate(&self.manager, SERIAL)?;
        host.ask("delete an area", [0x80, 0xE4, 0, 0], aid, None)
    }

    /// A library card: a number that the library gave, free to its terminals after the reader's PIN.
    fn personalise(&self, card: &mut Card, number: u8, content: &[u8]) -> Result<(), HostError> {
        let mut host = support::host(card);
        host.select(&area_aid(&self.digits(), number))?;
        host.authenticate(&self.owner, SERIAL)?;
        let pin = NewFile { id: 2, kind: NewBody::Pin { digits: 4, limit: 5 }, read: Rule::NEVER };
        let file = NewFile { id: 1, kind: NewBody::Transparent, read: Rule::Any(vec![Credential::Pin(2)]) };
        for new in [pin, file] {
            host.ask("make a file", [0x80, 0xE0, 0, 0], &new.data(), None)?;
        }
        host.write(1, content)?;
        host.set_pin(2, b"2468")
    }
}

fn rest_of(image: &Image, without: &[u8]) -> Vec<u8> {
    let mut image = image.clone();
    image.applications.retain(|one| one.aid != without);
    image.seal(&ImageKey::new([1; 32]), [0; 24])
}

#[test]
fn areas_come_and_go_without_touching_others() {
    let (town, village) = (Town::new(13_221), Town::new(20_303));
    let mut card = support::card();
    let before = rest_of(card.image(), b"");
    town.install(&mut card, 1).unwrap();
    village.install(&mut card, 1).unwrap();
    assert_eq!(refused(town.install(&mut card, 1)), Status::EXISTS);
    town.personalise(&mut card, 1, b"L-000123").unwrap();
    village.personalise(&mut card, 1, b"V-9").unwrap();
    let (ours, theirs) = (area_aid(&town.digits(), 1), area_aid(&village.digits(), 1));

    let mut host = support::host(&mut card);
    host.select(&ours).unwrap();
    assert_eq!(refused(host.read(1)), Status::SECURITY);
    host.verify(2, b"2468").unwrap();
    assert_eq!(host.read(1).unwrap(), b"L-000123");
    // The same PIN, presented there, opens nothing here.
    host.select(&theirs).unwrap();
    assert_eq!(refused(host.read(1)), Status::SECURITY);
    // The other town's owner, and the card's own issuer, are strangers in this area.
    assert_eq!(refused(host.authenticate(&town.owner, SERIAL)), Status::NO_KEY);
    assert_eq!(refused(host.authenticate(&AUTHORITY.counter.terminal, SERIAL)), Status::NO_KEY);

    assert_eq!(refused(town.delete(&mut card, &theirs)), Status::SECURITY);
    assert_eq!(refused(town.delete(&mut card, layout::JPKI)), Status::DATA);
    let kept = rest_of(card.image(), &ours);
    town.delete(&mut card, &ours).unwrap();
    assert_eq!(rest_of(card.image(), &ours), kept, "nothing else has changed");
    assert_eq!(card.areas().len(), 1);
    village.delete(&mut card, &theirs).unwrap();
    assert_eq!(rest_of(card.image(), b""), before, "as if they had never been there");
}

#[test]
fn an_area_stays_within_its_room_and_its_owner() {
    let town = Town::new(13_221);
    let mut card = support::card();
    town.install(&mut card, 1).unwrap();
    town.personalise(&mut card, 1, b"L-000123").unwrap();
    let mut host = support::host(&mut card);
    host.select(&area_aid(&town.digits(), 1)).unwrap();
    let new = NewFile { id: 9, kind: NewBody::Transparent, read: Rule::Free }.data();
    assert_eq!(refused(host.ask("make a file", [0x80, 0xE0, 0, 0], &new, None)), Status::SECURITY);
    host.authenticate(&town.owner, SERIAL).unwrap();
    assert_eq!(refused(host.write(1, &[7; 2_000])), Status::FULL);
    assert_eq!(refused(host.ask("make a file", [0x80, 0xE0, 0, 0], b"nonsense", None)), Status::DATA);
    host.verify(2, b"2468").unwrap();
    assert_eq!(host.read(1).unwrap(), b"L-000123", "what did not fit changed nothing");
    // Files are made in areas alone, areas at the card manager alone.
    host.select(layout::JPKI).unwrap();
    assert_eq!(refused(host.ask("make a file", [0x80, 0xE0, 0, 0], &new, None)), Status::CONDITIONS);
    assert_eq!(
        refused(host.ask("install", [0x80, 0xE6, 0, 0], &town.area(3).data(), None)),
        Status::CONDITIONS
    );
    host.select(layout::MANAGER).unwrap();
    assert_eq!(
        refused(host.ask("install", [0x80, 0xE6, 0, 0], &town.area(3).data(), None)),
        Status::SECURITY
    );
}
