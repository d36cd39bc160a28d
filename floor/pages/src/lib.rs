//! Pages for people: one kit for every room that shows any.
//!
//! Japanese and English, plain CSS, no script. A page is a route of the room's table like any other ([`wire::Side::Pages`]):
//! the same roles, the same refusals in the room's records. What this crate adds is around it: who is signed in
//! ([`Doors`]), that a request comes from the room's own pages ([`guard`](mod@guard)), the frame, and problems as pages.

pub mod guard;

mod content;
mod doors;
mod form;
mod language;
mod moments;
mod problem;
mod sequence;
mod visit;

pub use content::content_in_words;
pub use doors::{Doors, Entered, Visitor};
pub use form::{Form, Upload};
pub use guard::{Site, wrap};
pub use language::Language;
pub use moments::{clock, in_japan, written};
pub use problem::{mends, page as problem_page, sign_in_page};
pub use sequence::{Sequence, escaped};
pub use visit::{Frame, Nav, Visit, shown};

/// The style sheet of every page; served under [`STYLE_PATH`].
pub const STYLE: &str = include_str!("pages.css");
/// Where the style sheet is.
pub const STYLE_PATH: &str = "/pages.css";
/// Where tickets let in and keys are taken.
pub const SIGN_IN: &str = "/sign-in";
/// Where a session ends.
pub const SIGN_OUT: &str = "/sign-out";
