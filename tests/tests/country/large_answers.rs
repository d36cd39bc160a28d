//! Answers too large for a reply's JSON: they flow through both transcryptors, are whole or nothing, and come again when a
//! connection broke.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use axum::{Router, routing::post};
use house::House;
use protocol::desk::{Ask, INQUIRIES, Told};
use protocol::inquiry::{
    ANSWER_INFO, Again, Answer, Inquiry, PATH, REPLIES, Reply, ReplyStatement, ToLinkage, ToProvider,
};
use serde_json::value::RawValue;
use wire::{Bound, CallError, Json, Notes, Rejection, TlsIdentity};
use words::{AffairId, B64, ItemId, PartyId, Reason};
use world::Shutdown;

use crate::ground::Ground;

const WITHIN: Duration = Duration::from_secs(30);

fn tax() -> PartyId {
    PartyId::parse("tax").unwrap()
}

/// What the tax agency holds of a customer of the town, from now on: that many characters.
fn let_tax_hold(ground: &Ground, customer: &str, characters: usize) -> String {
    let (town, agency) = (crate::ground::town(), demo::Institution::named("tax").unwrap());
    let truth = &ground.ready.truth;
    let row = truth.rows.iter().find(|row| row.institution == town && row.number == customer).unwrap();
    let number = &truth.linked(agency, row.resident.unwrap()).unwrap().number;
    let text: String = (0..characters).map(|at| char::from(b'a' + u8::try_from(at % 23).unwrap())).collect();
    let file = ground.folder.path().join("sources/tax/zeimu.db");
    let changed = rusqlite::Connection::open(file)
        .unwrap()
        .execute("UPDATE income SET zeigaku = ?1 WHERE seiri_no = ?2", [&text, number]);
    assert!(changed.unwrap() > 0);
    text
}

async fn ask(ground: &Ground, customer: &str) -> Result<Told, CallError> {
    let clerk = musubi::desk::client(ground.ready.stage.section("town").unwrap(), "clerk").unwrap();
    let ask = Ask {
        id: None,
        customer: customer.to_owned(),
        affair: AffairId::parse("child-allowance").unwrap(),
        item: ItemId::parse("income").unwrap(),
        provider: tax(),
    };
    clerk.post(INQUIRIES, &ask, WITHIN).await
}

/// A field of a room's outcome of this act and verb.
async fn outcome(
    ground: &Ground,
    room: &str,
    verb: &str,
    act: words::ActId,
    field: &str,
) -> serde_json::Value {
    let leaves = ground.house(room).road.leaves(Some(act)).await.unwrap();
    let of = |leaf: &road::LeafLine| leaf.verb == verb && leaf.step == "outcome";
    let leaf = leaves.iter().find(|leaf| of(leaf)).unwrap_or_else(|| panic!("{room}: no outcome of {verb}"));
    leaf.record.field(field).cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_any_size_comes_whole_and_is_recorded_alike() {
    let ground = Ground::new(200).await;
    let [customer, _] = ground.two_at_town_and_tax();
    // The last of those that stand in the JSON, the first that does not, and one a hundred times as large as the first class.
    for (characters, class) in [(250_000, 1 << 18), (270_000, 1 << 20), (10 << 20, 1 << 24)] {
        let text = let_tax_hold(&ground, &customer, characters);
        let told = ask(&ground, &customer).await.unwrap();
        let content: serde_json::Value = serde_json::from_str(told.content.get()).unwrap();
        assert_eq!(content["tax_yen"].as_str().unwrap(), text, "{characters}");
        let (linkage, trustee) = (
            outcome(&ground, "linkage", "inquire", told.id, "sealed").await,
            outcome(&ground, "trustee", "inquire", told.id, "sealed").await,
        );
        assert_eq!(linkage, trustee, "{characters}");
        let size = outcome(&ground, "linkage", "inquire", told.id, "size_class").await.as_u64().unwrap();
        assert!((class..class + class / 100 + 2048).contains(&size), "{characters}: {size}");
        // Item 11 at both ends.
        let asked = outcome(&ground, "town", "ask", told.id, "content").await;
        assert!(asked.is_string());
        assert_eq!(asked, outcome(&ground, "tax", "answer", told.id, "content").await);
    }
    let_tax_hold(&ground, &customer, 17 << 20);
    let Err(CallError::Problem(problem)) = ask(&ground, &customer).await else { panic!("answered 17 MB") };
    assert_eq!(problem.reason, Reason::NotAnswered, "what depends on the person has one reason");
    let leaves = ground.house("tax").road.leaves(problem.act).await.unwrap();
    let truth = leaves.iter().find_map(|leaf| leaf.record.field("reason").cloned());
    assert_eq!(truth, Some("too_large".into()), "the provider's own record says which");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_broke_half_way_costs_a_repeat_and_no_second_act() {
    let ground = Ground::new(200).await;
    let member = ground.member("town").await;
    let [customer, _] = ground.two_at_town_and_tax();
    let text = let_tax_hold(&ground, &customer, 3 << 20);
    let (inquiry, key) = member.compose(&customer, "child-allowance", "income", &tax()).await.unwrap();
    let jws = member.sign(&inquiry);
    let message = ToLinkage { inquiry: jws.clone(), person: None };
    let deadline = member.house().now().plus_ms(20_000);
    let linkage = ground.entry("linkage");
    for pieces in [0, 1, 5] {
        let arrived = member.house().post_inquiry(&linkage, &message, deadline).await.unwrap();
        let mut tail = arrived.tail.expect("a large answer follows its head");
        for _ in 0..pieces {
            tail.next().await.unwrap();
        }
        assert!(tail.left() > 0);
    }
    let reply = member.send(&jws).await.unwrap();
    let content = member.open_reply(&inquiry, &jws, &key, &reply).unwrap();
    assert!(content.contains(&text));
    for (room, verb) in [("linkage", "inquire"), ("trustee", "inquire"), ("tax", "answer")] {
        let leaves = ground.house(room).road.leaves(Some(inquiry.id)).await.unwrap();
        let outcomes = leaves.iter().filter(|leaf| leaf.verb == verb && leaf.step == "outcome").count();
        assert_eq!(outcomes, 1, "{room}");
    }

    // The stored reply is nobody else's: not for other bytes, not of an act that never was, not for another caller.
    let reason = async |house: &House, room: &str, jws: &seal::Jws| {
        let again = Again { inquiry: jws.clone() };
        let sent: Result<Reply, CallError> = house.post(&ground.entry(room), REPLIES, &again, WITHIN).await;
        match sent {
            Err(CallError::Problem(problem)) => problem.reason,
            other => panic!("{room}: {other:?}"),
        }
    };
    let (linkage, trustee) = (ground.house("linkage"), ground.house("trustee"));
    let (never, _) = member.compose(&customer, "child-allowance", "income", &tax()).await.unwrap();
    let mut other = never.clone();
    other.id = inquiry.id;
    for (house, room) in [(linkage, "trustee"), (trustee, "tax")] {
        assert_eq!(reason(house, room, &member.sign(&never)).await, Reason::NotFound);
        assert_eq!(reason(house, room, &member.sign(&other)).await, Reason::Replayed);
        assert_eq!(reason(house, room, &linkage.sign(&inquiry)).await, Reason::Replayed);
        let mut parts: Vec<&str> = jws.as_str().split('.').collect();
        let signature = "A".repeat(parts[2].len());
        parts[2] = &signature;
        let forged = seal::Jws::parse(&parts.join(".")).unwrap();
        assert_eq!(reason(house, room, &forged).await, Reason::BadSignature);
    }
    assert_eq!(reason(member.house(), "trustee", &jws).await, Reason::NotAllowed);
    assert_eq!(reason(member.house(), "tax", &jws).await, Reason::NotAllowed);
    assert_eq!(reason(linkage, "tax", &jws).await, Reason::NotAllowed);
    for (room, refused) in
        [("trustee", Reason::Replayed), ("tax", Reason::Replayed), ("tax", Reason::NotFound)]
    {
        assert!(
            ground.refusals(room, refused).await > 0,
            "{room}: a repeat refused as {refused} is in the records"
        );
    }
    member.close().await;
}

/// What a hostile provider does with an answer of two megabytes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trick {
    None,
    FlipFirst,
    FlipLast,
    ExchangeParts,
    CutShort,
    SayMore,
    SayLess,
    SayTooMuch,
    InBothPlaces,
    NoTail,
    OtherStatement,
}

struct Hostile {
    house: Arc<House>,
    trick: Trick,
}

impl Hostile {
    /// The head, and the bytes after it.
    fn reply(&self, message: &ToProvider) -> (Reply, Vec<u8>) {
        let inquiry: Inquiry = self.house.verify(&message.inquiry, &PartyId::parse("town").unwrap()).unwrap();
        let content = format!("\"{}\"", "x".repeat(2 << 20));
        let answer = Answer::Answered { content: RawValue::from_string(content).unwrap(), as_of: None };
        let hash = message.inquiry.hash();
        let info = [ANSWER_INFO, &hash].concat();
        let plain = answer.prefixed();
        let sealed = inquiry
            .reply_key
            .seal_parts(&info, inquiry.id.bytes(), &plain, 1 << 22, &self.house.dice)
            .unwrap();
        let mut bytes = sealed.bytes;
        let mut id = inquiry.id;
        if self.trick == Trick::OtherStatement {
            id = words::ActId::new(self.house.world.random());
        }
        let statement = ReplyStatement { id, inquiry: hash.into(), sealed: B64::from(seal::sha256(&bytes)) };
        let length = bytes.len() as u64;
        let mut reply =
            Reply { statement: self.house.sign(&statement), sealed: B64::default(), follows: Some(length) };
        let part = seal::PART + 16;
        match self.trick {
            Trick::None | Trick::OtherStatement => {}
            Trick::FlipFirst => bytes[2000] ^= 1,
            Trick::FlipLast => *bytes.last_mut().unwrap() ^= 1,
            Trick::ExchangeParts => {
                let start = bytes.len() % part;
                bytes[start..].rotate_left(part);
            }
            Trick::CutShort => bytes.truncate(bytes.len() - part),
            Trick::SayMore => reply.follows = Some(length + 1),
            Trick::SayLess => reply.follows = Some(length - 1),
            Trick::SayTooMuch => reply.follows = Some(1 << 40),
            Trick::InBothPlaces => reply.sealed = bytes.clone().into(),
            Trick::NoTail => bytes.clear(),
        }
        (reply, bytes)
    }
}

async fn answer(State(hostile): State<Arc<Hostile>>, body: Json<ToProvider>) -> Response {
    let (reply, bytes) = hostile.reply(&body.message);
    let whole = wire::joined(&serde_json::to_vec(&reply).unwrap(), &bytes);
    // Ended by the end of the bytes, whatever the head says.
    let mut response = Response::new(whole.into());
    response.headers_mut().insert("content-type", wire::HEAD_AND_TAIL.parse().unwrap());
    response
}

fn identity_of(house: &House, settings: &house::Settings) -> TlsIdentity {
    let read = |file: &str| std::fs::read(settings.base.join(&settings.common.keys).join(file)).unwrap();
    let root = house.country.root_certificate.as_bytes();
    TlsIdentity::from_pem(&read("tls.crt"), &read("tls.key"), root).unwrap()
}

struct Nothing;

impl Notes for Nothing {
    fn note(&self, _rejection: Rejection) -> house::BoxFuture<'_, bool> {
        Box::pin(async { true })
    }

    fn served(&self, _side: wire::Side, _status: u16) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_did_not_sign_is_passed_to_no_end() {
    let mut ground = Ground::new(200).await;
    let member = ground.member("town").await;
    let [customer, _] = ground.two_at_town_and_tax();
    // Opens the town's session and shows the way before the provider is exchanged for a hostile one.
    let told = ask(&ground, &customer).await;
    assert!(told.is_ok());
    let house = Arc::clone(ground.house("tax"));
    let settings = ground.ready.stage.section("tax").unwrap().settings.clone();
    ground.ready.stage.stop_room("tax").await.unwrap();
    for trick in [
        Trick::None,
        Trick::FlipFirst,
        Trick::FlipLast,
        Trick::ExchangeParts,
        Trick::CutShort,
        Trick::SayMore,
        Trick::SayLess,
        Trick::SayTooMuch,
        Trick::InBothPlaces,
        Trick::NoTail,
        Trick::OtherStatement,
    ] {
        let shutdown = Shutdown::new();
        let hostile = Arc::new(Hostile { house: Arc::clone(&house), trick });
        let router = Router::new().route(PATH, post(answer)).with_state(hostile);
        let bound = Bound::at(settings.common.outer).await.unwrap();
        let identity = identity_of(&house, &settings);
        let until = shutdown.clone();
        let served = tokio::spawn(async move {
            wire::serve_outer(bound, &identity, router, Arc::new(Nothing), until).await.unwrap();
        });
        let (inquiry, key) = member.compose(&customer, "child-allowance", "income", &tax()).await.unwrap();
        let jws = member.sign(&inquiry);
        let sent = member.send(&jws).await;
        match trick {
            Trick::None => {
                let content = member.open_reply(&inquiry, &jws, &key, &sent.unwrap()).unwrap();
                assert_eq!(content.len(), (2 << 20) + 2);
            }
            // Seen in the head: refused before anything flows, and recorded.
            Trick::SayTooMuch | Trick::InBothPlaces | Trick::OtherStatement => {
                let Err(CallError::Problem(problem)) = sent else { panic!("{trick:?}: {sent:?}") };
                assert_eq!(problem.reason, Reason::BadReply, "{trick:?}");
            }
            // Seen while it flows: the end never comes.
            _ => {
                let error = sent.expect_err("passed on to its end");
                assert!(matches!(error, CallError::Unreachable), "{trick:?}: {error}");
            }
        }
        shutdown.trigger();
        served.await.unwrap();
    }
    member.close().await;
}

/// What an institution of the demo holds of one of its customers grows by a megabyte.
fn let_grow(ground: &Ground, file: &str, number: &str, change: impl Fn(&str) -> String) {
    let file = ground.folder.path().join("sources").join(file);
    let before = std::fs::read_to_string(&file).unwrap();
    let after = change(&before);
    assert!(before.contains(number) && after.len() > before.len() + (1 << 20));
    std::fs::write(file, after).unwrap();
    ground.ready.services.iter().for_each(|service| service.reload().unwrap());
}

/// Two institutions that answer one another at length at the same time, more often than either holds at once: nobody waits for
/// a place that the other gives back only when it was answered.
#[tokio::test(flavor = "multi_thread")]
async fn two_that_give_and_take_at_once_do_not_wait_for_one_another() {
    use demo::Institution;
    let ground = Ground::new(300).await;
    let (town, pension) = (crate::ground::town(), Institution::named("pension").unwrap());
    // Somebody whom both know for certain.
    let good = |row: &demo::TruthRow| {
        row.certain && row.expected == demo::Link::Linked && !row.slips && row.holds_sex && !row.shielded
    };
    let truth = &ground.ready.truth;
    let pairs = truth.rows.iter().filter(|row| row.institution == town && good(row));
    let mut pairs = pairs.filter_map(|row| Some((row, truth.linked(pension, row.resident?)?)));
    let (at_town, at_pension) = pairs.find(|(_, other)| good(other)).expect("somebody known to both");
    let (at_town, at_pension) = (at_town.number.clone(), at_pension.number.clone());
    let much = "x".repeat(3 << 19);
    let_grow(&ground, "town/jumin.csv", &at_town, |text| {
        let grown = |line: &str| match line.starts_with(&at_town) {
            true => {
                let mut cells: Vec<&str> = line.split(',').collect();
                cells[7] = &much;
                cells.join(",")
            }
            false => line.to_owned(),
        };
        text.lines().map(|line| grown(line) + "\n").collect()
    });
    let_grow(&ground, "pension/members.json", &at_pension, |text| {
        let mut rows: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
        let row = rows.iter_mut().find(|row| row["number"] == at_pension.as_str()).unwrap();
        row["paid_fy"] = much.as_str().into();
        serde_json::to_string(&rows).unwrap()
    });
    let clerk = |at: &str| musubi::desk::client(ground.ready.stage.section(at).unwrap(), "clerk").unwrap();
    let clerks = [clerk("town"), clerk("pension")];
    let asks = |turn: usize| {
        let [customer, affair, item, provider] = match turn % 2 {
            0 => [at_town.as_str(), "care-insurance", "pension-paid", "pension"],
            _ => [at_pension.as_str(), "pension", "residence", "town"],
        };
        let ask = Ask {
            id: None,
            customer: customer.to_owned(),
            affair: AffairId::parse(affair).unwrap(),
            item: ItemId::parse(item).unwrap(),
            provider: PartyId::parse(provider).unwrap(),
        };
        let clerk = &clerks[turn % 2];
        async move { clerk.post::<Told>(INQUIRIES, &ask, WITHIN).await }
    };
    for told in futures_util::future::join_all((0..24).map(asks)).await {
        assert!(told.unwrap().content.get().contains(&much));
    }
    ground.ready.stage.stop().await;
}
