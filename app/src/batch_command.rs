//! `musubi inquire --file`: many inquiries at once. One row is one act with a record of its own; the gateway sends them and
//! goes on by itself. The same file again is the same batch: after a stop, of this command or of the gateway, run it again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use gateway::batch_file;
use indicatif::{ProgressBar, ProgressStyle};
use protocol::desk::{AskMany, BATCHES, BatchRow, BatchState};

use crate::config_file::Section;
use crate::desk;

const WITHIN: Duration = Duration::from_secs(30);

/// Sends a file and writes what came of each row. `anew`: told apart from an earlier sending of the same file.
pub async fn run(section: &Section, file: &Path, out: Option<&Path>, anew: Option<&str>) -> Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let rows = batch_file::read(&bytes).with_context(|| format!("{}: nothing was sent", file.display()))?;
    let id = batch_file::id_of(&section.settings.id, &bytes, anew);
    let client = desk::certified(section, "clerk").await?;
    let called = |error| anyhow::anyhow!("{}", desk::in_words(&error));
    let state: BatchState = client.post(BATCHES, &AskMany { id, rows }, WITHIN).await.map_err(called)?;
    eprintln!("batch {id}: {} rows", state.rows);
    let style = ProgressStyle::with_template("  {msg} {bar:30} {pos}/{len}  {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(u64::from(state.rows)).with_style(style);
    bar.set_message("照会 / inquiries");
    let path = format!("{BATCHES}/{id}");
    let mut state = state;
    loop {
        bar.set_position(u64::from(state.rows.saturating_sub(state.queued + state.asking)));
        if state.stopped {
            bar.abandon();
            bail!(
                "この一括照会は窓口で止められています。窓口で続けるか、同じファイルでもう一度実行してください。\n\
                 The batch was stopped at the desk. Let it go on there, or run the same command again."
            );
        }
        if state.queued + state.asking == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        state = client.get(&path, WITHIN).await.map_err(called)?;
    }
    bar.finish();
    let rows: Vec<BatchRow> = client.get(&format!("{path}/rows"), WITHIN).await.map_err(called)?;
    let out = out.map_or_else(|| file.with_extension("result.csv"), Path::to_path_buf);
    write(&out, rows)?;
    println!(
        "回答あり answered {}   確認中 waiting {}   回答なし not answered {}   拒否 refused {}\n{}",
        state.answered,
        state.waiting,
        state.failed,
        state.refused,
        out.display()
    );
    Ok(())
}

/// What came of each row, in the order of the file.
fn write(out: &PathBuf, rows: Vec<BatchRow>) -> Result<()> {
    let mut writer =
        csv::Writer::from_path(out).with_context(|| format!("cannot write {}", out.display()))?;
    writer.write_record([
        "customer", "affair", "item", "provider", "act", "state", "reason", "what_ja", "what_en", "content",
    ])?;
    for BatchRow { row, asked } in rows {
        let (ja, en) = asked.reason.map_or(("", ""), |reason| (reason.in_japanese(), reason.in_english()));
        let act = asked.id.to_string();
        let reason = asked.reason.map(|reason| reason.as_str()).unwrap_or_default();
        let content = asked.content.as_ref().map(|content| content.get()).unwrap_or_default();
        let line = [
            row.customer.as_str(),
            row.affair.as_str(),
            row.item.as_str(),
            row.provider.as_str(),
            &act,
            asked.state.as_str(),
            reason,
            ja,
            en,
            content,
        ];
        writer.write_record(line)?;
    }
    writer.flush().with_context(|| format!("cannot write {}", out.display()))
}
