//! Who calls, and what they may do.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::bus::{Call, Context};
use crate::message::{ActorId, TenantId};
use crate::runtime::BoxFuture;

/// Who calls, as it was established: an [`Authenticate`] hook says it, or an
/// edge that is trusted, by [`Origin::principal`](crate::bus::Origin::principal).
/// Cheap to clone: clones share it.
#[derive(Clone, PartialEq, Eq)]
pub struct Principal(Arc<Known>);

/// What is known of somebody.
#[derive(Clone, PartialEq, Eq)]
struct Known {
    actor: ActorId,
    tenant: Option<TenantId>,
    roles: BTreeSet<Box<str>>,
}

impl Principal {
    /// Somebody without a role.
    #[must_use]
    pub fn new(actor: impl Into<ActorId>) -> Self {
        Self(Arc::new(Known { actor: actor.into(), tenant: None, roles: BTreeSet::new() }))
    }

    /// Adds a role.
    #[must_use]
    pub fn role(mut self, role: impl Into<Box<str>>) -> Self {
        Arc::make_mut(&mut self.0).roles.insert(role.into());
        self
    }

    /// Ties it to a tenant: a call for another one is refused.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<TenantId>) -> Self {
        Arc::make_mut(&mut self.0).tenant = Some(tenant.into());
        self
    }

    /// Who it is.
    #[must_use]
    pub fn actor(&self) -> &ActorId {
        &self.0.actor
    }

    /// The only tenant that it may act for, `None` if any.
    #[must_use]
    pub fn only_tenant(&self) -> Option<&TenantId> {
        self.0.tenant.as_ref()
    }

    /// The roles, sorted.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.0.roles.iter().map(|role| &**role)
    }

    /// Whether it has a role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.0.roles.contains(role)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Known { actor, tenant, roles } = &*self.0;
        let mut shown = f.debug_struct("Principal");
        shown.field("actor", actor).field("tenant", tenant).field("roles", roles).finish()
    }
}

/// Establishes who calls, from what the edge has put into the context: a
/// token in [`Context::extension`], a header.
///
/// ```
/// use cqrs_core::bus::Context;
/// use cqrs_core::policy::{Authenticate, NotAuthenticated, Principal};
///
/// struct Token(String);
/// struct OneToken;
///
/// impl Authenticate for OneToken {
///     async fn authenticate(&self, ctx: &Context) -> Result<Option<Principal>, NotAuthenticated> {
///         match ctx.extension::<Token>() {
///             None => Ok(None),
///             Some(Token(token)) if token == "open sesame" => {
///                 Ok(Some(Principal::new("ali").role("owner")))
///             }
///             Some(_) => Err(NotAuthenticated::new("the token is not known")),
///         }
///     }
/// }
/// ```
pub trait Authenticate: Send + Sync + 'static {
    /// Who calls; `None` when nobody claims to be anybody.
    ///
    /// # Errors
    ///
    /// [`NotAuthenticated`] when a claim does not hold: no handler runs, not
    /// even a public one.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when the caller goes away.
    fn authenticate(
        &self,
        ctx: &Context,
    ) -> impl Future<Output = Result<Option<Principal>, NotAuthenticated>> + Send;
}

/// A claim of identity that does not hold.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct NotAuthenticated {
    reason: Box<str>,
}

impl NotAuthenticated {
    /// With the reason, which the caller may see.
    pub fn new(reason: impl Into<Box<str>>) -> Self {
        Self { reason: reason.into() }
    }
}

/// Decides whether a principal may make a call; named by
/// `#[command(policy = "..")]`.
///
/// ```
/// use cqrs_core::bus::Call;
/// use cqrs_core::policy::{Authorize, Denied, Principal};
///
/// /// Auditors read, nobody else does.
/// struct AuditorsOnly;
///
/// impl Authorize for AuditorsOnly {
///     async fn authorize(&self, _: &Call<'_>, principal: &Principal) -> Result<(), Denied> {
///         if principal.has_role("auditor") { Ok(()) } else { Err(Denied::new("role `auditor`")) }
///     }
/// }
/// ```
pub trait Authorize: Send + Sync + 'static {
    /// Lets a call through, or says what is missing.
    ///
    /// # Errors
    ///
    /// [`Denied`].
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when the caller goes away.
    fn authorize(
        &self,
        call: &Call<'_>,
        principal: &Principal,
    ) -> impl Future<Output = Result<(), Denied>> + Send;
}

/// What a principal lacks for a call.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{missing} is needed")]
pub struct Denied {
    pub(crate) missing: Box<str>,
}

impl Denied {
    /// Names what is missing.
    pub fn new(missing: impl Into<Box<str>>) -> Self {
        Self { missing: missing.into() }
    }
}

/// The hooks behind pointers.
pub(crate) type Authenticator = Arc<dyn ErasedAuthenticate>;
pub(crate) type Authorizer = Arc<dyn ErasedAuthorize>;

pub(crate) trait ErasedAuthenticate: Send + Sync {
    fn authenticate<'a>(
        &'a self,
        ctx: &'a Context,
    ) -> BoxFuture<'a, Result<Option<Principal>, NotAuthenticated>>;
}

impl<T: Authenticate> ErasedAuthenticate for T {
    fn authenticate<'a>(
        &'a self,
        ctx: &'a Context,
    ) -> BoxFuture<'a, Result<Option<Principal>, NotAuthenticated>> {
        Box::pin(Authenticate::authenticate(self, ctx))
    }
}

pub(crate) trait ErasedAuthorize: Send + Sync {
    fn authorize<'a>(
        &'a self,
        call: &'a Call<'a>,
        principal: &'a Principal,
    ) -> BoxFuture<'a, Result<(), Denied>>;
}

impl<T: Authorize> ErasedAuthorize for T {
    fn authorize<'a>(
        &'a self,
        call: &'a Call<'a>,
        principal: &'a Principal,
    ) -> BoxFuture<'a, Result<(), Denied>> {
        Box::pin(Authorize::authorize(self, call, principal))
    }
}

impl fmt::Debug for dyn ErasedAuthorize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorize")
    }
}
