//! The card against changed conversations, and against every class and instruction: it never panics, and never gives away a
//! key or what only a PIN opens.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

#[path = "../../floor/card/tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use card::{Body, Card, Image, Pin, PinFormat, layout};
use fuzz::{corpus, fuzz};

/// A card whose PINs nobody knows: another one in each place than the conversations have.
static CLOSED: LazyLock<Image> = LazyLock::new(|| {
    let mut image = support::image();
    for application in &mut image.applications {
        for (id, file) in &mut application.files {
            let Body::Pin(pin) = &mut file.body else { continue };
            let digits = |length: usize| format!("{:0<length$}", 60_000 + id).into_bytes()[..length].to_vec();
            let (value, format) = match id {
                0x1B => (b"UNKNOWN7".to_vec(), PinFormat::SignaturePassword),
                0x12 if application.aid == layout::TEXT => continue,
                0x12 | 0x15 => (digits(14), PinFormat::Digits(14)),
                0x13 | 0x14 => (digits(12), PinFormat::Digits(12)),
                0x11 if application.aid == layout::SURFACE => (digits(6), PinFormat::Digits(6)),
                _ => (digits(4), PinFormat::Digits(4)),
            };
            *pin = Pin::new(&value, format, 10, true).unwrap();
        }
    }
    image
});

/// Parts of every private key: none of these may ever leave, whoever asks.
static KEYS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let image = support::image();
    let files = image.applications.iter().flat_map(|application| application.files.values());
    let keys = files.filter_map(|file| match &file.body {
        Body::Key { pair: Some(pair), .. } => Some(pair),
        _ => None,
    });
    let mut parts = Vec::new();
    for key in keys {
        let public = key.public().modulus();
        // Sixteen bytes at a time of whatever is not the public modulus and not an encoding around it.
        let pkcs8 = key.pkcs8();
        let after = pkcs8.windows(256).position(|window| window == public).unwrap() + 256 + 16;
        parts.extend(pkcs8[after..pkcs8.len() - 16].chunks_exact(16).map(<[u8]>::to_vec));
    }
    assert!(parts.len() > 200);
    parts
});

/// What only a PIN opens: number, name, resident code, the signature certificate's key.
static PROTECTED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let image = support::image();
    let jpki = image.applications.iter().find(|application| application.aid == layout::JPKI).unwrap();
    let Body::Transparent(certificate) = &jpki.files[&layout::jpki::SIGN_CERTIFICATE].body else {
        panic!("a file")
    };
    vec![
        support::NUMBER.into(),
        "花子".into(),
        "清瀬".into(),
        support::holder().resident_code.as_bytes().to_vec(),
        certificate[8..40].to_vec(),
    ]
});

fn contains(answer: &[u8], part: &[u8]) -> bool {
    answer.len() >= part.len() && answer.windows(part.len()).any(|window| window == part)
}

fn fresh(image: &Image) -> Card {
    Card::new(image.clone(), support::dice(), Box::new(support::Unkept))
}

/// Answers one command, and looks at the answer.
fn ask(card: &mut Card, command: &[u8], closed: bool) {
    let answer = card.apdu(command);
    assert!((2..=65_538).contains(&answer.len()));
    let status = u16::from_be_bytes(*answer.last_chunk().unwrap());
    assert!(matches!(status >> 12, 6 | 9), "{status:04X} is no status word");
    assert!(answer.len() == 2 || status == 0x9000, "data with {status:04X}");
    if answer.len() > 17 {
        assert!(!KEYS.iter().any(|part| contains(&answer, part)), "a part of a key");
    }
    if closed {
        assert!(!PROTECTED.iter().any(|part| contains(&answer, part)), "what only a PIN opens");
    }
}

#[test]
fn card() {
    let open = support::image();
    fuzz("card", |bytes| {
        for (image, closed) in [(&*CLOSED, true), (&open, false)] {
            let mut card = fresh(image);
            let mut rest = bytes;
            // Commands with their length in two bytes.
            while let Some((length, after)) = rest.split_first_chunk::<2>() {
                let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
                let (command, next) = after.split_at(length);
                ask(&mut card, command, closed);
                rest = next;
            }
        }
    });
}

#[test]
fn every_class_and_instruction_in_every_application() {
    let applications =
        [layout::MANAGER, layout::COMMON, layout::JUKI, layout::SURFACE, layout::TEXT, layout::JPKI];
    let mut asked = 0u32;
    for aid in applications {
        let mut card = fresh(&CLOSED);
        let select = [&[0x00, 0xA4, 0x04, 0x0C, aid.len() as u8][..], aid].concat();
        for class in 0..=u8::MAX {
            for instruction in 0..=u8::MAX {
                // Selecting again only where a command may have led elsewhere.
                if instruction == 0 || instruction == 0xA5 {
                    assert_eq!(card.apdu(&select), [0x90, 0x00]);
                }
                for (p1, p2) in
                    [(0, 0), (0, 0x80), (4, 0x0C), (2, 0x0C), (0x81, 0), (0, 0x97), (0, 0x9A), (1, 0x0C)]
                {
                    let head = [class, instruction, p1, p2];
                    for body in [&[][..], &[0x00], &[0x02, 0x00, 0x01], &[0x04, b'0', b'0', b'0', b'0', 0x00]]
                    {
                        ask(&mut card, &[&head[..], body].concat(), true);
                        asked += 1;
                    }
                }
            }
        }
    }
    assert_eq!(asked, 6 * 65_536 * 32);
}

#[test]
fn no_file_that_a_pin_protects_is_read_without_it_by_any_way_of_reading() {
    for (application, select) in CLOSED.applications.iter().map(|one| (one, one.aid.clone())) {
        for id in 0..=0x1Fu8 {
            let mut card = fresh(&CLOSED);
            ask(&mut card, &[&[0, 0xA4, 4, 0x0C, select.len() as u8][..], &select].concat(), true);
            let known = application.files.get(&u16::from(id));
            let selected = card.apdu(&[0, 0xA4, 2, 0x0C, 2, 0, id]);
            assert_eq!(selected == [0x90, 0x00], known.is_some());
            for command in [
                &[0, 0xB0, 0, 0, 0][..],
                &[0, 0xB0, 0, 0, 0, 0, 0],
                &[0, 0xB0, 0x80 | id, 0, 0],
                &[0, 0xB2, 1, 4, 0],
                &[0, 0xB2, 1, 5, 0],
                &[0, 0xB2, 1, id << 3 | 4, 0],
                &[0x08, 0xB0, 0, 0, 5, 0x96, 3, 0, 0, 0],
                &[0x80, 0xB0, 0, 0, 0],
            ] {
                ask(&mut card, command, true);
            }
        }
    }
}

#[test]
fn images() {
    let key = card::ImageKey::new([5; 32]);
    let sealed = support::image().seal(&key, [9; 24]);
    fuzz("card", |bytes| {
        assert!(Image::open(bytes, &key).is_err());
        // The head of a real image, then anything.
        for keep in [13, 37, 60] {
            assert!(Image::open(&[&sealed[..keep], bytes].concat(), &key).is_err());
        }
    });
}

/// Certificates and requests, which come from others: what holds is what was signed, and nothing else.
#[test]
fn certificates() {
    use card::personalise::{key_of_info, requested_key};
    use musubi::card_command::certificates::check;
    let good: BTreeMap<String, Vec<u8>> = corpus("card-certificate").into_iter().collect();
    // A moment at which the corpus holds.
    let now = words::Moment(1_800_000_000_000);
    let (holder, authority, request) = (&good["holder"], &good["authority"], &good["request"]);
    assert!(check(holder, authority, now).is_some() && requested_key(request).is_some());
    assert!(check(holder, authority, words::Moment(2_000_000_000_000)).is_none(), "it has ended");
    assert!(check(authority, authority, now).is_none(), "an authority does not log in");
    let anchor = support::AUTHORITY.anchor();
    fuzz("card-certificate", |bytes| {
        if check(bytes, authority, now).is_some() {
            assert_eq!(bytes, holder.as_slice(), "holds, and nobody signed it");
        }
        if bytes != authority.as_slice() {
            assert!(check(holder, bytes, now).is_none() || key_is_the_same(bytes, authority));
        }
        if requested_key(bytes).is_some() {
            assert_eq!(bytes, request.as_slice());
        }
        assert!(card::Certificate::verify(bytes, &anchor).is_err());
        let _ = key_of_info(bytes);
    });
}

/// An authority's certificate is trusted as it lies in the folder; only its name and its key are used.
fn key_is_the_same(bytes: &[u8], authority: &[u8]) -> bool {
    let at = authority.windows(4).rposition(|window| window == [0x02, 0x82, 0x01, 0x01]).unwrap();
    let modulus = &authority[at + 4..at + 261];
    bytes.windows(modulus.len()).any(|window| window == modulus)
}
