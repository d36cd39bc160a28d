//! What a conversion costs, step by step, on one thread. `cargo run --release -p seal --example conversion_figures`

use std::hint::black_box;
use std::time::Instant;

use seal::{
    Conversion, Dice, EncryptedCode, GuardContext, GuardOpener, KeyProof, PersonPoint, Position, SealingKey,
    SessionSecret, SigningKey, Suite, Typ, deal,
};
use words::{ActId, Date, Domain, Epoch, Malformed, PartyId, SessionName};

fn microseconds(name: &str, times: u32, mut work: impl FnMut()) {
    work();
    let start = Instant::now();
    (0..times).for_each(|_| work());
    let each = start.elapsed().as_secs_f64() * 1e6 / f64::from(times);
    println!("{name:<58} {each:>9.1} µs");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dice = Dice::new(|buffer| rand::Rng::fill_bytes(&mut rand::rng(), buffer));
    let dealt = deal(2, &dice)?;
    let [first, last] = dealt.transcryptors.as_slice() else { return Err("two transcryptors".into()) };
    let day = Date::new(2026, 11, 22)?;
    let party = |name: &str| -> Result<_, Malformed> {
        let id = PartyId::parse(name)?;
        Ok((SessionName::new(&id, day, 0), Domain::new(id, Epoch(0))))
    };
    let open = |session: &SessionName| -> Result<(KeyProof, SessionSecret), seal::SealError> {
        let linkage = first.extend_session_key(session, &dealt.global.public, &dice)?;
        let trustee = last.extend_session_key(session, &linkage.key, &dice)?;
        let shares = [first.share(session)?, last.share(session)?];
        Ok((linkage, SessionSecret::assemble(&dealt.global, &shares, &trustee.key)?))
    };
    let ((town, town_domain), (tax, tax_domain)) = (party("town")?, party("tax-agency")?);
    let ((proof, at_town), (_, at_tax)) = (open(&town)?, open(&tax)?);
    let conversion = Conversion {
        from_domain: town_domain,
        from_session: town.clone(),
        to_domain: tax_domain,
        to_session: tax,
    };
    let id = ActId::new(dice.bytes());
    let code = PersonPoint::nobody(&dice).encrypt(at_town.public(), &dice);
    let half = first.convert(&conversion, Position::First(*at_town.public()), &id, &code)?;
    let whole = last.convert(&conversion, Position::Last(*at_tax.public()), &id, &half)?;
    let bytes = whole.to_bytes();

    microseconds("encrypt a code", 2000, || {
        black_box(PersonPoint::nobody(&dice).encrypt(at_town.public(), &dice));
    });
    microseconds("read and check an encrypted code (64 bytes)", 2000, || {
        black_box(EncryptedCode::from_bytes(&bytes)).ok();
    });
    microseconds("first half of a conversion (linkage)", 2000, || {
        black_box(first.convert(&conversion, Position::First(*at_town.public()), &id, &code)).ok();
    });
    microseconds("second half of a conversion (trustee)", 2000, || {
        black_box(last.convert(&conversion, Position::Last(*at_tax.public()), &id, &half)).ok();
    });
    microseconds("decrypt a converted code", 2000, || {
        black_box(at_tax.decrypt(&whole)).ok();
    });
    microseconds("a transcryptor's turn in a session key, with proof", 500, || {
        black_box(first.extend_session_key(&town, &dealt.global.public, &dice)).ok();
    });
    microseconds("check that proof", 500, || {
        black_box(proof.verify(&dealt.global.public)).ok();
    });
    let signing = SigningKey::generate(&dice);
    let (sender, typ, payload) = (PartyId::parse("town")?, Typ("musubi-inquiry+jws"), [0u8; 2000]);
    let jws = signing.sign(&sender, typ, &payload);
    microseconds("sign a message of 2 kB", 2000, || {
        black_box(signing.sign(&sender, typ, &payload));
    });
    microseconds("verify it", 2000, || {
        black_box(jws.verify(&sender, &signing.verify_key(), typ)).ok();
    });
    for (suite, name) in [(Suite::XWing, "X-Wing"), (Suite::X25519, "X25519")] {
        let key = SealingKey::generate(suite, &dice);
        let (public, plain) = (key.public(), vec![0u8; 4096]);
        let sealed = public.seal(b"info", b"aad", &plain, &dice)?;
        microseconds(&format!("make a reply key ({name})"), 500, || {
            black_box(SealingKey::generate(suite, &dice).public());
        });
        microseconds(&format!("seal 4 kB ({name})"), 500, || {
            black_box(public.seal(b"info", b"aad", &plain, &dice)).ok();
        });
        microseconds(&format!("open 4 kB ({name})"), 500, || {
            black_box(key.open(b"info", b"aad", &sealed.bytes)).ok();
        });
    }
    let provider = SealingKey::generate(Suite::XWing, &dice);
    let pair = GuardContext::new(&provider.public(), "town>tax-agency>session", &dice)?;
    let guard = pair.seal(&id, "1980-01-02F", &dice);
    let key = GuardOpener::key(&provider, "town>tax-agency>session", &guard)?;
    microseconds("seal a guard under a pair key that is there", 2000, || {
        black_box(pair.seal(&id, "1980-01-02F", &dice));
    });
    microseconds("open a guard under a pair key that is there", 2000, || {
        black_box(GuardOpener::open(&key, &id, &guard)).ok();
    });
    Ok(())
}
