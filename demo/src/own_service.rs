//! An institution's own HTTP service, as a gateway finds one: small, for this machine only.
//!
//! `GET /{list}/{number}` gives one row or 404. `GET /{list}?after=NUMBER` gives
//! `{"{list}": […at most 500, by number…], "next": NUMBER or null}`. Rows: see the institution's file.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    ops::Bound,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    Json, Router,
    extract::{self, Query, State},
    http::StatusCode,
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{
    DemoError,
    institution::{Institution, Service},
};

const PAGE: usize = 500;

type Rows = Arc<RwLock<BTreeMap<String, Value>>>;

/// The running service; it ends when this is dropped.
pub struct OwnService {
    address: SocketAddr,
    file: PathBuf,
    service: Service,
    rows: Rows,
    /// Ends the server when dropped.
    _stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn read(file: &Path, service: Service) -> Result<BTreeMap<String, Value>, DemoError> {
    let rows: Vec<Value> = serde_json::from_slice(&fs::read(file)?)?;
    let number = |row: &Value| row.get(service.number).and_then(Value::as_str).map(str::to_owned);
    Ok(rows.into_iter().filter_map(|row| Some((number(&row)?, row))).collect())
}

impl OwnService {
    /// Serves the institution's rows out of `sources` on 127.0.0.1 at `port`; 0 takes a free one. None if the institution
    /// has no service.
    pub async fn start(
        institution: Institution,
        sources: &Path,
        port: u16,
    ) -> Result<Option<OwnService>, DemoError> {
        let Some(service) = institution.profile().service else { return Ok(None) };
        let file = sources.join(institution.as_str()).join(service.file);
        let rows: Rows = Arc::new(RwLock::new(read(&file, service)?));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let routes = Router::new()
            .route(&format!("/{}", service.list), get(page))
            .route(&format!("/{}/{{number}}", service.list), get(one))
            .with_state((rows.clone(), service.list));
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let ended = axum::serve(listener, routes).with_graceful_shutdown(async {
                let _ = stopped.await;
            });
            if let Err(error) = ended.await {
                eprintln!("{institution:?}'s own service: {error}");
            }
        });
        Ok(Some(OwnService { address, file, service, rows, _stop: stop, task }))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads the file again, after it was written anew.
    pub fn reload(&self) -> Result<(), DemoError> {
        let rows = read(&self.file, self.service)?;
        *self.rows.write().unwrap_or_else(PoisonError::into_inner) = rows;
        Ok(())
    }

    /// Whether it still serves.
    pub fn is_running(&self) -> bool {
        !self.task.is_finished()
    }
}

#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

async fn page(State((rows, list)): State<(Rows, &'static str)>, Query(query): Query<After>) -> Json<Value> {
    let rows = rows.read().unwrap_or_else(PoisonError::into_inner);
    let from = query.after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut rest = rows.range((from, Bound::Unbounded));
    let shown: Vec<(&String, &Value)> = rest.by_ref().take(PAGE).collect();
    let next = rest.next().and(shown.last()).map(|(number, _)| *number);
    let rows: Vec<&Value> = shown.iter().map(|(_, row)| *row).collect();
    Json(json!({ list: rows, "next": next }))
}

async fn one(
    State((rows, _)): State<(Rows, &'static str)>,
    extract::Path(number): extract::Path<String>,
) -> Result<Json<Value>, StatusCode> {
    let rows = rows.read().unwrap_or_else(PoisonError::into_inner);
    rows.get(&number).cloned().map(Json).ok_or(StatusCode::NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Stage, customers::Customers, population::Population, write_sources};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn fetch(address: SocketAddr, path: &str) -> (u16, serde_json::Value) {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer[9..12].parse().unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    #[tokio::test]
    async fn rows_are_served_one_by_one_and_in_pages() {
        let customers = Customers::make(&Population::generate(5, 1_000));
        let folder = tempfile::tempdir().unwrap();
        write_sources(&customers, folder.path(), Stage::AtIssue).unwrap();
        for institution in Institution::ALL {
            let own: Vec<_> = customers.of(institution).collect();
            let Some(service) = OwnService::start(institution, folder.path(), 0).await.unwrap() else {
                continue;
            };
            assert!(service.address().ip().is_loopback());
            let Service { list, number, .. } = institution.profile().service.unwrap();
            let (mut seen, mut after) = (Vec::new(), String::new());
            loop {
                let (status, page) = fetch(service.address(), &format!("/{list}?after={after}")).await;
                assert_eq!(status, 200);
                let rows = page[list].as_array().unwrap();
                seen.extend(rows.iter().map(|row| row[number].as_str().unwrap().to_owned()));
                match page["next"].as_str() {
                    Some(next) => after = next.to_owned(),
                    None => break,
                }
            }
            assert_eq!(seen, own.iter().map(|one| one.number.clone()).collect::<Vec<_>>());
            let (status, row) = fetch(service.address(), &format!("/{list}/{}", own[0].number)).await;
            assert_eq!((status, row[number].as_str()), (200, Some(own[0].number.as_str())));
            assert_eq!(fetch(service.address(), &format!("/{list}/0000-000000")).await.0, 404);

            // After a slip of the pen the service knows the new date once it has read again.
            write_sources(&customers, folder.path(), Stage::AfterSlips).unwrap();
            service.reload().unwrap();
            let slipped = own.iter().find(|one| one.birth_after_slip.is_some());
            if let Some(one) = slipped {
                let (_, row) = fetch(service.address(), &format!("/{list}/{}", one.number)).await;
                let shown = row.to_string();
                assert!(
                    shown.contains(&format!("\"{}\"", one.birth_after_slip.as_ref().unwrap())),
                    "{shown}"
                );
            }
            assert!(service.is_running());
        }
    }
}
