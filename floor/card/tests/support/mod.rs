//! A resident's card and the counter that made it, for tests. Keys are made once for each test program.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too; not every test program uses all of them"
)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use card::host::{Host, Terminal};
use card::personalise::{Answer, Counter, Person, Pins, personalise};
use card::records::{Holder, Pictures, Sex};
use card::{Anchor, Card, Certificate, Image, Keep, KeyId, NotKept, Role, RsaKey, layout, tlv};
use words::Date;

pub const SERIAL: &[u8; 15] = b"987650000043210";
pub const NUMBER: &str = "123456789018";
pub const AUTH_PIN: &[u8] = b"1234";
pub const SIGN_PIN: &[u8] = b"ABC123";
pub const TEXT_PIN: &[u8] = b"5678";
pub const JUKI_PIN: &[u8] = b"9012";

pub struct Authority {
    pub id: KeyId,
    pub key: RsaKey,
    pub counter: Counter,
}

impl Authority {
    /// A terminal of an institution.
    pub fn terminal(&self, institution: u32, role: Role, generation: u16) -> Terminal {
        let key = RsaKey::generate().unwrap();
        let id = KeyId::new(institution, role, generation, 1).unwrap();
        let certificate = Certificate::issue(&self.id, &self.key, &id, key.public()).unwrap();
        Terminal { certificate, key }
    }

    pub fn anchor(&self) -> Anchor {
        Anchor { id: self.id, key: self.key.public().clone(), newest: 1 }
    }
}

pub static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| {
    let id = KeyId::new(5_000_001, Role(0), 1, 1).unwrap();
    let key = RsaKey::generate().unwrap();
    let half = Authority {
        id,
        counter: Counter {
            terminal: Terminal { certificate: Vec::new(), key: key.clone() },
            record_key: RsaKey::generate().unwrap(),
            record_certificate: Vec::new(),
            root: KeyId::new(5_000_000, Role(0), 1, 1).unwrap(),
        },
        key,
    };
    let terminal = half.terminal(13_221, Role::ISSUER, 1);
    let root_key = &half.key;
    let record_id = KeyId::new(5_013_221, Role(0), 1, 1).unwrap();
    let record_certificate =
        Certificate::issue(&half.counter.root, root_key, &record_id, half.counter.record_key.public())
            .unwrap();
    Authority { counter: Counter { terminal, record_certificate, ..half.counter }, ..half }
});

pub fn holder() -> Holder {
    Holder {
        name: "結　花子".into(),
        address: "東京都清瀬市中里五丁目".into(),
        birth: Date::parse("1980-02-17").unwrap(),
        sex: Sex::Female,
        number: NUMBER.to_owned().into(),
        resident_code: "12345678901".to_owned().into(),
        municipality: "13221".into(),
        expiry: Date::parse("2035-02-17").unwrap(),
        security_code: "2285".to_owned().into(),
    }
}

/// Something that has a certificate's outer form and the key in it.
fn certificate_for(request: &card::personalise::Request) -> Answer {
    let key = card::personalise::requested_key(&request.der).expect("a request signed with its own key");
    let filler = vec![0x5A; 300];
    let certificate = tlv::object(0x30, &[tlv::object(0x04, key.modulus()), filler.clone()].concat());
    Answer { certificate, authority: tlv::object(0x30, &filler) }
}

static IMAGE: LazyLock<Image> = LazyLock::new(|| {
    let blank = layout::resident(*SERIAL, AUTHORITY.anchor(), BTreeMap::new());
    let mut card = Card::new(blank, dice(), Box::new(Unkept));
    let png = b"\x89PNG\r\n\x1a\n picture".to_vec();
    let pictures = Pictures {
        name: png.clone(),
        address: png.clone(),
        photo: [&b"\0\0\0\x0CjP  \r\n\x87\n"[..], &[0x77; 2_000]].concat(),
        security_code: png.clone(),
        number: png,
    };
    let text = |pin: &[u8]| String::from_utf8(pin.to_vec()).unwrap().into();
    let pins =
        Pins { sign: text(SIGN_PIN), auth: text(AUTH_PIN), text: text(TEXT_PIN), juki: text(JUKI_PIN) };
    let holder = holder();
    let person = Person { holder: &holder, pictures: &pictures, pins: &pins, signs: true };
    personalise(&mut card, SERIAL, &AUTHORITY.counter, &person, &mut |request| Ok(certificate_for(request)))
        .unwrap();
    card.image().clone()
});

pub fn image() -> Image {
    IMAGE.clone()
}

/// Counted, not random: a test is the same each time.
pub fn dice() -> card::Dice {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Box::new(|bytes| {
        for chunk in bytes.chunks_mut(8) {
            let number = NEXT.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed).to_be_bytes();
            chunk.iter_mut().zip(number).for_each(|(to, from)| *to = from);
        }
    })
}

pub struct Unkept;

impl Keep for Unkept {
    fn keep(&mut self, _: &Image) -> Result<(), NotKept> {
        Ok(())
    }
}

/// What was kept last, and whether keeping works.
#[derive(Clone)]
pub struct Disk {
    pub last: Arc<Mutex<Image>>,
    pub left: Arc<Mutex<Option<u32>>>,
}

impl Disk {
    pub fn new(image: Image) -> Self {
        Self { last: Arc::new(Mutex::new(image)), left: Arc::new(Mutex::new(None)) }
    }

    /// The power fails before the `after`-th keeping from now.
    pub fn fail_after(&self, after: u32) {
        *self.left.lock().unwrap() = Some(after);
    }

    /// A card in a reader again, with what the disk has.
    pub fn card(&self) -> Card {
        *self.left.lock().unwrap() = None;
        let image = self.last.lock().unwrap().clone();
        Card::new(image, dice(), Box::new(self.clone()))
    }
}

impl Keep for Disk {
    fn keep(&mut self, image: &Image) -> Result<(), NotKept> {
        let mut left = self.left.lock().unwrap();
        match left.as_mut() {
            Some(0) => return Err(NotKept),
            Some(left) => *left -= 1,
            None => {}
        }
        *self.last.lock().unwrap() = image.clone();
        Ok(())
    }
}

pub fn card() -> Card {
    Card::new(image(), dice(), Box::new(Unkept))
}

/// Sends hexadecimal, gives the status.
pub fn say(card: &mut Card, hex: &str) -> u16 {
    let answer = card.apdu(&bytes(hex));
    u16::from_be_bytes(*answer.last_chunk().unwrap())
}

pub fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.chars().filter(|c| !c.is_whitespace()).collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

pub fn host(card: &mut Card) -> Host<'_> {
    Host::new(card)
}
