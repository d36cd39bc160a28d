//! Time-stamps, with OpenSSL as whoever wants one and whoever checks it.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn times_are_stamped_as_openssl_verifies_them() {
    let scene = Scene::new().await;
    let folder = scene.ground.folder.path().to_owned();
    let country = std::fs::read(folder.join("country.json")).unwrap();
    let country: protocol::country::Country = serde_json::from_slice(&country).unwrap();
    std::fs::write(folder.join("root.pem"), &country.root_certificate).unwrap();
    std::fs::write(folder.join("contract"), b"a contract").unwrap();
    std::fs::write(folder.join("other"), b"another contract").unwrap();
    let openssl = |args: &[&str]| {
        let output = Command::new("openssl")
            .args(args)
            .current_dir(&folder)
            .output()
            .expect("openssl is missing: `cargo xtask test --install` installs it");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), said)
    };
    let url = format!("{}/time-stamps", scene.public);
    let stamp = async |request: &[u8]| {
        std::fs::write(folder.join("stamp.der"), body(&exchange("POST", &url, request).await)).unwrap();
        openssl(&["ts", "-reply", "-in", "stamp.der", "-text"]).1
    };
    let verify =
        |data: &str| openssl(&["ts", "-verify", "-data", data, "-in", "stamp.der", "-CAfile", "root.pem"]);
    let request = |more: &[&str]| {
        let args = [["ts", "-query", "-data", "contract", "-out", "query.der"].as_slice(), more].concat();
        assert!(openssl(&args).0);
        std::fs::read(folder.join("query.der")).unwrap()
    };
    for hash in ["-sha256", "-sha384", "-sha512"] {
        let said = stamp(&request(&[hash, "-cert"])).await;
        assert!(said.contains("Status: Granted"), "{said}");
        let (holds, said) = verify("contract");
        assert!(holds, "{said}");
        // By the request, its nonce with it; not for another document.
        assert!(
            openssl(&["ts", "-verify", "-queryfile", "query.der", "-in", "stamp.der", "-CAfile", "root.pem"])
                .0
        );
        assert!(!verify("other").0);
    }
    let other = request(&["-sha256", "-cert"]);
    stamp(&request(&["-sha256", "-cert"])).await;
    std::fs::write(folder.join("query.der"), other).unwrap();
    let by_other = ["ts", "-verify", "-queryfile", "query.der", "-in", "stamp.der", "-CAfile", "root.pem"];
    assert!(!openssl(&by_other).0, "another nonce");
    // Without certificates in it, with them beside it.
    stamp(&request(&["-sha256", "-no_nonce"])).await;
    assert!(!verify("contract").0, "nobody says who stamped");

    // What is refused says why, in the words of RFC 3161.
    for (request, why) in [
        (request(&["-sha1", "-cert"]), "unrecognized or unsupported algorithm identifier"),
        (request(&["-sha256", "-tspolicy", "1.2.3.4"]), "policy is not supported"),
        (b"no request".to_vec(), "the data submitted has the wrong format"),
    ] {
        let said = stamp(&request).await;
        assert!(said.contains("Status: Rejected") && said.contains(why), "{said}");
        assert!(!verify("contract").0);
    }
    // One bit of a stamp is another: it does not hold.
    stamp(&request(&["-sha256", "-cert"])).await;
    let good = std::fs::read(folder.join("stamp.der")).unwrap();
    for at in [good.len() - 1, good.len() / 2, 120] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        std::fs::write(folder.join("stamp.der"), changed).unwrap();
        assert!(!verify("contract").0, "byte {at}");
    }
}
