//! The second hierarchy: a party's certificate for a day, renewed by itself, and the end of a party.

use std::time::Instant;

use protocol::directory::{self, OrderPartyCertificate, PartyCertificate};
use seal::x509::CertificationRequest;

use super::*;

/// A room stops and starts again, asking for the directory that often, in this world.
pub async fn restart(ground: &mut Ground, id: &str, poll_ms: u32, world: World) {
    let stage = &mut ground.ready.stage;
    stage.stop_room(id).await.unwrap();
    for section in stage.file.sections.iter_mut().filter(|section| section.settings.id.as_str() == id) {
        section.settings.common.poll_ms = Some(poll_ms);
    }
    stage.start_room_in(id, world).await.unwrap();
}

async fn calls(ground: &Ground, from: &str, to: &str) -> Result<(), Reason> {
    let to = ground.entry(to);
    let head = ground.house(from).get_bytes(&to, "/ledger/checkpoint", WITHIN).await;
    head.map(|_| ()).map_err(|error| error.reason())
}

pub async fn until(what: &str, within: Duration, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < within, "{what}: not within {within:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_renews_its_certificate_by_itself_and_no_call_fails() {
    let mut ground = Ground::new(60).await;
    let now = ground.house("authority").now();
    let world = World::simulated(11, now.0);
    restart(&mut ground, "linkage", 200, World::real()).await;
    restart(&mut ground, "town", 300, world.clone()).await;
    let enrolled = ground.house("town").fingerprint();
    calls(&ground, "town", "linkage").await.unwrap();
    // Nothing in its first minute; then the first one, for a day.
    assert!(ground.house("town").certificate_ends().is_none());
    world.advance(61_000);
    let ends = async || ground.house("town").certificate_ends();
    until("the first", Duration::from_secs(10), async || {
        calls(&ground, "town", "linkage").await.unwrap();
        ends().await.is_some()
    })
    .await;
    let first = ground.house("town").fingerprint();
    assert_ne!(first, enrolled);
    calls(&ground, "town", "linkage").await.unwrap();
    // Two thirds of the day later another key, and never a call that fails.
    let before = ends().await.unwrap();
    world.advance(16 * 3_600_000 + 120_000);
    until("the second", Duration::from_secs(10), async || {
        calls(&ground, "town", "linkage").await.unwrap();
        calls(&ground, "linkage", "town").await.unwrap();
        ground.house("town").fingerprint() != first
    })
    .await;
    calls(&ground, "town", "linkage").await.unwrap();
    assert!(ends().await.unwrap() >= before);

    // After a restart it is still shown, and what it was enrolled with opens the authority's door alone.
    let second = ground.house("town").fingerprint();
    restart(&mut ground, "town", 300, World::real()).await;
    assert_eq!(ground.house("town").fingerprint(), second);
    let keys = ground.folder.path().join("town/keys");
    let pem = |name: &str| std::fs::read(keys.join(name)).unwrap();
    let country = std::fs::read(ground.folder.path().join("country.json")).unwrap();
    let country: protocol::country::Country = serde_json::from_slice(&country).unwrap();
    let root = country.root_certificate.as_bytes();
    let old = wire::TlsIdentity::from_pem(&pem("tls.crt"), &pem("tls.key"), root).unwrap();
    let old = wire::Peers::new(old);
    let ask = async |to: &str| {
        let to = ground.entry(to);
        old.get_bytes(&to.id, &to.address, "/ledger/checkpoint", WITHIN).await.map_err(|error| error.reason())
    };
    assert_eq!(ask("linkage").await.err(), Some(Reason::Unauthenticated));
    assert!(ask("authority").await.is_ok());

    // OpenSSL takes the chain; the key is nobody else's twice.
    let kept: serde_json::Value = serde_json::from_slice(&pem("tls-current.json")).unwrap();
    let chain = kept["chain"].as_array().unwrap();
    let der = |at: usize| B64::parse(chain[at].as_str().unwrap()).unwrap().0;
    let folder = ground.folder.path();
    std::fs::write(folder.join("root.pem"), root).unwrap();
    std::fs::write(folder.join("between.pem"), musubi_pem("CERTIFICATE", &der(1))).unwrap();
    std::fs::write(folder.join("party.pem"), musubi_pem("CERTIFICATE", &der(0))).unwrap();
    for purpose in ["sslserver", "sslclient"] {
        let args = [
            "verify",
            "-x509_strict",
            "-purpose",
            purpose,
            "-CAfile",
            "root.pem",
            "-untrusted",
            "between.pem",
            "party.pem",
        ];
        let output = Command::new("openssl").args(args).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_parties_are_given_for_new_keys_of_their_own_alone() {
    let ground = Ground::new(60).await;
    let authority = ground.entry("authority");
    let order = async |party: &str, request: Vec<u8>| {
        let id = ActId::new(ground.house("authority").world.random());
        let order = OrderPartyCertificate { id, request: B64::from(request) };
        let given =
            ground.house(party).post::<PartyCertificate>(&authority, directory::CERTIFICATES, &order, WITHIN);
        given.await.map_err(|error| error.reason())
    };
    let key = |kind| IssuerKey::from_pkcs8(&IssuerKey::generate(kind).unwrap()).unwrap();
    let own = key(KeyKind::P256);
    let request = CertificationRequest::of(&own).unwrap();
    let given = order("town", request.clone()).await.unwrap();
    let end = Certificate::parse(&given.chain[0].0).unwrap();
    assert_eq!(end.key(), own.public());
    let (from, until) = end.validity();
    assert!(until.since_ms(from) <= 25 * 3_600_000, "a day");
    // The same key again, by the same party and by another; another kind of key; no proof of possession.
    assert_eq!(order("town", request.clone()).await.err(), Some(Reason::WrongState));
    assert_eq!(order("bank", request.clone()).await.err(), Some(Reason::WrongState));
    let rsa = CertificationRequest::of(&key(KeyKind::Rsa2048)).unwrap();
    assert_eq!(order("town", rsa).await.err(), Some(Reason::Malformed));
    let mut broken = CertificationRequest::of(&key(KeyKind::P256)).unwrap();
    *broken.last_mut().unwrap() ^= 1;
    assert_eq!(order("town", broken).await.err(), Some(Reason::BadSignature));
    assert_eq!(order("town", b"none".to_vec()).await.err(), Some(Reason::BadSignature));
    // The directory has it under the party that ordered, and under no other.
    ground.house("linkage").fetch_directory().await.unwrap();
    let town = ground.entry("town");
    // Beside it, for an hour, what it was enrolled with: until every neighbour has heard.
    assert_eq!(town.current, [B64::from(seal::sha256(end.der())), town.certificate]);
    assert!(ground.entry("bank").current.is_empty());
}

/// A revocation acts at every room within 60 s, with the periods of a real house.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_party_is_turned_away_everywhere_within_a_minute() {
    let ground = Ground::new(60).await;
    let rooms = ["authority", "linkage", "trustee", "oversight", "registry", "portal", "tax"];
    for room in rooms {
        calls(&ground, "town", room).await.unwrap();
    }
    let entries = rooms.map(|room| ground.entry(room));
    let operator =
        musubi::desk::client(ground.ready.stage.section("authority").unwrap(), "operator").unwrap();
    let start = Instant::now();
    let none = serde_json::json!({});
    operator.post::<Taken>("/parties/town/revoke", &none, WITHIN).await.unwrap();
    for to in entries {
        until("revocation", Duration::from_secs(60), async || {
            let asked = ground.house("town").get_bytes(&to, "/ledger/checkpoint", WITHIN).await;
            asked.is_err_and(|error| error.reason() == Reason::Unauthenticated)
        })
        .await;
        assert!(start.elapsed() < Duration::from_secs(60), "{}", to.id);
    }
    println!("revoked everywhere after {:?}", start.elapsed());
    // Nor does it get another certificate.
    let key = IssuerKey::from_pkcs8(&IssuerKey::generate(KeyKind::P256).unwrap()).unwrap();
    let request = CertificationRequest::of(&key).unwrap().into();
    let order = OrderPartyCertificate { id: ActId::new([9; 16]), request };
    let authority = ground.entry("authority");
    let refused: Result<PartyCertificate, _> =
        ground.house("town").post(&authority, directory::CERTIFICATES, &order, WITHIN).await;
    assert_eq!(refused.unwrap_err().reason(), Reason::Unauthenticated);
}
