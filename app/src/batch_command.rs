//! `musubi inquire --file`: many inquiries at once. One row is one act with a record of its own; the gateway sends them and
//! goes on by itself. The same file again is the same batch: after a stop, of this command or of the gateway, run it again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use protocol::desk::{AskMany, AskRow, BATCH_ROWS, BATCHES, BatchRow, BatchState};
use words::{ActId, AffairId, ItemId, PartyId};

use crate::config_file::Section;
use crate::desk;

const WITHIN: Duration = Duration::from_secs(30);

/// Sends a file and writes what came of each row. `anew`: told apart from an earlier sending of the same file.
pub async fn run(section: &Section, file: &Path, out: Option<&Path>, anew: Option<&str>) -> Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let rows = read(&bytes).with_context(|| format!("{}: nothing was sent", file.display()))?;
    // As the gateway's page names the batch of a file: sent here or there, the same file is one batch.
    let mut parts = vec![&b"musubi/batch/v1"[..], section.settings.id.as_str().as_bytes(), &bytes];
    parts.extend(anew.map(str::as_bytes));
    let hash = seal::sha256_parts(&parts);
    let id = ActId::batch(hash.first_chunk::<16>().copied().unwrap_or_default());
    let client = desk::client(section, "clerk")?;
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

/// `customer`, `affair`, `item`, `provider`, in any order. A fault is named with its line, and nothing is sent.
fn read(bytes: &[u8]) -> Result<Vec<AskRow>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let mut rows: Vec<AskRow> = Vec::new();
    let headers = reader.headers().context("line 1: the file is not CSV in UTF-8")?.clone();
    for name in ["customer", "affair", "item", "provider"] {
        if !headers.iter().any(|header| header == name) {
            bail!("line 1: the column `{name}` is missing; the columns are customer, affair, item, provider");
        }
    }
    let field = |record: &csv::StringRecord, name: &str| -> String {
        let at = headers.iter().position(|header| header == name);
        at.and_then(|at| record.get(at)).unwrap_or_default().to_owned()
    };
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            anyhow::anyhow!("line {line}: another number of columns than line 1, or not UTF-8")
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let wrong = |error: words::Malformed| anyhow::anyhow!("line {line}: {error}");
        let customer = field(&record, "customer");
        if customer.is_empty() {
            bail!("line {line}: the customer number is empty");
        }
        rows.push(AskRow {
            customer,
            affair: AffairId::parse(&field(&record, "affair")).map_err(wrong)?,
            item: ItemId::parse(&field(&record, "item")).map_err(wrong)?,
            provider: PartyId::parse(&field(&record, "provider")).map_err(wrong)?,
        });
    }
    if rows.is_empty() || rows.len() > BATCH_ROWS {
        bail!("it has {} rows; a batch has 1 to {BATCH_ROWS}: divide the file", rows.len());
    }
    Ok(rows)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_have_their_line_and_nothing_is_sent() {
        let good = "provider,customer,affair,item\ntax,0012,child-allowance,income\n";
        assert_eq!(read(good.as_bytes()).unwrap().len(), 1);
        for (text, expected) in [
            ("customer,affair,item\n", "`provider` is missing"),
            ("customer,affair,item,provider\n", "0 rows"),
            ("customer,affair,item,provider\n1,a,b\n", "line 2"),
            ("customer,affair,item,provider\n1,child-allowance,income,tax\n,a,b,c\n", "line 3"),
        ] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
