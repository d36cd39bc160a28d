//! `musubi openapi`: each room's OpenAPI document, as the room serves it.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::rooms::ROOMS;

/// `musubi openapi`
#[derive(clap::Args)]
pub struct OpenapiArgs {
    /// The folder for `ROOM.json`; made if it is missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Each room's name with its document, ready to be written.
pub fn documents() -> Vec<(&'static str, String)> {
    let text = |document| format!("{document:#}\n");
    ROOMS
        .iter()
        .map(|room| (room.name(), text(wire::openapi(room.name(), &room.table(), &protocol::payloads()))))
        .collect()
}

/// Writes all of them.
pub fn run(args: &OpenapiArgs) -> Result<()> {
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    for (room, document) in documents() {
        let path = args.out.join(format!("{room}.json"));
        std::fs::write(&path, document).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}
