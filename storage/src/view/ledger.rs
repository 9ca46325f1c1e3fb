//! The ledger of one view: which names it shows, under which validators and since which of its states, which names went
//! away, and which sync tokens (RFC 6578) were given out.
//!
//! States are numbered by the view's own changes and named by a keyed sum over its rows and by the number of the viewer's own
//! writes, so that a token is a function of what is shown and of what he did, and of nothing else. Must not look at stored
//! objects: it is told what is shown.

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::read::{Read, Transaction, decode, record, records};
use crate::view::keys::Scope;
use crate::view::order::{Moment, Named, Place, Placed};
use crate::view::rows::{Entry, Rows};
use acl::DatabaseKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, btree_set};
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

/// How every token begins: some clients take a token only if it looks like a URI.
const TOKEN_PREFIX: &str = "data:,";

/// What a view keeps of one name.
pub(crate) trait Shown: Named + Sized {
    /// As it is stored under its name.
    type Stored: Serialize + DeserializeOwned;
    /// The validator: rows of one name with equal ones are the same to the viewer.
    fn validator(&self) -> &str;
    /// Whether nothing differs, what the viewer is not told included.
    fn is_same(&self, other: &Self) -> bool;
    /// For storing it.
    fn to_stored(&self) -> Self::Stored;
    /// From what is stored under a name.
    fn of_stored(name: &str, stored: Self::Stored) -> Self;
}

/// One name as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored<S> {
    since: u64,
    row: S,
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
    /// Where what the client does not know begins.
    fn next(&self) -> Bound<Moment<'_>> {
        match &self.last {
            Some(last) => Bound::Excluded(Moment { state: self.since, name: last }),
            None => Bound::Included(Moment::first_of(self.since.saturating_add(1))),
        }
    }
    /// The same of removals.
    fn next_removal(&self) -> Bound<Moment<'_>> {
        if self.began >= self.since { Bound::Included(Moment::first_of(self.began.saturating_add(1))) } else { self.next() }
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
    /// In the order of their names, as the removed are.
    pub(crate) changed: Rows<R>,
    pub(crate) removed: Vec<Arc<str>>,
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
    shown: Rows<R>,
    /// The same by the state in which each last changed.
    shown_by_state: BTreeSet<Place<R>>,
    gone: BTreeMap<Arc<str>, u64>,
    gone_by_state: BTreeSet<Place<str>>,
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
            shown: Rows::default(),
            shown_by_state: BTreeSet::new(),
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
        let mut places = Vec::new();
        read.scan(&scope.rows(), &mut |key, value| {
            let Stored { since, row } = decode::<Stored<R::Stored>>(value)?;
            let row = Arc::new(R::of_stored(&scope.name_of(key)?, row));
            places.push(Place { state: since, of: row.clone() });
            ledger.shown.insert(Entry { since, row });
            Ok(ControlFlow::Continue(()))
        })?;
        ledger.shown_by_state = places.into_iter().collect();
        for (stored, state) in records::<u64>(read, &scope.removals())? {
            let name: Arc<str> = scope.name_of(&stored)?.into();
            ledger.gone_by_state.insert(Place { state, of: name.clone() });
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
    pub(crate) fn shown(&self) -> &Rows<R> {
        &self.shown
    }

    /// Names it holds in memory, shown or gone, and tokens: what it costs.
    pub(crate) fn len(&self) -> usize {
        self.shown.len().saturating_add(self.gone.len()).saturating_add(self.given.len())
    }

    /// Takes rows out and puts rows in, as one step. Only what the viewer can tell apart makes a new state.
    pub(crate) fn replace(&mut self, transaction: &mut Transaction<'_>, out: &[Arc<R>], put: Vec<Arc<R>>, limits: &Limits) -> Result<()> {
        let state = self.head.state.saturating_add(1);
        let mut moved = false;
        let kept: HashSet<&str> = put.iter().map(|row| row.name()).collect();
        for row in out.iter().filter(|row| !kept.contains(row.name())) {
            if let Some(entry) = self.shown.remove(row.name()) {
                self.shown_by_state.remove::<dyn Placed + '_>(&Moment { state: entry.since, name: entry.row.name() });
                self.subtract(entry.row.name(), entry.row.validator());
                transaction.delete(self.scope.row(entry.row.name()));
                self.put_gone(transaction, entry.row.name(), state)?;
                moved = true;
            }
        }
        for row in put {
            let before = self.shown.entry(row.name()).cloned();
            if before.as_ref().is_some_and(|entry| entry.row.is_same(&row)) {
                continue;
            }
            let alike = before.as_ref().filter(|entry| entry.row.validator() == row.validator()).map(|entry| entry.since);
            if alike.is_none() {
                if let Some(before) = &before {
                    self.subtract(before.row.name(), before.row.validator());
                }
                self.add(row.name(), row.validator());
                self.take_gone(transaction, row.name());
                moved = true;
            }
            let since = alike.unwrap_or(state);
            transaction.put_record(self.scope.row(row.name()), &Stored { since, row: row.to_stored() })?;
            if let Some(before) = before {
                self.shown_by_state.remove::<dyn Placed + '_>(&Moment { state: before.since, name: before.row.name() });
            }
            self.shown_by_state.insert(Place { state: since, of: row.clone() });
            self.shown.insert(Entry { since, row });
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
        let limit = limit.unwrap_or(usize::MAX).max(1);
        let everything = position.since == 0 && position.last.is_none() && position.began >= self.head.state;
        if everything && self.shown.len() <= limit {
            let changed = self.shown.clone();
            return Ok(Difference { changed, removed: Vec::new(), token: self.token(transaction, limits)?, truncated: false });
        }
        let one_more = limit.saturating_add(1);
        let shown = from(&self.shown_by_state, position.next()).take(one_more).map(|row| (row.moment(), Some(&row.of), None));
        let gone = from(&self.gone_by_state, position.next_removal()).take(one_more);
        let mut found: Vec<_> = shown.chain(gone.map(|name| (name.moment(), None, Some(&name.of)))).collect();
        let truncated = found.len() > limit;
        let mut end = None;
        if truncated {
            found.sort_unstable_by_key(|(moment, ..)| *moment);
            found.truncate(limit);
            end = found.last().map(|(moment, ..)| Position {
                since: moment.state,
                last: Some(moment.name.to_owned()),
                began: position.began,
            });
        }
        let entry = |since: u64, row: &Arc<R>| Entry { since, row: row.clone() };
        let mut changed: Vec<_> = found.iter().filter_map(|(moment, row, _)| row.map(|row| entry(moment.state, row))).collect();
        let mut removed: Vec<Arc<str>> = found.iter().filter_map(|(.., name)| name.cloned()).collect();
        changed.sort_unstable_by(|one, other| one.row.name().cmp(other.row.name()));
        removed.sort_unstable();
        let token = match end {
            None => self.token(transaction, limits)?,
            Some(end) => self.give(transaction, self.page_token(&end), end, limits)?,
        };
        Ok(Difference { changed: Rows::of_sorted(&changed), removed, token, truncated })
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

    fn put_gone(&mut self, transaction: &mut Transaction<'_>, name: &str, state: u64) -> Result<()> {
        transaction.put_record(self.scope.removal(name), &state)?;
        let name: Arc<str> = name.into();
        self.gone_by_state.insert(Place { state, of: name.clone() });
        self.gone.insert(name, state);
        Ok(())
    }

    fn take_gone(&mut self, transaction: &mut Transaction<'_>, name: &str) {
        if let Some(state) = self.gone.remove(name) {
            self.gone_by_state.remove::<dyn Placed + '_>(&Moment { state, name });
            transaction.delete(self.scope.removal(name));
        }
    }

    fn forget_removals(&mut self, transaction: &mut Transaction<'_>, max: usize) {
        while self.gone_by_state.len() > max {
            let Some(Place { state, of: name }) = self.gone_by_state.pop_first() else { break };
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

/// What lies from a point on, the nearest first.
fn from<'s, N: Named + ?Sized>(places: &'s BTreeSet<Place<N>>, point: Bound<Moment<'_>>) -> btree_set::Range<'s, Place<N>> {
    let point = point.as_ref().map(|moment| moment as &dyn Placed);
    places.range::<dyn Placed + '_, _>((point, Bound::Unbounded))
}

fn token_id(derived: [u8; 32]) -> TokenId {
    derived.first_chunk().copied().unwrap_or_default()
}
