//! Birth dates as people write them, and what is left of one that is incomplete.

use crate::fold::{fold, is_dash};
use crate::numerals;

/// A birth date as far as it is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Birth {
    /// Not given, unreadable, or a date that stands for "unknown".
    Missing,
    /// Year and perhaps month; the rest was given as 00 or not at all.
    Partly { year: i32, month: Option<u8> },
    /// A year of two figures without its era or century: 58-05-18.
    TwoFigures { year: u8, month: u8, day: u8 },
    /// A whole date that exists in the calendar.
    Date { year: i32, month: u8, day: u8 },
}

/// Year, month and day of a birth date written in any usual way: ISO, with slashes or dots, eight digits, or
/// by era (`昭和58年5月18日`, `S58.5.18`, `H080630`, `令和元年五月一日`).
///
/// `None` when it is no date of the calendar, incomplete, or one of the dates that systems write for
/// "unknown" (1900-01-01, 9999-12-31 and the like).
pub fn normalise_birth(text: &str) -> Option<(i32, u8, u8)> {
    match Birth::read(text) {
        Birth::Date { year, month, day } => Some((year, month, day)),
        _ => None,
    }
}

/// Dates that systems fill in when they know none.
const DEFAULTS: [(i32, u8, u8); 9] = [
    (1800, 1, 1),
    (1850, 1, 1),
    (1868, 1, 1),
    (1899, 12, 30),
    (1899, 12, 31),
    (1900, 1, 1),
    (1901, 1, 1),
    (1111, 11, 11),
    (2099, 12, 31),
];

impl Birth {
    /// Reads any notation; never fails, at worst nothing is known.
    pub(crate) fn read(text: &str) -> Birth {
        if let Some((year, month, day)) = iso(text) {
            return Birth::of(year, Some(month), Some(day));
        }
        Birth::read_any(text)
    }

    fn read_any(text: &str) -> Birth {
        let folded = fold(text);
        let (era, rest) = era(folded.trim());
        let Some(numbers) = numbers(rest, era.is_some()) else { return Birth::Missing };
        let [year, month, day] = numbers;
        let Some(year) = year else { return Birth::Missing };
        let figures = rest.chars().skip_while(|character| !character.is_ascii_digit());
        let short = figures.take_while(char::is_ascii_digit).count() <= 2;
        if let (None, true, 1..=99, Some(month @ 1..=12), Some(day @ 1..=31)) = (era, short, year, month, day)
        {
            let small = |number: u32| u8::try_from(number).unwrap_or(0);
            return Birth::TwoFigures { year: small(year), month: small(month), day: small(day) };
        }
        let year = era.unwrap_or(0).saturating_add(i32::try_from(year).unwrap_or(i32::MAX));
        Birth::of(year, month, day)
    }

    fn of(year: i32, month: Option<u32>, day: Option<u32>) -> Birth {
        // Nobody in a register was born before 1850; 9999 and 0001 stand for unknown.
        if !(1850..=2150).contains(&year) {
            return Birth::Missing;
        }
        let month = month.and_then(|month| u8::try_from(month).ok()).filter(|month| (1..=12).contains(month));
        let Some(whole_month) = month else { return Birth::Partly { year, month: None } };
        let day = day.and_then(|day| u8::try_from(day).ok());
        match day.filter(|day| (1..=days_in(year, whole_month)).contains(day)) {
            Some(day) if DEFAULTS.contains(&(year, whole_month, day)) => Birth::Missing,
            Some(day) => Birth::Date { year, month: whole_month, day },
            None => Birth::Partly { year, month },
        }
    }
}

/// `1983-05-18`, as registers write dates.
fn iso(text: &str) -> Option<(i32, u32, u32)> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else { return None };
    let number = |figures: &[u8]| {
        figures.iter().try_fold(0_u32, |number, figure| {
            figure.is_ascii_digit().then(|| number * 10 + u32::from(figure - b'0'))
        })
    };
    Some((i32::try_from(number(&[y1, y2, y3, y4])?).ok()?, number(&[m1, m2])?, number(&[d1, d2])?))
}

/// May a year written with two figures be this one: of a century or of an era?
pub(crate) fn may_be_year(figures: u8, year: i32) -> bool {
    let figures = i32::from(figures);
    year.rem_euclid(100) == figures
        || [1867, 1911, 1925, 1988, 2018].iter().any(|before| year - before == figures)
}

fn days_in(year: i32, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The year before the era's first (so that year 1 adds one), and what follows the era's name.
fn era(text: &str) -> (Option<i32>, &str) {
    const ERAS: [(&[&str], i32); 5] = [
        (&["明治", "明", "M", "m"], 1867),
        (&["大正", "大", "T", "t"], 1911),
        (&["昭和", "昭", "S", "s"], 1925),
        (&["平成", "平", "H", "h"], 1988),
        (&["令和", "令", "R", "r"], 2018),
    ];
    let text = text.trim_start_matches(['西', '暦', '(']);
    for (names, before) in ERAS {
        for name in names {
            if let Some(rest) = text.strip_prefix(name) {
                return (Some(before), rest);
            }
        }
    }
    (None, text)
}

/// Year, month, day out of what is left; `None` when there is no number at all.
fn numbers(text: &str, after_era: bool) -> Option<[Option<u32>; 3]> {
    let mut groups: Vec<String> = Vec::new();
    let mut open = false;
    for character in text.chars() {
        if character == '元' {
            groups.push("1".into());
            open = false;
        } else if character.is_ascii_digit() || numerals::is_kanji_numeral(character) {
            match groups.last_mut() {
                Some(group) if open => group.push(character),
                _ => groups.push(character.into()),
            }
            open = true;
        } else {
            open = false;
            // Whatever follows a date (a time, a remark) is not part of it.
            let separates = matches!(character, '.' | '/' | ',' | '年' | '月' | '日' | ' ' | '\'' | 'T')
                || is_dash(character);
            if groups.len() >= 3 || !(separates || groups.is_empty()) {
                break;
            }
        }
    }
    let first = groups.first()?;
    if groups.len() == 1 && first.is_ascii() {
        return Some(run_of_digits(first, after_era));
    }
    let mut read = groups.iter().take(3).map(|group| numerals::read(group).first().copied());
    Some([read.next().flatten(), read.next().flatten(), read.next().flatten()])
}

/// `19830518`, `580518` after an era, `198305`, `1983`, and the seven digits of government files whose first
/// is the era (1 Meiji … 5 Reiwa).
fn run_of_digits(run: &str, after_era: bool) -> [Option<u32>; 3] {
    let part = |from: usize, to: usize| run.get(from..to).and_then(|digits| digits.parse().ok());
    match (run.len(), after_era) {
        (6, true) => [part(0, 2), part(2, 4), part(4, 6)],
        (5, true) => [part(0, 1), part(1, 3), part(3, 5)],
        (1..=3, true) => [part(0, run.len()), None, None],
        (8.., false) => [part(0, 4), part(4, 6), part(6, 8)],
        (7, false) => {
            let before: [u32; 5] = [1867, 1911, 1925, 1988, 2018];
            let era = part(0, 1).and_then(|era: u32| before.get(usize::try_from(era).ok()?.checked_sub(1)?));
            match (era, part(1, 3)) {
                (Some(before), Some(year)) => [Some(before.saturating_add(year)), part(3, 5), part(5, 7)],
                _ => [None, None, None],
            }
        }
        (6, false) => [part(0, 4), part(4, 6), None],
        (4, false) => [part(0, 4), None, None],
        _ => [None, None, None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_way_gives_what_the_long_way_gives() {
        for year in (0..10_000).step_by(7).chain(1840..2160) {
            for (month, day) in [(0, 0), (0, 5), (2, 29), (2, 30), (5, 18), (12, 31), (13, 1), (1, 1)] {
                let text = format!("{year:04}-{month:02}-{day:02}");
                assert_eq!(Birth::read(&text), Birth::read_any(&text), "{text}");
            }
        }
    }

    #[test]
    fn every_notation_of_a_date() {
        for text in [
            "1983-05-18",
            "1983/5/18",
            "1983.5.18",
            "19830518",
            "昭和58年5月18日",
            "昭和５８年０５月１８日",
            "昭和五十八年五月十八日",
            "S58.5.18",
            "Ｓ５８．５．１８",
            "S580518",
            "昭58.5.18",
            "3580518",
            "1983年5月18日",
            "西暦1983年5月18日生",
            "1983-05-18T00:00:00",
            "S58-05-18",
            " 1983 5 18 ",
        ] {
            assert_eq!(normalise_birth(text), Some((1983, 5, 18)), "{text}");
        }
        assert_eq!(normalise_birth("令和元年8月14日"), Some((2019, 8, 14)));
        assert_eq!(normalise_birth("R051231"), Some((2023, 12, 31)));
        assert_eq!(normalise_birth("大正12年9月1日"), Some((1923, 9, 1)));
        assert_eq!(normalise_birth("M45.7.29"), Some((1912, 7, 29)));
        assert_eq!(normalise_birth("H8.2.29"), Some((1996, 2, 29)));
    }

    #[test]
    fn dates_that_stand_for_unknown_are_missing() {
        for text in
            ["", "不明", "1900-01-01", "9999-12-31", "0001-01-01", "明治33年1月1日", "19010101", "00000000"]
        {
            assert_eq!(Birth::read(text), Birth::Missing, "{text}");
        }
    }

    #[test]
    fn an_incomplete_date_keeps_what_it_has() {
        assert_eq!(Birth::read("1983-05-00"), Birth::Partly { year: 1983, month: Some(5) });
        assert_eq!(Birth::read("昭和58年"), Birth::Partly { year: 1983, month: None });
        assert_eq!(Birth::read("1983-00-00"), Birth::Partly { year: 1983, month: None });
        assert_eq!(Birth::read("1995-02-30"), Birth::Partly { year: 1995, month: Some(2) });
        assert_eq!(normalise_birth("1995-02-30"), None);
        assert_eq!(Birth::read("58.5.18"), Birth::TwoFigures { year: 58, month: 5, day: 18 });
    }
}
