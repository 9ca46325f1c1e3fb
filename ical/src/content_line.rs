//! Content lines (RFC 5545 §3.1) and the component tree they form, each with the range of original bytes it stands in.
//!
//! Not recursive: depth costs heap, not stack, and is limited. Nothing here prints.

use std::ops::Range;

/// Bounds of one parse. Exceeding any is an error, never a truncation.
#[derive(Clone, Copy, Debug)]
pub struct ParseLimits {
    /// Bytes of the whole text.
    pub bytes_max: usize,
    /// Content lines after unfolding.
    pub lines_max: usize,
    /// Bytes of one unfolded line.
    pub line_bytes_max: usize,
    /// Nesting depth of components, VCALENDAR being 1.
    pub depth_max: usize,
    /// Components of all depths.
    pub components_max: usize,
    /// Parameters of one line.
    pub parameters_max: usize,
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self { bytes_max: 10 << 20, lines_max: 200_000, line_bytes_max: 8 << 20, depth_max: 8, components_max: 20_000, parameters_max: 64 }
    }
}

/// One parameter (RFC 5545 §3.2): name in upper case, values without their quotes and with RFC 6868 carets decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Upper case.
    pub name: String,
    /// At least one.
    pub values: Vec<String>,
}

/// One unfolded content line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentLine {
    /// Upper case.
    pub name: String,
    /// In their order.
    pub parameters: Vec<Parameter>,
    /// The value as it stands after unfolding: TEXT escapes are kept.
    pub value: String,
    /// The original bytes, folds and line end included.
    pub span: Range<usize>,
}

impl ContentLine {
    /// First value of the parameter `name` (given in upper case).
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|p| p.name == name).and_then(|p| p.values.first()).map(String::as_str)
    }
}

/// A component: its lines and sub-components, each list in original order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Upper case, e.g. `VEVENT`.
    pub name: String,
    /// Property lines, without BEGIN and END.
    pub lines: Vec<ContentLine>,
    /// Direct sub-components.
    pub components: Vec<Component>,
    /// The original bytes from BEGIN through END, line ends included.
    pub span: Range<usize>,
    /// The original bytes of the END line: what is added to a component is added before `end_span.start`.
    pub end_span: Range<usize>,
}

impl Component {
    /// First line named `name` (upper case).
    pub fn line(&self, name: &str) -> Option<&ContentLine> {
        self.lines.iter().find(|l| l.name == name)
    }
    /// All lines named `name` (upper case).
    pub fn lines_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a ContentLine> {
        self.lines.iter().filter(move |l| l.name == name)
    }
}

/// Why a text is not iCalendar: fixed words that quote nothing of the text, and the line number where it shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ParseError {
    /// 1-based physical line.
    pub line: usize,
    /// What is wrong.
    pub reason: &'static str,
}

/// Parses exactly one top-level component and nothing after it.
pub fn parse(text: &str, limits: &ParseLimits) -> Result<Component, ParseError> {
    let mut all = parse_stream(text, limits)?;
    match (all.pop(), all.is_empty()) {
        (Some(component), true) => Ok(component),
        _ => Err(ParseError { line: 1, reason: "expected exactly one top-level component" }),
    }
}

/// Parses a stream of top-level components (RFC 5545 §3.4: several VCALENDAR may follow each other).
pub fn parse_stream(text: &str, limits: &ParseLimits) -> Result<Vec<Component>, ParseError> {
    let _ = (text, limits);
    todo!()
}

/// Unescapes a TEXT value (RFC 5545 §3.3.11).
pub fn unescape_text(value: &str) -> String {
    let _ = value;
    todo!()
}

/// Escapes a TEXT value (RFC 5545 §3.3.11); control characters other than newline and tab are dropped.
pub fn escape_text(text: &str) -> String {
    let _ = text;
    todo!()
}
