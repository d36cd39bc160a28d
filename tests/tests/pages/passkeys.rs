//! Signing in at the portal with the card's certificate, and without card and reader by a passkey that was enrolled with it: in
//! headless Chromium with a virtual authenticator.

use std::path::Path;
use std::time::Duration;

use musubi::sign_in_command::{BeginArgs, FinishArgs, SignInAct, finish, run};
use protocol::certificates::{
    CARD_CERTIFICATES, CARD_EVENTS, CardEvent, EventDone, HolderEvent, IssuedCertificates, OrderForCard,
    Window,
};
use seal::x509::{CertificationRequest, IssuerKey, KeyKind};
use words::B64;

use crate::browser::Browser;
use crate::{Country, picture};

const WITHIN: Duration = Duration::from_secs(20);

/// The entry of a resident of the demo, and the key in the card.
const ENTRY: &str = "0000001";

struct Holder {
    key: IssuerKey,
    certificate: Vec<u8>,
}

impl Holder {
    async fn new(country: &Country) -> Self {
        let key = IssuerKey::from_pkcs8(&IssuerKey::generate(KeyKind::Rsa2048).unwrap()).unwrap();
        let order = OrderForCard {
            entry: ENTRY.into(),
            window: Window {
                prefecture: "Musubi-to".into(),
                municipality: "Musubi-shi".into(),
                code: "13221".into(),
            },
            signature: None,
            authentication: Some(B64::from(CertificationRequest::of(&key).unwrap())),
        };
        let registrar = registrar(country);
        let issued: IssuedCertificates = registrar.post(CARD_CERTIFICATES, &order, WITHIN).await.unwrap();
        Self { key, certificate: issued.issued[0].certificate.0.clone() }
    }

    /// As with a card: `musubi sign-in begin`, the key signs, `musubi sign-in finish`.
    async fn sign_in(&self, country: &Country, folder: &Path) -> anyhow::Result<String> {
        let file = |name: &str| folder.join(name);
        run(&SignInAct::Begin(BeginArgs { out: file("text") })).await?;
        let text = std::fs::read(file("text"))?;
        std::fs::write(file("signature"), self.key.sign(&text)?)?;
        std::fs::write(file("certificate"), &self.certificate)?;
        let config = country.ground.folder.path().join("musubi.toml");
        let (text, signature) = (file("text"), file("signature"));
        finish(&FinishArgs { config, text, signature, certificate: file("certificate") }).await
    }
}

fn registrar(country: &Country) -> wire::InnerClient {
    musubi::desk::client(country.ground.ready.stage.section("registry").unwrap(), "registrar").unwrap()
}

fn says(browser: &Browser, expected: &str) {
    for _ in 0..100 {
        if browser.text("main").contains(expected) {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{expected} is not said at {}:\n{}", browser.address(), browser.text("main"));
}

/// Signs out and waits until that page is there: what is opened before would be overtaken by it.
fn sign_out(browser: &Browser) {
    browser.click("form[action='/sign-out'] button");
    for _ in 0..100 {
        if browser.address().contains("/sign-in") {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("signing out ends at {}", browser.address());
}

/// As every page: in both languages, at a telephone's width.
fn judged(browser: &Browser, page: &str) {
    for language in ["en", "ja"] {
        browser.open(&format!("{page}?lang={language}"));
        browser.resize(390, 800);
        let wrong = crate::judged::axe(browser);
        assert!(wrong.is_empty() && !browser.is_wider_than_its_window(), "{page} {language}: {wrong:?}");
        browser.resize(1100, 900);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_enrolled_with_the_card_signs_in_until_the_certificate_ends() {
    let country = Country::new(100).await;
    let folder = tempfile::tempdir().unwrap();
    let holder = Holder::new(&country).await;

    // With the card: the same records as the demo's picker shows.
    let url = holder.sign_in(&country, folder.path()).await.unwrap();
    let (_, records) =
        musubi::picker::my_records(&country.ground.folder.path().join("musubi.toml"), ENTRY).await.unwrap();
    let pages = country.ground.ready.stage.section("portal").unwrap().settings.common.pages.clone().unwrap();
    let site = format!("http://localhost:{}", pages.listen.port());
    let browser = Browser::start(folder.path());
    let authenticator = browser.add_authenticator(true);
    // Passkeys are for names, not for addresses.
    browser.open(&url.replace("127.0.0.1", "localhost"));
    says(&browser, &format!("{} 件", records.acts.len()));

    // The page of uses has this very sign-in; a passkey is enrolled.
    browser.open(&format!("{site}/certificates"));
    says(&browser, "利用者証明用");
    says(&browser, "パスキーはありません");
    browser.click("#enrol");
    says(&browser, "このパスキーを取り消す");
    picture(&browser, "certificates");
    judged(&browser, &format!("{site}/certificates"));

    // Signed out; in again without card and reader, to the same records.
    sign_out(&browser);
    browser.open(&format!("{site}/passkey"));
    picture(&browser, "passkey");
    judged(&browser, &format!("{site}/passkey"));
    browser.click("#use");
    says(&browser, &format!("{} 件", records.acts.len()));
    browser.open(&format!("{site}/certificates"));
    says(&browser, "最後に使った日時");
    // A passkey makes no other passkey.
    says(&browser, "カードでサインインしたときに登録できます");
    let refused = browser.run(
        "return fetch('/passkeys', {method: 'POST', headers: {'Content-Type': 'application/json'}, \
         body: JSON.stringify({challenge: 'A'.repeat(43), client: 'AA', attestation: 'AA'})}).then(a => a.status)",
    );
    assert!(refused.as_u64().unwrap() >= 400);

    // Whoever is not its user is not let in.
    sign_out(&browser);
    browser.set_verified(&authenticator, false);
    browser.open(&format!("{site}/passkey"));
    browser.click("#use");
    says(&browser, "サインインできませんでした");
    browser.set_verified(&authenticator, true);

    // Suspended with the card, resumed with it, ended with it.
    let event = async |event| {
        let event = CardEvent { entry: ENTRY.into(), event };
        registrar(&country).post::<EventDone>(CARD_EVENTS, &event, WITHIN).await.unwrap();
    };
    event(HolderEvent::Suspended).await;
    browser.open(&format!("{site}/passkey"));
    browser.click("#use");
    says(&browser, "サインインできませんでした");
    assert!(holder.sign_in(&country, folder.path()).await.is_err());
    event(HolderEvent::Resumed).await;
    browser.open(&format!("{site}/passkey"));
    browser.click("#use");
    says(&browser, &format!("{} 件", records.acts.len()));

    // Given up: it is not enrolled any more.
    browser.open(&format!("{site}/certificates"));
    browser.click("form[action='/passkeys/remove'] button");
    says(&browser, "パスキーはありません");
    sign_out(&browser);
    browser.open(&format!("{site}/passkey"));
    browser.click("#use");
    says(&browser, "サインインできませんでした");

    // A signature of somebody else signs nobody in, nor does a certificate that was given back.
    let other = IssuerKey::from_pkcs8(&IssuerKey::generate(KeyKind::Rsa2048).unwrap()).unwrap();
    let thief = Holder { key: other, certificate: holder.certificate.clone() };
    assert!(thief.sign_in(&country, folder.path()).await.is_err());
    event(HolderEvent::GivenBack).await;
    assert!(holder.sign_in(&country, folder.path()).await.is_err());
    country.start.stop();
}
