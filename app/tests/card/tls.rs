//! GnuTLS logs in with the card's certificate to a server that speaks TLS 1.2: OpenSC's driver for these cards has no PSS,
//! which TLS 1.3 needs.

use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::readers::{Readers, Running, Said, need};

#[test]
fn gnutls_logs_in_with_the_cards_certificate() {
    let readers = Readers::start();
    need("gnutls-cli");
    let key =
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.pem"];
    let name = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    readers.run("openssl", &[&key[..], &name].concat()).good();
    let authority = "card-authority/auth-ca.der";
    readers.run("openssl", &["x509", "-inform", "DER", "-in", authority, "-out", "ca.pem"]).good();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let server = Command::new("openssl")
        .args([
            "s_server",
            "-accept",
            &address,
            "-cert",
            "server.pem",
            "-key",
            "server.key",
            "-tls1_2",
            "-www",
        ])
        .args(["-Verify", "2", "-verify_return_error", "-CAfile", "ca.pem"])
        .current_dir(&readers.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _server = Running(server);
    let start = Instant::now();
    while TcpStream::connect(&address).is_err() {
        assert!(start.elapsed() < Duration::from_secs(10), "the server does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    let token = "pkcs11:token=JPKI%20%28User%20Authentication%20PIN%29;id=%01";
    let login = |pin: &str| {
        let mut client = Command::new("gnutls-cli");
        client
            .args(["--x509cafile", "server.pem", "--port", &port.to_string(), "localhost"])
            .args([
                "--x509certfile",
                &format!("{token};type=cert"),
                "--x509keyfile",
                &format!("{token};type=private"),
            ])
            .env("GNUTLS_PIN", pin)
            .current_dir(&readers.folder);
        Said::of(&mut client, "GET / HTTP/1.0\r\n\r\n")
    };
    let said = login("1234").text;
    assert!(said.contains("Handshake was completed") && said.contains("TLS1.2"), "{said}");
    // The server names whom it let in.
    assert!(said.contains("Client certificate") && said.contains("MUSUBI-TEST"), "{said}");
    let refused = login("9999");
    assert!(!refused.text.contains("Handshake was completed"), "{}", refused.text);
}
