//! Names: surname and given name, written and read.

use crate::fold::{UNKNOWN, fold, is_gaiji_mark};
use crate::kana;
use crate::variants;
use unicode_normalization::char::is_combining_mark;

/// One form of a name in one spelling, its words joined, with the place where the first word ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words<'a> {
    text: &'a str,
    /// Bytes of the first word; 0 when the name was written without a space.
    cut: usize,
}

impl<'a> Words<'a> {
    /// All words joined.
    pub(crate) fn joined(self) -> &'a str {
        self.text
    }

    /// Surname and given name, when a space told them apart.
    pub(crate) fn parts(self) -> Option<(&'a str, &'a str)> {
        if self.cut == 0 { None } else { self.text.split_at_checked(self.cut) }
    }

    pub(crate) fn is_missing(self) -> bool {
        self.text.is_empty()
    }
}

/// Joins the words of a text behind what is there already; gives the bytes of the first, 0 when it is the only one.
fn push_words(text: &mut String, folded: &str) -> usize {
    let start = text.len();
    let mut cut = 0;
    for word in folded.split_whitespace() {
        if cut == 0 {
            cut = text.len() - start;
        }
        text.push_str(word);
    }
    cut
}

/// Which of a resident's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum NameKind {
    /// The common name (通称) that a foreign resident may use.
    Common,
    /// Borne before a marriage, a divorce or an adoption.
    Former,
    #[default]
    Present,
}

/// One name of a person: as written and as read. Either may be missing. All three forms lie in one text: there are
/// millions of names, and each allocation counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Name {
    text: Box<str>,
    /// Where the written form ends and where the read one, in bytes; the rest is the heard one.
    ends: [usize; 2],
    /// Bytes of the first word of each form.
    cuts: [usize; 3],
}

impl Name {
    pub(crate) fn new(written: &str, reading: Option<&str>) -> Name {
        let written = spelling(written);
        let reading = reading.map(kana::bank).unwrap_or_default();
        // A name written in kana only is its own reading (foreign residents, systems without kanji).
        let reading = if reading.is_empty() && !written.is_empty() && all_kana(&written) {
            kana::bank(&written)
        } else {
            reading
        };
        Name::of(&written, &reading)
    }

    /// Takes words in their spelling, parted by spaces.
    fn of(written: &str, read: &str) -> Name {
        let mut text = String::with_capacity(written.len() + 2 * read.len());
        let written_cut = push_words(&mut text, written);
        let written_end = text.len();
        let read_cut = push_words(&mut text, read);
        let read_end = text.len();
        let read = Words { text: text.get(written_end..).unwrap_or_default(), cut: read_cut };
        let heard = match read.parts() {
            Some((surname, given)) => format!("{} {}", kana::sound(surname), kana::sound(given)),
            None => kana::sound(read.joined()),
        };
        let heard_cut = push_words(&mut text, &heard);
        Name { text: text.into(), ends: [written_end, read_end], cuts: [written_cut, read_cut, heard_cut] }
    }

    /// Surname and given name, each written, read and heard, none of them empty.
    pub(crate) fn of_words(surname: [&str; 3], given: [&str; 3]) -> Name {
        let length = surname.iter().chain(&given).map(|text| text.len()).sum();
        let mut text = String::with_capacity(length);
        let mut ends = [0; 3];
        for ((surname, given), end) in surname.iter().zip(given).zip(&mut ends) {
            text.push_str(surname);
            text.push_str(given);
            *end = text.len();
        }
        let [written_end, read_end, _] = ends;
        Name { text: text.into(), ends: [written_end, read_end], cuts: surname.map(str::len) }
    }

    fn form(&self, from: usize, to: usize, cut: usize) -> Words<'_> {
        Words { text: self.text.get(from..to).unwrap_or_default(), cut }
    }

    /// As written.
    pub(crate) fn written(&self) -> Words<'_> {
        let ([end, _], [cut, _, _]) = (self.ends, self.cuts);
        self.form(0, end, cut)
    }

    /// In the letters of a bank ([`kana::bank`]).
    pub(crate) fn read(&self) -> Words<'_> {
        let ([start, end], [_, cut, _]) = (self.ends, self.cuts);
        self.form(start, end, cut)
    }

    /// As it sounds ([`kana::sound`]).
    pub(crate) fn heard(&self) -> Words<'_> {
        let ([_, start], [_, _, cut]) = (self.ends, self.cuts);
        self.form(start, self.text.len(), cut)
    }

    /// This name with another surname: what the person was called before.
    pub(crate) fn with_surname(&self, written: &str, reading: Option<&str>) -> Name {
        let replaced = |words: Words<'_>, surname: &str| match words.parts() {
            Some((_, given)) if !surname.is_empty() => format!("{surname} {given}"),
            _ => surname.to_owned(),
        };
        Name::of(
            &replaced(self.written(), &joined(&spelling(written))),
            &replaced(self.read(), &joined(&reading.map(kana::bank).unwrap_or_default())),
        )
    }
}

fn joined(words: &str) -> String {
    words.split_whitespace().collect()
}

/// True when the whole text is kana.
pub(crate) fn is_all_kana(text: &str) -> bool {
    !text.is_empty() && text.chars().all(kana::is_kana)
}

/// True when the whole text is Latin letters.
pub(crate) fn is_all_latin(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|character| character < '\u{250}' && character.is_alphabetic())
}

fn all_kana(text: &str) -> bool {
    text.chars().all(|character| kana::is_kana(character) || character.is_whitespace())
}

/// Variants by their class, 々 written out, marks for missing characters as one, Latin in capitals,
/// punctuation and polite endings gone.
pub(crate) fn spelling(text: &str) -> String {
    let folded = fold(text);
    let mut out = String::with_capacity(folded.len());
    for character in folded.trim().trim_end_matches(['様', '殿', ' ']).chars() {
        match character {
            '々' | '〻' | '仝' => {
                let before = out.chars().rev().find(|before| *before != ' ');
                out.push(before.unwrap_or(character));
            }
            '・' | ',' | '.' | '、' | '\'' | '’' | '=' | '_' => out.push(' '),
            'ヶ' | 'ヵ' => out.push('ケ'),
            mark if is_combining_mark(mark) && (out.is_empty() || out.ends_with(' ')) => {}
            mark if is_gaiji_mark(mark) => out.push(UNKNOWN),
            character if character.is_ascii_lowercase() => out.push(character.to_ascii_uppercase()),
            character => out.push(variants::standard(character)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        Name::new(text, None).written().joined().to_owned()
    }

    #[test]
    fn spaces_width_and_variants_do_not_matter() {
        assert_eq!(written("髙槗　誠介"), written("高橋誠介"));
        assert_eq!(written("橋󠄃本 眞樹"), written("橋本真樹"));
        assert_eq!(written("佐々木　公平"), written("佐佐木公平"));
        assert_eq!(written("MÜLLER Minh"), "MÜLLERMINH");
        assert_ne!(written("斉藤 一"), written("斎藤 一"));
    }

    #[test]
    fn a_space_tells_surname_and_given_name_apart() {
        assert_eq!(Name::new("山田　太郎", None).written().parts(), Some(("山田", "太郎")));
        assert_eq!(Name::new("山田太郎", None).written().parts(), None);
    }

    #[test]
    fn marks_for_missing_characters_are_one() {
        assert_eq!(written("■橋"), written("？橋"));
    }

    #[test]
    fn a_name_in_kana_is_its_own_reading() {
        assert_eq!(Name::new("ミュラー ミン", None).read().joined(), "ミユラーミン");
    }
}
