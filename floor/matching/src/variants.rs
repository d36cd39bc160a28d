//! Variant characters as classes: 髙 is 高, 﨑 is 崎, 邊 and 邉 are 辺; 斎 and 斉 are two characters.

use crate::hash::QuickMap;
use std::sync::OnceLock;

const TABLE: &str = include_str!("../data/variants.txt");

fn classes() -> &'static QuickMap<char, char> {
    static CLASSES: OnceLock<QuickMap<char, char>> = OnceLock::new();
    CLASSES.get_or_init(|| {
        let mut classes = QuickMap::default();
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let mut characters = line.chars();
            let Some(standard) = characters.next() else { continue };
            for variant in characters {
                classes.insert(variant, standard);
            }
        }
        classes
    })
}

/// The character that stands for the class of `character`; itself when it has no variants.
pub(crate) fn standard(character: char) -> char {
    // Latin letters, signs and kana have no variants, which saves most look-ups.
    if character < '\u{2e80}' || ('\u{3000}'..'\u{3400}').contains(&character) {
        character
    } else {
        classes().get(&character).copied().unwrap_or(character)
    }
}

/// The other forms of a character, for the exercise.
pub(crate) fn other_forms(character: char) -> Vec<char> {
    let family = TABLE.lines().find(|line| !line.starts_with('#') && line.contains(character));
    family.into_iter().flat_map(str::chars).filter(|other| *other != character).collect()
}

/// A character that looks like this one, for the exercise.
pub(crate) fn a_look_alike(character: char) -> Option<char> {
    let family = LOOK_ALIKES.iter().find(|family| family.contains(character))?;
    family.chars().find(|other| *other != character)
}

/// Pairs of characters that scanners and hurried hands take for one another. Not variants: a pair that
/// differs only so is similar, never equal.
const LOOK_ALIKES: &[&str] = &[
    "口ロ囗",
    "力カ",
    "二ニ",
    "夕タ",
    "工エ",
    "八ハ",
    "千干于チ",
    "土士",
    "末未",
    "大太犬",
    "己已巳",
    "日曰目",
    "人入",
    "問間聞",
    "右石",
    "木本",
    "田由甲申",
    "天夫",
    "王玉",
    "午牛",
    "爪瓜",
    "待侍",
    "徳穂",
    "緑縁",
    "栄宋",
    "幸辛",
    "郎朗",
    "官宮",
    "科料",
    "治冶",
    "祐裕佑",
    "藤籐",
    "崇祟",
    "輝暉",
    "萩荻",
    "柏拍",
    "清晴",
    "史吏",
    "真貞",
    "島鳥",
    "恵思",
    "美実",
    "和知",
    "孝考",
    "伸仲",
    "貝見具",
    "雪雷",
    "遣遺",
    "彦産",
    "友反",
    "卓早",
    "野埜",
    "一ーｰ-",
    "ソン",
    "シツ",
    "ワウクフ",
    "コユ",
    "ヌスマ",
    "ラヲ",
    "ナメ",
    "ノメ",
    "アマ",
    "テチ",
    "ホオ",
    "ルレ",
    "ケク",
];

/// True when the two characters differ but look alike.
pub(crate) fn look_alike(left: char, right: char) -> bool {
    static FAMILIES: OnceLock<QuickMap<char, u128>> = OnceLock::new();
    // One bit per family; there are fewer than 128.
    let families = FAMILIES.get_or_init(|| {
        let mut families = QuickMap::default();
        for (bit, family) in LOOK_ALIKES.iter().enumerate() {
            family.chars().for_each(|character| *families.entry(character).or_default() |= 1 << (bit % 128));
        }
        families
    });
    match (families.get(&left), families.get(&right)) {
        (Some(left), Some(right)) => left & right != 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_character_are_one_class() {
        for (variant, character) in [
            ('髙', '高'),
            ('﨑', '崎'),
            ('碕', '崎'),
            ('邊', '辺'),
            ('邉', '辺'),
            ('澤', '沢'),
            ('濵', '浜'),
            ('槗', '橋'),
            ('𠮷', '吉'),
            ('眞', '真'),
            ('齋', '斎'),
            ('齊', '斉'),
            ('德', '徳'),
            ('國', '国'),
        ] {
            assert_eq!(standard(variant), standard(character), "{variant} is a form of {character}");
        }
    }

    #[test]
    fn different_characters_stay_apart() {
        for (left, right) in
            [('斎', '斉'), ('齋', '齊'), ('埼', '崎'), ('舟', '船'), ('洲', '州'), ('弐', '二')]
        {
            assert_ne!(standard(left), standard(right), "{left} is not {right}");
        }
    }

    #[test]
    fn look_alikes_are_known_both_ways() {
        assert!(look_alike('力', 'カ') && look_alike('カ', '力'));
        assert!(!look_alike('山', '川'));
    }
}
