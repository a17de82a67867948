//! The codes of mistakes, and the net under every macro.

use std::fmt;

use proc_macro2::TokenStream;
use quote::quote;

/// The stable code of a mistake, as in `[CQ101]`; one page each in the
/// documentation of `cqrs-core`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CQ{:03}", self.0)
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal;)*) => {
        impl Code {
            $(
                $(#[doc = $doc])*
                #[allow(dead_code, reason = "some are reported by the comparison in `cqrs-core`")]
                pub(crate) const $name: Self = Self($number);
            )*
        }
    };
}

codes! {
    /// An attribute that does not exist.
    UNKNOWN_ATTRIBUTE = 101;
    /// An attribute that stands twice.
    REPEATED_ATTRIBUTE = 102;
    /// An attribute whose value has another form.
    ATTRIBUTE_VALUE = 103;
    /// An attribute that must be given and is not.
    MISSING_ATTRIBUTE = 104;
    /// The derive or attribute does not fit the item.
    WRONG_ITEM = 105;
    /// A wire or stored name that is not well-formed.
    NAME = 106;
    /// A serde attribute that would change what is stored.
    SERDE_ATTRIBUTE = 107;
    /// Two fields are marked as the id.
    TWO_IDS = 201;
    /// Two event types of an enum share a name.
    DUPLICATE_EVENT_NAME = 301;
    /// A variant has a shape that cannot evolve.
    VARIANT_SHAPE = 302;
    /// An upcaster is missing between two versions.
    MISSING_UPCASTER = 303;
    /// A step between versions stands twice.
    REPEATED_STEP = 304;
    /// A step from a version that the event does not have.
    STEP_WITHOUT_VERSION = 305;
    /// An attribute hides what is stored.
    HIDDEN_SHAPE = 306;
    /// What is to become of unknown events is said in no known way.
    UNKNOWN_EVENTS = 307;
    /// A step that is written in no known way.
    STEP_FORM = 308;
    /// Two parts or values would be stored in the same way.
    STORED_ALIKE = 309;
    /// The name of an event does not say that something has happened.
    TENSE = 310;
    /// `apply` has a wildcard arm.
    WILDCARD_ARM = 401;
    /// The impl below `#[apply]` is not that of `Apply`.
    NOT_AN_APPLY_IMPL = 402;
    /// A decision is asynchronous.
    ASYNC_DECISION = 501;
    /// A decision takes something that would make it impure.
    IMPURE_DECISION = 502;
    /// A method that is no decision.
    NOT_A_DECISION = 503;
    /// A handler without its message as first parameter.
    NO_MESSAGE = 601;
    /// A handler whose return type is not written as `Result<..>`.
    HANDLER_RESULT = 602;
    /// A handler with generic parameters.
    GENERIC_HANDLER = 603;
    /// A method marked as a handler outside `#[handlers]`.
    METHOD_OUTSIDE_HANDLERS = 604;
    /// An impl marked `#[handlers]` without a handler.
    NO_HANDLERS = 605;
    /// A method of a service that does not take `&self`.
    RECEIVER = 606;
    /// The text of a rejection names no field.
    REJECTION_TEXT = 701;
    /// The shape of an event differs from the recorded one; reported by the
    /// comparison in `cqrs-core`.
    SHAPE_CHANGED = 801;
    /// The same of the type for an old version.
    PAST_SHAPE_CHANGED = 802;
    /// The lock file cannot be used.
    LOCK_FILE = 803;
    /// A mistake of the macro itself.
    INTERNAL = 999;
}

/// Runs a derive; a panic in it becomes an error that says so.
pub(crate) fn guarded(derive: impl FnOnce() -> TokenStream) -> TokenStream {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(derive)).unwrap_or_else(|_| internal())
}

/// Runs an attribute; after a panic in it the item is still there.
pub(crate) fn guarded_item(
    original: TokenStream,
    attribute: impl FnOnce() -> TokenStream,
) -> TokenStream {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(attribute)).unwrap_or_else(|_| {
        let error = internal();
        quote!(#original #error)
    })
}

fn internal() -> TokenStream {
    let version = env!("CARGO_PKG_VERSION");
    let message = format!(
        "internal error in cqrs-derive {version}; please report it with this item [{}]",
        Code::INTERNAL
    );
    quote!(::core::compile_error!(#message);)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_panic_the_item_and_a_message_remain() {
        let kept = guarded_item(
            quote!(
                struct Account;
            ),
            || panic!("on purpose"),
        )
        .to_string();
        assert!(kept.starts_with("struct Account ;"), "{kept}");
        assert!(kept.contains("[CQ999]"), "{kept}");
        assert!(guarded(|| panic!("on purpose")).to_string().contains("[CQ999]"));
    }
}
