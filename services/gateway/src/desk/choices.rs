//! What may be asked about a customer: from the law's list, for this kind of institution.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use house::House;
use pages::{Form, Frame, Language, Visit, shown};
use serde::Deserialize;
use wire::Problem;
use words::{AffairId, ItemId, PartyId, Reason};

use super::customers::Shown;
use super::labels::Names;
use crate::Here;
use crate::error::own_system;

#[derive(Deserialize)]
pub(super) struct Customer {
    customer: String,
}

/// One thing that may be asked, as a form sends it.
pub(super) struct Choice {
    /// `affair item provider`.
    pub(super) value: String,
    pub(super) item: String,
    pub(super) provider: String,
    pub(super) needs_consent: bool,
    pub(super) basis: String,
}

impl Choice {
    /// Reads what a form sent back.
    pub(super) fn parse(value: &str) -> Result<(AffairId, ItemId, PartyId), Problem> {
        let mut words = value.split(' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some(affair), Some(item), Some(provider), None) => {
                Ok((AffairId::parse(affair)?, ItemId::parse(item)?, PartyId::parse(provider)?))
            }
            _ => Err(Problem::with(Reason::Malformed, "`choice` is an affair, an item and a provider.")),
        }
    }
}

/// Everything this institution may ask, by affair.
pub(super) fn all(house: &House, language: Language) -> Vec<(String, Vec<Choice>)> {
    let Some(law) = house.law() else { return Vec::new() };
    let names = Names::new(house, language);
    let own = law.accreditation(&house.id).map(|own| own.kind.clone());
    let mut by_affair: BTreeMap<String, Vec<Choice>> = BTreeMap::new();
    for row in law.whitelist.rows().iter().filter(|row| Some(&row.inquirer_kind) == own.as_ref()) {
        let providers = law.accreditations().iter().filter(|one| one.kind == row.provider_kind);
        for provider in providers.filter(|one| one.party != house.id) {
            let choice = Choice {
                value: format!("{} {} {}", row.affair, row.item, provider.party),
                item: names.item(&row.item),
                provider: names.party(&provider.party),
                needs_consent: row.needs_consent,
                basis: format!("{} {}", row.law, row.entry),
            };
            by_affair.entry(names.affair(&row.affair)).or_default().push(choice);
        }
    }
    by_affair.into_iter().collect()
}

#[derive(Template)]
#[template(path = "desk/choices.html")]
struct ChoicesPage {
    frame: Frame,
    customer: Shown,
    shielded: bool,
    affairs: Vec<(String, Vec<Choice>)>,
}

/// One customer, and what may be asked.
pub(super) async fn choose(
    State(here): State<Here>,
    visit: Visit,
    Form(form): Form<Customer>,
) -> Result<Response, Problem> {
    let gateway = here.0;
    let found = gateway.connector.customer(&form.customer).await.map_err(|error| own_system(&error))?;
    let customer = found.ok_or(Problem::new(Reason::NoCustomer))?;
    let shielded = gateway.is_shielded(&customer.number).await;
    let shielded = shielded.map_err(|error| crate::error::own_database(&error))?;
    let affairs = all(&gateway.house, visit.language());
    Ok(shown(&ChoicesPage { frame: visit.frame(), customer: customer.into(), shielded, affairs }))
}
