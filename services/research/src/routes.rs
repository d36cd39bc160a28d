//! The whole table of this room's routes.

use axum::http::Method;
use axum::routing::{get, post};
use protocol::research::{
    ASSENT, AskSet, Count, DOMAINS, DomainLine, END, EndSet, FINDINGS, FindingLine, HANDOVER, JUDGEMENT,
    Judge, Loaded, OpenDomain, PERSON, RELEASE, RELEASES, Reach, ReleaseLine, ReportFinding, SETS,
    STATISTICS, SetLine, StatisticsTable, TABLE, TABLES, TableLine,
};
use rules::{Defaults, Role};
use wire::{Route, Side, Who};

use crate::Here;

pub(crate) fn routes() -> Vec<Route<Here>> {
    const KEEPER: Who = Who::Roles(&[Role::Keeper]);
    const RESEARCHER: Who = Who::Roles(&[Role::Researcher]);
    const OFFICER: Who = Who::Roles(&[Role::Officer]);
    const ALL: Who = Who::Roles(&[Role::Keeper, Role::Researcher, Role::Officer]);
    let at = |method, path, who, handler| Route::new(Side::Inner, method, path, who, handler);
    let large = Defaults::house().batch_body_bytes;
    let mut routes = vec![
        at(Method::GET, DOMAINS, ALL, get(crate::domains::list))
            .says("データ領域。", "Data domains.")
            .gives::<Vec<DomainLine>>(),
        at(Method::POST, DOMAINS, KEEPER, post(crate::domains::open))
            .says("データ領域を開く。", "Opens a data domain.")
            .takes::<OpenDomain>()
            .gives::<OpenDomain>(),
        at(Method::POST, TABLE, KEEPER, post(crate::domains::table))
            .says(
                "領域の表を取り込む(CSV、UTF-8、一人一行)。前の表に代わる。",
                "Takes in a domain's table (CSV, UTF-8, one row a person) in place of the one before.",
            )
            .takes_media("text/csv")
            .gives::<Loaded>()
            .limit(large),
        at(Method::GET, RELEASES, ALL, get(crate::domains::releases))
            .says(
                "領域から作られた集合の帳簿と、合わせたときの最小の組。",
                "The ledger of a domain's releases, with the smallest joint class after each.",
            )
            .gives::<Vec<ReleaseLine>>(),
        at(Method::GET, TABLES, ALL, get(crate::domains::tables))
            .says(
                "領域から作られた統計表。要配慮の列を数えたものは集合の帳簿にも載る。",
                "A domain's statistics tables; those that count a sensitive column stand in the ledger of releases as well.",
            )
            .gives::<Vec<TableLine>>(),
        at(Method::GET, SETS, ALL, get(crate::sets::list))
            .says("すべての集合とその期限。", "All sets, with what is due.")
            .gives::<Vec<SetLine>>(),
        at(Method::POST, SETS, RESEARCHER, post(crate::sets::ask))
            .says("研究用の集合を求める。", "Asks for a set for research.")
            .takes::<AskSet>()
            .gives::<SetLine>(),
        at(Method::POST, JUDGEMENT, OFFICER, post(crate::judgement::judge))
            .says("集合を審査する。別の二人の承認が要る。", "Judges a set; it takes the approval of two different officers.")
            .takes::<Judge>()
            .gives::<SetLine>(),
        at(Method::POST, RELEASE, KEEPER, post(crate::release::release))
            .says(
                "承認された集合を作る。作れないときは、通るための最小の変更を示す。",
                "Has an approved set made, or says the least change that would let it be.",
            )
            .takes_nothing()
            .gives::<SetLine>(),
        at(Method::POST, HANDOVER, RESEARCHER, post(crate::handover::handover))
            .says("集合を受け取る。", "Takes a set over.")
            .takes_nothing()
            .gives_media("text/csv"),
        at(Method::POST, END, RESEARCHER, post(crate::ending::end))
            .says("集合を返却した、または消去したと届け出る。", "Says that a set was returned or destroyed.")
            .takes::<EndSet>()
            .gives::<SetLine>(),
        at(Method::GET, FINDINGS, ALL, get(crate::findings::list))
            .says("本人に知らせるべき発見。", "Findings that are to reach their person.")
            .gives::<Vec<FindingLine>>(),
        at(Method::POST, FINDINGS, RESEARCHER, post(crate::findings::report))
            .says("ある番号の人についての発見を届け出る。", "Reports a finding about the person of a number.")
            .takes::<ReportFinding>()
            .gives::<FindingLine>(),
        at(Method::POST, ASSENT, OFFICER, post(crate::findings::assent))
            .says(
                "番号から本人をたどることに同意する。承認した二人がそろって初めて開く。",
                "Assents that a number leads to its person; two officers who approved the set open it together.",
            )
            .takes_nothing()
            .gives::<FindingLine>(),
        at(Method::POST, PERSON, KEEPER, post(crate::findings::person))
            .says("発見を知らせる相手。", "Whom a finding is to reach.")
            .takes_nothing()
            .gives::<Reach>(),
        at(Method::POST, STATISTICS, RESEARCHER, post(crate::statistics::count))
            .says("統計表を作る。", "Makes a statistics table.")
            .takes::<Count>()
            .gives::<StatisticsTable>(),
    ];
    routes.extend(crate::desk::routes());
    routes.extend(house::common_routes());
    routes
}
