//! The country: built here, then every room a process of its own, asked by clerks of two cities about their customers' income.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use demo::{Link, OwnService, Truth, TruthRow};
use gateway::rehearsal::Member;
use musubi::config_file::ConfigFile;
use musubi::demo_run::country::POLL_MS;
use musubi::demo_run::{DemoArgs, build};
use musubi::desk;
use protocol::desk::{Ask, HEALTH, Health, INQUIRIES, Told};
use seal::KeyFolder;
use tempfile::TempDir;
use wire::InnerClient;
use words::{AffairId, ItemId, PartyId};
use world::{Stopwatch, World};

use crate::load::{Caller, Callers, Measured};
use crate::mix::{self, SIZES};
use crate::{Setting, account, memory_of};

/// The rooms, running.
pub struct Rooms {
    folder: TempDir,
    file: ConfigFile,
    processes: Vec<(String, Child)>,
    /// Of each of the two cities.
    customers: [Arc<Vec<String>>; 2],
    next: Arc<AtomicUsize>,
    names: Vec<String>,
    mix: bool,
    _services: Vec<OwnService>,
}

impl Drop for Rooms {
    fn drop(&mut self) {
        for (_, child) in &mut self.processes {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Who asks: one institution may send 200 inquiries a second, and two are enough.
const CITIES: [&str; 2] = ["town", "neighbour"];

/// Numbers at a city of people whose income the tax agency has and will tell.
fn customers(truth: &Truth, city: &str) -> Vec<String> {
    let good = |row: &&TruthRow| {
        row.certain && row.expected == Link::Linked && !row.slips && row.holds_sex && !row.shielded
    };
    let at_tax: std::collections::BTreeSet<u32> = truth
        .rows
        .iter()
        .filter(|row| row.institution.as_str() == "tax" && row.items.contains_key("income"))
        .filter(good)
        .filter_map(|row| row.resident)
        .collect();
    let own = truth.rows.iter().filter(|row| row.institution.as_str() == city).filter(good);
    own.filter(|row| row.resident.is_some_and(|one| at_tax.contains(&one)))
        .map(|row| row.number.clone())
        .collect()
}

/// Who a city's customer is.
fn resident(truth: &Truth, city: &str, number: &str) -> Option<u32> {
    truth.rows.iter().find(|row| row.institution.as_str() == city && row.number == number)?.resident
}

/// The tax agency holds of each customer, in turn, an income that is written in as many characters as the mix says.
fn let_tax_hold(folder: &Path, truth: &Truth, city: &str, customers: &[String]) -> Result<()> {
    let agency = demo::Institution::named("tax").context("the tax agency")?;
    let mut database = rusqlite::Connection::open(folder.join("sources/tax/zeimu.db"))?;
    let change = database.transaction()?;
    for (number, (size, _)) in customers.iter().zip(SIZES.iter().cycle()) {
        let resident = resident(truth, city, number).context("a customer is a resident")?;
        let there = &truth.linked(agency, resident).context("linked at the tax agency")?.number;
        let text: String = ('a'..='z').cycle().take(*size).collect();
        change.execute("UPDATE income SET zeigaku = ?1 WHERE seiri_no = ?2", [&text, there])?;
    }
    Ok(change.commit()?)
}

impl Rooms {
    /// Builds the country and starts its rooms.
    pub async fn start(program: &Path, folder: &Path, setting: &Setting) -> Result<Self> {
        let Setting { proofs, reply_key, scheme, mix } = setting;
        ensure!(program.is_file(), "{} is not there", program.display());
        let folder = tempfile::Builder::new().prefix("rooms-").tempdir_in(folder)?;
        let args = DemoArgs {
            residents: 2000,
            seed: 11,
            inquiries: None,
            data: folder.path().to_path_buf(),
            once: true,
            processes: false,
            json: None,
            postgres: None,
            otlp: None,
            scheme: *scheme,
            lab: false,
            trustees: 1,
        };
        let ready = build(&args, &Stopwatch::start()).await?;
        let mut customers = CITIES.map(|city| customers(&ready.truth, city));
        if *mix {
            // Who is known to both would have answers of two sizes.
            let of = |city, number: &String| resident(&ready.truth, city, number);
            let [town, neighbour] = &mut customers;
            let there: std::collections::BTreeSet<_> =
                town.iter().map(|number| of(CITIES[0], number)).collect();
            neighbour.retain(|number| !there.contains(&of(CITIES[1], number)));
        }
        let customers = customers.map(Arc::new);
        ensure!(customers.iter().all(|all| all.len() > 20), "too few people to ask about");
        if *mix {
            let mut all = CITIES.iter().zip(&customers);
            all.try_for_each(|(city, customers)| let_tax_hold(folder.path(), &ready.truth, city, customers))?;
        }
        ready.stage.stop().await;
        let config = folder.path().join("musubi.toml");
        // The demo asks for new documents every second, so that what is changed on its pages is seen at once.
        let text = std::fs::read_to_string(&config)?;
        let quick = format!("\npoll_ms = {POLL_MS}\n");
        ensure!(text.contains(&quick), "the configuration has no {quick:?}");
        std::fs::write(&config, text.replace(&quick, "\n"))?;
        let text = std::fs::read_to_string(&config)?;
        let own = format!("proofs = \"{proofs}\"\nreply_key = \"{reply_key}\"\n");
        let sections = ConfigFile::read(&config)?.sections;
        let text = sections.iter().fold(text, |text, section| {
            let head = format!("\n[{}]\n", section.settings.id);
            text.replace(&head, &format!("{head}{own}"))
        });
        ensure!(text.matches(&own).count() == sections.len(), "a section was not found to be changed");
        std::fs::write(&config, text)?;
        let file = ConfigFile::read(&config)?;
        let mut rooms = Self {
            names: Vec::new(),
            folder,
            file,
            processes: Vec::new(),
            customers,
            next: Arc::default(),
            mix: *mix,
            _services: ready.services,
        };
        rooms.spawn_all(program, &config).await?;
        Ok(rooms)
    }

    async fn spawn_all(&mut self, program: &Path, config: &PathBuf) -> Result<()> {
        for section in &self.file.sections {
            let id = section.settings.id.to_string();
            let mut command = Command::new(program);
            command.arg(section.room.name()).arg("--config").arg(config).arg("--until-stdin-closes");
            if section.room.name() == "gateway" {
                command.args(["--institution", &id]);
            }
            let log = File::create(self.folder.path().join(&id).join("room.log"))?;
            command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
            self.processes.push((id.clone(), command.spawn().with_context(|| format!("starting {id}"))?));
            self.names.push(id);
        }
        for section in &self.file.sections {
            let watch = Stopwatch::start();
            let client = desk::client(section, "operator")?;
            while client.get::<Health>(HEALTH, Duration::from_secs(2)).await.is_err() {
                if watch.elapsed() > Duration::from_secs(60) {
                    bail!("{} does not come up", section.settings.id);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// The parties on an inquiry's way: where CPU is told apart.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        let on_the_way =
            ["town", "neighbour", "linkage", "trustee", "tax", "portal", "oversight", "authority"];
        self.names.iter().filter(move |name| on_the_way.contains(&name.as_str()))
    }

    /// A party's keys.
    pub fn keys(&self, id: &str) -> KeyFolder {
        KeyFolder::new(self.folder.path().join(id).join("keys"))
    }

    fn section(&self, id: &str) -> Result<&musubi::config_file::Section> {
        let found = self.file.sections.iter().find(|section| section.settings.id.as_str() == id);
        found.with_context(|| format!("no section [{id}]"))
    }

    /// A party's process.
    pub fn pid(&self, id: &str) -> Result<u32> {
        let found = self.processes.iter().find(|(name, _)| name == id);
        found.map(|(_, child)| child.id()).with_context(|| format!("no room {id}"))
    }

    /// An inquiry as the town sends it to linkage, and the reply as it comes back: the bodies of the floor. With the mix of sizes
    /// about somebody with an answer of that size.
    pub async fn bodies(&self, size: usize) -> Result<(Vec<u8>, Vec<u8>)> {
        let scratch = tempfile::tempdir_in(self.folder.path())?;
        let member = Member::open(&self.section("town")?.settings, scratch.path(), World::real()).await?;
        let customer = self.customers[0].get(size).context("a customer")?;
        let (inquiry, _) = member
            .compose(customer, "child-allowance", "income", &PartyId::parse("tax")?)
            .await
            .map_err(|reason| anyhow::anyhow!("composing an inquiry: {reason}"))?;
        let jws = member.sign(&inquiry);
        let reply = member.send(&jws).await.map_err(|error| anyhow::anyhow!("sending it: {error}"))?;
        let request = serde_json::to_vec(&protocol::inquiry::ToLinkage { inquiry: jws, person: None })?;
        let house = member.house();
        let reply = house.reply_to_keep(reply.statement, reply.sealed.0);
        let reply = reply.map_err(|failure| anyhow::anyhow!("{}", failure.reason))?;
        member.close().await;
        Ok((request, reply))
    }

    /// Runs so many clerks, in turn of the one city and the other.
    pub async fn run(&self, callers: usize, within: Duration) -> Result<Measured> {
        let caller = |(city, customers): (&str, &Arc<Vec<String>>)| -> Result<Clerk> {
            Ok(Clerk {
                client: desk::client(self.section(city)?, "clerk")?,
                customers: Arc::clone(customers),
                mix: self.mix,
                next: Arc::clone(&self.next),
                affair: AffairId::parse("child-allowance")?,
                item: ItemId::parse("income")?,
                provider: PartyId::parse("tax")?,
            })
        };
        let cities = CITIES.into_iter().zip(&self.customers).cycle();
        let callers = cities.take(callers).map(caller).collect::<Result<_>>()?;
        let processes: Vec<(String, u32)> =
            self.processes.iter().map(|(name, child)| (name.clone(), child.id())).collect();
        account(&processes, Callers { callers, within }).await
    }

    /// Runs so many clerks for so many minutes and tells each minute what the rooms on the way hold.
    pub async fn watch_memory(&self, callers: usize, minutes: u64) -> Result<()> {
        println!("\nmemory with {callers} callers, MB:");
        println!(
            "  minute | inquiries | {}",
            self.names().map(String::as_str).collect::<Vec<_>>().join(" | ")
        );
        let mut done = 0;
        for minute in 0..=minutes {
            if minute > 0 {
                done += self.run(callers, Duration::from_secs(60)).await?.took.len();
            }
            let held: Vec<String> = self
                .names()
                .map(|name| Ok(format!("{:.0}", memory_of(self.pid(name)?)? as f64 / 1024.0)))
                .collect::<Result<_>>()?;
            println!("  {minute:>6} | {done:>9} | {}", held.join(" | "));
        }
        Ok(())
    }

    /// Ends them.
    pub async fn stop(mut self) -> Result<()> {
        for (_, child) in &mut self.processes {
            // The rooms end when what they read from does.
            drop(child.stdin.take());
        }
        for (name, child) in &mut self.processes {
            for _ in 0..100 {
                if child.try_wait()?.is_some() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            ensure!(child.try_wait()?.is_some(), "{name} did not end");
        }
        Ok(())
    }
}

struct Clerk {
    client: InnerClient,
    customers: Arc<Vec<String>>,
    mix: bool,
    next: Arc<AtomicUsize>,
    affair: AffairId,
    item: ItemId,
    provider: PartyId,
}

impl Caller for Clerk {
    async fn call(&mut self) -> bool {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        // With the mix every fifth customer has an answer of the same size.
        let of_size = self.customers.len() / SIZES.len();
        let at = if self.mix {
            turn % of_size * SIZES.len() + mix::size_at(turn)
        } else {
            turn % self.customers.len()
        };
        let Some(customer) = self.customers.get(at).cloned() else { return false };
        let ask = Ask {
            id: None,
            customer,
            affair: self.affair.clone(),
            item: self.item.clone(),
            provider: self.provider.clone(),
        };
        let told: Result<Told, _> = self.client.post(INQUIRIES, &ask, Duration::from_secs(30)).await;
        told.is_ok()
    }
}
