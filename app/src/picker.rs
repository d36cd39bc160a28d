//! The demo's picker of persons: stands where a card will stand, and signs who looks. Works only in a country whose rooms
//! are configured with `demo = true`.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use protocol::country::Country;
use protocol::desk::SignIn;
use protocol::directory::{Directory, DirectoryDocument, Signed};
use protocol::own::{
    AskMyInformation, AskMyRecords, DEMO, DemoAssertion, DemoLook, DemoPerson, MY_INFORMATION, MY_RECORDS,
    MyInformation, MyRecords, PERSON_INFO, PERSON_SIGN_INS,
};
use seal::{Dice, KeyFolder};
use wire::CallError;
use words::{ActId, B64, ItemId, Moment, PartyId};
use world::World;

use crate::config_file::{ConfigFile, base_of};
use crate::desk;

/// How long an assertion of the picker holds, ms.
const HOLDS_MS: i64 = 300_000;

/// The country's trust anchor, as the authority's section names it.
pub fn country_of(file: &ConfigFile) -> Result<Country> {
    let settings = &file.section("authority", None)?.settings;
    let path = settings.base.join(&settings.common.country);
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not a trust anchor", path.display()))
}

/// The directory, if the authority of this country signed it.
pub fn directory_of(country: &Country, signed: &Signed) -> Result<Directory> {
    let jws = signed.signed.first().context("the directory is not signed")?;
    let document: DirectoryDocument = protocol::verify(jws, &country.authority, &country.authority_key)
        .map_err(|reason| anyhow::anyhow!("the directory: {}", reason.in_english()))?;
    Ok(Directory::new(document))
}

/// What the picker signs for the person behind a register's entry.
fn assert(
    file: &ConfigFile,
    country: &Country,
    config: &std::path::Path,
    entry: &str,
) -> Result<AskMyRecords> {
    let folder = KeyFolder::new(base_of(config).join("ceremony/demo"));
    if country.demo_key.is_none() {
        bail!(
            "この国では本人確認の見本は使えません(demo = true の設定がありません)。\n\
             This country takes no demo assertions: no room of it is configured with `demo = true`."
        );
    }
    let key = folder.signing(None).context("the picker's key is not here")?;
    let world = World::real();
    let dice = {
        let world = world.clone();
        Dice::new(move |buffer| world.fill(buffer))
    };
    let registry = file.section("registry", None)?;
    let registry_keys = KeyFolder::new(registry.settings.base.join(&registry.settings.common.keys));
    let sealing = registry_keys.sealing(seal::Suite::default(), None)?.public();
    let (at, nonce): (_, [u8; 16]) = (Moment(world.now()), world.random());
    let ends = at.plus_ms(HOLDS_MS);
    let person = serde_json::to_vec(&DemoPerson { entry: entry.to_owned() })?;
    let sealed = sealing.seal(PERSON_INFO, &nonce, &person, &dice)?;
    let nonce = B64::from(nonce);
    let demo = PartyId::parse(DEMO)?;
    let assertion = DemoAssertion { person: sealed.bytes.into(), nonce: nonce.clone(), at, ends };
    Ok(AskMyRecords {
        assertion: protocol::sign(&key, &demo, &assertion),
        look: protocol::sign(&key, &demo, &DemoLook { nonce, at, ends }),
    })
}

/// Has the portal let a browser into the person's own pages; the address to open.
pub async fn sign_in(config: &std::path::Path, entry: &str) -> Result<String> {
    let file = ConfigFile::read(config)?;
    let ask = assert(&file, &country_of(&file)?, config, entry)?;
    let client = desk::client(file.section("portal", None)?, "operator")?;
    match client.post::<SignIn>(PERSON_SIGN_INS, &ask, Duration::from_secs(20)).await {
        Ok(sign_in) => Ok(sign_in.url),
        Err(error) => bail!("{}", desk::in_words(&error)),
    }
}

/// Asks the portal for the records of the person behind a register's entry.
pub async fn my_records(config: &std::path::Path, entry: &str) -> Result<(Directory, MyRecords)> {
    let file = ConfigFile::read(config)?;
    let country = country_of(&file)?;
    let ask = assert(&file, &country, config, entry)?;
    let portal = file.section("portal", None)?;
    let client = desk::client(portal, "operator")?;
    match client.post::<MyRecords>(MY_RECORDS, &ask, Duration::from_secs(40)).await {
        Ok(records) => Ok((directory_of(&country, &records.directory)?, records)),
        Err(error) => bail!("{}", desk::in_words(&error)),
    }
}

/// Asks, by way of the portal, what an institution holds about the person behind a register's entry.
pub async fn my_information(
    config: &std::path::Path,
    entry: &str,
    provider: &PartyId,
    item: &ItemId,
    follows: Option<ActId>,
) -> Result<Result<MyInformation, CallError>> {
    let file = ConfigFile::read(config)?;
    let AskMyRecords { assertion, .. } = assert(&file, &country_of(&file)?, config, entry)?;
    let ask = AskMyInformation { assertion, provider: provider.clone(), item: item.clone(), follows };
    let client = desk::client(file.section("portal", None)?, "operator")?;
    Ok(client.post(MY_INFORMATION, &ask, Duration::from_secs(40)).await)
}
