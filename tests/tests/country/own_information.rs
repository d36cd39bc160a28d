//! What institutions hold about a person, shown to that person alone (rows L15, P2).

use demo::{Institution, TruthRow};
use protocol::desk::{AWAITING, AwaitingLine, COPY, CopyTaken, Settle};
use protocol::index::hash_of;
use protocol::inquiry::{self, Inquiry, OWN_INFORMATION, PersonAsks, Reply, Subject, ToLinkage, guard_name};
use protocol::issue::{IssueHop, Rows};
use protocol::own::MyInformation;
use seal::{EncryptedCode, GuardContext, Jws, LinkCode, SealingKey, Suite};
use serde_json::Value;
use wire::CallError;
use words::{ActId, AffairId, B64, Epoch, ItemId, Moment, PartyId, Reason, Right, SessionName, StaffId};

use crate::ground::Ground;
use crate::ledgers::{eventually, reconcile};

fn party(id: &str) -> PartyId {
    PartyId::parse(id).unwrap()
}

fn item(id: &str) -> ItemId {
    ItemId::parse(id).unwrap()
}

/// A customer whom an institution holds without any defect, with the item; whose address and name are as the register's.
fn holder<'a>(ground: &'a Ground, institution: &str, item: &str) -> &'a TruthRow {
    let at = Institution::named(institution).unwrap();
    let good = |row: &&TruthRow| {
        row.institution == at
            && row.certain
            && row.expected == demo::Link::Linked
            && !row.slips
            && !row.shielded
            && row.items.contains_key(item)
    };
    ground.ready.truth.rows.iter().find(good).unwrap()
}

async fn look(
    ground: &Ground,
    resident: u32,
    institution: &str,
    what: &str,
    follows: Option<ActId>,
) -> Result<MyInformation, CallError> {
    let config = ground.folder.path().join("musubi.toml");
    let entry = format!("{resident:07}");
    musubi::picker::my_information(&config, &entry, &party(institution), &item(what), follows).await.unwrap()
}

fn content(found: &MyInformation) -> Value {
    serde_json::from_str(found.content.as_ref().unwrap().get()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_what_institutions_hold_and_it_stands_in_the_records_of_every_side() {
    let ground = Ground::new(1200).await;
    let at_tax = holder(&ground, "tax", "income");
    let resident = at_tax.resident.unwrap();
    let found = look(&ground, resident, "tax", "income", None).await.unwrap();
    assert_eq!(content(&found), at_tax.items["income"], "somebody else's income");
    assert!(found.as_of.is_none() && found.until.is_none(), "the tax agency's own system was read");

    // The insurer answers from its copy, and says of when it is.
    let insurer = musubi::desk::client(ground.ready.stage.section("insurer").unwrap(), "clerk").unwrap();
    let taken: CopyTaken =
        insurer.post(COPY, &Value::Null, std::time::Duration::from_secs(20)).await.unwrap();
    assert!(taken.customers > 50, "{taken:?}");
    let insured = holder(&ground, "insurer", "eligibility");
    let held = look(&ground, insured.resident.unwrap(), "insurer", "eligibility", None).await.unwrap();
    assert_eq!(content(&held), insured.items["eligibility"]);
    assert_eq!(held.as_of, Some(taken.at));

    // An item that a clerk looks at first waits for the person, too, and comes when the clerk has approved.
    let cared_for = holder(&ground, "neighbour", "long-term-care");
    let elder = cared_for.resident.unwrap();
    let later = look(&ground, elder, "neighbour", "long-term-care", None).await.unwrap();
    assert!(later.until.is_some() && later.content.is_none(), "{later:?}");
    let clerk = musubi::desk::client(ground.ready.stage.section("neighbour").unwrap(), "clerk").unwrap();
    let within = std::time::Duration::from_secs(20);
    let waiting: Vec<AwaitingLine> = clerk.get(AWAITING, within).await.unwrap();
    let line = waiting.iter().find(|line| line.id == later.act).unwrap();
    assert_eq!((line.inquirer.as_str(), line.affair.as_str()), ("portal", OWN_INFORMATION));
    assert_eq!(line.customer.as_deref(), Some(cared_for.number.as_str()));
    let _: Value =
        clerk.post(&format!("{AWAITING}/{}", later.act), &Settle { approve: true }, within).await.unwrap();
    let there = look(&ground, elder, "neighbour", "long-term-care", Some(later.act)).await.unwrap();
    assert_eq!(content(&there), cared_for.items["long-term-care"]);

    // Nobody's record, and an item nobody may ask of that kind of institution.
    let Err(CallError::Problem(none)) = look(&ground, elder, "tax", "bank-balance", None).await else {
        panic!("an item that is not the tax agency's was shown")
    };
    assert_eq!(none.reason, Reason::ItemNotCovered);

    // It stands in the person's own records, in words, with its own right; and all sides agree.
    let config = ground.folder.path().join("musubi.toml");
    let entry = format!("{resident:07}");
    let mut told = None;
    assert!(
        eventually(20, async || {
            let (directory, records) = musubi::picker::my_records(&config, &entry).await.unwrap();
            let own = records.acts.iter().find(|act| act.act == found.act);
            told = own.map(|act| musubi::my_records_command::tell(act, &directory));
            told.is_some()
        })
        .await,
        "the look is not in the person's records"
    );
    let told = told.unwrap();
    assert!(told.en.contains("you looked at your income") && told.ja.contains("あなたが"), "{told:?}");
    let replayed = |room: &'static str, act: ActId| {
        let section = ground.ready.stage.section(room).unwrap();
        let client = musubi::desk::client(section, "operator").unwrap();
        async move {
            client
                .get::<protocol::audit::Replayed>(
                    &protocol::audit::REPLAY.replace("{id}", &act.to_string()),
                    within,
                )
                .await
                .unwrap()
        }
    };
    for room in ["linkage", "trustee"] {
        let again = replayed(room, found.act).await;
        assert!(again.agrees && again.recorded == "permitted", "{room}: {again:?}");
    }
    let mut report = None;
    let agreed = eventually(60, async || {
        let now = reconcile(&ground).await;
        let agreed = now.findings.is_empty() && now.agreed > 3;
        report = Some(now);
        agreed
    })
    .await;
    assert!(agreed, "{report:?}");

    // The portal has not written down whom it asked, nor for what.
    let leaves = ground.house("portal").road.leaves(None).await.unwrap();
    let asks: Vec<String> = leaves
        .iter()
        .filter(|leaf| leaf.act.as_deref() == Some(found.act.bytes()))
        .map(|leaf| format!("{:?}", leaf.record))
        .collect();
    assert!(asks.len() >= 2, "{asks:?}");
    assert!(asks.iter().all(|text| !text.contains("tax") && !text.contains("income")), "{asks:?}");
}

/// An inquiry by right `person` as the portal's keys can make it about any resident, and the way that would show it.
struct Forged<'a> {
    ground: &'a Ground,
    inquiry: Inquiry,
    rows: Rows,
    codes: Vec<EncryptedCode>,
}

impl<'a> Forged<'a> {
    async fn new(ground: &'a Ground) -> Self {
        let portal = ground.house("portal");
        let own = house::Sessions::default().current(portal).await.unwrap();
        let session = own.name.clone();
        // A code that somebody has: one that stands in the portal's own database.
        let code: LinkCode = any_resident(ground).await;
        let encrypted = code.encrypt(own.secret.public(), &portal.dice);
        let (id, at) = (ActId::new(portal.world.random()), portal.now());
        let tax = portal.party(&party("tax")).unwrap();
        let name = guard_name(&portal.id, &tax.id, &session);
        let guard = GuardContext::new(&tax.sealing, &name, &portal.dice).unwrap();
        let subject = Subject { epoch: Epoch(0), session: session.clone(), code: encrypted };
        let inquiry = Inquiry {
            id,
            affair: AffairId::parse(OWN_INFORMATION).unwrap(),
            item: item("income"),
            right: Right::Person,
            from: portal.id.clone(),
            department: "x".into(),
            staff: StaffId::parse("person").unwrap(),
            to: tax.id,
            subject,
            guard: guard.seal(&id, "1980-01-01F", &portal.dice),
            reply_key: SealingKey::generate(Suite::default(), &portal.dice).public(),
            at,
            deadline: at.plus_ms(10_000),
            consent_ref: None,
            follows: None,
        };
        let codes = vec![encrypted];
        let rows = Rows {
            id: ActId::batch(portal.world.random()),
            to: portal.id.clone(),
            to_epoch: Epoch(0),
            to_session: session.clone(),
            from_session: session,
            rows: 1,
            codes: hash_of(&codes),
            index: hash_of(&[]),
            status: B64::from([0; 32]),
            at,
            asserted_until: Some(at.plus_ms(60_000)),
        };
        Self { ground, inquiry, rows, codes }
    }

    /// The way as the registry, linkage and the trustee would have signed it.
    fn way(&self) -> PersonAsks {
        let rows = self.ground.house("registry").sign(&self.rows);
        let hop = |room: &str| -> Jws {
            let hop = IssueHop {
                id: self.rows.id,
                rows: rows.hash().into(),
                taken: self.rows.codes.clone(),
                given: hash_of(&self.codes),
            };
            self.ground.house(room).sign(&hop)
        };
        PersonAsks { hops: vec![hop("linkage"), hop("trustee")], rows, codes: self.codes.clone() }
    }

    /// What linkage says to it, sent by `from`.
    async fn sent(&self, from: &str, person: Option<PersonAsks>) -> Result<Reply, Reason> {
        let house = self.ground.house(from);
        let linkage = house.party(&party("linkage")).unwrap();
        let message = ToLinkage { inquiry: house.sign(&self.inquiry), person };
        let sent = house.post(&linkage, inquiry::PATH, &message, std::time::Duration::from_secs(15)).await;
        sent.map_err(|error| error.reason())
    }
}

async fn any_resident(ground: &Ground) -> LinkCode {
    let house = ground.house("portal");
    let key = std::sync::Arc::clone(&house.storage);
    let row = house
        .road
        .db()
        .read("any", |read| read.row("SELECT code_index, code FROM resident_code LIMIT 1", &[]))
        .await
        .map_err(|error: store::StoreError| error)
        .unwrap()
        .unwrap();
    key.open_code("resident_code", &row.array::<32>(0).unwrap(), &row.bytes(1).unwrap()).unwrap()
}

/// The portal has a code of every resident. Without the person's own assertion it gets nothing about anybody.
#[tokio::test(flavor = "multi_thread")]
async fn the_portal_cannot_ask_in_a_persons_name_unless_the_person_asks() {
    let ground = Ground::new(100).await;
    let forged = Forged::new(&ground).await;
    assert_eq!(forged.sent("portal", None).await.unwrap_err(), Reason::Unauthenticated);
    assert!(ground.refusals("linkage", Reason::Unauthenticated).await > 0, "the refusal is not recorded");

    // With a way that is whole linkage lets it pass: what follows fails by what was changed alone.
    let whole = Forged::new(&ground).await;
    let sent = whole.sent("portal", Some(whole.way())).await;
    assert!(!matches!(sent, Err(Reason::Unauthenticated | Reason::HopMismatch)), "{sent:?}");

    let cases: Vec<(&str, fn(&mut Forged<'_>))> = vec![
        ("an assertion that has ended", |forged| forged.rows.asserted_until = Some(Moment(1))),
        ("codes that were no person's look", |forged| forged.rows.asserted_until = None),
        ("codes for another receiver", |forged| forged.rows.to = party("town")),
        ("another session", |forged| {
            forged.rows.to_session = SessionName::parse("sc/v1/portal/20200101/1").unwrap();
        }),
        ("another person's code", |forged| {
            let other = forged.codes[0].dangerous_multiply(3);
            forged.codes = vec![other];
            forged.rows.codes = hash_of(&forged.codes);
        }),
    ];
    for (what, change) in cases {
        let mut forged = Forged::new(&ground).await;
        change(&mut forged);
        let sent = forged.sent("portal", Some(forged.way())).await;
        assert_eq!(sent.unwrap_err(), Reason::Unauthenticated, "{what}");
    }
    let mut broken = Forged::new(&ground).await;
    let way = broken.way();
    broken.codes.push(broken.codes[0]);
    let longer = PersonAsks { codes: broken.codes.clone(), ..way.clone() };
    assert_eq!(broken.sent("portal", Some(longer)).await.unwrap_err(), Reason::HopMismatch);
    let reordered = PersonAsks { hops: way.hops.iter().rev().cloned().collect(), ..way.clone() };
    assert_eq!(broken.sent("portal", Some(reordered)).await.unwrap_err(), Reason::BadSignature);
    let own_word = PersonAsks { rows: ground.house("portal").sign(&broken.rows), ..way };
    assert_eq!(broken.sent("portal", Some(own_word)).await.unwrap_err(), Reason::BadSignature);

    // Nor does an institution, whatever way it shows.
    let member = ground.member("town").await;
    let [number, _] = ground.two_at_town_and_tax();
    let (mut inquiry, _) = member.compose(&number, "child-allowance", "income", &party("tax")).await.unwrap();
    inquiry.right = Right::Person;
    let town = Forged { inquiry, ..Forged::new(&ground).await };
    assert_eq!(town.sent("town", Some(town.way())).await.unwrap_err(), Reason::Unauthenticated);
    member.close().await;
}
