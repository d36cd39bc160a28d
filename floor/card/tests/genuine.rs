//! Genuine cards at a counter, and others.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod support;

use card::checking::{NotGenuine, check};
use card::host::HostError;
use card::layout::{self, text};
use card::{Anchor, Body, Card, FileId, Image, RsaKey};
use support::AUTHORITY;

fn root() -> Anchor {
    Anchor { id: AUTHORITY.counter.root, ..AUTHORITY.anchor() }
}

fn checked(image: Image) -> Result<String, NotGenuine> {
    let mut card = Card::new(image, support::dice(), Box::new(support::Unkept));
    let genuine = check(&mut card, &root(), support::TEXT_PIN, &[9; 32])?;
    Ok(format!("{} {} {} {}", *genuine.number, *genuine.name, *genuine.birth, *genuine.sex))
}

fn changed(file: FileId, change: impl Fn(&mut Body)) -> Image {
    let mut image = support::image();
    let application = image.applications.iter_mut().find(|one| one.aid == layout::TEXT).unwrap();
    change(&mut application.files.get_mut(&file).unwrap().body);
    image
}

#[test]
fn a_genuine_card_says_who_its_holder_is() {
    assert_eq!(checked(support::image()).unwrap(), "123456789018 結　花子 19800217 2");
    let mut card = support::card();
    let wrong = check(&mut card, &root(), b"0000", &[9; 32]).err();
    assert_eq!(wrong, Some(NotGenuine::Card(HostError::WrongPin { left: 2 })));
}

#[test]
fn any_change_is_found() {
    for file in [text::NUMBER, text::ATTRIBUTES, text::INTEGRITY, text::CERTIFICATE, text::CARD_PUBLIC] {
        let image = support::image();
        let application = image.applications.iter().find(|one| one.aid == layout::TEXT).unwrap();
        let Body::Transparent(content) = &application.files[&file].body else { panic!("a file") };
        let length = content.len();
        for at in (5..length).step_by(11) {
            let image = changed(file, |body| {
                let Body::Transparent(content) = body else { panic!("a file") };
                content[at] ^= 1;
            });
            match (file, checked(image)) {
                // The table of offsets is signed by nobody; nothing is read by it.
                (text::ATTRIBUTES, Ok(said)) if at < 14 => assert!(said.starts_with("123456789018 結")),
                (_, Err(NotGenuine::Forged(_))) => {}
                (file, other) => panic!("file {file:04X} byte {at}: {other:?}"),
            }
        }
    }
}

#[test]
fn copied_records_without_the_key_are_no_card() {
    let copy = changed(text::CARD_KEY, |body| {
        if let Body::Key { pair, .. } = body {
            *pair = Some(RsaKey::generate().unwrap());
        }
    });
    assert_eq!(checked(copy), Err(NotGenuine::Forged("it is a copy without the key")));
}
