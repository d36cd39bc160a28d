//! A past act decided again, under the law of its day: from the facts in its record and the documents this room kept.

use axum::Json;
use axum::extract::{Path, State};
use house::{HasHouse, House};
use protocol::audit::Replayed;
use rules::{InquiryRequest, Pace, Standing, TranscryptorFacts, decide_conversion};
use serde_json::{Map, Value};
use wire::Problem;
use words::{ActId, AffairId, ItemId, Moment, PartyId, Reason, Right};

/// Decides an act of this room again.
pub async fn replay<S: HasHouse>(
    State(state): State<S>,
    Path(id): Path<String>,
) -> Result<Json<Replayed>, Problem> {
    let (house, act) = (state.house(), ActId::parse(&id)?);
    let leaves = house.road.act_leaves(act).await.map_err(|_| Problem::new(Reason::Internal).of(act))?;
    let decision = leaves.iter().find(|leaf| leaf.step == "decision").and_then(|leaf| {
        let fields: Map<String, Value> = serde_json::from_str(&leaf.text).ok()?;
        (fields.get("verb")? == "inquire").then_some(fields)
    });
    let fields = decision.ok_or_else(|| {
        Problem::with(
            Reason::NotFound,
            "This room has no decision over an inquiry of that id, or it was erased.",
        )
        .of(act)
    })?;
    again(house, act, &fields).await.map(Json).map_err(|what| {
        Problem::with(Reason::NotFound, format!("The decision cannot be made again: {what}.")).of(act)
    })
}

async fn again(house: &House, act: ActId, fields: &Map<String, Value>) -> Result<Replayed, &'static str> {
    const FACTS: &str = "a fact is missing in its record";
    let text = |name: &str| fields.get(name).and_then(Value::as_str).ok_or(FACTS);
    let number = |name: &str| fields.get(name).and_then(Value::as_i64).ok_or(FACTS);
    let count = |name: &str| number(name).and_then(|n| u32::try_from(n).map_err(|_| FACTS));
    let party = |name: &str| text(name).and_then(|id| PartyId::parse(id).map_err(|_| FACTS));
    let (list_version, accreditations_version) = (number("list_version")?, number("accreditations_version")?);
    let law = house
        .law_of(accreditations_version, list_version)
        .await
        .ok_or("a document of that day is not in this room's keeping")?;
    let request = InquiryRequest {
        from: party("inquirer")?,
        to: party("provider")?,
        affair: AffairId::parse(text("affair")?).map_err(|_| FACTS)?,
        item: ItemId::parse(text("item")?).map_err(|_| FACTS)?,
        right: Right::parse(text("right")?).ok_or(FACTS)?,
        at: Moment(number("sent_at")?),
        deadline: Moment(number("deadline")?),
        consent_given: fields.get("consent_given").and_then(Value::as_bool).ok_or(FACTS)?,
        // Records of before a person could ask have no such field.
        person_asks: fields.get("person_asks").and_then(Value::as_bool).unwrap_or(false),
        staff: match fields.get("staff_standing") {
            Some(word) => serde_json::from_value(word.clone()).map_err(|_| FACTS)?,
            None => Standing::Active,
        },
    };
    let facts = TranscryptorFacts {
        inquirer: law.accreditation(&request.from),
        provider: law.accreditation(&request.to),
        whitelist: &law.whitelist,
        documents_valid_until: Moment(number("documents_until")?),
        pace: Pace { last_second: count("last_second")?, last_hour: count("last_hour")? },
        defaults: &house.defaults,
    };
    let at = Moment(number("at")?);
    let decided = decide_conversion(&request, &facts, at);
    let recorded = match text("decision")? {
        "permitted" => "permitted",
        _ => text("reason")?,
    };
    let (replayed, basis) = match &decided {
        Ok(permit) => ("permitted", Some(permit.basis().entry.clone())),
        Err(refusal) => (refusal.reason.as_str(), None),
    };
    Ok(Replayed {
        act,
        at,
        recorded: recorded.to_owned(),
        replayed: replayed.to_owned(),
        agrees: recorded == replayed,
        basis,
        list_version,
        accreditations_version,
    })
}
