//! Numbers as people write them: 12, １２, 十二, 一二, 百二十三, 元.

/// Value of one kanji digit, 〇 to 九; the old forms 壱 弐 参 too.
pub(crate) fn digit(character: char) -> Option<u32> {
    Some(match character {
        '〇' | '零' => 0,
        '一' | '壱' | '壹' => 1,
        '二' | '弐' | '貳' => 2,
        '三' | '参' | '參' => 3,
        '四' => 4,
        '五' | '伍' => 5,
        '六' => 6,
        '七' => 7,
        '八' => 8,
        '九' => 9,
        other => return other.to_digit(10),
    })
}

fn unit(character: char) -> Option<u32> {
    Some(match character {
        '十' | '拾' => 10,
        '百' => 100,
        '千' => 1000,
        _ => return None,
    })
}

/// True for a character that can be part of a kanji number.
pub(crate) fn is_kanji_numeral(character: char) -> bool {
    !character.is_ascii_digit() && (digit(character).is_some() || unit(character).is_some())
}

/// One run of numeral characters as the numbers it may mean, in order.
///
/// `二十四` is 24, `一〇五` is 105, `百五` is 105, and `三五十`, which is no number at all, is 3, 5, 10.
/// A plain run of two kanji digits (`三五`) is read by place, 35, as on a door plate.
/// Numbers above 2³² − 1 saturate.
pub(crate) fn read(run: &str) -> Vec<u32> {
    let well_formed = by_units(run);
    match well_formed {
        Some(number) => vec![number],
        None if run.chars().all(|character| digit(character).is_some()) => vec![by_place(run)],
        None => apart(run),
    }
}

/// A number in kanji, 24 as 二十四.
pub(crate) fn with_units(number: u32) -> String {
    let mut out = String::new();
    for (unit, name) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
        let count = number / unit % 10;
        if count > 0 {
            if count > 1 || unit == 1 {
                out.push(figure(count));
            }
            out += name;
        }
    }
    out
}

/// A number in kanji by place, 24 as 二四.
pub(crate) fn by_figures(number: u32) -> String {
    number.to_string().chars().filter_map(|digit| digit.to_digit(10)).map(figure).collect()
}

fn figure(digit: u32) -> char {
    usize::try_from(digit).ok().and_then(|place| "〇一二三四五六七八九".chars().nth(place)).unwrap_or('〇')
}

fn by_place(run: &str) -> u32 {
    run.chars()
        .filter_map(digit)
        .fold(0, |number: u32, digit| number.saturating_mul(10).saturating_add(digit))
}

/// A number with units, each unit smaller than the one before it and at most one digit before each.
fn by_units(run: &str) -> Option<u32> {
    if !run.chars().any(|character| unit(character).is_some()) {
        return None;
    }
    let (mut total, mut pending, mut last_unit) = (0_u32, None, u32::MAX);
    for character in run.chars() {
        if let Some(unit) = unit(character) {
            if unit >= last_unit {
                return None;
            }
            total = total.saturating_add(unit.saturating_mul(pending.take().unwrap_or(1)));
            last_unit = unit;
        } else {
            let digit = digit(character)?;
            if pending.is_some() {
                return None;
            }
            pending = Some(digit);
        }
    }
    Some(total.saturating_add(pending.unwrap_or(0)))
}

/// A run that is no number: every digit and every ten for itself, `三五十` as 3, 5, 10.
fn apart(run: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    let mut after_ten = false;
    for character in run.chars() {
        if let Some(unit) = unit(character) {
            numbers.push(unit);
            after_ten = true;
        } else if let Some(digit) = digit(character) {
            match numbers.last_mut() {
                // 三五十二 is 3, 5, 12.
                Some(last) if after_ten => *last = last.saturating_add(digit),
                _ => numbers.push(digit),
            }
            after_ten = false;
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation_of_a_number() {
        for (run, numbers) in [
            ("二十四", vec![24]),
            ("十", vec![10]),
            ("百五", vec![105]),
            ("一〇五", vec![105]),
            ("千二百三十四", vec![1234]),
            ("三五十", vec![3, 5, 10]),
            ("三五十二", vec![3, 5, 12]),
            ("三五", vec![35]),
            ("弐", vec![2]),
            ("1012", vec![1012]),
        ] {
            assert_eq!(read(run), numbers, "{run}");
        }
    }

    #[test]
    fn absurd_numbers_saturate() {
        assert_eq!(read(&"九".repeat(100)), vec![u32::MAX]);
    }
}
