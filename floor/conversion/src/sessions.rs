//! The sessions a transcryptor knows, in its database and in memory.

use std::sync::{Arc, PoisonError};

use seal::{Jws, PublicPoint};
use store::{StoreError, params};
use words::{Epoch, Moment, PartyId, Reason, SessionName};

use crate::Conversions;

/// The service's own table.
pub const MIGRATIONS: store::Migrations = store::Migrations {
    owner: "conversion",
    steps: &[
        (1, "session", include_str!("../migrations/0001_session.sql")),
        (2, "converted", include_str!("../migrations/0002_converted.sql")),
        (3, "outputs", include_str!("../migrations/0003_outputs.sql")),
        (4, "link_code", include_str!("../migrations/0004_link_code.sql")),
        (5, "epoch", include_str!("../migrations/0005_epoch.sql")),
    ],
};

/// A session with its public key.
#[derive(Clone, Debug)]
pub struct KnownSession {
    /// Its name.
    pub name: SessionName,
    /// Whose it is.
    pub party: PartyId,
    /// The public key all transcryptors made together.
    pub public: PublicPoint,
    /// From when it holds.
    pub opened_at: Moment,
    /// When it ends.
    pub ends_at: Moment,
    /// This transcryptor's signed statement.
    pub own: Jws,
    /// The other transcryptor's signed statement.
    pub other: Jws,
    /// The epoch whose domain its statements commit to.
    pub epoch: Epoch,
}

fn read(row: &store::Row) -> Option<KnownSession> {
    let jws = |i| row.text(i).ok().and_then(|text| Jws::parse(&text));
    Some(KnownSession {
        name: SessionName::parse(&row.text(0).ok()?).ok()?,
        party: PartyId::parse(&row.text(1).ok()?).ok()?,
        public: PublicPoint::from_bytes(&row.bytes(2).ok()?).ok()?,
        opened_at: Moment(row.int(3).ok()?),
        ends_at: Moment(row.int(4).ok()?),
        own: jws(5)?,
        other: jws(6)?,
        epoch: Epoch(u32::try_from(row.int(7).ok()?).ok()?),
    })
}

impl Conversions {
    /// Reads the sessions that may still be used.
    pub(crate) async fn load(&self) -> Result<(), StoreError> {
        let oldest = self.house.now().plus_ms(-self.house.defaults.previous_session_ms).0;
        let rows = self
            .house
            .road
            .db()
            .read("sessions", move |read| {
                let sql = "SELECT name, party, public, opened_at, ends_at, own, other, epoch FROM session WHERE ends_at > $1";
                read.rows(sql, &params![oldest])
            })
            .await?;
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        sessions
            .extend(rows.iter().filter_map(read).map(|session| (session.name.clone(), Arc::new(session))));
        Ok(())
    }

    /// Keeps a session; one that is known already stays as it is.
    pub async fn keep(&self, session: KnownSession) -> Result<Arc<KnownSession>, Reason> {
        let row = params![
            session.name.as_str(),
            session.party.as_str(),
            session.public.to_bytes(),
            session.opened_at.0,
            session.ends_at.0,
            session.own.as_str(),
            session.other.as_str(),
            session.epoch.0
        ];
        let added = self
            .house
            .road
            .db()
            .write("keep_session", move |write| {
                let sql = "INSERT INTO session (name, party, public, opened_at, ends_at, own, other, epoch) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                           ON CONFLICT (name) DO NOTHING";
                write.execute(sql, &row)
            })
            .await
            .map_err(|_: StoreError| Reason::Internal)?;
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        let session = Arc::new(session);
        if added == 1 {
            sessions.insert(session.name.clone(), Arc::clone(&session));
            return Ok(session);
        }
        Ok(sessions.get(&session.name).map_or(session, Arc::clone))
    }

    /// The newest session of a party that has not ended.
    pub fn current(&self, party: &PartyId, now: Moment) -> Option<Arc<KnownSession>> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let own = sessions.values().filter(|session| {
            session.party == *party && now < session.ends_at && self.in_force(session, now).is_ok()
        });
        own.max_by(|a, b| (a.opened_at, &a.name).cmp(&(b.opened_at, &b.name))).cloned()
    }

    /// The newest session of a party, ended or not: index entries may wait for their reader.
    pub async fn newest(&self, party: &PartyId) -> Result<Option<Arc<KnownSession>>, Reason> {
        let sql = "SELECT name, party, public, opened_at, ends_at, own, other, epoch FROM session WHERE party = $1 \
                   ORDER BY opened_at DESC, name DESC LIMIT 1";
        self.stored(sql, party.as_str()).await
    }

    /// A session by its name, ended or not, as long as index entries may wait.
    pub async fn known(&self, name: &SessionName, now: Moment) -> Result<Arc<KnownSession>, Reason> {
        if let Ok(session) = self.usable(name, now) {
            return Ok(session);
        }
        // Of an ended epoch too: what was let pass then has its entry.
        let sql =
            "SELECT name, party, public, opened_at, ends_at, own, other, epoch FROM session WHERE name = $1";
        let session = self.stored(sql, name.as_str()).await?.ok_or(Reason::UnknownSession)?;
        let patience = self.house.defaults.index_patience_ms;
        if now.since_ms(session.ends_at) < patience { Ok(session) } else { Err(Reason::UnknownSession) }
    }

    async fn stored(&self, sql: &'static str, key: &str) -> Result<Option<Arc<KnownSession>>, Reason> {
        let key = key.to_owned();
        let row = self.house.road.db().look("session", move |read| read.row(sql, &params![key])).await;
        let row = row.map_err(|_: StoreError| Reason::Internal)?;
        row.map(|row| read(&row).map(Arc::new).ok_or(Reason::Internal)).transpose()
    }

    /// A session that has not ended more than an hour ago.
    pub fn usable(&self, name: &SessionName, now: Moment) -> Result<Arc<KnownSession>, Reason> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get(name).ok_or(Reason::UnknownSession)?;
        if now.since_ms(session.ends_at) < self.house.defaults.previous_session_ms {
            self.in_force(session, now)?;
            Ok(Arc::clone(session))
        } else {
            Err(Reason::UnknownSession)
        }
    }
}
