//! Suites: the folders of `interop/` that hold a script, and what each is expected to fail.

use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The interpreter of a suite's script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    Node,
    Bash,
}

/// One suite.
#[derive(Clone, Debug)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) script: PathBuf,
    pub(crate) language: Language,
    pub(crate) expected: Expected,
}

/// `expected.toml`: how much a suite runs at least, and what it is known to fail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// Fewer tests than this are a failure: a suite that stops looking must not pass.
    pub(crate) tests_min: usize,
    /// Seconds after which the script is stopped.
    #[serde(default = "Expected::seconds_max")]
    pub(crate) seconds_max: u64,
    /// Debian's packages that it needs.
    #[serde(default)]
    pub(crate) debian: Vec<String>,
    /// What a server must have for it.
    #[serde(default)]
    pub(crate) needs: Needs,
    /// Known failures.
    #[serde(default, rename = "failure")]
    pub(crate) failures: Vec<ExpectedFailure>,
    /// Tests known not to be run, though their suite knows them.
    #[serde(default, rename = "skipped")]
    pub(crate) skips: Vec<ExpectedFailure>,
}

/// What a suite needs of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Needs {
    /// The people of `world/`, shoji's sharing between them and its command line.
    #[default]
    Sharing,
    /// The accounts of a layout: any server will do.
    Accounts,
}

impl Expected {
    fn seconds_max() -> u64 {
        300
    }
}

/// A test known to fail or not to be run, and why that is right or borne.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedFailure {
    /// The name its script reports.
    pub(crate) test: String,
    /// Sorts reasons where a suite has many; counted in the table.
    #[serde(default)]
    pub(crate) kind: Option<String>,
    /// For the reader.
    pub(crate) reason: String,
}

const SCRIPTS: [(&str, Language); 3] = [("run.py", Language::Python), ("run.mjs", Language::Node), ("run.sh", Language::Bash)];

/// All suites, by name.
///
/// # Errors
/// A folder that cannot be read, an `expected.toml` that is absent or not understood.
pub(crate) fn find(interop: &Path) -> Result<Vec<Suite>, String> {
    let mut suites = Vec::new();
    for entry in std::fs::read_dir(interop).map_err(|error| format!("cannot read {}: {error}", interop.display()))? {
        let folder = entry.map_err(|error| error.to_string())?.path();
        let script = SCRIPTS.iter().map(|(file, language)| (folder.join(file), *language)).find(|(path, _)| path.is_file());
        let (Some((script, language)), Some(name)) = (script, folder.file_name().and_then(|name| name.to_str())) else {
            continue;
        };
        let path = folder.join("expected.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let expected: Expected = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        suites.push(Suite { name: name.to_owned(), script, language, expected, folder: folder.clone() });
    }
    suites.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(suites)
}

/// Those that were asked for; all if none was named.
///
/// # Errors
/// A name that is no suite.
pub(crate) fn choose(suites: Vec<Suite>, names: &[String]) -> Result<Vec<Suite>, String> {
    if let Some(unknown) = names.iter().find(|name| !suites.iter().any(|suite| suite.name == **name)) {
        let known: Vec<&str> = suites.iter().map(|suite| suite.name.as_str()).collect();
        return Err(format!("there is no suite `{unknown}`; there are {}", known.join(", ")));
    }
    Ok(suites.into_iter().filter(|suite| names.is_empty() || names.contains(&suite.name)).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_folder_with_a_script_is_a_suite_and_others_are_not() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("curl")).unwrap();
        std::fs::create_dir_all(directory.path().join("world")).unwrap();
        std::fs::write(directory.path().join("curl/run.py"), "").unwrap();
        std::fs::write(directory.path().join("curl/expected.toml"), "tests_min = 3\n[[failure]]\ntest = \"a\"\nreason = \"b\"\n").unwrap();
        let suites = find(directory.path()).unwrap();
        assert_eq!(suites.iter().map(|suite| suite.name.as_str()).collect::<Vec<_>>(), ["curl"]);
        assert!(suites.iter().all(|suite| suite.expected.tests_min == 3 && suite.expected.failures.len() == 1));
        assert!(choose(suites.clone(), &["wget".to_owned()]).unwrap_err().contains("there are curl"));
        assert_eq!(choose(suites, &[]).unwrap().len(), 1);
    }

    #[test]
    fn every_suite_of_this_folder_can_be_read() {
        let suites = find(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(suites.iter().all(|suite| suite.expected.tests_min > 0), "a suite without a minimum");
    }

    #[test]
    fn nothing_that_is_fetched_names_a_registry() {
        let mut files = 0;
        for suite in find(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap() {
            for name in ["requirements.txt", "sdist.txt", "package.json", "package-lock.json"] {
                let Ok(text) = std::fs::read_to_string(suite.folder.join(name)) else { continue };
                files += 1;
                assert!(!text.contains("://"), "{}/{name} names a host", suite.name);
            }
        }
        assert!(files > 0, "no file was looked at");
    }
}
