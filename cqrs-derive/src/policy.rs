//! What the attributes of messages and handlers say about policies.
//!
//! Values are read here, so that a wrong one is an error at its token; what is
//! written into the expansion are numbers.

use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;

use crate::args::{Args, Form};
use crate::code::Code;
use crate::ctxt::Ctxt;
use crate::krate::Krate;

/// The keys of an attribute that can say something about policies: its own,
/// and these.
macro_rules! with_policy {
    ($(($key:literal, $form:expr)),* $(,)?) => {
        &[
            $(($key, $form),)*
            ("timeout", $crate::args::Form::Text),
            ("retry", $crate::args::Form::Text),
            ("rate_limit", $crate::args::Form::Text),
            ("concurrency", $crate::args::Form::Number),
            ("role", $crate::args::Form::Text),
            ("policy", $crate::args::Form::Text),
            ("public", $crate::args::Form::Flag),
            ("authenticated", $crate::args::Form::Flag),
            ("breaker", $crate::args::Form::Text),
            ("audit", $crate::args::Form::Flag),
        ]
    };
}
pub(crate) use with_policy;

/// Where the answers of queries are said to be kept.
pub(crate) const CACHE_ELSEWHERE: Form =
    Form::Elsewhere("at the query: `#[query(cache = \"10m\")]`");

/// The literal of what the arguments say, and `NONE` if that is nothing.
pub(crate) fn settings(args: &Args, krate: &Krate, ctxt: &mut Ctxt) -> TokenStream {
    let private = krate.private();
    let is = |value: TokenStream| quote!(#private::Setting::Is(#value));
    let off = || quote!(#private::Setting::Off);
    let unsaid = || quote!(#private::Setting::Unsaid);
    let duration = |nanos: u64| quote!(::core::time::Duration::from_nanos(#nanos));
    let timeout = said(args, "timeout", ctxt, read_duration, DURATION);
    let cache = said(args, "cache", ctxt, read_duration, DURATION);
    let keeps = args.has("cache");
    let retry = said(args, "retry", ctxt, read_retry, RETRY);
    let rate = said(args, "rate_limit", ctxt, read_rate, RATE);
    let concurrency = args.count("concurrency", ctxt);
    let access = access(args, &private, ctxt);
    let breaker = args.text("breaker").filter(|name| check(name, ctxt));
    let audit = args.has("audit");
    let is_said = timeout.is_some() || keeps || retry.is_some() || rate.is_some();
    if !is_said && concurrency.is_none() && access.is_none() && breaker.is_none() && !audit {
        return quote!(#private::PolicySettings::NONE);
    }
    let time = |value: Option<Option<u64>>| match value {
        None => unsaid(),
        Some(None) => off(),
        Some(Some(nanos)) => is(duration(nanos)),
    };
    let timeout = time(timeout);
    let cache = match cache {
        None if keeps => is(quote!(::core::option::Option::None)),
        None => unsaid(),
        Some(None) => off(),
        Some(Some(nanos)) => {
            let ttl = duration(nanos);
            is(quote!(::core::option::Option::Some(#ttl)))
        }
    };
    let count = |value: Option<Option<u32>>| match value {
        None => unsaid(),
        Some(None) => off(),
        Some(Some(count)) => is(quote!(#count)),
    };
    let (retries, conflicts) = match retry {
        None => (unsaid(), unsaid()),
        Some(None) => (off(), off()),
        Some(Some(Retry { retries, conflicts })) => {
            (count(retries.map(Some)), count(conflicts.map(Some)))
        }
    };
    let rate = match rate {
        None => unsaid(),
        Some(None) => off(),
        Some(Some(Rate { limit, nanos, burst, key })) => {
            let (per, key) = (duration(nanos), quote::format_ident!("{key}"));
            is(quote!(#private::rate(#limit, #per, #burst, #private::RateKey::#key)))
        }
    };
    let concurrency = match concurrency {
        None => unsaid(),
        Some(limit) => is(quote!(#private::at_least_one(#limit))),
    };
    let access = access.map_or_else(unsaid, is);
    let breaker = breaker.map_or_else(unsaid, |name| is(quote!(#private::Cow::Borrowed(#name))));
    let audit = if audit { is(quote!(())) } else { unsaid() };
    quote! {
        const { &#private::PolicySettings {
            timeout: #timeout,
            retries: #retries,
            conflicts: #conflicts,
            rate: #rate,
            access: #access,
            breaker: #breaker,
            concurrency: #concurrency,
            cache: #cache,
            audit: #audit,
        } }
    }
}

const DURATION: &str = "a duration such as \"2s\", \"500ms\" or \"10m\", or \"off\"";
const RETRY: &str = "how often, such as \"3\", \"conflict(3)\" or \"3, conflict(10)\", or \"off\"";
const RATE: &str =
    "a rate such as \"100/s\", \"10/500ms burst 20\" or \"5000/m per tenant\", or \"off\"";

/// The value of a key: not given, off, or read.
fn said<T>(
    args: &Args,
    key: &str,
    ctxt: &mut Ctxt,
    read: impl Fn(&str) -> Option<T>,
    expected: &str,
) -> Option<Option<T>> {
    let text = args.text(key)?;
    let value = text.value();
    if value == "off" {
        return Some(None);
    }
    let found = read(value.trim());
    if found.is_none() {
        ctxt.error(text, Code::ATTRIBUTE_VALUE, format!("write {expected}"));
    }
    found.map(Some)
}

/// Who may call, by the one key that says it.
fn access(args: &Args, private: &TokenStream, ctxt: &mut Ctxt) -> Option<TokenStream> {
    let given: Vec<_> = ["role", "policy", "public", "authenticated"]
        .into_iter()
        .filter_map(|key| args.key(key))
        .collect();
    if let [first, second, ..] = given.as_slice() {
        let message = format!("keep one of `{first}` and `{second}`: each says who may call");
        ctxt.error(second, Code::ATTRIBUTE_VALUE, message);
        return None;
    }
    if let Some(text) = args.text("role") {
        let value = text.value();
        let roles: Vec<&str> = value.split('|').map(str::trim).collect();
        if roles.iter().any(|role| role.is_empty()) {
            ctxt.error(
                text,
                Code::ATTRIBUTE_VALUE,
                "write a role such as \"admin\", or several: \"admin | clerk\"",
            );
            return None;
        }
        return Some(quote! {
            #private::Access::Roles(#private::Cow::Borrowed(&[#(#private::Cow::Borrowed(#roles)),*]))
        });
    }
    if let Some(name) = args.text("policy").filter(|name| check(name, ctxt)) {
        return Some(quote!(#private::Access::Policy(#private::Cow::Borrowed(#name))));
    }
    if args.has("public") {
        return Some(quote!(#private::Access::Public));
    }
    args.has("authenticated").then(|| quote!(#private::Access::Authenticated))
}

fn check(name: &LitStr, ctxt: &mut Ctxt) -> bool {
    crate::args::check_name(name, ctxt)
}

struct Retry {
    retries: Option<u32>,
    conflicts: Option<u32>,
}

fn read_retry(text: &str) -> Option<Retry> {
    let mut retry = Retry { retries: None, conflicts: None };
    for part in text.split(',').map(str::trim) {
        let inner = part.strip_prefix("conflict(").and_then(|rest| rest.strip_suffix(')'));
        let (place, number) = match inner {
            Some(number) => (&mut retry.conflicts, number),
            None => (&mut retry.retries, part),
        };
        if place.is_some() {
            return None;
        }
        *place = Some(number.trim().parse().ok().filter(|count| *count <= 1_000)?);
    }
    Some(retry)
}

struct Rate {
    limit: u32,
    nanos: u64,
    burst: u32,
    key: &'static str,
}

fn read_rate(text: &str) -> Option<Rate> {
    let (text, key) = match text.rsplit_once(" per ") {
        None => (text, "Caller"),
        Some((text, "caller")) => (text, "Caller"),
        Some((text, "tenant")) => (text, "Tenant"),
        Some((text, "handler")) => (text, "Handler"),
        Some(_) => return None,
    };
    let (text, burst) = match text.split_once("burst") {
        None => (text, None),
        Some((text, burst)) => (text, Some(burst.trim().parse::<u32>().ok()?)),
    };
    let (limit, per) = text.split_once('/')?;
    let limit: u32 = limit.trim().parse().ok()?;
    let per = per.trim();
    let nanos = if per.starts_with(|c: char| c.is_ascii_digit()) {
        read_duration(per)?
    } else {
        read_duration(&format!("1{per}"))?
    };
    let burst = burst.unwrap_or(limit);
    (limit > 0 && burst > 0).then_some(Rate { limit, nanos, burst, key })
}

/// Nanoseconds; no duration is zero or longer than a year.
fn read_duration(text: &str) -> Option<u64> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let nanos: f64 = match unit {
        "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3_600e9,
        _ => return None,
    };
    let plain = number.trim();
    if plain.is_empty() || !plain.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let nanos = plain.parse::<f64>().ok()? * nanos;
    (1.0..=366.0 * 86_400e9).contains(&nanos).then_some(nanos.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_a_sensible_length() {
        let cases = [
            ("2s", Some(2_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            ("200ms", Some(200_000_000)),
            ("10m", Some(600_000_000_000)),
            ("2h", Some(7_200_000_000_000)),
            ("30", None),
            ("0s", None),
            ("-1s", None),
            ("1e3s", None),
            ("s", None),
            ("9999999h", None),
            ("1d", None),
        ];
        for (text, nanos) in cases {
            assert_eq!(read_duration(text), nanos, "{text}");
        }
    }

    #[test]
    fn a_rate_says_how_many_in_what_time_of_whom() {
        let read =
            |text| read_rate(text).map(|rate| (rate.limit, rate.nanos, rate.burst, rate.key));
        assert_eq!(read("100/s"), Some((100, 1_000_000_000, 100, "Caller")));
        assert_eq!(read("10/500ms burst 20"), Some((10, 500_000_000, 20, "Caller")));
        assert_eq!(read("5000/m per tenant"), Some((5_000, 60_000_000_000, 5_000, "Tenant")));
        assert_eq!(read("1/s burst 3 per handler"), Some((1, 1_000_000_000, 3, "Handler")));
        for wrong in ["100", "0/s", "100/", "100/s burst 0", "100/s per planet", "x/s", "1/s burst"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn retries_are_counted_by_their_reason() {
        let read = |text| read_retry(text).map(|retry| (retry.retries, retry.conflicts));
        assert_eq!(read("3"), Some((Some(3), None)));
        assert_eq!(read("conflict(3)"), Some((None, Some(3))));
        assert_eq!(read("3, conflict(10)"), Some((Some(3), Some(10))));
        for wrong in
            ["", "three", "conflict", "conflict()", "3, 4", "conflict(1), conflict(2)", "9999"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
