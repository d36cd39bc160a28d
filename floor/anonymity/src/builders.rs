//! Hierarchies made from the values themselves: intervals, masks, and what Japanese tables have.
//!
//! Each builder gives a row for each value; whoever calls it gives every value of the table once.

use crate::hierarchy::{Hierarchy, HierarchyFault};

/// Why a hierarchy could not be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BuilderFault {
    /// A value that is not what the builder expects; the number says which, from 0.
    #[error(
        "値がこの階層の求める形ではありません / value {place} (from 0, in the order given) is not {expected}"
    )]
    Value {
        /// Which.
        place: usize,
        /// What it should be.
        expected: &'static str,
    },
    /// Settings that make no hierarchy.
    #[error("{0}")]
    Settings(&'static str),
    /// The rows that were made are no hierarchy.
    #[error(transparent)]
    Hierarchy(#[from] HierarchyFault),
}

/// What a missing value stays at every level but the last.
const MISSING: &str = "";

fn build(
    values: &[String],
    expected: &'static str,
    row: impl Fn(&str) -> Option<Vec<String>>,
    height: usize,
) -> Result<Hierarchy, BuilderFault> {
    let made = values.iter().enumerate().map(|(place, value)| {
        let mut labels = vec![value.clone()];
        if value == MISSING {
            labels.resize(height + 1, MISSING.to_owned());
        } else {
            labels.extend(row(value).ok_or(BuilderFault::Value { place, expected })?);
        }
        labels.push("*".to_owned());
        Ok(labels)
    });
    let rows: Vec<Vec<String>> = made.collect::<Result<_, BuilderFault>>()?;
    Ok(Hierarchy::from_rows(&rows)?)
}

/// Whole numbers in intervals, each level wider: every width is a multiple of the one before. What lies below `least` or
/// from `most` on is joined at the first level already (top and bottom coding).
///
/// # Errors
/// A value that is no whole number; widths that do not nest.
pub fn intervals(
    values: &[String],
    widths: &[i64],
    least: Option<i64>,
    most: Option<i64>,
) -> Result<Hierarchy, BuilderFault> {
    let nest = widths.array_windows().all(|[one, next]| *one > 0 && next % one == 0);
    if widths.is_empty() || !nest || widths.iter().any(|width| *width <= 0) {
        return Err(BuilderFault::Settings(
            "幅は正で、前の幅の倍数にしてください / each width must be a multiple of the one before, and more than 0",
        ));
    }
    let row = |value: &str| {
        // Wider than what is read: the end of an interval may lie beyond.
        let number = i128::from(value.trim().parse::<i64>().ok()?);
        let label = |width: &i64| match (least.map(i128::from), most.map(i128::from)) {
            (Some(least), _) if number < least => format!("<{least}"),
            (_, Some(most)) if number >= most => format!("{most}+"),
            (least, most) => {
                let width = i128::from(*width);
                let start = number.div_euclid(width) * width;
                // Cut at the ends, so that nobody reads more out of it than is in it.
                let first = least.map_or(start, |least| least.max(start));
                let last = most.map_or(start + width - 1, |most| (most - 1).min(start + width - 1));
                format!("{first}-{last}")
            }
        };
        Some(widths.iter().map(label).collect())
    };
    build(values, "a whole number", row, widths.len())
}

/// Five-year ages as Japanese statistics give them, then ten and twenty years; 90 and more are one (年齢5歳階級).
///
/// # Errors
/// A value that is no whole number.
pub fn ages(values: &[String]) -> Result<Hierarchy, BuilderFault> {
    intervals(values, &[5, 10, 20], None, Some(90))
}

/// The first characters of each value, fewer at each level.
///
/// # Errors
/// Lengths that do not become smaller.
pub fn masked(values: &[String], lengths: &[usize]) -> Result<Hierarchy, BuilderFault> {
    if lengths.is_empty() || !lengths.array_windows().all(|[one, next]| next < one) {
        return Err(BuilderFault::Settings(
            "残す長さは段階ごとに短くしてください / the lengths that are kept must become smaller from level to level",
        ));
    }
    let row = |value: &str| {
        let kept = |length: &usize| -> String {
            let count = value.chars().count();
            let stars = std::iter::repeat_n('*', count.saturating_sub(*length));
            value.chars().take(*length).chain(stars).collect()
        };
        Some(lengths.iter().map(kept).collect())
    };
    build(values, "text", row, lengths.len())
}

/// Postal codes: seven digits, three digits, two digits (郵便番号).
///
/// # Errors
/// A value without seven digits, a hyphen after the third or not.
pub fn postal_codes(values: &[String]) -> Result<Hierarchy, BuilderFault> {
    let row = |value: &str| {
        let digits: String = value.chars().filter(|sign| !matches!(sign, '-' | '〒' | ' ')).collect();
        let fits = digits.len() == 7 && digits.bytes().all(|sign| sign.is_ascii_digit());
        let (two, three) = (digits.get(..2)?, digits.get(..3)?);
        fits.then(|| vec![format!("{three}-****"), format!("{two}*-****")])
    };
    build(values, "a postal code of seven digits", row, 2)
}

/// Regions and their prefectures, in the order of JIS X 0401 (number − 1).
const REGIONS: [(&str, &[&str]); 8] = [
    ("北海道", &["北海道"]),
    ("東北", &["青森県", "岩手県", "宮城県", "秋田県", "山形県", "福島県"]),
    ("関東", &["茨城県", "栃木県", "群馬県", "埼玉県", "千葉県", "東京都", "神奈川県"]),
    ("中部", &["新潟県", "富山県", "石川県", "福井県", "山梨県", "長野県", "岐阜県", "静岡県", "愛知県"]),
    ("近畿", &["三重県", "滋賀県", "京都府", "大阪府", "兵庫県", "奈良県", "和歌山県"]),
    ("中国", &["鳥取県", "島根県", "岡山県", "広島県", "山口県"]),
    ("四国", &["徳島県", "香川県", "愛媛県", "高知県"]),
    ("九州・沖縄", &["福岡県", "佐賀県", "長崎県", "熊本県", "大分県", "宮崎県", "鹿児島県", "沖縄県"]),
];

/// Municipalities, by name with the prefecture before it or by number (JIS X 0402, five digits, or six with the check
/// digit): municipality, prefecture, region.
///
/// # Errors
/// A value that begins with no prefecture.
pub fn municipalities(values: &[String]) -> Result<Hierarchy, BuilderFault> {
    let prefectures =
        || REGIONS.iter().flat_map(|(region, names)| names.iter().map(move |name| (*name, *region)));
    let row = |value: &str| {
        let value = value.trim();
        let is_number = matches!(value.len(), 5 | 6) && value.bytes().all(|sign| sign.is_ascii_digit());
        let (prefecture, region) = if is_number {
            let number: usize = value.get(..2)?.parse().ok()?;
            prefectures().nth(number.checked_sub(1)?)?
        } else {
            prefectures().find(|(name, _)| value.starts_with(name))?
        };
        Some(vec![prefecture.to_owned(), region.to_owned()])
    };
    build(values, "a municipality with its prefecture before it, or its number", row, 2)
}

/// The chapters of ICD-10 (WHO, version 2019): last category of each, and its number.
const CHAPTERS: [(&str, &str); 22] = [
    ("B99", "I"),
    ("D48", "II"),
    ("D89", "III"),
    ("E90", "IV"),
    ("F99", "V"),
    ("G99", "VI"),
    ("H59", "VII"),
    ("H95", "VIII"),
    ("I99", "IX"),
    ("J99", "X"),
    ("K93", "XI"),
    ("L99", "XII"),
    ("M99", "XIII"),
    ("N99", "XIV"),
    ("O99", "XV"),
    ("P96", "XVI"),
    ("Q99", "XVII"),
    ("R99", "XVIII"),
    ("T98", "XIX"),
    ("U99", "XXII"),
    ("Y98", "XX"),
    ("Z99", "XXI"),
];

/// Diagnoses: code, category of three characters, chapter (ICD-10).
///
/// # Errors
/// A value that does not begin with a letter and two digits.
pub fn diagnoses(values: &[String]) -> Result<Hierarchy, BuilderFault> {
    let row = |value: &str| {
        let value = value.trim().to_ascii_uppercase();
        let category = value.get(..3)?;
        let mut signs = category.chars();
        let fits = signs.next()?.is_ascii_uppercase() && signs.all(|sign| sign.is_ascii_digit());
        // Categories of three characters are in the order of their characters.
        let (_, chapter) = CHAPTERS.iter().find(|(last, _)| category <= *last)?;
        fits.then(|| vec![category.to_owned(), (*chapter).to_owned()])
    };
    build(values, "an ICD-10 code: a letter and two digits, and what follows", row, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    fn labels(hierarchy: &Hierarchy, value: &str) -> Vec<String> {
        let leaf = hierarchy.code(value).unwrap();
        (0..hierarchy.height()).map(|level| hierarchy.label(level, leaf).to_owned()).collect()
    }

    #[test]
    fn ages_become_five_years_and_more() {
        let made = ages(&texts(&["0", "34", "35", "89", "90", "104", ""])).unwrap();
        assert_eq!(labels(&made, "34"), ["34", "30-34", "30-39", "20-39", "*"]);
        assert_eq!(labels(&made, "89"), ["89", "85-89", "80-89", "80-89", "*"]);
        assert_eq!(labels(&made, "104"), ["104", "90+", "90+", "90+", "*"]);
        assert_eq!(labels(&made, ""), ["", "", "", "", "*"]);
        assert!(ages(&texts(&["9223372036854775807", "-9223372036854775808"])).is_ok());
        assert!(ages(&texts(&["34", "old"])).unwrap_err().to_string().contains("value 1"));
        assert!(intervals(&texts(&["3"]), &[5, 12], None, None).is_err());
    }

    #[test]
    fn intervals_nest_at_their_ends() {
        let made = intervals(&texts(&["-7", "1", "3", "12", "99"]), &[5, 20], Some(2), Some(13)).unwrap();
        assert_eq!(labels(&made, "1"), ["1", "<2", "<2", "*"]);
        assert_eq!(labels(&made, "3"), ["3", "2-4", "2-12", "*"]);
        assert_eq!(labels(&made, "12"), ["12", "10-12", "2-12", "*"]);
    }

    #[test]
    fn places_of_japan() {
        let made = postal_codes(&texts(&["277-0005", "2770871", "1000001"])).unwrap();
        assert_eq!(labels(&made, "277-0005"), ["277-0005", "277-****", "27*-****", "*"]);
        assert_eq!(made.cardinality(1), 2);
        assert!(postal_codes(&texts(&["277-005"])).is_err());
        let made = municipalities(&texts(&["千葉県柏市", "京都府京都市左京区", "131016", "13101", "47201"]))
            .unwrap();
        assert_eq!(labels(&made, "千葉県柏市")[1..], ["千葉県", "関東", "*"]);
        assert_eq!(labels(&made, "京都府京都市左京区")[1..], ["京都府", "近畿", "*"]);
        assert_eq!(labels(&made, "131016")[1..], ["東京都", "関東", "*"]);
        assert_eq!(labels(&made, "47201")[1..], ["沖縄県", "九州・沖縄", "*"]);
        assert!(municipalities(&texts(&["柏市"])).is_err());
        assert!(municipalities(&texts(&["48201"])).is_err());
        assert_eq!(REGIONS.iter().map(|(_, names)| names.len()).sum::<usize>(), 47);
    }

    #[test]
    fn diagnoses_have_chapters() {
        let made =
            diagnoses(&texts(&["E11.9", "c50", "D50.0", "H60", "V01.0", "S72.00", "U07.1", "Z00"])).unwrap();
        for (code, chapter) in [
            ("E11.9", "IV"),
            ("c50", "II"),
            ("D50.0", "III"),
            ("H60", "VIII"),
            ("V01.0", "XX"),
            ("S72.00", "XIX"),
            ("U07.1", "XXII"),
            ("Z00", "XXI"),
        ] {
            assert_eq!(labels(&made, code)[2], chapter, "{code}");
        }
        assert!(diagnoses(&texts(&["11E"])).is_err());
    }

    #[test]
    fn masks_keep_the_beginning() {
        let made = masked(&texts(&["ABC123", "ABD"]), &[3, 1]).unwrap();
        assert_eq!(labels(&made, "ABC123"), ["ABC123", "ABC***", "A*****", "*"]);
        assert!(masked(&texts(&["A"]), &[1, 3]).is_err());
    }
}
