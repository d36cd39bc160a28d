//! Answers of X-Road's own mix: 30 % of 2 kB, 60 % of 10 kB, 9 % of 100 kB, 0.9 % of 1 MB, 0.1 % of 10 MB.

use std::time::Duration;

use anyhow::Result;

use crate::chain::Chain;
use crate::load::Measured;
use crate::rooms::Rooms;
use crate::{Arguments, Setting, median, memory_of, tell};

/// Sizes of the content, in bytes, and how many of a thousand inquiries bring it.
pub const SIZES: [(usize, usize); 5] =
    [(2 << 10, 300), (10 << 10, 600), (100 << 10, 90), (1 << 20, 9), (10 << 20, 1)];

/// Which size the inquiry of this number brings: of any thousand in a row each as many as its share, well mixed.
pub fn size_at(turn: usize) -> usize {
    // 617 has no factor in common with 1000.
    let mut place = turn * 617 % 1000;
    SIZES
        .iter()
        .position(|(_, share)| {
            let here = place < *share;
            place = place.saturating_sub(*share);
            here
        })
        .unwrap_or_default()
}

/// The rooms beside nginx with the same bodies, in turns.
pub async fn measure(arguments: &Arguments, setting: &Setting) -> Result<()> {
    println!("\n== X-Road's mix: 2 kB 30 %, 10 kB 60 %, 100 kB 9 %, 1 MB 0.9 %, 10 MB 0.1 % ==");
    let rooms = Rooms::start(arguments.program()?, &arguments.folder, setting).await?;
    let (request, mut replies) = (rooms.bodies(0).await?.0, Vec::new());
    for size in 0..SIZES.len() {
        replies.push(rooms.bodies(size).await?.1);
    }
    println!("replies: {:?} bytes", replies.iter().map(Vec::len).collect::<Vec<_>>());
    let chain = Chain::start(&arguments.folder, request, &replies, None).await?;
    let within = Duration::from_secs(arguments.seconds);
    for &callers in &arguments.callers {
        rooms.run(callers, Duration::from_secs(2)).await?;
        chain.run(callers, Duration::from_secs(1)).await?;
    }
    let rest = held(&rooms)?;
    let mut table: Vec<Vec<Vec<Measured>>> =
        arguments.callers.iter().map(|_| vec![Vec::new(), Vec::new()]).collect();
    let mut most = rest.clone();
    for run in 1..=arguments.runs {
        for (&callers, row) in arguments.callers.iter().zip(&mut table) {
            if let [through, whole] = row.as_mut_slice() {
                through.push(chain.run(callers, within).await?);
                whole.push(rooms.run(callers, within).await?);
            }
            for (most, now) in most.iter_mut().zip(held(&rooms)?) {
                most.1 = most.1.max(now.1);
            }
        }
        eprintln!("run {run} of {} done", arguments.runs);
    }
    tell(&arguments.callers, &["nginx × 5", "Musubi"], &table);
    for (callers, row) in arguments.callers.iter().zip(&table) {
        let cpu =
            |runs: Option<&Vec<Measured>>| median(runs.into_iter().flatten().map(Measured::cpu_us).collect());
        println!("{callers} callers: CPU {:.1} × nginx", cpu(row.last()) / cpu(row.first()));
    }
    println!("\nmemory, MB, after warming up and the most after a run:");
    for ((name, before), (_, most)) in rest.iter().zip(&most) {
        println!("    {name:<10} {:>5.0} {:>5.0}", before / 1024.0, most / 1024.0);
    }
    drop(chain);
    rooms.stop().await
}

/// What each room on the way holds, kB.
fn held(rooms: &Rooms) -> Result<Vec<(String, f64)>> {
    rooms.names().map(|name| Ok((name.clone(), memory_of(rooms.pid(name)?)? as f64))).collect()
}
