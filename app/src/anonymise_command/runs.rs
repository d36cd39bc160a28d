//! Rows joined to different tuples with counts, and put in order, in bounded memory: sorted runs on disk, merged (Knuth,
//! volume 3, 5.4).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read, Seek, Write};

use anyhow::{Context, Result};

/// Runs that are merged at once; more are merged into one before.
const FAN_IN: usize = 64;
/// Least tuples in memory, however little is allowed.
const LEAST_ROWS: usize = 16;

/// Tuples of codes on their way.
pub(super) struct Runs {
    width: usize,
    most_rows: usize,
    /// Rows behind one another, behind each how many of the table it stands for.
    buffer: Vec<u32>,
    runs: Vec<File>,
}

impl Runs {
    /// For tuples of `width` codes, in about so many bytes of memory.
    pub(super) fn new(width: usize, bytes: usize) -> Runs {
        // A row with its count, and its place among the sorted.
        let most_rows = (bytes / (width * 4 + 4 + size_of::<&[u32]>())).max(LEAST_ROWS);
        Runs { width, most_rows, buffer: Vec::new(), runs: Vec::new() }
    }

    /// Takes a row that stands for so many.
    pub(super) fn push(&mut self, codes: &[u32], count: u32) -> Result<()> {
        self.buffer.extend_from_slice(codes);
        self.buffer.push(count);
        if self.buffer.len() / (self.width + 1) >= self.most_rows { self.spill() } else { Ok(()) }
    }

    /// Gives the different tuples of the buffer in ascending order, with their rows, and empties it.
    fn sorted(&mut self, mut each: impl FnMut(&[u32], u64) -> Result<()>) -> Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        let mut rows: Vec<(&[u32], u32)> = buffer
            .chunks_exact(self.width + 1)
            .filter_map(|row| row.split_last().map(|(count, codes)| (codes, *count)))
            .collect();
        rows.sort_unstable();
        for same in rows.chunk_by(|one, other| one.0 == other.0) {
            let count = same.iter().map(|(_, count)| u64::from(*count)).sum();
            each(same.first().map_or(&[], |(codes, _)| *codes), count)?;
        }
        drop(rows);
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }

    /// The buffer as a run on disk.
    fn spill(&mut self) -> Result<()> {
        if self.runs.len() >= FAN_IN {
            let (width, runs) = (self.width, std::mem::take(&mut self.runs));
            let mut merged = NewRun::new()?;
            merge(width, runs, |codes, count| merged.put(codes, count))?;
            self.runs.push(merged.done()?);
        }
        let mut run = NewRun::new()?;
        self.sorted(|codes, count| run.put(codes, count))?;
        self.runs.push(run.done()?);
        Ok(())
    }

    /// Gives each different tuple once, in ascending order, with its rows.
    pub(super) fn finish(mut self, each: impl FnMut(&[u32], u64) -> Result<()>) -> Result<()> {
        if self.runs.is_empty() {
            return self.sorted(each);
        }
        self.spill()?;
        self.buffer = Vec::new();
        merge(self.width, self.runs, each)
    }
}

/// A run that is being written. It has no name: it goes with the process, however that ends.
struct NewRun(BufWriter<File>);

const IN: &str = "整列の途中のファイルを扱えません。一時ファイルの場所（TMPDIR）に空きがあるか確かめてください / sorted runs on disk: is there room in the folder for temporary files (TMPDIR)?";

impl NewRun {
    fn new() -> Result<NewRun> {
        Ok(NewRun(BufWriter::new(tempfile::tempfile().context(IN)?)))
    }

    fn put(&mut self, codes: &[u32], count: u64) -> Result<()> {
        for code in codes {
            self.0.write_all(&code.to_le_bytes()).context(IN)?;
        }
        self.0.write_all(&count.to_le_bytes()).context(IN)
    }

    fn done(self) -> Result<File> {
        let mut file = self.0.into_inner().map_err(std::io::IntoInnerError::into_error).context(IN)?;
        file.rewind().context(IN)?;
        Ok(file)
    }
}

/// The next tuple of a run and its rows; nothing at the end.
fn next(width: usize, run: &mut BufReader<File>) -> Result<Option<(Vec<u32>, u64)>> {
    let mut bytes = vec![0; width * 4 + 8];
    match run.read_exact(&mut bytes) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other.context(IN)?,
    }
    let (codes, count) = bytes.split_at(width * 4);
    let codes = codes.as_chunks::<4>().0.iter().map(|code| u32::from_le_bytes(*code)).collect();
    Ok(Some((codes, count.first_chunk::<8>().map_or(0, |count| u64::from_le_bytes(*count)))))
}

fn merge(width: usize, runs: Vec<File>, mut each: impl FnMut(&[u32], u64) -> Result<()>) -> Result<()> {
    let mut runs: Vec<BufReader<File>> = runs.into_iter().map(BufReader::new).collect();
    let mut heads = BinaryHeap::new();
    for (place, run) in runs.iter_mut().enumerate() {
        heads.extend(next(width, run)?.map(|(codes, count)| Reverse((codes, count, place))));
    }
    let mut last: Option<(Vec<u32>, u64)> = None;
    while let Some(Reverse((codes, count, place))) = heads.pop() {
        if let Some(run) = runs.get_mut(place) {
            heads.extend(next(width, run)?.map(|(codes, count)| Reverse((codes, count, place))));
        }
        match &mut last {
            Some((before, rows)) if *before == codes => *rows += count,
            _ => {
                if let Some((before, rows)) = last.replace((codes, count)) {
                    each(&before, rows)?;
                }
            }
        }
    }
    last.map_or(Ok(()), |(codes, rows)| each(&codes, rows))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Against a map, in however little memory: also with more runs than are merged at once.
        #[test]
        fn runs_join_what_a_map_joins(
            width in 1_usize..4,
            rows in prop::collection::vec((prop::collection::vec(0_u32..6, 3), 1_u32..4), 0..3_000),
            bytes in prop_oneof![0_usize..8_000, Just(1 << 20)],
        ) {
            let mut expected: BTreeMap<Vec<u32>, u64> = BTreeMap::new();
            let mut runs = Runs::new(width, bytes);
            for (row, count) in &rows {
                runs.push(&row[..width], *count).unwrap();
                *expected.entry(row[..width].to_vec()).or_default() += u64::from(*count);
            }
            let mut found = Vec::new();
            runs.finish(|codes, count| {
                found.push((codes.to_vec(), count));
                Ok(())
            }).unwrap();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
