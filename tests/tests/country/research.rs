//! The room of research among its people: what takes two, what is never told, what must come back.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use musubi::research_command::ResearchDesk;
use protocol::audit::FindingKind;
use protocol::oversight::{ALARMS, AlarmLine};
use protocol::research::*;
use serde::de::DeserializeOwned;
use serde_json::json;
use wire::{CallError, InnerClient};
use words::{ActId, DataDomain, Date, Moment, Reason};
use world::World;

use crate::ground::Ground;

const WITHIN: Duration = Duration::from_secs(60);

fn client(ground: &Ground, key: &str) -> InnerClient {
    musubi::desk::client(ground.ready.stage.section("research").unwrap(), key).unwrap()
}

fn desk(ground: &Ground, key: &str) -> ResearchDesk {
    ResearchDesk::of(&ground.ready.stage.file, key).unwrap()
}

fn medical() -> DataDomain {
    DataDomain::parse("medical").unwrap()
}

fn domain() -> OpenDomain {
    OpenDomain {
        id: medical(),
        name: "医療".into(),
        name_en: "Medical".into(),
        person: "patient".into(),
        sensitive: vec!["diagnosis".into()],
        k: 4,
        l: 2,
        minimum_cell: 5,
        budget_milli_epsilon: 1000,
    }
}

/// 240 patients, three of each age; four diagnoses; every person's key can be told from everything else.
fn table() -> String {
    let mut text = String::from("patient,age,sex,diagnosis\n");
    for n in 0..240_u32 {
        let diagnosis = ["I10", "E11", "J45", "C50"][(n as usize * 7 + n as usize / 9) % 4];
        text.push_str(&format!(
            "PATIENT-KEY-{n:05},{},{},{diagnosis}\n",
            20 + n % 80,
            ["F", "M"][n as usize / 3 % 2]
        ));
    }
    text
}

fn ask(attributes: &[(&str, Coarser)], linkable: bool, permille: u32) -> AskSet {
    let today = Moment(World::real().now()).date_in_japan();
    let attribute = |(name, coarser): &(&str, Coarser)| AskedAttribute {
        name: (*name).into(),
        coarser: coarser.clone(),
        weight: 1,
    };
    AskSet {
        domain: medical(),
        purpose: "a study of diseases by age".into(),
        recipients: vec!["Midori University".into()],
        attributes: attributes.iter().map(attribute).collect(),
        with_sensitive: true,
        k: 4,
        l: 2,
        suppression_permille: permille,
        linkable,
        return_by: Date::from_days(today.days() + 60),
    }
}

fn by_age(linkable: bool) -> AskSet {
    ask(&[("age", Coarser::Ages), ("sex", Coarser::KeptOrSuppressed)], linkable, 300)
}

async fn with_domain(residents: u32) -> Ground {
    let ground = Ground::new(residents).await;
    let keeper = desk(&ground, "keeper");
    keeper.post::<OpenDomain>(DOMAINS, &domain()).await.unwrap();
    let loaded = keeper.load(&medical(), table().into_bytes()).await.unwrap();
    assert_eq!(loaded, Loaded { rows: 240, new_people: 240 });
    ground
}

fn at(path: &str, id: ActId) -> String {
    path.replace("{id}", &id.to_string())
}

/// The reason of a refusal.
async fn refused<M: serde::Serialize>(ground: &Ground, key: &str, path: &str, message: &M) -> Reason {
    let result: Result<serde_json::Value, CallError> = client(ground, key).post(path, message, WITHIN).await;
    match result {
        Err(CallError::Problem(problem)) => problem.reason,
        other => panic!("{path} is not refused: {other:?}"),
    }
}

async fn detail<M: serde::Serialize>(ground: &Ground, key: &str, path: &str, message: &M) -> String {
    let result: Result<serde_json::Value, CallError> = client(ground, key).post(path, message, WITHIN).await;
    match result {
        Err(CallError::Problem(problem)) => problem.detail.unwrap_or_default(),
        other => panic!("{path} is not refused: {other:?}"),
    }
}

async fn post<T: DeserializeOwned, M: serde::Serialize>(
    ground: &Ground,
    key: &str,
    path: &str,
    message: &M,
) -> T {
    client(ground, key).post(path, message, WITHIN).await.unwrap()
}

fn approval() -> Judge {
    Judge { approves: true, reason: "the plan was reviewed".into() }
}

async fn approved(ground: &Ground, ask: &AskSet) -> SetLine {
    let set: SetLine = post(ground, "researcher", SETS, ask).await;
    for officer in ["officer", "second-officer"] {
        post::<SetLine, _>(ground, officer, &at(JUDGEMENT, set.id), &approval()).await;
    }
    set
}

async fn made(ground: &Ground, ask: &AskSet) -> SetLine {
    let set = approved(ground, ask).await;
    post(ground, "keeper", &at(RELEASE, set.id), &json!({})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_takes_two_different_officers_and_its_keeper() {
    let ground = with_domain(60).await;
    let set: SetLine = post(&ground, "researcher", SETS, &by_age(false)).await;
    let (judgement, release) = (at(JUDGEMENT, set.id), at(RELEASE, set.id));
    assert_eq!(refused(&ground, "keeper", &release, &json!({})).await, Reason::WrongState, "nobody approved");
    assert_eq!(refused(&ground, "researcher", &judgement, &approval()).await, Reason::NotAllowed);
    let once: SetLine = post(&ground, "officer", &judgement, &approval()).await;
    assert_eq!(once.state, SetState::Asked);
    assert_eq!(refused(&ground, "officer", &judgement, &approval()).await, Reason::SecondPerson);
    assert_eq!(refused(&ground, "keeper", &release, &json!({})).await, Reason::WrongState, "one approved");
    let twice: SetLine = post(&ground, "second-officer", &judgement, &approval()).await;
    assert_eq!(twice.state, SetState::Approved);
    for other in ["researcher", "officer"] {
        assert_eq!(refused(&ground, other, &release, &json!({})).await, Reason::NotAllowed);
    }
    assert_eq!(refused(&ground, "researcher", &at(HANDOVER, set.id), &json!({})).await, Reason::WrongState);
    let made: SetLine = post(&ground, "keeper", &release, &json!({})).await;
    assert_eq!(made.state, SetState::Made);
    assert_eq!(refused(&ground, "keeper", &release, &json!({})).await, Reason::WrongState, "once");
    let csv = desk(&ground, "researcher").take_over(set.id).await.unwrap();
    let told = made.made.unwrap();
    assert_eq!(words::hex(&seal::sha256(&csv)), told.sha256);
    holds(&csv, 2, 4, 2);
    assert!(!String::from_utf8_lossy(&csv).contains("PATIENT"));
    // Declined is declined.
    let other: SetLine = post(&ground, "researcher", SETS, &by_age(false)).await;
    let no = Judge { approves: false, reason: "no plan".into() };
    post::<SetLine, _>(&ground, "officer", &at(JUDGEMENT, other.id), &no).await;
    assert_eq!(
        refused(&ground, "second-officer", &at(JUDGEMENT, other.id), &approval()).await,
        Reason::WrongState
    );
    assert_eq!(refused(&ground, "keeper", &at(RELEASE, other.id), &json!({})).await, Reason::WrongState);
}

/// Counts the written table again: rows that look alike in the first `columns` columns, and their diagnoses.
fn holds(csv: &[u8], columns: usize, k: usize, l: usize) {
    let mut classes: HashMap<Vec<String>, Vec<String>> = HashMap::new();
    let mut reader = csv::Reader::from_reader(csv);
    let skip = usize::from(reader.headers().unwrap().get(0) == Some("number"));
    for row in reader.records() {
        let row: Vec<String> = row.unwrap().iter().skip(skip).map(str::to_owned).collect();
        classes.entry(row[..columns].to_vec()).or_default().push(row.last().unwrap().clone());
    }
    assert!(!classes.is_empty());
    for values in classes.values() {
        assert!(values.len() >= k && values.iter().collect::<HashSet<_>>().len() >= l);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_sets_are_safe_together_or_the_least_change_is_told() {
    let ground = with_domain(60).await;
    made(&ground, &by_age(false)).await;
    let second = made(
        &ground,
        &ask(&[("age", Coarser::Intervals { widths: vec![7, 14, 28], least: None, most: None })], true, 400),
    )
    .await;
    // Sevens cut across fives, and there is nothing coarser to flee to: somebody would have to stay out.
    let sevens = (20..100_u32).map(|age| vec![age.to_string(), format!("seven {}", age / 7)]);
    let strict = made(&ground, &ask(&[("age", Coarser::Rows(sevens.collect()))], false, 0)).await;
    let ledger: Vec<ReleaseLine> =
        desk(&ground, "officer").get(&RELEASES.replace("{domain}", "medical")).await.unwrap();
    assert!(
        ledger.iter().all(|line| line.below_k + line.below_l == 0 && line.smallest_joint_class >= 4),
        "{ledger:?}"
    );
    let refusals: Vec<SetLine> =
        [second, strict].into_iter().filter(|set| set.state == SetState::Refused).collect();
    assert!(
        !refusals.is_empty(),
        "a set for which nothing may be left out passed beside two that left rows out"
    );
    for set in refusals {
        let least = set.least_change.clone().unwrap();
        assert!(least.needed > least.allowed && least.suppression_permille > set.ask.suppression_permille);
        // What is told is true: asked again with the least change, it passes.
        if least.suppression_permille < 1000 {
            let again = AskSet { suppression_permille: least.suppression_permille, ..set.ask.clone() };
            assert_eq!(made(&ground, &again).await.state, SetState::Made, "{least:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_leads_to_its_person_by_two_officers_for_one_finding_alone() {
    let ground = with_domain(60).await;
    let sets = [made(&ground, &by_age(true)).await, made(&ground, &by_age(true)).await];
    let researcher = desk(&ground, "researcher");
    let mut numbers: Vec<Vec<Vec<String>>> = Vec::new();
    for set in &sets {
        let csv = researcher.take_over(set.id).await.unwrap();
        holds(&csv, 2, 4, 2);
        let mut reader = csv::Reader::from_reader(csv.as_slice());
        numbers.push(reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect());
    }
    let all: HashSet<&String> = numbers.iter().flatten().map(|row| &row[0]).collect();
    assert_eq!(all.len(), numbers[0].len() + numbers[1].len(), "a number came twice");

    let row = &numbers[0][3];
    let report = ReportFinding {
        set: sets[0].id,
        number: row[0].clone(),
        finding: "a further test would help".into(),
    };
    let finding: FindingLine = post(&ground, "researcher", FINDINGS, &report).await;
    let (assent, person) = (at(ASSENT, finding.id), at(PERSON, finding.id));
    assert_eq!(
        refused(&ground, "keeper", &person, &json!({})).await,
        Reason::SecondPerson,
        "nobody assented"
    );
    let one: FindingLine = post(&ground, "officer", &assent, &json!({})).await;
    assert_eq!(one.state, FindingState::OneAssent);
    assert_eq!(refused(&ground, "officer", &assent, &json!({})).await, Reason::SecondPerson);
    assert_eq!(refused(&ground, "keeper", &person, &json!({})).await, Reason::SecondPerson, "one assented");
    assert_eq!(refused(&ground, "keeper", &assent, &json!({})).await, Reason::NotAllowed);
    let two: FindingLine = post(&ground, "second-officer", &assent, &json!({})).await;
    assert_eq!(two.state, FindingState::Opened);
    for other in ["officer", "researcher"] {
        assert_eq!(refused(&ground, other, &person, &json!({})).await, Reason::NotAllowed);
    }
    let reach: Reach = post(&ground, "keeper", &person, &json!({})).await;
    let table = table();
    let truth = table.lines().find(|line| line.starts_with(&reach.person)).unwrap();
    assert_eq!(truth.rsplit(',').next(), row.last().map(String::as_str), "another person's row");

    // A number of another set is none of this one.
    let foreign = ReportFinding {
        set: sets[0].id,
        number: numbers[1][0][0].clone(),
        finding: "something else found".into(),
    };
    let foreign: FindingLine = post(&ground, "researcher", FINDINGS, &foreign).await;
    post::<FindingLine, _>(&ground, "officer", &at(ASSENT, foreign.id), &json!({})).await;
    assert_eq!(
        refused(&ground, "second-officer", &at(ASSENT, foreign.id), &json!({})).await,
        Reason::NotFound
    );
    // Nor is there a finding about a set that is not linkable, or has ended.
    let ended = EndSet { how: HowEnded::Returned, statement: "sent back".into() };
    post::<SetLine, _>(&ground, "researcher", &at(END, sets[0].id), &ended).await;
    assert_eq!(refused(&ground, "researcher", FINDINGS, &report).await, Reason::WrongState);

    the_room_alone_cannot_tell(&ground, sets[1].id);
    nothing_of_people_is_recorded(&ground, &report.finding).await;
}

/// With all the room has on its disk, its keys included, a number's person is not found: the table is locked for the officers.
fn the_room_alone_cannot_tell(ground: &Ground, set: ActId) {
    let folder = ground.folder.path().join("research");
    let database = rusqlite::Connection::open(folder.join("research.db")).unwrap();
    let sealed: Vec<u8> = database
        .query_row("SELECT numbers FROM asked_set WHERE id = ?1", [set.bytes().to_vec()], |row| row.get(0))
        .unwrap();
    let world = World::real();
    let dice = seal::Dice::new(move |buffer| world.fill(buffer));
    let own = seal::KeyFolder::new(folder.join("keys")).storage(&dice, false).unwrap();
    let locked = own.open("asked_set", set.bytes(), "numbers", &sealed).unwrap();
    assert!(!String::from_utf8_lossy(&locked).contains("PATIENT"));
    let locked: seal::Locked = serde_json::from_slice(&locked).unwrap();
    assert_eq!(locked.shares.len(), 2);
    // What lies in the key folder for officers is the hash of their keys; and that opens nothing.
    let hashes = std::fs::read_to_string(folder.join("keys/inner.keys")).unwrap();
    for hash in hashes.lines().filter_map(|line| line.split(' ').nth(2)) {
        let guess = seal::OpeningKey::of(hash, "research");
        assert!(locked.shares.iter().all(|share| guess.share(set.bytes(), share).is_err()));
    }
    // The officer's own key opens the officer's own share, and one share alone opens nothing.
    let key = std::fs::read_to_string(folder.join("keys/officer.key")).unwrap();
    let key = seal::OpeningKey::of(key.trim(), "research");
    let shares: Vec<_> =
        locked.shares.iter().filter_map(|share| key.share(set.bytes(), share).ok()).collect();
    assert_eq!(shares.len(), 1);
    assert!(seal::unlock(set.bytes(), &locked, &shares, &dice).is_err());
}

/// Every verb has its records; no record has a person's key, a number or a finding.
async fn nothing_of_people_is_recorded(ground: &Ground, finding: &str) {
    let leaves = ground.house("research").road.leaves(None).await.unwrap();
    let verbs: HashSet<&str> = leaves.iter().map(|leaf| leaf.verb.as_str()).collect();
    for verb in [
        "open_domain",
        "load_table",
        "ask_set",
        "judge_set",
        "release_set",
        "hand_over_set",
        "end_set",
        "report_finding",
        "assent",
        "reach_person",
    ] {
        assert!(verbs.contains(verb), "no record of {verb}");
    }
    for leaf in &leaves {
        let text = String::from_utf8(leaf.record.canonical()).unwrap();
        assert!(!text.contains("PATIENT") && !text.contains(finding), "{text}");
    }
    let database = std::fs::read(ground.folder.path().join("research/research.db")).unwrap();
    assert!(!String::from_utf8_lossy(&database).contains("PATIENT-KEY"), "a key lies open in the database");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_does_not_come_back_is_an_alarm() {
    let mut ground = with_domain(60).await;
    let set = made(&ground, &by_age(false)).await;
    desk(&ground, "researcher").take_over(set.id).await.unwrap();
    ground.ready.stage.stop_room("research").await.unwrap();
    let set_day = |day: Date| {
        let path = ground.folder.path().join("research/research.db");
        let ask = AskSet { return_by: day, ..set.ask.clone() };
        let values = rusqlite::params![serde_json::to_string(&ask).unwrap(), set.id.bytes().to_vec()];
        let sql = "UPDATE asked_set SET ask = ?1 WHERE id = ?2";
        assert_eq!(rusqlite::Connection::open(path).unwrap().execute(sql, values).unwrap(), 1);
    };
    let today = Moment(World::real().now()).date_in_japan().days();
    set_day(Date::from_days(today + 10));
    ground.ready.stage.start_room("research").await.unwrap();
    let records = async |ground: &Ground| {
        let leaves = ground.house("research").road.leaves(None).await.unwrap();
        let of = |leaf: &&road::LeafLine| leaf.verb == "remind" && leaf.step == "decision";
        leaves
            .iter()
            .filter(of)
            .map(|leaf| leaf.record.field("overdue") == Some(&json!(true)))
            .collect::<Vec<_>>()
    };
    for _ in 0..100 {
        if !records(&ground).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(records(&ground).await, [false], "reminded, not overdue");
    let sets: Vec<SetLine> = desk(&ground, "researcher").get(SETS).await.unwrap();
    assert!(sets[0].reminder().unwrap()[1].contains("within 10 days"));
    let officer = musubi::desk::client(ground.ready.stage.section("oversight").unwrap(), "officer").unwrap();
    let overdue = async || {
        let alarms: Vec<AlarmLine> = officer.get(ALARMS, WITHIN).await.unwrap();
        alarms.into_iter().filter(|alarm| alarm.kind == FindingKind::SetOverdue).collect::<Vec<_>>()
    };
    assert!(overdue().await.is_empty());

    ground.ready.stage.stop_room("research").await.unwrap();
    set_day(Date::from_days(today - 2));
    ground.ready.stage.start_room("research").await.unwrap();
    for _ in 0..200 {
        if !overdue().await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let alarms = overdue().await;
    assert_eq!(alarms.len(), 1);
    assert_eq!((alarms[0].act, alarms[0].raised_by.as_str()), (Some(set.id), "research"));
    // Back at last: the ledger keeps that it was, and that it was late.
    let ended = EndSet { how: HowEnded::Destroyed, statement: "wiped".into() };
    let after: SetLine = post(&ground, "researcher", &at(END, set.id), &ended).await;
    assert_eq!((after.state, after.reminder()), (SetState::Destroyed, None));
    assert_eq!(refused(&ground, "researcher", &at(HANDOVER, set.id), &json!({})).await, Reason::WrongState);
    let leaves = ground.house("research").road.leaves(None).await.unwrap();
    let end = leaves.iter().find(|leaf| leaf.verb == "end_set" && leaf.step == "decision").unwrap();
    assert_eq!(end.record.field("overdue"), Some(&json!(true)));
    let ledger: Vec<ReleaseLine> =
        desk(&ground, "keeper").get(&RELEASES.replace("{domain}", "medical")).await.unwrap();
    assert_eq!(ledger[0].state, Some(SetState::Destroyed));
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_keep_their_noise_and_the_budget_ends() {
    let ground = with_domain(60).await;
    let by = |name: &str, labels: &[&str]| CountBy {
        name: name.into(),
        coarser: None,
        level: 0,
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
    };
    let count = |by: Vec<CountBy>, milli_epsilon| Count {
        domain: medical(),
        purpose: "patients by sex and disease".into(),
        by,
        milli_epsilon,
    };
    let cells = |table: &StatisticsTable| -> HashMap<Vec<String>, i64> {
        table.cells.iter().map(|cell| (cell.labels.clone(), cell.count)).collect()
    };
    let by_sex: StatisticsTable =
        post(&ground, "researcher", STATISTICS, &count(vec![by("sex", &[])], None)).await;
    let crossed: StatisticsTable =
        post(&ground, "researcher", STATISTICS, &count(vec![by("diagnosis", &[]), by("sex", &[])], None))
            .await;
    let turned: StatisticsTable =
        post(&ground, "researcher", STATISTICS, &count(vec![by("sex", &[]), by("diagnosis", &[])], None))
            .await;
    let turned_back: HashMap<Vec<String>, i64> = cells(&turned)
        .into_iter()
        .map(|(labels, count)| (labels.into_iter().rev().collect(), count))
        .collect();
    assert_eq!(cells(&crossed), turned_back, "the same cells in another table have another noise");
    assert!(crossed.cells.iter().all(|cell| cell.count >= 5));
    let whole: i64 = by_sex.cells.iter().map(|cell| cell.count).sum();
    assert!((whole - 240).abs() <= 2 * 2, "{whole}");

    let without_labels = count(vec![by("sex", &[])], Some(100));
    assert!(detail(&ground, "researcher", STATISTICS, &without_labels).await.contains("labels"));
    let paid = count(vec![by("sex", &["F", "M"])], Some(600));
    let first: StatisticsTable = post(&ground, "researcher", STATISTICS, &paid).await;
    assert_eq!((first.left_milli_epsilon, first.cells.len()), (Some(400), 3), "F, M, and what is neither");
    assert_eq!(refused(&ground, "researcher", STATISTICS, &paid).await, Reason::BudgetSpent);
    let rest = Count { milli_epsilon: Some(400), ..paid.clone() };
    let second: StatisticsTable = post(&ground, "researcher", STATISTICS, &rest).await;
    assert_eq!(second.left_milli_epsilon, Some(0));
    let least = Count { milli_epsilon: Some(1), ..paid };
    assert_eq!(refused(&ground, "researcher", STATISTICS, &least).await, Reason::BudgetSpent);
    assert_eq!(refused(&ground, "keeper", STATISTICS, &least).await, Reason::NotAllowed);

    // The ledger has all of them; what counts diagnoses is a release.
    let keeper = desk(&ground, "keeper");
    let path = |route: &str| route.replace("{domain}", "medical");
    let tables: Vec<TableLine> = keeper.get(&path(TABLES)).await.unwrap();
    let told: Vec<(usize, Option<u32>, Option<u64>)> =
        tables.iter().map(|line| (line.columns.len(), line.milli_epsilon, line.release)).collect();
    assert_eq!(
        told,
        [(1, None, None), (2, None, Some(1)), (2, None, Some(2)), (1, Some(600), None), (1, Some(400), None)]
    );
    let ledger: Vec<ReleaseLine> = keeper.get(&path(RELEASES)).await.unwrap();
    assert_eq!(ledger.len(), 2);
    assert!(ledger.iter().all(|line| line.state.is_none() && line.below_k + line.below_l == 0));
    assert_eq!(ledger[0].set, crossed.act);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_counted_with_the_sets_and_sets_with_it() {
    let ground = with_domain(60).await;
    made(&ground, &by_age(false)).await;
    let by = |coarser: Option<Coarser>, level, name: &str| CountBy {
        name: name.into(),
        coarser,
        level,
        labels: Vec::new(),
    };
    let count = |by| Count { domain: medical(), purpose: "diseases by age".into(), by, milli_epsilon: None };
    // Each age by itself: three people, fewer than k. Nobody is counted, and nothing is released.
    let each = count(vec![by(None, 0, "age"), by(None, 0, "diagnosis")]);
    let nobody: StatisticsTable = post(&ground, "researcher", STATISTICS, &each).await;
    assert_eq!((nobody.cells.len(), nobody.left_out), (0, 240));
    // Sevens cut across the fives of the set: whoever stands alone between them is in no cell.
    let sevens = Coarser::Intervals { widths: vec![7], least: None, most: None };
    let cut = count(vec![by(Some(sevens), 1, "age"), by(None, 0, "diagnosis")]);
    let table: StatisticsTable = post(&ground, "researcher", STATISTICS, &cut).await;
    assert!(table.left_out > 0, "{table:?}");
    let ledger: Vec<ReleaseLine> =
        desk(&ground, "officer").get(&RELEASES.replace("{domain}", "medical")).await.unwrap();
    assert!(ledger.iter().all(|line| line.below_k + line.below_l == 0 && line.smallest_joint_class >= 4));
    assert_eq!(ledger.iter().filter(|line| line.set == nobody.act).count(), 0);
    assert_eq!(ledger.iter().filter(|line| line.set == table.act && line.state.is_none()).count(), 1);
    // Without what is sensitive it says what everybody may know, and is none.
    let ages: StatisticsTable =
        post(&ground, "researcher", STATISTICS, &count(vec![by(None, 0, "age")])).await;
    assert_eq!(ages.left_out, 0);
    let unknown = RELEASES.replace("{domain}", "tax").replace("releases", "tables");
    let missing: Result<Vec<TableLine>, _> = desk(&ground, "officer").get(&unknown).await;
    assert!(missing.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_several_sensitive_columns_keeps_its_values() {
    let ground = Ground::new(60).await;
    let keeper = desk(&ground, "keeper");
    let twice = OpenDomain { sensitive: vec!["diagnosis".into(), "diagnosis".into()], ..domain() };
    assert!(detail(&ground, "keeper", DOMAINS, &twice).await.contains("twice"));
    let two = OpenDomain { sensitive: vec!["diagnosis".into(), "ward".into()], ..domain() };
    keeper.post::<OpenDomain>(DOMAINS, &two).await.unwrap();
    // Wards go by decades: many fives have one ward alone.
    let mut with_wards = String::new();
    for (n, line) in table().lines().enumerate() {
        let ward = if n == 0 { "ward".into() } else { format!("ward-{}", (n - 1) % 80 / 10) };
        with_wards.push_str(&format!("{line},{ward}\n"));
    }
    keeper.load(&medical(), with_wards.into_bytes()).await.unwrap();
    let set = made(&ground, &by_age(false)).await;
    assert_eq!(set.state, SetState::Made, "{:?}", set.least_change);
    let csv = desk(&ground, "researcher").take_over(set.id).await.unwrap();
    let text = String::from_utf8(csv.clone()).unwrap();
    assert_eq!(text.lines().next(), Some("age,sex,diagnosis,ward"));
    holds(&csv, 2, 4, 2);
    let without_ward: String =
        text.lines().map(|line| format!("{}\n", line.rsplit_once(',').unwrap().0)).collect();
    holds(without_ward.as_bytes(), 2, 4, 2);
    assert!(set.made.unwrap().is_optimal);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_told_where_and_changes_nothing() {
    let ground = with_domain(60).await;
    let keeper = desk(&ground, "keeper");
    for (table, expected) in [
        ("patient,age\nx,1\n", "'diagnosis' is missing"),
        ("patient,age,diagnosis\nTOP-SECRET,1,x\nTOP-SECRET,2,y\n", "line 3: the same person as in line 2"),
        ("patient,age,diagnosis\nTOP-SECRET,1\n", "line 2: 2 fields"),
    ] {
        let error = keeper.load(&medical(), table.into()).await.unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("TOP-SECRET"), "{error}");
    }
    let unknown = DataDomain::parse("tax").unwrap();
    assert!(
        keeper.load(&unknown, table().into_bytes()).await.unwrap_err().to_string().contains("[not_found]")
    );
    assert_eq!(refused(&ground, "keeper", DOMAINS, &domain()).await, Reason::WrongState, "opened already");
    let weak = OpenDomain { k: 1, id: unknown, ..domain() };
    assert!(detail(&ground, "keeper", DOMAINS, &weak).await.contains("`k` is 1; it must be 2 to"));
    let good = by_age(false);
    let today = Moment(World::real().now()).date_in_japan();
    for (bad, expected) in [
        (AskSet { k: 3, ..good.clone() }, "`k` is 3; it must be 4"),
        (AskSet { l: 1, ..good.clone() }, "`l` is 1; it must be 2"),
        (AskSet { return_by: today, ..good.clone() }, "`return_by`"),
        (AskSet { recipients: Vec::new(), ..good.clone() }, "`recipients`"),
        (AskSet { purpose: "short".into(), ..good.clone() }, "`purpose`"),
        (AskSet { suppression_permille: 1000, ..good.clone() }, "`suppression_permille`"),
        (ask(&[("diagnosis", Coarser::KeptOrSuppressed)], false, 0), "no column 'diagnosis'"),
        (ask(&[("patient", Coarser::KeptOrSuppressed)], false, 0), "no column 'patient'"),
        (ask(&[("age", Coarser::PostalCodes)], false, 0), "attribute 'age'"),
        (ask(&[("age", Coarser::Ages), ("age", Coarser::Ages)], false, 0), "twice"),
    ] {
        let told = detail(&ground, "researcher", SETS, &bad).await;
        assert!(told.contains(expected), "{expected}: {told}");
    }
    let sets: Vec<SetLine> = desk(&ground, "researcher").get(SETS).await.unwrap();
    assert!(sets.is_empty());
    // A set of somebody else's, an id that is none.
    let nothing = ActId::new([1; 16]);
    assert_eq!(refused(&ground, "keeper", &at(RELEASE, nothing), &json!({})).await, Reason::NotFound);
    assert_eq!(refused(&ground, "officer", &at(ASSENT, nothing), &json!({})).await, Reason::NotFound);
}
