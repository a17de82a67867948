//! What a partition is called.

use std::fmt;
use std::sync::Arc;

use super::InvalidInput;
use super::limits::check_name;

/// The name of a [partition](crate::partition), such as `eu`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionName(Arc<str>);

impl PartitionName {
    /// A name of 1 to 255 bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] when it is empty, longer, or holds a control character.
    pub fn new(name: impl Into<Arc<str>>) -> Result<Self, InvalidInput> {
        let name = name.into();
        check_name("the name of a partition", &name)?;
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PartitionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PartitionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}
