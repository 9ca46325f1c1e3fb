//! Every bound of the server in one place. Each stands in the configuration under `[limits]` by the same name.
//!
//! The defaults fit a family and a company of 1,000 people on a small machine.

use serde::{Deserialize, Serialize};

/// All bounds. Times are in seconds, sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Open connections; further ones wait in the listen queue.
    pub connections_max: usize,
    /// Connections that one address (IPv6: /64) may hold open.
    pub connections_per_address_max: usize,
    /// Streams one HTTP/2 connection may have open.
    pub http2_streams_max: u32,
    /// From accepting a connection to knowing its protocol (TLS handshake included).
    pub handshake_seconds: u64,
    /// For a request's head; on HTTP/1.1 also how long an idle connection stays open.
    pub header_seconds: u64,
    /// For a request's body.
    pub body_seconds: u64,
    /// HTTP/2: a ping is sent after this silence, and its answer awaited as long; a connection that asks for nothing for so
    /// long is closed.
    pub idle_seconds: u64,
    /// In which the next 32 KiB of an answer are to be taken; a connection with an answer that is not is cut.
    pub write_seconds: u64,
    /// After SIGTERM: how long accepted requests may take to finish.
    pub shutdown_seconds: u64,
    /// Bytes of a request's head.
    pub header_bytes_max: u32,
    /// Bytes of any body.
    pub body_bytes_max: usize,
    /// Bytes of a body that are read and thrown away after a refusal, so that the connection can go on.
    pub unread_body_bytes_max: usize,
    /// Signed-in requests worked on at a time; further ones wait.
    pub requests_max: usize,
    /// Those of one user.
    pub requests_per_user_max: usize,
    /// How long a signed-in request waits for its turn before 503.
    pub request_wait_seconds: u64,
    /// Requests to links, which need no sign-in, worked on at a time.
    pub link_requests_max: usize,
    /// Those of one address (IPv6: /64), and its answers that are not read yet.
    pub link_requests_per_address_max: usize,
    /// Passwords verified at a time: 19 MiB of memory each, or up to 64 where a hash made elsewhere asks for that. Of two or
    /// more, one is kept for those who signed in before from where they ask.
    pub verifications_max: usize,
    /// Sign-ins that may wait for a verification before 503; as many of those who signed in before from where they ask.
    pub verifications_waiting_max: usize,
    /// Failed sign-ins an address may make in a row before it has to wait.
    pub failed_sign_ins_per_address: u32,
    /// Failed sign-ins a user name may collect in a row before further ones have to wait.
    pub failed_sign_ins_per_user: u32,
    /// Addresses, and as many user names, whose failed sign-ins are counted at a time. All others are counted as one.
    pub failed_sources_max: usize,
    /// The time after which one more failed sign-in is forgiven.
    pub failed_sign_in_seconds: u64,
    /// How long a verified sign-in is remembered.
    pub sign_in_remembered_seconds: u64,
    /// Bytes of a JSON body.
    pub json_bytes_max: usize,
    /// Bytes of an XML body.
    pub xml_bytes_max: usize,
    /// Depth of XML elements.
    pub xml_depth_max: usize,
    /// Number of XML elements.
    pub xml_elements_max: usize,
    /// Hrefs of one multiget.
    pub multiget_hrefs_max: usize,
    /// Responses of one multistatus.
    pub responses_max: usize,
    /// Bytes of one multistatus.
    pub multistatus_bytes_max: usize,
    /// Recurrence instances of one object.
    pub instances_max: usize,
    /// Years a free-busy window or an expansion may span.
    pub window_years_max: i64,
    /// Bytes of what a link shows at a time.
    pub link_bytes_max: usize,
    /// Bytes of one calendar object.
    pub object_bytes_max: usize,
    /// Components of one calendar object.
    pub object_components_max: usize,
    /// Attendees of one component.
    pub attendees_max: usize,
    /// Objects of one calendar, of which each person counts those shown to him.
    pub calendar_objects_max: usize,
    /// Calendars of one user.
    pub calendars_per_user_max: usize,
    /// Bytes of one file in a plain collection.
    pub file_bytes_max: usize,
    /// Files and plain collections of one user.
    pub files_per_user_max: usize,
    /// Bytes that one user's events and files may take up, where nothing else is said for him.
    pub quota_bytes: u64,
    /// Bytes of all properties a viewer keeps on one resource.
    pub property_bytes_max: usize,
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
    /// Calendars that others opened to somebody, told in one answer; all of the last owner's among them are.
    pub available_max: usize,
    /// Earlier versions kept of one object; at times an eighth more.
    pub versions_max: u64,
    /// Days for which an earlier version is kept after it was written over.
    pub version_days: u32,
    /// Days after which what was deleted is gone for good.
    pub trash_days: u32,
    /// Bytes of all earlier versions and deleted things of one owner, or as many as his quota if that is more; beyond that the
    /// oldest go, and never what he wrote for what others do.
    pub kept_bytes: u64,
    /// Views of calendars kept in memory.
    pub views_cached_max: usize,
    /// Rows of all views kept in memory, with the names that are gone and the tokens that were given out.
    pub view_rows_cached_max: usize,
    /// Bytes of memory for what access depends on and what was decided. 0: nothing is kept of it.
    pub facts_bytes_max: usize,
    /// Bytes of memory in which it is kept how events are shown and when they are. 0: nothing is kept.
    pub recall_bytes_max: usize,
    /// Bytes of all answers together that wait in memory to be sent; what is beyond waits in files beside the store.
    pub answers_memory_bytes_max: u64,
    /// Bytes of all answers together that wait in files; beyond that whoever asks is to ask again later.
    pub answers_file_bytes_max: u64,
    /// Files in which answers wait, each of which is open; beyond that likewise.
    pub answers_files_max: u64,
    /// Busy periods one answer is coalesced from.
    pub busy_periods_max: usize,
    /// Segments of a path below a home.
    pub path_segments_max: usize,
    /// Days the journal of a calendar goes back.
    pub journal_days_max: u32,
    /// Rows of the journal of one calendar.
    pub journal_rows_max: u64,
    /// Rows of one kind about one person and day in the journal of one calendar.
    pub journal_rows_per_person_max: usize,
    /// Memory in which the storage engine keeps what was read.
    pub cache_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let storage = storage::Limits::default();
        let webdav = webdav::Limits::default();
        Self {
            connections_max: 1_024,
            connections_per_address_max: 512,
            http2_streams_max: 100,
            handshake_seconds: 10,
            header_seconds: 30,
            body_seconds: 60,
            idle_seconds: 60,
            write_seconds: 60,
            shutdown_seconds: 30,
            header_bytes_max: 64 << 10,
            body_bytes_max: 5 << 20,
            unread_body_bytes_max: 16 << 20,
            requests_max: 64,
            requests_per_user_max: 16,
            request_wait_seconds: 10,
            link_requests_max: 8,
            link_requests_per_address_max: 4,
            verifications_max: 2,
            verifications_waiting_max: 256,
            failed_sign_ins_per_address: 30,
            failed_sign_ins_per_user: 10,
            failed_sources_max: 100_000,
            failed_sign_in_seconds: 10,
            sign_in_remembered_seconds: 300,
            json_bytes_max: 1 << 20,
            xml_bytes_max: webdav.xml_bytes_max,
            xml_depth_max: webdav.xml_depth_max,
            xml_elements_max: webdav.xml_elements_max,
            multiget_hrefs_max: webdav.multiget_hrefs_max,
            responses_max: webdav.responses_max,
            multistatus_bytes_max: webdav.multistatus_bytes_max,
            instances_max: storage.instances_max,
            window_years_max: webdav.window_years_max,
            link_bytes_max: webdav.link_bytes_max,
            object_bytes_max: storage.object_bytes_max,
            object_components_max: storage.components_max,
            attendees_max: storage.attendees_max,
            calendar_objects_max: storage.calendar_objects_max,
            calendars_per_user_max: storage.calendars_per_user_max,
            file_bytes_max: storage.file_bytes_max,
            files_per_user_max: storage.files_per_user_max,
            quota_bytes: storage.quota_bytes,
            property_bytes_max: storage.property_bytes_max,
            sync_states_max: storage.sync_states_max,
            removed_names_max: storage.removed_names_max,
            name_bytes_max: storage.name_bytes_max,
            private_uids_max: storage.private_uids_max,
            links_per_calendar_max: storage.links_per_calendar_max,
            available_max: storage.available_max,
            versions_max: storage.versions_max,
            version_days: storage.version_days,
            trash_days: storage.trash_days,
            kept_bytes: storage.kept_bytes,
            views_cached_max: storage.views_cached_max,
            view_rows_cached_max: storage.view_rows_cached_max,
            facts_bytes_max: storage.facts_bytes_max,
            recall_bytes_max: storage.recall_bytes_max,
            answers_memory_bytes_max: storage.answers_memory_bytes_max,
            answers_file_bytes_max: storage.answers_file_bytes_max,
            answers_files_max: storage.answers_files_max,
            busy_periods_max: storage.busy_periods_max,
            path_segments_max: storage.path_segments_max,
            journal_days_max: storage.journal_days_max,
            journal_rows_max: storage.journal_rows_max,
            journal_rows_per_person_max: storage.journal_rows_per_person_max,
            cache_bytes: storage.cache_bytes,
        }
    }
}

impl Limits {
    /// Those the store keeps to.
    pub fn storage(&self) -> storage::Limits {
        storage::Limits {
            object_bytes_max: self.object_bytes_max,
            calendar_objects_max: self.calendar_objects_max,
            calendars_per_user_max: self.calendars_per_user_max,
            file_bytes_max: self.file_bytes_max,
            files_per_user_max: self.files_per_user_max,
            quota_bytes: self.quota_bytes,
            property_bytes_max: self.property_bytes_max,
            instances_max: self.instances_max,
            attendees_max: self.attendees_max,
            components_max: self.object_components_max,
            sync_states_max: self.sync_states_max,
            removed_names_max: self.removed_names_max,
            name_bytes_max: self.name_bytes_max,
            private_uids_max: self.private_uids_max,
            links_per_calendar_max: self.links_per_calendar_max,
            available_max: self.available_max,
            versions_max: self.versions_max,
            version_days: self.version_days,
            trash_days: self.trash_days,
            kept_bytes: self.kept_bytes,
            views_cached_max: self.views_cached_max,
            view_rows_cached_max: self.view_rows_cached_max,
            facts_bytes_max: self.facts_bytes_max,
            recall_bytes_max: self.recall_bytes_max,
            answers_memory_bytes_max: self.answers_memory_bytes_max,
            answers_file_bytes_max: self.answers_file_bytes_max,
            answers_files_max: self.answers_files_max,
            busy_periods_max: self.busy_periods_max,
            path_segments_max: self.path_segments_max,
            journal_days_max: self.journal_days_max,
            journal_rows_max: self.journal_rows_max,
            journal_rows_per_person_max: self.journal_rows_per_person_max,
            cache_bytes: self.cache_bytes,
            // Said with the store, not with its bounds.
            ..storage::Limits::default()
        }
    }

    /// The first bound with which nobody would be served, and why.
    pub fn impossible(&self) -> Option<(&'static str, &'static str)> {
        let none_at_all = [
            ("connections_max", self.connections_max == 0),
            ("connections_per_address_max", self.connections_per_address_max == 0),
            ("http2_streams_max", self.http2_streams_max == 0),
            ("header_bytes_max", self.header_bytes_max == 0),
            ("requests_max", self.requests_max == 0),
            ("requests_per_user_max", self.requests_per_user_max == 0),
            ("verifications_max", self.verifications_max == 0),
        ];
        let no_time = [
            ("handshake_seconds", self.handshake_seconds == 0),
            ("header_seconds", self.header_seconds == 0),
            ("body_seconds", self.body_seconds == 0),
            ("idle_seconds", self.idle_seconds == 0),
            ("write_seconds", self.write_seconds == 0),
        ];
        let too_many = [("connections_max", self.connections_max > tokio::sync::Semaphore::MAX_PERMITS)];
        let first = |bounds: &[(&'static str, bool)]| bounds.iter().find(|(_, is_so)| *is_so).map(|(name, _)| *name);
        None.or_else(|| Some((first(&none_at_all)?, "0 would serve nobody: it is 1 or more")))
            .or_else(|| Some((first(&no_time)?, "0 would cut everybody at once: it is 1 second or more")))
            .or_else(|| Some((first(&too_many)?, "that is more than can be counted")))
    }

    /// Those the protocol keeps to.
    pub fn webdav(&self) -> webdav::Limits {
        webdav::Limits {
            xml_bytes_max: self.xml_bytes_max,
            xml_depth_max: self.xml_depth_max,
            xml_elements_max: self.xml_elements_max,
            multiget_hrefs_max: self.multiget_hrefs_max,
            responses_max: self.responses_max,
            multistatus_bytes_max: self.multistatus_bytes_max,
            instances_max: self.instances_max,
            window_years_max: self.window_years_max,
            link_bytes_max: self.link_bytes_max,
        }
    }
}
