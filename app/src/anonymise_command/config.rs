//! What the configuration of an anonymisation says (TOML).

use std::path::{Path, PathBuf};

use anonymity::Metric;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::reading::Encoding;

/// One file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// Folder of the file: hierarchies are found from here.
    #[serde(skip)]
    pub(super) folder: PathBuf,
    /// Between fields of the table; found out where it is not given.
    pub(super) separator: Option<char>,
    pub(super) encoding: Option<Encoding>,
    /// Share of the rows that may be left out.
    #[serde(default)]
    pub(super) suppression_limit: f64,
    #[serde(default = "loss")]
    metric: MetricName,
    /// Rows found with a higher probability than this are counted in the report.
    #[serde(default = "a_fifth")]
    pub(super) risk_threshold: f64,
    /// Levels for each class in place of the whole table: for a set that stays alone of its kind.
    #[serde(default)]
    pub(super) local_recoding: bool,
    /// Columns that are written as they are, and taken to tell nothing of a person.
    #[serde(default)]
    pub(super) keep: Vec<String>,
    /// Everybody who could be in the table, for δ-presence and journalist risk (CSV, same columns).
    pub(super) population: Option<PathBuf>,
    #[serde(default, rename = "attribute")]
    pub(super) attributes: Vec<AttributeConfig>,
    #[serde(default, rename = "sensitive")]
    pub(super) sensitive: Vec<SensitiveConfig>,
    #[serde(default, rename = "model")]
    pub(super) models: Vec<ModelConfig>,
}

/// A quasi-identifier.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AttributeConfig {
    pub(super) name: String,
    pub(super) hierarchy: HierarchyConfig,
    #[serde(default = "one")]
    pub(super) weight: f64,
}

/// A hierarchy: a file, or how to make one from the values.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum HierarchyConfig {
    /// A line for each value.
    File(PathBuf),
    /// Kept or `*`.
    KeptOrSuppressed,
    /// Five, ten and twenty years.
    Ages,
    /// Seven, three, two digits.
    PostalCodes,
    /// Municipality, prefecture, region.
    Municipalities,
    /// Code, category, chapter of ICD-10.
    Diagnoses,
    /// So many first characters.
    Masked(Vec<usize>),
    /// Whole numbers.
    Intervals { widths: Vec<i64>, least: Option<i64>, most: Option<i64> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SensitiveConfig {
    pub(super) name: String,
    /// For t-closeness by hierarchy or order: the values, in order.
    pub(super) hierarchy: Option<PathBuf>,
}

/// A model; `sensitive` may be left out where there is one sensitive attribute.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum ModelConfig {
    KAnonymity { k: u32 },
    DistinctDiversity { sensitive: Option<String>, l: u32 },
    EntropyDiversity { sensitive: Option<String>, l: f64 },
    RecursiveDiversity { sensitive: Option<String>, c: f64, l: u32 },
    Closeness { sensitive: Option<String>, t: f64, distance: DistanceName },
    Presence { least: f64, most: f64 },
    JournalistRisk { most: f64 },
    AverageRisk { most: f64 },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DistanceName {
    Equal,
    Hierarchical,
    Ordered,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum MetricName {
    Loss,
    NonUniformEntropy,
    Discernibility,
    AverageClassSize,
    Precision,
    Divergence,
}

const fn loss() -> MetricName {
    MetricName::Loss
}

const fn one() -> f64 {
    1.0
}

const fn a_fifth() -> f64 {
    0.2
}

impl Config {
    pub(super) fn read(path: &Path) -> Result<Config> {
        let text = std::fs::read_to_string(path).with_context(|| {
            format!("{}: 読めません。場所と読む権限を確かめてください / cannot read {0}; check the path and that you may read it", path.display())
        })?;
        let mut config: Config = toml::from_str(&text).with_context(|| {
            format!(
                "{}: 匿名加工の設定ではありません / not a configuration of an anonymisation",
                path.display()
            )
        })?;
        config.folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        config.check().with_context(|| path.display().to_string())?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        let is_one_byte = self.separator.is_none_or(|separator| separator.is_ascii());
        ensure!(
            is_one_byte,
            "separator は ASCII の一文字にしてください / the separator must be one ASCII character"
        );
        ensure!(
            !self.models.is_empty(),
            "[[model]] がありません。たとえば k-anonymity (k = 5) を一つ書いてください / no [[model]] is given; name at least one, for example k-anonymity with k = 5"
        );
        ensure!(
            self.risk_threshold > 0.0 && self.risk_threshold <= 1.0,
            "risk_threshold は 0 より大きく 1 以下にしてください / risk_threshold must be more than 0, at most 1"
        );
        let mut names: Vec<&String> = self.attributes.iter().map(|attribute| &attribute.name).collect();
        names.extend(self.sensitive.iter().map(|sensitive| &sensitive.name));
        names.extend(&self.keep);
        names.sort_unstable();
        if let Some([twice, _]) = names.array_windows().find(|[one, other]| one == other) {
            anyhow::bail!(
                "列 '{twice}' が二度書かれています / the column '{twice}' is named twice; a column is an attribute, sensitive, or kept"
            );
        }
        Ok(())
    }

    pub(super) const fn metric(&self) -> Metric {
        match self.metric {
            MetricName::Loss => Metric::Loss,
            MetricName::NonUniformEntropy => Metric::NonUniformEntropy,
            MetricName::Discernibility => Metric::Discernibility,
            MetricName::AverageClassSize => Metric::AverageClassSize,
            MetricName::Precision => Metric::Precision,
            MetricName::Divergence => Metric::Divergence,
        }
    }

    pub(super) fn separator(&self) -> Option<u8> {
        self.separator.and_then(|separator| u8::try_from(separator).ok())
    }
}
