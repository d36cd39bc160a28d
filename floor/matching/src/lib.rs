//! Who is this, exactly? Matching of Japanese names, addresses, birth dates and sex against a register.
//!
//! Pure: no I/O, no clock, no randomness. Three answers: link (beyond doubt), review (a clerk must look) and
//! none. It never guesses: a wrong link gives one person's records to another.

mod address;
mod birth;
mod fold;
mod kana;
mod name;
mod numerals;
mod person;
mod register;
mod sex;
mod variants;

pub use birth::normalise_birth;
pub use person::{Attributes, Person};
pub use register::{Answer, Register};
pub use sex::{Sex, normalise_sex};
