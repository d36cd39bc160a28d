//! The command itself, killed while decisions come in.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::browser::Browser;
use super::{args, folder, open};

struct Process {
    child: Child,
    address: std::net::SocketAddr,
    links: Vec<String>,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &std::path::Path) -> Process {
    let file = |name: &str| folder.join(name);
    let mut child = Command::new(env!("CARGO_BIN_EXE_musubi"))
        .args(["match", "desk", "--listen", "127.0.0.1:0", "--staff", "佐藤", "--staff", "Suzuki"])
        .arg("--state")
        .arg(file("desk.db"))
        .arg("--register")
        .arg(file("register.csv"))
        .arg("--queries")
        .arg(file("queries.csv"))
        .arg("--review")
        .arg(file("review.csv"))
        .arg("--history")
        .arg(file("history.csv"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut links = Vec::new();
    while links.len() < 2 {
        let line = lines.next().expect("links are printed").unwrap();
        links.extend(line.contains("/sign-in/").then(|| line.split_once(": ").unwrap().1.to_owned()));
    }
    // Reads on, so that the desk can print.
    std::thread::spawn(move || lines.for_each(drop));
    let address = links[0].split('/').nth(2).unwrap().parse().unwrap();
    Process { child, address, links }
}

#[tokio::test]
async fn whatever_was_answered_survives_a_kill() {
    let folder = folder();
    let (mut answered, mut answered_last) = (0, 0);
    for round in 0..8 {
        let mut desk = spawn(folder.path());
        let (sato, suzuki) = (
            Browser::signed_in(desk.address, &desk.links[0]).await,
            Browser::signed_in(desk.address, &desk.links[1]).await,
        );
        let key = sato.get("/cases/1").await.field("form_key");
        let version = sato.get("/cases/1").await.field("version");
        for _ in 0..10 {
            assert_eq!(suzuki.act(2, "note", "", "again").await.status, 303);
            answered += 1;
        }
        // One more is under way when the process dies: it is there whole, or not at all.
        let host = desk.address.to_string();
        let origin = format!("http://{host}");
        let headers = [("Host", host.as_str()), ("Origin", origin.as_str())];
        let form = format!("form_key={key}&version={version}&act=note&why=in+the+middle");
        let (answer, killed) = tokio::join!(sato.try_send("POST", "/cases/1", &headers, &form), async {
            tokio::time::sleep(Duration::from_micros(300 * round)).await;
            desk.child.kill()
        });
        answered_last += usize::from(answer.is_ok_and(|answer| answer.status == 303));
        killed.unwrap();
        desk.child.wait().unwrap();
    }
    let (running, sato, _suzuki) = open(&args(folder.path())).await;
    let log = sato.get("/exports/decisions.csv").await.body;
    let of = |query: &str| log.lines().filter(|line| line.starts_with(query)).count();
    assert_eq!(of("Q2,note,,Suzuki,"), answered, "{log}");
    assert!(
        (answered_last..=8).contains(&of("Q1,"))
            && log.lines().skip(1).all(|line| line.split(',').count() == 8),
        "{log}"
    );
    assert_eq!(sato.act(1, "none", "", "").await.status, 303, "and work goes on");
    running.stop().await;
}
