//! A test authority: every key that a card needs somebody to have, in one folder. In earnest these are several bodies; the
//! authority's room will answer the same [`Request`] with the same [`Answer`].

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use card::host::Terminal;
use card::operator::{Admitted, Work};
use card::personalise::{Answer, Counter, Purpose, Request, requested_key};
use card::records::Holder;
use card::{Anchor, Certificate, KeyId, PublicKey, Role, RsaKey};
use seal::KeyFolder;
use words::Moment;
use world::World;

use super::certificates;
use super::counter::may;

/// Institution codes of the test authority's terminals.
pub(crate) const TOWN: u32 = 13_221;
/// A fictitious hospital.
pub(crate) const HOSPITAL: u32 = 1_312_345;

pub(crate) struct Authority {
    folder: KeyFolder,
    world: World,
}

impl Authority {
    /// The authority in this folder; makes what is missing.
    pub(crate) fn at(path: &Path, world: &World) -> Result<Self> {
        let authority = Self { folder: KeyFolder::new(path), world: world.clone() };
        for purpose in [Purpose::Signature, Purpose::Authentication] {
            let name = format!("{}-ca.der", word(purpose));
            if !authority.folder.has(&name) {
                let key = authority.key(&format!("{}-ca", word(purpose)))?;
                let certificate = certificates::authority(purpose, &key, world.random(), authority.now())
                    .map_err(|e| anyhow!(e))?;
                authority.folder.write(&name, &certificate)?;
            }
        }
        Ok(authority)
    }

    fn now(&self) -> Moment {
        Moment(self.world.now())
    }

    /// A key of this folder; made when it is first asked for.
    fn key(&self, name: &str) -> Result<RsaKey> {
        let file = format!("{name}.pkcs8");
        if self.folder.has(&file) {
            let bytes = self.folder.read(&file)?;
            return RsaKey::from_pkcs8(&bytes).with_context(|| {
                format!("{} is not an RSA key of 2,048 bits", self.folder.path().join(&file).display())
            });
        }
        let key = RsaKey::generate().map_err(|_| anyhow!("no key could be made"))?;
        self.folder.write(&file, key.pkcs8())?;
        Ok(key)
    }

    fn terminal_ca(&self) -> Result<(KeyId, RsaKey)> {
        Ok((id(5_000_001, Role(0), 1)?, self.key("terminal-ca")?))
    }

    /// What cards check terminals with.
    pub(crate) fn anchor(&self) -> Result<Anchor> {
        let (id, key) = self.terminal_ca()?;
        Ok(Anchor { id, key: key.public().clone(), newest: 1 })
    }

    /// A terminal certified for cards.
    pub(crate) fn terminal(&self, name: &str, institution: u32, role: Role) -> Result<Terminal> {
        let (issuer, with) = self.terminal_ca()?;
        self.certified(name, &issuer, &with, &id(institution, role, 1)?)
    }

    fn certified(&self, name: &str, issuer: &KeyId, with: &RsaKey, subject: &KeyId) -> Result<Terminal> {
        let key = self.key(name)?;
        let certificate =
            Certificate::issue(issuer, with, subject, key.public()).map_err(|_| anyhow!("signing failed"))?;
        Ok(Terminal { certificate, key })
    }

    /// The municipality's counter.
    pub(crate) fn counter(&self) -> Result<Counter> {
        let root = id(5_000_000, Role(0), 1)?;
        let record =
            self.certified("records", &root, &self.key("root")?, &id(5_000_000 + TOWN, Role(0), 1)?)?;
        Ok(Counter {
            terminal: self.terminal("counter", TOWN, Role::ISSUER)?,
            record_key: record.key,
            record_certificate: record.certificate,
            root,
        })
    }

    /// The counter's terminal, for an operator whose card is for setting PINs anew.
    pub(crate) fn counter_of(&self, operator: &Admitted) -> Result<Terminal> {
        may(operator, Work::Issue)?;
        self.terminal("counter", TOWN, Role::ISSUER)
    }

    /// The key above the issuers' record keys.
    pub(crate) fn root(&self) -> Result<Anchor> {
        Ok(Anchor { id: id(5_000_000, Role(0), 1)?, key: self.key("root")?.public().clone(), newest: 1 })
    }

    /// What cards show without any application: municipality, expiry, and the chain of certificates up to the root.
    pub(crate) fn objects(&self, holder: &Holder) -> Result<BTreeMap<u16, Vec<u8>>> {
        let root = id(5_000_000, Role(0), 1)?;
        let upper = self.certified("root", &root, &self.key("root")?, &root)?.certificate;
        Ok(BTreeMap::from([
            (0x00F0, holder.municipality.as_bytes().to_vec()),
            (0x00F2, holder.expiry.compact().into_bytes()),
            (0x00F7, root.bytes().to_vec()),
            (0x00F8, upper),
            (0x7F21, self.counter()?.record_certificate),
        ]))
    }

    /// The key over an area's terminals, and its id; each municipality has its own.
    pub(crate) fn area_anchor(&self) -> Result<(KeyId, PublicKey)> {
        Ok((id(TOWN, Role(0), 1)?, self.key("area-ca")?.public().clone()))
    }

    /// A terminal of the municipality's area.
    pub(crate) fn area_terminal(&self, name: &str, role: Role) -> Result<Terminal> {
        self.certified(name, &id(TOWN, Role(0), 1)?, &self.key("area-ca")?, &id(TOWN, role, 1)?)
    }

    /// Who signs operators' certificates and kinds of work: the same key as for terminals.
    pub(crate) fn operators(&self) -> Result<(KeyId, RsaKey)> {
        self.terminal_ca()
    }

    /// Answers a request made in a card. The attributes are the register's; here they are given.
    pub(crate) fn certify(&self, request: &Request, holder: &Holder) -> Result<Answer, String> {
        let key = requested_key(&request.der).ok_or("the request is not signed with the key it names")?;
        let text = |error: anyhow::Error| error.to_string();
        let ca = self.key(&format!("{}-ca", word(request.purpose))).map_err(text)?;
        let authority = self.certificate(request.purpose).map_err(text)?;
        let by = (&ca, authority.as_slice());
        let certificate =
            certificates::holders(request.purpose, holder, &key, by, self.world.random(), self.now())?;
        Ok(Answer { certificate, authority })
    }

    /// The authority's own certificate.
    pub(crate) fn certificate(&self, purpose: Purpose) -> Result<Vec<u8>> {
        Ok(self.folder.read(&format!("{}-ca.der", word(purpose)))?.to_vec())
    }
}

fn word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Signature => "sign",
        Purpose::Authentication => "auth",
    }
}

/// A key id of generation 1.
pub(crate) fn id(institution: u32, role: Role, serial: u16) -> Result<KeyId> {
    KeyId::new(institution, role, 1, serial).context("an institution's code has seven digits")
}
