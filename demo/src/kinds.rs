//! The kinds of inquiry that the country's clerks make.

use serde::{Serialize, Serializer};

use crate::{
    institution::Institution,
    institutions::{BANK, HOSPITAL, INSURER, LABOUR, NEIGHBOUR, PENSION, SCHOLARSHIP, TAX, TOWN, WELFARE},
    law::LawRow,
};

/// The field of social security or tax that an affair belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// 年金
    Pension,
    /// 医療
    Medical,
    /// 介護
    LongTermCare,
    /// 福祉
    Welfare,
    /// 労働保険
    LabourInsurance,
    /// 税
    Tax,
}

/// Whom an affair concerns besides the person whose case it is. Each is asked about by an act of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Both parents of the children, where one of them claims the allowance.
    Parents,
    /// All adults of the household, where one of them is in care.
    Household,
}

/// A kind of inquiry: who asks whom, in which affair, for which item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind {
    /// Who asks.
    pub inquirer: Institution,
    /// Who is asked.
    pub provider: Institution,
    /// For which affair.
    pub affair: &'static str,
    /// For which item.
    pub item: &'static str,
    /// Where the affair belongs.
    pub field: Field,
    /// Whom else it concerns.
    pub family: Option<Family>,
}

const fn kind(
    field: Field,
    inquirer: Institution,
    affair: &'static str,
    provider: Institution,
    item: &'static str,
) -> Kind {
    Kind { inquirer, provider, affair, item, field, family: None }
}

const fn family(family: Family, kind: Kind) -> Kind {
    Kind { family: Some(family), ..kind }
}

use Field::{LabourInsurance, LongTermCare, Medical, Pension, Tax, Welfare};

#[rustfmt::skip]
const KINDS: [Kind; 25] = [
    family(Family::Parents, kind(Welfare, TOWN, "child-allowance", TAX, "income")),
    kind(Welfare, TOWN, "child-allowance", NEIGHBOUR, "local-tax"),
    kind(Pension, PENSION, "pension", TOWN, "residence"),
    kind(Pension, PENSION, "pension", NEIGHBOUR, "local-tax"),
    kind(Pension, PENSION, "pension-exemption", WELFARE, "public-assistance"),
    kind(Tax, TAX, "tax", PENSION, "pension-paid"),
    kind(Tax, NEIGHBOUR, "local-tax", TOWN, "residence"),
    kind(Tax, TOWN, "local-tax", WELFARE, "public-assistance"),
    family(Family::Household, kind(LongTermCare, TOWN, "care-insurance", PENSION, "pension-paid")),
    kind(LongTermCare, TOWN, "care-benefit", INSURER, "medical-benefit"),
    kind(Medical, INSURER, "health-benefit", LABOUR, "unemployment"),
    kind(Medical, INSURER, "health-benefit", TOWN, "residence"),
    kind(Medical, INSURER, "health-benefit", HOSPITAL, "treatment"),
    kind(Medical, INSURER, "health-benefit", TOWN, "local-tax"),
    kind(Medical, HOSPITAL, "medical-care", INSURER, "eligibility"),
    kind(Welfare, WELFARE, "public-assistance", PENSION, "pension-paid"),
    kind(Welfare, WELFARE, "public-assistance", LABOUR, "unemployment"),
    kind(Welfare, WELFARE, "public-assistance", BANK, "bank-balance"),
    kind(Welfare, WELFARE, "public-assistance", TOWN, "child-allowance"),
    kind(Welfare, SCHOLARSHIP, "scholarship", TOWN, "residence"),
    kind(Welfare, SCHOLARSHIP, "scholarship", WELFARE, "public-assistance"),
    kind(Welfare, SCHOLARSHIP, "scholarship", TOWN, "local-tax"),
    kind(LabourInsurance, LABOUR, "unemployment", PENSION, "pension-paid"),
    kind(LabourInsurance, LABOUR, "childcare-leave", TOWN, "residence"),
    kind(LabourInsurance, LABOUR, "childcare-leave", TOWN, "local-tax"),
];

impl Kind {
    /// All of them.
    pub const ALL: &'static [Kind] = &KINDS;

    /// `child-allowance: income from tax to town`
    pub fn id(&self) -> String {
        format!(
            "{}: {} from {} to {}",
            self.affair,
            self.item,
            self.provider.as_str(),
            self.inquirer.as_str()
        )
    }

    /// The row of the list that lets it happen.
    pub(crate) fn row<'a>(&self, rows: &'a [LawRow]) -> Option<&'a LawRow> {
        self.beside(rows).find(|row| row.item == self.item)
    }

    /// The rows that let the inquirer ask the provider in this affair, for any item.
    pub(crate) fn beside<'a>(&self, rows: &'a [LawRow]) -> impl Iterator<Item = &'a LawRow> {
        let (affair, inquirer, provider) =
            (self.affair, self.inquirer.profile().kind, self.provider.profile().kind);
        rows.iter().filter(move |row| {
            row.affair == affair && row.inquirer_kind == inquirer && row.provider_kind == provider
        })
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_kinds_differ_and_cover_the_six_fields() {
        let ids: HashSet<_> = Kind::ALL.iter().map(Kind::id).collect();
        assert_eq!(ids.len(), Kind::ALL.len());
        let fields: HashSet<_> = Kind::ALL.iter().map(|kind| kind.field).collect();
        assert_eq!(fields.len(), 6);
        assert!(Kind::ALL.iter().all(|kind| kind.inquirer != kind.provider));
        assert!(Kind::ALL.iter().all(|kind| kind.inquirer.takes_part() && kind.provider.takes_part()));
    }
}
