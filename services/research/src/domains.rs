//! Data domains: opened by their keeper, their tables, and the ledger of their releases.

use std::sync::Arc;

use anonymity::{Bounds, Joint, Release};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Extension, Json};
use house::{House, json_bytes};
use protocol::research::{DomainLine, Loaded, OpenDomain, ReleaseLine, TableLine};
use road::{Failure, Protected, Record};
use rules::Operation;
use wire::{Caller, Problem, Text};
use words::{DataDomain, Moment, Reason};

use crate::deed::{Deed, Insider, hash_of, replied};
use crate::error::{asked_wrongly, check_range, check_text, own_content, own_database};
use crate::table::{Content, load};
use crate::{Here, Research, store};

pub(crate) async fn open(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: wire::Json<OpenDomain>,
) -> Result<Response, Problem> {
    here.0.open_domain(&Insider::of(&caller)?, body.message).await.map(json_bytes)
}

pub(crate) async fn list(State(here): State<Here>) -> Result<Json<Vec<DomainLine>>, Problem> {
    here.0.domains().await.map(Json)
}

pub(crate) async fn table(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    Path(domain): Path<String>,
    Text(csv): Text,
) -> Result<Response, Problem> {
    let domain = DataDomain::parse(&domain)?;
    here.0.load_table(&Insider::of(&caller)?, &domain, csv.into_bytes()).await.map(json_bytes)
}

pub(crate) async fn releases(
    State(here): State<Here>,
    Path(domain): Path<String>,
) -> Result<Json<Vec<ReleaseLine>>, Problem> {
    here.0.ledger(&DataDomain::parse(&domain)?).await.map(Json)
}

pub(crate) async fn tables(
    State(here): State<Here>,
    Path(domain): Path<String>,
) -> Result<Json<Vec<TableLine>>, Problem> {
    here.0.tables(&DataDomain::parse(&domain)?).await.map(Json)
}

/// Sensitive columns of a domain at most.
const MOST_SENSITIVE: usize = 8;

/// A domain with its content opened.
pub(crate) struct Domain {
    pub(crate) about: OpenDomain,
    pub(crate) content: Content,
    pub(crate) spent: i64,
}

impl Domain {
    /// What is asked of its joint classes.
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { k: self.about.k, l: if self.about.sensitive.is_empty() { 1 } else { self.about.l } }
    }
}

impl Research {
    fn opened(&self, stored: store::StoredDomain) -> Result<Domain, Problem> {
        let store::StoredDomain { about, content, spent } = stored;
        let content = match content {
            None => Content::default(),
            Some(sealed) => {
                let opened =
                    self.house.storage.open("data_domain", about.id.as_str().as_bytes(), "content", &sealed);
                let content = opened.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
                content.ok_or_else(|| Problem::new(own_content("a domain").reason))?
            }
        };
        Ok(Domain { about, content, spent })
    }

    async fn stored(&self) -> Result<Vec<store::StoredDomain>, Problem> {
        store::domains(self.house.road.db()).await.map_err(|error| own_database(&error))
    }

    /// A domain; a problem where there is none.
    pub(crate) async fn domain(&self, id: &DataDomain) -> Result<Domain, Problem> {
        let stored = self.stored().await?.into_iter().find(|stored| stored.about.id == *id);
        self.opened(
            stored
                .ok_or_else(|| Problem::with(Reason::NotFound, format!("There is no data domain `{id}`.")))?,
        )
    }

    /// All domains.
    pub(crate) async fn domains(&self) -> Result<Vec<DomainLine>, Problem> {
        let mut lines = Vec::new();
        for stored in self.stored().await? {
            let Domain { about, content, spent } = self.opened(stored)?;
            let releases = self.releases(&about.id).await?.len() as u64;
            let mut columns: Vec<String> = Vec::new();
            if !content.rows.is_empty() {
                columns.push(about.person.clone());
                columns.extend(about.sensitive.clone());
                columns.extend(content.columns.iter().map(|column| column.name.clone()));
            }
            lines.push(DomainLine {
                columns,
                rows: content.rows.len() as u64,
                people: content.people.len() as u64,
                releases,
                spent_milli_epsilon: u64::try_from(spent).unwrap_or(u64::MAX),
                domain: about,
            });
        }
        Ok(lines)
    }

    /// Opens a domain.
    pub(crate) async fn open_domain(
        self: &Arc<Self>,
        who: &Insider,
        about: OpenDomain,
    ) -> Result<Vec<u8>, Problem> {
        for (name, text) in [("name", &about.name), ("name_en", &about.name_en), ("person", &about.person)] {
            check_text(name, text, 1, 80)?;
        }
        if about.sensitive.len() > MOST_SENSITIVE {
            return Err(asked_wrongly(format!("`sensitive` names more than {MOST_SENSITIVE} columns.")));
        }
        for (place, sensitive) in about.sensitive.iter().enumerate() {
            check_text("sensitive", sensitive, 1, 80)?;
            if *sensitive == about.person {
                return Err(asked_wrongly("`sensitive` and `person` are the same column; name two."));
            }
            if about.sensitive.iter().take(place).any(|other| other == sensitive) {
                return Err(asked_wrongly("`sensitive` names a column twice."));
            }
        }
        check_range("k", about.k, 2..=1_000_000)?;
        check_range("l", about.l, 1..=10_000)?;
        check_range("minimum_cell", about.minimum_cell, 2..=1_000)?;
        check_range("budget_milli_epsilon", about.budget_milli_epsilon, 0..=1_000_000)?;
        let turn = self.turn().await;
        let taken = self.stored().await?.iter().any(|stored| stored.about.id == about.id);
        let hash = hash_of(&about);
        self.take(who, self.fresh(), hash, turn, Open { about, taken }).await
    }

    /// Takes in a domain's table in place of the one before.
    pub(crate) async fn load_table(
        self: &Arc<Self>,
        who: &Insider,
        domain: &DataDomain,
        csv: Vec<u8>,
    ) -> Result<Vec<u8>, Problem> {
        let turn = self.turn().await;
        let known = self.domain(domain).await?;
        let (hash, about) = (seal::sha256(&csv), known.about);
        let read = House::compute(move || (load(&about, &known.content, &csv), about)).await?;
        let (content, new_people) = read.0.map_err(|fault| asked_wrongly(format!("The table, {fault}.")))?;
        let sealed = self.seal_content(domain, &content)?;
        let told = Loaded { rows: content.rows.len() as u64, new_people };
        let deed = Load { domain: domain.clone(), told, hash, sealed };
        self.take(who, self.fresh(), hash, turn, deed).await
    }

    fn seal_content(&self, domain: &DataDomain, content: &Content) -> Result<Vec<u8>, Problem> {
        let bytes = serde_json::to_vec(content).map_err(|_| Problem::new(Reason::Internal))?;
        Ok(self.house.storage.seal("data_domain", domain.as_str().as_bytes(), "content", &bytes))
    }

    pub(crate) async fn releases(&self, domain: &DataDomain) -> Result<Vec<store::StoredRelease>, Problem> {
        store::releases(self.house.road.db(), domain).await.map_err(|error| own_database(&error))
    }

    /// The releases of a domain so far, opened, for `people` people.
    pub(crate) async fn history(&self, domain: &DataDomain, people: usize) -> Result<Vec<Release>, Problem> {
        let stored = self.releases(domain).await?;
        let open = |stored: &store::StoredRelease| {
            let sealed = &stored.classes;
            let bytes = self.house.storage.open("released", stored.set.bytes(), "classes", sealed).ok()?;
            classes_of(&bytes, people)
        };
        let opened: Option<Vec<Release>> = stored.iter().map(open).collect();
        opened.ok_or_else(|| Problem::new(own_content("a release").reason))
    }

    /// The statistics tables of a domain.
    pub(crate) async fn tables(&self, domain: &DataDomain) -> Result<Vec<TableLine>, Problem> {
        // A problem where there is no such domain.
        self.domain(domain).await?;
        store::tables(self.house.road.db(), domain).await.map_err(|error| own_database(&error))
    }

    /// The ledger of a domain: each release, and who is too well known after it.
    pub(crate) async fn ledger(&self, domain: &DataDomain) -> Result<Vec<ReleaseLine>, Problem> {
        let known = self.domain(domain).await?;
        let (stored, bounds) = (self.releases(domain).await?, known.bounds());
        let history = self.history(domain, known.content.people.len()).await?;
        let sets = self.sets(None).await?;
        let people = known.content.people.len();
        House::compute(move || {
            let mut joint = Joint::new(people);
            let line = |(stored, release): (&store::StoredRelease, &Release)| {
                joint.add(release);
                let exposed = joint.exposed(bounds);
                let set = sets.iter().find(|set| set.id == stored.set);
                ReleaseLine {
                    number: u64::try_from(stored.number).unwrap_or_default(),
                    set: stored.set,
                    at: stored.at,
                    state: set.map(|set| set.state),
                    people: u64::try_from(stored.people).unwrap_or_default(),
                    smallest_joint_class: exposed.smallest,
                    below_k: exposed.below_k,
                    below_l: exposed.below_l,
                }
            };
            stored.iter().zip(&history).map(line).collect()
        })
        .await
        .map_err(Problem::new)
    }
}

/// A release as bytes: how many sensitive columns; then of each person the class and the value in each column (nought where
/// there is none), four bytes each, little endian.
pub(crate) fn classes_as_bytes(release: &Release) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(release.values.len()).unwrap_or(u8::MAX)];
    for (person, class) in release.class_of.iter().enumerate() {
        bytes.extend(class.to_le_bytes());
        for values in &release.values {
            bytes.extend(values.get(person).copied().unwrap_or(0).to_le_bytes());
        }
        if release.values.is_empty() {
            bytes.extend(0_u32.to_le_bytes());
        }
    }
    bytes
}

/// The same again. People who came to the domain after it are in nobody's class.
fn classes_of(bytes: &[u8], people: usize) -> Option<Release> {
    let (columns, numbers) = bytes.split_first()?;
    let (numbers, rest) = numbers.as_chunks::<4>();
    let width = usize::from(*columns).max(1) + 1;
    if !rest.is_empty() || numbers.len() % width != 0 || numbers.len() / width > people {
        return None;
    }
    let column = |place: usize| {
        let own = numbers.iter().skip(place).step_by(width).map(|number| u32::from_le_bytes(*number));
        own.chain(std::iter::repeat(0)).take(people).collect::<Vec<u32>>()
    };
    Some(Release { class_of: column(0), values: (1..=usize::from(*columns)).map(column).collect() })
}

struct Open {
    about: OpenDomain,
    taken: bool,
}

impl Deed for Open {
    const NAME: &'static str = "open_domain";
    const OPERATION: Operation = Operation::KeepDomain;

    fn refused(&self) -> Option<Reason> {
        self.taken.then_some(Reason::WrongState)
    }

    fn record(&self, record: &mut Record) {
        let OpenDomain { id, k, l, minimum_cell, budget_milli_epsilon, .. } = &self.about;
        record.set("domain", id).set("k", k).set("l", l).set("minimum_cell", minimum_cell);
        record.set("budget_milli_epsilon", budget_milli_epsilon);
    }

    async fn act(&self) -> Result<Protected, Failure> {
        let about = self.about.clone();
        let writes: road::RoomWrite = Box::new(move |write| store::open_domain(write, &about));
        replied(&self.about, Record::new(), Some(writes))
    }
}

struct Load {
    domain: DataDomain,
    told: Loaded,
    hash: seal::Sha256,
    sealed: Vec<u8>,
}

impl Deed for Load {
    const NAME: &'static str = "load_table";
    const OPERATION: Operation = Operation::KeepDomain;

    fn record(&self, record: &mut Record) {
        record
            .set("domain", &self.domain)
            .set("rows", self.told.rows)
            .set("new_people", self.told.new_people);
        record.set("sha256", words::hex(&self.hash));
    }

    async fn act(&self) -> Result<Protected, Failure> {
        let (domain, sealed) = (self.domain.clone(), self.sealed.clone());
        let writes: road::RoomWrite = Box::new(move |write| -> Result<(), ::store::StoreError> {
            store::put_content(write, &domain, &sealed)
        });
        replied(&self.told, Record::new(), Some(writes))
    }
}

/// Today in Japan, days since 1970.
pub(crate) fn today(now: Moment) -> i64 {
    now.date_in_japan().days()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_survive_their_bytes_and_later_people_are_in_none() {
        let release = Release { class_of: vec![1, 0, 2], values: vec![vec![7, 0, 9]] };
        let again = classes_of(&classes_as_bytes(&release), 5).unwrap();
        assert_eq!(again, Release { class_of: vec![1, 0, 2, 0, 0], values: vec![vec![7, 0, 9, 0, 0]] });
        let plain = Release { class_of: vec![1, 1], values: Vec::new() };
        assert_eq!(classes_of(&classes_as_bytes(&plain), 2).unwrap(), plain);
        let two = Release { class_of: vec![1, 1], values: vec![vec![3, 4], vec![5, 6]] };
        assert_eq!(classes_of(&classes_as_bytes(&two), 2).unwrap(), two);
        assert!(classes_of(&classes_as_bytes(&release), 2).is_none(), "people never go");
        assert!(classes_of(&[], 2).is_none() && classes_of(&[1, 2, 3], 2).is_none());
        assert!(classes_of(&classes_as_bytes(&two)[..21], 2).is_none(), "half a person");
    }
}
