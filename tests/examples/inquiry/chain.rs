//! The floor: the bodies of an inquiry through five nginx servers in a row, keep-alive, nothing else done.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use musubi::demo_run::country::free_ports;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::account;
use crate::load::{Caller, Callers, Measured};
use crate::mix;
use crate::own_build::Service;

/// The configuration, with what differs from machine to machine left open.
const CONFIGURATION: &str = include_str!("nginx.conf");

/// A chain that runs.
pub struct Chain {
    child: Child,
    service: Option<Service>,
    first: u16,
    /// One for each reply.
    requests: Arc<Vec<Vec<u8>>>,
    folder: PathBuf,
}

impl Drop for Chain {
    fn drop(&mut self) {
        // Ended in order: a master that is killed leaves its workers behind.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Chain {
    /// Starts it; the last server answers everything with `reply`. With `postgres` four servers pass on and the fifth is a
    /// service of one's own over that database.
    pub async fn start(
        folder: &Path,
        request: Vec<u8>,
        replies: &[Vec<u8>],
        postgres: Option<&str>,
    ) -> Result<Self> {
        let folder = folder.join(if postgres.is_some() { "nginx-own" } else { "nginx" });
        std::fs::create_dir_all(&folder)?;
        let ports = free_ports(6)?;
        let backend = ports.get(if postgres.is_some() { 5 } else { 4 }).copied().context("a port")?;
        let mut text = CONFIGURATION.replace("@FOLDER@", &folder.display().to_string());
        for (n, port) in (1..).zip(&ports) {
            text = text.replace(&format!("@PORT{n}@"), &port.to_string());
        }
        text = text.replace("@BACKEND@", &backend.to_string());
        let mut locations = String::new();
        for (n, reply) in replies.iter().enumerate() {
            std::fs::write(folder.join(format!("reply-{n}.json")), reply)?;
            locations +=
                &format!("        location = /reply-{n}.json {{ default_type application/json; }}\n");
            locations += &format!(
                "        location = /inquiries/{n} {{ error_page 405 =200 /reply-{n}.json; return 405; }}\n"
            );
        }
        text = text.replace("@REPLIES@", &locations);
        let reply_file = folder.join("reply-0.json");
        let service = match postgres {
            Some(url) => Some(Service::start(backend, url, &reply_file).await?),
            None => None,
        };
        let file = folder.join("nginx.conf");
        std::fs::write(&file, text)?;
        let child = Command::new("nginx")
            .arg("-c")
            .arg(&file)
            .args(["-g", "daemon off;", "-e"])
            .arg(folder.join("error.log"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("nginx is not there: apt-get install nginx-light")?;
        let first = *ports.first().context("a port")?;
        let length = request.len();
        let whole = |n| {
            let mut head = format!(
                "POST /inquiries/{n} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
            )
            .into_bytes();
            head.extend(&request);
            head
        };
        let requests = Arc::new((0..replies.len()).map(whole).collect());
        let chain = Self { child, service, first, requests, folder };
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", first)).await.is_ok() {
                // The service behind it may take a moment longer.
                if chain.caller().await?.call().await {
                    return Ok(chain);
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("nginx does not come up: {}", chain.last_words())
    }

    fn last_words(&self) -> String {
        std::fs::read_to_string(self.folder.join("error.log")).unwrap_or_default()
    }

    async fn caller(&self) -> Result<Through> {
        let stream = TcpStream::connect(("127.0.0.1", self.first)).await?;
        stream.set_nodelay(true)?;
        Ok(Through { stream, requests: Arc::clone(&self.requests), buffer: Vec::new(), turn: 0 })
    }

    /// The master's workers, and the service with its database.
    fn processes(&self) -> Result<Vec<(String, u32)>> {
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.child.id()))?;
        let pids: Vec<(String, u32)> = children
            .split_whitespace()
            .filter_map(|pid| Some(("nginx".to_owned(), pid.parse().ok()?)))
            .collect();
        ensure!(!pids.is_empty(), "nginx has no workers");
        let own = self.service.as_ref().map(Service::processes).transpose()?;
        Ok(pids.into_iter().chain(own.into_iter().flatten()).collect())
    }

    /// Runs so many callers.
    pub async fn run(&self, callers: usize, within: Duration) -> Result<Measured> {
        let mut all = Vec::new();
        for turn in 0..callers {
            // Each begins elsewhere in the mix.
            all.push(Through { turn: turn * 61, ..self.caller().await? });
        }
        account(&self.processes()?, Callers { callers: all, within }).await
    }
}

/// One connection to the first server.
struct Through {
    stream: TcpStream,
    requests: Arc<Vec<Vec<u8>>>,
    buffer: Vec<u8>,
    turn: usize,
}

impl Through {
    async fn once(&mut self) -> Result<bool> {
        let which = if self.requests.len() > 1 { mix::size_at(self.turn) } else { 0 };
        self.turn += 1;
        self.stream.write_all(self.requests.get(which).context("a request")?).await?;
        self.buffer.clear();
        let mut part = [0; 16_384];
        let (mut wanted, mut got, mut ok) = (0, 0, false);
        loop {
            let read = self.stream.read(&mut part).await?;
            ensure!(read > 0, "the connection ended");
            if wanted > 0 {
                // Only the length counts.
                got += read;
                if got >= wanted {
                    return Ok(ok);
                }
                continue;
            }
            self.buffer.extend_from_slice(part.get(..read).unwrap_or_default());
            let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head =
                String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default()).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
            (wanted, got) = (end + 4 + length.context("no length")?, self.buffer.len());
            ok = head.starts_with("http/1.1 200");
            if got >= wanted {
                return Ok(ok);
            }
        }
    }
}

impl Caller for Through {
    async fn call(&mut self) -> bool {
        self.once().await.unwrap_or(false)
    }
}
