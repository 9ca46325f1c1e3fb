//! What the viewer knows: what he was answered, and what he may guess of that which is kept from him.

use crate::harness::Answer;
use crate::harness::client::unescape;
use crate::harness::dice::Dice;

/// See the module. All lists are in the order of learning, without repetitions.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    pub hrefs: Vec<String>,
    pub objects: Vec<String>,
    /// Paths of the calendar all is about: those he was shown, and those he may know from elsewhere.
    pub calendars: Vec<String>,
    pub etags: Vec<String>,
    pub tokens: Vec<String>,
    /// Addresses of links: one that was given him, perhaps, and some that were not.
    pub links: Vec<String>,
    /// Path and what GET or a report served of it.
    pub bodies: Vec<(String, String)>,
    uids: Vec<String>,
    pub guessed_paths: Vec<String>,
    pub names: Vec<String>,
    pub guessed_uids: Vec<String>,
    pub words: Vec<String>,
    pub people: Vec<String>,
    /// He may change the organisation's policy and open calendars with a reason, and does neither himself.
    pub administers: bool,
}

/// The calendars a mount's name can be learnt of stand here.
const HOME: &str = "/dav/calendars/bob/";

fn learn<T: PartialEq>(list: &mut Vec<T>, item: T, most: usize) {
    if !list.contains(&item) {
        if list.len() >= most {
            list.remove(0);
        }
        list.push(item);
    }
}

impl Knowledge {
    /// Learns from an answer.
    pub fn hear(&mut self, path: &str, answer: &Answer) {
        if let Some(etag) = answer.header("etag") {
            learn(&mut self.etags, etag.to_owned(), 60);
        }
        if let Some(location) = answer.header("location") {
            self.hear_href(location);
        }
        if answer.header("content-type").is_some_and(|value| value.starts_with("text/calendar")) && answer.status == 200 {
            self.hear_body(path, answer.body.clone());
        }
        if answer.header("content-type") == Some("application/json") {
            answer.body.split('"').filter(|text| text.starts_with("/dav/")).for_each(|href| self.hear_href(href));
        }
        if !answer.body.starts_with("<?xml") {
            return;
        }
        let mut href = String::new();
        for piece in answer.body.split('<').skip(1) {
            let (tag, text) = piece.split_once('>').unwrap_or((piece, ""));
            match tag.rsplit(':').next().unwrap_or_default() {
                "href" if !text.is_empty() && !tag.starts_with('/') => {
                    href = unescape(text);
                    self.hear_href(&href);
                }
                "getetag" if !text.is_empty() && !tag.starts_with('/') => learn(&mut self.etags, unescape(text), 60),
                "sync-token" | "getctag" if text.starts_with("data:,") => learn(&mut self.tokens, text.to_owned(), 12),
                "calendar-data" if text.contains("BEGIN:") => self.hear_body(&href, unescape(text)),
                _ => {}
            }
        }
    }

    fn hear_href(&mut self, href: &str) {
        if !href.starts_with('/') {
            return;
        }
        learn(&mut self.hrefs, href.to_owned(), 80);
        let is_mount = |name: &str| name.len() == 27 && name.ends_with('/');
        if href.strip_prefix(HOME).is_some_and(is_mount) {
            learn(&mut self.calendars, href.to_owned(), 4);
        }
        if href.ends_with(".ics") {
            learn(&mut self.objects, href.to_owned(), 60);
        }
    }

    fn hear_body(&mut self, path: &str, text: String) {
        for line in text.lines().filter_map(|line| line.strip_prefix("UID:")) {
            learn(&mut self.uids, line.to_owned(), 40);
        }
        if path.ends_with(".ics") {
            self.bodies.retain(|(known, _)| known != path);
            learn(&mut self.bodies, (path.to_owned(), text), 40);
        }
    }

    /// A name that may be taken by something hidden, a UID made a name as clients do, or a name once seen.
    pub fn guessed_name(&self, dice: &mut Dice) -> String {
        match dice.below(4) {
            0 => format!("{}.ics", dice.pick(&self.guessed_uids)),
            1 => {
                let seen = dice.pick_any(&self.objects).and_then(|href| href.rsplit('/').next());
                seen.unwrap_or("nothing.ics").to_owned()
            }
            _ => dice.pick(&self.names).clone(),
        }
    }

    pub fn guessed_uid(&self, dice: &mut Dice) -> String {
        dice.pick(&self.guessed_uids).clone()
    }

    pub fn seen_uid(&self, dice: &mut Dice) -> String {
        dice.pick_any(&self.uids).cloned().unwrap_or_else(|| "unseen@example.org".to_owned())
    }
}
