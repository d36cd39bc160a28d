//! The report as a page: Japanese and English, without script, charts as bars beside their figures.

use anonymity::Risk;
use anyhow::Result;
use askama::Template;

use super::report::{METRICS, Report};

#[derive(Template)]
#[template(path = "anonymise/report.html")]
struct Page {
    languages: Vec<Section>,
}

/// The page's content in one language.
struct Section {
    japanese: bool,
    rows: usize,
    kept: u64,
    suppressed: u64,
    classes: u64,
    proof: String,
    attributes: Vec<AttributeRow>,
    risks: Vec<Compared>,
    sizes: Vec<SizeRow>,
    drivers: Vec<DriverRow>,
    quality: Vec<(String, String)>,
}

struct AttributeRow {
    name: String,
    level: usize,
    highest: usize,
    values_before: usize,
    values_after: usize,
    example: String,
}

/// A figure before and after.
struct Compared {
    name: &'static str,
    before: String,
    after: String,
    /// Lengths of bars in percent; none for figures that are no shares.
    before_bar: Option<f64>,
    after_bar: Option<f64>,
}

struct SizeRow {
    sizes: String,
    before: u64,
    after: u64,
    before_bar: f64,
    after_bar: f64,
}

struct DriverRow {
    name: String,
    values: u64,
    unique: u64,
    mean: String,
    bar: f64,
}

impl Section {
    fn say<'a>(&self, japanese: &'a str, english: &'a str) -> &'a str {
        if self.japanese { japanese } else { english }
    }

    fn tag(&self) -> &'static str {
        if self.japanese { "ja" } else { "en" }
    }
}

/// Makes the page.
pub(super) fn render(report: &Report<'_>) -> Result<String> {
    let languages = [true, false].into_iter().map(|japanese| section(report, japanese));
    Ok(Page { languages: languages.collect::<Result<_>>()? }.render()?)
}

fn section(report: &Report<'_>, japanese: bool) -> Result<Section> {
    let problem = &report.table.problem;
    let solution = &report.applied.solution;
    // Of a row that is published: what was left out is not shown.
    let shown = report.applied.kept.iter().position(|kept| *kept);
    let example = |attribute| shown.map_or("", |row| report.applied.label(problem, row, attribute));
    let named = problem.attributes.iter().zip(&report.applied.levels).enumerate();
    let attributes = named.map(|(place, (own, level))| AttributeRow {
        name: own.name.clone(),
        level: *level,
        highest: own.hierarchy.height() - 1,
        values_before: own.hierarchy.leaves(),
        values_after: own.hierarchy.cardinality(*level),
        example: example(place).to_owned(),
    });
    let names = METRICS.iter().map(|(.., ja, en)| (if japanese { *ja } else { *en }).to_owned());
    let scores = report.scores()?.into_iter().map(|score| format!("{score:.6}"));
    Ok(Section {
        japanese,
        rows: problem.rows(),
        kept: problem.rows() as u64 - solution.suppressed,
        suppressed: solution.suppressed,
        classes: solution.classes,
        proof: proof(report, japanese),
        attributes: attributes.collect(),
        risks: compared(&report.before, &report.after, japanese),
        sizes: sizes(&report.before, &report.after),
        drivers: drivers(report),
        quality: names.zip(scores).collect(),
    })
}

fn proof(report: &Report<'_>, japanese: bool) -> String {
    match report.outcome {
        None if japanese => "段階は与えられたもので、探索はしていません。".to_owned(),
        None => "The levels were given; nothing was searched.".to_owned(),
        Some(outcome) if outcome.is_optimal && japanese => {
            "基準を満たすもののうち、失う情報が最も少ないことを証明しました。".to_owned()
        }
        Some(outcome) if outcome.is_optimal => {
            "Proved: of all levels at which the models hold, these lose least.".to_owned()
        }
        Some(outcome) if japanese => {
            format!("探索を途中で終えたため、最適とは限りません（下限 {:.6}）。", outcome.bound)
        }
        Some(outcome) => format!(
            "The search was stopped; these levels need not be the best (nothing scores less than {:.6}).",
            outcome.bound
        ),
    }
}

fn compared(before: &Risk, after: &Risk, japanese: bool) -> Vec<Compared> {
    let share = |ja, en, of: fn(&Risk) -> f64| Compared {
        name: if japanese { ja } else { en },
        before: format!("{:.2} %", of(before) * 100.0),
        after: format!("{:.2} %", of(after) * 100.0),
        before_bar: Some(of(before) * 100.0),
        after_bar: Some(of(after) * 100.0),
    };
    let count = |ja, en, of: fn(&Risk) -> u64| Compared {
        name: if japanese { ja } else { en },
        before: of(before).to_string(),
        after: of(after).to_string(),
        before_bar: None,
        after_bar: None,
    };
    vec![
        share("検察官リスク（最大）", "Prosecutor risk, highest", |risk| risk.prosecutor_highest),
        share("検察官リスク（平均）", "Prosecutor risk, mean", |risk| risk.prosecutor_mean),
        share("しきい値を超える行の割合", "Rows above the threshold", |risk| {
            risk.above_threshold
        }),
        share("記者リスク（最大）", "Journalist risk, highest", |risk| risk.journalist_highest),
        share("販売者リスク", "Marketer risk", |risk| risk.marketer),
        count("一意な行", "Unique rows", |risk| risk.unique_rows),
        count("組の数", "Classes", |risk| risk.classes.count),
        count("最小の組", "Smallest class", |risk| risk.classes.smallest),
        count("最大の組", "Largest class", |risk| risk.classes.largest),
    ]
}

fn sizes(before: &Risk, after: &Risk) -> Vec<SizeRow> {
    let mut least = 1;
    let ranges = before.classes.rows_by_size.iter().zip(&after.classes.rows_by_size);
    let bar = |rows: u64, risk: &Risk| rows as f64 * 100.0 / risk.rows.max(1) as f64;
    let row = |((most, before_rows), (_, after_rows)): (&(u64, u64), &(u64, u64))| {
        let sizes = match *most {
            u64::MAX => format!("≥ {least}"),
            most if most == least => least.to_string(),
            most => format!("{least}–{most}"),
        };
        least = most.saturating_add(1);
        SizeRow {
            sizes,
            before: *before_rows,
            after: *after_rows,
            before_bar: bar(*before_rows, before),
            after_bar: bar(*after_rows, after),
        }
    };
    ranges.map(row).collect()
}

fn drivers(report: &Report<'_>) -> Vec<DriverRow> {
    let row = |driver: &anonymity::Driver| DriverRow {
        name: report.table.problem.attributes.get(driver.attribute).map_or("", |own| &own.name).to_owned(),
        values: driver.values,
        unique: driver.unique_by_it,
        mean: format!("{:.2} %", driver.mean_risk_by_it * 100.0),
        bar: (driver.mean_risk_by_it * 100.0).clamp(0.0, 100.0),
    };
    report.before.drivers.iter().map(row).collect()
}
