//! The registry's inner side: entering residents, changing them, finding a number (rows N1-N4).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use words::Date;

use crate::issue::Attributes;

/// Route: enter residents, many in one call.
pub const RESIDENTS: &str = "/residents";
/// Route: a change of one resident.
pub const CHANGES: &str = "/changes";
/// Route: the current number from a former one and the day on which it was valid.
pub const FIND_NUMBER: &str = "/numbers/find";
/// Route: start the issue of the portal's codes for residents that have none.
pub const PORTAL_CODES: &str = "/portal-codes";

/// The ten kinds of entry of the resident register (003).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// 転入
    TransferIn,
    /// 出生
    Birth,
    /// 職権記載
    ExOfficioEntry,
    /// 転出
    TransferOut,
    /// 死亡
    Death,
    /// 職権消除
    ExOfficioDeletion,
    /// 転居
    Move,
    /// 職権修正
    ExOfficioCorrection,
    /// 住民票コードの変更請求
    CodeChangedOnRequest,
    /// 住民票コードの職権記載
    CodeEnteredExOfficio,
}

impl ChangeKind {
    /// Whether it opens a resident's entry.
    pub const fn opens(self) -> bool {
        matches!(self, Self::TransferIn | Self::Birth | Self::ExOfficioEntry)
    }

    /// Whether it ends a resident's entry.
    pub const fn ends(self) -> bool {
        matches!(self, Self::TransferOut | Self::Death | Self::ExOfficioDeletion)
    }

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TransferIn => "transfer_in",
            Self::Birth => "birth",
            Self::ExOfficioEntry => "ex_officio_entry",
            Self::TransferOut => "transfer_out",
            Self::Death => "death",
            Self::ExOfficioDeletion => "ex_officio_deletion",
            Self::Move => "move",
            Self::ExOfficioCorrection => "ex_officio_correction",
            Self::CodeChangedOnRequest => "code_changed_on_request",
            Self::CodeEnteredExOfficio => "code_entered_ex_officio",
        }
    }
}

/// One resident to enter.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewResident {
    /// The register's own key for the entry, e.g. the municipality's household and line number.
    pub entry: String,
    /// By which event.
    pub kind: ChangeKind,
    /// On which day.
    pub day: Date,
    /// The four attributes.
    pub attributes: Attributes,
}

/// Residents to enter.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnterResidents {
    /// All of them are entered, or none.
    pub residents: Vec<NewResident>,
}

/// How many were entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entered {
    /// New entries.
    pub entered: u32,
    /// Entries that were there already, unchanged.
    pub already: u32,
}

/// A change of one resident.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Whose entry.
    pub entry: String,
    /// What happened.
    pub kind: ChangeKind,
    /// On which day.
    pub day: Date,
    /// The attributes after it; absent where they stay or the entry ends.
    pub attributes: Option<Attributes>,
    /// Whether the Individual Number is changed as well (crime, contamination; row N4).
    #[serde(default)]
    pub new_number: bool,
}

/// The state after a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeDone {
    /// The change's number in the entry's history, from 1.
    pub sequence: i64,
}

/// Asks for the current number.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindNumber {
    /// A number the person has or had.
    pub number: String,
    /// A day on which it was valid.
    pub valid_on: Date,
}

/// The current number. Shown to registrars alone.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundNumber {
    /// The number now.
    pub number: String,
    /// The resident code now.
    pub resident_code: String,
    /// Whether the person's entry has ended (death, moved abroad).
    pub ended: bool,
}

/// How far the portal's codes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortalCodes {
    /// Codes issued by this call.
    pub issued: u32,
}
