//! Putting an inquiry together: code encrypted afresh, guard sealed to the provider, a fresh key for the reply.

use std::sync::{Arc, PoisonError};

use house::OwnSession;
use matching::BirthAndSex;
use protocol::inquiry::{Inquiry, Subject, guard_name};
use seal::{GuardContext, SealingKey};
use words::{ActId, AffairId, ItemId, PartyId, Reason, Right, StaffId};

use crate::Gateway;
use crate::store::HeldCodes;

/// What a clerk wants to know.
pub(crate) struct Wanted {
    pub(crate) id: ActId,
    pub(crate) affair: AffairId,
    pub(crate) item: ItemId,
    pub(crate) provider: PartyId,
    pub(crate) staff: StaffId,
    /// The act whose late answer this one picks up.
    pub(crate) follows: Option<ActId>,
}

impl Gateway {
    /// The inquiry as it will be signed, and the key that opens its reply.
    pub(crate) async fn compose(
        &self,
        wanted: &Wanted,
        codes: &HeldCodes,
        person: &BirthAndSex,
    ) -> Result<(Inquiry, SealingKey), Reason> {
        let house = &self.house;
        let session = self.sessions.current(house).await?;
        let code = codes.of(session.epoch).ok_or(Reason::NoCode)?;
        let guard =
            self.guard_context(&wanted.provider, &session)?.seal(&wanted.id, &person.guard(), &house.dice);
        let reply_key = SealingKey::generate(house.reply_suite, &house.dice);
        let at = house.now();
        let inquiry = Inquiry {
            id: wanted.id,
            affair: wanted.affair.clone(),
            item: wanted.item.clone(),
            right: Right::Law,
            from: house.id.clone(),
            department: self.department.clone(),
            staff: wanted.staff.clone(),
            to: wanted.provider.clone(),
            subject: Subject {
                epoch: session.epoch,
                session: session.name.clone(),
                code: code.encrypt(session.secret.public(), &house.dice),
            },
            guard,
            reply_key: reply_key.public(),
            at,
            deadline: at.plus_ms(house.defaults.deadline_ms),
            consent_ref: None,
            follows: wanted.follows,
        };
        Ok((inquiry, reply_key))
    }

    /// The guard context of a provider for this session; one encapsulation serves them all.
    fn guard_context(
        &self,
        provider: &PartyId,
        session: &Arc<OwnSession>,
    ) -> Result<Arc<GuardContext>, Reason> {
        let key = (provider.clone(), session.name.clone());
        let mut guards = self.guards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(context) = guards.get(&key) {
            return Ok(Arc::clone(context));
        }
        let sealing = self.house.party(provider)?.sealing;
        let context = guard_name(&self.house.id, provider, &session.name);
        let made =
            Arc::new(GuardContext::new(&sealing, &context, &self.house.dice).map_err(|_| Reason::Internal)?);
        guards.retain(|(_, known), _| *known == session.name);
        guards.insert(key, Arc::clone(&made));
        Ok(made)
    }
}
