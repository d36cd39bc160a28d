//! placeholder
use anyhow::Result;
use std::path::PathBuf;
/// Agent.
#[derive(clap::Args, Debug)]
pub struct AgentArgs {
    /// x
    #[arg(long)]
    pub demo: Option<PathBuf>,
}
pub(crate) fn run(_: &AgentArgs, _: &world::World) -> Result<()> {
    Ok(())
}
