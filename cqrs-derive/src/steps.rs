//! The steps between versions: `upcast(1 => function, 2 as OldType)`.

use proc_macro2::{Span, TokenStream};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{LitInt, LitStr, Path, Token, Type};

use crate::args::{Args, check_name};
use crate::code::Code;
use crate::ctxt::Ctxt;

/// A step from a version, or to one.
pub(crate) struct Step {
    pub(crate) version: u32,
    pub(crate) how: How,
}

pub(crate) enum How {
    /// `1 => function`
    Function(Path),
    /// `1 as OldType`
    Type(Box<Type>),
}

/// The versions of one event type.
#[derive(Default)]
pub(crate) struct Versions {
    pub(crate) current: u32,
    /// The first that was ever stored, where that is said.
    pub(crate) first: Option<(u32, Span)>,
    /// From each version to the next, oldest first.
    pub(crate) up: Vec<Step>,
    /// To each older version.
    pub(crate) down: Vec<Step>,
    /// Names that it was stored under before.
    pub(crate) formerly: Vec<LitStr>,
}

impl Versions {
    /// Reads and checks what the attributes of an event type say.
    pub(crate) fn of(args: &Args, event: &str, ctxt: &mut Ctxt) -> Self {
        let current = args.version("version", ctxt);
        let first = args.version("first", ctxt);
        // Where a step could not be read, none is missing.
        let mut up_ctxt = Ctxt::new();
        let mut up = steps(args, "upcast", true, &mut up_ctxt);
        let is_whole = up_ctxt.is_clean() && (args.list("upcast").is_some() || !args.has("upcast"));
        ctxt.take(up_ctxt);
        let mut down = steps(args, "downcast", false, ctxt);
        if let Some(key) = args.key("first").filter(|_| first > current) {
            let message = format!("write a version up to {current}: the event is at that version");
            ctxt.error(key, Code::STEP_WITHOUT_VERSION, message);
        } else {
            in_range(&up, first, current, "upcast", ctxt);
            in_range(&down, first, current, "downcast", ctxt);
            if is_whole {
                contiguous(args, &up, first, current, event, ctxt);
            }
        }
        up.sort_by_key(|(step, _)| step.version);
        down.sort_by_key(|(step, _)| step.version);
        let bare = |steps: Vec<(Step, LitInt)>| steps.into_iter().map(|(step, _)| step).collect();
        let formerly = names(args, "formerly", ctxt);
        let first = args.has("first").then(|| (first, args.value_span("first")));
        Self { current, first, up: bare(up), down: bare(down), formerly }
    }
}

/// A list of stored names.
pub(crate) fn names(args: &Args, key: &'static str, ctxt: &mut Ctxt) -> Vec<LitStr> {
    let Some(tokens) = args.list(key) else { return Vec::new() };
    match Punctuated::<LitStr, Token![,]>::parse_terminated.parse2(tokens) {
        Ok(names) => names.into_iter().filter(|name| check_name(name, ctxt)).collect(),
        Err(error) => {
            let message = format!("write stored names here: `{key}(\"old.name\")`");
            ctxt.error_at(error.span(), Code::STEP_FORM, message);
            Vec::new()
        }
    }
}

fn steps(args: &Args, key: &'static str, types: bool, ctxt: &mut Ctxt) -> Vec<(Step, LitInt)> {
    let Some(tokens) = args.list(key) else { return Vec::new() };
    let mut found: Vec<(Step, LitInt)> = Vec::new();
    let mut mistakes = Ctxt::new();
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            if let Some(step) = step(input, key, types, &mut mistakes)? {
                found.push(step);
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        ctxt.error_at(error.span(), Code::STEP_FORM, form(key, types));
    }
    ctxt.take(mistakes);
    let mut seen: Vec<u32> = Vec::new();
    found.retain(|(step, at)| {
        let repeated = seen.contains(&step.version);
        if repeated {
            let message = format!("keep one step for version {}", step.version);
            ctxt.error(at, Code::REPEATED_STEP, message);
        }
        seen.push(step.version);
        !repeated
    });
    found
}

fn form(key: &str, types: bool) -> String {
    if types {
        format!("write `{key}(1 => function)`, or `{key}(1 as OldType)`")
    } else {
        format!("write `{key}(1 => function)`")
    }
}

fn step(
    input: ParseStream<'_>,
    key: &str,
    types: bool,
    ctxt: &mut Ctxt,
) -> syn::Result<Option<(Step, LitInt)>> {
    let number: LitInt = input.parse()?;
    let how = if types && input.peek(Token![as]) {
        input.parse::<Token![as]>()?;
        How::Type(input.parse()?)
    } else {
        input.parse::<Token![=>]>()?;
        let ahead = input.fork();
        let path = Path::parse_mod_style(&ahead);
        let ends = ahead.is_empty() || ahead.peek(Token![,]);
        match path {
            Ok(path) if ends => {
                input.advance_to(&ahead);
                How::Function(path)
            }
            _ => {
                let start = input.span();
                while !input.is_empty() && !input.peek(Token![,]) {
                    input.parse::<proc_macro2::TokenTree>()?;
                }
                let message = format!("name a function here: `{key}(1 => function)`");
                ctxt.error_at(start, Code::STEP_FORM, message);
                return Ok(None);
            }
        }
    };
    match number.base10_parse::<u32>() {
        Ok(version) if version > 0 => Ok(Some((Step { version, how }, number))),
        _ => {
            let message = "write a version from 1 to 4294967295";
            ctxt.error(&number, Code::ATTRIBUTE_VALUE, message);
            Ok(None)
        }
    }
}

/// Every step starts from a version that was stored before the current one.
fn in_range(steps: &[(Step, LitInt)], first: u32, current: u32, key: &str, ctxt: &mut Ctxt) {
    for (step, at) in steps {
        if (first..current).contains(&step.version) {
            continue;
        }
        let message = match (step.version < first, key) {
            (true, _) => {
                format!("remove this step: `first = {first}` says that the version never was")
            }
            (false, "upcast") => format!(
                "give the event `version = {}`: a step from version {} leads there",
                u64::from(step.version) + 1,
                step.version
            ),
            (false, _) => format!("remove this step: the event is at version {current}"),
        };
        ctxt.error(at, Code::STEP_WITHOUT_VERSION, message);
    }
}

/// There is a step from every version before the current one.
fn contiguous(
    args: &Args,
    steps: &[(Step, LitInt)],
    first: u32,
    current: u32,
    event: &str,
    ctxt: &mut Ctxt,
) {
    let has = |version: u32| steps.iter().any(|(step, _)| step.version == version);
    // A version may be any number: only the first ones that are missing count.
    let missing: Vec<u32> = (first..current).filter(|version| !has(*version)).take(4).collect();
    let Some(one) = missing.first() else { return };
    let list: Vec<String> = missing.iter().take(3).map(u32::to_string).collect();
    let more = if missing.len() > 3 { ", .." } else { "" };
    let noun = if missing.len() == 1 { "version" } else { "versions" };
    let message = format!(
        "add `upcast({one} => function)`: `{event}` has no upcaster from {noun} {}{more}\nhelp: a \
         version that was never stored needs none: `first = {current}`",
        list.join(", ")
    );
    let at = args.value_span("version");
    ctxt.error_at(at, Code::MISSING_UPCASTER, message);
}

impl Step {
    /// The tokens that a mistake in the step belongs to.
    pub(crate) fn span(&self) -> proc_macro2::Span {
        match &self.how {
            How::Function(path) => path.span(),
            How::Type(ty) => ty.span(),
        }
    }
}

/// The mark of a type that is all that is known of something.
pub(crate) fn phantom(ty: &TokenStream) -> TokenStream {
    quote::quote!(::core::marker::PhantomData::<#ty>)
}

/// A stored type that is no type any more.
pub(crate) struct Retired {
    pub(crate) name: LitStr,
    /// What makes other events of it; without one, nothing comes of it.
    into: Option<Path>,
}

/// Reads `retired("old.name", "other.name" => function)`.
pub(crate) fn retired(args: &Args, ctxt: &mut Ctxt) -> Vec<Retired> {
    let Some(tokens) = args.list("retired") else { return Vec::new() };
    let parser = |input: ParseStream<'_>| {
        let one = |input: ParseStream<'_>| {
            let name = input.parse()?;
            let into = match input.parse::<Option<Token![=>]>>()? {
                Some(_) => Some(input.call(Path::parse_mod_style)?),
                None => None,
            };
            Ok(Retired { name, into })
        };
        Punctuated::<Retired, Token![,]>::parse_terminated_with(input, one)
    };
    match parser.parse2(tokens) {
        Ok(all) => all.into_iter().filter(|one| check_name(&one.name, ctxt)).collect(),
        Err(error) => {
            let message = "write `retired(\"old.name\")`, or `retired(\"old.name\" => function)` for \
                           what has become other events";
            ctxt.error_at(error.span(), Code::STEP_FORM, message);
            Vec::new()
        }
    }
}

impl Retired {
    /// The arm that reads it.
    pub(crate) fn arm(&self, private: &TokenStream) -> TokenStream {
        let name = &self.name;
        let Some(path) = &self.into else {
            return quote::quote! {
                #name => ::core::result::Result::Ok(#private::Decoded::none()),
            };
        };
        let step = quote::quote_spanned!(path.span()=> step);
        let function = quote::quote_spanned!(path.span()=> &#path);
        quote::quote! {
            #name => {
                let chain = #private::Chain::<Self::Codec>::new(record);
                let (fed, version) = (#private::Fed::<_, Self>::Ahead, record.schema_version().get());
                let next = ::core::marker::PhantomData::<#private::TheCurrentVersion<#private::Never>>;
                let fed = chain.#step(next, fed, version, #function)?;
                chain.finish::<#private::Never, Self>(fed, version, |never| match never {})
            }
        }
    }
}
