//! What a holder does with the card in a reader.

use anyhow::{Context, Result};
use card::host::{Host, HostError};
use card::layout::{self, common, jpki};
use card::{FileId, Status};

use super::pcscd::{CardInReader, Service};
use super::said::{ask, say};
use super::{PinArgs, PinName, ReaderArgs, SECRETS, SignArgs};

/// The card in the reader, or why there is none.
pub(crate) fn card(at: &ReaderArgs) -> Result<CardInReader> {
    Service::connect()?.card(at.reader.as_deref())
}

/// What went wrong with the card, in both languages.
pub(crate) fn told(error: HostError) -> anyhow::Error {
    match error {
        HostError::WrongPin { left: 0 } => {
            anyhow::anyhow!("暗証番号が違います。ロックされました / wrong PIN; it is blocked now")
        }
        HostError::WrongPin { left } => {
            anyhow::anyhow!("暗証番号が違います。残り{left}回 / wrong PIN; tries left: {left}")
        }
        HostError::Blocked => anyhow::anyhow!(
            "ロックされています。市区町村の窓口で再設定してください / this PIN is blocked; a municipality's counter can set it anew"
        ),
        HostError::Refused { doing, status: Status::DATA } => anyhow::anyhow!(
            "形式が正しくありません / the card refused to {doing}: it has not the form it must have"
        ),
        HostError::Refused { status: Status::NOT_FOUND, .. } => anyhow::anyhow!(
            "このカードにはそのアプリケーションがありません / this card has no such application; is it a 個人番号カード?"
        ),
        other => anyhow::anyhow!("カードが応じませんでした / {other}"),
    }
}

pub(crate) fn show(args: &ReaderArgs) -> Result<()> {
    let mut card = card(args)?;
    say(&format!("読取機: {}", card.reader), "reader");
    let mut host = Host::new(&mut card);
    host.select(layout::COMMON).map_err(told)?;
    let record = host.read_record(common::CARD, 1).map_err(told)?;
    let digits =
        record.get(2..30).and_then(|digits| std::str::from_utf8(digits).ok()).context("no card number")?;
    let (serial, rest) = digits.split_at(15);
    let (municipality, expiry) = rest.split_at(5);
    say(&format!("カード番号: {serial}"), "card number");
    say(&format!("市区町村コード: {municipality}"), "municipality");
    say(&format!("有効期限: {expiry}"), "valid until");
    host.select(layout::JPKI).map_err(told)?;
    let there = host.read(jpki::AVAILABLE).map_err(told)?;
    for (at, japanese, english) in [
        (0, "署名用電子証明書", "signature certificate"),
        (1, "利用者証明用電子証明書", "authentication certificate"),
    ] {
        let (ja, en) = if there.get(at) == Some(&0x8F) { ("あり", "there") } else { ("なし", "none") };
        say(&format!("{japanese}: {ja}"), &format!("{english}: {en}"));
    }
    for (japanese, english, aid, pin) in SECRETS {
        host.select(aid).map_err(told)?;
        let left = host.tries(pin).map_err(told)?;
        say(&format!("{japanese}: 残り{left}回"), &format!("{english}: tries left {left}"));
    }
    Ok(())
}

pub(crate) fn verify_pin(args: &PinArgs) -> Result<()> {
    let (japanese, english) = args.pin.names();
    let pin = ask(japanese, english)?;
    let mut card = card(&args.at)?;
    let mut host = Host::new(&mut card);
    for (aid, file) in args.pin.places() {
        host.select(aid).and_then(|()| host.verify(*file, pin.as_bytes())).map_err(told)?;
    }
    say("正しい暗証番号です", "the PIN is right");
    Ok(())
}

pub(crate) fn change_pin(args: &PinArgs) -> Result<()> {
    let (japanese, english) = args.pin.names();
    let old = ask(&format!("現在の{japanese}"), &format!("present {english}"))?;
    let new = ask(&format!("新しい{japanese}"), &format!("new {english}"))?;
    let again = ask(&format!("新しい{japanese}（もう一度）"), &format!("new {english}, again"))?;
    anyhow::ensure!(new == again, "二つが一致しません / the two differ; nothing was changed");
    let mut card = card(&args.at)?;
    let mut host = Host::new(&mut card);
    // Both are checked before the first is changed: no half change where there are two.
    for (aid, file) in args.pin.places() {
        host.select(aid).and_then(|()| host.verify(*file, old.as_bytes())).map_err(told)?;
    }
    let older = args.pin == PinName::Juki;
    for (aid, file) in args.pin.places() {
        let changed =
            host.select(aid).and_then(|()| host.change_pin(*file, old.as_bytes(), new.as_bytes(), older));
        changed.map_err(told)?;
    }
    say("変更しました", "changed");
    Ok(())
}

/// What the holder's key made.
pub(crate) struct Signed {
    pub(crate) signature: Vec<u8>,
    pub(crate) certificate: Vec<u8>,
}

/// Presents the PIN and signs with the key it opens (P1 = 00, a `DigestInfo`: what every card of this kind does).
pub(crate) fn sign_with(
    card: &mut CardInReader,
    which: PinName,
    pin: &[u8],
    message: &[u8],
) -> Result<Signed, HostError> {
    let (key, certificate, pin_file): (FileId, FileId, FileId) = match which {
        PinName::Sign => (jpki::SIGN_KEY, jpki::SIGN_CERTIFICATE, jpki::SIGN_PIN),
        _ => (jpki::AUTH_KEY, jpki::AUTH_CERTIFICATE, jpki::AUTH_PIN),
    };
    let mut host = Host::new(card);
    host.select(layout::JPKI)?;
    host.verify(pin_file, pin)?;
    let certificate = host.read(certificate)?;
    let signature = host.sign(key, 0, &card::sha256_info(&card::sha256(message)))?;
    Ok(Signed { signature, certificate })
}

pub(crate) fn sign(args: &SignArgs, which: PinName) -> Result<()> {
    let message =
        std::fs::read(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    let (japanese, english) = which.names();
    let pin = ask(japanese, english)?;
    let mut card = card(&args.at)?;
    let signed = sign_with(&mut card, which, pin.as_bytes(), &message).map_err(told)?;
    let write = |path: &std::path::Path, bytes: &[u8]| {
        std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
    };
    write(&args.out, &signed.signature)?;
    if let Some(path) = &args.certificate {
        write(path, &signed.certificate)?;
    }
    say("署名しました", "signed");
    Ok(())
}
