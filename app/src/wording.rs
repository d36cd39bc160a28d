//! Words for people: affairs, items and times, in Japanese and in English.

use words::Moment;

const AFFAIRS: [(&str, &str, &str); 3] = [
    ("child-allowance", "児童手当の支給", "the child allowance"),
    ("pension", "年金の給付", "pension benefits"),
    ("tax", "国税の賦課", "the assessment of national tax"),
];

const ITEMS: [(&str, &str, &str); 4] = [
    ("income", "所得の情報", "income"),
    ("residence", "住民票の情報", "residence record"),
    ("pension-paid", "支払われた年金の情報", "pension paid"),
    ("child-allowance", "児童手当の情報", "child allowance"),
];

fn of(table: &[(&str, &str, &str)], id: &str) -> (String, String) {
    let found = table.iter().find(|(known, _, _)| *known == id);
    found.map_or_else(|| (id.to_owned(), id.to_owned()), |(_, ja, en)| ((*ja).to_owned(), (*en).to_owned()))
}

/// An affair; one that has no words here is shown by its id.
pub fn affair(id: &str) -> (String, String) {
    of(&AFFAIRS, id)
}

/// An item, likewise.
pub fn item(id: &str) -> (String, String) {
    of(&ITEMS, id)
}

/// A time as people in Japan write it, and in ISO 8601.
pub fn when(at: Moment) -> (String, String) {
    let day = at.date_in_japan();
    let minutes = at.0.div_euclid(60_000) + 9 * 60;
    let (hour, minute) = (minutes.div_euclid(60).rem_euclid(24), minutes.rem_euclid(60));
    (format!("{} {hour}時{minute:02}分", day.in_japanese()), format!("{day} {hour:02}:{minute:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_japan() {
        let at = Moment(1_795_316_700_000); // 2026-11-22T03:05Z
        assert_eq!(when(at), ("令和8年11月22日 12時05分".into(), "2026-11-22 12:05".into()));
        assert_eq!(affair("unheard-of"), ("unheard-of".into(), "unheard-of".into()));
    }
}
