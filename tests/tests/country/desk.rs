//! An institution's desk beside the single inquiry: many at once, answers that come later, shielded records.

use std::time::Duration;

use demo::Link;
use protocol::desk::{
    AWAITING, AskMany, AskRow, AskState, Asked, AwaitingLine, BATCHES, BatchRow, BatchState, INQUIRIES,
    MoveBatch, SHIELDS, Settle, Shield, Waiting,
};
use serde_json::json;
use wire::{CallError, InnerClient};
use words::{ActId, AffairId, ItemId, PartyId, Reason};

use crate::ground::Ground;

const WITHIN: Duration = Duration::from_secs(20);

fn clerk(ground: &Ground, institution: &str) -> InnerClient {
    musubi::desk::client(ground.ready.stage.section(institution).unwrap(), "clerk").unwrap()
}

fn row(customer: &str, affair: &str, item: &str, provider: &str) -> AskRow {
    AskRow {
        customer: customer.into(),
        affair: AffairId::parse(affair).unwrap(),
        item: ItemId::parse(item).unwrap(),
        provider: PartyId::parse(provider).unwrap(),
    }
}

fn good(row: &&demo::TruthRow) -> bool {
    row.certain && row.expected == Link::Linked && !row.slips && row.holds_sex && !row.shielded
}

/// Numbers at the town of people with an income at the tax agency.
fn with_income(ground: &Ground, most: usize) -> Vec<String> {
    let truth = &ground.ready.truth;
    let earns = |row: &&demo::TruthRow| {
        let at_tax = truth.rows.iter().filter(good).find(|other| {
            other.institution.as_str() == "tax"
                && other.resident == row.resident
                && other.items.contains_key("income")
        });
        at_tax.is_some()
    };
    let own = truth.rows.iter().filter(|row| row.institution.as_str() == "town").filter(good).filter(earns);
    own.take(most).map(|row| row.number.clone()).collect()
}

async fn settled(
    client: &InnerClient,
    batch: ActId,
    mut holds: impl FnMut(&BatchState) -> bool,
) -> BatchState {
    let mut last = BatchState::default();
    for _ in 0..300 {
        last = client.get(&format!("{BATCHES}/{batch}"), WITHIN).await.unwrap();
        if holds(&last) {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the batch does not come to it: {last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_acts_of_their_own_and_goes_on_after_a_stop_and_after_a_restart() {
    let mut ground = Ground::new(300).await;
    let numbers = with_income(&ground, 30);
    assert!(numbers.len() > 20, "{}", numbers.len());
    let mut rows: Vec<AskRow> =
        numbers.iter().map(|number| row(number, "child-allowance", "income", "tax")).collect();
    rows.push(row("nobody", "child-allowance", "income", "tax"));
    rows.push(row(&numbers[0], "child-allowance", "bank-balance", "bank"));
    let count = u32::try_from(rows.len()).unwrap();
    let batch = ActId::batch([7; 16]);
    let town = clerk(&ground, "town");
    let many = AskMany { id: batch, rows: rows.clone() };
    let begun: BatchState = town.post(BATCHES, &many, WITHIN).await.unwrap();
    assert_eq!(begun.rows, count);
    let path = format!("{BATCHES}/{batch}");
    let _: BatchState = town.post(&path, &MoveBatch { stop: true }, WITHIN).await.unwrap();
    let stopped = settled(&town, batch, |state| state.asking == 0).await;
    assert!(stopped.stopped && stopped.queued > 0, "stopped with something left: {stopped:?}");

    // A restart changes nothing about what was stopped; the same rows again go on; other rows under the id do not.
    ground.ready.stage.stop_room("town").await.unwrap();
    ground.ready.stage.start_room("town").await.unwrap();
    let town = clerk(&ground, "town");
    let after: BatchState = town.get(&path, WITHIN).await.unwrap();
    assert_eq!((after.queued, after.stopped), (stopped.queued, true));
    let other = AskMany { id: batch, rows: rows[1..].to_vec() };
    let Err(CallError::Problem(problem)) = town.post::<BatchState>(BATCHES, &other, WITHIN).await else {
        panic!("other rows under a used id were taken");
    };
    assert_eq!(problem.reason, Reason::Replayed);
    let _: BatchState = town.post(BATCHES, &many, WITHIN).await.unwrap();
    // Stopped dead in the middle: it goes on by itself.
    settled(&town, batch, |state| state.queued < stopped.queued).await;
    ground.ready.stage.stop_room("town").await.unwrap();
    ground.ready.stage.start_room("town").await.unwrap();
    let town = clerk(&ground, "town");
    let done = settled(&town, batch, |state| state.queued + state.asking == 0).await;
    assert_eq!(done.refused, 2, "nobody, and what no law allows: {done:?}");

    // Each row is an act with records of its own on every side, and none was asked twice.
    let results: Vec<BatchRow> = town.get(&format!("{path}/rows"), WITHIN).await.unwrap();
    assert_eq!(results.iter().map(|one| one.row.clone()).collect::<Vec<_>>(), rows);
    // What was under way at the stop came to no end: it was tried again, as an act of its own.
    let not_answered = results.iter().filter(|one| one.asked.reason == Some(Reason::NotAnswered)).count();
    assert_eq!(usize::try_from(done.failed).unwrap(), not_answered, "{done:?}");
    assert!(
        results.iter().any(|one| one.asked.id.tries() > 0),
        "something was under way when the room stopped"
    );
    for (n, one) in (0..).zip(&results) {
        // The same row of the same batch, whichever try.
        let (first, now) = (batch.row(n), one.asked.id);
        assert_eq!(
            (&now.bytes()[..12], &now.bytes()[13..]),
            (&first.bytes()[..12], &first.bytes()[13..]),
            "row {n}"
        );
        assert!(now.tries() <= 3, "row {n} was tried {} times", now.tries());
        let sent = one.asked.reason != Some(Reason::NoCustomer);
        let lines = ground.house("linkage").road.lines_of(one.asked.id).await.unwrap();
        assert_eq!(lines.len(), usize::from(sent), "row {n} at linkage: {lines:?}");
        if one.asked.state == AskState::Answered {
            let resident = ground
                .ready
                .truth
                .rows
                .iter()
                .find(|known| known.institution.as_str() == "town" && known.number == one.row.customer);
            let resident = resident.unwrap().resident;
            let at_tax = ground.ready.truth.rows.iter().find(|known| {
                known.institution.as_str() == "tax" && known.resident == resident && good(known)
            });
            let content: serde_json::Value =
                serde_json::from_str(one.asked.content.as_ref().unwrap().get()).unwrap();
            assert_eq!(content, at_tax.unwrap().items["income"], "row {n} has somebody else's income");
        }
    }
    assert!(results.iter().filter(|one| one.asked.state == AskState::Answered).count() > 15, "{done:?}");

    // From the command line: a file in, a file out; the same file again asks nobody again.
    let section = ground.ready.stage.section("town").unwrap();
    let file = ground.folder.path().join("rows.csv");
    let text = format!("customer,affair,item,provider\n{},child-allowance,income,tax\n", numbers[1]);
    std::fs::write(&file, text).unwrap();
    let asks = async || ground.house("linkage").road.leaves(None).await.unwrap().len();
    musubi::batch_command::run(section, &file, None, None).await.unwrap();
    let before = asks().await;
    musubi::batch_command::run(section, &file, None, None).await.unwrap();
    let result = std::fs::read_to_string(ground.folder.path().join("rows.result.csv")).unwrap();
    assert!(result.contains("answered") && result.contains("amount_yen"), "{result}");
    assert_eq!(asks().await, before, "the same file was asked again");
    musubi::batch_command::run(section, &file, None, Some("again")).await.unwrap();
    assert!(asks().await > before);
}

async fn asked(client: &InnerClient, id: ActId) -> Asked {
    client.get(&format!("{INQUIRIES}/{id}"), WITHIN).await.unwrap()
}

async fn no_longer_waits(client: &InnerClient, id: ActId) -> Asked {
    for _ in 0..300 {
        let now = asked(client, id).await;
        if now.state != AskState::Waiting {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it waits for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn late_answers_wait_for_a_clerk_survive_restarts_and_say_nothing_by_waiting() {
    let mut ground = Ground::new(1200).await;
    let truth = &ground.ready.truth;
    let in_care = |institution: &str| {
        truth.rows.iter().filter(good).filter(|row| row.institution.as_str() == institution).find(|row| {
            truth.rows.iter().filter(good).any(|other| {
                other.institution.as_str() == "neighbour"
                    && other.resident == row.resident
                    && other.items.contains_key("long-term-care")
            })
        })
    };
    let may = [("welfare", "public-assistance"), ("town", "care-insurance"), ("insurer", "health-benefit")];
    let found = may.into_iter().find_map(|(inquirer, affair)| Some((inquirer, affair, in_care(inquirer)?)));
    let (inquirer, affair, known) = found.expect("somebody in care at the neighbour");
    let (customer, resident) = (known.number.clone(), known.resident);
    let content = truth
        .rows
        .iter()
        .find(|row| row.institution.as_str() == "neighbour" && row.resident == resident && good(row));
    let content = content.unwrap().items["long-term-care"].clone();
    // Somebody the neighbour does not know at all.
    let stranger = truth.rows.iter().filter(good).find(|row| {
        row.institution.as_str() == inquirer
            && !truth
                .rows
                .iter()
                .any(|other| other.institution.as_str() == "neighbour" && other.resident == row.resident)
    });
    let stranger = stranger.expect("somebody who never lived there").number.clone();

    let desk = clerk(&ground, inquirer);
    let ask = async |desk: &InnerClient, customer: &str| -> Waiting {
        let body = json!({"customer": customer, "affair": affair, "item": "long-term-care", "provider": "neighbour"});
        desk.post(INQUIRIES, &body, WITHIN).await.unwrap()
    };
    let first = ask(&desk, &customer).await;
    let declined = ask(&desk, &customer).await;
    let late = ask(&desk, &customer).await;
    let unknown = ask(&desk, &stranger).await;
    let day = 86_400_000;
    for one in [&first, &declined, &late, &unknown] {
        let days = one.until.since_ms(ground.house("neighbour").now()) / day;
        assert_eq!(days, 4, "five days, less a moment");
        assert_eq!(asked(&desk, one.id).await.state, AskState::Waiting);
    }
    // On the way both look the same.
    let size = async |id: ActId| {
        let leaves = ground.house("linkage").road.leaves(Some(id)).await.unwrap();
        leaves.iter().find_map(|leaf| leaf.record.field("size_class").cloned())
    };
    assert_eq!(size(first.id).await, size(unknown.id).await);

    // Both sides restart.
    for room in ["neighbour", inquirer] {
        ground.ready.stage.stop_room(room).await.unwrap();
        ground.ready.stage.start_room(room).await.unwrap();
    }
    let (desk, provider) = (clerk(&ground, inquirer), clerk(&ground, "neighbour"));
    let waiting: Vec<AwaitingLine> = provider.get(AWAITING, WITHIN).await.unwrap();
    assert_eq!(waiting.len(), 4);
    let line = |id: ActId| waiting.iter().find(|line| line.id == id).unwrap();
    assert!(line(first.id).customer.is_some() && line(unknown.id).customer.is_none());

    // Somebody else's inquiry cannot be picked up, whoever it is about.
    let member = ground.member(if inquirer == "town" { "insurer" } else { "town" }).await;
    let (own_affair, own) = if inquirer == "town" {
        ("health-benefit", truth_number(&ground, "insurer"))
    } else {
        ("care-insurance", truth_number(&ground, "town"))
    };
    let neighbour = PartyId::parse("neighbour").unwrap();
    let (mut theft, key) = member.compose(&own, own_affair, "long-term-care", &neighbour).await.unwrap();
    theft.follows = Some(first.id);
    let jws = member.sign(&theft);
    let reply = member.send(&jws).await.unwrap();
    assert_eq!(member.open_reply(&theft, &jws, &key, &reply).unwrap_err(), Reason::NotAnswered);
    member.close().await;

    let settle = async |id: ActId, approve: bool| {
        let path = format!("{AWAITING}/{id}");
        provider.post::<Settle>(&path, &Settle { approve }, WITHIN).await
    };
    settle(first.id, true).await.unwrap();
    settle(declined.id, false).await.unwrap();
    settle(unknown.id, true).await.unwrap();
    assert!(settle(declined.id, true).await.is_err(), "decided once");
    // Nobody decides on the last one in time.
    let file = ground.folder.path().join("neighbour/neighbour.db");
    let database = rusqlite::Connection::open(file).unwrap();
    database.execute("UPDATE awaiting SET until = 1 WHERE act = ?1", [late.id.bytes().as_slice()]).unwrap();

    let answered = no_longer_waits(&desk, first.id).await;
    let got: serde_json::Value = serde_json::from_str(answered.content.unwrap().get()).unwrap();
    assert_eq!(got, content);
    for id in [declined.id, late.id, unknown.id] {
        let now = no_longer_waits(&desk, id).await;
        assert_eq!((now.state, now.reason), (AskState::Failed, Some(Reason::NotAnswered)), "{id}");
    }
    // The true reasons stay with the provider.
    let leaves = ground.house("neighbour").road.leaves(None).await.unwrap();
    let truths: Vec<_> = leaves
        .iter()
        .filter(|leaf| leaf.verb == "answer" && leaf.step == "decision")
        .filter_map(|leaf| leaf.record.field("reason")?.as_str().map(str::to_owned))
        .collect();
    for reason in ["declined", "too_late", "unknown_code"] {
        assert!(truths.iter().any(|truth| truth == reason), "{reason}: {truths:?}");
    }
    // Each look is an act with its records; oversight finds nothing wrong with any.
    let section = ground.ready.stage.section("oversight").unwrap();
    let officer = musubi::desk::client(section, "officer").unwrap();
    let report: protocol::audit::Reconciliation = officer
        .post(
            protocol::audit::RECONCILIATIONS,
            &protocol::audit::Reconcile::default(),
            Duration::from_secs(60),
        )
        .await
        .unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

fn truth_number(ground: &Ground, institution: &str) -> String {
    let rows = ground.ready.truth.rows.iter().filter(good);
    rows.into_iter().find(|row| row.institution.as_str() == institution).unwrap().number.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shielded_record_is_answered_like_nobody_until_the_shield_is_lifted() {
    let ground = Ground::new(200).await;
    let number = with_income(&ground, 1).remove(0);
    let resident =
        ground.ready.truth.rows.iter().find(|row| row.institution.as_str() == "town" && row.number == number);
    let resident = resident.unwrap().resident;
    let at_tax = ground
        .ready
        .truth
        .rows
        .iter()
        .filter(good)
        .find(|row| row.institution.as_str() == "tax" && row.resident == resident);
    let at_tax = at_tax.unwrap().number.clone();
    let (town, tax) = (clerk(&ground, "town"), clerk(&ground, "tax"));
    let ask = async || {
        let body =
            json!({"customer": number, "affair": "child-allowance", "item": "income", "provider": "tax"});
        town.post::<Box<serde_json::value::RawValue>>(INQUIRIES, &body, WITHIN).await
    };
    assert!(ask().await.is_ok());
    let shield = async |customer: &str, shielded: bool| {
        let body = Shield { customer: customer.to_owned(), shielded };
        tax.post::<serde_json::Value>(SHIELDS, &body, WITHIN).await
    };
    shield(&at_tax, true).await.unwrap();
    let Err(CallError::Problem(problem)) = ask().await else { panic!("a shielded record was provided") };
    assert_eq!(problem.reason, Reason::NotAnswered);
    let leaves = ground.house("tax").road.leaves(None).await.unwrap();
    let shielded = |leaf: &&road::LeafLine| {
        leaf.record.field("reason").and_then(|reason| reason.as_str()) == Some("shielded")
    };
    assert_eq!(leaves.iter().filter(shielded).count(), 1);
    shield(&at_tax, false).await.unwrap();
    assert!(ask().await.is_ok());
    let Err(CallError::Problem(problem)) = shield("nobody-at-all", true).await else {
        panic!("nobody was shielded");
    };
    assert_eq!(problem.reason, Reason::NoCustomer);
}
