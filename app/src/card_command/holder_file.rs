//! Whose card is made: a file, or a fictitious person.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use card::records::{Holder, Sex};
use serde::Deserialize;
use words::Date;
use zeroize::Zeroizing;

/// A holder as written in TOML.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    address: String,
    birth: String,
    sex: String,
    number: String,
    resident_code: String,
    municipality: String,
    expiry: String,
    security_code: String,
}

/// A person who does not exist.
const FICTITIOUS: &str = r#"
name = "結　花子"
address = "東京都むすび市中央五丁目八番地"
birth = "1980-02-17"
sex = "female"
number = "123456789018"
resident_code = "12345678901"
municipality = "13221"
expiry = "2035-02-17"
security_code = "2285"
"#;

/// Reads the holder. What is wrong is named without the value.
pub(crate) fn read(path: Option<&Path>) -> Result<Holder> {
    let text = match path {
        Some(path) => {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?
        }
        None => FICTITIOUS.to_owned(),
    };
    let text = Zeroizing::new(text);
    let shown = path.map_or("the fictitious holder".into(), |path| path.display().to_string());
    // The parser's own message quotes the line; the line is personal.
    let written: Written = toml::from_str(&text).ok().with_context(|| {
        format!(
            "{shown} is not a holder: name, address, birth, sex, number, resident_code, municipality, expiry, \
             security_code, each a text"
        )
    })?;
    let digits = |field: &str, value: &str, length: usize| {
        ensure!(
            value.len() == length && value.bytes().all(|byte| byte.is_ascii_digit()),
            "{shown}: `{field}` must be {length} digits"
        );
        Ok(())
    };
    digits("number", &written.number, 12)?;
    digits("resident_code", &written.resident_code, 11)?;
    digits("municipality", &written.municipality, 5)?;
    digits("security_code", &written.security_code, 4)?;
    for (field, value) in [("name", &written.name), ("address", &written.address)] {
        ensure!(
            !value.is_empty() && value.chars().count() <= 100,
            "{shown}: `{field}` must have 1 to 100 characters"
        );
    }
    let date = |field: &str, value: &str| {
        Date::parse(value)
            .ok()
            .with_context(|| format!("{shown}: `{field}` must be a date that exists, as YYYY-MM-DD"))
    };
    Ok(Holder {
        birth: date("birth", &written.birth)?,
        expiry: date("expiry", &written.expiry)?,
        sex: match written.sex.as_str() {
            "male" => Sex::Male,
            "female" => Sex::Female,
            _ => anyhow::bail!("{shown}: `sex` must be male or female"),
        },
        name: written.name,
        address: written.address,
        number: Zeroizing::new(written.number),
        resident_code: Zeroizing::new(written.resident_code),
        municipality: written.municipality,
        security_code: Zeroizing::new(written.security_code),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named_without_the_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("holder.toml");
        for (from, to, field) in [
            ("123456789018", "12345678901X", "`number`"),
            ("1980-02-17", "1980-02-31", "`birth`"),
            ("female", "feminine", "`sex`"),
            ("name =", "nome =", "not a holder"),
        ] {
            std::fs::write(&path, FICTITIOUS.replace(from, to)).unwrap();
            let error = read(Some(&path)).err().unwrap().to_string();
            assert!(error.contains(field) && !error.contains(to), "{error}");
            assert!(!error.contains("花子") && !error.contains("12345678901X"), "{error}");
        }
        assert_eq!(read(None).unwrap().birth_code(), "550217");
    }
}
