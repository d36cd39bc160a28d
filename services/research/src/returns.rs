//! The job that watches whether sets come back: recipients are reminded, and a set that is not back by its day is an alarm.

use std::sync::Arc;
use std::time::Duration;

use house::House;
use protocol::audit::FindingKind;
use protocol::oversight::{ALARMS, Alarm};
use protocol::research::SetLine;
use road::{Failure, Parcel, Protected, Record};
use rules::{Operation, Role};
use wire::Problem;

use crate::deed::{Deed, Insider, hash_of, replied};
use crate::domains::today;
use crate::error::own_database;
use crate::{Research, store};

/// How often the job looks.
const LOOK: Duration = Duration::from_secs(60);
/// Days before the day of the second reminder.
const SOON_DAYS: i64 = 3;

/// How far recipients are to be reminded: 0 not yet, 1 two weeks before, 2 three days before, 3 overdue.
fn stage(days_left: i64) -> i64 {
    match days_left {
        ..0 => 3,
        0..=SOON_DAYS => 2,
        _ if days_left <= SetLine::REMIND_DAYS => 1,
        _ => 0,
    }
}

impl Research {
    /// Watches until the room stops.
    pub(crate) fn watch_returns(self: &Arc<Self>) {
        let research = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                if let Err(problem) = research.remind_all().await {
                    tracing::error!(reason = %problem.reason, "recipients could not be reminded; the job tries again in a minute");
                }
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    () = research.house.world.shutdown.wait() => return,
                }
            }
        });
    }

    /// Reminds recipients of every set whose time has come, each stage once.
    async fn remind_all(self: &Arc<Self>) -> Result<(), Problem> {
        let today = today(self.house.now());
        let sets =
            store::sets(self.house.road.db(), None, today).await.map_err(|error| own_database(&error))?;
        for stored in sets {
            let Some(days_left) = stored.line.days_left else { continue };
            let stage = stage(days_left);
            if stage <= stored.reminded {
                continue;
            }
            let turn = self.turn().await;
            let room = Insider { name: "returns".into(), role: Role::Operator };
            let deed = Remind { house: Arc::clone(&self.house), set: stored.line, stage, days_left };
            self.take(&room, self.fresh(), hash_of(&stage), turn, deed).await?;
        }
        Ok(())
    }
}

struct Remind {
    house: Arc<House>,
    set: SetLine,
    stage: i64,
    days_left: i64,
}

impl Deed for Remind {
    const NAME: &'static str = "remind";
    const OPERATION: Operation = Operation::WatchSets;

    fn record(&self, record: &mut Record) {
        record.set("set", self.set.id).set("return_by", self.set.ask.return_by);
        record.set("days_left", self.days_left).set("overdue", self.days_left < 0);
    }

    fn parcels(&self) -> Vec<Parcel> {
        if self.days_left >= 0 {
            return Vec::new();
        }
        let Ok(oversight) = self.house.only("oversight") else { return Vec::new() };
        let alarm = Alarm { kind: FindingKind::SetOverdue, act: self.set.id, at: self.house.now() };
        let body = serde_json::to_vec(&alarm).unwrap_or_default();
        vec![Parcel { destination: oversight.id, path: ALARMS, body, held: false }]
    }

    async fn act(&self) -> Result<Protected, Failure> {
        // Without the third-party body in the directory an alarm has nowhere to go: it is tried again.
        if self.days_left < 0 {
            self.house.only("oversight").map_err(Failure::new)?;
        }
        let (id, stage) = (self.set.id, self.stage);
        let writes: road::RoomWrite = Box::new(move |write| store::put_reminded(write, &id, stage));
        replied(&stage, Record::new(), Some(writes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reminders_come_two_weeks_and_three_days_before_and_the_alarm_after() {
        let stages: Vec<i64> = [15, 14, 4, 3, 0, -1].into_iter().map(stage).collect();
        assert_eq!(stages, [0, 1, 1, 2, 2, 3]);
    }
}
