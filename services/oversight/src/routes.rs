//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::{get, post};
use protocol::audit::{RECONCILIATIONS, Reconcile, Reconciliation};
use protocol::directory::Signed;
use protocol::index::Taken;
use protocol::oversight::{
    ACCREDITATIONS, ALARMS, Accredit, AccreditPerson, Alarm, AlarmLine, CASES, COMPLAINT, CaseLine,
    ChangeStanding, Changed, MoveCase, OpenCase, WHITELIST,
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
        .says("すべての認定。署名つき。", "All accreditations, signed.")
        .gives::<Signed>(),
        Route::new(Side::Outer, Method::GET, WHITELIST, Who::AnyParty, get(crate::documents::whitelist))
            .says(
                "ホワイトリスト。発行者と第三者機関の署名つき。",
                "The whitelist, signed by its publisher and by oversight.",
            )
            .gives::<Signed>(),
        Route::new(
            Side::Outer,
            Method::POST,
            ALARMS,
            Who::Parties(&["portal", "trustee", "gateway", "research"]),
            post(crate::alarms::raise),
        )
        .says("警報を受け取る。", "Takes in an alarm.")
        .takes::<Alarm>()
        .gives::<Taken>(),
        Route::new(
            Side::Outer,
            Method::POST,
            CASES,
            Who::Parties(&["gateway", "portal"]),
            post(crate::cases::open),
        )
        .says("事案を開く。", "Opens a case.")
        .takes::<OpenCase>()
        .gives::<Taken>(),
        Route::new(
            Side::Outer,
            Method::GET,
            COMPLAINT,
            Who::Parties(&["portal"]),
            get(crate::cases::complaint),
        )
        .says(
            "ある記録についての問い合わせの事案がどうなっているか。",
            "How the case of a complaint about an act stands.",
        )
        .gives::<CaseLine>(),
        Route::new(Side::Inner, Method::GET, ALARMS, OFFICER, get(crate::alarms::list))
            .says("すべての警報。", "All alarms.")
            .gives::<Vec<AlarmLine>>(),
        Route::new(Side::Inner, Method::POST, "/proofs/{act}", OFFICER, post(crate::audit::prove))
            .says(
                "ある記録の変換を、両方の変換者に示させる。",
                "Has both transcryptors show the conversions of an act.",
            )
            .takes_nothing()
            .gives::<Vec<Proved>>(),
        Route::new(Side::Inner, Method::POST, RECONCILIATIONS, OFFICER, post(crate::audit::reconcile))
            .says("すべての機関の記録を突き合わせる。", "Holds the records of all rooms against one another.")
            .takes::<Reconcile>()
            .gives::<Reconciliation>(),
        Route::new(Side::Inner, Method::GET, CASES, OFFICER, get(crate::cases::list))
            .says("すべての事案。", "All cases.")
            .gives::<Vec<CaseLine>>(),
        Route::new(Side::Inner, Method::POST, "/cases/{number}", OFFICER, post(crate::cases::move_on))
            .says("事案を進める。", "Moves a case on.")
            .takes::<MoveCase>()
            .gives::<Taken>(),
        Route::new(
            Side::Inner,
            Method::POST,
            "/accreditations/{party}",
            OFFICER,
            post(crate::change_standing::change_standing),
        )
        .says(
            "機関の認定を停止・回復・取消しする。",
            "Suspends, restores or withdraws an institution's accreditation.",
        )
        .takes::<ChangeStanding>()
        .gives::<Changed>(),
        Route::new(
            Side::Inner,
            Method::POST,
            ACCREDITATIONS,
            OFFICER,
            post(crate::change_standing::accredit),
        )
        .says(
            "認証局が証明した機関を認定する、または評価を改める。",
            "Accredits an institution that the authority has certified, or assesses one anew.",
        )
        .takes::<Accredit>()
        .gives::<Changed>(),
        Route::new(
            Side::Inner,
            Method::POST,
            "/accreditations/{party}/people",
            OFFICER,
            post(crate::change_standing::accredit_person),
        )
        .says(
            "担当者を名前で認定する、または停止・回復・取消しする。",
            "Accredits a person on duty by name, or suspends, restores, withdraws that.",
        )
        .takes::<AccreditPerson>()
        .gives::<Changed>(),
    ];
    routes.extend(crate::desk::routes());
    routes.extend(house::witness_routes());
    routes.extend(house::common_routes());
    routes
}
