//! A finding goes from a researcher to the person: two officers open the table of numbers for this one row, and the keeper learns
//! whom to reach (001). Nobody else learns who it is, and no other row is opened.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json};
use house::json_bytes;
use protocol::research::{FindingLine, FindingState, Reach, ReportFinding, SetLine, SetState};
use road::{Failure, Protected, Record};
use rules::Operation;
use seal::{Locked, OpeningKey, unlock};
use wire::{Caller, Problem};
use words::{ActId, Reason};
use zeroize::Zeroizing;

use crate::deed::{Deed, Insider, hash_of, replied};
use crate::error::{asked_wrongly, check_text, own_content, own_database};
use crate::judgement::bearer;
use crate::{Here, Research, store};

pub(crate) async fn report(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: wire::Json<ReportFinding>,
) -> Result<Response, Problem> {
    here.0.report_finding(&Insider::of(&caller)?, body.message).await.map(json_bytes)
}

pub(crate) async fn list(State(here): State<Here>) -> Result<Json<Vec<FindingLine>>, Problem> {
    here.0.findings().await.map(Json)
}

pub(crate) async fn assent(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let key = here.0.opening(bearer(&headers));
    here.0.assent(&Insider::of(&caller)?, key, ActId::parse(&id)?).await.map(json_bytes)
}

pub(crate) async fn person(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    here.0.reach(&Insider::of(&caller)?, ActId::parse(&id)?).await.map(json_bytes)
}

impl Research {
    /// All findings, the latest first.
    pub(crate) async fn findings(&self) -> Result<Vec<FindingLine>, Problem> {
        let all = store::findings(self.house.road.db(), None).await.map_err(|error| own_database(&error))?;
        Ok(all.into_iter().map(|stored| stored.line).collect())
    }

    async fn finding(&self, id: ActId) -> Result<store::StoredFinding, Problem> {
        let found =
            store::findings(self.house.road.db(), Some(id)).await.map_err(|error| own_database(&error))?;
        found.into_iter().next().ok_or(Problem::new(Reason::NotFound).of(id))
    }

    /// Reports a finding about one row of a set that is with its recipients.
    pub(crate) async fn report_finding(
        self: &Arc<Self>,
        who: &Insider,
        report: ReportFinding,
    ) -> Result<Vec<u8>, Problem> {
        check_text("finding", &report.finding, 10, 4000)?;
        if report.number.len() != 22
            || !report.number.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        {
            return Err(asked_wrongly(
                "`number` is not a number of a set: 22 characters, as in its first column.",
            ));
        }
        let turn = self.turn().await;
        let set = self.set(report.set).await?;
        let id = self.fresh();
        let hash = hash_of(&report);
        let deed = Report { research: Arc::clone(self), id, set, report, who: who.name.clone() };
        self.take(who, id, hash, turn, deed).await
    }

    /// An officer assents with the own key.
    pub(crate) async fn assent(
        self: &Arc<Self>,
        who: &Insider,
        key: OpeningKey,
        id: ActId,
    ) -> Result<Vec<u8>, Problem> {
        let turn = self.turn().await;
        let finding = self.finding(id).await?;
        let openers = store::openers(self.house.road.db(), finding.line.set).await;
        let openers = openers.map_err(|error| own_database(&error))?;
        let place = openers.iter().position(|(officer, _)| *officer == who.name);
        let deed = Assent { research: Arc::clone(self), finding, key, place, who: who.name.clone() };
        self.take(who, self.fresh(), hash_of(&id), turn, deed).await
    }

    /// Tells the keeper whom to reach, and of what.
    pub(crate) async fn reach(self: &Arc<Self>, who: &Insider, id: ActId) -> Result<Vec<u8>, Problem> {
        let turn = self.turn().await;
        let finding = self.finding(id).await?;
        let deed = ReachPerson { research: Arc::clone(self), finding };
        self.take(who, self.fresh(), hash_of(&id), turn, deed).await
    }
}

struct Report {
    research: Arc<Research>,
    id: ActId,
    set: SetLine,
    report: ReportFinding,
    who: String,
}

impl Deed for Report {
    const NAME: &'static str = "report_finding";
    const OPERATION: Operation = Operation::DoResearch;

    fn refused(&self) -> Option<Reason> {
        if self.set.researcher != self.who {
            return Some(Reason::NotAllowed);
        }
        let open = self.set.state == SetState::HandedOver && self.set.ask.linkable;
        (!open).then_some(Reason::WrongState)
    }

    fn record(&self, record: &mut Record) {
        record.set("set", self.set.id).set("domain", &self.set.ask.domain);
    }

    async fn act(&self) -> Result<Protected, Failure> {
        let (id, set, house) = (self.id, self.set.id, &self.research.house);
        let content = serde_json::to_vec(&self.report).map_err(|_| Failure::new(Reason::Internal))?;
        let content = house.storage.seal("finding", id.bytes(), "content", &content);
        let line = FindingLine {
            id,
            set,
            domain: self.set.ask.domain.clone(),
            researcher: self.who.clone(),
            at: house.now(),
            state: FindingState::Reported,
            assents: Vec::new(),
        };
        let (who, at) = (self.who.clone(), line.at);
        let writes: road::RoomWrite =
            Box::new(move |write| store::add_finding(write, &id, &set, &who, at, &content));
        replied(&line, Record::new(), Some(writes))
    }
}

struct Assent {
    research: Arc<Research>,
    finding: store::StoredFinding,
    key: OpeningKey,
    /// The officer's place among those who approved the set: whose share is whose.
    place: Option<usize>,
    who: String,
}

impl Assent {
    fn report(&self) -> Result<ReportFinding, Failure> {
        opened_report(&self.research, &self.finding)
    }

    /// The own share, opened.
    async fn share(&self) -> Result<(Locked, Zeroizing<Vec<u8>>), Failure> {
        let (set, house) = (self.finding.line.set, &self.research.house);
        let (_, numbers) = store::content(house.road.db(), set).await?;
        let sealed = numbers.ok_or_else(|| own_content("a table of numbers"))?;
        let locked = house.storage.open("asked_set", set.bytes(), "numbers", &sealed);
        let locked = locked.ok().and_then(|bytes| serde_json::from_slice::<Locked>(&bytes).ok());
        let locked = locked.ok_or_else(|| own_content("a table of numbers"))?;
        let own = self.place.and_then(|place| locked.shares.get(place));
        let changed = || {
            Failure::with(
                Reason::NotAllowed,
                "This key does not open the share: the officer's key was changed since the approval.",
            )
        };
        let share = self.key.share(set.bytes(), own.ok_or_else(changed)?).map_err(|_| changed())?;
        Ok((locked, share))
    }

    /// The person of the number, with two shares.
    fn person(&self, locked: &Locked, shares: &[Zeroizing<Vec<u8>>]) -> Result<Zeroizing<String>, Failure> {
        let (set, house) = (self.finding.line.set, &self.research.house);
        let lines = unlock(set.bytes(), locked, shares, &house.dice)
            .map_err(|_| own_content("a table of numbers"))?;
        let number = self.report()?.number;
        let of_line = |line: &[u8]| {
            let (own, person) = std::str::from_utf8(line).ok()?.split_once(' ')?;
            (own == number).then(|| Zeroizing::new(person.to_owned()))
        };
        let found = lines.split(|byte| *byte == b'\n').find_map(of_line);
        found.ok_or_else(|| {
            Failure::with(
                Reason::NotFound,
                "No row of the set has that number; the finding must be reported anew.",
            )
        })
    }
}

impl Deed for Assent {
    const NAME: &'static str = "assent";
    const OPERATION: Operation = Operation::JudgeResearch;

    fn refused(&self) -> Option<Reason> {
        if self.place.is_none() {
            return Some(Reason::NotAllowed);
        }
        if self.finding.line.assents.contains(&self.who) {
            return Some(Reason::SecondPerson);
        }
        let open = matches!(self.finding.line.state, FindingState::Reported | FindingState::OneAssent);
        (!open).then_some(Reason::WrongState)
    }

    fn record(&self, record: &mut Record) {
        record.set("finding", self.finding.line.id).set("set", self.finding.line.set);
        record.set("assents", self.finding.line.assents.len() + 1);
    }

    async fn act(&self) -> Result<Protected, Failure> {
        let (id, house, who) = (self.finding.line.id, &self.research.house, self.who.clone());
        let (locked, own) = self.share().await?;
        let mut after = self.finding.line.clone();
        after.assents.push(who.clone());
        let at = house.now();
        let before = store::shares(house.road.db(), id).await?;
        let Some((other, sealed)) = before.first() else {
            after.state = FindingState::OneAssent;
            let row = [id.bytes().as_slice(), who.as_bytes()].concat();
            let sealed = house.storage.seal("assent", &row, "share", &own);
            let writes: road::RoomWrite =
                Box::new(move |write| store::add_assent(write, &id, &who, at, Some(&sealed), None));
            return replied(&after, Record::new(), Some(writes));
        };
        let row = [id.bytes().as_slice(), other.as_bytes()].concat();
        let first =
            house.storage.open("assent", &row, "share", sealed).map_err(|_| own_content("a share"))?;
        let person = self.person(&locked, &[Zeroizing::new(first), own])?;
        let reach = house.storage.seal("finding", id.bytes(), "reach", person.as_bytes());
        after.state = FindingState::Opened;
        let mut record = Record::new();
        record.set("opened", true);
        let writes: road::RoomWrite =
            Box::new(move |write| store::add_assent(write, &id, &who, at, None, Some(&reach)));
        replied(&after, record, Some(writes))
    }
}

fn opened_report(research: &Research, finding: &store::StoredFinding) -> Result<ReportFinding, Failure> {
    let opened = research.house.storage.open("finding", finding.line.id.bytes(), "content", &finding.content);
    let report = opened.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    report.ok_or_else(|| own_content("a finding"))
}

struct ReachPerson {
    research: Arc<Research>,
    finding: store::StoredFinding,
}

impl Deed for ReachPerson {
    const NAME: &'static str = "reach_person";
    const OPERATION: Operation = Operation::KeepDomain;

    fn refused(&self) -> Option<Reason> {
        let open = matches!(self.finding.line.state, FindingState::Opened | FindingState::Reached);
        (!open).then_some(Reason::SecondPerson)
    }

    fn record(&self, record: &mut Record) {
        record.set("finding", self.finding.line.id).set("set", self.finding.line.set);
    }

    async fn act(&self) -> Result<Protected, Failure> {
        let id = self.finding.line.id;
        let sealed = self.finding.reach.as_ref().ok_or_else(|| own_content("a person's key"))?;
        let person = self.research.house.storage.open("finding", id.bytes(), "reach", sealed);
        let person = person.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let person = person.ok_or_else(|| own_content("a person's key"))?;
        let finding = opened_report(&self.research, &self.finding)?.finding;
        let writes: road::RoomWrite = Box::new(move |write| store::put_reached(write, &id));
        replied(&Reach { person, finding }, Record::new(), Some(writes))
    }
}
