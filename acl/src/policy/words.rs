//! Constant texts of projections: one choice per organisation, never per request, since they are part of every answer's bytes.

use serde::{Deserialize, Serialize};

/// Constant texts of projections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// SUMMARY at FreeBusy.
    pub busy: String,
    /// SUMMARY at FreeBusy where the viewer sees Standard events at Title or more.
    pub private: String,
}

impl Default for Words {
    fn default() -> Self {
        Language::English.words()
    }
}

/// Longest text an organisation may choose, in bytes.
pub const WORDS_BYTES_MAX: usize = 200;

/// A language with texts of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Language {
    /// en
    #[default]
    English,
    /// de
    German,
    /// fr
    French,
    /// es
    Spanish,
    /// it
    Italian,
    /// nl
    Dutch,
    /// pt
    Portuguese,
    /// pl
    Polish,
    /// ru
    Russian,
    /// ja
    Japanese,
}

impl Language {
    /// All.
    pub const ALL: [Self; 10] = [
        Self::English,
        Self::German,
        Self::French,
        Self::Spanish,
        Self::Italian,
        Self::Dutch,
        Self::Portuguese,
        Self::Polish,
        Self::Russian,
        Self::Japanese,
    ];
    /// Its tag (RFC 5646).
    pub fn word(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Italian => "it",
            Self::Dutch => "nl",
            Self::Portuguese => "pt",
            Self::Polish => "pl",
            Self::Russian => "ru",
            Self::Japanese => "ja",
        }
    }
    /// The language named by `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.word() == word)
    }
    /// What "busy" and "private event" are in it.
    pub fn words(self) -> Words {
        let (busy, private) = match self {
            Self::English => ("Busy", "Private event"),
            Self::German => ("Beschäftigt", "Privater Termin"),
            Self::French => ("Occupé", "Événement privé"),
            Self::Spanish => ("Ocupado", "Evento privado"),
            Self::Italian => ("Occupato", "Evento privato"),
            Self::Dutch => ("Bezet", "Privéafspraak"),
            Self::Portuguese => ("Ocupado", "Evento privado"),
            Self::Polish => ("Zajęty", "Wydarzenie prywatne"),
            Self::Russian => ("Занято", "Личное событие"),
            Self::Japanese => ("予定あり", "非公開の予定"),
        };
        Words { busy: busy.into(), private: private.into() }
    }
}
