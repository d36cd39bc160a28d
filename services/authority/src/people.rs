//! SQL of people's certificates.

use protocol::certificates::{HolderEvent, Purpose, Use, Window};
use seal::Sha256;
use store::{Db, Read, StoreError, Write, params};
use words::{ActId, Moment, PartyId};

use crate::life::State;
use crate::states::Standing;

/// A certificate's row.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) serial: Vec<u8>,
    pub(crate) holder: Sha256,
    pub(crate) purpose: Purpose,
    pub(crate) place: String,
    /// Sealed.
    pub(crate) der: Vec<u8>,
    pub(crate) not_after: Moment,
    pub(crate) state: State,
    pub(crate) since: Moment,
}

pub(crate) const fn word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Signature => "signature",
        Purpose::Authentication => "authentication",
    }
}

fn purpose(word: &str) -> Result<Purpose, StoreError> {
    match word {
        "signature" => Ok(Purpose::Signature),
        "authentication" => Ok(Purpose::Authentication),
        _ => Err(StoreError::Closed),
    }
}

const ROW: &str =
    "SELECT serial, holder, purpose, place, der, not_after, state, reason, since FROM certificate";

fn row(row: &store::Row) -> Result<Row, StoreError> {
    Ok(Row {
        serial: row.bytes(0)?,
        holder: row.array(1)?,
        purpose: purpose(&row.text(2)?)?,
        place: row.text(3)?,
        der: row.bytes(4)?,
        not_after: Moment(row.int(5)?),
        state: State::of(&row.text(6)?, row.int(7)?).ok_or(StoreError::Closed)?,
        since: Moment(row.int(8)?),
    })
}

fn code(state: State) -> i64 {
    state.reason().map_or(0, |reason| i64::from(reason.code()))
}

fn by_serial_in(read: &mut Read<'_>, serial: &[u8]) -> Result<Option<Row>, StoreError> {
    let found = read.row(&format!("{ROW} WHERE serial = $1"), &params![serial])?;
    found.map(|found| row(&found)).transpose()
}

/// Certificates by their serial numbers, in order.
pub(crate) async fn by_serials(db: &Db, serials: Vec<Vec<u8>>) -> Result<Vec<Option<Row>>, StoreError> {
    db.read("by_serials", move |read| serials.iter().map(|serial| by_serial_in(read, serial)).collect()).await
}

const STANDING: &str = "SELECT serial, purpose, state, reason, since FROM certificate";

fn standing(row: &store::Row) -> Result<(Vec<u8>, Standing), StoreError> {
    let purpose = purpose(&row.text(1)?)?;
    let state = State::of(&row.text(2)?, row.int(3)?).ok_or(StoreError::Closed)?;
    Ok((row.bytes(0)?, Standing { purpose, state, since: Moment(row.int(4)?) }))
}

/// Shows how every certificate stands.
pub(crate) async fn standings(db: &Db, mut show: impl FnMut(&[u8], Standing)) -> Result<(), StoreError> {
    /// Rows read at once.
    const PAGE: i64 = 50_000;
    let mut after = Vec::new();
    loop {
        let from = after.clone();
        let page = db
            .read("standings", move |read| {
                let sql = format!("{STANDING} WHERE serial > $1 ORDER BY serial LIMIT $2");
                read.rows(&sql, &params![from, PAGE])?
                    .iter()
                    .map(standing)
                    .collect::<Result<Vec<_>, StoreError>>()
            })
            .await?;
        page.iter().for_each(|(serial, known)| show(serial, *known));
        match page.into_iter().next_back() {
            Some((serial, _)) => after = serial,
            None => return Ok(()),
        }
    }
}

/// How a holder's certificates stand, by their serial numbers.
pub(crate) async fn standings_of(db: &Db, holder: Sha256) -> Result<Vec<(Vec<u8>, Standing)>, StoreError> {
    db.read("standings_of", move |read| {
        let rows = read.rows(&format!("{STANDING} WHERE holder = $1"), &params![holder])?;
        rows.iter().map(standing).collect()
    })
    .await
}

/// The valid signature certificate of a holder.
pub(crate) async fn present_signature(db: &Db, holder: Sha256) -> Result<Option<Row>, StoreError> {
    db.read("present_signature", move |read| {
        let sql = format!("{ROW} WHERE holder = $1 AND purpose = 'signature' AND state = 'valid'");
        read.row(&sql, &params![holder])?.map(|found| row(&found)).transpose()
    })
    .await
}

fn settle(write: &mut Write<'_>, serial: &[u8], state: State, now: Moment) -> Result<(), StoreError> {
    let sql = "UPDATE certificate SET state = $2, reason = $3, since = $4 WHERE serial = $1";
    write.execute(sql, &params![serial, state.as_str(), code(state), now.0]).map(|_| ())
}

/// The register's handle of a holder, sealed.
pub(crate) async fn handle(db: &Db, holder: Sha256) -> Result<Option<Vec<u8>>, StoreError> {
    db.read("handle", move |read| {
        let found = read.row("SELECT handle FROM holder WHERE holder = $1", &params![holder])?;
        found.map(|row| row.bytes(0)).transpose()
    })
    .await
}

/// Keeps the register's handle of a holder, sealed.
pub(crate) fn keep_handle(write: &mut Write<'_>, holder: Sha256, sealed: Vec<u8>) -> Result<(), StoreError> {
    let sql = "INSERT INTO holder (holder, handle) VALUES ($1, $2) ON CONFLICT (holder) DO NOTHING";
    write.execute(sql, &params![holder, sealed]).map(|_| ())
}

/// Enters new certificates of a holder; one of the same purpose that still counts is superseded.
pub(crate) fn issue(
    write: &mut Write<'_>,
    window: &Window,
    new: &[Row],
    now: Moment,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO place (code, prefecture, municipality) VALUES ($1, $2, $3) ON CONFLICT (code) DO NOTHING";
    let Window { prefecture, municipality, code: place } = window;
    write.execute(sql, &params![place.as_str(), prefecture.as_str(), municipality.as_str()])?;
    for one in new {
        let superseded = i64::from(seal::x509::RevocationReason::Superseded.code());
        let sql = "UPDATE certificate SET state = 'ended', reason = $3, since = $4 WHERE holder = $1 AND purpose = $2 AND state <> 'ended'";
        write.execute(sql, &params![one.holder, word(one.purpose), superseded, now.0])?;
        let sql = "INSERT INTO certificate (serial, holder, purpose, place, der, not_after, state, reason, since) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let row = params![
            one.serial.clone(),
            one.holder,
            word(one.purpose),
            one.place.as_str(),
            one.der.clone(),
            one.not_after.0,
            one.state.as_str(),
            code(one.state),
            one.since.0
        ];
        write.execute(sql, &row)?;
    }
    Ok(())
}

/// The certificates of a holder whose state an event changes, with the state they get.
pub(crate) async fn changed_by(
    db: &Db,
    holder: Sha256,
    event: HolderEvent,
) -> Result<Vec<(Row, State)>, StoreError> {
    db.read("changed_by", move |read| {
        let mut changed = Vec::new();
        for found in &read.rows(&format!("{ROW} WHERE holder = $1 AND state <> 'ended'"), &params![holder])? {
            let row = row(found)?;
            if let Some(state) = row.state.after(row.purpose, event) {
                changed.push((row, state));
            }
        }
        Ok::<_, StoreError>(changed)
    })
    .await
}

/// Puts certificates into the states an event gives them.
pub(crate) fn put(write: &mut Write<'_>, changed: &[(Row, State)], now: Moment) -> Result<(), StoreError> {
    changed.iter().try_for_each(|(row, state)| settle(write, &row.serial, *state, now))
}

/// The municipalities that have certificates.
pub(crate) async fn places(db: &Db) -> Result<Vec<Window>, StoreError> {
    db.read("places", |read| {
        let rows = read.rows("SELECT prefecture, municipality, code FROM place ORDER BY code", &[])?;
        rows.iter()
            .map(|row| {
                Ok(Window { prefecture: row.text(0)?, municipality: row.text(1)?, code: row.text(2)? })
            })
            .collect()
    })
    .await
}

/// What stands on a municipality's list: serial, since when, why. Certificates whose own time is over are left out.
pub(crate) async fn not_valid(
    db: &Db,
    purpose: Purpose,
    place: String,
    now: Moment,
) -> Result<Vec<(Vec<u8>, Moment, State)>, StoreError> {
    db.read("not_valid", move |read| {
        let sql = "SELECT serial, since, state, reason FROM certificate \
                   WHERE purpose = $1 AND place = $2 AND state <> 'valid' AND not_after >= $3 ORDER BY serial";
        let mut all = Vec::new();
        read.each(sql, &params![word(purpose), place, now.0], |row| {
            let state = State::of(&row.text(2)?, row.int(3)?).ok_or(StoreError::Closed)?;
            all.push((row.bytes(0)?, Moment(row.int(1)?), state));
            Ok(())
        })?;
        Ok::<_, StoreError>(all)
    })
    .await
}

/// A list in force: its number, its end, its DER.
pub(crate) type List = (u64, Moment, Vec<u8>);

/// The list in force of a kind and municipality.
pub(crate) async fn list(db: &Db, purpose: Purpose, place: String) -> Result<Option<List>, StoreError> {
    db.read("list", move |read| {
        let sql = "SELECT number, next_update, der FROM revocation_list WHERE purpose = $1 AND place = $2";
        let found = read.row(sql, &params![word(purpose), place])?;
        found
            .map(|row| {
                Ok((u64::try_from(row.int(0)?).unwrap_or_default(), Moment(row.int(1)?), row.bytes(2)?))
            })
            .transpose()
    })
    .await
}

/// Puts a list in force.
pub(crate) async fn put_list(
    db: &Db,
    purpose: Purpose,
    place: String,
    (number, next_update, der): List,
) -> Result<(), StoreError> {
    db.write("put_list", move |write| {
        let sql = "INSERT INTO revocation_list (purpose, place, number, next_update, der) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (purpose, place) DO UPDATE SET number = excluded.number, next_update = excluded.next_update, der = excluded.der";
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        write.execute(sql, &params![word(purpose), place, number, next_update.0, der]).map(|_| ())
    })
    .await
}

/// Enters that a party verified certificates.
pub(crate) fn note_uses(
    write: &mut Write<'_>,
    act: &ActId,
    party: &PartyId,
    used: &[Row],
    now: Moment,
) -> Result<(), StoreError> {
    for one in used {
        let sql = "INSERT INTO certificate_use (act, serial, holder, purpose, party, at) VALUES ($1, $2, $3, $4, $5, $6) \
                   ON CONFLICT (act, serial) DO NOTHING";
        let row =
            params![act.bytes(), one.serial.clone(), one.holder, word(one.purpose), party.as_str(), now.0];
        write.execute(sql, &row)?;
    }
    Ok(())
}

/// Which of these certificates a party has verified before.
pub(crate) async fn verified_before(
    db: &Db,
    party: PartyId,
    serials: Vec<Vec<u8>>,
) -> Result<Vec<bool>, StoreError> {
    db.read("verified_before", move |read| {
        let sql = "SELECT 1 FROM certificate_use WHERE party = $1 AND serial = $2";
        let one = |serial: &Vec<u8>| Ok(read.row(sql, &params![party.as_str(), serial.clone()])?.is_some());
        serials.iter().map(one).collect()
    })
    .await
}

/// The uses of a holder's certificates, newest first.
pub(crate) async fn uses(db: &Db, holder: Sha256) -> Result<Vec<Use>, StoreError> {
    db.read("uses", move |read| {
        let sql = "SELECT at, party, act, purpose FROM certificate_use WHERE holder = $1 ORDER BY at DESC, act LIMIT 1000";
        read.rows(sql, &params![holder])?
            .iter()
            .map(|row| {
                Ok(Use {
                    at: Moment(row.int(0)?),
                    party: PartyId::parse(&row.text(1)?).map_err(|_| StoreError::Closed)?,
                    act: ActId::new(row.array(2)?),
                    purpose: purpose(&row.text(3)?)?,
                })
            })
            .collect()
    })
    .await
}

/// A holder lets a party learn new attributes until then.
pub(crate) fn consent(
    write: &mut Write<'_>,
    holder: Sha256,
    party: &PartyId,
    ends: Moment,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO attribute_consent (holder, party, ends) VALUES ($1, $2, $3) \
               ON CONFLICT (holder, party) DO UPDATE SET ends = excluded.ends";
    write.execute(sql, &params![holder, party.as_str(), ends.0]).map(|_| ())
}

/// Until when a holder lets a party learn new attributes.
pub(crate) async fn consent_ends(
    db: &Db,
    holder: Sha256,
    party: PartyId,
) -> Result<Option<Moment>, StoreError> {
    db.read("consent_ends", move |read| {
        let sql = "SELECT ends FROM attribute_consent WHERE holder = $1 AND party = $2";
        read.row(sql, &params![holder, party.as_str()])?.map(|row| row.int(0).map(Moment)).transpose()
    })
    .await
}
