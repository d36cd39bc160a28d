//! Certificates, revocation lists, requests for certificates and OCSP requests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use fuzz::{corpus, fuzz};
use seal::x509::jpki::Attributes;
use seal::x509::ocsp::Request;
use seal::x509::party::{is_operator_name, operator_of};
use seal::x509::timestamp;
use seal::x509::{Certificate, CertificationRequest, Crl, Rules, Store};
use words::{Date, Moment};

fn of(name: &str) -> Vec<u8> {
    corpus("x509").into_iter().find(|(file, _)| file == name).unwrap().1
}

#[test]
fn x509() {
    let anchor = Certificate::parse(&of("authority.der")).unwrap();
    let good = ["signature.der", "authentication.der"].map(of);
    let list = of("list.der");
    let request = of("request.der");
    let at = Moment(Date::parse("2026-11-23").unwrap().days() * 86_400_000);
    let mut store = Store { anchors: vec![anchor.clone()], ..Store::default() };
    store.lists.push(Crl::parse(&list).unwrap());
    assert!(CertificationRequest::parse(&request).is_ok());
    assert!(Request::parse(&of("ocsp.der")).is_ok());
    assert!(timestamp::Request::parse(&of("time-stamp.der")).is_ok());
    assert!(store.validate(&Certificate::parse(&good[0]).unwrap(), &Rules::at(at)).is_ok());
    fuzz("x509", |bytes| {
        if let Ok(certificate) = Certificate::parse(bytes) {
            assert_eq!(certificate.der(), bytes);
            let _ = (Attributes::of(&certificate), certificate.common_name());
            let operator = operator_of(&certificate);
            assert!(operator.is_none_or(|(_, name)| is_operator_name(&name)));
            let valid = store.validate(&certificate, &Rules::at(at)).is_ok();
            assert!(!valid || good.iter().any(|good| good == bytes), "valid, and nobody issued it");
        }
        if let Ok(read) = Crl::parse(bytes)
            && read.verify(anchor.key()).is_ok()
        {
            assert_eq!(bytes, list, "verifies, and nobody signed it");
        }
        if CertificationRequest::parse(bytes).is_ok() {
            assert_eq!(bytes, request, "a proof of possession from nothing");
        }
        if let Err(none) = timestamp::Request::parse(bytes) {
            assert!(none.der().len() > 6, "an answer that says why");
        }
        if let Ok(request) = Request::parse(bytes) {
            assert!(!request.about.is_empty() && request.about.len() <= seal::x509::ocsp::QUESTIONS);
            assert!(request.nonce.is_none_or(|nonce| (1..=128).contains(&nonce.len())));
        }
    });
}
