//! Lines of text as a shape.

use std::fmt;

use crate::shape::{Field, Presence, Scalar, Shape, Tagging, Variant};
use crate::text::INDENT;

/// Lines that describe no shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError {
    /// The line, counted from 1 within the text.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl std::error::Error for ShapeError {}

/// Structs and enums inside each other beyond which a text is refused.
const DEEPEST: usize = 128;

/// Reads what [`render`](crate::render) wrote without indentation. The shape
/// lives as long as the process.
///
/// # Errors
///
/// [`ShapeError`] at the first line that describes no shape.
pub fn parse(text: &str) -> Result<&'static Shape, ShapeError> {
    let lines: Vec<Line<'_>> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| Line::of(index + 1, line))
        .collect::<Result<_, _>>()?;
    let mut reader = Reader { lines: &lines, at: 0 };
    let shape = reader.top()?;
    match reader.peek() {
        None => Ok(shape),
        Some(line) => Err(line.error("this line stands too deep")),
    }
}

struct Line<'a> {
    number: usize,
    depth: usize,
    /// The words before the colon, and those behind it.
    label: Vec<Word>,
    shape: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    text: String,
    quoted: bool,
}

impl Word {
    fn is(&self, word: &str) -> bool {
        !self.quoted && self.text == word
    }
}

impl<'a> Line<'a> {
    fn of(number: usize, text: &'a str) -> Result<Self, ShapeError> {
        let problem = |problem: &str| ShapeError { line: number, problem: problem.to_owned() };
        let content = text.trim_start_matches(' ');
        let indent = text.len() - content.len();
        if !indent.is_multiple_of(INDENT) {
            return Err(problem("the indentation is not a multiple of two spaces"));
        }
        let (label, rest) = words(content, Some(':')).map_err(|error| problem(&error))?;
        let shape = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(": ").ok_or_else(|| problem("a space is missing"))?),
        };
        if label.is_empty() {
            return Err(problem("a name is missing"));
        }
        Ok(Self { number, depth: indent / INDENT, label, shape })
    }

    fn error(&self, problem: impl fmt::Display) -> ShapeError {
        ShapeError { line: self.number, problem: problem.to_string() }
    }

    /// The name, the marks and the aliases of a label.
    fn named(&self) -> Result<(&'static str, Vec<&Word>, &'static [&'static str]), ShapeError> {
        let (name, mut rest) = self.label.split_first().expect("a label has a word");
        let mut marks = Vec::new();
        let mut aliases = Vec::new();
        while let Some((word, behind)) = rest.split_first() {
            rest = behind;
            if !word.is("alias") {
                marks.push(word);
                continue;
            }
            let (alias, behind) =
                rest.split_first().ok_or_else(|| self.error("a name is missing after `alias`"))?;
            rest = behind;
            aliases.push(keep(&alias.text));
        }
        Ok((keep(&name.text), marks, Vec::leak(aliases)))
    }
}

/// Splits into words, up to a stop outside quotes; gives what follows.
fn words(text: &str, stop: Option<char>) -> Result<(Vec<Word>, &str), String> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(' ');
        let Some(first) = rest.chars().next() else { return Ok((found, rest)) };
        if Some(first) == stop {
            return Ok((found, rest));
        }
        if first == '"' {
            let (word, behind) = unquoted(rest)?;
            found.push(Word { text: word, quoted: true });
            rest = behind;
        } else {
            let end = rest.find(|c: char| c == ' ' || Some(c) == stop).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            found.push(Word { text: word.to_owned(), quoted: false });
            rest = behind;
        }
    }
}

/// A text in quotes at the front, and what follows.
fn unquoted(text: &str) -> Result<(String, &str), String> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((out, &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, c @ ('"' | '\\'))) => out.push(c),
                Some((_, 'u')) => {
                    let digits: String =
                        chars.by_ref().map(|(_, c)| c).take_while(|c| *c != '}').collect();
                    let code =
                        digits.strip_prefix('{').and_then(|hex| u32::from_str_radix(hex, 16).ok());
                    let c = code.and_then(char::from_u32).ok_or("an escape names no character")?;
                    out.push(c);
                }
                _ => return Err("a backslash escapes nothing".to_owned()),
            },
            c => out.push(c),
        }
    }
    Err("a quote is not closed".to_owned())
}

/// Texts and shapes that are read live as long as the process: a lock file is
/// read once, and what it says is compared with constants.
fn keep(text: &str) -> &'static str {
    String::leak(text.to_owned())
}

fn kept(shape: Shape) -> &'static Shape {
    Box::leak(Box::new(shape))
}

struct Reader<'a> {
    lines: &'a [Line<'a>],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Line<'a>> {
        self.lines.get(self.at)
    }

    /// The next line, if it stands at this depth.
    fn next(&mut self, depth: usize) -> Result<Option<&'a Line<'a>>, ShapeError> {
        let Some(line) = self.peek().filter(|line| line.depth >= depth) else { return Ok(None) };
        if line.depth > depth {
            return Err(line.error("this line stands too deep"));
        }
        if depth > DEEPEST {
            return Err(line.error(format_args!("nested deeper than {DEEPEST} levels")));
        }
        self.at += 1;
        Ok(Some(line))
    }

    fn top(&mut self) -> Result<&'static Shape, ShapeError> {
        let is_one_line = self.peek().is_some_and(|line| {
            line.depth == 0 && line.label.first().is_some_and(|word| word.is("is"))
        });
        if !is_one_line {
            return Ok(kept(Shape::fields(self.fields(0)?)));
        }
        let line = self.next(0)?.expect("it was looked at");
        self.content(line, 1)
    }

    fn fields(&mut self, depth: usize) -> Result<&'static [Field], ShapeError> {
        let mut fields: Vec<Field> = Vec::new();
        while let Some(line) = self.next(depth)? {
            let (name, marks, aliases) = line.named()?;
            let mut presence = Presence::Required;
            for mark in marks {
                if !mark.is("default") {
                    return Err(line.error(format_args!("`{}` says nothing here", mark.text)));
                }
                presence = Presence::Defaulted;
            }
            let flattened = line.label.first().is_some_and(|word| word.is(".."));
            if flattened {
                presence = Presence::Flattened;
            } else if fields.iter().any(|field| field.name == name) {
                return Err(line.error(format_args!("`{name}` stands twice")));
            }
            let shape = self.content(line, depth + 1)?;
            let name = if flattened { "" } else { name };
            fields.push(Field { name, aliases, presence, shape });
        }
        Ok(Vec::leak(fields))
    }

    fn variants(&mut self, depth: usize) -> Result<&'static [Variant], ShapeError> {
        let mut variants: Vec<Variant> = Vec::new();
        while let Some(line) = self.next(depth)? {
            let (name, marks, aliases) = line.named()?;
            let mut other = false;
            for mark in marks {
                if !mark.is("other") {
                    return Err(line.error(format_args!("`{}` says nothing here", mark.text)));
                }
                other = true;
            }
            if variants.iter().any(|variant| variant.name == name) {
                return Err(line.error(format_args!("`{name}` stands twice")));
            }
            let content = match line.shape {
                Some(_) => Some(self.content(line, depth + 1)?),
                None => None,
            };
            variants.push(Variant { name, aliases, other, content });
        }
        Ok(Vec::leak(variants))
    }

    /// The shape behind the colon of a line, with the lines below it.
    fn content(&mut self, line: &Line<'_>, depth: usize) -> Result<&'static Shape, ShapeError> {
        let text = line.shape.ok_or_else(|| line.error("a colon and a shape are missing"))?;
        let (words, _) = words(text, None).map_err(|error| line.error(error))?;
        if words.len() > DEEPEST {
            return Err(line.error("a shape of too many words"));
        }
        self.shape(line, &words, depth)
    }

    fn shape(
        &mut self,
        line: &Line<'_>,
        words: &[Word],
        depth: usize,
    ) -> Result<&'static Shape, ShapeError> {
        let plain: Vec<&str> =
            words.iter().map(|word| if word.quoted { "\"" } else { &*word.text }).collect();
        let shape = match plain.as_slice() {
            ["optional", ..] => Shape::Optional(self.shape(line, &words[1..], depth)?),
            ["list", "of", ..] => Shape::List(self.shape(line, &words[2..], depth)?),
            ["set", "of", ..] => Shape::Set(self.shape(line, &words[2..], depth)?),
            ["array", "of", length, ..] => {
                let length = length.parse();
                let length = length.map_err(|_| line.error("an array without a length"))?;
                Shape::Array(length, self.shape(line, &words[3..], depth)?)
            }
            ["map", "from", key, "to", ..] => {
                let key = Scalar::of_word(key)
                    .ok_or_else(|| line.error(format_args!("`{key}` is no key")))?;
                let value = self.shape(line, &words[4..], depth)?;
                Shape::Map(kept(Shape::Scalar(key)), value)
            }
            ["map"] => Shape::Map(self.part(line, "key", depth)?, self.part(line, "value", depth)?),
            ["tuple"] => {
                let mut parts = Vec::new();
                while let Some(part) = self.next(depth)? {
                    if !part.label.first().is_some_and(|word| word.is(&parts.len().to_string())) {
                        return Err(part.error(format_args!("part {} is missing", parts.len())));
                    }
                    parts.push(self.content(part, depth + 1)?);
                }
                Shape::Tuple(Vec::leak(parts))
            }
            ["struct"] => Shape::Struct { fields: self.fields(depth)?, closed: false },
            ["closed", "struct"] => Shape::Struct { fields: self.fields(depth)?, closed: true },
            ["enum", tagging @ ..] => {
                let tagging = match tagging {
                    [] => Tagging::External,
                    ["without", "tag"] => Tagging::Untagged,
                    ["by", _] => Tagging::Internal { tag: keep(&words[2].text) },
                    ["by", _, "in", _] => Tagging::Adjacent {
                        tag: keep(&words[2].text),
                        content: keep(&words[4].text),
                    },
                    _ => return Err(line.error("the enum is told in no known way")),
                };
                Shape::Enum { tagging, variants: self.variants(depth)? }
            }
            ["opaque", "\""] => Shape::opaque(keep(&words[1].text)),
            ["above", levels] => {
                let levels = levels.parse();
                Shape::Above(levels.map_err(|_| line.error("`above` without a number"))?)
            }
            [word] if let Some(scalar) = Scalar::of_word(word) => Shape::Scalar(scalar),
            [] => return Err(line.error("a shape is missing")),
            _ => {
                let text: Vec<&str> = words.iter().map(|word| &*word.text).collect();
                return Err(line.error(format_args!("`{}` is no shape", text.join(" "))));
            }
        };
        Ok(kept(shape))
    }

    fn part(
        &mut self,
        line: &Line<'_>,
        name: &str,
        depth: usize,
    ) -> Result<&'static Shape, ShapeError> {
        let part = self.next(depth)?.filter(|part| part.label.first().is_some_and(|w| w.is(name)));
        let part = part.ok_or_else(|| line.error(format_args!("the map has no `{name}`")))?;
        self.content(part, depth + 1)
    }
}
