//! The card: what is kept, what is open now, and which command does what.

use crate::apdu::{Command, Outcome, Status, response};
use crate::application::Application;
use crate::certificate::{Anchor, KeyId};
use crate::file::{Body, Credential, File, FileId, Rule};
use crate::image::Image;
use crate::key::PublicKey;
use crate::secure_messaging::Messaging;

/// Where entropy comes from.
pub type Dice = Box<dyn FnMut(&mut [u8]) + Send>;

/// The image could not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the card's image could not be kept")]
pub struct NotKept;

/// Keeps the image. When [`Keep::keep`] has returned, a loss of power finds this image or a later one: the card calls
/// it before it compares a PIN, and before it answers that something was changed.
pub trait Keep: Send {
    /// Keeps `image`.
    ///
    /// # Errors
    /// If that is not certain. The card then compares nothing.
    fn keep(&mut self, image: &Image) -> Result<(), NotKept>;
}

/// What is open since the last selection.
pub(crate) struct Session {
    /// Which application, by its place in the image; the first is the card manager.
    pub(crate) application: usize,
    pub(crate) file: Option<FileId>,
    /// What was presented here.
    pub(crate) presented: Vec<Credential>,
    /// The terminal that authenticated itself.
    pub(crate) terminal: Option<KeyId>,
    /// A terminal whose certificate holds and that has not signed the challenge yet.
    pub(crate) claimed: Option<(KeyId, PublicKey)>,
    /// The first part of a certificate that comes in two.
    pub(crate) half: Option<Vec<u8>>,
    pub(crate) challenge: Option<Vec<u8>>,
    pub(crate) messaging: Messaging,
}

impl Session {
    // INVARIANT: nothing is carried over from one application to another, or from one selection to the next.
    pub(crate) fn at(application: usize) -> Self {
        Self {
            application,
            file: None,
            presented: Vec::new(),
            terminal: None,
            claimed: None,
            half: None,
            challenge: None,
            messaging: Messaging::Plain,
        }
    }
}

/// A card in a reader.
pub struct Card {
    pub(crate) image: Image,
    pub(crate) session: Session,
    pub(crate) dice: Dice,
    keep: Box<dyn Keep>,
}

impl Card {
    /// A card with this image.
    pub fn new(image: Image, dice: Dice, keep: Box<dyn Keep>) -> Self {
        Self { image, session: Session::at(0), dice, keep }
    }

    /// Power on, power off or reset: everything that was presented is forgotten. Counters, PINs, keys stay.
    pub fn reset(&mut self) {
        self.session = Session::at(0);
    }

    /// Answers one command. Never fails: what is wrong is a status word.
    pub fn apdu(&mut self, command: &[u8]) -> Vec<u8> {
        response(Command::parse(command).and_then(|command| self.run(&command)))
    }

    /// What the card holds, for whoever keeps or shows it.
    pub fn image(&self) -> &Image {
        &self.image
    }

    fn run(&mut self, command: &Command<'_>) -> Outcome {
        match (command.class, command.instruction) {
            (0x08, _) => self.secure(command),
            (0x00, 0xA4) => self.select(command),
            (0x00, 0xB0) => self.read_binary(command),
            (0x00, 0xB2) => self.read_record(command),
            (0x00, 0xCA) => self.get_data(command),
            (0x00, 0x20) => self.verify(command),
            (0x00, 0x24) => self.change_pin(command, false),
            (0x80, 0x32) => self.change_pin(command, true),
            (0x00, 0x2C) => self.set_pin_anew(command),
            (0x00, 0x84) => self.get_challenge(command),
            (0x00, 0x88) => self.internal_authenticate(command),
            (0x80, 0xA2) => self.take_certificate(command),
            (0x00, 0x82) => self.external_authenticate(command),
            (0x80, 0x2A) => self.sign(command),
            (0x80, 0xAE) => self.set_session_key(command),
            (0x00, 0xD6) => self.update_binary(command),
            (0x00, 0xDC) => self.update_record(command),
            (0x80, 0x46) => self.generate_key(command),
            (0x80, 0xE0) => self.create_file(command),
            (0x80, 0xE6) => self.install_area(command),
            (0x80, 0xE4) => self.delete_area(command),
            (0x00 | 0x80, _) => Err(Status::INSTRUCTION),
            _ => Err(Status::CLASS),
        }
    }

    pub(crate) fn application(&self) -> Result<&Application, Status> {
        self.image.applications.get(self.session.application).ok_or(Status::FAULT)
    }

    pub(crate) fn application_mut(&mut self) -> Result<&mut Application, Status> {
        self.image.applications.get_mut(self.session.application).ok_or(Status::FAULT)
    }

    /// The anchor that terminals are checked with here: the area's own, or the card's.
    pub(crate) fn anchor_mut(&mut self) -> Result<&mut Anchor, Status> {
        let application = self.image.applications.get_mut(self.session.application).ok_or(Status::FAULT)?;
        Ok(application.area.as_mut().map_or(&mut self.image.anchor, |area| &mut area.anchor))
    }

    /// Which file a command means: `80` the selected one, `80 | id` one by its short id, which then is selected.
    pub(crate) fn pointed(&mut self, p2: u8) -> Result<FileId, Status> {
        let short = FileId::from(p2 & 0x1F);
        match (p2 & 0xE0, short) {
            (0x80, 0) => self.session.file.ok_or(Status::NO_FILE),
            (0x80, short @ 1..=0x1E) => {
                if !self.application()?.files.contains_key(&short) {
                    return Err(Status::NOT_FOUND);
                }
                self.session.file = Some(short);
                Ok(short)
            }
            _ => Err(Status::PARAMETERS),
        }
    }

    pub(crate) fn file(&self, id: FileId) -> Result<&File, Status> {
        self.application()?.files.get(&id).ok_or(Status::NOT_FOUND)
    }

    pub(crate) fn body_mut(&mut self, id: FileId) -> Result<&mut Body, Status> {
        let file = self.application_mut()?.files.get_mut(&id).ok_or(Status::NOT_FOUND)?;
        Ok(&mut file.body)
    }

    /// Which of the rule's credentials were presented; `6982` if none was.
    pub(crate) fn opened_by(&self, rule: &Rule) -> Result<Vec<Credential>, Status> {
        match rule {
            Rule::Free => Ok(Vec::new()),
            Rule::Any(of) => {
                let met: Vec<Credential> =
                    of.iter().filter(|one| self.session.presented.contains(one)).copied().collect();
                if met.is_empty() { Err(Status::SECURITY) } else { Ok(met) }
            }
        }
    }

    /// Keeps the image as it is now.
    pub(crate) fn kept(&mut self) -> Result<(), Status> {
        self.keep.keep(&self.image).map_err(|NotKept| Status::NOT_KEPT)
    }

    /// Changes the image and keeps it; what could not be kept is not changed.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Self) -> Result<(), Status>) -> Outcome {
        let before = self.image.clone();
        match change(self).and_then(|()| self.kept()) {
            Ok(()) => Ok(Vec::new()),
            Err(status) => {
                self.image = before;
                Err(status)
            }
        }
    }
}
