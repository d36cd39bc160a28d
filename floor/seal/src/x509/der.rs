//! What of DER is common to all objects here.

use words::{Date, Moment};
use yasna::models::{GeneralizedTime, ObjectIdentifier, UTCTime};
use yasna::tags::{TAG_GENERALIZEDTIME, TAG_UTCTIME};
use yasna::{ASN1Error, ASN1ErrorKind, ASN1Result, BERReader, DERWriter};

use super::X509Error;
use super::oid::{Arcs, oid};

pub(super) fn parse<T>(
    bytes: &[u8],
    what: &'static str,
    read: impl FnOnce(BERReader<'_, '_>) -> ASN1Result<T>,
) -> Result<T, X509Error> {
    yasna::parse_der(bytes, read).map_err(|_| X509Error::NotDer(what))
}

/// For values that are DER but not what they must be.
pub(super) fn invalid<T>() -> ASN1Result<T> {
    Err(ASN1Error::new(ASN1ErrorKind::Invalid))
}

/// `UTCTime` or `GeneralizedTime` (RFC 5280 §4.1.2.5).
pub(super) fn read_time(reader: BERReader<'_, '_>) -> ASN1Result<Moment> {
    let seconds = match reader.lookahead_tag()? {
        TAG_UTCTIME => reader.read_utctime()?.datetime().unix_timestamp(),
        TAG_GENERALIZEDTIME => reader.read_generalized_time()?.datetime().unix_timestamp(),
        _ => return invalid(),
    };
    seconds.checked_mul(1_000).map_or_else(invalid, |ms| Ok(Moment(ms)))
}

/// The content bytes of an INTEGER: big-endian two's complement, as short as can be.
pub(super) fn read_integer(reader: BERReader<'_, '_>) -> ASN1Result<Vec<u8>> {
    let value = reader.read_tagged_der()?;
    let bytes = value.value();
    let padded = matches!(bytes, [0, next, ..] if next & 0x80 == 0)
        || matches!(bytes, [0xFF, next, ..] if next & 0x80 != 0);
    if value.tag() != yasna::tags::TAG_INTEGER || bytes.is_empty() || padded {
        return invalid();
    }
    Ok(bytes.to_vec())
}

/// `UTCTime` up to 2049, `GeneralizedTime` after.
pub(super) fn write_time(writer: DERWriter<'_>, at: Moment) {
    let text = digits(at);
    let two = text.get(2..).filter(|_| ("1950".."2050").contains(&text.get(..4).unwrap_or_default()));
    // Unwrap safety: the digits are those of a date, and these parsers take every date.
    match two {
        Some(short) => {
            if let Some(time) = UTCTime::parse(short.as_bytes()) {
                writer.write_utctime(&time);
            }
        }
        None => write_generalized(writer, at),
    }
}

pub(super) fn write_generalized(writer: DERWriter<'_>, at: Moment) {
    if let Some(time) = GeneralizedTime::parse(digits(at).as_bytes()) {
        writer.write_generalized_time(&time);
    }
}

fn digits(at: Moment) -> String {
    let seconds = at.0.div_euclid(1_000);
    let (year, month, day) = Date::from_days(seconds.div_euclid(86_400)).parts();
    let rest = seconds.rem_euclid(86_400);
    format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

/// `Extension`: its id, whether it is critical, its value's DER.
pub(super) fn write_extension(
    writer: DERWriter<'_>,
    id: Arcs,
    critical: bool,
    value: impl FnOnce(DERWriter<'_>),
) {
    writer.write_sequence(|writer| {
        writer.next().write_oid(&oid(id));
        if critical {
            writer.next().write_bool(true);
        }
        writer.next().write_bytes(&yasna::construct_der(value));
    });
}

/// One extension as it was read.
pub(super) struct RawExtension {
    pub(super) id: ObjectIdentifier,
    pub(super) critical: bool,
    pub(super) value: Vec<u8>,
}

/// `Extensions`: at least one, no id twice (RFC 5280 §4.2).
pub(super) fn read_extensions(reader: BERReader<'_, '_>) -> ASN1Result<Vec<RawExtension>> {
    let all = reader.collect_sequence_of(|reader| {
        reader.read_sequence(|reader| {
            let id = reader.next().read_oid()?;
            let critical = reader.read_default(false, |reader| reader.read_bool())?;
            Ok(RawExtension { id, critical, value: reader.next().read_bytes()? })
        })
    })?;
    let mut ids: Vec<_> = all.iter().map(|extension| &extension.id).collect();
    ids.sort();
    let twice = ids.iter().zip(ids.iter().skip(1)).any(|(one, next)| one == next);
    if all.is_empty() || twice { invalid() } else { Ok(all) }
}

/// Bits of a named BIT STRING, the first named bit highest.
pub(super) fn read_bits(reader: BERReader<'_, '_>) -> ASN1Result<u16> {
    let (bytes, _) = reader.read_bitvec_bytes()?;
    let byte = |at: usize| u16::from(bytes.get(at).copied().unwrap_or(0));
    Ok(byte(0) << 8 | byte(1))
}

/// The same, written with as few bits as the value has.
pub(super) fn write_bits(writer: DERWriter<'_>, bits: u16) {
    let length = 16 - bits.trailing_zeros().min(16) as usize;
    let bytes = bits.to_be_bytes();
    writer.write_bitvec_bytes(bytes.get(..length.div_ceil(8)).unwrap_or_default(), length);
}
