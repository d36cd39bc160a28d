//! How long records are kept (row A4). Periods by kind of record, counted from the end of the month of the record.

use words::Moment;

/// A kind of record, by how long it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordClass {
    /// Who asked what about a person, was given a code, looked at records (番号法第二十三条・施行令第二十九条: 七年).
    Provision,
    /// What was turned away at the door.
    Door,
    /// How the room was run: sessions, standing, cases, alarms, erasures.
    Operation,
}

impl RecordClass {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::Provision, Self::Door, Self::Operation];

    /// The class of a verb's records.
    pub fn of(verb: &str) -> Self {
        match verb {
            "inquire" | "ask" | "answer" | "issue" | "fetch_codes" | "portal_codes" | "index"
            | "half_index" | "own_records" | "my_records" | "complain" | "settle" | "recover" => {
                Self::Provision
            }
            "door" => Self::Door,
            _ => Self::Operation,
        }
    }

    /// The word in names of keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Door => "door",
            Self::Operation => "operation",
        }
    }

    /// How many months after the month of the record it is kept.
    pub const fn months(self) -> i64 {
        match self {
            Self::Provision => 7 * 12,
            Self::Door => 12,
            Self::Operation => 10 * 12,
        }
    }

    /// The shelf of a record made then: `provision/2026-11` (Japan).
    pub fn shelf(self, at: Moment) -> String {
        let day = at.date_in_japan().to_string();
        format!("{}/{}", self.as_str(), day.get(..7).unwrap_or_default())
    }
}

/// Months since year 0 of `YYYY-MM…`.
fn months_of(text: &str) -> Option<i64> {
    let (year, month) = (text.get(..4)?.parse::<i64>().ok()?, text.get(5..7)?.parse::<i64>().ok()?);
    (text.get(4..5) == Some("-") && (1..=12).contains(&month)).then_some(year * 12 + month - 1)
}

/// Whether the period of a shelf has ended on a day (`YYYY-MM-DD`). A shelf that is none has no end.
pub fn has_ended(shelf: &str, day: &str) -> bool {
    let parts = shelf.split_once('/').and_then(|(class, month)| {
        let class = RecordClass::ALL.into_iter().find(|one| one.as_str() == class)?;
        Some((class, months_of(month).filter(|_| month.len() == 7)?, months_of(day)?))
    });
    parts.is_some_and(|(class, made, now)| now - made > class.months())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_kept_its_whole_period_and_no_month_longer() {
        for (shelf, day, ended) in [
            ("provision/2026-11", "2033-11-30", false),
            ("provision/2026-11", "2033-12-01", true),
            ("door/2026-11", "2027-11-30", false),
            ("door/2026-12", "2027-12-31", false),
            ("door/2026-11", "2027-12-01", true),
            ("operation/2026-01", "2036-01-31", false),
            ("operation/2026-01", "2036-02-01", true),
            ("", "2099-01-01", false),
            ("kitchen/2026-11", "2099-01-01", false),
            ("door/2026-13", "2099-01-01", false),
        ] {
            assert_eq!(has_ended(shelf, day), ended, "{shelf} on {day}");
        }
        // 2026-11-30 15:30 UTC is December in Japan.
        let at = Moment(1_796_052_600_000);
        assert_eq!(RecordClass::of("inquire").shelf(at), "provision/2026-12");
        assert_eq!(RecordClass::of("raise_alarm"), RecordClass::Operation);
    }
}
