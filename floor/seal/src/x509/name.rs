//! Directory names.

use yasna::models::ObjectIdentifier;
use yasna::{ASN1Result, BERReader, Tag};

use super::X509Error;
use super::der;
use super::oid::{self, Arcs, oid};

/// A value of an attribute, ready to be compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    /// A text without regard to case, space or encoding (RFC 5280 §7.1).
    Text(String),
    /// Anything else, as it is.
    Other(Vec<u8>),
}

pub(super) type Attribute = (ObjectIdentifier, Value);

/// A distinguished name. Equal are names that RFC 5280 §7.1 takes for equal.
#[derive(Clone, Debug)]
pub struct Name {
    der: Vec<u8>,
    parts: Vec<Vec<Attribute>>,
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Eq for Name {}

impl Name {
    /// A name of single attributes, in this order. The country is a `PrintableString`, all others are `UTF8String`.
    pub fn of(parts: &[(Arcs, &str)]) -> Self {
        let der = yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                for (kind, text) in parts {
                    writer.next().write_set(|writer| {
                        writer.next().write_sequence(|writer| {
                            writer.next().write_oid(&oid(kind));
                            match *kind == oid::COUNTRY {
                                true => writer.next().write_printable_string(text),
                                false => writer.next().write_utf8_string(text),
                            }
                        });
                    });
                }
            });
        });
        let parts = parts.iter().map(|(kind, text)| vec![(oid(kind), Value::Text(folded(text)))]).collect();
        Self { der, parts }
    }

    /// The name a DER holds.
    ///
    /// # Errors
    /// If it is no name.
    pub fn parse(bytes: &[u8]) -> Result<Self, X509Error> {
        der::parse(bytes, "a name", Self::read)
    }

    pub(super) fn read(reader: BERReader<'_, '_>) -> ASN1Result<Self> {
        let der = reader.read_der()?;
        let parts = yasna::parse_der(&der, |reader| reader.collect_sequence_of(read_part))?;
        Ok(Self { der, parts })
    }

    /// A name of one part alone, to be put under another (`nameRelativeToCRLIssuer`). It has no DER.
    pub(super) fn of_part(mut part: Vec<Attribute>) -> Self {
        part.sort();
        Self { der: Vec::new(), parts: vec![part] }
    }

    /// This name with `under` after it.
    pub(super) fn joined(&self, under: &Self) -> Self {
        Self { der: Vec::new(), parts: [self.parts.as_slice(), &under.parts].concat() }
    }

    /// The DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether it has no part.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether this name is `base` or stands under it.
    pub(super) fn is_under(&self, base: &Self) -> bool {
        self.parts.starts_with(&base.parts)
    }

    /// The texts of an attribute, lower case.
    pub(super) fn texts(&self, kind: Arcs) -> impl Iterator<Item = &str> {
        let kind = oid(kind);
        self.parts.iter().flatten().filter_map(move |(id, value)| match value {
            Value::Text(text) if *id == kind => Some(text.as_str()),
            _ => None,
        })
    }
}

pub(super) fn read_part(reader: BERReader<'_, '_>) -> ASN1Result<Vec<Attribute>> {
    let mut part = reader.collect_set_of(read_attribute)?;
    if part.is_empty() {
        return der::invalid();
    }
    part.sort();
    Ok(part)
}

pub(super) fn read_attribute(reader: BERReader<'_, '_>) -> ASN1Result<Attribute> {
    reader.read_sequence(|reader| {
        let kind = reader.next().read_oid()?;
        let value = reader.next().read_tagged_der()?;
        let text = text(value.tag(), value.value());
        Ok((
            kind,
            text.map_or_else(|| Value::Other(value.value().to_vec()), |text| Value::Text(folded(&text))),
        ))
    })
}

fn text(tag: Tag, bytes: &[u8]) -> Option<String> {
    use yasna::tags::{TAG_BMPSTRING, TAG_IA5STRING, TAG_NUMERICSTRING, TAG_PRINTABLESTRING, TAG_UTF8STRING};
    match tag {
        TAG_UTF8STRING | TAG_PRINTABLESTRING | TAG_IA5STRING | TAG_NUMERICSTRING => {
            String::from_utf8(bytes.to_vec()).ok()
        }
        TAG_BMPSTRING => {
            let (pairs, rest) = bytes.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
        }
        _ => None,
    }
}

/// Lower case, one space where there were several, none at the ends.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
