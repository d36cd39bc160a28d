//! Everybody's keys, and what each could send with its own.

use std::sync::Arc;

use gateway::rehearsal::Member;
use house::House;
use protocol::inquiry::{Inquiry, Reply};
use protocol::oversight::{CaseKind, OpenCase};
use seal::{Jws, PublicPoint, SealingKey};
use serde_json::{Value, json};
use wire::CallError;
use words::{B64, Domain, Epoch, PartyId, SessionName};

use super::holder::Holder;
use super::{HOLDER, Kind, WITHIN};
use crate::ground::Ground;

/// A message laid open: each signed part is `{"payload": …, "jws": …}`.
pub(super) struct Opened {
    pub(super) tree: Value,
    /// What opens the reply, where there is one.
    pub(super) key: Option<SealingKey>,
}

/// Everybody's keys, and honest messages made with them: whoever is hostile in a case uses its own alone.
pub(super) struct Lab {
    pub(super) ground: Ground,
    pub(super) town: Member,
    pub(super) numbers: [String; 2],
    /// Name and public key of the current sessions of the tax agency, the portal and the registry.
    pub(super) to_tax: Session,
    pub(super) to_portal: Session,
    pub(super) registry: Session,
    /// A person with a card and a passkey, once there is one.
    pub(super) holder: Option<Holder>,
}

pub(super) fn open(jws: &Jws) -> Value {
    let payload = B64::parse(jws.as_str().split('.').nth(1).unwrap()).unwrap();
    json!({ "payload": serde_json::from_slice::<Value>(&payload.0).unwrap(), "jws": jws.as_str() })
}

pub(super) fn domain(party: &str) -> Domain {
    Domain::new(PartyId::parse(party).unwrap(), Epoch(0))
}

/// A session's name and public key.
pub(super) type Session = (SessionName, PublicPoint);

/// A party's current session, from linkage's database.
fn current(ground: &Ground, party: &str) -> Session {
    let file = ground.folder.path().join("linkage/linkage.db");
    let database =
        rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sql = "SELECT name, public FROM session WHERE party = ?1 ORDER BY opened_at DESC LIMIT 1";
    let (name, public): (String, Vec<u8>) =
        database.query_row(sql, [party], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    (SessionName::parse(&name).unwrap(), PublicPoint::from_bytes(&public).unwrap())
}

impl Lab {
    pub(super) async fn new() -> Self {
        let ground = Ground::new(300).await;
        let town = ground.member("town").await;
        let numbers = ground.two_at_town_and_tax();
        let (to_tax, to_portal) = (current(&ground, "tax"), current(&ground, "portal"));
        let registry = current(&ground, "registry");
        Self { ground, town, numbers, to_tax, to_portal, registry, holder: None }
    }

    /// Linkage and the trustee have opened a rotation of the town's codes, of which the town has not heard.
    pub(super) async fn open_rotation(&mut self) {
        self.ground.ready.stage.stop_room("town").await.unwrap();
        crate::rotation::turn(&self.ground, "town").await.unwrap_err();
        self.ground.ready.stage.start_room("town").await.unwrap();
    }

    /// Somebody is signed in with a card and has a passkey.
    pub(super) async fn sign_in(&mut self) {
        self.holder = Some(Holder::new(&self.ground).await);
    }

    pub(super) fn house(&self, id: &str) -> &Arc<House> {
        self.ground.house(id)
    }

    pub(super) fn public(&self, session: &SessionName) -> PublicPoint {
        let file = self.ground.folder.path().join("linkage/linkage.db");
        let database =
            rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let sql = "SELECT public FROM session WHERE name = ?1";
        let public: Vec<u8> = database.query_row(sql, [session.as_str()], |row| row.get(0)).unwrap();
        PublicPoint::from_bytes(&public).unwrap()
    }

    /// An honest message about the first person (or the second), not sent before.
    pub(super) async fn honest(&self, kind: Kind, person: usize) -> Opened {
        let tax = PartyId::parse("tax").unwrap();
        let (inquiry, key) =
            self.town.compose(&self.numbers[person], "child-allowance", "income", &tax).await.unwrap();
        let jws = self.town.sign(&inquiry);
        let tree = match kind {
            Kind::Inquiry | Kind::Reply => json!({ "inquiry": open(&jws) }),
            Kind::Again | Kind::AgainToProvider => {
                // The act whose reply is asked for once more took place.
                self.town.send(&jws).await.unwrap();
                json!({ "inquiry": open(&jws) })
            }
            Kind::ToTrustee | Kind::HalfIndex | Kind::ToProvider | Kind::IndexEntries => {
                self.on_its_way(kind, &inquiry, &jws)
            }
            Kind::Order => self.order(&inquiry),
            Kind::IssueRows | Kind::IssueToTrustee | Kind::IssueToTown => self.issue(kind, &inquiry),
            Kind::Alarm => self.alarm(&inquiry),
            Kind::OwnRecords => self.own_records(&inquiry),
            Kind::Open => json!({ "instead_of": null, "named": inquiry.subject.session }),
            Kind::AskShare | Kind::AskStatement => json!({ "session": inquiry.subject.session }),
            Kind::AskChanges => json!({ "party": inquiry.from }),
            Kind::Extend => self.extend(person),
            Kind::Case => {
                let case =
                    OpenCase { kind: CaseKind::GuardMismatch, act: inquiry.id, at: self.house("tax").now() };
                serde_json::to_value(case).unwrap()
            }
            Kind::Renew | Kind::CertifyOperator | Kind::RevokeOperator => self.certificate(kind),
            Kind::RotationRows | Kind::RotationToTrustee | Kind::RotationToTown => {
                self.rotation(kind, &inquiry)
            }
            Kind::Epoch | Kind::EpochToTown => self.epoch(),
            Kind::SignIn
            | Kind::MyRecords
            | Kind::Challenge
            | Kind::EnrolPasskey
            | Kind::UsePasskey
            | Kind::RemovePasskey
            | Kind::Shown => self.of_holder(kind, person).await,
        };
        Opened { tree, key: Some(key) }
    }

    /// Puts a message together as its hostile sender can: its own statements signed, everybody else's as they were, or forged.
    pub(super) fn assemble(&self, hostile: &str, node: &Value) -> Value {
        match node {
            Value::Object(all) if all.contains_key("jws") => {
                let text = all["jws"].as_str().unwrap();
                let payload = &all.get("payload").cloned().unwrap_or(Value::Null);
                // A statement that is as it was signed, this act's or another's, goes as it is.
                if open(&Jws::parse(text).unwrap())["payload"] == *payload {
                    return Value::String(text.to_owned());
                }
                let header = B64::parse(text.split('.').next().unwrap()).unwrap();
                let header: Value = serde_json::from_slice(&header.0).unwrap();
                let bytes = serde_json::to_vec(payload).unwrap();
                if hostile != HOLDER && header.to_string().contains(&format!("\"{hostile}\"")) {
                    let own = if hostile == "town" { self.town.house() } else { self.house(hostile) };
                    let typ: &'static str = header["typ"].as_str().unwrap().to_owned().leak();
                    return Value::String(
                        own.signing.sign(&own.id, seal::Typ(typ), &bytes).as_str().to_owned(),
                    );
                }
                let mut parts: Vec<String> = text.split('.').map(str::to_owned).collect();
                parts[1] = B64::from(bytes).text();
                Value::String(parts.join("."))
            }
            Value::Object(all) => all
                .iter()
                .map(|(name, one)| (name.clone(), self.assemble(hostile, one)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Value::Array(all) => all.iter().map(|one| self.assemble(hostile, one)).collect(),
            other => other.clone(),
        }
    }

    /// Sends it, and says what came of it.
    pub(super) async fn send(&self, kind: Kind, honest: &Opened, tree: &Value) -> String {
        let (_, hostile, room) = kind.about();
        let message = self.assemble(hostile, tree);
        let sent: Result<Value, CallError> = match hostile {
            HOLDER => {
                let inner =
                    musubi::desk::client(self.ground.ready.stage.section(room).unwrap(), "operator").unwrap();
                inner.post(kind.path(), &message, WITHIN).await
            }
            "town" => self.town.house().post(&self.ground.entry(room), kind.path(), &message, WITHIN).await,
            _ => self.house(hostile).post(&self.ground.entry(room), kind.path(), &message, WITHIN).await,
        };
        match sent {
            Ok(answer) => match serde_json::from_value::<Reply>(answer) {
                Ok(reply) => self.opened(honest, &message, &reply),
                Err(_) => "taken".into(),
            },
            Err(CallError::Problem(problem)) => problem.reason.to_string(),
            Err(error) => panic!("{room} broke off: {error}"),
        }
    }

    /// What the inquirer finds in a reply.
    pub(super) fn opened(&self, honest: &Opened, message: &Value, reply: &Reply) -> String {
        let jws: Jws = serde_json::from_value(message["inquiry"].clone()).unwrap();
        let payload = B64::parse(jws.as_str().split('.').nth(1).unwrap()).unwrap();
        let inquiry: Inquiry = serde_json::from_slice(&payload.0).unwrap();
        match self.town.open_reply(&inquiry, &jws, honest.key.as_ref().unwrap(), reply) {
            Ok(_) => "answered".into(),
            Err(reason) => reason.to_string(),
        }
    }
}
