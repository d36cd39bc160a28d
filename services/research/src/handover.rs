//! A set is taken over by who asked for it: it leaves with the outcome of an act.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use protocol::research::{SetLine, SetState};
use road::{Failure, Protected, Record};
use rules::Operation;
use wire::{Caller, Problem};
use words::{ActId, Reason};

use crate::deed::{Deed, Insider, hash_of};
use crate::error::own_content;
use crate::sets::refused_to;
use crate::{Here, Research, store};

pub(crate) async fn handover(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = ActId::parse(&id)?;
    here.0.hand_over(&Insider::of(&caller)?, id).await.map(|csv| as_file(id, csv))
}

/// A set as a browser saves it.
pub(crate) fn as_file(id: ActId, csv: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.csv\"")),
    ];
    (headers, csv).into_response()
}

impl Research {
    /// The set's CSV. May be taken again until the set has ended; each time is an act.
    pub(crate) async fn hand_over(self: &Arc<Self>, who: &Insider, id: ActId) -> Result<Vec<u8>, Problem> {
        let turn = self.turn().await;
        let set = self.set(id).await?;
        let deed = HandOver { research: Arc::clone(self), set, who: who.name.clone() };
        self.take(who, self.fresh(), hash_of(&id), turn, deed).await
    }
}

struct HandOver {
    research: Arc<Research>,
    set: SetLine,
    who: String,
}

impl Deed for HandOver {
    const NAME: &'static str = "hand_over_set";
    const OPERATION: Operation = Operation::DoResearch;

    fn refused(&self) -> Option<Reason> {
        refused_to(&self.set, &self.who)
    }

    fn record(&self, record: &mut Record) {
        record.set("set", self.set.id).set("domain", &self.set.ask.domain);
        record.set("sha256", self.set.made.as_ref().map(|made| &made.sha256));
    }

    async fn act(&self) -> Result<Protected, Failure> {
        let (id, house) = (self.set.id, &self.research.house);
        let (content, _) = store::content(house.road.db(), id).await?;
        let sealed = content.ok_or_else(|| own_content("a set"))?;
        let csv = house.storage.open("asked_set", id.bytes(), "content", &sealed);
        let csv = csv.map_err(|_| own_content("a set"))?;
        let writes: road::RoomWrite =
            Box::new(move |write| store::put_state(write, &id, SetState::HandedOver));
        Ok(Protected { reply: csv, record: Record::new(), writes: Some(writes), keep: false })
    }
}
