//! The inquiry (DESIGN §3): gateway → linkage → trustee → provider's gateway, the reply back the same way.
//!
//! The inquirer's JWS travels unchanged to the provider; each hop puts a JWS of its own beside it, never around
//! it, and every later party verifies every earlier one.

use schemars::JsonSchema;
use seal::{EncryptedCode, Guard, Jws, SealingPublic, Typ};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use words::{ActId, AffairId, B64, Epoch, ItemId, Moment, PartyId, Right, SessionName, StaffId};

use crate::Message;

/// Route at linkage (from gateways), at the trustee (from linkage) and at a gateway (from the trustee).
pub const PATH: &str = "/inquiries";

/// Route at the trustee (from linkage) and at a gateway (from the trustee): a stored reply once more.
pub const REPLIES: &str = "/replies";

/// Asks for the reply of an act that is over, by the bytes it began with.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Again {
    /// The inquirer's JWS.
    pub inquiry: Jws,
}

/// About whom: a link code, encrypted under the inquirer's session.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The epoch of the inquirer's codes.
    pub epoch: Epoch,
    /// The inquirer's session.
    pub session: SessionName,
    /// The encrypted code.
    pub code: EncryptedCode,
}

/// What the inquirer signs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inquiry {
    /// The act.
    pub id: ActId,
    /// For which affair.
    pub affair: AffairId,
    /// For which item.
    pub item: ItemId,
    /// By what right.
    pub right: Right,
    /// The inquirer.
    pub from: PartyId,
    /// The inquirer's department (item 7 of the twelve).
    pub department: String,
    /// The person on duty, by an opaque id.
    pub staff: StaffId,
    /// The provider.
    pub to: PartyId,
    /// About whom.
    pub subject: Subject,
    /// Birth date and sex, sealed to the provider.
    pub guard: Guard,
    /// A fresh key for the reply.
    pub reply_key: SealingPublic,
    /// When it was sent.
    pub at: Moment,
    /// Until when a reply is wanted.
    pub deadline: Moment,
    /// Reference to the person's consent, where the law asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_ref: Option<B64>,
    /// The act that was told to wait for the provider's clerk and whose answer this one picks up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<ActId>,
}

impl Message for Inquiry {
    const TYP: Typ = Typ("musubi-inquiry+jws");
}

/// What a transcryptor signs of what it took in and gave out towards the provider.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hop {
    /// The act.
    pub id: ActId,
    /// SHA-256 of the inquirer's JWS.
    pub inquiry: B64,
    /// The provider's session it converts to.
    pub to_session: SessionName,
    /// The provider's epoch it converts to.
    pub to_epoch: Epoch,
    /// SHA-256 of the code it took in.
    pub taken: B64,
    /// SHA-256 of the code it gave out.
    pub given: B64,
}

impl Message for Hop {
    const TYP: Typ = Typ("musubi-hop+jws");
}

/// Gateway to linkage, or the portal for a person who looks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToLinkage {
    /// The signed [`Inquiry`].
    pub inquiry: Jws,
    /// Where the person looks: that it is the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonAsks>,
}

/// Shows that an asserted person asks about themself, without saying who: the way their code came from the registry to the
/// portal a moment ago. `subject.code` of the inquiry is the first of `codes`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonAsks {
    /// The registry's [`Rows`](crate::issue::Rows), with `asserted_until`.
    pub rows: Jws,
    /// Linkage's and the trustee's [`IssueHop`](crate::issue::IssueHop), in this order.
    pub hops: Vec<Jws>,
    /// The codes as they came to the portal.
    pub codes: Vec<EncryptedCode>,
}

/// Linkage to the trustee.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToTrustee {
    /// The original bytes.
    pub inquiry: Jws,
    /// Linkage's [`Hop`].
    pub hop: Jws,
    /// Half converted, towards the provider.
    pub code: EncryptedCode,
    /// Half converted, towards the portal.
    pub index: crate::index::HalfIndex,
    /// As it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonAsks>,
}

/// Trustee to the provider's gateway.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToProvider {
    /// The original bytes.
    pub inquiry: Jws,
    /// Linkage's and the trustee's [`Hop`], in this order.
    pub hops: Vec<Jws>,
    /// Converted to the provider's domain and session.
    pub code: EncryptedCode,
    /// As it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonAsks>,
}

/// What the pair key of a guard is bound to: inquirer, provider and the inquirer's session.
pub fn guard_name(from: &PartyId, to: &PartyId, session: &SessionName) -> String {
    format!("{from}>{to}>{session}")
}

/// The affair of a person who looks at what is held.
pub const OWN_INFORMATION: &str = "own-information";

/// What the provider signs. The same shape and one of a few sizes, answered or not.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyStatement {
    /// The act.
    pub id: ActId,
    /// SHA-256 of the inquirer's JWS.
    pub inquiry: B64,
    /// SHA-256 of the sealed answer.
    pub sealed: B64,
}

impl Message for ReplyStatement {
    const TYP: Typ = Typ("musubi-reply+jws");
}

/// The reply, the same on every hop back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The signed [`ReplyStatement`].
    pub statement: Jws,
    /// The [`Answer`], padded and sealed to the inquiry's reply key; empty where it follows.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub sealed: B64,
    /// How many bytes of the sealed answer follow the JSON, where it is too large to stand in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<u64>,
}

fn is_empty(bytes: &B64) -> bool {
    bytes.0.is_empty()
}

impl Reply {
    /// How many bytes the sealed answer has.
    pub fn length(&self) -> u64 {
        self.follows.unwrap_or(u64::try_from(self.sealed.0.len()).unwrap_or(u64::MAX))
    }

    /// How many bytes follow; `None` where the sealed answer stands in the JSON, or nowhere, or in both places.
    pub fn tail(&self) -> Option<u64> {
        self.follows.filter(|length| *length > 0 && self.sealed.0.is_empty())
    }
}

/// HPKE info of an answer; the hash of the inquiry's JWS is appended.
pub const ANSWER_INFO: &[u8] = b"musubi/answer/v1";

/// What the inquirer finds when it opens the reply: `{"outcome":"answered","content":…}`, `{"outcome":"later","until":…}`
/// or `{"outcome":"not_answered"}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "AnswerText", try_from = "AnswerText")]
pub enum Answer {
    /// The content, as the provider's connector gave it.
    Answered {
        /// The item's fields.
        content: Box<RawValue>,
        /// When the provider's copy was taken; `None` where its own system was read for this answer.
        as_of: Option<Moment>,
    },
    /// A clerk of the provider decides. The answer is picked up by a later inquiry that `follows` this one.
    Later {
        /// When it is due at the latest.
        until: Moment,
    },
    /// One reason for everything that depends on the person.
    NotAnswered,
}

/// An answer as JSON. Not a tagged enum: serde reads those through a buffer of its own, which loses raw text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerText {
    outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    as_of: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Moment>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Answered,
    Later,
    NotAnswered,
}

impl From<Answer> for AnswerText {
    fn from(answer: Answer) -> Self {
        let text = |outcome| Self { outcome, content: None, as_of: None, until: None };
        match answer {
            Answer::Answered { content, as_of } => {
                Self { content: Some(content), as_of, ..text(Outcome::Answered) }
            }
            Answer::Later { until } => Self { until: Some(until), ..text(Outcome::Later) },
            Answer::NotAnswered => text(Outcome::NotAnswered),
        }
    }
}

impl TryFrom<AnswerText> for Answer {
    type Error = &'static str;

    fn try_from(text: AnswerText) -> Result<Self, Self::Error> {
        match (text.outcome, text.content, text.as_of, text.until) {
            (Outcome::Answered, Some(content), as_of, None) => Ok(Self::Answered { content, as_of }),
            (Outcome::Later, None, None, Some(until)) => Ok(Self::Later { until }),
            (Outcome::NotAnswered, None, None, None) => Ok(Self::NotAnswered),
            _ => Err("`content` and `as_of` belong to an answer and `until` to one that comes later"),
        }
    }
}

impl Answer {
    /// What item 11 of the law's twelve commits to: the content, with the time of the copy where it is from one, or until
    /// when it is promised.
    pub fn committed(&self) -> String {
        match self {
            Self::Answered { content, as_of: None } => content.get().to_owned(),
            Self::Answered { content, as_of: Some(at) } => format!("{}@{}", content.get(), at.0),
            Self::Later { until } => format!("later/{}", until.0),
            Self::NotAnswered => String::new(),
        }
    }

    /// The commitment to item 11, the same at both ends, as lower-case hex. `salt`: from the exporter of the reply's HPKE.
    pub fn commitment(&self, salt: &[u8; 32]) -> String {
        words::hex(&seal::sha256_parts(&[b"musubi/item-11/v1", salt, self.committed().as_bytes()]))
    }

    /// The JSON, preceded by its length (4 bytes, big endian). It is sealed with zeros after it, up to its size class.
    pub fn prefixed(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).unwrap_or_default();
        let mut bytes = Vec::with_capacity(json.len() + 4);
        bytes.extend(u32::try_from(json.len()).unwrap_or(0).to_be_bytes());
        bytes.extend(json);
        bytes
    }

    /// Reads what [`Answer::prefixed`] wrote, whatever stands after it.
    pub fn unpad(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let json = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        serde_json::from_slice(json).ok()
    }
}
