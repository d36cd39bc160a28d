//! Forward-only migrations, checked at every start.

use std::collections::HashMap;
use std::ops::ControlFlow;

use crate::{Row, StoreError, Value, connection::Connection, connection::QueryError, params};

/// The migrations of one owner of tables: a room, or a part of the floor such as `road` inside a room's database.
#[derive(Debug, Clone, Copy)]
pub struct Migrations {
    /// Who numbers these steps.
    pub owner: &'static str,
    /// Version (1, 2, 3, …), name, SQL (several statements, the same text on both engines). Never changed once
    /// released: a change is a new step.
    pub steps: &'static [(i32, &'static str, &'static str)],
}

/// The table that says which migrations a database has had.
pub(crate) const NAME: &str = "migrations";

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (
    owner TEXT NOT NULL, version BIGINT NOT NULL, name TEXT NOT NULL, checksum BIGINT NOT NULL,
    PRIMARY KEY (owner, version))";

/// Brings the database to what the program knows, in one transaction; refuses one that is newer, changed or somebody
/// else's.
pub(crate) fn migrate(connection: &mut Connection, all: &[Migrations]) -> Result<(), StoreError> {
    check_numbering(all)?;
    connection.begin_write(false)?;
    let done = apply(connection, all);
    match done {
        Ok(()) => connection.commit(),
        Err(error) => {
            connection.rollback();
            Err(error)
        }
    }
}

fn check_numbering(all: &[Migrations]) -> Result<(), StoreError> {
    for (place, of) in all.iter().enumerate() {
        let numbered = of.steps.iter().map(|(version, ..)| *version).eq((1..).take(of.steps.len()));
        let twice = all.iter().take(place).any(|other| other.owner == of.owner);
        if !numbered || twice {
            let what = format!("the program's migrations of {} are not numbered 1, 2, 3, … once", of.owner);
            return Err(StoreError::Migration { what });
        }
    }
    Ok(())
}

fn apply(connection: &mut Connection, all: &[Migrations]) -> Result<(), StoreError> {
    connection.batch(TABLE)?;
    let mut applied = applied(connection)?;
    for of in all {
        for (version, name, sql) in of.steps {
            let (owner, version) = (of.owner, i64::from(*version));
            match applied.remove(&(owner.to_owned(), version)) {
                Some(sum) if sum == checksum(sql) => (),
                Some(_) => {
                    return Err(StoreError::Migration {
                        what: format!(
                            "migration {version} ({name}) of {owner} was applied with another text than this program \
                             has; a released migration must not change"
                        ),
                    });
                }
                None => {
                    connection.batch(sql).map_err(|error| StoreError::Migration {
                        what: format!("migration {version} ({name}) of {owner} failed: {error}"),
                    })?;
                    connection.execute(
                        "INSERT INTO migrations (owner, version, name, checksum) VALUES ($1, $2, $3, $4)",
                        &params![owner, version, *name, checksum(sql)],
                    )?;
                }
            }
        }
    }
    // Whatever is left was applied by a program that knows more than this one.
    let mut unknown: Vec<_> = applied.into_keys().collect();
    unknown.sort();
    match unknown.first() {
        None => Ok(()),
        Some((owner, version)) if all.iter().any(|of| of.owner == owner) => Err(StoreError::Migration {
            what: format!(
                "the database is newer than this program: {owner} has version {version}; run the newer one"
            ),
        }),
        Some((owner, _)) => Err(StoreError::Migration {
            what: format!(
                "the database holds tables of {owner}, which this program does not know: not its database"
            ),
        }),
    }
}

/// Applies, to an empty database, the steps that another database had: `had` are the rows of its table. Whoever opens it next
/// brings it further. Refuses a database that had steps this program does not have.
pub(crate) fn apply_those(
    connection: &mut Connection,
    all: &[Migrations],
    had: &[Vec<Value>],
) -> Result<(), StoreError> {
    connection.batch(TABLE)?;
    let mut left: Vec<&Vec<Value>> = had.iter().collect();
    for of in all {
        for (version, name, sql) in of.steps {
            let row = params![of.owner, i64::from(*version), *name, checksum(sql)].to_vec();
            let before = left.len();
            left.retain(|one| **one != row);
            if left.len() < before {
                connection.batch(sql)?;
                let sql = "INSERT INTO migrations (owner, version, name, checksum) VALUES ($1, $2, $3, $4)";
                connection.execute(sql, &row)?;
            }
        }
    }
    match left.is_empty() {
        true => Ok(()),
        false => Err(StoreError::Migration {
            what: "the copy is of another room, or of a newer program: restore it with that one".to_owned(),
        }),
    }
}

fn applied(connection: &mut Connection) -> Result<HashMap<(String, i64), i64>, StoreError> {
    let mut applied = HashMap::new();
    let mut note = |row: Row| {
        applied.insert((row.text(0)?, row.int(1)?), row.int(2)?);
        Ok(ControlFlow::Continue(()))
    };
    connection.query("SELECT owner, version, checksum FROM migrations", &[], &mut note).map_err(|error| {
        match error {
            QueryError::Statement(error) | QueryError::OnRow(error) => error,
        }
    })?;
    Ok(applied)
}

/// FNV-1a, 64 bits (isthe.com/chongo/tech/comp/fnv): finds a slip, not a forger. Line ends do not count, as a checkout
/// may change them.
fn checksum(sql: &str) -> i64 {
    let hash = sql.bytes().filter(|byte| *byte != b'\r').fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_is_fnv_1a_and_blind_to_line_ends() {
        // From the test suite published with the algorithm.
        assert_eq!(checksum("foobar").cast_unsigned(), 0x8594_4171_f739_67e8);
        assert_eq!(checksum("a\r\nb"), checksum("a\nb"));
    }

    #[test]
    fn steps_are_numbered_without_gaps_and_owners_stand_once() {
        let good = Migrations { owner: "a", steps: &[(1, "x", ""), (2, "y", "")] };
        let gap = Migrations { owner: "b", steps: &[(1, "x", ""), (3, "y", "")] };
        assert!(check_numbering(&[good]).is_ok());
        assert!(check_numbering(&[good, gap]).is_err());
        assert!(check_numbering(&[good, good]).is_err());
    }
}
