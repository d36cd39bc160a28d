//! As much HTTP as these tests need, and a browser over WebDriver.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::readers::{Running, need, two_ports};

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let line =
            |line: &'_ str| line.split_once(':').filter(|(n, _)| n.eq_ignore_ascii_case(name)).is_some();
        self.head.lines().find(|l| line(l)).and_then(|l| l.split_once(':')).map(|(_, value)| value.trim())
    }
}

/// One request over a connection of its own.
pub fn send(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "Host") {
        head += &format!("Host: {address}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
    let mut bytes = Vec::new();
    // chromedriver keeps the connection open: read as much as it announces.
    let mut part = [0; 65_536];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length:")
                    .and_then(|l| l.trim().parse::<usize>().ok())
            });
            if length.is_some_and(|length| body.len() >= length) {
                break;
            }
        }
        match stream.read(&mut part).unwrap() {
            0 => break,
            read => bytes.extend_from_slice(&part[..read]),
        }
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("an HTTP answer");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// A headless Chromium.
pub struct Browser {
    address: String,
    session: String,
    _driver: Running,
}

impl Browser {
    pub fn start(folder: &Path) -> Self {
        need("chromedriver");
        need("chromium");
        let port = two_ports();
        let log = std::fs::File::create(folder.join("chromedriver.log")).unwrap();
        let driver = Command::new("chromedriver")
            .args([format!("--port={port}")])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let driver = Running(driver);
        let address = format!("127.0.0.1:{port}");
        let start = Instant::now();
        while TcpStream::connect(&address).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "chromedriver does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        let profile = format!("--user-data-dir={}", folder.join("profile").display());
        let options = json!({"binary": "/usr/bin/chromium", "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", profile]});
        let wanted = json!({"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}});
        let answer = send(&address, "POST", "/session", &[], &wanted.to_string());
        let value: Value = serde_json::from_str(&answer.body).unwrap();
        let session = value.pointer("/value/sessionId").and_then(Value::as_str);
        let session = session.unwrap_or_else(|| panic!("no browser: {}", answer.body)).to_owned();
        Self { address, session, _driver: driver }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let answer = send(&self.address, method, &format!("/session/{}{path}", self.session), &[], &body);
        let value: Value = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
        if answer.status == 200 { Ok(value["value"].clone()) } else { Err(answer.body) }
    }

    pub fn open(&self, address: &str) {
        self.call("POST", "/url", &json!({"url": address})).unwrap();
    }

    /// The element, when it is there.
    fn find(&self, selector: &str) -> String {
        let start = Instant::now();
        loop {
            match self.call("POST", "/element", &json!({"using": "css selector", "value": selector})) {
                Ok(value) => {
                    return value.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
                }
                Err(error) => assert!(
                    start.elapsed() < Duration::from_secs(20),
                    "{selector}: {error}\n{}",
                    self.source()
                ),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn source(&self) -> String {
        self.call("GET", "/source", &Value::Null)
            .map_or_else(|e| e, |text| text.as_str().unwrap_or_default().to_owned())
    }

    pub fn text(&self, selector: &str) -> String {
        // A page may go away between finding and reading.
        for _ in 0..10 {
            let element = self.find(selector);
            if let Ok(text) = self.call("GET", &format!("/element/{element}/text"), &Value::Null) {
                return text.as_str().unwrap().to_owned();
            }
        }
        panic!("{selector} does not stay");
    }

    /// The text there, once it is the one expected; after ten seconds whatever it is: a click may return before the next
    /// page is there.
    pub fn comes_to(&self, selector: &str, expected: &str) -> String {
        for _ in 0..100 {
            if self.text(selector) == expected {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        self.text(selector)
    }

    pub fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.call("POST", &format!("/element/{element}/click"), &json!({})).unwrap();
    }

    /// Types at the keyboard into whatever has the focus.
    pub fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                [
                    json!({"type": "keyDown", "value": key.to_string()}),
                    json!({"type": "keyUp", "value": key.to_string()}),
                ]
            })
            .collect();
        self.call("POST", "/actions", &json!({"actions": [{"type": "key", "id": "k", "actions": actions}]}))
            .unwrap();
    }

    pub fn type_into(&self, selector: &str, text: &str) {
        let element = self.find(selector);
        self.call("POST", &format!("/element/{element}/value"), &json!({"text": text})).unwrap();
    }

    pub fn windows(&self) -> Vec<String> {
        let list = self.call("GET", "/window/handles", &Value::Null).unwrap();
        list.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    }

    pub fn switch(&self, window: &str) {
        self.call("POST", "/window", &json!({"handle": window})).unwrap();
    }

    /// A picture of the page (PNG, base64).
    pub fn picture(&self) -> String {
        self.call("GET", "/screenshot", &Value::Null).unwrap().as_str().unwrap().to_owned()
    }

    pub fn is_wider_than_its_window(&self) -> bool {
        let script = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
        self.call("POST", "/execute/sync", &json!({"script": script, "args": []})).unwrap().as_bool().unwrap()
    }

    pub fn resize(&self, width: u32, height: u32) {
        self.call("POST", "/window/rect", &json!({"width": width, "height": height})).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = send(&self.address, "DELETE", &format!("/session/{}", self.session), &[], "");
    }
}
