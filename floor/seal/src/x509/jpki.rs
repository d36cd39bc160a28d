//! The profile of 公的個人認証: certificates for signatures and for user authentication, in another organisation's name
//! and under the test arc of policies, so that nobody takes them for real ones.

use words::{Date, Moment};
use yasna::{DERWriter, Tag};

use super::certificate::{
    Certificate, Content, DistributionPoint, GeneralName, KeyUsage, write_authority, write_authority_key,
    write_directory_names, write_extended_key_usage, write_key_usage, write_point_name, write_subject_key,
};
use super::key::{IssuerKey, PublicKeyInfo};
use super::name::Name;
use super::oid::{self, oid};
use super::{X509Error, der};

/// Who issues: the name says that it is for tests.
pub const ORGANISATION: &str = "MUSUBI-TEST";
const JURIDICAL: &str = "Test authority without any legal effect";

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// 署名用電子証明書: signatures that stand for a seal; carries the four attributes.
    Signature,
    /// 利用者証明用電子証明書: proving to be the holder of the card; carries nothing personal.
    Authentication,
}

impl Purpose {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Signature, Self::Authentication];

    /// The word in files and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Authentication => "authentication",
        }
    }

    /// The policy its certificates name.
    pub const fn policy(self) -> oid::Arcs {
        match self {
            Self::Signature => oid::TEST_SIGNATURE_POLICY,
            Self::Authentication => oid::TEST_AUTHENTICATION_POLICY,
        }
    }

    fn unit(self) -> &'static str {
        match self {
            Self::Signature => "MUSUBI-TEST for digital signature",
            Self::Authentication => "MUSUBI-TEST for user authentication",
        }
    }

    /// The name of the authority for it.
    pub fn authority(self) -> Name {
        Name::of(&[
            (oid::COUNTRY, "JP"),
            (oid::ORGANISATION, ORGANISATION),
            (oid::UNIT, self.unit()),
            (oid::UNIT, JURIDICAL),
        ])
    }

    /// The name of the key that answers for it (OCSP).
    pub fn responder(self) -> Name {
        Name::of(&[
            (oid::COUNTRY, "JP"),
            (oid::ORGANISATION, ORGANISATION),
            (oid::UNIT, self.unit()),
            (oid::COMMON_NAME, "OCSP responder"),
        ])
    }

    /// The distribution point of a municipality's list.
    pub fn point(self, place: &Place) -> Name {
        let municipality = format!("{} CRLDP", place.municipality);
        Name::of(&[
            (oid::COUNTRY, "JP"),
            (oid::ORGANISATION, ORGANISATION),
            (oid::UNIT, self.unit()),
            (oid::UNIT, "CRL Distribution Points"),
            (oid::UNIT, &place.prefecture),
            (oid::COMMON_NAME, &municipality),
        ])
    }
}

/// A municipality: it is the window where certificates are asked for, and its certificates are on a list of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The prefecture in Roman letters, e.g. `Tokyo-to`.
    pub prefecture: String,
    /// The municipality in Roman letters, e.g. `Kiyose-shi`.
    pub municipality: String,
    /// Its five-digit code (全国地方公共団体コード without the check digit).
    pub code: String,
}

/// The sex in a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sex {
    /// 男
    Male,
    /// 女
    Female,
    /// Not said.
    Unknown,
}

impl Sex {
    fn digit(self) -> char {
        match self {
            Self::Male => '1',
            Self::Female => '2',
            Self::Unknown => '3',
        }
    }
}

/// The four attributes, and which characters of name and address stand for others that certificates cannot hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// 氏名
    pub name: String,
    /// For each character of the name `0`, or `1` where it was replaced.
    pub name_replaced: String,
    /// 住所
    pub address: String,
    /// The same for the address.
    pub address_replaced: String,
    /// 生年月日
    pub birth: Date,
    /// 性別
    pub sex: Sex,
}

impl Attributes {
    /// Attributes in which nothing was replaced.
    pub fn as_they_are(name: &str, address: &str, birth: Date, sex: Sex) -> Self {
        let none = |text: &str| "0".repeat(text.chars().count());
        let (name_replaced, address_replaced) = (none(name), none(address));
        Self { name: name.into(), name_replaced, address: address.into(), address_replaced, birth, sex }
    }

    fn birth_text(&self) -> String {
        let era = match self.birth.in_japanese().chars().next() {
            Some('明') => 1,
            Some('大') => 2,
            Some('昭') => 3,
            Some('平') => 4,
            Some('令') => 5,
            _ => 0,
        };
        format!("{era}{}", self.birth.compact())
    }

    /// The attributes as a certificate has them, by the last arc of their type, in the order of real certificates.
    fn fields(&self) -> [(u64, String); 6] {
        [
            (1, self.name.clone()),
            (4, self.birth_text()),
            (3, self.sex.digit().to_string()),
            (5, self.address.clone()),
            (2, self.name_replaced.clone()),
            (6, self.address_replaced.clone()),
        ]
    }

    /// The attributes that a signature certificate carries; `None` if one is missing.
    pub fn of(certificate: &Certificate) -> Option<Self> {
        let field = |number: u64| {
            let kind = oid(&[oid::JPKI_ATTRIBUTES, &[number]].concat());
            certificate.alternative_names().iter().find_map(|name| match name {
                GeneralName::Other(id, value) if *id == kind => {
                    yasna::parse_der(value, |reader| reader.read_utf8string()).ok()
                }
                _ => None,
            })
        };
        let birth = field(4)?;
        let (year, rest) = birth.get(1..)?.split_at_checked(4)?;
        let (month, day) = rest.split_at_checked(2)?;
        let sex = match field(3)?.as_str() {
            "1" => Sex::Male,
            "2" => Sex::Female,
            _ => Sex::Unknown,
        };
        Some(Self {
            name: field(1)?,
            name_replaced: field(2)?,
            address: field(5)?,
            address_replaced: field(6)?,
            birth: Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?,
            sex,
        })
    }
}

/// An authority: its certificate and its key.
pub struct Authority {
    /// For what it issues.
    pub purpose: Purpose,
    /// Its own certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: IssuerKey,
}

/// An authority's own certificate, for ten years; DER.
///
/// # Errors
/// If the key does not sign.
pub fn authority(
    purpose: Purpose,
    key: &IssuerKey,
    serial: [u8; 16],
    now: Moment,
) -> Result<Vec<u8>, X509Error> {
    let name = purpose.authority();
    let not_after = now.plus_ms(3_652 * 86_400_000);
    let content =
        Content { serial, issuer: &name, not_before: now, not_after, subject: &name, key: key.public() };
    content.sign(key, |writer| {
        write_key_usage(writer.next(), KeyUsage::AUTHORITY);
        write_authority(writer.next());
        write_subject_key(writer.next(), key.public());
    })
}

/// Until the end of the fifth birthday from now, in Japan. Who was born on 29 February has the birthday on the 28th in
/// other years.
pub fn fifth_birthday(birth: Date, now: Moment) -> Moment {
    let (_, month, day) = birth.parts();
    let today = now.date_in_japan();
    let (this_year, ..) = today.parts();
    let birthday =
        |year| Date::new(year, month, day).or_else(|_| Date::new(year, month, 28)).unwrap_or(birth);
    let first = if birthday(this_year) > today { this_year } else { this_year + 1 };
    Moment(birthday(first + 4).days() * 86_400_000 + (14 * 3_600 + 59 * 60 + 59) * 1_000)
}

/// Where the answers are: what stands in certificates besides their holder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    /// Where the state of a certificate is told (OCSP), as a URI.
    pub ocsp: Option<String>,
    /// The statement of practice that the policy points to, as a URI.
    pub statement: Option<String>,
}

/// A certificate that is to be issued to a person.
pub struct Holders<'a> {
    /// The key in the card.
    pub key: &'a PublicKeyInfo,
    /// The window.
    pub place: &'a Place,
    /// Whose it is: for signatures it goes into the certificate, for authentication the birthday alone is used.
    pub attributes: &'a Attributes,
    /// 16 random bytes: the serial number.
    pub serial: [u8; 16],
    /// When it is issued.
    pub now: Moment,
    /// What stands in it besides.
    pub services: &'a Services,
}

impl Authority {
    /// Issues a person's certificate; DER.
    ///
    /// # Errors
    /// If the key does not sign.
    pub fn issue(&self, holders: &Holders<'_>) -> Result<Vec<u8>, X509Error> {
        let Holders { place, attributes, now, .. } = holders;
        let subject = self.subject(holders);
        Content {
            serial: holders.serial,
            issuer: self.certificate.subject(),
            not_before: *now,
            not_after: fifth_birthday(attributes.birth, *now),
            subject: &subject,
            key: holders.key,
        }
        .sign(&self.key, |writer| {
            match self.purpose {
                Purpose::Signature => {
                    write_key_usage(writer.next(), KeyUsage::SIGNATURE_THAT_STANDS);
                    der::write_extension(writer.next(), oid::SUBJECT_ALT_NAME, false, |writer| {
                        write_attributes(writer, attributes);
                    });
                }
                Purpose::Authentication => {
                    write_key_usage(writer.next(), KeyUsage::DIGITAL_SIGNATURE);
                    write_extended_key_usage(writer.next(), oid::CLIENT_AUTH);
                }
            }
            write_policy(writer.next(), self.purpose.policy(), holders.services.statement.as_deref());
            let issuers = Name::of(&[(oid::COUNTRY, "JP"), (oid::ORGANISATION, JURIDICAL)]);
            write_directory_names(writer.next(), oid::ISSUER_ALT_NAME, &issuers);
            der::write_extension(writer.next(), oid::CRL_POINTS, false, |writer| {
                writer.write_sequence(|writer| {
                    writer.next().write_sequence(|writer| {
                        write_point_name(writer.next(), &self.purpose.point(place));
                    });
                });
            });
            if let Some(uri) = &holders.services.ocsp {
                write_responder(writer.next(), uri);
            }
            write_authority_key(writer.next(), self.key.public(), Some(&self.certificate));
            write_subject_key(writer.next(), holders.key);
        })
    }

    /// A name without anything personal; for signatures with the moment and the place of issue.
    fn subject(&self, holders: &Holders<'_>) -> Name {
        let Holders { place, now, serial, .. } = holders;
        let random = words::hex(&super::certificate::full_serial(*serial)).to_uppercase();
        match self.purpose {
            Purpose::Signature => {
                let rest = now.plus_ms(9 * 3_600_000).0.rem_euclid(86_400_000) / 1_000;
                let clock = format!("{:02}{:02}{:02}", rest / 3_600, rest / 60 % 60, rest % 60);
                let short = random.get(..8).unwrap_or_default();
                let common = format!("{}{clock}{short}{}003A", now.date_in_japan().compact(), place.code);
                Name::of(&[
                    (oid::COUNTRY, "JP"),
                    (oid::LOCALITY, &place.prefecture),
                    (oid::LOCALITY, &place.municipality),
                    (oid::COMMON_NAME, &common),
                ])
            }
            Purpose::Authentication => {
                let common = format!("{}{}003A", random.get(..13).unwrap_or_default(), place.code);
                Name::of(&[(oid::COUNTRY, "JP"), (oid::COMMON_NAME, &common)])
            }
        }
    }
}

fn write_attributes(writer: DERWriter<'_>, attributes: &Attributes) {
    writer.write_sequence(|writer| {
        for (number, text) in attributes.fields() {
            writer.next().write_tagged_implicit(Tag::context(0), |writer| {
                writer.write_sequence(|writer| {
                    writer.next().write_oid(&oid(&[oid::JPKI_ATTRIBUTES, &[number]].concat()));
                    writer.next().write_tagged(Tag::context(0), |writer| writer.write_utf8_string(&text));
                });
            });
        }
    });
}

fn write_policy(writer: DERWriter<'_>, policy: oid::Arcs, statement: Option<&str>) {
    der::write_extension(writer, oid::POLICIES, true, |writer| {
        writer.write_sequence(|writer| {
            writer.next().write_sequence(|writer| {
                writer.next().write_oid(&oid(policy));
                if let Some(uri) = statement {
                    writer.next().write_sequence(|writer| {
                        writer.next().write_sequence(|writer| {
                            writer.next().write_oid(&oid(oid::CPS));
                            writer.next().write_ia5_string(uri);
                        });
                    });
                }
            });
        });
    });
}

fn write_responder(writer: DERWriter<'_>, uri: &str) {
    der::write_extension(writer, oid::AUTHORITY_INFO, false, |writer| {
        writer.write_sequence(|writer| {
            writer.next().write_sequence(|writer| {
                writer.next().write_oid(&oid(oid::OCSP));
                writer.next().write_tagged_implicit(Tag::context(6), |writer| writer.write_ia5_string(uri));
            });
        });
    });
}

/// Whether a certificate's list is that of this municipality.
pub fn is_of(certificate: &Certificate, purpose: Purpose, place: &Place) -> bool {
    let point = DistributionPoint::named(&purpose.point(place));
    certificate.extensions().points.as_ref().is_some_and(|points| points.contains(&point))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment(Date::parse(text).unwrap().days() * 86_400_000)
    }

    #[test]
    fn certificates_end_with_the_fifth_birthday_in_japan() {
        let end = |date: &str| at(date).plus_ms((14 * 3_600 + 59 * 60 + 59) * 1_000);
        let birth = Date::parse("1980-02-17").unwrap();
        assert_eq!(fifth_birthday(birth, at("2025-10-27")), end("2030-02-17"));
        assert_eq!(fifth_birthday(birth, at("2026-02-17")), end("2031-02-17"));
        let leap = Date::parse("2000-02-29").unwrap();
        assert_eq!(fifth_birthday(leap, at("2026-11-22")), end("2031-02-28"));
    }
}
