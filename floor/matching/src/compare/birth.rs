//! How two birth dates agree.

use crate::birth::{Birth, may_be_year};

/// From nothing known to the same date; the order is the order of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum BirthLevel {
    /// Two dates that no single slip explains.
    Differs,
    Missing,
    /// One side is incomplete and what it has agrees.
    Partly,
    /// One slip apart: a digit, exchanged month and day, an era, a neighbouring year.
    Near,
    Same,
}

impl BirthLevel {
    pub(crate) const ALL: [BirthLevel; 5] =
        [BirthLevel::Differs, BirthLevel::Missing, BirthLevel::Partly, BirthLevel::Near, BirthLevel::Same];

    pub(crate) fn of(left: Birth, right: Birth) -> BirthLevel {
        match (left, right) {
            (Birth::Missing, _) | (_, Birth::Missing) => BirthLevel::Missing,
            (Birth::Date { .. }, Birth::Date { .. }) if left == right => BirthLevel::Same,
            (Birth::Date { year: y1, month: m1, day: d1 }, Birth::Date { year: y2, month: m2, day: d2 }) => {
                if one_slip((y1, m1, d1), (y2, m2, d2)) {
                    BirthLevel::Near
                } else {
                    BirthLevel::Differs
                }
            }
            (Birth::Partly { year, month }, Birth::Date { year: other, month: whole, .. })
            | (Birth::Date { year: other, month: whole, .. }, Birth::Partly { year, month }) => {
                if year == other && month.is_none_or(|month| month == whole) {
                    BirthLevel::Partly
                } else {
                    BirthLevel::Differs
                }
            }
            (Birth::TwoFigures { year, month, day }, Birth::Date { year: whole, month: m, day: d })
            | (Birth::Date { year: whole, month: m, day: d }, Birth::TwoFigures { year, month, day }) => {
                if (month, day) == (m, d) && may_be_year(year, whole) {
                    BirthLevel::Partly
                } else {
                    BirthLevel::Differs
                }
            }
            (Birth::TwoFigures { .. }, _) | (_, Birth::TwoFigures { .. }) => BirthLevel::Missing,
            (Birth::Partly { year: y1, month: m1 }, Birth::Partly { year: y2, month: m2 }) => {
                if y1 == y2 && (m1 == m2 || m1.is_none() || m2.is_none()) {
                    BirthLevel::Partly
                } else {
                    BirthLevel::Differs
                }
            }
        }
    }
}

fn one_slip(left: (i32, u8, u8), right: (i32, u8, u8)) -> bool {
    let ((y1, m1, d1), (y2, m2, d2)) = (left, right);
    if y1 == y2 && m1 == d2 && d1 == m2 {
        return true;
    }
    if (m1, d1) == (m2, d2) {
        // The year of the era counted from the wrong one (昭和 for 平成: 63), off by a few, or one digit of the
        // era's year wrong (昭和35年 for 昭和25年).
        let apart = (y1 - y2).abs();
        let eras = [44, 14, 63, 77, 93, 58];
        if apart <= 9 || apart % 10 == 0 && apart <= 60 || eras.contains(&apart) {
            return true;
        }
    }
    // A neighbouring day or month.
    if y1 == y2 && (m1 == m2 && d1.abs_diff(d2) == 1 || d1 == d2 && m1.abs_diff(m2) == 1) {
        return true;
    }
    digits_apart(left, right)
}

/// One digit of YYYYMMDD differs, or two neighbouring digits are exchanged.
fn digits_apart(left: (i32, u8, u8), right: (i32, u8, u8)) -> bool {
    let digits = |(year, month, day): (i32, u8, u8)| {
        let (year, month, day) = (year.unsigned_abs(), u32::from(month), u32::from(day));
        [year / 1000, year / 100 % 10, year / 10 % 10, year % 10, month / 10, month % 10, day / 10, day % 10]
    };
    let (left, right) = (digits(left), digits(right));
    let mut apart = left.iter().zip(&right).enumerate().filter(|(_, (left, right))| left != right);
    match (apart.next(), apart.next(), apart.next()) {
        (Some(_), None, None) => true,
        (Some((first, (a, b))), Some((second, (c, d))), None) => second == first + 1 && a == d && b == c,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(left: &str, right: &str) -> BirthLevel {
        BirthLevel::of(Birth::read(left), Birth::read(right))
    }

    #[test]
    fn one_slip_is_near_and_two_differ() {
        for (left, right) in [
            ("1983-05-18", "1983-05-19"),
            ("1983-05-18", "1983-05-13"),
            ("1986-08-12", "1986-12-08"),
            ("1998-02-12", "1999-02-12"),
            ("1983-05-18", "1938-05-18"),
            ("S20.4.1", "H20.4.1"),
        ] {
            assert_eq!(level(left, right), BirthLevel::Near, "{left} {right}");
        }
        for (left, right) in [("1983-05-18", "1951-11-02"), ("1983-05-18", "1984-06-18")] {
            assert_eq!(level(left, right), BirthLevel::Differs, "{left} {right}");
        }
    }

    #[test]
    fn incomplete_dates_agree_in_what_they_have() {
        assert_eq!(level("1983-05-00", "1983-05-18"), BirthLevel::Partly);
        assert_eq!(level("58.5.18", "1983-05-18"), BirthLevel::Partly);
        assert_eq!(level("83/05/18", "1983-05-18"), BirthLevel::Partly);
        assert_eq!(level("58.5.19", "1983-05-18"), BirthLevel::Differs);
        assert_eq!(level("1983-06-00", "1983-05-18"), BirthLevel::Differs);
        assert_eq!(level("1900-01-01", "1983-05-18"), BirthLevel::Missing);
    }
}
