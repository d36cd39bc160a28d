//! What the card refuses, and what survives.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod support;

use card::host::{HostError, Terminal};
use card::{BadImage, Image, ImageKey, KeyId, Role, RsaKey, Status, bound_message, layout};
use support::{AUTHORITY, Disk, SERIAL, bytes, say};

const JPKI: &str = "00A4040C0AD392F000260100000001";
const TEXT: &str = "00A4040C0AD3921000310001010408";
const SURFACE: &str = "00A4040C0AD3921000310001010402";

fn refused(result: Result<impl std::fmt::Debug, HostError>) -> Status {
    match result {
        Err(HostError::Refused { status, .. }) => status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_verified_in_one_application_opens_nothing_in_another() {
    let mut card = support::card();
    // 照合番号A and B are files 0012 to 0015 in two applications; the values are the same.
    assert_eq!(say(&mut card, TEXT), 0x9000);
    assert_eq!(say(&mut card, "0020009404 31313131"), 0x63C9);
    assert_eq!(say(&mut card, &format!("002000940C{}", hex(support::NUMBER))), 0x9000);
    assert_eq!(say(&mut card, "00B0810000"), 0x9000);
    assert_eq!(say(&mut card, SURFACE), 0x9000);
    assert_eq!(say(&mut card, "00B0850000"), 0x6982);
    assert_eq!(say(&mut card, TEXT), 0x9000);
    assert_eq!(say(&mut card, "00B0810000"), 0x6982, "selected again: forgotten");
}

fn hex(text: &str) -> String {
    words::hex(text.as_bytes())
}

#[test]
fn selecting_again_and_reset_forget_what_was_presented() {
    let mut card = support::card();
    for power in [false, true] {
        assert_eq!(say(&mut card, JPKI), 0x9000);
        assert_eq!(say(&mut card, "0020009B06 414243313233"), 0x9000);
        assert_eq!(say(&mut card, "00B0810000"), 0x9000);
        if power {
            card.reset();
        }
        say(&mut card, JPKI);
        assert_eq!(say(&mut card, "00B0810000"), 0x6982);
    }
    // Others' names, which clients try first, disturb nothing.
    assert_eq!(say(&mut card, "0020009B06 414243313233"), 0x9000);
    for probe in
        ["00A4040007627601FF000000", "00CADF3005", "00CB3FFF035C017E08", "00A4040009A0000003080000100000"]
    {
        assert!([0x6A82, 0x6D00, 0x6A88].contains(&say(&mut card, probe)), "{probe}");
    }
    assert_eq!(say(&mut card, "00B0810000"), 0x9000);
}

#[test]
fn an_empty_verify_never_says_yes() {
    let mut card = support::card();
    say(&mut card, JPKI);
    assert_eq!(say(&mut card, "00200098"), 0x63C3);
    assert_eq!(say(&mut card, "0020009804 31323334"), 0x9000);
    assert_eq!(say(&mut card, "00200098"), 0x63C3);
    for left in [2, 1, 0] {
        assert_eq!(say(&mut card, "0020009804 39393939"), 0x63C0 + left);
    }
    assert_eq!(say(&mut card, "0020009804 31323334"), 0x6984, "blocked for the right one too");
    assert_eq!(say(&mut card, "00200098"), 0x63C0);
}

#[test]
fn power_cut_at_any_moment_gives_no_further_try() {
    for cut in 0..3 {
        let disk = Disk::new(support::image());
        let mut wrong = 0;
        for round in 0..20 {
            let mut card = disk.card();
            say(&mut card, JPKI);
            disk.fail_after(cut);
            let status = say(&mut card, "0020009804 39393939");
            // Whoever cuts the power learns nothing but what a try would cost.
            match status {
                0x6581 => assert_eq!(cut, 0),
                0x63C0..=0x63C2 => wrong += 1,
                0x6984 => {}
                other => panic!("{other:04X} in round {round}"),
            }
        }
        assert!(wrong <= 3, "{wrong} comparisons");
        if cut > 0 {
            let mut card = disk.card();
            say(&mut card, JPKI);
            assert_eq!(say(&mut card, "00200098"), 0x63C0);
        }
    }
}

#[test]
fn a_right_pin_that_cannot_be_kept_opens_nothing() {
    let disk = Disk::new(support::image());
    let mut card = disk.card();
    say(&mut card, JPKI);
    // Counting the try is kept, giving it back is not.
    disk.fail_after(1);
    assert_eq!(say(&mut card, "0020009B06 414243313233"), 0x6581);
    assert_eq!(say(&mut card, "00B0810000"), 0x6982);
    let mut card = disk.card();
    say(&mut card, JPKI);
    assert_eq!(say(&mut card, "0020009B"), 0x63C4);
}

#[test]
fn without_pin_a_counter_gets_a_signature_that_names_it_and_nothing_else() {
    let mut card = support::card();
    let terminal = AUTHORITY.terminal(1_234_567, Role::COUNTER, 1);
    let data = b"challenge of the hospital";
    let auth_key = {
        let mut host = support::host(&mut card);
        host.select(layout::JPKI).unwrap();
        let certificate = host.read(layout::jpki::AUTH_CERTIFICATE).unwrap();
        host.authenticate(&terminal, SERIAL).unwrap();
        for how in 0..=5 {
            assert_eq!(refused(host.sign(layout::jpki::AUTH_KEY, how, &[7; 32])), Status::SECURITY);
        }
        assert_eq!(refused(host.sign(layout::jpki::SIGN_KEY, 6, data)), Status::SECURITY);
        let signature = host.sign(layout::jpki::AUTH_KEY, 6, data).unwrap();
        // Once.
        assert_eq!(refused(host.sign(layout::jpki::AUTH_KEY, 6, data)), Status::SECURITY);
        let key = card::PublicKey::from_modulus(&certificate[8..264]).unwrap();
        let id = KeyId::new(1_234_567, Role::COUNTER, 1, 1).unwrap();
        assert!(key.verifies(&bound_message(&id, data), &signature));
        assert!(!key.verifies(data, &signature), "never over the data alone");
        let other = KeyId::new(7_654_321, Role::COUNTER, 1, 1).unwrap();
        assert!(!key.verifies(&bound_message(&other, data), &signature));
        key
    };
    // With the PIN the same key signs as usual.
    let mut host = support::host(&mut card);
    host.select(layout::JPKI).unwrap();
    host.verify(layout::jpki::AUTH_PIN, support::AUTH_PIN).unwrap();
    assert!(auth_key.verifies(data, &host.sign(layout::jpki::AUTH_KEY, 3, data).unwrap()));
    assert_eq!(refused(host.sign(layout::jpki::AUTH_KEY, 6, data)), Status::SECURITY);
}

#[test]
fn terminals_that_prove_nothing() {
    let mut card = support::card();
    let good = AUTHORITY.terminal(1_234_567, Role::COUNTER, 1);
    let mut host = support::host(&mut card);
    host.select(layout::JPKI).unwrap();
    // Another key than the certificate's; another card's number; another authority.
    let stolen = Terminal { certificate: good.certificate.clone(), key: RsaKey::generate().unwrap() };
    assert_eq!(refused(host.authenticate(&stolen, SERIAL)), Status::SECURITY);
    assert_eq!(refused(host.authenticate(&good, b"999999999999999")), Status::SECURITY);
    let mut forged = good.certificate.clone();
    forged[20] ^= 1;
    let forged = Terminal { certificate: forged, key: good.key.clone() };
    assert!(
        [Status::DATA, Status::SECURITY, Status::NO_KEY]
            .contains(&refused(host.authenticate(&forged, SERIAL)))
    );
    // A signature serves once: no challenge, nothing.
    let signature = good.key.sign(b"x").unwrap();
    let ask = host.ask("accept", [0x00, 0x82, 0x00, 0x80], &signature, None);
    assert_eq!(refused(ask), Status::CONDITIONS);
    // In two parts, as real terminals send it.
    let (first, last) = good.certificate.split_at(307);
    assert_eq!((first.len(), last.len()), (307, 261));
    host.ask("take", [0x80, 0xA2, 0, 0], first, None).unwrap();
    host.ask("take", [0x80, 0xA2, 0, 0], last, None).unwrap();
    assert_eq!(refused(host.ask("take", [0x80, 0xA2, 0, 0], last, None)), Status::CONDITIONS);
}

#[test]
fn a_card_that_met_a_newer_generation_refuses_old_ones() {
    let disk = Disk::new(support::image());
    let old = AUTHORITY.terminal(1_234_567, Role::COUNTER, 1);
    for (generation, holds) in [(1, true), (2, true), (1, true), (3, true), (1, false)] {
        let mut card = disk.card();
        let mut host = support::host(&mut card);
        host.select(layout::JPKI).unwrap();
        let terminal = AUTHORITY.terminal(1_234_567, Role::COUNTER, generation);
        let terminal = if generation == 1 { &old } else { &terminal };
        assert_eq!(host.authenticate(terminal, SERIAL).is_ok(), holds, "generation {generation}");
    }
}

#[test]
fn requests_are_signed_for_nothing_else() {
    let mut card = support::card();
    let mut host = support::host(&mut card);
    host.select(layout::JPKI).unwrap();
    host.authenticate(&AUTHORITY.counter.terminal, SERIAL).unwrap();
    // The certificate is written: requests are over.
    assert_eq!(refused(host.sign(layout::jpki::SIGN_KEY, 7, b"anything")), Status::CONDITIONS);
    let key = host.generate(layout::jpki::SIGN_KEY).unwrap();
    assert_eq!(refused(host.sign(layout::jpki::SIGN_KEY, 7, b"anything")), Status::DATA);
    let foreign = card::personalise::public_key_info(AUTHORITY.key.public());
    let request = |info: &[u8]| card::tlv::object(0x30, &[&[2, 1, 0, 0x30, 0], info, &[0xA0, 0]].concat());
    assert_eq!(refused(host.sign(layout::jpki::SIGN_KEY, 7, &request(&foreign))), Status::DATA);
    let own = card::personalise::public_key_info(&key);
    host.sign(layout::jpki::SIGN_KEY, 7, &request(&own)).unwrap();
    // The issuer's terminal alone signs nothing as the holder, and a counter makes no keys.
    assert_eq!(refused(host.sign(layout::jpki::AUTH_KEY, 3, b"login")), Status::SECURITY);
    host.select(layout::JPKI).unwrap();
    host.authenticate(&AUTHORITY.terminal(1, Role::COUNTER, 1), SERIAL).unwrap();
    assert_eq!(refused(host.generate(layout::jpki::AUTH_KEY)), Status::SECURITY);
    assert_eq!(refused(host.write(layout::jpki::AUTH_CERTIFICATE, b"mine")), Status::SECURITY);
}

#[test]
fn the_issuers_counter_sets_a_blocked_pin_anew_and_nobody_else() {
    let mut card = support::card();
    let mut host = support::host(&mut card);
    host.select(layout::JPKI).unwrap();
    for _ in 0..3 {
        let _ = host.verify(layout::jpki::AUTH_PIN, b"0000");
    }
    assert_eq!(host.verify(layout::jpki::AUTH_PIN, support::AUTH_PIN), Err(HostError::Blocked));
    assert_eq!(refused(host.set_pin(layout::jpki::AUTH_PIN, b"7777")), Status::SECURITY);
    host.authenticate(&AUTHORITY.counter.terminal, SERIAL).unwrap();
    assert_eq!(refused(host.set_pin(layout::jpki::AUTH_PIN, b"77777")), Status::DATA);
    host.set_pin(layout::jpki::AUTH_PIN, b"7777").unwrap();
    host.verify(layout::jpki::AUTH_PIN, b"7777").unwrap();
}

#[test]
fn images_open_with_their_key_alone_and_whole() {
    let image = support::image();
    let key = ImageKey::new([5; 32]);
    let sealed = image.seal(&key, [9; 24]);
    let opened = Image::open(&sealed, &key).unwrap();
    assert_eq!(opened.seal(&key, [9; 24]), sealed, "nothing is lost");
    assert_eq!(Image::open(&sealed, &ImageKey::new([6; 32])).err(), Some(BadImage::Sealed));
    for at in (0..sealed.len()).step_by(97).chain([12, 40]) {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(Image::open(&changed, &key).is_err(), "byte {at}");
    }
    assert_eq!(Image::open(&sealed[..sealed.len() - 1], &key).err(), Some(BadImage::Sealed));
    assert_eq!(Image::open(b"PNG", &key).err(), Some(BadImage::NotAnImage));
    let mut newer = sealed.clone();
    newer[12] = 9;
    assert_eq!(Image::open(&newer, &key).err(), Some(BadImage::Version(9)));
    // Nothing of the person can be read in the file.
    for secret in [support::NUMBER.as_bytes(), "結".as_bytes(), support::SIGN_PIN] {
        assert!(!sealed.windows(secret.len()).any(|window| window == secret));
    }
}

#[test]
fn commands_that_are_none() {
    let mut card = support::card();
    for (command, status) in [
        ("", 0x6700),
        ("00A404", 0x6700),
        ("00A40000", 0x6A86),
        ("00A4000C023F00", 0x6A82),
        ("00A4020C020018", 0x6A82),
        ("00B0000000", 0x6986),
        ("00FF0000", 0x6D00),
        ("FF000000", 0x6E00),
        ("08200080", 0x6985),
        ("0082008000", 0x6985),
        ("0020FF80", 0x6A86),
    ] {
        assert_eq!(say(&mut card, command), status, "{command}");
    }
    assert_eq!(say(&mut card, JPKI), 0x9000);
    assert_eq!(say(&mut card, "00A40000"), 0x9000);
    assert_eq!(say(&mut card, "00A4020C020017"), 0x9000);
    assert_eq!(say(&mut card, "00B0000000"), 0x6981, "a key is no file to read");
    assert_eq!(say(&mut card, "00B2010400"), 0x6981);
    assert_eq!(say(&mut card, "00D60000 0101"), 0x6981);
    assert_eq!(say(&mut card, "00A4020C020009"), 0x9000);
    assert_eq!(say(&mut card, "00B0000000"), 0x6982);
    assert_eq!(card.apdu(&bytes("00B0880003")), bytes("8F8F009000"));
    assert_eq!(say(&mut card, "00B0880303"), 0x6B00);
    assert_eq!(say(&mut card, "00B08800"), 0x6700);
    assert_eq!(say(&mut card, "80AE0000 0101"), 0x66F1);
}
