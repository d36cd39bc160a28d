//! What agreement is worth: Fellegi and Sunter's m and u for every level, and the probability that two records
//! are one person.
//!
//! I. P. Fellegi, A. B. Sunter: A Theory for Record Linkage, JASA 64 (1969). Two kinds of pairs that are not one
//! person look alike far more often than strangers do, so they are hypotheses of their own: relatives in one
//! household (twins among them) and namesakes born on the same day.

use crate::compare::{AddressLevel, BirthLevel, Comparison, PartLevel, SexLevel};
use crate::name::NameKind;

/// Probabilities of the levels of each attribute, in one class of pairs. Each table sums to 1.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    pub(crate) surname: [f64; 8],
    pub(crate) given: [f64; 8],
    pub(crate) birth: [f64; 5],
    pub(crate) address: [f64; 8],
    pub(crate) sex: [f64; 3],
}

/// How common the resident's surname and given name are in the register, by the level that agrees (share of
/// residents, 0 to 1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares {
    pub(crate) surname: f64,
    pub(crate) given: f64,
}

/// The learnt model.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// Levels among pairs that are one person: m.
    pub(crate) same: Levels,
    /// Levels among strangers: u, before the frequency of the names.
    pub(crate) strangers: Levels,
}

/// What the evidence says about one pair.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence {
    /// log₂ of m/u against strangers.
    pub(crate) bits: f64,
    /// Odds that the two are one person, against strangers, relatives and namesakes together.
    pub(crate) odds: f64,
}

/// Of the customers of an institution, how many are in the register.
const CUSTOMERS_IN_REGISTER: f64 = 0.85;
/// Relatives and flatmates of a customer that the register holds, on average.
const RELATIVES_PER_CUSTOMER: f64 = 3.0;
/// How often a relative is what is found because the customer is not in the register; a customer who is there
/// stands among the candidates and wins against the relative.
const ABSENT: f64 = 1.0 - CUSTOMERS_IN_REGISTER;
/// Residents with a customer's name and birth date who are someone else. Rare in the country, but a wrong link
/// is worse than a look by a clerk: at this rate name and birth date without any address never suffice.
const NAMESAKES_PER_CUSTOMER: f64 = 0.03;

/// Order: [`PartLevel::ALL`], [`BirthLevel::ALL`], [`AddressLevel::ALL`], same/differs/missing.
/// Tuned on the public exercise; learning starts from here and returns here where the data are few.
const SAME: Levels = Levels {
    //         differs missing similar readable homophone heard written same
    surname: [0.030, 0.002, 0.010, 0.008, 0.010, 0.130, 0.020, 0.790],
    given: [0.004, 0.002, 0.010, 0.008, 0.025, 0.140, 0.020, 0.791],
    //       differs missing partly near same
    birth: [0.004, 0.015, 0.004, 0.027, 0.950],
    //         differs missing city other-numbers town near other-room same
    address: [0.045, 0.015, 0.010, 0.005, 0.030, 0.035, 0.010, 0.850],
    sex: [0.920, 0.005, 0.075],
};

const STRANGERS: Levels = Levels {
    surname: [0.9785, 0.002, 0.008, 0.005, 0.001, 0.001, 0.0005, 0.004],
    given: [0.9565, 0.002, 0.020, 0.020, 0.0003, 0.0005, 0.0002, 0.0005],
    birth: [0.9806, 0.015, 0.0003, 0.0041, 0.00004],
    address: [0.900, 0.015, 0.078, 0.003, 0.001, 0.0003, 0.0001, 0.0002],
    sex: [0.4625, 0.4625, 0.075],
};

impl Default for Model {
    fn default() -> Model {
        Model { same: SAME, strangers: STRANGERS }
    }
}

impl Model {
    /// Weighs one pair; `residents` is the size of the register.
    pub(crate) fn weigh(&self, comparison: &Comparison, shares: Shares, residents: f64) -> Evidence {
        // A register of a handful still stands for a town: priors must not become certainty.
        let residents = residents.max(1_000.0);
        let surname =
            self.part(comparison.name.surname, &self.same.surname, &self.strangers.surname, shares.surname);
        let given = self.part(comparison.name.given, &self.same.given, &self.strangers.given, shares.given);
        let at = |levels: &[f64], index: usize| levels.get(index).copied().unwrap_or(1.0).max(1e-9);
        let birth_index = index_of(&BirthLevel::ALL, comparison.birth);
        let address_index = index_of(&AddressLevel::ALL, comparison.address);
        let birth = match comparison.birth {
            BirthLevel::Missing => 1.0,
            _ => at(&self.same.birth, birth_index) / at(&self.strangers.birth, birth_index),
        };
        let address = match comparison.address {
            AddressLevel::Missing => 1.0,
            AddressLevel::Same => at(&self.same.address, address_index) * residents / RELATIVES_PER_CUSTOMER,
            _ => at(&self.same.address, address_index) / at(&self.strangers.address, address_index),
        };
        let sex = match comparison.sex {
            SexLevel::Same => 2.0,
            SexLevel::Differs => 0.02,
            SexLevel::Missing => 1.0,
        };
        let form = form(comparison);
        let same = surname * given * birth * address * sex * form;
        let relatives = relative_surname(comparison.name.surname, shares.surname)
            * relative_given(comparison.name.given, shares.given)
            * relative_birth(comparison.birth, &self.strangers)
            * address;
        // Namesakes are namesakes in the writing and the reading that the customer gave.
        let namesakes = surname * given * birth * sex * form;
        let against = 1.0
            + ABSENT * RELATIVES_PER_CUSTOMER / residents * relatives
            + NAMESAKES_PER_CUSTOMER / residents * namesakes;
        Evidence { bits: same.log2(), odds: CUSTOMERS_IN_REGISTER / residents * same / against }
    }

    /// m/u of a surname or given name, with the name's own frequency where it agrees.
    fn part(&self, level: PartLevel, same: &[f64; 8], strangers: &[f64; 8], share: f64) -> f64 {
        let index = index_of(&PartLevel::ALL, level);
        let m = same.get(index).copied().unwrap_or(0.0).max(1e-6);
        let u = strangers.get(index).copied().unwrap_or(1.0).max(1e-6);
        match level {
            PartLevel::Missing => 1.0,
            PartLevel::Differs | PartLevel::Similar | PartLevel::Readable => m / u,
            // How the name was given (kana only, kanji only) does not depend on whose it is.
            PartLevel::Same | PartLevel::Heard => {
                let [.., heard, written, whole] = same;
                (heard + written + whole) / share
            }
            // Of strangers who share the writing, few share not the reading too; of those who share the reading,
            // most are written otherwise.
            PartLevel::Written => m / (share * 0.15).max(1e-9),
            PartLevel::Homophone => m / share.max(1e-9),
        }
    }
}

/// A former name explains an agreement, but there are more names to agree with by chance.
fn form(comparison: &Comparison) -> f64 {
    let name = match comparison.name.kind {
        NameKind::Present => 1.0,
        NameKind::Former => 0.3,
        NameKind::Common => 0.5,
    };
    let swapped = if comparison.name.swapped { 0.2 } else { 1.0 };
    let address = if comparison.former_address { 0.3 } else { 1.0 };
    name * swapped * address
}

/// Relatives mostly share the surname.
fn relative_surname(level: PartLevel, share: f64) -> f64 {
    match level {
        PartLevel::Differs => 0.2,
        PartLevel::Missing => 1.0,
        PartLevel::Similar | PartLevel::Readable => 0.5,
        _ => 0.8 / share.max(1e-9),
    }
}

/// Relatives hardly ever share the given name; twins' names may resemble each other.
fn relative_given(level: PartLevel, share: f64) -> f64 {
    match level {
        PartLevel::Differs | PartLevel::Missing => 1.0,
        PartLevel::Similar => 1.5,
        PartLevel::Readable => 1.0,
        _ => 0.001 / share.max(1e-9) * 0.1,
    }
}

/// Twins are about one birth in a hundred.
fn relative_birth(level: BirthLevel, strangers: &Levels) -> f64 {
    let index = index_of(&BirthLevel::ALL, level);
    let u = strangers.birth.get(index).copied().unwrap_or(1.0).max(1e-9);
    match level {
        BirthLevel::Missing => 1.0,
        BirthLevel::Same => 0.005 / u,
        BirthLevel::Near => 0.01 / u,
        _ => 1.0,
    }
}

/// Place of a level in its table.
pub(crate) fn index_of<L: PartialEq>(all: &[L], level: L) -> usize {
    all.iter().position(|other| *other == level).unwrap_or(0)
}

/// Place of a level of sex in its table.
pub(crate) fn sex_index(level: SexLevel) -> usize {
    match level {
        SexLevel::Same => 0,
        SexLevel::Differs => 1,
        SexLevel::Missing => 2,
    }
}
