//! The public listener: the state of a certificate by OCSP (RFC 6960), revocation lists, the authorities' own certificates.
//! Plain HTTP, as these are signed themselves. Nothing is recorded of who asks about whom.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use house::House;
use protocol::certificates::Purpose;
use seal::x509::ocsp::{self, CertId, NoAnswer, Status, Times};
use seal::x509::timestamp::{self, NoStamp};
use wire::Problem;
use words::{B64, Moment, Reason};

use crate::error::own_database;
use crate::people;
use crate::{Authority, Here, life};

/// How long an answer holds.
const HOLDS_MS: i64 = 3_600_000;
/// For how long a kept answer is given.
const KEPT_MS: i64 = HOLDS_MS / 2;
/// Bytes of a request at most.
pub(crate) const LIMIT: usize = 4 << 10;

/// Media types: RFC 6960 C.1, RFC 3161 §3.4, RFC 5280 §4.2.1.13 and RFC 2585 §4.
pub(crate) const REQUEST: &str = "application/ocsp-request";
pub(crate) const ANSWER: &str = "application/ocsp-response";
pub(crate) const STAMP_REQUEST: &str = "application/timestamp-query";
pub(crate) const STAMP: &str = "application/timestamp-reply";
pub(crate) const LIST: &str = "application/pkix-crl";
pub(crate) const CERTIFICATE: &str = "application/pkix-cert";

pub(crate) async fn by_post(State(here): State<Here>, request: Request) -> Result<Response, Problem> {
    let body = wire::read_body(request).await?;
    let answer = here.0.answer(&body).await;
    Ok(([(header::CONTENT_TYPE, ANSWER)], answer).into_response())
}

/// RFC 6960 A.1.1: base64, then percent-encoded, in the path.
pub(crate) async fn by_get(State(here): State<Here>, Path(request): Path<String>) -> Response {
    // Standard base64; our own reader has the form for URLs.
    let url: String = request
        .chars()
        .filter(|c| *c != '=')
        .map(|c| match c {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    let answer = match B64::parse(&url) {
        Ok(bytes) => here.0.answer(&bytes.0).await,
        Err(_) => NoAnswer::Malformed.der().into(),
    };
    // RFC 5019 §6.2: a proxy may keep what was asked for by GET, for as long as this room does.
    let cache = HeaderValue::from_static("max-age=1800, public, no-transform, must-revalidate");
    ([(header::CONTENT_TYPE, HeaderValue::from_static(ANSWER)), (header::CACHE_CONTROL, cache)], answer)
        .into_response()
}

impl Authority {
    /// The answer to a request, DER; whatever happens there is one.
    async fn answer(self: &Arc<Self>, request: &[u8]) -> Bytes {
        let Ok(request) = ocsp::Request::parse(request) else { return NoAnswer::Malformed.der().into() };
        match self.states(&request).await {
            Ok(answer) => answer,
            Err(none) => none.der().into(),
        }
    }

    async fn states(self: &Arc<Self>, request: &ocsp::Request) -> Result<Bytes, NoAnswer> {
        let now = self.house.now();
        let single = match request.about.as_slice() {
            [one] if request.nonce.is_none() || self.people.presigned => Some(one),
            _ => None,
        };
        if let Some(kept) = single.and_then(|one| self.people.kept(one.der(), now)) {
            return Ok(kept);
        }
        let of = |purpose| {
            let id = &self.people.of(purpose).id;
            request.about.iter().all(|one| id.issued(one)).then_some(purpose)
        };
        // One answer is signed in one authority's name.
        let purpose = of(Purpose::Signature).or_else(|| of(Purpose::Authentication));
        let purpose = purpose.ok_or(NoAnswer::Unauthorized)?;
        let generation = self.people.generation();
        let mut states: Vec<(CertId, Status)> = Vec::new();
        for id in &request.about {
            let known = self.standing(id.serial()).await.map_err(|error| {
                tracing::error!(%error, "a state could not be read");
                NoAnswer::TryLater
            })?;
            let known = known.filter(|known| known.purpose == purpose);
            states
                .push((id.clone(), known.map_or(Status::Unknown, |known| status(known.state, known.since))));
        }
        let times = Times { produced: now, this_update: now, next_update: now.plus_ms(HOLDS_MS) };
        let nonce = if single.is_some() { None } else { request.nonce.clone() };
        let authority = Arc::clone(self);
        let signed = House::compute(move || {
            authority.people.of(purpose).responder().answer(&states, times, nonce.as_deref())
        });
        let answer = signed.await.map_err(|_| NoAnswer::Internal)?.map_err(|_| NoAnswer::Internal)?;
        let answer = Bytes::from(answer);
        if let Some(one) = single {
            self.people.keep(generation, one.der().to_vec(), now.plus_ms(KEPT_MS), answer.clone());
        }
        Ok(answer)
    }
}

fn status(state: life::State, since: Moment) -> Status {
    state.reason().map_or(Status::Good, |reason| Status::Revoked(since, reason))
}

fn purpose_of(word: &str) -> Option<Purpose> {
    [Purpose::Signature, Purpose::Authentication].into_iter().find(|one| people::word(*one) == word)
}

/// `POST /time-stamps` (RFC 3161 §3.4). Nothing is kept of what was stamped: its hash says nothing, and the stamp proves itself.
pub(crate) async fn stamp(State(here): State<Here>, request: Request) -> Result<Response, Problem> {
    let body = wire::read_body(request).await?;
    let authority = here.0;
    if authority.organisations.is_none() {
        let why = "The country's root has certified nobody here who stamps times.";
        return Err(Problem::with(Reason::Unavailable, why));
    }
    let answer = House::compute(move || {
        let request = match timestamp::Request::parse(&body) {
            Ok(request) => request,
            Err(none) => return none.der(),
        };
        let house = &authority.house;
        let stamper = authority.organisations.as_ref().map(|organisations| &organisations.stamper);
        let stamped =
            stamper.and_then(|stamper| stamper.stamp(&request, house.world.random(), house.now()).ok());
        stamped.unwrap_or_else(|| NoStamp::Internal.der())
    });
    let answer = answer.await.map_err(Problem::new)?;
    Ok(([(header::CONTENT_TYPE, STAMP)], answer).into_response())
}

/// `GET /crl/signature-13221.crl`.
pub(crate) async fn list(State(here): State<Here>, Path(file): Path<String>) -> Result<Response, Problem> {
    let named = file.strip_suffix(".crl").and_then(|name| name.split_once('-'));
    let named = named.and_then(|(word, place)| Some((purpose_of(word)?, place)));
    let (purpose, place) = named.ok_or(Problem::new(Reason::NotFound))?;
    let found = people::list(here.0.house.road.db(), purpose, place.to_owned()).await;
    let (.., der) = found.map_err(|error| own_database(&error))?.ok_or(Problem::new(Reason::NotFound))?;
    Ok(([(header::CONTENT_TYPE, LIST)], der).into_response())
}

/// `GET /ca/signature.crt`.
pub(crate) async fn certificate(
    State(here): State<Here>,
    Path(file): Path<String>,
) -> Result<Response, Problem> {
    let purpose = file.strip_suffix(".crt").and_then(purpose_of).ok_or(Problem::new(Reason::NotFound))?;
    let der = here.0.people.of(purpose).authority.certificate.der().to_vec();
    Ok(([(header::CONTENT_TYPE, CERTIFICATE)], Body::from(der)).into_response())
}
