//! What the commands say, in both languages, and what they ask for.

use std::io::BufRead;

use anyhow::{Context, Result, ensure};
use zeroize::Zeroizing;

/// One line in Japanese and English.
pub(crate) fn say(japanese: &str, english: &str) {
    println!("{japanese} / {english}");
}

/// Asks for a secret: at a terminal without showing it, else a line of standard input. Never an argument, which others on
/// the machine could read.
pub(crate) fn ask(japanese: &str, english: &str) -> Result<Zeroizing<String>> {
    use std::io::{IsTerminal, Write};
    eprint!("{japanese} / {english}: ");
    std::io::stderr().flush().ok();
    let secret = if std::io::stdin().is_terminal() {
        Zeroizing::new(console::Term::stderr().read_secure_line()?)
    } else {
        let mut line = Zeroizing::new(String::new());
        std::io::stdin().lock().read_line(&mut line).context("reading standard input")?;
        Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned())
    };
    ensure!(!secret.is_empty(), "{english} is needed; type it, or send it to standard input");
    Ok(secret)
}
