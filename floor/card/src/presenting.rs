//! PINs: presenting, changing, setting anew.

use crate::apdu::{Command, Outcome, Status};
use crate::card::Card;
use crate::file::{Body, Credential, FileId};
use crate::pin::Pin;

impl Card {
    fn pin(&mut self, id: FileId) -> Result<&mut Pin, Status> {
        match self.body_mut(id)? {
            Body::Pin(pin) => Ok(pin),
            _ => Err(Status::STRUCTURE),
        }
    }

    fn forget(&mut self, id: FileId) {
        self.session.presented.retain(|one| *one != Credential::Pin(id));
    }

    /// `VERIFY`. Without data it tells how many tries are left, never that the PIN was presented.
    pub(crate) fn verify(&mut self, command: &Command<'_>) -> Outcome {
        if command.p1 != 0 {
            return Err(Status::PARAMETERS);
        }
        let id = self.pointed(command.p2)?;
        let pin = self.pin(id)?;
        if command.data.is_empty() {
            return Err(Status::tries(pin.left));
        }
        if command.data.len() > 16 {
            return Err(Status::LENGTH);
        }
        if pin.left == 0 {
            return Err(Status::BLOCKED);
        }
        // INVARIANT: the try is counted and kept before anything is compared. Cutting the power here, at the answer,
        // or never, costs the same.
        pin.left -= 1;
        self.forget(id);
        self.kept()?;
        let pin = self.pin(id)?;
        if !pin.is(command.data) {
            return Err(Status::tries(pin.left));
        }
        pin.left = pin.limit;
        self.kept()?;
        self.session.presented.push(Credential::Pin(id));
        Ok(Vec::new())
    }

    /// `CHANGE REFERENCE DATA`, and `80 32` in the older applications: the PIN that was presented gets another value.
    pub(crate) fn change_pin(&mut self, command: &Command<'_>, older: bool) -> Outcome {
        if self.application()?.older_change != older {
            return Err(Status::INSTRUCTION);
        }
        if command.p1 != u8::from(!older) {
            return Err(Status::PARAMETERS);
        }
        let id = self.pointed(command.p2)?;
        if !self.pin(id)?.changeable {
            return Err(Status::CONDITIONS);
        }
        if !self.session.presented.contains(&Credential::Pin(id)) {
            return Err(Status::SECURITY);
        }
        self.change(|card| card.pin(id)?.set(command.data))
    }

    /// `RESET RETRY COUNTER` by whoever may write the PIN: with a new value (P1 = 02), or with the old one (P1 = 03).
    pub(crate) fn set_pin_anew(&mut self, command: &Command<'_>) -> Outcome {
        let id = self.pointed(command.p2)?;
        self.pin(id)?;
        self.opened_by(&self.file(id)?.write)?;
        match (command.p1, command.data) {
            (0x02, new) => self.change(|card| card.pin(id)?.set(new)),
            (0x03, []) => {
                if self.pin(id)?.value.is_empty() {
                    return Err(Status::CONDITIONS);
                }
                self.change(|card| {
                    let pin = card.pin(id)?;
                    pin.left = pin.limit;
                    Ok(())
                })
            }
            _ => Err(Status::PARAMETERS),
        }?;
        self.forget(id);
        Ok(Vec::new())
    }
}
