//! The client to other rooms: one connection pool for each peer, the peer's certificate checked against its own
//! name (`<party>.musubi`), so that no other party of the country can stand in for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, Response, body::Incoming, header};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls_pki_types::ServerName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use words::{PartyId, Reason};
use world::BoxFuture;

use crate::inner_keys::InnerKey;
use crate::problem::{Problem, ProblemBody};
use crate::tail::{HEAD_AND_TAIL, Tail, read_head};
use crate::tls::{TlsError, TlsIdentity};

/// Why a call to another room brought no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The peer refused, and said why.
    #[error("refused: {}", .0.reason)]
    Problem(Box<ProblemBody>),
    /// The peer could not be reached, or broke off.
    #[error("the peer cannot be reached")]
    Unreachable,
    /// The peer did not answer in time.
    #[error("the peer did not answer in time")]
    TimedOut,
    /// The peer answered something that is not of the protocol.
    #[error("the peer's answer is not of the protocol")]
    NotOfProtocol,
}

impl CallError {
    /// The reason a caller of this room is told.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Problem(problem) => problem.reason,
            Self::Unreachable => Reason::Unavailable,
            Self::TimedOut => Reason::TimedOut,
            Self::NotOfProtocol => Reason::BadReply,
        }
    }

    /// Whether the same message may be sent again later with hope.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Problem(problem) => {
                problem.status >= 500 || problem.status == 429 || problem.reason == Reason::InProgress
            }
            Self::Unreachable | Self::TimedOut => true,
            Self::NotOfProtocol => false,
        }
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Problem(body) => {
                let problem = Self::with(body.reason, body.detail.unwrap_or_default());
                match body.act {
                    Some(act) => problem.of(act),
                    None => problem,
                }
            }
            other => Self::new(other.reason()),
        }
    }
}

type Outer = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The largest answer a client reads, in bytes.
const LARGEST_ANSWER: usize = 32 << 20;

/// A client that shows `identity` and talks to nobody but `<peer>.musubi`.
fn client_of(identity: &TlsIdentity, peer: &PartyId) -> Result<Outer, TlsError> {
    let name = ServerName::try_from(format!("{peer}.musubi")).map_err(|_| TlsError::Root)?;
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(Duration::from_secs(5)));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(identity.client()?)
        .https_only()
        .with_server_name_resolver(FixedServerNameResolver::new(name))
        .enable_http1()
        .wrap_connector(http);
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(10))
        .pool_max_idle_per_host(64)
        .build(connector))
}

/// Clients to all peers of one party.
pub struct Peers {
    identity: TlsIdentity,
    clients: Mutex<HashMap<PartyId, Outer>>,
}

impl Peers {
    /// Clients under this identity.
    pub fn new(identity: TlsIdentity) -> Self {
        Self { identity, clients: Mutex::new(HashMap::new()) }
    }

    /// Shows another certificate from now on: see [`TlsIdentity::replace`]. What is under way goes on as it began.
    ///
    /// # Errors
    /// As there.
    pub fn replace_identity(&self, chain: &[&[u8]], pkcs8: &[u8]) -> Result<(), TlsError> {
        self.identity.replace(chain, pkcs8)?;
        // New clients, too: a session that is resumed would go on under the certificate it began with.
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(())
    }

    /// The identity itself.
    pub const fn identity(&self) -> &TlsIdentity {
        &self.identity
    }

    fn client(&self, peer: &PartyId) -> Result<Outer, TlsError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(peer) {
            return Ok(client.clone());
        }
        let client = client_of(&self.identity, peer)?;
        clients.insert(peer.clone(), client.clone());
        Ok(client)
    }

    /// Posts `message` to `path` of `peer` at `address` (`host:port`) and reads the answer, within `within`.
    pub async fn post<A: DeserializeOwned>(
        &self,
        peer: &PartyId,
        address: &str,
        path: &str,
        message: &impl Serialize,
        within: Duration,
    ) -> Result<A, CallError> {
        let body = serde_json::to_vec(message).map_err(|_| CallError::NotOfProtocol)?;
        self.post_bytes(peer, address, path, body.into(), within).await
    }

    /// Posts `message` and reads the answer, or its head alone where a tail follows: `length` says how long a tail that head
    /// announces. `within` bounds the time to the head; a tail may take longer, but not stand still.
    pub async fn post_for_tail<A: DeserializeOwned>(
        &self,
        peer: &PartyId,
        address: &str,
        path: &str,
        message: &impl Serialize,
        within: Duration,
        length: impl FnOnce(&A) -> Option<u64>,
    ) -> Result<(A, Option<Tail>), CallError> {
        let body = serde_json::to_vec(message).map_err(|_| CallError::NotOfProtocol)?;
        let client = self.client(peer).map_err(|_| CallError::Unreachable)?;
        let request = request(Method::POST, &format!("https://{address}{path}"), None, body.into())?;
        let exchange = async {
            let response = asked(&client, request).await?;
            let tailed =
                response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == HEAD_AND_TAIL);
            if response.status().is_success() && tailed {
                return read_head(response.into_body(), length).await.map(|(head, tail)| (head, Some(tail)));
            }
            answer(response).await.map(|whole| (whole, None))
        };
        tokio::time::timeout(within, exchange).await.unwrap_or(Err(CallError::TimedOut))
    }

    /// Posts bytes that are JSON already.
    pub async fn post_bytes<A: DeserializeOwned>(
        &self,
        peer: &PartyId,
        address: &str,
        path: &str,
        body: Bytes,
        within: Duration,
    ) -> Result<A, CallError> {
        self.send(Method::POST, peer, address, path, body, within).await
    }

    /// Posts a text and gives back status and text, whatever the status: for protocols that are not JSON.
    pub async fn post_text(
        &self,
        peer: &PartyId,
        address: &str,
        path: &str,
        text: String,
        within: Duration,
    ) -> Result<(u16, String), CallError> {
        let client = self.client(peer).map_err(|_| CallError::Unreachable)?;
        let request = Request::post(format!("https://{address}{path}"))
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(Full::new(text.into()))
            .map_err(|_| CallError::NotOfProtocol)?;
        let exchange = async {
            let response = asked(&client, request).await?;
            let status = response.status().as_u16();
            Ok((status, String::from_utf8(bytes_of(response).await?).map_err(|_| CallError::NotOfProtocol)?))
        };
        tokio::time::timeout(within, exchange).await.unwrap_or(Err(CallError::TimedOut))
    }

    /// Gets the bytes at `path` of `peer`.
    pub async fn get_bytes(
        &self,
        peer: &PartyId,
        address: &str,
        path: &str,
        within: Duration,
    ) -> Result<Vec<u8>, CallError> {
        self.exchange(Method::GET, peer, address, path, Bytes::new(), within).await
    }

    /// Gets `path` of `peer`.
    pub async fn get<A: DeserializeOwned>(
        &self,
        peer: &PartyId,
        address: &str,
        path: &str,
        within: Duration,
    ) -> Result<A, CallError> {
        self.send(Method::GET, peer, address, path, Bytes::new(), within).await
    }

    async fn send<A: DeserializeOwned>(
        &self,
        method: Method,
        peer: &PartyId,
        address: &str,
        path: &str,
        body: Bytes,
        within: Duration,
    ) -> Result<A, CallError> {
        let body = self.exchange(method, peer, address, path, body, within).await?;
        serde_json::from_slice(&body).map_err(|_| CallError::NotOfProtocol)
    }

    /// Nothing in it knows the answer's type.
    async fn exchange(
        &self,
        method: Method,
        peer: &PartyId,
        address: &str,
        path: &str,
        body: Bytes,
        within: Duration,
    ) -> Result<Vec<u8>, CallError> {
        let client = self.client(peer).map_err(|_| CallError::Unreachable)?;
        let request = request(method, &format!("https://{address}{path}"), None, body)?;
        let exchange = async { answered(asked(&client, request).await?).await };
        tokio::time::timeout(within, exchange).await.unwrap_or(Err(CallError::TimedOut))
    }
}

fn request(
    method: Method,
    url: &str,
    bearer: Option<&str>,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, CallError> {
    let mut builder =
        Request::builder().method(method).uri(url).header(header::CONTENT_TYPE, "application/json");
    if let Some(bearer) = bearer {
        builder = builder.header(header::AUTHORIZATION, bearer);
    }
    builder.body(Full::new(body)).map_err(|_| CallError::NotOfProtocol)
}

/// Asks and waits for the head of the answer.
///
/// Boxed, as is what else every room does over and over: a future is compiled where it is polled, and so HTTP would be compiled in
/// each room anew. In a box it is polled here.
fn asked(
    client: &Outer,
    request: Request<Full<Bytes>>,
) -> BoxFuture<'static, Result<Response<Incoming>, CallError>> {
    let asked = client.request(request);
    Box::pin(async move { asked.await.map_err(|_| CallError::Unreachable) })
}

/// The body of an answer, or why there is none.
async fn answered(response: Response<Incoming>) -> Result<Vec<u8>, CallError> {
    let ok = response.status().is_success();
    let body = bytes_of(response).await?;
    if ok { Ok(body) } else { Err(refused(&body)) }
}

async fn answer<A: DeserializeOwned>(response: Response<Incoming>) -> Result<A, CallError> {
    serde_json::from_slice(&answered(response).await?).map_err(|_| CallError::NotOfProtocol)
}

fn bytes_of(response: Response<Incoming>) -> BoxFuture<'static, Result<Vec<u8>, CallError>> {
    Box::pin(async move {
        let body = Limited::new(response.into_body(), LARGEST_ANSWER).collect().await;
        Ok(body.map_err(|_| CallError::Unreachable)?.to_bytes().to_vec())
    })
}

fn refused(body: &[u8]) -> CallError {
    serde_json::from_slice::<ProblemBody>(body)
        .map_or(CallError::NotOfProtocol, |problem| CallError::Problem(Box::new(problem)))
}

/// Gets the bytes at an `http://` address, with the status, without any key: for what is public.
pub async fn get_plain(url: &str, within: Duration) -> Result<(u16, Vec<u8>), CallError> {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = request(Method::GET, url, None, Bytes::new())?;
    let exchange = async {
        let response = client.request(request).await.map_err(|_| CallError::Unreachable)?;
        let status = response.status().as_u16();
        Ok((status, bytes_of(response).await?))
    };
    tokio::time::timeout(within, exchange).await.unwrap_or(Err(CallError::TimedOut))
}

/// Posts JSON to an `http://` address, without any key, and gives back the status: for a collector of the own house.
pub async fn post_plain(url: &str, body: Vec<u8>, within: Duration) -> Result<u16, CallError> {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = request(Method::POST, url, None, body.into())?;
    let exchange = async {
        let response = client.request(request).await.map_err(|_| CallError::Unreachable)?;
        let status = response.status().as_u16();
        bytes_of(response).await.map(|_| status)
    };
    tokio::time::timeout(within, exchange).await.unwrap_or(Err(CallError::TimedOut))
}

/// A client to a room's own inner side, as a clerk's system or the command line uses it.
pub struct InnerClient {
    base: String,
    way: Way,
}

/// By what a client is known.
enum Way {
    Key(Client<HttpConnector, Full<Bytes>>, String),
    Certificate(Outer),
}

impl InnerClient {
    /// A client to `http://<address>` with a key of that room.
    pub fn new(address: std::net::SocketAddr, key: &InnerKey) -> Self {
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build_http();
        Self { base: format!("http://{address}"), way: Way::Key(client, key.bearer()) }
    }

    /// A client to `https://<address>` of the room of `party`, with an operator's certificate.
    ///
    /// # Errors
    /// If the certificate cannot be used for TLS.
    pub fn certified(
        address: std::net::SocketAddr,
        party: &PartyId,
        operator: &TlsIdentity,
    ) -> Result<Self, TlsError> {
        Ok(Self { base: format!("https://{address}"), way: Way::Certificate(client_of(operator, party)?) })
    }

    fn response<'a>(
        &'a self,
        method: Method,
        path: &'a str,
        media: &'static str,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Response<Incoming>, CallError>> {
        Box::pin(async move {
            let url = format!("{}{path}", self.base);
            let bearer = match &self.way {
                Way::Key(_, bearer) => Some(bearer.as_str()),
                Way::Certificate(_) => None,
            };
            let mut request = request(method, &url, bearer, body)?;
            request.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media));
            let response = match &self.way {
                Way::Key(client, _) => client.request(request).await,
                Way::Certificate(client) => client.request(request).await,
            };
            response.map_err(|_| CallError::Unreachable)
        })
    }

    /// Posts `message` and reads the answer.
    pub async fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        message: &impl Serialize,
        within: Duration,
    ) -> Result<A, CallError> {
        let body = serde_json::to_vec(message).map_err(|_| CallError::NotOfProtocol)?;
        self.send(Method::POST, path, body.into(), within).await
    }

    /// Posts a body of that media type and gives back the answer's bytes, whatever they are.
    pub async fn post_media(
        &self,
        path: &str,
        media: &'static str,
        body: Vec<u8>,
        within: Duration,
    ) -> Result<Vec<u8>, CallError> {
        let exchange = async {
            let response = self.response(Method::POST, path, media, body.into()).await?;
            let ok = response.status().is_success();
            let body = bytes_of(response).await?;
            if ok { Ok(body) } else { Err(refused(&body)) }
        };
        tokio::time::timeout(within, exchange).await.unwrap_or(Err(CallError::TimedOut))
    }

    /// Gets `path`.
    pub async fn get<A: DeserializeOwned>(&self, path: &str, within: Duration) -> Result<A, CallError> {
        self.send(Method::GET, path, Bytes::new(), within).await
    }

    async fn send<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        within: Duration,
    ) -> Result<A, CallError> {
        let exchange = async {
            let response = self.response(method, path, "application/json", body).await?;
            answer(response).await
        };
        tokio::time::timeout(within, exchange).await.unwrap_or(Err(CallError::TimedOut))
    }
}
