//! Sync tokens and differences (RFC 6578) of views: of a calendar's objects, and of one's home's members.

use super::{AuthorizedStore, Calendar, Home, Row};
use crate::error::Result;

/// The difference between a token's state and now.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes<T> {
    /// New or changed, in the order of the shown names.
    pub changed: Vec<T>,
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
        let _ = calendar;
        todo!()
    }
    /// Rows changed since `token` (`None`: all), at most `limit` of changed and removed together.
    pub fn changes(&self, calendar: &Calendar, token: Option<&str>, limit: Option<usize>) -> Result<Changes<Row>> {
        let _ = (calendar, token, limit);
        todo!()
    }
    /// The token of the viewer's own home: moves when a member comes, goes, or changes in the viewer's view.
    pub fn home_sync_token(&self, home: &Home) -> Result<String> {
        let _ = home;
        todo!()
    }
    /// Names of members of the viewer's own home changed since `token`.
    pub fn home_changes(&self, home: &Home, token: Option<&str>, limit: Option<usize>) -> Result<Changes<String>> {
        let _ = (home, token, limit);
        todo!()
    }
}
