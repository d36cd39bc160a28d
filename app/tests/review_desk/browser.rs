//! A browser of few words: one request a connection, cookies kept, forms sent as a page would send them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of the first hidden field of this name.
    pub fn field(&self, name: &str) -> String {
        let (_, rest) = self.body.split_once(&format!("name=\"{name}\" value=\"")).expect(name);
        rest.split('"').next().unwrap().to_owned()
    }
}

pub struct Browser {
    address: SocketAddr,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser {
    pub fn new(address: SocketAddr) -> Browser {
        Browser { address, cookies: Mutex::default() }
    }

    /// Signed in through a link, the way a person does it.
    pub async fn signed_in(address: SocketAddr, link: &str) -> Browser {
        let browser = Browser::new(address);
        let path = link.split_once(&address.to_string()).expect("a link of this desk").1.to_owned();
        let page = browser.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.body);
        assert_eq!(browser.post(&path, &[]).await.status, 303);
        browser
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[("Host", &self.address.to_string())], "").await
    }

    /// A form as a page of the desk sends it.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let host = self.address.to_string();
        self.send("POST", path, &[("Host", &host), ("Origin", &format!("http://{host}"))], &form(fields))
            .await
    }

    /// Any request at all; a body is sent as a form.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.try_send(method, path, headers, body).await.expect("an answer")
    }

    /// The same to a desk that may die meanwhile.
    pub async fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> std::io::Result<Answer> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        let cookies = self.cookies.lock().unwrap().clone();
        let cookies: Vec<String> = cookies.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let cookies = cookies.join("; ");
        if !cookies.is_empty() {
            request += &format!("Cookie: {cookies}\r\n");
        }
        if method == "POST" {
            request += &format!(
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
                body.len()
            );
        }
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(format!("{request}\r\n{body}").as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await?;
        if bytes.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let answer = answer(&String::from_utf8(bytes).unwrap());
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (pair, _) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
        }
        Ok(answer)
    }

    /// Does something to a case, from its page as it is now.
    pub async fn act(&self, no: u32, act: &str, person: &str, why: &str) -> Answer {
        let page = self.get(&format!("/cases/{no}")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let form_key = page.field("form_key");
        self.act_from(&page.field("version"), &form_key, no, act, person, why).await
    }

    pub async fn act_from(
        &self,
        version: &str,
        form_key: &str,
        no: u32,
        act: &str,
        person: &str,
        why: &str,
    ) -> Answer {
        let fields =
            [("form_key", form_key), ("version", version), ("act", act), ("person_id", person), ("why", why)];
        self.post(&format!("/cases/{no}"), &fields).await
    }
}

fn answer(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    assert!(!chunked, "pages have a length");
    Answer { status, headers, body: body.to_owned() }
}

fn form(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| -> String {
        text.bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect()
    };
    fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}
