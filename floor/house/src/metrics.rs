//! Figures for the room's operator, in the Prometheus text format 0.0.4. No figure is about a person, and none about
//! what one party asked another: acts are counted by verb, state and reason alone.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use protocol::desk::{METRICS, Trouble};
use rules::Role;
use wire::{Problem, Route, Side, Who};
use words::Reason;

use crate::{HasHouse, House};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) fn metrics_routes<S: HasHouse>() -> Vec<Route<S>> {
    vec![
        Route::new(Side::Inner, Method::GET, METRICS, Who::Roles(&[Role::Operator]), get(metrics::<S>))
            .says(
                "稼働の数値(Prometheus テキスト形式 0.0.4)。",
                "Figures of the room, in the Prometheus text format 0.0.4.",
            )
            .gives_media(TEXT),
    ]
}

async fn metrics<S: HasHouse>(State(state): State<S>) -> Result<Response, Problem> {
    let text = state.house().figures().await.map_err(|error| {
        tracing::error!(%error, "figures");
        Problem::new(Reason::Internal)
    })?;
    Ok(([(header::CONTENT_TYPE, TEXT)], text).into_response())
}

/// Requests served since the start, by side and status.
#[derive(Default)]
pub(crate) struct Served(Mutex<BTreeMap<(Side, u16), u64>>);

impl Served {
    pub(crate) fn count(&self, side: Side, status: u16) {
        let mut served = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = served.entry((side, status)).or_default();
        *count = count.saturating_add(1);
    }

    fn all(&self) -> Vec<((Side, u16), u64)> {
        let served = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        served.iter().map(|(key, count)| (*key, *count)).collect()
    }
}

/// A page of figures.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, says: &str) {
        let _ = writeln!(self.0, "# HELP {name} {says}\n# TYPE {name} {kind}");
    }

    fn figure(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> =
            labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, says: &str, value: impl std::fmt::Display) {
        self.family(name, kind, says);
        self.figure(name, &[], value);
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

impl House {
    async fn figures(&self) -> Result<String, store::StoreError> {
        let mut page = Page::default();
        self.acts(&mut page).await?;
        let waiting = self.road.parcels_waiting().await?;
        page.one("musubi_outbox_waiting", "gauge", "Parcels that wait to be carried.", waiting);
        self.ledger_figures(&mut page);
        self.store_figures(&mut page);
        page.family("musubi_requests_total", "counter", "Requests served since the start.");
        for ((side, status), count) in self.served.all() {
            let status = status.to_string();
            page.figure("musubi_requests_total", &[("side", side.as_str()), ("status", &status)], count);
        }
        page.family("musubi_degraded", "gauge", "1 where that keeps the room from doing all it should.");
        let troubles = self.troubles().await;
        for trouble in Trouble::ALL {
            let there = u8::from(troubles.contains(&trouble));
            page.figure("musubi_degraded", &[("why", trouble.as_str())], there);
        }
        if let Some(exporter) = &self.exporter {
            let dropped = exporter.dropped();
            page.one("musubi_spans_dropped_total", "counter", "Spans that were not exported.", dropped);
        }
        if let Some(bytes) = resident_bytes() {
            page.one("process_resident_memory_bytes", "gauge", "Resident memory of the process.", bytes);
        }
        Ok(page.0)
    }

    /// A gauge: what is erased at the end of its period is not counted any more.
    async fn acts(&self, page: &mut Page) -> Result<(), store::StoreError> {
        let mut acts: BTreeMap<(String, String, String), i64> = BTreeMap::new();
        for line in self.road.summary().await? {
            *acts.entry((line.verb, line.state, line.reason.unwrap_or_default())).or_default() += line.count;
        }
        page.family("musubi_acts", "gauge", "Acts in the keeping of the room.");
        for ((verb, state, reason), count) in &acts {
            page.figure("musubi_acts", &[("verb", verb), ("state", state), ("reason", reason)], count);
        }
        Ok(())
    }

    fn ledger_figures(&self, page: &mut Page) {
        let Some((size, seen, at)) = self.road.ledger_seen() else { return };
        let seconds = self.now().since_ms(at).max(0) / 1000;
        page.one("musubi_ledger_entries", "gauge", "Entries of the ledger.", size);
        page.one("musubi_ledger_witnessed_entries", "gauge", "Entries that a witness has seen.", seen);
        page.one(
            "musubi_ledger_seconds_since_witnessed",
            "gauge",
            "Since a witness saw the ledger, or since the start.",
            seconds,
        );
    }

    fn store_figures(&self, page: &mut Page) {
        let figures = self.road.db().figures();
        page.family("musubi_store_calls_total", "counter", "Reads and writes by name.");
        for (name, count, _) in &figures {
            page.figure("musubi_store_calls_total", &[("name", name)], count);
        }
        page.family("musubi_store_seconds_total", "counter", "Time in reads and writes by name.");
        for (name, _, us) in &figures {
            let seconds = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
            page.figure("musubi_store_seconds_total", &[("name", name)], seconds);
        }
        page.family("musubi_store_commits_total", "counter", "Commits by the writes they gathered, at most.");
        for (most, count) in self.road.db().group_sizes() {
            page.figure("musubi_store_commits_total", &[("writes", &most.to_string())], count);
        }
    }
}

/// The memory of this process, where the system says it (Linux).
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kb| kb.saturating_mul(1024))
}
