//! The pension service: a small HTTP service of the institution's own, as a gateway finds one, for this machine only.
//!
//! `GET /members/{number}` gives one member or 404. `GET /members?after=NUMBER` gives
//! `{"members": […at most 500, by number…], "next": NUMBER or null}`. Fields: see the demo's `members.json`.

use std::{
    collections::BTreeMap,
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
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

pub use crate::pension::Member;
use crate::{DemoError, pension};

const PAGE: usize = 500;

type Members = Arc<RwLock<BTreeMap<String, Member>>>;

/// The running service; it ends when this is dropped.
pub struct PensionService {
    address: SocketAddr,
    file: PathBuf,
    members: Members,
    /// Ends the server when dropped.
    _stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl PensionService {
    /// Serves `file` (`pension/members.json`) on 127.0.0.1 at `port`; 0 takes a free one.
    pub async fn start(file: &Path, port: u16) -> Result<PensionService, DemoError> {
        let members: Members = Arc::new(RwLock::new(pension::read(file)?));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let routes = Router::new()
            .route("/members", get(page))
            .route("/members/{number}", get(member))
            .with_state(members.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let ended = axum::serve(listener, routes).with_graceful_shutdown(async {
                let _ = stopped.await;
            });
            if let Err(error) = ended.await {
                eprintln!("pension service: {error}");
            }
        });
        Ok(PensionService { address, file: file.to_owned(), members, _stop: stop, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads the file again, after it was written anew.
    pub fn reload(&self) -> Result<(), DemoError> {
        let members = pension::read(&self.file)?;
        *self.members.write().unwrap_or_else(PoisonError::into_inner) = members;
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

#[derive(Serialize)]
struct Page {
    members: Vec<Member>,
    next: Option<String>,
}

async fn page(State(members): State<Members>, Query(query): Query<After>) -> Json<Page> {
    let members = members.read().unwrap_or_else(PoisonError::into_inner);
    let from = query.after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut rest = members.range((from, Bound::Unbounded)).map(|(_, member)| member.clone());
    let shown: Vec<Member> = rest.by_ref().take(PAGE).collect();
    let next = rest.next().and(shown.last()).map(|member| member.number.clone());
    Json(Page { members: shown, next })
}

async fn member(
    State(members): State<Members>,
    extract::Path(number): extract::Path<String>,
) -> Result<Json<Member>, StatusCode> {
    let members = members.read().unwrap_or_else(PoisonError::into_inner);
    members.get(&number).cloned().map(Json).ok_or(StatusCode::NOT_FOUND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Stage,
        customers::{Customers, Institution},
        population::Population,
    };
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
    async fn members_are_served_one_by_one_and_in_pages() {
        let customers = Customers::make(&Population::generate(5, 1_000));
        let folder = tempfile::tempdir().unwrap();
        pension::write(&customers, folder.path(), Stage::AtIssue).unwrap();
        let service = PensionService::start(&folder.path().join("members.json"), 0).await.unwrap();
        assert!(service.address().ip().is_loopback());

        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let (status, page) = fetch(service.address(), &format!("/members?after={after}")).await;
            assert_eq!(status, 200);
            seen.extend(
                page["members"].as_array().unwrap().iter().map(|m| m["number"].as_str().unwrap().to_owned()),
            );
            match page["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => break,
            }
        }
        let expected: Vec<_> = customers.of(Institution::Pension).map(|c| c.number.clone()).collect();
        assert_eq!(seen, expected);

        for customer in customers.of(Institution::Pension).take(20) {
            let (status, member) = fetch(service.address(), &format!("/members/{}", customer.number)).await;
            assert_eq!((status, member["dob"].as_str()), (200, Some(customer.birth.as_str())));
            let item = customer.items().remove("pension-paid");
            assert_eq!(
                member["paid_yen"].as_i64(),
                item.as_ref().and_then(|item| item["amount_yen"].as_i64())
            );
        }
        assert_eq!(fetch(service.address(), "/members/0000-000000").await.0, 404);

        pension::write(&customers, folder.path(), Stage::AfterSlips).unwrap();
        service.reload().unwrap();
        let slipped = customers.of(Institution::Pension).find(|c| c.birth_after_slip.is_some()).unwrap();
        let (_, member) = fetch(service.address(), &format!("/members/{}", slipped.number)).await;
        assert_eq!(member["dob"].as_str(), slipped.birth_after_slip.as_deref());
        assert!(service.is_running());
    }
}
