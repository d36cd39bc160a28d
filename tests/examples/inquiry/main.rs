//! What one whole inquiry costs, every room a process of its own, beside a chain of nginx that carries the same bodies and does
//! nothing else, and beside the sum of the cryptography that one inquiry needs. `cargo xtask bench inquiry`.
//!
//! The CPU is the servers' alone, from the scheduler's accounting of their processes; the load comes from this process, which is not
//! counted. Runs of the two take turns, and what is told is the median.

mod chain;
mod load;
mod mix;
mod own_build;
mod primitives;
mod rooms;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;

use chain::Chain;
use load::{Load, Measured};
use rooms::Rooms;

#[derive(Parser)]
struct Arguments {
    /// The program whose rooms are run.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Where databases are written: a disk, not memory.
    #[arg(long)]
    folder: PathBuf,
    /// Measured runs of each, taking turns.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Length of a run, seconds.
    #[arg(long, default_value_t = 6)]
    seconds: u64,
    /// Settings to measure one after the other, each `PROOFS:REPLY-KEY` or `PROOFS:REPLY-KEY:SCHEME`: which conversions every
    /// room has shown to it (`sampled`, which is 2 %, `all` or `unlisted`, which is none of these), what replies are sealed to,
    /// and by which scheme codes are converted (6, or 2, under which nobody shows conversions).
    #[arg(long, value_delimiter = ',', default_values_t = ["sampled:x-wing".to_owned()])]
    settings: Vec<String>,
    /// Callers at once.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    callers: Vec<usize>,
    /// Answers of X-Road's own mix of sizes, 2 kB to 10 MB, under the first of the settings and nothing else.
    #[arg(long)]
    mix: bool,
    /// A PostgreSQL server: what a user would build instead is measured beside.
    #[arg(long)]
    postgres: Option<String>,
    /// So many minutes more with the most callers, with every room's memory told each minute.
    #[arg(long, default_value_t = 0)]
    memory_minutes: u64,
    /// For itself: be the service of one's own on this port; `folder` is then the file of the reply.
    #[arg(long, hide = true)]
    serve_own: Option<u16>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = Arguments::parse();
    if let (Some(port), Some(url)) = (arguments.serve_own, &arguments.postgres) {
        return own_build::serve(port, url, &arguments.folder).await;
    }
    std::fs::create_dir_all(&arguments.folder)?;
    // nginx reads what is relative against a folder of its own.
    arguments.folder = arguments.folder.canonicalize()?;
    let kind = kind_of(&arguments.folder)?;
    ensure!(
        kind != "tmpfs" && kind != "ramfs",
        "{} is in memory ({kind}): what is durable would cost nothing there",
        arguments.folder.display()
    );
    let flush = flush_time(&arguments.folder)?;
    println!("file system {kind}; a flush of 4 kB takes {:.0} µs (median of 200)", flush * 1e6);
    for setting in &arguments.settings {
        let mut setting = Setting::parse(setting)?;
        if arguments.mix {
            setting.mix = true;
            mix::measure(&arguments, &setting).await?;
            break;
        }
        measure(&arguments, &setting).await?;
    }
    println!(
        "\nA reply leaves at a time step, 250 ms at the earliest (so that its time says nothing of the person): p50 has that in it."
    );
    Ok(())
}

/// How a country is set up to be measured.
pub struct Setting {
    proofs: String,
    reply_key: String,
    scheme: u8,
    /// Whether answers have the sizes of the mix.
    mix: bool,
}

impl Arguments {
    fn program(&self) -> Result<&Path> {
        self.program.as_deref().context("--program names the program whose rooms are run")
    }
}

impl Setting {
    fn parse(text: &str) -> Result<Self> {
        let mut parts = text.split(':').map(str::to_owned);
        let (Some(proofs), Some(reply_key)) = (parts.next(), parts.next()) else {
            bail!("{text}: PROOFS:REPLY-KEY or PROOFS:REPLY-KEY:SCHEME is needed");
        };
        let scheme = parts.next().map_or(Ok(6), |scheme| scheme.parse()).context("a scheme is a number")?;
        ensure!([2, 6].contains(&scheme), "{text}: whole inquiries are measured under schemes 2 and 6");
        Ok(Self { proofs, reply_key, scheme, mix: false })
    }
}

/// One setting: the rooms beside nginx and beside what a user would build, in turns.
async fn measure(arguments: &Arguments, setting: &Setting) -> Result<()> {
    let Setting { proofs, reply_key, scheme, .. } = setting;
    println!("\n== scheme {scheme}; conversions shown: {proofs}; replies sealed to {reply_key} ==");
    let rooms = Rooms::start(arguments.program()?, &arguments.folder, setting).await?;
    let (request, reply) = rooms.bodies(0).await?;
    let replies = [reply];
    let [reply] = &replies;
    println!("bodies: {} bytes to linkage, {} bytes back", request.len(), reply.len());
    let mut chains =
        vec![("nginx × 5", Chain::start(&arguments.folder, request.clone(), &replies, None).await?)];
    if let Some(url) = &arguments.postgres {
        let own = Chain::start(&arguments.folder, request, &replies, Some(url)).await?;
        chains.push(("nginx × 4 + PostgreSQL", own));
    }
    let within = Duration::from_secs(arguments.seconds);
    // Once through, unmeasured: connections, caches, first pages of databases.
    for &callers in &arguments.callers {
        rooms.run(callers, Duration::from_secs(2)).await?;
        for (_, chain) in &chains {
            chain.run(callers, Duration::from_secs(1)).await?;
        }
    }
    let names: Vec<&str> = chains.iter().map(|(name, _)| *name).chain(["Musubi"]).collect();
    let mut table: Vec<Vec<Vec<Measured>>> =
        arguments.callers.iter().map(|_| names.iter().map(|_| Vec::new()).collect()).collect();
    for run in 1..=arguments.runs {
        for (&callers, row) in arguments.callers.iter().zip(&mut table) {
            let mut cells = row.iter_mut();
            for ((_, chain), cell) in chains.iter().zip(&mut cells) {
                cell.push(chain.run(callers, within).await?);
            }
            if let Some(cell) = cells.next() {
                cell.push(rooms.run(callers, within).await?);
            }
        }
        eprintln!("run {run} of {} done", arguments.runs);
    }
    tell(&arguments.callers, &names, &table);
    let most = arguments.callers.last().copied().unwrap_or_default();
    println!("\nwhere the CPU goes with {most} callers, µs for each inquiry:");
    let last: &[Measured] = table.last().and_then(|row| row.last()).map(Vec::as_slice).unwrap_or_default();
    for room in rooms.names() {
        let of_room =
            |run: &Measured| run.rooms.get(room).copied().unwrap_or_default() * 1e6 / run.done() as f64;
        println!("    {room:<10} {:>7.0}", median(last.iter().map(of_room).collect()));
    }
    let bare = tell_primitives(&rooms, reply.len(), setting)?;
    let cpu =
        |runs: Option<&Vec<Measured>>| median(runs.into_iter().flatten().map(Measured::cpu_us).collect());
    for (callers, row) in arguments.callers.iter().zip(&table) {
        let (floor, whole) = (cpu(row.first()), cpu(row.last()));
        println!(
            "efficiency with {callers} callers: (nginx {floor:.0} + cryptography {bare:.0}) / {whole:.0} = {:.2}",
            (floor + bare) / whole
        );
    }
    if arguments.memory_minutes > 0 {
        rooms.watch_memory(most, arguments.memory_minutes).await?;
    }
    drop(chains);
    rooms.stop().await
}

fn tell(callers: &[usize], names: &[&str], table: &[Vec<Vec<Measured>>]) {
    println!(
        "\ncallers | who                    | per second |  p50 ms |  p99 ms | server CPU µs each (spread)"
    );
    for (callers, row) in callers.iter().zip(table) {
        for (name, runs) in names.iter().zip(row) {
            let of = |field: fn(&Measured) -> f64| median(runs.iter().map(field).collect());
            let spread = spread(runs.iter().map(Measured::cpu_us).collect());
            println!(
                "{callers:>7} | {name:<22} | {:>10.1} | {:>7.2} | {:>7.2} | {:>8.0} (± {:.0} %)",
                of(Measured::per_second),
                of(|run| run.percentile(50.0)),
                of(|run| run.percentile(99.0)),
                of(Measured::cpu_us),
                spread * 100.0
            );
        }
    }
}

/// The cryptography of one inquiry, on one thread.
fn tell_primitives(rooms: &Rooms, reply: usize, setting: &Setting) -> Result<f64> {
    let suite = if setting.reply_key == "x25519" { seal::Suite::X25519 } else { seal::Suite::XWing };
    let bare = primitives::measure(&rooms.keys("linkage"), reply, suite, setting.scheme)?;
    println!("\ncryptography that one inquiry needs, measured alone, µs of CPU:");
    for part in &bare {
        println!("    {:<46} {:>2} × {:>7.1} = {:>7.1}", part.name, part.times, part.each_us, part.sum());
    }
    let sum = bare.iter().map(primitives::Part::sum).sum();
    println!("    {:<46}             {sum:>7.1}", "together");
    Ok(sum)
}

fn kind_of(folder: &Path) -> Result<String> {
    let output =
        Command::new("stat").args(["-f", "-c", "%T"]).arg(folder).output().context("running stat")?;
    if !output.status.success() {
        bail!("stat -f: {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The median time, in seconds, to write 4 kB and have it on the disk.
fn flush_time(folder: &Path) -> Result<f64> {
    use std::io::Write;
    let path = folder.join("flush");
    let mut file = std::fs::File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..200 {
        file.write_all(&[7; 4096])?;
        let start = std::time::Instant::now();
        file.sync_data()?;
        times.push(start.elapsed().as_secs_f64());
    }
    std::fs::remove_file(path)?;
    Ok(median(times))
}

/// The middle one.
pub fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Half of the distance between the largest and the smallest, as a share of the median.
fn spread(all: Vec<f64>) -> f64 {
    let (least, most) =
        all.iter().fold((f64::MAX, f64::MIN), |(least, most), one| (least.min(*one), most.max(*one)));
    (most - least) / 2.0 / median(all)
}

/// CPU seconds that processes have used, threads that ended included (`/proc/PID/stat`, fields 14 and 15).
pub fn cpu_of(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} is gone"))?;
    // The name in brackets may have anything in it.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let mut fields = after.split_whitespace().skip(11);
    let ticks =
        |field: Option<&str>| field.and_then(|text| text.parse::<f64>().ok()).context("a number of ticks");
    // USER_HZ is 100 on every Linux that Rust runs on.
    Ok((ticks(fields.next())? + ticks(fields.next())?) / 100.0)
}

/// Memory that a process holds, kB (`/proc/PID/status`, `VmRSS`).
pub fn memory_of(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Runs a load and accounts what these processes used meanwhile.
pub async fn account(processes: &[(String, u32)], load: impl Load) -> Result<Measured> {
    let before: Vec<f64> = processes.iter().map(|(_, pid)| cpu_of(*pid)).collect::<Result<_>>()?;
    let mut measured = load.run().await?;
    for ((name, pid), before) in processes.iter().zip(before) {
        // The database's helpers come and go; what one used that is gone by now is little, and not counted.
        let after = if name == own_build::DATABASE { cpu_of(*pid).unwrap_or(before) } else { cpu_of(*pid)? };
        *measured.rooms.entry(name.clone()).or_default() += after - before;
    }
    ensure!(measured.failed == 0, "{} calls failed: what was measured is something else", measured.failed);
    Ok(measured)
}
