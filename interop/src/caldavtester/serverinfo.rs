//! The server under test: the data's own `serverinfo.xml`, overridden by a layout file.

use crate::layout::Layout;
use crate::xml::{self, Element};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

/// How long to wait for what a server does in its own time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Waits {
    /// How often a count is looked at.
    pub(crate) count: u32,
    /// The pause between two looks.
    pub(crate) delay: Duration,
    /// How long a request that waits for success is repeated.
    pub(crate) success: Duration,
}

/// What is known of a server.
#[derive(Clone, Debug)]
pub(crate) struct ServerInfo {
    pub(crate) features: BTreeSet<String>,
    /// Variables, repeated accounts written out.
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) waits: Waits,
    /// What every comparison of calendars leaves out.
    pub(crate) calendar_filters: Vec<String>,
}

/// A variable as it is written: with a count, `%d` in it stands for each number up to that.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Written {
    key: String,
    value: String,
    count: Option<u32>,
}

impl ServerInfo {
    /// Reads `serverinfo.xml` and puts the layout over it.
    ///
    /// # Errors
    /// It cannot be read, or the layout sets a repeated variable that it does not have.
    pub(crate) fn read(path: &Path, layout: &Layout) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Self::parse(&text, layout).map_err(|words| format!("{}: {words}", path.display()))
    }

    /// The same from its text.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn parse(text: &str, layout: &Layout) -> Result<Self, String> {
        let root = xml::parse(text)?;
        let number = |name: &str| root.child_text(name).and_then(|text| text.parse::<f64>().ok());
        let mut waits = Waits {
            count: root.child_text("waitcount").and_then(|text| text.parse().ok()).unwrap_or(120),
            delay: Duration::from_secs_f64(number("waitdelay").unwrap_or(0.25)),
            success: Duration::from_secs_f64(number("waitsuccess").unwrap_or(10.0)),
        };
        if let Some(seconds) = layout.wait_seconds {
            waits.success = Duration::from_secs_f64(seconds);
            waits.count = (seconds / waits.delay.as_secs_f64().max(0.01)).ceil().max(1.0) as u32;
        }
        let offered = root.named("features").flat_map(|list| list.named("feature")).map(|feature| feature.text.trim().to_owned());
        Ok(Self {
            features: layout.features.clone().unwrap_or_else(|| offered.collect()).into_iter().collect(),
            variables: variables(&root, layout)?,
            waits,
            calendar_filters: root.named("calendardatafilter").map(|filter| filter.text.trim().to_owned()).collect(),
        })
    }

    /// The account of requests that name none.
    pub(crate) fn default_account(&self) -> (String, String) {
        let of = |keys: [&str; 2]| keys.iter().find_map(|key| self.variables.get(*key)).cloned().unwrap_or_default();
        (of(["$userid1:", "$userid01:"]), of(["$pswd1:", "$pswd01:"]))
    }
}

fn variables(root: &Element, layout: &Layout) -> Result<BTreeMap<String, String>, String> {
    let mut written: Vec<Written> = Vec::new();
    for child in root.named("substitutions").flat_map(Element::elements) {
        match child.name.as_str() {
            "substitution" => written.extend(one(child, None)),
            "repeat" => {
                let count = child.attribute("count").and_then(|count| count.parse().ok()).unwrap_or(1);
                written.extend(child.named("substitution").filter_map(|child| one(child, Some(count))));
            }
            other => return Err(format!("`{other}` among the substitutions is not known")),
        }
    }
    for (key, value) in &layout.substitutions {
        match written.iter_mut().find(|written| written.key == *key) {
            Some(written) => written.value.clone_from(value),
            None if key.contains('%') => return Err(format!("the layout sets {key}, which no account of serverinfo.xml has")),
            None => written.push(Written { key: key.clone(), value: value.clone(), count: None }),
        }
    }
    let mut variables = BTreeMap::new();
    for Written { key, value, count } in written {
        match count {
            None => {
                variables.insert(key, value);
            }
            Some(count) => {
                for number in 1..=count {
                    variables.insert(numbered(&key, number), numbered(&value, number));
                }
            }
        }
    }
    Ok(variables)
}

fn one(element: &Element, count: Option<u32>) -> Option<Written> {
    let key = element.child_text("key")?.to_owned();
    let value = element.child_text("value").unwrap_or_default().to_owned();
    (!key.is_empty()).then_some(Written { key, value, count })
}

/// `%d`, `%02d` and `%%` as C's printf writes them.
fn numbered(text: &str, number: u32) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    while let Some(part) = parts.next() {
        if part.is_empty() {
            out.push('%');
            out.push_str(parts.next().unwrap_or_default());
            continue;
        }
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        match part.get(digits.len()..).and_then(|rest| rest.strip_prefix('d')) {
            Some(rest) => {
                let width = digits.parse().unwrap_or(0);
                let number = if digits.starts_with('0') { format!("{number:0width$}") } else { format!("{number:width$}") };
                out.push_str(&number);
                out.push_str(rest);
            }
            None => {
                out.push('%');
                out.push_str(part);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const INFO: &str = "<serverinfo><waitcount>120</waitcount><waitdelay>0.25</waitdelay><features><feature>a</feature></features>
        <substitutions><substitution><key>$root:</key><value>/</value></substitution>
        <repeat count='2'><substitution><key>$userid%d:</key><value>user%02d</value></substitution>
        <substitution><key>$name%d:</key><value>User%%20%02d</value></substitution></repeat>
        <substitution><key>$userid2:</key><value>other</value></substitution></substitutions>
        <calendardatafilter>PRODID</calendardatafilter></serverinfo>";

    #[test]
    fn accounts_are_repeated_and_the_layout_has_the_last_word() {
        let plain = ServerInfo::parse(INFO, &Layout::default()).unwrap();
        assert_eq!(plain.variables.get("$userid1:").unwrap(), "user01");
        assert_eq!(plain.variables.get("$userid2:").unwrap(), "other");
        assert_eq!(plain.variables.get("$name2:").unwrap(), "User%2002");
        assert_eq!(plain.waits.count, 120);
        assert!(plain.features.contains("a"));
        let layout: Layout =
            toml::from_str("features = [\"b\"]\nwait_seconds = 0.5\n[substitutions]\n\"$root:\" = \"/dav/\"\n\"$userid%d:\" = \"u%d\"\n")
                .unwrap();
        let laid_out = ServerInfo::parse(INFO, &layout).unwrap();
        assert_eq!(laid_out.variables.get("$userid1:").unwrap(), "u1");
        assert_eq!(laid_out.variables.get("$root:").unwrap(), "/dav/");
        assert_eq!(laid_out.waits.count, 2);
        assert_eq!(laid_out.features.iter().collect::<Vec<_>>(), ["b"]);
        assert_eq!(laid_out.default_account(), ("u1".to_owned(), String::new()));
    }

    #[test]
    fn a_misspelt_repeated_variable_is_told() {
        let layout: Layout = toml::from_str("[substitutions]\n\"$usrid%d:\" = \"u%d\"\n").unwrap();
        assert!(ServerInfo::parse(INFO, &layout).unwrap_err().contains("$usrid%d:"));
    }
}
