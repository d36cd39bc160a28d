//! At a counter: is this a genuine card, and what does it say? Number and attributes are taken from the chip, held against
//! the issuer's signature, and the chip proves that it is the one the issuer made.

use zeroize::Zeroizing;

use crate::certificate::{Anchor, Certificate};
use crate::host::{Host, HostError, Link};
use crate::key::{PublicKey, sha256, sha256_info};
use crate::layout::{self, text};
use crate::tlv;

/// What a genuine card says of its holder.
pub struct Genuine {
    /// 個人番号.
    pub number: Zeroizing<String>,
    /// 氏名.
    pub name: Zeroizing<String>,
    /// 住所.
    pub address: Zeroizing<String>,
    /// 生年月日 as `YYYYMMDD`.
    pub birth: Zeroizing<String>,
    /// 性別 as on the card: `1` 男, `2` 女.
    pub sex: Zeroizing<String>,
}

/// Why a card is not taken for genuine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotGenuine {
    /// The card refused, or cannot be reached.
    #[error(transparent)]
    Card(#[from] HostError),
    /// Something on it does not hold.
    #[error("this card is not genuine: {0}")]
    Forged(&'static str),
}

/// Reads and checks a card after the holder has presented the PIN of 券面事項入力補助AP. `root` is the key above the
/// issuers' record keys; `challenge` must be fresh.
///
/// # Errors
/// If the card refuses, or anything on it does not hold; then nothing of it is told.
pub fn check(
    link: &mut dyn Link,
    root: &Anchor,
    pin: &[u8],
    challenge: &[u8; 32],
) -> Result<Genuine, NotGenuine> {
    let mut host = Host::new(link);
    host.select(layout::TEXT)?;
    host.verify(text::PIN, pin)?;
    let issuer = Certificate::verify(&host.read(text::CERTIFICATE)?, root)
        .map_err(|_| NotGenuine::Forged("its issuer is not certified"))?
        .key;
    let number = Zeroizing::new(host.read(text::NUMBER)?);
    let attributes = Zeroizing::new(host.read(text::ATTRIBUTES)?);
    let integrity = host.read(text::INTEGRITY)?;
    let fields = signed(&integrity, 0xFF30, 0xDF33, &issuer)
        .ok_or(NotGenuine::Forged("its issuer did not sign what is on it"))?;
    let inside = tlv::find(&attributes, 0xFF20).and_then(tlv::first).map(|(_, _, rest)| rest);
    let hashes = [(0xDF31, Some(number.as_slice())), (0xDF32, inside)];
    if !hashes
        .iter()
        .all(|(tag, content)| content.is_some_and(|c| tlv::find(fields, *tag) == Some(&sha256(c))))
    {
        return Err(NotGenuine::Forged("number or attributes were changed"));
    }
    prove(&mut host, &issuer, challenge)?;
    told(&number, inside.unwrap_or_default())
        .ok_or(NotGenuine::Forged("its records are in no form that is known"))
}

/// The chip signs a challenge with the key that its issuer certified: copied records have no such key.
fn prove(host: &mut Host<'_>, issuer: &PublicKey, challenge: &[u8; 32]) -> Result<(), NotGenuine> {
    let file = host.read(text::CARD_PUBLIC)?;
    let key = signed(&file, 0xFF50, 0xDF52, issuer)
        .and_then(|fields| PublicKey::from_tlv(tlv::find(fields, 0xDF51)?))
        .ok_or(NotGenuine::Forged("its key is not certified"))?;
    let info = sha256_info(&sha256(challenge));
    let answer = host.ask("answer a challenge", [0x80, 0x2A, 0x00, 0x00], &info, Some(256))?;
    if key.verifies(challenge, &answer) {
        Ok(())
    } else {
        Err(NotGenuine::Forged("it is a copy without the key"))
    }
}

/// The fields before the signature, if that holds.
fn signed<'a>(file: &'a [u8], outer: u16, signature: u16, issuer: &PublicKey) -> Option<&'a [u8]> {
    let content = tlv::find(file, outer)?;
    let mut rest = content;
    while let Some((tag, value, after)) = tlv::first(rest) {
        if tag == signature {
            let fields = content.get(..content.len() - rest.len())?;
            return (after.is_empty() && issuer.verifies(fields, value)).then_some(fields);
        }
        rest = after;
    }
    None
}

fn told(number: &[u8], attributes: &[u8]) -> Option<Genuine> {
    let text = |bytes: Option<&[u8]>| Some(Zeroizing::new(std::str::from_utf8(bytes?).ok()?.to_owned()));
    Some(Genuine {
        number: text(tlv::find(number, 0xFF10))?,
        name: text(tlv::find(attributes, 0xDF22))?,
        address: text(tlv::find(attributes, 0xDF23))?,
        birth: text(tlv::find(attributes, 0xDF24))?,
        sex: text(tlv::find(attributes, 0xDF25))?,
    })
}
