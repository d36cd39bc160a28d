//! Decisions held against a slow, obvious model: every rule written once more as a list of plain questions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use proptest::prelude::*;
use rules::*;
use words::*;

fn kind(n: u8) -> Kind {
    Kind::parse(&format!("kind{n}")).unwrap()
}
fn party(n: u8) -> PartyId {
    PartyId::parse(&format!("party{n}")).unwrap()
}
fn affair(n: u8) -> AffairId {
    AffairId::parse(&format!("affair{n}")).unwrap()
}
fn item(n: u8) -> ItemId {
    ItemId::parse(&format!("item{n}")).unwrap()
}

const NOON: i64 = 1_795_000_000_000;

fn row() -> impl Strategy<Value = Row> {
    (0..3u8, 0..3u8, 0..3u8, 0..3u8, any::<bool>(), -3i64..3, proptest::option::of(-3i64..3)).prop_map(
        |(a, i, f, t, needs_consent, from, to)| {
            let day = |offset: i64| Date::from_days(Moment(NOON).date_in_japan().days() + offset);
            Row {
                affair: affair(a),
                affair_name: String::new(),
                affair_name_en: String::new(),
                item_name_en: String::new(),
                item: item(i),
                item_name: String::new(),
                inquirer_kind: kind(f),
                provider_kind: kind(t),
                needs_consent,
                law: "law".into(),
                entry: "entry".into(),
                valid_from: day(from),
                valid_to: to.map(day),
                checked: false,
            }
        },
    )
}

fn accreditation(party_number: u8) -> impl Strategy<Value = Option<Accreditation>> {
    let standing = prop_oneof![6 => Just(Standing::Active), 1 => Just(Standing::Suspended), 1 => Just(Standing::Withdrawn)];
    let until =
        prop_oneof![8 => Just(Some(Moment(NOON + 1))), 1 => Just(Some(Moment(NOON))), 1 => Just(None)];
    let some = (0..3u8, standing, until).prop_map(move |(k, standing, assessed_until)| {
        Some(Accreditation {
            party: party(party_number),
            kind: kind(k),
            standing,
            assessed_until,
            holds_number: true,
            people: Vec::new(),
        })
    });
    prop_oneof![9 => some, 1 => Just(None)]
}

/// The model: a list of (does it apply, reason), the first that applies is the answer.
fn model(
    request: &InquiryRequest,
    facts: &TranscryptorFacts<'_>,
    rows: &[Row],
    now: Moment,
) -> Option<Reason> {
    let d = facts.defaults;
    let standing = |a: Option<&Accreditation>| match a {
        None => Some(Reason::NotAccredited),
        Some(a) if a.standing == Standing::Suspended => Some(Reason::AccreditationSuspended),
        Some(a) if a.standing == Standing::Withdrawn => Some(Reason::NotAccredited),
        Some(a) if a.assessed_until.is_none() || a.assessed_until.unwrap() <= now => {
            Some(Reason::ImpactAssessmentMissing)
        }
        Some(_) => None,
    };
    if request.at.0 > now.0 + d.clock_tolerance_ms {
        return Some(Reason::NotYetValid);
    }
    if request.at.0 + d.clock_tolerance_ms < now.0
        || request.deadline.0 <= now.0
        || request.deadline.0 <= request.at.0
        || request.deadline.0 - request.at.0 > d.longest_deadline_ms
    {
        return Some(Reason::Expired);
    }
    if facts.documents_valid_until.0 <= now.0 {
        return Some(Reason::ListTooOld);
    }
    let today = now.date_in_japan();
    let too_fast = (facts.pace.last_second >= d.rate_per_second || facts.pace.last_hour >= d.rate_per_hour)
        .then_some(Reason::RateExceeded);
    if request.right == Right::Person {
        if !request.person_asks {
            return Some(Reason::Unauthenticated);
        }
        let theirs_to_see = |row: &&Row| {
            row.valid_from <= today
                && (row.valid_to.is_none() || row.valid_to.unwrap() >= today)
                && row.provider_kind == facts.provider.unwrap().kind
                && row.item == request.item
        };
        return standing(facts.provider)
            .or_else(|| rows.iter().find(theirs_to_see).is_none().then_some(Reason::ItemNotCovered))
            .or(too_fast);
    }
    let staff = match request.staff {
        Standing::Active => None,
        Standing::Suspended => Some(Reason::AccreditationSuspended),
        Standing::Withdrawn => Some(Reason::NotAccredited),
    };
    if let Some(reason) = standing(facts.inquirer).or(staff).or_else(|| standing(facts.provider)) {
        return Some(reason);
    }
    let mut pair = false;
    let mut hit = None;
    for row in rows {
        let in_force = row.valid_from <= today && (row.valid_to.is_none() || row.valid_to.unwrap() >= today);
        if in_force
            && row.affair == request.affair
            && row.inquirer_kind == facts.inquirer.unwrap().kind
            && row.provider_kind == facts.provider.unwrap().kind
        {
            pair = true;
            if hit.is_none() && row.item == request.item {
                hit = Some(row);
            }
        }
    }
    if request.right != Right::Law || !pair {
        return Some(Reason::NotOnList);
    }
    let Some(row) = hit else { return Some(Reason::ItemNotCovered) };
    if row.needs_consent && !request.consent_given {
        return Some(Reason::ConsentRequired);
    }
    too_fast
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn conversion_is_decided_as_the_plain_model_does(
        rows in proptest::collection::vec(row(), 0..40),
        inquirer in accreditation(0),
        provider in accreditation(1),
        a in 0..3u8, i in 0..3u8,
        at in prop_oneof![8 => Just(0i64), 1 => Just(-120_000i64), 1 => Just(-120_001i64), 1 => Just(120_000i64), 1 => Just(120_001i64)],
        deadline in prop_oneof![8 => Just(10_000i64), 1 => Just(0i64), 1 => Just(60_001i64)],
        valid in prop_oneof![9 => Just(1i64), 1 => Just(0i64)],
        right in prop_oneof![9 => Just(Right::Law), 2 => Just(Right::Person), 1 => Just(Right::Emergency)],
        consent_given: bool,
        person_asks in prop_oneof![3 => Just(true), 1 => Just(false)],
        staff in prop_oneof![8 => Just(Standing::Active), 1 => Just(Standing::Suspended), 1 => Just(Standing::Withdrawn)],
        second in prop_oneof![9 => Just(199u32), 1 => Just(200u32)],
        hour in prop_oneof![9 => Just(0u32), 1 => Just(50_000u32)],
    ) {
        let defaults = Defaults::house();
        let now = Moment(NOON);
        let request = InquiryRequest {
            from: party(0), to: party(1), affair: affair(a), item: item(i), right,
            at: now.plus_ms(at), deadline: now.plus_ms(at + deadline), consent_given, person_asks, staff,
        };
        let list = Whitelist::new(7, rows.clone());
        let facts = TranscryptorFacts {
            inquirer: inquirer.as_ref(), provider: provider.as_ref(), whitelist: &list,
            documents_valid_until: now.plus_ms(valid), pace: Pace { last_second: second, last_hour: hour }, defaults: &defaults,
        };
        let decided = decide_conversion(&request, &facts, now);
        prop_assert_eq!(decided.as_ref().err().map(|refusal| refusal.reason), model(&request, &facts, &rows, now));
        if let Ok(permit) = decided {
            prop_assert_eq!(permit.basis().version, 7);
        }
    }

    #[test]
    fn an_answer_needs_every_fact(code_known: bool, record_found: bool, shielded: bool, guard_agrees: bool, item_offered: bool, fits: bool) {
        let facts = ProviderFacts { code_known, record_found, shielded, guard_agrees, item_offered, fits };
        let now = Moment(NOON);
        let decided = decide_answer(Right::Law, now, now.plus_ms(10), &facts, &Defaults::house(), now);
        prop_assert_eq!(decided.is_ok(), code_known && record_found && item_offered && guard_agrees && !shielded && fits);
        if let Err((refusal, _)) = decided {
            prop_assert_eq!(refusal.reason, Reason::NotAnswered);
        }
    }
}

#[test]
fn people_count_by_name_once_one_is_accredited_by_name() {
    let staff = |id: &str| words::StaffId::parse(id).unwrap();
    let named = |people: &[(&str, Standing)]| Accreditation {
        party: party(0),
        kind: kind(0),
        standing: Standing::Active,
        assessed_until: None,
        holds_number: true,
        people: people
            .iter()
            .map(|(id, standing)| AccreditedPerson { staff: staff(id), standing: *standing })
            .collect(),
    };
    assert_eq!(named(&[]).standing_of(&staff("anybody")), Standing::Active);
    let two = named(&[("sato", Standing::Active), ("suzuki", Standing::Suspended)]);
    assert_eq!(two.standing_of(&staff("sato")), Standing::Active);
    assert_eq!(two.standing_of(&staff("suzuki")), Standing::Suspended);
    assert_eq!(two.standing_of(&staff("anybody")), Standing::Withdrawn);
}

#[test]
fn each_operation_belongs_to_one_role() {
    use Operation::*;
    for operation in [
        ChangeAccreditation,
        WorkOnCases,
        KeepRegister,
        FindNumber,
        StartIssue,
        PassIndexEntry,
        TakeReport,
        TakeCodes,
        RotateCodes,
        ChangeEpoch,
    ] {
        let allowed: Vec<_> =
            Role::ALL.iter().filter(|role| decide_operation(operation, **role).is_ok()).collect();
        assert_eq!(allowed.len(), 1, "{operation:?}");
    }
}

#[test]
fn issue_is_bounded_and_needs_an_accreditation() {
    let defaults = Defaults::house();
    let now = Moment(NOON);
    let good = Accreditation {
        party: party(0),
        kind: kind(0),
        standing: Standing::Active,
        assessed_until: Some(now.plus_ms(1)),
        holds_number: true,
        people: Vec::new(),
    };
    let decide = |institution: Option<&Accreditation>, for_portal, rows, sent, at: i64| {
        let facts = IssueFacts {
            institution,
            for_portal,
            documents_valid_until: now.plus_ms(1),
            rows_last_hour: sent,
            defaults: &defaults,
        };
        decide_issue(&IssueRequest { at: now.plus_ms(at), rows }, &facts, now)
            .err()
            .map(|refusal| refusal.reason)
    };
    assert_eq!(decide(Some(&good), false, 10, 0, 0), None);
    assert_eq!(decide(None, true, 10, 0, 0), None);
    assert_eq!(decide(None, false, 10, 0, 0), Some(Reason::NotAccredited));
    assert_eq!(decide(Some(&good), false, 0, 0, 0), Some(Reason::TooLarge));
    assert_eq!(decide(Some(&good), false, defaults.batch_rows + 1, 0, 0), Some(Reason::TooLarge));
    assert_eq!(decide(Some(&good), false, 10, defaults.issue_rows_per_hour, 0), Some(Reason::RateExceeded));
    assert_eq!(decide(Some(&good), false, 10, 0, -120_001), Some(Reason::Expired));
    assert_eq!(decide(Some(&good), false, 10, 0, 120_001), Some(Reason::NotYetValid));
}
