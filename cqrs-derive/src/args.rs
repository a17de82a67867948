//! What stands in the parentheses of an attribute: `key`, `key = value`,
//! `key(..)`. Every mistake is noted and the rest is still read.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, LitInt, LitStr, Path, Token, Type};

use crate::case::nearest;
use crate::code::Code;
use crate::ctxt::Ctxt;

/// The form that a key's value must have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `key`
    Flag,
    /// `key = "text"`
    Text,
    /// `key = 1`
    Number,
    /// `key = Type`
    Type,
    /// `key = expression`
    Expr,
    /// `key = path`
    Path,
    /// `key(..)`
    List,
    /// `key` or `key = "text"`
    FlagOrText,
}

impl Form {
    fn example(self, key: &str) -> String {
        match self {
            Self::Flag => format!("`{key}` alone"),
            Self::Text => format!("`{key} = \"..\"`"),
            Self::Number => format!("`{key} = 1`"),
            Self::Type => format!("`{key} = Type`"),
            Self::Expr => format!("`{key} = value`"),
            Self::Path => format!("`{key} = path`"),
            Self::List => format!("`{key}(..)`"),
            Self::FlagOrText => format!("`{key}` or `{key} = \"..\"`"),
        }
    }
}

pub(crate) enum Value {
    Flag,
    Text(LitStr),
    Number(LitInt),
    Type(Box<Type>),
    Expr(Box<Expr>),
    Path(Path),
    List(TokenStream),
}

/// The arguments of all attributes of one name on one item.
pub(crate) struct Args {
    found: Vec<(Ident, Value)>,
}

impl Args {
    /// Reads the attributes called `name`.
    pub(crate) fn of(
        attrs: &[Attribute],
        name: &'static str,
        keys: &[(&'static str, Form)],
        ctxt: &mut Ctxt,
    ) -> Self {
        let mut args = Self { found: Vec::new() };
        for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
            match &attr.meta {
                syn::Meta::List(list) => args.read(list.tokens.clone(), name, keys, ctxt),
                other => {
                    let known = list_of(keys);
                    let message = format!("write `#[{name}(..)]` with {known}");
                    ctxt.error(other, Code::ATTRIBUTE_VALUE, message);
                }
            }
        }
        args
    }

    /// Reads arguments that are already out of their parentheses.
    pub(crate) fn parse(
        tokens: TokenStream,
        name: &'static str,
        keys: &[(&'static str, Form)],
        ctxt: &mut Ctxt,
    ) -> Self {
        let mut args = Self { found: Vec::new() };
        args.read(tokens, name, keys, ctxt);
        args
    }

    fn read(
        &mut self,
        tokens: TokenStream,
        name: &'static str,
        keys: &[(&'static str, Form)],
        ctxt: &mut Ctxt,
    ) {
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                let before = input.cursor();
                if let Err(error) = self.one(input, name, keys, ctxt) {
                    ctxt.push(error);
                    skip_value(input)?;
                }
                if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                    let rest = input.cursor().token_stream();
                    ctxt.error(rest, Code::ATTRIBUTE_VALUE, "expected `,`");
                    skip_value(input)?;
                    if input.cursor() == before {
                        break;
                    }
                    let _: Option<Token![,]> = input.parse()?;
                }
            }
            input.parse::<TokenStream>().map(drop)
        };
        if let Err(error) = parser.parse2(tokens) {
            ctxt.push(error);
        }
    }

    fn one(
        &mut self,
        input: ParseStream<'_>,
        name: &'static str,
        keys: &[(&'static str, Form)],
        ctxt: &mut Ctxt,
    ) -> syn::Result<()> {
        let key = input.call(Ident::parse_any)?;
        let text = key.to_string();
        let Some((_, form)) = keys.iter().find(|(known, _)| *known == text) else {
            let hint = match nearest(&text, keys.iter().map(|(known, _)| *known)) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("there are {}", list_of(keys)),
            };
            let message = format!("unknown `{name}` attribute `{text}`; {hint}");
            ctxt.error(&key, Code::UNKNOWN_ATTRIBUTE, message);
            return skip_value(input);
        };
        let value = match value(input, *form) {
            Ok(value) => value,
            Err(_) => {
                let message = format!("write {}", form.example(&text));
                ctxt.error(&key, Code::ATTRIBUTE_VALUE, message);
                return skip_value(input);
            }
        };
        if self.found.iter().any(|(known, _)| *known == key) {
            let message = format!("`{text}` is given twice; keep one");
            ctxt.error(&key, Code::REPEATED_ATTRIBUTE, message);
        } else {
            self.found.push((key, value));
        }
        Ok(())
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.found.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub(crate) fn key(&self, key: &str) -> Option<&Ident> {
        self.found.iter().map(|(known, _)| known).find(|known| *known == key)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn text(&self, key: &str) -> Option<&LitStr> {
        match self.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn ty(&self, key: &str) -> Option<&Type> {
        match self.get(key)? {
            Value::Type(ty) => Some(ty),
            _ => None,
        }
    }

    pub(crate) fn expr(&self, key: &str) -> Option<&Expr> {
        match self.get(key)? {
            Value::Expr(expr) => Some(expr),
            _ => None,
        }
    }

    pub(crate) fn path(&self, key: &str) -> Option<&Path> {
        match self.get(key)? {
            Value::Path(path) => Some(path),
            _ => None,
        }
    }

    pub(crate) fn list(&self, key: &str) -> Option<TokenStream> {
        match self.get(key)? {
            Value::List(tokens) => Some(tokens.clone()),
            _ => None,
        }
    }

    /// A version: a number from 1.
    pub(crate) fn version(&self, key: &str, ctxt: &mut Ctxt) -> u32 {
        let Some(Value::Number(number)) = self.get(key) else { return 1 };
        match number.base10_parse::<u32>() {
            Ok(version) if version > 0 => version,
            _ => {
                ctxt.error(number, Code::ATTRIBUTE_VALUE, "versions count from 1");
                1
            }
        }
    }

    /// A type that must be given.
    pub(crate) fn required_type(
        &self,
        key: &'static str,
        name: &str,
        at: &Ident,
        ctxt: &mut Ctxt,
    ) -> Option<Type> {
        let found = self.ty(key).cloned();
        if found.is_none() && !self.has(key) {
            let message = format!("add `#[{name}({key} = ..)]` to `{at}`");
            ctxt.error(at, Code::MISSING_ATTRIBUTE, message);
        }
        found
    }

    /// A wire name: given, or made from the item's.
    pub(crate) fn name(&self, default: String, ctxt: &mut Ctxt) -> String {
        let Some(text) = self.text("name") else { return default };
        let name = text.value();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
            let message = "a name has 1 to 255 of the characters a-z A-Z 0-9 . _ -";
            ctxt.error(text, Code::NAME, message);
        }
        name
    }
}

fn list_of(keys: &[(&'static str, Form)]) -> String {
    keys.iter().map(|(key, _)| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

fn value(input: ParseStream<'_>, form: Form) -> syn::Result<Value> {
    let ahead = input.fork();
    let read = |input: ParseStream<'_>| -> syn::Result<Value> {
        if form == Form::Flag || (form == Form::FlagOrText && !input.peek(Token![=])) {
            return Ok(Value::Flag);
        }
        if form == Form::List {
            let content;
            syn::parenthesized!(content in input);
            return content.parse().map(Value::List);
        }
        input.parse::<Token![=]>()?;
        Ok(match form {
            Form::Text | Form::FlagOrText => Value::Text(input.parse()?),
            Form::Number => Value::Number(input.parse()?),
            Form::Type => Value::Type(input.parse()?),
            Form::Path => Value::Path(input.call(Path::parse_mod_style)?),
            Form::Expr | Form::Flag | Form::List => Value::Expr(input.parse()?),
        })
    };
    let well_formed = read(&ahead).is_ok() && (ahead.is_empty() || ahead.peek(Token![,]));
    if well_formed { read(input) } else { Err(input.error("another form")) }
}

/// Goes on to the next comma, so that one mistake is one error.
fn skip_value(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}
