//! Signing in with the card's authentication certificate, or with a passkey that was enrolled with it. The authority checks, and
//! asserts the person: to the register by its own handle, to the portal and linkage without saying who.

use schemars::JsonSchema;
use seal::{Jws, Typ};
use serde::{Deserialize, Serialize};
use words::{ActId, B64, Moment};

use crate::Message;

/// Route at the authority, for the holder: an assertion by the card.
pub const ASSERTIONS: &str = "/person-assertions";
/// Route at the authority, for the portal: a challenge for a passkey.
pub const CHALLENGES: &str = "/passkey-challenges";
/// Route at the authority, for the portal: a new passkey.
pub const PASSKEYS: &str = "/passkeys";
/// Route at the authority, for the portal: an assertion by a passkey.
pub const PASSKEY_ASSERTIONS: &str = "/passkey-assertions";
/// Route at the authority, for the portal: a passkey is given up.
pub const REMOVALS: &str = "/passkey-removals";
/// Route at the authority, for the portal: uses and passkeys, to be shown to the person who is signed in.
pub const SHOWN: &str = "/shown-certificates";

/// HPKE info under which a person is named to the registry; the nonce is the additional data.
pub const PERSON_INFO: &[u8] = b"musubi/person/v1";
/// Passkeys of one person at most.
pub const MOST_PASSKEYS: usize = 8;

/// What somebody showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// The card.
    Certificate,
    /// A passkey.
    Passkey,
}

/// The authority says who looks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonAssertion {
    /// [`PersonNamed`], sealed to the registry.
    pub person: B64,
    /// The same for the authority itself, under a key of its own.
    pub own: B64,
    /// By what.
    pub means: Means,
    /// 16 random bytes, the same as in the [`PersonLook`].
    pub nonce: B64,
    /// When it was made.
    pub at: Moment,
    /// Until when it holds.
    pub ends: Moment,
}

impl Message for PersonAssertion {
    const TYP: Typ = Typ("musubi-person-assertion+jws");
}

/// Whom it names to the registry.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonNamed {
    /// The handle under which the registry ordered the certificates.
    pub handle: B64,
}

/// Says to linkage that a person looks at the own records; not who.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonLook {
    /// 16 random bytes.
    pub nonce: B64,
    /// When it was made.
    pub at: Moment,
    /// Until when it holds.
    pub ends: Moment,
}

impl Message for PersonLook {
    const TYP: Typ = Typ("musubi-person-look+jws");
}

/// The holder asks to be asserted. Signed with the card's authentication key.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskAssertion {
    /// The act.
    pub id: ActId,
    /// When it was signed; at most two minutes ago.
    pub at: Moment,
    /// The authentication certificate, DER.
    pub certificate: B64,
    /// PKCS#1 v1.5 with SHA-256 over [`AskAssertion::text`].
    pub signature: B64,
}

impl AskAssertion {
    /// What is signed.
    pub fn text(&self) -> String {
        sign_in_text(&self.id, self.at)
    }
}

/// What is signed to sign in.
pub fn sign_in_text(id: &ActId, at: Moment) -> String {
    format!("musubi-sign-in-v1\n{id}\n{}\n", at.0)
}

/// What the portal is shown then.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asserted {
    /// [`PersonAssertion`].
    pub assertion: Jws,
    /// [`PersonLook`].
    pub look: Jws,
}

/// Asks for a challenge.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskChallenge {}

/// A challenge: once, within five minutes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// 32 random bytes.
    pub challenge: B64,
    /// The id of the relying party: the host of the portal's pages.
    pub site: String,
}

/// A new passkey of somebody who is signed in by the card.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolPasskey {
    /// The act.
    pub id: ActId,
    /// [`PersonAssertion`] by the card.
    pub assertion: Jws,
    /// The challenge.
    pub challenge: B64,
    /// `clientDataJSON`.
    pub client: B64,
    /// `attestationObject`.
    pub attestation: B64,
}

/// Signs in with a passkey.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsePasskey {
    /// The act.
    pub id: ActId,
    /// The challenge.
    pub challenge: B64,
    /// Which passkey.
    pub credential: B64,
    /// `clientDataJSON`.
    pub client: B64,
    /// `authenticatorData`.
    pub data: B64,
    /// Its signature.
    pub signature: B64,
}

/// Gives a passkey up.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemovePasskey {
    /// The act.
    pub id: ActId,
    /// [`PersonAssertion`], by the card or a passkey.
    pub assertion: Jws,
    /// Which passkey.
    pub credential: B64,
}

/// Asks what the person is to be shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskShown {
    /// The act.
    pub id: ActId,
    /// [`PersonAssertion`].
    pub assertion: Jws,
}

/// A passkey as its owner is shown it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyLine {
    /// Its id.
    pub credential: B64,
    /// When it was enrolled.
    pub enrolled: Moment,
    /// When it was used last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Moment>,
}

/// What the person is shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Who verified the own certificates and when, newest first.
    pub uses: Vec<crate::certificates::Use>,
    /// The passkeys, oldest first.
    pub passkeys: Vec<PasskeyLine>,
    /// By what this person is signed in.
    pub means: Means,
}
