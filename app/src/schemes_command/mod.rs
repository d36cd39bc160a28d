//! `musubi schemes`: the five published schemes and the blind one, side by side, by the working group's five views (004,
//! "3. 情報連携 (1)"): measured on real conversions, attacked on real databases that the run itself made.

mod lab;
mod measure;
mod page;
mod report;
mod thief;

use std::path::PathBuf;

use anyhow::{Context, Result};
use words::Scheme;

pub use report::{Compared, Report};

/// What `musubi schemes` takes.
#[derive(Debug, clap::Args)]
pub struct SchemesArgs {
    /// How many people.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(20..=2_000_000))]
    pub persons: u32,
    /// How many conversions between two institutions are measured.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub pairs: u32,
    /// Write the figures as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the comparison as a page.
    #[arg(long, value_name = "FILE", default_value = "schemes.html")]
    pub html: PathBuf,
    /// Keep the databases and keys that were made and attacked in this folder; it must be empty or not be there.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// Runs the comparison.
pub async fn compare(args: &SchemesArgs, mut told: impl FnMut(Scheme)) -> Result<Report> {
    let scratch = match &args.keep {
        Some(folder) => {
            let empty = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
            anyhow::ensure!(empty, "{} is not empty / 空ではありません", folder.display());
            None
        }
        None => Some(tempfile::tempdir()?),
    };
    let folder = match (&args.keep, &scratch) {
        (Some(folder), _) => folder.as_path(),
        (None, Some(scratch)) => scratch.path(),
        (None, None) => anyhow::bail!("no folder"),
    };
    let mut schemes = Vec::new();
    for scheme in Scheme::ALL {
        told(scheme);
        let own = folder.join(format!("scheme-{}", scheme.number()));
        let lab = lab::Lab::make(scheme, &own, args.persons).await;
        let lab = lab.with_context(|| format!("making scheme {}", scheme.number()))?;
        let measured = measure::measure(lab, args.pairs).await;
        schemes.push(measured.with_context(|| format!("measuring scheme {}", scheme.number()))?);
    }
    Ok(Report { persons: args.persons, pairs: args.pairs, schemes })
}

/// Runs `musubi schemes`.
pub async fn run(args: &SchemesArgs) -> Result<()> {
    let report = compare(args, |scheme| {
        eprintln!("  {} {} / {}", scheme.number(), scheme.in_japanese(), scheme.in_english());
    })
    .await?;
    println!("{}", report.in_words());
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report)?)
            .with_context(|| format!("writing {}", path.display()))?;
    }
    std::fs::write(&args.html, page::render(&report)?)
        .with_context(|| format!("writing {}", args.html.display()))?;
    println!("ページ / page: {}", args.html.display());
    Ok(())
}
