//! One act on all sides, as a picture: from what each room recorded, joined by its id. Looking is an act of its own.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use house::told;
use pages::{Form, Frame, Language, Sequence, Visit, clock, in_japan, shown};
use protocol::directory::Entry;
use protocol::oversight::ActParties;
use road::{ActLine, Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use serde::{Deserialize, Serialize};
use wire::{Caller, Problem};
use words::{ActId, Moment, PartyId, Reason};

use super::party;
use crate::{Here, Oversight};

const WITHIN: Duration = Duration::from_secs(3);

#[derive(Template)]
#[template(path = "oversight/acts.html")]
struct ActsPage {
    frame: Frame,
}

pub(super) async fn front(visit: Visit) -> Response {
    shown(&ActsPage { frame: visit.frame() })
}

#[derive(Deserialize)]
pub(super) struct Find {
    act: String,
}

pub(super) async fn find(visit: Visit, Form(form): Form<Find>) -> Result<Response, Problem> {
    let id = ActId::parse(form.act.trim())?;
    Ok(visit.go(&format!("/acts/{id}")))
}

/// What one room did under the id.
#[derive(Clone, Serialize, Deserialize)]
struct RoomLines {
    party: PartyId,
    kind: String,
    lines: Vec<ActLine>,
}

/// Everything that was found.
#[derive(Clone, Serialize, Deserialize)]
struct Sides {
    rooms: Vec<RoomLines>,
    /// Rooms that could not be reached.
    away: Vec<PartyId>,
    inquirer: Option<PartyId>,
    provider: Option<PartyId>,
}

struct ViewAct {
    oversight: Arc<Oversight>,
    about: ActId,
    role: Role,
}

impl Verb for ViewAct {
    const NAME: &'static str = "view_act";
    type Permit = Permit<Operate>;
    type Acted = Sides;

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        Ok(decide_operation(Operation::Audit, self.role)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        record.set("about", self.about);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Sides, Failure> {
        Ok(self.oversight.sides_of(self.about).await)
    }

    fn protect(&self, _permit: &Self::Permit, sides: Sides) -> Result<Protected, Failure> {
        let reply = serde_json::to_vec(&sides).map_err(|_| Failure::new(Reason::Internal))?;
        Ok(Protected { reply, record: Record::new(), writes: None, keep: false })
    }
}

impl Oversight {
    async fn sides_of(&self, act: ActId) -> Sides {
        let asked = self.audited_parties().into_iter().map(|entry| self.lines_at(entry, act));
        let mut sides = Sides { rooms: Vec::new(), away: Vec::new(), inquirer: None, provider: None };
        for (entry, lines) in futures_util::future::join_all(asked).await {
            match lines {
                Some(lines) if !lines.is_empty() => {
                    sides.rooms.push(RoomLines { party: entry.id, kind: entry.kind.to_string(), lines });
                }
                Some(_) => {}
                None => sides.away.push(entry.id),
            }
        }
        if let Ok(linkage) = self.house.only("linkage") {
            let path = format!("/acts/{act}");
            if let Ok(between) = self.house.get::<ActParties>(&linkage, &path, WITHIN).await {
                (sides.inquirer, sides.provider) = (Some(between.inquirer), Some(between.provider));
            }
        }
        sides
    }

    async fn lines_at(&self, entry: Entry, act: ActId) -> (Entry, Option<Vec<ActLine>>) {
        let path = format!("/acts/{act}/lines");
        let lines = self.house.get::<Vec<ActLine>>(&entry, &path, WITHIN).await.ok();
        (entry, lines)
    }
}

impl Sides {
    fn line(&self, kind: &str, verb: &str) -> Option<&ActLine> {
        let of = self.rooms.iter().filter(|room| room.kind == kind);
        // Of the trustee's replicas, where one took over from another, the one that brought it to its end.
        of.flat_map(|room| &room.lines)
            .filter(|line| line.verb == verb)
            .min_by_key(|line| line.state != "done")
    }

    /// From the times each room recorded; a step without a record is not drawn.
    fn sequence(&self, name: impl Fn(&PartyId) -> String, language: Language) -> Sequence {
        let of_kind = |kind: &str, word: &str| {
            let room = self.rooms.iter().find(|room| room.kind == kind);
            room.map_or_else(|| word.to_owned(), |room| name(&room.party))
        };
        let end = |party: &Option<PartyId>, word: &str| party.as_ref().map_or_else(|| word.to_owned(), &name);
        let mut sequence = Sequence::new(vec![
            end(&self.inquirer, language.say("照会者", "inquirer")),
            of_kind("linkage", language.say("情報連携基盤", "linkage")),
            of_kind("trustee", language.say("受託機関", "trustee")),
            end(&self.provider, language.say("提供者", "provider")),
            of_kind("portal", language.say("ポータル", "portal")),
        ]);
        let word =
            |line: &ActLine| match (line.state.as_str(), line.reason.as_deref().and_then(Reason::parse)) {
                ("done", _) => language.say("返事", "reply").to_owned(),
                (_, Some(reason)) => reason.as_str().to_owned(),
                (state, None) => state.to_owned(),
            };
        let bad = |line: &ActLine| line.state != "done";
        let there = [
            (0, 1, self.line("linkage", "inquire")),
            (1, 2, self.line("trustee", "inquire")),
            (2, 3, self.line("gateway", "answer")),
        ];
        if let Some(asked) = self.line("gateway", "ask") {
            sequence.step(0, 0, Some(asked.decided_at), language.say("職員が照会", "a clerk asks"), false);
        }
        for (from, to, line) in there {
            let Some(line) = line else { continue };
            sequence.step(from, to, Some(line.decided_at), language.say("照会", "inquiry"), false);
        }
        for (to, from, line) in there.into_iter().rev() {
            let Some(line) = line else { continue };
            let at = line.closed_at.or(Some(line.decided_at));
            sequence.step(from, to, at, &word(line), bad(line));
        }
        if let Some(index) = self.line("portal", "index") {
            let entered = language.say("本人の索引", "the person's index");
            sequence.step(2, 4, Some(index.decided_at), entered, false);
        }
        sequence
    }
}

struct Line {
    party: String,
    verb: String,
    state: String,
    reason: String,
    at: String,
    closed: String,
}

#[derive(Template)]
#[template(path = "oversight/act.html")]
struct ActPage {
    frame: Frame,
    act: String,
    lines: Vec<Line>,
    away: Vec<String>,
    sequence: Sequence,
}

pub(super) async fn show(
    State(here): State<Here>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (oversight, language, about) = (here.0, visit.language(), ActId::parse(&id)?);
    let caller = visit.caller();
    let Caller::Inner { role, .. } = caller else { return Err(Problem::new(Reason::Unauthenticated)) };
    let arrival = Arrival {
        id: ActId::new(oversight.house.world.random()),
        caller: caller.label(),
        request_hash: seal::sha256(about.bytes()),
    };
    let verb = ViewAct { oversight: Arc::clone(&oversight), about, role };
    let sides = oversight.house.road.travel(arrival, verb).await.map_err(told)?;
    let sides: Sides = serde_json::from_slice(&sides).map_err(|_| Problem::new(Reason::Internal))?;
    if sides.rooms.is_empty() && sides.away.is_empty() {
        return Err(Problem::with(Reason::NotFound, "No room has a record of that act.").of(about));
    }
    let name = |id: &PartyId| party(&oversight.house, id, language);
    let line = |room: &RoomLines, line: &ActLine| Line {
        party: name(&room.party),
        verb: line.verb.clone(),
        state: line.state.clone(),
        reason: line.reason.clone().unwrap_or_default(),
        at: in_japan(line.decided_at, language),
        closed: line.closed_at.map(clock).unwrap_or_default(),
    };
    let page = ActPage {
        frame: visit.frame(),
        act: about.to_string(),
        lines: sides.rooms.iter().flat_map(|room| room.lines.iter().map(|one| line(room, one))).collect(),
        away: sides.away.iter().map(name).collect(),
        sequence: sides.sequence(name, language),
    };
    Ok(shown(&page))
}
