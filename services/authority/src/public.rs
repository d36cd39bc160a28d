//! The public listener: the state of a certificate by OCSP (RFC 6960), revocation lists, the authorities' own certificates.
//! Plain HTTP, as these are signed themselves. Nothing is recorded of who asks about whom.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use house::House;
use protocol::certificates::Purpose;
use seal::x509::ocsp::{CertId, NoAnswer, Request, Status, Times};
use words::{B64, Moment};

use crate::people;
use crate::{Authority, life};

/// How long an answer holds.
const HOLDS_MS: i64 = 3_600_000;
/// For how long a kept answer is given.
const KEPT_MS: i64 = HOLDS_MS / 2;
/// Bytes of a request at most.
const LIMIT: usize = 4 << 10;

/// The router of the public listener.
pub(crate) fn router(authority: Arc<Authority>) -> Router {
    Router::new()
        .route("/ocsp", post(by_post))
        .route("/ocsp/{*request}", get(by_get))
        .route("/crl/{file}", get(list))
        .route("/ca/{file}", get(certificate))
        .layer(DefaultBodyLimit::max(LIMIT))
        .with_state(authority)
}

const ANSWER: HeaderValue = HeaderValue::from_static("application/ocsp-response");

async fn by_post(State(authority): State<Arc<Authority>>, body: Bytes) -> Response {
    let answer = authority.answer(&body).await;
    ([(header::CONTENT_TYPE, ANSWER)], answer).into_response()
}

/// RFC 6960 A.1.1: base64, then percent-encoded, in the path.
async fn by_get(State(authority): State<Arc<Authority>>, Path(request): Path<String>) -> Response {
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
        Ok(bytes) => authority.answer(&bytes.0).await,
        Err(_) => NoAnswer::Malformed.der().into(),
    };
    // RFC 5019 §6.2: a proxy may keep what was asked for by GET, for as long as this room does.
    let cache = HeaderValue::from_static("max-age=1800, public, no-transform, must-revalidate");
    ([(header::CONTENT_TYPE, ANSWER), (header::CACHE_CONTROL, cache)], answer).into_response()
}

impl Authority {
    /// The answer to a request, DER; whatever happens there is one.
    async fn answer(self: &Arc<Self>, request: &[u8]) -> Bytes {
        let Ok(request) = Request::parse(request) else { return NoAnswer::Malformed.der().into() };
        match self.states(&request).await {
            Ok(answer) => answer,
            Err(none) => none.der().into(),
        }
    }

    async fn states(self: &Arc<Self>, request: &Request) -> Result<Bytes, NoAnswer> {
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
        let serials = request.about.iter().map(|one| one.serial().to_vec()).collect();
        let rows = people::by_serials(self.house.road.db(), serials).await.map_err(|error| {
            tracing::error!(%error, "a state could not be read");
            NoAnswer::TryLater
        })?;
        let states: Vec<(CertId, Status)> = request
            .about
            .iter()
            .zip(rows)
            .map(|(id, row)| {
                let row = row.filter(|row| row.purpose == purpose);
                (id.clone(), row.map_or(Status::Unknown, |row| status(row.state, row.since)))
            })
            .collect();
        let times = Times { produced: now, this_update: now, next_update: now.plus_ms(HOLDS_MS) };
        let nonce = if single.is_some() { None } else { request.nonce.clone() };
        let authority = Arc::clone(self);
        let signed = House::compute(move || {
            authority.people.of(purpose).responder.answer(&states, times, nonce.as_deref())
        });
        let answer = signed.await.map_err(|_| NoAnswer::Internal)?.map_err(|_| NoAnswer::Internal)?;
        let answer = Bytes::from(answer);
        if let Some(one) = single {
            self.people.keep(one.der().to_vec(), now.plus_ms(KEPT_MS), answer.clone());
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

/// `GET /crl/signature-13221.crl`.
async fn list(State(authority): State<Arc<Authority>>, Path(file): Path<String>) -> Response {
    let named = file.strip_suffix(".crl").and_then(|name| name.split_once('-'));
    let Some((purpose, place)) = named.and_then(|(word, place)| Some((purpose_of(word)?, place))) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match people::list(authority.house.road.db(), purpose, place.to_owned()).await {
        Ok(Some((.., der))) => ([(header::CONTENT_TYPE, "application/pkix-crl")], der).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// `GET /ca/signature.crt`.
async fn certificate(State(authority): State<Arc<Authority>>, Path(file): Path<String>) -> Response {
    match file.strip_suffix(".crt").and_then(purpose_of) {
        Some(purpose) => {
            let der = authority.people.of(purpose).authority.certificate.der().to_vec();
            ([(header::CONTENT_TYPE, "application/pkix-cert")], Body::from(der)).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
