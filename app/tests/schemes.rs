//! `musubi schemes`: six schemes, and what the attack on each one's databases must find, and must not.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use musubi::schemes_command::{Report, SchemesArgs, compare, run};
use words::Scheme;

fn args(folder: &std::path::Path) -> SchemesArgs {
    SchemesArgs {
        persons: 200,
        pairs: 40,
        json: Some(folder.join("schemes.json")),
        html: folder.join("schemes.html"),
        keep: None,
    }
}

/// Linked, possible, numbers read.
fn theft(report: &Report, scheme: Scheme, stolen: &[&str]) -> (u64, u64, u64) {
    let one = report.schemes.iter().find(|one| one.scheme == scheme).unwrap();
    let found = one.security.iter().find(|theft| theft.stolen == stolen).unwrap();
    assert_eq!(found.wrong, 0, "{scheme:?} {stolen:?}");
    assert!(found.linked <= found.possible, "{scheme:?} {found:?}");
    (found.linked, found.possible, found.numbers_read)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_attack_links_what_each_scheme_lets_it_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let report = compare(&args(folder.path()), |_| {}).await.unwrap();
    assert_eq!(report.schemes.len(), 6);
    for scheme in Scheme::ALL {
        let found = |stolen: &[&str]| theft(&report, scheme, stolen);
        let all = |(linked, possible, _): (u64, u64, u64)| linked == possible && possible > 20;
        let none = |(linked, ..): (u64, u64, u64)| linked == 0;
        // One institution alone, and two.
        let (_, _, numbers) = found(&["town"]);
        assert_eq!(numbers > 20, scheme == Scheme::Number, "{scheme:?}");
        let shared = matches!(scheme, Scheme::Number | Scheme::Single);
        assert_eq!(all(found(&["town", "tax"])), shared || scheme == Scheme::TableOfTwo, "{scheme:?}");
        assert_eq!(all(found(&["town", "bank"])), shared, "{scheme:?}");
        assert!(all(found(&["town", "bank"])) || none(found(&["town", "bank"])), "{scheme:?}");
        // The core: its table says everything; its key with an institution too; what passed in a day otherwise.
        let by_table = matches!(scheme, Scheme::Table | Scheme::TableOfTwo | Scheme::Single);
        assert_eq!(all(found(&["linkage"])), by_table, "{scheme:?}");
        let passed = found(&["linkage"]).0 > 0;
        assert_eq!(passed, !scheme.is_blind(), "{scheme:?}: a day of conversions");
        assert_eq!(all(found(&["linkage", "town"])), !scheme.is_blind(), "{scheme:?}");
        assert_eq!(all(found(&["linkage", "town", "bank"])), !scheme.is_blind(), "{scheme:?}");
        // The second body has nothing; blind, it takes both and an institution.
        assert!(none(found(&["trustee"])) && none(found(&["linkage", "town"])) == scheme.is_blind());
        assert!(!scheme.is_blind() || none(found(&["trustee", "town"])), "{scheme:?}");
        assert!(all(found(&["linkage", "trustee", "town"])), "{scheme:?}: the attack can find what is there");
    }
    for one in &report.schemes {
        let (scheme, s) = (one.scheme, &one.stability);
        assert!(s.tried > 10 && s.right_without_core == 0, "{scheme:?} {s:?}");
        assert_eq!(s.right_without_second, if scheme.is_blind() { 0 } else { s.tried }, "{scheme:?}");
        assert_eq!(s.right_after_restore, s.tried, "{scheme:?}");
        let key_matters = matches!(scheme, Scheme::Reversible | Scheme::Blind);
        assert_eq!(s.right_after_loss_of_key, if key_matters { 0 } else { s.tried }, "{scheme:?}");
        assert_eq!(s.rotation_cpu_us_per_code.is_some(), scheme.rotates());
        let tables = matches!(scheme, Scheme::Table | Scheme::TableOfTwo | Scheme::Single);
        assert_eq!(one.cost.core_bytes > 0, tables, "{scheme:?} {:?}", one.cost);
        assert!(one.cost.cpu_us_own_step > 0.0);
        assert!(one.cost.cpu_us_per_conversion > 0.0 && one.cost.institution_bytes_per_customer > 32.0);
        assert_eq!(one.extensibility.without_number.receives_the_number, scheme == Scheme::Number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_go_to_a_file_and_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let args =
        SchemesArgs { persons: 20, pairs: 2, keep: Some(folder.path().join("kept")), ..args(folder.path()) };
    run(&args).await.unwrap();
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(args.json.as_ref().unwrap()).unwrap()).unwrap();
    let schemes = json["schemes"].as_array().unwrap();
    assert_eq!(
        schemes.iter().map(|one| one["scheme"].as_u64().unwrap()).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6]
    );
    for view in ["cost", "extensibility", "stability", "security"] {
        assert!(schemes.iter().all(|one| !one[view].is_null()), "{view}");
    }
    let page = std::fs::read_to_string(&args.html).unwrap();
    for part in
        ["<svg", "外挿", "extrapolated", "目隠し変換", "blind conversion", "lang=\"ja\"", "lang=\"en\""]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script"));
    assert!(folder.path().join("kept/scheme-6/linkage/linkage.db").exists());
    // A folder with something in it is left alone.
    let again = run(&args).await.unwrap_err().to_string();
    assert!(again.contains("not empty") && again.contains("空ではありません"), "{again}");
}
