//! The room's ledger (DESIGN §5): the tree over the leaves that the road writes anyway, its checkpoints, and how it
//! is shown to its witnesses.
//!
//! INVARIANT: a leaf is durable with its decision or outcome before the tree knows of it. Tree and checkpoints are
//! derived after, and rebuilt from the leaves at each start: there is one point of durability.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use ledger::{
    AddCheckpoint, Checkpoint, Entries, Hash, LedgerError, Note, NoteKey, Proof, Signature, TilePath, Tree,
};
use rules::Defaults;
use seal::SigningKey;
use store::{Read, StoreError, params};
use tokio::sync::watch;
use words::{Moment, PartyId, Reason};

use crate::travel::Road;
use crate::witness::Conflict;

/// What keeps a ledger from being trusted, found by the room itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerFault {
    /// Witnesses, or the room's own checkpoints, have seen more entries than there are.
    #[error(
        "the ledger has {has} entries, but {seen} were cosigned: an old backup stands in its place, or its end was cut. \
         Stop the room and put the newest backup back; entries that came after it can be filled up from a kept copy of the ledger \
         (musubi restore --entries). Tell oversight"
    )]
    Shorter {
        /// Entries there are.
        has: u64,
        /// Entries that were cosigned.
        seen: u64,
    },
    /// The entries are not those that were cosigned.
    #[error(
        "the first {size} entries of the ledger are not those that were cosigned: rows were changed. \
         Stop the room, keep its database as it is, and tell oversight"
    )]
    Changed {
        /// Up to which size.
        size: u64,
    },
}

/// How the ledger stands with its witnesses.
struct Standing {
    /// The last checkpoint that at least one witness cosigned.
    latest: Option<Note>,
    seen_size: u64,
    seen_at: Moment,
    /// Whether every witness saw it the last time it was shown, and when that was.
    by_all: bool,
    shown_at: Moment,
    fault: Option<LedgerFault>,
}

/// A room's ledger.
pub(crate) struct RoomLedger {
    pub(crate) origin: String,
    pub(crate) key: Arc<SigningKey>,
    tree: RwLock<Arc<Tree>>,
    standing: RwLock<Standing>,
    /// Turns true with the first cosignature since the start.
    sighted: watch::Sender<bool>,
    /// Whether the room may answer only while witnesses see its ledger.
    must_be_seen: watch::Sender<bool>,
    growing: tokio::sync::Mutex<()>,
    pub(crate) conflicts: Mutex<Vec<Conflict>>,
    bounds: (i64, u64),
}

/// What a witness answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WitnessAnswer {
    /// Its cosignature lines.
    Cosigned(String),
    /// It cosigned another size last.
    OtherSize(u64),
    /// It has seen another history.
    Conflict,
    /// It is not there, or answered something else.
    Away,
}

/// Where a stored ledger's state and a witness's last sight of it are kept.
struct Stored<'a, 'b>(RefCell<&'a mut Read<'b>>);

impl Entries for Stored<'_, '_> {
    fn read(&self, from: u64, count: u64) -> Result<Vec<Hash>, LedgerError> {
        let range = i64::try_from(from).ok().zip(i64::try_from(count).ok());
        let (from, count) = range.ok_or(LedgerError::OutOfRange(from))?;
        let sql = "SELECT hash FROM leaf WHERE seq > $1 AND seq <= $2 ORDER BY seq";
        let rows = self.0.borrow_mut().rows(sql, &params![from, from.saturating_add(count)]);
        let rows = rows.map_err(|_| LedgerError::Unreadable)?;
        let hashes: Vec<Hash> = rows.iter().filter_map(|row| row.array(0).ok()).collect();
        if i64::try_from(hashes.len()) == Ok(count) { Ok(hashes) } else { Err(LedgerError::Unreadable) }
    }
}

/// Entries read in one go while the tree is rebuilt.
const STRIDE: i64 = 20_000;
/// A ledger that has not grown is shown to its witnesses again after this, ms.
const HEARTBEAT_MS: i64 = 20_000;
/// A witness that was away is asked again after this, ms.
const AGAIN_MS: i64 = 3_000;
/// Between two checkpoints while the ledger grows.
const PAUSE: Duration = Duration::from_secs(1);
/// How long an act waits for the first sight of the ledger after a start.
const FIRST_SIGHT: Duration = Duration::from_secs(10);

pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

impl Road {
    /// Opens the ledger: rebuilds the tree from the leaves and holds it against the checkpoints that were cosigned.
    /// To be called once, after [`Road::recover`].
    pub async fn with_ledger(
        mut self,
        origin: String,
        key: Arc<SigningKey>,
        defaults: &Defaults,
    ) -> Result<Self, StoreError> {
        let standing = Standing {
            latest: None,
            seen_size: 0,
            seen_at: self.now(),
            by_all: true,
            shown_at: self.now(),
            fault: None,
        };
        self.ledger = Some(RoomLedger {
            origin,
            key,
            tree: RwLock::default(),
            standing: RwLock::new(standing),
            sighted: watch::Sender::new(false),
            must_be_seen: watch::Sender::new(false),
            growing: tokio::sync::Mutex::default(),
            conflicts: Mutex::default(),
            bounds: (defaults.unwitnessed_ms, defaults.unwitnessed_leaves),
        });
        self.grow().await?;
        let cosigned: Vec<(i64, String)> = self
            .db
            .read("checkpoints", |read| {
                let rows = read.rows("SELECT size, note FROM checkpoint ORDER BY hour", &[])?;
                rows.iter().map(|row| Ok::<_, StoreError>((row.int(0)?, row.text(1)?))).collect()
            })
            .await?;
        let tree = self.ledger()?.tree();
        let (fault, last) = self
            .db
            .read("check_ledger", move |read| {
                let stored = Stored(RefCell::new(read));
                let mut last = None;
                for (size, note) in cosigned {
                    let size = unsigned(size);
                    if size > tree.size() {
                        return Ok((Some(LedgerFault::Shorter { has: tree.size(), seen: size }), last));
                    }
                    let note = Note::parse(&note).ok();
                    let wanted = note.as_ref().and_then(|note| Checkpoint::parse(&note.text).ok());
                    let root = tree.root_at(size, &stored).ok();
                    if root.is_none() || wanted.map(|wanted| wanted.root) != root {
                        return Ok((Some(LedgerFault::Changed { size }), last));
                    }
                    last = note.map(|note| (size, note));
                }
                Ok::<_, StoreError>((None, last))
            })
            .await?;
        if let Some(fault) = fault {
            self.ledger()?.break_down(fault);
        }
        if let Some((size, note)) = last {
            let ledger = self.ledger()?;
            let mut standing = ledger.standing.write().unwrap_or_else(PoisonError::into_inner);
            (standing.seen_size, standing.latest) = (size, Some(note));
        }
        Ok(self)
    }

    pub(crate) fn ledger(&self) -> Result<&RoomLedger, StoreError> {
        self.ledger.as_ref().ok_or(StoreError::Closed)
    }

    /// Takes new leaves into the tree.
    async fn grow(&self) -> Result<u64, StoreError> {
        let ledger = self.ledger()?;
        let _one_at_a_time = ledger.growing.lock().await;
        loop {
            let from = signed(ledger.tree.read().unwrap_or_else(PoisonError::into_inner).size());
            let hashes: Vec<Hash> = self
                .db
                .read("grow", move |read| {
                    let sql = "SELECT hash FROM leaf WHERE seq > $1 AND seq <= $2 ORDER BY seq";
                    let rows = read.rows(sql, &params![from, from.saturating_add(STRIDE)])?;
                    rows.iter().map(|row| row.array(0)).collect::<Result<_, StoreError>>()
                })
                .await?;
            let mut tree = ledger.tree.write().unwrap_or_else(PoisonError::into_inner);
            // Copied only where somebody is reading it.
            let tree = Arc::make_mut(&mut tree);
            hashes.iter().for_each(|hash| tree.push(hash));
            if i64::try_from(hashes.len()).unwrap_or(0) < STRIDE {
                return Ok(tree.size());
            }
        }
    }

    /// Why the room may not answer now, on account of its ledger. Waits for the first sight after a start.
    pub(crate) async fn unseen(&self) -> Option<Reason> {
        let ledger = self.ledger.as_ref()?;
        if self.ledger_fault().is_some() {
            return Some(Reason::LedgerBroken);
        }
        if *ledger.must_be_seen.borrow() && !*ledger.sighted.borrow() {
            let mut sighted = ledger.sighted.subscribe();
            let _ = tokio::time::timeout(FIRST_SIGHT, sighted.wait_for(|sighted| *sighted)).await;
        }
        self.ledger_trouble()
    }

    /// The same without waiting for anything.
    pub fn ledger_trouble(&self) -> Option<Reason> {
        let (ledger, now) = (self.ledger.as_ref()?, self.now());
        let standing = ledger.standing.read().unwrap_or_else(PoisonError::into_inner);
        if standing.fault.is_some() {
            return Some(Reason::LedgerBroken);
        }
        let (longest, most) = ledger.bounds;
        let size = ledger.tree.read().unwrap_or_else(PoisonError::into_inner).size();
        let stale =
            now.since_ms(standing.seen_at) > longest || size.saturating_sub(standing.seen_size) > most;
        let unseen = !*ledger.sighted.borrow() || stale;
        (*ledger.must_be_seen.borrow() && unseen).then_some(Reason::Unwitnessed)
    }

    /// How many entries the ledger has, how many of them a witness has seen, and when that was (the start of the room,
    /// until one has).
    pub fn ledger_seen(&self) -> Option<(u64, u64, Moment)> {
        let ledger = self.ledger.as_ref()?;
        let size = ledger.tree.read().unwrap_or_else(PoisonError::into_inner).size();
        let standing = ledger.standing.read().unwrap_or_else(PoisonError::into_inner);
        Some((size, standing.seen_size, standing.seen_at))
    }

    /// What is wrong with this room's ledger, if the room has noticed.
    pub fn ledger_fault(&self) -> Option<LedgerFault> {
        let ledger = self.ledger.as_ref()?;
        ledger.standing.read().unwrap_or_else(PoisonError::into_inner).fault
    }

    /// The checkpoint to publish: the last one cosigned; before the first, one with the own signature alone.
    pub async fn checkpoint(&self) -> Result<Note, StoreError> {
        let ledger = self.ledger()?;
        let latest = ledger.standing.read().unwrap_or_else(PoisonError::into_inner).latest.clone();
        match latest {
            Some(note) => Ok(note),
            None => {
                self.grow().await?;
                Ok(ledger.head().1)
            }
        }
    }

    /// The bytes of a tile or an entry bundle.
    pub async fn tile(&self, path: TilePath) -> Result<Option<Vec<u8>>, StoreError> {
        let tree = self.ledger()?.tree();
        self.db.read("tile", move |read| Ok(tree.tile(&path, &Stored(RefCell::new(read))).ok())).await
    }

    /// Receipts for leaves, by their numbers in the ledger from 1; `None` where no witness has seen the leaf yet.
    pub async fn receipts(&self, leaves: Vec<i64>) -> Result<Vec<Option<Proof>>, StoreError> {
        let ledger = self.ledger()?;
        let latest = ledger.standing.read().unwrap_or_else(PoisonError::into_inner).latest.clone();
        let tree = ledger.tree();
        self.db
            .read("receipts", move |read| {
                let stored = Stored(RefCell::new(read));
                let head = latest.as_ref().and_then(|note| Checkpoint::parse(&note.text).ok());
                let proof = |seq: i64| {
                    let (note, head) = (latest.clone()?, head.as_ref()?);
                    let index = u64::try_from(seq.checked_sub(1)?).ok()?;
                    let hashes = tree.inclusion(index, head.size, &stored).ok()?;
                    Some(Proof { extra: None, index, hashes, checkpoint: note })
                };
                Ok(leaves.into_iter().map(proof).collect())
            })
            .await
    }

    /// Shows the ledger to its witnesses until the world shuts down. `witnesses` names them with their keys, `ask`
    /// posts a request to one. From now on the room answers only while one of them sees the ledger, if there is any.
    pub async fn keep_ledger<W, A, F>(self: Arc<Self>, witnesses: W, ask: A)
    where
        W: Fn() -> Vec<(PartyId, NoteKey)> + Send + Sync,
        A: Fn(PartyId, String) -> F + Send + Sync,
        F: Future<Output = WitnessAnswer> + Send,
    {
        let mut last_seen: HashMap<PartyId, u64> = HashMap::new();
        loop {
            let around = witnesses();
            if let Some(ledger) = &self.ledger {
                ledger.must_be_seen.send_replace(!around.is_empty());
            }
            if let Err(error) = self.show(&around, &ask, &mut last_seen).await {
                tracing::error!(%error, "the ledger cannot be shown to its witnesses");
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = self.world.shutdown.wait() => return,
            }
        }
    }

    async fn show<A, F>(
        &self,
        witnesses: &[(PartyId, NoteKey)],
        ask: &A,
        last_seen: &mut HashMap<PartyId, u64>,
    ) -> Result<(), StoreError>
    where
        A: Fn(PartyId, String) -> F + Send + Sync,
        F: Future<Output = WitnessAnswer> + Send,
    {
        let ledger = self.ledger()?;
        let size = self.grow().await?;
        let now = self.now();
        let due = {
            let standing = ledger.standing.read().unwrap_or_else(PoisonError::into_inner);
            let old = now.since_ms(standing.seen_at) > HEARTBEAT_MS || !*ledger.sighted.borrow();
            let again = !standing.by_all && now.since_ms(standing.shown_at) > AGAIN_MS;
            standing.fault.is_none() && (size > standing.seen_size || old || again)
        };
        if !due || witnesses.is_empty() {
            return Ok(());
        }
        let (head, mut note) = ledger.head();
        let mut requests = Vec::new();
        for (party, _) in witnesses {
            let old = last_seen.get(party).copied().unwrap_or(0);
            requests.push(self.request(old, &head, &note).await?);
        }
        let asked = witnesses.iter().zip(requests).map(|((party, _), request)| ask(party.clone(), request));
        let answers = futures_util::future::join_all(asked).await;
        for ((party, key), answer) in witnesses.iter().zip(answers) {
            let answer = match answer {
                // It was elsewhere: told from where, it is asked once more.
                WitnessAnswer::OtherSize(old) if old <= head.size => {
                    ask(party.clone(), self.request(old, &head, &note).await?).await
                }
                answer => answer,
            };
            match answer {
                WitnessAnswer::Cosigned(lines) => {
                    let lines = lines.lines().filter_map(|line| Signature::parse(line).ok());
                    let with = Note { text: note.text.clone(), signatures: lines.collect() };
                    if with.cosigned_by(key).is_some() {
                        let own = with.signatures.into_iter().filter(|one| one.name == key.name());
                        note.signatures.extend(own);
                        last_seen.insert(party.clone(), head.size);
                    }
                }
                WitnessAnswer::OtherSize(seen) => {
                    ledger.break_down(LedgerFault::Shorter { has: head.size, seen });
                    return Ok(());
                }
                WitnessAnswer::Conflict => {
                    ledger.break_down(LedgerFault::Changed { size: head.size });
                    return Ok(());
                }
                WitnessAnswer::Away => {}
            }
        }
        let by_all = note.signatures.len() > witnesses.len();
        if note.signatures.len() > 1 {
            self.seen(head, note, now).await?;
        }
        let mut standing = ledger.standing.write().unwrap_or_else(PoisonError::into_inner);
        (standing.by_all, standing.shown_at) = (by_all, now);
        Ok(())
    }

    async fn request(&self, old: u64, head: &Checkpoint, note: &Note) -> Result<String, StoreError> {
        let (tree, size) = (self.ledger()?.tree(), head.size);
        let proof = self
            .db
            .read("consistency", move |read| {
                Ok::<_, StoreError>(tree.consistency(old, size, &Stored(RefCell::new(read))))
            })
            .await?;
        let proof = proof.map_err(|_| StoreError::Closed)?;
        Ok(AddCheckpoint { old, proof, checkpoint: note.clone() }.to_string())
    }

    /// At least one witness has seen the ledger at this size.
    async fn seen(&self, head: Checkpoint, note: Note, now: Moment) -> Result<(), StoreError> {
        let ledger = self.ledger()?;
        let row = params![now.0.div_euclid(3_600_000), signed(head.size), note.to_string()];
        self.db
            .write("checkpoint", move |write| {
                let sql = "INSERT INTO checkpoint (hour, size, note) VALUES ($1, $2, $3) \
                           ON CONFLICT (hour) DO UPDATE SET size = excluded.size, note = excluded.note";
                write.execute(sql, &row).map(|_| ())
            })
            .await?;
        let mut standing = ledger.standing.write().unwrap_or_else(PoisonError::into_inner);
        (standing.latest, standing.seen_size, standing.seen_at) = (Some(note), head.size, now);
        drop(standing);
        ledger.sighted.send_replace(true);
        Ok(())
    }
}

impl RoomLedger {
    fn tree(&self) -> Arc<Tree> {
        Arc::clone(&self.tree.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The tree's head, and its note with the own signature.
    fn head(&self) -> (Checkpoint, Note) {
        let tree = self.tree.read().unwrap_or_else(PoisonError::into_inner);
        let head = Checkpoint { origin: self.origin.clone(), size: tree.size(), root: tree.root() };
        let text = head.text();
        let signatures = ledger::sign(&self.origin, &self.key, &text).into_iter().collect();
        (head, Note { text, signatures })
    }

    fn break_down(&self, fault: LedgerFault) {
        tracing::error!(%fault, "this room's ledger cannot be trusted; the room answers nothing until it is put right");
        self.standing.write().unwrap_or_else(PoisonError::into_inner).fault = Some(fault);
    }
}
