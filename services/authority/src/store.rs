//! The authority's own SQL.

use protocol::directory::Entry;
use seal::Sha256;
use store::{Location, Migrations, StoreError, Write, params};
use words::{ActId, B64, Moment, PartyId};

/// The room's own tables.
pub(crate) const MIGRATIONS: Migrations = Migrations {
    owner: "authority",
    steps: &[
        (1, "party", include_str!("../migrations/0001_party.sql")),
        (2, "certificate", include_str!("../migrations/0002_certificate.sql")),
        (3, "certificate_standing", include_str!("../migrations/0003_standing.sql")),
        (4, "party_certificate", include_str!("../migrations/0004_party_certificate.sql")),
        (5, "passkey", include_str!("../migrations/0005_passkey.sql")),
        (6, "operator", include_str!("../migrations/0006_operator.sql")),
    ],
};

/// A party's short-lived certificate.
pub(crate) struct PartyRow {
    pub(crate) fingerprint: Sha256,
    pub(crate) party: PartyId,
    pub(crate) key_hash: Sha256,
    pub(crate) issued: Moment,
    pub(crate) not_after: Moment,
}

/// Certificates of one party in the directory at once: what it shows, what it will show, and one that it never came to show.
const SHOWN: usize = 4;

/// All entries and the version they make, with the certificates that hold now.
pub(crate) async fn parties(db: &store::Db, now: Moment) -> Result<(i64, Vec<Entry>), StoreError> {
    db.read("parties", move |read| {
        let rows = read.rows("SELECT entry, changed FROM party ORDER BY id", &[])?;
        let mut version = 0;
        let mut entries = Vec::new();
        for row in &rows {
            version = version.max(row.int(1)?);
            entries.extend(serde_json::from_str::<Entry>(&row.text(0)?).ok());
        }
        let sql = "SELECT party, fingerprint, changed, not_after FROM party_certificate ORDER BY issued DESC, fingerprint";
        for row in &read.rows(sql, &[])? {
            version = version.max(row.int(2)?);
            let (party, hash) = (row.text(0)?, B64::from(row.bytes(1)?));
            let entry = entries.iter_mut().find(|entry| entry.id.as_str() == party);
            let not_after = row.int(3)?;
            // The newest stays though it has run out: nothing else is shown by a party that has had one.
            let newest = entry.as_ref().is_some_and(|entry| entry.current.is_empty());
            let holds = not_after > now.0 || (newest && not_after > 0);
            if let Some(entry) = entry.filter(|entry| holds && entry.current.len() < SHOWN) {
                entry.current.push(hash);
            }
        }
        let sql = "SELECT party, operator, changed FROM revoked_operator ORDER BY party, operator";
        for row in &read.rows(sql, &[])? {
            version = version.max(row.int(2)?);
            let (party, operator) = (row.text(0)?, row.text(1)?);
            let entry = entries.iter_mut().find(|entry| entry.id.as_str() == party);
            entry.into_iter().for_each(|entry| entry.revoked_operators.push(operator.clone()));
        }
        Ok::<_, StoreError>((version, entries))
    })
    .await
}

/// The directory's next version.
const NEXT: &str = "(SELECT COALESCE(MAX(changed), 0) + 1 FROM (SELECT changed FROM party UNION ALL SELECT changed FROM party_certificate \
                    UNION ALL SELECT changed FROM revoked_operator) AS all_changes)";

/// Whether a key was certified for a party or an operator before, by another act.
pub(crate) async fn key_is_certified(
    db: &store::Db,
    key_hash: Sha256,
    act: ActId,
) -> Result<bool, StoreError> {
    db.read("key_is_certified", move |read| {
        let sql = "SELECT 1 FROM party_certificate WHERE key_hash = $1 UNION ALL SELECT 1 FROM operator_key WHERE key_hash = $1";
        let known = read.row(sql, &params![key_hash])?;
        // The same act again brings its stored reply.
        let sql =
            "SELECT 1 FROM act WHERE verb IN ('renew_certificate', 'certify_operator') AND id = $1";
        Ok::<_, StoreError>(known.is_some() && read.row(sql, &params![act.bytes()])?.is_none())
    })
    .await
}

/// How long the certificate of an enrolment is shown beside the first short-lived one, ms: until every neighbour has heard.
const BRIDGE_MS: i64 = 3_600_000;

/// Enters a certificate of a party that was enrolled with `enrolment`.
pub(crate) fn put_certificate(
    write: &mut Write<'_>,
    row: &PartyRow,
    enrolment: &[u8],
) -> Result<(), StoreError> {
    let PartyRow { fingerprint, party, key_hash, issued, not_after } = row;
    let sql = "SELECT 1 FROM party_certificate WHERE party = $1 AND not_after > 0 LIMIT 1";
    let is_first = write.row(sql, &params![party.as_str()])?.is_none();
    let sql = format!(
        "INSERT INTO party_certificate (fingerprint, party, key_hash, issued, not_after, changed) VALUES ($1, $2, $3, $4, $5, {NEXT}) \
         ON CONFLICT (fingerprint) DO UPDATE SET issued = excluded.issued, not_after = excluded.not_after, changed = excluded.changed"
    );
    if is_first {
        let until = issued.plus_ms(BRIDGE_MS).0;
        let bridge = params![enrolment, party.as_str(), seal::sha256(enrolment), issued.0 - 1, until];
        write.execute(&sql, &bridge)?;
    } else {
        write.execute(
            "UPDATE party_certificate SET not_after = 0 WHERE fingerprint = $1",
            &params![enrolment],
        )?;
    }
    write.execute(&sql, &params![*fingerprint, party.as_str(), *key_hash, issued.0, not_after.0]).map(|_| ())
}

/// A key that was certified for an operator.
pub(crate) struct OperatorRow {
    pub(crate) party: PartyId,
    pub(crate) operator: String,
    pub(crate) key_hash: Sha256,
    pub(crate) not_after: Moment,
}

/// Notes that a key was certified.
pub(crate) fn put_operator_key(write: &mut Write<'_>, row: &OperatorRow) -> Result<(), StoreError> {
    let OperatorRow { party, operator, key_hash, not_after } = row;
    let sql = "INSERT INTO operator_key (key_hash, party, operator, not_after) VALUES ($1, $2, $3, $4)";
    write.execute(sql, &params![*key_hash, party.as_str(), operator.as_str(), not_after.0]).map(|_| ())
}

/// Whether an operator is revoked.
pub(crate) async fn is_revoked(db: &store::Db, party: &PartyId, operator: &str) -> Result<bool, StoreError> {
    let (party, operator) = (party.to_string(), operator.to_owned());
    db.read("is_revoked", move |read| {
        let sql = "SELECT 1 FROM revoked_operator WHERE party = $1 AND operator = $2";
        Ok::<_, StoreError>(read.row(sql, &params![party.as_str(), operator.as_str()])?.is_some())
    })
    .await
}

/// Revokes an operator; raises the directory's version by one if that is new.
pub(crate) fn revoke_operator(
    write: &mut Write<'_>,
    party: &PartyId,
    operator: &str,
) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO revoked_operator (party, operator, changed) VALUES ($1, $2, {NEXT}) ON CONFLICT (party, operator) DO NOTHING"
    );
    write.execute(&sql, &params![party.as_str(), operator]).map(|_| ())
}

/// Inserts or replaces an entry; a change raises the directory's version by one.
pub(crate) fn put(write: &mut Write<'_>, entry: &Entry) -> Result<(), StoreError> {
    // Short-lived certificates and revoked operators stand in tables of their own.
    let own = Entry { current: Vec::new(), revoked_operators: Vec::new(), ..entry.clone() };
    let text = serde_json::to_string(&own).unwrap_or_default();
    let before = write.row("SELECT entry FROM party WHERE id = $1", &params![entry.id.as_str()])?;
    let before = before.map(|row| row.text(0)).transpose()?;
    let before = before.and_then(|text| serde_json::from_str::<Entry>(&text).ok());
    let sql = format!(
        "INSERT INTO party (id, entry, changed) VALUES ($1, $2, {NEXT}) \
         ON CONFLICT (id) DO UPDATE SET entry = excluded.entry, changed = excluded.changed WHERE party.entry <> excluded.entry"
    );
    write.execute(&sql, &params![entry.id.as_str(), text])?;
    // Whoever is enrolled anew shows what it was enrolled with; nothing of before opens a door.
    if before.is_some_and(|before| before.certificate != entry.certificate) {
        write.execute(
            "UPDATE party_certificate SET not_after = 0 WHERE party = $1",
            &params![entry.id.as_str()],
        )?;
    }
    Ok(())
}

/// Enrols parties in the authority's database, as the ceremony does, also while the authority runs.
pub async fn enrol(location: &Location, entries: Vec<Entry>) -> Result<(), StoreError> {
    let db = store::Db::open(location, &[road::MIGRATIONS, MIGRATIONS]).await?;
    db.write("enrol", move |write| entries.iter().try_for_each(|entry| put(write, entry))).await?;
    db.close().await;
    Ok(())
}
