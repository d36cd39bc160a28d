//! Data domains and the ledger of their releases.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use pages::{Form, Frame, Upload, Visit, in_japan, shown};
use protocol::research::{DomainLine, OpenDomain, ReleaseLine, TableLine};
use rules::Role;
use serde::Deserialize;
use wire::Problem;
use words::{DataDomain, Reason};

use super::{insider, is};
use crate::Here;

struct Line {
    id: String,
    name: String,
    rows: u64,
    people: u64,
    releases: u64,
}

#[derive(Template)]
#[template(path = "research/domains.html")]
struct DomainsPage {
    frame: Frame,
    lines: Vec<Line>,
    keeps: bool,
}

pub(super) async fn front(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    let language = visit.language();
    let line = |one: DomainLine| Line {
        id: one.domain.id.to_string(),
        name: language.say(&one.domain.name, &one.domain.name_en).to_owned(),
        rows: one.rows,
        people: one.people,
        releases: one.releases,
    };
    let lines = here.0.domains().await?.into_iter().map(line).collect();
    Ok(shown(&DomainsPage { frame: visit.frame(), lines, keeps: is(&visit, Role::Keeper) }))
}

#[derive(Deserialize)]
pub(super) struct Opened {
    id: String,
    name: String,
    name_en: String,
    person: String,
    #[serde(default)]
    sensitive: String,
    k: u32,
    l: u32,
    minimum_cell: u32,
    budget_milli_epsilon: u32,
}

pub(super) async fn open(
    State(here): State<Here>,
    visit: Visit,
    Form(form): Form<Opened>,
) -> Result<Response, Problem> {
    let sensitive = form.sensitive.split(',').map(str::trim).filter(|name| !name.is_empty());
    let domain = OpenDomain {
        id: DataDomain::parse(form.id.trim())?,
        name: form.name,
        name_en: form.name_en,
        person: form.person,
        sensitive: sensitive.map(str::to_owned).collect(),
        k: form.k,
        l: form.l,
        minimum_cell: form.minimum_cell,
        budget_milli_epsilon: form.budget_milli_epsilon,
    };
    let id = domain.id.clone();
    here.0.open_domain(&insider(&visit)?, domain).await?;
    Ok(visit.go(&format!("/domains/{id}")))
}

struct Released {
    number: u64,
    set: String,
    at: String,
    state: &'static str,
    is_set: bool,
    people: u64,
    smallest: u64,
    exposed: u64,
}

#[derive(Template)]
#[template(path = "research/domain.html")]
struct DomainPage {
    frame: Frame,
    id: String,
    name: String,
    facts: Vec<(&'static str, String)>,
    releases: Vec<Released>,
    tables: Vec<Counted>,
    keeps: bool,
}

struct Counted {
    at: String,
    columns: String,
    spent: String,
    release: String,
}

pub(super) async fn show(
    State(here): State<Here>,
    visit: Visit,
    Path(domain): Path<String>,
) -> Result<Response, Problem> {
    let (id, language) = (DataDomain::parse(&domain)?, visit.language());
    let line = here.0.domains().await?.into_iter().find(|line| line.domain.id == id);
    let line = line.ok_or(Problem::new(Reason::NotFound))?;
    let say = |ja: &'static str, en: &'static str| language.say(ja, en);
    let about = &line.domain;
    let sensitive = match about.sensitive.as_slice() {
        [] => say("なし", "none").to_owned(),
        columns => columns.join(", "),
    };
    let facts = vec![
        (say("列", "Columns"), line.columns.join(", ")),
        (say("本人の鍵の列", "Column of the person's key"), about.person.clone()),
        (say("要配慮の列", "Sensitive columns"), sensitive),
        (say("全集合を合わせた基準", "Over all sets together"), format!("k = {}, l = {}", about.k, about.l)),
        (say("統計表の最小の度数", "Smallest count shown"), about.minimum_cell.to_string()),
        (
            say("プライバシー予算(ε/1000)", "Privacy budget (ε/1000)"),
            format!("{} / {}", line.spent_milli_epsilon, about.budget_milli_epsilon),
        ),
    ];
    let released = |one: ReleaseLine| Released {
        number: one.number,
        set: one.set.to_string(),
        at: in_japan(one.at, language),
        state: {
            let [ja, en] = one.in_words();
            say(ja, en)
        },
        is_set: one.state.is_some(),
        people: one.people,
        smallest: one.smallest_joint_class,
        exposed: one.below_k + one.below_l,
    };
    let counted = |one: TableLine| Counted {
        at: in_japan(one.at, language),
        columns: one.columns.join(", "),
        spent: one
            .milli_epsilon
            .map_or_else(|| say("セルキー", "cell keys").to_owned(), |spent| format!("ε/1000 = {spent}")),
        release: one.release.map_or_else(|| "–".to_owned(), |number| number.to_string()),
    };
    let page = DomainPage {
        frame: visit.frame(),
        id: id.to_string(),
        name: language.say(&about.name, &about.name_en).to_owned(),
        facts,
        releases: here.0.ledger(&id).await?.into_iter().map(released).collect(),
        tables: here.0.tables(&id).await?.into_iter().map(counted).collect(),
        keeps: is(&visit, Role::Keeper),
    };
    Ok(shown(&page))
}

pub(super) async fn table(
    State(here): State<Here>,
    visit: Visit,
    Path(domain): Path<String>,
    upload: Upload,
) -> Result<Response, Problem> {
    let domain = DataDomain::parse(&domain)?;
    here.0.load_table(&insider(&visit)?, &domain, upload.bytes).await?;
    Ok(visit.go(&format!("/domains/{domain}")))
}
