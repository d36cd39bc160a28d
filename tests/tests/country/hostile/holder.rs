//! A person with a card and a passkey of our own making, and what goes from the person or the portal to the rooms that sign
//! people in.

use protocol::certificates::{CARD_CERTIFICATES, IssuedCertificates, OrderForCard, Window};
use protocol::sign_in::{
    ASSERTIONS, AskAssertion, AskChallenge, Asserted, CHALLENGES, Challenge, PASSKEYS, sign_in_text,
};
use seal::x509::{CertificationRequest, IssuerKey, KeyKind};
use serde_json::{Value, json};
use words::{ActId, B64};

use super::lab::{Lab, open};
use super::{Kind, WITHIN};
use crate::ground::Ground;

/// The entry of a resident of the demo.
const ENTRY: &str = "0000001";
/// `UP`, `UV` and `AT` of the authenticator's data (WebAuthn Level 3 §6.1).
const PRESENT_AND_VERIFIED: u8 = 0x05;
const WITH_CREDENTIAL: u8 = 0x40;

pub(super) struct Holder {
    card: IssuerKey,
    certificate: Vec<u8>,
    authenticator: IssuerKey,
    credential: [u8; 16],
    origin: String,
    /// Signed in with the card, twice.
    asserted: [Asserted; 2],
}

fn new_key(kind: KeyKind) -> IssuerKey {
    IssuerKey::from_pkcs8(&IssuerKey::generate(kind).unwrap()).unwrap()
}

fn ask_assertion(ground: &Ground, card: &IssuerKey, certificate: &[u8]) -> AskAssertion {
    let world = &ground.house("authority").world;
    let (id, at) = (ActId::new(world.random()), ground.house("authority").now());
    let signature = card.sign(sign_in_text(&id, at).as_bytes()).unwrap();
    AskAssertion { id, at, certificate: B64::from(certificate.to_vec()), signature: B64::from(signature) }
}

impl Holder {
    /// Has a certificate in the card, is signed in with it and has enrolled a passkey.
    pub(super) async fn new(ground: &Ground) -> Self {
        let card = new_key(KeyKind::Rsa2048);
        let order = OrderForCard {
            entry: ENTRY.into(),
            window: Window {
                prefecture: "Musubi-to".into(),
                municipality: "Musubi-shi".into(),
                code: "13221".into(),
            },
            signature: None,
            authentication: Some(B64::from(CertificationRequest::of(&card).unwrap())),
        };
        let section = |room| ground.ready.stage.section(room).unwrap();
        let registrar = musubi::desk::client(section("registry"), "registrar").unwrap();
        let issued: IssuedCertificates = registrar.post(CARD_CERTIFICATES, &order, WITHIN).await.unwrap();
        let certificate = issued.issued[0].certificate.0.clone();
        let authority = musubi::desk::client(section("authority"), "operator").unwrap();
        let sign_in = async || {
            let ask = ask_assertion(ground, &card, &certificate);
            authority.post::<Asserted>(ASSERTIONS, &ask, WITHIN).await.unwrap()
        };
        let asserted = [sign_in().await, sign_in().await];
        let pages = section("portal").settings.common.pages.clone().unwrap();
        let holder = Self {
            card,
            certificate,
            authenticator: new_key(KeyKind::P256),
            credential: ground.house("portal").world.random(),
            origin: format!("http://localhost:{}", pages.listen.port()),
            asserted,
        };
        let enrol = holder.enrol(ground, 0, &holder.credential).await;
        let message = json!({
            "id": enrol["id"], "assertion": holder.asserted[0].assertion, "challenge": enrol["challenge"],
            "client": enrol["client"], "attestation": enrol["attestation"],
        });
        let portal = ground.house("portal");
        let _: Value = portal.post(&ground.entry("authority"), PASSKEYS, &message, WITHIN).await.unwrap();
        holder
    }

    fn client(&self, kind: &str, challenge: &B64) -> B64 {
        let client = json!({
            "type": kind, "challenge": challenge.text(), "origin": self.origin, "crossOrigin": false,
        });
        B64::from(client.to_string().into_bytes())
    }

    /// A credential of this key, not attested (§8.7).
    async fn enrol(&self, ground: &Ground, signed_in: usize, credential: &[u8; 16]) -> Value {
        let challenge = challenge(ground).await;
        let point = self.authenticator.public().bits();
        let (x, y) = point[1..].split_at(32);
        let key: [&[u8]; 5] = [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32], x, &[0x22, 0x58, 32], y, &[]];
        let site = seal::sha256(challenge.site.as_bytes());
        let data = [
            site.as_slice(),
            &[PRESENT_AND_VERIFIED | WITH_CREDENTIAL],
            &[0; 4],
            &[0; 16],
            &[0, 16],
            credential,
            &key.concat(),
        ]
        .concat();
        let length = u8::try_from(data.len()).unwrap();
        let object = [b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".as_slice(), &[length], &data];
        json!({
            "id": ActId::new(ground.house("portal").world.random()),
            "assertion": open(&self.asserted[signed_in].assertion),
            "challenge": challenge.challenge,
            "client": self.client("webauthn.create", &challenge.challenge),
            "attestation": B64::from(object.concat()),
        })
    }

    async fn sign_in_by_passkey(&self, ground: &Ground) -> Value {
        let challenge = challenge(ground).await;
        let client = self.client("webauthn.get", &challenge.challenge);
        let site = seal::sha256(challenge.site.as_bytes());
        let data = [site.as_slice(), &[PRESENT_AND_VERIFIED], &[0; 4]].concat();
        let signed = [data.as_slice(), &seal::sha256(&client.0)].concat();
        json!({
            "id": ActId::new(ground.house("portal").world.random()),
            "challenge": challenge.challenge,
            "credential": B64::from(self.credential),
            "client": client,
            "data": B64::from(data),
            "signature": B64::from(self.authenticator.sign(&signed).unwrap()),
        })
    }
}

async fn challenge(ground: &Ground) -> Challenge {
    let (portal, authority) = (ground.house("portal"), ground.entry("authority"));
    portal.post(&authority, CHALLENGES, &AskChallenge {}, WITHIN).await.unwrap()
}

impl Lab {
    /// A passkey of the same person beside the first, and no other.
    fn one_more_passkey(&self, first: &[u8]) -> [u8; 16] {
        let credential: [u8; 16] = self.house("portal").world.random();
        let file = self.ground.folder.path().join("authority/authority.db");
        let database = rusqlite::Connection::open(file).unwrap();
        database.busy_timeout(WITHIN).unwrap();
        database.execute("DELETE FROM passkey WHERE credential <> ?1", [first]).unwrap();
        let sql = "INSERT INTO passkey (credential, holder, serial, public, counter, enrolled) \
                   SELECT ?2, holder, serial, public, counter, enrolled FROM passkey WHERE credential = ?1";
        assert_eq!(database.execute(sql, rusqlite::params![first, credential.as_slice()]).unwrap(), 1);
        credential
    }

    pub(super) async fn of_holder(&self, kind: Kind, signed_in: usize) -> Value {
        let holder = self.holder.as_ref().unwrap();
        let world = &self.house("portal").world;
        let id = ActId::new(world.random());
        let assertion = open(&holder.asserted[signed_in].assertion);
        match kind {
            Kind::Challenge => json!({}),
            Kind::SignIn => {
                let ask = ask_assertion(&self.ground, &holder.card, &holder.certificate);
                serde_json::to_value(ask).unwrap()
            }
            Kind::MyRecords => {
                json!({ "assertion": assertion, "look": open(&holder.asserted[signed_in].look) })
            }
            Kind::EnrolPasskey => {
                self.one_more_passkey(&holder.credential);
                holder.enrol(&self.ground, signed_in, &world.random()).await
            }
            Kind::UsePasskey => holder.sign_in_by_passkey(&self.ground).await,
            Kind::RemovePasskey => {
                let credential = self.one_more_passkey(&holder.credential);
                json!({ "id": id, "assertion": assertion, "credential": B64::from(credential) })
            }
            _ => json!({ "id": id, "assertion": assertion }),
        }
    }
}
