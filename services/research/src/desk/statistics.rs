//! Statistics tables.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use pages::{Form, Frame, Visit, shown};
use protocol::research::{Count, StatisticsTable};
use serde::Deserialize;
use wire::Problem;
use words::DataDomain;

use super::{insider, lines};
use crate::Here;
use crate::deed::read;
use crate::error::asked_wrongly;

#[derive(Template)]
#[template(path = "research/statistics.html")]
struct StatisticsPage {
    frame: Frame,
    domains: Vec<(String, String, String)>,
    table: Option<StatisticsTable>,
}

async fn page(here: &Here, visit: &Visit, table: Option<StatisticsTable>) -> Result<Response, Problem> {
    let language = visit.language();
    let line = |line: protocol::research::DomainLine| {
        let name = language.say(&line.domain.name, &line.domain.name_en).to_owned();
        let left = u64::from(line.domain.budget_milli_epsilon).saturating_sub(line.spent_milli_epsilon);
        let left = format!("{}.{:03}", left / 1000, left % 1000);
        (line.domain.id.to_string(), format!("{name} (ε {left})"), line.columns.join(", "))
    };
    let domains = here.0.domains().await?.into_iter().map(line).collect();
    Ok(shown(&StatisticsPage { frame: visit.frame(), domains, table }))
}

pub(super) async fn front(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    page(&here, &visit, None).await
}

#[derive(Deserialize)]
pub(super) struct Counted {
    domain: String,
    purpose: String,
    by: String,
    #[serde(default)]
    milli_epsilon: String,
}

pub(super) async fn count(
    State(here): State<Here>,
    visit: Visit,
    Form(form): Form<Counted>,
) -> Result<Response, Problem> {
    let milli_epsilon = match form.milli_epsilon.trim() {
        "" => None,
        text => Some(text.parse().map_err(|_| asked_wrongly("`milli_epsilon` must be a whole number."))?),
    };
    let by = lines::counted(&form.by).map_err(|fault| asked_wrongly(format!("`by`, {fault}.")))?;
    let count = Count { domain: DataDomain::parse(&form.domain)?, purpose: form.purpose, by, milli_epsilon };
    let table = read(&here.0.count(&insider(&visit)?, count).await?)?;
    page(&here, &visit, Some(table)).await
}
