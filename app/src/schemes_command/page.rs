//! The comparison as a page: Japanese and English, without script, charts as SVG with their figures beside them.

use anyhow::Result;
use askama::Template;

use super::report::{Compared, Newcomer, Report, basis, robbed, share};

#[derive(Template)]
#[template(path = "schemes/report.html")]
struct Page<'a> {
    languages: [Section<'a>; 2],
}

/// The page's content in one language.
struct Section<'a> {
    japanese: bool,
    report: &'a Report,
}

/// One bar of a chart: label, figure, and its length of 400.
struct Bar {
    y: usize,
    label: String,
    figure: String,
    length: f64,
}

/// Makes the page.
pub(super) fn render(report: &Report) -> Result<String> {
    let languages = [true, false].map(|japanese| Section { japanese, report });
    Ok(Page { languages }.render()?)
}

fn bars(rows: Vec<(String, f64, String)>) -> Vec<Bar> {
    let most = rows.iter().map(|row| row.1).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let bar = |(at, (label, value, figure)): (usize, (String, f64, String))| Bar {
        y: at * 28 + 4,
        label,
        figure,
        length: value * 400.0 / most,
    };
    rows.into_iter().enumerate().map(bar).collect()
}

impl Section<'_> {
    fn say<'t>(&self, japanese: &'t str, english: &'t str) -> &'t str {
        if self.japanese { japanese } else { english }
    }

    fn tag(&self) -> &'static str {
        if self.japanese { "ja" } else { "en" }
    }

    fn name(&self, one: &Compared) -> String {
        format!("{} {}", one.scheme.number(), self.say(one.name_ja, one.name_en))
    }

    fn chart(&self, value: impl Fn(&Compared) -> f64, unit: &str, digits: usize) -> Vec<Bar> {
        let row = |one: &Compared| {
            let value = value(one);
            (self.name(one), value, format!("{value:.digits$} {unit}"))
        };
        bars(self.report.schemes.iter().map(row).collect())
    }

    fn conversion_chart(&self) -> Vec<Bar> {
        self.chart(|one| one.cost.cpu_us_per_conversion, "µs", 1)
    }

    fn own_step_chart(&self) -> Vec<Bar> {
        self.chart(|one| one.cost.cpu_us_own_step, "µs", 1)
    }

    fn storage_chart(&self) -> Vec<Bar> {
        self.chart(|one| one.cost.core_bytes_per_code, "B", 1)
    }

    fn theft_chart(&self, stolen: &[&str]) -> Vec<Bar> {
        let rows = self.report.schemes.iter().map(|one| {
            let found = one.theft(stolen).map_or(0.0, share);
            (self.name(one), found, format!("{found:.1} %"))
        });
        let mut bars = bars(rows.collect());
        // Shares of a whole are drawn against the whole.
        for (bar, one) in bars.iter_mut().zip(&self.report.schemes) {
            bar.length = one.theft(stolen).map_or(0.0, share) * 4.0;
        }
        bars
    }

    fn extrapolation(&self, one: &Compared) -> [String; 6] {
        let e = one.extrapolated();
        let [few, many] = e.by_institutions;
        let hours = |hours: Option<f64>| match hours {
            Some(hours) => format!("{hours:.3}"),
            None => self.say("できない", "cannot").to_owned(),
        };
        [
            format!("{:.1}", e.core_gb),
            format!("{:.0}", e.issue_hours),
            format!("{:.1}", few.1),
            hours(few.2),
            format!("{:.2}", many.1),
            hours(many.2),
        ]
    }

    fn codes(&self) -> String {
        let first = self.report.schemes.first();
        let (each, all) = first.map_or((0.0, 0.0), |one| (one.codes_per_person, one.extrapolated().codes));
        format!("127,000,000 × {each:.2} = {all:.0}")
    }

    fn newcomer(&self, new: &Newcomer) -> String {
        let note = match new.receives_the_number {
            true => self.say("。番号を渡すことになる", "; is given the number"),
            false => "",
        };
        format!(
            "{} {}, {:.0} ms, +{} B{note}",
            new.customers,
            self.say("件", "codes"),
            new.cpu_ms,
            new.core_new_bytes
        )
    }

    fn rotation(&self, one: &Compared) -> String {
        match one.stability.rotation_cpu_us_per_code {
            Some(each) => format!("{each:.0} µs"),
            None => self.say("一機関だけの取替えはできない", "not for one institution alone").to_owned(),
        }
    }

    fn basis(&self, one: &Compared) -> [&'static str; 3] {
        let basis = basis(one.scheme);
        [basis.standards, basis.libraries, if self.japanese { basis.ja } else { basis.en }]
    }

    fn thefts<'t>(&self, one: &'t Compared) -> Vec<(String, &'t super::thief::Theft, String)> {
        let line = |theft: &'t super::thief::Theft| {
            (robbed(theft, self.japanese), theft, format!("{:.1} %", share(theft)))
        };
        one.security.iter().map(line).collect()
    }
}
