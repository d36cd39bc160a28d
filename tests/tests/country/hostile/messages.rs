//! Honest messages, each laid open.

use protocol::audit::FindingKind;
use protocol::index::{IndexHop, hash_of};
use protocol::inquiry::{Hop, Inquiry};
use protocol::issue::{IssueHop, Order, ROWS_INFO, Rows, STATUS_INFO};
use protocol::oversight::Alarm;
use protocol::own::{DEMO, DemoLook};
use protocol::rotation::{EpochChange, RotationRows};
use protocol::session::SessionKey;
use seal::x509::{CertificationRequest, IssuerKey, KeyKind};
use seal::{Conversion, EncryptedCode, Jws, KeyFolder, PersonPoint, Position, PublicPoint};
use serde_json::{Value, json};
use words::{ActId, B64, Domain, Epoch, PartyId, SessionName};

use super::lab::{Lab, Session, domain, open};
use super::{Kind, WITHIN};

impl Lab {
    pub(super) fn on_its_way(&self, kind: Kind, inquiry: &Inquiry, jws: &Jws) -> Value {
        let (linkage, trustee) = (self.house("linkage"), self.house("trustee"));
        let (first, last) = (linkage.keys.transcryptor().unwrap(), trustee.keys.transcryptor().unwrap());
        let from = &inquiry.subject.session;
        let convert = |to: &Session, party: &str| {
            let conversion = Conversion {
                from_domain: domain("town"),
                from_session: from.clone(),
                to_domain: domain(party),
                to_session: to.0.clone(),
            };
            let code = inquiry.subject.code;
            let half =
                first.convert(&conversion, Position::First(self.public(from)), &inquiry.id, &code).unwrap();
            (half, last.convert(&conversion, Position::Last(to.1), &inquiry.id, &half).unwrap())
        };
        let (half, whole) = convert(&self.to_tax, "tax");
        let (half_index, whole_index) = convert(&self.to_portal, "portal");
        let code = inquiry.subject.code;
        let hop = |taken: &seal::EncryptedCode, given: &seal::EncryptedCode| Hop {
            id: inquiry.id,
            inquiry: jws.hash().into(),
            to_session: self.to_tax.0.clone(),
            to_epoch: Epoch(0),
            taken: B64::from(taken.hash()),
            given: B64::from(given.hash()),
        };
        let index_hop = |taken: seal::EncryptedCode, given: seal::EncryptedCode| IndexHop {
            id: inquiry.id,
            batch: false,
            to_session: self.to_portal.0.clone(),
            to_epoch: Epoch(0),
            taken: hash_of(&[taken]),
            given: hash_of(&[given]),
        };
        let index = json!({
            "hop": open(&linkage.sign(&index_hop(code, half_index))),
            "from_session": from, "from_epoch": inquiry.subject.epoch, "codes": [half_index],
        });
        match kind {
            Kind::HalfIndex => index,
            Kind::ToTrustee => json!({
                "inquiry": open(jws), "hop": open(&linkage.sign(&hop(&code, &half))), "code": half, "index": index,
            }),
            Kind::IndexEntries => json!({
                "hops": [
                    open(&linkage.sign(&index_hop(code, half_index))),
                    open(&trustee.sign(&index_hop(half_index, whole_index))),
                ],
                "codes": [whole_index],
            }),
            _ => json!({
                "inquiry": open(jws),
                "hops": [open(&linkage.sign(&hop(&code, &half))), open(&trustee.sign(&hop(&half, &whole)))],
                "code": whole,
            }),
        }
    }

    pub(super) fn order(&self, inquiry: &Inquiry) -> Value {
        let (town, registry) = (self.town.house(), self.ground.entry("registry"));
        let id = ActId::batch(*inquiry.id.bytes());
        let rows = json!([{ "name": "無名", "address": "無所", "birth": "1901-01-01", "sex": "男" }]);
        let sealed = registry
            .sealing
            .seal(ROWS_INFO, id.bytes(), &serde_json::to_vec(&rows).unwrap(), &town.dice)
            .unwrap();
        self.town_waits_for(id);
        let order = Order {
            id,
            from: inquiry.from.clone(),
            epoch: Epoch(0),
            session: inquiry.subject.session.clone(),
            rows: 1,
            sealed: B64::from(seal::sha256(&sealed.bytes)),
            at: town.now(),
        };
        json!({ "order": open(&town.sign(&order)), "sealed": B64::from(sealed.bytes) })
    }

    /// The town has ordered rows, of nobody.
    fn town_waits_for(&self, id: ActId) {
        let town = self.town.house();
        let database = rusqlite::Connection::open(self.ground.folder.path().join("town/town.db")).unwrap();
        database.busy_timeout(WITHIN).unwrap();
        let numbers = town.storage.seal("batch", id.bytes(), "numbers", b"[\"nobody\"]");
        let sql = "INSERT INTO batch (id, numbers, at) VALUES (?1, ?2, ?3)";
        database.execute(sql, rusqlite::params![id.bytes().as_slice(), numbers, town.now().0]).unwrap();
    }

    /// One row of a rotation of the town's codes, as it is on each hop.
    pub(super) fn rotation(&self, kind: Kind, inquiry: &Inquiry) -> Value {
        let (town, linkage, trustee) = (self.town.house(), self.house("linkage"), self.house("trustee"));
        let (first, last) = (linkage.keys.transcryptor().unwrap(), trustee.keys.transcryptor().unwrap());
        let id = ActId::batch(*inquiry.id.bytes());
        self.town_waits_for(id);
        let (session, code) = (&inquiry.subject.session, inquiry.subject.code);
        let (epoch, to_epoch) = (Epoch(0), Epoch(1));
        let conversion = Conversion {
            from_domain: domain("town"),
            from_session: session.clone(),
            to_domain: Domain::new(inquiry.from.clone(), to_epoch),
            to_session: session.clone(),
        };
        let key = self.public(session);
        let half = first.convert(&conversion, Position::First(key), &id.row(0), &code).unwrap();
        let whole = last.convert(&conversion, Position::Last(key), &id.row(0), &half).unwrap();
        let rows = town.sign(&RotationRows {
            id,
            from: inquiry.from.clone(),
            epoch,
            to_epoch,
            session: session.clone(),
            rows: 1,
            codes: hash_of(&[code]),
            at: town.now(),
        });
        let hop = |taken, given| IssueHop {
            id,
            rows: rows.hash().into(),
            taken: hash_of(&[taken]),
            given: hash_of(&[given]),
        };
        let (opened, to_trustee) = (open(&rows), open(&linkage.sign(&hop(code, half))));
        match kind {
            Kind::RotationRows => json!({ "rows": opened, "codes": [code] }),
            Kind::RotationToTrustee => json!({ "rows": opened, "hop": to_trustee, "codes": [half] }),
            _ => json!({
                "rows": opened, "hops": [to_trustee, open(&trustee.sign(&hop(half, whole)))], "codes": [whole],
            }),
        }
    }

    /// Linkage's word that the town's next epoch is open.
    pub(super) fn epoch(&self) -> Value {
        let linkage = self.house("linkage");
        let party = PartyId::parse("town").unwrap();
        let change = EpochChange { party, epoch: Epoch(1), old_until: None, at: linkage.now() };
        json!({ "change": open(&linkage.sign(&change)) })
    }

    /// A session that linkage would open for the town, with a number that is not in use.
    pub(super) fn extend(&self, person: usize) -> Value {
        let linkage = self.house("linkage");
        let secrets = linkage.keys.transcryptor().unwrap();
        let [number, more]: [u8; 2] = linkage.dice.bytes();
        let number = 1_000 + u32::from(number) * 256 + u32::from(more) + u32::try_from(person).unwrap();
        let day = linkage.now().date_in_japan();
        let session = SessionName::new(&PartyId::parse("town").unwrap(), day, number);
        let before = linkage.country.global.public;
        let key = SessionKey {
            key: secrets.extend_session_key(&session, &before, &linkage.dice).unwrap(),
            session,
            domain: secrets.domain_commitment(&domain("town")).unwrap(),
            epoch: Epoch(0),
            opened_at: linkage.now(),
            ends_at: linkage.now().plus_ms(3_600_000),
        };
        json!({ "party": "town", "key": open(&linkage.sign(&key)) })
    }

    /// One row of an issue to the town, as it is on each hop. Nobody is in it.
    pub(super) fn issue(&self, kind: Kind, inquiry: &Inquiry) -> Value {
        let ordered = self.order(inquiry);
        let (registry, linkage, trustee) =
            (self.house("registry"), self.house("linkage"), self.house("trustee"));
        let (first, last) = (linkage.keys.transcryptor().unwrap(), trustee.keys.transcryptor().unwrap());
        let (id, row) = (ActId::batch(*inquiry.id.bytes()), ActId::batch(*inquiry.id.bytes()).row(0));
        let town = &inquiry.subject.session;
        let convert = |code: &EncryptedCode, to: &SessionName, key: PublicPoint, party: &str| {
            let conversion = Conversion {
                from_domain: domain("registry"),
                from_session: self.registry.0.clone(),
                to_domain: domain(party),
                to_session: to.clone(),
            };
            let half = first.convert(&conversion, Position::First(self.registry.1), &row, code).unwrap();
            (half, last.convert(&conversion, Position::Last(key), &row, &half).unwrap())
        };
        let [code, index] =
            [(); 2].map(|()| PersonPoint::nobody(&registry.dice).encrypt(&self.registry.1, &registry.dice));
        let (half, whole) = convert(&code, town, self.public(town), "town");
        let (half_index, _) = convert(&index, &self.to_portal.0, self.to_portal.1, "portal");
        let sealing = self.ground.entry("town").sealing;
        let status =
            B64::from(sealing.seal(STATUS_INFO, id.bytes(), b"[\"none\"]", &registry.dice).unwrap().bytes);
        let rows = registry.sign(&Rows {
            id,
            to: inquiry.from.clone(),
            to_epoch: Epoch(0),
            to_session: town.clone(),
            from_session: self.registry.0.clone(),
            rows: 1,
            codes: hash_of(&[code]),
            index: hash_of(&[index]),
            status: B64::from(seal::sha256(&status.0)),
            at: registry.now(),
            asserted_until: None,
        });
        let hop = |taken, given| IssueHop {
            id,
            rows: rows.hash().into(),
            taken: hash_of(&[taken]),
            given: hash_of(&[given]),
        };
        let (order, opened) = (&ordered["order"], open(&rows));
        match kind {
            Kind::IssueRows => json!({
                "order": order, "rows": opened, "codes": [code], "index": [index], "status": status,
            }),
            Kind::IssueToTrustee => {
                let index_hop = IndexHop {
                    id,
                    batch: true,
                    to_session: self.to_portal.0.clone(),
                    to_epoch: Epoch(0),
                    taken: hash_of(&[index]),
                    given: hash_of(&[half_index]),
                };
                json!({
                    "order": order, "rows": opened, "hop": open(&linkage.sign(&hop(code, half))), "codes": [half],
                    "index": {
                        "hop": open(&linkage.sign(&index_hop)), "from_session": self.registry.0, "from_epoch": 0,
                        "codes": [half_index],
                    },
                    "status": status,
                })
            }
            _ => json!({
                "order": order, "rows": opened,
                "hops": [open(&linkage.sign(&hop(code, half))), open(&trustee.sign(&hop(half, whole)))],
                "codes": [whole], "status": status,
            }),
        }
    }

    /// The portal's alarm about an act that never was.
    pub(super) fn alarm(&self, inquiry: &Inquiry) -> Value {
        let at = self.house("portal").now();
        let alarm = Alarm { kind: FindingKind::UnknownIndexEntry, act: inquiry.id, at };
        serde_json::to_value(alarm).unwrap()
    }

    /// What the portal asks linkage for while a person looks, with the picker's word that one does.
    pub(super) fn own_records(&self, inquiry: &Inquiry) -> Value {
        let portal = self.house("portal");
        let picker = KeyFolder::new(self.ground.folder.path().join("ceremony/demo")).signing(None).unwrap();
        let look = DemoLook {
            nonce: B64::from(portal.dice.bytes::<16>()),
            at: portal.now(),
            ends: portal.now().plus_ms(60_000),
        };
        let look = protocol::sign(&picker, &PartyId::parse(DEMO).unwrap(), &look);
        json!({ "look": open(&look), "acts": [inquiry.id] })
    }

    /// An order of a party for itself or for one of its operators, with a new key; or the end of one.
    pub(super) fn certificate(&self, kind: Kind) -> Value {
        let id = ActId::new(self.house("bank").world.random());
        let key = IssuerKey::from_pkcs8(&IssuerKey::generate(KeyKind::P256).unwrap()).unwrap();
        let request = B64::from(CertificationRequest::of(&key).unwrap());
        match kind {
            Kind::Renew => json!({ "id": id, "request": request }),
            Kind::CertifyOperator => json!({ "id": id, "operator": "clerk", "request": request }),
            _ => json!({ "id": id, "operator": "somebody" }),
        }
    }
}
