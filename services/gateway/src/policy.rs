//! Rules of a gateway: pure.

use protocol::inquiry::{Hop, Inquiry, ToProvider};
use words::B64;

/// Birth date and sex in the one form both ends compare: `YYYY-MM-DD` and `M`, `F` or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BirthAndSex {
    birth: String,
    sex: &'static str,
}

impl BirthAndSex {
    /// From an institution's own notation; what cannot be read is left out.
    pub(crate) fn of(attributes: &protocol::issue::Attributes) -> Self {
        let birth = matching::normalise_birth(&attributes.birth)
            .map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"));
        let sex = match matching::normalise_sex(&attributes.sex) {
            Some(matching::Sex::Male) => "M",
            Some(matching::Sex::Female) => "F",
            _ => "",
        };
        Self { birth: birth.unwrap_or_default(), sex }
    }

    /// What the inquirer puts into the guard.
    pub(crate) fn guard(&self) -> String {
        format!("{}{}", self.birth, self.sex)
    }

    /// What the provider lets agree: the sex counts where both hold it. A side that knows no birth date agrees with
    /// nothing.
    pub(crate) fn acceptable(&self) -> Vec<String> {
        let sexes: &[&str] = if self.sex.is_empty() { &["", "M", "F"] } else { &[self.sex, ""] };
        if self.birth.is_empty() {
            Vec::new()
        } else {
            sexes.iter().map(|sex| format!("{}{sex}", self.birth)).collect()
        }
    }
}

/// The first part of an inquiry's message that does not fit the signatures of the way it came.
pub(crate) fn first_mismatch(
    message: &ToProvider,
    inquiry: &Inquiry,
    first: &Hop,
    last: &Hop,
) -> Option<&'static str> {
    let named = B64::from(message.inquiry.hash());
    let checks = [
        ("hops.id", first.id == inquiry.id && last.id == inquiry.id),
        ("hops.inquiry", first.inquiry == named && last.inquiry == named),
        ("hops.taken", first.taken == B64::from(inquiry.subject.code.hash()) && last.taken == first.given),
        ("hops.to_session", first.to_session == last.to_session && first.to_epoch == last.to_epoch),
        ("code", last.given == B64::from(message.code.hash())),
    ];
    checks.into_iter().find(|(_, holds)| !holds).map(|(what, _)| what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(birth: &str, sex: &str) -> BirthAndSex {
        let attributes = protocol::issue::Attributes {
            name: String::new(),
            kana: None,
            address: String::new(),
            birth: birth.into(),
            sex: sex.into(),
        };
        BirthAndSex::of(&attributes)
    }

    #[test]
    fn notations_of_two_institutions_agree_on_one_person_alone() {
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
