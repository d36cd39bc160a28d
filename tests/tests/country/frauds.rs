//! Frauds of members who hold keys of their own: performed, and caught.

use std::time::Duration;

use protocol::inquiry::{Hop, ToProvider, ToTrustee};
use protocol::oversight::{ALARMS, AlarmLine, CASES, CaseKind, CaseLine, CaseState, MoveCase};
use seal::{Dice, PersonPoint, SigningKey};
use wire::CallError;
use words::{ActId, B64, PartyId, Reason};

use crate::ground::Ground;

fn tax() -> PartyId {
    PartyId::parse("tax").unwrap()
}

fn reason<T>(result: Result<T, CallError>) -> Reason {
    match result {
        Ok(_) => panic!("it was let through"),
        Err(CallError::Problem(problem)) => problem.reason,
        Err(error) => panic!("no problem, but {error}"),
    }
}

async fn alarms(ground: &Ground) -> Vec<AlarmLine> {
    let section = ground.ready.stage.section("oversight").unwrap();
    musubi::desk::client(section, "officer").unwrap().get(ALARMS, Duration::from_secs(5)).await.unwrap()
}

async fn cases(ground: &Ground) -> Vec<CaseLine> {
    let section = ground.ready.stage.section("oversight").unwrap();
    musubi::desk::client(section, "officer").unwrap().get(CASES, Duration::from_secs(5)).await.unwrap()
}

async fn eventually(mut holds: impl AsyncFnMut() -> bool) -> bool {
    for _ in 0..300 {
        if holds().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

/// DESIGN §3: two colluding institutions send t·C and divide by t at the other end, hiding the act from its
/// subject. The index entry then matches no resident, and oversight hears of it with both names.
#[tokio::test(flavor = "multi_thread")]
async fn a_multiplied_code_raises_an_alarm_that_names_both() {
    let ground = Ground::new(300).await;
    let member = ground.member("town").await;
    let [number, _] = ground.two_at_town_and_tax();
    let (honest, _) = member.compose(&number, "child-allowance", "income", &tax()).await.unwrap();
    assert!(alarms(&ground).await.is_empty());
    let mut forged = honest;
    forged.subject.code = forged.subject.code.dangerous_multiply(7);
    let jws = member.sign(&forged);
    member.send(&jws).await.expect("a reply that answers nothing");
    let raised = eventually(async || !alarms(&ground).await.is_empty()).await;
    assert!(raised, "no alarm within 30 s");
    let alarm = alarms(&ground).await.remove(0);
    assert_eq!(alarm.act, Some(forged.id));
    assert_eq!((alarm.inquirer.unwrap().as_str(), alarm.provider.unwrap().as_str()), ("town", "tax"));
    assert_eq!(alarm.raised_by.as_str(), "portal");
    member.close().await;
}

/// A substituted subject: another person's code under this person's guard gives no content and opens a case.
#[tokio::test(flavor = "multi_thread")]
async fn a_substituted_subject_gives_nothing_and_opens_a_case() {
    let ground = Ground::new(300).await;
    let member = ground.member("town").await;
    let [one, other] = ground.two_at_town_and_tax();
    let (honest, key) = member.compose(&one, "child-allowance", "income", &tax()).await.unwrap();
    let jws = member.sign(&honest);
    let reply = member.send(&jws).await.unwrap();
    assert!(member.open_reply(&honest, &jws, &key, &reply).is_ok(), "the honest inquiry is answered");

    let (mut forged, key) = member.compose(&one, "child-allowance", "income", &tax()).await.unwrap();
    forged.subject.code =
        member.compose(&other, "child-allowance", "income", &tax()).await.unwrap().0.subject.code;
    let jws = member.sign(&forged);
    let refused = member.send(&jws).await.unwrap();
    assert_eq!(member.open_reply(&forged, &jws, &key, &refused), Err(Reason::NotAnswered));
    // The refusal looks like the answer: same size of every part.
    assert_eq!(refused.sealed.0.len(), reply.sealed.0.len());
    assert_eq!(refused.statement.as_str().len(), reply.statement.as_str().len());
    assert!(eventually(async || !cases(&ground).await.is_empty()).await, "no case within 30 s");
    let case = cases(&ground).await.remove(0);
    assert_eq!(
        (case.case.kind, case.case.act, case.opened_by.as_str()),
        (CaseKind::GuardMismatch, forged.id, "tax")
    );
    // Moved on by an officer, by its number and by nothing else.
    let section = ground.ready.stage.section("oversight").unwrap();
    let officer = musubi::desk::client(section, "officer").unwrap();
    let move_on = async |case: &str| {
        let to = MoveCase { state: CaseState::UnderInvestigation };
        officer.post::<serde_json::Value>(&format!("{CASES}/{case}"), &to, Duration::from_secs(5)).await
    };
    for (wrong, expected) in [("N", Reason::Malformed), ("1.5", Reason::Malformed), ("999", Reason::NotFound)]
    {
        assert_eq!(reason(move_on(wrong).await), expected, "{wrong}");
    }
    assert_eq!(cases(&ground).await.remove(0).state, CaseState::Open);
    move_on(&case.number.to_string()).await.unwrap();
    assert_eq!(cases(&ground).await.remove(0).state, CaseState::UnderInvestigation);
    member.close().await;
}

/// Same bytes again: the same sealed answer, one record. Other bytes under the id, or another time: refused.
#[tokio::test(flavor = "multi_thread")]
async fn repeats_replays_and_late_inquiries() {
    let ground = Ground::new(300).await;
    let member = ground.member("town").await;
    let [number, other] = ground.two_at_town_and_tax();
    let (inquiry, _) = member.compose(&number, "child-allowance", "income", &tax()).await.unwrap();
    let jws = member.sign(&inquiry);
    let (first, again) = (member.send(&jws).await.unwrap(), member.send(&jws).await.unwrap());
    assert_eq!(first.sealed, again.sealed);
    assert_eq!(
        ground.house("linkage").road.leaves(Some(inquiry.id)).await.unwrap().len(),
        2,
        "one decision, one outcome"
    );

    let (mut reused, _) = member.compose(&other, "child-allowance", "income", &tax()).await.unwrap();
    reused.id = inquiry.id;
    assert_eq!(reason(member.send(&member.sign(&reused)).await), Reason::Replayed);
    assert_eq!(ground.refusals("linkage", Reason::Replayed).await, 1);

    for (at, deadline, expected) in [
        (-600_000, 10_000, Reason::Expired),
        (600_000, 10_000, Reason::NotYetValid),
        (0, 600_000, Reason::Expired),
    ] {
        let (mut off, _) = member.compose(&number, "child-allowance", "income", &tax()).await.unwrap();
        off.at = off.at.plus_ms(at);
        off.deadline = off.at.plus_ms(deadline);
        assert_eq!(reason(member.send(&member.sign(&off)).await), expected);
    }
    member.close().await;
}

/// Each field of the signed message that names somebody or something else than the sender may use.
#[tokio::test(flavor = "multi_thread")]
async fn forged_senders_sessions_signatures_and_items_are_refused() {
    let ground = Ground::new(300).await;
    let member = ground.member("town").await;
    let [number, _] = ground.two_at_town_and_tax();
    let compose = async || member.compose(&number, "child-allowance", "income", &tax()).await.unwrap().0;

    let mut forged = compose().await;
    forged.from = tax();
    assert_eq!(reason(member.send(&member.sign(&forged)).await), Reason::WrongCaller);

    let honest = compose().await;
    let foreign = SigningKey::generate(&Dice::new(|buffer| world::World::real().fill(buffer)));
    let signed = protocol::sign(&foreign, &honest.from, &honest);
    assert_eq!(reason(member.send(&signed).await), Reason::BadSignature);

    // Signed by the tax agency, sent over the town's connection.
    let taxs = ground.member("tax").await;
    let mut theirs = compose().await;
    theirs.from = tax();
    let signed = taxs.sign(&theirs);
    assert_eq!(reason(member.send(&signed).await), Reason::WrongCaller);
    taxs.close().await;

    let mut foreign_session = compose().await;
    foreign_session.subject.session = words::SessionName::parse("sc/v1/tax/20261122/1").unwrap();
    assert_eq!(reason(member.send(&member.sign(&foreign_session)).await), Reason::WrongCaller);
    let mut no_session = compose().await;
    no_session.subject.session = words::SessionName::parse("sc/v1/town/20200101/1").unwrap();
    assert_eq!(reason(member.send(&member.sign(&no_session)).await), Reason::UnknownSession);

    let mut other_right = compose().await;
    other_right.right = words::Right::Emergency;
    assert_eq!(reason(member.send(&member.sign(&other_right)).await), Reason::NotOnList);
    let mut nobody = compose().await;
    nobody.to = PartyId::parse("nobody").unwrap();
    assert_eq!(reason(member.send(&member.sign(&nobody)).await), Reason::NotAccredited);

    for refused in [
        Reason::WrongCaller,
        Reason::BadSignature,
        Reason::UnknownSession,
        Reason::NotOnList,
        Reason::NotAccredited,
    ] {
        assert!(ground.refusals("linkage", refused).await > 0, "{refused} is not in linkage's records");
    }
    member.close().await;
}

/// A guard of another act, a stranger's code: no content, no case about the stranger's code.
#[tokio::test(flavor = "multi_thread")]
async fn a_guard_cannot_be_moved_and_a_made_up_code_finds_nobody() {
    let ground = Ground::new(300).await;
    let member = ground.member("town").await;
    let [number, _] = ground.two_at_town_and_tax();
    let (first, _) = member.compose(&number, "child-allowance", "income", &tax()).await.unwrap();
    let (mut moved, key) = member.compose(&number, "child-allowance", "income", &tax()).await.unwrap();
    moved.guard = first.guard.clone();
    let jws = member.sign(&moved);
    let reply = member.send(&jws).await.unwrap();
    assert_eq!(member.open_reply(&moved, &jws, &key, &reply), Err(Reason::NotAnswered));

    let (mut made_up, key) = member.compose(&number, "child-allowance", "income", &tax()).await.unwrap();
    let dice = &member.house().dice;
    let session = ground.house("town").directory();
    assert!(session.version() > 0);
    made_up.subject.code = PersonPoint::nobody(dice).encrypt(&member.house().country.global.public, dice);
    let jws = member.sign(&made_up);
    let reply = member.send(&jws).await.unwrap();
    assert_eq!(member.open_reply(&made_up, &jws, &key, &reply), Err(Reason::NotAnswered));
    member.close().await;
}

/// A dishonest linkage: it exchanges codes, wires hops across acts, changes what it passes on. The trustee and the
/// provider find each.
#[tokio::test(flavor = "multi_thread")]
async fn a_dishonest_hop_is_found_by_the_next() {
    let ground = Ground::new(300).await;
    let member = ground.member("town").await;
    let [number, other] = ground.two_at_town_and_tax();
    let (linkage, trustee, provider) =
        (ground.house("linkage"), ground.entry("trustee"), ground.entry("tax"));
    let within = Duration::from_secs(10);
    let (a, _) = member.compose(&number, "child-allowance", "income", &tax()).await.unwrap();
    let (b, _) = member.compose(&other, "child-allowance", "income", &tax()).await.unwrap();
    let jws = member.sign(&a);
    let hop = |id: ActId, taken: &seal::EncryptedCode, given: &seal::EncryptedCode| Hop {
        id,
        inquiry: jws.hash().into(),
        to_session: words::SessionName::parse("sc/v1/tax/20261122/1").unwrap(),
        to_epoch: words::Epoch(0),
        taken: B64::from(taken.hash()),
        given: B64::from(given.hash()),
    };
    let half = |from: &seal::EncryptedCode| {
        let index = protocol::index::IndexHop {
            id: a.id,
            batch: false,
            to_session: words::SessionName::parse("sc/v1/portal/20261122/1").unwrap(),
            to_epoch: words::Epoch(0),
            taken: protocol::index::hash_of(&[*from]),
            given: protocol::index::hash_of(&[*from]),
        };
        protocol::index::HalfIndex {
            hop: linkage.sign(&index),
            from_session: a.subject.session.clone(),
            from_epoch: a.subject.epoch,
            codes: vec![*from],
        }
    };
    // The subject exchanged for another's, in three ways of covering it up.
    let attempts = [
        ToTrustee {
            inquiry: jws.clone(),
            hop: linkage.sign(&hop(a.id, &a.subject.code, &a.subject.code)),
            code: b.subject.code,
            index: half(&a.subject.code),
            person: None,
        },
        ToTrustee {
            inquiry: jws.clone(),
            hop: linkage.sign(&hop(a.id, &b.subject.code, &b.subject.code)),
            code: b.subject.code,
            index: half(&a.subject.code),
            person: None,
        },
        ToTrustee {
            inquiry: jws.clone(),
            hop: linkage.sign(&hop(b.id, &a.subject.code, &b.subject.code)),
            code: b.subject.code,
            index: half(&a.subject.code),
            person: None,
        },
    ];
    for attempt in &attempts {
        let result: Result<serde_json::Value, _> =
            linkage.post(&trustee, protocol::inquiry::PATH, attempt, within).await;
        assert_eq!(reason(result), Reason::HopMismatch);
    }
    assert_eq!(ground.refusals("trustee", Reason::HopMismatch).await, attempts.len());

    // A trustee that skips linkage, or wires another act's hops to this inquiry.
    let dishonest = ground.house("trustee");
    let forged = ToProvider {
        inquiry: jws.clone(),
        hops: vec![
            linkage.sign(&hop(a.id, &a.subject.code, &b.subject.code)),
            dishonest.sign(&hop(a.id, &a.subject.code, &b.subject.code)),
        ],
        code: b.subject.code,
        person: None,
    };
    let result: Result<serde_json::Value, _> =
        dishonest.post(&provider, protocol::inquiry::PATH, &forged, within).await;
    assert_eq!(reason(result), Reason::HopMismatch);
    let reordered = ToProvider { hops: forged.hops.iter().rev().cloned().collect(), ..forged };
    let result: Result<serde_json::Value, _> =
        dishonest.post(&provider, protocol::inquiry::PATH, &reordered, within).await;
    assert_eq!(reason(result), Reason::BadSignature);
    assert!(ground.refusals("tax", Reason::HopMismatch).await > 0);
    member.close().await;
}

/// Points that are no points, and codes of a wrong length, inside a message the member really signed.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_curve_points_are_refused_although_signed() {
    let ground = Ground::new(200).await;
    let member = ground.member("town").await;
    let [number, _] = ground.two_at_town_and_tax();
    let (honest, _) = member.compose(&number, "child-allowance", "income", &tax()).await.unwrap();
    let good = honest.subject.code.to_bytes();
    let mut bad = vec![vec![0; 64], vec![0xff; 64], good[..63].to_vec(), [good.as_slice(), &[0]].concat()];
    bad.push([&[0u8; 32][..], &good[32..]].concat());
    bad.push([&good[..32], &[0u8; 32][..]].concat());
    for (tried, code) in bad.into_iter().enumerate() {
        let mut json = serde_json::to_value(&honest).unwrap();
        json["subject"]["code"] = B64::from(code).text().into();
        let typ = <protocol::inquiry::Inquiry as protocol::Message>::TYP;
        let house = member.house();
        let jws = house.signing.sign(&house.id, typ, &serde_json::to_vec(&json).unwrap());
        assert_eq!(reason(member.send(&jws).await), Reason::Malformed);
        assert_eq!(ground.refusals("linkage", Reason::Malformed).await, tried + 1);
    }
    // A field the protocol does not know, signed all the same.
    let mut json = serde_json::to_value(&honest).unwrap();
    json["surprise"] = 1.into();
    let house = member.house();
    let typ = <protocol::inquiry::Inquiry as protocol::Message>::TYP;
    let jws = house.signing.sign(&house.id, typ, &serde_json::to_vec(&json).unwrap());
    assert_eq!(reason(member.send(&jws).await), Reason::Malformed);
    member.close().await;
}

/// A transcryptor that exchanges the subject and covers it up with honest-looking statements: found out as soon as it has to
/// show the conversion. Here everybody demands every proof.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_that_cannot_be_shown_goes_no_further() {
    let mut ground = Ground::new(300).await;
    // `proofs = "all"` at the trustee and at the provider.
    let config = ground.folder.path().join("musubi.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let text = ["trustee", "tax"].iter().fold(text, |text, room| {
        text.replace(&format!("[{room}]\n"), &format!("[{room}]\nproofs = \"all\"\n"))
    });
    std::fs::write(&config, text).unwrap();
    ground.ready.stage.file = musubi::config_file::ConfigFile::read(&config).unwrap();
    for room in ["trustee", "tax"] {
        ground.ready.stage.stop_room(room).await.unwrap();
        ground.ready.stage.start_room(room).await.unwrap();
    }
    let member = ground.member("town").await;
    let [number, other] = ground.two_at_town_and_tax();

    // Honest: answered, each conversion shown to the trustee and to the provider.
    let (honest, key) = member.compose(&number, "child-allowance", "income", &tax()).await.unwrap();
    let jws = member.sign(&honest);
    let reply = member.send(&jws).await.unwrap();
    assert!(member.open_reply(&honest, &jws, &key, &reply).is_ok());
    let shown = ground.house("linkage").road.leaves(None).await.unwrap();
    let to_tax = shown.iter().filter(|leaf| {
        leaf.verb == "prove" && leaf.record.field("caller").and_then(|caller| caller.as_str()) == Some("tax")
    });
    assert_eq!(to_tax.count(), 1, "the provider had the conversion shown");

    // On demand, at oversight: both transcryptors show both conversions.
    let section = ground.ready.stage.section("oversight").unwrap();
    let officer = musubi::desk::client(section, "officer").unwrap();
    let prove = async |act: ActId| -> Vec<protocol::proof::Proved> {
        let path = format!("/proofs/{act}");
        officer.post(&path, &serde_json::json!({}), Duration::from_secs(10)).await.unwrap()
    };
    let proved = prove(honest.id).await;
    assert!(proved.len() == 4 && proved.iter().all(|one| one.holds), "{proved:?}");
    assert!(prove(ActId::new([3; 16])).await.iter().all(|one| !one.holds), "an act that never was");

    // Dishonest: linkage takes another person's code for this one's. Statements and hashes agree with one another.
    let (a, _) = member.compose(&number, "child-allowance", "income", &tax()).await.unwrap();
    let (b, _) = member.compose(&other, "child-allowance", "income", &tax()).await.unwrap();
    let jws = member.sign(&a);
    let (linkage, trustee) = (ground.house("linkage"), ground.entry("trustee"));
    let path = protocol::session::CURRENT;
    let current = async |party: &str| -> protocol::session::Current {
        let entry = ground.entry("linkage");
        ground
            .house("registry")
            .get(&entry, &path.replace("{party}", party), Duration::from_secs(5))
            .await
            .unwrap()
    };
    let (to, portal) = (current("tax").await.session, current("portal").await.session);
    let hop = Hop {
        id: a.id,
        inquiry: jws.hash().into(),
        to_session: to,
        to_epoch: words::Epoch(0),
        taken: B64::from(a.subject.code.hash()),
        given: B64::from(b.subject.code.hash()),
    };
    let index = protocol::index::IndexHop {
        id: a.id,
        batch: false,
        to_session: portal,
        to_epoch: words::Epoch(0),
        taken: protocol::index::hash_of(&[a.subject.code]),
        given: protocol::index::hash_of(&[b.subject.code]),
    };
    let forged = ToTrustee {
        inquiry: jws,
        hop: linkage.sign(&hop),
        code: b.subject.code,
        index: protocol::index::HalfIndex {
            hop: linkage.sign(&index),
            from_session: a.subject.session.clone(),
            from_epoch: a.subject.epoch,
            codes: vec![b.subject.code],
        },
        person: None,
    };
    let result: Result<serde_json::Value, _> =
        linkage.post(&trustee, protocol::inquiry::PATH, &forged, Duration::from_secs(10)).await;
    assert_eq!(reason(result), Reason::BadConversion);
    let told = eventually(async || {
        alarms(&ground).await.iter().any(|alarm| {
            alarm.kind == protocol::audit::FindingKind::DishonestConversion && alarm.act == Some(a.id)
        })
    })
    .await;
    let waiting = ground.house("trustee").road.parcels_waiting().await;
    assert!(told, "oversight was not told; {waiting:?} parcels wait; {:?}", alarms(&ground).await);
    member.close().await;
}
