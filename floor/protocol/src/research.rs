//! The room of research, on its inner side: data domains and their tables, sets that are asked for, approved, made, taken over
//! and given back, findings that reach a person, and statistics (rows M9-M11, M15).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use words::{ActId, DataDomain, Date, Moment};

/// Route: data domains.
pub const DOMAINS: &str = "/research/domains";
/// Route: the table of a domain, CSV.
pub const TABLE: &str = "/research/domains/{domain}/table";
/// Route: the ledger of a domain's releases.
pub const RELEASES: &str = "/research/domains/{domain}/releases";
/// Route: the statistics tables of a domain.
pub const TABLES: &str = "/research/domains/{domain}/tables";
/// Route: sets.
pub const SETS: &str = "/research/sets";
/// Route: an officer's judgement of a set.
pub const JUDGEMENT: &str = "/research/sets/{id}/judgement";
/// Route: has a set made.
pub const RELEASE: &str = "/research/sets/{id}/release";
/// Route: takes a set over, CSV.
pub const HANDOVER: &str = "/research/sets/{id}/handover";
/// Route: says that a set was returned or destroyed.
pub const END: &str = "/research/sets/{id}/end";
/// Route: findings about one row of a linkable set.
pub const FINDINGS: &str = "/research/findings";
/// Route: an officer's assent that a finding reaches its person.
pub const ASSENT: &str = "/research/findings/{id}/assent";
/// Route: the person of a finding, for the domain's keeper.
pub const PERSON: &str = "/research/findings/{id}/person";
/// Route: statistics tables.
pub const STATISTICS: &str = "/research/statistics";

/// A data domain as its keeper opens it. What it says holds for all releases from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenDomain {
    /// Its id.
    pub id: DataDomain,
    /// What it is called, in Japanese.
    pub name: String,
    /// In English.
    pub name_en: String,
    /// The column of the person's key in this domain: an institution's code or own number.
    pub person: String,
    /// The columns of what must not be learnt of a person, up to eight; none, where nothing is sensitive.
    #[serde(default, deserialize_with = "columns")]
    pub sensitive: Vec<String>,
    /// Members that every joint class over all releases has at least; from 2.
    pub k: u32,
    /// Values of each sensitive column that are left in each at least; 1 where nothing is sensitive.
    pub l: u32,
    /// The smallest count above zero that a statistics table shows; 2 to 1000.
    pub minimum_cell: u32,
    /// The whole privacy budget of statistics with differential privacy, in thousandths of ε.
    pub budget_milli_epsilon: u32,
}

/// One column may be given by its name alone, as domains were opened when they had one at most.
fn columns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Columns {
        Several(Vec<String>),
        One(Option<String>),
    }
    Ok(match Columns::deserialize(deserializer)? {
        Columns::Several(columns) => columns,
        Columns::One(column) => column.into_iter().collect(),
    })
}

/// A data domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DomainLine {
    /// As it was opened.
    pub domain: OpenDomain,
    /// Columns of its table, person and sensitive columns included.
    pub columns: Vec<String>,
    /// Rows of its table.
    pub rows: u64,
    /// People it has ever had.
    pub people: u64,
    /// Releases so far.
    pub releases: u64,
    /// What is spent of the budget, in thousandths of ε.
    pub spent_milli_epsilon: u64,
}

/// A table was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Loaded {
    /// Its rows: one for each person.
    pub rows: u64,
    /// Of them, people the domain did not have before.
    pub new_people: u64,
}

/// How an attribute becomes coarser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Coarser {
    /// Kept or `*`.
    KeptOrSuppressed,
    /// Five, ten, twenty years.
    Ages,
    /// Seven, three, two digits.
    PostalCodes,
    /// Municipality, prefecture, region.
    Municipalities,
    /// ICD-10: code, category, chapter.
    Diagnoses,
    /// So many first characters, fewer at each level.
    Masked(Vec<usize>),
    /// Whole numbers, in intervals of these widths.
    Intervals {
        /// Each a multiple of the one before.
        widths: Vec<i64>,
        /// Below it all are one.
        least: Option<i64>,
        /// From it on all are one.
        most: Option<i64>,
    },
    /// A row for each value: the value, then what it becomes at each level.
    Rows(Vec<Vec<String>>),
}

/// An attribute that could single a person out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedAttribute {
    /// The column.
    pub name: String,
    /// How it becomes coarser.
    pub coarser: Coarser,
    /// What losing it counts, 1 to 100; 1 where nothing is said.
    #[serde(default = "one")]
    pub weight: u32,
}

const fn one() -> u32 {
    1
}

/// A set as a researcher asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskSet {
    /// Of which domain.
    pub domain: DataDomain,
    /// What for: 10 to 1000 characters.
    pub purpose: String,
    /// Who gets it, by name and organisation: at least one.
    pub recipients: Vec<String>,
    /// What could single a person out.
    pub attributes: Vec<AskedAttribute>,
    /// Whether the domain's sensitive columns are in it.
    pub with_sensitive: bool,
    /// Rows that look alike at least; at least the domain's.
    pub k: u32,
    /// Values of each sensitive column in each class at least; at least the domain's.
    pub l: u32,
    /// Rows that may be left out, in thousandths.
    pub suppression_permille: u32,
    /// Whether each row carries a number by which a finding can reach the person.
    pub linkable: bool,
    /// Until when it is returned or destroyed.
    pub return_by: Date,
}

/// How a set stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SetState {
    /// Asked for; officers judge.
    Asked,
    /// An officer declined it.
    Declined,
    /// Two officers approved it; its keeper has it made.
    Approved,
    /// The engine found no set that is safe beside the earlier ones.
    Refused,
    /// It was made and waits to be taken over.
    Made,
    /// It is with its recipients.
    HandedOver,
    /// It was returned.
    Returned,
    /// It was destroyed.
    Destroyed,
}

impl SetState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Asked,
        Self::Declined,
        Self::Approved,
        Self::Refused,
        Self::Made,
        Self::HandedOver,
        Self::Returned,
        Self::Destroyed,
    ];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Declined => "declined",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Made => "made",
            Self::HandedOver => "handed_over",
            Self::Returned => "returned",
            Self::Destroyed => "destroyed",
        }
    }

    /// In Japanese and English.
    pub const fn in_words(self) -> [&'static str; 2] {
        match self {
            Self::Asked => ["審査待ち", "waits for officers"],
            Self::Declined => ["不承認", "declined"],
            Self::Approved => ["承認済み(作成待ち)", "approved, to be made"],
            Self::Refused => ["作成できません(ほかの集合と合わせると特定のおそれ)", "cannot be made safely"],
            Self::Made => ["作成済み(引渡し待ち)", "made, to be taken over"],
            Self::HandedOver => ["引渡し済み", "with its recipients"],
            Self::Returned => ["返却済み", "returned"],
            Self::Destroyed => ["消去済み", "destroyed"],
        }
    }
}

/// An officer's judgement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Judge {
    /// Whether the officer approves.
    pub approves: bool,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

/// A judgement that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Whose.
    pub officer: String,
    /// Whether it approves.
    pub approves: bool,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Moment,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MadeSet {
    /// The level of each attribute.
    pub levels: BTreeMap<String, usize>,
    /// Rows of the table.
    pub rows: u64,
    /// Rows left out.
    pub left_out: u64,
    /// Of them, for the sake of earlier releases alone.
    pub withheld: u64,
    /// Classes.
    pub classes: u64,
    /// Loss, from 0 to 1.
    pub loss: f64,
    /// Whether it is proved that no other levels lose less.
    #[serde(default)]
    pub is_optimal: bool,
    /// Smallest joint class over all releases of the domain afterwards.
    pub smallest_joint_class: u64,
    /// SHA-256 of the CSV, hex.
    pub sha256: String,
}

/// The least change that would let a refused set pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeastChange {
    /// Rows that would have to be left out.
    pub needed: u64,
    /// Rows that may be.
    pub allowed: u64,
    /// `suppression_permille` with which it would pass; above 1000 it would not at all.
    pub suppression_permille: u32,
    /// At these levels.
    pub levels: BTreeMap<String, usize>,
    /// Whether it is proved that no levels need fewer.
    #[serde(default)]
    pub is_least: bool,
}

impl LeastChange {
    /// In Japanese and English.
    pub fn in_words(&self) -> [String; 2] {
        let (needed, allowed, permille) = (self.needed, self.allowed, self.suppression_permille);
        if permille >= 1000 {
            return [
                format!(
                    "どの粗さでも安全になりません(全{needed}行を除く必要があります)。属性を減らすか、より粗くできる階層を与えてください。"
                ),
                format!(
                    "It would not pass at any levels (all {needed} rows would have to be left out). Ask for fewer attributes, or give their hierarchies a coarser level."
                ),
            ];
        }
        [
            format!(
                "{needed}行を除けば通ります(いまの上限は{allowed}行)。suppression_permille を {permille} にして出し直してください。"
            ),
            format!(
                "It would pass with {needed} rows left out; {allowed} may be. Ask again with suppression_permille {permille}."
            ),
        ]
    }
}

/// A set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetLine {
    /// Its id: that of the act by which it was asked for.
    pub id: ActId,
    /// As it was asked for.
    pub ask: AskSet,
    /// By whom.
    pub researcher: String,
    /// When.
    pub at: Moment,
    /// How it stands.
    pub state: SetState,
    /// What officers said.
    pub judgements: Vec<Judgement>,
    /// What was made.
    pub made: Option<MadeSet>,
    /// Why it was not.
    pub least_change: Option<LeastChange>,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// Days until it is to be returned or destroyed, while it is with its recipients; negative once that day has passed.
    pub days_left: Option<i64>,
}

impl SetLine {
    /// Days before the day from which on recipients are reminded.
    pub const REMIND_DAYS: i64 = 14;

    /// What recipients are reminded of, in Japanese and English; nothing while there is time.
    pub fn reminder(&self) -> Option<[String; 2]> {
        let by = self.ask.return_by;
        match self.days_left? {
            left if left < 0 => Some([
                format!(
                    "期限({by})を{}日過ぎています。第三者機関に知らせました。返却または消去してください。",
                    -left
                ),
                format!(
                    "Overdue by {} days (was due {by}); the third-party body has been told. Return or destroy it.",
                    -left
                ),
            ]),
            left if left <= Self::REMIND_DAYS => Some([
                format!("あと{left}日({by}まで)に返却または消去してください。"),
                format!("To be returned or destroyed within {left} days, by {by}."),
            ]),
            _ => None,
        }
    }
}

/// How a set ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HowEnded {
    /// It was returned, and no copy was kept.
    Returned,
    /// All copies were destroyed.
    Destroyed,
}

/// Says that a set was returned or destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndSet {
    /// How.
    pub how: HowEnded,
    /// By whom and how it was done: 1 to 500 characters.
    pub statement: String,
}

/// A release in the ledger of a domain: a set, or a statistics table that tells sensitive values of groups of people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseLine {
    /// Its number, from 1.
    pub number: u64,
    /// The set, or the act by which the table was made.
    pub set: ActId,
    /// When.
    pub at: Moment,
    /// How the set stands; nothing for a table, which is never taken back.
    pub state: Option<SetState>,
    /// People in it.
    pub people: u64,
    /// Smallest joint class after it.
    pub smallest_joint_class: u64,
    /// People in a joint class of fewer than k after it: 0, or something is wrong.
    pub below_k: u64,
    /// People with fewer than l values left: 0, or something is wrong.
    pub below_l: u64,
}

impl ReleaseLine {
    /// How it stands, in Japanese and English.
    pub const fn in_words(&self) -> [&'static str; 2] {
        match self.state {
            Some(state) => state.in_words(),
            None => ["統計表(取り戻せません)", "a statistics table, which stays out"],
        }
    }
}

/// A finding about one row of a linkable set, as its researcher reports it.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportFinding {
    /// The set.
    pub set: ActId,
    /// The row's number.
    pub number: String,
    /// What was found and why the person should know: 10 to 4000 characters.
    pub finding: String,
}

/// How a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// Nobody has assented.
    Reported,
    /// One officer has.
    OneAssent,
    /// Two have; the keeper can reach the person.
    Opened,
    /// The keeper has the person's key.
    Reached,
}

/// A finding; what was found, and about whom, is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingLine {
    /// Its id.
    pub id: ActId,
    /// The set.
    pub set: ActId,
    /// Of which domain.
    pub domain: DataDomain,
    /// Who reported it.
    pub researcher: String,
    /// When.
    pub at: Moment,
    /// How it stands.
    pub state: FindingState,
    /// Officers who assented.
    pub assents: Vec<String>,
}

/// What officers read before they assent.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// The person's key in the domain.
    pub person: String,
    /// What was found.
    pub finding: String,
}

/// A column of a statistics table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountBy {
    /// The column.
    pub name: String,
    /// How it becomes coarser; as it is where nothing is said.
    pub coarser: Option<Coarser>,
    /// At which level, from 0.
    #[serde(default)]
    pub level: usize,
    /// Labels to count, fixed without looking at the data: needed with a budget. What is none of them counts as `*`.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// A statistics table as a researcher asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// Of which domain.
    pub domain: DataDomain,
    /// What for: 10 to 1000 characters.
    pub purpose: String,
    /// By what: up to 5 columns.
    pub by: Vec<CountBy>,
    /// Spends so much of the budget, in thousandths of ε, and adds discrete Laplace noise; cell-key noise where nothing is said.
    pub milli_epsilon: Option<u32>,
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Label in each column.
    pub labels: Vec<String>,
    /// The count with its noise; with a budget it can be below zero.
    pub count: i64,
}

/// A statistics table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatisticsTable {
    /// The act by which it was made.
    pub act: ActId,
    /// Its columns.
    pub columns: Vec<String>,
    /// Its cells, in the order of their labels.
    pub cells: Vec<Cell>,
    /// Rows that are counted in no cell, as they could be told apart beside the domain's releases.
    pub left_out: u64,
    /// What is left of the budget, in thousandths of ε, where it was spent from.
    pub left_milli_epsilon: Option<u64>,
}

/// A statistics table in the ledger of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableLine {
    /// The act by which it was made.
    pub act: ActId,
    /// When.
    pub at: Moment,
    /// Its columns.
    pub columns: Vec<String>,
    /// What it spent of the budget, in thousandths of ε; nothing where its noise is by cell keys.
    pub milli_epsilon: Option<u32>,
    /// Its number among the releases, where it is one: it tells sensitive values, without a budget.
    pub release: Option<u64>,
}
