//! The command `musubi match` by itself, until the app has it.

#[path = "../../../app/src/matching_command.rs"]
mod matching_command;

#[derive(clap::Parser)]
struct Arguments {
    #[command(flatten)]
    arguments: matching_command::MatchArgs,
}

fn main() -> anyhow::Result<()> {
    let Arguments { arguments } = clap::Parser::parse();
    matching_command::run(arguments)
}
