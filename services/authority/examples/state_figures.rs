//! What the states of 100 million certificates take in memory, and how fast they are entered and asked for. Run by
//! `cargo xtask bench authority`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::hint::black_box;
use std::time::Instant;

use authority::{Standing, State, States};
use protocol::certificates::Purpose;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use seal::x509::RevocationReason;
use seal::x509::serials::{Place, Serials};
use seal::{Dice, StorageKey};
use words::Moment;

const CERTIFICATES: u32 = 100_000_000;
const ASKED: u32 = 2_000_000;

/// Memory that the process has in use, bytes: anonymous pages that are resident.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
}

/// One in four has ended, one in a hundred is suspended.
fn standing(number: u32) -> Standing {
    let state = match number % 100 {
        0 => State::Suspended,
        1..=25 => State::Ended(RevocationReason::AffiliationChanged),
        _ => State::Valid,
    };
    let purpose = if number.is_multiple_of(2) { Purpose::Signature } else { Purpose::Authentication };
    Standing { purpose, state, since: Moment(1_700_000_000_000 + i64::from(number) * 1_000) }
}

fn main() {
    let before = resident();
    let states = States::default();
    let start = Instant::now();
    for number in 1..=CERTIFICATES {
        states.put(Place { number, mark: (number % 65_521) as u16 }, &standing(number));
    }
    let entered = f64::from(CERTIFICATES) / start.elapsed().as_secs_f64();
    let taken = resident() - before;
    let limit = if taken <= 1_000_000_000 { "within 1 GB" } else { "MORE than 1 GB" };
    println!(
        "states of {CERTIFICATES} certificates: {taken} bytes resident, {:.2} for each, {limit}; {entered:.0}/s entered",
        taken as f64 / f64::from(CERTIFICATES)
    );
    let key = StorageKey::generate(&Dice::new(|buffer| buffer.fill(7)));
    let serials = Serials::new(&key).unwrap();
    let mut random = StdRng::seed_from_u64(3);
    let asked: Vec<u32> = (0..ASKED).map(|_| random.random_range(1..=CERTIFICATES)).collect();
    // Serial numbers cannot be made for a wanted mark: their numbers are opened, and the mark asked for is the entered one.
    let all: Vec<_> =
        asked.iter().map(|number| serials.serial(*number, || random.random()).unwrap()).collect();
    let start = Instant::now();
    for serial in &all {
        let place = serials.place(black_box(serial)).unwrap();
        let found = states.of(Place { mark: (place.number % 65_521) as u16, ..place });
        assert_eq!(found, Some(standing(place.number)));
    }
    println!(
        "asked at random by serial number, each held against what was entered: {:.0}/s",
        f64::from(ASKED) / start.elapsed().as_secs_f64()
    );
}
