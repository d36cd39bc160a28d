//! Officers judge sets: two different ones approve, or one declines.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use house::json_bytes;
use protocol::research::{Judge, Judgement, SetLine, SetState};
use road::{Failure, Protected, Record};
use rules::Operation;
use seal::{OpeningKey, SealingPublic};
use wire::{Caller, Problem};
use words::{ActId, Reason};

use crate::deed::{Deed, Insider, hash_of, replied};
use crate::error::check_text;
use crate::{Here, Research, store};

/// Officers that must approve.
pub(crate) const NEEDED: usize = 2;

pub(crate) async fn judge(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: wire::Json<Judge>,
) -> Result<Response, Problem> {
    let key = here.0.opening(bearer(&headers));
    here.0.judge_set(&Insider::of(&caller)?, &key, ActId::parse(&id)?, body.message).await.map(json_bytes)
}

/// The key a request came with.
pub(crate) fn bearer(headers: &HeaderMap) -> &str {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default()
}

impl Research {
    /// The opening key of whoever holds `key`.
    pub(crate) fn opening(&self, key: &str) -> OpeningKey {
        OpeningKey::of(key, self.house.id.as_str())
    }

    /// The same, of somebody at the pages, who shows the own key anew.
    pub(crate) fn opening_of(&self, who: &Insider, key: &str) -> Result<OpeningKey, Problem> {
        match self.house.owner_of_key(key.trim()) {
            Caller::Inner { name, .. } if name == who.name => Ok(self.opening(key.trim())),
            _ => Err(Problem::with(Reason::Unauthenticated, "The key is not that of whoever is signed in.")),
        }
    }

    /// Judges a set.
    pub(crate) async fn judge_set(
        self: &Arc<Self>,
        who: &Insider,
        key: &OpeningKey,
        id: ActId,
        judge: Judge,
    ) -> Result<Vec<u8>, Problem> {
        check_text("reason", &judge.reason, 1, 500)?;
        let turn = self.turn().await;
        let set = self.set(id).await?;
        let hash = hash_of(&judge);
        let Judge { approves, reason } = judge;
        let judgement = Judgement { officer: who.name.clone(), approves, reason, at: self.house.now() };
        self.take(who, self.fresh(), hash, turn, JudgeSet { set, judgement, opener: key.public() }).await
    }
}

struct JudgeSet {
    set: SetLine,
    judgement: Judgement,
    opener: SealingPublic,
}

impl JudgeSet {
    fn approved(&self) -> usize {
        let before = self.set.judgements.iter().filter(|judgement| judgement.approves).count();
        before + usize::from(self.judgement.approves)
    }

    fn state(&self) -> SetState {
        match self.judgement.approves {
            false => SetState::Declined,
            true if self.approved() >= NEEDED => SetState::Approved,
            true => SetState::Asked,
        }
    }
}

impl Deed for JudgeSet {
    const NAME: &'static str = "judge_set";
    const OPERATION: Operation = Operation::JudgeResearch;

    fn refused(&self) -> Option<Reason> {
        // A third may approve as well, and opens later in place of one who left.
        if !matches!(self.set.state, SetState::Asked | SetState::Approved) {
            return Some(Reason::WrongState);
        }
        let same = self.set.judgements.iter().any(|judgement| judgement.officer == self.judgement.officer);
        same.then_some(Reason::SecondPerson)
    }

    fn record(&self, record: &mut Record) {
        record.set("set", self.set.id).set("approves", self.judgement.approves);
        record.set("reason", &self.judgement.reason).set("approvals", self.approved());
    }

    async fn act(&self) -> Result<Protected, Failure> {
        let (id, state) = (self.set.id, self.state());
        let (judgement, opener) = (self.judgement.clone(), self.opener.clone());
        let writes: road::RoomWrite = Box::new(move |write| {
            store::add_judgement(write, &id, &judgement, &opener)?;
            store::put_state(write, &id, state)
        });
        let mut after = self.set.clone();
        after.judgements.push(self.judgement.clone());
        after.state = state;
        replied(&after, Record::new(), Some(writes))
    }
}
