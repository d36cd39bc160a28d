//! Playing a plan of inquiries: each sent as planned, each outcome held against what was settled before.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use demo::{Expected, Institution, Kind, Plan, PlannedInquiry, Refusal, Sending, Truth, Unanswered};
use gateway::rehearsal::Member;
use indicatif::ProgressBar;
use protocol::desk::{Ask, INQUIRIES, SUMMARY, Told};
use road::Summary;
use rules::Standing;
use serde_json::Value;
use tokio::sync::Semaphore;
use wire::{CallError, InnerClient};
use words::{ActId, AffairId, ItemId, PartyId, Reason};
use world::{Stopwatch, World};

use super::country::{Folder, POLL_MS};
use super::families;
use super::report::{Families, KindLine};
use super::stage::Stage;
use crate::desk;

/// Inquiries under way at once.
const AT_ONCE: usize = 16;
const WITHIN: Duration = Duration::from_secs(30);

/// What came of one inquiry, as its clerk saw it.
enum Outcome {
    Content(Value),
    Reason(Reason),
    Broken(String),
}

/// What the run found.
#[derive(Default)]
pub struct Played {
    pub wrong_person: u32,
    pub wrong_content: u32,
    pub unexpected: u32,
    pub surprises: Vec<String>,
    pub latencies: Vec<f64>,
    pub answered: BTreeMap<String, i64>,
    pub not_answered: BTreeMap<String, i64>,
    pub refused: BTreeMap<String, i64>,
    pub kinds: Vec<KindLine>,
    pub families: Families,
}

/// Everything a play needs.
pub struct Player<'a> {
    folder: &'a Folder,
    stage: &'a Stage,
    truth: &'a Truth,
    clerks: HashMap<Institution, Arc<InnerClient>>,
}

fn line_of(kind: &Kind) -> KindLine {
    let Kind { inquirer, provider, affair, item, field, .. } = *kind;
    let kind = kind.id();
    KindLine { kind, field, affair, item, inquirer, provider, answered: 0, not_answered: 0, refused: 0 }
}

fn reason_of(refusal: Refusal) -> Reason {
    match refusal {
        Refusal::NotOnList => Reason::NotOnList,
        Refusal::ItemNotCovered => Reason::ItemNotCovered,
        Refusal::AccreditationSuspended => Reason::AccreditationSuspended,
        Refusal::ConsentRequired => Reason::ConsentRequired,
        Refusal::NotAccredited => Reason::NotAccredited,
        Refusal::ImpactAssessmentMissing => Reason::ImpactAssessmentMissing,
        Refusal::Expired => Reason::Expired,
        Refusal::NotYetValid => Reason::NotYetValid,
        Refusal::Replayed => Reason::Replayed,
        Refusal::NoCode => Reason::NoCode,
        Refusal::NoCustomer => Reason::NoCustomer,
    }
}

const fn why_word(why: Unanswered) -> &'static str {
    match why {
        Unanswered::UnknownCode => "unknown_code",
        Unanswered::Shielded => "shielded",
        Unanswered::GuardMismatch => "guard_mismatch",
        Unanswered::NoRecord => "no_record",
    }
}

type Counts = BTreeMap<(String, String), i64>;

impl<'a> Player<'a> {
    /// A player with a clerk's key at each institution.
    pub fn new(folder: &'a Folder, stage: &'a Stage, truth: &'a Truth) -> Result<Self> {
        let clerk = |institution: Institution| {
            Ok((institution, Arc::new(desk::client(stage.section(institution.as_str())?, "clerk")?)))
        };
        Ok(Self {
            folder,
            stage,
            truth,
            clerks: Institution::ALL.into_iter().map(clerk).collect::<Result<_>>()?,
        })
    }

    /// Plays a plan.
    pub async fn play(&self, plan: &Plan, bar: &ProgressBar) -> Result<Played> {
        let before = self.counts().await?;
        let ids: Arc<Vec<ActId>> =
            Arc::new(plan.inquiries.iter().map(|_| ActId::new(World::real().random())).collect());
        let mut played = Played { kinds: Kind::ALL.iter().map(line_of).collect(), ..Played::default() };
        let (ordinary, suspended): (Vec<_>, Vec<_>) =
            plan.inquiries.iter().partition(|inquiry| inquiry.sending != Sending::WhileSuspended);
        let (first, reused): (Vec<_>, Vec<_>) =
            ordinary.into_iter().partition(|inquiry| !matches!(inquiry.sending, Sending::WithIdOf(_)));
        self.all(&first, &ids, &mut played, bar).await?;
        self.all(&reused, &ids, &mut played, bar).await?;
        let inquirers: BTreeSet<Institution> = suspended.iter().map(|inquiry| inquiry.inquirer).collect();
        if !inquirers.is_empty() {
            self.stand(&inquirers, Standing::Suspended).await?;
            self.all(&suspended, &ids, &mut played, bar).await?;
            self.stand(&inquirers, Standing::Active).await?;
        }
        self.count(&before, plan, &mut played).await?;
        let (families, faults) = families::look_into(self.folder.config(), self.truth, plan, &ids).await?;
        played.families = families;
        for fault in faults {
            played.unexpected += 1;
            self.surprise(&mut played, fault);
        }
        Ok(played)
    }

    /// Suspends or restores institutions and waits until every transcryptor has polled.
    async fn stand(&self, institutions: &BTreeSet<Institution>, standing: Standing) -> Result<()> {
        for institution in institutions {
            desk::change_standing(&self.folder.config(), institution.as_str(), standing, "demo").await?;
        }
        tokio::time::sleep(Duration::from_millis(POLL_MS * 2 + 500)).await;
        Ok(())
    }

    async fn all(
        &self,
        inquiries: &[&PlannedInquiry],
        ids: &Arc<Vec<ActId>>,
        played: &mut Played,
        bar: &ProgressBar,
    ) -> Result<()> {
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        let mut under_way = tokio::task::JoinSet::new();
        let mut out_of_time = Vec::new();
        for inquiry in inquiries.iter().copied().cloned() {
            if matches!(inquiry.sending, Sending::Late | Sending::Early) {
                out_of_time.push(inquiry);
                continue;
            }
            let id = match inquiry.sending {
                Sending::WithIdOf(other) => ids.get(other),
                _ => ids.get(inquiry.n),
            };
            let id = *id.context("an id for every inquiry")?;
            let clerk =
                Arc::clone(self.clerks.get(&inquiry.inquirer).context("a clerk at every institution")?);
            let permits = Arc::clone(&permits);
            under_way.spawn(async move {
                let _permit = permits.acquire_owned().await;
                let watch = Stopwatch::start();
                let outcome = ask(&clerk, id, &inquiry).await;
                (inquiry, outcome, watch.elapsed().as_secs_f64() * 1000.0)
            });
        }
        while let Some(done) = under_way.join_next().await {
            let (inquiry, outcome, ms) = done?;
            if matches!(outcome, Outcome::Content(_)) {
                played.latencies.push(ms);
            }
            self.judge(&inquiry, outcome, played);
            bar.inc(1);
        }
        self.all_out_of_time(out_of_time, played, bar).await
    }

    /// Inquiries whose time has passed or has not come: no clerk's desk sends such, so they go under the member's own keys.
    async fn all_out_of_time(
        &self,
        inquiries: Vec<PlannedInquiry>,
        played: &mut Played,
        bar: &ProgressBar,
    ) -> Result<()> {
        let mut members: HashMap<Institution, Member> = HashMap::new();
        for inquiry in inquiries {
            let member = match members.entry(inquiry.inquirer) {
                std::collections::hash_map::Entry::Occupied(open) => open.into_mut(),
                std::collections::hash_map::Entry::Vacant(none) => {
                    let section = self.stage.section(inquiry.inquirer.as_str())?;
                    none.insert(Member::open(&section.settings, &self.folder.path, World::real()).await?)
                }
            };
            let outcome = send_out_of_time(member, &inquiry).await;
            self.judge(&inquiry, outcome, played);
            bar.inc(1);
        }
        for (_, member) in members {
            member.close().await;
        }
        Ok(())
    }

    fn judge(&self, inquiry: &PlannedInquiry, outcome: Outcome, played: &mut Played) {
        if let Some(line) = played.kinds.iter_mut().find(|line| line.kind == inquiry.kind.id()) {
            match &outcome {
                Outcome::Content(_) => line.answered += 1,
                Outcome::Reason(Reason::NotAnswered) => line.not_answered += 1,
                Outcome::Reason(_) => line.refused += 1,
                Outcome::Broken(_) => {}
            }
        }
        let surprise = match (&inquiry.expected, &outcome) {
            (Expected::Answered { content }, Outcome::Content(got)) if got == content => None,
            (Expected::Answered { .. }, Outcome::Content(got)) => {
                let anothers = self.truth.rows.iter().any(|row| {
                    row.institution == inquiry.provider && row.items.get(inquiry.item) == Some(got)
                });
                if anothers {
                    played.wrong_person += 1;
                } else {
                    played.wrong_content += 1;
                }
                Some("an answer with other content".to_owned())
            }
            (Expected::NotAnswered { .. }, Outcome::Reason(Reason::NotAnswered)) => None,
            (Expected::Refused { reason }, Outcome::Reason(got)) if reason_of(*reason) == *got => None,
            (_, Outcome::Content(_)) => {
                played.wrong_person += 1;
                Some("an answer where none was due".to_owned())
            }
            (_, Outcome::Reason(reason)) => Some(format!("refused: {reason}")),
            (_, Outcome::Broken(what)) => Some(what.clone()),
        };
        if let Some(surprise) = surprise {
            played.unexpected += 1;
            self.surprise(
                played,
                format!(
                    "inquiry {} ({}): {surprise}; expected {}",
                    inquiry.n,
                    inquiry.affair,
                    expected_word(&inquiry.expected)
                ),
            );
        }
    }

    fn surprise(&self, played: &mut Played, text: String) {
        if played.surprises.len() < 10 {
            played.surprises.push(text);
        }
    }

    /// What every room has counted so far: (kind of count, name) → number.
    async fn counts(&self) -> Result<Counts> {
        let mut counts = Counts::new();
        for section in &self.stage.file.sections {
            let summary: Vec<Summary> = desk::client(section, "operator")?
                .get(SUMMARY, WITHIN)
                .await
                .map_err(|error| anyhow::anyhow!("{error}"))?;
            for line in summary {
                let key = match (line.verb.as_str(), line.state.as_str()) {
                    ("answer", "done") => ("answered", line.label),
                    ("answer", "refused") if line.reason.as_deref() == Some("not_answered") => {
                        ("not_answered", line.truth.unwrap_or_default())
                    }
                    // The room that decided counts; a room that passes a refusal on has it as `failed`.
                    ("ask" | "inquire" | "answer", "refused") => ("refused", line.reason.unwrap_or_default()),
                    _ => continue,
                };
                *counts.entry((key.0.to_owned(), key.1)).or_default() += line.count;
            }
        }
        Ok(counts)
    }

    /// The rooms' own counts of this run, held against the plan's.
    async fn count(&self, before: &Counts, plan: &Plan, played: &mut Played) -> Result<()> {
        let mut expected = Counts::new();
        for inquiry in &plan.inquiries {
            let key = match &inquiry.expected {
                Expected::Answered { .. } => ("answered", inquiry.affair.to_owned()),
                Expected::NotAnswered { why } => ("not_answered", why_word(*why).to_owned()),
                Expected::Refused { reason } => ("refused", reason_of(*reason).as_str().to_owned()),
            };
            *expected.entry((key.0.to_owned(), key.1)).or_default() += 1;
        }
        let after = self.counts().await?;
        for key in after.keys().chain(expected.keys()).collect::<std::collections::BTreeSet<_>>() {
            let counted = after.get(key).copied().unwrap_or(0) - before.get(key).copied().unwrap_or(0);
            let planned = expected.get(key).copied().unwrap_or(0);
            if counted != planned {
                played.unexpected += 1;
                self.surprise(
                    played,
                    format!("{} {}: the rooms recorded {counted}, the plan has {planned}", key.0, key.1),
                );
            }
            let counts = match key.0.as_str() {
                "answered" => &mut played.answered,
                "not_answered" => &mut played.not_answered,
                _ => &mut played.refused,
            };
            if counted != 0 {
                counts.insert(key.1.clone(), counted);
            }
        }
        Ok(())
    }
}

fn expected_word(expected: &Expected) -> String {
    match expected {
        Expected::Answered { .. } => "an answer".into(),
        Expected::NotAnswered { why } => format!("not answered ({})", why_word(*why)),
        Expected::Refused { reason } => format!("refused: {}", reason_of(*reason)),
    }
}

fn outcome(result: Result<Told, CallError>) -> Outcome {
    match result {
        Ok(told) => serde_json::from_str(told.content.get())
            .map_or_else(|_| Outcome::Broken("content that is no JSON".into()), Outcome::Content),
        Err(CallError::Problem(problem)) => Outcome::Reason(problem.reason),
        Err(error) => Outcome::Broken(error.to_string()),
    }
}

async fn ask(clerk: &InnerClient, id: ActId, inquiry: &PlannedInquiry) -> Outcome {
    let ids = (
        AffairId::parse(inquiry.affair),
        ItemId::parse(inquiry.item),
        PartyId::parse(inquiry.provider.as_str()),
    );
    let (Ok(affair), Ok(item), Ok(provider)) = ids else {
        return Outcome::Broken("an id of the plan is not valid".into());
    };
    let ask = Ask { id: Some(id), customer: inquiry.number.clone(), affair, item, provider };
    outcome(clerk.post(INQUIRIES, &ask, WITHIN).await)
}

async fn send_out_of_time(member: &Member, inquiry: &PlannedInquiry) -> Outcome {
    let Ok(provider) = PartyId::parse(inquiry.provider.as_str()) else {
        return Outcome::Broken("an id of the plan is not valid".into());
    };
    match member.compose(&inquiry.number, inquiry.affair, inquiry.item, &provider).await {
        Ok((mut composed, _)) => {
            composed.at =
                composed.at.plus_ms(if inquiry.sending == Sending::Late { -600_000 } else { 600_000 });
            composed.deadline = composed.at.plus_ms(10_000);
            match member.send(&member.sign(&composed)).await {
                Err(CallError::Problem(problem)) => Outcome::Reason(problem.reason),
                Err(error) => Outcome::Broken(error.to_string()),
                Ok(_) => Outcome::Broken("an inquiry out of its time was answered".into()),
            }
        }
        Err(reason) => Outcome::Broken(format!("could not be composed: {reason}")),
    }
}
