//! Link codes end to end: what must hold, and what must be refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use proptest::prelude::*;
use seal::*;
use words::*;

fn dice() -> Dice {
    Dice::new(|buffer| rand::Rng::fill_bytes(&mut rand::rng(), buffer))
}

/// A country of two transcryptors and any number of parties.
struct Country {
    dice: Dice,
    dealt: Dealt,
}

struct Party {
    domain: Domain,
    name: SessionName,
    session: SessionSecret,
}

impl Country {
    fn new() -> Self {
        let dice = dice();
        Self { dealt: deal(2, &dice).unwrap(), dice }
    }

    fn party(&self, name: &str, number: u32) -> Party {
        let party = PartyId::parse(name).unwrap();
        let name = SessionName::new(&party, Date::new(2026, 11, 22).unwrap(), number);
        let first = self.dealt.transcryptors[0]
            .extend_session_key(&name, &self.dealt.global.public, &self.dice)
            .unwrap();
        let last = self.dealt.transcryptors[1].extend_session_key(&name, &first.key, &self.dice).unwrap();
        let shares: Vec<_> = self.dealt.transcryptors.iter().map(|t| t.share(&name).unwrap()).collect();
        let session = SessionSecret::assemble(&self.dealt.global, &shares, &last.key).unwrap();
        Party { domain: Domain::new(party, Epoch(0)), name, session }
    }

    fn convert(&self, from: &Party, to: &Party, input: &EncryptedCode) -> EncryptedCode {
        let conversion = Conversion {
            from_domain: from.domain.clone(),
            from_session: from.name.clone(),
            to_domain: to.domain.clone(),
            to_session: to.name.clone(),
        };
        let id = ActId::new(self.dice.bytes());
        let [first, last] = self.dealt.transcryptors.as_slice() else { panic!("two") };
        let half = first.convert(&conversion, Position::First(*from.session.public()), &id, input).unwrap();
        last.convert(&conversion, Position::Last(*to.session.public()), &id, &half).unwrap()
    }
}

fn person(country: &Country, folder: &std::path::Path, anchor: [u8; 32]) -> PersonPoint {
    KeyFolder::new(folder).person(Some(&country.dice)).unwrap().person(&anchor)
}

#[test]
fn codes_are_stable_transitive_and_apart() {
    let country = Country::new();
    let folder = tempfile::tempdir().unwrap();
    let [registry, town, tax, pension] =
        ["registry", "town", "tax-agency", "pension"].map(|name| country.party(name, 0));
    let m = person(&country, folder.path(), [1; 32]);
    let issue = |to: &Party| {
        to.session
            .decrypt(&country.convert(&registry, to, &m.encrypt(registry.session.public(), &country.dice)))
            .unwrap()
    };
    let (at_town, at_tax, at_pension) = (issue(&town), issue(&tax), issue(&pension));
    assert!(issue(&town).same_as(&at_town), "the same person, the same code");
    assert!(
        !at_town.same_as(&at_tax) && !at_tax.same_as(&at_pension),
        "no code equals another institution's"
    );

    // A→B→C = A→C, and a new session changes nothing.
    let asked = |code: &LinkCode, from: &Party, to: &Party| {
        to.session
            .decrypt(&country.convert(from, to, &code.encrypt(from.session.public(), &country.dice)))
            .unwrap()
    };
    assert!(asked(&at_town, &town, &tax).same_as(&at_tax));
    assert!(asked(&asked(&at_town, &town, &tax), &tax, &pension).same_as(&at_pension));
    let tomorrow = country.party("town", 1);
    assert!(asked(&at_town, &tomorrow, &tax).same_as(&at_tax));

    // Somebody else is somebody else.
    let other = person(&country, folder.path(), [2; 32]);
    let other_at_town = town
        .session
        .decrypt(&country.convert(&registry, &town, &other.encrypt(registry.session.public(), &country.dice)))
        .unwrap();
    assert!(!other_at_town.same_as(&at_town));
}

#[test]
fn ciphertexts_of_one_code_have_nothing_in_common() {
    let country = Country::new();
    let town = country.party("town", 0);
    let code = town
        .session
        .decrypt(&PersonPoint::nobody(&country.dice).encrypt(town.session.public(), &country.dice))
        .unwrap();
    let a = code.encrypt(town.session.public(), &country.dice).to_bytes();
    let b = code.encrypt(town.session.public(), &country.dice).to_bytes();
    assert_ne!(a[..32], b[..32]);
    assert_ne!(a[32..], b[32..]);
}

/// The fraud of DESIGN §3: t·C at one end, divided by t at the other. The arithmetic allows it, which is why an
/// index entry that matches no resident raises an alarm.
#[test]
fn a_multiplied_code_opens_to_another_code() {
    let country = Country::new();
    let [town, tax] = ["town", "tax-agency"].map(|name| country.party(name, 0));
    let code = town
        .session
        .decrypt(&PersonPoint::nobody(&country.dice).encrypt(town.session.public(), &country.dice))
        .unwrap();
    let honest = code.encrypt(town.session.public(), &country.dice);
    let forged = honest.dangerous_multiply(7);
    let arrived = tax.session.decrypt(&country.convert(&town, &tax, &forged)).unwrap();
    let expected = tax.session.decrypt(&country.convert(&town, &tax, &honest)).unwrap();
    assert!(!arrived.same_as(&expected));
}

#[test]
fn identity_and_non_canonical_points_are_refused() {
    let country = Country::new();
    let town = country.party("town", 0);
    let good = PersonPoint::nobody(&country.dice).encrypt(town.session.public(), &country.dice).to_bytes();
    let with = |half: usize, point: [u8; 32]| {
        let mut bytes = good;
        bytes[half * 32..half * 32 + 32].copy_from_slice(&point);
        EncryptedCode::from_bytes(&bytes)
    };
    let mut negative = [0u8; 32];
    negative[0] = 1; // s = 1 is odd, hence "negative": not a canonical encoding (RFC 9496 §4.3.1)
    for half in [0, 1] {
        assert_eq!(with(half, [0; 32]), Err(SealError::BadPoint), "identity");
        assert_eq!(with(half, [0xff; 32]), Err(SealError::BadPoint), "not below p");
        assert_eq!(with(half, negative), Err(SealError::BadPoint), "negative");
    }
    assert!(EncryptedCode::from_bytes(&good[..63]).is_err());
    assert!(EncryptedCode::from_bytes(&[good.as_slice(), &[0]].concat()).is_err());
    assert!(PublicPoint::from_bytes(&[0; 32]).is_err());
}

#[test]
fn wrong_shares_and_wrong_keys_are_found() {
    let country = Country::new();
    let [town, tax] = ["town", "tax-agency"].map(|name| country.party(name, 0));
    let share = |t: usize, party: &Party| country.dealt.transcryptors[t].share(&party.name).unwrap();
    let assemble =
        |shares: &[Share], public| SessionSecret::assemble(&country.dealt.global, shares, public).err();
    assert_eq!(assemble(&[share(0, &town), share(1, &town)], town.session.public()), None);
    assert_eq!(
        assemble(&[share(0, &town), share(1, &tax)], town.session.public()),
        Some(SealError::WrongSession)
    );
    assert_eq!(assemble(&[share(0, &town)], town.session.public()), Some(SealError::WrongSession));
    assert_eq!(
        assemble(&[share(0, &town), share(1, &town)], tax.session.public()),
        Some(SealError::WrongSession)
    );
}

#[test]
fn a_session_key_without_its_proof_is_refused() {
    let country = Country::new();
    let town = country.party("town", 0);
    let other = country.party("tax-agency", 0);
    let global = country.dealt.global.public;
    let honest =
        country.dealt.transcryptors[0].extend_session_key(&town.name, &global, &country.dice).unwrap();
    assert!(honest.verify(&global).is_ok());
    assert_eq!(honest.verify(other.session.public()).err(), Some(SealError::BadProof));
    let swapped = KeyProof { key: *other.session.public(), ..honest.clone() };
    assert_eq!(swapped.verify(&global).err(), Some(SealError::BadProof));
    let cut = KeyProof { proof: B64::from(&honest.proof.0[..63]), ..honest };
    assert_eq!(cut.verify(&global).err(), Some(SealError::BadProof));
}

#[test]
fn one_transcryptor_is_refused() {
    assert!(deal(1, &dice()).is_err());
}

#[test]
fn a_conversion_can_be_repeated_exactly() {
    let country = Country::new();
    let [town, tax] = ["town", "tax-agency"].map(|name| country.party(name, 0));
    let input = PersonPoint::nobody(&country.dice).encrypt(town.session.public(), &country.dice);
    let conversion = Conversion {
        from_domain: town.domain.clone(),
        from_session: town.name.clone(),
        to_domain: tax.domain.clone(),
        to_session: tax.name.clone(),
    };
    let once = |id: u8, input: &EncryptedCode| {
        let position = Position::First(*town.session.public());
        country.dealt.transcryptors[0]
            .convert(&conversion, position, &ActId::new([id; 16]), input)
            .unwrap()
            .to_bytes()
    };
    assert_eq!(once(1, &input), once(1, &input));
    assert_ne!(once(1, &input), once(2, &input));
    assert_ne!(once(1, &input), once(1, &input.dangerous_multiply(2)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn arbitrary_bytes_never_make_a_code_that_does_not_read_back(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(code) = EncryptedCode::from_bytes(&bytes) {
            prop_assert_eq!(code.to_bytes().to_vec(), bytes);
        }
    }
}
