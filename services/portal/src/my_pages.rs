//! A person's own pages: who asked what about me, in sentences, each with its proof, and a way to ask about it.
//!
//! What is shown lies in the session's memory while the person looks, and goes with it: at log-out, or when the assertion
//! ends.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use house::House;
use ledger::Proof;
use pages::{Form, Frame, Language, Nav, Sequence, Visit, in_japan, shown};
use protocol::desk::SignIn;
use protocol::directory::{Directory, DirectoryDocument};
use protocol::oversight::{CaseLine, CaseState};
use protocol::own::{AskMyRecords, LONGEST_MS, MyRecords, OwnAct};
use rules::{OwnFacts, Role, decide_own_records};
use serde::Deserialize;
use serde_json::{Map, Value};
use wire::{Caller, Problem, Route, Side, Who};
use words::{ActId, Moment, PartyId, Reason, Right};

use crate::held_pages::{self, ItemShown};
use crate::telling::{Checked, Told, tell};
use crate::{Here, Portal, store, wording};

/// Where the pages lead.
pub(crate) const NAV: &[Nav] = &[
    Nav { path: "/", ja: "わたしの記録", en: "My records", role: Some(Role::Person) },
    Nav {
        path: "/held",
        ja: "機関が持つわたしの情報",
        en: "What is held about me",
        role: Some(Role::Person),
    },
    Nav {
        path: "/certificates",
        ja: "電子証明書とパスキー",
        en: "Certificates and passkeys",
        role: Some(Role::Person),
    },
    Nav { path: "/passkey", ja: "パスキーでサインイン", en: "Sign in with a passkey", role: None },
];

/// What the session of a person carries.
pub(crate) struct Person {
    pub(crate) ask: AskMyRecords,
    shown: Mutex<Option<Arc<Shown>>>,
    held: Mutex<HashMap<PartyId, Arc<Vec<ItemShown>>>>,
}

/// What a person was shown.
struct Shown {
    acts: Vec<OwnAct>,
    directory: Directory,
    at: Moment,
}

pub(crate) fn routes() -> Vec<Route<Here>> {
    const PERSON: Who = Who::Roles(&[Role::Person]);
    let at = |method, path, handler| Route::new(Side::Pages, method, path, PERSON, handler);
    vec![
        at(Method::GET, "/", get(front)),
        at(Method::POST, "/look", post(look_again)),
        at(Method::GET, "/acts/{id}", get(act)),
        at(Method::GET, "/acts/{id}/proof.txt", get(proof)),
        at(Method::POST, "/acts/{id}/case", post(complain)),
        at(Method::GET, "/held", get(held_pages::institutions)),
        at(Method::GET, "/held/{provider}", get(held_pages::held)),
        at(Method::POST, "/held/{provider}", post(held_pages::ask)),
    ]
}

/// Until when an assertion holds, if it does now.
pub(crate) fn holds(house: &House, ask: &AskMyRecords) -> Result<Moment, Problem> {
    let (now, held) = (house.now(), house.assertion_and_look(&ask.assertion, &ask.look));
    let (at, ends) = held.unwrap_or((now, now));
    let asserted = held.is_some();
    let facts = OwnFacts { asserted, at, ends, longest_ms: LONGEST_MS, defaults: &house.defaults };
    decide_own_records(&facts, now)?;
    Ok(ends)
}

/// A ticket for whoever an assertion names, if it holds now. The portal does not learn the name.
pub(crate) async fn sign_in(
    State(here): State<Here>,
    body: wire::Json<AskMyRecords>,
) -> Result<Json<SignIn>, Problem> {
    let house = &here.0.house;
    let ends = holds(house, &body.message)?;
    let person = Person::new(body.message);
    let ticket = house.doors.ticket("本人 / the person", Role::Person, Some(person), Some(ends));
    house.ticket_url(&ticket).map(|url| Json(SignIn { url }))
}

pub(crate) fn person(visit: &Visit) -> Result<&Person, Problem> {
    let carried = visit.visitor().and_then(|visitor| visitor.carried.as_ref());
    let person = carried.and_then(|carried| carried.downcast_ref::<Person>());
    person.ok_or(Problem::new(Reason::Unauthenticated))
}

impl Person {
    pub(crate) fn new(ask: AskMyRecords) -> Arc<Self> {
        Arc::new(Self { ask, shown: Mutex::default(), held: Mutex::default() })
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<Arc<Shown>>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The records are looked up anew next time.
    pub(crate) fn forget_shown(&self) {
        *self.kept() = None;
    }

    /// What institutions gave in this session.
    pub(crate) fn held(&self) -> HashMap<PartyId, Arc<Vec<ItemShown>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Of which institutions.
    pub(crate) fn seen(&self) -> HashSet<PartyId> {
        self.held().into_keys().collect()
    }

    pub(crate) fn keep_held(&self, provider: PartyId, items: Vec<ItemShown>) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(provider, Arc::new(items));
    }
}

impl Portal {
    /// The person's records: as shown before in this session, else asked for now.
    async fn shown(self: &Arc<Self>, visit: &Visit, anew: bool) -> Result<Arc<Shown>, Problem> {
        let person = person(visit)?;
        let before = person.kept().clone();
        if let (Some(before), false) = (before, anew) {
            return Ok(before);
        }
        // The caller is written as what it is; no name is known here.
        let caller = Caller::Inner { name: "person".into(), role: Role::Person };
        let reply = self.show_records(&caller, person.ask.clone()).await?;
        let internal = || Problem::new(Reason::Internal);
        let records: MyRecords = serde_json::from_slice(&reply).map_err(|_| internal())?;
        let jws = records.directory.signed.first().ok_or_else(internal)?;
        let country = &self.house.country;
        let document: DirectoryDocument = protocol::verify(jws, &country.authority, &country.authority_key)?;
        let (directory, at) = (Directory::new(document), self.house.now());
        let shown = Arc::new(Shown { acts: records.acts, directory, at });
        *person.kept() = Some(Arc::clone(&shown));
        Ok(shown)
    }
}

struct Line {
    act: String,
    sentence: String,
    proof: String,
    broken: bool,
    case: bool,
}

#[derive(Template)]
#[template(path = "portal/front.html")]
struct FrontPage {
    frame: Frame,
    lines: Vec<Line>,
    at: String,
    ends: String,
}

fn sentence(told: &Told, language: Language) -> String {
    language.say(&told.ja, &told.en).to_owned()
}

fn proof_in_words(checked: &Checked, directory: &Directory, language: Language) -> String {
    match checked {
        Checked::Holds { witnessed_by } => {
            let name = |origin: &String| {
                let entry = directory.entry(&protocol::ledger::party_of(origin)?)?;
                Some(language.say(&entry.name, &entry.name_en).to_owned())
            };
            let names: Vec<String> = witnessed_by.iter().filter_map(name).collect();
            let names = names.join(language.say("、", ", "));
            match language {
                Language::Japanese => format!("証明を確かめました(立会い: {names})"),
                Language::English => format!("Proof checked: it holds (witnessed by {names})"),
            }
        }
        Checked::NotYet => language
            .say("まだ立会いがありません。少し後で見直してください", "Not witnessed yet; look again shortly")
            .to_owned(),
        Checked::Broken => language
            .say(
                "証明が成り立ちません。第三者機関に知らせてください",
                "The proof does NOT hold. Tell the third-party body",
            )
            .to_owned(),
    }
}

async fn front(State(here): State<Here>, visit: Visit) -> Result<Response, Problem> {
    let (portal, language) = (here.0, visit.language());
    let shown_now = portal.shown(&visit, false).await?;
    let acts = shown_now.acts.iter().map(|act| act.act).collect();
    let asked = store::complaints(portal.house.road.db(), acts).await;
    let asked = asked.map_err(|_| Problem::new(Reason::Internal))?;
    let line = |act: &OwnAct| {
        let told = tell(act, &shown_now.directory);
        Line {
            act: told.act.clone(),
            sentence: sentence(&told, language),
            proof: proof_in_words(&told.checked, &shown_now.directory, language),
            broken: told.checked == Checked::Broken,
            case: asked.contains(&act.act),
        }
    };
    let page = FrontPage {
        lines: shown_now.acts.iter().map(line).collect(),
        at: in_japan(shown_now.at, language),
        ends: ends(&visit),
        frame: visit.frame(),
    };
    Ok(shown(&page))
}

/// When the assertion, and with it the session, ends: `13:24`.
pub(crate) fn ends(visit: &Visit) -> String {
    let ends = visit.visitor().and_then(|visitor| visitor.ends);
    ends.map(|ends| pages::clock(ends).chars().take(5).collect()).unwrap_or_default()
}

#[derive(Deserialize)]
struct Nothing {}

async fn look_again(
    State(here): State<Here>,
    visit: Visit,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    here.0.shown(&visit, true).await?;
    Ok(visit.go("/"))
}

#[derive(Template)]
#[template(path = "portal/act.html")]
struct ActPage {
    frame: Frame,
    act: String,
    sentence: String,
    proof: String,
    broken: bool,
    has_receipt: bool,
    sequence: Sequence,
    asked: bool,
    case: Option<(i64, &'static str, String)>,
    may_ask: bool,
    /// Institution and item, where the person looked at what is held: an answer that was to come later may be there.
    look_again: Option<(String, String)>,
}

pub(crate) const fn case_word(state: CaseState, language: Language) -> &'static str {
    match state {
        CaseState::Open => language.say("受け付けました", "received"),
        CaseState::UnderInvestigation => language.say("調べています", "under investigation"),
        CaseState::Closed => language.say("終わりました", "closed"),
    }
}

/// What the person looked at in an act of their own that brought a reply: institution and item.
fn looked_at(own: &OwnAct) -> Option<(String, String)> {
    let fields: Vec<Map<String, Value>> =
        own.records.iter().filter_map(|record| serde_json::from_str(&record.text).ok()).collect();
    let said = |name: &str| fields.iter().find_map(|record| record.get(name)?.as_str());
    let own = said("right") == Some(Right::Person.as_str()) && said("outcome") == Some("done");
    own.then(|| Some((said("provider")?.to_owned(), said("item")?.to_owned()))).flatten()
}

fn find(shown_now: &Shown, id: ActId) -> Result<&OwnAct, Problem> {
    // What is not in the own records is not there, whoever's it is.
    shown_now.acts.iter().find(|act| act.act == id).ok_or(Problem::new(Reason::NotFound))
}

async fn act(State(here): State<Here>, visit: Visit, Path(id): Path<String>) -> Result<Response, Problem> {
    let (portal, language, id) = (here.0, visit.language(), ActId::parse(&id)?);
    let shown_now = portal.shown(&visit, false).await?;
    let own = find(&shown_now, id)?;
    let told = tell(own, &shown_now.directory);
    let asked = store::complaints(portal.house.road.db(), vec![id]).await;
    let asked = asked.map_err(|_| Problem::new(Reason::Internal))?.contains(&id);
    let case = if asked { portal.case_of(id).await } else { None };
    let line = |line: CaseLine| (line.number, case_word(line.state, language), in_japan(line.due, language));
    let page = ActPage {
        frame: visit.frame(),
        act: id.to_string(),
        sentence: sentence(&told, language),
        proof: proof_in_words(&told.checked, &shown_now.directory, language),
        broken: told.checked == Checked::Broken,
        has_receipt: own.records.iter().any(|record| record.receipt.is_some()),
        sequence: sequence(own, &shown_now.directory, language),
        asked,
        case: case.map(line),
        may_ask: !asked,
        look_again: looked_at(own),
    };
    Ok(shown(&page))
}

/// What linkage's own records say happened, and when.
fn sequence(act: &OwnAct, directory: &Directory, language: Language) -> Sequence {
    let fields: Vec<Map<String, Value>> =
        act.records.iter().filter_map(|record| serde_json::from_str(&record.text).ok()).collect();
    let said = |record: Option<&Map<String, Value>>, name: &str| {
        record.and_then(|record| record.get(name)?.as_str().map(str::to_owned))
    };
    let of_step =
        |step: &str| fields.iter().find(|record| record.get("step").and_then(Value::as_str) == Some(step));
    let at = |record: Option<&Map<String, Value>>| {
        record.and_then(|record| record.get("at")?.as_i64()).map(Moment)
    };
    let (decision, outcome) = (of_step("decision"), of_step("outcome"));
    let party = |id: &str| {
        let entry = PartyId::parse(id).ok().and_then(|id| directory.entry(&id).cloned());
        entry.map_or_else(|| id.to_owned(), |entry| language.say(&entry.name, &entry.name_en).to_owned())
    };
    let linkage = directory.only("linkage").map(|entry| language.say(&entry.name, &entry.name_en).to_owned());
    let linkage = linkage.unwrap_or_else(|| language.say("情報連携基盤", "Linkage").to_owned());
    let permitted = said(decision, "decision").as_deref() == Some("permitted");
    let done = said(outcome, "outcome").as_deref() == Some("done");
    if let (Some(inquirer), Some(provider)) = (said(decision, "inquirer"), said(decision, "provider")) {
        let mut sequence = Sequence::new(vec![party(&inquirer), linkage, party(&provider)]);
        let item = wording::item(&said(decision, "item").unwrap_or_default());
        sequence.step(0, 1, at(decision), language.say(&item.0, &item.1), false);
        if !permitted {
            sequence.step(1, 0, at(decision), language.say("断りました", "refused"), true);
            return sequence;
        }
        sequence.step(1, 2, at(decision), language.say("認めて渡しました", "allowed, passed on"), false);
        match (outcome, done) {
            (Some(_), true) => {
                let reply = language.say("封をした返事", "a sealed reply");
                sequence.step(2, 1, at(outcome), reply, false);
                sequence.step(1, 0, at(outcome), reply, false);
            }
            (Some(_), false) => {
                sequence.step(1, 0, at(outcome), language.say("返事は届きませんでした", "no reply"), true);
            }
            (None, _) => {}
        }
        return sequence;
    }
    let Some(institution) = said(decision, "institution") else { return Sequence::default() };
    let mut sequence = Sequence::new(vec![
        language.say("住民基本台帳", "Resident register").to_owned(),
        linkage,
        party(&institution),
    ]);
    sequence.step(0, 1, at(decision), language.say("あなたの符号", "your link code"), false);
    if permitted && done {
        sequence.step(1, 2, at(outcome), language.say("渡しました", "given"), false);
    } else {
        sequence.step(
            1,
            0,
            at(outcome).or(at(decision)),
            language.say("渡しませんでした", "not given"),
            true,
        );
    }
    sequence
}

/// The receipts of an act, as any tool takes them (C2SP tlog-proof), with what they are of.
async fn proof(State(here): State<Here>, visit: Visit, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = ActId::parse(&id)?;
    let shown_now = here.0.shown(&visit, false).await?;
    let own = find(&shown_now, id)?;
    let mut text = String::new();
    for record in &own.records {
        let Some(receipt) = record.receipt.as_ref().filter(|receipt| Proof::parse(receipt).is_ok()) else {
            continue;
        };
        text.push_str(&format!("# record {}\n# salt {}\n{receipt}\n", record.text, record.salt.text()));
    }
    if text.is_empty() {
        return Err(Problem::with(Reason::NotFound, "No witness has seen the record yet.").of(id));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.txt\"")),
    ];
    Ok((headers, text).into_response())
}

async fn complain(
    State(here): State<Here>,
    visit: Visit,
    Path(id): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, Problem> {
    let id = ActId::parse(&id)?;
    let shown_now = here.0.shown(&visit, false).await?;
    let caller = Caller::Inner { name: "person".into(), role: Role::Person };
    here.0.complain(&caller, id, find(&shown_now, id).is_ok()).await?;
    Ok(visit.go(&format!("/acts/{id}")))
}
