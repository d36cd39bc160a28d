//! Half-width katakana, as older systems keep readings.

const FULL: &str = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンァィゥェォッャュョー　";
const HALF: &str = "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝｧｨｩｪｫｯｬｭｮｰ ";
const VOICED: &str = "ガギグゲゴザジズゼゾダヂヅデドバビブベボヴ";
const VOICED_BASE: &str = "カキクケコサシスセソタチツテトハヒフヘホウ";
const HALF_VOICED: &str = "パピプペポ";
const HALF_VOICED_BASE: &str = "ハヒフヘホ";

/// `ヤマダ　ハナコ` → `ﾔﾏﾀﾞ ﾊﾅｺ`
pub(crate) fn half_width(text: &str) -> String {
    let mut half = String::with_capacity(text.len());
    for character in text.chars() {
        let (base, mark) =
            match (swap(VOICED, VOICED_BASE, character), swap(HALF_VOICED, HALF_VOICED_BASE, character)) {
                (Some(base), _) => (base, Some('ﾞ')),
                (None, Some(base)) => (base, Some('ﾟ')),
                (None, None) => (character, None),
            };
        half.push(swap(FULL, HALF, base).unwrap_or(base));
        half.extend(mark);
    }
    half
}

/// The character of `to` that stands where `character` stands in `from`.
fn swap(from: &str, to: &str, character: char) -> Option<char> {
    let place = from.chars().position(|other| other == character)?;
    to.chars().nth(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kana_has_a_half() {
        assert_eq!(half_width("ヤマダ　ポール・ヴィン"), "ﾔﾏﾀﾞ ﾎﾟｰﾙ・ｳﾞｨﾝ");
        assert_eq!(half_width("ガギグパピプジュンッ"), "ｶﾞｷﾞｸﾞﾊﾟﾋﾟﾌﾟｼﾞｭﾝｯ");
        assert_eq!(FULL.chars().count(), HALF.chars().count());
        assert_eq!(VOICED.chars().count(), VOICED_BASE.chars().count());
    }
}
