//! `musubi anonymise --cases`: cases with a known optimum, solved and set beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anonymity::{
    Attribute, Distance, Hierarchy, Metric, Model, Problem, Sensitive, Settings, Solution, evaluate, search,
};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use world::{CpuStopwatch, Stopwatch};

use super::hierarchy_file;
use super::reading::{Coded, Source, Wanted};

/// A file of cases.
#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

/// A case: table, attributes, models, metric; and what a reference found, which is only set beside.
#[derive(Deserialize)]
struct Case {
    id: String,
    dataset: String,
    csv: String,
    hierarchy: String,
    quasi_identifiers: Vec<String>,
    sensitive: Option<String>,
    privacy_models: Vec<CaseModel>,
    suppression_limit: f64,
    metric: String,
    /// Everybody who could be in the table, for presence and journalist risk.
    population: Option<String>,
    /// What losing an attribute counts; 1 where nothing is said.
    #[serde(default)]
    weights: BTreeMap<String, f64>,
    expected: Option<Expected>,
}

#[derive(Deserialize)]
struct CaseModel {
    model: String,
    attribute: Option<String>,
    k: Option<u32>,
    l: Option<f64>,
    c: Option<f64>,
    t: Option<f64>,
    /// Shares or probabilities between which something must be.
    least: Option<f64>,
    most: Option<f64>,
}

#[derive(Deserialize)]
struct Expected {
    levels: BTreeMap<String, usize>,
}

/// What is asked on the command line.
pub(super) struct Asked<'a> {
    /// The file of cases.
    pub(super) cases: &'a Path,
    /// The folder with tables and hierarchies.
    pub(super) data: &'a Path,
    /// One case only.
    pub(super) only: Option<&'a str>,
    /// Tables that lie elsewhere, by data set.
    pub(super) tables: Vec<(String, PathBuf)>,
    /// Threads to use.
    pub(super) threads: usize,
}

/// Solves the cases; `told` hears of each as it is done. A case whose table is not there is left out, and said so; one that
/// cannot be solved has an `error` in place of its figures. Gives the figures, and how many could not be solved.
pub(super) fn run(asked: &Asked<'_>, mut told: impl FnMut(&str)) -> Result<(Value, usize)> {
    let text = std::fs::read_to_string(asked.cases)
        .with_context(|| format!("{0}: 読めません / cannot read {0}", asked.cases.display()))?;
    let file: Cases = serde_json::from_str(&text).with_context(|| {
        format!("{0}: 事例のファイルではありません / {0} is not a file of cases", asked.cases.display())
    })?;
    let mut solved = Map::new();
    let mut failed = 0;
    for case in file.cases.iter().filter(|case| asked.only.is_none_or(|only| only == case.id)) {
        let elsewhere = asked.tables.iter().find(|(dataset, _)| *dataset == case.dataset);
        let table = elsewhere.map_or_else(|| asked.data.join(&case.csv), |(_, path)| path.clone());
        if elsewhere.is_none() && !table.exists() {
            told(&format!(
                "{0}: 表がありません（--table {1}=CSV で与えられます）。除きました / no table (give it with --table {1}=CSV); left out",
                case.id, case.dataset
            ));
            continue;
        }
        let result = match case.solve(asked, &table) {
            Ok(result) => result,
            Err(error) => {
                told(&format!("{}: {error:#}", case.id));
                failed += 1;
                solved.insert(case.id.clone(), json!({ "error": format!("{error:#}") }));
                continue;
            }
        };
        told(&format!(
            "{}: スコア / score {}, CPU {} ms",
            case.id,
            result.get("score").unwrap_or(&Value::Null),
            result.get("cpu_ms").unwrap_or(&Value::Null),
        ));
        solved.insert(case.id.clone(), result);
    }
    if solved.is_empty() {
        bail!(
            "解けた事例がありません。--only、--data、--table を確かめてください / no case was solved; check --only, --data and --table"
        );
    }
    Ok((Value::Object(solved), failed))
}

impl Case {
    fn solve(&self, asked: &Asked<'_>, table: &Path) -> Result<Value> {
        let problem = self.problem(asked, table)?;
        forget_peak();
        let (watch, clock) = (CpuStopwatch::start(), Stopwatch::start());
        let outcome = search(&problem, &Settings { threads: asked.threads, ..Settings::default() })?;
        let [cpu_ms, elapsed_ms] =
            [watch.elapsed(), clock.elapsed()].map(|time| (time.as_secs_f64() * 1e6).round() / 1e3);
        let mut result = json!({
            "cpu_ms": cpu_ms,
            "elapsed_ms": elapsed_ms,
            "peak_rss_mb": peak_mb(),
            "nodes_checked": outcome.checked,
            "optimal": outcome.is_optimal,
        });
        if let (Some(result), Some(best)) = (result.as_object_mut(), &outcome.best) {
            result.append(&mut self.told(best));
        }
        if let (Some(expected), Some(result)) = (&self.expected, result.as_object_mut()) {
            let levels: Option<Vec<usize>> =
                self.quasi_identifiers.iter().map(|name| expected.levels.get(name).copied()).collect();
            let levels = levels.context(
                "期待される段階がすべての属性を挙げていません / the expected levels do not name every attribute",
            )?;
            result.insert("at_expected_levels".into(), self.told(&evaluate(&problem, &levels)?).into());
        }
        Ok(result)
    }

    fn told(&self, solution: &Solution) -> Map<String, Value> {
        let levels: BTreeMap<&String, &usize> = self.quasi_identifiers.iter().zip(&solution.levels).collect();
        let mut told = Map::new();
        told.insert("levels".into(), json!(levels));
        told.insert("suppressed_rows".into(), json!(solution.suppressed));
        told.insert("classes".into(), json!(solution.classes));
        told.insert("score".into(), json!(solution.score));
        told
    }

    fn problem(&self, asked: &Asked<'_>, table: &Path) -> Result<Problem> {
        let hierarchy_of =
            |name: &str| hierarchy_file::read(&asked.data.join(self.hierarchy.replace("{attr}", name)));
        let hierarchies = self.quasi_identifiers.iter().map(|name| hierarchy_of(name));
        let mut hierarchies: Vec<Hierarchy> = hierarchies.collect::<Result<_>>()?;
        let by_hierarchy = self
            .privacy_models
            .iter()
            .any(|model| ["hierarchical", "ordered"].iter().any(|distance| model.model.contains(distance)));
        let sensitive_hierarchy = match &self.sensitive {
            Some(name) if by_hierarchy => Some(hierarchy_of(name)?),
            _ => None,
        };
        let wanted = self.quasi_identifiers.iter().zip(&hierarchies);
        let mut wanted: Vec<Wanted<'_>> =
            wanted.map(|(name, known)| Wanted { name, known: Some(known) }).collect();
        wanted.extend(self.sensitive.iter().map(|name| Wanted { name, known: sensitive_hierarchy.as_ref() }));
        let source = Source { path: table.to_owned(), separator: Some(b';'), encoding: None };
        let mut columns = source.read(&wanted, None)?.columns.into_iter();
        let population = match &self.population {
            Some(path) => {
                let source = Source { path: asked.data.join(path), ..source };
                let quasi = wanted.get(..self.quasi_identifiers.len()).unwrap_or_default();
                source.read(quasi, None)?.columns.into_iter().map(|column| column.codes).collect()
            }
            None => Vec::new(),
        };
        let quasi: Vec<Coded> = columns.by_ref().take(self.quasi_identifiers.len()).collect();
        let sensitive = columns.zip(&self.sensitive).map(|(column, name)| Sensitive {
            name: name.clone(),
            column: column.codes,
            values: column.values.len(),
        });
        let sensitive = sensitive.collect();
        let named = self.quasi_identifiers.iter().zip(hierarchies.drain(..)).zip(quasi);
        let attributes = named.map(|((name, hierarchy), column)| Attribute {
            name: name.clone(),
            hierarchy,
            column: column.codes,
            weight: self.weights.get(name).copied().unwrap_or(1.0),
        });
        Ok(Problem {
            attributes: attributes.collect(),
            sensitive,
            models: self
                .privacy_models
                .iter()
                .map(|model| self.model(model, sensitive_hierarchy.as_ref()))
                .collect::<Result<_>>()?,
            suppression_limit: self.suppression_limit,
            metric: metric(&self.metric)?,
            population,
            counts: Vec::new(),
        })
    }

    fn model(&self, model: &CaseModel, hierarchy: Option<&Hierarchy>) -> Result<Model> {
        if model.attribute.is_some() && model.attribute != self.sensitive {
            bail!(
                "モデル {0} は sensitive でない属性についてのものです / the model {0} is on an attribute that is not the sensitive one",
                model.model
            );
        }
        let name = model.model.as_str();
        let missing =
            |what: &str| format!("モデル {name} には {what} が要ります / the model {name} needs {what}");
        let values = || model.l.map(|l| l as u32).with_context(|| missing("l"));
        let close = |distance| -> Result<Model> {
            Ok(Model::Closeness { sensitive: 0, t: model.t.with_context(|| missing("t"))?, distance })
        };
        Ok(match name {
            "k-anonymity" => Model::KAnonymity { k: model.k.with_context(|| missing("k"))? },
            _ if name.starts_with("distinct") => Model::DistinctDiversity { sensitive: 0, l: values()? },
            _ if name.starts_with("entropy") => {
                Model::EntropyDiversity { sensitive: 0, l: model.l.with_context(|| missing("l"))? }
            }
            _ if name.starts_with("recursive") => Model::RecursiveDiversity {
                sensitive: 0,
                c: model.c.with_context(|| missing("c"))?,
                l: values()?,
            },
            _ if name.starts_with("t-closeness (equal") => close(Distance::Equal)?,
            _ if name.starts_with("t-closeness (hierarchical") => close(Distance::Hierarchical(
                hierarchy.with_context(|| missing("階層 (hierarchy)"))?.clone(),
            ))?,
            // In the order of the hierarchy's lines.
            _ if name.starts_with("t-closeness (ordered") => {
                hierarchy.with_context(|| missing("階層 (hierarchy)"))?;
                close(Distance::Ordered)?
            }
            _ if name.starts_with("presence") => Model::Presence {
                least: model.least.with_context(|| missing("least"))?,
                most: model.most.with_context(|| missing("most"))?,
            },
            _ if name.starts_with("journalist") => {
                Model::JournalistRisk { most: model.most.with_context(|| missing("most"))? }
            }
            _ if name.starts_with("average risk") => {
                Model::AverageRisk { most: model.most.with_context(|| missing("most"))? }
            }
            _ => bail!("モデル '{name}' は知りません / the model '{name}' is not known here"),
        })
    }
}

fn metric(name: &str) -> Result<Metric> {
    const KNOWN: [(&str, Metric); 6] = [
        ("Loss", Metric::Loss),
        ("non-uniform entropy", Metric::NonUniformEntropy),
        ("discernibility", Metric::Discernibility),
        ("average equivalence class size", Metric::AverageClassSize),
        ("precision", Metric::Precision),
        ("KL", Metric::Divergence),
    ];
    let found = KNOWN.iter().find(|(known, _)| name.starts_with(known));
    found
        .map(|(_, metric)| *metric)
        .with_context(|| format!("指標 '{name}' は知りません / the metric '{name}' is not known here"))
}

/// Most memory this process has had, MB; nothing where the system does not say.
fn peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kb = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    kb.trim().trim_end_matches(" kB").parse::<f64>().ok().map(|kb| (kb / 102.4).round() / 10.0)
}

/// Lets the peak begin anew (proc(5), clear_refs); where that is not allowed, it is that of all cases so far.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
