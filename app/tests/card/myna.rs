//! myna-card through pcscd: certificates as well.

use card::host::Link;
use musubi::card_command::pcscd::{CardInReader, Service};
use myna_card::ap::common::CommonAp;
use myna_card::ap::jpki::{JpkiAp, SignatureScheme};
use myna_card::ap::surface::SurfaceAp;
use myna_card::ap::text::TextAp;
use myna_card::certificate::roots::Accept;
use myna_card::mf::{MasterFile, tag};
use myna_card::transport::Transmit;
use myna_card::{Certificate, Pin};

use crate::readers::Readers;

struct Reader(CardInReader);

impl Transmit for Reader {
    fn transmit(&mut self, command: &[u8]) -> myna_card::Result<Vec<u8>> {
        Ok(self.0.transmit(command).unwrap())
    }
}

#[test]
fn reads_and_verifies_every_application_through_the_reader() {
    let readers = Readers::start();
    let mut reader = myna_card::Card::new(Reader(Service::connect().unwrap().card(None).unwrap()));
    let number = MasterFile::select(&mut reader).unwrap().data_object(tag::CARD_IDENTIFICATION).unwrap();
    assert_eq!(number.len(), 15);
    let chain = MasterFile::select(&mut reader).unwrap().certificate_chain().unwrap();
    assert_eq!(chain[1].issuer_key_id, chain[0].subject_key_id);
    chain[1].verify_with(&chain[0].public_key).unwrap();
    assert_eq!(CommonAp::select(&mut reader).unwrap().card().contact_atr().unwrap(), ::card::ATR);

    let mut text = TextAp::select(&mut reader).unwrap();
    let issuer = text.read_certificate().unwrap().public_key;
    text.verify_pin(&Pin::numeric("1234").unwrap()).unwrap();
    let integrity = text.read_integrity_record().unwrap();
    integrity.verify(&issuer).unwrap();
    assert!(integrity.matches_my_number_file(&text.read_my_number_file().unwrap()));
    text.read_signed_public_key().unwrap().verify(&issuer).unwrap();
    assert_eq!(text.read_attributes().unwrap().name, "結　花子");
    let mut session = text.open_secure_session(&[3; 32]).unwrap();
    assert!(session.read_ef(2).unwrap().len() > 50);

    let mut surface = SurfaceAp::select(&mut reader).unwrap();
    surface.verify_code_a(&Pin::numeric("123456789018").unwrap()).unwrap();
    surface.read_card_face().unwrap().verify(&issuer).unwrap();
    surface.read_my_number_image().unwrap().verify(&issuer).unwrap();

    let mut jpki = JpkiAp::select(&mut reader).unwrap();
    let auth = [jpki.read_auth_certificate().unwrap(), jpki.read_auth_ca_certificate().unwrap()];
    let (issued, _) = auth[0].validity();
    Certificate::verify_chain(&auth, issued).unwrap();
    // Ours is no root of the country's, neither in earnest nor for tests.
    assert!(auth[0].verify_to_root(issued, Accept::ProductionAndTest).is_err());
    jpki.verify_sign_pin(&Pin::new("ABC123").unwrap()).unwrap();
    let sign = [jpki.read_sign_certificate().unwrap(), jpki.read_sign_ca_certificate().unwrap()];
    Certificate::verify_chain(&sign, issued).unwrap();
    assert!(Certificate::verify_chain(&[sign[0].clone(), auth[1].clone()], issued).is_err());
    jpki.verify_auth_pin(&Pin::numeric("1234").unwrap()).unwrap();
    jpki.sign_with_auth_key_checked(SignatureScheme::Sha256Pss, b"login").unwrap();
    jpki.verify_sign_pin(&Pin::new("ABC123").unwrap()).unwrap();
    jpki.sign_with_sign_key_checked(SignatureScheme::Sha256DigestInfo, b"text").unwrap();
    drop(reader);
    drop(readers);
}
