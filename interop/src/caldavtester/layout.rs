//! A layout file: where one server keeps things, what it offers, how it is started. TOML.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A layout.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Layout {
    /// The file of known failures, beside the layout; without one every failure is a difference.
    pub(crate) expected: Option<PathBuf>,
    /// Scripts that are not run unless `--only` names them; `*` stands for anything at the end of a name.
    pub(crate) skip: Vec<String>,
    /// Scripts that are run and reported, but not judged.
    pub(crate) apart: Vec<String>,
    /// Replaces the features of `serverinfo.xml`.
    pub(crate) features: Option<Vec<String>>,
    /// How long to wait for a server that does things in its own time; replaces the three waits of `serverinfo.xml`.
    pub(crate) wait_seconds: Option<f64>,
    /// Whether requests say who asks: `basic`, or `none` for a server that asks nobody.
    pub(crate) authentication: Authentication,
    /// Replaces or adds variables; `"$userid%d:"` stands for all of its kind.
    pub(crate) substitutions: BTreeMap<String, String>,
    /// How to start a server with a fresh store.
    pub(crate) server: Option<Commands>,
    /// The folder in which the layout lies.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
}

/// How requests say who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Authentication {
    #[default]
    Basic,
    None,
}

/// Commands of the shell, run in the layout's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Commands {
    /// Run once: fills the folder `$STORE` with all that a script expects to find.
    pub(crate) prepare: Option<String>,
    /// Run before each script: serves `$STORE`, a copy of the prepared one, on `$PORT` of 127.0.0.1 until it is ended.
    pub(crate) serve: Option<String>,
    /// Run before each script where the server is running already (`--server`): makes its store fresh. `$SERVER` is its URL.
    pub(crate) reset: Option<String>,
}

impl Layout {
    /// Reads a layout.
    ///
    /// # Errors
    /// It cannot be read or is not understood.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let mut layout: Self = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let path = std::fs::canonicalize(path).map_err(|error| error.to_string())?;
        layout.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(layout)
    }

    /// Whether a script is left out of a run of the whole directory.
    pub(crate) fn skips(&self, script: &str) -> bool {
        self.skip.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => script.starts_with(beginning),
            None => script == pattern,
        })
    }
    /// Whether a script is reported apart.
    pub(crate) fn is_apart(&self, script: &str) -> bool {
        self.apart.iter().any(|name| name == script)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn scripts_are_skipped_by_the_beginning_of_their_name() {
        let layout: Layout = toml::from_str("skip = [\"implicit*\", \"x.xml\"]\napart = [\"json.xml\"]\n").unwrap();
        assert!(layout.skips("implicitacls.xml") && layout.skips("x.xml") && !layout.skips("acl.xml") && !layout.skips("x.xml2"));
        assert!(layout.is_apart("json.xml") && !layout.is_apart("acl.xml"));
    }

    #[test]
    fn the_layouts_of_this_repository_can_be_read_and_measure_with_the_same_features() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("caldavtester");
        let layouts = ["shoji.toml", "radicale.toml"].map(|name| Layout::read(&folder.join(name)).unwrap());
        let [ours, other] = &layouts;
        assert_eq!((&ours.features, &ours.skip, &ours.apart), (&other.features, &other.skip, &other.apart));
        assert!(layouts.iter().all(|layout| layout.server.as_ref().is_some_and(|server| server.serve.is_some())));
    }

    #[test]
    fn a_misspelt_key_is_told() {
        assert!(toml::from_str::<Layout>("substitution = 1\n").is_err());
    }
}
