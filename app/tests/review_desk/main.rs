//! The review desk over HTTP, as clerks use it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod browser;
mod kill;

use std::fs;
use std::path::Path;

use browser::Browser;
use musubi::review_desk::{DeskArgs, Running, SecondLook, start};
use tempfile::TempDir;
use world::World;

const REGISTER: &str = "person_id,name,kana,sex,birth_date,address,tsusho
P1,高橋　誠,タカハシ　マコト,M,1983-05-18,埼玉県川口市幸町二丁目３番,
P2,山田　花子,ヤマダ　ハナコ,F,1990-01-02,千葉県市川市湊１番,
P3,山田　華子,ヤマダ　ハナコ,F,1990-01-02,千葉県市川市湊１番,
P4,金　蘭,キム　ラン,F,1971-03-04,東京都杉並区堀ノ内４丁目１番,金本　蘭
";
const HISTORY: &str = "person_id,kind,value,kana
P2,former_surname,佐藤,サトウ
P2,former_address,東京都港区芝１番,
";
const QUERIES: &str = "query_id,institution,name,kana,sex,birth,address
Q1,I1,髙橋 誠,,男,昭和58年5月18日,川口市幸町2-3
Q2,I1,山田花子,ﾔﾏﾀﾞ ﾊﾅｺ,女,H2.1.2,市川市湊1
Q3,I1,山田<b>花子,,,,
Q4,I2,山田花子,,,1990-01-02,
Q5,I1,金本蘭,,,1971-03-04,杉並区堀ノ内4-1
";
const REVIEW: &str = "query_id,person_id,score,why
Q1,P1,30.1,The birth date does not confirm it. Surname agrees.
Q2,P2,29.0,Another resident is possible too. Given name agrees.
Q2,P3,28.5,Another resident is possible too. Given name differs.
Q3,P2,12.0,Too little agrees to be certain.
Q4,P2,20.0,No address connects the two: it may be a namesake.
";
const LINKS: &str = "query_id,person_id,score,why\nQ5,P4,40.0,Surname agrees.\n";

/// A folder with one run's files.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("register.csv", REGISTER),
        ("history.csv", HISTORY),
        ("queries.csv", QUERIES),
        ("review.csv", REVIEW),
        ("links.csv", LINKS),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn args(folder: &Path) -> DeskArgs {
    let file = |name: &str| Some(folder.join(name));
    DeskArgs {
        state: folder.join("desk.db"),
        staff: vec!["佐藤".into(), "Suzuki".into()],
        register: file("register.csv"),
        history: file("history.csv"),
        queries: file("queries.csv"),
        review: file("review.csv"),
        links: file("links.csv"),
        decisions: None,
        second_look: SecondLook::Links,
        listen: "127.0.0.1:0".parse().unwrap(),
    }
}

async fn open(args: &DeskArgs) -> (Running, Browser, Browser) {
    let running = start(args, World::real(), |_| {}).await.expect("the desk opens");
    let sato = Browser::signed_in(running.address, &running.links[0].1).await;
    let suzuki = Browser::signed_in(running.address, &running.links[1].1).await;
    (running, sato, suzuki)
}

async fn refused(args: &DeskArgs) -> String {
    match start(args, World::real(), |_| {}).await {
        Ok(_) => panic!("the desk must not open"),
        Err(error) => format!("{error:#}"),
    }
}

#[tokio::test]
async fn a_link_needs_two_people() {
    let folder = folder();
    let (running, sato, suzuki) = open(&args(folder.path())).await;

    let page = sato.get("/cases/1").await;
    assert!(page.body.contains("<mark class=\"variant\">"), "{}", page.body);
    assert!(page.body.contains("［異体字］"), "told in words too");
    assert!(page.body.contains("生年月日で確かめられない。 氏は一致。"), "the reasons in Japanese");

    assert_eq!(sato.act(1, "link", "P1", "").await.header("location"), Some("/cases/2?done=1"));
    assert!(!sato.get("/exports/links.csv").await.body.contains("Q1"), "not before the second look");
    let page = sato.get("/cases/1").await;
    assert!(page.body.contains("別の職員の確認を待っています") && !page.body.contains("value=\"confirm\""));

    let own = sato.act(1, "confirm", "", "").await;
    assert_eq!(own.status, 403, "nobody is their own second");
    assert!(own.body.contains("自分の判断を自分で確認することはできません"));
    assert_eq!(sato.act(1, "send_back", "", "x").await.status, 403);
    assert_eq!(suzuki.act(1, "link", "P1", "").await.status, 409, "it is decided already");

    assert_eq!(suzuki.act(1, "confirm", "", "").await.status, 303);
    let links = sato.get("/exports/links.csv").await;
    assert_eq!(links.header("content-type"), Some("text/csv; charset=utf-8"));
    let row = links.body.lines().nth(1).unwrap();
    assert!(
        row.starts_with(
            "Q1,P1,30.1,The birth date does not confirm it. Surname agrees. Decided by 佐藤 at 20"
        )
    );
    assert!(row.contains(" Second look by Suzuki at 20"), "{row}");
    let left = sato.get("/exports/review.csv").await.body;
    assert!(!left.contains("Q1") && left.contains("Q2,P2,29.0,Another resident is possible too."));
    running.stop().await;
}

#[tokio::test]
async fn decisions_are_undone_sent_back_and_left_open_with_a_reason() {
    let folder = folder();
    let (running, sato, suzuki) = open(&args(folder.path())).await;
    assert_eq!(sato.act(1, "note", "", "  ").await.status, 422, "why it stays open");
    assert_eq!(sato.act(1, "note", "", &"長".repeat(501)).await.status, 422);
    assert_eq!(sato.act(1, "note", "", "書類を待つ").await.status, 303);
    assert_eq!(sato.act(1, "undo", "", "x").await.status, 409, "there is nothing to undo");
    assert_eq!(suzuki.act(1, "confirm", "", "").await.status, 409);

    assert_eq!(sato.act(1, "none", "", "").await.status, 303, "not a link: decided at once");
    assert_eq!(suzuki.act(1, "undo", "", "").await.status, 422);
    assert_eq!(suzuki.act(1, "undo", "", "looked <again>").await.header("location"), Some("/cases/1?done=1"));
    assert!(sato.get("/?show=undone").await.body.contains("/cases/1\""));

    assert_eq!(suzuki.act(1, "link", "P1", "").await.status, 303);
    assert_eq!(sato.act(1, "send_back", "", "").await.status, 422);
    assert_eq!(sato.act(1, "send_back", "", "住所が違う").await.status, 303);
    assert_eq!(suzuki.act(1, "confirm", "", "").await.status, 409, "what went back waits no more");

    let page = sato.get("/cases/1").await.body;
    for told in ["書類を待つ", "looked &#60;again&#62;", "住所が違う", "差し戻し"] {
        assert!(page.contains(told), "{told} in {page}");
    }
    let log = sato.get("/exports/decisions.csv").await.body;
    let acts: Vec<&str> = log.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert_eq!(acts, ["note", "none", "undo", "link", "send_back"], "every one is kept");
    running.stop().await;
}

#[tokio::test]
async fn the_second_of_two_tabs_is_told() {
    let folder = folder();
    let (running, sato, suzuki) = open(&args(folder.path())).await;
    let first = sato.get("/cases/1").await.field("form_key");
    let second = suzuki.get("/cases/1").await.field("form_key");
    let (one, other) = tokio::join!(
        sato.act_from("0", &first, 1, "none", "", ""),
        suzuki.act_from("0", &second, 1, "link", "P1", ""),
    );
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409], "one is taken, one is told");
    let stale = if one.status == 409 { one } else { other };
    assert!(stale.body.contains("あなたが開いた後に変わりました"), "{}", stale.body);
    assert_eq!(sato.get("/exports/decisions.csv").await.body.lines().count(), 2, "nothing is doubled");
    running.stop().await;
}

#[tokio::test]
async fn a_resident_is_one_customer_of_an_institution() {
    let folder = folder();
    let (running, sato, suzuki) = open(&args(folder.path())).await;
    assert_eq!(sato.act(2, "link", "P2", "").await.status, 303);
    let page = suzuki.get("/cases/3").await;
    assert!(page.body.contains("すでに結び付いています") && page.body.contains("href=\"/cases/2\""));
    assert!(!page.body.contains("value=\"link\""), "there is no button for it");
    let refused = suzuki.act(3, "link", "P2", "").await;
    assert_eq!(refused.status, 409);
    assert!(refused.body.contains("Q2"), "{}", refused.body);
    assert_eq!(suzuki.act(4, "link", "P2", "").await.status, 303, "another institution's customer");
    assert_eq!(suzuki.act(2, "undo", "", "mistaken").await.status, 303);
    assert_eq!(suzuki.act(3, "link", "P2", "").await.status, 303, "free again");
    assert_eq!(sato.act(2, "link", "P1", "").await.status, 422, "not a candidate of this customer");
    running.stop().await;

    // Whom the matcher linked by itself is taken too.
    fs::write(folder.path().join("links.csv"), LINKS.replace("Q5,P4", "Q5,P1")).unwrap();
    let state = folder.path().join("other.db");
    let (running, sato, _) = open(&DeskArgs { state, ..args(folder.path()) }).await;
    assert_eq!(sato.act(1, "link", "P1", "").await.status, 409);
    running.stop().await;
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let folder = folder();
    let (running, sato, suzuki) = open(&args(folder.path())).await;
    let stranger = Browser::new(running.address);
    for path in ["/", "/cases/1", "/find?query_id=Q1", "/exports/links.csv", "/exports/decisions.csv"] {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(!answer.body.contains("Q1"), "{path}");
    }
    let (_, path) = running.links[0].1.split_once(&running.address.to_string()).unwrap();
    assert_eq!(stranger.post(path, &[]).await.status, 401, "a link works once");
    assert_eq!(stranger.get("/sign-in/guessed").await.status, 401);

    let host = running.address.to_string();
    let ours = format!("http://{host}");
    let key = sato.get("/cases/1").await.field("form_key");
    let body = format!("form_key={key}&version=0&act=none");
    for (headers, status) in [
        (vec![("Host", host.as_str())], 403),
        (vec![("Host", &host), ("Origin", "http://evil.example")], 403),
        (vec![("Host", &host), ("Origin", "null")], 403),
        (vec![("Host", &host), ("Origin", &ours), ("Origin", "http://evil.example")], 403),
        (vec![("Host", "evil.example"), ("Origin", &ours)], 421),
        (vec![("Host", "evil.example"), ("Origin", "http://evil.example")], 421),
    ] {
        let answer = sato.send("POST", "/cases/1", &headers, &body).await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
    assert_eq!(sato.send("GET", "/", &[("Host", "rebound.example")], "").await.status, 421);

    // A form without the session's key, with another session's, and no form at all.
    let others = suzuki.get("/cases/1").await.field("form_key");
    assert_ne!(others, key);
    assert_eq!(sato.act_from("0", "", 1, "none", "", "").await.status, 403);
    assert_eq!(sato.act_from("0", &others, 1, "none", "", "").await.status, 403);
    assert_eq!(sato.post("/cases/1", &[("act", "none")]).await.status, 422);
    assert_eq!(sato.act_from("x", &key, 1, "none", "", "").await.status, 422);
    assert_eq!(sato.act_from("0", &key, 1, "erase", "", "").await.status, 422);
    assert_eq!(sato.act_from("0", &key, 1, "note", "", &"x".repeat(20_000)).await.status, 422, "too large");
    assert_eq!(sato.get("/exports/decisions.csv").await.body.lines().count(), 1, "nothing was done");

    let page = sato.get("/").await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("unsafe") && !policy.contains("script")
    );
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(!page.body.contains("<script") && !page.body.contains("style="));

    assert_eq!(sato.post("/sign-out", &[("form_key", &others)]).await.status, 403);
    assert_eq!(sato.post("/sign-out", &[("form_key", &key)]).await.status, 303);
    assert_eq!(sato.get("/").await.status, 401);
    running.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_told_in_both_languages() {
    let folder = folder();
    let (running, sato, _suzuki) = open(&args(folder.path())).await;
    for path in
        ["/cases/99", "/cases/0", "/cases/-1", "/cases/x", "/exports/desk.db", "/find?query_id=Q9", "/x"]
    {
        assert_eq!(sato.get(path).await.status, 404, "{path}");
    }
    assert_eq!(
        sato.act_from("0", &sato.get("/cases/1").await.field("form_key"), 99, "none", "", "").await.status,
        404
    );
    assert_eq!(sato.get("/find?query_id=%20Q3%20").await.header("location"), Some("/cases/3"));
    let page = sato.get("/cases/3").await.body;
    assert!(page.contains("&#60;b&#62;") && !page.contains("<b>"), "text stays text: {page}");
    assert!(sato.get("/cases/1").await.body.contains("<html lang=\"ja\">"));
    let english = sato.get("/cases/1?lang=en").await;
    assert!(english.body.contains("<html lang=\"en\">") && english.body.contains("This is the same person"));
    assert!(sato.get("/cases/99").await.body.contains("There is no such case."), "remembered");
    assert!(sato.get("/cases/99?lang=ja").await.body.contains("その案件はありません。"));
    running.stop().await;
}

#[tokio::test]
async fn everything_is_there_again_after_a_restart() {
    let folder = folder();
    let first = args(folder.path());
    let (running, sato, suzuki) = open(&first).await;
    sato.act(1, "link", "P1", "").await;
    suzuki.act(1, "confirm", "", "").await;
    sato.act(2, "link", "P3", "").await;
    let log = sato.get("/exports/decisions.csv").await.body;
    running.stop().await;

    // The files need not be given again; given again they add nothing.
    let without =
        DeskArgs { register: None, history: None, queries: None, review: None, links: None, ..first.clone() };
    for again in [&without, &first] {
        let (running, sato, _suzuki) = open(again).await;
        assert_eq!(sato.get("/exports/decisions.csv").await.body, log);
        let list = sato.get("/?show=waiting").await.body;
        assert!(list.contains("/cases/2\"") && list.contains("1 / 4"), "{list}");
        running.stop().await;
    }
    fs::write(folder.path().join("review.csv"), REVIEW.replace("30.1", "31.0")).unwrap();
    let changed = refused(&first).await;
    assert!(changed.contains("query_id Q1") && changed.contains("nothing was added"), "{changed}");
}

#[tokio::test]
async fn the_log_of_one_desk_is_read_by_another() {
    let folder = folder();
    let (running, sato, suzuki) = open(&args(folder.path())).await;
    sato.act(1, "note", "", "a, \"quoted\" reason").await;
    sato.act(1, "link", "P1", "").await;
    suzuki.act(1, "confirm", "", "").await;
    suzuki.act(2, "none", "", "").await;
    sato.act(2, "undo", "", "mistaken").await;
    sato.act(2, "link", "P2", "").await;
    let files = ["links.csv", "review.csv", "decisions.csv"].map(|name| format!("/exports/{name}"));
    let mut before = Vec::new();
    for file in &files {
        before.push(sato.get(file).await.body);
    }
    running.stop().await;

    let decisions = folder.path().join("elsewhere.csv");
    fs::write(&decisions, &before[2]).unwrap();
    let other =
        DeskArgs { state: folder.path().join("other.db"), decisions: Some(decisions), ..args(folder.path()) };
    for round in 0..2 {
        let (running, sato, _suzuki) = open(&other).await;
        for (file, before) in files.iter().zip(&before) {
            let now = sato.get(file).await.body;
            if file.ends_with("decisions.csv") {
                let as_made_there = now.replace(",yes\n", ",no\n").replace(",yes\r\n", ",no\r\n");
                assert_eq!(as_made_there, *before, "round {round}: entered once");
            } else {
                assert_eq!(now, *before, "round {round}");
            }
        }
        assert!(sato.get("/cases/1").await.body.contains("（ファイルから）"));
        running.stop().await;
    }
}

#[tokio::test]
async fn a_bad_file_of_decisions_is_refused_whole_with_its_line() {
    const HEAD: &str = "query_id,decision,person_id,who,when,why\n";
    let folder = folder();
    let path = folder.path().join("decisions.csv");
    let all = DeskArgs { decisions: Some(path.clone()), ..args(folder.path()) };
    let good = "Q1,link,P1,Ito,2026-04-01T09:30:00+09:00,\n";
    for (row, told) in [
        ("Q2,maybe,,Ito,2026-04-01T09:30:00+09:00,", "line 3: decision must be"),
        ("Q2,link,,Ito,2026-04-01T09:30:00+09:00,", "line 3: decision must be"),
        ("Q2,none,P2,Ito,2026-04-01T09:30:00+09:00,", "line 3: decision must be"),
        ("Q2,none,,Ito,yesterday,", "line 3: when must be"),
        ("Q2,none,,,2026-04-01T09:30:00+09:00,", "line 3: who is empty"),
        ("Q9,none,,Ito,2026-04-01T09:30:00+09:00,", "line 3: this query_id is no case"),
        ("Q2,link,P1,Ito,2026-04-01T09:30:00+09:00,", "line 3: This resident is not among the candidates."),
        ("Q1,confirm,,ito,2026-04-01T09:31:00+09:00,", "line 3: Nobody can be the second"),
        ("Q2,undo,,Ito,2026-04-01T09:31:00+09:00,why", "line 3: There is no decision to undo."),
        ("Q2,none,,Ito", "line 3: 4 fields where the first line has 6"),
    ] {
        fs::write(&path, format!("{HEAD}{good}{row}\n")).unwrap();
        let why = refused(&all).await;
        assert!(why.contains(told) && why.contains("decisions.csv"), "{row}: {why}");
    }
    let (running, sato, suzuki) = open(&args(folder.path())).await;
    assert_eq!(sato.get("/exports/decisions.csv").await.body.lines().count(), 1, "not one line was entered");
    running.stop().await;
    drop((sato, suzuki));

    // One person cannot enter a link as decided: it waits for somebody at this desk.
    fs::write(&path, format!("{HEAD}{good}")).unwrap();
    let (running, sato, _suzuki) = open(&all).await;
    assert!(!sato.get("/exports/links.csv").await.body.contains("Q1"));
    assert_eq!(sato.act(1, "confirm", "", "").await.status, 303);
    assert!(
        sato.get("/exports/links.csv")
            .await
            .body
            .contains("Decided by Ito at 2026-04-01T09:30:00.000+09:00.")
    );
    running.stop().await;
}

#[tokio::test]
async fn files_that_do_not_belong_together_are_refused() {
    let folder = folder();
    let all = args(folder.path());
    let with = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    for (name, good, bad, told) in [
        ("review.csv", REVIEW, REVIEW.replace("Q4,P2", "Q7,P2"), "line 6: query_id Q7 is not in"),
        ("review.csv", REVIEW, REVIEW.replace("Q4,P2", "Q4,P9"), "names person_id P9"),
        ("review.csv", REVIEW, REVIEW.replace("Q2,P3", "Q2,P2"), "line 4: the customer has this person_id"),
        ("review.csv", REVIEW, REVIEW.replace("score", "bits"), "line 1: the column 'score' is missing"),
        ("queries.csv", QUERIES, QUERIES.replace("Q5", "Q1"), "line 6: this query_id stands there twice"),
        ("links.csv", LINKS, LINKS.replace("Q5", "Q8"), "line 2: this query_id is not among the customers"),
    ] {
        with(name, &bad);
        let why = refused(&all).await;
        assert!(why.contains(told), "{why}");
        with(name, good);
    }
    assert!(!all.state.exists(), "no file is left behind");
    let nothing = DeskArgs { register: None, queries: None, review: None, ..all.clone() };
    assert!(refused(&nothing).await.contains("give --register, --queries and --review the first time"));
    let outside = DeskArgs { listen: "0.0.0.0:0".parse().unwrap(), ..all.clone() };
    assert!(refused(&outside).await.contains("this machine only"));
    let twice = DeskArgs { staff: vec!["Sato".into(), " sato".into()], ..all.clone() };
    assert!(refused(&twice).await.contains("given twice"));
}

#[tokio::test]
async fn which_decisions_need_a_second_look_can_be_set() {
    for (second_look, link, none) in
        [(SecondLook::All, "waiting", "waiting"), (SecondLook::None, "decided", "decided")]
    {
        let folder = folder();
        let (running, sato, _suzuki) = open(&DeskArgs { second_look, ..args(folder.path()) }).await;
        sato.act(1, "link", "P1", "").await;
        sato.act(2, "none", "", "").await;
        assert!(sato.get(&format!("/?show={link}")).await.body.contains("/cases/1\""), "{second_look:?}");
        assert!(sato.get(&format!("/?show={none}")).await.body.contains("/cases/2\""), "{second_look:?}");
        running.stop().await;
    }
}

#[tokio::test]
async fn a_hundred_thousand_rows_open_quickly() {
    let folder = tempfile::tempdir().unwrap();
    let (mut register, mut queries, mut review) = (
        String::from("person_id,name,birth_date,address\n"),
        String::from("query_id,institution,name,birth,address\n"),
        String::from("query_id,person_id,score,why\n"),
    );
    for number in 0..50_000 {
        register += &format!("P{number},山田　花子,1990-01-02,千葉県市川市湊{number}番\n");
        queries += &format!("Q{number},I{},山田花子,1990-01-02,市川市湊{number}\n", number % 7);
        for other in [number, (number + 1) % 50_000] {
            review += &format!("Q{number},P{other},20.0,Another resident is possible too.\n");
        }
    }
    for (name, text) in [("register.csv", register), ("queries.csv", queries), ("review.csv", review)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let all = DeskArgs { history: None, links: None, ..args(folder.path()) };
    let watch = world::Stopwatch::start();
    let (running, sato, _suzuki) = open(&all).await;
    println!("opened with 100,000 new rows in {:?}", watch.elapsed());
    assert!(watch.elapsed().as_secs() < 30, "{:?}", watch.elapsed());
    for path in ["/", "/?show=all&page=1000", "/?show=open&page=500", "/cases/50000"] {
        let watch = world::Stopwatch::start();
        assert_eq!(sato.get(path).await.status, 200);
        println!("{path} in {:?}", watch.elapsed());
        assert!(watch.elapsed().as_millis() < 1_000, "{path}: {:?}", watch.elapsed());
    }
    assert!(sato.get("/?page=9999999").await.body.contains("1000 / 1000"), "the last page there is");
    running.stop().await;
    let watch = world::Stopwatch::start();
    let (running, _sato, _suzuki) =
        open(&DeskArgs { register: None, queries: None, review: None, ..all }).await;
    assert!(watch.elapsed().as_secs() < 5, "again: {:?}", watch.elapsed());
    running.stop().await;
}
