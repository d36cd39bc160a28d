//! A domain's people and table, and what the engine is asked about them: pure.

use std::collections::HashMap;

use anonymity::builders::{self, BuilderFault};
use anonymity::{Attribute, Hierarchy, Metric, Model, Problem, Sensitive};
use protocol::research::{AskSet, Coarser, Loaded, OpenDomain};
use serde::{Deserialize, Serialize};

/// What a domain has, as it lies sealed.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(from = "Sealed")]
pub(crate) struct Content {
    /// Keys of everybody it ever had, in the order they came: a person's place never changes.
    pub(crate) people: Vec<String>,
    /// The person of each row.
    pub(crate) rows: Vec<u32>,
    /// The sensitive columns, in the order of the domain; the values each ever had keep their places likewise.
    pub(crate) sensitive: Vec<Column>,
    /// The other columns.
    pub(crate) columns: Vec<Column>,
}

/// A column: its values as they were met, and the code of each row.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
    pub(crate) codes: Vec<u32>,
}

impl Column {
    /// What stands in a row.
    pub(crate) fn value(&self, row: usize) -> &str {
        let value = self.codes.get(row).and_then(|code| self.values.get(*code as usize));
        value.map_or("", String::as_str)
    }
}

/// As content was sealed by now, or when a domain had one sensitive column at most: its values, and their codes.
#[derive(Deserialize)]
struct Sealed {
    people: Vec<String>,
    #[serde(default)]
    values: Vec<String>,
    rows: Vec<u32>,
    sensitive: SealedSensitive,
    columns: Vec<Column>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SealedSensitive {
    Columns(Vec<Column>),
    Codes(Vec<u32>),
}

impl From<Sealed> for Content {
    fn from(sealed: Sealed) -> Self {
        let Sealed { people, values, rows, sensitive, columns } = sealed;
        let sensitive = match sensitive {
            SealedSensitive::Columns(sensitive) => sensitive,
            // Which column it is stands in the domain.
            SealedSensitive::Codes(codes) => vec![Column { name: String::new(), values, codes }],
        };
        Self { people, rows, sensitive, columns }
    }
}

/// Numbers for texts, in the order they are met.
struct Dictionary {
    texts: Vec<String>,
    codes: HashMap<String, u32>,
}

impl Dictionary {
    fn of(texts: Vec<String>) -> Self {
        let codes = (0..).zip(&texts).map(|(code, text)| (text.clone(), code)).collect();
        Self { texts, codes }
    }

    fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        let code = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text.to_owned());
        self.codes.insert(text.to_owned(), code);
        code
    }
}

/// Reads a table in place of the one before; people and sensitive values of before keep their places. Gives how many people
/// are new. A fault names line and column and never a value.
pub(crate) fn load(about: &OpenDomain, before: &Content, csv: &[u8]) -> Result<(Content, u64), String> {
    let csv = csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(csv);
    let mut reader = csv::ReaderBuilder::new().from_reader(csv);
    let line_of = |error: &csv::Error| error.position().map_or(1, csv::Position::line);
    let header =
        reader.headers().map_err(|_| "line 1: not text in UTF-8; save the file as UTF-8".to_owned())?;
    let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    for (place, name) in header.iter().enumerate() {
        if name.is_empty() || header.iter().take(place).any(|other| other == name) {
            return Err(format!(
                "line 1: column {} has no name, or one that stood before; give each its own",
                place + 1
            ));
        }
    }
    let place = |name: &str| {
        let found = header.iter().position(|column| column == name);
        found.ok_or_else(|| format!("line 1: the column '{name}' is missing; the domain was opened with it"))
    };
    let person = place(&about.person)?;
    let sensitive: Vec<usize> = about.sensitive.iter().map(|name| place(name)).collect::<Result<_, _>>()?;
    let mut people = Dictionary::of(before.people.clone());
    // Sensitive values of before keep their codes: releases are counted by them.
    let values_before = |at: usize| before.sensitive.get(at).map(|column| column.values.clone());
    let mut values: Vec<(Dictionary, Vec<u32>)> = (0..sensitive.len())
        .map(|at| (Dictionary::of(values_before(at).unwrap_or_default()), Vec::new()))
        .collect();
    let others: Vec<usize> =
        (0..header.len()).filter(|at| *at != person && !sensitive.contains(at)).collect();
    let mut columns: Vec<(Dictionary, Vec<u32>)> =
        others.iter().map(|_| (Dictionary::of(Vec::new()), Vec::new())).collect();
    let mut content = Content::default();
    let mut lines: HashMap<u32, u64> = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!(
                "line {}: {len} fields where the first line has {expected_len}; put fields that contain a comma in quotes",
                line_of(&error)
            ),
            _ => format!("line {}: not text in UTF-8; save the file as UTF-8", line_of(&error)),
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |at: usize| record.get(at).unwrap_or_default();
        if field(person).trim().is_empty() {
            return Err(format!(
                "line {line}: no key of a person in '{}'; leave the row out, or give it one",
                about.person
            ));
        }
        let code = people.code(field(person).trim());
        if let Some(other) = lines.insert(code, line) {
            return Err(format!(
                "line {line}: the same person as in line {other}; a table has one row for each person"
            ));
        }
        content.rows.push(code);
        let coded = sensitive.iter().zip(&mut values).chain(others.iter().zip(&mut columns));
        for (at, (dictionary, codes)) in coded {
            codes.push(dictionary.code(field(*at)));
        }
    }
    if content.rows.is_empty() {
        return Err("the table has no rows".to_owned());
    }
    let named = |places: &[usize], columns: Vec<(Dictionary, Vec<u32>)>| {
        let named = places.iter().filter_map(|at| header.get(*at)).zip(columns);
        named
            .map(|(name, (dictionary, codes))| Column { name: name.clone(), values: dictionary.texts, codes })
            .collect()
    };
    (content.sensitive, content.columns) = (named(&sensitive, values), named(&others, columns));
    let new_people = people.texts.len() - before.people.len();
    content.people = people.texts;
    Ok((content, new_people as u64))
}

/// What the room would say of a domain's first table; nothing is taken in.
///
/// # Errors
/// What is wrong with it: line and column, never a value.
pub fn check_table(about: &OpenDomain, csv: &[u8]) -> Result<Loaded, String> {
    let (content, new_people) = load(about, &Content::default(), csv)?;
    Ok(Loaded { rows: content.rows.len() as u64, new_people })
}

impl Content {
    /// A column that is neither the person's key nor sensitive.
    pub(crate) fn column(&self, name: &str) -> Result<&Column, String> {
        let known = || self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
        let found = self.columns.iter().find(|column| column.name == name);
        found.ok_or_else(|| {
            format!("the domain has no column '{name}' that can be asked for; it has {}", known())
        })
    }

    /// The sensitive columns for the engine, the domain's in its order; and that each keeps l values.
    pub(crate) fn sensitive(&self, about: &OpenDomain, l: u32) -> (Vec<Sensitive>, Vec<Model>) {
        let named = about.sensitive.iter().zip(&self.sensitive);
        let of = |(name, column): (&String, &Column)| Sensitive {
            name: name.clone(),
            column: column.codes.clone(),
            values: column.values.len(),
        };
        let sensitive: Vec<Sensitive> = named.map(of).collect();
        let models =
            (0..sensitive.len()).map(|sensitive| Model::DistinctDiversity { sensitive, l }).collect();
        (sensitive, models)
    }

    /// The key of a row's person.
    pub(crate) fn person(&self, row: usize) -> &str {
        let person = self.rows.get(row).and_then(|person| self.people.get(*person as usize));
        person.map_or("", String::as_str)
    }
}

/// A hierarchy over the values of a column, and the column's codes in it.
pub(crate) fn coarser(how: &Coarser, column: &Column) -> Result<(Hierarchy, Vec<u32>), String> {
    let (name, values) = (&column.name, column.values.as_slice());
    let built = match how {
        Coarser::KeptOrSuppressed => Hierarchy::kept_or_suppressed(values).map_err(BuilderFault::from),
        Coarser::Ages => builders::ages(values),
        Coarser::PostalCodes => builders::postal_codes(values),
        Coarser::Municipalities => builders::municipalities(values),
        Coarser::Diagnoses => builders::diagnoses(values),
        Coarser::Masked(lengths) => builders::masked(values, lengths),
        Coarser::Intervals { widths, least, most } => builders::intervals(values, widths, *least, *most),
        Coarser::Rows(rows) => return given(rows, column),
    };
    let hierarchy = built.map_err(|fault| match fault {
        BuilderFault::Value { expected, .. } => {
            format!("attribute '{name}': a value of the column is not {expected}; give the hierarchy as rows")
        }
        other => format!("attribute '{name}': {other}"),
    })?;
    Ok((hierarchy, column.codes.clone()))
}

fn given(rows: &[Vec<String>], column: &Column) -> Result<(Hierarchy, Vec<u32>), String> {
    let name = &column.name;
    let hierarchy = Hierarchy::from_rows(rows).map_err(|fault| match fault.row() {
        Some(row) => format!("attribute '{name}', row {} of its hierarchy: {fault}", row + 1),
        None => format!("attribute '{name}': {fault}"),
    })?;
    let codes: Option<Vec<u32>> = column.values.iter().map(|value| hierarchy.code(value)).collect();
    let codes = codes.ok_or_else(|| {
        format!("attribute '{name}': the column has a value that is not in the hierarchy; add a row for each value")
    })?;
    let of_row = column.codes.iter().filter_map(|code| codes.get(*code as usize).copied()).collect();
    Ok((hierarchy, of_row))
}

/// What the engine is asked for a set. Sensitive columns take part whether or not they are in the set: what a set without
/// them says of who is in which class counts for the sets that have them.
pub(crate) fn problem(about: &OpenDomain, content: &Content, ask: &AskSet) -> Result<Problem, String> {
    let attribute = |asked: &protocol::research::AskedAttribute| {
        let (hierarchy, column) = coarser(&asked.coarser, content.column(&asked.name)?)?;
        Ok(Attribute { name: asked.name.clone(), hierarchy, column, weight: f64::from(asked.weight) })
    };
    let attributes = ask.attributes.iter().map(attribute).collect::<Result<_, String>>()?;
    let (sensitive, mut models) = content.sensitive(about, ask.l);
    models.push(Model::KAnonymity { k: ask.k });
    let problem = Problem {
        attributes,
        sensitive,
        models,
        suppression_limit: f64::from(ask.suppression_permille) / 1000.0,
        metric: Metric::Loss,
        population: Vec::new(),
        counts: Vec::new(),
    };
    problem.check().map_err(|fault| fault.to_string())?;
    Ok(problem)
}

#[cfg(test)]
mod tests {
    use words::DataDomain;

    use super::*;

    fn about() -> OpenDomain {
        OpenDomain {
            id: DataDomain::parse("medical").unwrap(),
            name: "医療".into(),
            name_en: "Medical".into(),
            person: "code".into(),
            sensitive: vec!["diagnosis".into()],
            k: 2,
            l: 2,
            minimum_cell: 3,
            budget_milli_epsilon: 1000,
        }
    }

    #[test]
    fn people_keep_their_places_from_table_to_table() {
        let (first, new) =
            load(&about(), &Content::default(), b"code,age,diagnosis\nb,30,J45\na,31,I10\n").unwrap();
        assert_eq!((new, first.people.as_slice()), (2, &["b".to_owned(), "a".to_owned()][..]));
        let (second, new) = load(&about(), &first, b"diagnosis,code,age\nE11,c,40\nI10,b,33\n").unwrap();
        assert_eq!((new, second.rows.as_slice()), (1, &[2, 0][..]));
        assert_eq!(second.people, ["b", "a", "c"]);
        let diagnoses = &second.sensitive[0];
        assert_eq!(
            (diagnoses.values.as_slice(), diagnoses.codes.as_slice()),
            (&["J45", "I10", "E11"].map(str::to_owned)[..], &[2, 1][..])
        );
        assert_eq!(second.person(1), "b");
        let again: Content = serde_json::from_slice(&serde_json::to_vec(&second).unwrap()).unwrap();
        assert_eq!(again.sensitive[0].codes, diagnoses.codes);
    }

    #[test]
    fn what_was_sealed_with_one_sensitive_column_still_opens() {
        let before =
            r#"{"people":["a","b"],"values":["J45","I10"],"rows":[1,0],"sensitive":[1,0],"columns":[]}"#;
        let content: Content = serde_json::from_str(before).unwrap();
        let (sensitive, models) = content.sensitive(&about(), 2);
        assert_eq!((sensitive[0].name.as_str(), sensitive[0].column.as_slice()), ("diagnosis", &[1, 0][..]));
        assert_eq!(models, [Model::DistinctDiversity { sensitive: 0, l: 2 }]);
        let (next, _) = load(&about(), &content, b"code,age,diagnosis\na,30,E11\n").unwrap();
        assert_eq!(next.sensitive[0].values, ["J45", "I10", "E11"]);
        let nothing = r#"{"people":[],"values":[],"rows":[],"sensitive":[],"columns":[]}"#;
        assert!(serde_json::from_str::<Content>(nothing).unwrap().sensitive.is_empty());
    }

    #[test]
    fn several_sensitive_columns_have_values_of_their_own() {
        let about = OpenDomain { sensitive: vec!["diagnosis".into(), "income".into()], ..about() };
        let table = b"code,income,age,diagnosis\na,low,30,J45\nb,high,31,I10\n";
        let (content, _) = load(&about, &Content::default(), table).unwrap();
        assert_eq!(content.sensitive[1].values, ["low", "high"]);
        assert!(content.column("income").is_err(), "it cannot be asked for as an attribute");
        let (sensitive, models) = content.sensitive(&about, 2);
        assert_eq!((sensitive.len(), models.len()), (2, 2));
        let fault = load(&about, &content, b"code,age,diagnosis\na,1,x\n").err().unwrap();
        assert!(fault.contains("'income' is missing"), "{fault}");
    }

    #[test]
    fn faults_name_line_and_column_and_never_a_value() {
        for (table, expected) in [
            (&b""[..], "the column 'code' is missing"),
            (b"code,age\na,3\n", "'diagnosis' is missing"),
            (b"code,code,diagnosis\n", "line 1: column 2"),
            (b"code,age,diagnosis\n", "no rows"),
            (b"code,age,diagnosis\nsecret,30\n", "line 2: 2 fields"),
            (b"code,age,diagnosis\n ,30,secret\n", "line 2: no key"),
            (
                b"code,age,diagnosis\nsecret,30,x\nb,1,x\nsecret,31,y\n",
                "line 4: the same person as in line 2",
            ),
            (b"code,age,diagnosis\n\xff,30,x\n", "line 2: not text in UTF-8"),
        ] {
            let fault = load(&about(), &Content::default(), table).err().unwrap();
            assert!(fault.contains(expected) && !fault.contains("secret"), "{fault}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_said() {
        let (content, _) =
            load(&about(), &Content::default(), b"code,age,diagnosis\na,secret,x\nb,30,y\n").unwrap();
        let column = content.column("age").unwrap();
        let fault = coarser(&Coarser::Ages, column).err().unwrap();
        assert!(fault.contains("attribute 'age'") && !fault.contains("secret"), "{fault}");
        let rows = vec![vec!["30".to_owned(), "*".to_owned()]];
        assert!(coarser(&Coarser::Rows(rows), column).err().unwrap().contains("add a row"));
        let ragged = vec![vec!["30".to_owned(), "*".to_owned()], vec!["31".to_owned()]];
        assert!(coarser(&Coarser::Rows(ragged), column).err().unwrap().contains("row 2"));
        for hidden in ["code", "diagnosis", "height"] {
            assert!(content.column(hidden).is_err(), "{hidden}");
        }
    }
}
