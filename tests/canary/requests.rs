//! The requests everyone sends everywhere: every property, every report.

use crate::harness::cast::Item;
use crate::harness::client::NAMESPACES;
use std::fmt::Write;

pub(super) fn propfind(inside: &str) -> String {
    format!("<D:propfind {NAMESPACES}>{inside}</D:propfind>")
}

/// Every live property there is, and the dead ones of this test.
pub(super) fn every_property() -> String {
    let mut all = String::from("<O:canary-only-dead xmlns:O=\"urn:canary-only\"/><O:note xmlns:O=\"urn:own\"/><C:calendar-data/>");
    for property in webdav::property::PROPERTIES {
        let _ = write!(all, "<P:{} xmlns:P=\"{}\"/>", property.name.local, property.name.namespace);
    }
    for name in ["vevent-datetime", "vevent-date", "vtodo-datetime", "vtodo-date"] {
        let _ = write!(all, "<C:default-alarm-{name}/>");
    }
    all + "<CS:invite/><CS:source/><CS:publish-url/>"
}

pub(super) fn query(data: &str, filter: &str) -> String {
    format!(
        "<C:calendar-query {NAMESPACES}><D:prop><D:getetag/><D:displayname/><C:calendar-data>{data}</C:calendar-data></D:prop>\
         <C:filter><C:comp-filter name=\"VCALENDAR\">{filter}</C:comp-filter></C:filter></C:calendar-query>"
    )
}

pub(super) fn reports(items: &[Item]) -> Vec<String> {
    let window = "start=\"20261101T000000Z\" end=\"20270301T000000Z\"";
    let prop = |name: &str| format!("<C:prop-filter name=\"{name}\"/>");
    let in_events = |inside: &str| format!("<C:comp-filter name=\"VEVENT\">{inside}</C:comp-filter>");
    let hrefs: String = items.iter().map(|item| format!("<D:href>{}</D:href>", item.path())).collect();
    let report = |name: &str, inside: &str| format!("<{name} {NAMESPACES}>{inside}</{name}>");
    let names = "<C:comp name=\"VCALENDAR\"><C:allprop/><C:comp name=\"VEVENT\"><C:prop name=\"X-ALT-DESC\"/><C:prop name=\"DESCRIPTION\" novalue=\"yes\"/><C:allcomp/></C:comp></C:comp>";
    let principals = "<D:displayname/><D:group-membership/><D:group-member-set/><C:calendar-home-set/><C:calendar-user-address-set/><CS:email-address-set/>";
    let mut all = vec![
        query("", ""),
        query(&format!("<C:expand {window}/>"), &in_events(&format!("<C:time-range {window}/>"))),
        query(&format!("<C:limit-recurrence-set {window}/>"), "<C:comp-filter name=\"VTODO\"/>"),
        query(names, &in_events("")),
        query("", &in_events(&prop("DESCRIPTION"))),
        query("", &in_events(&prop("ATTENDEE"))),
        query("", &in_events("<C:comp-filter name=\"VALARM\"/>")),
        query("", &in_events("<C:prop-filter name=\"SUMMARY\"><C:text-match>title</C:text-match></C:prop-filter>")),
        report("C:calendar-multiget", &format!("<D:prop>{}<C:calendar-data/></D:prop>{hrefs}", every_property())),
        report("C:free-busy-query", &format!("<C:time-range {window}/>")),
        report(
            "D:sync-collection",
            &format!("<D:sync-token/><D:sync-level>1</D:sync-level><D:prop>{}<C:calendar-data/></D:prop>", every_property()),
        ),
        report("D:sync-collection", "<D:sync-token>data:,0</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>"),
        report("D:principal-search-property-set", ""),
        report("D:acl-principal-prop-set", &format!("<D:prop>{principals}</D:prop>")),
        report("D:principal-match", &format!("<D:self/><D:prop>{principals}</D:prop>")),
        report("D:principal-match", &format!("<D:principal-property><D:owner/></D:principal-property><D:prop>{principals}</D:prop>")),
    ];
    for owner in ["owner", "current-user-principal", "principal-collection-set"] {
        all.push(report(
            "D:expand-property",
            &format!(
                "<D:property name=\"{owner}\"><D:property name=\"displayname\"/><D:property name=\"group-membership\"/>\
                 <D:property name=\"calendar-home-set\" namespace=\"urn:ietf:params:xml:ns:caldav\"><D:property name=\"displayname\"/>\
                 <D:property name=\"acl\"/></D:property></D:property>"
            ),
        ));
    }
    for name in ["a", "Name", "example.org"] {
        let search = |property: &str| {
            format!(
                "<D:property-search><D:prop>{property}</D:prop><D:match>{name}</D:match></D:property-search><D:prop>{principals}</D:prop>"
            )
        };
        all.push(report("D:principal-property-search", &search("<D:displayname/>")));
        all.push(report("D:principal-property-search", &search("<C:calendar-user-address-set/>")));
    }
    all
}
