//! `musubi match desk`: pages on this machine for the clerks who decide what the matcher left open.
//!
//! Everything done is a record in one SQLite file, with who, when and why; nothing is overwritten, and what a case is
//! now follows from its records (`standing`). No script; nothing leaves the machine but files that somebody saves.

mod board;
mod case;
mod decisions;
mod doors;
mod files;
mod guard;
mod language;
mod marks;
mod moments;
mod problem;
mod queue;
mod routes;
mod standing;
mod store;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ::store::{Db, Location};
use anyhow::{Context, Result, bail};
use tokio::task::JoinHandle;
use world::World;

pub use standing::SecondLook;

/// Lets clerks decide what `musubi match --review` left open.
#[derive(Debug, Clone, clap::Args)]
pub struct DeskArgs {
    /// The desk's file (SQLite); made on first use. Holds personal data: keep it where only you can read it.
    #[arg(long, value_name = "FILE")]
    pub state: PathBuf,
    /// A member of staff; once for each. Each gets a link that signs in once.
    #[arg(long, value_name = "NAME", required = true)]
    pub staff: Vec<String>,
    /// The register that was matched against; needed when cases are added.
    #[arg(long, value_name = "CSV", requires_all = ["queries", "review"])]
    pub register: Option<PathBuf>,
    /// The register's past, as it was matched.
    #[arg(long, value_name = "CSV", requires = "register")]
    pub history: Option<PathBuf>,
    /// The customers that were matched.
    #[arg(long, value_name = "CSV", requires = "register")]
    pub queries: Option<PathBuf>,
    /// Cases to add: what `musubi match --review` wrote.
    #[arg(long, value_name = "CSV", requires = "register")]
    pub review: Option<PathBuf>,
    /// What `musubi match --out` wrote: residents who are taken already.
    #[arg(long, value_name = "CSV", requires = "register")]
    pub links: Option<PathBuf>,
    /// Decisions made elsewhere: query_id, decision, person_id, who, when; also why, second_look. All are entered, or
    /// none.
    #[arg(long, value_name = "CSV")]
    pub decisions: Option<PathBuf>,
    /// Which decisions another member of staff must confirm.
    #[arg(long, value_enum, default_value_t = SecondLook::Links)]
    pub second_look: SecondLook,
    /// Where to listen; this machine only. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8760")]
    pub listen: SocketAddr,
}

/// What the pages share.
struct Desk {
    db: Db,
    world: World,
    board: board::Board,
    doors: doors::Doors,
    second_look: SecondLook,
    address: SocketAddr,
    /// Names under which a browser may ask.
    names: [String; 2],
    /// Name of the session's cookie: cookies know no ports, so two desks on one machine need two names.
    cookie: String,
    /// Tells whoever started the desk something that staff must know.
    say: Box<dyn Fn(String) + Send + Sync>,
}

impl Desk {
    fn link(&self, key: &str) -> String {
        format!("http://{}/sign-in/{key}", self.address)
    }
}

/// A desk that is open.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Each member of staff's name and link.
    pub links: Vec<(String, String)>,
    world: World,
    served: JoinHandle<()>,
    db: Db,
}

impl Running {
    /// Ends it; what was answered is on disk.
    pub async fn stop(self) {
        self.world.shutdown.trigger();
        let _ = self.served.await;
        self.db.close().await;
    }
}

/// Opens the desk and returns when it answers. `say` hears each further sign-in link.
///
/// # Errors
/// A file that cannot be read or does not fit the others, with line; a desk's file of another program; an address that is
/// not this machine's own or is taken.
pub async fn start(
    args: &DeskArgs,
    world: World,
    say: impl Fn(String) + Send + Sync + 'static,
) -> Result<Running> {
    let staff = staff(&args.staff)?;
    if !args.listen.ip().is_loopback() {
        bail!("--listen {}: the desk serves this machine only; use 127.0.0.1 or [::1]", args.listen);
    }
    let new_file = !args.state.exists();
    let given = match (&args.register, &args.queries, &args.review) {
        (Some(register), Some(queries), Some(review)) => {
            let (history, links) = (args.history.as_ref(), args.links.as_ref());
            Some(files::read(&files::Files { register, history, queries, review, links })?)
        }
        _ if new_file => bail!(
            "{} is not there yet: give --register, --queries and --review the first time",
            args.state.display()
        ),
        _ => None,
    };
    let lines = args.decisions.as_deref().map(decisions::read).transpose()?;
    let db = Db::open(&Location::Sqlite(args.state.clone()), &[store::MIGRATIONS])
        .await
        .with_context(|| format!("cannot open {}", args.state.display()))?;
    if let Some(given) = given
        && let Err(query_id) = store::add(&db, given).await?
    {
        bail!(
            "{} has the case of query_id {query_id} with other records than these files; nothing was added. Use the \
             files it was made from, or a new --state",
            args.state.display()
        );
    }
    if let (Some(lines), Some(path)) = (lines, &args.decisions) {
        store::enter(&db, lines, args.second_look)
            .await
            .map_err(|(line, failed)| not_entered(path, line, &failed))?;
    }
    let board = board::Board::new(store::standings(&db).await?);
    if board.counts().all() == 0 && args.review.is_none() {
        bail!("{} holds no cases: give --register, --queries and --review", args.state.display());
    }
    let bound = wire::Bound::at(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}; is another desk open?", args.listen))?;
    let address = bound.address()?;
    let (doors, keys) = doors::Doors::new(&world, &staff);
    let desk = Arc::new(Desk {
        db: db.clone(),
        world: world.clone(),
        board,
        doors,
        second_look: args.second_look,
        address,
        names: guard::names(address),
        cookie: format!("review-desk-{}", address.port()),
        say: Box::new(say),
    });
    let links = staff.into_iter().zip(keys.iter().map(|key| desk.link(key))).collect();
    let served = tokio::spawn(wire::serve_plain(bound, routes::routes(desk), world.shutdown.clone()));
    Ok(Running { address, links, world, served, db })
}

/// Names in one form, each once.
fn staff(names: &[String]) -> Result<Vec<String>> {
    let mut staff: Vec<String> = Vec::new();
    for name in names {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            bail!("--staff: a name has 1 to 64 characters, none of them control characters");
        }
        if staff.iter().any(|known| standing::is_same_person(known, &name)) {
            bail!("--staff {name} is given twice; each member of staff has a name of their own");
        }
        staff.push(name);
    }
    Ok(staff)
}

fn not_entered(path: &std::path::Path, line: Option<u64>, failed: &store::Failed) -> anyhow::Error {
    let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
    let why = match failed {
        store::Failed::Refused(standing::Refusal::UnknownCase) => {
            "this query_id is no case of the desk".to_owned()
        }
        store::Failed::Refused(refusal) => {
            let [_, [what, _]] = problem::Why::Refused(refusal.clone()).words();
            what
        }
        store::Failed::Store(error) => error.to_string(),
    };
    anyhow::anyhow!("{}{line}: {why} None of the file's decisions was entered.", path.display())
}

/// Runs the desk until it is asked to stop.
///
/// # Errors
/// As [`start`].
pub async fn run(args: DeskArgs) -> Result<()> {
    let running = start(&args, World::real(), |line| println!("{line}")).await?;
    println!("確認窓口 / review desk: http://{}", running.address);
    println!("サインイン用リンク（一度だけ有効） / sign-in links, good once:");
    for (name, link) in &running.links {
        println!("{name}: {link}");
    }
    if running.links.len() < 2 && args.second_look != SecondLook::None {
        println!("二人目の確認には --staff がもう一人必要です / a second look needs another --staff");
    }
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    running.stop().await;
    Ok(())
}
