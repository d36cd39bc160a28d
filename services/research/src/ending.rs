//! A set ends: returned, or destroyed. The ledger keeps that it did.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use house::json_bytes;
use protocol::research::{EndSet, HowEnded, SetLine, SetState};
use road::{Failure, Protected, Record};
use rules::Operation;
use wire::{Caller, Problem};
use words::{ActId, Moment, Reason};

use crate::deed::{Deed, Insider, hash_of, replied};
use crate::error::check_text;
use crate::sets::refused_to;
use crate::{Here, Research, store};

pub(crate) async fn end(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: wire::Json<EndSet>,
) -> Result<Response, Problem> {
    here.0.end_set(&Insider::of(&caller)?, ActId::parse(&id)?, body.message).await.map(json_bytes)
}

impl Research {
    /// Takes down that a set was returned or destroyed; the room's own copy goes too.
    pub(crate) async fn end_set(
        self: &Arc<Self>,
        who: &Insider,
        id: ActId,
        ended: EndSet,
    ) -> Result<Vec<u8>, Problem> {
        check_text("statement", &ended.statement, 1, 500)?;
        let turn = self.turn().await;
        let set = self.set(id).await?;
        let hash = hash_of(&ended);
        let deed = End { set, ended, who: who.name.clone(), at: self.house.now() };
        self.take(who, self.fresh(), hash, turn, deed).await
    }
}

struct End {
    set: SetLine,
    ended: EndSet,
    who: String,
    at: Moment,
}

impl Deed for End {
    const NAME: &'static str = "end_set";
    const OPERATION: Operation = Operation::DoResearch;

    fn refused(&self) -> Option<Reason> {
        refused_to(&self.set, &self.who)
    }

    fn record(&self, record: &mut Record) {
        record.set("set", self.set.id).set("domain", &self.set.ask.domain).set("how", self.ended.how);
        record.set("statement", &self.ended.statement);
        record.set("overdue", self.set.days_left.is_some_and(|left| left < 0));
    }

    async fn act(&self) -> Result<Protected, Failure> {
        let state = match self.ended.how {
            HowEnded::Returned => SetState::Returned,
            HowEnded::Destroyed => SetState::Destroyed,
        };
        let (id, at) = (self.set.id, self.at);
        let writes: road::RoomWrite = Box::new(move |write| store::end(write, &id, state, at));
        let after = SetLine { state, ended_at: Some(at), days_left: None, ..self.set.clone() };
        replied(&after, Record::new(), Some(writes))
    }
}
