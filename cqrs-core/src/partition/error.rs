//! What can go wrong between tenants and their partitions.

use super::PartitionName;
use crate::error::{Code, ErrorCode};
use crate::message::TenantId;
use crate::registry::BuildError;
use crate::store::{CommitError, InvalidInput, InvalidStreamId, ReadError};

/// A tenant's partition could not be told, or partitions could not be opened.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartitionError {
    /// No partition has the tenant.
    #[error("tenant {tenant:?} is unknown; `add_tenant` gives it a partition")]
    UnknownTenant {
        /// The tenant.
        tenant: TenantId,
    },
    /// The tenant lives where this process has no store for, or elsewhere than
    /// it was to be added.
    #[error("tenant {tenant:?} lives in partition {home}, and not in {wanted}")]
    Elsewhere {
        /// The tenant.
        tenant: TenantId,
        /// Where it lives.
        home: PartitionName,
        /// Where it was looked for: the names of partitions.
        wanted: String,
    },
    /// A partition is to be another log than it was, or a log another partition.
    #[error("{problem}; give partition {partition} the store that it had before")]
    OtherLog {
        /// The partition.
        partition: PartitionName,
        /// What was found.
        problem: String,
    },
    /// There is no such partition.
    #[error("there is no partition {name}; there are: {known}")]
    NoSuchPartition {
        /// The name.
        name: String,
        /// The names of those that there are.
        known: String,
    },
    /// One name is given to two partitions.
    #[error("partition {0} stands twice")]
    Twice(PartitionName),
    /// What cannot be a partition's name.
    #[error(transparent)]
    Name(#[from] InvalidInput),
    /// What cannot be a tenant's name.
    #[error(transparent)]
    Tenant(#[from] InvalidStreamId),
    /// The application of a partition cannot be built.
    #[error("the application of partition {partition} cannot be built: {error}")]
    Build {
        /// The partition.
        partition: PartitionName,
        /// Everything that is wrong.
        error: BuildError,
    },
    /// A read failed, of the directory or of a partition's name.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A write failed, to the directory or of a partition's name. It may be
    /// made again.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl ErrorCode for PartitionError {
    fn code(&self) -> Code {
        match self {
            Self::UnknownTenant { .. } => Code::UNKNOWN_TENANT,
            Self::Elsewhere { .. } => Code::OTHER_PARTITION,
            Self::OtherLog { .. } => Code::OTHER_LOG,
            Self::NoSuchPartition { .. } | Self::Twice(_) | Self::Build { .. } => {
                Code::CONFIGURATION
            }
            Self::Name(_) => Code::INVALID_INPUT,
            Self::Tenant(_) => Code::INVALID_ID,
            Self::Read(error) => error.code(),
            Self::Commit(error) => error.code(),
        }
    }
}
