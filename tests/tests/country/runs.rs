//! Whole runs: on both databases, twice on one folder, and a room that is stopped and started again.

use musubi::demo_run::{ask_and_answer, build};
use world::Stopwatch;

use crate::ground::args;

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_goes_on_with_its_country() {
    let folder = tempfile::tempdir().unwrap();
    let args = args(folder.path(), 300);
    let mut codes = Vec::new();
    for _ in 0..2 {
        let watch = Stopwatch::start();
        let ready = build(&args, &watch).await.unwrap();
        let (report, stage, _pension) = ask_and_answer(ready, &args, &watch).await.unwrap();
        assert!(report.is_clean(), "{:?}", report.surprises);
        assert!(
            report.answered.len() == 3 && report.refused.len() >= 5 && report.not_answered.len() >= 3,
            "{report:?}"
        );
        codes.push((report.codes_issued, report.in_review, report.not_found));
        stage.stop().await;
    }
    assert_eq!(codes[0], codes[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_country_on_postgresql() {
    let Some(url) = store::testing::postgres_url() else { return };
    let folder = tempfile::tempdir().unwrap();
    let args = musubi::demo_run::DemoArgs { postgres: Some(url), ..args(folder.path(), 200) };
    let watch = Stopwatch::start();
    let ready = build(&args, &watch).await.unwrap();
    let (report, stage, _pension) = ask_and_answer(ready, &args, &watch).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.surprises);
    stage.stop().await;
}
