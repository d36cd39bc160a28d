//! Attributes as people write them into a form: a line for each, `age ages`, `income intervals 100,500 0 10000`.

use protocol::research::{AskedAttribute, Coarser, CountBy};

/// Reads the lines of a form. A fault names the line.
pub(crate) fn attributes(text: &str) -> Result<Vec<AskedAttribute>, String> {
    let read = |(at, line): (usize, &str)| {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default().to_owned();
        let coarser = coarser(words.next().unwrap_or("kept_or_suppressed"), words.collect());
        let coarser = coarser.map_err(|fault| format!("line {}: {fault}", at + 1))?;
        Ok(AskedAttribute { name, coarser, weight: 1 })
    };
    written(text).map(read).collect()
}

/// Reads what to count by: `age ages 1 = 0-4 5-9` (level, then labels, both may be left out).
pub(crate) fn counted(text: &str) -> Result<Vec<CountBy>, String> {
    let read = |(at, line): (usize, &str)| {
        let (line, labels) = line.split_once('=').unwrap_or((line, ""));
        let mut words: Vec<&str> = line.split_whitespace().collect();
        let level = match words.last().and_then(|last| last.parse::<usize>().ok()) {
            Some(level) if words.len() > 2 => {
                words.pop();
                level
            }
            _ => 0,
        };
        let mut words = words.into_iter();
        let name = words.next().unwrap_or_default().to_owned();
        let how = words.next().map(|word| coarser(word, words.collect())).transpose();
        let coarser = how.map_err(|fault| format!("line {}: {fault}", at + 1))?;
        let labels = labels.split_whitespace().map(str::to_owned).collect();
        Ok(CountBy { name, coarser, level, labels })
    };
    written(text).map(read).collect()
}

fn written(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty())
}

fn coarser(word: &str, more: Vec<&str>) -> Result<Coarser, String> {
    let known = match word {
        "kept_or_suppressed" => Coarser::KeptOrSuppressed,
        "ages" => Coarser::Ages,
        "postal_codes" => Coarser::PostalCodes,
        "municipalities" => Coarser::Municipalities,
        "diagnoses" => Coarser::Diagnoses,
        "masked" => return numbers(more.first()).map(Coarser::Masked),
        "intervals" => {
            let end = |at: usize| more.get(at).map(|word| numbers::<i64>(Some(word))).transpose();
            let (least, most) = (end(1)?, end(2)?);
            let first = |all: Option<Vec<i64>>| all.and_then(|all| all.first().copied());
            return Ok(Coarser::Intervals {
                widths: numbers(more.first())?,
                least: first(least),
                most: first(most),
            });
        }
        _ => {
            return Err(
                "the second word must be ages, postal_codes, municipalities, diagnoses, kept_or_suppressed, \
                        masked 3,1 or intervals 100,500 0 10000"
                    .to_owned(),
            );
        }
    };
    if more.is_empty() { Ok(known) } else { Err(format!("nothing may follow {word}")) }
}

fn numbers<T: std::str::FromStr>(word: Option<&&str>) -> Result<Vec<T>, String> {
    let fault = || "whole numbers with commas between them are expected".to_owned();
    word.ok_or_else(fault)?.split(',').map(|number| number.parse().map_err(|_| fault())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_read_and_faults_name_theirs() {
        let read = attributes("age ages\n\n income intervals 100,500 0 10000\nsex\nkana masked 3,1").unwrap();
        let of: Vec<(&str, &Coarser)> = read.iter().map(|one| (one.name.as_str(), &one.coarser)).collect();
        let intervals = Coarser::Intervals { widths: vec![100, 500], least: Some(0), most: Some(10_000) };
        assert_eq!(
            of,
            [
                ("age", &Coarser::Ages),
                ("income", &intervals),
                ("sex", &Coarser::KeptOrSuppressed),
                ("kana", &Coarser::Masked(vec![3, 1]))
            ]
        );
        for wrong in ["age ages\nsex castles", "age\nsex masked", "age\nsex masked x", "age\nsex ages 3"] {
            assert!(attributes(wrong).unwrap_err().starts_with("line 2"), "{wrong}");
        }
        let by = counted("age ages 2 = 0-9 10-19\nsex = F M\ncity").unwrap();
        assert_eq!((by[0].level, by[0].labels.len(), by[1].labels.len(), by[2].labels.len()), (2, 2, 2, 0));
        assert!(by[1].coarser.is_none() && by[1].level == 0);
    }

    proptest! {
        #[test]
        fn nothing_that_is_written_breaks_the_reader(text in "(\\PC|\n| |,|=|ages|masked|intervals|[0-9]){0,80}") {
            let _ = (attributes(&text), counted(&text));
        }
    }
}
