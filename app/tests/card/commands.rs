//! Our own commands, over PC/SC.

use std::fs;

use crate::readers::{Readers, Said, folder, musubi};

#[test]
fn a_holder_checks_and_changes_pins() {
    let readers = Readers::start();
    let shown = readers.card("show", "").good();
    assert!(
        shown.contains("残り3回") && shown.contains("13221") && shown.contains("tries left 5"),
        "{shown}"
    );
    readers.card("verify-pin --pin juki", "1234\n").good();
    let wrong = readers.card("verify-pin --pin sign", "WRONG1\n").bad();
    assert!(
        wrong.contains("残り4回") && wrong.contains("tries left: 4") && !wrong.contains("WRONG1"),
        "{wrong}"
    );
    // Two applications have this PIN; both get the new one.
    readers.card("change-pin --pin juki", "1234\n5678\n5678\n").good();
    readers.card("verify-pin --pin juki", "5678\n").good();
    let differ = readers.card("change-pin --pin auth", "1234\n1111\n2222\n").bad();
    assert!(differ.contains("nothing was changed"), "{differ}");
    let form = readers.card("change-pin --pin auth", "1234\n11111\n11111\n").bad();
    assert!(form.contains("form"), "{form}");
    readers.card("verify-pin --pin auth", "1234\n").good();
    let nothing = readers.card("verify-pin --pin auth", "").bad();
    assert!(nothing.contains("is needed"), "{nothing}");
    let other = readers.card("show --reader Elsewhere", "").bad();
    assert!(other.contains("Musubi"), "names the readers there are: {other}");
}

#[test]
fn signatures_verify_and_cost_one_password_each() {
    let readers = Readers::start();
    fs::write(readers.path("text"), "申請書").unwrap();
    for (command, typed) in [("sign", "ABC123\n"), ("auth", "1234\n")] {
        readers.card(&format!("{command} --file text --out sig --certificate cert"), typed).good();
        let key =
            readers.run("openssl", &["x509", "-inform", "DER", "-in", "cert", "-pubkey", "-noout"]).good();
        fs::write(readers.path("key.pem"), key).unwrap();
        let check = ["dgst", "-sha256", "-verify", "key.pem", "-signature", "sig", "text"];
        assert!(readers.run("openssl", &check).good().contains("Verified OK"));
    }
    // Without PIN the signature names the institution, and is none over the file alone.
    readers.card("identify --file text --out sig --signed bound", "").good();
    let check =
        |file| readers.run("openssl", &["dgst", "-sha256", "-verify", "key.pem", "-signature", "sig", file]);
    assert!(check("bound").good().contains("Verified OK"));
    check("text").bad();
    let bound = fs::read(readers.path("bound")).unwrap();
    assert!(bound.starts_with(b"MUSUBI-PINLESS-11312345\x08\x05001"));
}

#[test]
fn areas_are_installed_read_and_deleted() {
    let readers = Readers::counter();
    fs::write(readers.path("number"), "L-0001234").unwrap();
    fs::write(readers.path("state"), r#"{"eligible":true}"#).unwrap();
    let install = |service: &str, typed: &str| {
        readers.card(&format!("area install --operator-reader 01 {service}"), &format!("135790\n{typed}"))
    };
    install("--service library --content number", "2468\n").good();
    install("--service insurance --content state", "").good();
    assert_eq!(readers.card("area read --service insurance", "").good(), r#"{"eligible":true}"#);
    assert!(readers.card("area read --service library", "2468\n").good().contains("L-0001234"));
    assert!(!readers.card("area read --service library", "0000\n").bad().contains("L-0001234"));
    install("--service library --content number", "2468\n").bad();
    readers.card("area delete --service library --operator-reader 01", "135790\n").good();
    let gone = readers.card("area read --service library", "2468\n").bad();
    assert!(gone.contains("no such application"), "{gone}");
    assert_eq!(readers.card("area read --service insurance", "").good(), r#"{"eligible":true}"#);
    readers.card("verify-pin --pin auth", "1234\n").good();
}

#[test]
fn a_counter_checks_a_card_for_an_operator_alone() {
    let readers = Readers::counter();
    let said = readers.card("check --operator-reader 01", "135790\n1234\n").good();
    assert!(said.contains("genuine") && said.contains("123456789018") && said.contains("花子"), "{said}");
    for (typed, why) in
        [("000000\n1234\n", "tries left: 2"), ("135790\n9999\n", "tries left: 2"), ("", "is needed")]
    {
        let said = readers.card("check --operator-reader 01", typed).bad();
        assert!(said.contains(why) && !said.contains("花子") && !said.contains("123456789018"), "{said}");
    }
    // A resident's card is no operator's.
    let said = readers.card("check --operator-reader 00 --reader 01", "135790\n1234\n").bad();
    assert!(!said.contains("genuine"), "{said}");
    // Another authority's records.
    let other = readers.folder.path().join("other");
    fs::create_dir(&other).unwrap();
    let authority = readers.path("card-authority");
    for entry in fs::read_dir(&authority).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "root.pkcs8" {
            fs::copy(entry.path(), other.join(entry.file_name())).unwrap();
        }
    }
    let said = readers.card("check --operator-reader 01 --authority other", "135790\n1234\n").bad();
    assert!(said.contains("not genuine") && !said.contains("花子"), "{said}");
}

#[test]
fn operators_do_what_their_card_is_for() {
    let folder = folder();
    let made = |work: &str, name: &str| {
        let mut command = musubi();
        command.current_dir(&folder).args(["card", "operator", "new", "--work", work, "--image", name]);
        Said::of(&mut command, "135790\n")
    };
    assert!(made("everything", "p.card").bad().contains("issue, change, read"));
    made("change,read", "p.card").good();
    let readers = Readers::with(&["p.card", "b.card"], folder);
    let said = readers.card("operator login --work read", "135790\n").good();
    assert!(said.contains("change, read"), "{said}");
    assert!(
        readers.card("operator login --work issue", "135790\n").bad().contains("not for this kind of work")
    );
    assert!(readers.card("operator login --work read", "000000\n").bad().contains("tries left: 2"));
    assert!(
        readers
            .card("operator login --work read --reader 01", "135790\n")
            .bad()
            .contains("no such application")
    );
    // What this card is not for does not begin.
    let unblock =
        readers.card("unblock --pin auth --operator-reader 00 --reader 01", "135790\n4321\n4321\n").bad();
    assert!(unblock.contains("not for this kind of work"), "{unblock}");
    let no_card_of_a_resident = readers.card("show", "").bad();
    assert!(no_card_of_a_resident.contains("個人番号カード"), "{no_card_of_a_resident}");
}

#[test]
fn files_that_are_wrong() {
    let folder = folder();
    let run = |arguments: &str| {
        let mut command = musubi();
        Said::of(command.current_dir(&folder).arg("card").args(arguments.split_whitespace()), "")
    };
    assert!(run("new --test-pins --image a.card").bad().contains("not overwritten"));
    assert!(run("new --test-pins --image n.card --photo a.card.key").bad().contains("JPEG 2000"));
    assert!(run("run --image a.card --connect 192.0.2.1:35963").bad().contains("loopback"));
    assert!(run("run --image none.card").bad().contains("none.card.key"));
    assert!(run("run --image a.card --key b.card.key").bad().contains("does not open"));
    assert!(run("run --image a.card --key a.card").bad().contains("a.card"));
    fs::write(folder.path().join("c.card"), "PNG").unwrap();
    assert!(run("run --image c.card --key a.card.key").bad().contains("not a card image"));
    assert!(run("run --image a.card --listen 0.0.0.0:1").bad().contains("loopback"));
    let cut = fs::read(folder.path().join("a.card")).unwrap();
    fs::write(folder.path().join("a.card"), &cut[..cut.len() / 2]).unwrap();
    assert!(run("run --image a.card").bad().contains("cut short"));
    let mut nobody = musubi();
    nobody.args(["card", "show"]).env("PCSCLITE_CSOCK_NAME", folder.path().join("nothing"));
    assert!(Said::of(&mut nobody, "").bad().contains("is it installed and running?"));
}

#[test]
fn a_childs_card_proves_who_it_is_and_does_not_sign() {
    let folder = folder();
    let mut made = musubi();
    made.current_dir(&folder).args(["card", "new", "--test-pins", "--child", "--image", "c.card"]);
    Said::of(&mut made, "").good();
    let readers = Readers::with(&["c.card", "a.card"], folder);
    let shown = readers.card("show", "").good();
    assert!(
        shown.contains("署名用電子証明書: なし") && shown.contains("利用者証明用電子証明書: あり"),
        "{shown}"
    );
    fs::write(readers.path("text"), "x").unwrap();
    readers.card("auth --file text --out sig", "1234\n").good();
    let refused = readers.card("sign --file text --out sig2", "ABC123\n").bad();
    assert!(refused.contains("blocked") && !readers.path("sig2").exists(), "{refused}");
    let objects = readers.run("pkcs11-tool", &["--slot", "0", "-O"]).good();
    assert!(objects.contains("User Authentication Certificate"), "{objects}");
}
