//! Who is this, exactly? Matching of Japanese names, addresses, birth dates and sex against a register.
//!
//! Pure: no I/O, no clock, no randomness. Three answers: link (beyond doubt), review (a clerk must look) and
//! none. It never guesses: a wrong link gives one person's records to another.

mod address;
mod birth;
mod birth_and_sex;
mod blocks;
mod compare;
mod decide;
mod differences;
pub mod exercise;
mod fold;
mod frequencies;
mod hash;
mod kana;
mod latin;
mod learn;
mod many;
mod model;
mod name;
mod numerals;
mod person;
#[cfg(test)]
mod properties;
mod quick;
mod readings;
mod register;
mod sex;
mod threads;
mod variants;
pub mod western;
mod why;

pub use address::Places;
pub use birth::normalise_birth;
pub use birth_and_sex::BirthAndSex;
pub use differences::{How, Kind, Piece, differences};
pub use many::{Decision, Match, Settings};
pub use person::{Attributes, AttributesRef, History, Past, Person};
pub use register::{Answer, Intake, Register};
pub use sex::{Sex, normalise_sex};
pub use why::why_in_japanese;
