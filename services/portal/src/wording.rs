//! Words for people: affairs, items and times, in Japanese and in English.

use words::Moment;

const AFFAIRS: &[(&str, &str, &str)] = &[
    ("own-information", "本人への開示", "the person's own view"),
    ("child-allowance", "児童手当の支給", "the child allowance"),
    ("pension", "年金の給付", "pension benefits"),
    ("pension-exemption", "国民年金保険料の免除", "exemption from pension contributions"),
    ("tax", "国税の賦課", "the assessment of national tax"),
    ("local-tax", "地方税の賦課徴収", "the assessment and collection of local tax"),
    ("health-benefit", "健康保険の給付", "health insurance benefits"),
    ("health-premium", "国民健康保険料の徴収", "the collection of national health insurance premiums"),
    ("medical-care", "病院での診療", "care at a hospital"),
    ("care-insurance", "介護保険の給付と保険料", "long-term care insurance and its premiums"),
    ("care-benefit", "介護保険の給付", "long-term care benefits"),
    ("elderly-welfare", "老人福祉の措置", "welfare measures for the elderly"),
    ("elderly-charge", "老人福祉の費用徴収", "charges for welfare measures for the elderly"),
    ("public-assistance", "生活保護の決定と実施", "public assistance"),
    ("scholarship", "奨学金の貸与と支給", "scholarships and student loans"),
    ("unemployment", "失業等給付の支給", "unemployment benefits"),
    ("unpaid-benefit", "未支給の失業等給付の支給", "unemployment benefits left unpaid"),
    ("childcare-leave", "育児休業等給付の支給", "childcare leave benefits"),
];

const ITEMS: &[(&str, &str, &str)] = &[
    ("income", "所得の情報", "income"),
    ("local-tax", "地方税の情報", "local tax"),
    ("residence", "住民票の情報(世帯主と続柄)", "residence record (head of household and relation)"),
    ("child-allowance", "児童手当の情報", "child allowance"),
    ("child-rearing-allowance", "児童扶養手当の情報", "child rearing allowance"),
    ("long-term-care", "介護保険の給付の情報", "long-term care benefits"),
    ("pension-paid", "支払われた年金の情報", "pension paid"),
    ("pensioner-support", "年金生活者支援給付金の情報", "pensioner support benefit"),
    ("special-disability-benefit", "特別障害給付金の情報", "special disability benefit"),
    ("disability-support", "障害者自立支援給付の情報", "disability support benefits"),
    ("medical-benefit", "医療保険の給付の情報", "medical insurance benefits"),
    ("eligibility", "健康保険の資格の情報", "health insurance eligibility"),
    ("treatment", "診療の情報", "treatment"),
    ("public-assistance", "生活保護の情報", "public assistance"),
    ("foreigner-assistance", "外国人の生活保護の情報", "public assistance to a foreign resident"),
    ("returnee-support", "中国残留邦人等支援給付の情報", "support benefit for Japanese left behind in China"),
    ("unemployment", "失業等給付の情報", "unemployment benefits"),
    ("training-benefit", "職業訓練受講給付金の情報", "vocational training benefit"),
    ("scholarship-paid", "奨学金の支給の情報", "scholarship paid"),
    ("bank-balance", "預金残高の情報", "bank balance"),
];

fn of(table: &[(&str, &str, &str)], id: &str) -> (String, String) {
    let found = table.iter().find(|(known, _, _)| *known == id);
    found.map_or_else(|| (id.to_owned(), id.to_owned()), |(_, ja, en)| ((*ja).to_owned(), (*en).to_owned()))
}

/// An affair; one that has no words here is shown by its id.
pub fn affair(id: &str) -> (String, String) {
    of(AFFAIRS, id)
}

/// An item, likewise.
pub fn item(id: &str) -> (String, String) {
    of(ITEMS, id)
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
