//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::{get, post};
use protocol::audit::{RECONCILIATIONS, Reconcile, Reconciliation};
use protocol::directory::Signed;
use protocol::index::Taken;
use protocol::oversight::{
    ACCREDITATIONS, ALARMS, Alarm, AlarmLine, CASES, COMPLAINT, CaseLine, ChangeStanding, Changed, MoveCase,
    OpenCase, WHITELIST,
};
use protocol::proof::Proved;
use rules::Role;
use wire::{Route, Side, Who};

use crate::Here;

pub(crate) fn routes() -> Vec<Route<Here>> {
    const OFFICER: Who = Who::Roles(&[Role::Officer]);
    let mut routes = vec![
        Route::new(
            Side::Outer,
            Method::GET,
            ACCREDITATIONS,
            Who::AnyParty,
            get(crate::documents::accreditations),
        )
        .says("All accreditations, signed.")
        .gives::<Signed>(),
        Route::new(Side::Outer, Method::GET, WHITELIST, Who::AnyParty, get(crate::documents::whitelist))
            .says("The whitelist, signed by its publisher and by oversight.")
            .gives::<Signed>(),
        Route::new(
            Side::Outer,
            Method::POST,
            ALARMS,
            Who::Parties(&["portal", "trustee", "gateway"]),
            post(crate::alarms::raise),
        )
        .says("Takes in an alarm.")
        .takes::<Alarm>()
        .gives::<Taken>(),
        Route::new(
            Side::Outer,
            Method::POST,
            CASES,
            Who::Parties(&["gateway", "portal"]),
            post(crate::cases::open),
        )
        .says("Opens a case.")
        .takes::<OpenCase>()
        .gives::<Taken>(),
        Route::new(
            Side::Outer,
            Method::GET,
            COMPLAINT,
            Who::Parties(&["portal"]),
            get(crate::cases::complaint),
        )
        .says("How the case of a complaint about an act stands.")
        .gives::<CaseLine>(),
        Route::new(Side::Inner, Method::GET, ALARMS, OFFICER, get(crate::alarms::list))
            .says("All alarms.")
            .gives::<Vec<AlarmLine>>(),
        Route::new(Side::Inner, Method::POST, "/proofs/{act}", OFFICER, post(crate::audit::prove))
            .says("Has both transcryptors show the conversions of an act.")
            .takes_nothing()
            .gives::<Vec<Proved>>(),
        Route::new(Side::Inner, Method::POST, RECONCILIATIONS, OFFICER, post(crate::audit::reconcile))
            .says("Holds the records of all rooms against one another.")
            .takes::<Reconcile>()
            .gives::<Reconciliation>(),
        Route::new(Side::Inner, Method::GET, CASES, OFFICER, get(crate::cases::list))
            .says("All cases.")
            .gives::<Vec<CaseLine>>(),
        Route::new(Side::Inner, Method::POST, "/cases/{number}", OFFICER, post(crate::cases::move_on))
            .says("Moves a case on.")
            .takes::<MoveCase>()
            .gives::<Taken>(),
        Route::new(
            Side::Inner,
            Method::POST,
            "/accreditations/{party}",
            OFFICER,
            post(crate::change_standing::change_standing),
        )
        .says("Suspends, restores or withdraws an institution's accreditation.")
        .takes::<ChangeStanding>()
        .gives::<Changed>(),
    ];
    routes.extend(crate::desk::routes());
    routes.extend(house::witness_routes());
    routes.extend(house::common_routes());
    routes
}
