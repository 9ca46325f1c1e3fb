//! Writing HTML: markup is our own and stands in the program, text is anybody's and leaves escaped. There is no third way in.

/// A document in the making.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Appends markup, which is part of the program.
    pub(super) fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }
    /// Appends text, as it reads. Also within the quotes of an attribute.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(character),
                other if other.is_control() => {}
                other => self.0.push(other),
            }
        }
        self
    }
    /// Appends what somebody wrote, in whatever language and direction, so that it turns nothing around it and nobody reads it
    /// aloud as if it were the page's own.
    pub(super) fn foreign(&mut self, text: &str) -> &mut Self {
        self.markup("<bdi lang=\"\">").text(text).markup("</bdi>")
    }
    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
    /// The document.
    pub(super) fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_can_neither_begin_a_tag_nor_end_an_attribute() {
        let mut html = Html::default();
        html.markup("<p title=\"").text("\" onload='x'\u{0}\r&amp;").markup("\">").foreign("<script>1 < 2 && 2 > 1</script>\u{85}");
        let written = "<p title=\"&quot; onload=&#39;x&#39;&amp;amp;\"><bdi lang=\"\">&lt;script&gt;1 &lt; 2 &amp;&amp; 2 &gt; 1&lt;/script&gt;</bdi>";
        assert_eq!(html.into_string(), written);
    }
}
