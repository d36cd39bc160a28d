//! Acts as people read them: in sentences, with their proofs checked against the keys of the directory.

use ledger::{NoteKey, Proof};
use protocol::directory::Directory;
use protocol::ledger::{origin_of, witnesses};
use protocol::own::{OwnAct, OwnRecord};
use serde_json::{Map, Value};
use words::{Moment, PartyId, Reason, Right};

use crate::wording;

/// Whether a record's proof holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "proof")]
pub enum Checked {
    /// It stands in linkage's ledger, which these have witnessed.
    Holds {
        /// Who cosigned the ledger.
        witnessed_by: Vec<String>,
    },
    /// No witness has seen it yet.
    NotYet,
    /// It does not hold.
    Broken,
}

/// One act as a person reads it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Told {
    /// The act's id.
    pub act: String,
    /// When, who, whom, what for, by what right, and what became of it.
    pub ja: String,
    /// The same in English.
    pub en: String,
    /// The proofs of decision and outcome, the weaker of both.
    #[serde(flatten)]
    pub checked: Checked,
}

/// Checks one record against the keys of the directory.
fn check(record: &OwnRecord, directory: &Directory) -> Checked {
    let Some(receipt) = &record.receipt else { return Checked::NotYet };
    let checked = || {
        let proof = Proof::parse(receipt).ok()?;
        let salt: [u8; 32] = record.salt.0.as_slice().try_into().ok()?;
        let entry = road::leaf_hash(&salt, record.text.as_bytes());
        let linkage = directory.only("linkage")?;
        let key = NoteKey::new(&origin_of(&linkage.id), linkage.signing.clone()).ok()?;
        let around: Vec<NoteKey> = witnesses(directory, &linkage.id)
            .into_iter()
            .filter_map(|(entry, key)| NoteKey::new(&origin_of(&entry.id), key).ok())
            .collect();
        let shown = proof.check(&entry, &key, &around).ok()?;
        Some(shown.by.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
    };
    match checked() {
        Some(witnessed_by) if witnessed_by.is_empty() => Checked::NotYet,
        Some(witnessed_by) => Checked::Holds { witnessed_by },
        None => Checked::Broken,
    }
}

/// Puts one act into sentences and checks its proofs.
pub fn tell(act: &OwnAct, directory: &Directory) -> Told {
    let fields: Vec<Map<String, Value>> =
        act.records.iter().filter_map(|record| serde_json::from_str(&record.text).ok()).collect();
    let said = |name: &str| fields.iter().find_map(|record| record.get(name)?.as_str().map(str::to_owned));
    let party = |name: &str| {
        let entry = said(name).and_then(|id| PartyId::parse(&id).ok()).and_then(|id| directory.entry(&id));
        entry.map_or_else(
            || ("不明の機関".to_owned(), "an unknown party".to_owned()),
            |entry| (entry.name.clone(), entry.name_en.clone()),
        )
    };
    let at = fields.iter().find_map(|record| record.get("at")?.as_i64()).map(Moment);
    let (when_ja, when_en) = at.map_or_else(Default::default, wording::when);
    let (ja, en) = if said("affair").is_some() {
        let (inquirer, provider) = (party("inquirer"), party("provider"));
        let affair = wording::affair(&said("affair").unwrap_or_default());
        let item = wording::item(&said("item").unwrap_or_default());
        let basis = said("basis").map(|basis| format!("、根拠: {basis}")).unwrap_or_default();
        let (end_ja, end_en) = end(&said("decision"), &said("outcome"), &said("reason"));
        if said("right").as_deref() == Some(Right::Person.as_str()) {
            (
                format!(
                    "{when_ja} あなたが{}の持つあなたの{}を見ようとしました{basis}。{end_ja}",
                    provider.0, item.0
                ),
                format!("{when_en}: you looked at your {} as {} holds it. {end_en}", item.1, provider.1),
            )
        } else {
            (
                format!(
                    "{when_ja} {}が{}のために{}へあなたの{}を照会しました{basis}。{end_ja}",
                    inquirer.0, affair.0, provider.0, item.0
                ),
                format!(
                    "{when_en}: {} asked {} for your {}, for {}. {end_en}",
                    inquirer.1, provider.1, item.1, affair.1
                ),
            )
        }
    } else if said("institution").is_some() {
        let institution = party("institution");
        let (end_ja, end_en) = if said("outcome").as_deref() == Some("done") {
            ("渡しました。", "It was given.")
        } else {
            ("渡されませんでした。", "It was not given.")
        };
        (
            format!("{when_ja} {}にあなたの符号を渡す手続がありました。{end_ja}", institution.0),
            format!("{when_en}: {} asked for a link code for you. {end_en}", institution.1),
        )
    } else {
        (
            "内容の記録は保存期間が過ぎて消されています。".to_owned(),
            "What this was about has been erased at the end of its period.".to_owned(),
        )
    };
    let mut checked = Checked::NotYet;
    for (i, record) in act.records.iter().enumerate() {
        let one = check(record, directory);
        checked = match (i, checked, one) {
            (0, _, one) => one,
            (_, Checked::Broken, _) | (_, _, Checked::Broken) => Checked::Broken,
            (_, Checked::NotYet, _) | (_, _, Checked::NotYet) => Checked::NotYet,
            (_, holds, _) => holds,
        };
    }
    Told { act: act.act.to_string(), ja, en, checked }
}

fn end(decision: &Option<String>, outcome: &Option<String>, reason: &Option<String>) -> (String, String) {
    let reason = reason.as_deref().and_then(Reason::parse);
    match (decision.as_deref(), outcome.as_deref(), reason) {
        (Some("refused"), _, Some(reason)) => {
            (format!("断られました: {}", reason.in_japanese()), format!("Refused: {}", reason.in_english()))
        }
        (_, Some("done"), _) => ("返事が届きました。".into(), "A reply was delivered.".into()),
        (_, Some("failed"), Some(reason)) => (
            format!("返事は届きませんでした: {}", reason.in_japanese()),
            format!("No reply was delivered: {}", reason.in_english()),
        ),
        (_, Some("unknown"), _) => {
            ("返事が届いたかは分かりません。".into(), "Whether a reply was delivered is not known.".into())
        }
        _ => ("まだ終わっていません。".into(), "It is still under way.".into()),
    }
}
