//! Every route of every room against everybody who could call it, as one readable table. A route that is new, gone,
//! or open to somebody else changes `snapshots/authorisation.txt`, and the change is seen in review.
//! `UPDATE_SNAPSHOTS=1` writes the file anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::fmt::Write;
use std::path::Path;

use house::Room;
use rules::Role;
use wire::{Caller, KnownParty, RouteLine, Side, Who};
use words::{Kind, PartyId};

/// The kinds of parties in a country.
const PARTIES: [&str; 8] =
    ["registry", "linkage", "trustee", "oversight", "authority", "portal", "gateway", "research"];

fn rooms() -> Vec<Box<dyn Room>> {
    vec![
        Box::new(registry::RegistryRoom),
        Box::new(linkage::LinkageRoom),
        Box::new(trustee::TrusteeRoom),
        Box::new(oversight::OversightRoom),
        Box::new(authority::AuthorityRoom),
        Box::new(portal::PortalRoom),
        Box::new(research::ResearchRoom),
        Box::new(gateway::GatewayRoom),
    ]
}

fn party(kind: &str) -> Caller {
    Caller::Party(KnownParty { id: PartyId::parse(kind).unwrap(), kind: Kind::parse(kind).unwrap() })
}

fn inner(role: Role) -> Caller {
    Caller::Inner { name: "somebody".into(), role }
}

/// Everybody, with the heading of the column.
fn callers() -> Vec<(&'static str, Caller)> {
    let parties = PARTIES.iter().map(|kind| (*kind, party(kind)));
    let roles = Role::ALL.iter().map(|role| (role.as_str(), inner(*role)));
    parties.chain(roles).chain([("nobody", Caller::Nobody)]).collect()
}

/// Whether a caller can stand before a route at all: on the outer side certificates count, inside keys.
fn can_reach(line: &RouteLine, caller: &Caller) -> bool {
    match caller {
        Caller::Party(_) => line.side == Side::Outer,
        Caller::Inner { .. } => line.side != Side::Outer,
        Caller::Nobody => true,
    }
}

fn table_of(room: &dyn Room) -> Vec<RouteLine> {
    let mut table = room.table();
    table.sort_by(|a, b| (a.side, a.path, a.method.as_str()).cmp(&(b.side, b.path, b.method.as_str())));
    table
}

fn render() -> String {
    let mut text = String::from(
        "Who may call what. Outer side: parties, by certificate. Inner side: keys of the room's own house.\n\
         yes = admitted, . = refused, blank = cannot stand there.\n",
    );
    for room in rooms() {
        let _ = write!(text, "\n{}\n{:58}", room.name(), "");
        for (heading, _) in callers() {
            let _ = write!(text, " {heading}");
        }
        text.push('\n');
        for line in table_of(room.as_ref()) {
            let side = match line.side {
                Side::Outer => "outer",
                Side::Inner | Side::Pages => "inner",
                Side::Public => "public",
            };
            let limit = format!("{} kB", line.limit >> 10);
            let row = format!("{side} {:4} {:30} {limit:>8}", line.method.as_str(), line.path);
            let _ = write!(text, "  {row:56}");
            for (heading, caller) in callers() {
                let mark = match (can_reach(&line, &caller), line.who.admits(&caller)) {
                    (false, _) => "",
                    (true, Ok(())) => "yes",
                    (true, Err(_)) => ".",
                };
                let _ = write!(text, " {mark:^width$}", width = heading.len());
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
    }
    text
}

#[test]
fn the_table_of_routes_and_callers_is_as_it_was_agreed() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/authorisation.txt");
    let now = render();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    let agreed = std::fs::read_to_string(&file).unwrap_or_default();
    for (now, agreed) in now.lines().zip(agreed.lines()) {
        assert_eq!(now, agreed, "UPDATE_SNAPSHOTS=1 writes the table anew; look at every line that changes");
    }
    assert_eq!(now, agreed);
}

#[test]
fn nobody_gets_in_except_to_health_what_is_published_and_by_an_assertion() {
    // Ledgers are published: hashes alone. A person's own records are asked for with the person's assertion, what the own
    // certificates were used for with a signature under them.
    let open_inside = [
        "/health",
        "/openapi.json",
        "/ledger/checkpoint",
        "/ledger/tile/{*path}",
        "/ledger/directory",
        "/attribute-consents",
        "/certificate-uses",
        "/my-information",
        "/my-records",
        "/person-assertions",
        "/person-sign-ins",
    ];
    // Signing in and out, and what oversight publishes for everybody.
    let open_pages = [
        "/pages.css",
        "/sign-in",
        "/sign-in/{ticket}",
        "/sign-out",
        "/country",
        "/passkey",
        "/passkey.js",
        "/passkey/challenges",
        "/passkey/sign-ins",
    ];
    for room in rooms() {
        for line in table_of(room.as_ref()) {
            let open = line.who.admits(&Caller::Nobody).is_ok();
            let agreed = match line.side {
                Side::Outer => false,
                Side::Inner => open_inside.contains(&line.path),
                Side::Pages => open_pages.contains(&line.path),
                // What stands there is signed itself, and nobody is known who asks.
                Side::Public => true,
            };
            assert_eq!(open, agreed, "{} {}", room.name(), line.path);
            assert_eq!(open, line.who == Who::Anyone);
        }
    }
}

#[test]
fn a_certificate_opens_no_inner_route_and_a_key_no_outer_one() {
    for room in rooms() {
        for line in table_of(room.as_ref()).iter().filter(|line| line.who != Who::Anyone) {
            for (heading, caller) in callers().iter().filter(|(_, caller)| !can_reach(line, caller)) {
                assert!(line.who.admits(caller).is_err(), "{} {} {heading}", room.name(), line.path);
            }
        }
    }
}

#[test]
fn a_party_of_a_kind_nobody_named_reads_published_documents_alone() {
    let stranger = party("newcomer");
    for room in rooms() {
        for line in table_of(room.as_ref()).iter().filter(|line| line.side == Side::Outer) {
            if line.who.admits(&stranger).is_ok() {
                // A witness looks at the signature of the ledger, not at who brings it (C2SP tlog-witness).
                let witness = line.path == "/ledger/add-checkpoint";
                // Every party has a certificate, and orders its own alone; those of its operators, too.
                use protocol::directory::{CERTIFICATES, OPERATOR_CERTIFICATES, OPERATOR_REVOCATIONS};
                let own = [CERTIFICATES, OPERATOR_CERTIFICATES, OPERATOR_REVOCATIONS].contains(&line.path);
                assert!(line.method.as_str() == "GET" || witness || own, "{} {}", room.name(), line.path);
            }
        }
    }
}

#[test]
fn no_route_stands_twice_and_every_room_says_how_it_is() {
    for room in rooms() {
        let table = table_of(room.as_ref());
        for pair in table.windows(2) {
            let key = |line: &RouteLine| (line.side, line.path, line.method.clone());
            assert_ne!(key(&pair[0]), key(&pair[1]), "{}", room.name());
        }
        for common in ["/health", "/acts/summary", "/metrics", "/openapi.json"] {
            assert!(table.iter().any(|line| line.path == common), "{} has no {common}", room.name());
        }
    }
}
