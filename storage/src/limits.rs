//! Bounds of what is stored and of one answer's work.

/// The first moment an object may name (`CALDAV:min-date-time`).
pub const MIN_DATE_TIME: &str = "15000101T000000Z";
/// The last one (`CALDAV:max-date-time`).
pub const MAX_DATE_TIME: &str = "29991231T235959Z";

/// Defaults fit a family and a company of 1,000.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one calendar object (`CALDAV:max-resource-size`).
    pub object_bytes_max: usize,
    /// Objects of one calendar, of which each person counts those shown to him.
    pub calendar_objects_max: usize,
    /// Calendars of one user.
    pub calendars_per_user_max: usize,
    /// Bytes of one file in a plain collection.
    pub file_bytes_max: usize,
    /// Files and collections under one user's plain collections.
    pub files_per_user_max: usize,
    /// Bytes that one user's events and files may take up, where nothing else is said for him.
    pub quota_bytes: u64,
    /// Bytes of all dead properties and overlays of one resource and viewer.
    pub property_bytes_max: usize,
    /// Instances counted or expanded for one object (`CALDAV:max-instances`).
    pub instances_max: usize,
    /// Attendees of one component (`CALDAV:max-attendees-per-instance`).
    pub attendees_max: usize,
    /// Components of one object.
    pub components_max: usize,
    /// States of one view that old sync tokens can name.
    pub sync_states_max: usize,
    /// Removed names one calendar's change log remembers.
    pub removed_names_max: usize,
    /// Bytes of the name of an object, calendar or file.
    pub name_bytes_max: usize,
    /// UIDs of private and confidential objects remembered for one owner, so that a copy without CLASS stays private.
    pub private_uids_max: u64,
    /// Links that one person made to one calendar and its events.
    pub links_per_calendar_max: usize,
    /// Calendars that others opened to somebody, told in one answer; all of the last owner's among them are. Where there are more, it
    /// says after whom to go on.
    pub available_max: usize,
    /// Earlier versions kept of one object; at times an eighth more.
    pub versions_max: u64,
    /// Days for which an earlier version is kept after it was written over.
    pub version_days: u32,
    /// Days after which what was deleted is gone for good.
    pub trash_days: u32,
    /// Bytes of all earlier versions and deleted things of one owner; the oldest go first, and never what she wrote for what
    /// others do. Whoever has a larger quota may have as much kept as that.
    pub kept_bytes: u64,
    /// Views kept in memory.
    pub views_cached_max: usize,
    /// Rows of all views kept in memory, with the names that are gone and the tokens that were given out.
    pub view_rows_cached_max: usize,
    /// Bytes of memory in which it is kept what access depends on, and what was decided. 0: nothing.
    pub facts_bytes_max: usize,
    /// Bytes of memory in which the store keeps how objects are shown and when they are. 0: nothing is kept.
    pub recall_bytes_max: usize,
    /// Bytes of all answers together that wait in memory to be sent; what is beyond waits in files.
    pub answers_memory_bytes_max: u64,
    /// Bytes of all answers together that wait in files; beyond that whoever asks is to ask again later.
    pub answers_file_bytes_max: u64,
    /// Files in which answers wait, each of which is open; beyond that likewise.
    pub answers_files_max: u64,
    /// Busy periods one answer is coalesced from.
    pub busy_periods_max: usize,
    /// Segments of a path below a home.
    pub path_segments_max: usize,
    /// Days a calendar's journal goes back.
    pub journal_days_max: u32,
    /// Rows of one calendar's journal; the oldest go first.
    pub journal_rows_max: u64,
    /// Rows of one kind that one person's doings of one day may have in a calendar's journal; the rest is told together.
    pub journal_rows_per_person_max: usize,
    /// Bytes of memory in which the engine keeps what was read.
    pub cache_bytes: u64,
    /// Bytes that stay free on the disk: with less, writes are refused. 0: the disk is filled to its end.
    pub reserve_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            object_bytes_max: 1 << 20,
            calendar_objects_max: 100_000,
            calendars_per_user_max: 500,
            file_bytes_max: 4 << 20,
            files_per_user_max: 10_000,
            quota_bytes: 1 << 30,
            property_bytes_max: 64 << 10,
            instances_max: 10_000,
            attendees_max: 1_000,
            components_max: 1_000,
            sync_states_max: 1_000,
            removed_names_max: 10_000,
            name_bytes_max: 512,
            private_uids_max: 1_000_000,
            links_per_calendar_max: 200,
            available_max: 500,
            versions_max: 100,
            version_days: 365,
            trash_days: 30,
            kept_bytes: 1 << 30,
            views_cached_max: 1_000,
            view_rows_cached_max: 200_000,
            facts_bytes_max: 32 << 20,
            recall_bytes_max: 20 << 20,
            answers_memory_bytes_max: 4 << 20,
            answers_file_bytes_max: 4 << 30,
            answers_files_max: 256,
            busy_periods_max: 200_000,
            path_segments_max: 32,
            journal_days_max: 90,
            journal_rows_max: 10_000,
            journal_rows_per_person_max: 64,
            cache_bytes: 16 << 20,
            reserve_bytes: 0,
        }
    }
}

/// How much is kept in memory of what is made of the store: answers never depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caches {
    /// Nothing that can be made again.
    Off,
    /// So little that most of it is made again.
    Tiny,
}

impl Caches {
    /// By its name, `off` or `tiny`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "off" => Some(Self::Off),
            "tiny" => Some(Self::Tiny),
            _ => None,
        }
    }
}

impl Limits {
    /// The same with less kept in memory.
    #[must_use]
    pub fn with_caches(self, caches: Caches) -> Self {
        let or_tiny = |tiny: usize| if caches == Caches::Off { 0 } else { tiny };
        Self {
            views_cached_max: self.views_cached_max.min(or_tiny(2)),
            view_rows_cached_max: self.view_rows_cached_max.min(or_tiny(9)),
            facts_bytes_max: self.facts_bytes_max.min(or_tiny(24 << 10)),
            recall_bytes_max: self.recall_bytes_max.min(or_tiny(12 << 10)),
            answers_memory_bytes_max: self.answers_memory_bytes_max.min(or_tiny(100 << 10) as u64),
            ..self
        }
    }
}
