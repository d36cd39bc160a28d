//! Moments as people write them, in Japan's time.

use words::{Date, Moment};

use crate::Language;

const JAPAN_MS: i64 = 9 * 3_600_000;

/// `13:24:05`.
pub fn clock(moment: Moment) -> String {
    let seconds = moment.0.saturating_add(JAPAN_MS).rem_euclid(86_400_000) / 1000;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// `令和8年11月22日 13:24` beside `2026-11-22 13:24`.
pub fn in_japan(moment: Moment, language: Language) -> String {
    let (day, time) = (moment.date_in_japan(), clock(moment));
    let time = time.get(..5).unwrap_or_default();
    match language {
        Language::Japanese => format!("{} {time}", written(day)),
        Language::English => format!("{day} {time}"),
    }
}

/// A day with its era: `令和8年11月22日`. Before 2019-05-01: the year as it is.
pub fn written(day: Date) -> String {
    let text = day.to_string();
    let mut parts = text.split('-').filter_map(|part| part.parse::<u16>().ok());
    let (Some(year), Some(month), Some(date)) = (parts.next(), parts.next(), parts.next()) else {
        return text;
    };
    match (year, month) {
        (2019, 5..) => format!("令和元年{month}月{date}日"),
        (2020.., _) => format!("令和{}年{month}月{date}日", year - 2018),
        _ => format!("{year}年{month}月{date}日"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_era() {
        for (day, expected) in [
            ("2026-11-22", "令和8年11月22日"),
            ("2019-05-01", "令和元年5月1日"),
            ("2019-04-30", "2019年4月30日"),
            ("2020-01-02", "令和2年1月2日"),
        ] {
            assert_eq!(written(Date::parse(day).unwrap()), expected);
        }
        assert_eq!(in_japan(Moment(0), Language::English), "1970-01-01 09:00");
        assert_eq!(clock(Moment(3_599_000)), "09:59:59");
    }
}
