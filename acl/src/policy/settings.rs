//! The keys of the policy as an administrator sets them: a preset, and what was chosen beside it.
//!
//! What was chosen is kept as words, so that a preset can change underneath it and a file, a command and a program say the
//! same thing. [`PolicySettings::effective`] is the only way from words to a [`Policy`].

use super::{
    AdminContent, ClassPublicLowers, Confidential, GrantsCover, GrantsCreate, GrantsShow, Language, Mode, Policy, PrivateEvents,
    WORDS_BYTES_MAX,
};
use crate::level::Level;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A published product's sharing, as values of the keys: never a code path of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Preset {
    /// The defaults of every key.
    #[default]
    None,
    /// A calendar of a suite: five levels, personal and public events, administrators who see all.
    Aspro,
    /// A calendar of a CRM: an organisation's mode, a hierarchy of roles, shares that extend it.
    Vtecrm,
    /// A CRM whose calendars are synchronized with others: private appointments stay private on both sides.
    Superoffice,
}

impl Preset {
    /// All.
    pub const ALL: [Self; 4] = [Self::None, Self::Aspro, Self::Vtecrm, Self::Superoffice];
    /// The word in API, command line and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Aspro => "aspro",
            Self::Vtecrm => "vtecrm",
            Self::Superoffice => "superoffice",
        }
    }
    /// The preset named by `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.word() == word)
    }
    /// Its policy where nothing was chosen beside it.
    pub fn policy(self) -> Policy {
        let base = Policy::default();
        match self {
            Self::None => base,
            Self::Aspro => Policy {
                widen_public: true,
                private_events: PrivateEvents::Editors,
                admin_content: AdminContent::Full,
                default_level: Level::FreeBusy,
                ..base
            },
            Self::Vtecrm => Policy {
                widen_public: true,
                grants_cover: GrantsCover::Public,
                grants_create: GrantsCreate::Any,
                grants_show: GrantsShow::Refused,
                participants_see_full: false,
                admin_content: AdminContent::Full,
                ..base
            },
            Self::Superoffice => Policy { mode: Mode::Off, private_events: PrivateEvents::Busy, ..base },
        }
    }
}

/// A key of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PolicyKey {
    /// [`Policy::mode`]
    Mode,
    /// [`Policy::default_level`]
    DefaultLevel,
    /// [`Policy::private_events`]
    PrivateEvents,
    /// [`Policy::confidential`]
    Confidential,
    /// [`Policy::widen_public`]
    WidenPublic,
    /// [`Policy::grants_cover`]
    GrantsCover,
    /// [`Policy::grants_create`]
    GrantsCreate,
    /// [`Policy::grants_show`]
    GrantsShow,
    /// [`Policy::class_public_lowers`]
    ClassPublicLowers,
    /// [`Policy::participants_see_full`]
    ParticipantsSeeFull,
    /// [`Policy::admin_content`]
    AdminContent,
    /// [`Policy::editors_make_links`]
    EditorsMakeLinks,
    /// [`super::Caps::everyone`]
    CapEveryone,
    /// [`super::Caps::group`]
    CapGroup,
    /// [`super::Caps::outside_group`]
    CapOutsideGroup,
    /// [`Policy::words`] in a language. Comes before the texts, which have the last word.
    Language,
    /// [`super::Words::busy`]
    BusyText,
    /// [`super::Words::private`]
    PrivateText,
}

/// A value that a key does not have, with those it has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is one of: {expected}", .key.word())]
pub struct BadSetting {
    /// The key.
    pub key: PolicyKey,
    /// The words it takes.
    pub expected: String,
}

/// The word by which a key says that it is not bounded.
const UNBOUNDED: &str = "off";

impl PolicyKey {
    /// All, in the order in which they are applied and listed.
    pub const ALL: [Self; 18] = [
        Self::Mode,
        Self::DefaultLevel,
        Self::PrivateEvents,
        Self::Confidential,
        Self::WidenPublic,
        Self::GrantsCover,
        Self::GrantsCreate,
        Self::GrantsShow,
        Self::ClassPublicLowers,
        Self::ParticipantsSeeFull,
        Self::AdminContent,
        Self::EditorsMakeLinks,
        Self::CapEveryone,
        Self::CapGroup,
        Self::CapOutsideGroup,
        Self::Language,
        Self::BusyText,
        Self::PrivateText,
    ];
    /// The word in API, command line and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mode => "mode",
            Self::DefaultLevel => "default_level",
            Self::PrivateEvents => "private_events",
            Self::Confidential => "confidential",
            Self::WidenPublic => "widen_public",
            Self::GrantsCover => "grants_cover",
            Self::GrantsCreate => "grants_create",
            Self::GrantsShow => "grants_show",
            Self::ClassPublicLowers => "class_public_lowers",
            Self::ParticipantsSeeFull => "participants_see_full",
            Self::AdminContent => "admin_content",
            Self::EditorsMakeLinks => "editors_make_links",
            Self::CapEveryone => "cap_everyone",
            Self::CapGroup => "cap_group",
            Self::CapOutsideGroup => "cap_outside_group",
            Self::Language => "language",
            Self::BusyText => "busy_text",
            Self::PrivateText => "private_text",
        }
    }
    /// The key named by `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.word() == word)
    }
    /// Whether it is true or false.
    pub fn is_truth(self) -> bool {
        matches!(self, Self::WidenPublic | Self::ParticipantsSeeFull | Self::EditorsMakeLinks)
    }
    /// The words it takes; empty for a text of one's own.
    pub fn words(self) -> Vec<&'static str> {
        fn of<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Vec<&'static str> {
            all.iter().map(|value| word(*value)).collect()
        }
        match self {
            Self::Mode => of(Mode::ALL, Mode::word),
            Self::DefaultLevel => of(&Level::ALL, Level::word),
            Self::PrivateEvents => of(&PrivateEvents::ALL, PrivateEvents::word),
            Self::Confidential => of(Confidential::ALL, Confidential::word),
            Self::GrantsCover => of(GrantsCover::ALL, GrantsCover::word),
            Self::GrantsCreate => of(GrantsCreate::ALL, GrantsCreate::word),
            Self::GrantsShow => of(GrantsShow::ALL, GrantsShow::word),
            Self::ClassPublicLowers => of(ClassPublicLowers::ALL, ClassPublicLowers::word),
            Self::AdminContent => of(AdminContent::ALL, AdminContent::word),
            Self::WidenPublic | Self::ParticipantsSeeFull | Self::EditorsMakeLinks => vec!["true", "false"],
            Self::CapEveryone | Self::CapGroup | Self::CapOutsideGroup => {
                let mut words = of(&Level::ALL, Level::word);
                words.push(UNBOUNDED);
                words
            }
            Self::Language => of(&Language::ALL, Language::word),
            Self::BusyText | Self::PrivateText => Vec::new(),
        }
    }
    /// Writes the value `word` names into a policy.
    pub fn set(self, policy: &mut Policy, word: &str) -> Result<(), BadSetting> {
        let set = match self {
            Self::Mode => put(&mut policy.mode, Mode::from_word(word)),
            Self::DefaultLevel => put(&mut policy.default_level, Level::from_word(word)),
            Self::PrivateEvents => put(&mut policy.private_events, PrivateEvents::from_word(word)),
            Self::Confidential => put(&mut policy.confidential, Confidential::from_word(word)),
            Self::WidenPublic => put(&mut policy.widen_public, word.parse().ok()),
            Self::GrantsCover => put(&mut policy.grants_cover, GrantsCover::from_word(word)),
            Self::GrantsCreate => put(&mut policy.grants_create, GrantsCreate::from_word(word)),
            Self::GrantsShow => put(&mut policy.grants_show, GrantsShow::from_word(word)),
            Self::ClassPublicLowers => put(&mut policy.class_public_lowers, ClassPublicLowers::from_word(word)),
            Self::ParticipantsSeeFull => put(&mut policy.participants_see_full, word.parse().ok()),
            Self::AdminContent => put(&mut policy.admin_content, AdminContent::from_word(word)),
            Self::EditorsMakeLinks => put(&mut policy.editors_make_links, word.parse().ok()),
            Self::CapEveryone => put(&mut policy.caps.everyone, cap(word)),
            Self::CapGroup => put(&mut policy.caps.group, cap(word)),
            Self::CapOutsideGroup => put(&mut policy.caps.outside_group, cap(word)),
            Self::Language => put(&mut policy.words, Language::from_word(word).map(Language::words)),
            Self::BusyText => put(&mut policy.words.busy, text(word)),
            Self::PrivateText => put(&mut policy.words.private, text(word)),
        };
        set.ok_or_else(|| BadSetting { key: self, expected: self.expected() })
    }
    /// The word for what a policy says; `None` for the language, of which only its texts are left.
    pub fn get(self, policy: &Policy) -> Option<String> {
        let word = match self {
            Self::Mode => policy.mode.word(),
            Self::DefaultLevel => policy.default_level.word(),
            Self::PrivateEvents => policy.private_events.word(),
            Self::Confidential => policy.confidential.word(),
            Self::WidenPublic => truth(policy.widen_public),
            Self::GrantsCover => policy.grants_cover.word(),
            Self::GrantsCreate => policy.grants_create.word(),
            Self::GrantsShow => policy.grants_show.word(),
            Self::ClassPublicLowers => policy.class_public_lowers.word(),
            Self::ParticipantsSeeFull => truth(policy.participants_see_full),
            Self::AdminContent => policy.admin_content.word(),
            Self::EditorsMakeLinks => truth(policy.editors_make_links),
            Self::CapEveryone => policy.caps.everyone.map_or(UNBOUNDED, Level::word),
            Self::CapGroup => policy.caps.group.map_or(UNBOUNDED, Level::word),
            Self::CapOutsideGroup => policy.caps.outside_group.map_or(UNBOUNDED, Level::word),
            Self::Language => return None,
            Self::BusyText => &policy.words.busy,
            Self::PrivateText => &policy.words.private,
        };
        Some(word.to_owned())
    }
    fn expected(self) -> String {
        match self.words() {
            words if words.is_empty() => format!("a text of 1 to {WORDS_BYTES_MAX} bytes in one line"),
            words => words.join(", "),
        }
    }
}

fn put<T>(place: &mut T, value: Option<T>) -> Option<()> {
    *place = value?;
    Some(())
}

fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn cap(word: &str) -> Option<Option<Level>> {
    if word == UNBOUNDED { Some(None) } else { Level::from_word(word).map(Some) }
}

/// It stands in SUMMARY lines: one line, and not so long that it would be the larger part of every answer.
fn text(word: &str) -> Option<String> {
    let fits = !word.trim().is_empty() && word.len() <= WORDS_BYTES_MAX && !word.chars().any(char::is_control);
    fits.then(|| word.to_owned())
}

/// What was chosen: a preset and values of keys beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySettings {
    preset: Preset,
    /// Words of keys to words of values, each valid when it was set.
    chosen: BTreeMap<String, String>,
}

impl PolicySettings {
    /// The preset underneath.
    pub fn preset(&self) -> Preset {
        self.preset
    }
    /// Puts another preset underneath what was chosen.
    pub fn set_preset(&mut self, preset: Preset) {
        self.preset = preset;
    }
    /// Chooses a value. Errors: the key has no such value.
    pub fn choose(&mut self, key: PolicyKey, word: &str) -> Result<(), BadSetting> {
        key.set(&mut Policy::default(), word)?;
        self.chosen.insert(key.word().to_owned(), word.to_owned());
        Ok(())
    }
    /// Leaves a key to the preset.
    pub fn unset(&mut self, key: PolicyKey) {
        self.chosen.remove(key.word());
    }
    /// What was chosen for a key.
    pub fn chosen(&self, key: PolicyKey) -> Option<&str> {
        self.chosen.get(key.word()).map(String::as_str)
    }
    /// What holds. Errors: something was stored that no key of this program has or takes; nothing may then be decided by it.
    pub fn effective(&self) -> Result<Policy, BadSetting> {
        let mut policy = self.preset.policy();
        // In the order of keys, not of words: a text of one's own stands over its language's.
        for key in PolicyKey::ALL {
            if let Some(word) = self.chosen(key) {
                key.set(&mut policy, word)?;
            }
        }
        let known = |word: &String| PolicyKey::from_word(word).is_some();
        match self.chosen.keys().all(known) {
            true => Ok(policy),
            false => Err(BadSetting { key: PolicyKey::Mode, expected: "a key of this version of the program".to_owned() }),
        }
    }
}
