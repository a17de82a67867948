//! The macros take anything: they neither panic nor lose the item.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use proptest::prelude::*;

use super::{
    aggregate, apply, command, decisions, event, event_handler, guard, handler, id, projection,
    query, rejection, schema, service,
};

type Derive = fn(TokenStream) -> TokenStream;
type Attribute = fn(TokenStream, TokenStream) -> TokenStream;

const DERIVES: &[Derive] = &[
    command::derive,
    query::derive,
    event::derive,
    aggregate::derive,
    id::derive,
    projection::derive,
    rejection::derive,
    schema::derive,
    schema::derive_value,
];

const ATTRIBUTES: &[Attribute] = &[
    apply::attribute,
    decisions::attribute,
    handler::command,
    handler::query,
    event_handler::attribute,
    guard::attribute,
    service::attribute,
];

/// Words that the macros look for, and others.
const WORDS: &[&str] = &[
    "name",
    "version",
    "output",
    "error",
    "crate",
    "tag",
    "prefix",
    "codec",
    "id",
    "event",
    "key",
    "row",
    "snapshot",
    "min",
    "length",
    "contract",
    "allow_wildcard",
    "command",
    "query",
    "aggregate",
    "projection",
    "check",
    "serde",
    "schema",
    "upcast",
    "downcast",
    "formerly",
    "retired",
    "unknown",
    "first",
    "opaque",
    "sample",
    "as",
    "rename",
    "rename_all",
    "alias",
    "default",
    "flatten",
    "with",
    "doc",
    "cfg",
    "apply",
    "Apply",
    "handlers",
    "command_handler",
    "query_handler",
    "event_handler",
    "guard",
    "timeout",
    "retry",
    "rate_limit",
    "concurrency",
    "role",
    "policy",
    "public",
    "authenticated",
    "breaker",
    "audit",
    "cache",
    "shared",
    "start",
    "volatile",
    "attempts",
    "parts",
    "on_failure",
    "Recorded",
    "Delivery",
    "self",
    "Self",
    "r#type",
    "T",
    "Result",
    "Metadata",
    "Returning",
    "String",
    "i64",
    "fn",
    "async",
    "impl",
    "struct",
    "enum",
    "union",
    "for",
    "where",
    "match",
    "mut",
    "pub",
    "dyn",
    "const",
    "unsafe",
    "é",
];
const MARKS: &[&str] =
    &["=", ",", ";", ":", "::", "&", "<", ">", "#", "->", "=>", "|", "'a", "+", "_", "!"];
const LITERALS: &[&str] = &[
    "1",
    "0",
    "2",
    "\"camelCase\"",
    "\"skip\"",
    "\"a b\"",
    "\"account.opened\"",
    "1.5",
    "'c'",
    "99999999999",
    "\"2s\"",
    "\"3, conflict(10)\"",
    "\"10/500ms burst 20 per tenant\"",
    "\"admin | clerk\"",
    "\"off\"",
    "\"now\"",
    "\"\"",
    "b\"x\"",
];

fn any_tokens() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        3 => prop::sample::select(WORDS).prop_map(str::to_owned),
        3 => prop::sample::select(MARKS).prop_map(str::to_owned),
        1 => prop::sample::select(LITERALS).prop_map(str::to_owned),
    ];
    let tree = leaf.prop_recursive(3, 24, 6, |inner| {
        let list = prop::collection::vec(inner, 0..6).prop_map(|parts| parts.join(" "));
        prop_oneof![
            list.clone().prop_map(|inside| format!("({inside})")),
            list.clone().prop_map(|inside| format!("[{inside}]")),
            list.prop_map(|inside| format!("{{{inside}}}")),
        ]
    });
    prop::collection::vec(tree, 0..8).prop_map(|parts| parts.join(" ")).boxed()
}

/// Items of every kind, mostly well-formed, with anything in the attributes.
fn any_item() -> BoxedStrategy<String> {
    let attribute = (
        prop::sample::select(
            &[
                "command",
                "query",
                "event",
                "aggregate",
                "id",
                "projection",
                "check",
                "schema",
                "serde",
                "doc",
            ][..],
        ),
        any_tokens(),
    )
        .prop_map(|(name, args)| format!("#[{name}({args})] "));
    let attributes = prop::collection::vec(attribute, 0..3).prop_map(|all| all.concat()).boxed();
    let ty = prop::sample::select(
        &[
            "i64",
            "String",
            "AccountId",
            "&'a str",
            "Option<T>",
            "&Deposit",
            "()",
            "[u8; 4]",
            "Dep<dyn X>",
        ][..],
    );
    let name =
        prop::sample::select(&["Account", "r#Type", "AccountEvent", "Events", "A1", "Účet"][..]);
    let generics = prop::sample::select(&["", "<T>", "<'a, T: Clone>", "<const N: usize>"][..]);
    let fields = prop::collection::vec((attributes.clone(), ty.clone()), 0..4).boxed();
    let named = fields
        .clone()
        .prop_map(|fields| {
            let fields = fields.iter().enumerate();
            let fields: Vec<_> =
                fields.map(|(index, (attrs, ty))| format!("{attrs} f{index}: {ty}")).collect();
            format!("{{ {} }}", fields.join(", "))
        })
        .boxed();
    let unnamed = fields.prop_map(|fields| {
        let fields: Vec<_> = fields.iter().map(|(attrs, ty)| format!("{attrs} {ty}")).collect();
        format!("( {} )", fields.join(", "))
    });
    let body = prop_oneof![named.clone(), unnamed, Just(String::new())].boxed();
    let structs = (attributes.clone(), name.clone(), generics.clone(), body.clone()).prop_map(
        |(attrs, name, generics, body)| {
            let end = if body.starts_with('{') { "" } else { ";" };
            format!("{attrs} pub struct {name}{generics} {body}{end}")
        },
    );
    let variants = prop::collection::vec((attributes.clone(), body), 0..4);
    let enums = (attributes.clone(), name.clone(), generics.clone(), variants).prop_map(
        |(attrs, name, generics, variants)| {
            let variants = variants.iter().enumerate();
            let variants: Vec<_> =
                variants.map(|(index, (attrs, body))| format!("{attrs} V{index} {body}")).collect();
            format!("{attrs} enum {name}{generics} {{ {} }}", variants.join(", "))
        },
    );
    let unions = (name.clone(), named).prop_map(|(name, body)| format!("union {name} {body}"));
    let function = (
        prop::sample::select(&["", "async ", "pub async ", "const "][..]),
        generics.clone(),
        prop::sample::select(&["", "&self, ", "&mut self, ", "self, "][..]),
        prop::collection::vec(ty.clone(), 0..4),
        prop::sample::select(
            &[
                "",
                "-> i64",
                "-> Result<i64, E>",
                "-> Result<Returning<E, i64>, E>",
                "-> io::Result<()>",
            ][..],
        ),
    )
        .prop_map(|(before, generics, receiver, types, output)| {
            let types = types.iter().enumerate();
            let params: Vec<_> = types.map(|(index, ty)| format!("p{index}: {ty}")).collect();
            format!(
                "{before}fn decide{generics}({receiver}{}) {output} {{ body() }}",
                params.join(", ")
            )
        })
        .boxed();
    let mark = prop::sample::select(
        &["", "#[command_handler]", "#[query_handler(contract)]", "#[contract]", "#[cfg(test)]"][..],
    );
    let methods = prop::collection::vec((mark, function.clone()), 0..3);
    let impls = (
        generics,
        prop::sample::select(&["", "Apply for ", "Clone for "][..]),
        name,
        methods,
        any_tokens(),
    )
        .prop_map(|(generics, of, name, methods, inside)| {
            let methods: Vec<_> =
                methods.iter().map(|(mark, method)| format!("{mark} {method}")).collect();
            let apply = format!("fn apply(&mut self, event: &E) {{ match event {{ {inside} }} }}");
            let apply = if tokens_parse(&apply) { apply } else { String::new() };
            format!("impl{generics} {of}{name} {{ {} {apply} }}", methods.join(" "))
        });
    prop_oneof![structs, enums, unions, function, impls, any_tokens()].boxed()
}

fn tokens_parse(text: &str) -> bool {
    text.parse::<TokenStream>().is_ok_and(|tokens| syn::parse2::<syn::ItemFn>(tokens).is_ok())
}

/// All tokens in order, groups as their delimiters and content.
fn flat(tokens: TokenStream, out: &mut Vec<String>) {
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            out.push(format!("{:?}", group.delimiter()));
            flat(group.stream(), out);
        } else {
            out.push(token.to_string());
        }
    }
}

/// The marks of handlers are read by the attribute of the impl around them
/// and are no attributes of their own, so they do not stay.
fn without_marks(tokens: TokenStream) -> TokenStream {
    let mut out: Vec<TokenTree> = Vec::new();
    for token in tokens {
        let TokenTree::Group(group) = token else {
            out.push(token);
            continue;
        };
        let first = group.stream().into_iter().next().map(|token| token.to_string());
        let is_mark = ["command_handler", "query_handler", "contract"];
        let is_mark = first.is_some_and(|first| is_mark.contains(&first.as_str()));
        if group.delimiter() == Delimiter::Bracket && is_mark {
            out.pop();
        } else {
            out.push(Group::new(group.delimiter(), without_marks(group.stream())).into());
        }
    }
    out.into_iter().collect()
}

fn holds_in_order(whole: TokenStream, part: TokenStream) -> bool {
    let (mut all, mut wanted) = (Vec::new(), Vec::new());
    flat(whole, &mut all);
    flat(part, &mut wanted);
    let mut all = all.into_iter();
    wanted.iter().all(|token| all.any(|other| other == *token))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn derives_take_any_item(item in any_item()) {
        let Ok(item) = item.parse::<TokenStream>() else { return Ok(()) };
        for derive in DERIVES {
            let expansion = derive(item.clone());
            prop_assert!(syn::parse2::<syn::File>(expansion.clone()).is_ok(), "{expansion}");
        }
    }

    #[test]
    fn attributes_take_anything_and_keep_the_item(args in any_tokens(), item in any_item()) {
        let (Ok(args), Ok(item)) = (args.parse::<TokenStream>(), item.parse::<TokenStream>()) else {
            return Ok(());
        };
        let is_item = syn::parse2::<syn::Item>(item.clone()).is_ok();
        for attribute in ATTRIBUTES {
            let expansion = attribute(args.clone(), item.clone());
            if is_item {
                prop_assert!(syn::parse2::<syn::File>(expansion.clone()).is_ok(), "{expansion}");
            }
            let kept = without_marks(item.clone());
            prop_assert!(holds_in_order(without_marks(expansion.clone()), kept), "{expansion}");
        }
    }
}
