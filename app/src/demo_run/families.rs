//! Families: an affair may concern several people, and each is asked about by an act of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use demo::{Plan, Truth};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use words::ActId;

use super::report::Families;
use crate::picker;

/// Looks into indices under way at once; each is an issue of a code.
const AT_ONCE: usize = 8;

/// A member, the act about them, and those about the others of the family.
struct Member {
    resident: u32,
    own: ActId,
    others: Vec<ActId>,
}

impl Member {
    /// What does not hold in the person's own index.
    fn fault(&self, seen: &BTreeSet<ActId>) -> Option<String> {
        if !seen.contains(&self.own) {
            return Some(format!("act {}: the person's own index has it not", self.own));
        }
        let anothers = self.others.iter().find(|act| seen.contains(act))?;
        Some(format!("act {anothers}: it stands in the index of another of the family"))
    }
}

/// Looks into the index of every member of every family that was asked about: it has the member's act, and none that is
/// about another of them. Gives what it counted, and in words what does not hold.
pub(super) async fn look_into(
    config: PathBuf,
    truth: &Truth,
    plan: &Plan,
    ids: &[ActId],
) -> Result<(Families, Vec<String>)> {
    let families = families(truth, plan, ids)?;
    let mut found = Families { families: families.len(), ..Families::default() };
    let (permits, mut under_way) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for member in families.into_iter().flatten() {
        found.members += 1;
        let (permits, config) = (Arc::clone(&permits), config.clone());
        under_way.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let seen = acts_of(&config, &member).await?;
            anyhow::Ok(member.fault(&seen))
        });
    }
    let mut faults = Vec::new();
    while let Some(looked) = under_way.join_next().await {
        match looked?? {
            None => found.looked_into += 1,
            Some(fault) => faults.push(fault),
        }
    }
    Ok((found, faults))
}

fn families(truth: &Truth, plan: &Plan, ids: &[ActId]) -> Result<Vec<Vec<Member>>> {
    let mut families: BTreeMap<_, Vec<(u32, ActId)>> = BTreeMap::new();
    for inquiry in &plan.inquiries {
        let Some(of) = &inquiry.family_of else { continue };
        let row = truth.row(inquiry.inquirer, &inquiry.number);
        let resident = row.and_then(|row| row.resident).context("a resident for every member of a family")?;
        let act = *ids.get(inquiry.n).context("an id for every inquiry")?;
        families.entry((inquiry.kind.id(), of)).or_default().push((resident, act));
    }
    let members = |family: Vec<(u32, ActId)>| {
        let others = |own| family.iter().map(|(_, act)| *act).filter(|act| *act != own).collect();
        family
            .iter()
            .map(|(resident, own)| Member { resident: *resident, own: *own, others: others(*own) })
            .collect()
    };
    Ok(families.into_values().map(members).collect())
}

/// The acts in a person's index; entries travel by outbox, so it is looked at again until the awaited one is there.
async fn acts_of(config: &std::path::Path, member: &Member) -> Result<BTreeSet<ActId>> {
    let mut seen = BTreeSet::new();
    for _ in 0..20 {
        let (_, records) = picker::my_records(config, &format!("{:07}", member.resident)).await?;
        seen = records.acts.iter().map(|act| act.act).collect();
        if seen.contains(&member.own) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_belongs_into_one_persons_index_alone() {
        let act = |n| ActId::new([n; 16]);
        let member = Member { resident: 7, own: act(1), others: vec![act(2), act(3)] };
        assert_eq!(member.fault(&[act(1), act(9)].into()), None);
        assert!(member.fault(&[act(9)].into()).unwrap().contains("has it not"));
        assert!(member.fault(&[act(1), act(3)].into()).unwrap().contains("another of the family"));
    }
}
