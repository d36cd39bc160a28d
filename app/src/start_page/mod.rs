//! The demo's start page: the whole country at one address. It stands in for everything a country has around the platform
//! (cards, staff directories), and hands out sign-ins to whoever can reach it: it serves this machine alone, and a country
//! whose rooms are not configured for a demo takes none of its assertions.

mod number;
mod people;
mod worries;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use askama::Template;
use axum::Router;
use axum::extract::{Path as At, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use pages::{Doors, Frame, Nav, Site, Visit, shown};
use protocol::desk::{SIGN_INS, SignIn};
use wire::Problem;
use words::Reason;
use world::World;

use crate::config_file::{ConfigFile, Section};
use crate::desk;

pub use people::Person;

const NAV: &[Nav] = &[
    Nav { path: "/", ja: "国の入口", en: "Start", role: None },
    Nav { path: "/people", ja: "住民として", en: "As a resident", role: None },
    Nav { path: "/worries", ja: "14の心配に答える", en: "Fourteen worries", role: None },
];

const WITHIN: Duration = Duration::from_secs(20);

/// What the pages share.
struct Start {
    file: ConfigFile,
    config: PathBuf,
    people: Vec<Person>,
}

type Here = Arc<Start>;

/// A start page that serves.
pub struct Running {
    /// Where.
    pub address: SocketAddr,
    world: World,
}

impl Running {
    /// Ends it.
    pub fn stop(self) {
        self.world.shutdown.trigger();
    }
}

/// Where the rooms of a configuration say that the start page is; none where they name none.
pub fn address_of(file: &ConfigFile) -> Option<SocketAddr> {
    let start =
        file.sections.iter().find_map(|section| section.settings.common.pages.as_ref()?.start.clone());
    start?.strip_prefix("http://")?.trim_end_matches('/').parse().ok()
}

/// Serves the start page of a demo's country. `people`: residents one can be, those of whom there is most to see first.
pub async fn serve(config: &Path, people: Vec<Person>) -> Result<Running> {
    let file = ConfigFile::read(config)?;
    let address = address_of(&file).context("no section names a start page (`pages.start`)")?;
    anyhow::ensure!(address.ip().is_loopback(), "the start page serves this machine alone, not {address}");
    let bound = wire::Bound::at(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let (address, world) = (bound.address()?, World::real());
    let site = Site {
        name: ["結びの国".into(), "A country on Musubi".into()],
        nav: NAV,
        hosts: Site::names(address),
        tls: false,
        doors: Arc::new(Doors::new(&world, "start")),
        start: None,
    };
    let start = Arc::new(Start { file, config: config.to_owned(), people });
    let router = Router::new()
        .route("/", get(front))
        .route("/people", get(people::list).post(people::find))
        .route("/as/{party}/{role}", get(enter))
        .route("/as-person/{entry}", get(people::enter))
        .route("/worries", get(worries::show))
        .route("/number", get(number::show).post(number::change))
        .route(pages::STYLE_PATH, get(style))
        .fallback(|| async { Problem::new(Reason::NotFound) })
        .with_state(start);
    let router = pages::wrap(router, Arc::new(site));
    tokio::spawn(wire::serve_pages(bound, None, router, world.shutdown.clone()));
    Ok(Running { address, world })
}

async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], pages::STYLE).into_response()
}

struct Institution {
    id: String,
    name: String,
}

#[derive(Template)]
#[template(path = "start/front.html")]
struct FrontPage {
    frame: Frame,
    institutions: Vec<Institution>,
    oversight: Option<String>,
    research: bool,
    config: String,
}

impl Start {
    fn name(&self, section: &Section, visit: &Visit) -> String {
        visit.language().say(&section.name, &section.name_en).to_owned()
    }

    /// Where a room's pages are.
    fn pages_of(&self, room: &str) -> Option<String> {
        let section = self.file.sections.iter().find(|section| section.room.name() == room)?;
        let pages = section.settings.common.pages.as_ref()?;
        Some(format!("http://{}", pages.listen))
    }
}

async fn front(State(start): State<Here>, visit: Visit) -> Response {
    let institutions = start
        .file
        .sections
        .iter()
        .filter(|section| section.room.name() == "gateway" && section.settings.common.pages.is_some());
    let page = FrontPage {
        frame: visit.frame(),
        institutions: institutions
            .map(|section| Institution {
                id: section.settings.id.to_string(),
                name: start.name(section, &visit),
            })
            .collect(),
        oversight: start.pages_of("oversight"),
        research: start.pages_of("research").is_some(),
        config: start.config.display().to_string(),
    };
    shown(&page)
}

/// Lets the browser into a room's pages under a key of that room that lies beside the demo.
async fn enter(
    State(start): State<Here>,
    At((party, role)): At<(String, String)>,
) -> Result<Response, Problem> {
    let not_found = || Problem::with(Reason::NotFound, "The demo has no such desk.");
    let section = start.file.sections.iter().find(|section| section.settings.id.as_str() == party);
    let section = section.ok_or_else(not_found)?;
    let known = [
        ("gateway", "clerk"),
        ("oversight", "officer"),
        ("research", "researcher"),
        ("research", "officer"),
        ("research", "second-officer"),
        ("research", "keeper"),
    ];
    if !known.contains(&(section.room.name(), role.as_str())) {
        return Err(not_found());
    }
    let client = desk::client(section, &role).map_err(|_| not_found())?;
    let ticket = client.post::<SignIn>(SIGN_INS, &serde_json::json!({}), WITHIN).await;
    let ticket = ticket.map_err(|error| Problem::with(error.reason(), "The room did not let us in."))?;
    Ok(Redirect::to(&ticket.url).into_response())
}
