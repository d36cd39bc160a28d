//! How two addresses agree.

use super::text::{Alike, LONGEST, alike, one_edit};
use crate::address::Address;
use crate::numerals;

/// From contradiction to the same door; the order is the order of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum AddressLevel {
    /// Other places.
    Differs,
    Missing,
    /// The municipality, nothing more.
    City,
    /// The town; the numbers are others.
    OtherNumbers,
    /// The town; one side has no numbers.
    Town,
    /// Town and numbers but for one slip.
    Near,
    /// The house; the rooms are two different ones.
    OtherRoom,
    /// The house, and the room as far as both name one.
    Same,
}

impl AddressLevel {
    pub(crate) const ALL: [AddressLevel; 8] = [
        AddressLevel::Differs,
        AddressLevel::Missing,
        AddressLevel::City,
        AddressLevel::OtherNumbers,
        AddressLevel::Town,
        AddressLevel::Near,
        AddressLevel::OtherRoom,
        AddressLevel::Same,
    ];

    pub(crate) fn of(left: &Address, right: &Address) -> AddressLevel {
        if left.is_missing() || right.is_missing() {
            return AddressLevel::Missing;
        }
        let (l, r) = (left.prefecture.0, right.prefecture.0);
        if l != 0 && r != 0 && l != r {
            return AddressLevel::Differs;
        }
        let same_city = one_city(left, right);
        match (towns(left, right), numbers(left, right)) {
            (Towns::Same, Numbers::House) => AddressLevel::Same,
            (Towns::Same, Numbers::OtherRoom) => AddressLevel::OtherRoom,
            (Towns::Same, Numbers::Near) | (Towns::Near, Numbers::House | Numbers::OtherRoom) => {
                AddressLevel::Near
            }
            (Towns::Same, Numbers::Missing) => AddressLevel::Town,
            (Towns::Same, Numbers::Differ) => AddressLevel::OtherNumbers,
            _ if same_city => AddressLevel::City,
            _ => AddressLevel::Differs,
        }
    }
}

/// The same municipality; the ward of a designated city may be left out.
fn one_city(left: &Address, right: &Address) -> bool {
    left.cities.iter().any(|one| right.cities.iter().any(|other| same_name(one, other)))
}

fn same_name(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    !short.is_empty() && (short == long || short.ends_with('市') && long.starts_with(short))
}

fn names_no_city(address: &Address) -> bool {
    address.cities.iter().all(|city| city.is_empty())
}

enum Towns {
    Same,
    Near,
    Differ,
}

/// A former municipality often lives on in the town's name (輝北町 → 鹿屋市輝北町…), and short forms leave
/// the municipality out, so one may end with the other.
fn towns(left: &Address, right: &Address) -> Towns {
    let same_city = one_city(left, right);
    let (one, other) = (&*left.town, &*right.town);
    if one.is_empty() || other.is_empty() {
        let nothing = one.is_empty() && other.is_empty() && same_city;
        return if nothing { Towns::Same } else { Towns::Differ };
    }
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let compatible = same_city || names_no_city(left) || names_no_city(right);
    let contained = long.strip_suffix(short).filter(|_| short.chars().count() >= 2 || long == short);
    if let Some(before) = contained
        && compatible
    {
        // 輝北町諏訪原 and 諏訪原 are one; 北本町 and 本町 may be two.
        let whole = before.is_empty() || before.ends_with(['町', '村', '市', '区', '郡']);
        return if whole { Towns::Same } else { Towns::Near };
    }
    // 河辺町山鳥坂 without its city: what looks like the municipality is part of the town.
    if ends_with_whole(left, right) || ends_with_whole(right, left) {
        return Towns::Same;
    }
    if contained.is_some() {
        // Two municipalities, one town: a merger nobody told us about, or two towns of one name. The numbers
        // must carry the rest.
        return if long.chars().count() >= 2 && left.town == right.town {
            Towns::Near
        } else {
            Towns::Differ
        };
    }
    // 木田 and 木田字坂原: the hamlet was left out.
    if compatible && short.chars().count() >= 2 && long.starts_with(short) {
        return Towns::Near;
    }
    // Characters that could not be written.
    let legible =
        |found: Alike| found.unknown > 0 && found.different == 0 && found.same + found.look_alike > 0;
    if compatible && alike(one, other).is_some_and(legible) {
        return Towns::Near;
    }
    let short_enough = long.chars().count() <= LONGEST && short.chars().count() >= 2;
    if short_enough && compatible && (one_edit(one, other) || common_start_and_end(short, long)) {
        return Towns::Near;
    }
    Towns::Differ
}

fn ends_with_whole(long: &Address, short: &Address) -> bool {
    let town = long.town.strip_suffix(&*short.town);
    town.is_some_and(|before| short.cities.iter().any(|city| !city.is_empty() && before.ends_with(&**city)))
}

/// 桜が東 and 桜が丘東, 田新町 and 稲田新町: what is missing was left out in one place.
fn common_start_and_end(short: &str, long: &str) -> bool {
    let (short, long): (Vec<char>, Vec<char>) = (short.chars().collect(), long.chars().collect());
    if short.len() < 3 || long.len() < short.len() || long.len() - short.len() > 3 {
        return false;
    }
    let start = short.iter().zip(&long).take_while(|(left, right)| left == right).count();
    let end = short.iter().rev().zip(long.iter().rev()).take_while(|(left, right)| left == right).count();
    start.saturating_add(end) >= short.len()
}

enum Numbers {
    House,
    OtherRoom,
    Near,
    Missing,
    Differ,
}

fn numbers(left: &Address, right: &Address) -> Numbers {
    let (one, other) = (&*left.numbers, &*right.numbers);
    if left.plain_numbers == 0 || right.plain_numbers == 0 {
        return Numbers::Missing;
    }
    // Rooms may stand among the plain numbers (8-38-14-401) or in the building; only what both name counts.
    let plain = left.plain_numbers.min(right.plain_numbers);
    if one_run(left, right) || one_run(right, left) {
        return Numbers::House;
    }
    let common = one.len().min(other.len());
    let agreeing = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    if agreeing == common {
        // A list that stops before the other's house number says less than the house.
        let house = left.plain_numbers.max(right.plain_numbers);
        let fits = common >= house || plain >= 3 || house - plain <= 1 && plain >= 2;
        return if fits { Numbers::House } else { Numbers::Near };
    }
    if agreeing >= plain {
        return if rooms_meet(left, right) { Numbers::House } else { Numbers::OtherRoom };
    }
    if without_chome(one, other) || without_chome(other, one) {
        return Numbers::Near;
    }
    near(
        one.get(..plain).unwrap_or(one),
        other.get(..plain).unwrap_or(other),
        left.plain_numbers == right.plain_numbers || rooms_meet(left, right),
    )
}

/// 四六十四 without anything between is 4-6-14, if the other side says so.
fn one_run(left: &Address, right: &Address) -> bool {
    let Some(run) = &left.run else { return false };
    let Some((house, inside)) = right.numbers.split_at_checked(right.plain_numbers) else { return false };
    if house.is_empty() || house.len() > 6 {
        return false;
    }
    [numerals::with_units, numerals::by_figures].iter().any(|write| {
        let house: String = house.iter().map(|number| write(*number)).collect();
        let rest = run.strip_prefix(&house);
        rest.is_some_and(|rest| rest.is_empty() || inside.last().is_some_and(|room| rest == write(*room)))
    })
}

/// 幸町6-14 and 幸町4-6-14: the 丁目 was left out.
fn without_chome(one: &[u32], other: &[u32]) -> bool {
    one.len() >= 2
        && other
            .get(1..)
            .is_some_and(|rest| rest.starts_with(one) || one.starts_with(rest) && rest.len() >= 2)
}

/// The last number of both is the room: 第2若葉608号 and 若葉608 are one.
fn rooms_meet(left: &Address, right: &Address) -> bool {
    left.numbers.last() == right.numbers.last()
}

/// One of the numbers is one slip away and the others are the same.
fn near(one: &[u32], other: &[u32], complete: bool) -> Numbers {
    let mut apart = one.iter().zip(other).filter(|(one, other)| one != other);
    match (apart.next(), apart.next()) {
        (Some((a, b)), None) if complete && slip(*a, *b, one.len()) => Numbers::Near,
        _ => Numbers::Differ,
    }
}

/// One digit wrong, left out, put in or exchanged, or the neighbouring number. Numbers of one digit are always
/// one digit apart, so the others must vouch for them.
fn slip(one: u32, other: u32, numbers: usize) -> bool {
    let vouched = numbers >= 3 || one.max(other) >= 10;
    one.abs_diff(other) <= 1
        || one.abs_diff(other) == 10
        || vouched && one_edit(&one.to_string(), &other.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Places;

    fn level(left: &str, right: &str) -> AddressLevel {
        let places = Places::default();
        AddressLevel::of(&Address::read(left, &places), &Address::read(right, &places))
    }

    #[test]
    fn one_door() {
        for (left, right) in [
            ("市川市青葉台8-38-14-401", "千葉県市川市青葉台八丁目38番14号 コーポひかり401号"),
            ("市川市中山3丁目32番16号", "千葉県市川市中山三丁目３２番１６号　メゾン桜１０３号"),
            ("川口市幸町四六二十四", "埼玉県川口市幸町四丁目６番２４号"),
            ("川口市幸町四六一四 ヴィラ南109号室", "埼玉県川口市幸町四丁目６番１４号　ヴィラ南１０９号"),
            ("愛媛県河辺町山鳥坂1454-12", "愛媛県大洲市河辺町山鳥坂１４５４番地１２"),
            ("川口市幸町四六一四", "埼玉県川口市幸町四丁目６番１４号"),
            ("鹿児島県鹿屋市輝北町諏訪原1185", "鹿屋市諏訪原1185番地"),
            ("大分市下郡南3-2-13", "大分県大分市下郡南三丁目２番１３号"),
            ("さいたま市寿能町4-31-16", "埼玉県さいたま市大宮区寿能町四丁目３１番１６号"),
            ("杉並区桃井8-15-14 若葉608", "東京都杉並区桃井八丁目１５番１４号　第二若葉６０８号"),
        ] {
            assert_eq!(level(left, right), AddressLevel::Same, "{left} {right}");
        }
    }

    #[test]
    fn former_municipalities_are_followed() {
        let mut places = Places::default();
        places.add_merger("広島県", "芦品郡新市町", "福山市");
        places.add_merger("大分県", "北海部郡佐賀関町", "大分市");
        places.add_merger("埼玉県", "鳩ヶ谷市", "川口市");
        for (left, right) in [
            ("芦品郡新市町王子町8-1-14", "広島県福山市王子町八丁目１番１４号"),
            ("大分県北海部郡佐賀関町下郡南3-2-13", "大分県大分市下郡南三丁目２番１３号"),
            ("鳩ケ谷市本町1-2-3", "埼玉県川口市本町一丁目２番３号"),
        ] {
            let (left, right) = (Address::read(left, &places), Address::read(right, &places));
            assert_eq!(AddressLevel::of(&left, &right), AddressLevel::Same, "{left:?} {right:?}");
        }
    }

    #[test]
    fn one_slip_is_near() {
        for (left, right) in [
            ("大分市城崎町8-9-3", "大分県大分市城崎町八丁目８番３号"),
            ("市川市泉野2573", "市川市泉野2572番地"),
            ("市川市幸町281-25-209", "千葉県市川市幸町２８０番地２５　リバーサイド富士２０９号"),
            ("花巻市南〓間888-30", "岩手県花巻市南笹間８８８番地３０"),
            ("川口市幸町6-14", "埼玉県川口市幸町四丁目６番１４号"),
            ("赤磐市桜が東6-25-28", "岡山県赤磐市桜が丘東六丁目２５番２８号"),
            ("東大阪市田新町4-21-26", "東大阪市稲田新町四丁目２１番２６号"),
        ] {
            assert_eq!(level(left, right), AddressLevel::Near, "{left} {right}");
        }
    }

    #[test]
    fn less_than_the_house() {
        assert_eq!(level("市川市中山", "市川市中山3-32-16"), AddressLevel::Town);
        assert_eq!(level("市川市中山1-5-16", "市川市中山3-32-16"), AddressLevel::OtherNumbers);
        assert_eq!(level("市川市幸1-5-16", "市川市中山3-32-16"), AddressLevel::City);
        assert_eq!(level("旭市幸1-5-16", "市川市中山3-32-16"), AddressLevel::Differs);
        assert_eq!(level("", "市川市中山3-32-16"), AddressLevel::Missing);
        assert_eq!(level("市川市中山3-32-16-101", "市川市中山3-32-16 メゾン202号"), AddressLevel::OtherRoom);
    }
}
