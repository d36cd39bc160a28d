//! Who is let in, and what the guard of the pages turns away: each with its reason, and recorded.

use words::Reason;

use crate::Country;
use crate::http::{Answer, send};

pub struct Session {
    pub address: String,
    pub cookie: String,
    pub form_key: String,
}

impl Session {
    /// Goes in by a ticket's address.
    pub fn enter(url: &str) -> Self {
        let (address, path) = parts(url);
        let answer = send(&address, "GET", &path, &[], "");
        assert_eq!(answer.status, 303, "{}", answer.body);
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        assert!(answer.header("set-cookie").unwrap().contains("HttpOnly"));
        assert!(answer.header("set-cookie").unwrap().contains("SameSite=Strict"));
        let front = send(&address, "GET", "/", &[("Cookie", &cookie)], "");
        let form_key = front.body.split("name=\"form_key\" value=\"").nth(1).unwrap();
        let form_key = form_key.split('"').next().unwrap().to_owned();
        Self { address, cookie, form_key }
    }

    fn get(&self, path: &str) -> Answer {
        send(&self.address, "GET", path, &[("Cookie", &self.cookie)], "")
    }

    fn post(&self, path: &str, origin: Option<&str>, body: &str) -> Answer {
        let mut headers =
            vec![("Cookie", self.cookie.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
        if let Some(origin) = origin {
            headers.push(("Origin", origin));
        }
        send(&self.address, "POST", path, &headers, body)
    }

    pub fn own(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn parts(url: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (address, path) = rest.split_once('/').unwrap();
    (address.to_owned(), format!("/{path}"))
}

/// Where the start page sends a browser on.
pub fn ticket(country: &Country, path: &str) -> String {
    let answer = send(&country.start.address.to_string(), "GET", path, &[], "");
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.header("location").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_turns_away_what_no_page_of_the_room_sent() {
    let country = Country::new(100).await;
    let url = ticket(&country, "/as/town/clerk");
    let town = Session::enter(&url);
    // A ticket lets in once.
    let (address, path) = parts(&url);
    assert_eq!(send(&address, "GET", &path, &[], "").status, 401);

    let form = format!("q=nobody&form_key={}", town.form_key);
    assert_eq!(town.post("/customers", Some(&town.own()), &form).status, 200);
    let before = country.ground.refusals("town", Reason::WrongOrigin).await;
    for (origin, body) in [
        (None, form.as_str()),
        (Some("http://evil.example"), form.as_str()),
        (Some("null"), form.as_str()),
        (Some(town.own().as_str()), "q=nobody&form_key=forged"),
        (Some(town.own().as_str()), "q=nobody"),
    ] {
        let answer = town.post("/customers", origin, body);
        assert_eq!(answer.status, 403, "{origin:?} {body}");
        assert!(answer.body.contains("wrong_origin") && answer.body.contains("<html"), "{}", answer.body);
    }
    // Another name for this machine: DNS rebinding.
    let rebound = send(&address, "GET", "/", &[("Host", "evil.example"), ("Cookie", &town.cookie)], "");
    assert_eq!(rebound.status, 403);
    // What reached a form of the room is recorded; what the guard turned away before is noise from elsewhere.
    assert_eq!(country.ground.refusals("town", Reason::WrongOrigin).await - before, 2);

    // Nobody, a session of another room, and a role that the page is not for.
    let unauthenticated = country.ground.refusals("town", Reason::Unauthenticated).await;
    assert_eq!(send(&address, "GET", "/", &[], "").status, 401);
    let tax = Session::enter(&ticket(&country, "/as/tax/clerk"));
    let foreign =
        town.cookie.split('=').next().unwrap().to_owned() + "=" + tax.cookie.split('=').nth(1).unwrap();
    assert_eq!(send(&address, "GET", "/", &[("Cookie", &foreign)], "").status, 401);
    assert_eq!(country.ground.refusals("town", Reason::Unauthenticated).await - unauthenticated, 2);
    let section = country.ground.ready.stage.section("town").unwrap();
    let operator = musubi::desk::client(section, "operator").unwrap();
    let within = std::time::Duration::from_secs(5);
    let sign_in: protocol::desk::SignIn =
        operator.post(protocol::desk::SIGN_INS, &serde_json::json!({}), within).await.unwrap();
    let (address, path) = parts(&sign_in.url);
    let entered = send(&address, "GET", &path, &[], "");
    let cookie = entered.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let answer = send(&address, "GET", "/", &[("Cookie", &cookie)], "");
    assert_eq!(answer.status, 403, "an operator is no clerk");
    assert!(answer.body.contains("not_allowed"));

    // What every answer says to the browser.
    let answer = town.get("/");
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("script"), "{policy}");
    assert!(!answer.body.contains("<script") && !answer.body.contains(" style="));
    assert_eq!(answer.header("cache-control"), Some("no-store"));

    // Signed out, the session opens nothing.
    let out = format!("form_key={}", town.form_key);
    assert_eq!(town.post("/sign-out", Some(&town.own()), &out).status, 303);
    assert_eq!(town.get("/").status, 401);
    country.start.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_sign_in_with_their_own_key_and_with_nothing_else() {
    let country = Country::new(100).await;
    let section = country.ground.ready.stage.section("town").unwrap();
    let address = section.settings.common.pages.as_ref().unwrap().listen.to_string();
    let key = |party: &str| {
        let path = country.ground.folder.path().join(party).join("keys/clerk.key");
        std::fs::read_to_string(path).unwrap().trim().to_owned()
    };
    let sign_in = |key: &str| {
        let origin = format!("http://{address}");
        let headers = [("Origin", origin.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
        send(&address, "POST", "/sign-in", &headers, &format!("key={key}"))
    };
    assert_eq!(sign_in(&key("town")).status, 303);
    for wrong in [key("tax"), String::new(), "guess".into()] {
        let answer = sign_in(&wrong);
        assert_eq!(answer.status, 401);
        assert!(wrong.is_empty() || !answer.body.contains(&wrong), "the key is repeated");
    }
    country.start.stop();
}

/// The picker's assertions open nothing where the configuration does not say `demo = true`.
#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_is_no_demo_takes_no_assertion_of_the_picker() {
    let mut country = Country::new(100).await;
    let config = country.ground.folder.path().join("musubi.toml");
    assert!(musubi::picker::sign_in(&config, "0000001").await.is_ok());
    country.ground.ready.stage.stop_room("portal").await.unwrap();
    let text = std::fs::read_to_string(&config).unwrap().replace("demo = true\n", "");
    std::fs::write(&config, text).unwrap();
    country.ground.ready.stage.file = musubi::config_file::ConfigFile::read(&config).unwrap();
    country.ground.ready.stage.start_room("portal").await.unwrap();
    let refused = musubi::picker::sign_in(&config, "0000001").await.unwrap_err();
    assert!(refused.to_string().contains("unauthenticated"), "{refused}");
    country.start.stop();
}
