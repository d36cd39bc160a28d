//! Small comparisons of short texts. All stop early; none is worse than the product of two name lengths, and
//! names longer than [`LONGEST`] are compared for equality only.

use crate::fold::UNKNOWN;
use crate::variants::look_alike;

/// Longer texts are no names; what is quadratic stays away from them.
pub(super) const LONGEST: usize = 64;

/// True when one insertion, deletion, replacement or exchange of neighbours makes the texts equal.
pub(super) fn one_edit(left: &str, right: &str) -> bool {
    // One slip leaves the first or the last character as it was, but for texts of two characters or less.
    let ends =
        left.chars().next() == right.chars().next() || left.chars().next_back() == right.chars().next_back();
    if !ends && left.len().max(right.len()) > 8 || left.len().abs_diff(right.len()) > 4 {
        return false;
    }
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let start = short.iter().zip(&long).take_while(|(left, right)| left == right).count();
    let end = short.iter().rev().zip(long.iter().rev()).take_while(|(left, right)| left == right).count();
    let middle = short.len().saturating_sub(start.saturating_add(end));
    if long.len() > short.len() {
        return middle == 0;
    }
    match (short.get(start..start + 2), long.get(start..start + 2)) {
        (Some([a, b]), Some([c, d])) if middle == 2 => a == d && b == c,
        _ => middle <= 1,
    }
}

/// How texts of equal length agree when some characters are unknown or only look alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Alike {
    /// Places with the same character.
    pub(super) same: usize,
    /// Places where one side could not write the character.
    pub(super) unknown: usize,
    /// Places with characters that scanners confuse.
    pub(super) look_alike: usize,
    /// Places that differ.
    pub(super) different: usize,
}

/// Compares place by place, up to the second difference; `None` when the lengths differ before that.
pub(super) fn alike(left: &str, right: &str) -> Option<Alike> {
    let mut found = Alike { same: 0, unknown: 0, look_alike: 0, different: 0 };
    let (mut left, mut right) = (left.chars(), right.chars());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Some(found),
            (Some(left), Some(right)) if left == UNKNOWN || right == UNKNOWN => found.unknown += 1,
            (Some(left), Some(right)) if left == right => found.same += 1,
            (Some(left), Some(right)) if look_alike(left, right) => found.look_alike += 1,
            (Some(_), Some(_)) => {
                found.different += 1;
                if found.different == 2 {
                    return Some(found);
                }
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_seen() {
        for (left, right) in [
            ("シゲトモ", "シゲモ"),
            ("ウラン", "ウララン"),
            ("アキコ", "アキオ"),
            ("アキ", "キア"),
            ("山", "山"),
        ] {
            assert!(one_edit(left, right), "{left} {right}");
        }
        for (left, right) in [("アキコ", "ハルオ"), ("アキコ", "アキヒロコ"), ("アキ", "コウ")]
        {
            assert!(!one_edit(left, right), "{left} {right}");
        }
    }

    #[test]
    fn unknown_and_confused_characters_are_counted() {
        assert_eq!(
            alike("〓木末", "高木未"),
            Some(Alike { same: 1, unknown: 1, look_alike: 1, different: 0 })
        );
        assert_eq!(alike("山", "山本"), None);
    }
}
