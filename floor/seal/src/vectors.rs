//! `docs/protocol/vectors/{jws,hpke,link-code}.json`, computed again from fixed secrets; here, inside, because only
//! here secrets can be fixed. `UPDATE_VECTORS=1` writes them.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use words::{ActId, B64, Date, Domain, Epoch, PartyId, SessionName, hex};

use crate::codes::PersonKey;
use crate::secret::Secret;
use crate::{
    Conversion, Dice, Position, SealingKey, SessionSecret, SigningKey, Suite, Typ, deal, sha256_parts,
};

/// Dice that always fall the same way.
fn dice() -> Dice {
    let thrown = AtomicU64::new(0);
    Dice::new(move |buffer| {
        for part in buffer.chunks_mut(32) {
            let bytes = sha256_parts(&[b"vectors", &thrown.fetch_add(1, Ordering::Relaxed).to_be_bytes()]);
            part.copy_from_slice(&bytes[..part.len()]);
        }
    })
}

fn agree(name: &str, computed: &Value) {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol/vectors/").to_owned() + name;
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(&file, serde_json::to_string_pretty(computed).unwrap() + "\n").unwrap();
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(*computed, kept, "{name}");
}

fn party(name: &str) -> PartyId {
    PartyId::parse(name).unwrap()
}

#[test]
fn signed_messages() {
    let seed = [7; 32];
    let key = SigningKey::from_bytes(&Secret::new(seed));
    let payloads = ["{}", r#"{"id":"ABEiM0RVZneImaq7zN3u_w","item":"所得"}"#];
    let line = |payload: &&str| {
        let jws = key.sign(&party("town"), Typ("musubi-inquiry+jws"), payload.as_bytes());
        json!({"payload": payload, "jws": jws, "sha256": hex(&jws.hash())})
    };
    agree(
        "jws.json",
        &json!({
            "seed": hex(&seed),
            "verify_key": key.verify_key(),
            "kid": "town",
            "typ": "musubi-inquiry+jws",
            "messages": payloads.iter().map(line).collect::<Vec<_>>(),
            "sha256_parts": {"parts": ["ab", "", "c"], "sha256": hex(&sha256_parts(&[b"ab", b"", b"c"]))},
        }),
    );
}

#[test]
fn sealed_messages() {
    let line = |suite: Suite| {
        let seed = [9; 32];
        let key = SealingKey::from_seed(suite, Secret::new(seed));
        let sealed = key.public().seal(b"musubi/answer/v1", b"act", b"content", &dice()).unwrap();
        let opened = key.open(b"musubi/answer/v1", b"act", &sealed.bytes).unwrap();
        assert_eq!((opened.plaintext.as_slice(), opened.salt), (b"content".as_slice(), sealed.salt));
        json!({
            "suite": suite,
            "seed": hex(&seed),
            "public": key.public().key,
            "info": "musubi/answer/v1",
            "aad": "act",
            "plaintext": "content",
            "sealed": B64::from(&sealed.bytes),
            "exported_salt": hex(&sealed.salt),
        })
    };
    agree("hpke.json", &json!({ "messages": [line(Suite::XWing), line(Suite::X25519)] }));
}

/// From an anchor to the code at the town, and from there to the tax agency: issue and inquiry.
#[test]
fn link_codes() {
    let dice = dice();
    let dealt = deal(2, &dice).unwrap();
    let [first, last] = dealt.transcryptors.as_slice() else { panic!("two") };
    let stored = |secrets: &crate::TranscryptorSecrets| {
        let bytes = secrets.to_stored();
        let part = |at: usize| hex(&bytes[at * 32..at * 32 + 32]);
        json!({"pseudonymization": part(0), "rekeying": part(1), "rerandomizing": part(2), "blinding": part(3)})
    };
    let day = Date::new(2026, 11, 22).unwrap();
    let open = |name: &str| {
        let (domain, name) = (Domain::new(party(name), Epoch(0)), SessionName::new(&party(name), day, 0));
        let key = first.extend_session_key(&name, &dealt.global.public, &dice).unwrap();
        let key = last.extend_session_key(&name, &key.key, &dice).unwrap().key;
        let shares = [first.share(&name).unwrap(), last.share(&name).unwrap()];
        let shown = json!({
            "domain": domain.to_string(),
            "session": name,
            "public": key,
            "shares": shares.each_ref().map(|share| hex(share.to_seal())),
            "domain_commitments":
                [first.domain_commitment(&domain).unwrap(), last.domain_commitment(&domain).unwrap()],
        });
        (domain, name, SessionSecret::assemble(&dealt.global, &shares, &key).unwrap(), shown)
    };
    let rooms = ["registry", "town", "tax-agency"].map(open);
    let person_key = [3; 32];
    let anchor = [5; 32];
    let act = ActId::new([8; 16]);
    let person = PersonKey::from_bytes(Secret::new(person_key)).person(&anchor);
    let mut code = None;
    let mut steps = Vec::new();
    for pair in rooms.windows(2) {
        let [from, to] = pair else { panic!("two") };
        let conversion = Conversion {
            from_domain: from.0.clone(),
            from_session: from.1.clone(),
            to_domain: to.0.clone(),
            to_session: to.1.clone(),
        };
        let input = match &code {
            None => person.encrypt(from.2.public(), &dice),
            Some(code) => crate::LinkCode::encrypt(code, from.2.public(), &dice),
        };
        let half = first.convert(&conversion, Position::First(*from.2.public()), &act, &input).unwrap();
        let whole = last.convert(&conversion, Position::Last(*to.2.public()), &act, &half).unwrap();
        let arrived = to.2.decrypt(&whole).unwrap();
        steps.push(json!({
            "from": from.0.party,
            "to": to.0.party,
            "input": input,
            "input_sha256": hex(&input.hash()),
            "after_first": half,
            "after_last": whole,
            "decrypted": hex(&arrived.compressed()),
        }));
        code = Some(arrived);
    }
    agree(
        "link-code.json",
        &json!({
            "person_key": hex(&person_key),
            "anchor": hex(&anchor),
            "act": act,
            "global": dealt.global,
            "transcryptors": [stored(first), stored(last)],
            "rooms": rooms.iter().map(|room| room.3.clone()).collect::<Vec<_>>(),
            "conversions": steps,
        }),
    );
}
