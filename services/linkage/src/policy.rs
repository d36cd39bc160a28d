//! What this room demands of a message before it is an act: pure checks.

use protocol::inquiry::Inquiry;
use words::PartyId;

/// Whether the inquiry was sent by the party of the connection, under one of that party's own sessions.
pub(crate) fn is_senders_own(inquiry: &Inquiry, caller: &PartyId) -> bool {
    inquiry.from == *caller && inquiry.subject.session.party() == caller
}

#[cfg(test)]
mod tests {
    #[test]
    fn table_has_no_route_without_a_role() {
        for route in crate::routes::routes() {
            assert_ne!(route.line.who.describe(), "", "{}", route.line.path);
        }
    }
}
