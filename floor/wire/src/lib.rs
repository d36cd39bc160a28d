//! The HTTP kit of every room: listeners, who is calling, problems, limits, the client to other rooms.
//!
//! Three sides. The *outer* side speaks TLS 1.3 with certificates both ways, between known parties only. The
//! *inner* side is a room's own: its operators, clerks and systems, a certificate or a key each, no anonymous loopback. *Pages* are for
//! people with a browser, who sign in.

mod body;
mod caller;
mod client;
mod inner_keys;
mod listener;
mod openapi;
mod problem;
mod routes;
mod tail;
mod tls;

pub use body::{Json, Text, read_body, read_json};
pub use caller::{Caller, Callers, Insiders, KnownParty, PeerCertificate};
pub use client::{CallError, InnerClient, Peers, get_plain, post_plain};
pub use inner_keys::{InnerKey, InnerKeys};
pub use listener::{Bound, serve_inner, serve_outer, serve_pages, serve_plain};
pub use openapi::{Payload, openapi};
pub use problem::{Problem, ProblemBody, Recorded};
pub use routes::{
    About, Content, Header, Notes, Rejection, Route, RouteLine, SchemaOf, Side, Who, public_router, router,
};
pub use tail::{HEAD_AND_TAIL, Onward, Tail, joined, response_of_joined, response_with_tail, split_head};
pub use tls::{PagesTls, TlsError, TlsIdentity};
