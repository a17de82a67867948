//! The macro that declares every key once. Out of one list it makes the
//! structs, their defaults and the table of keys; reading, writing, checking
//! and comparing all walk that table, so that none of them can know another
//! set of keys.

macro_rules! settings {
    (
        $(#[doc = $about:literal])*
        $config:ident {
            $($(#[doc = $section_doc:literal])*
            $section:ident: $struct:ident {
                $($(#[doc = $doc:literal])*
                $key:ident: $type:ty = $default:expr, in $bounds:expr, $change:ident $unit:literal;)*
            })*
        }
        named {
            $($(#[doc = $named_doc:literal])*
            $named:ident: $named_struct:ident {
                $($(#[doc = $named_key_doc:literal])*
                $named_key:ident: $named_type:ty, in $named_bounds:expr,
                $named_change:ident $named_unit:literal;)*
            })*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq, Default)]
        #[non_exhaustive]
        pub struct $config {
            $($(#[doc = $section_doc])* pub $section: $struct,)*
            $($(#[doc = $named_doc])* pub $named: BTreeMap<String, $named_struct>,)*
        }

        $(#[doc = concat!("The section `", stringify!($section), "`.\n\n")]
        $(#[doc = $section_doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct $struct {
            $($(#[doc = $doc])* pub $key: $type,)*
        }

        impl Default for $struct {
            fn default() -> Self {
                Self { $($key: $default,)* }
            }
        })*

        $(#[doc = concat!("An entry of the section `", stringify!($named), "`.\n\n")]
        $(#[doc = $named_doc])*
        #[derive(Clone, Debug, PartialEq, Default)]
        #[non_exhaustive]
        pub struct $named_struct {
            $($(#[doc = $named_key_doc])* pub $named_key: Option<$named_type>,)*
        })*

        impl $config {
            pub(super) const SECTIONS: &[&str] = &[$(stringify!($section)),*];
            pub(super) const NAMED: &[&str] = &[$(stringify!($named)),*];

            /// The names of the entries of a section that has some.
            pub(super) fn names(&self, section: &str) -> Vec<&str> {
                $(if section == stringify!($named) {
                    return self.$named.keys().map(String::as_str).collect();
                })*
                vec![""]
            }
        }

        pub(super) static KEYS: &[Key] = &[
            $($(Key {
                section: stringify!($section),
                name: stringify!($key),
                path: concat!(stringify!($section), ".", stringify!($key)),
                doc: &[$($doc),*],
                unit: $unit,
                change: Change::$change,
                expected: || <$type as Setting>::expected(&$bounds),
                read: |config, _, input| {
                    config.$section.$key = <$type as Setting>::read(input)?;
                    Ok(())
                },
                show: |config, _| Some(Setting::show(&config.$section.$key)),
                is_within: |config, _| Setting::is_within(&config.$section.$key, &$bounds),
            },)*)*
            $($(Key {
                section: stringify!($named),
                name: stringify!($named_key),
                path: concat!(stringify!($named), ".*.", stringify!($named_key)),
                doc: &[$($named_key_doc),*],
                unit: $named_unit,
                change: Change::$named_change,
                expected: || <$named_type as Setting>::expected(&$named_bounds),
                read: |config, name, input| {
                    let value = <$named_type as Setting>::read(input)?;
                    config.$named.entry(name.to_owned()).or_default().$named_key = Some(value);
                    Ok(())
                },
                show: |config, name| {
                    config.$named.get(name)?.$named_key.as_ref().map(Setting::show)
                },
                is_within: |config, name| {
                    let value = config.$named.get(name).and_then(|one| one.$named_key.as_ref());
                    value.is_none_or(|value| Setting::is_within(value, &$named_bounds))
                },
            },)*)*
        ];
    };
}

pub(super) use settings;
