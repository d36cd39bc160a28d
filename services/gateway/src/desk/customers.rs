//! Finding an own customer by number or name.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use pages::{Form, Frame, Visit, shown};
use serde::Deserialize;
use wire::Problem;

use crate::Here;
use crate::connector::Customer;
use crate::error::own_system;

/// Most customers shown; more are too many to look through.
const MOST: usize = 50;

#[derive(Deserialize)]
pub(super) struct Find {
    q: String,
}

/// A customer as a clerk sees one.
pub(super) struct Shown {
    pub(super) number: String,
    pub(super) name: String,
    pub(super) kana: String,
    pub(super) birth: String,
    pub(super) address: String,
    pub(super) shielded: bool,
}

impl From<Customer> for Shown {
    fn from(customer: Customer) -> Self {
        let Customer { number, attributes, shielded, .. } = customer;
        Self {
            number,
            name: attributes.name,
            kana: attributes.kana.unwrap_or_default(),
            birth: attributes.birth,
            address: attributes.address,
            shielded,
        }
    }
}

#[derive(Template)]
#[template(path = "desk/customers.html")]
struct CustomersPage {
    frame: Frame,
    q: String,
    found: Vec<Shown>,
    more: bool,
}

/// Own customers with that number, or whose name or reading has these letters.
pub(super) async fn find(
    State(here): State<Here>,
    visit: Visit,
    Form(form): Form<Find>,
) -> Result<Response, Problem> {
    let q = form.q.trim().to_owned();
    let gateway = here.0;
    let mut found: Vec<Shown> = Vec::new();
    if let Some(customer) = gateway.connector.customer(&q).await.map_err(|error| own_system(&error))? {
        found.push(customer.into());
    } else if q.chars().count() >= 2 {
        let wanted = letters(&q);
        let all = gateway.connector.customers().await.map_err(|error| own_system(&error))?;
        let has = |text: &str| letters(text).contains(&wanted);
        let fits = |customer: &Customer| {
            has(&customer.attributes.name) || customer.attributes.kana.as_deref().is_some_and(has)
        };
        found.extend(all.into_iter().filter(fits).take(MOST + 1).map(Shown::from));
    }
    let more = found.len() > MOST;
    found.truncate(MOST);
    Ok(shown(&CustomersPage { frame: visit.frame(), q, found, more }))
}

/// Names compared without spaces.
fn letters(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).collect()
}
