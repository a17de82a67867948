//! Checks of single fields, before any handler runs.

use std::fmt;

/// A message that can check its own fields. The derives implement it from
/// the `#[check(..)]` attributes.
pub trait Validate {
    /// Checks the fields.
    ///
    /// # Errors
    ///
    /// All violations, in the order of the fields.
    fn validate(&self) -> Result<(), Violations> {
        Ok(())
    }
}

/// One field that breaks one rule.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Violation {
    /// The path of the field, such as `address.city`.
    pub field: String,
    /// The rule: `required`, `min`, `max`, `length`, `email`, or your own.
    pub code: &'static str,
    /// What is wrong, without the value.
    pub message: String,
}

/// The fields that break a rule; never empty in an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn add(
        &mut self,
        field: impl Into<String>,
        code: &'static str,
        message: impl fmt::Display,
    ) {
        self.0.push(Violation { field: field.into(), code, message: message.to_string() });
    }

    /// Adds those of a nested value under its field's name.
    pub fn nest(&mut self, field: &str, inner: Result<(), Self>) {
        for mut violation in inner.err().into_iter().flat_map(|inner| inner.0) {
            violation.field = format!("{field}.{}", violation.field);
            self.0.push(violation);
        }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Violation> {
        self.0.iter()
    }

    /// `Ok` when there are none.
    ///
    /// # Errors
    ///
    /// Itself, when there are some.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "; " };
            write!(f, "{gap}{}: {} ({})", violation.field, violation.message, violation.code)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

/// The rules behind `#[check(..)]`.
pub mod rules {
    use super::Violations;

    /// What can be empty.
    #[diagnostic::on_unimplemented(
        message = "`#[check(required)]` cannot check a `{Self}`",
        label = "a field with this check is text, a list or an `Option`",
        note = "check a number by `min` and `max`, and anything else by `custom = path::to::check`"
    )]
    pub trait Blank {
        /// Whether there is nothing in it.
        fn is_blank(&self) -> bool;
    }

    /// What has a length, in characters or elements.
    #[diagnostic::on_unimplemented(
        message = "`#[check(length(..))]` cannot check a `{Self}`",
        label = "a field with this check is text or a list",
        note = "check a number by `min` and `max`, and anything else by `custom = path::to::check`"
    )]
    pub trait Length {
        /// The length.
        fn length(&self) -> usize;
    }

    impl Blank for str {
        fn is_blank(&self) -> bool {
            self.trim().is_empty()
        }
    }

    impl Blank for String {
        fn is_blank(&self) -> bool {
            self.as_str().is_blank()
        }
    }

    impl<T> Blank for Vec<T> {
        fn is_blank(&self) -> bool {
            self.is_empty()
        }
    }

    impl<T> Blank for Option<T> {
        fn is_blank(&self) -> bool {
            self.is_none()
        }
    }

    impl Length for str {
        fn length(&self) -> usize {
            self.chars().count()
        }
    }

    impl Length for String {
        fn length(&self) -> usize {
            self.as_str().length()
        }
    }

    impl<T> Length for Vec<T> {
        fn length(&self) -> usize {
            self.len()
        }
    }

    /// Not empty, not only white space, not `None`.
    pub fn required<T: Blank + ?Sized>(value: &T, field: &str, found: &mut Violations) {
        if value.is_blank() {
            found.add(field, "required", "must be given");
        }
    }

    /// At least `limit`.
    pub fn min<T: PartialOrd + std::fmt::Display>(
        value: &T,
        limit: &T,
        field: &str,
        found: &mut Violations,
    ) {
        if value.partial_cmp(limit).is_none_or(std::cmp::Ordering::is_lt) {
            found.add(field, "min", format_args!("must be at least {limit}"));
        }
    }

    /// At most `limit`.
    pub fn max<T: PartialOrd + std::fmt::Display>(
        value: &T,
        limit: &T,
        field: &str,
        found: &mut Violations,
    ) {
        if value.partial_cmp(limit).is_none_or(std::cmp::Ordering::is_gt) {
            found.add(field, "max", format_args!("must be at most {limit}"));
        }
    }

    /// A length between two bounds, both included, in characters or elements.
    pub fn length<T: Length + ?Sized>(
        value: &T,
        (low, high): (usize, usize),
        field: &str,
        found: &mut Violations,
    ) {
        let length = value.length();
        if length < low {
            found.add(field, "length", format_args!("must have at least {low}, has {length}"));
        } else if length > high {
            found.add(field, "length", format_args!("must have at most {high}, has {length}"));
        }
    }

    /// One `@` with something before it and a dotted name after it, at most
    /// 254 bytes (RFC 5321). Only a sent message proves an address.
    pub fn email(value: &str, field: &str, found: &mut Violations) {
        if !is_email(value) {
            found.add(field, "email", "must be an e-mail address");
        }
    }

    fn is_email(text: &str) -> bool {
        let Some((local, domain)) = text.rsplit_once('@') else { return false };
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '@';
        text.len() <= 254
            && (1..=64).contains(&local.len())
            && local.chars().all(plain)
            && domain.contains('.')
            && domain.split('.').all(|label| {
                (1..=63).contains(&label.len())
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn addresses_are_told_from_other_text() {
            for good in ["a@b.cz", "first.last+tag@sub.example.org", "ü@exämple.de"] {
                assert!(is_email(good), "{good}");
            }
            for bad in ["", "a", "a@", "@b.cz", "a@b", "a b@c.de", "a@b..c", "a@-b.c", "a@@b.c"] {
                assert!(!is_email(bad), "{bad}");
            }
        }

        #[test]
        fn nan_breaks_every_bound() {
            let mut found = Violations::new();
            min(&f64::NAN, &0.0, "x", &mut found);
            max(&f64::NAN, &0.0, "x", &mut found);
            assert_eq!(found.iter().count(), 2);
        }
    }
}
