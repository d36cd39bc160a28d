//! Roles on a room's inner side, and what each may do there.

use serde::{Deserialize, Serialize};
use words::{Reason, Right};

use crate::permit::{Basis, Operate, Permit, Refusal};

/// The role behind a key of a room's inner side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the room: reads its state and counts, starts its jobs; sees no personal data.
    Operator,
    /// A clerk or a business system of an institution.
    Clerk,
    /// An officer of the third-party body.
    Officer,
    /// A registrar of the resident register.
    Registrar,
    /// Keeps a data domain: loads its tables, has sets made of them, reaches its people.
    Keeper,
    /// Asks for sets and statistics for research.
    Researcher,
    /// The person the records are about, at the portal: by an assertion, never by a key.
    Person,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Self] = &[
        Self::Operator,
        Self::Clerk,
        Self::Officer,
        Self::Registrar,
        Self::Keeper,
        Self::Researcher,
        Self::Person,
    ];

    /// The word in key files and snapshots.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Clerk => "clerk",
            Self::Officer => "officer",
            Self::Registrar => "registrar",
            Self::Keeper => "keeper",
            Self::Researcher => "researcher",
            Self::Person => "person",
        }
    }
}

/// What an operator of some kind wants to do on a room's inner side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Suspend, restore or withdraw an accreditation.
    ChangeAccreditation,
    /// Read alarms and cases, move cases on.
    WorkOnCases,
    /// Collect records and hold their sides against one another.
    Audit,
    /// Enter residents and changes of them.
    KeepRegister,
    /// Find the current number from a former one.
    FindNumber,
    /// Start the issue of link codes for the own customers.
    StartIssue,
    /// Pass on, or take in, an index entry of an act that has happened.
    PassIndexEntry,
    /// Take in an alarm or a case that another room raises.
    TakeReport,
    /// Revoke a party's certificate.
    RevokeParty,
    /// Order a certificate for a new key of the own party.
    RenewCertificate,
    /// Order a certificate for an operator of the own party.
    CertifyOperator,
    /// Revoke an operator.
    RevokeOperator,
    /// Take in the rows of an issue that both transcryptors let pass.
    TakeCodes,
    /// Replace an institution's codes by those of the next epoch.
    RotateCodes,
    /// Take in the word that codes change their epoch.
    ChangeEpoch,
    /// Approve or decline an inquiry that waits for a clerk.
    SettleInquiry,
    /// Shield a customer's record, or lift the shield.
    ShieldRecord,
    /// Take the copy of the own system that answers others.
    TakeCopy,
    /// Order a person's certificates, or say that they end.
    OrderCertificates,
    /// Make the revocation lists anew before their time.
    MakeLists,
    /// See what the own certificates were used for, or say who may learn the attributes of a new one.
    LookAfterCertificates,
    /// Open a data domain, load its table, have an approved set made, reach a person of it.
    KeepDomain,
    /// Ask for a set or for statistics, take a set over, give it back, report a finding.
    DoResearch,
    /// Say whether a set may be made, and whether a finding may reach its person.
    JudgeResearch,
    /// Watch whether sets come back in time.
    WatchSets,
    /// Ask the third-party body about an act that is in the own records.
    Complain,
}

/// Decides whether `role` may do `operation`.
pub fn decide_operation(operation: Operation, role: Role) -> Result<Permit<Operate>, Refusal> {
    let (needed, entry) = match operation {
        Operation::ChangeAccreditation => {
            (Role::Officer, "powers of the third-party body (番号法第三十三条-第三十五条)")
        }
        Operation::WorkOnCases => {
            (Role::Officer, "powers of the third-party body (番号法第三十三条-第三十五条)")
        }
        Operation::Audit => (Role::Officer, "powers of the third-party body (番号法第三十三条-第三十五条)"),
        Operation::KeepRegister => {
            (Role::Registrar, "keeping of the resident register (住民基本台帳法第七条)")
        }
        Operation::FindNumber => (Role::Registrar, "number from a former number (001 §5.2)"),
        Operation::StartIssue => (Role::Operator, "notice of a link code (番号法第二十一条の二)"),
        Operation::RevokeParty => (Role::Operator, "revocation of a party's certificate (house rule)"),
        Operation::RenewCertificate => (Role::Operator, "certificates of parties (house rule)"),
        Operation::CertifyOperator => (Role::Operator, "certificates of operators (house rule)"),
        Operation::RevokeOperator => (Role::Operator, "revocation of an operator (house rule)"),
        Operation::PassIndexEntry => (Role::Operator, "records of provision (番号法第二十三条)"),
        Operation::TakeReport => (Role::Operator, "reports to the third-party body (番号法第二十九条の四)"),
        Operation::TakeCodes => (Role::Operator, "notice of a link code (番号法第二十一条の二)"),
        Operation::RotateCodes => (Role::Operator, "replacement of an institution's link codes (house rule)"),
        Operation::ChangeEpoch => (Role::Operator, "replacement of an institution's link codes (house rule)"),
        Operation::SettleInquiry => (Role::Clerk, "provision by the provider (番号法第二十二条)"),
        Operation::Complain => (Role::Person, "complaints to the third-party body (番号法第三十八条の八)"),
        Operation::OrderCertificates => {
            (Role::Registrar, "certification through the municipality (公的個人認証法第三条)")
        }
        Operation::MakeLists => (Role::Operator, "records of ended certificates (公的個人認証法第十六条)"),
        Operation::LookAfterCertificates => {
            (Role::Person, "the holder's own certificates (公的個人認証法第六十一条)")
        }
        Operation::KeepDomain => (Role::Keeper, "keeping of a data domain (000 secondary use; 001)"),
        Operation::DoResearch => (Role::Researcher, "secondary use for research (000, 001)"),
        Operation::JudgeResearch => {
            (Role::Officer, "ethical review (人を対象とする生命科学・医学系研究に関する倫理指針)")
        }
        Operation::WatchSets => (Role::Operator, "sets are returned or destroyed (001)"),
        Operation::TakeCopy => (Role::Clerk, "the copy that is kept for inquiries (番号法第二十二条)"),
        Operation::ShieldRecord => (Role::Clerk, "measures of support (住民基本台帳事務処理要領)"),
    };
    if role == needed {
        Ok(Permit::new(Basis { right: Right::Law, entry: entry.into(), version: 0 }))
    } else {
        Err(Reason::NotAllowed.into())
    }
}
