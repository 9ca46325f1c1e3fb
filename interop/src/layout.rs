//! Layouts: where a server keeps things and which accounts it has, so that suites which need nothing else run on any server.
//!
//! A layout is a TOML file in `interop/layouts/`. Paths in it are relative to the server's address; `{name}` in them stands for
//! an account's name.

use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Suites with several people need this many.
const ACCOUNTS_MIN: usize = 3;

/// One server's layout.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layout {
    /// The server's name, for people.
    pub(crate) server: String,
    /// What a person types into a client.
    address: String,
    /// Where the calendars of an account are.
    home: String,
    /// A collection that is no calendar.
    plain: String,
    /// What the Python library `caldav` is told that the server does otherwise: feature and support, or the name of a server that
    /// the library knows.
    #[serde(default)]
    caldav_features: CaldavFeatures,
    #[serde(rename = "account")]
    accounts: Vec<Account>,
}

/// Deviations as the library's own tests take them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum CaldavFeatures {
    Known(String),
    Named(BTreeMap<String, String>),
}

impl Default for CaldavFeatures {
    fn default() -> Self {
        Self::Named(BTreeMap::new())
    }
}

/// Someone who can sign in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    name: String,
    password: String,
    email: String,
}

/// What `shoji apply` reads.
#[derive(Serialize)]
struct People<'layout> {
    user: Vec<User<'layout>>,
}

#[derive(Serialize)]
struct User<'layout> {
    name: &'layout str,
    password: &'layout str,
    emails: [&'layout str; 1],
}

impl Layout {
    /// Reads a layout.
    ///
    /// # Errors
    /// What cannot be read or understood, for people.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Self::parse(&text).map_err(|words| format!("{}: {words}", path.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let layout: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if layout.accounts.len() < ACCOUNTS_MIN {
            return Err(format!("names {} accounts, at least {ACCOUNTS_MIN} are needed", layout.accounts.len()));
        }
        for path in [&layout.address, &layout.home, &layout.plain] {
            if path.starts_with('/') || !(path.is_empty() || path.ends_with('/')) {
                return Err(format!("`{path}` neither is empty nor begins without and ends with a slash"));
            }
        }
        Ok(layout)
    }

    /// As scripts get it, in `INTEROP_LAYOUT`: JSON with whole URLs.
    ///
    /// `server` is the server's address, with a final slash.
    pub(crate) fn for_scripts(&self, server: &str) -> String {
        let account = |account: &Account| {
            let url = |path: &str| format!("{server}{}", path.replace("{name}", &account.name));
            json!({
                "name": account.name,
                "password": account.password,
                "email": account.email,
                "address": url(&self.address),
                "home": url(&self.home),
                "plain": url(&self.plain),
            })
        };
        let accounts: Vec<_> = self.accounts.iter().map(account).collect();
        json!({ "server": self.server, "accounts": accounts, "caldav_features": self.caldav_features }).to_string()
    }

    /// The accounts as a file for `shoji apply`.
    ///
    /// # Errors
    /// For people.
    pub(crate) fn people(&self) -> Result<String, String> {
        fn user(Account { name, password, email }: &Account) -> User<'_> {
            User { name, password, emails: [email] }
        }
        toml::to_string(&People { user: self.accounts.iter().map(user).collect() }).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn layout(address: &str, accounts: usize) -> String {
        let account = "[[account]]\nname = \"bob\"\npassword = \"secret\"\nemail = \"bob@example.org\"\n";
        format!(
            "server = \"made-up\"\naddress = \"{address}\"\nhome = \"{{name}}/\"\nplain = \"{{name}}/x/\"\n{}",
            account.repeat(accounts)
        )
    }

    #[test]
    fn scripts_get_whole_urls() {
        let told = Layout::parse(&layout("dav/", 3)).unwrap().for_scripts("http://127.0.0.1:1/");
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told.pointer("/accounts/0/address").unwrap(), "http://127.0.0.1:1/dav/");
        assert_eq!(told.pointer("/accounts/2/plain").unwrap(), "http://127.0.0.1:1/bob/x/");
    }

    #[test]
    fn what_would_fail_later_is_refused_at_once() {
        assert!(Layout::parse(&layout("", 2)).unwrap_err().contains("2 accounts"));
        assert!(Layout::parse(&layout("/dav/", 3)).is_err(), "an absolute path");
        assert!(Layout::parse(&layout("dav", 3)).is_err(), "no final slash");
    }

    #[test]
    fn every_layout_of_this_folder_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("layouts");
        let layouts: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| Layout::read(&entry.unwrap().path())).collect();
        assert!(!layouts.is_empty());
        assert!(layouts.iter().all(Result::is_ok), "{layouts:?}");
    }
}
