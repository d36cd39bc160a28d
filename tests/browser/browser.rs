//! A headless Chromium over WebDriver.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::send;
use crate::processes::{Running, need, two_ports};

/// A headless Chromium.
pub struct Browser {
    address: String,
    session: String,
    _driver: Running,
}

impl Browser {
    pub fn start(folder: &Path) -> Self {
        Self::with(folder, true)
    }

    /// With or without script.
    pub fn with(folder: &Path, script: bool) -> Self {
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
        let content = if script { 1 } else { 2 };
        let preferences = json!({"profile.managed_default_content_settings.javascript": content});
        let options = json!({"prefs": preferences, "binary": "/usr/bin/chromium", "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-prefers-reduced-motion", profile]});
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
        // A page may go away between finding and clicking.
        let mut last = String::new();
        for _ in 0..10 {
            let element = self.find(selector);
            match self.call("POST", &format!("/element/{element}/click"), &json!({})) {
                Ok(_) => return,
                Err(error) => last = error,
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{selector} cannot be clicked: {last}");
    }

    /// Clicks the element at a place among those that fit.
    pub fn click_nth(&self, selector: &str, at: usize) {
        let found = self.call("POST", "/elements", &json!({"using": "css selector", "value": selector}));
        let found = found.unwrap();
        let one = found.as_array().unwrap()[at].as_object().unwrap().values().next().unwrap().clone();
        let id = one.as_str().unwrap();
        self.call("POST", &format!("/element/{id}/click"), &json!({})).unwrap();
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

    /// What a function body gives back. It may return a promise.
    pub fn run(&self, script: &str) -> Value {
        self.call("POST", "/execute/sync", &json!({"script": script, "args": []})).unwrap()
    }

    /// Gives the browser an authenticator of its own that checks its user, or does not (W3C Web Authentication §11).
    pub fn add_authenticator(&self, verified: bool) -> String {
        let authenticator = json!({"protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": verified, "isUserConsenting": true});
        let made = self.call("POST", "/webauthn/authenticator", &authenticator).unwrap();
        made.as_str().unwrap().to_owned()
    }

    /// Whether the authenticator finds its user to be the right one, from now on.
    pub fn set_verified(&self, authenticator: &str, verified: bool) {
        let path = format!("/webauthn/authenticator/{authenticator}/uv");
        self.call("POST", &path, &json!({"isUserVerified": verified})).unwrap();
    }

    pub fn address(&self) -> String {
        self.call("GET", "/url", &Value::Null).unwrap().as_str().unwrap().to_owned()
    }

    /// The text of every element there is now.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let found = self.call("POST", "/elements", &json!({"using": "css selector", "value": selector}));
        let found = found.unwrap();
        let ids = found.as_array().unwrap().iter();
        ids.map(|one| {
            let id = one.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
            let text = self.call("GET", &format!("/element/{id}/text"), &Value::Null);
            text.map(|text| text.as_str().unwrap_or_default().to_owned()).unwrap_or_default()
        })
        .collect()
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
