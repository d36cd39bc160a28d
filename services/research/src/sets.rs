//! Sets as researchers ask for them.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use house::json_bytes;
use protocol::research::{AskSet, SetLine, SetState};
use road::{Failure, Protected, Record};
use rules::Operation;
use wire::{Caller, Problem};
use words::{ActId, Moment, Reason};

use crate::deed::{Deed, Insider, hash_of, replied};
use crate::domains::{Domain, today};
use crate::error::{asked_wrongly, check_range, check_text, own_database};
use crate::{Here, Research, store, table};

pub(crate) async fn ask(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: wire::Json<AskSet>,
) -> Result<Response, Problem> {
    here.0.ask_set(&Insider::of(&caller)?, body.message).await.map(json_bytes)
}

pub(crate) async fn list(State(here): State<Here>) -> Result<Json<Vec<SetLine>>, Problem> {
    here.0.sets(None).await.map(Json)
}

/// At most so many attributes, recipients, days.
const MOST_ATTRIBUTES: usize = 12;
const MOST_RECIPIENTS: usize = 50;
const LONGEST_DAYS: i64 = 5 * 366;

/// Why a set's file is not this person's to take over or to end, if it is not.
pub(crate) fn refused_to(set: &SetLine, who: &str) -> Option<Reason> {
    if set.researcher != who {
        return Some(Reason::NotAllowed);
    }
    (!matches!(set.state, SetState::Made | SetState::HandedOver)).then_some(Reason::WrongState)
}

impl Research {
    /// All sets, the latest first; or one.
    pub(crate) async fn sets(&self, one: Option<ActId>) -> Result<Vec<SetLine>, Problem> {
        let today = today(self.house.now());
        let stored = store::sets(self.house.road.db(), one, today).await;
        Ok(stored.map_err(|error| own_database(&error))?.into_iter().map(|stored| stored.line).collect())
    }

    /// One set.
    pub(crate) async fn set(&self, id: ActId) -> Result<SetLine, Problem> {
        self.sets(Some(id)).await?.pop().ok_or(Problem::new(Reason::NotFound).of(id))
    }

    /// Asks for a set; everything that can be wrong with it is told now.
    pub(crate) async fn ask_set(self: &Arc<Self>, who: &Insider, ask: AskSet) -> Result<Vec<u8>, Problem> {
        let known = self.domain(&ask.domain).await?;
        self.check(&known, &ask)?;
        let turn = self.turn().await;
        let id = self.fresh();
        let line = SetLine {
            id,
            researcher: who.name.clone(),
            at: self.house.now(),
            state: SetState::Asked,
            judgements: Vec::new(),
            made: None,
            least_change: None,
            ended_at: None,
            days_left: None,
            ask,
        };
        let hash = hash_of(&line.ask);
        self.take(who, id, hash, turn, Ask { line }).await
    }

    fn check(&self, known: &Domain, ask: &AskSet) -> Result<(), Problem> {
        check_text("purpose", &ask.purpose, 10, 1000)?;
        if ask.recipients.is_empty() || ask.recipients.len() > MOST_RECIPIENTS {
            return Err(asked_wrongly(format!("`recipients` must name 1 to {MOST_RECIPIENTS}.")));
        }
        ask.recipients.iter().try_for_each(|recipient| check_text("recipients", recipient, 1, 200))?;
        if ask.attributes.is_empty() || ask.attributes.len() > MOST_ATTRIBUTES {
            return Err(asked_wrongly(format!("`attributes` must name 1 to {MOST_ATTRIBUTES}.")));
        }
        let mut names = HashSet::new();
        for attribute in &ask.attributes {
            check_range("weight", attribute.weight, 1..=100)?;
            if !names.insert(&attribute.name) {
                return Err(asked_wrongly("`attributes` names a column twice."));
            }
        }
        let about = &known.about;
        if ask.with_sensitive && about.sensitive.is_empty() {
            return Err(asked_wrongly("`with_sensitive`: the domain has no sensitive columns."));
        }
        check_range("k", ask.k, about.k..=1_000_000)?;
        check_range("l", ask.l, about.l..=10_000)?;
        check_range("suppression_permille", ask.suppression_permille, 0..=999)?;
        let days = ask.return_by.days() - today(self.house.now());
        if !(1..=LONGEST_DAYS).contains(&days) {
            return Err(asked_wrongly(format!(
                "`return_by` must be a day from tomorrow on, within {LONGEST_DAYS} days."
            )));
        }
        if known.content.rows.is_empty() {
            return Err(asked_wrongly("The domain has no table yet; ask its keeper."));
        }
        table::problem(about, &known.content, ask).map_err(|fault| asked_wrongly(format!("{fault}.")))?;
        Ok(())
    }
}

struct Ask {
    line: SetLine,
}

impl Deed for Ask {
    const NAME: &'static str = "ask_set";
    const OPERATION: Operation = Operation::DoResearch;

    fn record(&self, record: &mut Record) {
        let ask = &self.line.ask;
        let columns: Vec<&String> = ask.attributes.iter().map(|attribute| &attribute.name).collect();
        record.set("domain", &ask.domain).set("purpose", &ask.purpose).set("recipients", &ask.recipients);
        record
            .set("columns", columns)
            .set("with_sensitive", ask.with_sensitive)
            .set("linkable", ask.linkable);
        record.set("k", ask.k).set("l", ask.l).set("suppression_permille", ask.suppression_permille);
        record.set("return_by", ask.return_by);
    }

    async fn act(&self) -> Result<Protected, Failure> {
        let SetLine { id, ask, researcher, at, .. } = self.line.clone();
        let at: Moment = at;
        let writes: road::RoomWrite =
            Box::new(move |write| store::add_set(write, &id, &ask, &researcher, at));
        replied(&self.line, Record::new(), Some(writes))
    }
}
