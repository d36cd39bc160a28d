//! An HTTP service of the institution's own, with JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;

use super::{Columns, Customer, ItemConfig, SourceError};

const WITHIN: Duration = Duration::from_secs(5);
const LARGEST: usize = 16 << 20;
/// More pages than this are a service that goes in circles.
const PAGES: usize = 100_000;

/// The connector.
pub(crate) struct HttpService {
    base: String,
    list: String,
    one: String,
    rows: String,
    next: String,
    columns: Columns,
    items: BTreeMap<String, ItemConfig>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// A customer number in a path: letters, digits, `-` and `_` stand for themselves, the rest is percent-encoded.
fn in_path(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

const NOT_JSON: &str = "answered something that is not JSON";

/// The customers of a page, and the number to go on from.
pub(super) fn read_page(
    body: &[u8],
    rows: &str,
    next: &str,
    columns: &Columns,
) -> Result<(Vec<Customer>, Option<String>), String> {
    let page: Value = serde_json::from_slice(body).map_err(|_| NOT_JSON.to_owned())?;
    let list = page.get(rows).and_then(Value::as_array).ok_or_else(|| format!("a page has no `{rows}`"))?;
    let customers = list.iter().filter_map(|row| columns.customer(row.as_object()?.clone())).collect();
    Ok((customers, page.get(next).and_then(Value::as_str).map(str::to_owned)))
}

/// One customer; `None` where the service has an object without a number, or null.
pub(super) fn read_one(body: &[u8], columns: &Columns) -> Result<Option<Customer>, String> {
    match serde_json::from_slice(body).map_err(|_| NOT_JSON.to_owned())? {
        Value::Object(fields) => Ok(columns.customer(fields)),
        Value::Null => Ok(None),
        _ => Err("answered something that is no customer".into()),
    }
}

impl HttpService {
    pub(crate) fn new(
        base: String,
        list: String,
        one: String,
        rows: String,
        next: String,
        columns: Columns,
        items: BTreeMap<String, ItemConfig>,
    ) -> Result<Self, SourceError> {
        let plain = base
            .parse::<Uri>()
            .ok()
            .filter(|uri| uri.scheme_str() == Some("http") && uri.path() == "/" && uri.host().is_some());
        plain.ok_or_else(|| SourceError(format!("`base` must be http://host:port, not {base}")))?;
        if !one.contains("{customer}") || !list.contains("{after}") {
            return Err(SourceError("`one` needs {customer} and `list` needs {after}".into()));
        }
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build_http();
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            list,
            one,
            rows,
            next,
            columns,
            items,
            client,
        })
    }

    async fn get(&self, path: &str) -> Result<Option<Bytes>, SourceError> {
        let error = |what: &str| SourceError(format!("{}: {what}", self.base));
        let uri: Uri = format!("{}{path}", self.base).parse().map_err(|_| error("the path is not valid"))?;
        let exchange = async {
            let response = self.client.get(uri).await.map_err(|_| error("cannot be reached"))?;
            match response.status() {
                StatusCode::NOT_FOUND => return Ok(None),
                status if !status.is_success() => return Err(error(&format!("answered {status}"))),
                _ => {}
            }
            let body = Limited::new(response.into_body(), LARGEST).collect().await;
            Ok(Some(body.map_err(|_| error("broke off"))?.to_bytes()))
        };
        tokio::time::timeout(WITHIN, exchange).await.unwrap_or_else(|_| Err(error("did not answer in time")))
    }

    pub(crate) async fn customers(&self) -> Result<Vec<Customer>, SourceError> {
        let (mut all, mut after) = (Vec::new(), String::new());
        for _ in 0..PAGES {
            let body = self.get(&self.list.replace("{after}", &in_path(&after))).await?.unwrap_or_default();
            let page = read_page(&body, &self.rows, &self.next, &self.columns);
            let (customers, next) = page.map_err(|what| SourceError(format!("{}: {what}", self.base)))?;
            all.extend(customers);
            match next {
                Some(next) if next != after => after = next,
                _ => break,
            }
        }
        Ok(all)
    }

    pub(crate) async fn customer(&self, number: &str) -> Result<Option<Customer>, SourceError> {
        let Some(body) = self.get(&self.one.replace("{customer}", &in_path(number))).await? else {
            return Ok(None);
        };
        read_one(&body, &self.columns).map_err(|what| SourceError(format!("{}: {what}", self.base)))
    }

    pub(crate) fn item(&self, customer: &Customer, item: &str) -> Option<Value> {
        self.items.get(item).and_then(|config| config.value(&customer.fields))
    }
}
