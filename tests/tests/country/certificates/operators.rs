//! Certificates of people and systems inside a party: first tie by key, renewal by itself, and their end.

use std::path::Path;

use authority::Root;
use musubi::config_file::Section;
use musubi::desk;
use protocol::desk::{SIGN_INS, SUMMARY, SignIn};
use protocol::directory::{
    OPERATOR_CERTIFICATES, OrderOperatorCertificate, OrderPartyCertificate, PartyCertificate,
};
use seal::x509::CertificationRequest;
use seal::x509::party::{OperatorCertificate, operator_of};
use serde_json::{Value, json};
use wire::TlsIdentity;

use super::parties::{restart, until};
use super::*;
use crate::http::send;

/// What a room's operator may see.
async fn looks(client: &InnerClient) -> Result<(), CallError> {
    client.get::<Value>(SUMMARY, WITHIN).await.map(|_| ())
}

fn refused(result: Result<(), CallError>) -> Option<Reason> {
    result.err().map(|error| error.reason())
}

/// The country's root, PEM.
fn root(folder: &Path) -> Vec<u8> {
    let country = std::fs::read(folder.join("country.json")).unwrap();
    let country: protocol::country::Country = serde_json::from_slice(&country).unwrap();
    country.root_certificate.into_bytes()
}

fn new_key() -> (Vec<u8>, IssuerKey, B64) {
    let pkcs8 = IssuerKey::generate(KeyKind::P256).unwrap();
    let key = IssuerKey::from_pkcs8(&pkcs8).unwrap();
    let request = CertificationRequest::of(&key).unwrap().into();
    (pkcs8.to_vec(), key, request)
}

/// A client of `at` under this chain and key.
fn under(ground: &Ground, at: &str, chain: &[&[u8]], pkcs8: &[u8]) -> InnerClient {
    let identity = TlsIdentity::from_der(chain, pkcs8, &root(ground.folder.path())).unwrap();
    InnerClient::certified(ground.room(at).inner, &PartyId::parse(at).unwrap(), &identity).unwrap()
}

/// A client of `at` with a certificate that the authority gave `party` for somebody it calls `name`.
async fn with_certificate(ground: &Ground, party: &str, name: &str, at: &str) -> InnerClient {
    let (pkcs8, _, request) = new_key();
    let id = ActId::new(ground.house("authority").world.random());
    let order = OrderOperatorCertificate { id, operator: name.into(), request };
    let authority = ground.entry("authority");
    let given: PartyCertificate =
        ground.house(party).post(&authority, OPERATOR_CERTIFICATES, &order, WITHIN).await.unwrap();
    let chain: Vec<&[u8]> = given.chain.iter().map(|der| der.0.as_slice()).collect();
    under(ground, at, &chain, &pkcs8)
}

fn of_town(ground: &mut Ground) -> &mut Section {
    let all = &mut ground.ready.stage.file.sections;
    all.iter_mut().find(|section| section.settings.id.as_str() == "town").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_known_by_a_certificate_that_renews_itself() {
    let mut ground = Ground::new(60).await;
    let keys = ground.folder.path().join("town/keys");
    let read = || -> Value {
        serde_json::from_slice(&std::fs::read(keys.join("operator.certificate.json")).unwrap()).unwrap()
    };
    let section = ground.ready.stage.section("town").unwrap();
    // The key is shown once; from then on nobody needs it.
    looks(&desk::certified(section, "operator").await.unwrap()).await.unwrap();
    let first = read();
    std::fs::rename(keys.join("operator.key"), keys.join("away.key")).unwrap();
    looks(&desk::certified(section, "operator").await.unwrap()).await.unwrap();
    assert_eq!(read(), first, "the same until two thirds of its day are over");
    let der = B64::parse(first["chain"][0].as_str().unwrap()).unwrap();
    let certificate = Certificate::parse(&der.0).unwrap();
    let town = PartyId::parse("town").unwrap();
    assert_eq!(operator_of(&certificate), Some((town, "operator".to_owned())));
    let (from, until) = certificate.validity();
    assert!(until.since_ms(from) <= 25 * 3_600_000, "a day");
    for (hours, renews) in [(15, false), (17, true)] {
        let section = of_town(&mut ground);
        section.settings.common.clock_off_ms = hours * 3_600_000;
        looks(&desk::certified(section, "operator").await.unwrap()).await.unwrap();
        assert_eq!(read() != first, renews, "{hours} hours");
    }
    assert_ne!(read()["key"], first["key"], "a new key each time");
    std::fs::rename(keys.join("away.key"), keys.join("operator.key")).unwrap();

    // Where keys enrol only, everything else wants the certificate.
    let common = &mut of_town(&mut ground).settings.common;
    (common.clock_off_ms, common.keys_enrol_only) = (0, true);
    restart(&mut ground, "town", 300, World::real()).await;
    let section = ground.ready.stage.section("town").unwrap();
    let by_key = desk::client(section, "operator").unwrap();
    assert_eq!(refused(looks(&by_key).await), Some(Reason::Unauthenticated));
    looks(&desk::certified(section, "operator").await.unwrap()).await.unwrap();
    std::fs::remove_file(keys.join("operator.certificate.json")).unwrap();
    looks(&desk::certified(section, "operator").await.unwrap()).await.unwrap();

    // A connection does not outlive its certificate.
    let now = ground.house("authority").now();
    let world = World::simulated(12, now.0);
    restart(&mut ground, "town", 300, world.clone()).await;
    let section = ground.ready.stage.section("town").unwrap();
    let client = desk::certified(section, "operator").await.unwrap();
    looks(&client).await.unwrap();
    world.advance(25 * 3_600_000);
    assert_eq!(refused(looks(&client).await), Some(Reason::Unauthenticated));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_certificates_open_no_inner_side() {
    let ground = Ground::new(60).await;
    looks(&with_certificate(&ground, "town", "operator", "town").await).await.unwrap();
    // Another house's operator; one that `inner.keys` does not name; one in a role that may not.
    let cases = [("tax", "operator", Reason::Unauthenticated), ("town", "stranger", Reason::Unauthenticated)];
    for (party, name, reason) in [cases.as_slice(), &[("town", "clerk", Reason::NotAllowed)]].concat() {
        let client = with_certificate(&ground, party, name, "town").await;
        assert_eq!(refused(looks(&client).await), Some(reason), "{name} of {party}");
    }
    // What opens doors between parties opens none inside, a key beside it neither.
    let keys = ground.folder.path().join("town/keys");
    let pem = |name: &str| std::fs::read(keys.join(name)).unwrap();
    let root = root(ground.folder.path());
    let party = TlsIdentity::from_pem(&pem("tls.crt"), &pem("tls.key"), &root).unwrap();
    let town = PartyId::parse("town").unwrap();
    let client = InnerClient::certified(ground.room("town").inner, &town, &party).unwrap();
    assert_eq!(refused(looks(&client).await), Some(Reason::Unauthenticated));
    // And an operator's opens none between parties, nor stands for a room.
    let (pkcs8, key, request) = new_key();
    let order = OrderOperatorCertificate { id: ActId::new([7; 16]), operator: "operator".into(), request };
    let authority = ground.entry("authority");
    let given: PartyCertificate =
        ground.house("town").post(&authority, OPERATOR_CERTIFICATES, &order, WITHIN).await.unwrap();
    let chain: Vec<&[u8]> = given.chain.iter().map(|der| der.0.as_slice()).collect();
    let operator = wire::Peers::new(TlsIdentity::from_der(&chain, &pkcs8, &root).unwrap());
    let linkage = ground.entry("linkage");
    let asked = operator.get_bytes(&linkage.id, &linkage.address, "/ledger/checkpoint", WITHIN).await;
    assert_eq!(asked.unwrap_err().reason(), Reason::Unauthenticated);
    // Of another country: no handshake, which is written down.
    let before = ground.refusals("town", Reason::Unauthenticated).await;
    let today = ground.house("town").now().date_in_japan();
    let (pkcs8_of_authority, foreign, _) = new_key();
    drop(pkcs8_of_authority);
    let foreign_authority = Root::generate().unwrap().certify_organisations(foreign.public(), today).unwrap();
    let foreign_authority = Certificate::parse(&foreign_authority).unwrap();
    let now = ground.house("town").now();
    let content = OperatorCertificate {
        party: &town,
        name: "operator",
        key: key.public(),
        serial: [5; 16],
        not_before: now.plus_ms(-60_000),
        not_after: now.plus_ms(3_600_000),
    };
    let der = content.sign((&foreign_authority, &foreign)).unwrap();
    let client = under(&ground, "town", &[&der, foreign_authority.der()], &pkcs8);
    assert!(matches!(looks(&client).await, Err(CallError::Unreachable)));
    until("the note", Duration::from_secs(5), async || {
        ground.refusals("town", Reason::Unauthenticated).await > before
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_operators_are_given_for_new_keys_of_the_own_house() {
    let ground = Ground::new(60).await;
    let section = ground.ready.stage.section("town").unwrap();
    let clerk = desk::client(section, "clerk").unwrap();
    let id = || ActId::new(ground.house("authority").world.random());
    let order = async |request: Vec<u8>| {
        let order = OrderPartyCertificate { id: id(), request: B64::from(request) };
        post::<PartyCertificate>(&clerk, OPERATOR_CERTIFICATES, &order).await
    };
    let request = |kind| {
        let key = IssuerKey::from_pkcs8(&IssuerKey::generate(kind).unwrap()).unwrap();
        CertificationRequest::of(&key).unwrap()
    };
    let own = request(KeyKind::P256);
    let given = order(own.clone()).await.unwrap();
    // Who it is was said by the key that was shown, by nothing else.
    let named = operator_of(&Certificate::parse(&given.chain[0].0).unwrap()).unwrap();
    assert_eq!((named.0.as_str(), named.1.as_str()), ("town", "clerk"));
    assert_eq!(order(own.clone()).await.err(), Some(Reason::WrongState));
    assert_eq!(order(request(KeyKind::Rsa2048)).await.err(), Some(Reason::Malformed));
    let mut broken = request(KeyKind::P256);
    *broken.last_mut().unwrap() ^= 1;
    assert_eq!(order(broken).await.err(), Some(Reason::BadSignature));
    assert_eq!(order(b"none".to_vec()).await.err(), Some(Reason::BadSignature));
    // Nor is the key of an operator certified for a party, and the other way round.
    let authority = ground.entry("authority");
    let as_party = OrderPartyCertificate { id: id(), request: B64::from(own) };
    let refused: Result<PartyCertificate, _> =
        ground.house("town").post(&authority, protocol::directory::CERTIFICATES, &as_party, WITHIN).await;
    assert_eq!(refused.unwrap_err().reason(), Reason::WrongState);
    for operator in ["", "Operator", "結", "a b", &"a".repeat(65)] {
        let request = request(KeyKind::P256).into();
        let order = OrderOperatorCertificate { id: id(), operator: operator.into(), request };
        let refused: Result<PartyCertificate, _> =
            ground.house("town").post(&authority, OPERATOR_CERTIFICATES, &order, WITHIN).await;
        assert_eq!(refused.unwrap_err().reason(), Reason::Malformed, "{operator}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_operator_is_turned_away_at_once_by_the_own_room_and_by_the_authority_within_a_minute() {
    let mut ground = Ground::new(60).await;
    let section = ground.ready.stage.section("town").unwrap();
    let operator = desk::certified(section, "operator").await.unwrap();
    let [by_key, by_certificate] =
        [desk::client(section, "clerk").unwrap(), desk::certified(section, "clerk").await.unwrap()];
    let asks = async |clerk: &InnerClient| {
        let asked = clerk.get::<Value>("/inquiries/AAAAAAAAAAAAAAAAAAAAAA", WITHIN).await;
        asked.err().map(|error| error.reason())
    };
    let url = by_key.post::<SignIn>(SIGN_INS, &json!({}), WITHIN).await.unwrap().url;
    let address = section.settings.common.pages.as_ref().unwrap().listen.to_string();
    let ticket = url.strip_prefix(&format!("http://{address}")).unwrap().to_owned();
    let cookie = send(&address, "GET", &ticket, &[], "").header("set-cookie").unwrap().to_owned();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = || send(&address, "GET", "/", &[("Cookie", &cookie)], "").status;
    assert_eq!(page(), 200);
    for clerk in [&by_key, &by_certificate] {
        assert_ne!(asks(clerk).await, Some(Reason::Unauthenticated));
    }
    let none = json!({});
    let unknown = operator.post::<Taken>("/operators/nobody/revoke", &none, WITHIN).await;
    assert_eq!(unknown.unwrap_err().reason(), Reason::NotFound);
    let not_allowed = by_key.post::<Taken>("/operators/operator/revoke", &none, WITHIN).await;
    assert_eq!(not_allowed.unwrap_err().reason(), Reason::NotAllowed);
    // By the own operator: certificate, key and the page's session end at once, connections that are open too.
    operator.post::<Taken>("/operators/clerk/revoke", &none, WITHIN).await.unwrap();
    for clerk in [&by_key, &by_certificate] {
        assert_eq!(asks(clerk).await, Some(Reason::Unauthenticated));
    }
    assert_ne!(page(), 200);
    looks(&operator).await.unwrap();
    // Nor is another certificate given.
    let request = new_key().2;
    let order = OrderOperatorCertificate { id: ActId::new([8; 16]), operator: "clerk".into(), request };
    let authority = ground.entry("authority");
    let refused_order: Result<PartyCertificate, _> =
        ground.house("town").post(&authority, OPERATOR_CERTIFICATES, &order, WITHIN).await;
    assert_eq!(refused_order.unwrap_err().reason(), Reason::NotAllowed);
    // By the authority, of an operator: with the room's next poll.
    let other = ground.ready.stage.section("tax").unwrap();
    let of_tax = desk::certified(other, "operator").await.unwrap();
    looks(&of_tax).await.unwrap();
    let at_authority =
        desk::certified(ground.ready.stage.section("authority").unwrap(), "operator").await.unwrap();
    let start = std::time::Instant::now();
    at_authority.post::<Taken>("/parties/tax/operators/operator/revoke", &none, WITHIN).await.unwrap();
    until("revocation", Duration::from_secs(60), async || {
        refused(looks(&of_tax).await) == Some(Reason::Unauthenticated)
    })
    .await;
    println!("an operator was refused {:?} after being revoked at the authority", start.elapsed());
    looks(&operator).await.unwrap();
    for path in ["/parties/nobody/operators/operator/revoke", "/parties/tax/operators/Operator/revoke"] {
        assert!(at_authority.post::<Taken>(path, &none, WITHIN).await.is_err());
    }
    // It stays so over a restart.
    restart(&mut ground, "town", 60_000, World::real()).await;
    let clerk = desk::client(ground.ready.stage.section("town").unwrap(), "clerk").unwrap();
    assert_eq!(asks(&clerk).await, Some(Reason::Unauthenticated));
}
