//! The pages on which a person sees what institutions hold: which institution has what, and one institution's answer.
//!
//! As with the records, what is shown lies in the session's memory and goes with it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use pages::{Form, Frame, Language, Visit, content_in_words, in_japan, shown};
use protocol::inquiry::Answer;
use serde::Deserialize;
use wire::Problem;
use words::{ActId, ItemId, PartyId, Reason};

use crate::held::Wish;
use crate::my_pages::person;
use crate::{Here, Portal};

/// One item as an institution answered.
pub(crate) struct ItemShown {
    item: ItemId,
    act: ActId,
    answer: Result<Answer, Problem>,
}

struct Institution {
    id: String,
    name: String,
    items: Vec<String>,
    seen: bool,
}

#[derive(Template)]
#[template(path = "portal/institutions.html")]
struct InstitutionsPage {
    frame: Frame,
    institutions: Vec<Institution>,
}

struct Line {
    item: String,
    act: String,
    fields: Vec<(String, String)>,
    as_of: Option<String>,
    /// Why there is nothing, or until when it takes.
    instead: Option<String>,
    later: bool,
}

#[derive(Template)]
#[template(path = "portal/held.html")]
struct HeldPage {
    frame: Frame,
    provider: String,
    name: String,
    lines: Vec<Line>,
    ends: String,
}

impl Portal {
    /// The items that are asked of an institution by anybody, with their names.
    fn items_of(&self, provider: &PartyId, language: Language) -> Vec<(ItemId, String)> {
        let (Some(law), day) = (self.house.law(), self.house.now().date_in_japan()) else {
            return Vec::new();
        };
        let Some(accredited) = law.accreditation(provider) else { return Vec::new() };
        let named = |row: &rules::Row| {
            let english = if row.item_name_en.is_empty() { &row.item_name } else { &row.item_name_en };
            (row.item.clone(), language.say(&row.item_name, english).to_owned())
        };
        law.whitelist.items_asked_of(&accredited.kind, day).into_iter().map(named).collect()
    }

    fn name_of(&self, provider: &PartyId, language: Language) -> Result<String, Problem> {
        let entry = self.house.party(provider)?;
        Ok(language.say(&entry.name, &entry.name_en).to_owned())
    }
}

pub(crate) async fn institutions(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    let (portal, language) = (here.0, visit.language());
    let seen = person(&visit)?.seen();
    let directory = portal.house.directory();
    let institution = |id: &PartyId| {
        let items: Vec<String> = portal.items_of(id, language).into_iter().map(|(_, name)| name).collect();
        let name = portal.name_of(id, language).ok()?;
        (!items.is_empty()).then(|| Institution { seen: seen.contains(id), id: id.to_string(), name, items })
    };
    let institutions = directory.of_kind("gateway").into_iter().filter_map(|entry| institution(&entry.id));
    Ok(shown(&InstitutionsPage { institutions: institutions.collect(), frame: visit.frame() }))
}

#[derive(Deserialize)]
pub(crate) struct Which {
    /// One item alone, with the act whose late answer is looked for.
    item: Option<String>,
    follows: Option<String>,
}

/// Asks an institution for everything it holds, or again for one item.
pub(crate) async fn ask(
    State(here): State<Here>,
    visit: Visit,
    Path(provider): Path<String>,
    Form(which): Form<Which>,
) -> Result<Response, Problem> {
    let (portal, provider) = (here.0, PartyId::parse(&provider)?);
    let person = person(&visit)?;
    let follows = which.follows.as_deref().map(ActId::parse).transpose()?;
    let items = match which.item.as_deref().map(ItemId::parse).transpose()? {
        Some(item) => vec![item],
        None => portal.items_of(&provider, visit.language()).into_iter().map(|(item, _)| item).collect(),
    };
    let mut asked = tokio::task::JoinSet::new();
    for (place, item) in items.into_iter().enumerate() {
        let (portal, assertion) = (Arc::clone(&portal), person.ask.assertion.clone());
        let wish = Wish { provider: provider.clone(), item: item.clone(), follows };
        asked.spawn(async move {
            let (act, answer) = portal.ask_held(assertion, wish).await;
            (place, ItemShown { item, act, answer })
        });
    }
    let mut found = asked.join_all().await;
    found.sort_by_key(|(place, _)| *place);
    person.keep_held(provider.clone(), found.into_iter().map(|(_, shown)| shown).collect());
    // What was asked for just now is a record, too.
    person.forget_shown();
    Ok(visit.go(&format!("/held/{provider}")))
}

pub(crate) async fn held(
    State(here): State<Here>,
    visit: Visit,
    Path(provider): Path<String>,
) -> Result<Response, Problem> {
    let (portal, language, provider) = (here.0, visit.language(), PartyId::parse(&provider)?);
    let person = person(&visit)?;
    let held = person.held();
    // What was not asked for in this session is not there.
    let items = held.get(&provider).ok_or(Problem::new(Reason::NotFound))?;
    let names = portal.items_of(&provider, language);
    let line = |one: &ItemShown| {
        let name = names.iter().find(|(item, _)| *item == one.item).map(|(_, name)| name.clone());
        let mut line = Line {
            item: name.unwrap_or_else(|| one.item.to_string()),
            act: one.act.to_string(),
            fields: Vec::new(),
            as_of: None,
            instead: None,
            later: false,
        };
        match &one.answer {
            Ok(Answer::Answered { content, as_of }) => {
                line.fields = content_in_words(content.get(), language);
                line.as_of = as_of.map(|at| in_japan(at, language));
            }
            Ok(Answer::Later { until }) => {
                let until = in_japan(*until, language);
                line.later = true;
                line.instead = Some(match language {
                    Language::Japanese => {
                        format!("職員が確かめてから答えます。期限は{until}です。あとでもう一度見てください。")
                    }
                    Language::English => {
                        format!("A clerk there looks first, by {until} at the latest. Look again later.")
                    }
                });
            }
            Ok(Answer::NotAnswered) => line.instead = Some(nothing(language)),
            Err(problem) if problem.reason == Reason::NotAnswered => line.instead = Some(nothing(language)),
            Err(problem) => {
                let (what, next) = (
                    language.say(problem.reason.in_japanese(), problem.reason.in_english()),
                    language.say(problem.reason.next_in_japanese(), problem.reason.next_in_english()),
                );
                line.instead = Some(format!("{what} {next}"));
            }
        }
        line
    };
    let page = HeldPage {
        provider: provider.to_string(),
        name: portal.name_of(&provider, language)?,
        lines: items.iter().map(line).collect(),
        ends: crate::my_pages::ends(&visit),
        frame: visit.frame(),
    };
    Ok(shown(&page))
}

fn nothing(language: Language) -> String {
    let words = language.say(
        "あなたについてのこの項目は提供されませんでした。持っていないか、提供を止めています。心当たりがあれば、この機関の窓口にお尋ねください。",
        "Nothing of this was given about you: it is not held, or it is kept back. If you expected some, ask at the institution's desk.",
    );
    words.to_owned()
}
