//! What own clerks asked, and what came of it: this room's own table.

use protocol::desk::{AskRow, AskState, Asked, BatchState};
use seal::StorageKey;
use serde_json::value::RawValue;
use store::{Db, Row, StoreError, Write, params};
use words::{ActId, Moment, Reason};

/// One ask as it is kept.
pub(crate) struct Kept {
    pub(crate) asked: Asked,
    pub(crate) row: AskRow,
    pub(crate) staff: String,
    pub(crate) at: Moment,
}

/// How an ask stands now.
pub(crate) struct Standing {
    pub(crate) state: AskState,
    pub(crate) reason: Option<Reason>,
    /// Sealed.
    pub(crate) content: Option<Vec<u8>>,
    pub(crate) as_of: Option<Moment>,
    pub(crate) until: Option<Moment>,
    pub(crate) look_at: Option<Moment>,
}

impl Standing {
    pub(crate) fn of(state: AskState) -> Self {
        Self { state, reason: None, content: None, as_of: None, until: None, look_at: None }
    }

    pub(crate) fn ended(state: AskState, reason: Reason) -> Self {
        Self { reason: Some(reason), ..Self::of(state) }
    }
}

pub(crate) fn seal_content(key: &StorageKey, act: &ActId, content: &RawValue) -> Vec<u8> {
    key.seal("asked", act.bytes(), "content", content.get().as_bytes())
}

fn seal_wanted(key: &StorageKey, act: &ActId, row: &AskRow) -> Vec<u8> {
    key.seal("asked", act.bytes(), "wanted", &serde_json::to_vec(row).unwrap_or_default())
}

/// An ask that begins; one of a batch is there already, queued.
pub(crate) fn begin(key: &StorageKey, act: ActId, row: &AskRow, staff: &str, at: Moment) -> road::RoomWrite {
    let values = params![act.bytes(), seal_wanted(key, &act, row), staff, at.0].to_vec();
    Box::new(move |write| {
        let sql = "INSERT INTO asked (act, wanted, staff, state, at) VALUES ($1, $2, $3, 'asking', $4) \
                   ON CONFLICT (act) DO UPDATE SET state = 'asking'";
        write.execute(sql, &values).map(|_| ())
    })
}

/// Sets how an ask stands.
pub(crate) fn set(write: &mut Write<'_>, act: &ActId, to: &Standing, now: Moment) -> Result<(), StoreError> {
    let over = matches!(to.state, AskState::Answered | AskState::Refused | AskState::Failed);
    let sql = "UPDATE asked SET state = $2, reason = $3, content = $4, until = $5, look_at = $6, ended_at = $7, as_of = $8 WHERE act = $1";
    let row = params![
        act.bytes(),
        to.state.as_str(),
        to.reason.map(Reason::as_str),
        to.content.clone(),
        to.until.map(|until| until.0),
        to.look_at.map(|at| at.0),
        over.then_some(now.0),
        to.as_of.map(|at| at.0)
    ];
    write.execute(sql, &row).map(|_| ())
}

const COLUMNS: &str = "act, wanted, staff, state, reason, content, until, at, as_of";

fn read(key: &StorageKey, row: &Row) -> Result<Option<Kept>, StoreError> {
    let act = ActId::new(row.array(0)?);
    let opened = |name: &str, sealed: &[u8]| key.open("asked", act.bytes(), name, sealed).ok();
    let wanted = opened("wanted", &row.bytes(1)?).and_then(|json| serde_json::from_slice(&json).ok());
    let word = row.text(3)?;
    let state = AskState::ALL.into_iter().find(|state| state.as_str() == word);
    // A row this room cannot read any more is a row of another key: it is shown to nobody.
    let (Some(wanted), Some(state)) = (wanted, state) else { return Ok(None) };
    let content = row.opt_bytes(5)?.and_then(|sealed| opened("content", &sealed));
    let content = content.and_then(|json| RawValue::from_string(String::from_utf8(json).ok()?).ok());
    let asked = Asked {
        id: act,
        state,
        content,
        as_of: row.opt_int(8)?.map(Moment),
        reason: row.opt_text(4)?.as_deref().and_then(Reason::parse),
        until: row.opt_int(6)?.map(Moment),
    };
    Ok(Some(Kept { asked, row: wanted, staff: row.text(2)?, at: Moment(row.int(7)?) }))
}

async fn rows(
    db: &Db,
    key: &std::sync::Arc<StorageKey>,
    sql: String,
    values: Vec<store::Value>,
) -> Result<Vec<Kept>, StoreError> {
    let key = std::sync::Arc::clone(key);
    db.read("asked", move |reading| {
        let mut kept = Vec::new();
        for row in &reading.rows(&sql, &values)? {
            kept.extend(read(&key, row)?);
        }
        Ok(kept)
    })
    .await
}

type Key = std::sync::Arc<StorageKey>;

/// One ask.
pub(crate) async fn one(db: &Db, key: &Key, act: ActId) -> Result<Option<Kept>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM asked WHERE act = $1");
    Ok(rows(db, key, sql, params![act.bytes()].to_vec()).await?.pop())
}

/// The newest asks that were no part of a batch.
pub(crate) async fn newest(db: &Db, key: &Key, most: i64) -> Result<Vec<Kept>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM asked WHERE batch IS NULL ORDER BY at DESC, act LIMIT $1");
    rows(db, key, sql, params![most].to_vec()).await
}

/// Asks whose late answer is to be looked for now.
pub(crate) async fn due(db: &Db, key: &Key, now: Moment, most: i64) -> Result<Vec<Kept>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM asked WHERE state = 'waiting' AND look_at <= $1 ORDER BY look_at LIMIT $2"
    );
    rows(db, key, sql, params![now.0, most].to_vec()).await
}

/// The next rows of a batch to be sent by now.
pub(crate) async fn queued(
    db: &Db,
    key: &Key,
    batch: ActId,
    now: Moment,
    most: i64,
) -> Result<Vec<Kept>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM asked WHERE batch = $1 AND state = 'queued' AND (look_at IS NULL OR look_at <= $2) \
         ORDER BY line LIMIT $3"
    );
    rows(db, key, sql, params![batch.bytes(), now.0, most].to_vec()).await
}

/// Pauses before a row of a batch is tried again, s: what passes has passed by then, or a person must see to it.
const PAUSES: [i64; 8] = [0, 1, 5, 15, 60, 300, 300, 300];

/// Queues a row of a batch again, as its next try, an act of its own; whether it was. Not a single ask, and not for ever.
pub(crate) async fn queue_again(db: &Db, key: &Key, act: ActId, now: Moment) -> Result<bool, StoreError> {
    let pause = PAUSES.get(usize::from(act.tries())).copied();
    let (Some(next), Some(pause)) = (act.next_try(), pause) else { return Ok(false) };
    let key = std::sync::Arc::clone(key);
    db.write("queue_again", move |write| {
        let sql = format!("SELECT {COLUMNS} FROM asked WHERE act = $1 AND batch IS NOT NULL");
        let kept = match write.row(&sql, &params![act.bytes()])? {
            Some(row) => read(&key, &row)?,
            None => None,
        };
        let Some(kept) = kept else { return Ok(false) };
        let sql = "UPDATE asked SET act = $2, wanted = $3, state = 'queued', look_at = $4 WHERE act = $1";
        let wanted = seal_wanted(&key, &next, &kept.row);
        write.execute(sql, &params![act.bytes(), next.bytes(), wanted, now.plus_ms(pause * 1000).0])?;
        Ok(true)
    })
    .await
}

/// Every row of a batch, in order.
pub(crate) async fn of_batch(db: &Db, key: &Key, batch: ActId) -> Result<Vec<Kept>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM asked WHERE batch = $1 ORDER BY line");
    rows(db, key, sql, params![batch.bytes()].to_vec()).await
}

/// Keeps a batch with its rows; the same batch again changes nothing. Whether there are exactly these rows.
pub(crate) async fn begin_batch(
    db: &Db,
    key: &Key,
    batch: ActId,
    wanted: Vec<AskRow>,
    staff: String,
    at: Moment,
) -> Result<bool, StoreError> {
    let known = of_batch(db, key, batch).await?;
    if !known.is_empty() {
        let same = known.len() == wanted.len() && known.iter().zip(&wanted).all(|(one, row)| one.row == *row);
        if same {
            move_batch(db, batch, false).await?;
        }
        return Ok(same);
    }
    let sealed: Vec<(ActId, Vec<u8>)> = (0..)
        .zip(&wanted)
        .map(|(line, row)| {
            let act = batch.row(line);
            (act, seal_wanted(key, &act, row))
        })
        .collect();
    let lines = i64::try_from(wanted.len()).unwrap_or(i64::MAX);
    db.write("begin_batch_of_asks", move |write| {
        let sql = "INSERT INTO ask_batch (id, staff, lines, at, stopped) VALUES ($1, $2, $3, $4, 0)";
        write.execute(sql, &params![batch.bytes(), staff.as_str(), lines, at.0])?;
        for (line, (act, wanted)) in (0_i64..).zip(&sealed) {
            let sql = "INSERT INTO asked (act, wanted, staff, state, at, batch, line) VALUES ($1, $2, $3, 'queued', $4, $5, $6)";
            let row = params![act.bytes(), wanted.clone(), staff.as_str(), at.0, batch.bytes(), line];
            write.execute(sql, &row)?;
        }
        Ok(true)
    })
    .await
}

/// Stops a batch, or lets it go on; whether there is such a batch.
pub(crate) async fn move_batch(db: &Db, batch: ActId, stop: bool) -> Result<bool, StoreError> {
    db.write("move_batch", move |write| {
        let sql = "UPDATE ask_batch SET stopped = $2 WHERE id = $1";
        Ok(write.execute(sql, &params![batch.bytes(), i64::from(stop)])? == 1)
    })
    .await
}

/// How far a batch is.
pub(crate) async fn batch_state(db: &Db, batch: ActId) -> Result<Option<BatchState>, StoreError> {
    db.read("batch_state", move |read| {
        let sql = "SELECT lines, stopped FROM ask_batch WHERE id = $1";
        let Some(row) = read.row(sql, &params![batch.bytes()])? else { return Ok(None) };
        let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        let mut state =
            BatchState { rows: count(row.int(0)?), stopped: row.int(1)? == 1, ..BatchState::default() };
        let sql = "SELECT state, COUNT(*) FROM asked WHERE batch = $1 GROUP BY state";
        for row in &read.rows(sql, &params![batch.bytes()])? {
            let (word, n) = (row.text(0)?, count(row.int(1)?));
            match word.as_str() {
                "queued" => state.queued = n,
                "asking" => state.asking = n,
                "answered" => state.answered = n,
                "waiting" => state.waiting = n,
                "refused" => state.refused = n,
                _ => state.failed = n,
            }
        }
        Ok(Some(state))
    })
    .await
}

/// A batch as lists show it: id, staff, rows, when.
pub(crate) type BatchLine = (ActId, String, i64, Moment);

/// The newest batches.
pub(crate) async fn batches(db: &Db) -> Result<Vec<BatchLine>, StoreError> {
    db.read("batches", |read| {
        let rows = read.rows("SELECT id, staff, lines, at FROM ask_batch ORDER BY at DESC LIMIT 50", &[])?;
        rows.iter()
            .map(|row| Ok((ActId::new(row.array(0)?), row.text(1)?, row.int(2)?, Moment(row.int(3)?))))
            .collect()
    })
    .await
}

/// Batches with rows to send by now that nobody stopped.
pub(crate) async fn unfinished(db: &Db, now: Moment) -> Result<Vec<ActId>, StoreError> {
    db.read("unfinished", move |read| {
        let sql = "SELECT id FROM ask_batch WHERE stopped = 0 AND EXISTS \
                   (SELECT 1 FROM asked WHERE asked.batch = ask_batch.id AND asked.state = 'queued' \
                   AND (asked.look_at IS NULL OR asked.look_at <= $1)) ORDER BY at";
        read.rows(sql, &params![now.0])?.iter().map(|row| row.array(0).map(ActId::new)).collect()
    })
    .await
}

/// After a stop: what was under way. A row of a batch is sent again under its own id, which is the same act, and as another
/// where that one came to no end; a clerk's own ask ended without an answer.
pub(crate) async fn recover(db: &Db, now: Moment) -> Result<(), StoreError> {
    db.write("recover_asks", move |write| {
        write
            .execute("UPDATE asked SET state = 'queued' WHERE state = 'asking' AND batch IS NOT NULL", &[])?;
        let sql =
            "UPDATE asked SET state = 'failed', reason = 'unavailable', ended_at = $1 WHERE state = 'asking'";
        write.execute(sql, &params![now.0]).map(|_| ())
    })
    .await
}

/// Erases what was asked before `before`.
pub(crate) fn erase(before: Moment) -> road::RoomWrite {
    Box::new(move |write| {
        write.execute("DELETE FROM asked WHERE at < $1", &params![before.0])?;
        write.execute("DELETE FROM ask_batch WHERE at < $1", &params![before.0])?;
        write.execute("DELETE FROM awaiting WHERE at < $1", &params![before.0]).map(|_| ())
    })
}
