//! What a run of the demo found, and how it is shown.

use std::collections::BTreeMap;

use serde::Serialize;
use words::{Blame, Reason};

/// Latency of inquiries, ms, from the clerk's request to the answer.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Latency {
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
}

/// What came of one kind of inquiry, as its clerks saw it.
#[derive(Clone, Debug, Serialize)]
pub struct KindLine {
    /// The kind, in one line.
    pub kind: String,
    /// pension, medical, long_term_care, welfare, labour_insurance, tax
    pub field: demo::Field,
    /// For which affair.
    pub affair: &'static str,
    /// For which item.
    pub item: &'static str,
    /// Who asks.
    pub inquirer: demo::Institution,
    /// Who is asked.
    pub provider: demo::Institution,
    /// Answers.
    pub answered: u32,
    /// Replies without an answer.
    pub not_answered: u32,
    /// Refusals.
    pub refused: u32,
}

/// One reason of refusal.
#[derive(Clone, Debug, Serialize)]
pub struct ReasonLine {
    /// The reason's word.
    pub reason: String,
    /// How often, as the deciding rooms recorded it.
    pub count: i64,
    /// Who can mend it: caller, institution, peer, ourselves.
    pub mended_by: &'static str,
    /// What it says, in Japanese.
    pub ja: &'static str,
    /// What it says, in English.
    pub en: &'static str,
}

/// One room's ledger, verified from outside by the code of `musubi verify-log`.
#[derive(Clone, Debug, Serialize)]
pub struct LedgerLine {
    /// The ledger.
    pub origin: String,
    /// Its entries.
    pub size: u64,
    /// Whether it verified.
    pub verified: bool,
}

/// Affairs that concern a family.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Families {
    /// Families asked about.
    pub families: usize,
    /// Their members, each asked about by an act of their own.
    pub members: usize,
    /// Members whose own index has their act, and none of another member's; all of them, or the run is not clean.
    pub looked_into: usize,
}

/// Refusals by reason, with who can mend them.
pub fn reasons(refused: &BTreeMap<String, i64>) -> Vec<ReasonLine> {
    let line = |(word, count): (&String, &i64)| {
        let reason = Reason::parse(word)?;
        let mended_by = match reason.blame() {
            Blame::Caller => "caller",
            Blame::Institution => "institution",
            Blame::Peer => "peer",
            Blame::Ourselves => "ourselves",
        };
        let (ja, en) = (reason.in_japanese(), reason.in_english());
        Some(ReasonLine { reason: word.clone(), count: *count, mended_by, ja, en })
    };
    refused.iter().filter_map(line).collect()
}

/// The report; counts of acts come from the deciding rooms' own records.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Residents in the register.
    pub residents: usize,
    /// Institutions with a gateway.
    pub institutions: usize,
    /// Link codes held by institutions.
    pub codes_issued: u32,
    /// Customers whose match awaits a person.
    pub in_review: u32,
    /// Customers in no register.
    pub not_found: u32,
    /// Answered inquiries by affair, as the providers recorded them.
    pub answered: BTreeMap<String, i64>,
    /// Inquiries that got no answer, by the providers' own reason.
    pub not_answered: BTreeMap<String, i64>,
    /// Refused acts by reason, as the deciding room recorded them.
    pub refused: BTreeMap<String, i64>,
    /// What came of each kind of inquiry.
    pub kinds: Vec<KindLine>,
    /// The same refusals, with who can mend them.
    pub reasons: Vec<ReasonLine>,
    /// Every room's ledger.
    pub ledgers: Vec<LedgerLine>,
    /// Affairs that concern a family.
    pub families: Families,
    /// Sets for research, findings, statistics.
    pub research: super::research::Research,
    /// Inquiries made in this run.
    pub inquiries: usize,
    /// Answers that were another person's.
    pub wrong_person: u32,
    /// Answers about the right person with other content than the provider holds.
    pub wrong_content: u32,
    /// Outcomes other than the one settled before the run.
    pub unexpected: u32,
    /// Cases at oversight opened in this run.
    pub cases: usize,
    /// Alarms at oversight raised in this run.
    pub alarms: usize,
    /// Latency of answered inquiries.
    pub latency_ms: Latency,
    /// Greatest resident memory, MB.
    pub peak_rss_mb: f64,
    /// Seconds until the country was ready for its first inquiry.
    pub ready_seconds: f64,
    /// Seconds in all.
    pub seconds: f64,
    /// Whether every room ran in its own process.
    pub processes: bool,
    /// The first few outcomes that were not expected, in words, without personal data.
    pub surprises: Vec<String>,
}

/// Median and 99th percentile.
pub fn latency(mut samples: Vec<f64>) -> Latency {
    samples.sort_by(f64::total_cmp);
    let at = |share: f64| {
        samples.get(((samples.len() as f64 - 1.0) * share).round().max(0.0) as usize).copied().unwrap_or(0.0)
    };
    Latency { p50: at(0.5), p99: at(0.99) }
}

fn table(title: &str, counts: &BTreeMap<String, i64>) -> String {
    let lines: String = counts.iter().map(|(name, count)| format!("    {name:<26}{count:>8}\n")).collect();
    format!("  {title}\n{}", if lines.is_empty() { "    –\n".into() } else { lines })
}

impl Report {
    /// Whether the run is what was settled before it.
    pub const fn is_clean(&self) -> bool {
        self.wrong_person == 0 && self.wrong_content == 0 && self.unexpected == 0
    }

    /// For people, Japanese and English.
    pub fn in_words(&self) -> String {
        let where_ = if self.processes {
            "各部屋は別のプロセス / every room in its own process"
        } else {
            "全部屋が一つのプロセス:分かれているのはファイルと電文だけ / all rooms in one process: only files and messages are apart"
        };
        let mut text = format!(
            "\n住民 residents {}   機関 institutions {}   符号 link codes {}   要確認 review {}   該当なし not found {}\n",
            self.residents, self.institutions, self.codes_issued, self.in_review, self.not_found
        );
        text.push_str(&table("回答 answered", &self.answered));
        text.push_str(&table(
            "回答なし(理由は提供機関だけが知る) not answered (the reason is the provider's alone)",
            &self.not_answered,
        ));
        text.push_str(&table("拒否 refused", &self.refused));
        let answered_kinds = self.kinds.iter().filter(|line| line.answered > 0).count();
        let verified = self.ledgers.iter().filter(|ledger| ledger.verified).count();
        text.push_str(&format!(
            "  照会の種類 kinds of inquiry {} (回答あり answered {answered_kinds})   世帯の照会 families {} ({} 人 people)   \
             記録簿 ledgers verified {verified} / {}\n",
            self.kinds.len(),
            self.families.families,
            self.families.members,
            self.ledgers.len()
        ));
        let research = &self.research;
        text.push_str(&format!(
            "  研究 research: 集合 sets made {}, 作れず refused {}, 合わせて最小の組 smallest joint class {}, 特定されうる人 exposed {}, \
             本人に届いた発見 findings {}, 消去 ended {}\n",
            research.made,
            research.refused,
            research.smallest_joint_class,
            research.exposed,
            research.reached,
            research.ended
        ));
        text.push_str(&format!("  事案 cases {}   警報 alarms {}\n", self.cases, self.alarms));
        text.push_str(&format!(
            "  人違い wrong person {}   内容違い wrong content {}   想定外 unexpected {}\n",
            self.wrong_person, self.wrong_content, self.unexpected
        ));
        for surprise in &self.surprises {
            text.push_str(&format!("    ! {surprise}\n"));
        }
        text.push_str(&format!(
            "  応答 latency p50 {:.0} ms, p99 {:.0} ms (回答は250ミリ秒の段で返る / replies leave at steps of 250 ms)\n",
            self.latency_ms.p50, self.latency_ms.p99
        ));
        text.push_str(&format!(
            "  準備 ready after {:.1} s   全体 in all {:.1} s   最大メモリ peak memory {:.0} MB   {where_}\n",
            self.ready_seconds, self.seconds, self.peak_rss_mb
        ));
        text
    }
}
