//! What stands in the parentheses of an attribute: `key`, `key = value`,
//! `key(..)`. Every mistake is noted and the rest is still read.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, LitInt, LitStr, Path, Token, Type};

use crate::code::Code;
use crate::ctxt::Ctxt;
use cqrs_schema::nearest;

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
    /// `key(..)`, with an example of what stands inside.
    List(&'static str),
    /// `key` or `key = "text"`
    FlagOrText,
    /// A key of another place, which this names.
    Elsewhere(&'static str),
}

impl Form {
    fn example(self, key: &str) -> String {
        match self {
            Self::Elsewhere(place) => format!("`{key}` {place}"),
            Self::Flag => format!("`{key}` alone"),
            Self::Text => format!("`{key} = \"..\"`"),
            Self::Number => format!("`{key} = 1`"),
            Self::Type => format!("`{key} = Type`"),
            Self::Expr => format!("`{key} = value`"),
            Self::Path => format!("`{key} = path`"),
            Self::List(inside) => format!("`{key}({inside})`"),
            Self::FlagOrText => format!("`{key}` or `{key} = \"..\"`"),
        }
    }
}

/// The table of an attribute's keys.
pub(crate) type Keys = [(&'static str, Form)];

pub(crate) enum Value {
    Flag,
    Text(LitStr),
    Number(LitInt),
    Type(Box<Type>),
    Expr(Box<Expr>),
    Path(Path),
    List(TokenStream),
    /// Of another form; reported already.
    Malformed,
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
        keys: &Keys,
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
        keys: &Keys,
        ctxt: &mut Ctxt,
    ) -> Self {
        let mut args = Self { found: Vec::new() };
        args.read(tokens, name, keys, ctxt);
        args
    }

    fn read(&mut self, tokens: TokenStream, name: &'static str, keys: &Keys, ctxt: &mut Ctxt) {
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                self.one(input, name, keys, ctxt)?;
                if input.is_empty() || input.parse::<Token![,]>().is_ok() {
                    continue;
                }
                let next = input.cursor().token_stream().into_iter().next();
                ctxt.error(next, Code::ATTRIBUTE_VALUE, "put a `,` before this");
                if !input.peek(Ident::peek_any) {
                    skip_value(input)?;
                    let _: Option<Token![,]> = input.parse()?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            ctxt.push(error);
        }
    }

    fn one(
        &mut self,
        input: ParseStream<'_>,
        name: &'static str,
        keys: &Keys,
        ctxt: &mut Ctxt,
    ) -> syn::Result<()> {
        if !input.peek(Ident::peek_any) {
            let next = input.cursor().token_stream().into_iter().next();
            let message = format!("begin with the name of an argument: {}", list_of(keys));
            ctxt.error(next, Code::ATTRIBUTE_VALUE, message);
            return skip_value(input);
        }
        let key = input.call(Ident::parse_any)?;
        let text = key.to_string();
        let here = |form: &Form| !matches!(form, Form::Elsewhere(_));
        let known = match keys.iter().find(|(known, _)| *known == text) {
            Some((known, form)) if here(form) => Some((*known, *form)),
            Some((_, form)) => {
                let message = format!("write {}", form.example(&text));
                ctxt.error(&key, Code::UNKNOWN_ATTRIBUTE, message);
                return skip_value(input);
            }
            None => None,
        };
        // What is probably meant is read as if it stood there, so that one
        // wrong letter is one error.
        let near = known.or_else(|| {
            let names = keys.iter().filter(|(_, form)| here(form)).map(|(known, _)| *known);
            let name = nearest(&text, names)?;
            keys.iter().copied().find(|(known, _)| *known == name)
        });
        if known.is_none() {
            let hint = match near {
                Some((near, _)) => format!("did you mean `{near}`?"),
                None if keys.iter().any(|(_, form)| here(form)) => {
                    format!("there are {}", list_of(keys))
                }
                None => "there are none".to_owned(),
            };
            let message = format!("unknown `{name}` attribute `{text}`; {hint}");
            ctxt.error(&key, Code::UNKNOWN_ATTRIBUTE, message);
        }
        let Some((near, form)) = near else { return skip_value(input) };
        let value = match value(input, form) {
            Ok(value) => value,
            Err(_) => {
                if known.is_some() {
                    let message = format!("write {}", form.example(near));
                    ctxt.error(&key, Code::ATTRIBUTE_VALUE, message);
                }
                skip_value(input)?;
                Value::Malformed
            }
        };
        if !self.has(near) {
            self.found.push((Ident::new(near, key.span()), value));
        } else if known.is_some() {
            let message = format!("`{text}` is given twice; keep one");
            ctxt.error(&key, Code::REPEATED_ATTRIBUTE, message);
        }
        Ok(())
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.found.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub(crate) fn key(&self, key: &str) -> Option<&Ident> {
        self.found.iter().map(|(known, _)| known).find(|known| *known == key)
    }

    /// Where the value of a key stands, or the key itself.
    pub(crate) fn value_span(&self, key: &str) -> Span {
        match (self.get(key), self.key(key)) {
            (Some(Value::Number(number)), _) => number.span(),
            (_, Some(key)) => key.span(),
            _ => Span::call_site(),
        }
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

    /// A number from 1, if one is given.
    pub(crate) fn count(&self, key: &str, ctxt: &mut Ctxt) -> Option<u32> {
        let Some(Value::Number(number)) = self.get(key) else { return None };
        let count = number.base10_parse::<u32>().ok().filter(|count| *count > 0);
        if count.is_none() {
            ctxt.error(number, Code::ATTRIBUTE_VALUE, "write a number from 1 to 4294967295");
        }
        count
    }

    /// A version: a number from 1.
    pub(crate) fn version(&self, key: &str, ctxt: &mut Ctxt) -> u32 {
        let Some(Value::Number(number)) = self.get(key) else { return 1 };
        match number.base10_parse::<u32>() {
            Ok(version) if version > 0 => version,
            _ => {
                let message = "write a version from 1 to 4294967295";
                ctxt.error(number, Code::ATTRIBUTE_VALUE, message);
                1
            }
        }
    }

    /// A type that must be given; without it, one that says so.
    pub(crate) fn required_type(
        &self,
        key: &'static str,
        name: &str,
        at: &Ident,
        ctxt: &mut Ctxt,
    ) -> Type {
        if let Some(ty) = self.ty(key) {
            return ty.clone();
        }
        if let Some(key) = self.key(key) {
            // Word for word what is reported already: the compiler shows it once.
            let message = format!("write {}", Form::Type.example(&key.to_string()));
            return ctxt.error_type(key, Code::ATTRIBUTE_VALUE, message);
        }
        let message = format!("add `#[{name}({key} = ..)]` to `{at}`");
        ctxt.error_type(at, Code::MISSING_ATTRIBUTE, message)
    }

    /// A wire name: given, or made from the name of an item.
    pub(crate) fn name(&self, default: String, item: &Ident, ctxt: &mut Ctxt) -> String {
        let Some(text) = self.text("name") else {
            if !is_name(&default) {
                let message = format!(
                    "give `{item}` a stored name of its own: `name = \"..\"`\nhelp: `{default}` has \
                     other characters than {NAME_CHARACTERS}"
                );
                ctxt.error(item, Code::NAME, message);
            }
            return default;
        };
        check_name(text, ctxt);
        text.value()
    }
}

const NAME_CHARACTERS: &str = "a-z A-Z 0-9 . _ -";

/// Notes a name that is not well-formed.
pub(crate) fn check_name(text: &LitStr, ctxt: &mut Ctxt) -> bool {
    let well_formed = is_name(&text.value());
    if !well_formed {
        let message = format!("write a name of 1 to 255 of the characters {NAME_CHARACTERS}");
        ctxt.error(text, Code::NAME, message);
    }
    well_formed
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=255).contains(&name.len()) && name.chars().all(allowed)
}

fn list_of(keys: &Keys) -> String {
    let here = keys.iter().filter(|(_, form)| !matches!(form, Form::Elsewhere(_)));
    here.map(|(key, _)| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

fn value(input: ParseStream<'_>, form: Form) -> syn::Result<Value> {
    // Tried on a copy, so that a value of another form can be skipped whole.
    let ahead = input.fork();
    let value = read_value(&ahead, form)?;
    let alone = matches!(value, Value::Flag);
    if alone && (ahead.peek(Token![=]) || ahead.peek(syn::token::Paren)) {
        return Err(ahead.error("a value"));
    }
    input.advance_to(&ahead);
    Ok(value)
}

fn read_value(input: ParseStream<'_>, form: Form) -> syn::Result<Value> {
    if form == Form::Flag || (form == Form::FlagOrText && !input.peek(Token![=])) {
        return Ok(Value::Flag);
    }
    if matches!(form, Form::List(_)) {
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
        _ => Value::Expr(input.parse()?),
    })
}

/// Goes on to the next comma, so that one mistake is one error.
fn skip_value(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}
