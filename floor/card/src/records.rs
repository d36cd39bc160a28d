//! What an issuer writes into a card's files: numbers, attributes, the face, signed so that a reader can check them.
//!
//! The forms are those that readers of real cards parse; the keys that sign are the issuer's own.

use words::Date;
use zeroize::Zeroizing;

use crate::certificate::KeyId;
use crate::key::{PublicKey, RsaKey, sha256, sha256_info};
use crate::{Status, tlv};

/// 性別 as on the card.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// 男.
    Male,
    /// 女.
    Female,
}

impl Sex {
    /// `1` or `2`.
    pub fn digit(self) -> u8 {
        match self {
            Self::Male => b'1',
            Self::Female => b'2',
        }
    }
}

/// The holder, as the municipality knows them. Nothing here prints it.
pub struct Holder {
    /// 氏名, an ideographic space between the names.
    pub name: String,
    /// 住所.
    pub address: String,
    /// 生年月日.
    pub birth: Date,
    /// 性別.
    pub sex: Sex,
    /// 個人番号, twelve digits.
    pub number: Zeroizing<String>,
    /// 住民票コード, eleven digits.
    pub resident_code: Zeroizing<String>,
    /// Municipality, five digits.
    pub municipality: String,
    /// Last day on which the card is valid.
    pub expiry: Date,
    /// Four digits on the card's face.
    pub security_code: Zeroizing<String>,
}

/// Pictures on the face, as files.
pub struct Pictures {
    /// 氏名 (PNG).
    pub name: Vec<u8>,
    /// 住所 (PNG).
    pub address: Vec<u8>,
    /// The photograph (JPEG 2000).
    pub photo: Vec<u8>,
    /// The security code (PNG).
    pub security_code: Vec<u8>,
    /// 個人番号 (PNG).
    pub number: Vec<u8>,
}

impl Holder {
    /// The birth date as cards key it: era's year, month, day, six digits.
    pub fn birth_code(&self) -> String {
        let written = self.birth.in_japanese();
        let year: String = written
            .chars()
            .skip_while(|c| !c.is_ascii_digit() && *c != '元')
            .take_while(|c| *c != '年')
            .collect();
        let year = if year == "元" { 1 } else { year.parse().unwrap_or(0) % 100 };
        let (_, month, day) = self.birth.parts();
        format!("{year:02}{month:02}{day:02}")
    }

    /// 照合番号B: birth date, year of expiry, security code; fourteen digits.
    pub fn code_b(&self) -> Zeroizing<String> {
        let (year, ..) = self.expiry.parts();
        Zeroizing::new(format!("{}{year:04}{}", self.birth_code(), *self.security_code))
    }

    /// Record 1 of 共通カードAP: card number, municipality, expiry.
    pub fn card_record(&self, serial: &[u8; 15]) -> Vec<u8> {
        let value = [&serial[..], self.municipality.as_bytes(), self.expiry.compact().as_bytes()].concat();
        tlv::object(0x01, &value)
    }

    /// The number's file in 券面事項入力補助AP, with its filler.
    pub fn number_file(&self) -> Zeroizing<Vec<u8>> {
        let mut file = Zeroizing::new(tlv::object(0xFF10, self.number.as_bytes()));
        file.extend([0xFF, 0xFF]);
        file
    }

    /// The attributes' file in 券面事項入力補助AP.
    pub fn attributes_file(&self) -> Vec<u8> {
        with_offsets(
            0xFF20,
            0xDF21,
            &[
                tlv::object(0xDF22, self.name.as_bytes()),
                tlv::object(0xDF23, self.address.as_bytes()),
                tlv::object(0xDF24, self.birth.compact().as_bytes()),
                tlv::object(0xDF25, &[self.sex.digit()]),
            ],
        )
    }

    /// Hashes of the two files, signed.
    ///
    /// # Errors
    /// `6F00` if the library could not sign.
    pub fn integrity_file(&self, with: &RsaKey) -> Result<Vec<u8>, Status> {
        let attributes = self.attributes_file();
        let inside = tlv::find(&attributes, 0xFF20).and_then(tlv::first).map_or(&[][..], |(_, _, rest)| rest);
        let hashed =
            [tlv::object(0xDF31, &sha256(&self.number_file())), tlv::object(0xDF32, &sha256(inside))]
                .concat();
        signed(0xFF30, hashed, 0xDF33, with)
    }

    /// The age record of 券面事項確認AP.
    ///
    /// # Errors
    /// `6F00` if the library could not sign.
    pub fn age_file(&self, card_key: &PublicKey, with: &RsaKey) -> Result<Vec<u8>, Status> {
        let fields =
            [tlv::object(0xDF11, self.birth.compact().as_bytes()), tlv::object(0xDF12, &card_key.tlv())]
                .concat();
        signed(0xFF10, fields, 0xDF13, with)
    }

    /// The face record of 券面事項確認AP. Three groups are hashed apart, so that a reader can check one without the others.
    ///
    /// # Errors
    /// `6F00` if the library could not sign.
    pub fn face_file(
        &self,
        pictures: &Pictures,
        card_key: &PublicKey,
        with: &RsaKey,
    ) -> Result<Vec<u8>, Status> {
        let person = [
            tlv::object(0xDF22, self.birth.compact().as_bytes()),
            tlv::object(0xDF23, &[self.sex.digit()]),
            tlv::object(0xDF24, &card_key.tlv()),
        ];
        let names = [tlv::object(0xDF25, &pictures.name), tlv::object(0xDF26, &pictures.address)];
        let photo = tlv::object(0xDF27, &pictures.photo);
        let hashes = [sha256(&person.concat()), sha256(&names.concat()), sha256(&photo)].concat();
        let signature = with.sign_as_it_is(&info_of_three(&hashes))?;
        let mut fields = person.to_vec();
        fields.extend(names);
        fields.extend([
            photo,
            tlv::object(0xDF28, &signature),
            tlv::object(0xDF29, self.expiry.compact().as_bytes()),
            tlv::object(0xDF2A, &pictures.security_code),
        ]);
        Ok(with_offsets(0xFF20, 0xDF21, &fields))
    }

    /// The number's picture in 券面事項確認AP.
    ///
    /// # Errors
    /// `6F00` if the library could not sign.
    pub fn number_picture_file(
        &self,
        pictures: &Pictures,
        card_key: &PublicKey,
        with: &RsaKey,
    ) -> Result<Vec<u8>, Status> {
        let fields = [tlv::object(0xDF41, &pictures.number), tlv::object(0xDF42, &card_key.tlv())].concat();
        signed(0xFF40, fields, 0xDF43, with)
    }
}

/// The `DigestInfo` that the face is signed with: three SHA-256 hashes where one is usual.
fn info_of_three(hashes: &[u8]) -> Vec<u8> {
    let algorithm = sha256_info(&[0; 32]).get(2..17).map(<[u8]>::to_vec).unwrap_or_default();
    tlv::object(0x30, &[algorithm, tlv::object(0x04, hashes)].concat())
}

/// Fields and a signature over them, in one object.
fn signed(tag: u16, fields: Vec<u8>, signature_tag: u16, with: &RsaKey) -> Result<Vec<u8>, Status> {
    let signature = with.sign(&fields)?;
    Ok(tlv::object(tag, &[fields, tlv::object(signature_tag, &signature)].concat()))
}

/// Fields after a table of where each begins, counted from the file's start.
fn with_offsets(tag: u16, table_tag: u16, fields: &[Vec<u8>]) -> Vec<u8> {
    let table = |offsets: &[u8]| tlv::object(table_tag, offsets);
    let empty_table = table(&vec![0; fields.len() * 2]);
    let content: usize = fields.iter().map(Vec::len).sum::<usize>() + empty_table.len();
    let header = tlv::object(tag, &vec![0; content]).len() - content;
    let mut at = header + empty_table.len();
    let mut offsets = Vec::new();
    for field in fields {
        let [.., high, low] = at.to_be_bytes();
        offsets.extend([high, low]);
        at += field.len();
    }
    tlv::object(tag, &[table(&offsets), fields.concat()].concat())
}

/// A public key in a file of its own, signed (`FF50` in 券面事項入力補助AP).
///
/// # Errors
/// `6F00` if the library could not sign.
pub fn public_key_file(key: &PublicKey, with: &RsaKey) -> Result<Vec<u8>, Status> {
    signed(0xFF50, tlv::object(0xDF51, &key.tlv()), 0xDF52, with)
}

/// The key for session keys, as 券面事項入力補助AP shows it.
pub fn session_key_file(key: &PublicKey) -> Vec<u8> {
    tlv::object(0xA1, &key.tlv())
}

/// What 券面事項入力補助AP is. The last field's meaning is not known; readers want it there.
pub fn text_basic_file(key: &KeyId) -> Vec<u8> {
    let unknown = [[0; 32].as_slice(), &[0xFF; 96]].concat();
    let fields = [
        tlv::object(0xDF41, &[0x01, 0x03, 0x0E, 0x01]),
        tlv::object(0xDF42, key.bytes()),
        tlv::object(0xDF43, &unknown),
    ];
    tlv::object(0xFF40, &fields.concat())
}

/// What 券面事項確認AP is. The last field's bytes are not known; here they are zero.
pub fn surface_basic_file(key: &KeyId, municipality: &str) -> Vec<u8> {
    let fields = [
        tlv::object(0xDF31, &[0x06, 0x03, 0x0E, 0x01]),
        tlv::object(0xDF32, key.bytes()),
        tlv::object(0xDF33, &[0x01]),
        tlv::object(0xDF34, municipality.as_bytes()),
        tlv::object(0xDF35, &[key.bytes().as_slice(), &[0; 256]].concat()),
    ];
    tlv::object(0xFF30, &fields.concat())
}

/// PKCS#11 token information, 160 bytes: what clients tell a card from a telephone by.
pub fn token_file() -> Vec<u8> {
    let text = |text: &str, width: usize| format!("{text:<width$}").into_bytes();
    let mut file =
        [text("JPKIAPICCTOKEN2", 32), text("MUSUBI", 32), text("SOFTWARE CARD", 16), text("", 16)].concat();
    // Flags, sessions, PIN lengths, memory: eleven numbers that no client here reads.
    for number in [0x0000_040Du32, 0, 0, 0, 0, 16, 4, 0, 0, 0, 0] {
        file.extend_from_slice(&number.to_be_bytes());
    }
    file.extend_from_slice(b"0301");
    file.resize(160, b' ');
    file
}
