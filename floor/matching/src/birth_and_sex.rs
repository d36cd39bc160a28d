//! Birth date and sex in the one form in which two holders compare them.

use crate::{Sex, normalise_birth, normalise_sex};

/// Birth date and sex in the one form both ends compare: `YYYY-MM-DD` and `M`, `F` or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BirthAndSex {
    birth: String,
    sex: &'static str,
}

impl BirthAndSex {
    /// From a holder's own notation; what cannot be read is left out.
    pub fn of(birth: &str, sex: &str) -> Self {
        let birth = normalise_birth(birth).map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"));
        let sex = match normalise_sex(sex) {
            Some(Sex::Male) => "M",
            Some(Sex::Female) => "F",
            _ => "",
        };
        Self { birth: birth.unwrap_or_default(), sex }
    }

    /// What goes into a guard.
    pub fn guard(&self) -> String {
        format!("{}{}", self.birth, self.sex)
    }

    /// What the other side lets agree: the sex counts where both hold it. A side that knows no birth date agrees with
    /// nothing.
    pub fn acceptable(&self) -> Vec<String> {
        let sexes: &[&str] = if self.sex.is_empty() { &["", "M", "F"] } else { &[self.sex, ""] };
        if self.birth.is_empty() {
            Vec::new()
        } else {
            sexes.iter().map(|sex| format!("{}{sex}", self.birth)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::BirthAndSex;

    #[test]
    fn notations_of_two_institutions_agree_on_one_person_alone() {
        let of = BirthAndSex::of;
        let agree = |a: &BirthAndSex, b: &BirthAndSex| b.acceptable().contains(&a.guard());
        assert!(agree(&of("昭和58年5月18日", "女"), &of("1983-05-18", "2")));
        assert!(
            agree(&of("S58.05.18", "9"), &of("1983/05/18", "F")),
            "a sex that one side lacks does not count"
        );
        assert!(agree(&of("1983-05-18", "F"), &of("3580518", "不明")));
        assert!(!agree(&of("1983-05-18", "M"), &of("1983-05-18", "F")));
        assert!(!agree(&of("1983-05-18", "F"), &of("1983-05-19", "F")));
        assert!(!agree(&of("", "F"), &of("1983-05-18", "F")));
        assert!(!agree(&of("", "F"), &of("", "F")), "two unknown dates are not the same date");
    }
}
