//! A walk through the country with script off: what a stranger finds from the start page, by clicking and typing alone.

use crate::browser::Browser;
use crate::{Country, picture};

/// Clicks the first link or button with this text.
fn follow(browser: &Browser, text: &str) {
    let wanted = |one: &str| one.trim() == text;
    for selector in ["main a", "main button", "header a", "header button"] {
        let found = browser.texts(selector).iter().position(|one| wanted(one));
        if let Some(at) = found {
            browser.click_nth(selector, at);
            return;
        }
    }
    panic!("nothing to follow is called {text}:\n{}", browser.source());
}

fn main_text(browser: &Browser) -> String {
    browser.text("main")
}

fn says(browser: &Browser, expected: &str) {
    for _ in 0..100 {
        if main_text(browser).contains(expected) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("{expected} is not said at {}:\n{}", browser.address(), main_text(browser));
}

fn choose(browser: &Browser, customer: &str, choice: &str) {
    browser.type_into("#q", customer);
    browser.click("form[action='/customers'] button");
    browser.click("form[action='/choices'] button");
    browser.click(&format!("input[value='{choice}']"));
    browser.click("form[action='/asks'] button");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_found_from_the_start_page_without_script() {
    let country = Country::new(300).await;
    let (customer, resident) = country.customer_with("town", "tax", "income");
    let folder = tempfile::tempdir().unwrap();
    let browser = Browser::with(folder.path(), false);
    browser.resize(1100, 1400);

    // A clerk of the town asks and reads.
    browser.open(&country.at("/"));
    says(&browser, "結びの国へようこそ");
    picture(&browser, "start");
    follow(&browser, "市役所");
    says(&browser, "照会の窓口");
    choose(&browser, &customer, "child-allowance income tax");
    says(&browser, "金額");
    says(&browser, "どのように進んだか");
    picture(&browser, "clerk-answer");
    // The answer stands in the list, and is read again there.
    follow(&browser, "照会の窓口");
    says(&browser, "回答あり");
    picture(&browser, "clerk-desk");
    browser.click("tbody th a");
    says(&browser, "金額");

    // What needs consent is refused, with who can mend it.
    let (other, _) = country.customer_with("town", "welfare", "public-assistance");
    browser.open(&country.at("/as/insurer/clerk"));
    let (insured, _) = country.customer_with("insurer", "town", "local-tax");
    choose(&browser, &insured, "health-benefit local-tax town");
    says(&browser, "本人の同意が必要です");
    says(&browser, "直せる人: 照会した機関の責任者");
    picture(&browser, "clerk-refused");

    // Many at once: a file up, progress, a file down.
    browser.open(&country.at("/as/town/clerk"));
    follow(&browser, "一括照会");
    let file = folder.path().join("many.csv");
    let rows = format!(
        "customer,affair,item,provider\n{customer},child-allowance,income,tax\n\
         {other},local-tax,public-assistance,welfare\nnobody,child-allowance,income,tax\n"
    );
    std::fs::write(&file, rows).unwrap();
    picture(&browser, "batches");
    browser.type_into("#file", file.to_str().unwrap());
    browser.click("form[enctype] button");
    says(&browser, "3 / 3");
    says(&browser, "結果ファイル");
    says(&browser, "1 件");
    picture(&browser, "batch");
    let done = browser.address();
    // Sent from the command line, too: nobody is asked again.
    let acts = async || country.ground.house("linkage").road.leaves(None).await.unwrap().len();
    let before = acts().await;
    let section = country.ground.ready.stage.section("town").unwrap();
    musubi::batch_command::run(section, &file, None, None).await.unwrap();
    let result = std::fs::read_to_string(folder.path().join("many.result.csv")).unwrap();
    assert!(result.contains("answered") && result.lines().count() == 4, "{result}");
    assert_eq!(acts().await, before, "the file that was uploaded was asked again by the command");
    // The same file again is the same batch.
    follow(&browser, "一括照会");
    browser.type_into("#file", file.to_str().unwrap());
    browser.click("form[enctype] button");
    says(&browser, "3 / 3");
    assert_eq!(browser.address(), done);

    // The person finds the inquiry, checks the proof, asks about it.
    browser.open(&country.at("/people"));
    says(&browser, "見本の本人確認");
    picture(&browser, "people");
    browser.open(&country.at(&format!("/as-person/{resident:07}")));
    says(&browser, "市役所が児童手当の支給のために国税庁へあなたの所得の情報を照会しました");
    picture(&browser, "my-records");
    let lines = browser.texts("ul.sentences > li");
    let at = lines.iter().position(|line| line.contains("児童手当")).unwrap();
    browser.click_nth("ul.sentences > li a.button", at);
    says(&browser, "あとから書き換えられない帳簿");
    // A proof needs a witness; a few seconds may pass.
    for _ in 0..20 {
        if main_text(&browser).contains("証明を確かめました") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_secs(1));
        let here = browser.address();
        follow(&browser, "わたしの記録");
        follow(&browser, "最新にする");
        browser.open(&here);
    }
    says(&browser, "証明を確かめました");
    follow(&browser, "この記録について問い合わせる");
    for _ in 0..50 {
        if main_text(&browser).contains("第三者機関の事案") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
        browser.open(&browser.address());
    }
    says(&browser, "受け付けました");
    says(&browser, "回答の期限");
    picture(&browser, "my-record");
    // What the tax agency holds, and that the person looked.
    follow(&browser, "機関が持つわたしの情報");
    says(&browser, "国税庁");
    picture(&browser, "institutions");
    browser.click("form[action='/held/tax'] button");
    says(&browser, "いま読んだ内容です");
    says(&browser, "所得");
    picture(&browser, "held");
    follow(&browser, "わたしの記録");
    let looked = async || {
        follow(&browser, "最新にする");
        main_text(&browser).contains("あなたが国税庁の持つあなたの所得の情報を見ようとしました")
    };
    let mut there = false;
    for _ in 0..30 {
        there = looked().await;
        if there {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
    assert!(there, "the look is in nobody's records: {}", main_text(&browser));
    follow(&browser, "サインアウト");
    says(&browser, "サインイン");

    // An officer finds the case, looks at the act on all sides, suspends the town, which acts, and restores it.
    browser.open(&country.at("/"));
    follow(&browser, "第三者機関の窓口");
    says(&browser, "認定");
    picture(&browser, "oversight");
    follow(&browser, "事案");
    says(&browser, "本人からの問い合わせ");
    picture(&browser, "cases");
    follow(&browser, "この件の記録を見る");
    says(&browser, "inquire");
    says(&browser, "市役所");
    picture(&browser, "act");
    follow(&browser, "記録簿");
    says(&browser, "musubi/linkage");
    picture(&browser, "ledgers");
    follow(&browser, "突合");
    browser.click("form[action='/reconciliation'] button");
    says(&browser, "食い違いはありません");
    picture(&browser, "reconciliation");
    follow(&browser, "警報");
    says(&browser, "警報はありません");
    follow(&browser, "だれがだれに聞けるか");
    says(&browser, "法の一覧と認定から描いた図です");
    picture(&browser, "country");
    follow(&browser, "認定");
    browser.type_into("#reason-town", "調査のため");
    browser.click("form:has(input[value='town']) button");
    says(&browser, "停止中");
    // It acts everywhere within the minute that is promised; here documents are fetched every second.
    let refused = async || {
        browser.open(&country.at("/as/town/clerk"));
        choose(&browser, &customer, "child-allowance income tax");
        main_text(&browser).contains("認定は停止されています")
    };
    let mut acts = false;
    for _ in 0..20 {
        acts = refused().await;
        if acts {
            break;
        }
    }
    assert!(acts, "the suspended town is answered");
    browser.open(&country.at("/as/oversight/officer"));
    browser.type_into("#reason-town", "終わった");
    browser.click("form:has(input[value='town']) button");
    for _ in 0..100 {
        if !main_text(&browser).contains("停止中") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(!main_text(&browser).contains("停止中"));

    // Once one person of the town is accredited by name, nobody else may ask there; taken off again, anybody may.
    let people = async |button: &str, text: &str| {
        browser.open(&country.at("/as/oversight/officer"));
        browser.click("li:has(#staff-town) summary");
        browser.type_into("#staff-town", "sato-01");
        browser.type_into("#why-town", text);
        browser.click(&format!("form[action='/people']:has(#staff-town) button[value='{button}']"));
    };
    people("accredit", "研修を終えた").await;
    browser.click("li:has(#staff-town) summary");
    says(&browser, "sato-01");
    picture(&browser, "people-of-the-town");
    let answer = async |expected: &str| {
        for _ in 0..20 {
            browser.open(&country.at("/as/town/clerk"));
            choose(&browser, &customer, "child-allowance income tax");
            if main_text(&browser).contains(expected) {
                return true;
            }
        }
        false
    };
    assert!(
        answer("認定を受けていません").await,
        "somebody who is not accredited is answered: {}",
        main_text(&browser)
    );
    people("withdraw", "異動した").await;
    assert!(answer("金額").await, "the town is not answered any more: {}", main_text(&browser));

    // An institution that the authority has certified is accredited.
    browser.open(&country.at("/as/oversight/officer"));
    let accredited = browser.texts("ul.cards > li").len();
    browser.type_into("#new-reason", "実地の確認を終えた");
    picture(&browser, "accredit");
    browser.click("form[action='/accredit'] button");
    for _ in 0..100 {
        if browser.texts("ul.cards > li").len() == accredited + 1 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(browser.texts("ul.cards > li").len(), accredited + 1);

    // A number is changed, and everything that led to the person still does.
    browser.open(&country.at("/worries"));
    follow(&browser, "いま変えてみる");
    follow(&browser, "番号を変える");
    says(&browser, "変える前に見えていた記録");
    let seen: Vec<String> = browser.texts("main .notice strong");
    assert!(seen[1] == seen[2] && seen[1] != "0", "{seen:?}");
    picture(&browser, "number");
    browser.open(&country.at("/worries"));
    says(&browser, "14. 医療");
    picture(&browser, "worries");
    country.start.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_of_the_provider_decides_and_the_answer_comes_later() {
    let country = Country::new(1200).await;
    let folder = tempfile::tempdir().unwrap();
    let browser = Browser::with(folder.path(), false);
    browser.resize(1100, 1400);
    // Whoever of those that may ask has such a customer.
    let may = [("welfare", "public-assistance"), ("town", "care-insurance"), ("insurer", "health-benefit")];
    let found = may.iter().find_map(|(inquirer, affair)| {
        let (customer, _) = country.find_customer(inquirer, "neighbour", "long-term-care")?;
        Some((*inquirer, customer, format!("{affair} long-term-care neighbour")))
    });
    let (inquirer, customer, wish) = found.expect("somebody in care at the neighbour");
    let (desk, wish) = (country.at(&format!("/as/{inquirer}/clerk")), wish.as_str());
    browser.open(&desk);
    choose(&browser, &customer, wish);
    says(&browser, "相手の機関の職員が確認しています");
    picture(&browser, "late-waiting");
    let first = browser.address();
    browser.open(&desk);
    choose(&browser, &customer, wish);
    says(&browser, "相手の機関の職員が確認しています");
    let second = browser.address();

    browser.open(&country.at("/as/neighbour/clerk"));
    follow(&browser, "提供の窓口");
    says(&browser, "介護保険給付等関係情報");
    picture(&browser, "provider-desk");
    assert_eq!(browser.texts("ul.cards > li").len(), 2);
    // The older one is provided, the other is not.
    browser.click("ul.cards > li:first-child button[value='approve']");
    for _ in 0..100 {
        if browser.texts("ul.cards > li").len() == 1 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    browser.click("ul.cards > li:first-child button[value='decline']");
    says(&browser, "待っている照会はありません");

    browser.open(&desk);
    let both = [&first, &second].map(|address| {
        browser.open(address);
        for _ in 0..200 {
            let text = main_text(&browser);
            if !text.contains("確認しています") {
                return text;
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        panic!("no answer within 40 s: {}", main_text(&browser));
    });
    assert_eq!(both.iter().filter(|text| text.contains("要介護度")).count(), 1, "{both:?}");
    assert_eq!(
        both.iter().filter(|text| text.contains("回答できない") || text.contains("回答なし")).count(),
        1
    );

    // The neighbour shields the record: from now on nothing of it is provided, and nobody is told why.
    let (shielded, _) = country.customer_with("neighbour", "insurer", "eligibility");
    browser.open(&country.at("/as/neighbour/clerk"));
    follow(&browser, "提供の窓口");
    browser.type_into("#customer", &shielded);
    browser.click("form[action='/shields'] button[value='true']");
    browser.type_into("#customer", "nobody-at-all");
    browser.click("form[action='/shields'] button[value='true']");
    says(&browser, "できませんでした");
    country.start.stop();
}
