//! PROPFIND (RFC 4918 §9.1) with Depth 0 and 1.

use super::{PREFERENCE_APPLIED, set};
use crate::body::Body;
use crate::condition::Condition;
use crate::dispatch::Exchange;
use crate::error::{Error, Result};
use crate::header::{Depth, Root, depth};
use crate::href::Fixed;
use crate::multistatus::MultiStatus;
use crate::precondition::Purpose;
use crate::property::PropertyRequest;
use crate::resource::{Kind, Resource};
use http::Response;

pub(crate) fn run(exchange: &Exchange<'_>) -> Result<Response<Body>> {
    // Absent means infinity (RFC 4918 §9.1).
    let depth = depth(exchange.request.headers)?.unwrap_or(Depth::Infinity);
    let request = request(exchange);
    exchange.door.read(|store| {
        let view = exchange.view(store);
        let resource = exchange.locate(&view)?;
        if let Some(error) = exchange.verdict(&view, Some(&resource), Purpose::Write)?.error() {
            return Err(error);
        }
        let request = request?;
        let mut multistatus = MultiStatus::new(store.spool(), exchange.limits, exchange.preference.missing());
        let root = if depth == Depth::Zero { Root::Listed } else { Root::read(exchange.request.headers) };
        if root == Root::Listed {
            multistatus.answer(&view, &view.href(&resource), &resource, &request)?;
        }
        let leaf = matches!(resource.kind(), Kind::Object | Kind::PlainFile | Kind::FreeBusy)
            || matches!(resource, Resource::Fixed(Fixed::WellKnown | Fixed::RootPrincipals));
        match depth {
            Depth::Zero => {}
            Depth::One => {
                view.each_member(&resource, |href, member| multistatus.answer(&view, href, member, &request))?;
            }
            Depth::Infinity if leaf => {}
            Depth::Infinity => return Err(Error::condition(Condition::PropfindFiniteDepth)),
        }
        let mut response = multistatus.finish()?;
        if root == Root::LeftOut {
            set(&mut response, PREFERENCE_APPLIED, "depth-noroot");
        }
        Ok(response)
    })
}

fn request(exchange: &Exchange<'_>) -> Result<PropertyRequest> {
    if exchange.request.body.is_empty() {
        return Ok(PropertyRequest::all(Vec::new()));
    }
    let root = exchange.xml()?;
    if !root.name.is_dav("propfind") {
        return Err(Error::BadRequest("the body is no propfind"));
    }
    PropertyRequest::read(&root)?.ok_or(Error::BadRequest("a propfind has prop, allprop or propname"))
}
