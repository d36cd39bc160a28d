//! The pages of a country, as people use them: in a headless Chromium with script off, by keyboard, on a telephone; and
//! judged by axe-core. Needs Debian's chromium and chromium-driver (`cargo xtask test --install`).
//!
//! `MUSUBI_SCREENSHOTS=DIR` keeps a picture of every page.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test fails by panicking, its helpers too"
)]

#[allow(dead_code, reason = "shared with the tests of the card")]
#[path = "../../browser/browser.rs"]
mod browser;
mod changed_requests;
mod doors;
#[allow(dead_code, reason = "shared with the tests of the country")]
#[path = "../country/ground.rs"]
mod ground;
#[allow(dead_code, reason = "shared with the tests of the card")]
#[path = "../../browser/http.rs"]
mod http;
mod judged;
mod passkeys;
#[path = "../../browser/processes.rs"]
mod processes;
mod walk;

use browser::Browser;
use ground::Ground;
use musubi::start_page::{self, Running};

/// A country with its start page.
pub struct Country {
    pub ground: Ground,
    pub start: Running,
}

impl Country {
    pub async fn new(residents: u32) -> Self {
        let ground = Ground::new(residents).await;
        let people = musubi::demo_run::people(&ground::args(ground.folder.path(), residents)).unwrap();
        let start = start_page::serve(&ground.folder.path().join("musubi.toml"), people).await.unwrap();
        Self { ground, start }
    }

    pub fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.start.address)
    }

    /// A customer of `inquirer` about whom `provider` has an item and will say so.
    pub fn customer_with(&self, inquirer: &str, provider: &str, item: &str) -> (String, u32) {
        let found = self.find_customer(inquirer, provider, item);
        found.unwrap_or_else(|| panic!("nobody of {inquirer} has {item} at {provider}"))
    }

    /// The same, if there is one.
    pub fn find_customer(&self, inquirer: &str, provider: &str, item: &str) -> Option<(String, u32)> {
        use demo::Link;
        let truth = &self.ground.ready.truth;
        let good = |row: &&demo::TruthRow| {
            row.certain && row.expected == Link::Linked && !row.slips && row.holds_sex && !row.shielded
        };
        let holders: Vec<u32> = truth
            .rows
            .iter()
            .filter(|row| row.institution.as_str() == provider && row.items.contains_key(item))
            .filter(good)
            .filter_map(|row| row.resident)
            .collect();
        let found = truth
            .rows
            .iter()
            .filter(|row| row.institution.as_str() == inquirer)
            .filter(good)
            .find(|row| row.resident.is_some_and(|resident| holders.contains(&resident)))?;
        Some((found.number.clone(), found.resident?))
    }
}

/// Keeps a picture where one is wanted.
pub fn picture(browser: &Browser, name: &str) {
    let Ok(folder) = std::env::var("MUSUBI_SCREENSHOTS") else { return };
    std::fs::create_dir_all(&folder).unwrap();
    let bytes =
        words::B64::parse(&browser.picture().replace('+', "-").replace('/', "_").replace(['=', '\n'], ""));
    std::fs::write(format!("{folder}/{name}.png"), bytes.unwrap().0).unwrap();
}
