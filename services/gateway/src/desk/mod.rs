//! The pages of an institution: the clerk's desk (own customers, ask, read, many at once) and the provider's desk (inquiries
//! that wait for a clerk, shielding).
//!
//! A clerk gives a customer number and never sees a code. Numbers travel in forms, never in addresses.

mod answers;
mod asks;
mod batches;
mod choices;
mod customers;
mod labels;

use axum::http::Method;
use axum::routing::{get, post};
use pages::{Nav, Visit};
use rules::{Defaults, Role};
use wire::{Problem, Route, Side, Who};
use words::Reason;

use crate::Here;
use crate::ask::Asker;

const CLERK: Option<Role> = Some(Role::Clerk);

/// Where the pages lead.
pub(crate) const NAV: &[Nav] = &[
    Nav { path: "/", ja: "照会の窓口", en: "Clerk's desk", role: CLERK },
    Nav { path: "/batches", ja: "一括照会", en: "Many at once", role: CLERK },
    Nav { path: "/answers", ja: "提供の窓口", en: "Provider's desk", role: CLERK },
];

pub(crate) fn routes() -> Vec<Route<Here>> {
    const CLERK: Who = Who::Roles(&[Role::Clerk]);
    let at = |method, path, handler| Route::new(Side::Pages, method, path, CLERK, handler);
    vec![
        at(Method::GET, "/", get(asks::front)),
        at(Method::POST, "/customers", post(customers::find)),
        at(Method::POST, "/choices", post(choices::choose)),
        at(Method::POST, "/asks", post(asks::ask)),
        at(Method::GET, "/asks/{id}", get(asks::show)),
        at(Method::POST, "/asks/{id}", post(asks::look_again)),
        at(Method::GET, "/batches", get(batches::front)),
        at(Method::POST, "/batches", post(batches::upload)).limit(Defaults::house().batch_body_bytes),
        at(Method::GET, "/batches/{id}", get(batches::show)),
        at(Method::POST, "/batches/{id}", post(batches::move_on)),
        at(Method::GET, "/batches/{id}/result.csv", get(batches::result)),
        at(Method::GET, "/answers", get(answers::front)),
        at(Method::POST, "/answers/{id}", post(answers::settle)),
        at(Method::POST, "/copy", post(answers::copy)),
        at(Method::POST, "/shields", post(answers::shield)),
    ]
}

fn asker(visit: &Visit) -> Result<Asker, Problem> {
    let visitor = visit.visitor().ok_or(Problem::new(Reason::Unauthenticated))?;
    Ok(Asker { name: visitor.name.clone(), role: visitor.role, staff: None })
}
