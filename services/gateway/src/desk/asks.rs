//! The clerk's desk: what was asked, asking, and one inquiry with what came of it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use pages::{Form, Frame, Sequence, Visit, content_in_words, in_japan, shown};
use protocol::desk::{AskRow, AskState};
use serde::Deserialize;
use wire::Problem;
use words::{ActId, Reason};

use super::asker;
use super::choices::Choice;
use super::labels::Names;
use crate::asked::{self, Kept};
use crate::error::own_database;
use crate::{Gateway, Here};

/// Asks on the first page.
const NEWEST: i64 = 30;

struct Line {
    id: String,
    when: String,
    customer: String,
    affair: String,
    item: String,
    provider: String,
    state: &'static str,
    bad: bool,
}

pub(super) const fn state_word(state: AskState, language: pages::Language) -> &'static str {
    match state {
        AskState::Queued => language.say("順番待ち", "queued"),
        AskState::Asking => language.say("照会中", "under way"),
        AskState::Answered => language.say("回答あり", "answered"),
        AskState::Waiting => language.say("相手の職員が確認中", "with the provider's clerk"),
        AskState::Refused => language.say("断られました", "refused"),
        AskState::Failed => language.say("回答なし", "not answered"),
    }
}

fn line(kept: Kept, names: &Names<'_>, visit: &Visit) -> Line {
    Line {
        id: kept.asked.id.to_string(),
        when: in_japan(kept.at, visit.language()),
        customer: kept.row.customer,
        affair: names.affair(&kept.row.affair),
        item: names.item(&kept.row.item),
        provider: names.party(&kept.row.provider),
        state: state_word(kept.asked.state, visit.language()),
        bad: matches!(kept.asked.state, AskState::Refused | AskState::Failed),
    }
}

#[derive(Template)]
#[template(path = "desk/front.html")]
struct FrontPage {
    frame: Frame,
    lines: Vec<Line>,
}

/// The first page.
pub(super) async fn front(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    let house = &here.0.house;
    let newest = asked::newest(house.road.db(), &house.storage, NEWEST).await;
    let newest = newest.map_err(|error| own_database(&error))?;
    let names = Names::new(house, visit.language());
    let lines = newest.into_iter().map(|kept| line(kept, &names, &visit)).collect();
    Ok(shown(&FrontPage { frame: visit.frame(), lines }))
}

#[derive(Deserialize)]
pub(super) struct AskForm {
    customer: String,
    choice: String,
}

/// Asks; what came of it has a page of its own, refusals too.
pub(super) async fn ask(
    State(here): State<Here>,
    visit: Visit,
    Form(form): Form<AskForm>,
) -> Result<Response, Problem> {
    let (affair, item, provider) = Choice::parse(&form.choice)?;
    let id = ActId::new(here.0.house.world.random());
    let row = AskRow { customer: form.customer, affair, item, provider };
    let spoken = here.0.ask(&asker(&visit)?, id, row, None).await;
    let kept = here.0.kept(id).await?;
    match (spoken, kept) {
        (Err(problem), None) => Err(problem),
        _ => Ok(visit.go(&format!("/asks/{id}"))),
    }
}

impl Gateway {
    async fn kept(&self, id: ActId) -> Result<Option<Kept>, Problem> {
        let kept = asked::one(self.house.road.db(), &self.house.storage, id).await;
        kept.map_err(|error| own_database(&error))
    }
}

#[derive(Template)]
#[template(path = "desk/ask.html")]
struct AskPage {
    frame: Frame,
    line: Line,
    staff: String,
    fields: Vec<(String, String)>,
    as_of: Option<String>,
    what: Option<&'static str>,
    next: &'static str,
    mends: &'static str,
    until: Option<String>,
    sequence: Sequence,
    under_way: bool,
}

/// One inquiry: content, or why there is none and who can mend it; and how it went.
pub(super) async fn show(
    State(here): State<Here>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (id, gateway, language) = (ActId::parse(&id)?, here.0, visit.language());
    let kept = gateway.kept(id).await?.ok_or(Problem::new(Reason::NotFound).of(id))?;
    let names = Names::new(&gateway.house, language);
    let sequence = gateway.sequence(&kept, &names, &visit).await?;
    let reason = kept.asked.reason;
    let content = kept.asked.content.as_ref().map(|content| content.get().to_owned());
    let as_of = kept.asked.as_of.map(|at| in_japan(at, language));
    let until = kept.asked.until.filter(|_| kept.asked.state == AskState::Waiting);
    let under_way = matches!(kept.asked.state, AskState::Asking | AskState::Queued);
    let frame = visit.frame();
    let page = AskPage {
        frame: if under_way || until.is_some() { frame.refreshing(5) } else { frame },
        staff: kept.staff.clone(),
        fields: content.map(|content| content_in_words(&content, language)).unwrap_or_default(),
        as_of,
        what: reason.map(|reason| language.say(reason.in_japanese(), reason.in_english())),
        next: reason
            .map(|reason| language.say(reason.next_in_japanese(), reason.next_in_english()))
            .unwrap_or_default(),
        mends: reason.map(|reason| pages::mends(reason.blame(), language)).unwrap_or_default(),
        until: until.map(|until| in_japan(until, language)),
        line: line(kept, &names, &visit),
        sequence,
        under_way,
    };
    Ok(shown(&page))
}

#[derive(Deserialize)]
pub(super) struct LookAgain {}

/// Looks at once whether a late answer is there.
pub(super) async fn look_again(
    State(here): State<Here>,
    visit: Visit,
    Path(id): Path<String>,
    Form(LookAgain {}): Form<LookAgain>,
) -> Result<Response, Problem> {
    let id = ActId::parse(&id)?;
    let kept = here.0.kept(id).await?.ok_or(Problem::new(Reason::NotFound).of(id))?;
    if kept.asked.state == AskState::Waiting {
        here.0.pick_up(kept).await;
    }
    Ok(visit.go(&format!("/asks/{id}")))
}

impl Gateway {
    /// How one inquiry went, as far as this room's own records say: when it was asked, when the reply was there, and for a
    /// late answer each time it was looked for.
    async fn sequence(&self, kept: &Kept, names: &Names<'_>, visit: &Visit) -> Result<Sequence, Problem> {
        let language = visit.language();
        let lanes = [
            kept.staff.clone(),
            names.party(&self.house.id),
            language.say("情報連携基盤・受託機関", "Linkage and trustee").to_owned(),
            names.party(&kept.row.provider),
        ];
        let mut sequence = Sequence::new(lanes.to_vec());
        let lines = self.house.road.lines_of(kept.asked.id).await;
        let lines = lines.map_err(|_| Problem::new(Reason::Internal).of(kept.asked.id))?;
        let Some(act) = lines.iter().find(|line| line.verb == "ask") else { return Ok(sequence) };
        let item = names.item(&kept.row.item);
        sequence.step(0, 1, Some(act.decided_at), &item, false);
        if act.state == "refused" {
            let why = language.say("窓口で断られました", "refused at the desk");
            sequence.step(1, 0, act.closed_at, why, true);
            return Ok(sequence);
        }
        sequence.step(
            1,
            2,
            None,
            language.say("符号を暗号のまま送りました", "sent, the code encrypted"),
            false,
        );
        let refused_on_the_way = act.state == "failed"
            && !matches!(act.reason.as_deref(), Some("not_answered" | "bad_reply" | "unavailable"));
        if refused_on_the_way {
            let why = language.say("断られました", "refused");
            sequence.step(2, 1, act.closed_at, why, true);
            sequence.step(1, 0, act.closed_at, why, true);
            return Ok(sequence);
        }
        sequence.step(
            2,
            3,
            None,
            language.say("相手の符号に変えて渡しました", "passed on under the provider's code"),
            false,
        );
        let (word, bad) = match (kept.asked.state, act.state.as_str()) {
            (AskState::Waiting, _) => (language.say("職員が確認します", "a clerk will look"), false),
            (AskState::Answered, "done") => (language.say("返事(封をしたまま)", "the reply, sealed"), false),
            (_, "done") => (language.say("職員が確認します", "a clerk will look"), false),
            _ => (language.say("回答なし", "not answered"), true),
        };
        sequence.step(3, 2, None, word, bad);
        sequence.step(2, 1, act.closed_at, word, bad);
        sequence.step(1, 0, act.closed_at, state_word(kept.asked.state, language), bad);
        Ok(sequence)
    }
}
