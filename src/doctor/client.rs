//! The clients: what each sends when it is set up and when it synchronizes, and what it needs. Read from their sources and
//! from conversations of theirs; versions stand in `agent`.

use webdav::client::Spelling;

/// Where a client looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The address as it was typed.
    Typed,
    /// `/.well-known/caldav` of the host.
    WellKnown,
    /// `/` of the host.
    Root,
    /// `/principals/` of the host.
    Principals,
}

/// What a client does with a redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// Follows, never from https to http.
    Follows,
    /// Takes the `Location` of the well-known address as the root of the server; follows nothing else.
    Reads,
}

/// Where a client sends OPTIONS and wants to read `calendar-access` (RFC 4791 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionsAt {
    /// The principal.
    Principal,
    /// The address where it found the server.
    Found,
    /// The home, its status alone.
    Home,
    /// A calendar.
    Calendar,
    /// Nowhere.
    Nowhere,
}

/// What a client asks a calendar, or what stands above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// REPORT calendar-query for events of the last 90 days and later.
    QueryRecent,
    /// REPORT calendar-query for all events.
    QueryAll,
    /// REPORT sync-collection on the calendar.
    Sync,
    /// REPORT sync-collection on the home.
    SyncHome,
    /// PROPFIND Depth 1 on the calendar.
    List,
    /// PROPFIND Depth 0 on the calendar for what tells changes.
    Poll,
    /// REPORT calendar-multiget.
    Multiget,
    /// GET of an event.
    Get,
    /// HEAD of an event.
    Head,
    /// REPORT expand-property on the principal; refused, a menu stays empty.
    Proxies,
    /// REPORT principal-search-property-set on the collection of principals; refused, a menu stays empty.
    SearchProperties,
}

/// One client.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// For people.
    pub name: &'static str,
    /// For programs.
    pub code: &'static str,
    /// `User-Agent`
    pub agent: &'static str,
    /// How it writes XML.
    pub spelling: Spelling,
    /// `Accept-Encoding` of PROPFIND, REPORT and GET.
    pub encodings: &'static str,
    /// Whether it waits to be asked for a password.
    pub password: Password,
    /// Where it looks for the principal, in this order, until it is found.
    pub doors: &'static [Door],
    /// What it does with redirects.
    pub redirects: Redirects,
    /// What it asks there.
    pub discovery: &'static str,
    /// What it asks the principal.
    pub principal: &'static str,
    /// Where it sends OPTIONS.
    pub options: OptionsAt,
    /// What it asks of the home, Depth 1.
    pub home: &'static str,
    /// What it asks then.
    pub asks: &'static [Ask],
    /// The methods it writes with.
    pub writes: &'static [&'static str],
    /// Whether it speaks HTTP/2 where it is offered.
    pub http2: Http2,
}

/// When a client sends its password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Password {
    /// After a 401 that asks for it.
    WhenAsked,
    /// With every request.
    AtOnce,
}

/// Which version of HTTP a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http2 {
    /// HTTP/2 where it can.
    Spoken,
    /// HTTP/1.1 alone.
    Not,
}

const APPLE: Spelling = Spelling { dav: "A", caldav: "B", calendar_server: "C", apple: "D" };
const UPPER: Spelling = Spelling { dav: "D", caldav: "C", calendar_server: "CS", apple: "A" };
const LOWER: Spelling = Spelling { dav: "d", caldav: "c", calendar_server: "cs", apple: "ca" };
const DEFAULT: Spelling = Spelling { dav: "", caldav: "CAL", calendar_server: "CS", apple: "ICAL" };

const APPLE_PRINCIPAL: &str = "C:calendar-home-set C:calendar-user-address-set D:current-user-principal D:displayname \
    CS:dropbox-home-URL CS:email-address-set CS:notification-URL D:principal-collection-set D:principal-URL D:resource-id \
    C:schedule-inbox-URL C:schedule-outbox-URL D:supported-report-set";
const APPLE_HOME: &str = "D:add-member CS:allowed-sharing-modes A:autoprovisioned A:calendar-color C:calendar-description \
    C:calendar-free-busy-set A:calendar-order C:calendar-timezone D:current-user-privilege-set C:default-alarm-vevent-date \
    C:default-alarm-vevent-datetime D:displayname CS:getctag CS:invite A:language-code A:location-code D:owner \
    CS:pre-publish-url CS:publish-url CS:push-transports CS:pushkey D:quota-available-bytes D:quota-used-bytes A:refreshrate \
    D:resource-id D:resourcetype C:schedule-calendar-transp C:schedule-default-calendar-URL CS:source \
    CS:subscribed-strip-alarms CS:subscribed-strip-attachments CS:subscribed-strip-todos C:supported-calendar-component-set \
    C:supported-calendar-component-sets D:supported-report-set D:sync-token";
const APPLE_ASKS: &[Ask] = &[Ask::SyncHome, Ask::Poll, Ask::QueryRecent, Ask::Sync, Ask::Multiget];
const APPLE_MAC_ASKS: &[Ask] = &[Ask::SearchProperties, Ask::Proxies, Ask::SyncHome, Ask::Poll, Ask::QueryRecent, Ask::Sync, Ask::Multiget];
const APPLE_DOORS: &[Door] = &[Door::WellKnown, Door::Typed, Door::Root, Door::Principals];
const ALL_WRITES: &[&str] = &["PUT", "DELETE", "MOVE", "PROPPATCH", "MKCALENDAR"];
const EVENTS: &[&str] = &["PUT", "DELETE"];

const IOS: Client = Client {
    name: "Apple Calendar, iOS",
    code: "apple-ios",
    agent: "iOS/18.1 (22B83) dataaccessd/1.0",
    spelling: APPLE,
    encodings: "gzip, deflate",
    password: Password::WhenAsked,
    doors: APPLE_DOORS,
    redirects: Redirects::Follows,
    discovery: "D:current-user-principal D:principal-URL D:resourcetype",
    principal: APPLE_PRINCIPAL,
    options: OptionsAt::Principal,
    home: APPLE_HOME,
    asks: APPLE_ASKS,
    writes: ALL_WRITES,
    http2: Http2::Spoken,
};

/// All of them.
pub const CLIENTS: &[Client] = &[
    Client { name: "Apple Calendar, macOS", code: "apple-macos", agent: "macOS/15.1 (24B83) dataaccessd/1.0", asks: APPLE_MAC_ASKS, ..IOS },
    IOS,
    Client {
        name: "DAVx5",
        code: "davx5",
        agent: "DAVx5/4.4.5-ose (dav4jvm; okhttp/4.12.0) Android/14",
        spelling: DEFAULT,
        encodings: "gzip",
        password: Password::WhenAsked,
        doors: &[Door::Typed, Door::WellKnown, Door::Root],
        redirects: Redirects::Follows,
        discovery: "D:resourcetype D:displayname D:current-user-principal D:current-user-privilege-set C:calendar-home-set \
            C:supported-calendar-component-set A:calendar-color C:calendar-description C:calendar-timezone",
        principal: "D:displayname D:group-membership D:resourcetype C:calendar-home-set CS:calendar-proxy-read-for \
            CS:calendar-proxy-write-for C:calendar-user-address-set",
        options: OptionsAt::Principal,
        home: "D:current-user-privilege-set D:displayname D:owner D:resourcetype A:calendar-color C:calendar-description \
            C:calendar-timezone C:calendar-timezone-id C:supported-calendar-component-set CS:source",
        asks: &[Ask::Poll, Ask::QueryRecent, Ask::Sync, Ask::Multiget],
        writes: &["PUT", "DELETE", "MKCALENDAR"],
        http2: Http2::Spoken,
    },
    Client {
        name: "Thunderbird",
        code: "thunderbird",
        agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0",
        spelling: UPPER,
        encodings: "gzip, deflate, br",
        password: Password::WhenAsked,
        doors: &[Door::Typed, Door::WellKnown, Door::Root],
        redirects: Redirects::Follows,
        discovery: "D:resourcetype D:owner D:displayname D:current-user-principal D:current-user-privilege-set A:calendar-color \
            C:calendar-home-set",
        principal: "D:resourcetype C:calendar-home-set C:calendar-user-address-set C:schedule-inbox-URL C:schedule-outbox-URL",
        options: OptionsAt::Home,
        home: "D:resourcetype D:displayname D:current-user-privilege-set A:calendar-color",
        asks: &[Ask::Poll, Ask::Sync, Ask::List, Ask::Multiget, Ask::Head],
        writes: EVENTS,
        http2: Http2::Spoken,
    },
    Client {
        name: "Evolution, GNOME Calendar",
        code: "evolution",
        agent: "Evolution/3.52.3",
        spelling: UPPER,
        encodings: "gzip, deflate",
        password: Password::WhenAsked,
        doors: &[Door::Typed, Door::WellKnown],
        redirects: Redirects::Follows,
        discovery: "D:resourcetype D:current-user-principal D:principal-URL C:calendar-home-set C:calendar-user-address-set",
        principal: "D:resourcetype D:current-user-principal D:principal-URL C:calendar-home-set C:calendar-user-address-set",
        options: OptionsAt::Calendar,
        home: "D:resourcetype CS:source C:supported-calendar-component-set D:displayname D:getetag CS:getctag D:getcontenttype \
            D:getcontentlength D:creationdate D:getlastmodified C:calendar-description A:calendar-color A:calendar-order",
        asks: &[Ask::Poll, Ask::Sync, Ask::QueryAll, Ask::Multiget, Ask::Get],
        writes: &["PUT", "DELETE", "PROPPATCH", "MKCALENDAR", "COPY", "MOVE", "ACL"],
        http2: Http2::Spoken,
    },
    Client {
        name: "GNOME Online Accounts",
        code: "gnome-online-accounts",
        agent: "gnome-online-accounts/3.52.1",
        spelling: LOWER,
        encodings: "gzip, deflate",
        password: Password::AtOnce,
        doors: &[Door::Typed, Door::WellKnown],
        redirects: Redirects::Follows,
        discovery: "D:current-user-principal C:calendar-home-set",
        principal: "C:calendar-home-set",
        options: OptionsAt::Found,
        home: "D:resourcetype D:displayname",
        asks: &[],
        writes: &[],
        http2: Http2::Spoken,
    },
    Client {
        name: "KDE (Kontact, Merkuro)",
        code: "kde",
        agent: "KDE DAV groupware client",
        spelling: LOWER,
        encodings: "gzip, deflate, br, zstd",
        password: Password::WhenAsked,
        doors: &[Door::Typed, Door::WellKnown],
        redirects: Redirects::Follows,
        discovery: "C:calendar-home-set D:current-user-principal D:principal-URL",
        principal: "C:calendar-home-set D:current-user-principal D:principal-URL",
        options: OptionsAt::Nowhere,
        home: "D:displayname D:resourcetype A:calendar-color C:supported-calendar-component-set D:current-user-privilege-set CS:getctag",
        asks: &[Ask::QueryAll, Ask::Multiget, Ask::Get],
        writes: EVENTS,
        http2: Http2::Not,
    },
    Client {
        name: "vdirsyncer, khal",
        code: "vdirsyncer",
        agent: "vdirsyncer/0.21.0",
        spelling: DEFAULT,
        encodings: "gzip, deflate",
        password: Password::AtOnce,
        doors: &[Door::Typed, Door::WellKnown],
        redirects: Redirects::Follows,
        discovery: "D:current-user-principal",
        principal: "C:calendar-home-set",
        options: OptionsAt::Nowhere,
        home: "D:resourcetype",
        asks: &[Ask::List, Ask::QueryAll, Ask::Multiget],
        writes: EVENTS,
        http2: Http2::Not,
    },
    Client {
        name: "pimsync",
        code: "pimsync",
        agent: "pimsync/0.5.0",
        spelling: DEFAULT,
        encodings: "",
        password: Password::AtOnce,
        doors: &[Door::WellKnown, Door::Typed],
        redirects: Redirects::Follows,
        discovery: "D:current-user-principal",
        principal: "C:calendar-home-set",
        options: OptionsAt::Found,
        home: "D:resourcetype D:getetag D:supported-report-set",
        asks: &[Ask::List, Ask::Multiget],
        writes: &["PUT", "DELETE", "PROPPATCH"],
        http2: Http2::Spoken,
    },
    Client {
        name: "tsdav (Cal.com and others)",
        code: "tsdav",
        agent: "tsdav/2.3.4",
        spelling: LOWER,
        encodings: "gzip, deflate",
        password: Password::AtOnce,
        doors: &[Door::WellKnown, Door::Typed],
        redirects: Redirects::Reads,
        discovery: "D:current-user-principal",
        principal: "C:calendar-home-set",
        options: OptionsAt::Nowhere,
        home: "C:calendar-description C:calendar-timezone D:displayname A:calendar-color CS:getctag D:resourcetype \
            C:supported-calendar-component-set D:sync-token",
        asks: &[Ask::QueryAll, Ask::Sync, Ask::Multiget],
        writes: &["PUT", "DELETE", "MKCALENDAR"],
        http2: Http2::Not,
    },
    Client {
        name: "Outlook CalDav Synchronizer",
        code: "outlook",
        agent: "CalDavSynchronizer/4.5",
        spelling: UPPER,
        encodings: "",
        password: Password::AtOnce,
        doors: &[Door::Typed, Door::WellKnown],
        redirects: Redirects::Follows,
        discovery: "D:current-user-principal C:calendar-home-set",
        principal: "C:calendar-home-set CS:calendar-proxy-read-for CS:calendar-proxy-write-for",
        options: OptionsAt::Calendar,
        home: "D:resourcetype D:displayname A:calendar-color C:supported-calendar-component-set D:current-user-privilege-set D:owner",
        asks: &[Ask::QueryRecent, Ask::Multiget, Ask::Get],
        writes: EVENTS,
        http2: Http2::Not,
    },
    Client {
        name: "Home Assistant (python-caldav)",
        code: "home-assistant",
        agent: "Mozilla/5.0",
        spelling: UPPER,
        encodings: "gzip, deflate",
        password: Password::WhenAsked,
        doors: &[Door::Typed],
        redirects: Redirects::Follows,
        discovery: "D:current-user-principal",
        principal: "C:calendar-home-set",
        options: OptionsAt::Nowhere,
        home: "D:resourcetype D:displayname",
        asks: &[Ask::QueryRecent, Ask::Get],
        writes: EVENTS,
        http2: Http2::Not,
    },
];

/// Indexes of the clients that fulfil a condition.
pub fn those(condition: impl Fn(&Client) -> bool) -> Vec<usize> {
    CLIENTS.iter().enumerate().filter(|(_, client)| condition(client)).map(|(index, _)| index).collect()
}

/// All clients.
pub fn everyone() -> Vec<usize> {
    (0..CLIENTS.len()).collect()
}
