//! The ledger of one view: which names it shows, under which validators and since which of its states, which names went
//! away, and which sync tokens (RFC 6578) were given out.
//!
//! States are numbered by the view's own changes and named by a keyed sum over its rows and by the number of the viewer's own
//! writes, so that a token is a function of what is shown and of what he did, and of nothing else. Must not look at stored
//! objects: it is told what is shown.

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::read::{Read, Transaction, record, records};
use crate::view::keys::Scope;
use acl::DatabaseKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How every token begins: some clients take a token only if it looks like a URI.
const TOKEN_PREFIX: &str = "data:,";

/// What a view keeps of one name.
pub(crate) trait Shown: Clone + PartialEq + Serialize + DeserializeOwned {
    /// The validator: rows with equal ones are the same to the viewer.
    fn validator(&self) -> &str;
}

/// One name that is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry<R> {
    /// The state in which it last changed.
    pub(crate) since: u64,
    /// What is shown.
    pub(crate) row: R,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Head {
    /// Number of the present state; 0 is the empty one before all.
    state: u64,
    /// Sum over the shown rows.
    digest: [u64; 4],
    /// The last state of which a removal is forgotten.
    forgotten: u64,
    /// Tokens given out so far.
    given: u64,
}

/// How far into the history of changes, ordered by (state, name), a client has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    since: u64,
    /// `None`: everything of the state `since`; else up to this name.
    last: Option<String>,
    /// Removals up to this state mean nothing to the client: it began there.
    began: u64,
}

impl Position {
    fn is_before(&self, state: u64, name: &str) -> bool {
        state > self.since || (state == self.since && self.last.as_deref().is_some_and(|last| name > last))
    }
    fn misses(&self, forgotten: u64) -> bool {
        self.since < forgotten.saturating_add(u64::from(self.last.is_some())) && self.began < forgotten
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Given {
    position: Position,
    order: u64,
}

type TokenId = [u8; 16];

/// What changed after a token.
#[derive(Clone, Debug)]
pub(crate) struct Difference<R> {
    pub(crate) changed: Vec<(String, R)>,
    pub(crate) removed: Vec<String>,
    pub(crate) token: String,
    pub(crate) truncated: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Ledger<R> {
    scope: Scope,
    key: DatabaseKey,
    head: Head,
    /// The viewer's own writes that changed what he is shown. Without them a state that somebody else brought back would bear
    /// the token it had, and whoever wrote in between would keep his copy for the present one (RFC 6578 §3.5.2).
    own_writes: u64,
    shown: BTreeMap<String, Entry<R>>,
    gone: BTreeMap<String, u64>,
    gone_by_state: BTreeSet<(u64, String)>,
    given: HashMap<TokenId, Given>,
    given_by_order: BTreeMap<u64, TokenId>,
}

impl<R: Shown> Ledger<R> {
    /// One that shows nothing and gave no tokens.
    pub(crate) fn new(scope: Scope, key: &DatabaseKey) -> Self {
        Self {
            scope,
            key: key.clone(),
            head: Head::default(),
            own_writes: 0,
            shown: BTreeMap::new(),
            gone: BTreeMap::new(),
            gone_by_state: BTreeSet::new(),
            given: HashMap::new(),
            given_by_order: BTreeMap::new(),
        }
    }

    /// As stored; an empty one if nothing is.
    pub(crate) fn load(read: &dyn Read, scope: Scope, key: &DatabaseKey) -> Result<Self> {
        let mut ledger = Self::new(scope, key);
        ledger.head = record(read, &scope.head())?.unwrap_or_default();
        ledger.own_writes = record(read, &scope.own_writes())?.unwrap_or_default();
        for (stored, entry) in records(read, &scope.rows())? {
            ledger.shown.insert(scope.name_of(&stored)?, entry);
        }
        for (stored, state) in records::<u64>(read, &scope.removals())? {
            let name = scope.name_of(&stored)?;
            ledger.gone_by_state.insert((state, name.clone()));
            ledger.gone.insert(name, state);
        }
        for (stored, given) in records::<Given>(read, &scope.tokens())? {
            let id = scope.token_of(&stored)?;
            ledger.given_by_order.insert(given.order, id);
            ledger.given.insert(id, given);
        }
        Ok(ledger)
    }

    /// What is shown, by name.
    pub(crate) fn shown(&self) -> &BTreeMap<String, Entry<R>> {
        &self.shown
    }

    /// Names it holds in memory, shown or gone: what it costs.
    pub(crate) fn len(&self) -> usize {
        self.shown.len().saturating_add(self.gone.len())
    }

    /// Takes rows out and puts rows in, as one step. Only what the viewer can tell apart makes a new state.
    pub(crate) fn replace(
        &mut self,
        transaction: &mut Transaction<'_>,
        out: Vec<String>,
        put: Vec<(String, R)>,
        limits: &Limits,
    ) -> Result<()> {
        let state = self.head.state.saturating_add(1);
        let put: BTreeMap<String, R> = put.into_iter().collect();
        let mut moved = false;
        for name in out.into_iter().filter(|name| !put.contains_key(name)) {
            if let Some(entry) = self.shown.remove(&name) {
                self.subtract(&name, entry.row.validator());
                transaction.delete(self.scope.row(&name));
                self.put_gone(transaction, name, state)?;
                moved = true;
            }
        }
        for (name, row) in put {
            let before = self.shown.get(&name);
            if before.is_some_and(|entry| entry.row == row) {
                continue;
            }
            let alike = before.filter(|entry| entry.row.validator() == row.validator()).map(|entry| entry.since);
            if alike.is_none() {
                if let Some(validator) = before.map(|entry| entry.row.validator().to_owned()) {
                    self.subtract(&name, &validator);
                }
                self.add(&name, row.validator());
                self.take_gone(transaction, &name);
                moved = true;
            }
            let entry = Entry { since: alike.unwrap_or(state), row };
            transaction.put_record(self.scope.row(&name), &entry)?;
            self.shown.insert(name, entry);
        }
        if moved {
            self.head.state = state;
            self.forget_removals(transaction, limits.removed_names_max);
            self.put_head(transaction)?;
        }
        Ok(())
    }

    /// The number of the present state.
    pub(crate) fn state(&self) -> u64 {
        self.head.state
    }

    /// The viewer wrote, when the state was `before`. If that showed him anything new, no token given so far names the state
    /// from here on, whatever it shows.
    pub(crate) fn note_own_write(&mut self, transaction: &mut Transaction<'_>, before: u64) -> Result<()> {
        if self.head.state == before {
            return Ok(());
        }
        self.own_writes = self.own_writes.saturating_add(1);
        transaction.put_record(self.scope.own_writes(), &self.own_writes)
    }

    /// The token of the present state; remembers that it was given out.
    pub(crate) fn token(&mut self, transaction: &mut Transaction<'_>, limits: &Limits) -> Result<String> {
        let position = Position { since: self.head.state, last: None, began: 0 };
        self.give(transaction, self.state_token(), position, limits)
    }

    /// What changed after `token` (`None`: everything), at most `limit` names, the oldest changes first.
    pub(crate) fn changes(
        &mut self,
        transaction: &mut Transaction<'_>,
        token: Option<&str>,
        limit: Option<usize>,
        limits: &Limits,
    ) -> Result<Difference<R>> {
        let position = self.position(token)?;
        let mut found: Vec<(u64, &str)> = self
            .shown
            .iter()
            .map(|(name, entry)| (entry.since, name.as_str()))
            .chain(self.gone.iter().filter(|(_, state)| **state > position.began).map(|(name, state)| (*state, name.as_str())))
            .filter(|(state, name)| position.is_before(*state, name))
            .collect();
        let limit = limit.unwrap_or(usize::MAX).max(1);
        let truncated = found.len() > limit;
        let mut end = None;
        if truncated {
            found.sort_unstable();
            found.truncate(limit);
            end = found.last().map(|(state, name)| Position { since: *state, last: Some((*name).to_owned()), began: position.began });
        }
        let mut names: Vec<String> = found.into_iter().map(|(_, name)| name.to_owned()).collect();
        names.sort_unstable();
        let mut changed = Vec::new();
        let mut removed = Vec::new();
        for name in names {
            match self.shown.get(&name) {
                Some(entry) => changed.push((name, entry.row.clone())),
                None => removed.push(name),
            }
        }
        let token = match end {
            None => self.token(transaction, limits)?,
            Some(end) => self.give(transaction, self.page_token(&end), end, limits)?,
        };
        Ok(Difference { changed, removed, token, truncated })
    }

    fn position(&self, token: Option<&str>) -> Result<Position> {
        let Some(token) = token else {
            return Ok(Position { since: 0, last: None, began: self.head.state });
        };
        let id = token
            .strip_prefix(TOKEN_PREFIX)
            .and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok())
            .and_then(|bytes| TokenId::try_from(bytes).ok())
            .ok_or(Error::InvalidSyncToken)?;
        if !self.given.contains_key(&id) {
            return Err(Error::InvalidSyncToken);
        }
        // A state that came back under the number of another: nothing changed for who knows it.
        if id == self.state_token() {
            return Ok(Position { since: self.head.state, last: None, began: 0 });
        }
        let position = self.given.get(&id).map(|given| given.position.clone()).ok_or(Error::InvalidSyncToken)?;
        if position.misses(self.head.forgotten) { Err(Error::InvalidSyncToken) } else { Ok(position) }
    }

    fn give(&mut self, transaction: &mut Transaction<'_>, id: TokenId, position: Position, limits: &Limits) -> Result<String> {
        let token = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(id));
        match self.given.get(&id) {
            Some(given) if given.position == position => return Ok(token),
            Some(given) => {
                self.given_by_order.remove(&given.order);
            }
            None => {}
        }
        let given = Given { position, order: self.head.given };
        self.head.given = self.head.given.saturating_add(1);
        transaction.put_record(self.scope.token(&id), &given)?;
        self.given_by_order.insert(given.order, id);
        self.given.insert(id, given);
        while self.given_by_order.len() > limits.sync_states_max.max(1) {
            let Some((_, oldest)) = self.given_by_order.pop_first() else { break };
            self.given.remove(&oldest);
            transaction.delete(self.scope.token(&oldest));
        }
        self.put_head(transaction)?;
        Ok(token)
    }

    fn put_head(&self, transaction: &mut Transaction<'_>) -> Result<()> {
        transaction.put_record(self.scope.head(), &self.head)
    }

    fn put_gone(&mut self, transaction: &mut Transaction<'_>, name: String, state: u64) -> Result<()> {
        transaction.put_record(self.scope.removal(&name), &state)?;
        self.gone_by_state.insert((state, name.clone()));
        self.gone.insert(name, state);
        Ok(())
    }

    fn take_gone(&mut self, transaction: &mut Transaction<'_>, name: &str) {
        if let Some(state) = self.gone.remove(name) {
            self.gone_by_state.remove(&(state, name.to_owned()));
            transaction.delete(self.scope.removal(name));
        }
    }

    fn forget_removals(&mut self, transaction: &mut Transaction<'_>, max: usize) {
        while self.gone_by_state.len() > max {
            let Some((state, name)) = self.gone_by_state.pop_first() else { break };
            self.gone.remove(&name);
            self.head.forgotten = self.head.forgotten.max(state);
            transaction.delete(self.scope.removal(&name));
        }
    }

    fn state_token(&self) -> TokenId {
        let digest = self.digest_bytes();
        token_id(self.key.derive("sync-token", &[&self.scope.prefix(), &digest]))
    }

    fn page_token(&self, end: &Position) -> TokenId {
        let last = end.last.as_deref().unwrap_or_default();
        let parts: [&[u8]; 5] =
            [&self.scope.prefix(), &self.digest_bytes(), &end.since.to_be_bytes(), &end.began.to_be_bytes(), last.as_bytes()];
        token_id(self.key.derive("sync-page", &parts))
    }

    fn digest_bytes(&self) -> Vec<u8> {
        let lanes = self.head.digest.iter().copied();
        lanes.chain(std::iter::once(self.own_writes).filter(|writes| *writes > 0)).flat_map(u64::to_be_bytes).collect()
    }

    fn lanes(&self, name: &str, validator: &str) -> [u64; 4] {
        let bytes = self.key.derive("view-row", &[&self.scope.prefix(), name.as_bytes(), validator.as_bytes()]);
        let mut lanes = [0; 4];
        for (lane, chunk) in lanes.iter_mut().zip(bytes.chunks_exact(8)) {
            *lane = chunk.iter().fold(0u64, |value, byte| (value << 8) | u64::from(*byte));
        }
        lanes
    }

    fn add(&mut self, name: &str, validator: &str) {
        let lanes = self.lanes(name, validator);
        for (sum, lane) in self.head.digest.iter_mut().zip(lanes) {
            *sum = sum.wrapping_add(lane);
        }
    }

    fn subtract(&mut self, name: &str, validator: &str) {
        let lanes = self.lanes(name, validator);
        for (sum, lane) in self.head.digest.iter_mut().zip(lanes) {
            *sum = sum.wrapping_sub(lane);
        }
    }
}

fn token_id(derived: [u8; 32]) -> TokenId {
    derived.first_chunk().copied().unwrap_or_default()
}
