//! What is open after any conversation, against a model that says it plainly.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use support::{Disk, say};

/// Short file id, right value, tries.
type Secret = (u16, &'static [u8], u8);

/// Applications, and the secrets in them that the conversation uses.
const APPLICATIONS: [(&str, &[Secret]); 3] = [
    ("00A4040C0AD392F000260100000001", &[(0x18, b"1234", 3), (0x1B, b"ABC123", 5)]),
    (
        "00A4040C0AD3921000310001010408",
        &[(0x11, b"5678", 3), (0x14, b"123456789018", 10), (0x15, b"55021720352285", 10)],
    ),
    (
        "00A4040C0AD3921000310001010402",
        &[(0x11, b"550217", 10), (0x12, b"55021720352285", 10), (0x13, b"123456789018", 10)],
    ),
];

/// Files that can be read, and the secrets of which one must have been presented; none: free.
const FILES: [&[(u16, &[u16])]; 3] = [
    &[(0x01, &[0x1B]), (0x02, &[]), (0x0A, &[])],
    &[(0x01, &[0x11, 0x14]), (0x02, &[0x11, 0x15]), (0x03, &[0x11, 0x14, 0x15]), (0x04, &[])],
    &[(0x01, &[0x11]), (0x02, &[0x12, 0x13]), (0x05, &[0x13]), (0x04, &[])],
];

#[derive(Clone, Debug)]
enum Step {
    Select(usize),
    Reset,
    /// The power fails and comes back; after so many keepings within the next try.
    PresentAndCut(usize, bool, u32),
    Present(usize, bool),
    Ask(usize),
    Read(usize),
    Sign,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..3usize).prop_map(Step::Select),
        1 => Just(Step::Reset),
        1 => (0..3usize, any::<bool>(), 0..3u32).prop_map(|(which, right, cut)| Step::PresentAndCut(which, right, cut)),
        5 => (0..3usize, prop::bool::weighted(0.7)).prop_map(|(which, right)| Step::Present(which, right)),
        1 => (0..3usize).prop_map(Step::Ask),
        5 => (0..4usize).prop_map(Step::Read),
        1 => Just(Step::Sign),
    ]
}

/// What a card must remember, and nothing else.
struct Model {
    tries: BTreeMap<(usize, u16), u8>,
    selected: Option<usize>,
    open: BTreeSet<u16>,
}

impl Model {
    fn present(&mut self, at: usize, (id, _, limit): Secret, right: bool, keepings: u32) -> u16 {
        let left = self.tries.get_mut(&(at, id)).unwrap();
        if *left == 0 {
            return 0x6984;
        }
        self.open.remove(&id);
        if keepings == 0 {
            return 0x6581;
        }
        *left -= 1;
        match (right, keepings) {
            (false, _) => 0x63C0 + u16::from(*left),
            (true, 1) => 0x6581,
            (true, _) => {
                *left = limit;
                self.open.insert(id);
                0x9000
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn the_card_opens_what_the_model_opens(steps in proptest::collection::vec(step(), 1..60)) {
        let disk = Disk::new(support::image());
        let mut card = disk.card();
        let tries = APPLICATIONS.iter().enumerate();
        let tries = tries.flat_map(|(at, (_, secrets))| secrets.iter().map(move |(id, _, limit)| ((at, *id), *limit)));
        let mut model = Model { tries: tries.collect(), selected: None, open: BTreeSet::new() };
        for step in steps {
            let secret = |which: usize, at: usize| APPLICATIONS[at].1.get(which).copied();
            match (step, model.selected) {
                (Step::Select(at), _) => {
                    prop_assert_eq!(say(&mut card, APPLICATIONS[at].0), 0x9000);
                    (model.selected, model.open) = (Some(at), BTreeSet::new());
                }
                (Step::Reset, _) => {
                    card.reset();
                    (model.selected, model.open) = (None, BTreeSet::new());
                }
                (Step::Present(which, right), Some(at)) => {
                    let Some(secret) = secret(which, at) else { continue };
                    let wanted = model.present(at, secret, right, u32::MAX);
                    prop_assert_eq!(present(&mut card, secret, right), wanted);
                }
                (Step::PresentAndCut(which, right, cut), Some(at)) => {
                    let Some(secret) = secret(which, at) else { continue };
                    disk.fail_after(cut);
                    let wanted = model.present(at, secret, right, cut);
                    prop_assert_eq!(present(&mut card, secret, right), wanted);
                    card = disk.card();
                    (model.selected, model.open) = (None, BTreeSet::new());
                }
                (Step::Ask(which), Some(at)) => {
                    let Some((id, ..)) = secret(which, at) else { continue };
                    let left = say(&mut card, &format!("002000{:02X}", 0x80 | id));
                    prop_assert_eq!(left, 0x63C0 + u16::from(model.tries[&(at, id)]));
                }
                (Step::Read(which), Some(at)) => {
                    let Some((file, secrets)) = FILES[at].get(which) else { continue };
                    let open = secrets.is_empty() || secrets.iter().any(|id| model.open.contains(id));
                    let status = say(&mut card, &format!("00B0{:02X}0000", 0x80 | file));
                    prop_assert_eq!(status, if open { 0x9000 } else { 0x6982 });
                }
                (Step::Sign, Some(0)) => {
                    // The signature key, whose password stands for one signature.
                    let status = say(&mut card, "802A039A0361626300");
                    prop_assert_eq!(status, if model.open.remove(&0x1B) { 0x9000 } else { 0x6982 });
                }
                _ => {}
            }
        }
    }
}

fn present(card: &mut card::Card, (id, value, _): Secret, right: bool) -> u16 {
    let value = if right { value.to_vec() } else { vec![b'0'; value.len()] };
    say(card, &format!("002000{:02X}{:02X}{}", 0x80 | id, value.len(), words::hex(&value)))
}
