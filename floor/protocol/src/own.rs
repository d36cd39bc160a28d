//! A person's own records: the portal finds them in its index, linkage says what they are, and each comes with what it
//! takes to check it.
//!
//! The person is asserted by the authority, which has checked the card or a passkey ([`crate::sign_in`]), in a demo by the picker,
//! too: a signed assertion that names the person to the registry alone. The portal never learns a name; linkage learns that somebody looks, not who.

use schemars::JsonSchema;
use seal::{Guard, Typ};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use words::{ActId, B64, ItemId, Moment, PartyId};

use crate::Message;
use crate::directory::Signed;

/// Route at the portal: my records.
pub const MY_RECORDS: &str = "/my-records";
/// Route at the registry, for the portal: the asserted person's code, sent the way of an issue.
pub const PERSON_CODE: &str = "/person-code";
/// Route at linkage, for the portal: what acts were, by their ids, on the person's assertion.
pub const OWN_RECORDS: &str = "/own-records";

/// Route at the portal, for whoever shows assertions: a ticket for the person's own pages.
pub const PERSON_SIGN_INS: &str = "/person-sign-ins";

/// HPKE info under which a person is named to the registry; the nonce is the additional data.
pub const PERSON_INFO: &[u8] = b"musubi/demo-person/v1";
/// In whose name the demo's picker signs.
pub const DEMO: &str = "demo";
/// How long an assertion may hold, ms.
pub const LONGEST_MS: i64 = 900_000;

/// Says to the portal and the registry who looks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DemoAssertion {
    /// [`DemoPerson`], sealed to the registry.
    pub person: B64,
    /// 16 random bytes, the same as in the [`DemoLook`].
    pub nonce: B64,
    /// When it was made.
    pub at: Moment,
    /// Until when it holds.
    pub ends: Moment,
}

impl Message for DemoAssertion {
    const TYP: Typ = Typ("musubi-demo-assertion+jws");
}

/// Whom the picker picked.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DemoPerson {
    /// The register's own key of the entry.
    pub entry: String,
}

/// Says to linkage that a person looks at the own records; not who.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DemoLook {
    /// 16 random bytes.
    pub nonce: B64,
    /// When it was made.
    pub at: Moment,
    /// Until when it holds.
    pub ends: Moment,
}

impl Message for DemoLook {
    const TYP: Typ = Typ("musubi-demo-look+jws");
}

/// Asks the portal.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskMyRecords {
    /// [`DemoAssertion`] or [`crate::sign_in::PersonAssertion`].
    pub assertion: seal::Jws,
    /// [`DemoLook`] or [`crate::sign_in::PersonLook`].
    pub look: seal::Jws,
}

/// Route at the portal: what an institution holds about the person, one item.
pub const MY_INFORMATION: &str = "/my-information";

/// Asks the portal for what an institution holds.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskMyInformation {
    /// [`DemoAssertion`] or [`crate::sign_in::PersonAssertion`].
    pub assertion: seal::Jws,
    /// The institution.
    pub provider: PartyId,
    /// The item.
    pub item: ItemId,
    /// The act whose late answer is to be looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<ActId>,
}

/// What an institution holds: `content`, or until when a clerk there decides.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MyInformation {
    /// The act, which stands in the person's records.
    pub act: ActId,
    /// The content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Box<RawValue>>,
    /// When the institution's copy was taken, where the content is from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Moment>,
    /// When an answer is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
}

/// Asks the registry.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskPersonCode {
    /// [`DemoAssertion`] or [`crate::sign_in::PersonAssertion`].
    pub assertion: seal::Jws,
    /// Where the person wants to see what somebody holds: guards for the inquiry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guards: Option<AskGuards>,
}

/// Asks the registry, which knows birth date and sex, for the guards of one inquiry by the person. All providers are named, so
/// that the registry does not learn which is meant.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskGuards {
    /// The inquiry's act.
    pub act: ActId,
    /// At most [`MOST_PROVIDERS`].
    pub providers: Vec<PartyId>,
}

/// Providers in one question for guards.
pub const MOST_PROVIDERS: usize = 64;

/// Under which id the code was sent.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonCodeSent {
    /// The batch; its first row is the person's.
    pub id: ActId,
    /// The guards that were asked for, in that order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Guard>,
}

/// Asks linkage. At most [`MOST_ACTS`] acts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskOwnRecords {
    /// [`DemoLook`] or [`crate::sign_in::PersonLook`].
    pub look: seal::Jws,
    /// Which acts.
    pub acts: Vec<ActId>,
}

/// Acts in one question to linkage.
pub const MOST_ACTS: usize = 500;

/// One act as the person is shown it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnAct {
    /// The act.
    pub act: ActId,
    /// Linkage's records of it: decision, then outcome.
    pub records: Vec<OwnRecord>,
}

/// One record with what it takes to check it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnRecord {
    /// The salt, 32 bytes.
    pub salt: B64,
    /// The canonical record.
    pub text: String,
    /// The receipt (C2SP tlog-proof); `None` while no witness has seen the record yet.
    pub receipt: Option<String>,
}

/// What the portal shows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MyRecords {
    /// Newest first.
    pub acts: Vec<OwnAct>,
    /// The directory as the authority signed it: the keys to check receipts with, the names to show.
    pub directory: Signed,
}
