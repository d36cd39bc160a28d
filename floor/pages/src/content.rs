//! What a provider gave, as people read it: each field's name and value in words.

use crate::Language;

/// A content's fields as a person reads them: name and value.
pub fn content_in_words(content: &str, language: Language) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(map)) = serde_json::from_str(content) else {
        return vec![(language.say("内容", "Content").to_owned(), content.to_owned())];
    };
    map.into_iter()
        .map(|(name, value)| {
            let shown = match value {
                serde_json::Value::String(text) => text,
                serde_json::Value::Null => language.say("なし", "none").to_owned(),
                serde_json::Value::Number(number) if name.ends_with("yen") => {
                    format!("{} {}", grouped(&number.to_string()), language.say("円", "yen"))
                }
                other => other.to_string(),
            };
            (field(&name, language), shown)
        })
        .collect()
}

/// `1234567` → `1,234,567`.
fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    format!("{sign}{out}")
}

/// Fields of items: the word on the wire, Japanese, English.
const FIELDS: &[(&str, &str, &str)] = &[
    ("address", "住所", "Address"),
    ("amount_yen", "金額", "Amount"),
    ("assistance", "扶助の種類", "Assistance"),
    ("benefit", "給付の種類", "Benefit"),
    ("children", "対象児童数", "Children"),
    ("daily_yen", "日額", "Daily"),
    ("days", "給付日数", "Days"),
    ("days_left", "残りの日数", "Days left"),
    ("decided_on", "決定日", "Decided on"),
    ("department", "診療科", "Department"),
    ("head", "世帯主", "Head of household"),
    ("income_yen", "所得", "Income"),
    ("last_visit", "最後の受診日", "Last visit"),
    ("level", "要介護度", "Care level"),
    ("month", "月", "Month"),
    ("monthly_yen", "月額", "Monthly"),
    ("on", "基準日", "As of"),
    ("relation", "続柄", "Relation"),
    ("role", "資格の区分", "Status"),
    ("school", "学校", "School"),
    ("since", "開始日", "Since"),
    ("tax_yen", "税額", "Tax"),
    ("year", "年度", "Year"),
    ("yen", "金額", "Amount"),
];

fn field(name: &str, language: Language) -> String {
    match FIELDS.iter().find(|(word, ..)| *word == name) {
        Some((_, ja, en)) => language.say(ja, en).to_owned(),
        None => name.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_told_in_words() {
        let content = r#"{"amount_yen":1234567,"since":"2026-04-01","other_thing":null}"#;
        let told = content_in_words(content, Language::Japanese);
        assert!(told.contains(&("金額".into(), "1,234,567 円".into())), "{told:?}");
        assert!(told.contains(&("other thing".into(), "なし".into())));
        assert_eq!(grouped("-1000"), "-1,000");
        assert_eq!(grouped("100"), "100");
    }
}
