//! What is signed under each `typ`: for the OpenAPI documents.

use schemars::SchemaGenerator;
use wire::Payload;

use crate::Message;
use crate::directory::DirectoryDocument;
use crate::index::IndexHop;
use crate::inquiry::{Hop, Inquiry, ReplyStatement};
use crate::issue::{IssueHop, Order, Rows};
use crate::oversight::{Accreditations, WhitelistDocument};
use crate::own::{DemoAssertion, DemoLook};
use crate::rotation::{EpochChange, RotationRows};
use crate::session::SessionKey;
use crate::sign_in::{PersonAssertion, PersonLook};

fn of<M: Message + schemars::JsonSchema>() -> Payload {
    (M::TYP.0, SchemaGenerator::subschema_for::<M>)
}

/// Every signed message.
pub fn payloads() -> Vec<Payload> {
    vec![
        of::<Accreditations>(),
        of::<DemoAssertion>(),
        of::<DemoLook>(),
        of::<DirectoryDocument>(),
        of::<EpochChange>(),
        of::<Hop>(),
        of::<IndexHop>(),
        of::<Inquiry>(),
        of::<IssueHop>(),
        of::<Order>(),
        of::<PersonAssertion>(),
        of::<PersonLook>(),
        of::<ReplyStatement>(),
        of::<RotationRows>(),
        of::<Rows>(),
        of::<SessionKey>(),
        of::<WhitelistDocument>(),
    ]
}
