//! Sync tokens and differences (RFC 6578) of views: of a calendar's objects, and of one's home's members.

use super::property::PropertyTarget;
use super::{AuthorizedStore, Calendar, Home, PlainKind, Resource, Rows};
use crate::error::{Error, Result};
use crate::read::encode;
use crate::view::{self, Member, Named};

/// The difference between a token's state and now.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes<T> {
    /// New or changed, in the order of the shown names.
    pub changed: T,
    /// Gone, in order.
    pub removed: Vec<String>,
    /// Names the state the client has after applying this.
    pub token: String,
    /// There is more: ask again with `token`.
    pub truncated: bool,
}

impl AuthorizedStore<'_> {
    /// The token of the present state of the view (getctag is the same): opaque, keyed, a URI beginning with `data:,`.
    pub fn sync_token(&self, calendar: &Calendar) -> Result<String> {
        // A token that was not given out before is written down.
        self.snapshot.not_at_hand()?;
        let limits = self.snapshot.limits();
        view::with_calendar(self.snapshot, calendar.profile(), |view, transaction| view.token(transaction, limits))
    }

    /// Rows changed since `token` (`None`: all), at most `limit` of changed and removed together.
    pub fn changes(&self, calendar: &Calendar, token: Option<&str>, limit: Option<usize>) -> Result<Changes<Rows>> {
        self.snapshot.not_at_hand()?;
        let limits = self.snapshot.limits();
        let difference =
            view::with_calendar(self.snapshot, calendar.profile(), |view, transaction| view.changes(transaction, token, limit, limits))?;
        if !difference.changed.is_empty() || !difference.removed.is_empty() {
            self.note_read(calendar, calendar.seen());
        }
        Ok(Changes {
            changed: difference.changed,
            removed: difference.removed.iter().map(|name| name.to_string()).collect(),
            token: difference.token,
            truncated: difference.truncated,
        })
    }

    /// The token of the viewer's own home: moves when a member comes, goes, or changes in the viewer's view.
    pub fn home_sync_token(&self, home: &Home) -> Result<String> {
        let members = self.home_states(home)?;
        let limits = self.snapshot.limits();
        view::with_home(self.snapshot, self.viewer, members, |view, transaction| view.token(transaction, limits))
    }

    /// Names of members of the viewer's own home changed since `token`.
    pub fn home_changes(&self, home: &Home, token: Option<&str>, limit: Option<usize>) -> Result<Changes<Vec<String>>> {
        let members = self.home_states(home)?;
        let limits = self.snapshot.limits();
        let difference =
            view::with_home(self.snapshot, self.viewer, members, |view, transaction| view.changes(transaction, token, limit, limits))?;
        Ok(Changes {
            changed: difference.changed.iter().map(|member| member.name().to_owned()).collect(),
            removed: difference.removed.iter().map(|name| name.to_string()).collect(),
            token: difference.token,
            truncated: difference.truncated,
        })
    }

    /// Each member of the viewer's own home with a validator of all he is shown of it.
    fn home_states(&self, home: &Home) -> Result<Vec<Member>> {
        if !home.own {
            return Err(Error::NotFound);
        }
        let mut states = Vec::new();
        for member in self.home_members(home)? {
            let properties = encode(&self.properties(&PropertyTarget::Resource(&member))?)?;
            let (name, state) = match &member {
                Resource::Calendar(calendar) => {
                    let privileges = format!("{:?}", calendar.privileges());
                    (calendar.name().to_owned(), format!("{} {privileges}", self.sync_token(calendar)?))
                }
                Resource::Plain(plain) => {
                    let name = plain.path.last().cloned().unwrap_or_default();
                    let content = match &plain.kind {
                        PlainKind::Collection | PlainKind::Subscription => plain.created.to_rfc3339(),
                        PlainKind::File { etag, .. } => etag.clone(),
                    };
                    (name, content)
                }
                Resource::Home(_) | Resource::Object(..) => continue,
            };
            let validator = self.snapshot.key().etag(&[b"home-member", state.as_bytes(), &properties]);
            states.push(Member::new(name, validator));
        }
        Ok(states)
    }
}
