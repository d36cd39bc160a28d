//! Rules of the register: pure.

use protocol::register::{Change, ChangeKind};

/// What is wrong with a change of an entry that exists, in words.
pub(crate) fn first_fault(change: &Change, ended: bool) -> Option<&'static str> {
    if ended {
        return Some("The entry has ended; enter the person anew.");
    }
    if change.kind.opens() {
        return Some("This kind of change begins an entry, and the entry exists.");
    }
    let needs_attributes = matches!(change.kind, ChangeKind::Move | ChangeKind::ExOfficioCorrection);
    match (&change.attributes, needs_attributes) {
        (None, true) => Some("A move or a correction needs the attributes after it."),
        (Some(_), false) => Some("This kind of change takes no attributes."),
        _ => None,
    }
}

/// Whether a change gives a new resident code.
pub(crate) const fn changes_code(kind: ChangeKind) -> bool {
    matches!(kind, ChangeKind::CodeChangedOnRequest | ChangeKind::CodeEnteredExOfficio)
}

#[cfg(test)]
mod tests {
    use super::*;
    use words::Date;

    #[test]
    fn changes_fit_the_state_of_the_entry() {
        let change = |kind, attributes: bool| Change {
            entry: "1".into(),
            kind,
            day: Date::new(2026, 4, 1).unwrap(),
            attributes: attributes.then(|| protocol::issue::Attributes {
                name: String::new(),
                kana: None,
                address: String::new(),
                birth: String::new(),
                sex: String::new(),
            }),
            new_number: false,
        };
        assert_eq!(first_fault(&change(ChangeKind::Move, true), false), None);
        assert!(first_fault(&change(ChangeKind::Move, false), false).is_some());
        assert!(first_fault(&change(ChangeKind::Move, true), true).is_some());
        assert!(first_fault(&change(ChangeKind::Birth, true), false).is_some());
        assert_eq!(first_fault(&change(ChangeKind::Death, false), false), None);
        assert!(first_fault(&change(ChangeKind::Death, true), false).is_some());
    }
}
