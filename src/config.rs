//! Configuration: a TOML file, and every key also as a variable (`tls.cert` is `SHOJI_TLS_CERT`; with `_FILE` appended the
//! value is read from the file it names). An unknown key in the file is an error that names the nearest valid one; an
//! unknown variable is a warning, because orchestrators set `SHOJI_…` variables of their own.

use crate::limits::Limits;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the store and the control socket are.
    pub data: Option<PathBuf>,
    /// Addresses to serve on.
    pub listen: Vec<SocketAddr>,
    /// Serve without TLS on an address that is not loopback, without a trusted proxy before it.
    pub allow_cleartext: bool,
    /// Networks (CIDR) whose `X-Forwarded-For` is believed, or `Forwarded` where that is absent.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// What stands before `/dav/` in every path.
    pub base_path: String,
    /// Scheme, host and port under which clients reach the server, e.g. `https://cal.example.org`.
    pub external_url: Option<String>,
    /// Whom a user may find: `related` (people he shares something with) or `everyone`.
    pub directory: Directory,
    /// What the store stands on.
    pub storage: Storage,
    /// Certificate and key.
    pub tls: Tls,
    /// The log.
    pub log: Log,
    /// The metrics page.
    pub metrics: Metrics,
    /// Bounds.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: None,
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 8008))],
            allow_cleartext: false,
            trusted_proxies: Vec::new(),
            base_path: String::new(),
            external_url: None,
            directory: Directory::Related,
            storage: Storage::default(),
            tls: Tls::default(),
            log: Log::default(),
            metrics: Metrics::default(),
            limits: Limits::default(),
        }
    }
}

/// Whom a user may find by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Directory {
    /// Groups he is in, their members, owners and grantees of calendars he shares.
    #[default]
    Related,
    /// Every user and group.
    Everyone,
}

impl From<Directory> for storage::Directory {
    fn from(directory: Directory) -> Self {
        match directory {
            Directory::Related => Self::Related,
            Directory::Everyone => Self::Everyone,
        }
    }
}

/// What the store stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// `redb` or `sled`; absent: what an existing store stands on, or [`storage::EngineKind::DEFAULT`].
    pub engine: Option<Engine>,
    /// Bytes of the disk that are left free: with less, writes are refused, and go on when there is room again.
    pub reserve_bytes: u64,
}

impl Default for Storage {
    fn default() -> Self {
        Self { engine: None, reserve_bytes: 64 << 20 }
    }
}

/// An embedded engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// A log of pages, rewritten in the background.
    Sled,
    /// A copy-on-write tree in one file.
    Redb,
}

impl From<Engine> for storage::EngineKind {
    fn from(engine: Engine) -> Self {
        match engine {
            Engine::Sled => Self::Sled,
            Engine::Redb => Self::Redb,
        }
    }
}

/// TLS in this process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// PEM file with the certificate chain.
    pub cert: Option<PathBuf>,
    /// PEM file with the private key.
    pub key: Option<PathBuf>,
}

/// How the log is written, to standard error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `human` or `json`.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`. No level logs calendar content.
    pub level: LogLevel,
}

/// Form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Least severity that is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Only errors.
    Error,
    /// And warnings.
    Warn,
    /// And a line a request.
    #[default]
    Info,
    /// And more of the server's doings.
    Debug,
    /// Everything.
    Trace,
}

/// Prometheus metrics on an address of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Where `/metrics` is served; nowhere if absent.
    pub listen: Option<SocketAddr>,
}

/// Why the configuration cannot be used. The text says what to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// A configuration and what was odd about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Unknown variables.
    pub warnings: Vec<String>,
}

/// How a key's variable is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Flag,
    Number,
    List,
}

/// Every valid key with its kind, from the structure itself so that the two cannot differ.
fn keys() -> BTreeMap<String, Kind> {
    let example = Config {
        data: Some(PathBuf::new()),
        external_url: Some(String::new()),
        storage: Storage { engine: Some(Engine::Redb), ..Storage::default() },
        tls: Tls { cert: Some(PathBuf::new()), key: Some(PathBuf::new()) },
        metrics: Metrics { listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))) },
        ..Config::default()
    };
    let mut keys = BTreeMap::new();
    if let Ok(table) = Table::try_from(&example) {
        for (key, value) in flatten(&table) {
            let kind = match value {
                Value::Boolean(_) => Kind::Flag,
                Value::Integer(_) => Kind::Number,
                Value::Array(_) => Kind::List,
                _ => Kind::Text,
            };
            keys.insert(key, kind);
        }
    }
    keys
}

/// `a.b` → value, for all leaves. Configuration files are two levels deep; deeper tables are told as unknown keys.
fn flatten(table: &Table) -> Vec<(String, &Value)> {
    let mut leaves = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => leaves.extend(inner.iter().map(|(name, value)| (format!("{key}.{name}"), value))),
            _ => leaves.push((key.clone(), value)),
        }
    }
    leaves
}

fn nearest<'a>(key: &str, keys: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    keys.map(|candidate| (strsim::jaro_winkler(key, candidate), candidate))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate.as_str())
}

/// Reads the file, if one is given, and lays the variables over it.
///
/// # Errors
/// An unreadable file, an unknown key, a value of the wrong kind.
pub fn load(file: Option<&Path>, variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Loaded, ConfigError> {
    let mut table = match file {
        None => Table::new(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| ConfigError(format!("cannot read {}: {error}", path.display())))?;
            let table = text.parse::<Table>().map_err(|error| ConfigError(format!("{}: {error}", path.display())))?;
            check_keys(&table, path)?;
            table
        }
    };
    let warnings = overlay(&mut table, variables)?;
    let config: Config =
        table.try_into().map_err(|error: toml::de::Error| ConfigError(format!("configuration: {}", one_line(&error.to_string()))))?;
    check(&config)?;
    Ok(Loaded { config, warnings })
}

/// The message and the key it is about.
fn one_line(message: &str) -> String {
    message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn check_keys(table: &Table, path: &Path) -> Result<(), ConfigError> {
    let keys = keys();
    let leaves = flatten(table).into_iter().filter(|(key, _)| !keys.contains_key(key)).map(|(key, _)| key);
    // A table without keys has no leaves, but a name.
    let tables = table.iter().filter(|(_, value)| value.is_table()).map(|(name, _)| name.clone());
    let unknown_tables = tables.filter(|name| !keys.keys().any(|key| key.split('.').next() == Some(name) && key != name));
    match leaves.chain(unknown_tables).next() {
        None => Ok(()),
        Some(key) => {
            let hint = nearest(&key, keys.keys()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            Err(ConfigError(format!("{}: unknown key `{key}`{hint}", path.display())))
        }
    }
}

/// Variables that tell where things are and are read elsewhere.
const NOT_KEYS: [&str; 1] = ["SHOJI_CONFIG"];

fn overlay(table: &mut Table, variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Vec<String>, ConfigError> {
    let by_variable: BTreeMap<String, (String, Kind)> =
        keys().into_iter().map(|(key, kind)| (format!("SHOJI_{}", key.to_uppercase().replace('.', "_")), (key, kind))).collect();
    let mut warnings = Vec::new();
    // Names that are no text cannot be ours.
    let ours = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    for (name, value) in ours.filter(|(name, _)| name.starts_with("SHOJI_") && !NOT_KEYS.contains(&name.as_str())) {
        let value = value.into_string().map_err(|_| ConfigError(format!("{name}: not UTF-8")))?;
        let (found, text) = match (by_variable.get(&name), name.strip_suffix("_FILE").and_then(|base| by_variable.get(base))) {
            (Some(found), _) => (found, value),
            (None, Some(found)) => {
                let text = std::fs::read_to_string(&value).map_err(|error| ConfigError(format!("{name}: cannot read {value}: {error}")))?;
                (found, text.trim_end().to_owned())
            }
            (None, None) => {
                warnings.push(format!("unknown variable {name} is ignored"));
                continue;
            }
        };
        let (key, kind) = found;
        set(table, key, read(&name, &text, *kind)?);
    }
    Ok(warnings)
}

fn read(name: &str, text: &str, kind: Kind) -> Result<Value, ConfigError> {
    Ok(match kind {
        Kind::Text => Value::String(text.to_owned()),
        Kind::Flag => match text {
            "true" | "1" | "yes" => Value::Boolean(true),
            "false" | "0" | "no" | "" => Value::Boolean(false),
            _ => return Err(ConfigError(format!("{name}: expected true or false"))),
        },
        Kind::Number => Value::Integer(text.trim().parse().map_err(|_| ConfigError(format!("{name}: expected a whole number")))?),
        Kind::List => Value::Array(
            text.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty()).map(|part| Value::String(part.to_owned())).collect(),
        ),
    })
}

fn set(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((outer, inner)) => {
            if let Value::Table(nested) = table.entry(outer.to_owned()).or_insert_with(|| Value::Table(Table::new())) {
                nested.insert(inner.to_owned(), value);
            }
        }
    }
}

fn check(config: &Config) -> Result<(), ConfigError> {
    if config.tls.cert.is_some() != config.tls.key.is_some() {
        return Err(ConfigError("tls.cert and tls.key go together: set both or neither".into()));
    }
    let base = &config.base_path;
    let segments_fine =
        base.split('/').skip(1).all(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b)));
    let fine = base.is_empty() || (base.starts_with('/') && segments_fine);
    if !fine {
        return Err(ConfigError("base_path is empty or like `/calendar`: it begins with a slash and ends without one".into()));
    }
    if let Some(url) = &config.external_url {
        let uri: http::Uri = url.parse().map_err(|_| ConfigError("external_url is not a URL".into()))?;
        let root = uri.path().is_empty() || uri.path() == "/";
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.authority().is_none() || !root {
            return Err(ConfigError(
                "external_url is scheme, host and port alone, like `https://cal.example.org`; a path goes into base_path".into(),
            ));
        }
    }
    if config.listen.is_empty() {
        return Err(ConfigError("listen is empty: name at least one ADDR:PORT".into()));
    }
    match config.limits.impossible() {
        Some((name, why)) => Err(ConfigError(format!("limits.{name}: {why}"))),
        None => Ok(()),
    }
}

/// Refuses to carry passwords in clear over a network.
///
/// # Errors
/// An address that is not loopback, without TLS, trusted proxies or `allow_cleartext`.
pub fn check_cleartext(config: &Config) -> Result<(), ConfigError> {
    let safe = config.tls.cert.is_some() || config.allow_cleartext || !config.trusted_proxies.is_empty();
    match config.listen.iter().find(|address| !address.ip().is_loopback()) {
        Some(address) if !safe => Err(ConfigError(format!(
            "refusing to serve {address} without TLS: set tls.cert and tls.key, or name the reverse proxy in trusted_proxies, or set allow_cleartext = true"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn from_text(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("shoji.toml");
        std::fs::write(&path, text).unwrap();
        load(Some(&path), variables.iter().map(|(name, value)| (OsString::from(*name), OsString::from(*value))))
    }

    #[test]
    fn every_key_has_a_variable() {
        let keys = keys();
        for key in [
            "listen",
            "tls.cert",
            "tls.key",
            "limits.xml_depth_max",
            "metrics.listen",
            "trusted_proxies",
            "base_path",
            "external_url",
            "data",
            "storage.engine",
        ] {
            assert!(keys.contains_key(key), "{key}");
        }
        let loaded = from_text(
            "",
            &[("SHOJI_LISTEN", "127.0.0.1:1, [::1]:2"), ("SHOJI_LIMITS_XML_DEPTH_MAX", "9"), ("SHOJI_ALLOW_CLEARTEXT", "true")],
        )
        .unwrap();
        assert_eq!(loaded.config.listen.len(), 2);
        assert_eq!(loaded.config.limits.xml_depth_max, 9);
        assert!(loaded.config.allow_cleartext);
    }

    #[test]
    fn a_misspelt_key_is_told_with_the_nearest_one() {
        let error = from_text("trusted_proxys = []\n", &[]).unwrap_err();
        assert!(error.0.contains("`trusted_proxies`"), "{error}");
        let error = from_text("[tls]\ncertificate = \"x\"\n", &[]).unwrap_err();
        assert!(error.0.contains("`tls.cert`"), "{error}");
    }

    #[test]
    fn an_unknown_variable_is_a_warning() {
        let loaded = from_text("", &[("SHOJI_PORT", "tcp://10.0.0.1:80"), ("OTHER", "x")]).unwrap();
        assert_eq!(loaded.warnings, ["unknown variable SHOJI_PORT is ignored"]);
    }

    #[test]
    fn a_variable_may_name_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("base");
        std::fs::write(&path, "/cal\n").unwrap();
        assert_eq!(
            from_text("base_path = \"/other\"", &[("SHOJI_BASE_PATH_FILE", path.to_str().unwrap())]).unwrap().config.base_path,
            "/cal"
        );
    }

    #[test]
    fn clear_text_stays_on_loopback_unless_told() {
        let open = |text: &str| check_cleartext(&from_text(text, &[]).unwrap().config);
        assert!(open("").is_ok());
        assert!(open("listen = [\"0.0.0.0:8008\"]").is_err());
        assert!(open("listen = [\"0.0.0.0:8008\"]\nallow_cleartext = true").is_ok());
        assert!(open("listen = [\"0.0.0.0:8008\"]\ntrusted_proxies = [\"10.0.0.0/8\"]").is_ok());
    }

    #[test]
    fn halves_and_odd_paths_are_refused() {
        assert!(from_text("[tls]\ncert = \"x\"", &[]).is_err());
        assert!(from_text("base_path = \"cal/\"", &[]).is_err());
        assert!(from_text("external_url = \"https://cal.example.org/cal\"", &[]).is_err());
    }
}
