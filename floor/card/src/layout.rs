//! The applications of a card and their access rules, before anything personal is in them.
//!
//! Names, files and rules are those that clients of real cards use. Where the real layout is not public, the file is
//! marked as ours.

use std::collections::BTreeMap;

use crate::application::Application;
use crate::certificate::{Anchor, Role};
use crate::file::{Credential, File, FileId, Files, KeyUse, Rule};
use crate::image::Image;
use crate::pin::{Pin, PinFormat};

/// The card manager (GlobalPlatform issuer security domain).
pub const MANAGER: &[u8] = &[0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00];
/// 共通カードAP.
pub const COMMON: &[u8] = &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x01, 0x00];
/// 住基AP.
pub const JUKI: &[u8] = &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x01];
/// 券面事項確認AP.
pub const SURFACE: &[u8] = &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x02];
/// 券面事項入力補助AP.
pub const TEXT: &[u8] = &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x04, 0x08];
/// 公的個人認証AP.
pub const JPKI: &[u8] = &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];
/// The application of an operator's card; ours.
pub const OPERATOR: &[u8] = b"\xF0MUSUBI-OP";

/// Files of 公的個人認証AP.
pub mod jpki {
    use crate::FileId;
    /// 署名用電子証明書.
    pub const SIGN_CERTIFICATE: FileId = 0x0001;
    /// Its issuer's.
    pub const SIGN_CA: FileId = 0x0002;
    /// PKCS#11 token information.
    pub const TOKEN: FileId = 0x0006;
    /// Which certificates are there.
    pub const AVAILABLE: FileId = 0x0008;
    /// Never readable; its purpose is not known.
    pub const UNKNOWN: FileId = 0x0009;
    /// 利用者証明用電子証明書.
    pub const AUTH_CERTIFICATE: FileId = 0x000A;
    /// Its issuer's.
    pub const AUTH_CA: FileId = 0x000B;
    /// Which key terminals are certified under.
    pub const TERMINAL_CA: FileId = 0x0016;
    /// 利用者証明用秘密鍵.
    pub const AUTH_KEY: FileId = 0x0017;
    /// Its PIN, four digits.
    pub const AUTH_PIN: FileId = 0x0018;
    /// 署名用秘密鍵.
    pub const SIGN_KEY: FileId = 0x001A;
    /// Its password.
    pub const SIGN_PIN: FileId = 0x001B;
}

/// Files of 券面事項入力補助AP.
pub mod text {
    use crate::FileId;
    /// 個人番号.
    pub const NUMBER: FileId = 0x0001;
    /// 基本4情報.
    pub const ATTRIBUTES: FileId = 0x0002;
    /// Hashes of the two, signed.
    pub const INTEGRITY: FileId = 0x0003;
    /// The signing key's certificate.
    pub const CERTIFICATE: FileId = 0x0004;
    /// What this application is.
    pub const BASIC: FileId = 0x0005;
    /// Public half of the key for session keys.
    pub const SESSION_PUBLIC: FileId = 0x0006;
    /// Public half of the card key, signed.
    pub const CARD_PUBLIC: FileId = 0x0007;
    /// Not known.
    pub const UNKNOWN: FileId = 0x0008;
    /// PIN, four digits.
    pub const PIN: FileId = 0x0011;
    /// Blocked as issued.
    pub const BLOCKED: FileId = 0x0012;
    /// The card key.
    pub const CARD_KEY: FileId = 0x0013;
    /// 照合番号A.
    pub const CODE_A: FileId = 0x0014;
    /// 照合番号B.
    pub const CODE_B: FileId = 0x0015;
    /// The key for session keys; its id is ours.
    pub const SESSION_KEY: FileId = 0x001D;
}

/// Files of 券面事項確認AP.
pub mod surface {
    use crate::FileId;
    /// 生年月日 alone.
    pub const AGE: FileId = 0x0001;
    /// The face of the card.
    pub const FACE: FileId = 0x0002;
    /// What this application is.
    pub const BASIC: FileId = 0x0003;
    /// The signing key's certificate.
    pub const CERTIFICATE: FileId = 0x0004;
    /// 個人番号 as a picture.
    pub const NUMBER: FileId = 0x0005;
    /// 生年月日 as six digits.
    pub const BIRTH: FileId = 0x0011;
    /// 照合番号B.
    pub const CODE_B: FileId = 0x0012;
    /// 照合番号A.
    pub const CODE_A: FileId = 0x0013;
    /// The card key; its id is ours.
    pub const CARD_KEY: FileId = 0x0014;
}

/// Files of 共通カードAP and 住基AP.
pub mod common {
    use crate::FileId;
    /// Number, municipality, expiry.
    pub const CARD: FileId = 0x0001;
    /// A key's id.
    pub const KEY_ID: FileId = 0x0002;
    /// 住民票コード in 住基AP; its place is ours.
    pub const RESIDENT_CODE: FileId = 0x0003;
    /// Answers challenges.
    pub const KEY: FileId = 0x0019;
    /// PIN, four digits.
    pub const PIN: FileId = 0x001C;
}

/// Files of an operator's card; all ours.
pub mod operator {
    use crate::FileId;
    /// The operator's certificate, 568 bytes.
    pub const CERTIFICATE: FileId = 0x0001;
    /// Kinds of work, signed.
    pub const WORK: FileId = 0x0002;
    /// PIN, six digits.
    pub const PIN: FileId = 0x0011;
    /// The operator's key.
    pub const KEY: FileId = 0x0017;
}

/// Tries of 照合番号 and of the birth date's key: ten. For 照合番号B that is what real cards say; for the others it is ours.
const CODE_TRIES: u8 = 10;

/// The card's number among the objects of `GET DATA`.
const NUMBER_OBJECT: u16 = 0x45;
/// The contact ATR without its first byte.
const ATR_OBJECT: u16 = 0x5F51;

fn issuer() -> Rule {
    Rule::role(Role::ISSUER)
}

fn empty(read: Rule) -> File {
    File::transparent([], read, issuer())
}

fn digits(length: u8, limit: u8, changeable: bool) -> File {
    File::pin(Pin::unset(PinFormat::Digits(length), limit, changeable), issuer())
}

fn key(does: KeyUse, read: Rule) -> File {
    File::key(does, None, read, issuer(), false)
}

/// A resident's card before personalisation: every application, nothing in it, every PIN unset. `objects` are what
/// `GET DATA` gives besides number and ATR; they stay as they are.
pub fn resident(serial: [u8; 15], anchor: Anchor, mut objects: BTreeMap<u16, Vec<u8>>) -> Image {
    objects.insert(NUMBER_OBJECT, serial.to_vec());
    objects.insert(ATR_OBJECT, crate::ATR.iter().skip(1).copied().collect());
    let manager = Application { has_objects: true, ..Application::new(MANAGER, Files::new()) };
    let applications =
        vec![manager, common_files(), juki_files(), surface_files(), text_files(), jpki_files(&anchor)];
    Image { serial, anchor, objects, applications }
}

fn common_files() -> Application {
    let files = [
        (common::CARD, File::records(Vec::new(), Rule::Free, issuer())),
        (common::KEY_ID, File::records(Vec::new(), Rule::Free, issuer())),
        (common::KEY, key(KeyUse::Authenticate, Rule::Free)),
        (common::PIN, digits(4, 3, true)),
    ];
    Application { older_change: true, has_objects: true, ..Application::new(COMMON, Files::from(files)) }
}

fn juki_files() -> Application {
    let files = [
        (common::KEY_ID, File::records(Vec::new(), Rule::Free, issuer())),
        (common::RESIDENT_CODE, File::records(Vec::new(), Rule::pins(&[common::PIN]), issuer())),
        (common::PIN, digits(4, 3, true)),
    ];
    Application { older_change: true, ..Application::new(JUKI, Files::from(files)) }
}

fn surface_files() -> Application {
    use surface::{AGE, BASIC, BIRTH, CARD_KEY, CERTIFICATE, CODE_A, CODE_B, FACE, NUMBER};
    let files = [
        (AGE, empty(Rule::pins(&[BIRTH]))),
        (FACE, empty(Rule::pins(&[CODE_B, CODE_A]))),
        (BASIC, empty(Rule::Free)),
        (CERTIFICATE, empty(Rule::Free)),
        (NUMBER, empty(Rule::pins(&[CODE_A]))),
        (BIRTH, digits(6, CODE_TRIES, false)),
        (CODE_B, digits(14, CODE_TRIES, false)),
        (CODE_A, digits(12, CODE_TRIES, false)),
        (CARD_KEY, key(KeyUse::Sign, Rule::Free)),
    ];
    Application { default_key: Some(CARD_KEY), ..Application::new(SURFACE, Files::from(files)) }
}

fn text_files() -> Application {
    use text::{
        ATTRIBUTES, BASIC, BLOCKED, CARD_KEY, CARD_PUBLIC, CERTIFICATE, CODE_A, CODE_B, INTEGRITY, NUMBER,
        PIN, SESSION_KEY, SESSION_PUBLIC, UNKNOWN,
    };
    let any = || Rule::pins(&[PIN, CODE_A, CODE_B]);
    let files = [
        (NUMBER, empty(Rule::pins(&[PIN, CODE_A]))),
        (ATTRIBUTES, empty(Rule::pins(&[PIN, CODE_B]))),
        (INTEGRITY, empty(any())),
        (CERTIFICATE, empty(Rule::Free)),
        (BASIC, empty(Rule::Free)),
        (SESSION_PUBLIC, empty(any())),
        (CARD_PUBLIC, empty(any())),
        (UNKNOWN, File::transparent([0xFF; 16], Rule::NEVER, Rule::NEVER)),
        (PIN, digits(4, 3, true)),
        (BLOCKED, File::pin(Pin::unset(PinFormat::Digits(4), 3, false), Rule::NEVER)),
        (CARD_KEY, key(KeyUse::Sign, Rule::Free)),
        (CODE_A, digits(12, CODE_TRIES, false)),
        (CODE_B, digits(14, CODE_TRIES, false)),
        (SESSION_KEY, key(KeyUse::SessionKey, any())),
    ];
    Application {
        default_key: Some(CARD_KEY),
        session_key: Some(SESSION_KEY),
        ..Application::new(TEXT, Files::from(files))
    }
}

fn jpki_files(anchor: &Anchor) -> Application {
    use jpki::{
        AUTH_CA, AUTH_CERTIFICATE, AUTH_KEY, AUTH_PIN, AVAILABLE, SIGN_CA, SIGN_CERTIFICATE, SIGN_KEY,
        SIGN_PIN, TERMINAL_CA, TOKEN, UNKNOWN,
    };
    let password = Pin::unset(PinFormat::SignaturePassword, 5, true);
    // The PIN, or a counter that knows the holder by face; the latter only for signatures that name it.
    let auth = Rule::Any(vec![Credential::Pin(AUTH_PIN), Credential::Terminal(Role::COUNTER)]);
    let files: [(FileId, File); 12] = [
        (SIGN_CERTIFICATE, empty(Rule::pins(&[SIGN_PIN]))),
        (SIGN_CA, empty(Rule::Free)),
        (TOKEN, empty(Rule::Free)),
        (AVAILABLE, File::transparent([0, 0, 0], Rule::Free, issuer())),
        (UNKNOWN, File::transparent([0xFF; 16], Rule::NEVER, Rule::NEVER)),
        (AUTH_CERTIFICATE, empty(Rule::Free)),
        (AUTH_CA, empty(Rule::Free)),
        (TERMINAL_CA, File::transparent(*anchor.id.bytes(), Rule::Free, Rule::NEVER)),
        (AUTH_KEY, File::key(KeyUse::Sign, None, auth, issuer(), false)),
        (AUTH_PIN, digits(4, 3, true)),
        (SIGN_KEY, File::key(KeyUse::Sign, None, Rule::pins(&[SIGN_PIN]), issuer(), true)),
        (SIGN_PIN, File::pin(password, issuer())),
    ];
    Application::new(JPKI, Files::from(files))
}

/// An operator's card before personalisation. Kinds of work are shown to a desk that authenticated itself; the key answers
/// after the PIN: a desk that has both knows the operator, and the operator's card knows the desk.
pub fn operators(serial: [u8; 15], anchor: Anchor) -> Image {
    let manager = Application { has_objects: true, ..Application::new(MANAGER, Files::new()) };
    let files = [
        (operator::CERTIFICATE, empty(Rule::Free)),
        (operator::WORK, empty(Rule::role(Role::DESK))),
        (operator::PIN, digits(6, 3, true)),
        (operator::KEY, key(KeyUse::Authenticate, Rule::pins(&[operator::PIN]))),
    ];
    let applications = vec![manager, Application::new(OPERATOR, Files::from(files))];
    let objects = BTreeMap::from([(NUMBER_OBJECT, serial.to_vec())]);
    Image { serial, anchor, objects, applications }
}
