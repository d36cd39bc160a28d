//! Keys that nobody can make anew, lost and put back from shares: the codes that hang on them still convert.

use std::path::{Path, PathBuf};
use std::time::Duration;

use musubi::shares_command::{SharesAct, run};
use protocol::desk::{Ask, INQUIRIES, Told};
use words::{AffairId, ItemId, PartyId};

use crate::ground::Ground;

fn split(folder: &Path, party: &str, out: &str) -> Vec<PathBuf> {
    let out = folder.join(out);
    let config = folder.join("musubi.toml");
    run(&SharesAct::Split { config, party: party.into(), needed: 3, of: 5, out: out.clone() }).unwrap();
    (1..=5).map(|number| out.join(format!("{party}-share-{number}-of-5.json"))).collect()
}

fn combine(folder: &Path, party: &str, shares: &[PathBuf]) -> anyhow::Result<()> {
    let config = folder.join("musubi.toml");
    run(&SharesAct::Combine { config, party: party.into(), shares: shares.to_vec() })
}

async fn ask(ground: &Ground) -> Result<Told, wire::CallError> {
    let [customer, _] = ground.two_at_town_and_tax();
    let clerk = musubi::desk::client(ground.ready.stage.section("town").unwrap(), "clerk").unwrap();
    let ask = Ask {
        id: None,
        customer,
        affair: AffairId::parse("child-allowance").unwrap(),
        item: ItemId::parse("income").unwrap(),
        provider: PartyId::parse("tax").unwrap(),
    };
    clerk.post(INQUIRIES, &ask, Duration::from_secs(20)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcryptor_comes_back_from_three_of_five_shares() {
    let mut ground = Ground::new(100).await;
    let folder = ground.folder.path().to_owned();
    let before = ask(&ground).await.unwrap();
    let shares = split(&folder, "linkage", "shares");
    let again = SharesAct::Split {
        config: folder.join("musubi.toml"),
        party: "linkage".into(),
        needed: 3,
        of: 5,
        out: folder.join("shares"),
    };
    assert!(run(&again).is_err(), "a folder with shares in it is not written over");
    ground.ready.stage.stop_room("linkage").await.unwrap();
    let keys = folder.join("linkage/keys");
    let there = combine(&folder, "linkage", &shares[..3]).unwrap_err().to_string();
    assert!(there.contains("already"), "{there}");
    for name in ["signing", "sealing", "storage", "transcryptor"] {
        std::fs::remove_file(keys.join(format!("{name}.key"))).unwrap();
    }

    // Two are too few, whichever; another party's are none of its own; a changed one is named.
    let few = format!("{:#}", combine(&folder, "linkage", &shares[1..3]).unwrap_err());
    assert!(few.contains("3 shares are needed, 2 whole ones were given"), "{few}");
    let others = split(&folder, "trustee", "of-the-trustee");
    assert!(combine(&folder, "linkage", &others[..3]).unwrap_err().to_string().contains("trustee"));
    let text = std::fs::read_to_string(&shares[3]).unwrap();
    let at = text.find("\"share\"").unwrap() + 20;
    let mut bytes = text.into_bytes();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    std::fs::write(&shares[3], bytes).unwrap();
    let named = format!("{:#}", combine(&folder, "linkage", &shares[2..]).unwrap_err());
    assert!(named.contains("damaged: share 4"), "{named}");
    assert!(!keys.join("transcryptor.key").exists(), "nothing was written");

    combine(
        &folder,
        "linkage",
        &[shares[4].clone(), shares[3].clone(), shares[0].clone(), shares[2].clone()],
    )
    .unwrap();
    ground.ready.stage.start_room("linkage").await.unwrap();
    let after = ask(&ground).await.unwrap();
    assert_eq!(before.content.get(), after.content.get(), "the same person's same content");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(keys.join("transcryptor.key")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}
