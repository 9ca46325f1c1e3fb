//! The view of one's own home: each member's name with a validator of all its owner's clients are shown of it.

use super::keys::Scope;
use super::ledger::{Difference, Ledger, Shown};
use super::order::Named;
use crate::error::Result;
use crate::limits::Limits;
use crate::read::{Read, Transaction};
use acl::DatabaseKey;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A member of a home: only its validator is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    name: String,
    validator: String,
}

impl Member {
    /// A member with a validator of all that is shown of it.
    pub(crate) fn new(name: String, validator: String) -> Self {
        Self { name, validator }
    }
}

impl Named for Member {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Shown for Member {
    type Stored = String;
    fn validator(&self) -> &str {
        &self.validator
    }
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
    fn to_stored(&self) -> String {
        self.validator.clone()
    }
    fn of_stored(name: &str, validator: String) -> Self {
        Self { name: name.to_owned(), validator }
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
    pub(crate) fn advance(&mut self, transaction: &mut Transaction<'_>, members: Vec<Member>, limits: &Limits) -> Result<()> {
        let out: Vec<_> = self.ledger.shown().iter().cloned().collect();
        let members: BTreeMap<String, Arc<Member>> = members.into_iter().map(|member| (member.name.clone(), Arc::new(member))).collect();
        self.ledger.replace(transaction, &out, members.into_values().collect(), limits)
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
