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
    /// TZIDs of one calendar object: each is looked up, compared with known zones, and kept.
    pub zones_max: usize,
}

impl Default for ParseLimits {
    fn default() -> Self {
        Self {
            bytes_max: 10 << 20,
            lines_max: 200_000,
            line_bytes_max: 8 << 20,
            depth_max: 8,
            components_max: 20_000,
            parameters_max: 64,
            zones_max: 64,
        }
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
///
/// Line ends may be CRLF or LF, a byte order mark may stand first, the last line may lack its end, and empty lines are
/// passed over (their bytes belong to the line before them). The spans of the components, joined, are the whole text but
/// for a byte order mark and empty lines at its beginning.
pub fn parse_stream(text: &str, limits: &ParseLimits) -> Result<Vec<Component>, ParseError> {
    if text.len() > limits.bytes_max {
        return Err(ParseError { line: 1, reason: "more bytes than the limit" });
    }
    let mut tree = Tree::new(limits);
    let mut lines = Lines::new(text, limits);
    let mut folded = String::new();
    while let Some(line) = lines.next_line(&mut folded)? {
        tree.add(&line).map_err(|reason| ParseError { line: line.number, reason })?;
    }
    tree.finish().map_err(|reason| ParseError { line: lines.number.max(1), reason })
}

/// The components read so far and those still open, outermost first.
struct Tree<'l> {
    limits: &'l ParseLimits,
    open: Vec<Component>,
    closed: Vec<Component>,
    components: usize,
}

impl<'l> Tree<'l> {
    fn new(limits: &'l ParseLimits) -> Self {
        Self { limits, open: Vec::new(), closed: Vec::new(), components: 0 }
    }

    fn add(&mut self, line: &RawLine<'_>) -> Result<(), &'static str> {
        let line = parse_line(line, self.limits)?;
        match line.name.as_str() {
            "BEGIN" => self.begin(&line),
            "END" => self.end(&line),
            _ => match self.open.last_mut() {
                Some(component) => {
                    component.lines.push(line);
                    Ok(())
                }
                None => Err("a property outside of any component"),
            },
        }
    }

    fn begin(&mut self, line: &ContentLine) -> Result<(), &'static str> {
        if self.open.len() >= self.limits.depth_max {
            return Err("components nested deeper than the limit");
        }
        self.components += 1;
        if self.components > self.limits.components_max {
            return Err("more components than the limit");
        }
        let name = component_name(line)?;
        self.open.push(Component { name, lines: Vec::new(), components: Vec::new(), span: line.span.clone(), end_span: 0..0 });
        Ok(())
    }

    fn end(&mut self, line: &ContentLine) -> Result<(), &'static str> {
        let name = component_name(line)?;
        let mut component = self.open.pop().ok_or("END without BEGIN")?;
        if component.name != name {
            return Err("END does not match BEGIN");
        }
        component.span.end = line.span.end;
        component.end_span = line.span.clone();
        match self.open.last_mut() {
            Some(parent) => parent.components.push(component),
            None => self.closed.push(component),
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<Component>, &'static str> {
        if self.open.is_empty() { Ok(self.closed) } else { Err("BEGIN without END") }
    }
}

/// The component a BEGIN or END line names. Parameters there are refused: readers disagree on what they would mean.
fn component_name(line: &ContentLine) -> Result<String, &'static str> {
    if !line.parameters.is_empty() {
        return Err("a parameter on BEGIN or END");
    }
    if line.value.is_empty() || !line.value.bytes().all(is_name_byte) {
        return Err("malformed component name");
    }
    Ok(line.value.to_ascii_uppercase())
}

/// An unfolded line that is not split into its parts yet.
struct RawLine<'a> {
    content: &'a str,
    span: Range<usize>,
    /// 1-based physical line on which it begins.
    number: usize,
}

/// Walks over the text once, physical line by physical line.
struct Lines<'a> {
    text: &'a str,
    position: usize,
    /// Physical lines passed.
    number: usize,
    content_lines: usize,
    limits: &'a ParseLimits,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str, limits: &'a ParseLimits) -> Self {
        let position = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, position, number: 0, content_lines: 0, limits }
    }

    /// The next content line; `folded` is room for one that has to be put together.
    fn next_line<'b>(&mut self, folded: &'b mut String) -> Result<Option<RawLine<'b>>, ParseError>
    where
        'a: 'b,
    {
        self.skip_empty_lines()?;
        let start = self.position;
        let number = self.number + 1;
        let Some(first) = self.physical_line()? else { return Ok(None) };
        if first.starts_with([' ', '\t']) {
            return Err(ParseError { line: number, reason: "a continuation of nothing" });
        }
        self.content_lines += 1;
        if self.content_lines > self.limits.lines_max {
            return Err(ParseError { line: number, reason: "more lines than the limit" });
        }
        let mut content: &'b str = first;
        if self.at_continuation() {
            folded.clear();
            folded.push_str(first);
            while self.at_continuation() {
                self.position += 1;
                folded.push_str(self.physical_line()?.unwrap_or_default());
                self.check_line_bytes(folded)?;
            }
            content = folded;
        }
        self.check_line_bytes(content)?;
        self.skip_empty_lines()?;
        Ok(Some(RawLine { content, span: start..self.position, number }))
    }

    fn check_line_bytes(&self, content: &str) -> Result<(), ParseError> {
        if content.len() > self.limits.line_bytes_max {
            return Err(ParseError { line: self.number, reason: "a line longer than the limit" });
        }
        Ok(())
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn at_continuation(&self) -> bool {
        matches!(self.text.as_bytes().get(self.position), Some(b' ' | b'\t'))
    }

    /// Passes over line ends where a line should begin. What follows must not be a continuation: some readers would add it
    /// to the line before the empty one, others begin a line with it.
    fn skip_empty_lines(&mut self) -> Result<(), ParseError> {
        let mut skipped = 0;
        loop {
            let rest = self.rest().as_bytes();
            let length = match rest {
                [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                _ => break,
            };
            skipped += 1;
            self.position += length;
            self.number += 1;
        }
        if skipped > 0 && self.at_continuation() {
            return Err(ParseError { line: self.number + 1, reason: "a continuation of an empty line" });
        }
        Ok(())
    }

    /// The rest of the physical line without its end, which is passed over too; `None` at the end of the text.
    fn physical_line(&mut self) -> Result<Option<&'a str>, ParseError> {
        let rest = self.rest();
        if rest.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let (line, length) = match rest.split_once('\n') {
            Some((line, _)) => (line.strip_suffix('\r').unwrap_or(line), line.len() + 1),
            None => (rest, rest.len()),
        };
        self.position += length;
        if line.bytes().any(is_refused_control) {
            return Err(ParseError { line: self.number, reason: "a control character" });
        }
        Ok(Some(line))
    }
}

/// CONTROL of RFC 5545 §3.1: all but HTAB. A bare CR is among them, since some readers take it for a line end.
fn is_refused_control(byte: u8) -> bool {
    (byte < 0x20 && byte != b'\t') || byte == 0x7f
}

/// Bytes of property, parameter and component names: those of RFC 5545 §3.1, and `_` and `.`, which occur in X-names.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Takes a name off the front of `rest`.
fn take_name<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let length = rest.bytes().take_while(|byte| is_name_byte(*byte)).count();
    let (name, after) = rest.split_at_checked(length)?;
    *rest = after;
    (!name.is_empty()).then_some(name)
}

/// Splits one unfolded line into name, parameters and value.
fn parse_line(line: &RawLine<'_>, limits: &ParseLimits) -> Result<ContentLine, &'static str> {
    let mut rest = line.content;
    let name = take_name(&mut rest).ok_or("a line without a property name")?.to_ascii_uppercase();
    let mut parameters = Vec::new();
    while let Some(after) = rest.strip_prefix(';') {
        if parameters.len() >= limits.parameters_max {
            return Err("more parameters than the limit");
        }
        rest = after;
        match take_parameter(&mut rest) {
            Ok(parameter) => parameters.push(parameter),
            Err(_) if name.starts_with("X-") => return unread_parameters(name, after, line),
            Err(reason) => return Err(reason),
        }
    }
    let value = rest.strip_prefix(':').ok_or("a line without a colon")?;
    Ok(ContentLine { name, parameters, value: value.to_owned(), span: line.span.clone() })
}

/// A line of a client's own whose parameters cannot be read: kept without any. iOS 26 writes an unquoted `\;` into
/// X-TITLE when a place's address has a semicolon. Nothing hangs on what such a line says; refused, it would keep the event
/// from being stored at all.
fn unread_parameters(name: String, rest: &str, line: &RawLine<'_>) -> Result<ContentLine, &'static str> {
    let (_, value) = rest.split_once(':').ok_or("a line without a colon")?;
    Ok(ContentLine { name, parameters: Vec::new(), value: value.to_owned(), span: line.span.clone() })
}

/// Takes `NAME=value,value` off the front of `rest`.
fn take_parameter(rest: &mut &str) -> Result<Parameter, &'static str> {
    let name = take_name(rest).ok_or("a parameter without a name")?.to_ascii_uppercase();
    *rest = rest.strip_prefix('=').ok_or("a parameter without a value")?;
    let mut values = vec![take_parameter_value(rest)?];
    while let Some(after) = rest.strip_prefix(',') {
        *rest = after;
        values.push(take_parameter_value(rest)?);
    }
    Ok(Parameter { name, values })
}

/// Takes one parameter value, quoted or not, off the front of `rest`.
fn take_parameter_value(rest: &mut &str) -> Result<String, &'static str> {
    let (value, after) = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or("a quoted parameter value without its end")?,
        None => {
            let length = rest.bytes().take_while(|byte| !matches!(byte, b';' | b':' | b',' | b'"')).count();
            rest.split_at_checked(length).ok_or("a malformed parameter value")?
        }
    };
    if !after.starts_with([';', ':', ',']) {
        return Err("a malformed parameter value");
    }
    *rest = after;
    Ok(decode_carets(value))
}

/// Decodes `^n`, `^^` and `^'` (RFC 6868); any other caret stands for itself.
fn decode_carets(value: &str) -> String {
    if !value.contains('^') {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len());
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        let decoded = match (character, characters.peek()) {
            ('^', Some('n')) => Some('\n'),
            ('^', Some('^')) => Some('^'),
            ('^', Some('\'')) => Some('"'),
            _ => None,
        };
        if decoded.is_some() {
            characters.next();
        }
        out.push(decoded.unwrap_or(character));
    }
    out
}

/// Unescapes a TEXT value (RFC 5545 §3.3.11). A backslash before any other character is dropped.
pub fn unescape_text(value: &str) -> String {
    if !value.contains('\\') {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            other => out.push(other),
        }
    }
    out
}

/// Escapes a TEXT value (RFC 5545 §3.3.11); control characters other than newline and tab are dropped.
pub fn escape_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\\' | ';' | ',' => {
                out.push('\\');
                out.push(character);
            }
            '\t' => out.push('\t'),
            other if other.is_control() => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests;
