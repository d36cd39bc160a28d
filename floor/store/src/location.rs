//! Where a database is: a file, or a schema on a PostgreSQL server.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Where a database is. Written `sqlite:PATH` or `postgres://USER@HOST/DB?schema=NAME`; many rooms may share a server,
/// each in a schema of its own. Neither Display nor Debug shows a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file, made on first use, readable by its owner alone.
    Sqlite(PathBuf),
    /// A schema on a server, made on first use if the user may.
    Postgres {
        /// libpq-style URL without the schema.
        url: String,
        /// Lower-case letters, digits and underscore, letter first, at most 63.
        schema: String,
    },
}

/// Why a text is no location.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LocationError {
    /// Neither form.
    #[error("a database is written sqlite:PATH or postgres://USER@HOST/DB?schema=NAME")]
    Form,
    /// No `schema=` in a PostgreSQL URL.
    #[error("a PostgreSQL database needs ?schema=NAME at its end, so that each room has its own")]
    NoSchema,
    /// A schema name that would need quoting.
    #[error("a schema is named with a-z, 0-9 and _, a letter first, at most 63 characters")]
    SchemaName,
}

pub(crate) fn is_plain_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Location, LocationError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            return if path.is_empty() {
                Err(LocationError::Form)
            } else {
                Ok(Location::Sqlite(path.into()))
            };
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(LocationError::Form);
        }
        let (base, query) = text.split_once('?').ok_or(LocationError::NoSchema)?;
        let (schemas, others): (Vec<&str>, Vec<&str>) =
            query.split('&').filter(|part| !part.is_empty()).partition(|part| part.starts_with("schema="));
        let schema = match schemas.as_slice() {
            [one] => one.trim_start_matches("schema="),
            _ => return Err(LocationError::NoSchema),
        };
        if !is_plain_name(schema) {
            return Err(LocationError::SchemaName);
        }
        let url = if others.is_empty() { base.to_owned() } else { format!("{base}?{}", others.join("&")) };
        Ok(Location::Postgres { url, schema: schema.to_owned() })
    }
}

/// The URL with any password shown as `***`, whether in the authority or the query. Where it cannot be told what is
/// password, too much is hidden rather than too little.
fn without_password(url: &str) -> String {
    let mut shown = String::new();
    let mut rest = url;
    while let Some((before, value)) = rest.split_once("password=") {
        shown.push_str(before);
        shown.push_str("password=***");
        rest = value.find('&').and_then(|end| value.get(end..)).unwrap_or_default();
    }
    shown.push_str(rest);
    // The last `@` of all ends the user part, should a password contain one, or a `/` or `?`, unescaped.
    let parts = shown.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)));
    match parts.and_then(|(scheme, (user, host))| Some((scheme, user.split_once(':')?.0, host))) {
        Some((scheme, name, host)) => format!("{scheme}://{name}:***@{host}"),
        None => shown,
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Location::Postgres { url, schema } => {
                let joint = if url.contains('?') { '&' } else { '?' };
                write!(f, "{}{joint}schema={schema}", without_password(url))
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Location, D::Error> {
        // The error names the rule, never the text: a password may stand in it.
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Location {
    /// As shown by Display: a password does not survive.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Location, LocationError> {
        text.parse()
    }

    #[test]
    fn both_forms_are_read_and_shown_again() {
        for text in [
            "sqlite:/var/lib/musubi/registry.db",
            "postgres://musubi@db.example/main?schema=registry",
            "postgres://musubi@localhost/main?host=/run/postgresql&schema=registry",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            parse("postgres://u@h/d?schema=s&connect_timeout=3").unwrap(),
            Location::Postgres {
                url: "postgres://u@h/d?connect_timeout=3".to_owned(),
                schema: "s".to_owned()
            }
        );
    }

    #[test]
    fn a_password_is_never_shown() {
        for text in [
            "postgres://u:hunter2@h/d?schema=s",
            "postgres://u:hun@ter2@h/d?schema=s",
            "postgres://u:hun/?ter2@h/d?sslmode=disable&schema=s",
            "postgres://u@h/d?password=hunter2&schema=s",
            "postgres://u@h:5432/d?password=hun@ter2&schema=s",
        ] {
            let location = parse(text).unwrap();
            for shown in [location.to_string(), format!("{location:?}")] {
                assert!(!shown.contains("ter2"), "{shown}");
                assert!(shown.contains("***"), "{shown}");
            }
        }
    }

    #[test]
    fn what_is_no_location_is_refused_in_words() {
        assert_eq!(parse("mysql://x"), Err(LocationError::Form));
        assert_eq!(parse("sqlite:"), Err(LocationError::Form));
        assert_eq!(parse("postgres://u@h/d"), Err(LocationError::NoSchema));
        assert_eq!(parse("postgres://u@h/d?schema=a&schema=b"), Err(LocationError::NoSchema));
        assert_eq!(parse("postgres://u@h/d?schema=a;drop"), Err(LocationError::SchemaName));
        assert_eq!(parse("postgres://u@h/d?schema=Registry"), Err(LocationError::SchemaName));
    }
}
