//! How this room's refusals and failures become problems. Reasons and their statuses stand in `words::Reason`.

use protocol::inquiry::Inquiry;
use wire::Problem;
use words::Reason;

/// The inquirer's JWS does not hold, or names another sender than the connection.
pub(crate) fn not_the_sender() -> Problem {
    Problem::with(
        Reason::WrongCaller,
        "The message names another sender than the certificate of the connection.",
    )
}

/// The subject's session is not one of the sender's that can still be used.
pub(crate) fn unknown_session(inquiry: &Inquiry) -> Problem {
    Problem::with(
        Reason::UnknownSession,
        "`subject.session` is not a session of the sender that is still open.",
    )
    .of(inquiry.id)
}
