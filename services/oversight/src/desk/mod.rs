//! The pages of the third-party body: who is accredited, every ledger, alarms, cases, reconciliation, one act on all
//! sides; and, for everybody, who may ask whom for what.

mod acts;
mod audit;
mod cases;
mod country;
mod standing;

use axum::http::Method;
use axum::routing::{get, post};
use house::House;
use pages::{Language, Nav};
use rules::Role;
use wire::{Route, Side, Who};
use words::PartyId;

use crate::Here;

const OFFICER: Option<Role> = Some(Role::Officer);

/// Where the pages lead.
pub(crate) const NAV: &[Nav] = &[
    Nav { path: "/", ja: "認定", en: "Accreditations", role: OFFICER },
    Nav { path: "/ledgers", ja: "記録簿", en: "Ledgers", role: OFFICER },
    Nav { path: "/alarms", ja: "警報", en: "Alarms", role: OFFICER },
    Nav { path: "/cases", ja: "事案", en: "Cases", role: OFFICER },
    Nav { path: "/reconciliation", ja: "突合", en: "Reconciliation", role: OFFICER },
    Nav { path: "/acts", ja: "一件を見る", en: "One act", role: OFFICER },
    Nav { path: "/country", ja: "だれがだれに聞けるか", en: "Who may ask whom", role: None },
];

pub(crate) fn routes() -> Vec<Route<Here>> {
    const OFFICER: Who = Who::Roles(&[Role::Officer]);
    let at = |method, path, handler| Route::new(Side::Pages, method, path, OFFICER, handler);
    vec![
        at(Method::GET, "/", get(standing::front)),
        at(Method::POST, "/standing", post(standing::change)),
        at(Method::POST, "/accredit", post(standing::accredit)),
        at(Method::POST, "/people", post(standing::person)),
        at(Method::GET, "/ledgers", get(audit::ledgers)),
        at(Method::GET, "/alarms", get(cases::alarms)),
        at(Method::GET, "/cases", get(cases::cases)),
        at(Method::POST, "/cases/{number}", post(cases::move_on)),
        at(Method::GET, "/reconciliation", get(audit::front)),
        at(Method::POST, "/reconciliation", post(audit::reconcile)),
        at(Method::GET, "/acts", get(acts::front)),
        at(Method::POST, "/acts", post(acts::find)),
        at(Method::GET, "/acts/{id}", get(acts::show)),
        Route::new(Side::Pages, Method::GET, "/country", Who::Anyone, get(country::show)),
    ]
}

fn party(house: &House, party: &PartyId, language: Language) -> String {
    match house.party(party) {
        Ok(entry) => language.say(&entry.name, &entry.name_en).to_owned(),
        Err(_) => party.to_string(),
    }
}
