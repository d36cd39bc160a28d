//! Collecting: one room's ledger and records, held against one another and against what this room witnessed.

use std::time::Duration;

use house::House;
use ledger::{Checkpoint, Hash, Note, TILE_WIDTH, TilePath, Tree};
use protocol::audit::{PAGE, RECORDS, RecordLine};
use protocol::directory::Entry;
use protocol::ledger::{CHECKPOINT, PREFIX};
use serde_json::{Map, Value};
use wire::CallError;
use words::{ActId, Moment, PartyId};

const WITHIN: Duration = Duration::from_secs(10);

/// A room's ledger as far as it was followed.
#[derive(Default)]
pub(crate) struct Followed {
    tree: Tree,
    /// Entries from `kept_from` on, for the records that are still to be read.
    entries: Vec<Hash>,
    kept_from: u64,
    /// The time of the last record, for a clock that goes back.
    last_at: Option<Moment>,
}

/// A record that stands in its ledger.
#[derive(Clone, Debug)]
pub(crate) struct Collected {
    /// Whose ledger.
    pub(crate) party: PartyId,
    /// The room's kind.
    pub(crate) kind: String,
    /// Its number there.
    pub(crate) seq: i64,
    /// When it was made.
    pub(crate) at: Moment,
    /// The act.
    pub(crate) act: Option<ActId>,
    /// The fields; empty once they were erased.
    pub(crate) fields: Map<String, Value>,
}

impl Collected {
    /// A field that is a text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// What was wrong while collecting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The room could not be reached: nothing is known.
    Away,
    /// Its ledger is not what it says.
    Broken(&'static str),
    /// A record that is not the ledger's.
    Record(i64),
    /// Its clock went back before this record.
    Clock(i64),
}

impl Followed {
    /// Follows the ledger up to its present checkpoint. Gives its size.
    pub(crate) async fn follow(&mut self, house: &House, entry: &Entry) -> Result<u64, Trouble> {
        let bytes = get(house, entry, CHECKPOINT).await?;
        let note = String::from_utf8(bytes).ok().and_then(|text| Note::parse(&text).ok());
        let note = note.ok_or(Trouble::Broken("the checkpoint is no signed note"))?;
        let key = house.note_key(&entry.id).ok_or(Trouble::Away)?;
        note.signed_by(&key)
            .map_err(|_| Trouble::Broken("the checkpoint is not signed with the ledger's key"))?;
        let head = Checkpoint::parse(&note.text).map_err(|_| Trouble::Broken("no checkpoint"))?;
        if head.origin != key.name() {
            return Err(Trouble::Broken("the checkpoint is another ledger's"));
        }
        if head.size < self.tree.size() {
            return Err(Trouble::Broken("the ledger has become shorter"));
        }
        while self.tree.size() < head.size {
            let from = self.tree.size();
            let number = from / TILE_WIDTH;
            let width = (head.size - number * TILE_WIDTH).min(TILE_WIDTH);
            let path = TilePath { level: None, number, width };
            let bundle = get(house, entry, &format!("{PREFIX}/{path}")).await?;
            let entries = read_bundle(&bundle, width)
                .ok_or(Trouble::Broken("a bundle is not as long as it must be"))?;
            for entry in entries.iter().skip(usize::try_from(from % TILE_WIDTH).unwrap_or(0)) {
                self.tree.push(entry);
                self.entries.push(*entry);
            }
        }
        if self.tree.root() != head.root {
            return Err(Trouble::Broken("the entries do not lead to the root of the checkpoint"));
        }
        Ok(head.size)
    }

    /// Reads the records behind number `after` up to the size followed, made at `from` or later, each held against
    /// its entry; no further page once there are `most`. Troubles with single records do not keep the others out.
    pub(crate) async fn records(
        &mut self,
        house: &House,
        entry: &Entry,
        after: i64,
        from: Moment,
        most: usize,
    ) -> Result<(Vec<Collected>, Vec<Trouble>), Trouble> {
        let size = i64::try_from(self.tree.size()).unwrap_or(i64::MAX);
        let (mut collected, mut troubles) = (Vec::new(), Vec::new());
        let mut after = after;
        while after < size && collected.len() < most {
            let path = format!("{RECORDS}?after={after}&from={}", from.0);
            let page: Vec<RecordLine> =
                house.get(entry, &path, WITHIN).await.map_err(|error| away(&error))?;
            let full = i64::try_from(page.len()).unwrap_or(0) == PAGE;
            for line in page {
                if line.seq > size {
                    return Ok((collected, troubles));
                }
                // The first record of a time may stand anywhere; behind it none may be left out.
                let first = collected.is_empty() && from.0 > 0;
                if line.seq != after + 1 && !first {
                    troubles.push(Trouble::Record(after + 1));
                }
                after = line.seq;
                match self.check(&line) {
                    Ok(fields) => {
                        // The record's own time: what stands beside it in the line nobody has committed to.
                        let at = fields.get("at").and_then(Value::as_i64).map_or(line.at, Moment);
                        let tolerance = house.defaults.clock_tolerance_ms;
                        if self.last_at.is_some_and(|last| last.since_ms(at) > tolerance) {
                            // Told once: what follows is measured by the clock as it is now.
                            troubles.push(Trouble::Clock(line.seq));
                            self.last_at = Some(at);
                        } else {
                            self.last_at = self.last_at.max(Some(at));
                        }
                        let act = fields.get("act").and_then(Value::as_str);
                        let act = act.and_then(|act| ActId::parse(act).ok());
                        let (party, kind) = (entry.id.clone(), entry.kind.to_string());
                        collected.push(Collected { party, kind, seq: line.seq, at, act, fields });
                    }
                    Err(trouble) => troubles.push(trouble),
                }
            }
            if !full {
                if after < size && from.0 == 0 {
                    troubles.push(Trouble::Record(after + 1));
                }
                break;
            }
        }
        Ok((collected, troubles))
    }

    /// Forgets the entries of records that were read: those up to this number. Says whether there are others.
    pub(crate) fn forget(&mut self, read: i64) -> bool {
        let read = u64::try_from(read).unwrap_or(0).clamp(self.kept_from, self.tree.size());
        let gone = usize::try_from(read - self.kept_from).unwrap_or(usize::MAX).min(self.entries.len());
        self.entries.drain(..gone);
        self.kept_from = read;
        read < self.tree.size()
    }

    fn check(&self, line: &RecordLine) -> Result<Map<String, Value>, Trouble> {
        let wrong = Trouble::Record(line.seq);
        let index = u64::try_from(line.seq - 1).ok().and_then(|index| index.checked_sub(self.kept_from));
        let entry = index.and_then(|index| self.entries.get(usize::try_from(index).ok()?));
        let entry = entry.ok_or(wrong.clone())?;
        if line.entry.0 != entry {
            return Err(wrong);
        }
        // Erased at the end of its time: the entry stays, what it said is gone.
        let Some(opened) = &line.opened else { return Ok(Map::new()) };
        let salt: [u8; 32] = opened.salt.0.as_slice().try_into().map_err(|_| wrong.clone())?;
        if road::leaf_hash(&salt, opened.text.as_bytes()) != *entry {
            return Err(wrong);
        }
        match serde_json::from_str(&opened.text) {
            Ok(Value::Object(fields)) => Ok(fields),
            _ => Err(wrong),
        }
    }
}

fn read_bundle(bytes: &[u8], width: u64) -> Option<Vec<Hash>> {
    let entries: Option<Vec<Hash>> = bytes
        .chunks(34)
        .map(|chunk| chunk.strip_prefix(&[0, 32]).and_then(|entry| entry.try_into().ok()))
        .collect();
    entries.filter(|entries| u64::try_from(entries.len()) == Ok(width))
}

fn away(_error: &CallError) -> Trouble {
    Trouble::Away
}

async fn get(house: &House, entry: &Entry, path: &str) -> Result<Vec<u8>, Trouble> {
    match house.get_bytes(entry, path, WITHIN).await {
        Ok(bytes) => Ok(bytes),
        Err(CallError::Problem(problem)) if problem.status == 404 => {
            Err(Trouble::Broken("a tile of the checkpoint's tree is not there"))
        }
        Err(error) => Err(away(&error)),
    }
}
