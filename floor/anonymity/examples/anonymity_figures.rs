//! What the ledger check of many releases costs. The cases beside the reference are run by `cargo xtask bench anonymity`.

use anonymity::{Bounds, Joint, Release};
use world::CpuStopwatch;

const PEOPLE: usize = 1_000_000;
const RELEASES: u64 = 10;

/// Any number below a bound, from a place: splitmix64.
fn scattered(place: u64, below: u64) -> u64 {
    let mut mixed = place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % below
}

fn main() {
    for (name, classes) in [("nested classes", true), ("unrelated classes", false)] {
        let release = |number: u64| {
            let class = |person: u64| {
                // Nine in ten are in each release; those who are not are in none of their group, or anybody.
                let group = scattered(person, 20_000);
                let is_out = if classes {
                    scattered(group + number * 7_919, 10)
                } else {
                    scattered(person * 31 + number, 10)
                };
                let class =
                    if classes { group >> (number % 3) } else { scattered(person * 64 + number, 2_000) };
                if is_out == 0 { 0 } else { class as u32 + 1 }
            };
            Release {
                class_of: (0..PEOPLE as u64).map(class).collect(),
                values: vec![(0..PEOPLE as u64).map(|person| scattered(person + 77, 14) as u32).collect()],
            }
        };
        let releases: Vec<Release> = (0..RELEASES).map(release).collect();
        let watch = CpuStopwatch::start();
        let joint = Joint::of(PEOPLE, &releases);
        let exposed = joint.exposed(Bounds { k: 5, l: 3 });
        println!(
            "ledger check, {PEOPLE} people x {RELEASES} releases, {name}: {:.2} s CPU ({exposed:?})",
            watch.elapsed().as_secs_f64()
        );
    }
}
