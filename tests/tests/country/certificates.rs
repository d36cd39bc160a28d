//! People's certificates (rows C1, C2, C12, C14), from the registrar's order to their end, with OpenSSL as the relying party's
//! own software. Beside this: parties' and operators' certificates, time-stamps.

mod operators;
mod parties;
mod stamps;

use std::process::Command;
use std::time::Duration;

use protocol::certificates::*;
use protocol::index::Taken;
use protocol::issue::Attributes;
use protocol::register::{
    CHANGES, Change, ChangeDone, ChangeKind, EnterResidents, Entered, NewResident, RESIDENTS,
};
use seal::x509::ocsp::{CertId, IssuerId, Request};
use seal::x509::{Certificate, Crl, IssuerKey, KeyKind};
use wire::{CallError, InnerClient};
use words::{ActId, B64, Date, Moment, PartyId, Reason};
use world::World;

use crate::ground::Ground;

const WITHIN: Duration = Duration::from_secs(20);

async fn post<A: serde::de::DeserializeOwned>(
    client: &InnerClient,
    path: &str,
    message: &impl serde::Serialize,
) -> Result<A, Reason> {
    client.post(path, message, WITHIN).await.map_err(|error| match error {
        CallError::Problem(problem) => problem.reason,
        other => panic!("{other}"),
    })
}

/// A holder: keys that a card would have, and requests signed with them.
struct Holder {
    keys: [IssuerKey; 2],
    requests: [B64; 2],
}

impl Holder {
    fn new(folder: &std::path::Path) -> Self {
        let pkcs8 = [(); 2].map(|()| IssuerKey::generate(KeyKind::Rsa2048).unwrap());
        let requests = [0, 1].map(|at| {
            std::fs::write(folder.join("holder.key"), &*pkcs8[at]).unwrap();
            let asked =
                ["req", "-new", "-key", "holder.key", "-keyform", "DER", "-subj", "/", "-outform", "DER"];
            let made = Command::new("openssl").args(asked).current_dir(folder).output().expect("openssl");
            assert!(made.status.success());
            B64::from(made.stdout)
        });
        Self { keys: pkcs8.map(|key| IssuerKey::from_pkcs8(&key).unwrap()), requests }
    }

    fn order(&self, entry: &str) -> OrderForCard {
        let [signature, authentication] = self.requests.clone();
        OrderForCard {
            entry: entry.into(),
            window: Window {
                prefecture: "Musubi-to".into(),
                municipality: "Musubi-shi".into(),
                code: "13221".into(),
            },
            signature: Some(signature),
            authentication: Some(authentication),
        }
    }

    /// What the holder's key `at` (0 signature, 1 authentication) signs.
    fn sign(&self, at: usize, issued: &IssuedCertificates, text: &[u8]) -> SignedThing {
        SignedThing {
            certificate: issued.issued[at].certificate.clone(),
            hash: B64::from(seal::sha256(text)),
            signature: B64::from(self.keys[at].sign(text).unwrap()),
        }
    }
}

struct Scene {
    ground: Ground,
    registrar: InnerClient,
    authority: InnerClient,
    public: String,
}

fn attributes(address: &str, birth: &str) -> Attributes {
    Attributes {
        name: "結　花子".into(),
        kana: Some("ムスビ　ハナコ".into()),
        address: address.into(),
        birth: birth.into(),
        sex: "F".into(),
    }
}

impl Scene {
    async fn new() -> Self {
        let ground = Ground::new(60).await;
        let client =
            |room, role| musubi::desk::client(ground.ready.stage.section(room).unwrap(), role).unwrap();
        let (registrar, authority) = (client("registry", "registrar"), client("authority", "operator"));
        let config = std::fs::read_to_string(ground.folder.path().join("musubi.toml")).unwrap();
        let public = config.lines().find_map(|line| line.strip_prefix("public_uri = ")).unwrap();
        let public = public.trim_matches('"').to_owned();
        let scene = Self { registrar, authority, public, ground };
        scene.enter("card-1", "1980-02-17").await;
        scene
    }

    async fn enter(&self, entry: &str, birth: &str) {
        let resident = NewResident {
            entry: entry.into(),
            kind: ChangeKind::ExOfficioEntry,
            day: Date::parse("2026-04-01").unwrap(),
            attributes: attributes("東京都結市中央1-2-3", birth),
        };
        let enter = EnterResidents { residents: vec![resident] };
        assert_eq!(post::<Entered>(&self.registrar, RESIDENTS, &enter).await.unwrap().entered, 1);
    }

    fn id(&self) -> ActId {
        ActId::new(self.ground.house("authority").world.random())
    }

    async fn event(&self, event: HolderEvent) -> Result<u32, Reason> {
        let event = CardEvent { entry: "card-1".into(), event };
        post::<EventDone>(&self.registrar, CARD_EVENTS, &event).await.map(|done| done.changed)
    }

    /// A change of the register, and the wait until the authority has heard of it.
    async fn change(&self, kind: ChangeKind, after: Option<Attributes>) {
        let day = Date::parse("2026-10-01").unwrap();
        let change = Change { entry: "card-1".into(), kind, day, attributes: after, new_number: false };
        post::<ChangeDone>(&self.registrar, CHANGES, &change).await.unwrap();
    }

    async fn ask<A: serde::de::DeserializeOwned>(
        &self,
        party: &str,
        path: &str,
        message: &impl serde::Serialize,
    ) -> Result<A, Reason> {
        let authority = self.ground.entry("authority");
        let answer = self.ground.house(party).post(&authority, path, message, WITHIN).await;
        answer.map_err(|error| match error {
            CallError::Problem(problem) => problem.reason,
            other => panic!("{other}"),
        })
    }

    async fn verify(&self, party: &str, signed: Vec<SignedThing>) -> Result<Verified, Reason> {
        self.ask(party, VERIFICATIONS, &Verify { id: self.id(), signed }).await
    }

    async fn confirm(&self, party: &str, serial: &str) -> Confirmation {
        let ask = Confirm { id: self.id(), serials: vec![serial.to_owned()] };
        self.ask::<Confirmed>(party, CONFIRMATIONS, &ask).await.unwrap().states.pop().unwrap()
    }

    /// What OpenSSL is told of a certificate by OCSP, over HTTP, with a nonce that it checks.
    fn ocsp(&self, issued: &IssuedCertificate) -> String {
        let folder = self.ground.folder.path();
        let pem = |file: &str, der: &B64| {
            let text = musubi_pem("CERTIFICATE", &der.0);
            std::fs::write(folder.join(file), text).unwrap();
        };
        pem("ca.pem", &issued.authority);
        pem("end.pem", &issued.certificate);
        let url = format!("{}/ocsp", self.public);
        let output = Command::new("openssl")
            .args(["ocsp", "-issuer", "ca.pem", "-cert", "end.pem", "-CAfile", "ca.pem", "-url", &url])
            .current_dir(folder)
            .output()
            .expect("openssl is missing: `cargo xtask test --install` installs it");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.contains("Response verify OK") && !said.contains("Nonce"), "{said}");
        let line = said.lines().find_map(|line| line.strip_prefix("end.pem: "));
        line.unwrap_or_else(|| panic!("{said}")).to_owned()
    }

    /// What OpenSSL says of a certificate by the revocation list that is served.
    async fn by_list(&self, issued: &IssuedCertificate, purpose: &str) -> bool {
        post::<ListsMade>(&self.authority, LISTS, &serde_json::json!({})).await.unwrap();
        let url = format!("{}/crl/{purpose}-13221.crl", self.public);
        let der = get(&url).await;
        Crl::parse(&der).unwrap();
        let folder = self.ground.folder.path();
        std::fs::write(folder.join("ca.pem"), musubi_pem("CERTIFICATE", &issued.authority.0)).unwrap();
        std::fs::write(folder.join("end.pem"), musubi_pem("CERTIFICATE", &issued.certificate.0)).unwrap();
        std::fs::write(folder.join("crl.pem"), musubi_pem("X509 CRL", &der)).unwrap();
        let output = Command::new("openssl")
            .args([
                "verify",
                "-crl_check",
                "-policy_check",
                "-CAfile",
                "ca.pem",
                "-CRLfile",
                "crl.pem",
                "end.pem",
            ])
            .current_dir(folder)
            .output()
            .unwrap();
        output.status.success()
    }
}

fn musubi_pem(label: &str, der: &[u8]) -> String {
    let text = B64::from(der).text().replace('-', "+").replace('_', "/");
    let padded = format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4));
    let lines: Vec<&str> =
        padded.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A plain GET that must be answered: the body.
async fn get(url: &str) -> Vec<u8> {
    let answer = exchange("GET", url, &[]).await;
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    let at = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    answer[at + 4..].to_vec()
}

/// A plain request: the answer, head and body.
async fn exchange(method: &str, url: &str, body: &[u8]) -> Vec<u8> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(&[request.as_bytes(), body].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_live_and_end() {
    let scene = Scene::new().await;
    let folder = scene.ground.folder.path().to_owned();
    let holder = Holder::new(&folder);
    let issued: IssuedCertificates =
        post(&scene.registrar, CARD_CERTIFICATES, &holder.order("card-1")).await.unwrap();
    let [signature, authentication] = issued.issued.clone().try_into().unwrap();
    assert_eq!((signature.purpose, authentication.purpose), (Purpose::Signature, Purpose::Authentication));
    for one in [&signature, &authentication] {
        assert_eq!(scene.ocsp(one), "good");
    }
    assert!(scene.by_list(&signature, "signature").await);
    assert!(scene.by_list(&authentication, "authentication").await);

    // A relying party: the first tie with both, then log-ins with one.
    let contract = b"a contract";
    let both = vec![holder.sign(0, &issued, contract), holder.sign(1, &issued, b"tie")];
    let tied = scene.verify("bank", both).await.unwrap();
    assert!(tied.verdicts.iter().all(|verdict| verdict.valid) && tied.same_holder == Some(true));
    assert!(tied.verdicts[0].attributes.as_ref().is_some_and(|told| told.name == "結　花子"));
    assert!(tied.verdicts[1].attributes.is_none(), "an authentication certificate has none");
    let login = scene.verify("bank", vec![holder.sign(1, &issued, b"challenge")]).await.unwrap();
    assert_eq!(login.verdicts[0].serial, tied.verdicts[1].serial, "the serial number is the id");

    // What does not hold.
    let mut forged = holder.sign(0, &issued, contract);
    forged.hash = B64::from(seal::sha256(b"another contract"));
    let found = scene.verify("bank", vec![forged]).await.unwrap().verdicts.pop().unwrap();
    assert!(!found.valid && found.serial.is_none() && found.because.contains("signature"));
    let stranger = Holder::new(&folder);
    scene.enter("card-2", "1990-03-03").await;
    let other: IssuedCertificates =
        post(&scene.registrar, CARD_CERTIFICATES, &stranger.order("card-2")).await.unwrap();
    let mixed = vec![holder.sign(0, &issued, contract), stranger.sign(1, &other, b"tie")];
    assert_eq!(scene.verify("bank", mixed).await.unwrap().same_holder, Some(false), "two people");

    // Suspended, resumed.
    assert_eq!(scene.event(HolderEvent::Suspended).await, Ok(2));
    assert_eq!(scene.event(HolderEvent::Suspended).await, Err(Reason::WrongState));
    assert_eq!(scene.ocsp(&signature), "revoked");
    assert!(!scene.by_list(&authentication, "authentication").await);
    let held = scene.verify("bank", vec![holder.sign(1, &issued, b"challenge")]).await.unwrap();
    assert_eq!((held.verdicts[0].valid, held.verdicts[0].state), (false, CertificateState::Suspended));
    assert_eq!(scene.event(HolderEvent::Resumed).await, Ok(2));
    assert_eq!(scene.ocsp(&signature), "good");
    assert!(scene.by_list(&authentication, "authentication").await);

    // The four attributes change: the signature certificate ends, the other does not.
    scene.change(ChangeKind::Move, Some(attributes("東京都結市西9-9", "1980-02-17"))).await;
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while scene.ocsp(&signature) != "revoked" {
        assert!(std::time::Instant::now() < deadline, "the change did not reach the authority");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(scene.ocsp(&authentication), "good");
    assert!(!scene.by_list(&signature, "signature").await);
    assert_eq!(scene.event(HolderEvent::Suspended).await, Ok(1), "what has ended stays so");
    assert_eq!(scene.event(HolderEvent::Resumed).await, Ok(1));

    // The bank learns that, and no more. Another institution learns nothing at all.
    let told = scene.confirm("bank", &signature.serial).await;
    assert!(told.state == CertificateState::Ended && told.since.is_some() && told.attributes.is_none());
    assert_eq!(scene.confirm("town", &signature.serial).await.state, CertificateState::Unknown);

    // A new certificate, and the holder's consent: now the bank learns the new address.
    let renewed = Holder::new(&folder);
    let again: IssuedCertificates =
        post(&scene.registrar, CARD_CERTIFICATES, &renewed.order("card-1")).await.unwrap();
    assert_eq!(scene.ocsp(&authentication), "revoked", "superseded");
    assert!(scene.confirm("bank", &signature.serial).await.attributes.is_none(), "no consent yet");
    let now = scene.ground.house("authority").now();
    let mut consent = GiveConsent {
        id: scene.id(),
        at: now,
        party: PartyId::parse("bank").unwrap(),
        until: now.plus_ms(86_400_000),
        certificate: again.issued[0].certificate.clone(),
        signature: B64::default(),
    };
    consent.signature = B64::from(renewed.keys[0].sign(consent.text().as_bytes()).unwrap());
    let mut other_text = consent.clone();
    other_text.until = now.plus_ms(2 * 86_400_000);
    let refused = post::<Taken>(&scene.authority, CONSENTS, &other_text).await;
    assert_eq!(refused.err(), Some(Reason::Unauthenticated));
    consent.id = scene.id();
    consent.signature = B64::from(renewed.keys[0].sign(consent.text().as_bytes()).unwrap());
    post::<Taken>(&scene.authority, CONSENTS, &consent).await.unwrap();
    let told = scene.confirm("bank", &signature.serial).await.attributes.unwrap();
    assert_eq!(told.address, "東京都結市西9-9");

    // Every use is the holder's to see; by the certificate that holds, not by the one that ended.
    let look = |key: &IssuerKey, certificate: &B64, at: Moment| {
        let mut look =
            LookAtUses { id: scene.id(), at, certificate: certificate.clone(), signature: B64::default() };
        look.signature = B64::from(key.sign(look.text().as_bytes()).unwrap());
        look
    };
    let mine = look(&renewed.keys[1], &again.issued[1].certificate, now);
    let uses: Uses = post(&scene.authority, USES, &mine).await.unwrap();
    assert!(uses.uses.len() >= 4 && uses.uses.iter().all(|used| used.party.as_str() == "bank"));
    for refused in [
        look(&holder.keys[1], &authentication.certificate, now),
        look(&renewed.keys[0], &again.issued[0].certificate, now),
        look(&renewed.keys[1], &again.issued[1].certificate, now.plus_ms(-600_000)),
        look(&stranger.keys[1], &again.issued[1].certificate, now),
    ] {
        assert_eq!(post::<Uses>(&scene.authority, USES, &refused).await.err(), Some(Reason::Unauthenticated));
    }

    // Death ends both.
    scene.change(ChangeKind::Death, None).await;
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while again.issued.iter().any(|one| scene.ocsp(one) != "revoked") {
        assert!(std::time::Instant::now() < deadline, "the death did not reach the authority");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let order =
        post::<IssuedCertificates>(&scene.registrar, CARD_CERTIFICATES, &renewed.order("card-1")).await;
    assert_eq!(order.err(), Some(Reason::WrongState));
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_not_issued_verified_or_shown_without_right() {
    let scene = Scene::new().await;
    let folder = scene.ground.folder.path().to_owned();
    let holder = Holder::new(&folder);
    // No proof of possession: a request in which one bit of the signature is another.
    let mut broken = holder.order("card-1");
    let last = broken.signature.as_mut().unwrap().0.last_mut().unwrap();
    *last ^= 1;
    let refused = post::<IssuedCertificates>(&scene.registrar, CARD_CERTIFICATES, &broken).await;
    assert_eq!(refused.err(), Some(Reason::BadSignature));
    // One key for both, keys of another kind, windows that are none.
    let mut same = holder.order("card-1");
    same.authentication = same.signature.clone();
    let mut nowhere = holder.order("card-1");
    nowhere.window.code = "132".into();
    let mut none = holder.order("card-1");
    (none.signature, none.authentication) = (None, None);
    for order in [same, nowhere, none] {
        let refused = post::<IssuedCertificates>(&scene.registrar, CARD_CERTIFICATES, &order).await;
        assert_eq!(refused.err(), Some(Reason::Malformed));
    }
    // A child has no signature certificate, and may have the other.
    scene.enter("child", "2015-05-05").await;
    let mut child = holder.order("child");
    let refused = post::<IssuedCertificates>(&scene.registrar, CARD_CERTIFICATES, &child).await;
    assert_eq!(refused.err(), Some(Reason::Malformed));
    child.signature = None;
    let issued: IssuedCertificates = post(&scene.registrar, CARD_CERTIFICATES, &child).await.unwrap();
    assert_eq!(issued.issued.len(), 1);
    // Twice the same order gives two pairs of certificates, the first of which ended; no serial twice.
    let first: IssuedCertificates =
        post(&scene.registrar, CARD_CERTIFICATES, &holder.order("card-1")).await.unwrap();
    let second: IssuedCertificates =
        post(&scene.registrar, CARD_CERTIFICATES, &holder.order("card-1")).await.unwrap();
    assert_eq!(
        (scene.ocsp(&first.issued[0]), scene.ocsp(&second.issued[0])),
        ("revoked".into(), "good".into())
    );
    // Nobody but the register orders, nobody but institutions verify.
    let order: Result<IssuedCertificates, _> = scene.ask("bank", CERTIFICATES, &serde_json::json!({})).await;
    assert_eq!(order.err(), Some(Reason::NotAllowed));
    let signed = vec![holder.sign(0, &second, b"x")];
    assert_eq!(scene.verify("registry", signed.clone()).await.err(), Some(Reason::NotAllowed));
    // Of another authority: the same profile, another key.
    let outside = IssuerKey::from_pkcs8(&IssuerKey::generate(KeyKind::Rsa2048).unwrap()).unwrap();
    let purpose = seal::x509::jpki::Purpose::Signature;
    let ca = seal::x509::jpki::authority(purpose, &outside, [1; 16], Moment(1_700_000_000_000)).unwrap();
    let mut forged = signed[0].clone();
    forged.certificate = B64::from(Certificate::parse(&ca).unwrap().der());
    let verdict = scene.verify("bank", vec![forged]).await.unwrap().verdicts.pop().unwrap();
    assert!(!verdict.valid && verdict.serial.is_none());
}

impl Scene {
    /// The authority stops and starts again, with these keys of its own in its section, in this world.
    async fn restart(&mut self, keys: &[(&str, toml::Value)], world: World) {
        let stage = &mut self.ground.ready.stage;
        stage.stop_room("authority").await.unwrap();
        let sections = stage.file.sections.iter_mut();
        for section in sections.filter(|section| section.settings.id.as_str() == "authority") {
            section.settings.rest.extend(keys.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        }
        stage.start_room_in("authority", world).await.unwrap();
    }

    /// A request about a certificate as OpenSSL writes it, without a nonce or with one.
    fn request(&self, issued: &IssuedCertificate, nonce: bool) -> Vec<u8> {
        let folder = self.ground.folder.path();
        std::fs::write(folder.join("ca.pem"), musubi_pem("CERTIFICATE", &issued.authority.0)).unwrap();
        std::fs::write(folder.join("end.pem"), musubi_pem("CERTIFICATE", &issued.certificate.0)).unwrap();
        let nonce = if nonce { "-nonce" } else { "-no_nonce" };
        let args = ["ocsp", "-issuer", "ca.pem", "-cert", "end.pem", nonce, "-reqout", "request.der"];
        let made = Command::new("openssl").args(args).current_dir(folder).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        std::fs::read(folder.join("request.der")).unwrap()
    }

    /// What OpenSSL takes from an answer to the request that was written last, on this day (Unix seconds).
    fn read_answer(&self, answer: &[u8], at_s: i64) -> String {
        let folder = self.ground.folder.path();
        std::fs::write(folder.join("answer.der"), answer).unwrap();
        let at = at_s.to_string();
        let args = [
            "ocsp",
            "-issuer",
            "ca.pem",
            "-cert",
            "end.pem",
            "-CAfile",
            "ca.pem",
            "-respin",
            "answer.der",
            "-attime",
            &at,
        ];
        let output = Command::new("openssl").args(args).current_dir(folder).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

fn percent(text: &str) -> String {
    text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

fn base64(bytes: &[u8]) -> String {
    let text = B64::from(bytes).text().replace('-', "+").replace('_', "/");
    format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4))
}

fn body(answer: &[u8]) -> Vec<u8> {
    let at = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    answer[at + 4..].to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn states_are_told_by_get_and_before_they_are_asked_for() {
    let mut scene = Scene::new().await;
    let holder = Holder::new(scene.ground.folder.path());
    let issued: IssuedCertificates =
        post(&scene.registrar, CARD_CERTIFICATES, &holder.order("card-1")).await.unwrap();
    let one = &issued.issued[0];
    let now_s = scene.ground.house("authority").now().0 / 1_000;

    // RFC 6960 A.1.1: base64, percent-encoded; also as many clients send it, with slashes as they are.
    let request = scene.request(one, false);
    for path in [percent(&base64(&request)), base64(&request)] {
        let answer = exchange("GET", &format!("{}/ocsp/{path}", scene.public), &[]).await;
        let head = String::from_utf8_lossy(&answer).to_lowercase();
        assert!(
            head.contains("cache-control: max-age=") && head.contains("application/ocsp-response"),
            "{head}"
        );
        assert!(scene.read_answer(&body(&answer), now_s).contains("end.pem: good"));
    }
    // Without a nonce the same answer is given again; with one it is signed afresh.
    let url = format!("{}/ocsp", scene.public);
    let ask = async |request: &[u8]| body(&exchange("POST", &url, request).await);
    assert_eq!(ask(&request).await, ask(&request).await);
    let fresh = scene.request(one, true);
    let first = ask(&fresh).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_ne!(first, ask(&fresh).await, "made in another second");
    // What is no request, and what is asked of nobody here, is told in OCSP's own words (RFC 6960 §4.2.1).
    assert_eq!(ask(b"no request").await, [0x30, 3, 0x0A, 1, 1], "malformedRequest");
    let nonsense = exchange("GET", &format!("{}/ocsp/%25%25", scene.public), &[]).await;
    assert_eq!(body(&nonsense), [0x30, 3, 0x0A, 1, 1]);
    let stranger = IssuerKey::from_pkcs8(&IssuerKey::generate(KeyKind::P256).unwrap()).unwrap();
    let purpose = seal::x509::jpki::Purpose::Signature;
    let ca = seal::x509::jpki::authority(purpose, &stranger, [1; 16], Moment(1_700_000_000_000)).unwrap();
    let id = IssuerId::of(&Certificate::parse(&ca).unwrap());
    let foreign = Request::with(&[CertId::of(&id, &[7; 16])], None);
    assert_eq!(ask(&foreign).await, [0x30, 3, 0x0A, 1, 6], "unauthorized");
    // One that was never issued is not told as good.
    let own = IssuerId::of(&Certificate::parse(&one.authority.0).unwrap());
    let never = Request::with(&[CertId::of(&own, &[0x41; 16])], None);
    assert!(!ask(&never).await.is_empty());
    let refused = exchange("POST", &url, &[0x30; 5_000]).await;
    assert!(refused.starts_with(b"HTTP/1.1 413"), "{}", String::from_utf8_lossy(&refused));
    let nothing = exchange("GET", &format!("{}/crl/signature-99999.crl", scene.public), &[]).await;
    assert!(nothing.starts_with(b"HTTP/1.1 404") && String::from_utf8_lossy(&nothing).contains("not_found"));

    // Signed beforehand: who sends a nonce gets the kept answer, too, and a change of state ends it at once.
    scene.restart(&[("presigned", true.into())], World::real()).await;
    let kept = ask(&fresh).await;
    assert_eq!(kept, ask(&fresh).await);
    assert!(scene.read_answer(&kept, now_s).contains("end.pem: good"), "states are read again at a start");
    assert_eq!(scene.event(HolderEvent::Suspended).await, Ok(2));
    let told = scene.read_answer(&ask(&fresh).await, now_s);
    assert!(told.contains("end.pem: revoked") && told.contains("certificateHold"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_responders_are_renewed_on_time_by_themselves() {
    let mut scene = Scene::new().await;
    let holder = Holder::new(scene.ground.folder.path());
    let issued: IssuedCertificates =
        post(&scene.registrar, CARD_CERTIFICATES, &holder.order("card-1")).await.unwrap();
    let now = scene.ground.house("authority").now();
    let world = World::simulated(9, now.0);
    scene.restart(&[], world.clone()).await;
    let url = format!("{}/crl/signature-13221.crl", scene.public);
    let list = async || {
        for _ in 0..200 {
            let answer = exchange("GET", &url, &[]).await;
            if answer.starts_with(b"HTTP/1.1 200") {
                return Crl::parse(&body(&answer)).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("there is no list");
    };
    // A municipality's first list is made by the job's first look.
    let first = list().await;
    let hour = 3_600_000;
    // A day later, two hours before its end, the next one is there; not before.
    world.advance(23 * hour);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(list().await.updates(), first.updates());
    world.advance(hour + 60_000);
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    let second = loop {
        let second = list().await;
        if second.updates().0 > first.updates().0 {
            break second;
        }
        assert!(std::time::Instant::now() < deadline, "no new list");
        tokio::time::sleep(Duration::from_millis(25)).await;
    };
    assert!(first.updates().1.unwrap().since_ms(second.updates().0) > hour, "an hour to spare");

    // The responder's certificate holds a month: another one answers long before, and OpenSSL takes it.
    let request = scene.request(&issued.issued[1], false);
    let ocsp = format!("{}/ocsp", scene.public);
    let before = body(&exchange("POST", &ocsp, &request).await);
    // OpenSSL holds the answer's own times against the machine's clock and warns; certificates are judged on that day.
    let holds =
        |told: &str| told.contains("Response verify OK") && told.lines().any(|line| line.ends_with("good"));
    let told = scene.read_answer(&before, world.now() / 1_000);
    assert!(holds(&told), "{told}");
    world.advance(25 * 24 * hour);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    world.advance(10 * 24 * hour);
    let at_s = world.now() / 1_000;
    let mut told = String::new();
    for _ in 0..100 {
        let answer = body(&exchange("POST", &ocsp, &request).await);
        told = scene.read_answer(&answer, at_s);
        if holds(&told) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(holds(&told), "{told}");
}

/// The word to the authority is one transaction with the change itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_cannot_be_entered_ends_no_certificate() {
    let scene = Scene::new().await;
    let holder = Holder::new(scene.ground.folder.path());
    let issued: IssuedCertificates =
        post(&scene.registrar, CARD_CERTIFICATES, &holder.order("card-1")).await.unwrap();
    let house = scene.ground.house("registry");
    let fail = async |sql: &'static str| {
        let done = house
            .road
            .db()
            .write::<_, store::StoreError, _>("fail", move |write| write.execute(sql, &[]))
            .await;
        done.unwrap();
    };
    fail("CREATE TRIGGER fail BEFORE INSERT ON change BEGIN SELECT RAISE(ABORT, 'full'); END").await;
    let day = Date::parse("2026-10-01").unwrap();
    let (entry, kind) = ("card-1".to_owned(), ChangeKind::Death);
    let change = Change { entry, kind, day, attributes: None, new_number: false };
    assert!(post::<ChangeDone>(&scene.registrar, CHANGES, &change).await.is_err());
    assert_eq!(house.road.parcels_waiting().await.unwrap(), 0, "no word leaves");
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(scene.ocsp(&issued.issued[0]), "good");
    fail("DROP TRIGGER fail").await;
    post::<ChangeDone>(&scene.registrar, CHANGES, &change).await.unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while scene.ocsp(&issued.issued[0]) != "revoked" {
        assert!(std::time::Instant::now() < deadline, "the change did not reach the authority");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
