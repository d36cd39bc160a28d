//! Spans to the room's own collector: OTLP over HTTP, in its JSON encoding (OpenTelemetry protocol 1.x).
//!
//! Never in the way of an act: a bounded queue, and what does not fit or is not taken is dropped and counted. No trace id
//! comes from another party or goes to one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use road::{Span, Spans};
use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use words::{PartyId, hex};
use world::{Shutdown, World};

use crate::ConfigError;

/// Spans that may wait.
const QUEUE: usize = 4_096;
/// Spans in one request.
const BATCH: usize = 512;
/// How long spans are gathered.
const GATHER: Duration = Duration::from_millis(500);
/// How long a collector may take.
const WITHIN: Duration = Duration::from_secs(5);

/// Whether spans can be sent there.
pub(crate) fn check(url: &str) -> Result<(), ConfigError> {
    let rest = url.strip_prefix("http://");
    let plain =
        |rest: &str| !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || "/?#@".contains(c));
    if rest.is_some_and(|rest| plain(rest.trim_end_matches('/'))) {
        return Ok(());
    }
    let message =
        "`otlp` is `http://HOST:PORT` of a collector in the own house, e.g. `http://127.0.0.1:4318`";
    Err(ConfigError { key: Some("otlp".into()), message: message.into() })
}

/// Takes spans and sends them on in the background.
pub(crate) struct Exporter {
    queue: Sender<Span>,
    dropped: AtomicU64,
}

impl Spans for Exporter {
    fn ended(&self, span: Span) {
        if self.queue.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Exporter {
    pub(crate) fn start(url: &str, room: &'static str, party: &PartyId, world: &World) -> Arc<Self> {
        let (queue, waiting) = channel(QUEUE);
        let exporter = Arc::new(Self { queue, dropped: AtomicU64::new(0) });
        let url = format!("{}/v1/traces", url.trim_end_matches('/'));
        let resource = json!({ "attributes": [
            text("service.name", &format!("musubi-{room}")),
            text("service.instance.id", party.as_str()),
        ] });
        let sending = Arc::clone(&exporter).send(waiting, url, resource, world.shutdown.clone());
        tokio::spawn(sending);
        exporter
    }

    /// Spans that were not exported since the start.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    async fn send(self: Arc<Self>, mut waiting: Receiver<Span>, url: String, resource: Value, end: Shutdown) {
        let mut was_taken = true;
        loop {
            let ending = tokio::select! {
                () = tokio::time::sleep(GATHER) => false,
                () = end.wait() => true,
            };
            let mut spans = Vec::new();
            while let Ok(span) = waiting.try_recv() {
                spans.push(span);
            }
            for batch in spans.chunks(BATCH) {
                let body = serde_json::to_vec(&request(&resource, batch)).unwrap_or_default();
                let taken = matches!(wire::post_plain(&url, body, WITHIN).await, Ok(200..=299));
                if !taken {
                    self.dropped.fetch_add(u64::try_from(batch.len()).unwrap_or(0), Ordering::Relaxed);
                    if was_taken {
                        tracing::warn!(%url, "the collector does not take spans; they are dropped until it does");
                    }
                }
                was_taken = taken;
            }
            if ending {
                return;
            }
        }
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// An `ExportTraceServiceRequest`. Ids in hexadecimal and 64-bit numbers as text, as the JSON encoding wants them.
fn request(resource: &Value, spans: &[Span]) -> Value {
    let spans: Vec<Value> = spans.iter().map(span).collect();
    json!({ "resourceSpans": [{
        "resource": resource,
        "scopeSpans": [{ "scope": { "name": "musubi" }, "spans": spans }],
    }] })
}

fn span(span: &Span) -> Value {
    const INTERNAL: u8 = 1;
    const SERVER: u8 = 2;
    const ERROR: u8 = 2;
    let began = i128::from(span.began_ms) * 1_000_000;
    let ended = began + i128::try_from(span.took.as_nanos()).unwrap_or(0);
    let mut attributes = vec![text("musubi.verb", span.verb)];
    attributes.extend(span.reason.map(|reason| text("musubi.reason", reason.as_str())));
    let broken = span.reason.is_some_and(|reason| reason.status() >= 500);
    let mut line = json!({
        "traceId": hex(&span.trace),
        "spanId": hex(&span.id),
        "name": span.step.map_or_else(|| span.verb.to_owned(), |step| format!("{} {step}", span.verb)),
        "kind": if span.parent.is_some() { INTERNAL } else { SERVER },
        "startTimeUnixNano": began.to_string(),
        "endTimeUnixNano": ended.to_string(),
        "attributes": attributes,
        "status": if broken { json!({ "code": ERROR }) } else { json!({}) },
    });
    if let (Some(parent), Some(fields)) = (span.parent, line.as_object_mut()) {
        fields.insert("parentSpanId".into(), hex(&parent).into());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_collector_s_address_is_taken() {
        for good in ["http://127.0.0.1:4318", "http://127.0.0.1:4318/", "http://collector:4318"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "http://",
            "https://a:1",
            "127.0.0.1:4318",
            "http://a:1/v1/traces",
            "http://u@a:1",
            "http://a b",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_collector_that_is_away_costs_nothing_but_the_spans() {
        let world = World::simulated(1, 0);
        // Port 9 of this machine: nobody listens.
        let exporter =
            Exporter::start("http://127.0.0.1:9", "linkage", &PartyId::parse("linkage").unwrap(), &world);
        let one = Span {
            trace: [1; 16],
            id: [2; 8],
            parent: None,
            verb: "inquire",
            step: None,
            began_ms: 0,
            took: Duration::ZERO,
            reason: None,
        };
        for _ in 0..QUEUE + 7 {
            exporter.ended(one.clone());
        }
        assert_eq!(exporter.dropped(), 7, "what does not fit is dropped at once");
        world.shutdown.trigger();
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(25)).await;
            if exporter.dropped() == u64::try_from(QUEUE).unwrap() + 7 {
                return;
            }
        }
        panic!("{} of {} dropped", exporter.dropped(), QUEUE + 7);
    }
}
