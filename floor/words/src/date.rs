//! Dates and moments.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Malformed;

/// A point in time: milliseconds since the Unix epoch, UTC.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, Default,
)]
#[serde(transparent)]
pub struct Moment(pub i64);

impl Moment {
    /// The moment `ms` milliseconds later (saturating).
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`; negative if `self` is earlier.
    pub const fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The calendar date in Japan (UTC+9, no summer time).
    pub fn date_in_japan(self) -> Date {
        Date::from_days(self.0.saturating_add(9 * 3_600_000).div_euclid(86_400_000))
    }
}

/// A calendar date (proleptic Gregorian), written `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: i16,
    month: u8,
    day: u8,
}

impl Date {
    /// A date that exists, years 1 to 9999.
    pub fn new(year: i16, month: u8, day: u8) -> Result<Self, Malformed> {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => 0,
        };
        if (1..=9999).contains(&year) && (1..=last).contains(&day) {
            Ok(Self { year, month, day })
        } else {
            Err(Malformed::new("date", "a date that exists, as YYYY-MM-DD"))
        }
    }

    /// Reads `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let bad = Malformed::new("date", "a date that exists, as YYYY-MM-DD");
        let mut parts = text.split('-');
        let (Some(y), Some(m), Some(d), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(bad);
        };
        if y.len() != 4
            || m.len() != 2
            || d.len() != 2
            || !text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        {
            return Err(bad);
        }
        match (y.parse(), m.parse(), d.parse()) {
            (Ok(y), Ok(m), Ok(d)) => Self::new(y, m, d),
            _ => Err(bad),
        }
    }

    /// Year, month, day.
    pub const fn parts(self) -> (i16, u8, u8) {
        (self.year, self.month, self.day)
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i64 {
        // Days from civil (Howard Hinnant, "chrono-compatible low-level date algorithms").
        let y = i64::from(self.year) - i64::from(self.month <= 2);
        let era = y.div_euclid(400);
        let yoe = y.rem_euclid(400);
        let m = i64::from(self.month);
        let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
    }

    /// The date `days` days after 1970-01-01; clamped to the years 1 to 9999.
    pub fn from_days(days: i64) -> Self {
        let z = days.clamp(-719_162, 2_932_896) + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + i64::from(month <= 2);
        Self { year: year as i16, month: month as u8, day: day as u8 }
    }

    /// `YYYYMMDD`, as in session names.
    pub fn compact(self) -> String {
        format!("{:04}{:02}{:02}", self.year, self.month, self.day)
    }

    /// The first day of the month that lies so many months before this day's.
    pub fn first_of_month_before(self, months: i64) -> Self {
        let index = i64::from(self.year) * 12 + i64::from(self.month) - 1 - months;
        let year = i16::try_from(index.div_euclid(12)).unwrap_or(i16::MIN);
        let month = u8::try_from(index.rem_euclid(12) + 1).unwrap_or(1);
        Self { year, month, day: 1 }
    }

    /// As people in Japan write it: `令和8年11月22日`. Dates before Meiji 6 (1873) keep the Western year.
    pub fn in_japanese(self) -> String {
        let (y, m, d) = self.parts();
        let era = [
            ("令和", Self { year: 2019, month: 5, day: 1 }),
            ("平成", Self { year: 1989, month: 1, day: 8 }),
            ("昭和", Self { year: 1926, month: 12, day: 25 }),
            ("大正", Self { year: 1912, month: 7, day: 30 }),
            ("明治", Self { year: 1873, month: 1, day: 1 }),
        ]
        .into_iter()
        .find(|(_, start)| self >= *start);
        match era {
            Some((name, start)) => {
                let first = if name == "明治" { 1868 } else { start.year };
                match y - first + 1 {
                    1 => format!("{name}元年{m}月{d}日"),
                    n => format!("{name}{n}年{m}月{d}日"),
                }
            }
            None => format!("{y}年{m}月{d}日"),
        }
    }
}

crate::text_schema!(
    Date,
    "A calendar date, YYYY-MM-DD.",
    "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
);

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for bad in
            ["2025-02-29", "2026-00-01", "2026-13-01", "2026-1-1", "0000-01-01", "2026-04-31", "+026-01-01"]
        {
            assert!(Date::parse(bad).is_err(), "{bad}");
        }
        assert!(Date::parse("2024-02-29").is_ok());
    }

    #[test]
    fn eras_as_people_write_them() {
        for (iso, written) in [
            ("2026-11-22", "令和8年11月22日"),
            ("2019-05-01", "令和元年5月1日"),
            ("2019-04-30", "平成31年4月30日"),
            ("1926-12-25", "昭和元年12月25日"),
            ("1900-01-01", "明治33年1月1日"),
        ] {
            assert_eq!(Date::parse(iso).unwrap().in_japanese(), written);
        }
    }

    proptest::proptest! {
        #[test]
        fn every_day_number_is_a_date_and_back(days in -719_162i64..2_932_896) {
            let date = Date::from_days(days);
            proptest::prop_assert_eq!(date.days(), days);
            proptest::prop_assert_eq!(Date::parse(&date.to_string()).unwrap(), date);
        }
    }
}
