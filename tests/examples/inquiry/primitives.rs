//! The cryptography that one inquiry needs, each piece measured alone, on one thread.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context, Result};
use conversion::scheme::Reversible;
use seal::{
    Conversion, CoreKey, Dice, GuardContext, GuardOpener, KeyFolder, OpenCode, PersonPoint, Position,
    SealError, SealingKey, SessionSecret, SigningKey, Suite, Typ, deal,
};
use words::{ActId, Date, Domain, Epoch, PartyId, SessionName};

use crate::median;

/// One piece.
pub struct Part {
    /// What it is, and where it is needed.
    pub name: &'static str,
    /// How often in one inquiry.
    pub times: u32,
    /// How long one takes, µs.
    pub each_us: f64,
}

impl Part {
    /// For one inquiry, µs.
    pub fn sum(&self) -> f64 {
        f64::from(self.times) * self.each_us
    }
}

/// CPU time of this thread, µs, by the scheduler's accounting: what other programs take meanwhile is not in it.
fn own_cpu_us() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split_whitespace().next().and_then(|field| field.parse::<f64>().ok());
    first.map_or(f64::NAN, |nanoseconds| nanoseconds / 1e3)
}

/// Median of five rounds of a tenth of a second each: the accounting may lag by one tick of the scheduler, 4 ms.
fn each_us<T>(mut work: impl FnMut() -> T) -> f64 {
    let mut round = || {
        let (start, mut times) = (own_cpu_us(), 0);
        loop {
            for _ in 0..20 {
                black_box(work());
            }
            times += 20;
            let spent = own_cpu_us() - start;
            if spent.is_nan() || spent > 100_000.0 {
                return spent / f64::from(times);
            }
        }
    };
    round();
    median((0..5).map(|_| round()).collect())
}

/// Measures them. `keys`: of linkage, whose secrets open the at-rest key.
/// `suite`: what replies are sealed to; `scheme`: 6, or 2.
pub fn measure(keys: &KeyFolder, reply: usize, suite: Suite, scheme: u8) -> Result<Vec<Part>> {
    let dice = Dice::new(|buffer| rand::Rng::fill_bytes(&mut rand::rng(), buffer));
    let dealt = deal(2, &dice)?;
    let [first, last] = dealt.transcryptors.as_slice() else { anyhow::bail!("two transcryptors") };
    let day = Date::new(2026, 11, 22)?;
    let party = |name: &str| -> Result<_> {
        let id = PartyId::parse(name)?;
        Ok((SessionName::new(&id, day, 0), Domain::new(id, Epoch(0))))
    };
    let open = |session: &SessionName| -> Result<SessionSecret> {
        let linkage = first.extend_session_key(session, &dealt.global.public, &dice)?;
        let trustee = last.extend_session_key(session, &linkage.key, &dice)?;
        let shares = [first.share(session)?, last.share(session)?];
        Ok(SessionSecret::assemble(&dealt.global, &shares, &trustee.key)?)
    };
    let ((town, town_domain), (tax, tax_domain)) = (party("town")?, party("tax")?);
    let (at_town, at_tax) = (open(&town)?, open(&tax)?);
    let conversion =
        Conversion { from_domain: town_domain, from_session: town, to_domain: tax_domain, to_session: tax };
    let id = ActId::new(dice.bytes());
    let point = PersonPoint::nobody(&dice);
    let code = point.encrypt(at_town.public(), &dice);
    let half = first.convert(&conversion, Position::First(*at_town.public()), &id, &code)?;
    let whole = last.convert(&conversion, Position::Last(*at_tax.public()), &id, &half)?;
    let signing = SigningKey::generate(&dice);
    let (sender, typ, payload) = (PartyId::parse("town")?, Typ("musubi-inquiry+jws"), vec![0_u8; 2000]);
    let jws = signing.sign(&sender, typ, &payload);
    let verify_key = signing.verify_key();
    let reply_key = SealingKey::generate(suite, &dice);
    let (public, plain) = (reply_key.public(), vec![0_u8; 4096]);
    let sealed = public.seal(b"info", b"aad", &plain, &dice)?;
    let pair = GuardContext::new(&public, "town>tax>session", &dice)?;
    let guard = pair.seal(&id, "1980-01-02F", &dice);
    let guard_key = GuardOpener::key(&reply_key, "town>tax>session", &guard)?;
    let storage = keys.storage(&dice, false).context("linkage's storage key")?;
    let record = vec![b'x'; 700];
    let body = vec![b'x'; reply];
    let core = Arc::new(CoreKey::generate(&dice));
    let reversible = Reversible::new(Arc::clone(&core));
    let opened = core.issue(&point.dangerous_code(), &mut core.reversible(&conversion.from_domain))?;
    let travelling = opened.to_link_code()?;
    let conversions = if scheme == 2 {
        vec![
            Part {
                name: "link code: opened by the core (provider, index)",
                times: 2,
                each_us: each_us(|| {
                    OpenCode::from_link_code(&at_town.decrypt(&travelling.encrypt(at_town.public(), &dice))?)
                }) - each_us(|| travelling.encrypt(at_town.public(), &dice)),
            },
            Part {
                name: "link code: turned by AES-SIV (provider, index)",
                times: 2,
                each_us: each_us(|| {
                    let codes = std::slice::from_ref(&opened);
                    reversible.convert_now(codes, &conversion.from_domain, &conversion.to_domain)
                }),
            },
            Part {
                name: "link code: sealed by the core (provider, index)",
                times: 2,
                each_us: each_us(|| {
                    Ok::<_, SealError>(opened.to_link_code()?.encrypt(at_tax.public(), &dice))
                }),
            },
        ]
    } else {
        vec![
            Part {
                name: "link code: first half (provider, index)",
                times: 2,
                each_us: each_us(|| {
                    first.convert(&conversion, Position::First(*at_town.public()), &id, &code)
                }),
            },
            Part {
                name: "link code: second half (provider, index)",
                times: 2,
                each_us: each_us(|| last.convert(&conversion, Position::Last(*at_tax.public()), &id, &half)),
            },
        ]
    };
    let mut parts = vec![
        Part {
            name: "Ed25519: sign (inquiry, 4 hops, reply)",
            times: 6,
            each_us: each_us(|| signing.sign(&sender, typ, &payload)),
        },
        Part {
            name: "Ed25519: verify (each by everyone after it)",
            times: 11,
            each_us: each_us(|| jws.verify(&sender, &verify_key, typ)),
        },
        Part {
            name: "link code: encrypt (inquirer)",
            times: 1,
            each_us: each_us(|| point.encrypt(at_town.public(), &dice)),
        },
        Part {
            name: "link code: decrypt (provider, portal)",
            times: 2,
            each_us: each_us(|| at_tax.decrypt(&whole)),
        },
        Part {
            name: "HPKE: a reply key",
            times: 1,
            each_us: each_us(|| SealingKey::generate(suite, &dice).public()),
        },
        Part {
            name: "HPKE: seal the reply, 4 kB",
            times: 1,
            each_us: each_us(|| public.seal(b"info", b"aad", &plain, &dice)),
        },
        Part {
            name: "HPKE: open the reply",
            times: 1,
            each_us: each_us(|| reply_key.open(b"info", b"aad", &sealed.bytes)),
        },
        Part { name: "guard: seal", times: 1, each_us: each_us(|| pair.seal(&id, "1980-01-02F", &dice)) },
        Part {
            name: "guard: open",
            times: 1,
            each_us: each_us(|| GuardOpener::open(&guard_key, &id, &guard)),
        },
        Part {
            // Two records at each of inquirer, linkage, trustee, provider, portal; replies kept by four; conversions by two.
            name: "at rest: seal a record, reply or conversion",
            times: 18,
            each_us: each_us(|| storage.seal("leaf", &[7; 16], "record", &record)),
        },
        Part {
            // Bodies, records and their leaves.
            name: "SHA-256 of 700 bytes",
            times: 30,
            each_us: each_us(|| seal::sha256(&record)),
        },
        Part { name: "SHA-256 of the reply (each hop)", times: 4, each_us: each_us(|| seal::sha256(&body)) },
    ];
    parts.extend(conversions);
    Ok(parts)
}
