//! The signed documents: accreditations, and the whitelist under both signatures.

use axum::Json;
use axum::extract::State;
use protocol::directory::Signed;
use protocol::oversight::{Accreditations, WhitelistDocument};
use wire::Problem;

use crate::error::own_database;
use crate::{Here, Oversight, store};

impl Oversight {
    /// The whitelist, if its publisher really signed it.
    pub(crate) fn list(&self) -> Result<WhitelistDocument, Problem> {
        let country = &self.house.country;
        Ok(protocol::verify(&self.whitelist, &country.publisher, &country.publisher_key)?)
    }
}

pub(crate) async fn accreditations(State(here): State<Here>) -> Result<Json<Signed>, Problem> {
    let house = &here.0.house;
    let (version, accreditations) = store::accreditations(house.road.db()).await.map_err(own_database)?;
    let now = house.now();
    let document = Accreditations {
        version,
        issued_at: now,
        valid_until: now.plus_ms(house.defaults.document_valid_ms),
        whitelist_version: here.0.list()?.version,
        accreditations,
    };
    Ok(Json(Signed { signed: vec![house.sign(&document)] }))
}

pub(crate) async fn whitelist(State(here): State<Here>) -> Result<Json<Signed>, Problem> {
    let list = here.0.list()?;
    Ok(Json(Signed { signed: vec![here.0.whitelist.clone(), here.0.house.sign(&list)] }))
}
