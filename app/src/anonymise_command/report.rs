//! What was done to a table, what is lost, and what risk is left.

use std::path::Path;

use anonymity::{Applied, Local, Metric, Outcome, Problem, Risk, evaluate};
use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};

use super::table::Loaded;

/// Everything a report tells of.
pub(super) struct Report<'a> {
    pub(super) table: &'a Loaded,
    /// What the search found, where there was one.
    pub(super) outcome: Option<&'a Outcome>,
    pub(super) applied: &'a Applied,
    pub(super) before: Risk,
    pub(super) after: Risk,
    pub(super) cpu_s: f64,
}

/// Each metric, its key in the report, and what it is called in Japanese and English.
pub(super) const METRICS: [(Metric, &str, &str, &str); 6] = [
    (Metric::Loss, "loss", "損失（Loss）", "Loss"),
    (Metric::NonUniformEntropy, "non_uniform_entropy", "非一様エントロピー", "Non-uniform entropy"),
    (Metric::Discernibility, "discernibility", "識別可能性", "Discernibility"),
    (Metric::AverageClassSize, "average_class_size", "平均の組の大きさ", "Average class size"),
    (Metric::Precision, "precision", "一般化の割合（1−Precision）", "1 − precision"),
    (Metric::Divergence, "divergence", "KL情報量", "Kullback–Leibler divergence"),
];

impl Report<'_> {
    /// Each metric at the levels that were chosen.
    pub(super) fn scores(&self) -> Result<Vec<f64>> {
        let mut problem = self.table.problem.clone();
        let score = |(metric, ..): &(Metric, &str, &str, &str)| {
            problem.metric = *metric;
            Ok(evaluate(&problem, &self.applied.levels)?.score)
        };
        METRICS.iter().map(score).collect()
    }

    pub(super) fn json(&self) -> Result<Value> {
        let problem = &self.table.problem;
        let named = problem.attributes.iter().zip(&self.applied.levels);
        let levels: Map<String, Value> = named.map(|(own, level)| (own.name.clone(), json!(level))).collect();
        let keys = METRICS.iter().map(|(_, key, ..)| (*key).to_owned());
        let scores: Map<String, Value> =
            keys.zip(self.scores()?.into_iter().map(|score| json!(score))).collect();
        let solution = &self.applied.solution;
        Ok(json!({
            "levels": levels,
            "rows": problem.rows(),
            "suppressed_rows": solution.suppressed,
            "classes": solution.classes,
            "score": solution.score,
            "least_values": least_values(problem, &self.applied.class_of, |row| self.applied.kept.get(row) == Some(&true)),
            "quality": scores,
            "search": self.outcome.map(|outcome| json!({
                "optimal": outcome.is_optimal,
                "bound": outcome.bound,
                "gap": solution.score - outcome.bound,
                "nodes": outcome.nodes,
                "nodes_checked": outcome.checked,
            })),
            "cpu_s": self.cpu_s,
            "risk": { "before": risk(problem, &self.before), "after": risk(problem, &self.after) },
        }))
    }
}

/// Of each sensitive attribute the fewest different values that a class which stays has.
fn least_values(problem: &Problem, class_of: &[u32], is_kept: impl Fn(usize) -> bool) -> Map<String, Value> {
    let least = problem.sensitive.iter().map(|own| {
        let rows = class_of.iter().zip(&own.column).enumerate().filter(|(row, _)| is_kept(*row));
        let mut pairs: Vec<(u32, u32)> = rows.map(|(_, (class, value))| (*class, *value)).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let classes = pairs.chunk_by(|one, other| one.0 == other.0);
        (own.name.clone(), json!(classes.map(<[_]>::len).min()))
    });
    least.collect()
}

/// The report of a table that was recoded class by class.
pub(super) fn local_json(problem: &Problem, local: &Local, threshold: f64) -> Value {
    let is_kept = |row: usize| local.levels.get(row).is_some_and(Option::is_some);
    let mut members: Vec<u32> =
        local.class_of.iter().enumerate().filter(|(row, _)| is_kept(*row)).map(|(_, class)| *class).collect();
    members.sort_unstable();
    let sizes = || members.chunk_by(|one, other| one == other).map(<[u32]>::len);
    json!({
        "local_recoding": true,
        "rows": problem.rows(),
        "suppressed_rows": local.suppressed,
        "classes": local.classes,
        "quality": { "loss": local.loss },
        "least_values": least_values(problem, &local.class_of, is_kept),
        "risk": {
            "before": risk(problem, &anonymity::risk(problem, None, threshold)),
            "after": {
                "rows": members.len(),
                "smallest_class": sizes().min(),
                "largest_class": sizes().max(),
                "prosecutor_highest": sizes().min().map(|size| 1.0 / size as f64),
                "prosecutor_mean": local.classes as f64 / members.len().max(1) as f64,
            },
        },
    })
}

fn risk(problem: &Problem, risk: &Risk) -> Value {
    let drivers = risk.drivers.iter().map(|driver| {
        json!({
            "attribute": problem.attributes.get(driver.attribute).map(|own| &own.name),
            "values": driver.values,
            "unique_alone": driver.unique_alone,
            "unique_by_it": driver.unique_by_it,
            "mean_risk_by_it": driver.mean_risk_by_it,
        })
    });
    let sizes = risk.classes.rows_by_size.iter().map(|(most, rows)| {
        // The last range has no end.
        json!({ "most": (*most < u64::MAX).then_some(most), "rows": rows })
    });
    json!({
        "rows": risk.rows,
        "classes": risk.classes.count,
        "smallest_class": risk.classes.smallest,
        "largest_class": risk.classes.largest,
        "rows_by_class_size": sizes.collect::<Vec<_>>(),
        "unique_rows": risk.unique_rows,
        "prosecutor_highest": risk.prosecutor_highest,
        "prosecutor_mean": risk.prosecutor_mean,
        "threshold": risk.threshold,
        "above_threshold": risk.above_threshold,
        "journalist_highest": risk.journalist_highest,
        "marketer": risk.marketer,
        "with_population": risk.with_population,
        "drivers": drivers.collect::<Vec<_>>(),
    })
}

/// The levels of an earlier report.
pub(super) fn levels_of(path: &Path, problem: &Problem) -> Result<Vec<usize>> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{shown}: 読めません / cannot read {shown}"))?;
    let report: Value = serde_json::from_str(&text)
        .with_context(|| format!("{shown}: 報告ではありません / {shown} is not a report"))?;
    let levels = report.get("levels").and_then(Value::as_object);
    let levels = levels.with_context(|| {
        format!("{shown}: levels のない報告です / {shown} is not a report: it has no levels")
    })?;
    ensure!(
        levels.len() == problem.attributes.len(),
        "{shown}: 属性の数が設定と違います。その時の設定を使ってください / {shown} has levels for {} attributes, the configuration names {}; use the configuration of that run",
        levels.len(),
        problem.attributes.len()
    );
    let own = problem.attributes.iter().map(|attribute| {
        let level = levels.get(&attribute.name).and_then(Value::as_u64);
        let level = level.with_context(|| format!("{shown}: '{0}' の段階がありません / {shown} has no level for '{0}'", attribute.name))?;
        usize::try_from(level).ok().filter(|level| *level < attribute.hierarchy.height()).with_context(|| {
            format!("{shown}: '{0}' の階層に段階 {level} がありません / {shown}: '{0}' has no level {level} in its hierarchy now", attribute.name)
        })
    });
    own.collect()
}
