//! Certificates for the keys of a person's card, as the register orders them.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use house::{House, json_bytes};
use protocol::certificates::{IssuedCertificate, IssuedCertificates, OrderCertificates, Purpose, Window};
use road::{Arrival, Failure, Protected, Record, Refused, Verb};
use rules::{Operate, Operation, Pace, Permit, Role, decide_operation};
use seal::Sha256;
use seal::x509::jpki::Holders;
use seal::x509::{Certificate, CertificationRequest, KeyKind};
use wire::{Caller, Json, Problem};
use words::{B64, Moment, Reason};

use crate::issuing::{attributes, place};
use crate::life::{State as Life, may_sign};
use crate::people::{self, Row, word};
use crate::{Authority, Here};

/// The register's handle as this room keeps it.
pub(crate) fn holder_of(house: &House, handle: &B64) -> Result<Sha256, Problem> {
    let handle: [u8; 32] = handle.fixed("`holder`, which has 32 bytes")?;
    Ok(house.storage.index("holder", &handle))
}

fn fault(order: &OrderCertificates) -> Option<&'static str> {
    let Window { prefecture, municipality, code } = &order.window;
    let roman = |name: &String| {
        (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphabetic() || " -".contains(c))
    };
    let long = |text: &String, most: usize| (1..=most).contains(&text.chars().count());
    let checks = [
        (!roman(prefecture), "`window.prefecture` has 1 to 64 Roman letters, spaces and hyphens."),
        (!roman(municipality), "`window.municipality` has 1 to 64 Roman letters, spaces and hyphens."),
        (code.len() != 5 || !code.bytes().all(|c| c.is_ascii_digit()), "`window.code` has five digits."),
        (!long(&order.attributes.name, 100), "`attributes.name` has 1 to 100 characters."),
        (!long(&order.attributes.address, 200), "`attributes.address` has 1 to 200 characters."),
        (
            order.signature.is_none() && order.authentication.is_none(),
            "Neither `signature` nor `authentication` is there.",
        ),
    ];
    checks.into_iter().find(|(wrong, _)| *wrong).map(|(_, why)| why)
}

pub(crate) async fn order(
    State(here): State<Here>,
    Extension(caller): Extension<Caller>,
    body: Json<OrderCertificates>,
) -> Result<Response, Problem> {
    let (authority, order) = (here.0, body.message);
    if let Some(why) = fault(&order) {
        return Err(Problem::with(Reason::Malformed, why));
    }
    let now = authority.house.now();
    if order.signature.is_some() && !may_sign(order.attributes.birth, now.date_in_japan()) {
        let why = "Nobody under fifteen has a signature certificate: leave `signature` out.";
        return Err(Problem::with(Reason::Malformed, why));
    }
    let holder = holder_of(&authority.house, &order.holder)?;
    let mut keys = Vec::new();
    for (purpose, request) in
        [(Purpose::Signature, &order.signature), (Purpose::Authentication, &order.authentication)]
    {
        let Some(request) = request else { continue };
        let request = CertificationRequest::parse(&request.0).map_err(|error| {
            Problem::with(Reason::BadSignature, format!("The request for {}: {error}.", word(purpose)))
        })?;
        if request.kind() != KeyKind::Rsa2048 {
            return Err(Problem::with(Reason::Malformed, "A card's key is RSA of 2,048 bits."));
        }
        if keys.iter().any(|(_, known): &(_, CertificationRequest)| known.key() == request.key()) {
            return Err(Problem::with(Reason::Malformed, "Both requests are for the same key."));
        }
        keys.push((purpose, request));
    }
    let arrival = Arrival { id: order.id, caller: caller.label(), request_hash: seal::sha256(&body.bytes) };
    let verb = Order { authority: Arc::clone(&authority), order, holder, keys };
    authority.travel(arrival, verb, holder).await.map(json_bytes)
}

struct Order {
    authority: Arc<Authority>,
    order: OrderCertificates,
    holder: Sha256,
    keys: Vec<(Purpose, CertificationRequest)>,
}

impl Order {
    /// Signs one certificate.
    fn issue(
        &self,
        purpose: Purpose,
        request: &CertificationRequest,
        now: Moment,
    ) -> Result<(Row, IssuedCertificate), Failure> {
        let (house, people) = (&self.authority.house, &self.authority.people);
        let failed = |_| Failure::new(Reason::Internal);
        let issuing = people.of(purpose);
        let holders = Holders {
            key: request.key(),
            place: &place(&self.order.window),
            attributes: &attributes(&self.order.attributes),
            serial: people.serial(&house.world).map_err(failed)?,
            now,
            services: &people.services,
        };
        let der = issuing.authority.issue(&holders).map_err(failed)?;
        let certificate = Certificate::parse(&der).map_err(failed)?;
        let serial = certificate.serial().to_vec();
        let row = Row {
            holder: self.holder,
            purpose,
            place: self.order.window.code.clone(),
            der: house.storage.seal("certificate", &serial, "der", &der),
            not_after: certificate.validity().1,
            state: Life::Valid,
            since: now,
            serial: serial.clone(),
        };
        let authority = B64::from(issuing.authority.certificate.der());
        let serial = words::hex(&serial);
        Ok((row, IssuedCertificate { purpose, serial, certificate: B64::from(&der), authority }))
    }
}

impl Verb for Order {
    const NAME: &'static str = "order_certificates";
    type Permit = Permit<Operate>;
    type Acted = (Moment, Vec<(Row, IssuedCertificate)>);

    fn decide(&self, _pace: Pace, _now: Moment) -> Result<Self::Permit, Refused> {
        // The register's connection is what says that a registrar asked.
        Ok(decide_operation(Operation::OrderCertificates, Role::Registrar)?)
    }

    fn record(&self, _decided: Result<&Self::Permit, &Refused>) -> Record {
        let mut record = Record::new();
        let purposes: Vec<&str> = self.keys.iter().map(|(purpose, _)| word(*purpose)).collect();
        record.set("purposes", purposes).set("window", &self.order.window.code);
        record
    }

    async fn act(&self, _permit: &Self::Permit) -> Result<Self::Acted, Failure> {
        let now = self.authority.house.now();
        let made = self.keys.iter().map(|(purpose, request)| self.issue(*purpose, request, now));
        Ok((now, made.collect::<Result<_, _>>()?))
    }

    fn protect(&self, _permit: &Self::Permit, (now, made): Self::Acted) -> Result<Protected, Failure> {
        let (rows, issued): (Vec<Row>, Vec<IssuedCertificate>) = made.into_iter().unzip();
        let mut record = Record::new();
        let hashes = issued.iter().map(|one| words::hex(&seal::sha256(&one.certificate.0)));
        record.set("certificates", hashes.collect::<Vec<_>>());
        let reply = serde_json::to_vec(&IssuedCertificates { issued });
        let (window, holder) = (self.order.window.clone(), self.holder);
        let storage = &self.authority.house.storage;
        let handle = storage.seal("holder", &holder, "handle", &self.order.holder.0);
        Ok(Protected {
            reply: reply.map_err(|_| Failure::new(Reason::Internal))?,
            record,
            writes: Some(Box::new(move |write| {
                people::keep_handle(write, holder, handle)?;
                people::issue(write, &window, &rows, now)
            })),
            keep: true,
        })
    }
}
