//! Two records side by side: each attribute with the differing characters marked.

use matching::{How, Kind, Piece, Sex, differences, normalise_birth, normalise_sex};

use super::language::Language;
use super::store::{Attributes, Resident};

/// A piece of a text as the page shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    pub(super) text: String,
    /// Class of the style sheet; empty for what is the same.
    pub(super) class: &'static str,
    /// Read aloud before the text; empty where nothing needs to be said.
    pub(super) said: &'static str,
}

/// One side of a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Cell {
    pub(super) marks: Vec<Mark>,
    /// The text as the file has it, where the marks show a normalised one.
    pub(super) written: String,
}

/// One attribute of both.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Row {
    pub(super) attribute: &'static str,
    /// The difference in a word.
    pub(super) verdict: &'static str,
    /// The customer's and the resident's.
    pub(super) sides: [Cell; 2],
}

/// All attributes of a customer beside a resident's, former ones last.
pub(super) fn rows(language: Language, customer: &Attributes, resident: &Resident) -> Vec<Row> {
    let say = |ja, en| language.say(ja, en);
    let own = &resident.attributes;
    let mut rows = vec![text(language, say("氏名", "Name"), Kind::Name, &customer.name, &own.name)];
    if !resident.tsusho.is_empty() {
        rows.push(text(language, say("通称", "Common name"), Kind::Name, &customer.name, &resident.tsusho));
    }
    rows.push(text(language, say("よみ", "Reading"), Kind::Name, &customer.kana, &own.kana));
    rows.push(birth(language, &customer.birth, &own.birth));
    rows.push(sex(language, &customer.sex, &own.sex));
    rows.push(text(language, say("住所", "Address"), Kind::Address, &customer.address, &own.address));
    for past in &resident.past {
        rows.push(match past.kind.as_str() {
            "former_address" => {
                text(language, say("旧住所", "Former address"), Kind::Address, &customer.address, &past.value)
            }
            "former_name" => {
                text(language, say("旧氏名", "Former name"), Kind::Name, &customer.name, &past.value)
            }
            _ => surname(language, &customer.name, &past.value, &past.kana),
        });
    }
    rows
}

fn text(language: Language, attribute: &'static str, kind: Kind, customer: &str, resident: &str) -> Row {
    let missing = customer.is_empty() || resident.is_empty();
    let (left, right) = differences(kind, customer, resident);
    let verdict = match worst(&left).max(worst(&right)) {
        _ if missing => language.say("記載なし", "not given"),
        0 => language.say("同じ", "same"),
        1 => language.say("表記だけの違い", "notation only"),
        2 => language.say("異体字", "variant character"),
        3 => language.say("似た字", "similar character"),
        _ => language.say("違いあり", "differs"),
    };
    // Against nothing, nothing is marked: the verdict says it.
    let cell = |pieces: &[Piece<'_>]| Cell {
        marks: pieces.iter().map(|piece| mark(language, piece, missing)).collect(),
        written: String::new(),
    };
    Row { attribute, verdict, sides: [cell(&left), cell(&right)] }
}

fn worst(pieces: &[Piece<'_>]) -> u8 {
    let weight = |piece: &Piece<'_>| match piece.how {
        How::Same => 0,
        How::Written => 1,
        How::Variant => 2,
        How::Alike => 3,
        How::Differs | How::Only => 4,
    };
    pieces.iter().map(weight).max().unwrap_or(0)
}

fn mark(language: Language, piece: &Piece<'_>, missing: bool) -> Mark {
    let (class, said) = match piece.how {
        _ if missing => ("", ""),
        How::Same => ("", ""),
        How::Written => ("written", ""),
        How::Variant => ("variant", language.say("異体字", "variant")),
        How::Alike => ("alike", language.say("似た字", "similar")),
        How::Differs => ("differs", language.say("違い", "differs")),
        How::Only => ("only", language.say("片方だけ", "only here")),
    };
    Mark { text: piece.text.to_owned(), class, said }
}

/// Dates are compared as dates; the page shows both the date and what is written.
fn birth(language: Language, customer: &str, resident: &str) -> Row {
    let attribute = language.say("生年月日", "Birth date");
    let (Some(left), Some(right)) = (normalise_birth(customer), normalise_birth(resident)) else {
        return text(language, attribute, Kind::Name, customer, resident);
    };
    let plain = |(year, month, day): (i32, u8, u8)| format!("{year:04}-{month:02}-{day:02}");
    let (one, other) = (plain(left), plain(right));
    let mut row = text(language, attribute, Kind::Name, &one, &other);
    if left == right && customer != resident {
        row.verdict = language.say("表記だけの違い", "notation only");
    }
    let [own, others] = &mut row.sides;
    for (cell, written, plain) in [(own, customer, &one), (others, resident, &other)] {
        if written != plain {
            written.clone_into(&mut cell.written);
        }
    }
    row
}

fn sex(language: Language, customer: &str, resident: &str) -> Row {
    let attribute = language.say("性別", "Sex");
    let (Some(left), Some(right)) = (normalise_sex(customer), normalise_sex(resident)) else {
        // 0, 9 and 不明 say as much as nothing.
        let mut row = text(language, attribute, Kind::Name, "", "");
        row.sides =
            [customer, resident].map(|written| Cell { marks: Vec::new(), written: written.to_owned() });
        return row;
    };
    let word = |sex| match sex {
        Sex::Male => language.say("男", "male"),
        Sex::Female => language.say("女", "female"),
    };
    let how = if left == right { How::Same } else { How::Differs };
    let cell = |sex| Cell {
        marks: vec![mark(language, &Piece { text: word(sex), how }, false)],
        written: String::new(),
    };
    let verdict =
        if left == right { language.say("同じ", "same") } else { language.say("違いあり", "differs") };
    Row { attribute, verdict, sides: [cell(left), cell(right)] }
}

/// A former surname beside the beginning of the customer's name.
fn surname(language: Language, name: &str, former: &str, kana: &str) -> Row {
    let attribute = language.say("旧氏", "Former surname");
    let own = name.split_whitespace().next().filter(|own| *own != name).unwrap_or_default();
    let mut row = text(language, attribute, Kind::Name, own, former);
    if own.is_empty() && name.starts_with(former) && !former.is_empty() {
        // Written without a space, the name still begins with it.
        row = text(language, attribute, Kind::Name, former, former);
    }
    let [_, others] = &mut row.sides;
    kana.clone_into(&mut others.written);
    row
}

#[cfg(test)]
mod tests {
    use super::super::store::Past;
    use super::*;

    fn resident() -> Resident {
        Resident {
            person_id: "P1".into(),
            attributes: Attributes {
                name: "高橋　誠".into(),
                kana: "タカハシ　マコト".into(),
                sex: "M".into(),
                birth: "1983-05-18".into(),
                address: "埼玉県川口市幸町二丁目３番".into(),
            },
            tsusho: String::new(),
            past: vec![
                Past { kind: "former_surname".into(), value: "佐藤".into(), kana: "サトウ".into() },
                Past {
                    kind: "former_address".into(),
                    value: "埼玉県川口市幸町2-3".into(),
                    kana: String::new(),
                },
            ],
        }
    }

    #[test]
    fn each_attribute_has_its_verdict() {
        let customer = Attributes {
            name: "髙橋 誠".into(),
            kana: String::new(),
            sex: "2".into(),
            birth: "昭和58年5月19日".into(),
            address: "埼玉県川口市幸町2-3".into(),
        };
        let shown: Vec<_> = rows(Language::English, &customer, &resident())
            .into_iter()
            .map(|row| (row.attribute, row.verdict, row.sides[0].written.clone()))
            .collect();
        assert_eq!(
            shown,
            [
                ("Name", "variant character", String::new()),
                ("Reading", "not given", String::new()),
                ("Birth date", "differs", "昭和58年5月19日".into()),
                ("Sex", "differs", String::new()),
                ("Address", "notation only", String::new()),
                ("Former surname", "differs", String::new()),
                ("Former address", "same", String::new()),
            ]
        );
    }

    #[test]
    fn a_date_in_another_notation_is_the_same_date() {
        let row = birth(Language::Japanese, "S58.5.18", "1983-05-18");
        assert_eq!((row.verdict, row.sides[0].written.as_str()), ("表記だけの違い", "S58.5.18"));
        assert!(row.sides[0].marks.iter().all(|mark| mark.class.is_empty()));
        assert_eq!(birth(Language::Japanese, "不明", "1983-05-18").verdict, "違いあり");
        assert_eq!(sex(Language::Japanese, "9", "M").verdict, "記載なし");
    }
}
