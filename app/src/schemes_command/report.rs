//! The comparison: measured figures, what is derived from them, and both in words.

use std::fmt::Write;

use serde::Serialize;
use words::Scheme;

use super::thief::{Theft, named};

/// The comparison.
#[derive(Debug, Serialize)]
pub struct Report {
    /// People of the run.
    pub persons: u32,
    /// Conversions measured.
    pub pairs: u32,
    /// One for each scheme.
    pub schemes: Vec<Compared>,
}

/// One scheme by the five views.
#[derive(Debug, Serialize)]
pub struct Compared {
    /// Which.
    pub scheme: Scheme,
    /// Its name in Japanese.
    pub name_ja: &'static str,
    /// In English.
    pub name_en: &'static str,
    /// Codes for each person in this run.
    pub codes_per_person: f64,
    /// Cost-performance.
    pub cost: Cost,
    /// Extensibility.
    pub extensibility: Extensibility,
    /// Stability and operation.
    pub stability: Stability,
    /// Security and privacy: what thieves found.
    pub security: Vec<Theft>,
}

/// Cost-performance. CPU of one core, the whole way: opened and sealed under sessions, by both bodies.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// CPU of a conversion that comes alone, µs.
    pub cpu_us_per_conversion: f64,
    /// In batches of 500, µs a code.
    pub cpu_us_per_conversion_in_bulk: f64,
    /// What of it is the scheme's own, in batches of 500, µs a code: from code to code in the core's hands, or both blind halves.
    pub cpu_us_own_step: f64,
    /// CPU of an issue, µs a code, the institution's own writing included.
    pub cpu_us_per_issue: f64,
    /// The core's database, bytes more than empty.
    pub core_bytes: u64,
    /// The same for each code.
    pub core_bytes_per_code: f64,
    /// Secret keys of a converting body, bytes, beside what sessions rest on.
    pub core_key_bytes: u64,
    /// The town's database, bytes for each customer.
    pub institution_bytes_per_customer: f64,
}

/// Extensibility.
#[derive(Debug, Serialize)]
pub struct Extensibility {
    /// An institution joins that holds the Individual Number.
    pub with_number: Newcomer,
    /// One that does not.
    pub without_number: Newcomer,
}

/// An institution that joined.
#[derive(Debug, Serialize)]
pub struct Newcomer {
    /// Its customers.
    pub customers: usize,
    /// CPU of giving them codes, ms.
    pub cpu_ms: f64,
    /// What the core's database grew by, bytes.
    pub core_new_bytes: u64,
    /// Whether it was given the number though it may not hold it.
    pub receives_the_number: bool,
}

/// Stability and operation: conversions that arrived right, of `tried`.
#[derive(Debug, Serialize)]
pub struct Stability {
    /// How many were tried.
    pub tried: usize,
    /// While the core is away.
    pub right_without_core: usize,
    /// While the second body is away: by conversion alone; on the road its decision is needed under every scheme.
    pub right_without_second: usize,
    /// After the core's key, or one half, was lost and another took its place.
    pub right_after_loss_of_key: usize,
    /// After both bodies were restored from copies.
    pub right_after_restore: usize,
    /// How long restoring took, ms.
    pub restore_ms: f64,
    /// CPU of replacing one code, µs; none where one institution's cannot be replaced.
    pub rotation_cpu_us_per_code: Option<f64>,
}

/// What a scheme rests on, for the transparency of procurement.
pub(super) struct Basis {
    pub(super) standards: &'static str,
    pub(super) libraries: &'static str,
    pub(super) ja: &'static str,
    pub(super) en: &'static str,
}

/// The transparency of procurement: what is published and who else makes it.
pub(super) const fn basis(scheme: Scheme) -> Basis {
    match scheme {
        Scheme::Number => Basis {
            standards: "番号法・省令(検査用数字)",
            libraries: "–",
            ja: "変換の部品はありません。",
            en: "Nothing converts.",
        },
        Scheme::Reversible => Basis {
            standards: "AES (FIPS 197), AES-SIV (RFC 5297), HMAC-SHA-512 (RFC 2104)",
            libraries: "aes-siv (MIT / Apache-2.0)",
            ja: "標準の暗号だけで、実装は数多く、HSMにも載ります。",
            en: "Standard ciphers alone, many implementations, also in hardware modules.",
        },
        Scheme::Table | Scheme::TableOfTwo | Scheme::Single => Basis {
            standards: "SQL (ISO/IEC 9075)",
            libraries: "SQLite (public domain), PostgreSQL (PostgreSQL licence)",
            ja: "どのデータベースでも動きます。",
            en: "Any database will do.",
        },
        Scheme::Blind => Basis {
            standards: "ristretto255 (RFC 9496), RFC 9380, RFC 9497 (DLEQ), n-PEP (論文 / papers)",
            libraries: "libpep (Apache-2.0), curve25519-dalek (BSD-3-Clause)",
            ja: "群とハッシュは標準、変換の方式は論文です。正式な第三者監査はまだなく、独立した実装は少数です。",
            en: "Group and hashes are standards, the conversion is from papers; no formal audit yet and few independent implementations.",
        },
    }
}

/// People of the extrapolation.
pub(super) const PEOPLE: f64 = 127e6;
/// Institutions of the extrapolation.
pub(super) const INSTITUTIONS: [f64; 2] = [2_000.0, 442_000.0];

/// What is derived from the measured figures; each by the formula beside it.
pub(super) struct Extrapolated {
    /// Codes at all institutions = people × codes for each person in this run.
    pub(super) codes: f64,
    /// The core's tables, GB = codes × bytes for each code.
    pub(super) core_gb: f64,
    /// Issue of all of them on one core, hours = codes × CPU of an issue.
    pub(super) issue_hours: f64,
    /// For each number of institutions: codes at one on average, its database in MB, and hours to replace its codes.
    pub(super) by_institutions: [(f64, f64, Option<f64>); 2],
}

impl Compared {
    pub(super) fn extrapolated(&self) -> Extrapolated {
        let codes = PEOPLE * self.codes_per_person;
        let at_one = |institutions: f64| {
            let here = codes / institutions;
            let mb = here * self.cost.institution_bytes_per_customer / 1e6;
            (here, mb, self.stability.rotation_cpu_us_per_code.map(|each| each * here / 3.6e9))
        };
        Extrapolated {
            codes,
            core_gb: codes * self.cost.core_bytes_per_code / 1e9,
            issue_hours: codes * self.cost.cpu_us_per_issue / 3.6e9,
            by_institutions: INSTITUTIONS.map(at_one),
        }
    }

    /// Who was robbed of these, if the comparison tried it.
    pub(super) fn theft(&self, stolen: &[&str]) -> Option<&Theft> {
        self.security.iter().find(|one| one.stolen.iter().map(String::as_str).eq(stolen.iter().copied()))
    }
}

/// `linked / possible`, in percent.
pub(super) fn share(theft: &Theft) -> f64 {
    theft.linked as f64 * 100.0 / theft.possible.max(1) as f64
}

/// Names of what was stolen, in one language.
pub(super) fn robbed(theft: &Theft, japanese: bool) -> String {
    let name = |room: &String| if japanese { named(room).0 } else { named(room).1 };
    theft.stolen.iter().map(name).collect::<Vec<_>>().join(" + ")
}

impl Report {
    /// As tables for a terminal.
    pub fn in_words(&self) -> String {
        let mut text = String::new();
        self.write_words(&mut text).unwrap_or_default();
        text
    }

    fn write_words(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "符号の六方式 / six schemes of link codes: {} 人 people, {} 変換 conversions\n",
            self.persons, self.pairs
        )?;
        writeln!(out, "1 費用対効果 / cost-performance (CPU µs of one core; bytes)")?;
        writeln!(
            out,
            "  {:>1} {:>12} {:>12} {:>12} {:>12} {:>14} {:>14}",
            "", "変換/conv.", "一括/bulk", "方式/own step", "発行/issue", "中核B/code", "機関B/customer"
        )?;
        for one in &self.schemes {
            let c = &one.cost;
            writeln!(
                out,
                "  {} {:>12.1} {:>12.1} {:>12.1} {:>12.1} {:>14.1} {:>14.1}  {} / {}",
                one.scheme.number(),
                c.cpu_us_per_conversion,
                c.cpu_us_per_conversion_in_bulk,
                c.cpu_us_own_step,
                c.cpu_us_per_issue,
                c.core_bytes_per_code,
                c.institution_bytes_per_customer,
                one.name_ja,
                one.name_en
            )?;
        }
        writeln!(
            out,
            "\n  外挿 / extrapolated, not measured: 127,000,000 人 people × {:.2} 符号 codes each (this run's)",
            self.schemes.first().map_or(0.0, |one| one.codes_per_person)
        )?;
        for one in &self.schemes {
            let e = one.extrapolated();
            let rotation =
                |hours: Option<f64>| hours.map_or_else(|| "–".into(), |hours| format!("{hours:.3} h"));
            let [few, many] = &e.by_institutions;
            writeln!(
                out,
                "  {} 中核 core {:>7.1} GB, 発行 issue {:>8.0} h; 2,000 機関 institutions: {:>8.1} MB, 取替 rotation {:>9}; 442,000: {:>6.2} MB, {:>9}",
                one.scheme.number(),
                e.core_gb,
                e.issue_hours,
                few.1,
                rotation(few.2),
                many.1,
                rotation(many.2)
            )?;
        }
        writeln!(out, "\n2 拡張性 / extensibility (a newcomer with the number; one without)")?;
        for one in &self.schemes {
            let line = |new: &Newcomer| {
                format!("{} codes, {:.0} ms, +{} B", new.customers, new.cpu_ms, new.core_new_bytes)
            };
            let e = &one.extensibility;
            let note = if e.without_number.receives_the_number {
                "  ※番号を渡すことになる / is given the number"
            } else {
                ""
            };
            writeln!(
                out,
                "  {} {}; {}{note}",
                one.scheme.number(),
                line(&e.with_number),
                line(&e.without_number)
            )?;
        }
        writeln!(out, "\n3 安定性・運用 / stability and operation (right conversions of those tried)")?;
        writeln!(
            out,
            "  {:>1} {:>14} {:>14} {:>14} {:>20} {:>16}",
            "", "中核なし/core", "第二なし/second", "鍵喪失/key lost", "復元/restored", "取替/rotation"
        )?;
        for one in &self.schemes {
            let s = &one.stability;
            let rotation =
                s.rotation_cpu_us_per_code.map_or_else(|| "×".into(), |each| format!("{each:.0} µs"));
            writeln!(
                out,
                "  {} {:>14} {:>14} {:>14} {:>12} {:>6.0} ms {:>16}",
                one.scheme.number(),
                format!("{}/{}", s.right_without_core, s.tried),
                format!("{}/{}", s.right_without_second, s.tried),
                format!("{}/{}", s.right_after_loss_of_key, s.tried),
                format!("{}/{}", s.right_after_restore, s.tried),
                s.restore_ms,
                rotation
            )?;
        }
        writeln!(out, "\n4 調達の透明性・公平性 / transparency of procurement")?;
        for one in &self.schemes {
            let basis = basis(one.scheme);
            writeln!(
                out,
                "  {} {}; {}\n    {} / {}",
                one.scheme.number(),
                basis.standards,
                basis.libraries,
                basis.ja,
                basis.en
            )?;
        }
        writeln!(
            out,
            "\n5 安全・プライバシー / security and privacy (pairs of codes linked, of those that are one person)"
        )?;
        for one in &self.schemes {
            writeln!(out, "  {} {} / {}", one.scheme.number(), one.name_ja, one.name_en)?;
            for theft in &one.security {
                let numbers = match theft.numbers_read {
                    0 => String::new(),
                    read => format!("  番号 {read} 件が読める / {read} Individual Numbers read"),
                };
                writeln!(
                    out,
                    "      {:<44} {:>8} / {:<8} {:>6.1} %  誤 wrong {}{numbers}",
                    format!("{} / {}", robbed(theft, true), robbed(theft, false)),
                    theft.linked,
                    theft.possible,
                    share(theft),
                    theft.wrong
                )?;
            }
        }
        Ok(())
    }
}
