//! Prefectures, municipalities of today and of former times, and one spelling for towns.

use crate::fold::{UNKNOWN, is_gaiji_mark};
use crate::hash::QuickMap;
use crate::kana;
use crate::numerals;
use crate::variants;
use std::sync::Arc;

/// One of the 47, by its official number; 0 when none was written or inferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Prefecture(pub(crate) u8);

const PREFECTURES: [&str; 47] = [
    "北海道",
    "青森県",
    "岩手県",
    "宮城県",
    "秋田県",
    "山形県",
    "福島県",
    "茨城県",
    "栃木県",
    "群馬県",
    "埼玉県",
    "千葉県",
    "東京都",
    "神奈川県",
    "新潟県",
    "富山県",
    "石川県",
    "福井県",
    "山梨県",
    "長野県",
    "岐阜県",
    "静岡県",
    "愛知県",
    "三重県",
    "滋賀県",
    "京都府",
    "大阪府",
    "兵庫県",
    "奈良県",
    "和歌山県",
    "鳥取県",
    "島根県",
    "岡山県",
    "広島県",
    "山口県",
    "徳島県",
    "香川県",
    "愛媛県",
    "高知県",
    "福岡県",
    "佐賀県",
    "長崎県",
    "熊本県",
    "大分県",
    "宮崎県",
    "鹿児島県",
    "沖縄県",
];

/// The prefecture at the start of a folded address, and the rest.
pub(super) fn prefecture(text: &str) -> (Prefecture, &str) {
    for (number, name) in (1..).zip(PREFECTURES) {
        if let Some(rest) = text.strip_prefix(name) {
            return (Prefecture(number), rest.trim_start());
        }
    }
    (Prefecture(0), text)
}

/// Names of municipalities: those of today, and what former ones became.
///
/// [`Places::default`] knows most of today's; mergers are added by [`Places::add_merger`].
#[derive(Clone, Debug)]
pub struct Places {
    /// Former name → (its prefecture, municipality of today), one entry per prefecture that had the name.
    former: QuickMap<String, Vec<(Prefecture, String)>>,
    /// Name of today → its prefecture; 0 when several have a municipality of that name.
    today: QuickMap<String, Prefecture>,
}

const TODAY: &str = include_str!("../../data/municipalities.txt");

impl Default for Places {
    fn default() -> Places {
        let mut places = Places { former: QuickMap::default(), today: QuickMap::default() };
        for line in TODAY.lines().filter(|line| !line.starts_with('#')) {
            let (prefecture, _) = prefecture(line);
            line.split(' ').skip(1).for_each(|name| places.add_today(prefecture, town(name)));
        }
        places
    }
}

/// The municipality an address begins with.
pub(crate) struct City<'text> {
    /// What it is called today. Several where the prefecture was left out and municipalities share a name.
    pub(crate) names: Arc<[Box<str>]>,
    /// The rest of the address.
    pub(crate) rest: &'text str,
}

/// No more municipalities share a former name (旭町, 大和村 …) than this.
const MOST_NAMESAKES: usize = 12;

/// No municipality's name is longer (さいたま市岩槻区 with its ward counts 8; the longest have 11).
const LONGEST_NAME: usize = 12;

/// No character further on than this says where a municipality ends: a district's name is looked for in six
/// characters, and a municipality's in the [`LONGEST_NAME`] that follow it.
pub(super) const FAR: usize = 7 + LONGEST_NAME;

impl Places {
    fn add_today(&mut self, prefecture: Prefecture, name: String) {
        let known = self.today.entry(name).or_insert(prefecture);
        if *known != prefecture {
            *known = Prefecture(0);
        }
    }

    /// Learns that the municipality `old` became part of `new`, both as `埼玉県`, `鳩ヶ谷市`, `川口市`.
    pub fn add_merger(&mut self, prefecture_name: &str, old: &str, new: &str) {
        let (prefecture, _) = prefecture(prefecture_name);
        let old = town(without_district(old));
        let new = town(without_district(new));
        if old.is_empty() || old == new {
            return;
        }
        self.add_today(prefecture, new.clone());
        self.former.entry(old).or_default().push((prefecture, new));
    }

    /// The municipality at the start of `text` (after its prefecture).
    pub(crate) fn city<'text>(&self, prefecture: Prefecture, text: &'text str) -> City<'text> {
        let text = without_district(text);
        let end = self.end_of_known_city(text).unwrap_or_else(|| end_of_city(text));
        let (written, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        let name = town(written);
        let mut names: Vec<Box<str>> = Vec::with_capacity(1);
        let of_today = self.today.get(&name).copied();
        let fits = |of: Prefecture| prefecture.0 == 0 || of.0 == 0 || of == prefecture;
        // A name of today; one that nobody knows is taken at its word.
        let former = self.became(prefecture, &name);
        if former.is_empty() || of_today.is_some_and(fits) {
            names.push(name.into());
        }
        names.extend(former.into_iter().map(|(_, name)| Box::from(name)));
        names.dedup();
        City { names: names.into(), rest }
    }

    /// Where a municipality that is known by name ends, in bytes; the longest name wins (東村山市, not 東村).
    fn end_of_known_city(&self, text: &str) -> Option<usize> {
        let ends = text
            .char_indices()
            .take(LONGEST_NAME)
            .filter(|(_, character)| matches!(character, '市' | '区' | '町' | '村'));
        let ends: Vec<usize> = ends.map(|(at, character)| at + character.len_utf8()).collect();
        ends.into_iter().rev().find(|end| {
            text.get(..*end)
                .map(town)
                .is_some_and(|name| self.today.contains_key(&name) || self.former.contains_key(&name))
        })
    }

    /// What former municipalities of this name are today, followed through several mergers.
    fn became(&self, prefecture: Prefecture, name: &str) -> Vec<(Prefecture, String)> {
        let mut found = Vec::new();
        for (of, next) in self.former.get(name).into_iter().flatten() {
            if prefecture.0 != 0 && *of != prefecture {
                continue;
            }
            let mut name = next;
            // No municipality passed through more than a handful of mergers; the bound keeps cycles out.
            for _ in 0..6 {
                let later = self.former.get(name).into_iter().flatten().find(|(other, _)| other == of);
                match later {
                    Some((_, later)) if later != name => name = later,
                    _ => break,
                }
            }
            found.push((*of, name.clone()));
        }
        found.truncate(MOST_NAMESAKES);
        found
    }
}

/// Drops the 郡 before a town or village: 加古郡稲美町 is 稲美町.
fn without_district(text: &str) -> &str {
    const NOT_DISTRICTS: [&str; 5] = ["大和郡山市", "郡山市", "蒲郡市", "小郡", "郡上"];
    if NOT_DISTRICTS.iter().any(|name| text.starts_with(name)) {
        return text;
    }
    let pairs = text.char_indices().zip(text.char_indices().skip(1)).take(6);
    for ((at, character), (after, next)) in pairs {
        match character {
            // 大分市下郡: once the municipality is named, 郡 belongs to a town.
            '市' | '区' | '町' | '村' if next != '郡' => break,
            '郡' if at > 0 && next != '市' => return text.get(after..).unwrap_or(text).trim_start(),
            _ => {}
        }
    }
    text
}

/// Where the municipality's name ends, in bytes, by the form of the name: …市 (with its ward), …区, …町, …村.
fn end_of_city(text: &str) -> usize {
    let start: Vec<(usize, char)> = text.char_indices().take(LONGEST_NAME).collect();
    let end = |position: usize| start.get(position).map_or(0, |(at, character)| at + character.len_utf8());
    let find = |wanted: &[char], from: usize, upto: usize| {
        start
            .iter()
            .enumerate()
            .skip(from)
            .take(upto)
            .find(|(_, (_, character))| wanted.contains(character))
            .map(|(position, _)| position)
    };
    // A number ends the search: 市 behind it belongs to a building or a town.
    let limit = start.iter().position(|(_, character)| character.is_ascii_digit()).unwrap_or(start.len());
    if let Some(mut city) = find(&['市'], 1, limit.saturating_sub(1).min(7)) {
        // 四日市市, 廿日市市, 野々市市, 八日市場市: the last 市 of a run is the one.
        if start.get(city + 1).is_some_and(|(_, next)| *next == '市') {
            city += 1;
        } else if start.get(city + 1).is_some_and(|(_, next)| *next == '場')
            && start.get(city + 2).is_some_and(|(_, next)| *next == '市')
        {
            city += 2;
        }
        // Wards of the designated cities have names of one to three characters (さいたま市 ones too).
        let ward = find(&['区'], city + 2, 3);
        return end(ward.unwrap_or(city));
    }
    let town = find(&['区', '町', '村'], 1, limit.saturating_sub(1).min(8));
    // 小糸井町4-38-12: a name directly before the numbers is a town whose municipality was left out.
    let before_numbers = |position: &usize| {
        start
            .get(position + 1)
            .is_none_or(|(_, next)| next.is_ascii_digit() || numerals::is_kanji_numeral(*next))
    };
    town.filter(|position| !before_numbers(position)).map_or(0, end)
}

/// One spelling for names of places: variants by their class, 大字 and 字 gone, numbers in Arabic figures,
/// ヶ ケ が ガ カ one, の ノ 之 乃 one, ツ ッ つ one, small kana large.
pub(super) fn town(text: &str) -> String {
    // Most names are kanji alone, and each says the same wherever it stands.
    let plain = |character: char| {
        ('一'..='鿯').contains(&character)
            && !matches!(character, '字' | '之' | '乃')
            && !numerals::is_kanji_numeral(character)
    };
    if text.chars().all(plain) {
        return text.chars().map(variants::standard).collect();
    }
    town_any(text)
}

fn town_any(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().filter(|character| !character.is_whitespace()).peekable();
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        match character {
            '大' | '小' if next == Some('字') => {
                characters.next();
            }
            // 十文字町 is a name; every other 字 announces one.
            '字' if !out.ends_with('文') => {}
            // 千代田 and 百合 are not numbers.
            '千' | '百' if !next.is_some_and(numerals::is_kanji_numeral) => out.push(character),
            character if numerals::is_kanji_numeral(character) => {
                let mut run = String::from(character);
                while let Some(figure) = characters.next_if(|next| numerals::is_kanji_numeral(*next)) {
                    run.push(figure);
                }
                numerals::read(&run).iter().for_each(|number| out.push_str(&number.to_string()));
            }
            character => {
                let before = out.chars().next_back();
                out.push(one_spelling(character, before, next));
            }
        }
    }
    out
}

fn one_spelling(character: char, before: Option<char>, next: Option<char>) -> char {
    let inside =
        before.is_some_and(|before| !kana::is_kana(before)) && next.is_some_and(|next| !kana::is_kana(next));
    match kana::katakana(character) {
        'ケ' | 'ヶ' | 'ヵ' => 'ケ',
        'ガ' | 'カ' if inside => 'ケ',
        'ノ' => 'ノ',
        '之' | '乃' if inside => 'ノ',
        'ッ' => 'ツ',
        'ャ' => 'ヤ',
        'ュ' => 'ユ',
        'ョ' => 'ヨ',
        mark if is_gaiji_mark(mark) => UNKNOWN,
        other => variants::standard(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_quick_way_gives_what_the_long_way_gives(text in "[一-鿯大小字文之乃髙邊千百十三〇ケがノ々 ]{0,8}") {
            prop_assert_eq!(town(&text), town_any(&text));
        }
    }
}
