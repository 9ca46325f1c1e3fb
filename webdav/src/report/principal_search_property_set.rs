//! Being written.

use super::Query;
use crate::condition::Condition;
use crate::dispatch::Body;
use crate::error::{Error, Result};
use http::Response;

pub(super) fn run(_: &Query<'_, '_, '_>) -> Result<Response<Body>> {
    Err(Error::condition(Condition::SupportedReport))
}
