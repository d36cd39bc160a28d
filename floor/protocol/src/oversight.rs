//! Oversight's documents (accreditations, whitelist), alarms and cases.

use rules::{Accreditation, Row, Standing};
use schemars::JsonSchema;
use seal::Typ;
use serde::{Deserialize, Serialize};
use words::{ActId, Kind, Moment, PartyId, StaffId};

use crate::Message;
use crate::audit::FindingKind;

/// Route: the signed [`Accreditations`].
pub const ACCREDITATIONS: &str = "/accreditations";
/// Route: the [`WhitelistDocument`], signed by its publisher and by oversight over the same payload.
pub const WHITELIST: &str = "/whitelist";
/// Route: rooms raise alarms here; officers read them.
pub const ALARMS: &str = "/alarms";
/// Route: institutions open cases here; officers work on them.
pub const CASES: &str = "/cases";

/// All accreditations, as signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accreditations {
    /// Grows with every change.
    pub version: i64,
    /// When it was signed.
    pub issued_at: Moment,
    /// Until when it may be decided on.
    pub valid_until: Moment,
    /// The whitelist's version in force: an older list is refused.
    pub whitelist_version: u32,
    /// One for each institution.
    pub accreditations: Vec<Accreditation>,
}

impl Message for Accreditations {
    const TYP: Typ = Typ("musubi-accreditations+jws");
}

/// The whitelist, as signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhitelistDocument {
    /// Grows with every change.
    pub version: u32,
    /// When it was published.
    pub issued_at: Moment,
    /// The rows.
    pub rows: Vec<Row>,
}

impl Message for WhitelistDocument {
    const TYP: Typ = Typ("musubi-whitelist+jws");
}

/// Accredits an institution, or gives a known one a new kind or assessment. Route: `POST /accreditations`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accredit {
    /// The institution: one that the authority has certified.
    pub party: PartyId,
    /// A kind the whitelist speaks of.
    pub kind: Kind,
    /// Until when its impact assessment is approved: at most [`ASSESSED_YEARS`] years from now; `None` for none yet.
    pub assessed_until: Option<Moment>,
    /// Whether it holds the Individual Number.
    pub holds_number: bool,
    /// Why, in the officer's words: 1 to 500 characters.
    pub reason: String,
}

/// An impact assessment is done anew after so many years (特定個人情報保護評価に関する規則).
pub const ASSESSED_YEARS: i64 = 5;

/// Accredits a person on duty by name, or suspends, restores, withdraws that. Route: `POST /accreditations/{party}/people`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccreditPerson {
    /// The institution's own id of the person, as it stands in inquiries.
    pub staff: StaffId,
    /// How the person stands from now on; `withdrawn` takes the name off the list.
    pub standing: Standing,
    /// Why, in the officer's words: 1 to 500 characters.
    pub reason: String,
}

/// An alarm as a room raises it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// What is wrong.
    pub kind: FindingKind,
    /// With which act.
    pub act: ActId,
    /// When it was noticed.
    pub at: Moment,
}

/// An alarm as an officer reads it: a room's, or a finding of oversight's own watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlarmLine {
    /// What is wrong.
    pub kind: FindingKind,
    /// With which act, where it is about one.
    pub act: Option<ActId>,
    /// When it was noticed.
    pub at: Moment,
    /// Who raised it.
    pub raised_by: PartyId,
    /// At whom it was found, where that is known.
    pub party: Option<PartyId>,
    /// Which side or field.
    pub detail: String,
    /// The inquirer, as linkage's records have it; filled in after the alarm came.
    pub inquirer: Option<PartyId>,
    /// The provider, likewise.
    pub provider: Option<PartyId>,
}

/// Why a case is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    /// Birth date or sex at the provider are not those at the inquirer: a wrong link, or an exchanged subject.
    GuardMismatch,
    /// An alarm that needs an investigation.
    Alarm,
    /// A complaint.
    Complaint,
}

/// A case as it is opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenCase {
    /// Why.
    pub kind: CaseKind,
    /// About which act.
    pub act: ActId,
    /// When it was noticed.
    pub at: Moment,
}

/// How a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// Nobody has looked yet.
    Open,
    /// An officer is at work.
    UnderInvestigation,
    /// It ended.
    Closed,
}

/// A case as an officer reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseLine {
    /// Its number.
    pub number: i64,
    /// What it is about.
    pub case: OpenCase,
    /// Who opened it.
    pub opened_by: PartyId,
    /// How it stands.
    pub state: CaseState,
    /// Until when it must be decided.
    pub due: Moment,
}

/// Route at oversight, for the portal: how the case of a complaint about an act stands.
pub const COMPLAINT: &str = "/complaints/{act}";

/// A change of a case's state.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveCase {
    /// The new state.
    pub state: CaseState,
}

/// What linkage tells oversight of an act: the core's six items, no person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActParties {
    /// The inquirer.
    pub inquirer: PartyId,
    /// The provider.
    pub provider: PartyId,
}

/// An accreditation's change, as an officer makes it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeStanding {
    /// The new standing.
    pub standing: rules::Standing,
    /// Why, in the officer's words; goes into the record, not to the institution.
    pub reason: String,
}

/// The version that carries the change.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// The accreditations' new version.
    pub version: i64,
}
