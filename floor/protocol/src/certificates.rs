//! People's certificates (row C1, C2, C12, C14): ordered by the resident register, ended by it, verified for relying parties.
//!
//! The register names a person to the authority by a handle of its own, which nobody else has; that both certificates of a person
//! belong together is known to the authority alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use words::{ActId, B64, Date, Moment, PartyId};

/// Route at the authority, for the register: order certificates.
pub const CERTIFICATES: &str = "/certificates";
/// Route at the authority, for the register: something happened to a holder.
pub const EVENTS: &str = "/certificate-events";
/// Route at the authority, for accredited institutions: verify what a person signed.
pub const VERIFICATIONS: &str = "/verifications";
/// Route at the authority, for accredited institutions: whether certificates it verified have ended.
pub const CONFIRMATIONS: &str = "/change-confirmations";
/// Route at the authority, for the holder: who verified the own certificates.
pub const USES: &str = "/certificate-uses";
/// Route at the authority, for the holder: who may learn the attributes of a new certificate.
pub const CONSENTS: &str = "/attribute-consents";
/// Route at the authority, for its operator: make the revocation lists now.
pub const LISTS: &str = "/revocation-lists";
/// Route at the register, for a registrar: certificates for keys that a resident's card made.
pub const CARD_CERTIFICATES: &str = "/card-certificates";
/// Route at the register, for a registrar: a resident's certificates are suspended, resumed or given back.
pub const CARD_EVENTS: &str = "/card-events";

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// 署名用電子証明書
    Signature,
    /// 利用者証明用電子証明書
    Authentication,
}

/// The municipality where the person asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The prefecture in Roman letters, e.g. `Tokyo-to`; 1 to 64 letters, spaces and hyphens.
    pub prefecture: String,
    /// The municipality in Roman letters, e.g. `Kiyose-shi`; likewise.
    pub municipality: String,
    /// Its five-digit code.
    pub code: String,
}

/// 男・女・不明, as certificates have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// 男
    Male,
    /// 女
    Female,
    /// Not said.
    Unknown,
}

/// The four attributes as a signature certificate has them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertifiedAttributes {
    /// 氏名; 1 to 100 characters.
    pub name: String,
    /// 住所; 1 to 200 characters.
    pub address: String,
    /// 生年月日
    pub birth: Date,
    /// 性別
    pub sex: Sex,
}

/// The register orders certificates for one person.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderCertificates {
    /// The act.
    pub id: ActId,
    /// The register's handle of the person, 32 bytes.
    pub holder: B64,
    /// Where the person asked.
    pub window: Window,
    /// What the register has of the person.
    pub attributes: CertifiedAttributes,
    /// A PKCS#10 request signed with the signature key; absent if no such certificate is wanted.
    pub signature: Option<B64>,
    /// The same for the authentication key.
    pub authentication: Option<B64>,
}

/// One certificate that was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuedCertificate {
    /// What it is for.
    pub purpose: Purpose,
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// The certificate, DER.
    pub certificate: B64,
    /// The authority's own, DER.
    pub authority: B64,
}

/// What was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuedCertificates {
    /// In the order signature, authentication.
    pub issued: Vec<IssuedCertificate>,
}

/// What happened to a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HolderEvent {
    /// One of the four attributes changed: the signature certificate ends.
    AttributesChanged,
    /// The holder died, or is no longer in the register: both end.
    Ended,
    /// The card is lost, or stolen: both are suspended.
    Suspended,
    /// The card was found again: both are valid again.
    Resumed,
    /// The holder gives both back.
    GivenBack,
    /// Somebody else may have the keys: both end.
    KeyCompromised,
}

/// The register tells of an event.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TellEvent {
    /// The act.
    pub id: ActId,
    /// The register's handle of the person.
    pub holder: B64,
    /// What happened.
    pub event: HolderEvent,
}

/// How many certificates changed their state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventDone {
    /// Certificates that are in another state now.
    pub changed: u32,
}

/// One signature of a person, to be verified.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedThing {
    /// The certificate, DER.
    pub certificate: B64,
    /// SHA-256 of what was signed, 32 bytes: the authority does not see it.
    pub hash: B64,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (or ECDSA P-256) over it.
    pub signature: B64,
}

/// An institution asks about what a person signed: one signature, or one of each certificate at the first tie.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// The act.
    pub id: ActId,
    /// One or two.
    pub signed: Vec<SignedThing>,
}

/// How a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CertificateState {
    /// It holds.
    Valid,
    /// It is suspended, and may hold again.
    Suspended,
    /// It ended before its time.
    Ended,
    /// Its time is over.
    Expired,
    /// It is none that this institution may ask about.
    Unknown,
}

/// What was found about one signature.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Whether signature, chain, policy and state all hold.
    pub valid: bool,
    /// What does not hold, in English; empty where all does.
    pub because: String,
    /// The certificate's serial number, hexadecimal: the id for later log-ins. Absent where the certificate is not this authority's.
    pub serial: Option<String>,
    /// What it is for.
    pub purpose: Option<Purpose>,
    /// How it stands.
    pub state: CertificateState,
    /// The attributes in a signature certificate that holds, where the institution's impact assessment is in force.
    pub attributes: Option<CertifiedAttributes>,
}

/// What was found.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verified {
    /// One for each signature, in order.
    pub verdicts: Vec<Verdict>,
    /// Where both certificates came and hold: whether they are one person's.
    pub same_holder: Option<bool>,
}

/// An institution asks whether certificates it has verified have ended.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// The act.
    pub id: ActId,
    /// Serial numbers, hexadecimal; 1 to 1,000.
    pub serials: Vec<String>,
}

/// How one of them stands.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// Which.
    pub serial: String,
    /// How it stands; never why it ended.
    pub state: CertificateState,
    /// Since when, where it is suspended or ended.
    pub since: Option<Moment>,
    /// The attributes of the person's present signature certificate: only where this one ended, and the person consented.
    pub attributes: Option<CertifiedAttributes>,
}

/// How they stand.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmed {
    /// One for each, in order.
    pub states: Vec<Confirmation>,
}

/// A holder looks at who verified the own certificates.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LookAtUses {
    /// The act.
    pub id: ActId,
    /// When it was signed; within two minutes.
    pub at: Moment,
    /// The holder's authentication certificate, DER.
    pub certificate: B64,
    /// Its key's signature over [`LookAtUses::text`].
    pub signature: B64,
}

impl LookAtUses {
    /// What is signed.
    pub fn text(&self) -> String {
        format!("musubi-certificate-uses-v1\n{}\n{}\n", self.id, self.at.0)
    }
}

/// One use of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// When.
    pub at: Moment,
    /// By whom.
    pub party: PartyId,
    /// Under which act.
    pub act: ActId,
    /// Which certificate.
    pub purpose: Purpose,
}

/// The uses of both certificates of a holder, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Uses {
    /// At most 1,000.
    pub uses: Vec<Use>,
}

/// A holder lets an institution learn the attributes of later signature certificates, or no longer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveConsent {
    /// The act.
    pub id: ActId,
    /// When it was signed; within two minutes.
    pub at: Moment,
    /// To whom.
    pub party: PartyId,
    /// Until when, at most five years ahead; the past ends a consent.
    pub until: Moment,
    /// The holder's signature certificate, DER.
    pub certificate: B64,
    /// Its key's signature over [`GiveConsent::text`].
    pub signature: B64,
}

impl GiveConsent {
    /// What is signed.
    pub fn text(&self) -> String {
        format!("musubi-attribute-consent-v1\n{}\n{}\n{}\n{}\n", self.id, self.at.0, self.party, self.until.0)
    }
}

/// Lists that were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListsMade {
    /// How many.
    pub lists: u32,
}

/// A registrar orders certificates for the keys of a resident's card.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderForCard {
    /// The register's key for the entry.
    pub entry: String,
    /// Where the person asked.
    pub window: Window,
    /// A PKCS#10 request signed in the card with the signature key.
    pub signature: Option<B64>,
    /// The same for the authentication key.
    pub authentication: Option<B64>,
}

/// A registrar says what happened to a resident's card.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CardEvent {
    /// The register's key for the entry.
    pub entry: String,
    /// What happened: `suspended`, `resumed`, `given_back` or `key_compromised`.
    pub event: HolderEvent,
}
