//! The residents in memory, indexed for matching; the database remains the register.

use std::collections::HashMap;

use house::{House, StartError};
use matching::{Answer, Attributes, Register};

use crate::store;

/// A person's anchor.
pub(crate) type Anchor = [u8; 32];

/// All residents whose entry has not ended, indexed.
pub(crate) struct People {
    register: Register,
    anchors: Vec<Anchor>,
    places: HashMap<Anchor, u64>,
}

pub(crate) fn for_matching(attributes: &protocol::issue::Attributes) -> Attributes {
    Attributes {
        name: attributes.name.clone(),
        kana: attributes.kana.clone(),
        address: attributes.address.clone(),
        birth: attributes.birth.clone(),
        sex: attributes.sex.clone(),
    }
}

impl People {
    /// Reads the register.
    pub(crate) async fn load(house: &House) -> Result<Self, StartError> {
        let rows = store::living(house.road.db()).await?;
        let mut people = Self { register: Register::default(), anchors: Vec::new(), places: HashMap::new() };
        for (anchor, sealed) in rows {
            if let Some(attributes) = store::open_attributes(&house.storage, &anchor, &sealed) {
                people.put(anchor, &attributes);
            }
        }
        Ok(people)
    }

    /// Adds a resident, or replaces the attributes.
    pub(crate) fn put(&mut self, anchor: Anchor, attributes: &protocol::issue::Attributes) {
        let next = u64::try_from(self.anchors.len()).unwrap_or(u64::MAX);
        let place = *self.places.entry(anchor).or_insert(next);
        if place == next {
            self.anchors.push(anchor);
        }
        self.register.insert(place, &for_matching(attributes));
    }

    /// Takes a resident out: an ended entry matches nobody.
    pub(crate) fn remove(&mut self, anchor: &Anchor) {
        if let Some(place) = self.places.get(anchor) {
            self.register.remove(*place);
        }
    }

    /// Matches customers together: linked residents by anchor, doubtful ones, and those in no register.
    pub(crate) fn find_all(&self, customers: &[Attributes]) -> Vec<Found> {
        let answer = |answer| match answer {
            Answer::Link { resident, .. } => usize::try_from(resident)
                .ok()
                .and_then(|place| self.anchors.get(place))
                .map_or(Found::Review, |anchor| Found::Linked(*anchor)),
            Answer::Review { .. } => Found::Review,
            Answer::None => Found::None,
        };
        self.register.find_all(customers).into_iter().map(answer).collect()
    }
}

/// What matching said of one customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// This resident, beyond doubt.
    Linked(Anchor),
    /// A person must look.
    Review,
    /// Nobody.
    None,
}
