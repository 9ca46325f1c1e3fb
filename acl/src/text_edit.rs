//! Changing a few places of a text and copying the rest byte for byte, in one pass.

use std::ops::Range;

/// One place: these bytes become that text. An empty range inserts.
#[derive(Clone, Debug)]
pub(crate) struct TextEdit {
    pub(crate) range: Range<usize>,
    pub(crate) text: String,
}

impl TextEdit {
    /// Takes the range out.
    pub(crate) fn remove(range: Range<usize>) -> Self {
        Self { range, text: String::new() }
    }
    /// Puts `text` before the byte at `at`.
    pub(crate) fn insert(at: usize, text: String) -> Self {
        Self { range: at..at, text }
    }
}

/// Applies `edits`, whose ranges do not overlap. Several inserts at one place keep their order and stand before a removal
/// that begins there.
pub(crate) fn apply(text: &str, mut edits: Vec<TextEdit>) -> String {
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let added: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut out = String::with_capacity(text.len() + added);
    let mut copied = 0;
    for edit in edits {
        // Ranges come from the parse of this very text, so that they lie in it and on character boundaries.
        out.push_str(text.get(copied..edit.range.start).unwrap_or_default());
        out.push_str(&edit.text);
        copied = copied.max(edit.range.end);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_copied() {
        let edits = vec![TextEdit::remove(7..9), TextEdit::insert(2, "X".into()), TextEdit::insert(2, "Y".into()), TextEdit::remove(2..4)];
        assert_eq!(apply("0123456789", edits), "01XY4569");
        assert_eq!(apply("0123456789", Vec::new()), "0123456789");
    }
}
