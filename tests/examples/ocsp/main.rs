//! Answers of the public listener that were signed before, over HTTP: a demo's country as a process of its own, a certificate
//! ordered from its register, and clients that ask about it without a nonce. What counts is the server's processor time.
//! Run by `cargo xtask bench authority`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use seal::x509::Certificate;
use seal::x509::ocsp::{CertId, IssuerId, Request};
use serde_json::{Value, json};

#[derive(Parser)]
struct Arguments {
    /// The program `musubi`.
    #[arg(long)]
    program: PathBuf,
    /// A folder for the country; emptied.
    #[arg(long)]
    folder: PathBuf,
}

const TURNS: usize = 7;
const TURN: Duration = Duration::from_secs(2);
const CLIENTS: usize = 8;

struct Country {
    child: Child,
    folder: PathBuf,
}

impl Drop for Country {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Country {
    fn start(program: &Path, folder: &Path) -> Self {
        let _ = std::fs::remove_dir_all(folder);
        let mut child = Command::new(program)
            .args(["demo", "--residents", "100", "--inquiries", "1", "--seed", "3", "--data"])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the demo");
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let country = Self { child, folder: folder.to_owned() };
        let mut line = String::new();
        while !line.contains("The country stays up") {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "the demo ended before its country was up");
        }
        // Whoever takes the output keeps it open.
        std::thread::spawn(move || {
            let mut rest = String::new();
            let _ = output.read_to_string(&mut rest);
        });
        country
    }

    fn key_of(&self, section: &str, key: &str) -> String {
        let text = std::fs::read_to_string(self.folder.join("musubi.toml")).unwrap();
        let (_, section) = text.split_once(&format!("[{section}]")).unwrap();
        let start = format!("{key} = \"");
        let line = section.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
        line.trim_end_matches('"').to_owned()
    }

    /// A registrar's request to the register.
    fn register(&self, path: &str, message: &Value) -> Value {
        let key = std::fs::read_to_string(self.folder.join("registry/keys/registrar.key")).unwrap();
        let (address, body) = (self.key_of("registry", "inner"), message.to_string());
        let mut stream = TcpStream::connect(&address).unwrap();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            key.trim(),
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str(body.trim()).unwrap()
    }

    /// Processor time of the server so far, seconds: user and system, in hundredths.
    fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        ticks / 100.0
    }
}

/// The OCSP request, as HTTP, about a certificate that was just issued.
fn request(country: &Country) -> (String, Vec<u8>) {
    let resident = json!({"entry": "bench-1", "kind": "ex_officio_entry", "day": "2026-04-01", "attributes":
        {"name": "結　花子", "address": "東京都結市中央1-2-3", "birth": "1980-02-17", "sex": "F"}});
    country.register("/residents", &json!({ "residents": [resident] }));
    let made = Command::new("openssl")
        .args([
            "req",
            "-new",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "/dev/null",
            "-subj",
            "/",
            "-outform",
            "DER",
        ])
        .output()
        .expect("openssl");
    let window = json!({"prefecture": "Musubi-to", "municipality": "Musubi-shi", "code": "13221"});
    let order = json!({"entry": "bench-1", "window": window, "signature": null,
        "authentication": words::B64::from(made.stdout)});
    let issued = country.register("/card-certificates", &order);
    let of = |field: &str| {
        let text = issued.pointer(&format!("/issued/0/{field}")).unwrap().as_str().unwrap();
        Certificate::parse(&words::B64::parse(text).unwrap().0).unwrap()
    };
    let id = CertId::of(&IssuerId::of(&of("authority")), of("certificate").serial());
    let der = Request::with(&[id], None);
    let address = country.key_of("authority", "public");
    let mut http = format!(
        "POST /ocsp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/ocsp-request\r\nContent-Length: {}\r\n\r\n",
        der.len()
    )
    .into_bytes();
    http.extend(der);
    (address, http)
}

fn main() {
    let arguments = Arguments::parse();
    let country = Country::start(&arguments.program, &arguments.folder);
    let (address, http) = request(&country);
    let mut turns = Vec::new();
    for _ in 0..TURNS {
        let (start, cpu) = (Instant::now(), country.cpu_s());
        let asked: u64 = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|_| {
                    scope.spawn(|| {
                        let mut stream = TcpStream::connect(&address).unwrap();
                        stream.set_nodelay(true).unwrap();
                        let (mut buffer, mut asked) = (vec![0; 16 << 10], 0u64);
                        while start.elapsed() < TURN {
                            stream.write_all(&http).unwrap();
                            // One read takes the whole answer: some two kilobytes.
                            let length = stream.read(&mut buffer).unwrap();
                            assert!(buffer[..length].starts_with(b"HTTP/1.1 200") && length > 1_000);
                            asked += 1;
                        }
                        asked
                    })
                })
                .collect();
            clients.into_iter().map(|client| client.join().unwrap()).sum()
        });
        let asked = asked as f64;
        turns.push((asked / (country.cpu_s() - cpu), asked / start.elapsed().as_secs_f64()));
    }
    turns.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (per_core, whole) = turns[TURNS / 2];
    println!(
        "answers signed before, over HTTP, {CLIENTS} clients beside the server on the same machine: {per_core:.0} per second of the \
         server's processor time ({:.0} to {:.0}); {whole:.0}/s in all",
        turns[0].0,
        turns[TURNS - 1].0
    );
}
