//! `musubi card agent`: a web page asks, the person assents, the card signs.
//!
//! The agent listens on this machine alone. What is signed holds the asking page's origin, as the browser names it, so that
//! a signature made for one site is none for another. The PIN is typed on the agent's own page, which the asking page can
//! neither read nor send. One request at a time.

mod demo;
mod desk;
mod pages;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use axum::extract::{Form, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use card::host::HostError;
use clap::Args;
use serde::{Deserialize, Serialize};
use words::B64;
use world::World;
use zeroize::Zeroizing;

use self::desk::{Asked, Desk, Full, Outcome, Reply};
use super::holder::{sign_with, told};
use super::pcscd::Service;
use super::said::say;
use super::{PinName, ReaderArgs};

/// The agent.
#[derive(Args, Debug)]
pub struct AgentArgs {
    /// Where the agent listens; on this machine alone.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7311")]
    pub listen: SocketAddr,
    /// Also serve a small site here that people log in to with their card.
    #[arg(long, value_name = "ADDRESS")]
    pub demo: Option<SocketAddr>,
    /// The test authority's folder, whose certificates the demo site takes.
    #[arg(long, value_name = "FOLDER", default_value = "card-authority")]
    pub authority: PathBuf,
    #[command(flatten)]
    pub(crate) at: ReaderArgs,
}

struct Agent {
    desk: Desk,
    /// The two names by which a browser may call the agent.
    hosts: [String; 2],
    at: ReaderArgs,
    world: World,
}

/// Runs the agent until it is ended.
pub(crate) fn run(args: &AgentArgs, world: &World) -> Result<()> {
    ensure!(
        args.listen.ip().is_loopback(),
        "{} is not on this machine alone: the agent listens on a loopback address, as 127.0.0.1:7311",
        args.listen
    );
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(args, world))
}

async fn serve(args: &AgentArgs, world: &World) -> Result<()> {
    let bind = async |address: SocketAddr| {
        tokio::net::TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
    };
    let listener = bind(args.listen).await?;
    let here = listener.local_addr()?;
    let agent = Arc::new(Agent {
        desk: Desk::default(),
        hosts: [here.to_string(), format!("localhost:{}", here.port())],
        at: args.at.clone(),
        world: world.clone(),
    });
    say(&format!("カード代理 http://{here}/"), "the agent waits for web pages that ask");
    if let Some(address) = args.demo {
        let listener = bind(address).await?;
        let site = listener.local_addr()?;
        let router =
            demo::router(&format!("http://{site}"), &format!("http://{here}"), &args.authority, world)?;
        say(&format!("試験用サイト http://{site}/"), "a site to log in to");
        tokio::spawn(async move { axum::serve(listener, router).await });
    }
    axum::serve(listener, router(agent)).await.context("the agent ended")
}

fn router(agent: Arc<Agent>) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/style.css", get(pages::style))
        .route("/requests", post(ask).options(preflight))
        .route("/requests/{id}", get(poll).options(preflight))
        .route("/login", post(ask_by_form))
        .route("/assent/{id}", get(show).post(decide))
        .layer(axum::middleware::from_fn_with_state(agent.clone(), guard))
        .with_state(agent)
}

/// Another name than the agent's own means that somebody's name leads here: a page of theirs would count as ours.
async fn guard(State(agent): State<Arc<Agent>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if !host.is_some_and(|host| agent.hosts.iter().any(|own| own == host)) {
        return (StatusCode::MISDIRECTED_REQUEST, "ask the agent by its own name").into_response();
    }
    pages::guarded(next.run(request).await)
}

/// The asking page's origin, which the browser sets and no page can.
fn origin(headers: &HeaderMap) -> Option<String> {
    let origin = headers.get(header::ORIGIN)?.to_str().ok()?;
    let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
    (!rest.is_empty() && origin.len() <= 300 && rest.chars().all(plain)).then(|| origin.to_owned())
}

impl Agent {
    fn is_own(&self, origin: &str) -> bool {
        self.hosts.iter().any(|host| origin == format!("http://{host}"))
    }

    /// The origin of a page that asks; never the agent's own.
    fn asking(&self, headers: &HeaderMap) -> Option<String> {
        origin(headers).filter(|origin| !self.is_own(origin))
    }

    fn now(&self) -> i64 {
        self.world.now()
    }

    fn take(&self, origin: String, question: Question, back: Option<String>) -> Result<String, StatusCode> {
        let asked = Asked::new(origin, question, back, &self.world).ok_or(StatusCode::BAD_REQUEST)?;
        let (id, origin) = (asked.id.clone(), asked.origin.clone());
        self.desk.put(asked, self.now()).map_err(|Full| StatusCode::CONFLICT)?;
        say(
            &format!("{origin} がログインを求めています: http://{}/assent/{id}", self.hosts[0]),
            &format!("{origin} asks for a login"),
        );
        Ok(id)
    }
}

/// What a page asks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// 16 to 64 bytes, base64url.
    challenge: B64,
    /// What for, in the page's words; at most 200 characters.
    purpose: String,
}

/// Lets the page that asks read the answer, and no other.
fn shared(origin: &str, mut response: Response) -> Response {
    if let Ok(value) = HeaderValue::from_str(origin) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    response
}

const ALLOW_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");

async fn preflight(State(agent): State<Arc<Agent>>, headers: HeaderMap) -> Response {
    let Some(origin) = agent.asking(&headers) else { return StatusCode::FORBIDDEN.into_response() };
    let mut response = StatusCode::NO_CONTENT.into_response();
    let set = response.headers_mut();
    set.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    set.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
    // A page from the network reaches this machine: the browser asks whether that is meant.
    if headers.contains_key("access-control-request-private-network") {
        set.insert(ALLOW_PRIVATE, HeaderValue::from_static("true"));
    }
    shared(&origin, response)
}

#[derive(Serialize)]
struct Taken {
    id: String,
    page: String,
}

/// A page asks by script.
async fn ask(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    body: Result<Json<Question>, axum::extract::rejection::JsonRejection>,
) -> Response {
    let Some(origin) = agent.asking(&headers) else { return StatusCode::FORBIDDEN.into_response() };
    let Ok(Json(question)) = body else { return shared(&origin, StatusCode::BAD_REQUEST.into_response()) };
    let response = match agent.take(origin.clone(), question, None) {
        Ok(id) => {
            let page = format!("http://{}/assent/{id}", agent.hosts[0]);
            (StatusCode::CREATED, Json(Taken { id, page })).into_response()
        }
        Err(status) => status.into_response(),
    };
    shared(&origin, response)
}

#[derive(Deserialize)]
struct AskForm {
    challenge: String,
    purpose: String,
    back: String,
}

/// A page asks without script: a form leads the person here, and the answer back.
async fn ask_by_form(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    Form(form): Form<AskForm>,
) -> Response {
    let Some(origin) = agent.asking(&headers) else { return pages::problem(StatusCode::FORBIDDEN) };
    let question = B64::parse(&form.challenge).map(|challenge| Question { challenge, purpose: form.purpose });
    let leads_back = form.back.strip_prefix(&origin).is_some_and(|rest| rest.starts_with('/'));
    match question {
        Ok(question) if leads_back => match agent.take(origin, question, Some(form.back)) {
            Ok(id) => Redirect::to(&format!("/assent/{id}")).into_response(),
            Err(status) => pages::problem(status),
        },
        _ => pages::problem(StatusCode::BAD_REQUEST),
    }
}

/// The page that asked fetches the outcome; it is given once.
async fn poll(State(agent): State<Arc<Agent>>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let Some(origin) = agent.asking(&headers) else { return StatusCode::FORBIDDEN.into_response() };
    let response = match agent.desk.outcome(&id, &origin, agent.now()) {
        Some(Outcome::Waiting) => Json(serde_json::json!({"state": "waiting"})).into_response(),
        Some(Outcome::Refused) => Json(serde_json::json!({"state": "refused"})).into_response(),
        Some(Outcome::Signed(reply)) => Json(reply).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    };
    shared(&origin, response)
}

async fn home(State(agent): State<Arc<Agent>>) -> Response {
    pages::home(agent.desk.waiting(agent.now()).as_ref())
}

async fn show(State(agent): State<Arc<Agent>>, Path(id): Path<String>) -> Response {
    match agent.desk.waiting(agent.now()).filter(|asked| asked.id == id) {
        Some(asked) => pages::assent(&asked, None),
        None => pages::problem(StatusCode::NOT_FOUND),
    }
}

#[derive(Deserialize)]
struct Decision {
    token: String,
    decision: String,
    #[serde(default)]
    pin: String,
}

/// The person decides, on the agent's own page alone.
async fn decide(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Form(decision): Form<Decision>,
) -> Response {
    let Some(asked) = agent.desk.waiting(agent.now()).filter(|asked| asked.id == id) else {
        return pages::problem(StatusCode::NOT_FOUND);
    };
    // INVARIANT: the asking page knows the id, not the token, and cannot send from this origin.
    let here = origin(&headers).is_some_and(|origin| agent.is_own(&origin));
    if !here || !asked.has_token(&decision.token) {
        return pages::problem(StatusCode::FORBIDDEN);
    }
    if decision.decision != "assent" {
        agent.desk.close(&id, Outcome::Refused);
        return pages::ended(&asked, None);
    }
    let pin = Zeroizing::new(decision.pin);
    let at = agent.at.clone();
    let message = asked.message(agent.now());
    let signing = tokio::task::spawn_blocking({
        let message = message.clone();
        move || sign(&at, &pin, &message)
    });
    match signing.await {
        Ok(Ok(signed)) => {
            let reply = Reply::new(message, signed.signature, signed.certificate);
            agent.desk.close(&id, Outcome::Signed(reply.clone()));
            pages::ended(&asked, Some(&reply))
        }
        Ok(Err(error)) => pages::assent(&asked, Some(&error)),
        Err(_) => pages::problem(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn sign(at: &ReaderArgs, pin: &str, message: &[u8]) -> Result<super::holder::Signed, String> {
    // What cannot be the PIN costs no try.
    if pin.len() != 4 || !pin.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("暗証番号は数字4桁です / the PIN has four digits".into());
    }
    let card = Service::connect().and_then(|service| service.card(at.reader.as_deref()));
    let mut card =
        card.map_err(|error| format!("カードを置いてください / put the card into the reader ({error:#})"))?;
    sign_with(&mut card, PinName::Auth, pin.as_bytes(), message)
        .map_err(|error: HostError| told(error).to_string())
}
