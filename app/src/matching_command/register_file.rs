//! Reading the register and its past, on all threads and without a copy of each field.

use anyhow::{Result, bail};
use matching::{AttributesRef, Intake, Past, Register};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::portions::{Portion, Portions, Row};

/// The residents' ids in order, in one text.
#[derive(Default)]
pub(super) struct Ids {
    text: String,
    ends: Vec<usize>,
    /// One hash an id: equal ids have equal ones.
    hashes: Vec<u64>,
}

impl Ids {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The id of the resident with this index.
    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let start = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start..*self.ends.get(index)?)
    }

    fn push(&mut self, id: &str) {
        self.text.push_str(id);
        self.ends.push(self.text.len());
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        self.hashes.push(hasher.finish());
    }

    fn append(&mut self, other: &Ids) {
        let before = self.text.len();
        self.text.push_str(&other.text);
        self.ends.extend(other.ends.iter().map(|end| end + before));
        self.hashes.extend(&other.hashes);
    }

    /// An id that stands there twice.
    fn twice(&self) -> Option<&str> {
        let mut hashes = self.hashes.clone();
        hashes.sort_unstable();
        if !hashes.array_windows().any(|[one, other]| one == other) {
            return None;
        }
        let mut ids: Vec<&str> = (0..self.len()).filter_map(|index| self.get(index)).collect();
        ids.sort_unstable();
        ids.array_windows().find(|[one, other]| one == other).map(|[id, _]| *id)
    }
}

/// Reads the residents into the register; gives their ids in order.
pub(super) fn read(
    path: &Path,
    history: Option<&Path>,
    register: &mut Register,
    threads: usize,
) -> Result<Ids> {
    let past = history.map(PastFile::read).transpose()?;
    let rows = past.as_ref().map(|past| past.rows(threads)).transpose()?.unwrap_or_default();
    let past = PastRows::of(&rows);
    let file = Portions::read(path, &["person_id", "name", "birth_date", "address"])?;
    let columns = Columns::of(&file);
    let read = |portion: &Portion<'_>, intake: &mut Intake<'_, '_>| {
        let mut ids = Ids::default();
        portion.each(|row| columns.resident(&row, &past, &mut ids, intake))?;
        Ok(ids)
    };
    let mut ids = Ids::default();
    for of_portion in register.extend_in_portions(&file.all(), threads, read) {
        let of_portion: Result<Ids> = of_portion;
        ids.append(&of_portion?);
    }
    if let Some(twice) = ids.twice() {
        bail!("{}: person_id {twice} stands there twice; every row needs one of its own", path.display());
    }
    if let Some(stranger) = past.stranger() {
        bail!(
            "the history names person_id {stranger}, who is not in {}; do the two files belong together?",
            path.display()
        );
    }
    Ok(ids)
}

struct Columns {
    id: Option<usize>,
    name: Option<usize>,
    kana: Option<usize>,
    address: Option<usize>,
    birth: Option<usize>,
    sex: Option<usize>,
    tsusho: Option<usize>,
}

impl Columns {
    fn of(file: &Portions) -> Columns {
        Columns {
            id: file.column("person_id"),
            name: file.column("name"),
            kana: file.column("kana"),
            address: file.column("address"),
            birth: file.column("birth_date"),
            sex: file.column("sex"),
            tsusho: file.column("tsusho"),
        }
    }

    fn resident(
        &self,
        row: &Row<'_>,
        past: &PastRows<'_>,
        ids: &mut Ids,
        intake: &mut Intake<'_, '_>,
    ) -> Result<()> {
        let Some(id) = row.optional(self.id) else {
            bail!("{}: person_id is empty; give every row one", row.place());
        };
        ids.push(id);
        let attributes = AttributesRef {
            name: row.field(self.name),
            kana: row.optional(self.kana),
            address: row.field(self.address),
            birth: row.field(self.birth),
            sex: row.field(self.sex),
        };
        let common = row.optional(self.tsusho);
        let (mut surnames, mut names, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
        for (kind, value, kana) in past.of_resident(id) {
            match kind {
                Kind::Surname => surnames.push((value, kana)),
                Kind::Name => names.push((value, kana)),
                Kind::Address => addresses.push(value),
            }
        }
        names.extend(common.map(|common| (common, None)));
        intake.resident(attributes, &Past { surnames: &surnames, addresses: &addresses, names: &names });
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Surname,
    Name,
    Address,
}

/// The file of former names and addresses.
struct PastFile(Portions);

/// One of its rows: id, value and reading in one text.
struct PastRow {
    kind: Kind,
    text: Box<str>,
    id_end: usize,
    value_end: usize,
}

impl PastRow {
    fn id(&self) -> &str {
        self.text.get(..self.id_end).unwrap_or_default()
    }

    fn value(&self) -> &str {
        self.text.get(self.id_end..self.value_end).unwrap_or_default()
    }

    fn kana(&self) -> Option<&str> {
        self.text.get(self.value_end..).filter(|kana| !kana.is_empty())
    }
}

impl PastFile {
    fn read(path: &Path) -> Result<PastFile> {
        Ok(PastFile(Portions::read(path, &["person_id", "kind", "value"])?))
    }

    fn rows(&self, threads: usize) -> Result<Vec<PastRow>> {
        let portions = self.0.all();
        let share = portions.len().div_ceil(threads.clamp(1, 64)).max(1);
        let read = |share: &[Portion<'_>]| -> Result<Vec<PastRow>> {
            let mut rows = Vec::new();
            for portion in share {
                self.rows_of(portion, &mut rows)?;
            }
            Ok(rows)
        };
        let read = &read;
        let parts: Vec<Result<Vec<PastRow>>> = std::thread::scope(|scope| {
            let working: Vec<_> =
                portions.chunks(share).map(|share| scope.spawn(move || read(share))).collect();
            let joined = working.into_iter().map(std::thread::ScopedJoinHandle::join);
            joined.map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        });
        let mut rows = Vec::new();
        for part in parts {
            rows.append(&mut part?);
        }
        Ok(rows)
    }

    fn rows_of(&self, portion: &Portion<'_>, rows: &mut Vec<PastRow>) -> Result<()> {
        let [id, kind, value, kana] = ["person_id", "kind", "value", "kana"].map(|name| self.0.column(name));
        portion.each(|row| {
            let kind = match row.field(kind) {
                "former_surname" => Kind::Surname,
                "former_name" => Kind::Name,
                "former_address" => Kind::Address,
                other => bail!(
                    "{}: kind is '{other}'; write former_surname, former_name or former_address",
                    row.place()
                ),
            };
            let (id, value, kana) = (row.field(id), row.field(value), row.optional(kana).unwrap_or(""));
            let (id_end, value_end) = (id.len(), id.len() + value.len());
            rows.push(PastRow { kind, text: [id, value, kana].concat().into(), id_end, value_end });
            Ok(())
        })
    }
}

/// The rows of each resident, in the order of the file.
struct PastRows<'a> {
    rows: &'a [PastRow],
    first_and_last: HashMap<&'a str, (usize, usize)>,
    /// The same resident's next row; 0 where there is none.
    next: Vec<usize>,
    /// By first row: whether the register has the resident.
    met: Vec<AtomicBool>,
}

impl<'a> PastRows<'a> {
    fn of(rows: &'a [PastRow]) -> PastRows<'a> {
        let mut first_and_last: HashMap<&str, (usize, usize)> = HashMap::new();
        let mut next = vec![0; rows.len()];
        for (index, row) in rows.iter().enumerate() {
            let (_, last) = first_and_last.entry(row.id()).or_insert((index, index));
            if let Some(next) = next.get_mut(*last).filter(|_| *last != index) {
                *next = index;
            }
            *last = index;
        }
        let met = rows.iter().map(|_| AtomicBool::new(false)).collect();
        PastRows { rows, first_and_last, next, met }
    }

    fn of_resident(&self, id: &str) -> impl Iterator<Item = (Kind, &'a str, Option<&'a str>)> {
        let first = self.first_and_last.get(id).map(|(first, _)| *first);
        if let Some(met) = first.and_then(|first| self.met.get(first)) {
            met.store(true, Ordering::Relaxed);
        }
        let following = |index: &usize| self.next.get(*index).copied().filter(|next| *next != 0);
        std::iter::successors(first, following)
            .filter_map(|index| self.rows.get(index))
            .map(|row| (row.kind, row.value(), row.kana()))
    }

    /// An id that the register does not have.
    fn stranger(&self) -> Option<&'a str> {
        let unmet = |first: usize| self.met.get(first).is_some_and(|met| !met.load(Ordering::Relaxed));
        self.first_and_last.iter().filter(|(_, (first, _))| unmet(*first)).map(|(id, _)| *id).min()
    }
}
