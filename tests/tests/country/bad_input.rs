//! Bad input at the doors: a clear problem, recorded, nothing half done, no panic, and nothing of the content in it.

use std::net::SocketAddr;

use axum::body::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use words::Reason;

use crate::ground::Ground;

struct Desk {
    address: SocketAddr,
    key: String,
}

impl Desk {
    async fn send(
        &self,
        path: &str,
        kind: &str,
        body: Vec<u8>,
        key: Option<&str>,
    ) -> (u16, serde_json::Value) {
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let bearer = format!("Bearer {}", key.unwrap_or(&self.key));
        let request = Request::post(format!("http://{}{path}", self.address))
            .header("content-type", kind)
            .header("authorization", bearer);
        let response = client.request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerks_desk_refuses_what_it_cannot_read_and_says_why() {
    let ground = Ground::new(200).await;
    let town = ground.room("town");
    let key =
        std::fs::read_to_string(ground.folder.path().join("town/keys/clerk.key")).unwrap().trim().to_owned();
    let desk = Desk { address: town.inner, key };
    let good = br#"{"customer":"0","affair":"child-allowance","item":"income","provider":"tax"}"#.to_vec();
    let json = "application/json";
    let secret = "山田花子";
    let cases: Vec<(&str, &str, Vec<u8>, Option<&str>, Reason)> = vec![
        ("/inquiries", json, b"{".to_vec(), None, Reason::Malformed),
        (
            "/inquiries",
            json,
            format!(r#"{{"customer":"{secret}","surprise":1}}"#).into_bytes(),
            None,
            Reason::Malformed,
        ),
        ("/inquiries", json, vec![b'{', 0xff, b'}'], None, Reason::Malformed),
        ("/inquiries", json, [good.as_slice(), b"{}"].concat(), None, Reason::Malformed),
        (
            "/inquiries",
            json,
            br#"{"customer":"0","affair":"../x","item":"income","provider":"tax"}"#.to_vec(),
            None,
            Reason::Malformed,
        ),
        ("/inquiries", "text/plain", good.clone(), None, Reason::WrongType),
        ("/inquiries", json, vec![b' '; 70_000], None, Reason::TooLarge),
        ("/inquiries", json, good.clone(), Some("wrong-key"), Reason::Unauthenticated),
        ("/codes", json, b"{}".to_vec(), None, Reason::NotAllowed),
        ("/inquiries/%2e%2e/codes", json, good.clone(), None, Reason::Malformed),
        ("/inquiries%2f", json, good.clone(), None, Reason::Malformed),
        ("//inquiries", json, good.clone(), None, Reason::Malformed),
        ("/nothing", json, good.clone(), None, Reason::NotFound),
        ("/inquiries", json, good, None, Reason::NoCustomer),
    ];
    for (path, kind, body, key, expected) in cases {
        let before = ground.refusals("town", expected).await;
        let (status, problem) = desk.send(path, kind, body, key).await;
        assert_eq!(
            (status, problem["reason"].as_str()),
            (expected.status(), Some(expected.as_str())),
            "{path}: {problem}"
        );
        for field in ["title", "title_ja", "next", "next_ja", "type"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}");
        }
        assert!(!problem.to_string().contains(secret));
        assert_eq!(
            ground.refusals("town", expected).await,
            before + 1,
            "{path}: {expected} is not recorded once"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_outer_side_refuses_messages_that_are_not_of_the_protocol() {
    let ground = Ground::new(200).await;
    let (town, linkage) = (ground.house("town"), ground.entry("linkage"));
    let within = std::time::Duration::from_secs(5);
    for (body, expected) in [
        (serde_json::json!({}), Reason::Malformed),
        (serde_json::json!({"inquiry": "a.b"}), Reason::BadSignature),
        (serde_json::json!({"inquiry": "a.b.c", "extra": 1}), Reason::Malformed),
        (serde_json::json!({"inquiry": "x".repeat(600_000)}), Reason::TooLarge),
    ] {
        let before = ground.refusals("linkage", expected).await;
        let result: Result<serde_json::Value, _> =
            town.post(&linkage, protocol::inquiry::PATH, &body, within).await;
        let Err(wire::CallError::Problem(problem)) = result else { panic!("no problem for {body}") };
        assert_eq!(problem.reason, expected);
        assert_eq!(ground.refusals("linkage", expected).await, before + 1);
    }
}

/// A certificate of another country ends in the handshake; a revoked one at the door, with the next poll.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_and_revoked_certificates() {
    let (ground, abroad) = (Ground::new(100).await, Ground::new(100).await);
    let within = std::time::Duration::from_secs(5);
    let entry = ground.entry("authority");
    let foreign: Result<serde_json::Value, _> =
        abroad.house("town").get(&entry, protocol::directory::PATH, within).await;
    assert!(matches!(foreign, Err(wire::CallError::Unreachable)));
    // One that takes this country's root for good, but has another country's certificate.
    let pem = |file: &str| std::fs::read(abroad.folder.path().join("town/keys").join(file)).unwrap();
    let root = ground.house("town").country.root_certificate.clone();
    let spy = wire::TlsIdentity::from_pem(&pem("tls.crt"), &pem("tls.key"), root.as_bytes()).unwrap();
    let spied: Result<serde_json::Value, _> =
        wire::Peers::new(spy).get(&entry.id, &entry.address, protocol::directory::PATH, within).await;
    assert!(spied.is_err(), "a foreign certificate was let in");
    let recorded = async || {
        let leaves = ground.house("authority").road.leaves(None).await.unwrap();
        let at_the_door = leaves.iter().filter(|leaf| {
            leaf.record.field("route").and_then(|route| route.as_str()) == Some("TLS handshake")
        });
        at_the_door.count()
    };
    for _ in 0..50 {
        if recorded().await > 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let refused = ground.refusals("authority", Reason::Unauthenticated).await;
    assert!(recorded().await > 1 && refused == recorded().await, "a foreign certificate is not recorded");
    // A connection that only closes is no wrong certificate.
    drop(tokio::net::TcpStream::connect(ground.room("authority").outer).await.unwrap());
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(ground.refusals("authority", Reason::Unauthenticated).await, refused);

    let authority = ground.entry("authority");
    let known: Result<serde_json::Value, _> =
        ground.house("town").get(&authority, protocol::directory::PATH, within).await;
    assert!(known.is_ok());
    let section = ground.ready.stage.section("authority").unwrap();
    let operator = musubi::desk::client(section, "operator").unwrap();
    let _: serde_json::Value =
        operator.post("/parties/town/revoke", &serde_json::json!({}), within).await.unwrap();
    let revoked: Result<serde_json::Value, _> =
        ground.house("town").get(&authority, protocol::directory::PATH, within).await;
    let Err(wire::CallError::Problem(problem)) = revoked else { panic!("a revoked certificate was let in") };
    assert_eq!(problem.reason, Reason::Unauthenticated);
    // Everybody else learns it with the next poll.
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let result: Result<serde_json::Value, _> = ground
        .house("town")
        .post(
            &ground.entry("linkage"),
            protocol::session::OPEN,
            &serde_json::json!({"instead_of":null}),
            within,
        )
        .await;
    let Err(wire::CallError::Problem(problem)) = result else {
        panic!("linkage let a revoked certificate in")
    };
    assert_eq!(problem.reason, Reason::Unauthenticated);
}
