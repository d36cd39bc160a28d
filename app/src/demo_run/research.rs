//! Research in the demo: two sets from one domain that are safe together, one that would not be, a finding that reaches its
//! person, and statistics; each held against what must come of it.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use demo::{PATIENT, Population, patients};
use protocol::research::{
    ASSENT, AskSet, AskedAttribute, Coarser, Count, CountBy, DOMAINS, DomainLine, END, EndSet, FINDINGS,
    FindingLine, HowEnded, JUDGEMENT, Judge, OpenDomain, PERSON, RELEASE, RELEASES, Reach, ReleaseLine,
    ReportFinding, SETS, STATISTICS, SetLine, SetState, StatisticsTable,
};
use serde::Serialize;
use serde_json::json;
use words::{DataDomain, Moment};
use world::World;

use crate::config_file::ConfigFile;
use crate::research_command::ResearchDesk;

/// What research came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Research {
    /// Sets that were made, over all runs.
    pub made: u64,
    /// Sets that would have singled somebody out beside the earlier ones.
    pub refused: u64,
    /// Smallest joint class over all sets.
    pub smallest_joint_class: u64,
    /// People below the bounds: 0, or the run is not clean.
    pub exposed: u64,
    /// Findings that reached the person they are about.
    pub reached: u64,
    /// Sets that were returned or destroyed.
    pub ended: u64,
    /// Cells of statistics.
    pub cells: u64,
}

struct Desks {
    keeper: ResearchDesk,
    researcher: ResearchDesk,
    officers: [ResearchDesk; 2],
    domain: DataDomain,
}

fn attribute(name: &str, coarser: Coarser) -> AskedAttribute {
    AskedAttribute { name: name.into(), coarser, weight: 1 }
}

impl Desks {
    /// Asks for a set, has it approved by two and made.
    async fn set(
        &self,
        purpose: &str,
        attributes: Vec<AskedAttribute>,
        linkable: bool,
        permille: u32,
    ) -> Result<SetLine> {
        let today = Moment(World::real().now()).date_in_japan();
        let ask = AskSet {
            domain: self.domain.clone(),
            purpose: purpose.into(),
            recipients: vec!["みどり大学 / Midori University".into()],
            attributes,
            with_sensitive: true,
            k: 5,
            l: 2,
            suppression_permille: permille,
            linkable,
            return_by: words::Date::from_days(today.days() + 90),
        };
        let set: SetLine = self.researcher.post(SETS, &ask).await?;
        let judge =
            Judge { approves: true, reason: "研究計画を審査した / the plan was reviewed".into() };
        for officer in &self.officers {
            officer.post_to::<SetLine>(JUDGEMENT, set.id, &judge).await?;
        }
        self.keeper.post_to(RELEASE, set.id, &json!({})).await
    }

    /// A finding about the first row of a linkable set, all the way to its person; gives the row and the person's key.
    async fn finding(&self, set: &SetLine) -> Result<(Vec<String>, String)> {
        let csv = self.researcher.take_over(set.id).await?;
        let mut reader = csv::Reader::from_reader(csv.as_slice());
        let row = reader.records().next().context("a row of the set")??;
        let row: Vec<String> = row.iter().map(str::to_owned).collect();
        let number = row.first().cloned().unwrap_or_default();
        let finding = "追加の検査が有益と思われる / a further test would help".to_owned();
        let report = ReportFinding { set: set.id, number, finding };
        let line: FindingLine = self.researcher.post(FINDINGS, &report).await?;
        for officer in &self.officers {
            officer.post_to::<FindingLine>(ASSENT, line.id, &json!({})).await?;
        }
        let reach: Reach = self.keeper.post_to(PERSON, line.id, &json!({})).await?;
        Ok((row, reach.person))
    }

    async fn count(&self, by: Vec<CountBy>, milli_epsilon: Option<u32>) -> Result<StatisticsTable> {
        let purpose = "年齢別の患者数 / patients by age".into();
        self.researcher
            .post(STATISTICS, &Count { domain: self.domain.clone(), purpose, by, milli_epsilon })
            .await
    }
}

/// Plays it.
pub async fn play(file: &ConfigFile, population: &Population, year: u64) -> Result<Research> {
    let at = |key| ResearchDesk::of(file, key);
    let desks = Desks {
        keeper: at("keeper")?,
        researcher: at("researcher")?,
        officers: [at("officer")?, at("second-officer")?],
        domain: DataDomain::parse("medical")?,
    };
    let known: Vec<DomainLine> = desks.keeper.get(DOMAINS).await?;
    if known.is_empty() {
        let domain = OpenDomain {
            id: desks.domain.clone(),
            name: "医療".into(),
            name_en: "Medical".into(),
            person: PATIENT.into(),
            sensitive: vec!["diagnosis".into()],
            k: 5,
            l: 2,
            minimum_cell: 5,
            budget_milli_epsilon: 100_000,
        };
        desks.keeper.post::<OpenDomain>(DOMAINS, &domain).await?;
    }
    let mut found = Research::default();
    let age = || attribute("age", Coarser::Ages);
    let sex = || attribute("sex", Coarser::KeptOrSuppressed);
    let city = || attribute("city", Coarser::KeptOrSuppressed);
    desks.keeper.load(&desks.domain, patients(population, 2 * year).into_bytes()).await?;
    let first = desks
        .set("年齢と性別による疾病の分布 / diseases by age and sex", vec![age(), sex()], false, 200)
        .await?;
    let table = patients(population, 2 * year + 1);
    desks.keeper.load(&desks.domain, table.clone().into_bytes()).await?;
    let second =
        desks.set("地域による疾病の分布 / diseases by place", vec![age(), city()], true, 300).await?;
    // One for which nothing may be left out, whatever the earlier ones left out.
    let third = desks
        .set("すべての行が要る調査 / a survey that needs every row", vec![age(), sex(), city()], false, 0)
        .await?;
    for set in [&first, &second, &third] {
        found.made += u64::from(set.state == SetState::Made);
        found.refused += u64::from(set.state == SetState::Refused);
        let least = set.least_change.as_ref();
        ensure!(least.is_none_or(|least| least.needed > least.allowed), "a refusal without a reason");
    }
    if second.state == SetState::Made {
        let (row, person) = desks.finding(&second).await?;
        let people: HashMap<&str, &str> =
            table.lines().skip(1).filter_map(|line| line.split_once(',')).collect();
        let truth = people.get(person.as_str()).context("the finding reached nobody of the domain")?;
        let diagnosis = row.last().context("no diagnosis")?;
        ensure!(truth.rsplit(',').next() == Some(diagnosis), "the finding reached another person");
        found.reached += 1;
    }
    if first.state == SetState::Made {
        desks.researcher.take_over(first.id).await?;
        let ended = EndSet {
            how: HowEnded::Destroyed,
            statement: "媒体を消磁した / the medium was degaussed".into(),
        };
        desks.researcher.post_to::<SetLine>(END, first.id, &ended).await?;
        found.ended += 1;
    }
    statistics(&desks, &mut found).await?;
    let ledger: Vec<ReleaseLine> =
        desks.keeper.get(&RELEASES.replace("{domain}", desks.domain.as_str())).await?;
    if let Some(last) = ledger.last() {
        found.smallest_joint_class = last.smallest_joint_class;
        found.exposed = ledger.iter().map(|line| line.below_k + line.below_l).sum();
    }
    Ok(found)
}

async fn statistics(desks: &Desks, found: &mut Research) -> Result<()> {
    let by_sex =
        || CountBy { name: "sex".into(), coarser: None, level: 0, labels: vec!["F".into(), "M".into()] };
    let by_age = CountBy { name: "age".into(), coarser: Some(Coarser::Ages), level: 2, labels: Vec::new() };
    let (alone, again) = (desks.count(vec![by_sex()], None).await?, desks.count(vec![by_sex()], None).await?);
    ensure!(alone.cells == again.cells, "the same cell was given another noise");
    let table = desks.count(vec![by_sex(), by_age], None).await?;
    let spent = desks.count(vec![by_sex()], Some(500)).await?;
    ensure!(spent.left_milli_epsilon.is_some(), "nothing was spent");
    found.cells = [&alone, &table, &spent].iter().map(|table| table.cells.len() as u64).sum();
    Ok(())
}
