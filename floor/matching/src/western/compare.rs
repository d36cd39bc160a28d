//! How two Western records agree, field by field.

use super::Fields;

/// Given name, surname, house, street, locality, suburb, postcode, state, birth date, number.
pub(super) const FIELDS: usize = 10;
/// Levels of one field: other, similar, near, same, missing.
pub(super) const LEVELS: usize = 5;
/// Level of a field that one side lacks.
pub(super) const MISSING: u8 = 4;

/// Level of each field.
pub(super) type Pattern = [u8; FIELDS];

/// Compares two records. Exchanged given name and surname, and exchanged street and locality, are seen.
pub(super) fn pattern(Fields(left): &Fields, Fields(right): &Fields) -> Pattern {
    let mut pattern = [MISSING; FIELDS];
    for ((level, one), other) in pattern.iter_mut().zip(left).zip(right) {
        *level = field(one, other);
    }
    exchanged(&mut pattern, left, right, (0, 1));
    exchanged(&mut pattern, left, right, (3, 4));
    pattern
}

fn exchanged(
    pattern: &mut Pattern,
    left: &[String; FIELDS],
    right: &[String; FIELDS],
    (first, second): (usize, usize),
) {
    let text = |list: &[String; FIELDS], place: usize| list.get(place).cloned().unwrap_or_default();
    let crossed =
        [field(&text(left, first), &text(right, second)), field(&text(left, second), &text(right, first))];
    let evidence = |level: u8| if level == MISSING { 0 } else { level };
    let straight: u8 =
        [first, second].iter().filter_map(|place| pattern.get(*place)).map(|level| evidence(*level)).sum();
    if crossed.iter().map(|level| evidence(*level)).sum::<u8>() > straight {
        for (place, level) in [first, second].into_iter().zip(crossed) {
            if let Some(slot) = pattern.get_mut(place) {
                // An exchange is an error itself: one level less than the same.
                *slot = if level == MISSING { level } else { level.min(2) };
            }
        }
    }
}

fn field(left: &str, right: &str) -> u8 {
    if left.is_empty() || right.is_empty() {
        return MISSING;
    }
    if left == right {
        return 3;
    }
    let (left, right): (Vec<char>, Vec<char>) = (
        left.chars().filter(|letter| *letter != ' ').take(40).collect(),
        right.chars().filter(|letter| *letter != ' ').take(40).collect(),
    );
    let longest = left.len().max(right.len());
    let distance = distance(&left, &right);
    if distance <= 1 || distance * 5 <= longest {
        2
    } else if distance * 5 <= longest * 2 {
        1
    } else {
        0
    }
}

/// Edits and exchanges of neighbours that turn one text into the other; at most 40 × 40 steps.
fn distance(left: &[char], right: &[char]) -> usize {
    let width = right.len() + 1;
    let mut before: Vec<usize> = vec![0; width];
    let mut above: Vec<usize> = (0..width).collect();
    for (row, one) in left.iter().enumerate() {
        let mut line = Vec::with_capacity(width);
        line.push(row + 1);
        for (column, other) in right.iter().enumerate() {
            let at = |line: &[usize], place: usize| line.get(place).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&above, column) + usize::from(one != other))
                .min(at(&above, column + 1) + 1)
                .min(at(&line, column) + 1);
            let turned = row > 0
                && column > 0
                && left.get(row - 1) == Some(other)
                && right.get(column - 1) == Some(one);
            if turned {
                best = best.min(at(&before, column - 1) + 1);
            }
            line.push(best);
        }
        before = std::mem::replace(&mut above, line);
    }
    above.last().copied().unwrap_or(left.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_follow_the_distance() {
        assert_eq!(field("green", "green"), 3);
        assert_eq!(field("mitchell", "mitchel"), 2);
        assert_eq!(field("19560409", "19560490"), 2);
        assert_eq!(field("pridhamstreet", "pridham street"), 2);
        assert_eq!(field("green", "mccarthy"), 0);
        assert_eq!(field("", "green"), MISSING);
    }
}
