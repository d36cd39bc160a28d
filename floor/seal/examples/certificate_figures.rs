//! What certificates cost: OCSP answers beside the bare signing rate of the same key, a revocation list of a million entries,
//! a path's validation. Run by `cargo xtask bench authority`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use seal::x509::jpki::{self, Attributes, Authority, Holders, Place, Purpose, Services, Sex};
use seal::x509::ocsp::{CertId, IssuerId, Request, Responder, Status, Times};
use seal::x509::{
    Certificate, Crl, CrlContent, Entries, IssuerKey, KeyKind, RevocationReason, Rules, Scope, Store,
};
use words::{Date, Moment};

/// Turns of each side, in alternation; the median of their ratios counts.
const TURNS: usize = 9;
const TURN: Duration = Duration::from_millis(700);

fn median(mut all: Vec<f64>) -> (f64, f64, f64) {
    all.sort_by(f64::total_cmp);
    (all[all.len() / 2], all[0], all[all.len() - 1])
}

/// How often a second.
fn rate(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut times = 0u32;
    while start.elapsed() < TURN {
        work();
        times += 1;
    }
    f64::from(times) / start.elapsed().as_secs_f64()
}

fn key(kind: KeyKind) -> IssuerKey {
    IssuerKey::from_pkcs8(&IssuerKey::generate(kind).unwrap()).unwrap()
}

fn main() {
    let now = Moment(Date::parse("2026-11-22").unwrap().days() * 86_400_000);
    let later = now.plus_ms(86_400_000);
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let issuer = key(kind);
        let der = jpki::authority(Purpose::Authentication, &issuer, [7; 16], now).unwrap();
        let authority = Authority {
            purpose: Purpose::Authentication,
            certificate: Certificate::parse(&der).unwrap(),
            key: issuer,
        };
        let answering = IssuerKey::generate(kind).unwrap();
        let (bare, answering) =
            (IssuerKey::from_pkcs8(&answering).unwrap(), IssuerKey::from_pkcs8(&answering).unwrap());
        let by = (&authority.certificate, &authority.key);
        let name = Purpose::Authentication.responder();
        let certificate = Responder::certify([9; 16], by, &name, answering.public(), (now, later)).unwrap();
        let responder = Responder::new(answering, certificate);
        let issuer = IssuerId::of(&authority.certificate);
        let id = CertId::of(&issuer, &[0x55; 16]);
        // A request as OpenSSL sends it: one CertID, a nonce of 32 bytes.
        let request = Request::with(&[id], Some(&[0xA5; 32]));
        let times = Times { produced: now, this_update: now, next_update: later };
        let answer = || {
            let request = Request::parse(black_box(&request)).unwrap();
            let about: Vec<_> = request.about.into_iter().map(|id| (id, Status::Good)).collect();
            black_box(responder.answer(&about, times, request.nonce.as_deref()).unwrap());
        };
        let message = [0x5A; 220];
        let mut turns = Vec::new();
        for _ in 0..TURNS {
            turns.push((rate(|| drop(black_box(bare.sign(black_box(&message)).unwrap()))), rate(answer)));
        }
        let (signing, ..) = median(turns.iter().map(|turn| turn.0).collect());
        let (answers, ..) = median(turns.iter().map(|turn| turn.1).collect());
        let (ratio, least, most) = median(turns.iter().map(|turn| turn.1 / turn.0).collect());
        println!(
            "{kind:?}: {signing:.0} bare signatures/s, {answers:.0} OCSP answers/s with nonce, ratio {ratio:.3} ({least:.3} to {most:.3})"
        );
    }
    lists(now);
    paths(now);
}

fn lists(now: Moment) {
    let issuer = key(KeyKind::Rsa2048);
    let name = Purpose::Signature.authority();
    let place =
        Place { prefecture: "Tokyo-to".into(), municipality: "Kiyose-shi".into(), code: "13221".into() };
    let point = Purpose::Signature.point(&place);
    let mut random = StdRng::seed_from_u64(1);
    let serials: Vec<[u8; 16]> = (0..1_000_000).map(|_| random.random()).collect();
    let mut taken = Vec::new();
    let mut size = 0;
    for _ in 0..5 {
        let start = Instant::now();
        let mut entries = Entries::default();
        for serial in &serials {
            entries.add(serial, now, RevocationReason::AffiliationChanged);
        }
        let content = CrlContent {
            issuer: &name,
            this_update: now,
            next_update: now.plus_ms(93_600_000),
            number: 1,
            scope: Scope::Users(&point),
        };
        let der = content.sign(&issuer, &entries).unwrap();
        taken.push(start.elapsed().as_secs_f64());
        size = der.len();
        if taken.len() == 1 {
            assert_eq!(Crl::parse(&der).unwrap().len(), serials.len());
        }
    }
    let (median, least, most) = median(taken);
    println!("list of 1,000,000 entries, {size} bytes, RSA-2048: {median:.2} s ({least:.2} to {most:.2})");
}

fn paths(now: Moment) {
    let issuer = key(KeyKind::Rsa2048);
    let der = jpki::authority(Purpose::Signature, &issuer, [7; 16], now).unwrap();
    let authority = Authority {
        purpose: Purpose::Signature,
        certificate: Certificate::parse(&der).unwrap(),
        key: issuer,
    };
    let place =
        Place { prefecture: "Tokyo-to".into(), municipality: "Kiyose-shi".into(), code: "13221".into() };
    let birth = Date::parse("1980-02-17").unwrap();
    let own = key(KeyKind::Rsa2048);
    let holders = Holders {
        key: own.public(),
        place: &place,
        attributes: &Attributes::as_they_are("結 花子", "東京都結市中央一丁目2番3号", birth, Sex::Female),
        serial: [3; 16],
        now,
        services: &Services::default(),
    };
    let der = authority.issue(&holders).unwrap();
    let content = CrlContent {
        issuer: authority.certificate.subject(),
        this_update: now,
        next_update: now.plus_ms(93_600_000),
        number: 1,
        scope: Scope::Users(&Purpose::Signature.point(&place)),
    };
    let list = Crl::parse(&content.sign(&authority.key, &Entries::default()).unwrap()).unwrap();
    let store = Store { anchors: vec![authority.certificate], authorities: vec![], lists: vec![list] };
    let rules = Rules::at(now).for_policy(Purpose::Signature.policy());
    let each = rate(|| {
        let certificate = Certificate::parse(black_box(&der)).unwrap();
        drop(black_box(store.validate(&certificate, &rules).unwrap()));
    });
    println!("reading and validating a signature certificate with its list: {each:.0}/s");
}
