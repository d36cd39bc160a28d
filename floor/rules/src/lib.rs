//! Who may do what: pure decisions over facts.
//!
//! Every place of the road has one `decide_…(request, facts, now) -> Result<Permit<…>, Refusal>`. Nothing here
//! reads a clock, a database or the network, so a past act can be decided again under the law of its day.
//! A [`Permit`] can be built nowhere else; functions that act, and functions that reveal a secret, take one.

mod accreditation;
mod defaults;
mod issue;
mod operate;
mod own;
mod permit;
mod provider;
mod retention;
mod transcryptor;
mod verification;
mod whitelist;

pub use accreditation::{Accreditation, AccreditedPerson, Standing};
pub use defaults::Defaults;
pub use issue::{IssueFacts, IssueRequest, decide_issue};
pub use operate::{Operation, Role, decide_operation};
pub use own::{OwnFacts, decide_own_records};
pub use permit::{Answer, Ask, Basis, Convert, Issue, Look, Operate, Permit, Refusal};
pub use provider::{AskFacts, Late, ProviderFacts, decide_answer, decide_ask, decide_late_answer};
pub use retention::{RecordClass, has_ended};
pub use transcryptor::{InquiryRequest, Pace, TranscryptorFacts, decide_conversion};
pub use verification::{Verification, VerificationFacts, decide_verification};
pub use whitelist::{Row, Whitelist};
