//! A small country for a test, built by the same code as the demo's.

use std::path::Path;

use gateway::rehearsal::Member;
use house::{House, Running};
use musubi::demo_run::{DemoArgs, Ready, build};
use protocol::directory::Entry;
use std::sync::Arc;
use tempfile::TempDir;
use world::{Stopwatch, World};

pub struct Ground {
    pub folder: TempDir,
    pub ready: Ready,
}

/// The institution that asks in most tests.
pub fn town() -> demo::Institution {
    demo::Institution::named("town").unwrap()
}

pub fn args(folder: &Path, residents: u32) -> DemoArgs {
    DemoArgs {
        residents,
        seed: 7,
        inquiries: Some(120),
        data: folder.to_path_buf(),
        once: true,
        processes: false,
        json: None,
        postgres: None,
        otlp: None,
        scheme: 6,
        lab: false,
        trustees: 1,
    }
}

impl Ground {
    pub async fn new(residents: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ready = build(&args(folder.path(), residents), &Stopwatch::start()).await.unwrap();
        Self { folder, ready }
    }

    /// The same, the rooms' data in PostgreSQL.
    pub async fn on_postgres(residents: u32, url: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let args = DemoArgs { postgres: Some(url), ..args(folder.path(), residents) };
        let ready = build(&args, &Stopwatch::start()).await.unwrap();
        Self { folder, ready }
    }

    /// The same with so many replicas of the trustee.
    pub async fn with_trustees(trustees: u8, residents: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let args = DemoArgs { trustees, ..args(folder.path(), residents) };
        let ready = build(&args, &Stopwatch::start()).await.unwrap();
        Self { folder, ready }
    }

    /// The same under another scheme.
    pub async fn under(scheme: u8, residents: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let args = DemoArgs { scheme, lab: scheme == 1, ..args(folder.path(), residents) };
        let ready = build(&args, &Stopwatch::start()).await.unwrap();
        Self { folder, ready }
    }

    pub fn room(&self, id: &str) -> &Running {
        self.ready.stage.running(id).unwrap()
    }

    pub fn house(&self, id: &str) -> &Arc<House> {
        &self.room(id).house
    }

    pub fn entry(&self, id: &str) -> Entry {
        self.house("linkage").party(&words::PartyId::parse(id).unwrap()).unwrap()
    }

    /// A member that acts with the keys of a gateway and sends what it likes.
    pub async fn member(&self, id: &str) -> Member {
        let section = self.ready.stage.section(id).unwrap();
        Member::open(&section.settings, self.folder.path(), World::real()).await.unwrap()
    }

    /// Numbers at the town of two different people who are linked at the town and at the tax agency, and have an
    /// income there.
    pub fn two_at_town_and_tax(&self) -> [String; 2] {
        use demo::{Institution, Link};
        let tax = Institution::named("tax").unwrap();
        let good = |row: &&demo::TruthRow| {
            row.institution == town()
                && row.certain
                && row.expected == Link::Linked
                && !row.slips
                && row.holds_sex
        };
        let mut found = self.ready.truth.rows.iter().filter(good).filter(|row| {
            let at_tax = row.resident.and_then(|resident| self.ready.truth.linked(tax, resident));
            at_tax.is_some_and(|tax| {
                tax.certain
                    && !tax.shielded
                    && !tax.slips
                    && tax.holds_sex
                    && tax.items.contains_key("income")
            })
        });
        [found.next().unwrap().number.clone(), found.next_back().unwrap().number.clone()]
    }

    /// How many records a room has of one reason of refusal, at its door or on its road.
    pub async fn refusals(&self, id: &str, reason: words::Reason) -> usize {
        let leaves = self.house(id).road.leaves(None).await.unwrap();
        leaves
            .iter()
            .filter(|leaf| {
                leaf.record.field("reason").and_then(|value| value.as_str()) == Some(reason.as_str())
            })
            .count()
    }
}
