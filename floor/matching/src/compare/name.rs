//! How two names agree, surname and given name each for itself.

use super::text::{LONGEST, alike, one_edit};
use crate::kana;
use crate::latin;
use crate::name::{Name, NameKind, Words, is_all_kana, is_all_latin};
use crate::readings::Readings;

/// How two surnames or two given names agree; the order is the order of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum PartLevel {
    /// Neither writing nor reading agrees.
    Differs,
    /// One side has none.
    #[default]
    Missing,
    /// One slip apart, and nothing else speaks for it.
    Similar,
    /// Written otherwise, but the characters can be read so; or the legible characters agree.
    Readable,
    /// Same reading; written otherwise.
    Homophone,
    /// Same reading; there is no writing to compare.
    Heard,
    /// Same writing, other reading; or same reading and the legible characters agree.
    Written,
    /// Same writing, and the reading as far as given.
    Same,
}

impl PartLevel {
    pub(crate) const ALL: [PartLevel; 8] = [
        PartLevel::Differs,
        PartLevel::Missing,
        PartLevel::Similar,
        PartLevel::Readable,
        PartLevel::Homophone,
        PartLevel::Heard,
        PartLevel::Written,
        PartLevel::Same,
    ];
}

/// How two names agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct NamePair {
    pub(crate) surname: PartLevel,
    pub(crate) given: PartLevel,
    /// Which of the resident's names agrees.
    pub(crate) kind: NameKind,
    /// The customer's surname and given name stand in each other's place.
    pub(crate) swapped: bool,
}

/// One part (surname or given name) of one side.
#[derive(Clone, Copy, Default)]
struct Part<'a> {
    written: &'a str,
    read: &'a str,
    heard: &'a str,
}

/// Surname and given name of one side.
type Parts<'a> = [Part<'a>; 2];

impl NamePair {
    /// Compares a customer's name with one of the resident's.
    pub(super) fn of(customer: &Name, resident: &Name, kind: NameKind, readings: &Readings) -> NamePair {
        let (own, other) = aligned(customer, resident);
        let straight = NamePair::of_parts(own, other, kind, readings);
        if straight.given > PartLevel::Similar || straight.surname > PartLevel::Similar {
            return straight;
        }
        let swapped = may_be_swapped(customer, resident).then(|| swapped(customer, resident, kind, readings));
        swapped.map_or(straight, |swapped| swapped.best(straight))
    }

    fn of_parts(
        [surname, given]: Parts<'_>,
        [other_surname, other_given]: Parts<'_>,
        kind: NameKind,
        readings: &Readings,
    ) -> NamePair {
        NamePair {
            surname: part(surname, other_surname, readings, same_surname_reading),
            given: part(given, other_given, readings, same_given_reading),
            kind,
            swapped: false,
        }
    }

    fn best(self, straight: NamePair) -> NamePair {
        let convincing = self.surname > PartLevel::Similar && self.given > PartLevel::Similar;
        if convincing && self.rank() > straight.rank() { self } else { straight }
    }

    /// Evidence for choosing among a resident's names: the given name first, the present name at last.
    pub(crate) fn rank(&self) -> (u8, u8, NameKind, bool) {
        let both = (self.given as u8).min(self.surname as u8);
        (both, self.given as u8 + self.surname as u8, self.kind, !self.swapped)
    }
}

fn aligned<'a>(customer: &'a Name, resident: &'a Name) -> (Parts<'a>, Parts<'a>) {
    let ((ws, wg), (vs, vg)) = align(customer.written(), resident.written());
    let ((rs, rg), (ts, tg)) = align(customer.read(), resident.read());
    let ((hs, hg), (us, ug)) = align(customer.heard(), resident.heard());
    let parts = |written: Halves<'a>, read: Halves<'a>, heard: Halves<'a>| {
        [
            Part { written: written.0, read: read.0, heard: heard.0 },
            Part { written: written.1, read: read.1, heard: heard.1 },
        ]
    };
    (parts((ws, wg), (rs, rg), (hs, hg)), parts((vs, vg), (ts, tg), (us, ug)))
}

/// Is it worth looking at the words the other way round? Strangers mostly are not.
fn may_be_swapped(customer: &Name, resident: &Name) -> bool {
    let turned = |own: Words<'_>, other: Words<'_>| match (own.parts(), other.parts()) {
        (Some((first, second)), Some((surname, given))) => first == given || second == surname,
        (None, Some((surname, given))) => own.joined().starts_with(given) && own.joined().ends_with(surname),
        _ => false,
    };
    turned(customer.written(), resident.written())
        || turned(customer.heard(), resident.heard())
        || is_all_latin(customer.written().joined()) && customer.written().parts().is_some()
}

/// The customer's words the other way round: 太郎 山田, TARO YAMADA.
fn swapped(customer: &Name, resident: &Name, kind: NameKind, readings: &Readings) -> NamePair {
    let turn = |own: Words<'_>, other: Words<'_>| match (own.parts(), other.parts()) {
        (Some((first, second)), _) => (second.to_owned(), first.to_owned()),
        (None, Some((surname, given))) if own.joined().strip_prefix(given) == Some(surname) => {
            (surname.to_owned(), given.to_owned())
        }
        // Nothing may be taken from the resident that the customer did not write.
        (None, Some(_)) => (String::new(), String::new()),
        (None, None) => (String::new(), own.joined().to_owned()),
    };
    let (written, read, heard) = (
        turn(customer.written(), resident.written()),
        turn(customer.read(), resident.read()),
        turn(customer.heard(), resident.heard()),
    );
    let own = [
        Part { written: &written.0, read: &read.0, heard: &heard.0 },
        Part { written: &written.1, read: &read.1, heard: &heard.1 },
    ];
    let halves = |words: Words<'_>| -> (String, String) {
        let (surname, given) = words.parts().unwrap_or((words.joined(), ""));
        (surname.to_owned(), given.to_owned())
    };
    let (written, read, heard) =
        (halves(resident.written()), halves(resident.read()), halves(resident.heard()));
    let other = [
        Part { written: &written.0, read: &read.0, heard: &heard.0 },
        Part { written: &written.1, read: &read.1, heard: &heard.1 },
    ];
    NamePair { swapped: true, ..NamePair::of_parts(own, other, kind, readings) }
}

type Halves<'a> = (&'a str, &'a str);

/// Surname and given name of both sides. Where one side wrote no space, the other shows where to cut.
fn align<'a>(left: Words<'a>, right: Words<'a>) -> (Halves<'a>, Halves<'a>) {
    match (left.parts(), right.parts()) {
        (Some(left_parts), Some(right_parts)) => {
            // The same letters with the space elsewhere (or a middle name) are the same name.
            if left.joined() == right.joined() {
                (right_parts, right_parts)
            } else {
                (left_parts, right_parts)
            }
        }
        (None, Some(right_parts)) => (cut_like(left.joined(), right_parts), right_parts),
        (Some(left_parts), None) => (left_parts, cut_like(right.joined(), left_parts)),
        (None, None) if left.joined() == right.joined() => {
            ((left.joined(), left.joined()), (right.joined(), right.joined()))
        }
        (None, None) => (("", left.joined()), ("", right.joined())),
    }
}

fn cut_like<'a>(text: &'a str, (surname, given): Halves<'_>) -> Halves<'a> {
    let prefix = text.strip_prefix(surname).map(|rest| text.len() - rest.len());
    let suffix = text.strip_suffix(given).map(str::len);
    let by_length = || text.char_indices().nth(surname.chars().count()).map_or(text.len(), |(at, _)| at);
    // A surname alone is no given name that ends like it; a one-letter accident is no surname.
    let at = prefix.or(suffix).unwrap_or_else(by_length);
    text.split_at_checked(at).unwrap_or((text, ""))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Writing {
    Equal,
    Legible,
    OneOff,
    Differ,
    Missing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Equal,
    OneOff,
    Differ,
    Missing,
}

fn part(left: Part<'_>, right: Part<'_>, readings: &Readings, same: SameReading) -> PartLevel {
    let writing = writing(left.written, right.written);
    let reading = reading(left, right, same);
    match (writing, reading) {
        (Writing::Equal, Reading::Differ) => PartLevel::Written,
        (Writing::Equal, _) => PartLevel::Same,
        (Writing::Legible, Reading::Equal) => PartLevel::Written,
        (Writing::Missing, Reading::Equal) => PartLevel::Heard,
        (_, Reading::Equal) => PartLevel::Homophone,
        (Writing::Legible, Reading::Missing) => PartLevel::Readable,
        (Writing::OneOff | Writing::Differ | Writing::Missing, Reading::Missing)
            if can_read(left, right, readings) =>
        {
            PartLevel::Readable
        }
        (Writing::Missing, Reading::Missing) => PartLevel::Missing,
        (Writing::OneOff, Reading::Missing) | (Writing::Legible, Reading::OneOff) | (_, Reading::OneOff) => {
            PartLevel::Similar
        }
        _ => PartLevel::Differs,
    }
}

fn writing(left: &str, right: &str) -> Writing {
    if left.is_empty()
        || right.is_empty()
        || is_all_kana(left) != is_all_kana(right)
        || is_all_latin(left) != is_all_latin(right)
    {
        // Different scripts: only the reading can tell.
        return Writing::Missing;
    }
    if left == right {
        return Writing::Equal;
    }
    if left.len() > LONGEST || right.len() > LONGEST {
        return Writing::Differ;
    }
    // A middle name was left out: NGUYEN THI LAN, NGUYEN LAN.
    if is_all_latin(left) && part_of(left, right) {
        return Writing::Legible;
    }
    match alike(left, right) {
        Some(found) if found.different == 0 && found.same + found.look_alike > 0 => Writing::Legible,
        Some(found) if found.different == 0 => Writing::Missing,
        Some(found) if found.different == 1 && found.same > 0 => Writing::OneOff,
        None if one_edit(left, right) && left.chars().count().min(right.chars().count()) >= 2 => {
            Writing::OneOff
        }
        _ => Writing::Differ,
    }
}

fn part_of(left: &str, right: &str) -> bool {
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    short.len() >= 3 && (long.starts_with(short) || long.ends_with(short))
}

/// Compares the readings; a part written in kana or Latin letters is its own reading.
fn reading(left: Part<'_>, right: Part<'_>, same: SameReading) -> Reading {
    let in_kana = |part: Part<'_>| is_all_kana(part.written).then(|| kana::sound(&kana::bank(part.written)));
    let (left_kana, right_kana) = (in_kana(left), in_kana(right));
    let one = if left.heard.is_empty() { left_kana.as_deref().unwrap_or("") } else { left.heard };
    let other = if right.heard.is_empty() { right_kana.as_deref().unwrap_or("") } else { right.heard };
    if one.is_empty() || other.is_empty() {
        return match (is_all_latin(left.written), is_all_latin(right.written)) {
            (true, false) if !right.read.is_empty() => heard(latin::romanises(left.written, right.read)),
            (false, true) if !left.read.is_empty() => heard(latin::romanises(right.written, left.read)),
            _ => Reading::Missing,
        };
    }
    let found = readings(one, other, same);
    // A slip in the reading, when the name is written in kana besides.
    match (&left_kana, &right_kana) {
        (Some(written), None) if found != Reading::Equal => better(found, readings(written, other, same)),
        (None, Some(written)) if found != Reading::Equal => better(found, readings(one, written, same)),
        _ => found,
    }
}

fn heard(agrees: bool) -> Reading {
    if agrees { Reading::Equal } else { Reading::Differ }
}

fn better(one: Reading, other: Reading) -> Reading {
    match (one, other) {
        (Reading::Equal, _) | (_, Reading::Equal) => Reading::Equal,
        (Reading::OneOff, _) | (_, Reading::OneOff) => Reading::OneOff,
        _ => Reading::Differ,
    }
}

/// When two readings, as they sound, are one.
type SameReading = fn(&str, &str) -> bool;

/// ナカジマ and ナカシマ are one surname; オオノ and オノ are two.
fn same_surname_reading(one: &str, other: &str) -> bool {
    one == other || one.len() == other.len() && kana::unvoiced_eq(one, other)
}

/// ユウキ and ユキ, ダイキ and タイキ may be brothers: only what sounds the same is the same.
fn same_given_reading(one: &str, other: &str) -> bool {
    one == other
}

fn readings(one: &str, other: &str, same: SameReading) -> Reading {
    if same(one, other) {
        return Reading::Equal;
    }
    if kana::may_share_skeleton(one, other) && kana::skeleton(one) == kana::skeleton(other) {
        return Reading::OneOff;
    }
    // Two kana at least, of three bytes each.
    let long_enough = one.len().min(other.len()) >= 6;
    if one.len().max(other.len()) <= LONGEST && long_enough && one_edit(one, other) {
        return Reading::OneOff;
    }
    Reading::Differ
}

fn can_read(left: Part<'_>, right: Part<'_>, readings: &Readings) -> bool {
    !right.read.is_empty() && readings.can_read(left.written, right.read)
        || !left.read.is_empty() && readings.can_read(right.written, left.read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(left: (&str, &str), right: (&str, &str)) -> (PartLevel, PartLevel) {
        let name = |(written, read): (&str, &str)| Name::new(written, (!read.is_empty()).then_some(read));
        let found = NamePair::of(&name(left), &name(right), NameKind::Present, &Readings::new());
        (found.surname, found.given)
    }

    #[test]
    fn the_same_name_however_it_is_written() {
        use PartLevel::{Heard, Homophone, Readable, Same, Written};
        let resident = ("髙橋　誠介", "タカハシ　セイスケ");
        for (customer, levels) in [
            (("高橋誠介", "ﾀｶﾊｼｾｲｽｹ"), (Same, Same)),
            (("高橋 誠介", ""), (Same, Same)),
            (("", "ﾀｶﾊｼ ｾｲｽｹ"), (Heard, Heard)),
            (("タカハシ セイスケ", ""), (Heard, Heard)),
            (("高橋　せいすけ", "ﾀｶﾊｼ ｾｲｽｹ"), (Same, Heard)),
            (("高橋　せいすけ", ""), (Same, Heard)),
            (("高橋 誠亮", ""), (Same, Readable)),
            (("高橋 誠輔", "タカハシ セイスケ"), (Same, Homophone)),
            (("高橋 誠介", "タカハシ マサスケ"), (Same, Written)),
            (("誠介 高橋", ""), (Same, Same)),
            (("高■ 誠介", ""), (Readable, Same)),
            (("TAKAHASHI SEISUKE", ""), (Heard, Heard)),
            (("SEISUKE TAKAHASHI", ""), (Heard, Heard)),
        ] {
            assert_eq!(pair(customer, resident), levels, "{customer:?}");
        }
    }

    #[test]
    fn other_people_differ() {
        use PartLevel::{Differs, Same};
        assert_eq!(pair(("堤 健範", "ツツミ タケノリ"), ("堤　一芳", "ツツミ　カズヨシ")), (Same, Differs));
        assert_eq!(pair(("堤健範", ""), ("堤　一芳", "ツツミ　カズヨシ")), (Same, Differs));
        assert_eq!(pair(("羅咲古沢", "ﾗｻ ﾌﾙｻﾜ"), ("古沢　圭由", "フルサワ　タマヨ")).1, Differs);
        assert_eq!(pair(("花鈴 糸満", "ｶﾘﾝｲﾄﾏﾝ"), ("糸満　伶那", "イトマン　レナ")).1, Differs);
        assert_eq!(pair(("佐藤 花子", ""), ("山田　花子", "ヤマダ　ハナコ")), (Differs, Same));
    }

    #[test]
    fn foreign_names_meet_through_their_reading() {
        let resident = ("MULLER　MINH", "ミュラー　ミン");
        assert_eq!(pair(("ミュラーミン", "ミユラー ミン"), resident), (PartLevel::Heard, PartLevel::Heard));
        assert_eq!(pair(("Muller Minh", ""), resident), (PartLevel::Same, PartLevel::Same));
        assert_eq!(
            pair(("NGUYEN LAN", ""), ("NGUYEN　THI LAN", "グエン　ティ ラン")),
            (PartLevel::Same, PartLevel::Readable)
        );
    }

    #[test]
    fn a_slip_in_a_reading_alone_is_only_similar() {
        assert_eq!(pair(("", "サイトウ シゲモ"), ("斉藤　重知", "サイトウ　シゲトモ")).1, PartLevel::Similar);
        assert_eq!(pair(("", "シラキ ユキ"), ("白木　優希", "シラキ　ユウキ")).1, PartLevel::Similar);
        assert_eq!(pair(("", "オノ ジユン"), ("大野　巡", "オオノ　ジュン")).0, PartLevel::Similar);
        assert_eq!(pair(("", "ホンタ ジユン"), ("本田　巡", "ホンダ　ジュン")).0, PartLevel::Heard);
    }
}
