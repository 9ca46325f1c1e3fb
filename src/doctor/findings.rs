//! What was found: each problem once, with the clients it concerns.

use super::problem::{Harm, Kind, Trouble, told};
use std::collections::{BTreeMap, BTreeSet};

/// Sightings told of one problem.
const SEEN_MAX: usize = 4;

/// One problem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// What was seen, each thing once, the first ones.
    pub seen: Vec<String>,
    /// Sightings beyond those.
    pub more: usize,
    /// Clients concerned, by their index in the table.
    pub clients: BTreeMap<usize, Harm>,
    all: BTreeSet<String>,
}

/// Everything that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// By problem.
    pub problems: BTreeMap<Kind, Finding>,
    /// Worth saying, no problem.
    pub remarks: Vec<String>,
}

impl Findings {
    /// Notes a problem for these clients.
    pub fn add(&mut self, trouble: &Trouble, clients: impl IntoIterator<Item = usize>, harm: Harm) {
        let finding = self.problems.entry(trouble.kind).or_default();
        if finding.all.insert(trouble.seen.clone()) {
            if finding.seen.len() < SEEN_MAX {
                finding.seen.push(trouble.seen.clone());
            } else {
                finding.more += 1;
            }
        }
        for client in clients {
            let worst = finding.clients.entry(client).or_insert(harm);
            *worst = harm.max(*worst);
        }
    }

    /// Notes what is worth saying, once.
    pub fn remark(&mut self, words: impl AsRef<str>) {
        let words = told(words.as_ref());
        if !self.remarks.contains(&words) {
            self.remarks.push(words);
        }
    }

    /// The worst for one client, if anything is wrong for it.
    pub fn harm(&self, client: usize) -> Option<Harm> {
        self.problems.values().filter_map(|finding| finding.clients.get(&client)).max().copied()
    }
}
