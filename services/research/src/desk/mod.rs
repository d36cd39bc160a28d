//! The pages of research: what keepers, researchers and officers each see and do.

mod domains;
mod findings;
mod lines;
mod sets;
mod statistics;

use axum::http::Method;
use axum::routing::{get, post};
use pages::{Nav, Visit};
use rules::{Defaults, Role};
use wire::{Problem, Route, Side, Who};

use crate::Here;
use crate::deed::Insider;

/// Where the pages lead.
pub(crate) const NAV: &[Nav] = &[
    Nav { path: "/", ja: "集合", en: "Sets", role: None },
    Nav { path: "/ask", ja: "集合を求める", en: "Ask for a set", role: Some(Role::Researcher) },
    Nav { path: "/findings", ja: "発見", en: "Findings", role: None },
    Nav { path: "/statistics", ja: "統計表", en: "Statistics", role: Some(Role::Researcher) },
    Nav { path: "/domains", ja: "データ領域", en: "Data domains", role: None },
];

pub(crate) fn routes() -> Vec<Route<Here>> {
    const KEEPER: Who = Who::Roles(&[Role::Keeper]);
    const RESEARCHER: Who = Who::Roles(&[Role::Researcher]);
    const OFFICER: Who = Who::Roles(&[Role::Officer]);
    const ALL: Who = Who::Roles(&[Role::Keeper, Role::Researcher, Role::Officer]);
    let at = |method, path, who, handler| Route::new(Side::Pages, method, path, who, handler);
    vec![
        at(Method::GET, "/", ALL, get(sets::front)),
        at(Method::GET, "/sets/{id}", ALL, get(sets::show)),
        at(Method::POST, "/sets/{id}/judgement", OFFICER, post(sets::judge)),
        at(Method::POST, "/sets/{id}/release", KEEPER, post(sets::release)),
        at(Method::POST, "/sets/{id}/handover", RESEARCHER, post(sets::hand_over)),
        at(Method::POST, "/sets/{id}/end", RESEARCHER, post(sets::end)),
        at(Method::GET, "/ask", RESEARCHER, get(sets::ask_form)),
        at(Method::POST, "/ask", RESEARCHER, post(sets::ask)),
        at(Method::GET, "/findings", ALL, get(findings::front)),
        at(Method::POST, "/findings", RESEARCHER, post(findings::report)),
        at(Method::POST, "/findings/{id}/assent", OFFICER, post(findings::assent)),
        at(Method::POST, "/findings/{id}/person", KEEPER, post(findings::person)),
        at(Method::GET, "/statistics", RESEARCHER, get(statistics::front)),
        at(Method::POST, "/statistics", RESEARCHER, post(statistics::count)),
        at(Method::GET, "/domains", ALL, get(domains::front)),
        at(Method::POST, "/domains", KEEPER, post(domains::open)),
        at(Method::GET, "/domains/{domain}", ALL, get(domains::show)),
        at(Method::POST, "/domains/{domain}/table", KEEPER, post(domains::table))
            .limit(Defaults::house().batch_body_bytes),
    ]
}

/// Who is signed in.
fn insider(visit: &Visit) -> Result<Insider, Problem> {
    Insider::of(&visit.caller())
}

/// Whether whoever is signed in has that role.
fn is(visit: &Visit, role: Role) -> bool {
    visit.visitor().is_some_and(|visitor| visitor.role == role)
}
