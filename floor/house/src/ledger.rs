//! A room's ledger at its doors: served to everybody, shown to witnesses, and the room itself as a witness of others.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ledger::{AddCheckpoint, NoteKey, TilePath, WitnessRefusal};
use protocol::ledger::{ADD_CHECKPOINT, CHECKPOINT, DIRECTORY, TILE, origin_of, party_of, witnesses};
use road::WitnessAnswer;
use wire::{Problem, Route, Side, Text, Who};
use words::{PartyId, Reason};

use crate::{HasHouse, House};

/// Routes by which a ledger is read, on both sides: its entries are hashes and say nothing of anybody.
pub(crate) fn ledger_routes<S: HasHouse>() -> Vec<Route<S>> {
    vec![
        Route::new(Side::Outer, Method::GET, CHECKPOINT, Who::AnyParty, get(checkpoint::<S>))
            .says(
                "記録簿のチェックポイント。署名と立会いの署名つき(C2SP tlog-checkpoint)。",
                "The checkpoint of the ledger, signed and cosigned (C2SP tlog-checkpoint).",
            )
            .gives_media(TEXT),
        Route::new(Side::Outer, Method::GET, TILE, Who::AnyParty, get(tile::<S>))
            .says(
                "記録簿のタイル、または記載のまとまり(C2SP tlog-tiles)。",
                "A tile or an entry bundle of the ledger (C2SP tlog-tiles).",
            )
            .gives_media(TILE_TYPE),
        Route::new(Side::Inner, Method::GET, CHECKPOINT, Who::Anyone, get(checkpoint::<S>))
            .says(
                "記録簿のチェックポイント。署名と立会いの署名つき(C2SP tlog-checkpoint)。",
                "The checkpoint of the ledger, signed and cosigned (C2SP tlog-checkpoint).",
            )
            .gives_media(TEXT),
        Route::new(Side::Inner, Method::GET, TILE, Who::Anyone, get(tile::<S>))
            .says(
                "記録簿のタイル、または記載のまとまり(C2SP tlog-tiles)。",
                "A tile or an entry bundle of the ledger (C2SP tlog-tiles).",
            )
            .gives_media(TILE_TYPE),
        Route::new(Side::Outer, Method::GET, DIRECTORY, Who::AnyParty, get(directory::<S>))
            .says("認証局が署名した名簿。", "The directory as the authority signed it.")
            .gives::<protocol::directory::Signed>(),
        Route::new(Side::Inner, Method::GET, DIRECTORY, Who::Anyone, get(directory::<S>))
            .says("認証局が署名した名簿。", "The directory as the authority signed it.")
            .gives::<protocol::directory::Signed>(),
    ]
}

/// The route of a room that witnesses others' ledgers.
pub fn witness_routes<S: HasHouse>() -> Vec<Route<S>> {
    vec![
        Route::new(Side::Outer, Method::POST, ADD_CHECKPOINT, Who::AnyParty, post(add_checkpoint::<S>))
            .says(
                "前回から続いているチェックポイントに立会いの署名をする(C2SP tlog-witness)。",
                "Cosigns a checkpoint that goes on from the last one (C2SP tlog-witness).",
            )
            .takes_media(TEXT)
            .gives_media(TEXT)
            // What the protocol says to a witness's client: unreadable, signed by another, no such ledger, cosigned at another
            // size already (the size), not a continuation.
            .gives_media_with(400, TEXT)
            .gives_media_with(403, TEXT)
            .gives_media_with(404, TEXT)
            .gives_media_with(409, "text/x.tlog.size")
            .gives_media_with(422, TEXT)
            .limit(ledger::LONGEST_REQUEST),
    ]
}

const TEXT: &str = "text/plain; charset=utf-8";
const TILE_TYPE: &str = "application/octet-stream";

async fn checkpoint<S: HasHouse>(State(state): State<S>) -> Result<Response, Problem> {
    let note = state.house().road.checkpoint().await.map_err(|_| Problem::new(Reason::Internal))?;
    let headers = [(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, note.to_string()).into_response())
}

async fn directory<S: HasHouse>(State(state): State<S>) -> Result<Response, Problem> {
    let stored = state.house().road.document("directory").await;
    let stored = stored.map_err(|_| Problem::new(Reason::Internal))?;
    let stored = stored.ok_or(Problem::with(Reason::NotFound, "This room has no directory yet."))?;
    Ok(crate::json_bytes(stored.body))
}

async fn tile<S: HasHouse>(State(state): State<S>, Path(path): Path<String>) -> Result<Response, Problem> {
    let path = TilePath::parse(&format!("tile/{path}"))
        .map_err(|_| Problem::with(Reason::NotFound, "This is not the path of a tile (C2SP tlog-tiles)."))?;
    let bytes = state.house().road.tile(path).await.map_err(|_| Problem::new(Reason::Internal))?;
    let bytes = bytes.ok_or(Problem::with(Reason::NotFound, "The ledger has no such tile yet."))?;
    let cache = "public, max-age=604800, immutable";
    Ok(([(header::CONTENT_TYPE, TILE_TYPE), (header::CACHE_CONTROL, cache)], bytes).into_response())
}

async fn add_checkpoint<S: HasHouse>(State(state): State<S>, body: Text) -> Result<Response, Problem> {
    let answer = state.house().add_checkpoint(&body.0).await?;
    Ok(match answer {
        Ok(line) => ([(header::CONTENT_TYPE, TEXT)], line).into_response(),
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
            match refusal {
                WitnessRefusal::OtherSize(size) => {
                    (status, [(header::CONTENT_TYPE, "text/x.tlog.size")], format!("{size}\n"))
                        .into_response()
                }
                _ => (status, [(header::CONTENT_TYPE, TEXT)], format!("{refusal}\n")).into_response(),
            }
        }
    })
}

impl House {
    /// This room as a witness: judges a request by the key the directory has for the ledger's party.
    async fn add_checkpoint(&self, text: &str) -> Result<Result<String, WitnessRefusal>, Problem> {
        let Ok(request) = AddCheckpoint::parse(text) else { return Ok(Err(WitnessRefusal::Malformed)) };
        let origin = request.checkpoint.text.lines().next().unwrap_or_default();
        let entry = party_of(origin).and_then(|party| self.party(&party).ok());
        let key = entry.and_then(|entry| self.note_key(&entry.id));
        let Some(key) = key else { return Ok(Err(WitnessRefusal::UnknownOrigin)) };
        let judged = self.road.witness(&request, &key).await.map_err(|_| Problem::new(Reason::Internal))?;
        if let Err(refusal) = &judged
            && refusal.is_conflict()
        {
            let mut record = road::Record::new();
            record.set("origin", key.name()).set("refusal", refusal.to_string());
            self.road.note("witness", record).await.map_err(|_| Problem::new(Reason::Internal))?;
        }
        Ok(judged)
    }

    /// The key under which a party signs its ledger, and cosigns those of others.
    pub fn note_key(&self, party: &PartyId) -> Option<NoteKey> {
        let entry = self.party(party).ok()?;
        NoteKey::new(&origin_of(party), entry.signing).ok()
    }

    /// Those who witness the ledger of `party`, with their keys.
    pub fn witnesses_of(&self, party: &PartyId) -> Vec<(PartyId, NoteKey)> {
        let directory = self.directory();
        witnesses(&directory, party)
            .into_iter()
            .filter_map(|(entry, key)| {
                Some((entry.id.clone(), NoteKey::new(&origin_of(&entry.id), key).ok()?))
            })
            .collect()
    }

    /// Shows the own ledger to its witnesses in the background.
    pub(crate) fn keep_ledger(self: &Arc<Self>) {
        let (around, asking) = (Arc::clone(self), Arc::clone(self));
        let witnesses = move || around.witnesses_of(&around.id);
        let ask = move |witness: PartyId, request: String| {
            let house = Arc::clone(&asking);
            async move { house.ask_witness(&witness, request).await }
        };
        tokio::spawn(Arc::clone(&self.road).keep_ledger(witnesses, ask));
    }

    async fn ask_witness(&self, witness: &PartyId, request: String) -> WitnessAnswer {
        let Ok(entry) = self.party(witness) else { return WitnessAnswer::Away };
        let within = Duration::from_secs(5);
        match self.peers.post_text(&entry.id, &entry.address, ADD_CHECKPOINT, request, within).await {
            Ok((200, lines)) => WitnessAnswer::Cosigned(lines),
            Ok((409, size)) => match size.trim_end().parse() {
                Ok(size) => WitnessAnswer::OtherSize(size),
                Err(_) => WitnessAnswer::Conflict,
            },
            Ok((422, _)) => WitnessAnswer::Conflict,
            _ => WitnessAnswer::Away,
        }
    }
}
