//! Selecting, reading, writing.

use crate::apdu::{Command, Outcome, Status};
use crate::card::{Card, Session};
use crate::file::{Body, FileId};

impl Card {
    pub(crate) fn select(&mut self, command: &Command<'_>) -> Outcome {
        if !matches!(command.p2, 0x00 | 0x0C) {
            return Err(Status::PARAMETERS);
        }
        match (command.p1, command.data) {
            (0x04, []) => Err(Status::LENGTH),
            (0x04, aid) => {
                // A name that is not there leaves everything as it was: clients try others' names first.
                let found = self.image.applications.iter().position(|application| application.aid == aid);
                self.session = Session::at(found.ok_or(Status::NOT_FOUND)?);
                Ok(Vec::new())
            }
            (0x02, [high, low]) => {
                let id = FileId::from_be_bytes([*high, *low]);
                self.file(id)?;
                self.session.file = Some(id);
                Ok(Vec::new())
            }
            (0x02, _) => Err(Status::LENGTH),
            // As real cards do: refused at the card manager, without effect in an application.
            (0x00, []) if self.session.application == 0 => Err(Status::PARAMETERS),
            (0x00, []) => Ok(Vec::new()),
            (0x00, _) => Err(Status::NOT_FOUND),
            _ => Err(Status::PARAMETERS),
        }
    }

    /// File and offset of `READ BINARY` and `UPDATE BINARY`: P1 with its highest bit names a file by its short id.
    fn place(&mut self, command: &Command<'_>) -> Result<(FileId, usize), Status> {
        if command.p1 & 0x80 == 0 {
            Ok((self.session.file.ok_or(Status::NO_FILE)?, usize::from(command.parameters())))
        } else {
            Ok((self.pointed(command.p1)?, usize::from(command.p2)))
        }
    }

    pub(crate) fn read_binary(&mut self, command: &Command<'_>) -> Outcome {
        let (id, offset) = self.place(command)?;
        let file = self.file(id)?;
        let Body::Transparent(content) = &file.body else { return Err(Status::STRUCTURE) };
        self.opened_by(&file.read)?;
        let wanted = command.wanted.filter(|_| command.data.is_empty()).ok_or(Status::LENGTH)?;
        let rest = content.get(offset..).filter(|rest| !rest.is_empty()).ok_or(Status::OFFSET)?;
        Ok(rest.get(..wanted).unwrap_or(rest).to_vec())
    }

    pub(crate) fn read_record(&mut self, command: &Command<'_>) -> Outcome {
        let id = match command.p2 >> 3 {
            0 => self.session.file.ok_or(Status::NO_FILE)?,
            short => self.pointed(0x80 | short)?,
        };
        let file = self.file(id)?;
        let Body::Records(records) = &file.body else { return Err(Status::STRUCTURE) };
        self.opened_by(&file.read)?;
        let wanted = command.wanted.filter(|_| command.data.is_empty()).ok_or(Status::LENGTH)?;
        let from = usize::from(command.p1).checked_sub(1).ok_or(Status::PARAMETERS)?;
        let rest = records.get(from..).filter(|rest| !rest.is_empty()).ok_or(Status::NO_RECORD)?;
        let mut read = match command.p2 & 7 {
            4 => rest.first().cloned().unwrap_or_default(),
            5 => rest.concat(),
            _ => return Err(Status::PARAMETERS),
        };
        read.truncate(wanted);
        Ok(read)
    }

    pub(crate) fn get_data(&mut self, command: &Command<'_>) -> Outcome {
        if !self.application()?.has_objects {
            return Err(Status::INSTRUCTION);
        }
        let object = self.image.objects.get(&command.parameters()).ok_or(Status::NO_KEY)?;
        // Too large for what is wanted: the client asks again with more.
        let fits = command.data.is_empty() && command.wanted.is_some_and(|wanted| object.len() <= wanted);
        if fits { Ok(object.clone()) } else { Err(Status::LENGTH) }
    }

    /// A write at 0 begins the file anew; any other goes on where it says, at most at the end.
    pub(crate) fn update_binary(&mut self, command: &Command<'_>) -> Outcome {
        let (id, offset) = self.place(command)?;
        let file = self.file(id)?;
        let Body::Transparent(content) = &file.body else { return Err(Status::STRUCTURE) };
        self.opened_by(&file.write)?;
        if command.data.is_empty() || command.wanted.is_some() {
            return Err(Status::LENGTH);
        }
        let mut written = content.get(..offset).ok_or(Status::OFFSET)?.to_vec();
        written.extend_from_slice(command.data);
        if offset != 0 {
            written.extend_from_slice(content.get(written.len()..).unwrap_or_default());
        }
        // Offsets of READ BINARY have 15 bits.
        if written.len() > 0x7FFF {
            return Err(Status::FULL);
        }
        self.change(|card| {
            card.end_requests(&written)?;
            *card.body_mut(id)? = Body::Transparent(written);
            card.has_room()
        })
    }

    /// A certificate that holds a key's public half ends the time in which requests may be signed with it.
    fn end_requests(&mut self, written: &[u8]) -> Result<(), Status> {
        for file in self.application_mut()?.files.values_mut() {
            if let Body::Key { pair: Some(pair), requesting, .. } = &mut file.body
                && written.windows(256).any(|window| window == pair.public().modulus())
            {
                *requesting = false;
            }
        }
        Ok(())
    }

    pub(crate) fn update_record(&mut self, command: &Command<'_>) -> Outcome {
        let id = match command.p2 >> 3 {
            0 => self.session.file.ok_or(Status::NO_FILE)?,
            short => self.pointed(0x80 | short)?,
        };
        let file = self.file(id)?;
        let Body::Records(records) = &file.body else { return Err(Status::STRUCTURE) };
        self.opened_by(&file.write)?;
        if !(1..=255).contains(&command.data.len()) || command.p2 & 7 != 4 {
            return Err(Status::LENGTH);
        }
        let at = usize::from(command.p1).checked_sub(1).ok_or(Status::PARAMETERS)?;
        let mut records = records.clone();
        let next = at == records.len() && at < 254;
        match records.get_mut(at) {
            Some(record) => *record = command.data.to_vec(),
            None if next => records.push(command.data.to_vec()),
            None => return Err(Status::NO_RECORD),
        }
        self.change(|card| {
            *card.body_mut(id)? = Body::Records(records);
            card.has_room()
        })
    }

    /// An area stays within the room it was given.
    pub(crate) fn has_room(&self) -> Result<(), Status> {
        let application = self.application()?;
        let taken: usize = application.files.values().map(|file| file.size()).sum();
        match &application.area {
            Some(area) if taken > area.room => Err(Status::FULL),
            _ => Ok(()),
        }
    }
}
