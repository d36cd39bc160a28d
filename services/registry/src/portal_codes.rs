//! Codes in the portal's domain for every resident, so that each act finds its way into the person's own records.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use house::told;
use protocol::index::hash_of;
use protocol::issue::{Rows, STATUS_INFO, Stored, ToLinkage};
use protocol::register::PortalCodes;
use protocol::session::{CURRENT, Current};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Issue, IssueFacts, IssueRequest, Pace, Permit, decide_issue};
use wire::{Caller, Problem};
use words::{ActId, B64, Moment, Reason, SessionName};

use crate::error::own_database;
use crate::issue::NOBODY;
use crate::people::Anchor;
use crate::{Here, Registry, store};

pub(crate) async fn portal_codes(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<PortalCodes>, Problem> {
    let registry = here.0;
    let house = &registry.house;
    let _one_at_a_time = registry.sweep.lock().await;
    let most = i64::try_from(house.defaults.batch_rows).unwrap_or(500) - 1;
    let mut issued = 0;
    loop {
        let anchors = store::without_portal_code(house.road.db(), most).await.map_err(own_database)?;
        if anchors.is_empty() {
            return Ok(axum::Json(PortalCodes { issued }));
        }
        issued += u32::try_from(anchors.len()).unwrap_or(u32::MAX);
        let id = ActId::batch(house.world.random());
        let arrival = Arrival { id, caller: caller.label(), request_hash: seal::sha256(id.bytes()) };
        house
            .road
            .travel(
                arrival,
                ServePortal { registry: Arc::clone(&registry), id, anchors, asserted_until: None },
            )
            .await
            .map_err(told)?;
    }
}

pub(crate) struct ServePortal {
    pub(crate) registry: Arc<Registry>,
    pub(crate) id: ActId,
    pub(crate) anchors: Vec<Anchor>,
    /// Where this is one person who was asserted: until when that holds.
    pub(crate) asserted_until: Option<Moment>,
}

impl Verb for ServePortal {
    const NAME: &'static str = "portal_codes";
    type Permit = Permit<Issue>;
    type Acted = Stored;

    fn decide(&self, _pace: Pace, now: Moment) -> Result<Self::Permit, Refused> {
        let house = &self.registry.house;
        let law = house.law().ok_or(Reason::ListTooOld)?;
        let facts = IssueFacts {
            institution: None,
            for_portal: true,
            documents_valid_until: law.valid_until(),
            rows_last_hour: 0,
            defaults: &house.defaults,
        };
        Ok(decide_issue(&IssueRequest { at: now, rows: self.anchors.len() + 1 }, &facts, now)?)
    }

    fn record(&self, decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("rows", self.anchors.len());
        if let Ok(permit) = decided {
            record.set("basis", &permit.basis().entry);
        }
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Stored, Failure> {
        let registry = &self.registry;
        let house = &registry.house;
        let portal = house.only("portal").map_err(Failure::new)?;
        let session = registry.sessions.current(house).await.map_err(Failure::new)?;
        // Nobody's code goes with every batch, anywhere among the others: the portal keeps it once, and cannot tell which it is.
        let mut subjects: Vec<_> = self.anchors.iter().copied().chain([NOBODY]).map(Some).collect();
        // A person who looks is the first row, which the receiver is told.
        if self.asserted_until.is_none() {
            subjects.sort_by_cached_key(|_| house.dice.bytes::<16>());
        }
        let codes = registry.encrypt(&session, subjects).await?;
        let sealed = portal.sealing.seal(STATUS_INFO, self.id.bytes(), b"[]", &house.dice);
        let status = B64::from(sealed.map_err(|_| Failure::new(Reason::Internal))?.bytes);
        let to_session = registry.portal_session().await?;
        let rows = Rows {
            id: self.id,
            to: portal.id,
            to_epoch: words::Epoch(0),
            to_session,
            from_session: session.name.clone(),
            rows: u32::try_from(codes.len()).unwrap_or(u32::MAX),
            codes: hash_of(&codes),
            index: hash_of(&[]),
            status: B64::from(seal::sha256(&status.0)),
            at: house.now(),
            asserted_until: self.asserted_until,
        };
        registry
            .pass_on(&ToLinkage { order: None, rows: house.sign(&rows), codes, index: Vec::new(), status })
            .await
    }

    fn protect(&self, _permit: &Self::Permit, stored: Stored) -> Result<Protected, Failure> {
        let anchors = self.anchors.clone();
        let reply = serde_json::to_vec(&stored).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(Protected {
            reply,
            record: Record::new(),
            writes: Some(Box::new(move |write| store::at_portal(write, &anchors))),
            keep: true,
        })
    }
}

impl Registry {
    /// The portal's current session, as linkage knows it.
    pub(crate) async fn portal_session(&self) -> Result<SessionName, Failure> {
        let house = &self.house;
        let (linkage, portal) =
            (house.only("linkage").map_err(Failure::new)?, house.only("portal").map_err(Failure::new)?);
        let path = CURRENT.replace("{party}", portal.id.as_str());
        let current: Current = house
            .get(&linkage, &path, Duration::from_secs(5))
            .await
            .map_err(|error| Failure::new(error.reason()))?;
        Ok(current.session)
    }
}
