//! Reasons in words: one short sentence per attribute.

use crate::compare::{AddressLevel, BirthLevel, Comparison, PartLevel, SexLevel};
use crate::decide::Doubt;
use crate::name::NameKind;

/// Which attribute agreed how.
pub(crate) fn why(comparison: &Comparison) -> String {
    let mut sentences: Vec<String> = Vec::with_capacity(6);
    sentences.push(part("Surname", comparison.name.surname));
    sentences.push(part("Given name", comparison.name.given));
    match comparison.name.kind {
        NameKind::Present => {}
        NameKind::Former => sentences.push("The surname is a former one.".into()),
        NameKind::Common => sentences.push("The name is the common name.".into()),
    }
    if comparison.name.swapped {
        sentences.push("Surname and given name are exchanged.".into());
    }
    sentences.push(birth(comparison.birth).into());
    sentences.push(address(comparison.address).into());
    if comparison.former_address {
        sentences.push("The address is a former one.".into());
    }
    sentences.push(sex(comparison.sex).into());
    sentences.join(" ")
}

fn part(attribute: &str, level: PartLevel) -> String {
    let how = match level {
        PartLevel::Same => "agrees",
        PartLevel::Written => "agrees in writing, the reading or one character differs",
        PartLevel::Heard => "agrees in reading, the writing is not comparable",
        PartLevel::Homophone => "agrees in reading, the writing differs",
        PartLevel::Readable => "differs in writing but can be read the same",
        PartLevel::Similar => "differs by one slip",
        PartLevel::Missing => "is missing",
        PartLevel::Differs => "differs",
    };
    format!("{attribute} {how}.")
}

fn birth(level: BirthLevel) -> &'static str {
    match level {
        BirthLevel::Same => "Birth date agrees.",
        BirthLevel::Near => "Birth date differs by one slip.",
        BirthLevel::Partly => "Birth date agrees as far as it is given.",
        BirthLevel::Missing => "Birth date is missing.",
        BirthLevel::Differs => "Birth date differs.",
    }
}

fn address(level: AddressLevel) -> &'static str {
    match level {
        AddressLevel::Same => "Address agrees.",
        AddressLevel::OtherRoom => "Address agrees but for the room.",
        AddressLevel::Near => "Address agrees but for one slip.",
        AddressLevel::Town => "Address agrees as far as the town, the numbers are missing.",
        AddressLevel::OtherNumbers => "Address agrees as far as the town, the numbers differ.",
        AddressLevel::City => "Address agrees in the municipality only.",
        AddressLevel::Missing => "Address is missing.",
        AddressLevel::Differs => "Address differs.",
    }
}

fn sex(level: SexLevel) -> &'static str {
    match level {
        SexLevel::Same => "Sex agrees.",
        SexLevel::Differs => "Sex differs.",
        SexLevel::Missing => "Sex is missing.",
    }
}

/// Reasons as they stand in a file, in Japanese; a sentence that is not one of ours stays as it is.
pub fn why_in_japanese(why: &str) -> String {
    let mut sentences = Vec::new();
    let mut rest = why.trim();
    while !rest.is_empty() {
        // The longest one, since some begin like others.
        let ours = JAPANESE.iter().filter(|(english, _)| rest.starts_with(english));
        let (length, sentence) = match ours.max_by_key(|(english, _)| english.len()) {
            Some((english, japanese)) => (english.len(), *japanese),
            None => {
                let length = rest.find(". ").map_or(rest.len(), |end| end + 1);
                (length, rest.get(..length).unwrap_or(rest))
            }
        };
        sentences.push(sentence);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    sentences.join(" ")
}

/// Every sentence a clerk can meet.
const JAPANESE: [(&str, &str); 44] = [
    ("Surname agrees.", "氏は一致。"),
    (
        "Surname agrees in writing, the reading or one character differs.",
        "氏は表記が一致し、読みか一字が異なる。",
    ),
    ("Surname agrees in reading, the writing is not comparable.", "氏は読みが一致し、表記は比べられない。"),
    ("Surname agrees in reading, the writing differs.", "氏は読みが一致し、表記が異なる。"),
    ("Surname differs in writing but can be read the same.", "氏は表記が異なるが、同じ読み方ができる。"),
    ("Surname differs by one slip.", "氏は一か所だけ異なる。"),
    ("Surname is missing.", "氏がない。"),
    ("Surname differs.", "氏が異なる。"),
    ("Given name agrees.", "名は一致。"),
    (
        "Given name agrees in writing, the reading or one character differs.",
        "名は表記が一致し、読みか一字が異なる。",
    ),
    (
        "Given name agrees in reading, the writing is not comparable.",
        "名は読みが一致し、表記は比べられない。",
    ),
    ("Given name agrees in reading, the writing differs.", "名は読みが一致し、表記が異なる。"),
    ("Given name differs in writing but can be read the same.", "名は表記が異なるが、同じ読み方ができる。"),
    ("Given name differs by one slip.", "名は一か所だけ異なる。"),
    ("Given name is missing.", "名がない。"),
    ("Given name differs.", "名が異なる。"),
    ("The surname is a former one.", "氏は旧氏。"),
    ("The name is the common name.", "氏名は通称。"),
    ("Surname and given name are exchanged.", "氏と名が入れ替わっている。"),
    ("Birth date agrees.", "生年月日は一致。"),
    ("Birth date differs by one slip.", "生年月日は一か所だけ異なる。"),
    ("Birth date agrees as far as it is given.", "生年月日は分かる範囲で一致。"),
    ("Birth date is missing.", "生年月日がない。"),
    ("Birth date differs.", "生年月日が異なる。"),
    ("Address agrees.", "住所は一致。"),
    ("Address agrees but for the room.", "住所は部屋番号のほかは一致。"),
    ("Address agrees but for one slip.", "住所は一か所だけ異なる。"),
    ("Address agrees as far as the town, the numbers are missing.", "住所は町名まで一致し、番地がない。"),
    ("Address agrees as far as the town, the numbers differ.", "住所は町名まで一致し、番地が異なる。"),
    ("Address agrees in the municipality only.", "住所は市区町村だけ一致。"),
    ("Address is missing.", "住所がない。"),
    ("Address differs.", "住所が異なる。"),
    ("The address is a former one.", "住所は旧住所。"),
    ("Sex agrees.", "性別は一致。"),
    ("Sex differs.", "性別が異なる。"),
    ("Sex is missing.", "性別がない。"),
    (Doubt::GivenName.words(), "名が決め手に欠ける。"),
    (Doubt::Surname.words(), "氏が異なり、ほかの一致では説明しきれない。"),
    (Doubt::BirthDate.words(), "生年月日で確かめられない。"),
    (Doubt::Address.words(), "住所がつながらない。同姓同名の別人かもしれない。"),
    (Doubt::Sex.words(), "性別が食い違う。"),
    (Doubt::OtherCandidate.words(), "ほかにも候補がいる。"),
    (Doubt::Contested.words(), "同じ機関の別の顧客が同じ住民に一致する。"),
    (Doubt::Unlikely.words(), "一致するところが少なく、確かでない。"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_has_its_japanese() {
        let doubts = [
            Doubt::GivenName,
            Doubt::Surname,
            Doubt::BirthDate,
            Doubt::Address,
            Doubt::Sex,
            Doubt::OtherCandidate,
            Doubt::Contested,
            Doubt::Unlikely,
        ];
        let sexes = [SexLevel::Same, SexLevel::Differs, SexLevel::Missing];
        let parts =
            PartLevel::ALL.iter().flat_map(|level| ["Surname", "Given name"].map(|of| part(of, *level)));
        let sentences: Vec<String> = parts
            .chain(BirthLevel::ALL.iter().map(|level| birth(*level).to_owned()))
            .chain(AddressLevel::ALL.iter().map(|level| address(*level).to_owned()))
            .chain(sexes.iter().map(|level| sex(*level).to_owned()))
            .chain(doubts.iter().map(|doubt| doubt.words().to_owned()))
            .collect();
        for sentence in &sentences {
            let (_, japanese) = JAPANESE.iter().find(|(english, _)| english == sentence).expect(sentence);
            assert_eq!(why_in_japanese(sentence), *japanese);
        }
        let told: usize = sentences.iter().map(|sentence| why_in_japanese(sentence).len() + 1).sum();
        assert_eq!(why_in_japanese(&sentences.join(" ")).len() + 1, told, "each for itself, none swallowed");
    }

    #[test]
    fn what_is_not_ours_stays_as_it_is() {
        assert_eq!(
            why_in_japanese("Sex agrees. Seen at the desk. Also: x"),
            "性別は一致。 Seen at the desk. Also: x"
        );
        assert_eq!(why_in_japanese(""), "");
    }
}
