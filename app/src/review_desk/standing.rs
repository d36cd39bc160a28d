//! What a case is, from what was done to it; and what may be done next. Pure.

use words::Moment;

/// What somebody does to a case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// The customer is this resident (person_id).
    Link(String),
    /// The customer is none of the candidates.
    None,
    /// Not decidable now; the reason says what is missing.
    Note,
    /// The second look agrees.
    Confirm,
    /// The second look does not agree.
    SendBack,
    /// The decision is taken back.
    Undo,
}

impl Act {
    /// The word in files and forms.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Act::Link(_) => "link",
            Act::None => "none",
            Act::Note => "note",
            Act::Confirm => "confirm",
            Act::SendBack => "send_back",
            Act::Undo => "undo",
        }
    }

    /// Reads the word; a link, and only a link, has a person.
    pub(super) fn read(word: &str, person: &str) -> Option<Act> {
        let act = match (word, person) {
            ("link", person) if !person.is_empty() => return Some(Act::Link(person.to_owned())),
            (_, person) if !person.is_empty() => return None,
            ("none", _) => Act::None,
            ("note", _) => Act::Note,
            ("confirm", _) => Act::Confirm,
            ("send_back", _) => Act::SendBack,
            ("undo", _) => Act::Undo,
            _ => return None,
        };
        Some(act)
    }

    pub(super) fn person(&self) -> Option<&str> {
        match self {
            Act::Link(person) => Some(person),
            _ => None,
        }
    }

    const fn decides(&self) -> bool {
        matches!(self, Act::Link(_) | Act::None)
    }

    /// Whoever undoes work or leaves it undone says why.
    const fn needs_reason(&self) -> bool {
        matches!(self, Act::Note | Act::SendBack | Act::Undo)
    }
}

/// Which decisions a second person must confirm.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum SecondLook {
    /// Links, and that a customer is none of the candidates.
    All,
    /// Links.
    Links,
    /// None at all.
    None,
}

impl SecondLook {
    pub(super) const fn needed(self, act: &Act) -> bool {
        match self {
            SecondLook::All => act.decides(),
            SecondLook::Links => matches!(act, Act::Link(_)),
            SecondLook::None => false,
        }
    }
}

/// One line of a case's history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Record {
    pub(super) act: Act,
    pub(super) staff: String,
    pub(super) at: Moment,
    pub(super) why: String,
    /// A decision that waits for somebody else.
    pub(super) second_look: bool,
    /// Made elsewhere and read from a file.
    pub(super) imported: bool,
}

/// Where a case stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub(super) enum State {
    Open,
    Waiting,
    Decided,
    Undone,
}

impl State {
    pub(super) const ALL: [State; 4] = [State::Open, State::Waiting, State::Decided, State::Undone];

    /// The word in addresses.
    pub(super) const fn word(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Waiting => "waiting",
            State::Decided => "decided",
            State::Undone => "undone",
        }
    }

    pub(super) fn read(word: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// A case as its records make it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Standing {
    /// How many records there are.
    pub(super) version: u32,
    pub(super) state: State,
    /// The decision in force: the resident, or `None` for nobody. Only while waiting or decided.
    pub(super) outcome: Option<Record>,
    /// Who confirmed it, where that was needed.
    pub(super) second: Option<Record>,
}

/// Why something cannot be done to a case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// There is no such case.
    UnknownCase,
    /// Somebody was quicker.
    Stale,
    /// A decision stands already.
    AlreadyDecided,
    /// No decision waits for a second look.
    NothingWaits,
    /// Who decided cannot be the second.
    SamePerson,
    /// There is no decision to undo.
    NothingToUndo,
    /// A reason is needed.
    ReasonNeeded,
    /// The reason is too long.
    ReasonTooLong,
    /// That resident is not among the candidates.
    NotACandidate,
    /// The resident is another customer of the same institution: that customer's query_id.
    Tied(String),
}

/// Characters in a reason at most.
pub(super) const LONGEST_REASON: usize = 500;

impl Default for Standing {
    fn default() -> Standing {
        Standing { version: 0, state: State::Open, outcome: None, second: None }
    }
}

impl Standing {
    /// The case after one more record.
    pub(super) fn with(mut self, record: &Record) -> Standing {
        self.version += 1;
        match record.act {
            Act::Link(_) | Act::None => {
                self.state = if record.second_look { State::Waiting } else { State::Decided };
                self.outcome = Some(record.clone());
                self.second = None;
            }
            Act::Confirm => {
                self.state = State::Decided;
                self.second = Some(record.clone());
            }
            Act::SendBack | Act::Undo => {
                self.state = State::Undone;
                self.outcome = None;
                self.second = None;
            }
            Act::Note => {}
        }
        self
    }

    pub(super) fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Standing {
        records.into_iter().fold(Standing::default(), Standing::with)
    }

    /// The resident whom a decision in force ties to the customer, confirmed or not yet.
    pub(super) fn tied(&self) -> Option<&str> {
        self.outcome.as_ref()?.act.person()
    }

    /// Whether `staff` may do this now.
    pub(super) fn allows(&self, act: &Act, staff: &str, why: &str) -> Result<(), Refusal> {
        let in_force = matches!(self.state, State::Waiting | State::Decided);
        match act {
            Act::Link(_) | Act::None | Act::Note if in_force => return Err(Refusal::AlreadyDecided),
            Act::Confirm | Act::SendBack => {
                let Some(decision) = self.outcome.as_ref().filter(|_| self.state == State::Waiting) else {
                    return Err(Refusal::NothingWaits);
                };
                // INVARIANT: the second pair of eyes is never the first. To think better of one's own decision is
                // to undo it.
                if is_same_person(&decision.staff, staff) {
                    return Err(Refusal::SamePerson);
                }
            }
            Act::Undo if !in_force => return Err(Refusal::NothingToUndo),
            Act::Link(_) | Act::None | Act::Note | Act::Undo => {}
        }
        if act.needs_reason() && why.trim().is_empty() {
            return Err(Refusal::ReasonNeeded);
        }
        if why.chars().count() > LONGEST_REASON {
            return Err(Refusal::ReasonTooLong);
        }
        Ok(())
    }
}

/// Names are one person's whatever their capitals and spaces.
pub(super) fn is_same_person(one: &str, other: &str) -> bool {
    let plain = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_act() -> impl Strategy<Value = Act> {
        prop_oneof![
            prop::sample::select(vec!["P1", "P2"]).prop_map(|person| Act::Link(person.into())),
            Just(Act::None),
            Just(Act::Note),
            Just(Act::Confirm),
            Just(Act::SendBack),
            Just(Act::Undo),
        ]
    }

    /// The rules read off the whole history each time, in other words than the fold.
    fn model(history: &[Record]) -> (State, Option<String>) {
        let last_decision = history.iter().rposition(|record| matches!(record.act, Act::Link(_) | Act::None));
        let last_undoing = history.iter().rposition(|record| matches!(record.act, Act::Undo | Act::SendBack));
        let confirmed = history.iter().rposition(|record| record.act == Act::Confirm);
        match (last_decision, last_undoing) {
            (None, _) => (State::Open, None),
            (Some(decision), Some(undoing)) if undoing > decision => (State::Undone, None),
            (Some(decision), _) => {
                let waits = history[decision].second_look && confirmed.is_none_or(|at| at < decision);
                let person = history[decision].act.person().map(str::to_owned);
                (if waits { State::Waiting } else { State::Decided }, person)
            }
        }
    }

    proptest! {
        #[test]
        fn the_fold_is_what_the_history_says(
            tries in prop::collection::vec((any_act(), 0..3_usize, any::<bool>()), 0..30),
            policy in prop::sample::select(vec![SecondLook::All, SecondLook::Links, SecondLook::None]),
        ) {
            let staff = ["sato", "Suzuki", "tanaka"];
            let mut history: Vec<Record> = Vec::new();
            for (act, who, with_reason) in tries {
                let standing = Standing::of(&history);
                let (state, tied) = model(&history);
                prop_assert_eq!(standing.state, state);
                prop_assert_eq!(standing.tied().map(str::to_owned), tied);
                prop_assert_eq!(usize::try_from(standing.version).unwrap(), history.len());
                // Nothing that needed a second look is decided by one person.
                if let (State::Decided, Some(outcome)) = (standing.state, &standing.outcome)
                    && outcome.second_look
                {
                    let second = standing.second.as_ref().expect("somebody confirmed");
                    prop_assert!(!is_same_person(&outcome.staff, &second.staff));
                }
                let why = if with_reason { "because" } else { "" };
                if standing.allows(&act, staff[who], why).is_ok() {
                    let second_look = policy.needed(&act);
                    history.push(Record {
                        act, staff: staff[who].into(), at: Moment(0), why: why.into(), second_look, imported: false,
                    });
                }
            }
        }
    }

    #[test]
    fn the_second_is_never_the_first_however_the_name_is_written() {
        let decided = Record {
            act: Act::Link("P1".into()),
            staff: "Sato Hana".into(),
            at: Moment(0),
            why: String::new(),
            second_look: true,
            imported: false,
        };
        let standing = Standing::of([&decided]);
        for name in ["Sato Hana", " sato  hana", "SATO HANA"] {
            assert_eq!(standing.allows(&Act::Confirm, name, ""), Err(Refusal::SamePerson));
            assert_eq!(standing.allows(&Act::SendBack, name, "x"), Err(Refusal::SamePerson));
        }
        assert_eq!(standing.allows(&Act::Confirm, "Suzuki", ""), Ok(()));
        assert_eq!(standing.allows(&Act::SendBack, "Suzuki", " "), Err(Refusal::ReasonNeeded));
        assert_eq!(standing.allows(&Act::Undo, "Suzuki", &"x".repeat(501)), Err(Refusal::ReasonTooLong));
    }

    #[test]
    fn words_are_read_as_written() {
        for act in [Act::Link("P".into()), Act::None, Act::Note, Act::Confirm, Act::SendBack, Act::Undo] {
            assert_eq!(Act::read(act.word(), act.person().unwrap_or("")), Some(act));
        }
        assert_eq!(Act::read("link", ""), None);
        assert_eq!(Act::read("none", "P1"), None);
        assert_eq!(Act::read("delete", ""), None);
    }
}
