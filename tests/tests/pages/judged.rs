//! Every page judged: axe-core finds no violation, at desk width and at a telephone's, in both languages; nothing is wider
//! than the telephone; and a clerk's work is done by keyboard alone.

use serde_json::Value;

use crate::Country;
use crate::browser::Browser;

const AXE: &str = include_str!("../../judges/axe.min.js");

/// Runs axe over the page that is open; what it finds, in words.
pub fn axe(browser: &Browser) -> Vec<String> {
    let script = format!(
        "{AXE}; return axe.run(document, {{resultTypes: ['violations']}}).then(r => r.violations.map(v => \
         v.id + ': ' + v.help + ' @ ' + v.nodes.map(n => n.target.join(' ')).join(', ')))"
    );
    let found = browser.run(&script);
    let found = found.as_array().cloned().unwrap_or_else(|| panic!("axe did not run: {found}"));
    found.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_wrong_on_any_page_in_either_language_at_either_width() {
    let country = Country::new(200).await;
    let (customer, resident) = country.customer_with("town", "tax", "income");
    let folder = tempfile::tempdir().unwrap();
    let browser = Browser::start(folder.path());
    // The judge itself is awake: a picture without words is found.
    browser.open(&country.at("/"));
    browser.run("document.querySelector('main').append(document.createElement('img'))");
    assert!(axe(&browser).iter().any(|one| one.starts_with("image-alt")), "axe is asleep");

    let [made, refused, asked] = sets_of_every_kind(&country).await;

    let mut wrong = Vec::new();
    let mut pages = 0;
    let mut judge = |browser: &Browser, name: &str| {
        browser.resize(1100, 900);
        wrong.extend(out_of_reach(browser).into_iter().map(|one| format!("{name}: {one}")));
        for (width, height) in [(1100, 900), (390, 800)] {
            browser.resize(width, height);
            pages += 1;
            wrong.extend(axe(browser).into_iter().map(|one| format!("{name} at {width}: {one}")));
            if width < 500 && browser.is_wider_than_its_window() {
                wrong.push(format!("{name} is wider than a telephone"));
            }
        }
    };
    for language in ["ja", "en"] {
        for path in ["/", "/people", "/worries", "/number"] {
            browser.open(&country.at(&format!("{path}?lang={language}")));
            judge(&browser, &format!("start {path} {language}"));
        }
        browser.open(&country.at("/as/town/clerk"));
        let town = browser.address();
        browser.open(&format!("{town}?lang={language}"));
        judge(&browser, &format!("clerk's desk {language}"));
        browser.type_into("#q", &customer);
        browser.click("form[action='/customers'] button");
        judge(&browser, &format!("customers {language}"));
        browser.click("form[action='/choices'] button");
        judge(&browser, &format!("choices {language}"));
        browser.click("input[value='child-allowance income tax']");
        browser.click("form[action='/asks'] button");
        browser.text("dl.item");
        judge(&browser, &format!("ask {language}"));
        for path in ["batches", "answers"] {
            browser.open(&format!("{town}{path}"));
            judge(&browser, &format!("{path} {language}"));
        }
        browser.open(&format!("{town}asks/AAAAAAAAAAAAAAAAAAAAAA"));
        judge(&browser, &format!("problem {language}"));

        browser.open(&country.at(&format!("/as-person/{resident:07}")));
        let portal = browser.address();
        browser.open(&format!("{portal}?lang={language}"));
        browser.text("ul.sentences");
        judge(&browser, &format!("my records {language}"));
        browser.click("ul.sentences > li a.button");
        browser.text("form[action$='/case'] button");
        judge(&browser, &format!("my record {language}"));
        browser.open(&format!("{portal}held?lang={language}"));
        judge(&browser, &format!("institutions {language}"));
        browser.click("form[action='/held/tax'] button");
        browser.text("dl.item");
        judge(&browser, &format!("held {language}"));

        browser.open(&country.at("/as/oversight/officer"));
        let oversight = browser.address();
        for path in ["", "ledgers", "alarms", "cases", "reconciliation", "acts", "country"] {
            browser.open(&format!("{oversight}{path}?lang={language}"));
            judge(&browser, &format!("oversight /{path} {language}"));
        }
        browser.open(&format!("{oversight}reconciliation"));
        browser.click("form[action='/reconciliation'] button");
        browser.text("main table");
        judge(&browser, &format!("reconciled {language}"));
        browser.open(&format!("{oversight}sign-in?lang={language}"));
        judge(&browser, &format!("sign in {language}"));

        for (role, paths) in [
            ("researcher", vec!["".to_owned(), "ask".into(), "findings".into(), "statistics".into()]),
            ("officer", vec![format!("sets/{asked}"), "findings".into()]),
            (
                "keeper",
                vec![
                    "domains".into(),
                    "domains/medical".into(),
                    format!("sets/{made}"),
                    format!("sets/{refused}"),
                ],
            ),
        ] {
            browser.open(&country.at(&format!("/as/research/{role}")));
            let research = browser.address();
            for path in paths {
                browser.open(&format!("{research}{path}?lang={language}"));
                judge(&browser, &format!("research {role} /{path} {language}"));
            }
        }
        browser.open(&country.at("/as/research/researcher"));
        browser.open(&format!("{}statistics?lang={language}", browser.address()));
        browser.type_into("#purpose", "患者の年齢 / patients by age");
        browser.click("form[action='/statistics'] button");
        browser.text("main table");
        judge(&browser, &format!("research table {language}"));
    }
    assert!(pages >= 80, "only {pages} pages were judged");
    assert!(wrong.is_empty(), "{pages} pages judged:\n{}", wrong.join("\n"));
    country.start.stop();
}

/// Sets for research: one made, one refused, one that waits for officers.
async fn sets_of_every_kind(country: &Country) -> [String; 3] {
    use protocol::research::{AskSet, SETS, SetLine, SetState};
    let file = &country.ground.ready.stage.file;
    let population = demo::Population::generate(7, 200);
    musubi::demo_run::research::play(file, &population, 0).await.unwrap();
    let researcher = musubi::research_command::ResearchDesk::of(file, "researcher").unwrap();
    let sets: Vec<SetLine> = researcher.get(SETS).await.unwrap();
    let of = |state| sets.iter().find(|set| set.state == state).unwrap();
    let again: AskSet = of(SetState::Refused).ask.clone();
    let asked: SetLine = researcher.post(SETS, &again).await.unwrap();
    [of(SetState::HandedOver).id, of(SetState::Refused).id, asked.id].map(|id| id.to_string())
}

/// What the keyboard does not come to on the page that is open, or comes to unseen. Of several choices of one name one stop
/// is enough: the arrows do the rest.
fn out_of_reach(browser: &Browser) -> Vec<String> {
    // What is folded away is opened first: it is judged like everything else.
    let mark = "document.activeElement.blur(); window.getSelection().removeAllRanges(); \
        document.querySelectorAll('details').forEach(one => one.open = true); \
        const names = new Set(); let n = 0; \
        for (const one of document.querySelectorAll('a[href], button, input, select, textarea, summary')) { \
            if (one.type === 'hidden') continue; \
            if (one.type === 'radio') { if (names.has(one.name)) continue; names.add(one.name); } \
            one.dataset.stop = n++; \
        } return n";
    let stops = browser.run(mark).as_u64().unwrap();
    let (mut seen, mut wrong) = (std::collections::BTreeSet::new(), Vec::new());
    for _ in 0..stops + 20 {
        browser.press(TAB);
        let at = browser.run(
            "const one = document.activeElement; \
             const radio = one.type === 'radio' ? document.querySelector('input[name=' + one.name + '][data-stop]') : one; \
             return [radio.dataset.stop ?? '', getComputedStyle(one).outlineStyle, one.outerHTML.slice(0, 120)]",
        );
        let part = |n: usize| at[n].as_str().unwrap_or_default().to_owned();
        let Ok(stop) = part(0).parse::<u64>() else { continue };
        if seen.insert(stop) && part(1) == "none" {
            wrong.push(format!("the focus is not seen on {}", part(2)));
        }
        if u64::try_from(seen.len()).unwrap() == stops {
            break;
        }
    }
    for stop in (0..stops).filter(|stop| !seen.contains(stop)) {
        let script =
            format!("return document.querySelector('[data-stop=\"{stop}\"]').outerHTML.slice(0, 120)");
        wrong.push(format!("the keyboard does not come to {}", browser.run(&script)));
    }
    wrong
}

/// Tab, space and enter, as WebDriver writes them.
const TAB: &str = "\u{E004}";
const ENTER: &str = "\u{E007}";

/// Tabs on until the focused element fits; fails when the keyboard never gets there.
fn tab_to(browser: &Browser, selector: &str) {
    for _ in 0..200 {
        browser.press(TAB);
        let script = format!("return document.activeElement.matches({})", Value::from(selector));
        if browser.run(&script) == Value::Bool(true) {
            let outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle");
            assert_ne!(outline, Value::from("none"), "{selector}: the focus is not seen");
            return;
        }
    }
    panic!("the keyboard does not come to {selector}: {}", browser.source());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_asks_by_keyboard_alone() {
    let country = Country::new(200).await;
    let (customer, _) = country.customer_with("town", "tax", "income");
    let folder = tempfile::tempdir().unwrap();
    let browser = Browser::start(folder.path());
    browser.open(&country.at("/"));
    tab_to(&browser, "a[href='/as/town/clerk']");
    browser.press(ENTER);
    browser.text("#q");
    // The first stop leads past the header.
    browser.press(TAB);
    assert_eq!(browser.run("return document.activeElement.getAttribute('href')"), Value::from("#content"));
    tab_to(&browser, "#q");
    browser.press(&customer);
    browser.press(ENTER);
    browser.text("form[action='/choices'] button");
    tab_to(&browser, "form[action='/choices'] button");
    browser.press(ENTER);
    browser.text("input[name='choice']");
    tab_to(&browser, "input[name='choice']");
    // Among the choices of one name the arrows move.
    for _ in 0..100 {
        let value = browser.run("return document.activeElement.value");
        if value == "child-allowance income tax" {
            break;
        }
        browser.press("\u{E015}");
    }
    browser.press(ENTER);
    assert!(browser.text("dl.item").contains("金額"), "{}", browser.source());
    country.start.stop();
}
