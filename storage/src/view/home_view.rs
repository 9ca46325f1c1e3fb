//! The view of one's own home: each member's name with a validator of all its owner's clients are shown of it.

use super::keys::Scope;
use super::ledger::{Difference, Ledger, Shown};
use crate::error::Result;
use crate::limits::Limits;
use crate::read::{Read, Transaction};
use acl::DatabaseKey;
use serde::{Deserialize, Serialize};

/// A member of a home: only its validator is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member(pub(crate) String);

impl Shown for Member {
    fn validator(&self) -> &str {
        &self.0
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct HomeView {
    ledger: Ledger<Member>,
}

impl HomeView {
    /// As stored, or an empty one.
    pub(crate) fn load(read: &dyn Read, scope: Scope, key: &DatabaseKey) -> Result<Self> {
        Ok(Self { ledger: Ledger::load(read, scope, key)? })
    }
    /// Takes the members as they are now.
    pub(crate) fn advance(&mut self, transaction: &mut Transaction<'_>, members: Vec<(String, Member)>, limits: &Limits) -> Result<()> {
        let out = self.ledger.shown().keys().cloned().collect();
        self.ledger.replace(transaction, out, members, limits)
    }
    /// See [`Ledger::token`].
    pub(crate) fn token(&mut self, transaction: &mut Transaction<'_>, limits: &Limits) -> Result<String> {
        self.ledger.token(transaction, limits)
    }
    /// See [`Ledger::changes`].
    pub(crate) fn changes(
        &mut self,
        transaction: &mut Transaction<'_>,
        token: Option<&str>,
        limit: Option<usize>,
        limits: &Limits,
    ) -> Result<Difference<Member>> {
        self.ledger.changes(transaction, token, limit, limits)
    }
}
