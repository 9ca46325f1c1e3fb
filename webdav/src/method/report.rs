//! REPORT (RFC 3253 §3.6): finds the report in its table and runs it.

use crate::body::Body;
use crate::condition::Condition;
use crate::dispatch::Exchange;
use crate::error::{Error, Result};
use crate::header::{authorities, depth};
use crate::precondition::Purpose;
use crate::report::{Query, REPORTS};
use http::Response;

pub(crate) fn run(exchange: &Exchange<'_>) -> Result<Response<Body>> {
    let sent = depth(exchange.request.headers)?;
    let body = exchange.xml();
    exchange.door.read(|store| {
        let view = exchange.view(store);
        let resource = exchange.locate(&view)?;
        if let Some(error) = exchange.verdict(&view, Some(&resource), Purpose::Write)?.error() {
            return Err(error);
        }
        let body = body?;
        let report = REPORTS
            .iter()
            .find(|report| report.name == body.name && report.is_offered_on(&resource))
            .ok_or(Error::condition(Condition::SupportedReport))?;
        let depth = sent.unwrap_or_else(|| report.depth_assumed(&resource));
        let authorities = authorities(exchange.request.headers, exchange.site);
        (report.run)(&Query {
            view: &view,
            resource: &resource,
            href: &view.href(&resource),
            body: &body,
            depth,
            preference: exchange.preference,
            authorities: &authorities,
        })
    })
}
