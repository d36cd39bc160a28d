//! The agent: a real browser logs in to a site with the card, and what the agent refuses.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::http::{Answer, send};
use crate::readers::{Readers, Running, folder, musubi};

struct Agent {
    address: String,
    site: String,
    _process: Running,
}

impl Agent {
    fn start(folder: &Path) -> Self {
        let mut child = musubi()
            .current_dir(folder)
            .args(["card", "agent", "--listen", "127.0.0.1:0", "--demo", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut address = || {
            let line = lines.next().unwrap().unwrap();
            let rest = line.split("http://").nth(1).unwrap();
            rest.split('/').next().unwrap().to_owned()
        };
        let (address, site) = (address(), address());
        std::thread::spawn(move || lines.for_each(drop));
        Self { address, site, _process: Running(child) }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        send(&self.address, method, path, headers, body)
    }

    fn ask(&self, origin: &str) -> Answer {
        let body = json!({"challenge": "AAAAAAAAAAAAAAAAAAAAAA", "purpose": "ログイン"}).to_string();
        self.send("POST", "/requests", &[("Origin", origin), ("Content-Type", "application/json")], &body)
    }

    fn own(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn value(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[test]
fn a_browser_logs_in_with_the_card_by_form_and_by_script() {
    let readers = Readers::start();
    let agent = Agent::start(readers.folder.path());
    let browser = Browser::start(readers.folder.path());
    let site = format!("http://{}/", agent.site);

    // Without script: the form leads to the agent and back. By keyboard alone.
    browser.open(&site);
    browser.press("\u{E004}\u{E007}");
    assert_eq!(browser.text("#origin"), format!("http://{}", agent.site));
    assert!(browser.source().contains(&format!("http://{}", agent.site)));
    browser.type_into("#pin", "9999");
    browser.click("button[value=assent]");
    assert!(browser.text("[role=alert]").contains("残り2回"));
    browser.resize(400, 800);
    assert!(!browser.is_wider_than_its_window(), "on a phone nothing lies outside");
    if let Ok(folder) = std::env::var("MUSUBI_PICTURES") {
        std::fs::write(Path::new(&folder).join("assent.png.b64"), browser.picture()).unwrap();
    }
    browser.type_into("#pin", "1234\u{E007}");
    browser.click("#back");
    assert_eq!(browser.comes_to("h1 small", "Logged in"), "Logged in");
    let first = browser.text("#name");
    // Ten characters of the serial, then the municipality and what follows it.
    assert_eq!(first.len(), 22);
    browser.resize(1200, 900);

    // By script: the agent's page in a window of its own.
    browser.open(&site);
    browser.click("#script");
    browser.click("#assent");
    let mut windows = browser.windows();
    for _ in 0..50 {
        if windows.len() == 2 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        windows = browser.windows();
    }
    assert_eq!(windows.len(), 2);
    browser.switch(&windows[1]);
    browser.type_into("#pin", "1234");
    browser.click("button[value=assent]");
    assert_eq!(browser.comes_to("h1 small", "Done"), "Done");
    browser.switch(&windows[0]);
    assert_eq!(browser.comes_to("#name", &first), first, "the same holder");

    // Refused: nothing is handed over.
    browser.open(&site);
    browser.click("#form");
    browser.click("button[value=refuse]");
    browser.click("#back");
    assert_eq!(browser.comes_to("h1 small", "Not logged in"), "Not logged in");
}

#[test]
fn who_may_ask_and_who_may_assent() {
    let folder = folder();
    let agent = Agent::start(folder.path());
    let site = "https://bank.example";
    // No origin, the agent's own, another name for the agent.
    let json_type = ("Content-Type", "application/json");
    assert_eq!(agent.send("POST", "/requests", &[json_type], "{}").status, 403);
    assert_eq!(agent.ask(&agent.own()).status, 403);
    assert_eq!(agent.ask("null").status, 403);
    assert_eq!(agent.ask("javascript:alert(1)").status, 403);
    let rebound = agent.send("GET", "/", &[("Host", "evil.example")], "");
    assert_eq!(rebound.status, 421);
    // Forms that are not as they must be.
    for body in [
        "",
        "{}",
        r#"{"challenge":"AAAA","purpose":"x"}"#,
        r#"{"challenge":"AAAAAAAAAAAAAAAAAAAAAA","purpose":""}"#,
    ] {
        assert_eq!(
            agent.send("POST", "/requests", &[("Origin", site), json_type], body).status,
            400,
            "{body}"
        );
    }

    let asked = agent.ask(site);
    assert_eq!((asked.status, asked.header("access-control-allow-origin")), (201, Some(site)));
    let id = value(&asked)["id"].as_str().unwrap().to_owned();
    // One at a time.
    assert_eq!(agent.ask("https://other.example").status, 409);
    // Only the page that asked learns what becomes of it.
    assert_eq!(
        agent.send("GET", &format!("/requests/{id}"), &[("Origin", "https://other.example")], "").status,
        404
    );
    let waiting = agent.send("GET", &format!("/requests/{id}"), &[("Origin", site)], "");
    assert_eq!(value(&waiting)["state"], "waiting");
    // The agent's page names who asks, and is for no other page to read or to frame.
    let page = agent.send("GET", &format!("/assent/{id}"), &[("Origin", site)], "");
    assert!(page.body.contains(site) && page.header("access-control-allow-origin").is_none());
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert!(page.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    // Nobody assents from elsewhere, or without the token on the page.
    let token = page.body.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let decide = |origin: &str, token: &str| {
        let body = format!("token={token}&decision=assent&pin=1234");
        agent.send("POST", &format!("/assent/{id}"), &[("Origin", origin), FORM], &body).status
    };
    assert_eq!(decide(site, token), 403);
    assert_eq!(decide(&agent.own(), "0000"), 403);
    assert_eq!(
        agent
            .send("POST", &format!("/assent/{id}"), &[FORM], &format!("token={token}&decision=assent"))
            .status,
        403
    );
    let body = format!("token={token}&decision=refuse");
    let own = agent.own();
    assert_eq!(agent.send("POST", &format!("/assent/{id}"), &[("Origin", &own), FORM], &body).status, 200);
    let refused = agent.send("GET", &format!("/requests/{id}"), &[("Origin", site)], "");
    assert_eq!(value(&refused)["state"], "refused");
    // The outcome is given once; then the next may ask.
    assert_eq!(agent.send("GET", &format!("/requests/{id}"), &[("Origin", site)], "").status, 404);
    assert_eq!(agent.ask("https://other.example").status, 201);
}

#[test]
fn a_page_from_the_network_may_ask_if_the_browser_asks_first() {
    let folder = folder();
    let agent = Agent::start(folder.path());
    let asks = [("Origin", "https://bank.example"), ("Access-Control-Request-Private-Network", "true")];
    let answer = agent.send("OPTIONS", "/requests", &asks, "");
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-private-network"), Some("true"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://bank.example"));
    assert!(answer.header("access-control-allow-credentials").is_none());
    assert_eq!(agent.send("OPTIONS", "/assent/x", &asks, "").status, 405);
    // A form that would lead the answer to another site than the one that asks.
    let form = "challenge=AAAAAAAAAAAAAAAAAAAAAA&purpose=x&back=";
    for (back, status) in [
        ("https://evil.example/in", 400),
        ("https://bank.example.evil.example/in", 400),
        ("https://bank.example@evil.example/", 400),
        ("https://bank.example/in", 303),
    ] {
        let headers = [("Origin", "https://bank.example"), FORM];
        assert_eq!(agent.send("POST", "/login", &headers, &format!("{form}{back}")).status, status, "{back}");
    }
}

#[test]
fn a_site_takes_no_answer_that_was_made_for_another() {
    let readers = Readers::start();
    let agent = Agent::start(readers.folder.path());
    let front = send(&agent.site, "GET", "/", &[], "");
    let challenge =
        front.body.split("name=\"challenge\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let cookie = format!("challenge={challenge}");
    let good = format!("http://{}", agent.site);
    // The same challenge, asked for by another site: the signature names that site.
    let signed_for = |origin: &str| {
        let body = json!({"challenge": challenge, "purpose": "試験用サイトへのログイン"}).to_string();
        let headers = [("Origin", origin), ("Content-Type", "application/json")];
        let asked = agent.send("POST", "/requests", &headers, &body);
        let id = value(&asked)["id"].as_str().unwrap().to_owned();
        let page = agent.send("GET", &format!("/assent/{id}"), &[], "");
        let token =
            page.body.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let form = format!("token={token}&decision=assent&pin=1234");
        let own = agent.own();
        assert_eq!(
            agent.send("POST", &format!("/assent/{id}"), &[("Origin", &own), FORM], &form).status,
            200
        );
        let reply = value(&agent.send("GET", &format!("/requests/{id}"), &[("Origin", origin)], ""));
        let field = |name: &str| reply[name].as_str().unwrap().to_owned();
        (field("signed"), field("signature"), field("certificate"))
    };
    let enter = |(signed, signature, certificate): &(String, String, String), cookie: &str| {
        let body = format!("signed={signed}&signature={signature}&certificate={certificate}");
        send(&agent.site, "POST", "/in", &[("Cookie", cookie), FORM], &body)
    };
    let phished = signed_for("https://phishing.example");
    assert!(enter(&phished, &cookie).body.contains("another site"));
    let ours = signed_for(&good);
    let mixed = (ours.0.clone(), phished.1.clone(), ours.2.clone());
    assert!(enter(&ours, "challenge=other").body.contains("another visitor"));
    // A wrong signature uses the challenge up.
    assert!(enter(&mixed, &cookie).body.contains("signature is wrong"));
    assert!(enter(&ours, &cookie).body.contains("not open"));
}
