//! Certificates in the form of 公的個人認証, by a test authority: another organisation's name, the test arc of policies.

use card::personalise::{Purpose, key_of_info, public_key_info, signed_by_rsa};
use card::records::{Holder, Sex};
use card::tlv::{find, first, object};
use card::{PublicKey, RsaKey, sha256};
use words::{Date, Moment};

const SEQUENCE: u16 = 0x30;
const SET: u16 = 0x31;
const OID: u16 = 0x06;
const UTF8: u16 = 0x0C;
const PRINTABLE: u16 = 0x13;
const OCTETS: u16 = 0x04;
const BITS: u16 = 0x03;
const INTEGER: u16 = 0x02;

/// `sha256WithRSAEncryption`.
const SHA256_RSA: [u8; 15] =
    [0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B, 0x05, 0x00];

/// 1.2.392.200149.8.5, the arc of 公的個人認証.
const ARC: [u8; 8] = [0x2A, 0x83, 0x08, 0x8C, 0x9B, 0x55, 0x08, 0x05];

/// Who issues: the name says that it is for tests.
pub(crate) const ORGANISATION: &str = "MUSUBI-TEST";

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    object(SEQUENCE, &parts.concat())
}

fn name(parts: &[(u8, u16, &str)]) -> Vec<u8> {
    let one = |(kind, form, text): &(u8, u16, &str)| {
        object(SET, &sequence(&[object(OID, &[0x55, 0x04, *kind]), object(*form, text.as_bytes())]))
    };
    object(SEQUENCE, &parts.iter().flat_map(one).collect::<Vec<u8>>())
}

const COUNTRY: (u8, u16, &str) = (6, PRINTABLE, "JP");
const LOCALITY: u8 = 7;
const ORGANISATION_NAME: u8 = 10;
const UNIT: u8 = 11;
const COMMON_NAME: u8 = 3;

fn authority_name(purpose: Purpose) -> Vec<u8> {
    let unit = match purpose {
        Purpose::Signature => "MUSUBI-TEST for digital signature",
        Purpose::Authentication => "MUSUBI-TEST for user authentication",
    };
    name(&[
        COUNTRY,
        (ORGANISATION_NAME, UTF8, ORGANISATION),
        (UNIT, UTF8, unit),
        (UNIT, UTF8, "Test authority without any legal effect"),
    ])
}

/// `UTCTime` up to 2049, `GeneralizedTime` after (RFC 5280 §4.1.2.5).
fn time(at: Moment) -> Vec<u8> {
    let seconds = at.0.div_euclid(1_000);
    let (year, month, day) = Date::from_days(seconds.div_euclid(86_400)).parts();
    let rest = seconds.rem_euclid(86_400);
    let clock = format!("{:02}{:02}{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60);
    if year < 2050 {
        object(0x17, format!("{:02}{month:02}{day:02}{clock}", year % 100).as_bytes())
    } else {
        object(0x18, format!("{year:04}{month:02}{day:02}{clock}").as_bytes())
    }
}

fn extension(id: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { vec![0x01, 0x01, 0xFF] } else { Vec::new() };
    sequence(&[object(OID, id), critical, object(OCTETS, value)])
}

fn key_usage(bits: u8, unused: u8) -> Vec<u8> {
    extension(&[0x55, 0x1D, 0x0F], true, &object(BITS, &[unused, bits]))
}

/// What a certificate says, apart from who signs it.
struct Content {
    serial: [u8; 16],
    issuer: Vec<u8>,
    from: Moment,
    until: Moment,
    subject: Vec<u8>,
    key: PublicKey,
    extensions: Vec<Vec<u8>>,
}

impl Content {
    fn sign(&self, with: &RsaKey) -> Result<Vec<u8>, String> {
        // A positive number of full length (RFC 5280 §4.1.2.2).
        let mut serial = self.serial;
        if let Some(highest) = serial.first_mut() {
            *highest = *highest & 0x3F | 0x40;
        }
        let signed = sequence(&[
            object(0xA0, &object(INTEGER, &[2])),
            object(INTEGER, &serial),
            SHA256_RSA.to_vec(),
            self.issuer.clone(),
            sequence(&[time(self.from), time(self.until)]),
            self.subject.clone(),
            public_key_info(&self.key),
            object(0xA3, &sequence(&self.extensions)),
        ]);
        let signature = with.sign(&signed).map_err(|_| "the authority's key does not sign".to_owned())?;
        Ok(signed_by_rsa(&signed, &signature))
    }
}

/// A key's id: 20 bytes of a hash, which RFC 7093 §2 allows in place of SHA-1.
fn key_id(key: &PublicKey) -> Vec<u8> {
    sha256(&public_key_info(key)).get(..20).unwrap_or_default().to_vec()
}

fn subject_key_id(key: &PublicKey) -> Vec<u8> {
    extension(&[0x55, 0x1D, 0x0E], false, &object(OCTETS, &key_id(key)))
}

/// The authority's own certificate, for ten years.
pub(crate) fn authority(
    purpose: Purpose,
    key: &RsaKey,
    serial: [u8; 16],
    now: Moment,
) -> Result<Vec<u8>, String> {
    Content {
        serial,
        issuer: authority_name(purpose),
        from: now,
        until: now.plus_ms(3_652 * 86_400_000),
        subject: authority_name(purpose),
        key: key.public().clone(),
        extensions: vec![
            // keyCertSign, cRLSign.
            key_usage(0x06, 1),
            extension(&[0x55, 0x1D, 0x13], true, &sequence(&[vec![0x01, 0x01, 0xFF]])),
            subject_key_id(key.public()),
        ],
    }
    .sign(key)
}

/// Until the end of the fifth birthday from now, in Japan.
fn fifth_birthday(birth: Date, now: Moment) -> Moment {
    let (_, month, day) = birth.parts();
    let today = now.date_in_japan();
    let (this_year, ..) = today.parts();
    let birthday =
        |year| Date::new(year, month, day).or_else(|_| Date::new(year, month, 28)).unwrap_or(birth);
    let first = if birthday(this_year) > today { this_year } else { this_year + 1 };
    Moment(birthday(first + 4).days() * 86_400_000 + (14 * 3_600 + 59 * 60 + 59) * 1_000)
}

/// A holder's certificate.
pub(crate) fn holders(
    purpose: Purpose,
    holder: &Holder,
    key: &PublicKey,
    issuer: &RsaKey,
    serial: [u8; 16],
    now: Moment,
) -> Result<Vec<u8>, String> {
    // A name without anything personal: a random one, and for signatures the moment before it.
    let random = words::hex(&serial).to_uppercase();
    let common_name = match purpose {
        Purpose::Signature => format!("{}{random}", now.date_in_japan().compact()),
        Purpose::Authentication => random,
    };
    let place = [COUNTRY, (LOCALITY, UTF8, "Musubi-to"), (LOCALITY, UTF8, "Musubi-shi")];
    let (subject, usage) = match purpose {
        // digitalSignature, nonRepudiation.
        Purpose::Signature => {
            ([&place[..], &[(COMMON_NAME, UTF8, common_name.as_str())]].concat(), key_usage(0xC0, 6))
        }
        Purpose::Authentication => {
            (vec![COUNTRY, (COMMON_NAME, UTF8, common_name.as_str())], key_usage(0x80, 7))
        }
    };
    let mut extensions = vec![usage];
    match purpose {
        Purpose::Signature => extensions.push(extension(&[0x55, 0x1D, 0x11], false, &attributes(holder))),
        // clientAuth.
        Purpose::Authentication => {
            let client = object(OID, &[0x2B, 6, 1, 5, 5, 7, 3, 2]);
            extensions.push(extension(&[0x55, 0x1D, 0x25], false, &sequence(&[client])));
        }
    }
    let policy = match purpose {
        Purpose::Signature => [1, 0, 20],
        Purpose::Authentication => [1, 0, 30],
    };
    let policy = sequence(&[sequence(&[object(OID, &[&ARC[..], &policy].concat())])]);
    extensions.push(extension(&[0x55, 0x1D, 0x20], true, &policy));
    let distribution = name(&[
        COUNTRY,
        (ORGANISATION_NAME, UTF8, ORGANISATION),
        (UNIT, UTF8, "CRL Distribution Points"),
        (COMMON_NAME, UTF8, "Musubi-shi CRLDP"),
    ]);
    let general_name = object(0xA4, &distribution);
    let point = sequence(&[object(0xA0, &object(0xA0, &general_name))]);
    extensions.push(extension(&[0x55, 0x1D, 0x1F], false, &sequence(&[point])));
    let authority_key = sequence(&[object(0x80, &key_id(issuer.public()))]);
    extensions.push(extension(&[0x55, 0x1D, 0x23], false, &authority_key));
    extensions.push(subject_key_id(key));
    Content {
        serial,
        issuer: authority_name(purpose),
        from: now,
        until: fifth_birthday(holder.birth, now),
        subject: name(&subject),
        key: key.clone(),
        extensions,
    }
    .sign(issuer)
}

/// The four attributes and which characters were replaced, as other names, in the order that real certificates have.
fn attributes(holder: &Holder) -> Vec<u8> {
    let none = |text: &str| "0".repeat(text.chars().count());
    let era = match holder.birth.in_japanese().chars().next() {
        Some('明') => 1,
        Some('大') => 2,
        Some('昭') => 3,
        Some('平') => 4,
        Some('令') => 5,
        _ => 0,
    };
    let sex = if holder.sex == Sex::Male { "1" } else { "2" };
    let fields = [
        (1u8, holder.name.clone()),
        (4, format!("{era}{}", holder.birth.compact())),
        (3, sex.to_owned()),
        (5, holder.address.clone()),
        (2, none(&holder.name)),
        (6, none(&holder.address)),
    ];
    let other = |(kind, text): &(u8, String)| {
        let id = object(OID, &[&ARC[..], &[5, *kind]].concat());
        object(0xA0, &[id, object(0xA0, &object(UTF8, text.as_bytes()))].concat())
    };
    object(SEQUENCE, &fields.iter().flat_map(other).collect::<Vec<u8>>())
}

/// What a login needs of a certificate.
pub struct Checked {
    /// The holder's key.
    pub key: PublicKey,
    /// The random name in it.
    pub name: String,
}

/// Checks a certificate for authentication against the authority's: name, signature, time, use. One level, one purpose;
/// revocation is asked of the authority's room, not here. `None` if anything does not hold.
pub fn check(certificate: &[u8], authority: &[u8], now: Moment) -> Option<Checked> {
    let fields = |certificate| {
        let (_, inside, rest) = first(certificate).filter(|(tag, ..)| *tag == SEQUENCE)?;
        let (_, fields, after) = first(inside).filter(|(tag, ..)| *tag == SEQUENCE)?;
        let signed = inside.get(..inside.len() - after.len())?;
        rest.is_empty().then_some(())?;
        let mut parts = Vec::new();
        let mut left = fields;
        while let Some((tag, value, rest)) = first(left) {
            parts.push((tag, value, left.get(..left.len() - rest.len())?));
            left = rest;
        }
        Some((signed, after, parts))
    };
    let (signed, after, parts) = fields(certificate)?;
    let (_, _, above) = fields(authority)?;
    let whole = |parts: &[(u16, &[u8], &[u8])], at: usize| parts.get(at).map(|(_, _, whole)| whole.to_vec());
    let issuer_key = key_of_info(&whole(&above, 6)?)?;
    let bits = find(after.strip_prefix(&SHA256_RSA)?, BITS)?.strip_prefix(&[0])?;
    let named = whole(&parts, 3)? == whole(&above, 5)?;
    (named && issuer_key.verifies(signed, bits)).then_some(())?;
    let (_, validity, _) = parts.get(4)?;
    let (_, from, rest) = first(validity)?;
    let (_, until, _) = first(rest)?;
    (moment(from)? <= now && now <= moment(until)?).then_some(())?;
    // clientAuth stands in the extended key usage of the authentication certificate alone.
    let client = [OID as u8, 8, 0x2B, 6, 1, 5, 5, 7, 3, 2];
    signed.windows(client.len()).any(|window| window == client).then_some(())?;
    let subject = parts.get(5)?.1;
    Some(Checked { key: key_of_info(&whole(&parts, 6)?)?, name: common_name(subject)? })
}

fn common_name(mut subject: &[u8]) -> Option<String> {
    while let Some((_, set, rest)) = first(subject) {
        let (_, pair, _) = first(set)?;
        let (_, kind, value) = first(pair)?;
        if kind == [0x55, 0x04, COMMON_NAME] {
            return String::from_utf8(first(value)?.1.to_vec()).ok();
        }
        subject = rest;
    }
    None
}

/// Reads `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ`.
fn moment(text: &[u8]) -> Option<Moment> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let text = match text.len() {
        12 => format!("{}{text}", if text < "5" { "20" } else { "19" }),
        14 => text.to_owned(),
        _ => return None,
    };
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let date = Date::new(
        i16::try_from(number(0, 4)?).ok()?,
        u8::try_from(number(4, 6)?).ok()?,
        u8::try_from(number(6, 8)?).ok()?,
    )
    .ok()?;
    let seconds = number(8, 10)? * 3_600 + number(10, 12)? * 60 + number(12, 14)?;
    Some(Moment((date.days() * 86_400 + seconds) * 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_end_with_the_fifth_birthday_in_japan() {
        let at = |text: &str| moment(text.as_bytes()).unwrap();
        let birth = Date::parse("1980-02-17").unwrap();
        assert_eq!(fifth_birthday(birth, at("251027000000Z")), at("300217145959Z"));
        assert_eq!(fifth_birthday(birth, at("260217000000Z")), at("310217145959Z"));
        let leap = Date::parse("2000-02-29").unwrap();
        assert_eq!(fifth_birthday(leap, at("261122000000Z")), at("310228145959Z"));
    }

    #[test]
    fn times_are_written_as_they_are_read() {
        for text in ["261122041500Z", "491231235959Z"] {
            assert!(time(moment(text.as_bytes()).unwrap()).ends_with(text.as_bytes()));
        }
        assert!(moment(b"261322041500Z").is_none() && moment(b"26112204150Z").is_none());
    }
}
