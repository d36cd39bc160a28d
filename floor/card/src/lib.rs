#![doc = include_str!("../README.md")]

mod apdu;
mod application;
mod areas;
mod authenticating;
mod card;
mod certificate;
pub mod checking;
mod file;
pub mod host;
mod image;
mod key;
pub mod layout;
pub mod operator;
pub mod personalise;
mod pin;
mod presenting;
mod reading;
pub mod records;
mod secure_messaging;
mod signing;
pub mod tlv;

pub use apdu::Status;
pub use application::{AREA_PREFIX, Aid, Application, Area, area_aid};
pub use areas::{NewArea, NewBody, NewFile};
pub use authenticating::external_message;
pub use card::{Card, Dice, Keep, NotKept};
pub use certificate::{Anchor, Certificate, KeyId, Role};
pub use file::{Body, Credential, File, FileId, Files, KeyUse, Rule};
pub use image::{BadImage, Image, ImageKey};
pub use key::{MODULUS, PublicKey, RsaKey, sha256, sha256_info};
pub use pin::{Pin, PinFormat};
pub use signing::{BOUND_LABEL, bound_message};

/// The contact ATR of these cards: T=1, no historical bytes. Clients know the card by it.
pub const ATR: [u8; 9] = [0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14];
