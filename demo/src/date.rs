//! Dates as a register holds them, and the notations of institutions.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::draw::Draw;

/// A date of the calendar. Shown as `1983-05-18`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Of the common era.
    pub year: i32,
    /// 1 to 12.
    pub month: i32,
    /// 1 to 31.
    pub day: i32,
}

/// The day on which the demo country stands still.
pub const TODAY: Date = Date { year: 2026, month: 4, day: 1 };

impl Date {
    pub(crate) fn in_year(year: i32, draw: &mut Draw) -> Date {
        let month = draw.between(1, 12);
        Date { year, month, day: draw.between(1, days_in(year, month)) }
    }

    /// Whole years at [`TODAY`].
    pub fn age(self) -> i32 {
        let had_birthday = (self.month, self.day) <= (TODAY.month, TODAY.day);
        TODAY.year - self.year - i32::from(!had_birthday)
    }

    /// Era letter, era name, number of the era in government files, year of the era.
    fn era(self) -> (char, &'static str, i32, i32) {
        // The first day of each era.
        const ERAS: [(i32, i32, i32, char, &str, i32); 5] = [
            (2019, 5, 1, 'R', "令和", 5),
            (1989, 1, 8, 'H', "平成", 4),
            (1926, 12, 25, 'S', "昭和", 3),
            (1912, 7, 30, 'T', "大正", 2),
            (1868, 1, 25, 'M', "明治", 1),
        ];
        let at = (self.year, self.month, self.day);
        let found = ERAS.iter().find(|(year, month, day, ..)| (*year, *month, *day) <= at);
        found.map_or(('?', "", 0, 0), |(year, _, _, letter, name, code)| {
            (*letter, *name, *code, self.year - year + 1)
        })
    }

    /// `S58.05.18`
    pub(crate) fn era_short(self) -> String {
        let (letter, _, _, year) = self.era();
        format!("{letter}{year:02}.{:02}.{:02}", self.month, self.day)
    }

    /// `昭和58年5月18日`; the first year of an era is 元年.
    pub(crate) fn era_long(self) -> String {
        let (_, name, _, year) = self.era();
        let year = if year == 1 { "元".to_owned() } else { year.to_string() };
        format!("{name}{year}年{}月{}日", self.month, self.day)
    }

    /// `3580518`: seven digits, the first for the era.
    pub(crate) fn era_digits(self) -> String {
        let (_, _, code, year) = self.era();
        format!("{code}{year:02}{:02}{:02}", self.month, self.day)
    }

    /// `昭58.05.18`
    pub(crate) fn era_kanji(self) -> String {
        let (_, name, _, year) = self.era();
        let first = name.chars().next().unwrap_or('？');
        format!("{first}{year:02}.{:02}.{:02}", self.month, self.day)
    }

    /// `19830518`
    pub(crate) fn compact(self) -> String {
        format!("{:04}{:02}{:02}", self.year, self.month, self.day)
    }

    /// `1983/05/18`
    pub(crate) fn slashed(self) -> String {
        format!("{:04}/{:02}/{:02}", self.year, self.month, self.day)
    }
}

fn days_in(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eras_change_on_their_days() {
        let date = |year, month, day| Date { year, month, day };
        assert_eq!(date(1983, 5, 18).era_short(), "S58.05.18");
        assert_eq!(date(1983, 5, 18).era_kanji(), "昭58.05.18");
        assert_eq!(date(1983, 5, 18).compact(), "19830518");
        assert_eq!(date(1989, 1, 7).era_long(), "昭和64年1月7日");
        assert_eq!(date(1989, 1, 8).era_long(), "平成元年1月8日");
        assert_eq!(date(2019, 4, 30).era_digits(), "4310430");
        assert_eq!(date(2019, 5, 1).era_digits(), "5010501");
        assert_eq!(date(1926, 12, 24).era_short(), "T15.12.24");
    }

    #[test]
    fn ages_count_birthdays() {
        assert_eq!(Date { year: 2008, month: 4, day: 1 }.age(), 18);
        assert_eq!(Date { year: 2008, month: 4, day: 2 }.age(), 17);
    }
}
