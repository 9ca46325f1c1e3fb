//! The table of methods: which kind of resource allows which. `Allow` and `DAV:supported-method-set` derive from it.

use crate::resource::Kind;

/// The methods a kind of resource allows, as `Allow` lists them. A function of the kind alone, never of rights or state.
pub fn allow(kind: Kind) -> &'static str {
    match kind {
        Kind::Fixed => "OPTIONS, GET, HEAD, PROPFIND, REPORT",
        Kind::PrincipalCollection => "OPTIONS, GET, HEAD, PROPFIND, REPORT",
        Kind::Principal => "OPTIONS, GET, HEAD, PROPFIND, PROPPATCH, REPORT",
        Kind::Home => "OPTIONS, GET, HEAD, PROPFIND, PROPPATCH, REPORT",
        Kind::Calendar => "OPTIONS, GET, HEAD, DELETE, PROPFIND, PROPPATCH, COPY, MOVE, REPORT, ACL",
        Kind::Object => "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, COPY, MOVE, REPORT",
        Kind::PlainCollection => "OPTIONS, GET, HEAD, DELETE, PROPFIND, PROPPATCH, COPY, MOVE, REPORT",
        Kind::PlainFile => "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, COPY, MOVE, REPORT",
    }
}
