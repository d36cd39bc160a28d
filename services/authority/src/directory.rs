//! The signed directory.

use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use protocol::directory::{Directory, Signed};
use road::StoredDocument;
use wire::Problem;
use words::Reason;

use crate::error::own_database;
use crate::{Authority, Here, policy, store};

impl Authority {
    /// Reads the parties, admits callers by them from now on, and gives the signed document.
    pub(crate) async fn refresh(&self) -> Result<Signed, Problem> {
        let house = &self.house;
        let (version, parties) =
            store::parties(house.road.db(), house.now()).await.map_err(|error| own_database(&error))?;
        let document = policy::document(version, parties, house.now(), house.defaults.document_valid_ms);
        let signed = house.sign(&document);
        house.set_directory(Directory::new(document));
        let signed = Signed { signed: vec![signed] };
        // Kept like every room's copy, so that the ledger's readers find the keys here too.
        if self.kept.swap(version, Ordering::Relaxed) != version {
            let body = serde_json::to_vec(&signed).map_err(|_| Problem::new(Reason::Internal))?;
            let kept = house.road.keep_document("directory", StoredDocument { version, body }).await;
            kept.map_err(|error| own_database(&error))?;
        }
        Ok(signed)
    }
}

pub(crate) async fn directory(State(here): State<Here>) -> Result<Json<Signed>, Problem> {
    here.0.refresh().await.map(Json)
}
