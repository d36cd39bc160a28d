//! Parquet, by the program `musubi-parquet` (folder `heavy`), which lies beside this one or where `MUSUBI_PARQUET` says: its
//! libraries would take the main build beyond its time.

use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Whether a file is of this kind, by its name.
pub(super) fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("parquet"))
}

fn program() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("MUSUBI_PARQUET") {
        return Ok(PathBuf::from(named));
    }
    let own = std::env::current_exe().context("this program's own file")?;
    Ok(own.with_file_name("musubi-parquet"))
}

const MISSING: &str = "Parquet には musubi-parquet が要ります。cargo build --release --manifest-path heavy/Cargo.toml で作り、\
                       musubi の隣に置くか MUSUBI_PARQUET で示してください / Parquet needs the program musubi-parquet: build \
                       it (cargo build --release --manifest-path heavy/Cargo.toml), then put it beside musubi or name it in \
                       MUSUBI_PARQUET; or convert the file to CSV";

fn start(what: &str, path: &Path) -> Result<Child> {
    let mut command = Command::new(program()?);
    command.arg(what).arg(path).stderr(Stdio::piped());
    command.stdin(if what == "from-csv" { Stdio::piped() } else { Stdio::null() });
    command.stdout(if what == "to-csv" { Stdio::piped() } else { Stdio::null() });
    command.spawn().context(MISSING)
}

/// A file as CSV.
pub(super) struct AsCsv {
    child: Child,
    output: ChildStdout,
}

impl AsCsv {
    /// Begins to read.
    pub(super) fn open(path: &Path) -> Result<AsCsv> {
        let mut child = start("to-csv", path)?;
        let output = child.stdout.take().context("no output of musubi-parquet")?;
        Ok(AsCsv { child, output })
    }
}

/// What went wrong, as the program said it.
fn said(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(mut errors) = child.stderr.take() {
        let _ = errors.read_to_string(&mut text);
    }
    text.trim().to_owned()
}

impl Read for AsCsv {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.output.read(buffer)?;
        // What broke off is not a table that ended.
        if read == 0 && !buffer.is_empty() {
            let said = said(&mut self.child);
            if !self.child.wait()?.success() {
                return Err(std::io::Error::other(said));
            }
        }
        Ok(read)
    }
}

impl Drop for AsCsv {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes CSV, as it comes, as a file.
pub(super) fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut name = path.file_name().context("the output needs a file name")?.to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let mut child = start("from-csv", &part)?;
    let mut input = BufWriter::new(child.stdin.take().context("no input of musubi-parquet")?);
    let filled = fill(&mut input).and_then(|()| Ok(input.flush()?));
    // Its input must end before it does.
    drop(input);
    let said = said(&mut child);
    let done = child.wait()?.success();
    if !done || filled.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    ensure!(done, "{}: {said}", path.display());
    filled.with_context(|| path.display().to_string())?;
    std::fs::rename(&part, path)
        .with_context(|| format!("cannot rename {} to {}", part.display(), path.display()))
}
