//! Sets: asked for, judged, made, taken over, ended.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use pages::{Form, Frame, Language, Visit, in_japan, shown, written};
use protocol::research::{AskSet, EndSet, HowEnded, Judge, SetLine, SetState};
use rules::Role;
use serde::Deserialize;
use wire::Problem;
use words::{ActId, DataDomain, Date, Reason};

use super::{insider, is, lines};
use crate::Here;
use crate::deed::read;
use crate::error::asked_wrongly;
use crate::handover::as_file;

struct Line {
    id: String,
    domain: String,
    purpose: String,
    state: &'static str,
    reminder: Option<String>,
    overdue: bool,
}

fn pair(language: Language, pair: Option<[String; 2]>) -> Option<String> {
    pair.map(|pair| language.of_pair(&pair).to_owned())
}

fn word(language: Language, state: SetState) -> &'static str {
    let [ja, en] = state.in_words();
    language.say(ja, en)
}

#[derive(Template)]
#[template(path = "research/front.html")]
struct FrontPage {
    frame: Frame,
    lines: Vec<Line>,
}

pub(super) async fn front(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    let language = visit.language();
    let line = |set: SetLine| Line {
        id: set.id.to_string(),
        domain: set.ask.domain.to_string(),
        state: word(language, set.state),
        overdue: set.days_left.is_some_and(|left| left < 0),
        reminder: pair(language, set.reminder()),
        purpose: set.ask.purpose,
    };
    let lines = here.0.sets(None).await?.into_iter().map(line).collect();
    Ok(shown(&FrontPage { frame: visit.frame(), lines }))
}

#[derive(Template)]
#[template(path = "research/set.html")]
struct SetPage {
    frame: Frame,
    id: String,
    state: &'static str,
    facts: Vec<(&'static str, String)>,
    judgements: Vec<String>,
    reminder: Option<String>,
    least: Option<String>,
    judges: bool,
    makes: bool,
    takes: bool,
    ends: bool,
}

fn facts(set: &SetLine, language: Language) -> Vec<(&'static str, String)> {
    let say = |ja, en| language.say(ja, en);
    let yes = |yes: bool| say(if yes { "あり" } else { "なし" }, if yes { "yes" } else { "no" }).to_owned();
    let ask = &set.ask;
    let columns: Vec<&str> = ask.attributes.iter().map(|attribute| attribute.name.as_str()).collect();
    let mut facts = vec![
        (say("データ領域", "Data domain"), ask.domain.to_string()),
        (say("目的", "Purpose"), ask.purpose.clone()),
        (say("受取人", "Recipients"), ask.recipients.join(" / ")),
        (say("属性", "Attributes"), columns.join(", ")),
        (say("要配慮の列", "Sensitive columns"), yes(ask.with_sensitive)),
        (say("番号による連結", "Linkable by number"), yes(ask.linkable)),
        (say("基準", "Models"), format!("k = {}, l = {}", ask.k, ask.l)),
        (say("除いてよい行", "May be left out"), format!("{} ‰", ask.suppression_permille)),
        (say("求めた人", "Asked by"), format!("{} ({})", set.researcher, in_japan(set.at, language))),
        (say("返却または消去の期限", "To be returned or destroyed by"), day(ask.return_by, language)),
    ];
    if let Some(made) = &set.made {
        let levels: Vec<String> = made.levels.iter().map(|(name, level)| format!("{name} {level}")).collect();
        facts.extend([
            (say("段階", "Levels"), levels.join(", ")),
            (say("行", "Rows"), format!("{} − {} ({})", made.rows, made.left_out, made.withheld)),
            (say("組", "Classes"), made.classes.to_string()),
            (say("失われた割合", "Loss"), format!("{:.3}", made.loss)),
            (
                say("最も失わない段階か", "Least loss"),
                say(
                    if made.is_optimal { "証明済み" } else { "証明していません" },
                    if made.is_optimal { "proved" } else { "not proved" },
                )
                .to_owned(),
            ),
            (
                say("全集合を合わせた最小の組", "Smallest joint class over all sets"),
                made.smallest_joint_class.to_string(),
            ),
            ("SHA-256", made.sha256.clone()),
        ]);
    }
    if let Some(at) = set.ended_at {
        facts.push((say("終わった時", "Ended"), in_japan(at, language)));
    }
    facts
}

fn day(day: Date, language: Language) -> String {
    match language {
        Language::Japanese => written(day),
        Language::English => day.to_string(),
    }
}

pub(super) async fn show(
    State(here): State<Here>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (set, language) = (here.0.set(ActId::parse(&id)?).await?, visit.language());
    let own = visit.visitor().is_some_and(|visitor| visitor.name == set.researcher);
    let has = matches!(set.state, SetState::Made | SetState::HandedOver);
    let judged = |one: &protocol::research::Judgement| {
        let mark = language.say(
            if one.approves { "承認" } else { "不承認" },
            if one.approves { "approved" } else { "declined" },
        );
        format!("{}: {mark} – {} ({})", one.officer, one.reason, in_japan(one.at, language))
    };
    let page = SetPage {
        frame: visit.frame(),
        id: set.id.to_string(),
        state: word(language, set.state),
        facts: facts(&set, language),
        judgements: set.judgements.iter().map(judged).collect(),
        reminder: pair(language, set.reminder()),
        least: pair(language, set.least_change.as_ref().map(|least| least.in_words())),
        judges: is(&visit, Role::Officer) && matches!(set.state, SetState::Asked | SetState::Approved),
        makes: is(&visit, Role::Keeper) && set.state == SetState::Approved,
        takes: is(&visit, Role::Researcher) && own && has,
        ends: is(&visit, Role::Researcher) && own && has,
    };
    Ok(shown(&page))
}

#[derive(Deserialize)]
pub(super) struct Judged {
    verdict: String,
    reason: String,
    key: String,
}

pub(super) async fn judge(
    State(here): State<Here>,
    visit: Visit,
    Path(id): Path<String>,
    Form(form): Form<Judged>,
) -> Result<Response, Problem> {
    let (who, id) = (insider(&visit)?, ActId::parse(&id)?);
    let key = here.0.opening_of(&who, &form.key)?;
    let judge = Judge { approves: form.verdict == "approve", reason: form.reason };
    here.0.judge_set(&who, &key, id, judge).await?;
    Ok(visit.go(&format!("/sets/{id}")))
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

pub(super) async fn release(
    State(here): State<Here>,
    visit: Visit,
    Path(id): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let id = ActId::parse(&id)?;
    here.0.release_set(&insider(&visit)?, id).await?;
    Ok(visit.go(&format!("/sets/{id}")))
}

pub(super) async fn hand_over(
    State(here): State<Here>,
    visit: Visit,
    Path(id): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let id = ActId::parse(&id)?;
    here.0.hand_over(&insider(&visit)?, id).await.map(|csv| as_file(id, csv))
}

#[derive(Deserialize)]
pub(super) struct Ended {
    how: String,
    statement: String,
}

pub(super) async fn end(
    State(here): State<Here>,
    visit: Visit,
    Path(id): Path<String>,
    Form(form): Form<Ended>,
) -> Result<Response, Problem> {
    let id = ActId::parse(&id)?;
    let how = match form.how.as_str() {
        "returned" => HowEnded::Returned,
        "destroyed" => HowEnded::Destroyed,
        _ => return Err(Problem::with(Reason::Malformed, "`how` is returned or destroyed.")),
    };
    here.0.end_set(&insider(&visit)?, id, EndSet { how, statement: form.statement }).await?;
    Ok(visit.go(&format!("/sets/{id}")))
}

#[derive(Template)]
#[template(path = "research/ask.html")]
struct AskPage {
    frame: Frame,
    domains: Vec<(String, String, String)>,
}

pub(super) async fn ask_form(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    let language = visit.language();
    let line = |line: protocol::research::DomainLine| {
        let name = language.say(&line.domain.name, &line.domain.name_en).to_owned();
        (line.domain.id.to_string(), name, line.columns.join(", "))
    };
    let domains = here.0.domains().await?.into_iter().map(line).collect();
    Ok(shown(&AskPage { frame: visit.frame(), domains }))
}

#[derive(Deserialize)]
pub(super) struct Asked {
    domain: String,
    purpose: String,
    recipients: String,
    attributes: String,
    #[serde(default)]
    with_sensitive: String,
    #[serde(default)]
    linkable: String,
    k: u32,
    l: u32,
    suppression_permille: u32,
    return_by: String,
}

pub(super) async fn ask(
    State(here): State<Here>,
    visit: Visit,
    Form(form): Form<Asked>,
) -> Result<Response, Problem> {
    let recipients = form.recipients.lines().map(str::trim).filter(|line| !line.is_empty());
    let ask = AskSet {
        domain: DataDomain::parse(&form.domain)?,
        purpose: form.purpose,
        recipients: recipients.map(str::to_owned).collect(),
        attributes: lines::attributes(&form.attributes)
            .map_err(|fault| asked_wrongly(format!("`attributes`, {fault}.")))?,
        with_sensitive: !form.with_sensitive.is_empty(),
        k: form.k,
        l: form.l,
        suppression_permille: form.suppression_permille,
        linkable: !form.linkable.is_empty(),
        return_by: Date::parse(&form.return_by)?,
    };
    let set: SetLine = read(&here.0.ask_set(&insider(&visit)?, ask).await?)?;
    Ok(visit.go(&format!("/sets/{}", set.id)))
}
