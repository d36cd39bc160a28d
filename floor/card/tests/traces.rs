//! Golden traces: what is said to a card and what it answers, in `traces/`. `{16}` stands for any sixteen bytes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

mod support;

/// Whether an answer is as a line says.
fn fits(mut wanted: &str, mut answer: &str) -> bool {
    while !wanted.is_empty() {
        if let Some(rest) = wanted.strip_prefix('{') {
            let (length, rest) = rest.split_once('}').unwrap();
            let Some((_, after)) = answer.split_at_checked(length.parse::<usize>().unwrap() * 2) else {
                return false;
            };
            (wanted, answer) = (rest, after);
        } else {
            let Some(after) = answer.strip_prefix(&wanted[..2]) else { return false };
            (wanted, answer) = (&wanted[2..], after);
        }
    }
    answer.is_empty()
}

#[test]
fn the_card_answers_as_it_did() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces");
    let mut traces = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mut card = support::card();
        let mut answer = String::new();
        for (number, line) in (1..).zip(std::fs::read_to_string(&path).unwrap().lines()) {
            match line.split_at_checked(2) {
                Some(("> ", command)) => {
                    answer = words::hex(&card.apdu(&support::bytes(command))).to_uppercase()
                }
                Some(("< ", wanted)) => {
                    assert!(
                        fits(wanted, &answer),
                        "{}:{number}: wanted {wanted}, got {answer}",
                        path.display()
                    );
                }
                _ => assert!(line.starts_with('#') || line.is_empty(), "{}:{number}", path.display()),
            }
        }
        traces += 1;
    }
    assert_eq!(traces, 5);
}
