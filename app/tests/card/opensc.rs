//! OpenSC, as it stands in Debian.

use std::fs;

use crate::readers::Readers;

/// Verifies a signature with the certificate that OpenSC read.
fn openssl_verifies(readers: &Readers, certificate: &str, signature: &str, message: &str) {
    let key =
        readers.run("openssl", &["x509", "-inform", "DER", "-in", certificate, "-pubkey", "-noout"]).good();
    fs::write(readers.path("key.pem"), key).unwrap();
    let said =
        readers.run("openssl", &["dgst", "-sha256", "-verify", "key.pem", "-signature", signature, message]);
    assert!(said.good().contains("Verified OK"));
}

#[test]
fn both_cards_are_listed_and_both_keys_sign() {
    let readers = Readers::start();
    let slots = readers.run("pkcs11-tool", &["-L"]).good();
    // Two slots for each card.
    assert_eq!(slots.matches("JPKI (User Authentication PIN)").count(), 2, "{slots}");
    assert_eq!(slots.matches("JPKI (Digital Signature PIN)").count(), 2, "{slots}");
    let objects = readers.run("pkcs11-tool", &["-O"]).good();
    for label in ["User Authentication Certificate", "Digital Signature Certificate CA", "MUSUBI-TEST"] {
        assert!(objects.contains(label), "{label}: {objects}");
    }
    assert!(!objects.contains("label:      Digital Signature Certificate\n"), "only after login: {objects}");

    fs::write(readers.path("message"), "署名する文").unwrap();
    for (slot, pin, id, certificate) in [("0", "1234", "01", "auth.der"), ("1", "ABC123", "02", "sign.der")] {
        let at = ["--slot", slot, "--login", "--pin", pin];
        let objects = readers.run("pkcs11-tool", &[&at[..], &["-O"]].concat()).good();
        assert!(objects.contains("Private Key Object"), "{objects}");
        let read = ["--read-object", "--type", "cert", "--id", id, "-o", certificate];
        readers.run("pkcs11-tool", &[&at[..], &read].concat()).good();
        let sign = ["--sign", "-m", "SHA256-RSA-PKCS", "--id", id, "-i", "message", "-o", "signature"];
        readers.run("pkcs11-tool", &[&at[..], &sign].concat()).good();
        openssl_verifies(&readers, certificate, "signature", "message");
        // A hash that our card's own library path does not know goes through the constant-time one.
        let sign = ["--sign", "-m", "SHA512-RSA-PKCS", "--id", id, "-i", "message", "-o", "signature512"];
        readers.run("pkcs11-tool", &[&at[..], &sign].concat()).good();
        let key = ["dgst", "-sha512", "-verify", "key.pem", "-signature", "signature512", "message"];
        assert!(readers.run("openssl", &key).good().contains("Verified OK"));
    }
    // What was presented in one process opens nothing for the next.
    let objects = readers.run("pkcs11-tool", &["--slot", "1", "-O"]).good();
    assert!(!objects.contains("label:      Digital Signature Certificate\n"), "{objects}");
}

#[test]
fn certificates_have_the_form_of_real_ones() {
    let readers = Readers::start();
    let at = [
        "--slot",
        "1",
        "--login",
        "--pin",
        "ABC123",
        "--read-object",
        "--type",
        "cert",
        "--id",
        "02",
        "-o",
        "sign.der",
    ];
    readers.run("pkcs11-tool", &at).good();
    readers.run("pkcs11-tool", &["--read-object", "--type", "cert", "--id", "01", "-o", "auth.der"]).good();
    for (name, words) in [
        (
            "sign",
            &["Digital Signature, Non Repudiation", "1.2.392.200149.8.5.1.0.20", "1.2.392.200149.8.5.5.1"][..],
        ),
        (
            "auth",
            &[
                "TLS Web Client Authentication",
                "1.2.392.200149.8.5.1.0.30",
                "DirName:C = JP, O = MUSUBI-TEST",
            ],
        ),
    ] {
        let file = format!("{name}.der");
        let text =
            readers.run("openssl", &["x509", "-inform", "DER", "-in", &file, "-noout", "-text"]).good();
        for word in words {
            assert!(text.contains(word), "{word}: {text}");
        }
        let authority = format!("card-authority/{name}-ca.der");
        readers.run("openssl", &["x509", "-inform", "DER", "-in", &authority, "-out", "ca.pem"]).good();
        readers.run("openssl", &["x509", "-inform", "DER", "-in", &file, "-out", "leaf.pem"]).good();
        let verified =
            readers.run("openssl", &["verify", "-x509_strict", "-CAfile", "ca.pem", "leaf.pem"]).good();
        assert!(verified.contains("leaf.pem: OK"), "{verified}");
    }
    let auth =
        readers.run("openssl", &["x509", "-inform", "DER", "-in", "auth.der", "-noout", "-text"]).good();
    assert!(
        !auth.contains("花子") && !auth.contains("Subject Alternative"),
        "nothing personal in it: {auth}"
    );
    let pins = readers.run("pkcs15-tool", &["--list-pins"]).good();
    assert!(pins.contains("User Authentication PIN") && pins.contains("Tries left     : 5"), "{pins}");
    let certificates = readers.run("pkcs15-tool", &["--list-certificates"]).good();
    assert!(certificates.contains("User Authentication Certificate"), "{certificates}");
}

#[test]
fn a_wrong_pin_down_to_blocked() {
    let readers = Readers::start();
    let wrong = ["--slot", "0", "--login", "--pin", "9999", "-O"];
    for _ in 0..3 {
        let said = readers.run("pkcs11-tool", &wrong).bad();
        assert!(said.contains("CKR_PIN_INCORRECT"), "{said}");
    }
    // 6984, as real cards say; OpenSC has no word for it.
    let right = ["--slot", "0", "--login", "--pin", "1234", "-O"];
    let said = readers.run("pkcs11-tool", &right).bad();
    assert!(said.contains("CKR_GENERAL_ERROR") || said.contains("CKR_PIN_LOCKED"), "{said}");
    assert!(readers.run("pkcs11-tool", &["-L"]).good().contains("user PIN locked"));
    // The other PIN, and the other card, are as they were.
    readers.run("pkcs11-tool", &["--slot", "1", "--login", "--pin", "ABC123", "-O"]).good();
    readers.run("pkcs11-tool", &["--slot", "4", "--login", "--pin", "1234", "-O"]).good();
    // Passwords are compared as they are: small letters are wrong.
    let small = readers.run("pkcs11-tool", &["--slot", "1", "--login", "--pin", "abc123", "-O"]).bad();
    assert!(small.contains("CKR_PIN_INCORRECT"), "{small}");
}

#[test]
fn a_blocked_pin_is_set_anew_at_a_counter() {
    let readers = Readers::counter();
    for _ in 0..3 {
        readers.run("pkcs11-tool", &["--slot", "0", "--login", "--pin", "9999", "-O"]).bad();
    }
    let unblock = "unblock --pin auth --operator-reader 01";
    let wrong = readers.card(unblock, "000000\n4321\n4321\n").bad();
    assert!(wrong.contains("tries left: 2"), "no operator, no counter: {wrong}");
    assert!(readers.card(unblock, "135790\n4321\n4321\n").good().contains("set anew"));
    readers.run("pkcs11-tool", &["--slot", "0", "--login", "--pin", "4321", "-O"]).good();
}
