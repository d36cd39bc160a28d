//! The signed directory.

use axum::Json;
use axum::extract::State;
use protocol::directory::{Directory, Signed};
use wire::Problem;

use crate::error::own_database;
use crate::{Authority, Here, policy, store};

impl Authority {
    /// Reads the parties, admits callers by them from now on, and gives the signed document.
    pub(crate) async fn refresh(&self) -> Result<Signed, Problem> {
        let house = &self.house;
        let (version, parties) =
            store::parties(house.road.db()).await.map_err(|error| own_database(&error))?;
        let document = policy::document(version, parties, house.now(), house.defaults.document_valid_ms);
        let signed = house.sign(&document);
        house.set_directory(Directory::new(document));
        Ok(Signed { signed: vec![signed] })
    }
}

pub(crate) async fn directory(State(here): State<Here>) -> Result<Json<Signed>, Problem> {
    here.0.refresh().await.map(Json)
}
